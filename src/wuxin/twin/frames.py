"""The frames behind what is remembered, by the numbers that references have.

A reference is ``frame number << 32 | line``. A frame to which nothing refers any more is forgotten,
so that a house which hears devices for years does not keep a number for every message: when there
are twice as many as were left the last time, those that are referred to are kept. When that happens
depends on the journal alone, so state files made anywhere are the same.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.names import Digest
from wuxin.terms.records import Cause

LEAST: Final = 1 << 16
"""How many frames are kept without asking whether anything refers to them."""

_LINE: Final = 0xFFFFFFFF


class Known(NamedTuple):
    """Where a frame is from, its hash, and how well its sender was known."""

    source: str
    id: Digest
    trust: str


class Frames:
    """Numbers of frames, in the order in which they came.

    Args:
        least: how many are kept without asking.
    """

    def __init__(self, least: int = LEAST) -> None:
        self._least, self._left, self._next = least, 0, 0
        self._known: dict[int, Known] = {}
        self._numbers: dict[tuple[Digest, str], int] = {}

    def __len__(self) -> int:
        return len(self._known)

    def add(self, known: Known) -> int:
        """Number a frame."""
        number, self._next = self._next, self._next + 1
        self._known[number] = known
        self._numbers[known.id, known.trust] = number
        return number

    def number(self, cause: Cause) -> int | None:
        """The number of the frame that a cause names; None where it is forgotten."""
        return self._numbers.get((cause.id, cause.trust))

    def causes(self, first: int, last: int) -> tuple[Cause, ...]:
        """The frames and lines behind a pair of references."""
        low, high = (max(ref, 0) & _LINE for ref in (first, last))
        one, two = self._known[first >> 32], self._known[last >> 32]
        if one.id == two.id:
            lines = (min(low, high), max(low, high))
            return (Cause("frame", one.id, one.source, lines, one.trust),)
        return (
            Cause("frame", one.id, one.source, (low, low), one.trust),
            Cause("frame", two.id, two.source, (high, high), two.trust),
        )

    def sweep(self, referred: Callable[[], NDArray[np.int64]]) -> None:
        """Forget what nothing refers to, if there is much to forget.

        Args:
            referred: gives the references that are remembered, (n) in any order.
        """
        if len(self._known) < max(self._least, 2 * self._left):
            return
        living = np.unique(referred() >> 32)
        self._known = {n: self._known[n] for n in living.tolist() if n in self._known}
        self._numbers = {(known.id, known.trust): n for n, known in self._known.items()}
        self._left = len(self._known)

    def freeze(self) -> list[Any]:
        """All that is remembered, as plain values."""
        return [self._next, self._left, [[n, *known] for n, known in self._known.items()]]

    def thaw(self, kept: list[Any]) -> None:
        """Take over what :meth:`freeze` gave."""
        self._next, self._left, known = kept
        self._known = {n: Known(source, Digest(key), trust) for n, source, key, trust in known}
        self._numbers = {(each.id, each.trust): n for n, each in self._known.items()}
