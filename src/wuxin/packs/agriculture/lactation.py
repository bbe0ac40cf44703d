"""Lactation curves and the 305-day yield, as pure functions of days in milk and daily yield.

ICAR Guidelines Section 2 (2022), Procedure 2: the test-interval method. Wood, Nature 216 (1967)
164. MilkBot: Ehrlich, The Professional Animal Scientist 27 (2011) 4.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

Floats = NDArray[np.float64]

STANDARD: Final = 305.0
"""Days of a standard lactation."""

FEWEST: Final = 4
"""Test days below which MilkBot's curve is not fitted; Wood's, which has a pull, needs two."""

SHAPE: Final = ((0.20, 0.10), (0.0035, 0.0015))
"""Wood's b and c of Holstein cows, each with its spread between cows (Macciotta et al., J. Dairy
Sci. 88, 2005, 1178: curves of single lactations)."""

FIRST_TEST: Final = 45.0
"""Days in milk of a first test day that is in time; what lies before a later one is estimated."""


class Wood(NamedTuple):
    """``a · t^b · exp(−c t)`` (kg a day at t days in milk)."""

    a: float
    b: float
    c: float

    def at(self, days: Floats) -> Floats:
        """Daily yield (kg)."""
        return np.asarray(self.a * days**self.b * np.exp(-self.c * days), np.float64)


class MilkBot(NamedTuple):
    """``a (1 − exp((c − t)/b) / 2) exp(−d t)``: scale, ramp and offset (days), decay (1/day)."""

    scale: float
    ramp: float
    offset: float
    decay: float

    def at(self, days: Floats) -> Floats:
        """Daily yield (kg)."""
        rise = 1 - np.exp((self.offset - days) / self.ramp) / 2
        return np.asarray(self.scale * rise * np.exp(-self.decay * days), np.float64)

    def peak(self) -> float:
        """The most it gives on one day of the first two hundred (kg)."""
        return float(self.at(np.arange(1.0, 201.0)).max())


def ordered(days: Floats, kilograms: Floats) -> tuple[Floats, Floats]:
    """Test days in order, each once (the mean of what was measured on one day), none negative."""
    good = np.isfinite(days) & np.isfinite(kilograms) & (days >= 0) & (kilograms >= 0)
    once, place = np.unique(days[good], return_inverse=True)
    total = np.bincount(place, kilograms[good], minlength=len(once))
    return once, total / np.maximum(np.bincount(place, minlength=len(once)), 1)


def interval_yield(days: Floats, kilograms: Floats, *, length: float = STANDARD) -> float | None:
    """Yield (kg) of the first ``length`` days by the test-interval method.

    From calving to the first test day with what was measured there, between test days with the mean
    of both, from the last one to the end with what was measured there.

    Args:
        days: days in milk of the test days (n), in any order.
        kilograms: the day's yield (n, kg).
        length: at which day the lactation counts as ended.

    Returns:
        None where there are fewer than two test days.
    """
    t, y = ordered(days, kilograms)
    t, y = t[t <= length], y[t <= length]
    if len(t) < 2:
        return None
    between = float(np.sum(np.diff(t) * (y[1:] + y[:-1]) / 2))
    return float(t[0] * y[0] + between + (length - t[-1]) * y[-1])


def fit_wood(days: Floats, kilograms: Floats) -> Wood | None:
    """Fit Wood's curve by weighted least squares of logarithms; None where there is too little.

    Weighting by the square of the yield makes errors of logarithms those of kilograms. A pull, as
    strong as one test day that is off by 8 %, keeps rise and fall within those of Holsteins
    (:data:`SHAPE`), so that a few days of one month do not run away.
    """
    t, y = ordered(days, kilograms)
    good = (t > 0) & (y > 0)
    t, y = t[good], y[good]
    if len(t) < 2:
        return None
    (rise, rise_sd), (fall, fall_sd) = SHAPE
    pull = 0.08 * float(y.mean())
    design = np.vstack([
        np.column_stack([np.ones_like(t), np.log(t), -t]) * y[:, None],
        [[0.0, pull / rise_sd, 0.0], [0.0, 0.0, pull / fall_sd]],
    ])  # fmt: skip
    wanted = np.concatenate([np.log(y) * y, [pull * rise / rise_sd, pull * fall / fall_sd]])
    found, *_ = np.linalg.lstsq(design, wanted, rcond=None)
    return Wood(float(np.exp(found[0])), float(found[1]), float(found[2]))


def fit_milkbot(days: Floats, kilograms: Floats) -> MilkBot | None:
    """Fit MilkBot's curve within what cows do, the offset held at zero; None where too little.

    Bounds: scale 1 to 120 kg, ramp 1 to 80 days, decay 0 to 0.02 a day. Where test days say little
    of the rise, a mild pull to a ramp of 25 days and a decay of 0.0018 keeps it a cow's.
    """
    t, y = ordered(days, kilograms)
    if len(t) < FEWEST:
        return None

    def off(guess: Floats) -> Floats:
        """What is left, with the pull (kg)."""
        scale, ramp, decay = guess
        curve = MilkBot(float(scale), float(ramp), 0.0, float(decay)).at(t)
        pull = np.array([(ramp - 25) / 10, (decay - 0.0018) / 0.001])
        return np.concatenate([curve - y, pull])

    first = [min(max(float(y.max()) * 1.2, 1.5), 119.0), 25.0, 0.0018]
    found = least_squares(off, first, bounds=([1, 1, 0], [120, 80, 0.02]))
    scale, ramp, decay = (float(x) for x in found.x)
    return MilkBot(scale, ramp, 0.0, decay)


def yield_305(days: Floats, kilograms: Floats) -> float | None:
    """The 305-day yield (kg): measured by test intervals, and the rest by Wood's curve.

    A lactation that has not reached 305 days is carried on along its own curve, lifted to what its
    last two test days gave; where the first test day came late, its curve tells what lay before.
    A lactation of fewer than 60 days says nothing yet.
    """
    t, y = ordered(days, kilograms)
    t, y = t[t <= STANDARD], y[t <= STANDARD]
    if len(t) < 2 or t[-1] < 60:
        return None
    curve = fit_wood(t, y)
    found = interval_yield(t, y)
    if curve is None or found is None:
        return found
    if t[0] > FIRST_TEST:
        found += float(curve.at(np.arange(1.0, t[0] + 1)).sum()) - t[0] * y[0]
    left = STANDARD - t[-1]
    if left > 30:
        near = float(curve.at(t[-2:]).sum())
        rest = float(curve.at(np.arange(t[-1] + 1, STANDARD + 1)).sum())
        found += rest * float(y[-2:].sum()) / near - left * float(y[-1])
    return float(found)
