"""Circles among lots: which lots are made, directly or not, from one another.

Source: R. Tarjan, Depth-first search and linear graph algorithms, SIAM J. Comput. 1 (1972) 146-160.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def circles(start: T, sources: Callable[[T], Iterable[T]]) -> Iterator[list[T]]:
    """The circles from which a start is reached, each after all those that it comes from.

    One that stands in no circle is a list of its own. The time is linear in what is walked.

    Args:
        start: where to begin.
        sources: what one is made from.
    """
    number: dict[T, int] = {start: 0}
    lowest: dict[T, int] = {start: 0}
    held, waiting = [start], {start}
    path = [(start, iter(sources(start)))]
    while path:
        here, left = path[-1]
        source = next(left, None)
        if source is not None:
            if source not in number:
                number[source] = lowest[source] = len(number)
                held.append(source)
                waiting.add(source)
                path.append((source, iter(sources(source))))
            elif source in waiting:
                lowest[here] = min(lowest[here], number[source])
            continue
        path.pop()
        if path:
            above = path[-1][0]
            lowest[above] = min(lowest[above], lowest[here])
        if lowest[here] == number[here]:
            found: list[T] = []
            while not found or found[-1] != here:
                found.append(held.pop())
            waiting.difference_update(found)
            yield found
