"""Inverters of one station judged by each other: same sky, same hour, so only they differ."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from wuxin.packs.energy.station import WEEK, Floats, Station, middle, of_day, station
from wuxin.risk.anomaly import SIGMA
from wuxin.terms.standards import DayView, Derived

SIBLINGS: Final = 3
"""Siblings that a comparison takes at least."""

FEWEST_DAYS: Final = 3
_COVER: Final = 0.5
_BRIGHT_HOURS: Final = 0.3
_FINEST: Final = 0.01


def compare(view: DayView) -> list[Derived]:
    """Compare each inverter's week with the median of its siblings.

    Per interval, power per rated power is set against the median over all inverters that report
    (at least four); a day's ratio is the sum of the one over the sum of the other, over the
    intervals that the inverter did report. A day counts if these hold half of the day's energy and
    it was not dark. The week's ratio is the median of its days (at least three), so that one
    outage weighs nothing. The score is the distance from the median of all ratios in robust
    standard deviations, with 1 %, the accuracy of such meters, as the finest.
    """
    found = station(view)
    inverters = [*view.of("inverter")]
    if len(inverters) <= SIBLINGS:
        return []
    ratios = day_ratios(found, found.matrix(inverters, WEEK))
    week, days = middle(ratios.T)
    week = np.where(days >= FEWEST_DAYS, week, np.nan)
    today = np.isfinite(ratios[:, -1])
    known = week[np.isfinite(week)]
    if len(known) <= SIBLINGS:
        return []
    usual = float(np.median(known))
    spread = max(SIGMA * float(np.median(np.abs(known - usual))), _FINEST)
    derived = []
    for i in np.flatnonzero(today & np.isfinite(week)):
        ratio, score = float(week[i]), float(week[i] - usual) / spread
        derived.append(of_day(view, inverters[i], indicator="sibling_score", value=score))
        derived.append(of_day(view, inverters[i], indicator="sibling_ratio", value=ratio))
    return derived


def day_ratios(found: Station, matrix: Floats) -> Floats:
    """Each unit's energy over that of the median unit, day by day (units, days); NaN if unknown.

    Args:
        found: the station.
        matrix: power per rated power in the intervals of a week (units, bins).
    """
    usual, count = middle(matrix)
    usual = np.where(count > SIBLINGS, np.maximum(usual, 0.0), np.nan)
    own, others = by_day(found, np.where(np.isfinite(usual), matrix, np.nan), usual=usual)
    whole = np.nansum(_folded(found, usual), axis=1)
    hours = found.step / 3.6e12
    good = (whole * hours >= _BRIGHT_HOURS) & (others >= _COVER * whole) & (others > 0)
    return np.where(good, own / np.where(good, others, 1.0), np.nan)


def by_day(found: Station, matrix: Floats, *, usual: Floats) -> tuple[Floats, Floats]:
    """Sums per day of a matrix and of the median where the matrix is known (units, days) each."""
    own, others = [], []
    for row in matrix:
        seen: NDArray[np.bool_] = np.isfinite(row)
        own.append(_folded(found, np.where(seen, row, 0.0)).sum(axis=1))
        others.append(_folded(found, np.where(seen, usual, 0.0)).sum(axis=1))
    return np.array(own), np.array(others)


def _folded(found: Station, row: Floats) -> Floats:
    """A week's intervals as (days, intervals a day), the last day last."""
    size = found.bins(1)
    days = len(row) // size
    return row[len(row) - days * size :].reshape(days, size)
