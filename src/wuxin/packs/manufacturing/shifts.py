"""The energy of a factory: how much in a day, under which load, how much of it at night."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from wuxin.packs.manufacturing.days import (
    ENOUGH,
    HISTORY,
    Floats,
    Times,
    of_day,
    period,
    power,
    spans,
    units,
)
from wuxin.risk import levels
from wuxin.terms.clock import DAY, HOUR
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived

LIGHT, MEDIUM, MAXIMUM = range(3)
"""Load types of an interval."""

NIGHT: Final = (22, 6)
"""Hours of the local clock between which it is night (Labour protection; three-shift work)."""

_WEEK: Final = 7
_FEWEST: Final = 5
_LEAST: Final = 0.02


def energies(view: DayView) -> list[Derived]:
    """Derive the day's energy, the share of the night in it, and how that share has changed.

    The change is this week's night energy over the median night of the four weeks before: 1 is as
    ever. It is not given where nights never had 2 % of the energy: there is no night shift to lose.
    """
    derived: list[Derived] = []
    for thing in units(view):
        drawn, is_power = power(view, thing)
        if not is_power or not len(drawn):
            continue
        span = spans(drawn.t, period(view, thing, series=drawn))
        if span.sum() < ENOUGH:
            continue
        joules = drawn.v * span
        night = _at_night(view, drawn.t)
        total, dark = float(joules.sum()), float(joules[night].sum())
        derived += of_day(
            view, thing, energy_day=total, energy_night=dark,
            night_share=dark / total if total > 0 else None,
            night_change=_change(view, thing, dark=dark),
        )  # fmt: skip
    return derived + _whole(view, derived)


def _whole(view: DayView, derived: list[Derived]) -> list[Derived]:
    """The root's day where it has no meter of its own: the sum of its machines, if all report."""
    seen = {(d.thing, d.indicator): float(d.v[0]) for d in derived}
    machines = [m for m in view.of("machine") if len(view.series(m, "energy_day", days=HISTORY))]
    machines += [m for m in view.of("machine") if (m, "energy_day") in seen and m not in machines]
    root = view.root
    if root.kind == "machine" or (root, "energy_day") in seen or not machines:
        return []
    if any((m, "energy_day") not in seen for m in machines):
        return []
    total, dark = (sum(seen[m, n] for m in machines) for n in ("energy_day", "energy_night"))
    return of_day(
        view, root, energy_day=total, energy_night=dark,
        night_share=dark / total if total > 0 else None,
        night_change=_change(view, root, dark=dark),
    )  # fmt: skip


def load_types(view: DayView) -> list[Derived]:
    """Derive the load type of each interval (light, medium, maximum) where it changes.

    The three levels are learnt from four weeks: Otsu's threshold parts light from the rest, and
    again medium from maximum within the rest.
    """
    derived = []
    for thing in units(view):
        drawn, _ = power(view, thing, days=HISTORY)
        cuts = type_limits(drawn.v)
        today = drawn.t >= view.start
        if cuts is None or not today.any():
            continue
        kind = np.digitize(drawn.v[today], cuts).astype(np.float64)
        changed = np.append(True, kind[1:] != kind[:-1])
        derived.append(Derived(thing, "load_type", drawn.t[today][changed], kind[changed]))
    return derived


def type_limits(v: Floats) -> tuple[float, float] | None:
    """Where medium and maximum load begin; None where a load has no two levels."""
    known = levels.learn(v)
    if known is None or known.working <= known.idle:
        return None
    cut, _ = levels.split(np.log(v[v > known.working]))
    return known.working, float(np.exp(cut))


def _at_night(view: DayView, t: Times) -> NDArray[np.bool_]:
    hours = ((t - view.start) % DAY) // HOUR
    found: NDArray[np.bool_] = (hours >= NIGHT[0]) | (hours < NIGHT[1])
    return found


def _change(view: DayView, thing: ThingKey, *, dark: float) -> float | None:
    past = view.series(thing, "energy_night", days=HISTORY + _WEEK)
    whole = view.series(thing, "energy_day", days=HISTORY + _WEEK)
    week = past.t >= view.start - (_WEEK - 1) * DAY
    before = past.v[~week]
    if len(before) < 2 * _WEEK or np.count_nonzero(week) < _FEWEST:
        return None
    usual = float(np.median(before))
    if usual < _LEAST * float(np.median(whole.v)):
        return None
    return float(np.median([*past.v[week], dark])) / usual
