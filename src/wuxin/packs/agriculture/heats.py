"""Heats (oestrus) from the activity of a neck band, as BovHEAT defines them.

Plenio et al., BovHEAT: an automated heat detection and analysis tool, JDS Communications 2021
(https://github.com/bovheat/bovheat): values every two hours; up to two that are missing in a row
are filled in on a straight line; a heat is a run of values at or above the threshold.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.risk.anomaly import runs
from wuxin.terms.clock import DAY, HOUR
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived, Series

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

STEP: Final = 2 * HOUR
"""How often a band says how activity has changed (ns)."""

THRESHOLD: Final = 0.35
"""Change of activity from which a cow is in heat: BovHEAT's 35, of a scale to 100."""

FILLED: Final = 2
"""How many missing values in a row are filled in: BovHEAT's default."""

FIRST_DAY, LAST_DAY = -5, 30
"""The window of days in milk in which BovHEAT counts heats after calving."""

_SLACK: Final = 1e-9


class Heat(NamedTuple):
    """A heat: its first and last value (ns), its peak, and when that was (ns)."""

    start: int
    stop: int
    peak: float
    peak_at: int

    @property
    def lasted(self) -> int:
        """How long it lasted (ns), each value standing for its two hours."""
        return self.stop - self.start + STEP


def on_grid(found: Series, start: int, *, stop: int) -> Floats:
    """The values at ``start``, two hours later, and so on before ``stop``; NaN where none came."""
    grid = np.full(max(0, -(-(stop - start) // STEP)), np.nan)
    place, rest = np.divmod(found.t - start, STEP)
    good = (rest == 0) & (place >= 0) & (place < len(grid))
    grid[place[good]] = found.v[good]
    return grid


def filled(values: Floats, *, most: int = FILLED) -> Floats:
    """Fill the first ``most`` missing values of each inner gap on a straight line."""
    known = np.flatnonzero(np.isfinite(values))
    if not len(known) or not most:
        return values
    whole = np.interp(np.arange(len(values)), known, values[known])
    before = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(len(values)), -1))
    near = (np.arange(len(values)) - before <= most) & (before >= 0)
    inner = near & (np.arange(len(values)) < known[-1])
    return np.where(np.isfinite(values) | ~inner, values, whole)


def find_heats(
    found: Series, start: int, *, stop: int, threshold: float = THRESHOLD, most: int = FILLED
) -> list[Heat]:
    """The heats in a span of time.

    Args:
        found: change of activity (share of 1), at times that lie on the grid of two hours.
        start: where the span begins (ns).
        stop: where it ends (ns), not included.
        threshold: from which a value belongs to a heat.
        most: how many missing values in a row are filled in.
    """
    values = filled(on_grid(found, start, stop=stop), most=most)
    heats = []
    for a, b in runs(np.nan_to_num(values, nan=-np.inf) >= threshold - _SLACK):
        top = a + int(np.argmax(values[a:b]))
        first, last, peak_at = (start + STEP * i for i in (a, b - 1, top))
        heats.append(Heat(first, last, float(values[top]), peak_at))
    return heats


def after_calving(change: Series, in_milk: Series) -> tuple[int, list[Heat]] | None:
    """BovHEAT's count: the heats from five days before calving to thirty days after it.

    Args:
        change: change of activity of one cow, one lactation's window within it.
        in_milk: days in milk (s) of that lactation only.

    Returns:
        The midnight of calving (UTC, ns) and the heats; None where no day in milk is known, or no
        activity in the window.
    """
    if not len(in_milk) or float(in_milk.v.min()) < 0:
        return None
    least = int(np.argmin(in_milk.v))
    calved = int(in_milk.t[least]) - round(float(in_milk.v[least])) * 10**9
    calved -= calved % DAY
    start, stop = calved + FIRST_DAY * DAY, calved + LAST_DAY * DAY
    inside = (change.t >= start) & (change.t < stop)
    if not np.isfinite(change.v[inside]).any():
        return None
    return calved, find_heats(change, start, stop=stop)


def heats(view: DayView) -> list[Derived]:
    """Each value of today that belongs to a heat, and a zero at the first one after it."""
    derived = []
    for cow in view.of("cow"):
        change = view.series(cow, "activity_change", days=2)
        if len(change):
            derived += _today(cow, change, view=view)
    return derived


def _today(cow: ThingKey, change: Series, *, view: DayView) -> list[Derived]:
    phase = int(change.t[-1]) % STEP
    start = view.start - STEP - (view.start - STEP - phase) % STEP
    values = filled(on_grid(change, start, stop=view.end))
    hot = np.nan_to_num(values, nan=-np.inf) >= THRESHOLD - _SLACK
    said = hot.copy()
    said[1:] |= hot[:-1] & np.isfinite(values[1:])
    at = start + STEP * np.arange(len(values), dtype=np.int64)
    said &= (at >= view.start) & (at < view.end)
    if not said.any():
        return []
    return [Derived(cow, "heat", at[said], np.where(hot, values, 0.0)[said])]
