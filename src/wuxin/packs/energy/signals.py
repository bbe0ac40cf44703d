"""Faults of the data itself, marked on the thing whose signal shows them."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.packs.energy.siblings import SIBLINGS
from wuxin.packs.energy.station import HISTORY_DAYS, Station, middle, of_day, station
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
_FEW_AFTER: Final = 10
_CLEAR_STEP: Final = 6.0
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
        if (signal := _signal(found, thing, names=names)) is not None
    ]
    if not signals:
        return []
    scale = np.array([s.scale for s in signals])
    suspects = anomaly.screen(
        [(s.t, s.v) for s in signals],
        floor=_NIGHT * scale, scale=scale, ceiling=np.array([s.ceiling for s in signals]),
    )  # fmt: skip
    scores = [
        anomaly.spikes(s.t, s.v, scale=s.scale, since=view.start) if odd else np.zeros(len(s.t))
        for s, odd in zip(signals, suspects.spikes.tolist(), strict=True)
    ]
    _drop_shared(found, signals, scores=scores)
    derived = []
    for i, signal in enumerate(signals):
        marks = _examine(signal, scores[i], suspects=suspects, i=i)
        for mark, runs in marks.items():
            derived += _told(view, signal.thing, mark=mark, runs=runs, t=signal.t)
    return derived


def _signal(found: Station, thing: ThingKey, *, names: Sequence[str]) -> Signal | None:
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


def _drop_shared(
    found: Station, signals: Sequence[Signal], *, scores: Sequence[NDArray[np.float64]]
) -> None:
    """Take back spikes at which the median inverter bends a third as much: weather."""
    odd = [i for i, s in enumerate(signals) if s.thing.kind == "inverter" and scores[i].any()]
    inverters = list(found.view.of("inverter"))
    if not odd or len(inverters) <= SIBLINGS:
        return
    share = found.matrix(inverters)
    bends = np.zeros((len(inverters) + 1, share.shape[1]))
    rows = np.vstack([share, middle(share)[0]])
    bends[:, 1:-1] = rows[:, 1:-1] - (rows[:, :-2] + rows[:, 2:]) / 2
    for i in odd:
        own = bends[inverters.index(signals[i].thing)]
        shared = np.nan_to_num(bends[-1] * np.sign(own)) >= np.abs(own) / 3
        at = np.flatnonzero(scores[i])
        bins = (signals[i].t[at] - found.start()) // found.step
        scores[i][at[shared[bins]]] = 0.0


def _examine(
    signal: Signal, score: NDArray[np.float64], *, suspects: anomaly.Suspects, i: int
) -> dict[str, list[Run]]:
    t, v = signal.t, signal.v
    capped = np.zeros(len(t), np.bool_)
    if suspects.clipped[i]:
        capped = anomaly.clipped(t, v, ceiling=signal.ceiling)
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
    since = max(told + (SETTLED // 2 if going else 0), view.end - 1 - SETTLED)
    series, known = _daily(found, unit, days=SHIFT_DAYS)
    if len(series) and series.t[-1] >= view.start and _moved(series.v):
        if not known and len(series) >= SHIFT_DAYS - _FEWEST_DAYS:
            longer, _ = _daily(found, unit, days=_YEARS)
            series = longer if longer.t[-1] - longer.t[0] >= 2 * 365 * DAY else series
        least, limit = (_FEW_AFTER, _CLEAR_STEP) if known else (2 * _FEW_AFTER, _CLEAR_STEP + 1.0)
        where, step = anomaly.shifts(series.t, series.v, least=least, limit=limit)
        new = np.flatnonzero(series.t[where] > since)
        if len(new):
            return [Derived(unit, "data_shift", series.t[where[new]], step[new])]
    if going and view.end - 1 - told >= SETTLED:
        return [of_day(view, unit, indicator="data_shift", value=0.0)]
    return []


def _daily(found: Station, unit: ThingKey, *, days: int) -> tuple[Series, bool]:
    """A unit's daily energy, or (and then true) its ratio to what was expected.

    What is not set against anything is judged more strictly, since a change of weather looks like
    a step at first and is looked at anew each day; with two years of it the seasons are known.
    """
    view = found.view
    series = view.series(unit, "energy_measured", days=days)
    set_against = False
    many = view.of("inverter")
    if view.facts(unit).get("rated_power") or (unit.kind == "inverter" and len(many) > SIBLINGS):
        expected = view.series(unit, "expected_energy", days=days)
        at = np.searchsorted(expected.t, series.t)
        known = at < len(expected)
        known[known] &= expected.t[at[known]] == series.t[known]
        if np.count_nonzero(known) >= max(_FEWEST_DAYS, len(series) // 2):
            at = at[known]
            enough = expected.v[at] > 0.1 * np.median(expected.v[at])
            ratio = series.v[known][enough] / expected.v[at][enough]
            series, set_against = Series(series.t[known][enough], ratio), True
    lit = series.v > 0
    return (series if lit.all() else Series(series.t[lit], series.v[lit])), set_against


def _moved(v: NDArray[np.float64]) -> bool:
    """Whether the last days differ enough from those before to look closer."""
    if len(v) < _FEWEST_DAYS:
        return False
    parts = [np.sort(part) for part in (v[-10:], v[-60:-10], v[:-10])]
    last, near, all_before = (float(part[len(part) // 2]) for part in parts)
    return bool(max(abs(np.log(last / near)), abs(np.log(last / all_before))) > _LEAST_STEP)
