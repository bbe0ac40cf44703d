"""A charging station's day: what piles sold, how long they could, what it should have earned.

A session is told when it ends: energy, how long the car was connected and how long it charged, and
perhaps what was paid. Piles that speak OCPP tell energy at the end of a transaction; how long it
lasted is then read from ``session_active``.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.packs.energy.sessions import NO_ENERGY
from wuxin.packs.energy.station import of_day
from wuxin.terms.clock import DAY, MINUTE
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived, Series

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

FAULTED: Final = 8.0
UNAVAILABLE: Final = 7.0
"""States of a connector as :mod:`wuxin.protocols.ocpp` numbers them (OCPP 1.6 clause 7.7)."""

WEEK: Final = 7
MONTH: Final = 30
LOOK_BACK: Final = 45

_KILOWATT_HOUR: Final = 3.6e6
_NONE: Final = float(NO_ENERGY) * _KILOWATT_HOUR
_TOLERANCE: Final = 1.1
_FEWEST_DAYS: Final = 3
_FEWEST_SESSIONS: Final = 5
_LONGEST: Final = 3


class Sold(NamedTuple):
    """Sessions of a pile by their end: begin, end of charging, end (n, ns), energy (n, J)."""

    begin: Times
    charged: Times
    end: Times
    energy: Floats


def sold(view: DayView, evse: ThingKey, *, days: int = 1) -> Sold:
    """The sessions of a pile that ended within some days, in order of their end.

    One whose duration nobody told lasts from when ``session_active`` rose, or no time at all.
    """
    energy = view.series(evse, "session_energy", days=days)
    whole = _matched(view.series(evse, "session_duration", days=days), energy.t)
    active = view.series(evse, "session_active", days=days + _LONGEST)
    rises = active.t[(active.v > 0) & (np.r_[0.0, active.v[:-1]] <= 0)] if len(active) else active.t
    at = np.searchsorted(rises, energy.t) - 1
    seen = (energy.t - rises[at]) / 1e9 if len(rises) else np.zeros(len(energy))
    seen = np.where(at >= 0, seen, 0.0)
    duration = np.where(np.isfinite(whole), whole, seen)
    begin = energy.t - (duration * 1e9).astype(np.int64)
    charging = _matched(view.series(evse, "charging_duration", days=days), energy.t)
    charging = np.where(np.isfinite(charging), np.minimum(charging, duration), duration)
    return Sold(begin, begin + (charging * 1e9).astype(np.int64), energy.t, energy.v)


def _matched(series: Series, t: Times) -> Floats:
    """Values of a series at exactly these times (n), NaN where there is none."""
    if not len(series):
        return np.full(len(t), np.nan)
    at = np.minimum(np.searchsorted(series.t, t), len(series) - 1)
    return np.where(series.t[at] == t, series.v[at], np.nan)


def session_days(view: DayView) -> list[Derived]:
    """Derive each pile's day: sessions, energy, utilisation, and sessions that cannot be.

    Overlapping are sessions that began while all connectors of the pile (fact ``connectors``, 1 if
    it is not registered) were taken; overpowered those with over 1.1 times the energy that the
    registered rating can give while they lasted.
    """
    derived: list[Derived] = []
    totals: dict[str, list[float]] = {}
    for evse in view.of("evse"):
        told = _pile_day(view, evse)
        derived += [of_day(view, evse, indicator=n, value=v) for n, v in told.items()]
        for name, value in told.items():
            totals.setdefault(name, []).append(value)
    if view.root.kind == "charging_station" and totals:
        for name in ("sessions", "energy_sold"):
            derived.append(of_day(view, view.root, indicator=name, value=sum(totals[name])))
        share = float(np.mean(totals["utilisation"]))
        derived.append(of_day(view, view.root, indicator="utilisation", value=share))
    return derived


def _pile_day(view: DayView, evse: ThingKey) -> dict[str, float]:
    found = sold(view, evse, days=_LONGEST)
    connectors = _connectors(view, evse)
    today = found.end >= view.start
    taken = np.clip(found.charged, view.start, view.end) - np.clip(
        found.begin, view.start, view.end
    )
    told = {
        "sessions": float(np.count_nonzero(today)),
        "energy_sold": float(found.energy[today].sum()),
        "utilisation": float(taken.sum()) / ((view.end - view.start) * connectors),
        "overlapping_sessions": float(_overlapping(found, connectors=connectors)[today].sum()),
    }
    told["utilisation"] = min(told["utilisation"], 1.0)
    rated = view.facts(evse).get("rated_power", 0.0)
    if rated > 0:
        over = _overpowered(found, rated)
        told["overpowered_sessions"] = float(np.count_nonzero(over & today))
    week = view.series(evse, "session_energy", days=WEEK)
    if len(week) >= _FEWEST_SESSIONS:
        told["zero_energy_share"] = float(np.mean(week.v < _NONE))
    sale = view.series(evse, "session_energy", days=LOOK_BACK)
    sale_t = sale.t[sale.v >= _NONE]
    if len(sale_t):
        told["idle_time"] = (view.end - int(sale_t[-1])) / 1e9
    return told


def _connectors(view: DayView, evse: ThingKey) -> int:
    return max(round(view.facts(evse).get("connectors", 1.0)), 1)


def _overpowered(found: Sold, rated: float) -> NDArray[np.bool_]:
    """Which sessions have more energy than the pile can give (n); none where it has no rating."""
    seconds = (found.end - found.begin + MINUTE) / 1e9
    over = (found.energy > rated * seconds * _TOLERANCE) & (found.end > found.begin)
    return np.asarray(over & (rated > 0))


def _overlapping(found: Sold, *, connectors: int) -> NDArray[np.bool_]:
    """Which sessions began while all connectors were taken (n)."""
    out = np.zeros(len(found.end), np.bool_)
    order = np.lexsort((found.end, found.begin))
    open_: list[int] = []
    for k in order.tolist():
        open_ = [end for end in open_ if end > found.begin[k]]
        out[k] = len(open_) >= connectors and found.end[k] > found.begin[k]
        open_.append(int(found.end[k]))
    return out


def pile_states(view: DayView) -> list[Derived]:
    """Derive how long each pile was faulted today, and for which share of the day it could sell.

    A state stands until the next one; before the first nothing is known.
    """
    derived = []
    for evse in view.of("evse"):
        state = view.series(evse, "connector_status", days=LOOK_BACK)
        if not len(state):
            continue
        edges = np.concatenate([state.t, [view.end]])
        span = np.diff(np.clip(edges, view.start, view.end)) / 1e9
        known = float(span.sum())
        if known <= 0:
            continue
        faulted = float(span[state.v == FAULTED].sum())
        down = faulted + float(span[state.v == UNAVAILABLE].sum())
        derived.append(of_day(view, evse, indicator="fault_time", value=faulted))
        derived.append(of_day(view, evse, indicator="available_share", value=1.0 - down / known))
    return derived


def revenues(view: DayView) -> list[Derived]:
    """Derive what the station should have earned, and what was received against it.

    Energy is spread evenly over a session's charging time and priced by the posted price
    (``energy_price`` of the station, from each change on), else by the fact ``tariff``. Receipts
    are the station's ``receipts`` (a bank statement), else the sessions' ``session_amount``. The
    gap is received over recomputed of seven days less one. What is certain is the lesser of both,
    without sessions that cannot be (overlapping or overpowered).
    """
    root = view.root
    if root.kind != "charging_station":
        return []
    total, amounts, doubtful, priced = 0.0, 0.0, 0.0, False
    paid_in_sessions = False
    for evse in view.of("evse"):
        near = sold(view, evse, days=_LONGEST)
        cost, today = _priced(view, near), near.end >= view.start
        if cost is not None:
            total, priced = total + float(cost[today].sum()), True
            wrong = _overlapping(near, connectors=_connectors(view, evse))
            wrong |= _overpowered(near, view.facts(evse).get("rated_power", 0.0))
            doubtful += float(cost[today & wrong].sum())
        amount = view.series(evse, "session_amount")
        if len(amount):
            amounts, paid_in_sessions = amounts + float(amount.v.sum()), True
    if not priced:
        return []
    derived = [of_day(view, root, indicator="revenue_recomputed", value=total)]
    receipts = view.series(root, "receipts")
    received = float(receipts.v.sum()) if len(receipts) else amounts if paid_in_sessions else None
    certain = (total if received is None else min(total, received)) - doubtful
    derived.append(of_day(view, root, indicator="revenue_certain", value=max(certain, 0.0)))
    if received is None:
        return derived
    derived.append(of_day(view, root, indicator="revenue_received", value=received))
    gap = _week_gap(view, total, received=received)
    if gap is not None:
        derived.append(of_day(view, root, indicator="receipts_gap", value=gap))
    return derived


def _priced(view: DayView, found: Sold) -> Floats | None:
    """What each session's energy costs (n, contract currency); None where no price is known."""
    price = view.series(view.root, "energy_price", days=LOOK_BACK)
    flat = view.facts(view.root).get("tariff")
    if not len(price):
        return None if flat is None else found.energy / _KILOWATT_HOUR * flat
    t, v = price.t.astype(np.float64), price.v
    # The integral of the price up to a moment; its mean over the charging time is what counts.
    area = np.concatenate([[0.0], np.cumsum(np.diff(t) * v[:-1])])

    def upto(x: Times) -> Floats:
        k = np.maximum(np.searchsorted(price.t, x, side="right") - 1, 0)
        return np.asarray(area[k] + (x - t[k]) * v[k], np.float64)

    span = np.maximum(found.charged - found.begin, 1)
    mean = (upto(found.begin + span) - upto(found.begin)) / span
    return np.asarray(found.energy / _KILOWATT_HOUR * mean, np.float64)


def _week_gap(view: DayView, today: float, *, received: float) -> float | None:
    """Received over recomputed of seven days less one, by the days on which both are known."""
    wanted = view.series(view.root, "revenue_recomputed", days=WEEK)
    got = view.series(view.root, "revenue_received", days=WEEK)
    same = np.isin(wanted.t, got.t)
    if np.count_nonzero(same) + 1 < _FEWEST_DAYS:
        return None
    whole = float(wanted.v[same].sum()) + today
    return (float(got.v.sum()) + received) / whole - 1.0 if whole > 0 else None


def station_losses(view: DayView) -> list[Derived]:
    """Derive which share of the energy drawn was not sold (seven days), and the month's figures.

    Drawn is what the grid meter says (``energy_drawn`` of the station, energy of a day), else what
    the piles' registers gained.
    """
    root = view.root
    if root.kind != "charging_station":
        return []
    derived = []
    sold_week = view.series(root, "energy_sold", days=WEEK)
    drawn = view.series(root, "energy_drawn", days=WEEK)
    total = float(drawn.v.sum()) if len(drawn) else _registered(view)
    days = len(np.unique((drawn.t - view.start) // DAY)) if len(drawn) else WEEK
    if len(sold_week) == WEEK and total > 0 and days == WEEK:
        loss = 1.0 - float(sold_week.v.sum()) / total
        derived.append(of_day(view, root, indicator="charging_loss", value=loss))
    for name, month in (("energy_sold", "energy_sold_30d"), ("utilisation", "utilisation_30d")):
        series = view.series(root, name, days=MONTH)
        if len(series) >= WEEK:
            value = float(series.v.mean()) * (MONTH if name == "energy_sold" else 1)
            derived.append(of_day(view, root, indicator=month, value=value))
    return derived


def _registered(view: DayView) -> float:
    """What the piles' registers gained in a week (J); a step down is a new meter and gains none."""
    gains = 0.0
    for evse in view.of("evse"):
        register = view.series(evse, "energy_active_import_register", days=WEEK)
        if len(register) > 1:
            gains += float(np.maximum(np.diff(register.v), 0.0).sum())
    return gains
