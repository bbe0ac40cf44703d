"""What a lender without collateral looks at: whether work is steady, growing, full and on time."""

from typing import Final

import numpy as np

from wuxin.packs.manufacturing.days import Floats, of_day
from wuxin.terms.clock import DAY
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived, Series

WEEKS: Final = 12
"""Weeks of energy in which steadiness and trend are seen: a quarter."""

MONTH: Final = 30
FEWEST_WEEKS: Final = 4
_FEWEST_DAYS: Final = 14
_MONTH_WEEKS: Final = 30.4375 / 7


def features(view: DayView) -> list[Derived]:
    """Derive the features of the digital loan of the root: what it did in a month and a quarter.

    Stability is 1 less the coefficient of variation of weekly energy; trend the Theil–Sen slope of
    its logarithm, as a change a month; utilisation the mean operating rate (of the root, else of
    its machines) over 30 days; order fill what was delivered over what was ordered in 30 days.
    """
    root = view.root
    if root.kind not in {"workshop", "line", "machine"}:
        return []
    energy = view.series(root, "energy_day", days=7 * WEEKS)
    weekly = weeks(energy, end=view.end)
    derived = []
    month = energy.t >= view.end - MONTH * DAY
    if np.count_nonzero(month) >= _FEWEST_DAYS:
        share = MONTH / np.count_nonzero(month)
        derived += of_day(view, root, energy_30d=float(energy.v[month].sum()) * share)
    if len(weekly) >= FEWEST_WEEKS and weekly.mean() > 0:
        spread = float(weekly.std() / weekly.mean())
        derived += of_day(view, root, stability=max(1.0 - spread, 0.0), trend=slope(weekly))
    derived += of_day(view, root, utilisation=_utilisation(view), order_fill=_fill(view, root))
    return derived


def weeks(energy: Series, *, end: int) -> Floats:
    """Energy of each whole week that ends with today, the latest last; incomplete ones left out."""
    number = (end - 1 - energy.t) // (7 * DAY)
    sums = [float(energy.v[number == k].sum()) for k in range(WEEKS)
            if np.count_nonzero(number == k) >= 6]  # fmt: skip
    return np.array(sums[::-1])


def slope(weekly: Floats) -> float | None:
    """The change a month: Theil–Sen slope of the logarithm of weekly energy (Sen 1968)."""
    if (weekly <= 0).any():
        return None
    i, j = np.triu_indices(len(weekly), 1)
    logs = np.log(weekly)
    return float(np.expm1(np.median((logs[j] - logs[i]) / (j - i)) * _MONTH_WEEKS))


def _utilisation(view: DayView) -> float | None:
    own = view.series(view.root, "operating_rate", days=MONTH)
    if len(own) >= _FEWEST_DAYS:
        return float(own.v.mean())
    rates = [view.series(m, "operating_rate", days=MONTH).v for m in view.of("machine")]
    known = [r.mean() for r in rates if len(r) >= _FEWEST_DAYS]
    return float(np.mean(known)) if known else None


def _fill(view: DayView, root: ThingKey) -> float | None:
    ordered = float(view.series(root, "ordered", days=MONTH).v.sum())
    delivered = view.series(root, "delivered", days=MONTH)
    if ordered <= 0 or not len(delivered):
        return None
    return min(float(delivered.v.sum()) / ordered, 1.0)
