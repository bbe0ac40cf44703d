"""Fuel: a level that sloshes made even, refuelling and theft told from slopes and consumption.

A float in a tank swings by several per cent of the tank while the vehicle drives, and stands aside
on a slope. So levels are compared like with like: within one standstill, where only somebody with a
hose changes them; and minutes of driving before with minutes of driving after.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.clock import MINUTE, SECOND

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

LEAST: Final = 0.03
"""Change (share of the tank) that is an event: less than the 5 % that must be found, because what a
median of minutes shows is less than what was taken. Few minutes on a side ask for more."""

STANDING_LEAST: Final = 0.032
"""The same within a standstill."""

BLIND: Final = 0.045
"""The same where no speed tells driving from standing."""

SPARSE: Final = 0.08
"""The same where a minute has fewer than :data:`SAMPLES` and the gauge swings. Four recordings
thinned to a value a minute showed steps of up to 0.074 where nothing was taken; chosen above that
on these same recordings, so that smaller thefts are missed there."""

SAMPLES: Final = 5
"""Values in a minute from which its median is steadier than one of them."""

CONSUMES: Final = 0.20
"""The most that an engine takes in an hour (share of the tank)."""

_AROUND: Final = 15
_FEWEST: Final = 4
_SURE: Final = 3.0
_QUIET: Final = 0.008
_APART: Final = 20 * MINUTE
_SETTLES: Final = 20.0
_STANDS: Final = 60.0


class FuelEvent(NamedTuple):
    """Fuel that came or went: when (ns), how much (share of the tank), and whether it stood.

    ``kind`` is ``refuel`` or ``siphon``; ``standing``: seen within a standstill.
    """

    kind: str
    at: int
    change: float
    standing: bool


class Level(NamedTuple):
    """An even level: middles of minutes (n, ns), share of the tank (n), whether driven (n)."""

    t: Times
    level: Floats
    driven: NDArray[np.bool_]


def smoothed(t: Times, level: Floats, *, speed: tuple[Times, Floats] | None = None) -> Level:
    """The level minute by minute: the median of what the float said.

    Args:
        t: moments (n), ns, in any order.
        level: share of the tank (n); NaN and what lies outside of 0 to 1 is left out.
        speed: moments (m, ns) and m/s, where known.
    """
    t, level = _ordered(t, level)
    if not len(t):
        nothing = np.empty(0)
        return Level(np.empty(0, np.int64), nothing, np.empty(0, np.bool_))
    minute = (t - t[0]) // MINUTE
    moves = _moves(t, speed)
    times, levels, driven = [], [], []
    for k in np.unique(minute).tolist():
        here = minute == k
        drives = bool(moves[here].mean() >= 0.6)
        chosen = here & moves if drives and speed is not None else here
        times.append(int(np.median(t[chosen])))
        levels.append(float(np.median(level[chosen])))
        driven.append(drives)
    return Level(np.array(times, np.int64), np.array(levels), np.array(driven, np.bool_))


def fuel_events(
    t: Times, level: Floats, *, speed: tuple[Times, Floats] | None = None
) -> list[FuelEvent]:
    """Refuelling and theft, in order of time (see :func:`smoothed` for the arguments).

    Source: this project's own; a step with a common slope is fitted by medians on both sides, with
    a slope that an engine can consume.
    """
    t, level = _ordered(t, level)
    found = _standing(t, level, speed=speed)
    even = smoothed(t, level, speed=speed)
    drives = even.driven if speed is not None else np.ones(len(even.t), np.bool_)
    least = LEAST if speed is not None else BLIND
    if len(t) < SAMPLES * len(even.t):
        least = SPARSE
    for event in _driven(even.t[drives], even.level[drives], least=least):
        if all(abs(event.at - other.at) > _APART for other in found):
            found.append(event)
    return sorted(found, key=lambda event: event.at)


def _ordered(t: Times, level: Floats) -> tuple[Times, Floats]:
    t, level = np.asarray(t, np.int64), np.asarray(level, np.float64)
    with np.errstate(invalid="ignore"):
        good = (level >= 0) & (level <= 1)
    t, level = t[good], level[good]
    order = np.argsort(t, kind="stable")
    return t[order], level[order]


def _moves(t: Times, speed: tuple[Times, Floats] | None) -> NDArray[np.bool_]:
    if speed is None or not len(speed[0]):
        return np.ones(len(t), np.bool_)
    place = np.clip(np.searchsorted(speed[0], t, side="right") - 1, 0, len(speed[0]) - 1)
    fresh = np.abs(t - speed[0][place]) <= MINUTE
    return np.asarray((speed[1][place] > 0.14) & fresh, np.bool_)


def _standing(t: Times, level: Floats, *, speed: tuple[Times, Floats] | None) -> list[FuelEvent]:
    """Changes within one standstill: between the medians of its pieces of twenty seconds."""
    if speed is None or not len(speed[0]):
        return []
    moves = _moves(t, speed)
    found: list[FuelEvent] = []
    edges = np.flatnonzero(np.diff(np.concatenate([[True], moves, [True]]).astype(np.int8)))
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        if (t[b - 1] - t[a]) / SECOND < _STANDS:
            continue
        begins = np.arange(t[a] + 10 * SECOND, t[b - 1] - _SETTLES * SECOND + 1, 10 * SECOND)
        pieces = [(int(s), _median(t, level, start=s, width=_SETTLES)) for s in begins]
        known = [(s, v) for s, v in pieces if np.isfinite(v)]
        if (event := _largest(known)) is not None:
            found.append(event)
    return found


def _median(t: Times, level: Floats, *, start: float, width: float) -> float:
    a, b = np.searchsorted(t, (start, start + width * SECOND))
    return float(np.median(level[a:b])) if b > a else float("nan")


def _largest(known: list[tuple[int, float]]) -> FuelEvent | None:
    """The largest change from one plateau of a standstill to a later one that stays."""
    if len(known) < 4:
        return None
    v = np.array([value for _, value in known])
    best, place = 0.0, 0
    for k in range(2, len(v) - 1):
        change = float(np.median(v[k:]) - np.median(v[:k]))
        if abs(change) > abs(best):
            best, place = change, k
    if abs(best) < STANDING_LEAST:
        return None
    return FuelEvent("refuel" if best > 0 else "siphon", known[place][0], best, standing=True)


def _driven(t: Times, level: Floats, *, least: float) -> list[FuelEvent]:
    """Steps between minutes of driving; of steps within a quarter of an hour the largest counts."""
    candidates = []
    for k in range(_FEWEST, len(t) - _FEWEST + 1):
        a, b = max(0, k - _AROUND), min(len(t), k + _AROUND)
        step, error, quiet = _step(level[a:b], k - a)
        few = min(k - a, b - k)
        if abs(step) >= max((LEAST if quiet else least) * (1 + 1 / few), error):
            candidates.append((abs(step), step, k))
    found: list[tuple[int, float]] = []
    for _, step, k in sorted(candidates, reverse=True):
        if all(abs(k - other) > _AROUND for other, _ in found):
            found.append((k, step))
    return [
        FuelEvent(
            "refuel" if step > 0 else "siphon", int(t[k - 1] + t[k]) // 2, step, standing=False
        )
        for k, step in found
    ]


def _step(level: Floats, k: int) -> tuple[float, float, bool]:
    """The step at place k under the slope that fits best, three standard errors, and if quiet.

    Time is minutes driven: nothing is consumed overnight. Quiet is a level that scatters by less
    than two steps of the gauge on both sides.
    """
    hours = np.arange(len(level)) / 60.0
    best = (np.inf, 0.0, 0.0, False)
    for slope in np.linspace(-CONSUMES, 0, 9).tolist():
        rest = level - slope * hours
        low, high = float(np.median(rest[:k])), float(np.median(rest[k:]))
        off = np.abs(np.concatenate([rest[:k] - low, rest[k:] - high]))
        spread = 1.4826 * float(np.median(off))
        error = _SURE * spread * float(np.sqrt(1 / k + 1 / (len(level) - k)))
        if (size := float(off.sum())) < best[0]:
            quiet = max(np.quantile(off[:k], 0.8), np.quantile(off[k:], 0.8)) < _QUIET
            best = (size, high - low, error, bool(quiet))
    return best[1:]
