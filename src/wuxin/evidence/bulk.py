"""Leaf hashes of a whole batch of messages, and a tree over them in which one can be shown alone.

    leaf    SHA-256(0x00 ‖ message)                       as RFC 6962 §2.1 has it
    node    SHA-256(0x10 ‖ up to 16 hashes below it)      rows are grouped from the left
    root    SHA-256(0x11 ‖ number of messages, 8 bytes big-endian ‖ the one hash left at the top)

The first byte keeps the three apart, and the number pins the shape of the tree, so that a path says
which message of how many it is about. Sixteen at a time because a tree of pairs costs fifteen times
as many nodes, which is about as much again as all the leaves.

Leaves are hashed by compiled code through OpenSSL's own SHA-256, without the GIL and without an
object for each message; where its functions cannot be reached, by :mod:`hashlib`, with the same
result.
"""

import ctypes
import hashlib
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

import numpy as np
from llvmlite import binding
from numpy.typing import NDArray

from wuxin.terms.compiled import compiled

from numba import types  # isort: skip - compiled sets the folder of Numba's cache first

WIDTH: Final = 16
_LEAF: Final = b"\x00"
_NODE: Final = b"\x10"
_ROOT: Final = b"\x11"
_BYTES: Final = 32
_CONTEXT: Final = 256  # SHA256_CTX takes 112 bytes
_STEPS: Final = ("SHA256_Init", "SHA256_Update", "SHA256_Final")

# Names of our own: another copy of libcrypto in the process cannot be taken for this one.
_init: Any = types.ExternalFunction("wuxin_SHA256_Init", types.int32(types.uintp))
_update: Any = types.ExternalFunction(
    "wuxin_SHA256_Update", types.int32(types.uintp, types.uintp, types.uintp)
)
_final: Any = types.ExternalFunction("wuxin_SHA256_Final", types.int32(types.uintp, types.uintp))


def linked() -> bool:
    """Make OpenSSL's SHA-256 known to compiled code; whether it could be found.

    It is looked for behind Python's own ``_hashlib``, so no second library is loaded.
    """
    where = getattr(import_module("_hashlib"), "__file__", None)
    if where is None:
        return False
    try:
        library = ctypes.CDLL(where)
        found = [ctypes.cast(getattr(library, step), ctypes.c_void_p).value for step in _STEPS]
    except (OSError, AttributeError):
        return False
    for step, address in zip(_STEPS, found, strict=True):
        binding.add_symbol(f"wuxin_{step}", address)
    return True


_LINKED: Final = linked()


def message_hashes(payload: bytes | memoryview, ends: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Return the leaf hash of each message.

    Args:
        payload: the messages, one after the other.
        ends: the offset behind the last byte of each, shape (m,), the last one the payload's end.

    Returns:
        SHA-256(0x00 ‖ message), shape (m, 32).

    Source: RFC 6962 §2.1.
    """
    data = np.frombuffer(payload, np.uint8)
    whole = int(ends[-1]) if len(ends) else 0
    assert whole == len(data), "the messages do not end where the payload ends"
    assert not len(ends) or (ends[0] >= 0 and bool(np.all(ends[1:] >= ends[:-1]))), "ends go back"
    return _by_openssl(data, ends) if _LINKED else _by_hashlib(data, ends)


def root(hashes: NDArray[np.uint8]) -> bytes:
    """The 32 bytes that stand for all messages of a batch, from their leaf hashes (m, 32)."""
    return _crown(_rows(hashes)[-1], len(hashes))


def path(hashes: NDArray[np.uint8], index: int) -> list[bytes]:
    """What shows that message ``index`` is in the batch: on each row, the hashes beside its own.

    ``0 <= index < m`` is the caller's duty.
    """
    found = []
    for row in _rows(hashes)[:-1]:
        group, own = index - index % WIDTH, _BYTES * (index % WIDTH)
        beside = row[_BYTES * group : _BYTES * (group + WIDTH)]
        found.append(beside[:own] + beside[own + _BYTES :])
        index //= WIDTH
    return found


def check(message: bytes, index: int, *, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether ``path`` shows that ``message`` is number ``index`` of ``size`` under ``root``.

    Nothing that is given needs to be trusted but the root.
    """
    if not 0 <= index < size < 2**64:
        return False
    found, left = hashlib.sha256(_LEAF + message).digest(), size
    for beside in path:
        group, own = index - index % WIDTH, _BYTES * (index % WIDTH)
        if left == 1 or len(beside) != _BYTES * (min(WIDTH, left - group) - 1):
            return False
        found = hashlib.sha256(_NODE + beside[:own] + found + beside[own:]).digest()
        index, left = index // WIDTH, -(-left // WIDTH)
    return left == 1 and _crown(found, size) == root


def _rows(hashes: NDArray[np.uint8]) -> list[bytes]:
    """All rows of the tree, leaves first; the last is one hash, or nothing for no messages."""
    rows, step = [hashes.tobytes()], _BYTES * WIDTH
    while len(rows[-1]) > _BYTES:
        row = rows[-1]
        groups = (row[at : at + step] for at in range(0, len(row), step))
        rows.append(b"".join([hashlib.sha256(_NODE + group).digest() for group in groups]))
    return rows


def _crown(top: bytes, size: int) -> bytes:
    return hashlib.sha256(_ROOT + size.to_bytes(8, "big") + top).digest()


def _by_hashlib(data: NDArray[np.uint8], ends: NDArray[np.int32]) -> NDArray[np.uint8]:
    """The hashes one by one."""
    view, begin, found = data.tobytes(), 0, []
    for end in ends.tolist():
        found.append(hashlib.sha256(_LEAF + view[begin:end]).digest())
        begin = end
    return np.frombuffer(b"".join(found), np.uint8).reshape(-1, _BYTES)


def _by_openssl(data: NDArray[np.uint8], ends: NDArray[np.int32]) -> NDArray[np.uint8]:
    """The hashes in one call; only where the functions are linked."""
    found = np.zeros((len(ends), _BYTES), np.uint8)
    _hash_all(data, ends, np.zeros(_CONTEXT + 1, np.uint8), found)
    return found


@compiled()
def _hash_all(
    data: NDArray[np.uint8], ends: NDArray[np.int32], room: NDArray[np.uint8], found: Any
) -> None:
    """Hash each message into ``found``; ``room`` has a zero, the leaf's prefix, at its end."""
    at, context = data.ctypes.data, room.ctypes.data
    begin = np.int64(0)
    for i in range(len(ends)):
        end = np.int64(ends[i])
        _init(context)
        _update(context, context + _CONTEXT, 1)
        _update(context, at + begin, end - begin)
        _final(found.ctypes.data + i * _BYTES, context)
        begin = end
