"""The journal: what was acknowledged, byte for byte; everything else is recomputed from it.

One folder per tenant with segments ``000000000001.seg`` named after their first entry. A record is

    length  u32 LE   of the body
    crc32   u32 LE   of number and body
    number  u64 LE   entries count from 1 without a gap
    check   u32 LE   crc32 of the three before, so that a damaged length is not taken for an end
    body    msgpack of one entry

Acknowledged means durable: :meth:`Journal.append` returns after ``fdatasync``. A torn tail (the
crash of an append that nobody was told of) is cut at opening; damage before it is reported.
"""

import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from wuxin.terms.errors import Tampered
from wuxin.terms.names import Digest, digest
from wuxin.terms.records import Command, Frame

_HEAD: Final = struct.Struct("<IIQI")
_CHECKED: Final = 16
SEGMENT_BYTES: Final = 64 * 1024 * 1024


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    """A source begins: its pack and digest, how its frames are read, and Wuxin's version."""

    source: str
    arrival: int
    pack: str
    pack_digest: Digest
    manifest: Mapping[str, Any]
    software: str


class Arrived(msgspec.Struct, frozen=True, tag="arrived"):
    """A batch of frames of one source, as accepted at ``arrival`` (ns)."""

    source: str
    arrival: int
    frames: tuple[Frame, ...]


class Told(msgspec.Struct, frozen=True, tag="told"):
    """A command of a person or of the bank's core system."""

    source: str
    arrival: int
    command: Command


class Closed(msgspec.Struct, frozen=True, tag="closed"):
    """A recorded source has ended; its last day is closed."""

    source: str
    arrival: int


Entry = Opened | Arrived | Told | Closed
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Entry)


class Journal:
    """An append-only log of entries in one folder.

    Raises:
        Tampered: a record that is not the last contradicts its checksum or number.
    """

    def __init__(self, folder: Path, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        folder.mkdir(parents=True, exist_ok=True)
        self.last = self._recover()
        self._file = self._open_tail()

    def append(self, entry: Entry) -> tuple[int, Digest]:
        """Write one entry durably.

        Returns:
            Its number and the SHA-256 of its body.
        """
        body = _ENCODER.encode(entry)
        number = self.last + 1
        crc = zlib.crc32(body, zlib.crc32(number.to_bytes(8, "little")))
        if self._file.tell() > self._segment_bytes:
            self._file.close()
            self._file = (self._folder / f"{number:012d}.seg").open("ab")
            _sync_folder(self._folder)
        try:
            self._file.write(_head(len(body), crc, number=number) + body)
            self._file.flush()
            os.fdatasync(self._file.fileno())
        except OSError:
            self._file.close()  # what is on the disk is not known: only a new opening may go on
            raise
        self.last = number
        return number, digest(body)

    def read(self, after: int = 0) -> Iterator[tuple[int, Digest, Entry]]:
        """The entries with numbers above ``after``, each with the SHA-256 of its body."""
        for path in segments(self._folder):
            for number, body, _ in records(path):
                if number > after:
                    yield number, digest(body), decode_entry(body)

    def entry(self, number: int) -> Entry:
        """One entry by its number, from the segment that holds it (KeyError if there is none)."""
        holder = [p for p in segments(self._folder) if int(p.stem) <= number]
        for found, body, _ in records(holder[-1]) if holder else ():
            if found == number:
                return decode_entry(body)
        raise KeyError(number)

    def close(self) -> None:
        """Close the open segment."""
        self._file.close()

    def _recover(self) -> int:
        """Cut a torn tail and return the number of the last whole entry."""
        paths, last = segments(self._folder), 0
        for path in paths:
            good = 0
            if int(path.stem) != last + 1:
                raise Tampered(f"journal/{path.name}: entry {last + 1} is missing before it")
            try:
                for number, _, end in records(path):
                    last, good = number, end
            except Tampered:
                if path != paths[-1] or not _torn(path, good):
                    raise
                with path.open("r+b") as file:
                    file.truncate(good)
                    os.fsync(file.fileno())
        return last

    def _open_tail(self) -> Any:
        paths = segments(self._folder)
        path = paths[-1] if paths else self._folder / f"{self.last + 1:012d}.seg"
        file = path.open("ab")
        _sync_folder(self._folder)
        return file


def decode_entry(body: bytes) -> Entry:
    """One entry from a record's body."""
    entry: Entry = _DECODER.decode(body)
    return entry


def segments(folder: Path) -> list[Path]:
    """The segment files of a journal's folder, in order."""
    return sorted(folder.glob("*.seg"))


def records(path: Path) -> Iterator[tuple[int, bytes, int]]:
    """The records of one segment: number, body, and the offset after it.

    Raises:
        Tampered: a checksum or number is wrong, or the file ends inside a record; names the byte.
    """
    data = path.read_bytes()
    offset, expected = 0, int(path.stem)
    while offset < len(data):
        start = offset + _HEAD.size
        where = f"journal/{path.name} at byte {offset}"
        if start > len(data):
            raise Tampered(f"{where}: the file ends inside a record's head")
        length, crc, number, _ = _HEAD.unpack_from(data, offset)
        if data[offset:start] != _head(length, crc, number=number):
            raise Tampered(f"{where}: the head of entry {expected} does not match its checksum")
        body = data[start : start + length]
        if len(body) < length:
            raise Tampered(f"{where}: the file ends inside entry {expected}")
        if number != expected or zlib.crc32(body, zlib.crc32(number.to_bytes(8, "little"))) != crc:
            raise Tampered(f"{where}: entry {expected} does not match its checksum")
        offset, expected = start + length, expected + 1
        yield number, body, offset


def _head(length: int, crc: int, *, number: int) -> bytes:
    check = zlib.crc32(_HEAD.pack(length, crc, number, 0)[:_CHECKED])
    return _HEAD.pack(length, crc, number, check)


def _torn(path: Path, good: int) -> bool:
    """Whether what follows the last whole record can be an append that was cut short.

    A record that is whole in length but wrong in content, or whose head is wrong, was damaged after
    it was acknowledged. Zeros to the end are space that was given but never written.
    """
    with path.open("rb") as file:
        file.seek(good)
        rest = file.read()
    if len(rest) < _HEAD.size or not any(rest):
        return True
    length, crc, number, _ = _HEAD.unpack_from(rest)
    whole = rest[: _HEAD.size] == _head(length, crc, number=number)
    return whole and len(rest) - _HEAD.size < length


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
