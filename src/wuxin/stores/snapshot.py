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
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from wuxin.terms.durable import UNFINISHED, settle
from wuxin.terms.errors import BadInput, Tampered

_MAGIC: Final = b"WXSTATE1"
_ALIGNED: Final = 64
_CHECK: Final = 32
_NAMED: Final = "state-" + 12 * "[0-9]" + ".snap"
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

    Files of later entries stay: a slice that is run again is not the newest.

    Raises:
        BadInput: an array holds objects or fields, of which its bytes do not tell.
        OSError: the disk refused; the older files stand, and the room is given back.
    """
    arrays = {k: _plain(v, name=k) for k, v in sorted(snapshot.arrays.items())}
    table = [[name, a.dtype.str, list(a.shape)] for name, a in arrays.items()]
    head = msgspec.msgpack.encode([snapshot.number, snapshot.schema, snapshot.meta, table])
    begin = _MAGIC + len(head).to_bytes(8, "little") + head
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"state-{snapshot.number:012d}.snap"
    unfinished = path.with_name(path.name + UNFINISHED)
    try:
        _fill(unfinished, [begin, *(a.reshape(-1).view(np.uint8).data for a in arrays.values())])
        settle(unfinished, path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    older = sorted(old for old in folder.glob(_NAMED) if old.name <= path.name)
    for old in older[:-KEPT]:
        old.unlink()
    return path


def newest(folder: Path, schema: str, *, at_most: int) -> Found:
    """The newest state file of this schema that is whole and not beyond entry ``at_most``."""
    for left in folder.glob(f"*{UNFINISHED}"):
        left.unlink()
    passed = []
    for path in sorted(folder.glob(_NAMED), reverse=True):
        if _number(path) > at_most:
            passed.append(f"{path.name} is beyond entry {at_most}, the last that all stores have")
            continue
        try:
            found = read(path)
        except Tampered as wrong:
            passed.append(str(wrong))
        except OSError as wrong:
            passed.append(f"{path.name} cannot be read: {wrong.strerror}")
        else:
            if found.schema == schema:
                return Found(found, passed)
            passed.append(f"{path.name} is of schema {found.schema}, not {schema}")
    return Found(None, passed)


def read(path: Path) -> Snapshot:
    """Read one state file.

    Raises:
        Tampered: it is not whole, a byte of it has changed, or it bears another's number.
        OSError: the disk refused.
    """
    data = np.fromfile(path, np.uint8)
    check = hashlib.sha256(data[:-_CHECK].data)
    if bytes(data[:8]) != _MAGIC or check.digest() != data[-_CHECK:].tobytes():
        raise Tampered(f"{path.name} does not match its checksum")
    at = 16 + int.from_bytes(bytes(data[8:16]), "little")
    number, schema, meta, table = msgspec.msgpack.decode(data[16:at].data)
    if number != _number(path):
        raise Tampered(f"{path.name} is the state of entry {number}")
    at += -at % _ALIGNED
    arrays = {}
    for name, kind, shape in table:
        size = math.prod(shape) * np.dtype(kind).itemsize
        arrays[name] = data[at : at + size].view(kind).reshape(shape)
        at += size + -size % _ALIGNED
    return Snapshot(number, schema, meta, arrays)


def _number(path: Path) -> int:
    return int(path.stem.removeprefix("state-"))


def _plain(array: NDArray[Any], *, name: str) -> NDArray[Any]:
    """The array in the order of C; not copied where it is so already."""
    if array.dtype.hasobject or array.dtype.kind == "V":
        raise BadInput(f"state {name!r} holds {array.dtype}; only plain arrays can be kept")
    return np.asarray(array, order="C")


def _fill(path: Path, parts: Sequence[Any]) -> None:
    """Write parts, each filled up to where the next begins, and the checksum."""
    check = hashlib.sha256()
    with path.open("wb") as file:
        for part in parts:
            for piece in (part, bytes(-len(part) % _ALIGNED)):
                check.update(piece)
                file.write(piece)
        file.write(check.digest())
