"""State files: all that is remembered, up to one entry of the journal, in one file.

    state-000000000042.snap
        magic       8 bytes
        length      u64 LE   of the head
        head        msgpack: number, schema, meta (plain values), table of arrays
        arrays      raw, each at a multiple of 64 bytes behind the head
        check       SHA-256 of all before

The same state gives the same bytes. A state file saves time and nothing else: one that is damaged,
or of another schema, is passed over with its reason, and the journal is replayed from before it.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from wuxin.terms.errors import BadInput, Tampered

_MAGIC: Final = b"WXSTATE1"
_ALIGNED: Final = 64
_CHECK: Final = 32
_UNFINISHED: Final = ".writing"
_PIECE: Final = 16 * 1024 * 1024
KEPT: Final = 2
"""How many state files stay: the newest, and one more in case that one is damaged."""


class Snapshot(NamedTuple):
    """State after entry ``number``: plain values and arrays; ``schema`` says how to read them."""

    number: int
    schema: str
    meta: Any
    arrays: Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Found:
    """The newest usable state file, if there is one, and why newer ones were passed over."""

    snapshot: Snapshot | None
    passed: list[str] = field(default_factory=list)


def write(folder: Path, snapshot: Snapshot) -> Path:
    """Write a state file durably: whole under its name, or not there at all; then tidy older ones.

    Raises:
        BadInput: an array holds objects, which have no bytes.
        OSError: the disk refused; the older files stand.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"state-{snapshot.number:012d}.snap"
    unfinished = path.with_name(path.name + _UNFINISHED)
    arrays = {k: np.ascontiguousarray(v) for k, v in sorted(snapshot.arrays.items())}
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise BadInput(f"state {name!r} holds objects; only arrays of numbers can be kept")
    table = [[name, a.dtype.str, list(a.shape)] for name, a in arrays.items()]
    head = msgspec.msgpack.encode([snapshot.number, snapshot.schema, snapshot.meta, table])
    check = hashlib.sha256()
    with unfinished.open("wb") as file:
        begin = _MAGIC + len(head).to_bytes(8, "little") + head
        parts: list[Any] = [array.data.cast("B") for array in arrays.values() if array.size]
        for part in (begin, *parts):
            for piece in (part, bytes(-len(part) % _ALIGNED)):
                check.update(piece)
                file.write(piece)
        file.write(check.digest())
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    _sync(folder)
    for old in sorted(folder.glob("state-*.snap"))[:-KEPT]:
        old.unlink()
    return path


def newest(folder: Path, schema: str, *, at_most: int) -> Found:
    """The newest state file of this schema that is whole and not beyond entry ``at_most``."""
    for left in folder.glob(f"*{_UNFINISHED}"):
        left.unlink()
    passed = []
    for path in sorted(folder.glob("state-*.snap"), reverse=True):
        try:
            found = read(path)
        except Tampered as wrong:
            passed.append(str(wrong))
            continue
        if found.schema != schema:
            passed.append(f"{path.name} is of schema {found.schema}, not {schema}")
        elif found.number > at_most:
            passed.append(f"{path.name} is beyond the journal, which ends at entry {at_most}")
        else:
            return Found(found, passed)
    return Found(None, passed)


def read(path: Path) -> Snapshot:
    """Read one state file.

    Raises:
        Tampered: it is not whole, or a byte of it has changed.
    """
    data = np.fromfile(path, np.uint8)
    check = hashlib.sha256()
    for at in range(0, len(data) - _CHECK, _PIECE):
        check.update(data[at : min(at + _PIECE, len(data) - _CHECK)].data)
    if bytes(data[:8]) != _MAGIC or check.digest() != data[-_CHECK:].tobytes():
        raise Tampered(f"{path.name} does not match its checksum")
    at = 16 + int.from_bytes(bytes(data[8:16]), "little")
    number, schema, meta, table = msgspec.msgpack.decode(bytes(data[16:at]))
    at += -at % _ALIGNED
    arrays = {}
    for name, kind, shape in table:
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(kind).itemsize
        arrays[name] = data[at : at + size].view(kind).reshape(shape)
        at += size + -size % _ALIGNED
    return Snapshot(number, schema, meta, arrays)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
