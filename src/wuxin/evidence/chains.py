"""Chains that keep 32 bytes for good, each by an adapter that is found by entry point.

    [project.entry-points."wuxin.chains"]
    file = "wuxin.evidence.chains:FileChain"        named as file:/mnt/worm/anchors.txt

An adapter is made with the text after its name. No public chain is among ours: whose word a reader
will take, and what a transaction may cost, is for whoever runs the house to say.
"""

import fcntl
import hashlib
import os
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final, Protocol

from wuxin.evidence.note import read_note
from wuxin.terms.errors import BadInput

GROUP: Final = "wuxin.chains"


class Chain(Protocol):
    """A chain that keeps 32 bytes for good; the adapter to one is written by whoever runs it."""

    @property
    def name(self) -> str:
        """The chain's name, as a reader of the evidence will look it up; no tab in it."""

    def put(self, digest: bytes) -> str:
        """Keep 32 bytes; returns where they stand, in the chain's own words, no tab in them.

        Raises:
            OSError: the chain cannot be reached.
        """

    def get(self, place: str) -> bytes | None:
        """The 32 bytes that stand at a place, None where there are none."""


class SimulatedChain:
    """A chain for tests and demonstrations: a list in memory, which proves nothing to anybody."""

    name = "simulated chain (proves nothing)"

    def __init__(self, told: str = "") -> None:
        del told
        self._blocks = list[bytes]()

    def put(self, digest: bytes) -> str:
        """Keep 32 bytes in the next block; returns its number."""
        self._blocks.append(digest)
        return str(len(self._blocks) - 1)

    def get(self, place: str) -> bytes | None:
        """The 32 bytes of a block, None where there is none."""
        known = place.isdigit() and int(place) < len(self._blocks)
        return self._blocks[int(place)] if known else None


class FileChain:
    """A file with one digest on each line, as good as whoever keeps it from being rewritten.

    It is meant for a medium that is written once, or a folder that somebody else copies away.
    """

    def __init__(self, told: str) -> None:
        if not told:
            raise BadInput("a file that keeps digests is named as file:PATH")
        self._path, self.name = Path(told), f"file {Path(told).name}"

    def put(self, digest: bytes) -> str:
        """Add a line, on the disk once this returns; returns its number, from 0.

        Raises:
            OSError: the disk refused.
        """
        with self._path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            place = file.read().count(b"\n")
            file.write(f"{digest.hex()}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        return str(place)

    def get(self, place: str) -> bytes | None:
        """The digest on a line, None where there is none."""
        lines = self._path.read_text("ascii").splitlines() if self._path.is_file() else []
        known = place.isdigit() and int(place) < len(lines)
        return bytes.fromhex(lines[int(place)]) if known else None


def chain(named: str) -> Chain:
    """The chain that is named ``ADAPTER:WHERE``.

    Raises:
        BadInput: no such adapter is installed (those that are get named), or it refuses the rest.
    """
    adapter, _, told = named.partition(":")
    known = {entry.name: entry for entry in sorted(entry_points(group=GROUP))}
    if adapter not in known:
        raise BadInput(f"there is no chain {adapter!r}; chains are {', '.join(known)}")
    found: Chain = known[adapter].load()(told)
    return found


def chain_digest(checkpoint: str) -> bytes:
    """The 32 bytes that stand for a checkpoint on a chain: SHA-256 of its signed text."""
    return hashlib.sha256(read_note(checkpoint)[0].encode()).digest()
