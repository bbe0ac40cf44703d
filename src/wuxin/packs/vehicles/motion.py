"""Speed as a vehicle reports it: what the sensor cannot mean, hard braking, and collisions.

A speed is whole km/h and is refreshed about once a second, even where rows come ten times a second.
So a fall from 50 to 33 between two rows is no deceleration of 50 m/s²: it happened since the value
was last refreshed. What tyres cannot do even so is a fault of the sensor, if the vehicle goes on as
before; it is a collision, if the vehicle stands from then on.
"""

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.clock import SECOND

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Mask = NDArray[np.bool_]

GRIP: Final = 10.5
"""m/s² that no road vehicle's tyres exceed (1.07 g; a dry road gives a car 0.8 g to 1.0 g)."""

PULL: Final = 7.0
"""m/s² that no road vehicle accelerates with; the quickest electric cars reach 0 to 100 in 4 s."""

SUDDEN: Final = 6.0
"""A fall (m/s) within one refresh that is worth asking whether it happened."""

QUANTUM: Final = 0.3
"""The step of a speed in whole km/h (m/s), as OBD and JT/T 808 have it."""

HELD: Final = 3.0
"""A gap between samples (s) within which nobody knows how the speed went."""

REFRESH: Final = (0.1, 1.2)
"""The shortest and longest time (s) between two refreshes that is believed."""

STANDING: Final = 0.5
"""Speed (m/s) up to which a vehicle stands."""

BRAKES_FROM, PULLS_FROM = 3.5, 2.8
"""Deceleration and acceleration (m/s², over a second) from which they are harsh."""

COLLIDES_FROM: Final = 6.9
"""Fall of speed (m/s, 25 km/h) from which a stop that tyres cannot do is a collision."""

BRAKES_AT_MOST: Final = 9.0
"""m/s² beyond which hardly any car brakes: 0.92 g."""

CREEPS: Final = 1.5
"""Speed (m/s) that a wreck may still roll."""

STAYS: Final = 10.0
"""How long (s) the vehicle must stand after it for a collision to be confirmed."""

_RETURNS: Final = 600.0


class Speed(NamedTuple):
    """A speed in order of time: ns (n), m/s (n), and which samples the sensor cannot mean (n).

    ``every`` is how often its value is refreshed (s).
    """

    t: Times
    v: Floats
    fault: Mask
    every: float


class Push(NamedTuple):
    """Hard braking or acceleration: from and to (ns), its highest mean over a second (m/s²)."""

    kind: str
    start: int
    end: int
    peak: float


class Collision(NamedTuple):
    """A stop such as a wall makes: when (ns), the fall of speed (m/s), seconds it stood after.

    ``confirmed``: no tyres could have done it, and it stood for :data:`STAYS` or longer. Else the
    hardest braking could have, or the data end too soon: somebody calls the driver.
    """

    at: int
    fall: float
    stood: float
    confirmed: bool


def marked(t: Times, v: Floats) -> Speed:
    """Put a speed in order and mark what the sensor cannot mean.

    Args:
        t: moments (n), ns, in any order; of two at one moment the last counts.
        v: m/s; NaN and negative values are left out as missing.

    Returns:
        The samples kept, each with its mark. A jump and its return are marked from the one to the
        other; a fall to standstill without return is not marked: see :func:`collisions`.
    """
    t, v = np.asarray(t, np.int64), np.asarray(v, np.float64)
    good = np.isfinite(v) & (v >= 0)
    t, v = t[good], v[good]
    order = np.argsort(t, kind="stable")
    t, v = t[order], v[order]
    last = np.append(t[1:] != t[:-1], True)[: len(t)]
    t, v = t[last], v[last]
    fault = np.zeros(len(t), np.bool_)
    every = refresh(t, v)
    leaps = _leaps(t, v, every=every)
    k = 1
    while k < len(t):
        if not leaps[k]:
            k += 1
            continue
        back = _return(t, v, k=k, leaps=leaps)
        if back is None and v[k] > v[k - 1]:
            fell = _fell(t, v, k=k)
            if fell is not None:
                fault[fell:k] = True
                k += 1
                continue
            back = _settled(t, v, k=k)
        if back is None:
            k += 1
            continue
        fault[k:back] = True
        k = back + 1
    return Speed(t, v, fault, every)


def pushes(speed: Speed, *, brakes: float = BRAKES_FROM, pulls: float = PULLS_FROM) -> list[Push]:
    """Hard braking and acceleration in a speed without its faults, in order of time.

    Between two refreshes the speed is taken to change evenly; the mean over a second counts. What
    spans a marked sample or a gap of more than :data:`HELD` says nothing.
    """
    found: list[Push] = []
    for t, v in _pieces(speed):
        if len(t) < 2 or t[-1] - t[0] < 1.5:
            continue
        # One raster for all pieces, so that a fault elsewhere does not move it.
        grid = np.arange(np.ceil(t[0] / 0.2), np.floor(t[-1] / 0.2) + 1) * 0.2
        even = np.interp(grid, t, v)
        change = (even[5:] - even[:-5]) / (grid[5] - grid[0]) if len(grid) > 5 else np.empty(0)
        for kind, size, least in (("braking", -change, brakes), ("acceleration", change, pulls)):
            found += _runs(kind, grid, size=size, least=least)
    begin = int(speed.t[0]) if len(speed.t) else 0
    shifted = [p._replace(start=p.start + begin, end=p.end + begin) for p in found]
    return sorted(shifted, key=lambda push: push.start)


def collisions(speed: Speed, *, moved: Times | None = None) -> list[Collision]:
    """Falls of speed to standstill within one refresh that braking hardly explains.

    Args:
        speed: see :func:`marked`; marked samples are not looked at.
        moved: moments (ns) at which something else (positions, an accelerometer) shows that the
            vehicle moves. One within :data:`STAYS` after the fall says that the sensor failed.
    """
    t, v = speed.t[~speed.fault], speed.v[~speed.fault]
    stops = np.flatnonzero((v[1:] <= CREEPS) & (v[:-1] > CREEPS)) + 1
    changed = np.flatnonzero(np.append(True, v[1:] != v[:-1])[: len(v)])
    found: list[Collision] = []
    for k in stops.tolist():
        fall, rate = _fall(t, v, k=k, changed=changed, every=speed.every)
        if fall < COLLIDES_FROM or rate < BRAKES_AT_MOST:
            continue
        rest = np.flatnonzero(v[k:] > CREEPS)
        end = int(t[k + rest[0]]) if len(rest) else int(t[-1])
        stood = (end - int(t[k])) / SECOND
        if len(rest) and stood < STAYS:
            continue
        until = int(t[k]) + int(STAYS * SECOND)
        if moved is not None and bool(((moved > t[k] + SECOND) & (moved < until)).any()):
            continue
        found.append(Collision(int(t[k]), fall, stood, rate >= GRIP and stood >= STAYS))
    return found


def driven(speed: Speed, *, gap: float = 60.0) -> tuple[float, float]:
    """Metres and seconds driven, by the trapezoids of the speed without its faults.

    A gap of more than ``gap`` seconds counts for neither.
    """
    t, v = speed.t[~speed.fault] / SECOND, speed.v[~speed.fault]
    if len(t) < 2:
        return 0.0, 0.0
    span = np.diff(t)
    near = span <= gap
    metres = float(((v[1:] + v[:-1]) / 2 * span)[near].sum())
    moving = near & ((v[1:] > STANDING) | (v[:-1] > STANDING))
    return metres, float(span[moving].sum())


# ---- how it is done ----------------------------------------------------------------------------


def refresh(t: Times, v: Floats, *, share: float = 0.25, most: float = REFRESH[1]) -> float:
    """How often a value is refreshed (s): a quantile of the times between its changes, in bounds.

    The quicker quarter, because a speed may also be refreshed without any change.
    """
    at = t[np.flatnonzero(np.append(False, v[1:] != v[:-1]))] / SECOND
    usual = float(np.quantile(np.diff(at), share)) if len(at) > 2 else 1.0
    return float(np.clip(usual, REFRESH[0], most))


def _fall(
    t: Times, v: Floats, *, k: int, changed: NDArray[np.int64], every: float
) -> tuple[float, float]:
    """The fall (m/s) to a stop at k, and the least deceleration (m/s²) that explains it.

    Of the falls from any moment of the three seconds before, the one that takes the most. What was
    held before it fell may have fallen at any time since it was refreshed.
    """
    best = (0.0, 0.0)
    for j in range(k - 1, -1, -1):
        span = (t[k] - t[j]) / SECOND
        if span > HELD:
            break
        since = changed[np.searchsorted(changed, j, side="right") - 1]
        span += min((t[j] - t[since]) / SECOND, max(1.1 * every - span, 0.0))
        fall = float(v[j] - v[k])
        rate = (fall - QUANTUM) / max(span, 0.1)
        if fall >= COLLIDES_FROM and rate > best[1]:
            best = (fall, rate)
    return best


def _leaps(t: Times, v: Floats, *, every: float) -> Mask:
    """Whether each sample (n) lies further from the one before than tyres could bring it.

    The change may have happened at any time since the last refresh, at most a tenth late.
    """
    if len(t) < 2:
        return np.zeros(len(t), np.bool_)
    changed = np.flatnonzero(np.append(True, v[1:] != v[:-1]))
    before = changed[np.searchsorted(changed, np.arange(1, len(t)), side="left") - 1]
    since = np.minimum((t[1:] - t[before]) / SECOND, 1.1 * every)
    since = np.maximum(since, (t[1:] - t[:-1]) / SECOND)
    step = np.diff(v)
    most = np.where(step < 0, GRIP, PULL) * since + QUANTUM
    return np.append(False, np.abs(step) > most)


def _return(t: Times, v: Floats, *, k: int, leaps: Mask) -> int | None:
    """Where a leap at k is taken back: the first later leap the other way to what could be."""
    up = v[k] > v[k - 1]
    for j in np.flatnonzero(leaps[k + 1 :]).tolist():
        place = k + 1 + j
        if (t[place] - t[k - 1]) / SECOND > _RETURNS:
            return None
        span = (t[place] - t[k - 1]) / SECOND
        if (v[place] > v[place - 1]) != up and abs(v[place] - v[k - 1]) <= GRIP * span + QUANTUM:
            return int(place)
    return None


def _fell(t: Times, v: Floats, *, k: int) -> int | None:
    """Where a speed fell that a leap upwards at k takes back; None: nowhere within ten minutes.

    The fall itself may be one that tyres could do: the rise tells that it never happened.
    """
    since = int(np.searchsorted(t, t[k] - int(_RETURNS * SECOND)))
    falls = np.flatnonzero(v[since : k - 1] - v[since + 1 : k] > SUDDEN) + since + 1
    for place in falls[::-1].tolist():
        span = (t[k] - t[place - 1]) / SECOND
        if abs(v[k] - v[place - 1]) <= 2.0 * span + QUANTUM and v[place:k].max() < v[place - 1]:
            return int(place)
    return None


def _settled(t: Times, v: Floats, *, k: int) -> int | None:
    """Where after a leap upwards the speed could have come from before it; the end, if nowhere."""
    span = (t[k:] - t[k - 1]) / SECOND
    fits = np.flatnonzero(np.abs(v[k:] - v[k - 1]) <= 4.0 * span + QUANTUM)
    return k + int(fits[0]) if len(fits) else len(v)


def _pieces(speed: Speed) -> list[tuple[Floats, Floats]]:
    """Stretches without fault or gap: seconds and m/s at the refreshes."""
    t = (speed.t - speed.t[0]) / SECOND if len(speed.t) else np.empty(0)
    good = ~speed.fault
    usual = max(speed.every, refresh(speed.t[good], speed.v[good], share=0.5, most=2.0))
    cut = np.flatnonzero(speed.fault | np.append(False, np.diff(t) > HELD))
    bounds = sorted({0, *cut.tolist(), *(cut[speed.fault[cut]] + 1).tolist(), len(t)})
    found = []
    for a, b in pairwise(bounds):
        if not speed.fault[a] and b - a > 1:
            found.append(_refreshes(t[a:b], speed.v[a:b], every=usual))
    return found


def _refreshes(t: Floats, v: Floats, *, every: float) -> tuple[Floats, Floats]:
    """Where a held speed was refreshed: its changes, and within long holds points before them."""
    places = np.flatnonzero(np.append(True, v[1:] != v[:-1]))
    if len(places) > 1 and t[places[1]] - t[0] < every:  # cut within a hold: nobody knows how long
        places = places[1:]
    times, values = [t[places[0]]], [v[places[0]]]
    for a, b in pairwise(places.tolist()):
        if t[b] - t[a] > 1.5 * every:
            times.append(t[b] - every)
            values.append(v[a])
        times.append(t[b])
        values.append(v[b])
    times.append(t[-1])
    values.append(v[-1])
    return np.array(times), np.array(values)


def _runs(kind: str, grid: Floats, *, size: Floats, least: float) -> list[Push]:
    over = np.flatnonzero(np.diff(np.concatenate([[0], (size >= least).astype(int), [0]])))
    return [
        Push(
            kind, int(grid[a] * SECOND), int(grid[min(b + 4, len(grid) - 1)] * SECOND),
            float(size[a:b].max()),
        )
        for a, b in zip(over[::2], over[1::2], strict=True)
    ]  # fmt: skip
