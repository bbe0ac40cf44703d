"""A closed local day as models see it (a ``DayView``), from values at hours in a dictionary."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo

import numpy as np

from wuxin.terms.clock import HOUR
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import Series

Rows = Mapping[tuple[ThingKey, str], Sequence[tuple[float, float]]]


def at_hours(start: int, rows: Sequence[tuple[float, float]]) -> Series:
    """Return values at hours after a moment."""
    at = np.array([start + round(hour * HOUR) for hour, _ in rows], np.int64)
    return Series(at, np.array([value for _, value in rows], np.float64))


class HourlyDay:
    """The day; a test's own says of which root, from when to when, and in which zone."""

    root: ThingKey
    start: int
    end: int
    zone: tzinfo

    def __init__(self, rows: Rows, *, facts: Mapping[ThingKey, Mapping[str, float]] | None = None,
                 period: int = HOUR) -> None:  # fmt: skip
        self._rows, self._facts, self._period = rows, facts or {}, period

    def of(self, kind: str) -> Sequence[ThingKey]:
        named = {**dict.fromkeys(self._facts), **dict.fromkeys(t for t, _ in self._rows)}
        return [thing for thing in named if thing.kind == kind]

    def facts(self, thing: ThingKey) -> Mapping[str, float]:
        return self._facts.get(thing, {})

    def period(self, _thing: ThingKey) -> int:
        return self._period

    def series(self, thing: ThingKey, indicator: str, *, days: int = 1) -> Series:
        rows = self._rows.get((thing, indicator), ())
        return at_hours(self.start, [row for row in rows if row[0] >= 24 * (1 - days)])
