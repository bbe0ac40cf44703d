"""Segments: the files of the journal and the records in them, hot or archived.

One folder per tenant with segments ``000000000001.seg`` named after their first entry, and those
that were retired under ``archive/``. A record is

    length  u32 LE   of the body
    crc32   u32 LE   of number and body
    number  u64 LE   entries count from 1 without a gap
    check   u32 LE   crc32 of the three before, so that a damaged length is not taken for an end
    body    msgpack of one entry
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

import msgspec

from wuxin.stores import archive
from wuxin.stores.archive import first_of, label
from wuxin.terms.errors import Tampered

_HEAD: Final = struct.Struct("<IIQI")
_CHECKED: Final = 16


class Listed(msgspec.Struct, frozen=True):
    """One segment in a listing: where it is (hot, archived or discarded), entries and bytes."""

    state: str
    first: int
    last: int
    bytes: int
    note: str = ""


def segments(folder: Path, kept: Path | None = None) -> list[Path]:
    """The segment files of a journal in order, hot where a segment is both hot and archived.

    Args:
        folder: the journal's.
        kept: its archive, ``folder/archive`` if None.
    """
    found = {first_of(p): p for p in (kept or folder / "archive").glob("*.seg.zst")}
    found |= {first_of(p): p for p in folder.glob("*.seg")}
    return [found[first] for first in sorted(found)]


def records(path: Path) -> Iterator[tuple[int, bytes, int]]:
    """The records of one segment: number, body, and the offset after it (unpacked).

    Raises:
        Tampered: a checksum or number is wrong, or the file ends inside a record; names the byte.
    """
    offset, expected = 0, first_of(path)
    with _open(path) as file:
        while head := _take(file, _HEAD.size, path=path):
            where = f"{label(path)} at byte {offset}"
            if len(head) < _HEAD.size:
                raise Tampered(f"{where}: the file ends inside a record's head")
            length, crc, number, _ = _HEAD.unpack(head)
            if head != _head(length, crc, number=number):
                raise Tampered(f"{where}: the head of entry {expected} does not match its checksum")
            body = _take(file, length, path=path)
            if len(body) < length:
                raise Tampered(f"{where}: the file ends inside entry {expected}")
            if number != expected or _crc(number, body) != crc:
                raise Tampered(f"{where}: entry {expected} does not match its checksum")
            offset, expected = offset + _HEAD.size + length, expected + 1
            yield number, body, offset


def record(number: int, body: bytes) -> bytes:
    """One entry as it stands in a segment."""
    return _head(len(body), _crc(number, body), number=number) + body


def torn(path: Path, good: int) -> bool:
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


def listing(folder: Path) -> list[Listed]:
    """Every segment that ever was: discarded, archived and hot, in order.

    Nothing is opened for writing, so this can be asked of a journal that is being written.

    Raises:
        Tampered: a seal or the list of the discarded cannot be read.
    """
    kept = folder / "archive"
    found = [
        Listed("discarded", d.first, d.last, 0, f"{d.on} {d.policy}")
        for d in archive.discarded(kept)
    ]
    paths = segments(folder)
    for path, following in zip(paths, [*paths[1:], None], strict=True):
        size = path.stat().st_size
        if path.suffix != ".seg":
            found.append(Listed("archived", first_of(path), archive.seal(path).last, size))
        elif following:
            found.append(Listed("hot", first_of(path), first_of(following) - 1, size))
        else:
            found.append(Listed("hot", first_of(path), _last(path), size, "open"))
    return found


def _last(path: Path) -> int:
    """The last whole entry of a segment whose tail may be being written."""
    last = first_of(path) - 1
    try:
        for number, _, _ in records(path):
            last = number
    except Tampered:
        return last
    return last


def _open(path: Path) -> AbstractContextManager[Any]:
    return path.open("rb") if path.suffix != ".zst" else archive.unpacked(path)


def _take(file: Any, length: int, *, path: Path) -> bytes:
    """So many bytes, fewer only at the end."""
    try:
        data: bytes = file.read(length)
        while len(data) < length and (more := file.read(length - len(data))):
            data += more
    except OSError as wrong:
        if path.suffix != ".zst":
            raise
        raise Tampered(f"{label(path)} cannot be unpacked: {wrong}") from None
    return data


def _crc(number: int, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(number.to_bytes(8, "little")))


def _head(length: int, crc: int, *, number: int) -> bytes:
    check = zlib.crc32(_HEAD.pack(length, crc, number, 0)[:_CHECKED])
    return _HEAD.pack(length, crc, number, check)
