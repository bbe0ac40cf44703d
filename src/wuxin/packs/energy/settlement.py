"""Meter against settlement, meter against inverters, and whether the station carries its debt."""

from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np

from wuxin.packs.energy.station import of_day
from wuxin.terms.clock import DAY
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived

CLASS: Final = 0.005
"""Error of a grid meter: class 0.5S, IEC 62053-22."""

MONTH: Final = 30
_COVER: Final = 0.95
_LONGEST: Final = 400
_SAME: Final = 0.9
_KILOWATT_HOUR: Final = 3.6e6
_FEWEST_DAYS: Final = 25
_LEAST: Final = 900.0


class Settled(NamedTuple):
    """A period's settlement: paid over measured less one, and whether meters explain it."""

    gap: float
    explained: bool


def settle(measured: float, paid: float, *, tolerance: float = 4 * CLASS) -> Settled | None:
    """Compare the energy that was paid for with what was measured.

    Args:
        measured: energy that our meter counted in the period (J or any unit).
        paid: energy of the settlement statement, in the same unit.
        tolerance: share that two meters and the line between them explain (default 2 %: two meters
            of class 0.5S, and as much again for the transformer).

    Returns:
        None where nothing was measured.
    """
    if measured <= 0:
        return None
    gap = paid / measured - 1.0
    return Settled(gap, abs(gap) <= tolerance)


def cover(revenue: Decimal, *, cost_share: Decimal, debt_service: Decimal) -> Decimal | None:
    """Debt-service cover: net revenue over interest and repayment of the same period.

    Args:
        revenue: of the period, in the contract's currency.
        cost_share: operating cost as a share of revenue (0 to 1).
        debt_service: what falls due in the period, same currency.

    Returns:
        None where nothing falls due.
    """
    if debt_service <= 0:
        return None
    return revenue * (1 - cost_share) / debt_service


def settlements(view: DayView) -> list[Derived]:
    """Derive what a statement that came in today differs by, and the grid meter from inverters.

    A statement is ``energy_settled`` dated at the end of its period, with ``settled_days`` (30 if
    it is not said). Nothing is derived where under 95 % of the days were measured.
    """
    derived = []
    for thing in (*view.of("plant"), *view.of("meter")):
        gap = _statement(view, thing)
        if gap is not None:
            derived.append(of_day(view, thing, indicator="settlement_gap", value=gap))
    for meter in view.of("meter"):
        gap = _against_inverters(view, meter)
        if gap is not None:
            derived.append(of_day(view, meter, indicator="meter_gap", value=gap))
    return derived


def _statement(view: DayView, thing: ThingKey) -> float | None:
    paid = view.series(thing, "energy_settled")
    if not len(paid):
        return None
    told = view.series(thing, "settled_days")
    days = min(max(round(float(told.v[-1])) if len(told) else MONTH, 1), _LONGEST)
    measured = view.series(thing, "energy_measured", days=days + 1)
    # The period ends with the day before the statement's date, or with that date's own midnight.
    end = int(paid.t[-1]) // DAY * DAY + DAY if int(paid.t[-1]) == view.end - 1 else view.start
    inside = (measured.t >= end - days * DAY) & (measured.t < end)
    if np.count_nonzero(inside) < _COVER * days:
        return None
    total = float(measured.v[inside].sum()) * days / np.count_nonzero(inside)
    found = settle(total, float(paid.v[-1]))
    return None if found is None else found.gap


def _against_inverters(view: DayView, meter: ThingKey) -> float | None:
    """The meter's energy over the sum of the inverters', less one; all inverters must be known."""
    own = view.series(meter, "energy_measured")
    inverters = view.of("inverter")
    rated = view.facts(meter).get("rated_power", 0.0)
    sizes = [view.facts(unit).get("rated_power", 0.0) for unit in inverters]
    if not len(own) or not inverters or not all(sizes) or sum(sizes) < _SAME * rated or not rated:
        return None
    parts = [view.series(unit, "energy_measured") for unit in inverters]
    if len(view.of("meter")) != 1 or not all(len(part) for part in parts):
        return None
    total = sum(float(part.v[-1]) for part in parts)
    return float(own.v[-1]) / total - 1.0 if total > _LEAST * sum(sizes) else None


def loan_watch(view: DayView) -> list[Derived]:
    """Derive 30 days' revenue and debt-service cover of a station with a tariff and a debt.

    Photovoltaic revenue is measured energy at the registered tariff; a charging station's is what
    :mod:`.charging` holds for certain. Facts: ``tariff`` (contract currency a kWh),
    ``debt_service`` (contract currency in 30 days), ``operating_cost_share``.
    """
    root, facts = view.root, view.facts(view.root)
    if root.kind == "plant":
        days = view.series(root, "energy_measured", days=MONTH)
        if "tariff" not in facts or not len(days) or days.t[-1] < view.start:
            return []
        each = days.v / _KILOWATT_HOUR * facts["tariff"]
    else:
        days = view.series(root, "revenue_certain", days=MONTH)
        each = days.v
    if len(each) < _FEWEST_DAYS:
        return []
    revenue = float(each.sum()) * MONTH / len(each)
    derived = [of_day(view, root, indicator="revenue_30d", value=revenue)]
    before = view.series(root, "revenue_30d", days=MONTH + 1)
    if len(before) and before.t[0] <= view.end - MONTH * DAY and before.v[0] > 0:
        change = revenue / float(before.v[0]) - 1.0
        derived.append(of_day(view, root, indicator="revenue_change", value=change))
    found = cover(
        Decimal(str(revenue)),
        cost_share=Decimal(str(facts.get("operating_cost_share", 0.0))),
        debt_service=Decimal(str(facts.get("debt_service", 0.0))),
    )
    if found is not None:
        derived.append(of_day(view, root, indicator="debt_cover", value=float(found)))
    return derived
