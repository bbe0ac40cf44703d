"""Weights beyond the single reading: slow losses below the tolerance, and what a journey lost.

Who takes a little each night stays within the tolerance of every single weighing; over a month the
trend shows.
"""

from typing import Final

import numpy as np

from wuxin.packs.logistics.figures import Floats, Times, as_of, of_day
from wuxin.terms.clock import DAY
from wuxin.terms.standards import DayView, Derived

HISTORY: Final = 28
"""Days over which a trend is looked for."""

FEWEST: Final = 14
"""The fewest days with a weight."""

_CERTAIN: Final = 2.326
"""Standard deviations of Kendall's sum beyond which a trend is certain at 1 %, one-sided."""


def slow_loss(t: Times, gap: Floats) -> float | None:
    """What was lost slowly (kg) over the time, of a gap between weight and documents.

    Args:
        t: of each weighing (n), ns.
        gap: weight less what the documents said then (n), kg.

    Returns:
        The loss over the time of the series: its Theil–Sen slope times its length, 0 where the gap
        does not fall for certain; None with fewer than fourteen weighings. A step (a single
        removal, a corrected book) is no slow loss: it must also show within each half.

    Source: Mann, Econometrica 13 (1945) 245; Sen, J. Am. Stat. Assoc. 63 (1968) 1379.
    """
    if len(t) < FEWEST:
        return None
    half = len(t) // 2
    rates = [_fall(t[part], gap[part]) for part in (slice(0, half), slice(half, None))]
    whole = _fall(t, gap)
    if not whole or min(rates) <= whole / 3:
        return 0.0
    return whole * float(t[-1] - t[0]) / DAY


def _fall(t: Times, v: Floats) -> float:
    """How fast a series falls (a day), 0 where that is not certain; halves need no certainty."""
    n = len(t)
    i, j = np.triu_indices(n, 1)
    days = (t[j] - t[i]) / DAY
    apart = days > 0
    if not apart.any():
        return 0.0
    slope = float(np.median((v[j] - v[i])[apart] / days[apart]))
    signs = float(np.sign(v[j] - v[i]).sum())
    certain = n < FEWEST or signs < -_CERTAIN * float(np.sqrt(n * (n - 1) * (2 * n + 5) / 18))
    return max(-slope, 0.0) if certain else 0.0


def weigh(view: DayView) -> list[Derived]:
    """Derive each lot's slow loss, and what each shipment weighs less than its documents."""
    found: list[Derived] = []
    for lot in view.of("lot"):
        net = view.series(lot, "net_weight", days=HISTORY)
        book = view.series(lot, "authorised_weight", days=HISTORY + 8)
        today = len(view.series(lot, "net_weight"))
        if today and len(book) and book.t[0] <= net.t[0]:
            gap = net.v - np.array([as_of(book, int(at)) for at in net.t])
            found += of_day(view, lot, slow_loss=slow_loss(net.t, gap))
    for shipment in view.of("shipment"):
        net = view.series(shipment, "net_weight")
        book = view.series(shipment, "authorised_weight", days=90)
        due = as_of(book, int(net.t[-1])) if len(net) else 0.0
        if due > 0:
            found += of_day(view, shipment, weight_loss=1 - float(np.median(net.v)) / due)
    return found
