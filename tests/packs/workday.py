"""A closed day of a workshop for models: series from dictionaries, registered facts."""

from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo

import numpy as np

from wuxin.terms.clock import DAY, HOUR, MINUTE, moment
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import Derived, Series

START = moment("2026-03-02")
SHOP, ONE, TWO = ThingKey("workshop", "W"), ThingKey("machine", "1"), ThingKey("machine", "2")
Rows = Sequence[tuple[int, float]]


class Workday:
    """The day that begins at START; ``tell`` adds values at times (ns) relative to it."""

    start, end = START, START + DAY
    zone: tzinfo = UTC

    def __init__(self, root: ThingKey = SHOP, machines: Sequence[ThingKey] = (ONE,)) -> None:
        self.root, self._machines = root, machines
        self._series: dict[tuple[ThingKey, str], list[tuple[int, float]]] = {}
        self._facts: dict[ThingKey, Mapping[str, float]] = {}

    def tell(self, thing: ThingKey, indicator: str, *, rows: Rows) -> "Workday":
        self._series.setdefault((thing, indicator), []).extend((START + t, v) for t, v in rows)
        self._series[thing, indicator].sort()
        return self

    def register(self, thing: ThingKey, **facts: float) -> "Workday":
        self._facts[thing] = facts
        return self

    def of(self, kind: str) -> Sequence[ThingKey]:
        if kind == "machine":
            return self._machines
        return [self.root] if kind == self.root.kind else []

    def facts(self, thing: ThingKey) -> Mapping[str, float]:
        return self._facts.get(thing, {})

    def period(self, _thing: ThingKey) -> int:
        return 15 * MINUTE

    def series(self, thing: ThingKey, indicator: str, *, days: int = 1) -> Series:
        since = self.end - days * DAY
        rows = [r for r in self._series.get((thing, indicator), []) if since <= r[0] < self.end]
        t, v = ([row[k] for row in rows] for k in (0, 1))
        return Series(np.array(t, np.int64), np.array(v, np.float64))


def shifts(days: int, *, work: float = 10_000.0, idle: float = 1_500.0) -> list[tuple[int, float]]:
    """Power each quarter of an hour: 8 to 16 at work (an hour of it idle), else nothing."""
    rows = []
    for day in range(1 - days, 1):
        for k in range(96):
            hour = k // 4
            power = 0.0 if not 8 <= hour < 16 else idle if hour == 12 else work
            rows.append((day * DAY + k * HOUR // 4, power * (1 + 0.01 * ((k * 7 + day) % 5 - 2))))
    return rows


def daily(days: int, value: float, *, until: int = 1) -> list[tuple[int, float]]:
    """One value at the end of each day."""
    return [(day * DAY + DAY - 1, value) for day in range(1 - days, until)]


def told(derived: Sequence[Derived], thing: ThingKey = ONE) -> dict[str, float]:
    """The last value of each indicator derived for a thing."""
    return {d.indicator: float(d.v[-1]) for d in derived if d.thing == thing}
