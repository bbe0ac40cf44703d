"""Harsh driving from inertial sensors: braking, acceleration, turns and changes of lane.

Limits are of physics and of the trade, in parts of gravity: a driver who brakes with 0.4 g spills
the coffee, and nobody accelerates an ordinary car so. What is between is told by the road's shake,
which grows with speed: less of it after a push than before means braking.
"""

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.packs.vehicles.inertial import GRAVITY, STEP, Floats, Motion

BRAKING, ACCELERATION, TURN, LANE_CHANGE = "braking", "acceleration", "turn", "lane_change"
"""What kinds of events there are."""

BRAKES_FROM: Final = 0.4 * GRAVITY
"""Deceleration (m/s², over a second) from which braking is harsh: common in telematics."""

PULLS_FROM: Final = 0.2 * GRAVITY
"""Acceleration from which pulling away is harsh, reached within a second and a half."""

TURNS_FROM: Final = 0.27 * GRAVITY
"""Lateral acceleration from which a turn or a change of lane is harsh."""

_ONSET: Final = 1.5
_LOW: Final = 1.0
_ALIKE: Final = 0.5
_ECHO: Final = 3.5
_RETURNS: Final = 1.6
_SWING: Final = 0.08
_SWUNG: Final = 0.12
_STRAIGHT: Final = 0.2
_TURNED: Final = 0.5
_LONGEST_SWING: Final = 2.5
_APART: Final = 1.0
_SHORTEST: Final = 0.5
_SETTLED: Final = 3.0


class Event(NamedTuple):
    """One harsh event: from and to (ns), the highest acceleration (m/s²), and to which side.

    ``side`` is 1 to the left, -1 to the right, 0 where nothing tells or there is none.
    """

    kind: str
    start: int
    end: int
    peak: float
    side: int = 0


class _Lobe(NamedTuple):
    """A push in one direction: places from and to, its direction and its highest value."""

    begin: int
    end: int
    direction: Floats
    peak: float


def harsh_events(trip: Motion) -> list[Event]:
    """The harsh events of a trip, in order of time.

    Args:
        trip: see :func:`wuxin.packs.vehicles.inertial.motion`.

    Source: limits as in usage-based insurance (0.3 g to 0.45 g for braking, 0.2 g to 0.35 g for
    acceleration and turns are in use; these are chosen within); the method is this project's own.
    """
    found = _sideways(trip)
    taken = np.zeros(len(trip.t), np.bool_)
    for event in found:
        a, b = np.searchsorted(trip.t, (event.start, event.end))
        taken[max(0, a - 5) : b + 5] = True
    found += _lengthwise(trip, taken)
    return sorted(found, key=lambda event: event.start)


# ---- to the side -------------------------------------------------------------------------------


def _sideways(trip: Motion) -> list[Event]:
    """Turns and changes of lane: the yaw says what it is, the push whether it is harsh."""
    swings = _swings(trip.yaw)
    size = np.nan_to_num(np.linalg.norm(trip.push, axis=1))
    found: list[Event] = []
    k = 0
    while k < len(swings):
        a, b, sum_a = swings[k]
        if k + 1 < len(swings) and _is_pair(trip.yaw, swings[k], second=swings[k + 1]):
            _, d, sum_b = swings[k + 1]
            peak = float(size[a : d + 5].max())
            if abs(sum_a + sum_b) < _STRAIGHT and peak >= TURNS_FROM:
                found.append(_event(LANE_CHANGE, trip, begin=a, end=d, peak=peak, sum_yaw=sum_a))
                k += 2
                continue
        peak = float(size[a : b + 1].max())
        if abs(sum_a) >= _TURNED and peak >= TURNS_FROM:
            found.append(_event(TURN, trip, begin=a, end=b, peak=peak, sum_yaw=sum_a))
        k += 1
    return found


def _event(kind: str, trip: Motion, *, begin: int, end: int, peak: float, sum_yaw: float) -> Event:
    side = int(np.sign(sum_yaw)) if trip.sided else 0
    return Event(kind, int(trip.t[begin]), int(trip.t[min(end, len(trip.t) - 1)]), peak, side)


def _swings(yaw: Floats) -> list[tuple[int, int, float]]:
    """Runs of yaw of one sign: places from and to, and the change of heading (rad)."""
    sign = np.where(np.abs(np.nan_to_num(yaw)) >= _SWING, np.sign(np.nan_to_num(yaw)), 0)
    edges = np.flatnonzero(np.diff(sign)) + 1
    bounds = [0, *edges.tolist(), len(sign)]
    return [(a, b - 1, float(yaw[a:b].sum()) * STEP) for a, b in pairwise(bounds) if sign[a]]


def _is_pair(yaw: Floats, first: tuple[int, int, float], *, second: tuple[int, int, float]) -> bool:
    """Whether two swings are the two halves of a change of lane."""
    (a, b, _), (c, d, _) = first, second
    short = max(b - a, d - c) * STEP <= _LONGEST_SWING
    strong = min(np.abs(yaw[a : b + 1]).max(), np.abs(yaw[c : d + 1]).max()) >= _SWUNG
    return bool(short and strong and (c - b) * STEP <= _APART and yaw[a] * yaw[c] < 0)


# ---- along the road ----------------------------------------------------------------------------


def _lengthwise(trip: Motion, taken: NDArray[np.bool_]) -> list[Event]:
    found: list[Event] = []
    last: _Lobe | None = None
    for lobe in _lobes(trip.push):
        if taken[lobe.begin : lobe.end + 1].any() or _bends(trip, lobe):
            continue
        if last is not None and trip.restored and _echoes(lobe, last):
            continue
        kind = _kind(trip, lobe)
        if kind is None:
            continue
        last = lobe
        found.append(Event(kind, int(trip.t[lobe.begin]), int(trip.t[lobe.end]), lobe.peak))
    return found


def _lobes(push: Floats) -> list[_Lobe]:
    """Pushes of at least :data:`_LOW` that keep their direction within 60 degrees."""
    size = np.nan_to_num(np.linalg.norm(push, axis=1))
    found: list[_Lobe] = []
    k = 0
    while k < len(size):
        if size[k] < _LOW:
            k += 1
            continue
        begin = k
        summed = push[k].copy()
        while k + 1 < len(size) and size[k + 1] >= _LOW:
            along = float(push[k + 1] @ summed) / (size[k + 1] * float(np.linalg.norm(summed)))
            if along < _ALIKE:
                break
            k += 1
            summed += push[k]
        direction = summed / np.linalg.norm(summed)
        found.append(_Lobe(begin, k, direction, float(size[begin : k + 1].max())))
        k += 1
    return found


def _bends(trip: Motion, lobe: _Lobe) -> bool:
    turned = np.nan_to_num(trip.yaw[lobe.begin : lobe.end + 1]).sum() * STEP
    return bool(abs(turned) >= _TURNED)


def _echoes(lobe: _Lobe, last: _Lobe) -> bool:
    """Whether a push is what a filter gives back after the one before."""
    soon = (lobe.begin - last.end) * STEP <= _ECHO
    return (
        soon
        and lobe.peak < _RETURNS * last.peak
        and float(lobe.direction @ last.direction) < -_ALIKE
    )


def _kind(trip: Motion, lobe: _Lobe) -> str | None:
    if lobe.peak >= BRAKES_FROM:
        return BRAKING
    unsettled = trip.restored and lobe.begin < _SETTLED / STEP
    if unsettled or (lobe.end - lobe.begin) * STEP < _SHORTEST:
        return None
    onset = min(lobe.begin + int(_ONSET / STEP), lobe.end)
    early = float(np.linalg.norm(trip.push[lobe.begin : onset + 1], axis=1).max())
    return ACCELERATION if early >= PULLS_FROM and _gains(trip, lobe) else None


def _gains(trip: Motion, lobe: _Lobe) -> bool:
    """Whether the road shakes more after a push than before it."""
    one = int(1 / STEP)
    before = trip.shake[max(0, lobe.begin - 3 * one) : max(1, lobe.begin - one // 3)]
    after = trip.shake[lobe.begin + one : lobe.begin + 5 * one]
    return bool(len(before) and len(after) and np.median(after) > np.median(before))
