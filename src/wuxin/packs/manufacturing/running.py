"""What each machine does, how much of the day it works, and how effective that is."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.packs.manufacturing.days import (
    ENOUGH,
    HISTORY,
    Floats,
    Times,
    held,
    of_day,
    period,
    power,
    spans,
    units,
)
from wuxin.risk import levels
from wuxin.terms.clock import HOUR
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived, Series

MANUAL, AUTOMATIC, REPORTED_ALARM = 1.0, 2.0, 3.0
"""Codes of a control's status: by hand, automatic, alarm."""

WARM: Final = 3 * HOUR
"""How long after it stood still a machine is not judged by its temperature and signals."""

_BEST: Final = 0.95
_FEWEST: Final = 24


class Run(NamedTuple):
    """A thing's day: moments, state and span (s) of each, and whether the spans tell energy."""

    t: NDArray[np.int64]
    state: NDArray[np.int8]
    span: Floats


def run_states(view: DayView) -> list[Derived]:
    """Derive the run state of each machine, where it changes, and the hours of each state.

    The operating rate is working time over the time observed. A status that the control reports
    takes precedence: alarm is alarm, and automatic is working where the meter is too coarse.
    """
    derived: list[Derived] = []
    for thing in units(view):
        run = find_run(view, thing)
        if run is None:
            continue
        changed = np.append(True, run.state[1:] != run.state[:-1])
        derived.append(
            Derived(thing, "run_state", run.t[changed], run.state[changed].astype(np.float64))
        )
        hours = [float(run.span[run.state == s].sum()) for s in range(4)]
        seen = sum(hours)
        if seen < ENOUGH:
            continue
        derived += of_day(
            view, thing,
            working_time=hours[levels.WORKING], idle_time=hours[levels.IDLE],
            alarm_time=hours[levels.ALARM],
            operating_rate=hours[levels.WORKING] / seen,
        )  # fmt: skip
    return derived


def find_run(view: DayView, thing: ThingKey, *, days: int = 1) -> Run | None:
    """The states of a thing, from what it drew in four weeks; None where nothing tells."""
    drawn, _ = power(view, thing, days=max(days, HISTORY))
    known = levels.learn(_since(drawn, view.end - HISTORY * 24 * HOUR).v)
    status = view.series(thing, "status", days=days)
    today = _since(drawn, view.end - days * 24 * HOUR)
    if known is not None and len(today):
        usual = period(view, thing, series=drawn)
        state = levels.states(today.v, known)
        told = held(status, today.t, most=2 * usual)
        state = np.where(told == REPORTED_ALARM, levels.ALARM, state)
        return Run(today.t, state.astype(np.int8), spans(today.t, usual))
    if len(status):
        told = status.v
        state = np.select(
            [told == REPORTED_ALARM, told == AUTOMATIC, told == MANUAL],
            [levels.ALARM, levels.WORKING, levels.IDLE],
            levels.STOPPED,
        )
        usual = period(view, thing, series=status)
        return Run(status.t, state.astype(np.int8), spans(status.t, usual))
    return None


def settled(view: DayView, thing: ThingKey, *, t: Times, days: int) -> NDArray[np.bool_]:
    """Which moments (n) a thing works at, and has for three hours since it last stood still.

    A machine that warms up is neither cold nor at fault. All moments, where its load does not tell
    work from rest.
    """
    run = find_run(view, thing, days=days)
    if run is None or not (run.state == levels.STOPPED).any():
        return np.ones(len(t), np.bool_)
    works = held(Series(run.t, run.state.astype(np.float64)), t, most=HOUR) >= levels.WORKING
    stood = run.t[run.state == levels.STOPPED]
    before = np.searchsorted(stood, t, side="right") - 1
    rested = (before >= 0) & (t - stood[np.maximum(before, 0)] < WARM)
    found: NDArray[np.bool_] = works & ~rested
    return found


def effectiveness(view: DayView) -> list[Derived]:
    """Derive availability, performance, quality and their product (OEE) of each machine.

    Availability is working time over the planned time (the fact ``planned_time``, else what was
    observed). Performance is items times the ideal cycle (the fact ``ideal_cycle``, else the pace
    of its best days) over working time, at most 1. Quality needs rejects: where none are reported
    there is no OEE, because an assumed quality would be a made-up figure.

    Source: ISO 22400-2:2014, clauses 6.3 (OEE), 6.5 (availability), 6.6 and 6.7.
    """
    derived: list[Derived] = []
    for thing in view.of("machine"):
        working = _last(view, thing, name="working_time")
        items = view.series(thing, "items")
        if working is None:
            continue
        facts = view.facts(thing)
        planned = facts.get("planned_time") or _observed(view, thing)
        available = min(working / planned, 1.0) if planned else None
        made = float(items.v.sum()) if len(items) else None
        cycle = facts.get("ideal_cycle") or _best_cycle(view, thing)
        pace = None
        if made is not None and cycle and working > 0:
            pace = min(made * cycle / working, 1.0)
        quality = _quality(view.series(thing, "rejects"), made)
        factors = (available, pace, quality)
        derived += of_day(
            view, thing, availability=available, performance=pace, quality=quality,
            oee=_product(factors),
        )  # fmt: skip
    return derived


def _product(factors: Sequence[float | None]) -> float | None:
    known = [f for f in factors if f is not None]
    return float(np.prod(known)) if len(known) == len(factors) else None


def _quality(rejects: Series, made: float | None) -> float | None:
    if not len(rejects) or not made:
        return None
    return min(max(1.0 - float(rejects.v.sum()) / made, 0.0), 1.0)


def _observed(view: DayView, thing: ThingKey) -> float:
    run = find_run(view, thing)
    return float(run.span.sum()) if run is not None else 0.0


def _best_cycle(view: DayView, thing: ThingKey) -> float | None:
    """Seconds per item at the pace of the machine's best days of the last four weeks."""
    made = view.series(thing, "output_counted", days=HISTORY)
    time = view.series(thing, "working_time", days=HISTORY)
    worked = held(time, made.t, most=0)
    good = (worked > HOUR / 1e9) & (made.v > 0)
    if np.count_nonzero(good) < 5:
        return None
    return 1.0 / float(np.quantile(made.v[good] / worked[good], _BEST))


def _last(view: DayView, thing: ThingKey, *, name: str) -> float | None:
    found = view.series(thing, name)
    return float(found.v[-1]) if len(found) else None


def _since(series: Series, start: int) -> Series:
    k = int(np.searchsorted(series.t, start))
    return Series(series.t[k:], series.v[k:])
