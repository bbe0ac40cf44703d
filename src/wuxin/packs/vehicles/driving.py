"""A vehicle's day as its sensors tell it, from trips to what was done to the tracker."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from wuxin.packs.vehicles import assistance, behaviour, fences, fuel, guard
from wuxin.packs.vehicles.following import follow
from wuxin.packs.vehicles.harsh import ACCELERATION, BRAKING, LANE_CHANGE, TURN, harsh_events
from wuxin.packs.vehicles.inertial import motion
from wuxin.packs.vehicles.motion import Speed, collisions, driven, marked, pushes
from wuxin.packs.vehicles.premium import ELASTICITY, REFERENCE, score
from wuxin.terms.clock import HOUR, MINUTE, SECOND
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived, Series
from wuxin.twin.track import Track, stays, steps, track, ways

VEHICLE: Final = "vehicle"

_NIGHT: Final = (23, 5)
_MONTH: Final = 30
_AXES: Final = ("x", "y", "z")


def of_day(view: DayView, thing: ThingKey, **found: float | None) -> list[Derived]:
    """One value of each indicator at the end of the day; None is left out."""
    t = np.array([view.end - 1], np.int64)
    return [
        Derived(thing, name, t, np.array([float(value)]))
        for name, value in found.items()
        if value is not None
    ]


def seen_track(view: DayView, thing: ThingKey, *, days: int = 1) -> Track:
    """The positions of a thing, joined by their moments."""
    lat, lon = (view.series(thing, n, days=days) for n in ("latitude", "longitude"))
    t, a, b = np.intersect1d(lat.t, lon.t, return_indices=True)
    return track(t, lat.v[a], longitude=lon.v[b])


def speed_of(view: DayView, thing: ThingKey, *, days: int = 1) -> Speed:
    """Its speed with marks: by the wheels where it has that, else by the receiver."""
    for name in ("recorder_speed", "speed"):
        found = view.series(thing, name, days=days)
        if len(found):
            return marked(found.t, found.v)
    return marked(np.empty(0, np.int64), np.empty(0))


def trips_day(view: DayView) -> list[Derived]:
    """Trips, stops, metres, time driven, the longest stop; the odometer against the track."""
    derived: list[Derived] = []
    for thing in view.of(VEHICLE):
        seen, speed = seen_track(view, thing), speed_of(view, thing)
        if not len(seen.t) and not len(speed.t):
            continue
        stopped = stays(seen)
        trips = ways(seen, stopped)
        by_track = sum(trip.metres for trip in trips) if len(seen.t) > 1 else None
        by_speed, seconds = driven(speed)
        odometer = view.series(thing, "mileage", days=2)
        by_meter = _rise(odometer, view.start)
        metres = by_track if by_track is not None else by_speed
        gap = None
        if by_meter is not None and by_track is not None and max(by_meter, by_track) > 5_000:
            gap = (by_meter - by_track) / max(by_meter, by_track)
        if not seconds and trips:
            seconds = sum(trip.end - trip.start for trip in trips) / SECOND
        derived += of_day(
            view, thing, distance_day=metres, driving_time=seconds,
            trips=len(trips) if len(seen.t) else None, stops=len(stopped) if len(seen.t) else None,
            longest_stop=max((s.end - s.start for s in stopped), default=0) / SECOND
            if len(seen.t) else None,
            odometer_gap=gap, positions_refused=seen.refused if len(seen.t) else None,
            night_share=_night(view, speed),
        )  # fmt: skip
    return derived


def fence_day(view: DayView) -> list[Derived]:
    """Where each vehicle is against its place: a state from the first position on."""
    derived: list[Derived] = []
    for thing in view.of(VEHICLE):
        fence = fence_of(view, thing)
        seen = seen_track(view, thing)
        if fence is None or not len(seen.t):
            continue
        over = fences.beyond(fence, seen.latitude, longitude=seen.longitude)
        state = fences.states(seen, fence)
        found = fences.spans(seen, fence, until=view.end)
        away = sum(s.end - s.start for s in found if s.state == fences.OUTSIDE) / SECOND
        changed = np.append(True, state[1:] != state[:-1])
        derived.append(
            Derived(thing, "outside", seen.t[changed], state[changed].astype(np.float64))
        )
        # The end of the day repeats the state, so that one without a change is known as well.
        derived += of_day(view, thing, place_excess=float(over[-1]), away_time=away)
    return derived


def fence_of(view: DayView, thing: ThingKey) -> fences.Circle | None:
    """A vehicle's place: what the books assign to it, else the lot's or fleet's registered one."""
    told = [view.series(thing, f"place_{n}", days=45) for n in ("latitude", "longitude", "radius")]
    if all(len(s) for s in told) and told[2].v[-1] > 0:
        return fences.Circle(*(float(s.v[-1]) for s in told))
    for kind in ("lot", "fleet", "dealer"):
        for place in view.of(kind):
            facts = view.facts(place)
            if {"latitude", "longitude", "radius"} <= facts.keys() and facts["radius"] > 0:
                return fences.Circle(facts["latitude"], facts["longitude"], facts["radius"])
    return None


def speed_day(view: DayView) -> list[Derived]:
    """Faults of the speed sensor, hard pushes, speeding, and collisions by speed."""
    derived: list[Derived] = []
    for thing in view.of(VEHICLE):
        speed = speed_of(view, thing)
        if len(speed.t) < 2:
            continue
        seen = seen_track(view, thing)
        hits = collisions(speed, moved=_moved(seen))
        # With a value in two seconds a dip of the sensor looks like braking: then neither is told.
        seldom = np.median(np.diff(speed.t)) > 3 * SECOND // 2
        found = [] if seldom else pushes(speed)
        limit = view.series(thing, "speed_limit")
        t = np.array([hit.at for hit in hits], np.int64)
        derived += of_day(
            view, thing, speed_faults=float(speed.fault.sum()),
            hard_brakings=None if seldom else sum(p.kind == "braking" for p in found),
            hard_accelerations=None if seldom else sum(p.kind == "acceleration" for p in found),
            speeding_share=_speeding(speed, limit),
        )  # fmt: skip
        if len(t):
            sure = np.array([2.0 if hit.confirmed else 1.0 for hit in hits])
            derived.append(Derived(thing, "collision", t, sure))
    return derived


def inertial_day(view: DayView) -> list[Derived]:
    """Harsh events from accelerometer and gyroscope."""
    derived: list[Derived] = []
    for thing in view.of(VEHICLE):
        acceleration = _vector(view, thing, name="acceleration")
        if acceleration is None:
            continue
        turn = _vector(view, thing, name="rotation")
        trip = motion(
            *acceleration,
            gyro_t=turn[0] if turn is not None else None,
            gyro=turn[1] if turn is not None else None,
        )
        if trip is None:
            continue
        found = [event.kind for event in harsh_events(trip)]
        derived += of_day(
            view, thing, harsh_brakings=found.count(BRAKING),
            harsh_accelerations=found.count(ACCELERATION), harsh_turns=found.count(TURN),
            harsh_lane_changes=found.count(LANE_CHANGE),
        )  # fmt: skip
    return derived


def following_day(view: DayView) -> list[Derived]:
    """How close each vehicle followed, by its speed."""
    derived: list[Derived] = []
    for thing in view.of(VEHICLE):
        gap, speed = view.series(thing, "front_gap"), speed_of(view, thing)
        if not len(gap) or not len(speed.t):
            continue
        fast = view.facts(thing).get("expressway", 0.0) > 0
        good = ~speed.fault
        found = follow(gap.t, gap.v, speed=(speed.t[good], speed.v[good]), expressway=fast)
        if found.measured >= 60:
            derived += of_day(view, thing, close_following_share=found.close / found.measured,
                              close_followings=found.spells)  # fmt: skip
    return derived


def fuel_day(view: DayView) -> list[Derived]:
    """An even fuel level, what was filled in and what went without being burnt."""
    derived: list[Derived] = []
    for thing in view.of(VEHICLE):
        level = _level(view, thing)
        if level is None or len(level) < 10:
            continue
        speed = speed_of(view, thing)
        known = (speed.t, speed.v) if len(speed.t) else None
        even = fuel.smoothed(level.t, level.v, speed=known)
        found = fuel.fuel_events(level.t, level.v, speed=known)
        derived.append(Derived(thing, "fuel_even", even.t, even.level))
        derived += of_day(
            view, thing,
            fuel_lost=-sum((e.change for e in found if e.kind == "siphon"), 0.0),
            fuel_filled=sum((e.change for e in found if e.kind == "refuel"), 0.0),
        )  # fmt: skip
    return derived


def guard_day(view: DayView) -> list[Derived]:
    """What was done to the tracker, and how many signs of theft agree."""
    derived: list[Derived] = []
    for thing in view.of(VEHICLE):
        voltage, seen = view.series(thing, "external_voltage"), view.series(thing, "satellites")
        network, speed = view.series(thing, "network_signal"), view.series(thing, "recorder_speed")
        cuts = guard.power_cuts(voltage.t, voltage.v)
        blind = guard.blindness(
            seen.t, seen.v,
            network=(network.t, network.v) if len(network) else None,
            speed=(speed.t, speed.v) if len(speed) else None,
        )  # fmt: skip
        jams = [b for b in blind if b.kind != "sheltered"]
        opened = view.series(thing, "tamper")
        known = len(voltage) or len(seen) or len(opened)
        if known:
            derived += of_day(
                view, thing, power_cut_time=sum(c.end - c.start for c in cuts) / SECOND,
                jammed_time=sum(j.end - j.start for j in jams) / SECOND,
            )  # fmt: skip
        signs = _theft(view, thing, tampered=bool(cuts or jams or (opened.v > 0.5).any()))
        if signs is not None:
            derived += of_day(view, thing, theft_signs=signs)
    return derived


def driver_day(view: DayView) -> list[Derived]:
    """What cameras saw of the driver, and the longest drive without a rest."""
    derived: list[Derived] = []
    for thing in view.of(VEHICLE):
        speed = speed_of(view, thing)
        spans = _driving(speed)
        found: dict[str, float | None] = {}
        if len(speed.t):
            found["longest_drive"] = behaviour.longest_drive(spans) / SECOND
        codes = view.series(thing, "dsm_alarm")
        if len(codes):
            told = behaviour.tell(_observations(view, thing, codes=codes))
            for kind in ("fatigue", "phone", "smoking", "distracted"):
                found[f"{kind}_events"] = sum(e.kind == kind for e in told.events)
        warned = view.series(thing, "adas_alarm")
        if len(warned):
            real = (warned.v >= assistance.FORWARD) & (warned.v <= assistance.PEDESTRIAN)
            found["assistance_warnings"] = float(real.sum())
        derived += of_day(view, thing, **found)
    return derived


def score_day(view: DayView) -> list[Derived]:
    """The driver's score and the premium's factor, over thirty days."""
    derived: list[Derived] = []
    for thing in view.of(VEHICLE):
        metres = view.series(thing, "distance_day", days=_MONTH)
        km = float(metres.v.sum()) / 1000
        if km < 50:
            continue
        events = {
            name: 100 * float(view.series(thing, of, days=_MONTH).v.sum()) / km
            for name, of in (
                ("harsh_braking", "hard_brakings"), ("harsh_acceleration", "hard_accelerations"),
                ("harsh_turn", "harsh_turns"), ("phone", "phone_events"),
                ("fatigue", "fatigue_events"),
            )
            if len(view.series(thing, of, days=_MONTH))
        }  # fmt: skip
        shares = {
            name: float(view.series(thing, of, days=_MONTH).v.mean())
            for name, of in (("night", "night_share"), ("speeding", "speeding_share"),
                             ("close_following", "close_following_share"))
            if len(view.series(thing, of, days=_MONTH))
        }  # fmt: skip
        a_year = km * 365 / max(len(metres), 1)
        derived += of_day(
            view, thing, driving_score=score(events=events, shares=shares),
            kilometre_factor=(max(a_year, 1000.0) / float(REFERENCE)) ** float(ELASTICITY),
        )  # fmt: skip
    return derived


# ---- what they share ---------------------------------------------------------------------------


def _rise(meter: Series, since: int) -> float | None:
    """How much a meter rose in the day, from its last value before; None where it went back."""
    before, today = meter.v[meter.t < since], meter.v[meter.t >= since]
    if not len(today):
        return None
    first = float(before[-1]) if len(before) else float(today[0])
    rise = float(today[-1]) - first
    return rise if rise >= 0 else None


def _night(view: DayView, speed: Speed) -> float | None:
    moving = speed.t[(speed.v > 1.4) & ~speed.fault]
    if len(moving) < 2:
        return None
    hour = ((moving - view.start) // HOUR) % 24
    return float(((hour >= _NIGHT[0]) | (hour < _NIGHT[1])).mean())


def _speeding(speed: Speed, limit: Series) -> float | None:
    if not len(limit):
        return None
    place = np.searchsorted(limit.t, speed.t, side="right") - 1
    moving = (speed.v > 1.4) & ~speed.fault & (place >= 0)
    if not moving.any():
        return None
    allowed = limit.v[place[moving]] * 1.1
    return float((speed.v[moving] > allowed).mean())


def _moved(seen: Track) -> np.ndarray | None:
    """When positions show that a vehicle moves: 15 m or more from the one before, soon after."""
    if len(seen.t) < 2:
        return None
    far = (steps(seen) > 15.0) & (np.diff(seen.t) <= MINUTE)
    found: np.ndarray = seen.t[1:][far]
    return found


def _vector(view: DayView, thing: ThingKey, *, name: str) -> tuple[np.ndarray, np.ndarray] | None:
    parts = [view.series(thing, f"{name}_{axis}") for axis in _AXES]
    if not all(len(p) for p in parts):
        return None
    common = np.intersect1d(np.intersect1d(parts[0].t, parts[1].t), parts[2].t)
    if not len(common):
        return None
    return common, np.column_stack([p.v[np.searchsorted(p.t, common)] for p in parts])


def _level(view: DayView, thing: ThingKey) -> Series | None:
    """The fuel level as a share of the tank, from a share or from litres and the tank."""
    share = view.series(thing, "fuel_level")
    if len(share):
        return share
    fuel_in, tank = view.series(thing, "fuel"), view.facts(thing).get("tank")
    return Series(fuel_in.t, fuel_in.v / tank) if len(fuel_in) and tank else None


def _driving(speed: Speed) -> list[tuple[int, int]]:
    moving = (speed.v > 1.4) & ~speed.fault
    edges = np.flatnonzero(np.diff(np.concatenate([[0], moving.astype(int), [0]])))
    return [(int(speed.t[a]), int(speed.t[b - 1]))
            for a, b in zip(edges[::2], edges[1::2], strict=True)]  # fmt: skip


def _observations(
    view: DayView, thing: ThingKey, *, codes: Series
) -> Sequence[behaviour.Observation]:
    sure = dict(zip(*_plain(view.series(thing, "observation_confidence")), strict=True))
    clips = dict(zip(*_plain(view.series(thing, "clip_prefix")), strict=True))
    found = []
    for t, code in zip(codes.t.tolist(), codes.v.tolist(), strict=True):
        kind = behaviour.CLASSES.get(int(code))
        if kind is not None:
            # A protocol without confidence (JT/T 808) has judged by itself: what it sends counts.
            mark = f"{int(clips.get(t, t)):012x}"
            found.append(behaviour.Observation(t, kind, sure.get(t, 1.0), mark))
    return found


def _plain(series: Series) -> tuple[list[int], list[float]]:
    return series.t.tolist(), series.v.tolist()


def _theft(view: DayView, thing: ThingKey, *, tampered: bool) -> int | None:
    ignition, speed = view.series(thing, "ignition"), view.series(thing, "speed")
    fence, seen = fence_of(view, thing), seen_track(view, thing)
    if not len(seen.t) and not len(ignition):
        return None
    left, night = False, False
    released = view.series(thing, "release_authorised", days=45)
    if fence is not None and len(seen.t) and not (len(released) and released.v[-1] > 0.5):
        out = fences.outside(fences.spans(seen, fence, until=view.end))
        left = bool(out)
        hours = [((s.start - view.start) // HOUR) % 24 for s in out]
        night = any(h >= _NIGHT[0] or h < _NIGHT[1] for h in hours)
    towed = False
    if len(ignition) and len(speed):
        place = np.searchsorted(ignition.t, speed.t, side="right") - 1
        off = (place >= 0) & (ignition.v[np.maximum(place, 0)] < 0.5)
        towed = bool((off & (speed.v > 3.0)).sum() >= 3)
    signs, _ = guard.theft_signs(
        moved_without_ignition=towed, left_its_place=left, tampered=tampered, night=night
    )
    return signs
