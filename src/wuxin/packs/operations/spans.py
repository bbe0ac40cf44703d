"""Times in which something was so: spans of readings that stand until the next one, or go stale."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from wuxin.terms.clock import SECOND
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived, Series


class Span(NamedTuple):
    """From and to (ns); the end is no part of it."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """How long it is (ns)."""
        return self.end - self.start


def during(
    test: Callable[..., bool],
    *series: Series,
    start: int,
    end: int,
    stale: Sequence[int] = (),
) -> list[Span]:
    """The spans of ``[start, end)`` in which a test of the latest values holds.

    A value stands from its reading to the next one of its series. Where a series has nothing yet,
    or its latest value is older than its ``stale``, the test is given None in its place.

    Args:
        test: given the latest value of each series, or None, in their order.
        series: each in order of event time.
        start: the beginning (ns).
        end: the end (ns).
        stale: for each series how long a value stands (ns); 0, or no entry: until the next.

    Returns:
        Spans in order; those that touch are one.
    """
    limits = [*stale, *[0] * (len(series) - len(stale))]
    cuts = {start}
    for one, limit in zip(series, limits, strict=True):
        cuts |= {int(t) for t in one.t}
        if limit:
            cuts |= {int(t) + limit for t in one.t}
    at = sorted(t for t in cuts if start <= t < end)
    found: list[Span] = []
    for k, t in enumerate(at):
        until = at[k + 1] if k + 1 < len(at) else end
        values = [_latest(one, t, limit=limit) for one, limit in zip(series, limits, strict=True)]
        if not test(*values):
            continue
        if found and found[-1].end == t:
            found[-1] = Span(found[-1].start, until)
        else:
            found.append(Span(t, until))
    return found


def _latest(one: Series, at: int, *, limit: int) -> float | None:
    place = int(np.searchsorted(one.t, at, "right")) - 1
    if place < 0 or (limit and at - int(one.t[place]) >= limit):
        return None
    return float(one.v[place])


def total(spans: Sequence[Span], *, beyond: int = 0) -> int:
    """The time (ns) of the spans that are longer than ``beyond`` (ns)."""
    return sum(span.length for span in spans if span.length > beyond)


def of_day(view: DayView, thing: ThingKey, *, name: str, value: float) -> Derived:
    """A figure of the day, dated in the day's last second."""
    return Derived(thing, name, np.array([view.end - SECOND], np.int64), np.array([value]))


def latest(view: DayView, thing: ThingKey, *, indicator: str, days: int = 45) -> float | None:
    """The last value of an indicator in the recent days, None where there is none."""
    series = view.series(thing, indicator, days=days)
    return float(series.v[-1]) if len(series) else None
