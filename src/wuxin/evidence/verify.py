"""Verify a whole log from its files and the public key; every fault is named with its place.

Each entry is hashed again, every tile of every level recomputed, and the root compared with the
signed one. Nothing here needs more than the standard library and an Ed25519 check.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from wuxin.evidence.audit import Audit, Fault
from wuxin.evidence.layout import CHECKPOINT, ENTRIES, Tile
from wuxin.evidence.note import Head, Verifier, open_checkpoint
from wuxin.terms.errors import Tampered

__all__ = ["Fault", "LogReport", "verify_log"]


@dataclass(frozen=True)
class LogReport:
    """What a verification found.

    ``head`` is the signed head, None where its signature does not hold; ``size`` the number of
    leaves examined. ``leftovers`` are files beyond the signed size, as an append leaves that was
    never signed: they are no part of the log, and the next append clears them away.
    """

    head: Head | None
    size: int
    faults: tuple[Fault, ...]
    leftovers: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def verify_log(
    directory: Path,
    vkey: str,
    *,
    expected: Iterable[bytes] | None = None,
    known: Head | None = None,
) -> LogReport:
    """Check signature, root, and every tile and entry of a log; collects all faults.

    Args:
        directory: the log's directory (C2SP tlog-tiles).
        vkey: the verifier key that its checkpoint must be signed with.
        expected: the leaves it should hold in order, for example recomputed from the journal.
        known: a head remembered elsewhere (the caller's database, a witness); the signed one must
            be the same or an extension of it.

    Raises:
        BadInput: ``vkey`` is no verifier key.
    """
    Verifier.parse(vkey)  # whoever asks with a wrong key shall not be told of a tampered log
    head, refusal = _signed_head(directory, vkey)
    files = sorted(_files(directory))
    trusted = head or known
    size = trusted.size if trusted else _size_of(files)
    older = known.size if known and known.size < size else None
    audit = Audit(directory, size=size, root=trusted.root if trusted else None, older=older)
    if refusal:
        audit.fault(CHECKPOINT, refusal)
    audit.sort(files)
    audit.climb(None if expected is None else iter(expected))
    if head and audit.root_at(size) not in (None, head.root):
        audit.fault(CHECKPOINT, "the signed root is not the root of the entries")
    elif head and known and (doubt := _contradiction(audit, head, known=known)):
        audit.fault(CHECKPOINT, doubt)
    return LogReport(head, size, tuple(audit.faults), tuple(audit.leftovers))


def _signed_head(directory: Path, vkey: str) -> tuple[Head | None, str]:
    try:
        text = (directory / CHECKPOINT).read_bytes().decode()
        return open_checkpoint(text, vkey), ""
    except Tampered as refusal:
        return None, str(refusal)
    except UnicodeDecodeError:
        return None, "the checkpoint is not UTF-8"
    except OSError:
        return None, "the checkpoint is missing"


def _files(directory: Path) -> Iterator[str]:
    for parent, _, names in os.walk(directory):
        for name in names:
            yield (Path(parent) / name).relative_to(directory).as_posix()


def _size_of(files: Iterable[str]) -> int:
    """How many leaves the bundles hold, for when no head can be trusted to say."""
    tiles = filter(None, map(Tile.parse, files))
    return max((tile.end for tile in tiles if tile.level == ENTRIES), default=0)


def _contradiction(audit: Audit, head: Head, *, known: Head) -> str:
    """Why the signed head is neither the known one nor an extension of it; empty if it is."""
    if head.origin != known.origin:
        return f"it is of {head.origin}, not of {known.origin}"
    if head.size < known.size:
        return f"rolled back: it signs {head.size} leaves where {known.size} are known"
    root = head.root if head.size == known.size else audit.root_at(known.size)
    if root not in (None, known.root):
        return f"forked: its first {known.size} leaves are not the known ones"
    return ""
