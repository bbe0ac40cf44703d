"""The embedded engine: a plain loop over the two functions any engine calls."""

from collections.abc import Callable, Iterable
from typing import TypeVar

_Piece = TypeVar("_Piece")
_Result = TypeVar("_Result")


def run(
    pieces: Iterable[_Piece],
    run_slice: Callable[[_Piece], _Result],
    *,
    commit: Callable[[_Result], None],
) -> int:
    """Run every slice in order, then ``commit`` what it led to; returns how many.

    A slice is committed before the next is run, so a crash loses no more than one commit, which
    recovery repeats.
    """
    count = 0
    for piece in pieces:
        commit(run_slice(piece))
        count += 1
    return count
