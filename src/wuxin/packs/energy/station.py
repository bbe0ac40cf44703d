"""A station on one day, as its models see it: power of every unit on common intervals.

Units report at their own moments, with holes, as power or as a counter. Here each becomes mean
power per interval (W), NaN where nothing is known, so that models compare like with like.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.clock import DAY, HOUR, MINUTE
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived, Series

Floats = NDArray[np.float64]

AC_KINDS: Final = ("plant", "meter", "inverter")
"""Kinds that deliver alternating current, from the root down."""

HISTORY_DAYS: Final = 45
"""Days of readings that models may look back on."""

WEEK: Final = 7
"""Days over which siblings are compared: long enough to hold clear hours in most climates."""

_GAP: Final = 3
_SUSTAINED: Final = 3
_ALIKE: Final = (0.7, 1.4)


@dataclass(slots=True)
class Station:
    """One group on one day, with what several models ask of it, each found once."""

    view: DayView
    step: int
    _rated: dict[ThingKey, float] = field(default_factory=dict)
    _reached: dict[ThingKey, float] = field(default_factory=dict)
    _power: dict[tuple[ThingKey, int], Floats] = field(default_factory=dict)
    _alike: dict[tuple[ThingKey, ...], list[float]] = field(default_factory=dict)

    def units(self) -> list[ThingKey]:
        """All that delivers AC power, from the root down."""
        return [key for kind in AC_KINDS for key in self.view.of(kind)]

    def bins(self, days: int = 1) -> int:
        """How many intervals the last ``days`` days have."""
        return -(-(self.view.end - self.start(days)) // self.step)

    def start(self, days: int = 1) -> int:
        """Where the last ``days`` days begin (ns)."""
        return self.view.start - (days - 1) * DAY

    def power(self, unit: ThingKey, days: int = 1) -> Floats:
        """Mean power of a unit in each interval of the last ``days`` days (bins), W.

        AC power where the unit reports it, else DC power, else what its daily counter gained.
        """
        known = self._power.get((unit, days))
        if known is None:
            known = self._power[unit, days] = self._find_power(unit, days)
        return known

    def _find_power(self, unit: ThingKey, days: int) -> Floats:
        for name in ("ac_power", "dc_power"):
            found = self.view.series(unit, name, days=days)
            if len(found):
                return self.mean(found, days)
        counter = self.view.series(unit, "energy_day", days=days)
        if self.step >= DAY:
            return self.mean(Series(counter.t, counter.v / (DAY / 1e9)), days)
        return gained(counter, self.start(days) + self.step * np.arange(self.bins(days) + 1))

    def mean(self, series: Series, days: int = 1) -> Floats:
        """Mean of a series in each interval (bins), NaN where there is no reading."""
        size = self.bins(days)
        index = (series.t - self.start(days)) // self.step
        count = np.bincount(index, minlength=size)[:size]
        total = np.bincount(index, weights=series.v, minlength=size)[:size]
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)

    def matrix(self, units: Sequence[ThingKey], days: int = 1) -> Floats:
        """Power per rated power of several units (units, bins), NaN where unknown."""
        rated = self.rated_alike(units)
        rows = [
            self.power(u, days) / r if r > 0 else np.full(self.bins(days), np.nan)
            for u, r in zip(units, rated, strict=True)
        ]
        return np.array(rows).reshape(len(units), self.bins(days))

    def rated(self, unit: ThingKey) -> float:
        """Rated power of a unit (W): as registered, else the most it held lately; 0 if unknown.

        Held means through three readings in a row, so that a spike is no rating.
        """
        known = self._rated.get(unit)
        if known is None:
            known = self.view.facts(unit).get("rated_power", 0.0) or self.reached(unit)
            self._rated[unit] = known
        return known

    def reached(self, unit: ThingKey) -> float:
        """The most power that a unit held through three readings within 45 days (W)."""
        known = self._reached.get(unit)
        if known is None:
            known = self._reached[unit] = self._find_reached(unit)
        return known

    def _find_reached(self, unit: ThingKey) -> float:
        for name in ("ac_power", "dc_power"):
            v = self.view.series(unit, name, days=HISTORY_DAYS).v
            if len(v) >= _SUSTAINED:
                held = np.minimum(np.minimum(v[2:], v[1:-1]), v[:-2])
                return max(float(held.max()), 0.0)
            if len(v):
                return max(float(v.max()), 0.0)
        power = self.power(unit, WEEK)
        power = power[np.isfinite(power)]
        return max(float(np.quantile(power, 0.99)), 0.0) if len(power) else 0.0

    def rated_alike(self, units: Sequence[ThingKey]) -> list[float]:
        """Ratings to compare siblings by (W).

        Where no rating is registered, units whose reach is within 0.7 to 1.4 of the median are
        taken as of one size: a unit that never reaches what its siblings do is weak, not small.
        """
        key = tuple(units)
        if key not in self._alike:
            self._alike[key] = self._find_alike(units)
        return self._alike[key]

    def _find_alike(self, units: Sequence[ThingKey]) -> list[float]:
        rated = [self.rated(unit) for unit in units]
        bare = [not self._registered(unit) and r > 0 for unit, r in zip(units, rated, strict=True)]
        if not any(bare):
            return rated
        usual = float(np.median([r for r, b in zip(rated, bare, strict=True) if b]))
        low, high = _ALIKE[0] * usual, _ALIKE[1] * usual
        return [usual if b and low <= r <= high else r for r, b in zip(rated, bare, strict=True)]

    def _registered(self, unit: ThingKey) -> bool:
        return self.view.facts(unit).get("rated_power", 0.0) > 0

    def weather(self, name: str) -> Floats | None:
        """Mean of a weather indicator in each interval (bins): the first station that has it."""
        for kind in ("weather_station", "plant"):
            for key in self.view.of(kind):
                found = self.view.series(key, name)
                if len(found):
                    return self.mean(found)
        return None

    def fact(self, name: str, unit: ThingKey | None = None) -> float | None:
        """A fact of a unit, else of the root, else of the first weather station that has it."""
        for key in (unit, self.view.root, *self.view.of("weather_station")):
            if key is not None and name in self.view.facts(key):
                return self.view.facts(key)[name]
        return None


_latest: list[tuple[DayView, Station]] = []


def station(view: DayView) -> Station:
    """The station of a view; the models of one day share it."""
    for seen, known in _latest:
        if seen is view:
            return known
    found = Station(view, _step(view))
    _latest[:] = [(view, found)]
    return found


def _step(view: DayView) -> int:
    """The interval (ns): by what the fastest unit reports, at least 15 minutes, or a day."""
    keys = [key for kind in AC_KINDS for key in view.of(kind)]
    steps = [view.period(key) or _seen_period(view, key) for key in keys]
    step = min([s for s in steps if s > 0], default=15 * MINUTE)
    return DAY if step >= 6 * HOUR else max(step, 15 * MINUTE)


def _seen_period(view: DayView, key: ThingKey) -> int:
    for name in ("ac_power", "dc_power", "energy_day"):
        t = view.series(key, name).t
        if len(t) > 1:
            return int(np.median(np.diff(t)))
    return 0


def gained(counter: Series, edges: NDArray[np.int64]) -> Floats:
    """Mean power between edges (n + 1, ns) from a counter that is set back every night (n), W.

    A step down is a reset, and gains nothing. Gains are known between the first and the last
    reading only, and count evenly over a hole.
    """
    size = len(edges) - 1
    if len(counter) < 2:
        return np.full(size, np.nan)
    total = np.concatenate([[0.0], np.cumsum(np.maximum(np.diff(counter.v), 0.0))])
    curve = np.interp(edges.astype(np.float64), counter.t.astype(np.float64), total)
    power = np.diff(curve) / (np.diff(edges) / 1e9)
    known = (edges[1:] > counter.t[0]) & (edges[:-1] < counter.t[-1])
    return np.where(known, power, np.nan)


def counted(counter: Series) -> float | None:
    """The day's energy by a daily counter (J): its highest value after the last night's is gone."""
    if not len(counter):
        return None
    v = counter.v
    falls = np.flatnonzero(np.diff(v) < -0.5 * np.maximum(v[:-1], 1.0))
    early = falls[counter.t[falls] - counter.t[0] < 6 * HOUR]
    return float(v[early[-1] + 1 :].max()) if len(early) else float(v.max())


def middle(rows: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Median of each column without its NaN (NaN if none), and how many there are (n)."""
    if not len(rows):
        return np.full(rows.shape[1], np.nan), np.zeros(rows.shape[1], np.int64)
    ordered = np.sort(rows, axis=0)
    count = np.count_nonzero(np.isfinite(ordered), axis=0)
    column = np.arange(rows.shape[1])
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, len(rows) - 1)
    return (ordered[low, column] + ordered[high, column]) / 2, count


def of_day(view: DayView, thing: ThingKey, *, indicator: str, value: float) -> Derived:
    """One value of a whole day, known at its end."""
    return Derived(thing, indicator, np.array([view.end - 1], np.int64), np.array([value]))
