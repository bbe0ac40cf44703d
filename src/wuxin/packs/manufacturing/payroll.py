"""Hours paid against energy used: whether the payroll fits the work."""

from typing import Final

import numpy as np

from wuxin.packs.manufacturing.days import HISTORY, held, of_day
from wuxin.risk import crosscheck
from wuxin.terms.clock import DAY
from wuxin.terms.standards import DayView, Derived

_FLOOR: Final = 0.2


def payrolls(view: DayView) -> list[Derived]:
    """Derive by how much the workshop's paid hours exceed what its energy stands for.

    Hours per energy are learnt from four weeks (:func:`wuxin.risk.crosscheck.learn`). Within three
    robust standard deviations (20 % at least) the two agree, and the excess is 0.
    """
    derived: list[Derived] = []
    for shop in view.of("workshop"):
        paid = view.series(shop, "paid_hours", days=HISTORY)
        energy = view.series(shop, "energy_day", days=HISTORY)
        if not len(paid) or paid.t[-1] < view.start or not len(energy):
            continue
        end = paid.t - (paid.t - view.start) % DAY + DAY - 1
        used = held(energy, end, most=DAY // 2)
        past = paid.t < view.start
        rate = crosscheck.learn(used[past], paid.v[past], floor=_FLOOR)
        if rate is None or not np.isfinite(used[-1]) or used[-1] <= 0:
            continue
        excess = float(paid.v[-1]) / (float(used[-1]) * rate.rate) - 1.0
        agreed = abs(excess) <= rate.tolerance.share
        derived += of_day(view, shop, payroll_excess=0.0 if agreed else excess)
    return derived
