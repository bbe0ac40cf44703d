"""How a machine is: its temperature, all its signals together, and how long it will last."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from wuxin.packs.manufacturing.days import Floats, Times, held, of_day
from wuxin.packs.manufacturing.running import settled
from wuxin.risk import reference, remaining
from wuxin.terms.clock import DAY, HOUR, MINUTE
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived, Series

SIGNALS: Final = (
    "vibration", "vibration_2", "current", "voltage", "pressure", "temperature", "temperature_2",
    "flow",
)  # fmt: skip
"""What is looked at together, where the machine reports at least two of them."""

MEAN: Final = 12 * HOUR
PAST: Final = 28 * DAY
LEAST: Final = 5 * DAY
FAILED: Final = 0.2
"""The health index at which a machine counts as failed: four times the limit from normal."""

_GUARD: Final = 7
_FIRST: Final = 400
_PAST_ROWS: Final = 200
_TREND: Final = 10
_LEAST: Final = 1e-3
_NORMAL: Final = 14
_DAYS: Final = 56


def temperatures(view: DayView) -> list[Derived]:
    """Derive each hour how far the last 12 hours' mean temperature is from that of four weeks.

    In robust standard deviations, 1 K at the finest; nothing is said before five days are known.
    Where the load is known, only settled work counts: a machine at rest is not cold.
    """
    derived = []
    for machine in view.of("machine"):
        if not len(view.series(machine, "temperature")):
            continue
        found = view.series(machine, "temperature", days=PAST // DAY + 1)
        at_work = settled(view, machine, t=found.t, days=PAST // DAY + 1)
        found = Series(found.t[at_work], found.v[at_work])
        at = np.arange(view.start + HOUR, view.end + 1, HOUR, dtype=np.int64)
        score = reference.deviations(
            found.t, found.v, at=at, window=MEAN, history=PAST, least=LEAST
        )
        known = np.isfinite(score)
        if known.any():
            told = np.minimum(at[known], view.end - 1)
            derived.append(Derived(machine, "temperature_score", told, score[known]))
    return derived


def anomalies(view: DayView) -> list[Derived]:
    """Derive how far all signals together are from the machine's normal, and its health index.

    Normal is the oldest fortnight of eight weeks (a fault that grows must not become normal), else
    the days before, else the day's first 400 samples. Where the load is known, only settled work
    is compared. The score is in multiples of the limit: above 1 is odd. The index is
    1 / (1 + root of the median score of the day): 1 is as learnt, 0.5 at the limit.
    """
    derived = []
    for machine in view.of("machine"):
        t, x = _table(view, machine)
        if x.shape[1] < 2:
            continue
        today = t >= view.start
        normal, judged = _normal(t, x, today=today, start=view.start)
        if normal is None or not judged.any():
            continue
        lead = max(int(np.argmax(today)) - reference.WINDOW, 0)
        score = reference.distance(x[lead:], normal)[judged[lead:]]
        when = t[judged]
        told, worst = _by_minute(when, score)
        derived.append(Derived(machine, "anomaly_score", told, worst))
        derived += of_day(
            view, machine, health_index=1.0 / (1.0 + float(np.sqrt(np.median(score))))
        )
    return derived


def lifetimes(view: DayView) -> list[Derived]:
    """Derive how long until the health index reaches 0.2, where it falls for certain.

    The distance from normal (1 / index − 1) is drawn on, because wear adds to it evenly.
    """
    derived = []
    for machine in view.of("machine"):
        index = view.series(machine, "health_index", days=_TREND)
        if not len(index) or index.t[-1] < view.start:
            continue
        days = (index.t / DAY).tolist()
        far = 1.0 - 1.0 / np.maximum(index.v, _LEAST)  # less the distance, in units of the limit
        left = remaining.trend(days, far.tolist(), threshold=1.0 - 1.0 / FAILED)
        if left is not None:
            derived += of_day(view, machine, remaining_life=left * DAY / 1e9)
    return derived


def _table(view: DayView, machine: ThingKey) -> tuple[Times, Floats]:
    """Signals on the moments of the one that reports most often today (n), (n, signals)."""
    names = [s for s in SIGNALS if _today(view, machine, name=s)]
    found = {s: view.series(machine, s, days=_DAYS) for s in names}
    if len(found) < 2:
        return np.zeros(0, np.int64), np.zeros((0, 0))
    main = max(found.values(), key=len)
    usual = int(np.median(np.diff(main.t))) if len(main) > 1 else MINUTE
    x = np.column_stack([held(s, main.t, most=2 * usual) for s in found.values()])
    good = np.isfinite(x).all(axis=1) & settled(view, machine, t=main.t, days=_DAYS)
    return main.t[good], x[good]


def _today(view: DayView, machine: ThingKey, *, name: str) -> bool:
    return len(view.series(machine, name)) > 1


def _normal(
    t: Times, x: Floats, *, today: NDArray[np.bool_], start: int
) -> tuple[reference.Reference | None, NDArray[np.bool_]]:
    """The reference, and which of today's samples are judged by it."""
    week_ago = start - _GUARD * DAY
    oldest = min(week_ago, int(t[0]) + _NORMAL * DAY) if len(t) else week_ago
    for before in (oldest, week_ago, start):
        past = t < before
        if np.count_nonzero(past) >= _PAST_ROWS:
            return reference.learn(x[past]), today
    own = np.flatnonzero(today)
    judged = np.zeros(len(t), np.bool_)
    judged[own[_FIRST:]] = True
    return reference.learn(x[own[:_FIRST]]) if len(own) > _FIRST else None, judged


def _by_minute(t: Times, score: Floats) -> tuple[Times, Floats]:
    """The worst score of each minute, at its last sample."""
    minute = t // MINUTE
    last = np.flatnonzero(np.append(minute[1:] != minute[:-1], True))
    first = np.append(0, last[:-1] + 1)
    return t[last], np.maximum.reduceat(score, first)
