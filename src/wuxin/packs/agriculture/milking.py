"""Milk of the day and of the lactation, cow by cow."""

from typing import Final

import numpy as np

from wuxin.packs.agriculture.lactation import (
    STANDARD,
    Floats,
    fit_milkbot,
    fit_wood,
    interval_yield,
    ordered,
    yield_305,
)
from wuxin.terms.clock import DAY, SECOND
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived

WEEK: Final = 7
"""Days before, whose median is what a day's milk is held against."""

_USUAL: Final = 5
_LONGEST: Final = 500
_TEST_DAYS: Final = 20.0


def milk_day(view: DayView) -> list[Derived]:
    """Milk of the day, and how far it is from what was expected.

    A day on which the cow was milked less often than in most of its week says nothing, for the rest
    may have gone through another meter. Expected is the median of the seven days before; where
    the cow is tested now and then only, Wood's curve through its earlier test days.
    """
    derived = []
    for cow in view.of("cow"):
        now = view.series(cow, "milk_yield")
        if not len(now) or len(now) < _usual(view, cow):
            continue
        milk = float(now.v.sum())
        found = {"milk_day": milk}
        expected = _expected(view, cow)
        if expected is not None and expected > 0:
            found["milk_drop"] = milk / expected - 1
        derived += daily(view, cow, **found)
    return derived


def lactation(view: DayView) -> list[Derived]:
    """What this lactation has given, its 305-day yield, and the peak of its curve."""
    derived = []
    for cow in view.of("cow"):
        if not len(view.series(cow, "milk_day")):
            continue
        days, kilograms = measured_days(view, cow)
        if len(days) < 2:
            continue
        found = {"milk_to_date": interval_yield(days, kilograms, length=float(days[-1]))}
        found["yield_305"] = yield_305(days, kilograms)
        curve = fit_milkbot(days, kilograms) if days[-1] >= 60 else None
        found["milk_peak"] = curve.peak() if curve is not None else None
        derived += daily(view, cow, **{k: v for k, v in found.items() if v is not None})
    return derived


def measured_days(view: DayView, cow: ThingKey) -> tuple[Floats, Floats]:
    """Days in milk and milk of the day (kg) of this lactation, in order; empty where unknown."""
    told = view.series(cow, "days_in_milk", days=45)
    milk = view.series(cow, "milk_day", days=_LONGEST)
    if not len(told) or not len(milk):
        return np.empty(0), np.empty(0)
    calved = int(told.t[-1]) - round(float(told.v[-1])) * SECOND
    days = np.floor((milk.t - calved) / DAY)
    inside = days >= 0
    return ordered(days[inside], milk.v[inside])


def daily(view: DayView, thing: ThingKey, **values: float) -> list[Derived]:
    """What is known when the day is over: one value of each indicator, at its last second."""
    at = np.array([view.end - SECOND], np.int64)
    return [Derived(thing, name, at, np.array([value])) for name, value in values.items()]


def _usual(view: DayView, cow: ThingKey) -> float:
    """How often it was milked on most days of its week, 0 where that is not known."""
    week = view.series(cow, "milk_yield", days=WEEK + 1)
    past = (week.t[week.t < view.start] - view.start) // DAY
    return float(np.median(np.unique(past, return_counts=True)[1])) if len(past) else 0.0


def _expected(view: DayView, cow: ThingKey) -> float | None:
    past = view.series(cow, "milk_day", days=WEEK + 1)
    if len(past) >= _USUAL:
        return float(np.median(past.v))
    days, kilograms = measured_days(view, cow)
    told = view.series(cow, "days_in_milk", days=45)
    if len(days) < _USUAL or days[-1] - days[0] < _TEST_DAYS * _USUAL:
        return None
    curve = fit_wood(days, kilograms)
    now = (view.end - int(told.t[-1])) / DAY + float(told.v[-1]) * SECOND / DAY
    if curve is None or now > STANDARD:
        return None
    return float(curve.at(np.array([now]))[0])
