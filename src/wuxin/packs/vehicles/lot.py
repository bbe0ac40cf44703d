"""The day of a lot, a fleet, an order and a claim: what bank and insurer ask."""

from typing import Final

import numpy as np

from wuxin.packs.vehicles import audit, business, claim, fences
from wuxin.packs.vehicles.driving import (
    VEHICLE,
    fence_of,
    of_day,
    seen_track,
    speed_of,
)
from wuxin.packs.vehicles.motion import Collision, Speed, collisions
from wuxin.terms.clock import DAY, SECOND
from wuxin.terms.money import Money, exact
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived, Series
from wuxin.twin.track import Track, distance

_BACK: Final = 45
_MONTH: Final = 30


def lot_audit(view: DayView) -> list[Derived]:
    """Audit every dealer's lot: each vehicle's state and custody, and the counts."""
    if view.root.kind not in {"dealer", "lot"}:
        return []
    units = [unit for v in view.of(VEHICLE) if (unit := unit_of(view, v)) is not None]
    if not units:
        return []
    report = audit.audit(units, at=view.end - 1)
    derived: list[Derived] = []
    for found in report.units:
        derived += of_day(
            view, found.thing, audit_state=found.state, papers_missing=found.papers_missing,
            keys_missing=found.keys_missing,
        )  # fmt: skip
    counts = report.counts
    return derived + of_day(
        view, view.root, units_on_books=report.on_books, units_present=counts[audit.PRESENT],
        units_away=counts[audit.AWAY], units_unseen=counts[audit.UNSEEN],
        units_out_of_trust=counts[audit.OUT_OF_TRUST], units_without_papers=report.papers_missing,
        units_without_keys=sum(f.keys_missing > 0 for f in report.units),
        audit_coverage=report.coverage,
    )  # fmt: skip


def unit_of(view: DayView, vehicle: ThingKey) -> audit.Unit | None:
    """A vehicle as the audit sees it; None where it is not on the books."""
    books = view.series(vehicle, "on_books", days=_BACK)
    if not len(books) or books.v[-1] < 0.5:
        return None
    seen, fence = seen_track(view, vehicle, days=_BACK), fence_of(view, vehicle)
    beyond = seen_at = left_at = None
    if len(seen.t) and fence is not None:
        seen_at = int(seen.t[-1])
        state = fences.states(seen, fence)
        out = state[-1] == fences.OUTSIDE
        beyond = float(fences.beyond(fence, seen.latitude[-1:], longitude=seen.longitude[-1:])[0])
        beyond = max(beyond, 1.0) if out else min(beyond, 0.0)
        if out:
            inside = np.flatnonzero(state != fences.OUTSIDE)
            left_at = int(seen.t[inside[-1] + 1 if len(inside) else 0])
    scans, sold = (view.series(vehicle, n, days=_BACK) for n in ("lot_scan", "sold"))
    sales = sold.t[sold.v > 0.5]
    certificate, keys = (_last(view, vehicle, name=n) for n in ("certificate_held", "keys_held"))
    due = view.facts(vehicle).get("keys_due", 1.0)
    return audit.Unit(
        vehicle, beyond, seen_at,
        scanned_at=_when(scans), left_at=left_at,
        sold_at=int(sales[0]) if len(sales) else None,
        paid=(_last(view, vehicle, name="paid_off") or 0) > 0.5,
        released=(_last(view, vehicle, name="release_authorised") or 0) > 0.5,
        certificate=None if certificate is None else certificate > 0.5,
        keys=None if keys is None else int(keys), keys_due=int(due),
    )  # fmt: skip


def fleet_day(view: DayView) -> list[Derived]:
    """Idle vehicles, use, rent and, for ride-hailing, empty kilometres and claimed ones."""
    derived: list[Derived] = []
    used: list[float] = []
    for thing in view.of(VEHICLE):
        metres = view.series(thing, "distance_day", days=_BACK)
        if not len(metres):
            continue
        idle = business.idle_days(metres.v.tolist())
        time = _last(view, thing, name="driving_time")
        used.append(business.utilisation(time or 0.0))
        found: dict[str, float | None] = {"idle_days": idle}
        due, paid = (_last(view, thing, name=n) for n in ("rent_due", "rent_paid"))
        yearly = view.facts(thing).get("metres_a_year", 0.0)
        if due is not None and due > 0:
            lease = business.Lease(yearly, *(exact(x) for x in (due, paid or 0.0)))
            month = metres.v[-_MONTH:]
            state = business.lease_state(
                lease, metres=float(month.sum()), days=len(month), idle_days=idle
            )
            found["arrears_share"] = float(state.arrears)
            found["abandonment"] = float(state.abandoned)
            if yearly and len(month) >= 7:
                found["lease_mileage_share"] = state.mileage_share
        ordered = view.series(thing, "order_distance")
        if len(ordered):
            with_orders = float(ordered.v.sum())
            found["empty_share"] = business.empty_share(float(metres.v[-1]), with_orders)
            found["claimed_excess"] = _excess(float(metres.v[-1]), with_orders)
        derived += of_day(view, thing, **found)
    if view.root.kind == "fleet" and used:
        derived += of_day(view, view.root, fleet_utilisation=float(np.mean(used)))
    return derived


def order_day(view: DayView) -> list[Derived]:
    """Check carriers' orders against the track of the vehicle that carries them."""
    derived: list[Derived] = []
    for thing in view.of("order"):
        told = {n: _last(view, thing, name=n) for n in _ORDER}
        if any(value is None for value in told.values()):
            continue
        carrier = _carrier(view, told["carrier_number"])
        if carrier is None:
            continue
        of = {name: value for name, value in told.items() if value is not None}
        order = business.Order(
            (of["origin_latitude"], of["origin_longitude"]),
            (of["destination_latitude"], of["destination_longitude"]),
            int(of["loads_from"] * SECOND), int(of["delivers_by"] * SECOND),
            Money(exact(of["freight"]), "CNY"),
        )  # fmt: skip
        found = business.deliver(order, seen_track(view, carrier, days=_BACK))
        late = not found.verified and view.end > order.delivers_by
        derived += of_day(
            view, thing, order_loaded=found.loaded is not None, order_verified=found.verified,
            order_unproved=late, order_detour=found.detour,
        )  # fmt: skip
    return derived


def claim_day(view: DayView) -> list[Derived]:
    """Check claims that came in against their vehicle's own devices."""
    derived: list[Derived] = []
    for thing in view.of("claim"):
        told = {n: _last(view, thing, name=n) for n in _CLAIM}
        if any(value is None for value in told.values()):
            continue
        of = {name: value for name, value in told.items() if value is not None}
        vehicle = _carrier(view, of["carrier_number"])
        claimed = claim.Claimed(
            int(of["claim_time"] * SECOND), of["claim_latitude"], of["claim_longitude"],
            of["claim_moving"] > 0.5, int(of["claim_reported"] * SECOND),
            int(of["policy_from"] * SECOND), int(of["claim_others"]),
        )  # fmt: skip
        if not view.end - _BACK * DAY <= claimed.at < view.end:
            continue
        seen: Track | None = None
        speed = None
        if vehicle is not None:
            seen = seen_track(view, vehicle, days=_BACK)
            speed = speed_of(view, vehicle, days=_BACK)
        result = claim.check_claim(
            claimed, seen=seen, speed=speed,
            collisions=_felt(speed, claimed.at),
            others=_others(view, vehicle, claimed=claimed) or None,
        )  # fmt: skip
        derived += of_day(view, thing, claim_doubts=result.against, claim_supports=result.supports,
                          claim_unknown=result.unknown)  # fmt: skip
    return derived


# ---- what they share ---------------------------------------------------------------------------

_ORDER: Final = ("carrier_number", "origin_latitude", "origin_longitude", "destination_latitude",
                 "destination_longitude", "loads_from", "delivers_by", "freight")  # fmt: skip
_CLAIM: Final = ("carrier_number", "claim_time", "claim_latitude", "claim_longitude",
                 "claim_moving", "claim_reported", "policy_from", "claim_others")  # fmt: skip


def _carrier(view: DayView, number: float | None) -> ThingKey | None:
    """The vehicle that bears a number in its register."""
    for vehicle in view.of(VEHICLE):
        if number is not None and view.facts(vehicle).get("number") == number:
            return vehicle
    return None


def _felt(speed: Speed | None, at: int) -> list[Collision] | None:
    """Impacts that a speed shows; None where it shows none because it comes too seldom."""
    if speed is None:
        return None
    near = [hit for hit in collisions(speed) if abs(hit.at - at) <= claim.ABOUT]
    return near if near or claim.would_show(speed, at) else None


def _others(
    view: DayView, vehicle: ThingKey | None, *, claimed: claim.Claimed
) -> list[claim.Other]:
    """Impacts that other vehicles in sight felt where and when a claim says.

    None found proves nothing: most vehicles on a road are not in sight.
    """
    found: list[claim.Other] = []
    for other in view.of(VEHICLE):
        speed = speed_of(view, other, days=_BACK)
        seen = seen_track(view, other, days=_BACK)
        if other == vehicle or not len(speed.t) or not len(seen.t):
            continue
        for hit in collisions(speed):
            k = int(np.argmin(np.abs(seen.t - hit.at)))
            where = (float(seen.latitude[k]), float(seen.longitude[k]))
            known = abs(int(seen.t[k]) - hit.at) <= claim.ABOUT
            away = float(distance(*where, to=(claimed.latitude, claimed.longitude)))
            if known and abs(hit.at - claimed.at) <= claim.ABOUT and away <= claim.NEAR:
                found.append(claim.Other(str(other), hit.at, *where))
    return found


def _last(view: DayView, thing: ThingKey, *, name: str) -> float | None:
    found = view.series(thing, name, days=_BACK)
    return float(found.v[-1]) if len(found) else None


def _when(series: Series) -> int | None:
    good = series.t[series.v > 0.5]
    return int(good[-1]) if len(good) else None


def _excess(driven: float, claimed: float) -> float:
    """By how much claimed metres exceed what was driven, beyond a tenth; else 0."""
    if driven <= 0:
        return 1.0 if claimed > 5_000 else 0.0
    return max(0.0, claimed / driven - 1.1) and claimed / driven - 1.0
