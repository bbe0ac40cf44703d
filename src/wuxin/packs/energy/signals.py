"""Faults of the data itself, marked on the thing whose signal shows them."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.packs.energy.siblings import SIBLINGS
from wuxin.packs.energy.station import HISTORY_DAYS, Station, of_day, station
from wuxin.risk import anomaly
from wuxin.terms.clock import DAY
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived, Series

SIGNALS: Final = {
    "plant": ("ac_power", "dc_power"),
    "meter": ("ac_power",),
    "inverter": ("ac_power", "dc_power"),
    "array": ("dc_power",),
    "string": ("dc_power",),
    "weather_station": ("poa_irradiance", "ghi"),
}
"""The signal that is examined on each kind: the first that it reports."""

LOOK_BACK: Final = 3
"""Days in which runs are looked for, so that one that spans midnight is seen whole."""

SETTLED: Final = 60 * DAY
"""How long a shift is news; then the new level is what there is."""

SHIFT_DAYS: Final = 120
_YEARS: Final = 790
_FEWEST_DAYS: Final = 20
_LEAST_STEP: Final = 0.1
_NIGHT: Final = 0.005
_SUN: Final = 1000.0
_FEWEST: Final = 4


class Run(NamedTuple):
    """A stretch from sample ``a`` to ``b`` (exclusive), and what it measures."""

    a: int
    b: int
    value: float


class Signal(NamedTuple):
    """What is examined of one thing: times and values (n), and what they reach."""

    thing: ThingKey
    t: NDArray[np.int64]
    v: NDArray[np.float64]
    scale: float
    ceiling: float


def mark_signals(view: DayView) -> list[Derived]:
    """Mark stretches of stale, interpolated and clipped data, and spikes, of each thing's signal.

    A mark's value is the stretch's length (s), or the spike's deviation, at its first sample; 0
    follows at the first sample after it. A spike that inverters share is weather, and no mark.
    """
    found = station(view)
    signals = [
        signal
        for kind, names in SIGNALS.items()
        for thing in view.of(kind)
        if (signal := _signal(found, thing, names)) is not None
    ]
    if not signals:
        return []
    scale = np.array([s.scale for s in signals])
    suspects = anomaly.screen(
        [(s.t, s.v) for s in signals],
        floor=_NIGHT * scale, scale=scale, ceiling=np.array([s.ceiling for s in signals]),
    )  # fmt: skip
    scores = [
        anomaly.spikes(s.t, s.v, scale=s.scale) if odd else np.zeros(len(s.t))
        for s, odd in zip(signals, suspects.spikes.tolist(), strict=True)
    ]
    scores = _unshared(signals, scores)
    derived = []
    for i, signal in enumerate(signals):
        marks = _examine(signal, scores[i], suspects=suspects, i=i)
        for mark, runs in marks.items():
            derived += _told(view, signal.thing, mark=mark, runs=runs, t=signal.t)
    return derived


def _signal(found: Station, thing: ThingKey, names: Sequence[str]) -> Signal | None:
    """The first signal that a thing reports today, over some days; None if it is not fit."""
    view = found.view
    name = next((n for n in names if len(view.series(thing, n))), None)
    if name is None:
        return None
    t, v = (series := view.series(thing, name, days=LOOK_BACK)).t, series.v
    if len(t) < _FEWEST or t[-1] - t[0] >= (len(t) - 1) * DAY:
        return None
    if not name.endswith("power"):
        return Signal(thing, t, v, _SUN, 0.0)
    reached = found.reached(thing)
    scale = max(found.rated(thing), reached)
    return Signal(thing, t, v, scale, reached) if scale > 0 else None


def _unshared(
    signals: Sequence[Signal], scores: list[NDArray[np.float64]]
) -> list[NDArray[np.float64]]:
    """Scores without the spikes that a third of the inverters show at the same moment."""
    inverters = [i for i, s in enumerate(signals) if s.thing.kind == "inverter"]
    odd = [signals[i].t[scores[i] > 0] for i in inverters]
    if len(inverters) <= SIBLINGS or not any(len(t) for t in odd):
        return scores
    times, count = np.unique(np.concatenate(odd), return_counts=True)
    shared = times[count >= max(2.0, len(inverters) / 3)]
    for i in inverters:
        scores[i][np.isin(signals[i].t, shared)] = 0.0
    return scores


def _examine(
    signal: Signal, score: NDArray[np.float64], *, suspects: anomaly.Suspects, i: int
) -> dict[str, list[Run]]:
    t, v = signal.t, signal.v
    capped = np.zeros(len(t), np.bool_)
    if suspects.clipped[i]:
        calm = score == 0
        capped[calm] = anomaly.clipped(t[calm], v[calm], ceiling=signal.ceiling)
    marks = {
        "spike": [Run(k, k + 1, float(score[k])) for k in np.flatnonzero(score).tolist()],
        "clipped": _timed(t, capped),
        "stale": [],
        "interpolated": [],
    }
    if suspects.stale[i]:
        marks["stale"] = _timed(t, anomaly.stale(t, v, floor=_NIGHT * signal.scale) & ~capped)
    if suspects.interpolated[i]:
        marks["interpolated"] = _timed(t, anomaly.interpolated(t, v) & ~capped)
    return marks


def _timed(t: NDArray[np.int64], mask: NDArray[np.bool_]) -> list[Run]:
    return [Run(a, b, float(t[b - 1] - t[a]) / 1e9) for a, b in anomaly.runs(mask)]


def _told(
    view: DayView, thing: ThingKey, *, mark: str, runs: Sequence[Run], t: NDArray[np.int64]
) -> list[Derived]:
    """The beginnings and ends of runs that were not told on the days before."""
    past = view.series(thing, mark, days=HISTORY_DAYS)
    told = int(past.t[-1]) if len(past) else -1
    going = bool(len(past) and past.v[-1] > 0)
    today = int(np.searchsorted(t, view.start))
    if today == len(t):
        return []
    points: list[tuple[int, float]] = []
    for run in runs:
        if run.b <= today:
            continue
        if not (going and run.a <= today):
            if going:
                points.append((int(t[today]), 0.0))
            points.append((max(int(t[run.a]), told + 1), run.value))
        going = run.b == len(t)
        if not going:
            points.append((int(t[run.b]), 0.0))
    if going and not points and not any(run.b == len(t) for run in runs):
        points.append((int(t[today]), 0.0))
    if not points:
        return []
    return [
        Derived(
            thing, mark,
            np.array([at for at, _ in points], np.int64), np.array([v for _, v in points]),
        )
    ]  # fmt: skip


def mark_shifts(view: DayView) -> list[Derived]:
    """Mark where the level of a unit's daily energy stepped, found within 10 to 60 days.

    Energy is set against what was expected where the rating is registered or siblings report, so
    that weather and season are no step; otherwise against its own trend, or with two years of
    history against its own seasons. The value is the relative step at the day of the new level,
    and 0 after 60 days.
    """
    found = station(view)
    return [derived for unit in found.units() for derived in _shifted(found, unit)]


def _shifted(found: Station, unit: ThingKey) -> list[Derived]:
    view = found.view
    past = view.series(unit, "data_shift", days=_YEARS)
    told, going = (int(past.t[-1]), past.v[-1] != 0) if len(past) else (-1, False)
    series = _daily(found, unit)
    new = np.zeros(0, np.int64)
    if len(series) and series.t[-1] >= view.start and _moved(series.v):
        where, step = anomaly.shifts(series.t, series.v)
        since = max(told + (SETTLED // 2 if going else 0), view.end - 1 - SETTLED)
        new = np.flatnonzero(series.t[where] > since) if len(where) else new
    if len(new):
        return [Derived(unit, "data_shift", series.t[where[new]], step[new])]
    if going and view.end - 1 - told >= SETTLED:
        return [of_day(view, unit, indicator="data_shift", value=0.0)]
    return []


def _daily(found: Station, unit: ThingKey) -> Series:
    """A unit's daily energy, or its ratio to what was expected: two years, else 120 days."""
    view = found.view
    series = view.series(unit, "energy_measured", days=_YEARS)
    many = view.of("inverter")
    if view.facts(unit).get("rated_power") or (unit in many and len(many) > SIBLINGS):
        expected = view.series(unit, "expected_energy", days=_YEARS)
        at = np.searchsorted(expected.t, series.t)
        known = at < len(expected)
        known[known] &= expected.t[at[known]] == series.t[known]
        if np.count_nonzero(known) >= max(_FEWEST_DAYS, len(series) // 2):
            at = at[known]
            enough = expected.v[at] > 0.1 * np.median(expected.v[at])
            ratio = series.v[known][enough] / expected.v[at][enough]
            series = Series(series.t[known][enough], ratio)
    series = Series(series.t[series.v > 0], series.v[series.v > 0])
    short = not len(series) or series.t[-1] - series.t[0] < 2 * 365 * DAY
    return Series(series.t[-SHIFT_DAYS:], series.v[-SHIFT_DAYS:]) if short else series


def _moved(v: NDArray[np.float64]) -> bool:
    """Whether the last days differ enough from those before to look closer."""
    if len(v) < _FEWEST_DAYS:
        return False
    log = np.log(v[-SHIFT_DAYS:])
    levels = [float(np.median(part)) for part in (log[-10:], log[-60:-10], log[:-10])]
    return max(abs(levels[0] - levels[1]), abs(levels[0] - levels[2])) > _LEAST_STEP
