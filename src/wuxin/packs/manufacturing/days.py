"""A factory's readings as its models see them: on common moments, by machine, by local day."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.clock import HOUR, MINUTE
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived, Series

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

HISTORY: Final = 28
"""Days on which a machine's habits are learnt: four weeks hold every day of the week four times."""

MACHINES: Final = ("machine", "line", "workshop")
"""Kinds that draw power, from the single machine up."""

ENOUGH: Final = 6 * HOUR / 1e9
"""Seconds of a day that must have been observed before the day has totals."""

_LONGEST: Final = HOUR


def units(view: DayView) -> list[ThingKey]:
    """All that may draw power, machines first."""
    return [key for kind in MACHINES for key in view.of(kind)]


def period(view: DayView, thing: ThingKey, *, series: Series) -> int:
    """How often the thing reports (ns): as declared, else as seen; an hour at most."""
    told = view.period(thing)
    if not told and len(series) > 1:
        told = int(np.median(np.diff(series.t)))
    return min(max(told, MINUTE // 60), _LONGEST) if told else 15 * MINUTE


def power(view: DayView, thing: ThingKey, *, days: int = 1) -> tuple[Series, bool]:
    """What a thing drew: power (W), from energy per interval where need be, else current (A).

    Returns:
        The series, and whether it is power.
    """
    found = view.series(thing, "power", days=days)
    if len(found):
        return found, True
    energy = view.series(thing, "energy_interval", days=days)
    if len(energy):
        seconds = period(view, thing, series=energy) / 1e9
        return Series(energy.t, energy.v / seconds), True
    return view.series(thing, "current", days=days), False


def spans(t: Times, usual: int) -> Floats:
    """For how long each sample stands (n, s): until the next, but three usual intervals at most."""
    if not len(t):
        return np.zeros(0)
    gaps = np.append(np.diff(t), usual)
    found: Floats = np.minimum(gaps, 3 * usual) / 1e9
    return found


def held(series: Series, t: Times, *, most: int) -> Floats:
    """The latest value at or before each moment (n), NaN where it is older than ``most`` (ns)."""
    if not len(series):
        return np.full(len(t), np.nan)
    at = np.searchsorted(series.t, t, side="right") - 1
    known = (at >= 0) & (t - series.t[np.maximum(at, 0)] <= most)
    return np.where(known, series.v[np.maximum(at, 0)], np.nan)


def by_day(view: DayView, t: Times, *, days: int) -> NDArray[np.int64]:
    """The day of each moment (n), the last one ``days - 1``; a day has 24 hours back from now."""
    day = 24 * HOUR
    return np.clip(days - 1 - (view.end - 1 - t) // day, 0, days - 1)


def of_day(view: DayView, thing: ThingKey, **values: float | None) -> list[Derived]:
    """Values of a whole day, known at its end; what is None or NaN is not said."""
    at = np.array([view.end - 1], np.int64)
    return [
        Derived(thing, name, at, np.array([value], np.float64))
        for name, value in values.items()
        if value is not None and np.isfinite(value)
    ]
