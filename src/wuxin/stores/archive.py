"""The archive: journal segments that left the hot folder, compressed and sealed, kept as evidence.

``000000000001.seg.zst`` is a Zstandard file that any tool unpacks. Its last frame is a skippable
one (RFC 8878, clause 3.1.2), which unpackers pass over and which seals what stands before it:

    magic   u32 LE   0x184D2A50
    size    u32 LE   72
    last    u64 LE   the last entry of the segment
    raw     32 B     SHA-256 of the segment as it was
    whole   32 B     SHA-256 of the file up to here

``discarded.jsonl`` has one line for each segment that a policy has deleted.
"""

import hashlib
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
import pyarrow as pa

from wuxin.terms.clock import iso
from wuxin.terms.durable import (
    UNFINISHED,
    make_directory,
    settle,
    sync_directory,
    write_files,
)
from wuxin.terms.errors import Gone, Tampered

_SEAL: Final = struct.Struct("<IIQ32s32s")
_MAGIC: Final = 0x184D2A50
_DIGEST: Final = 32
_CHUNK: Final = 1 << 20
_LIST: Final = "discarded.jsonl"


class Seal(msgspec.Struct, frozen=True):
    """What an archived segment says of itself: its last entry and the digest of its raw bytes."""

    last: int
    raw: bytes
    whole: bytes


class Discarded(msgspec.Struct, frozen=True):
    """A segment that was deleted: its entries, its digest, under which policy and when (ns)."""

    first: int
    last: int
    sha256: str
    policy: str
    at: int

    def gone(self) -> Gone:
        """The answer to who asks for one of its entries."""
        return Gone(
            f"the raw bytes of journal entries {self.first} to {self.last} were deleted on "
            f"{self.on} under the policy {self.policy!r}; their digests remain proven",
            policy=self.policy, on=self.on,
        )  # fmt: skip

    @property
    def on(self) -> str:
        """The day of the deletion (UTC)."""
        return iso(self.at)[:10]


def keep(path: Path, archive: Path, *, last: int) -> Path:
    """Compress a hot segment into the archive: synced, renamed and read back.

    The hot file is left where it is; whoever deletes it does so after this has returned.

    Raises:
        OSError: the disk refused; the archive has the whole file or none.
        Tampered: what was read back is not what was written.
    """
    make_directory(archive)
    target = archive / f"{path.name}.zst"
    fresh = target.with_name(target.name + UNFINISHED)
    raw = hashlib.sha256()
    with path.open("rb") as source, pa.CompressedOutputStream(str(fresh), "zstd") as packed:
        for chunk in _chunks(source):
            raw.update(chunk)
            packed.write(chunk)
    with fresh.open("r+b") as file:
        whole = hashlib.sha256()
        for chunk in _chunks(file):
            whole.update(chunk)
        sealed = _SEAL.pack(_MAGIC, _SEAL.size - 8, last, raw.digest(), bytes(_DIGEST))[:-_DIGEST]
        whole.update(sealed)
        file.write(sealed + whole.digest())
    settle(fresh, target)
    back = hashlib.sha256()
    with unpacked(target) as stream:
        for chunk in _chunks(stream):
            back.update(chunk)
    if back.digest() != raw.digest():
        raise Tampered(f"{label(target)} does not unpack to the segment it was made of")
    return target


@contextmanager
def unpacked(path: Path) -> Iterator[Any]:
    """The raw bytes of an archived segment as a stream, its seal checked first.

    Raises:
        Tampered: the file does not match its seal.
    """
    check(path)
    with pa.OSFile(str(path), "rb") as packed, pa.CompressedInputStream(packed, "zstd") as stream:
        yield stream


def check(path: Path) -> Seal:
    """Compare an archived segment with its seal.

    Raises:
        Tampered: a byte of the file was changed.
    """
    said = seal(path)
    left, whole = path.stat().st_size - _DIGEST, hashlib.sha256()
    with path.open("rb") as file:
        while left and (chunk := file.read(min(left, _CHUNK))):
            whole.update(chunk)
            left -= len(chunk)
    if whole.digest() != said.whole:
        raise Tampered(f"{label(path)} does not match its SHA-256")
    return said


def seal(path: Path) -> Seal:
    """The seal of an archived segment, read but not compared.

    Raises:
        Tampered: the file does not end in a seal.
    """
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - _SEAL.size, 0))
        data = file.read()
    if len(data) == _SEAL.size:
        magic, size, last, raw, whole = _SEAL.unpack(data)
        if (magic, size) == (_MAGIC, _SEAL.size - 8):
            return Seal(last, raw, whole)
    raise Tampered(f"{label(path)} does not end in a seal")


def discarded(archive: Path) -> list[Discarded]:
    """The segments that were deleted, in order.

    Raises:
        Tampered: the list cannot be read, or has a gap.
    """
    path, found = archive / _LIST, list[Discarded]()
    if not path.exists():
        return found
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            found.append(msgspec.json.decode(line, type=Discarded))
        except msgspec.DecodeError:
            raise Tampered(f"{label(path)} line {number} is not one of ours") from None
        if found[-1].first != (found[-2].last if len(found) > 1 else 0) + 1:
            raise Tampered(f"{label(path)} line {number}: a segment is missing before it")
    return found


def discard(paths: Sequence[Path], archive: Path, *, policy: str, at: int) -> list[Discarded]:
    """Delete archived segments for good; the list of what was deleted is on the disk before.

    Raises:
        Tampered: one of them does not match its seal; nothing was deleted.
    """
    fresh = [
        Discarded(first_of(path), said.last, said.raw.hex(), policy, at)
        for path in paths
        for said in [check(path)]
    ]
    if fresh:
        lines = [msgspec.json.encode(d) + b"\n" for d in [*discarded(archive), *fresh]]
        write_files({archive / _LIST: b"".join(lines)})
    finish(archive)
    return fresh


def finish(archive: Path) -> None:
    """Delete what the list says is deleted; a crash may have come between the two."""
    left = [archive / f"{d.first:012d}.seg.zst" for d in discarded(archive)]
    there = [path for path in left if path.exists()]
    for path in there:
        path.unlink()
    if there:
        sync_directory(archive)


def first_of(path: Path) -> int:
    """The number of the first entry of a segment, which its file is named after."""
    return int(path.name.split(".", 1)[0])


def label(path: Path) -> str:
    """How a file of the journal is named in messages."""
    return f"journal/{path.name}" if path.suffix == ".seg" else f"journal/archive/{path.name}"


def _chunks(file: BinaryIO | Any) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk
