"""Shocks: whether a blow was hard and long enough to break what is packed."""

from typing import Final, NamedTuple

import numpy as np

from wuxin.packs.logistics.figures import Floats, as_of, of_day
from wuxin.terms.standards import DayView, Derived

G: Final = 9.80665
"""Standard acceleration of free fall (m/s²)."""

HISTORY: Final = 45
"""Days of blows that are looked at."""


class Fragility(NamedTuple):
    """The corner of a good's damage boundary: critical acceleration (m/s²), velocity change (m/s).

    Source: ASTM D3332-99 (2023), test methods A and B.
    """

    acceleration: float
    velocity: float


def velocity_change(peak: Floats, duration: Floats) -> Floats:
    """The velocity change (m/s, n) of half-sine blows of a peak (m/s², n) and duration (s, n)."""
    return np.asarray(2 / np.pi * np.asarray(peak) * np.asarray(duration), np.float64)


def severity(peak: Floats, velocity: Floats, *, fragility: Fragility) -> Floats:
    """How far blows (n) reach to the damage boundary: 1 and above may break the goods.

    A blow breaks only where both its acceleration and its velocity change are above the critical
    ones: a short one is too little, a soft one too slow. An unknown velocity change (NaN) counts as
    critical, so that the peak alone decides.
    """
    by_peak = np.abs(np.asarray(peak, np.float64)) / fragility.acceleration
    change = np.abs(np.asarray(velocity, np.float64)) / fragility.velocity
    return np.where(np.isnan(change), by_peak, np.minimum(by_peak, change))


def drop_height(velocity: Floats) -> Floats:
    """The height (m, n) of a free fall without rebound that ends with a velocity change (m/s)."""
    return np.asarray(np.asarray(velocity, np.float64) ** 2 / (2 * G), np.float64)


def shocks_day(view: DayView) -> list[Derived]:
    """Derive how severe each blow of a shipment was, and how many may have broken it.

    These are counted over 45 days: what is broken is not whole again the next day.
    """
    found: list[Derived] = []
    for shipment in view.of("shipment"):
        facts = view.facts(shipment)
        blows = view.series(shipment, "shock", days=HISTORY)
        if "critical_acceleration" not in facts or not len(blows):
            continue
        lasted = view.series(shipment, "shock_duration", days=HISTORY)
        known = np.isin(blows.t, lasted.t)
        spans = np.array([
            as_of(lasted, int(at)) if k else np.nan for at, k in zip(blows.t, known, strict=True)
        ])  # fmt: skip
        fragility = Fragility(
            facts["critical_acceleration"], facts.get("critical_velocity_change", np.inf)
        )
        change = velocity_change(np.abs(blows.v), spans)
        if np.isinf(fragility.velocity):
            change = np.full(len(blows), np.nan)
        how = severity(blows.v, change, fragility=fragility)
        today = blows.t >= view.start
        found.append(Derived(shipment, "shock_severity", blows.t[today], how[today]))
        found += of_day(view, shipment, shocks_damaging=float((how >= 1).sum()))
    return found
