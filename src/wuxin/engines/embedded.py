"""The embedded engine: a plain loop over the two functions any engine calls, step and commit."""

from collections.abc import Callable, Iterable
from typing import TypeVar

_Said = TypeVar("_Said")
_Outcome = TypeVar("_Outcome")


def run(
    entries: Iterable[_Said],
    step: Callable[[_Said], _Outcome],
    *,
    commit: Callable[[_Outcome], None],
) -> int:
    """Take every entry through ``step``, then ``commit`` what it led to; returns how many.

    An entry is committed before the next is stepped, so a crash loses no more than one commit,
    which recovery repeats.
    """
    count = 0
    for said in entries:
        commit(step(said))
        count += 1
    return count
