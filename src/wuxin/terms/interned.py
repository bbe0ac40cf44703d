"""Names by number: each is kept once, as bytes in one array, and found through a hash table.

A name costs its length and about 25 bytes, against some 200 as an object of Python in a dict; and
compiled code reads the same table without the GIL.
"""

from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.compiled import compiled

PRIME: Final = np.uint64(1099511628211)
BASIS: Final = np.uint64(14695981039346656037)
_WAITING: Final = 4096
"""Names that are added before they are given their places in the table."""

_Item = TypeVar("_Item", bound=np.generic)


class Names(NamedTuple):
    """Names by number in a hash table: ``slots`` (a power of two, -1 empty), and their bytes.

    ``hashes`` has the upper half of each name's hash, ``ends`` the offset in ``text`` behind it.
    """

    slots: NDArray[np.int32]
    hashes: NDArray[np.uint32]
    ends: NDArray[np.int64]
    text: NDArray[np.uint8]


@compiled()
def hashed(text: NDArray[np.uint8]) -> np.uint64:
    """The 64-bit FNV-1a hash of bytes.

    Source: RFC 9923 §2.
    """
    found = BASIS
    for byte in text:
        found = (found ^ np.uint64(byte)) * PRIME
    return found


@compiled()
def seat(names: Names, first: int, count: int) -> None:
    """Put the names numbered ``first`` up to ``count`` into the hash table that holds those before.

    Their text and ends stand in ``names`` already; the table must have an empty slot beyond them.
    """
    mask = np.int64(len(names.slots) - 1)
    begin = names.ends[first - 1] if first else np.int64(0)
    for number in range(first, count):
        key = BASIS
        for k in range(begin, names.ends[number]):
            key = (key ^ np.uint64(names.text[k])) * PRIME
        begin = names.ends[number]
        names.hashes[number] = key >> np.uint64(32)
        at = np.int64(key & np.uint64(mask))
        while names.slots[at] >= 0:
            at = (at + 1) & mask
        names.slots[at] = number


@compiled(inner=True)
def number_of(names: Names, data: NDArray[np.uint8], start: int, end: int, key: Any) -> Any:
    """The number of the name at ``start`` to ``end`` with hash ``key``, -1 if there is none."""
    mask, half = len(names.slots) - 1, np.uint64(key) >> np.uint64(32)
    at = np.int64(key & np.uint64(mask))
    while names.slots[at] >= 0:
        number = names.slots[at]
        if names.hashes[number] == half:
            begin = names.ends[number - 1] if number else np.int64(0)
            if names.ends[number] - begin == end - start:
                same = True
                for k in range(end - start):
                    same &= names.text[begin + k] == data[start + k]
                if same:
                    return np.int64(number)
        at = (at + 1) & mask
    return -1


@compiled()
def _looked_up(names: Names, name: NDArray[np.uint8]) -> Any:
    key = BASIS
    for byte in name:
        key = (key ^ np.uint64(byte)) * PRIME
    return number_of(names, name, 0, len(name), key)


class Interned:
    """Names numbered in the order in which they were added; :attr:`names` is for compiled code.

    A new name costs what it is long, however many there are: only where the table gets too full is
    it laid out again, twice as large.
    """

    def __init__(self) -> None:
        self._count = 0
        self._waiting: dict[bytes, int] = {}
        self._names = Names(
            np.full(16, -1, np.int32), np.zeros(8, np.uint32), np.zeros(8, np.int64),
            np.zeros(256, np.uint8),
        )  # fmt: skip

    def __len__(self) -> int:
        return self._count + len(self._waiting)

    def number(self, name: bytes) -> int:
        """The number of a name, -1 if it was never added."""
        waiting = self._waiting.get(name)
        if waiting is not None or not self._count:
            return -1 if waiting is None else waiting
        return int(_looked_up(self._names, np.frombuffer(name, np.uint8)))

    def add(self, name: bytes) -> int:
        """Number a name that has no number yet."""
        number = self._waiting[name] = len(self)
        if len(self._waiting) >= _WAITING:
            self._seat()
        return number

    def name(self, number: int) -> bytes:
        """The name of a number that was given."""
        _, _, ends, text = self.names
        return text[ends[number - 1] if number else 0 : ends[number]].tobytes()

    @property
    def names(self) -> Names:
        """The table with all that was added; it does not change until a name is added."""
        if self._waiting:
            self._seat()
        return self._names

    def freeze(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The text of all names and where each ends."""
        ends = self.names.ends[: len(self)]
        return self.names.text[: int(ends[-1]) if len(ends) else 0], ends

    @classmethod
    def thaw(cls, text: NDArray[Any], ends: NDArray[Any]) -> "Interned":
        """The names that :meth:`freeze` gave, under the same numbers."""
        found, count = cls(), len(ends)
        slots = np.full(max(16, 1 << (2 * count).bit_length()), -1, np.int32)
        hashes = np.zeros(max(8, count), np.uint32)
        found._names = Names(slots, hashes, _copied(ends, 8), _copied(text, 256))
        found._count = count
        seat(found._names, 0, count)
        return found

    def _seat(self) -> None:
        slots, hashes, ends, text = self._names
        first, count = self._count, len(self)
        added = np.frombuffer(b"".join(self._waiting), np.uint8)
        begin = int(ends[first - 1]) if first else 0
        hashes, ends = _grown(hashes, count), _grown(ends, count)
        text = _grown(text, begin + len(added))
        ends[first:count] = begin + np.cumsum([len(name) for name in self._waiting])
        text[begin : begin + len(added)] = added
        if 2 * count > len(slots):
            slots, first = np.full(1 << (2 * count).bit_length(), -1, np.int32), 0
        self._names = Names(slots, hashes, ends, text)
        self._count = count
        self._waiting = {}
        seat(self._names, first, count)


def _grown(array: NDArray[_Item], size: int) -> NDArray[_Item]:
    """The array itself if it has that size, else one with room for as much again."""
    return array if size <= len(array) else _copied(array, 2 * size)


def _copied(array: NDArray[_Item], size: int) -> NDArray[_Item]:
    """A copy that has at least that size; pages that nothing is written to cost nothing."""
    larger = np.zeros(max(size, len(array)), array.dtype)
    larger[: len(array)] = array
    return larger
