"""Goods under way: where they stalled, how far from their route they are, how long they have to go.

Positions come late and in bursts (satellites); a day is judged when it is over, on event time. What
a carrier does is said of everything aboard, so that the owner of goods learns that the vessel is
stuck and needs no device of his own.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from wuxin.packs.logistics.figures import Floats, of_day
from wuxin.terms.clock import DAY, HOUR, SECOND
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived
from wuxin.twin.track import EARTH, Track, distance, stays, steps, track

STALL_RADIUS: Final = 3_000.0
"""How far (m) a carrier that does not get on may drift: the swing of an anchored ship and tide."""

STALL_TIME: Final = 6 * HOUR
"""How long (ns) it must stand for a stall."""

FASTEST: Final = 300.0
"""Speed (m/s) beyond which a position is an error: cargo aircraft do 260."""

HISTORY: Final = 30
"""Days of positions that are looked at."""

_MOVING: Final = 0.5
_LEG: Final = 1.0


class Stop(NamedTuple):
    """A place at which a carrier may stand: degrees, and radius (m)."""

    latitude: float
    longitude: float
    radius: float


class Stall(NamedTuple):
    """A stand away from any planned stop: from and to (ns), middle, and whether it still lasts."""

    start: int
    end: int
    latitude: float
    longitude: float
    lasts: bool


class Course(NamedTuple):
    """Where a position is on a route: metres off it, metres along it, metres to its end."""

    off: float
    along: float
    to_go: float


def stalls(
    seen: Track, *, stops: Sequence[Stop] = (), radius: float = STALL_RADIUS,
    least: int = STALL_TIME,
) -> list[Stall]:  # fmt: skip
    """Where a carrier stood although no stop was planned there.

    Args:
        seen: its track, :func:`wuxin.twin.track.track`.
        stops: where it may stand: ports, borders, sidings.
        radius: how far it may move and still stand (m).
        least: how long it must stand (ns).

    Returns:
        The stalls in order of time. Between two positions at one place it was there; a stall lasts
        when the track ends in it.
    """
    found = []
    for stay in stays(seen, radius=radius, least=least):
        planned = any(
            float(distance(stay.latitude, stay.longitude, to=(s.latitude, s.longitude))) <= s.radius
            for s in stops
        )
        if not planned:
            lasts = stay.end == int(seen.t[-1])
            found.append(Stall(stay.start, stay.end, stay.latitude, stay.longitude, lasts))
    return found


def course(latitude: float, longitude: float, *, route: Floats) -> Course:
    """Where a position is on a route of great-circle legs.

    Args:
        latitude: of the position (degrees).
        longitude: likewise.
        route: corners (k, 2), degrees of latitude and longitude, k ≥ 2.

    Returns:
        The distance to the nearest leg, and how far along the route that is.

    Source: cross-track and along-track distance by vectors: Veness, after Bowditch, American
    Practical Navigator (2019), chapter 12; on a sphere.
    """
    corners, here = _vectors(route[:, 0], route[:, 1]), _vectors(latitude, longitude)
    lengths = _angles(corners[:-1], corners[1:])
    before = np.concatenate([[0.0], np.cumsum(lengths)])
    best = (np.inf, 0.0)
    for leg, (a, b, length) in enumerate(zip(corners[:-1], corners[1:], lengths, strict=True)):
        if length * EARTH < _LEG:
            continue
        pole = np.cross(a, b)
        pole /= np.linalg.norm(pole)
        across = float(np.arcsin(np.clip(here @ pole, -1, 1)))
        on = here - (here @ pole) * pole
        along = float(np.arctan2(np.cross(a, on) @ pole, a @ on))
        if not 0 <= along <= length:
            ends = [float(_angles(here, end)) for end in (a, b)]
            across, along = min(ends), float(length) if ends[1] < ends[0] else 0.0
        best = min(best, (abs(across), float(before[leg]) + along))
    off, along = best
    return Course(off * EARTH, along * EARTH, (float(before[-1]) - along) * EARTH)


def cruising(seen: Track) -> float:
    """The usual speed while it moves (m/s), NaN where it never does."""
    if len(seen.t) < 2:
        return float("nan")
    seconds = np.diff(seen.t) / SECOND
    speed = steps(seen) / seconds
    moving = speed > _MOVING
    if not moving.any():
        return float("nan")
    return float(np.average(speed[moving], weights=seconds[moving]))


def transit_day(view: DayView) -> list[Derived]:
    """Derive stall, distance off route and time to go, of carriers and of all that is aboard."""
    found: list[Derived] = []
    for carrier in view.of("carrier"):
        own = _under_way(view, carrier)
        found += of_day(view, carrier, **own)
        for shipment in view.of("shipment"):
            if not len(view.series(shipment, "latitude", days=2)):
                found += of_day(view, shipment, **own)
    for shipment in view.of("shipment"):
        if len(view.series(shipment, "latitude", days=2)):
            found += of_day(view, shipment, **_under_way(view, shipment))
    return found


def _under_way(view: DayView, thing: ThingKey) -> dict[str, float]:
    lat, lon = (view.series(thing, name, days=HISTORY) for name in ("latitude", "longitude"))
    common = np.intersect1d(lat.t, lon.t)
    if not len(common) or common[-1] < view.start - DAY:
        return {}
    here, there = (s.v[np.searchsorted(s.t, common)] for s in (lat, lon))
    seen = track(common, here, longitude=there, fastest=FASTEST)
    if not len(seen.t):
        return {}
    corners = _corners(view)
    told: dict[str, float] = {}
    stops = [Stop(a, b, r) for a, b, r in corners if r > 0]
    standing = [s for s in stalls(seen, stops=stops) if s.lasts]
    told["stalled_time"] = (standing[-1].end - standing[-1].start) / SECOND if standing else 0.0
    if len(corners) > 1:
        route = np.array([c[:2] for c in corners])
        now = course(float(seen.latitude[-1]), float(seen.longitude[-1]), route=route)
        today = seen.t >= view.start
        told["off_route"] = max(
            (course(float(a), float(b), route=route).off
             for a, b in zip(seen.latitude[today], seen.longitude[today], strict=True)),
            default=now.off,
        )  # fmt: skip
        told["distance_to_go"] = now.to_go
        told["time_to_go"] = now.to_go / cruising(seen)
    return told


def _corners(view: DayView) -> list[tuple[float, float, float]]:
    """The route's corners in order: degrees, and the radius of a planned stop (m, 0: none)."""
    facts = [view.facts(point) for point in view.of("waypoint")]
    known = [f for f in facts if {"latitude", "longitude", "sequence"} <= f.keys()]
    known.sort(key=lambda f: f["sequence"])
    return [(f["latitude"], f["longitude"], f.get("stop_radius", 0.0)) for f in known]


def _vectors(latitude: Floats | float, longitude: Floats | float) -> Floats:
    phi, lam = np.radians(latitude), np.radians(longitude)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)


def _angles(a: Floats, b: Floats) -> Floats:
    """Angles (rad) between unit vectors."""
    cross = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.asarray(np.arctan2(cross, (a * b).sum(axis=-1)), np.float64)
