"""Leasing, ride-hailing and carriers' orders: what was done against what is owed."""

from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np

from wuxin.packs.vehicles.fences import Circle, beyond
from wuxin.risk.claims import Claim, Verdict, compare
from wuxin.risk.crosscheck import Source, Tolerance
from wuxin.terms.clock import DAY, HOUR
from wuxin.terms.money import Money
from wuxin.twin.track import Track, distance, steps

PLACE_RADIUS: Final = 1_000.0
"""Within how far (m) of an address a lorry is taken to have loaded or unloaded there."""

DETOUR: Final = 1.8
"""Road over straight line beyond which a way was no delivery alone; roads have 1.2 to 1.5."""

_ODOMETER: Final = Source("odometer", Tolerance(0.03, 2_000.0, "tyres and whole km"), 0.9)
_TRACK: Final = Source("track", Tolerance(0.05, 2_000.0, "corners cut between positions"), 0.85)
_ORDERS: Final = Source("orders", Tolerance(0.10, 5_000.0, "as the platform bills"), 0.8)


class Lease(NamedTuple):
    """A lease as its lessor knows it: metres a year, money due and paid up to now."""

    metres_a_year: float
    due: Decimal
    paid: Decimal


class LeaseState(NamedTuple):
    """How a lease stands.

    Its share of the agreed distance, days idle in a row, arrears as a share of what is due, and
    whether it looks abandoned.
    """

    mileage_share: float
    idle_days: int
    arrears: Decimal
    abandoned: bool


class Order(NamedTuple):
    """A carrier's order: from and to (degrees), when it may load and must deliver (ns), freight."""

    origin: tuple[float, float]
    destination: tuple[float, float]
    loads_from: int
    delivers_by: int
    freight: Money


class Delivery(NamedTuple):
    """What the track says of an order: when it was at either end (ns), detour, and the verdict."""

    loaded: int | None
    delivered: int | None
    detour: float | None
    verified: bool
    why: str


def lease_state(lease: Lease, *, metres: float, days: int, idle_days: int) -> LeaseState:
    """How a lease stands after some days.

    A vehicle that stands for two weeks with rent in arrears is one to look for: lessees hide or
    strip a vehicle that they no longer pay for.

    Args:
        lease: the contract.
        metres: driven within these days.
        days: how many, above zero.
        idle_days: how many days in a row it has not been driven.
    """
    allowed = lease.metres_a_year * days / 365.0
    arrears = (lease.due - lease.paid) / lease.due if lease.due > 0 else Decimal(0)
    abandoned = idle_days >= 14 and arrears > Decimal("0.05")
    share = metres / allowed if allowed else 0.0
    return LeaseState(share, idle_days, max(arrears, Decimal(0)), abandoned)


def check_mileage(
    *, odometer: float | None, track: float | None, orders: float | None, start: int, end: int
) -> Verdict:
    """Compare the metres of an odometer, a track and a platform's orders over one span (ns).

    Orders may be fewer than what was driven (empty runs), never more: where they are fewer they
    are left out of the comparison.
    """
    known = [x for x in (odometer, track) if x is not None]
    billed = orders if orders is not None and (not known or orders > max(known)) else None
    claims = [
        Claim(source, value, "m", start, end)
        for source, value in ((_ODOMETER, odometer), (_TRACK, track), (_ORDERS, billed))
    ]
    return compare(claims)


def empty_share(driven: float, with_passengers: float) -> float:
    """The share of metres driven without an order, for ride-hailing and lorries; 0 to 1."""
    return min(max(1.0 - with_passengers / driven, 0.0), 1.0) if driven > 0 else 0.0


def deliver(order: Order, seen: Track) -> Delivery:
    """Check an order against the vehicle's own track, before freight is financed.

    Verified: it was at the origin in time, at the destination later and in time, and drove no more
    than the detour that roads explain. What the track leaves open is not verified.
    """
    at_origin = _first(seen, order.origin, since=order.loads_from, until=order.delivers_by)
    if at_origin is None:
        return Delivery(None, None, None, verified=False, why="never at the origin in time")
    there = _first(seen, order.destination, since=at_origin + 1, until=order.delivers_by)
    if there is None:
        return Delivery(at_origin, None, None, verified=False, why="not delivered in time")
    between = (seen.t >= at_origin) & (seen.t <= there)
    part = Track(seen.t[between], seen.latitude[between], seen.longitude[between], 0)
    straight = float(distance(*order.origin, to=order.destination))
    detour = float(steps(part).sum()) / max(straight, PLACE_RADIUS)
    if detour > DETOUR:
        return Delivery(at_origin, there, detour, verified=False, why="a detour")
    longest = int(np.diff(part.t).max()) if len(part.t) > 1 else 0
    if longest > 6 * HOUR:
        return Delivery(at_origin, there, detour, verified=False, why="unseen for too long")
    return Delivery(at_origin, there, detour, verified=True, why="delivered")


def advance(order: Order, found: Delivery, *, rate: Decimal) -> Money:
    """What may be lent on an order.

    Nothing before it is loaded, ``rate`` of the freight once it is verified, half of that on the
    way.
    """
    share = rate if found.verified else rate / 2 if _under_way(found) else Decimal(0)
    return Money(order.freight.amount * share, order.freight.currency).rounded()


def idle_days(driven: list[float], *, least: float = 1_000.0) -> int:
    """How many days in a row up to the last had fewer than ``least`` metres."""
    count = 0
    for metres in reversed(driven):
        if metres >= least:
            break
        count += 1
    return count


def utilisation(driving: float, *, span: int = DAY) -> float:
    """The share of a span (ns) for which a vehicle drove (s)."""
    return min(driving * 1e9 / span, 1.0)


def _under_way(found: Delivery) -> bool:
    return found.loaded is not None and found.delivered is None


def _first(seen: Track, place: tuple[float, float], *, since: int, until: int) -> int | None:
    over = beyond(Circle(*place, PLACE_RADIUS), seen.latitude, longitude=seen.longitude)
    here = np.flatnonzero((over <= 0) & (seen.t >= since) & (seen.t <= until))
    return int(seen.t[here[0]]) if len(here) else None
