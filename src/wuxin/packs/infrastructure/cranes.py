"""The crane's day: lifts, the highest moment computed anew, and whether the monitor agrees."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from wuxin.packs.infrastructure.figures import of_day
from wuxin.terms.clock import SECOND
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived, Series

GRAVITY: Final = 9.80665
"""Standard acceleration of free fall (m/s²), 3rd CGPM 1901."""

LIFTED: Final = 0.05
"""Share of the largest rated load above which the hook carries something."""

STEADY: Final = 5 * SECOND
"""Window (ns) over which a reading of load or moment is steadied.

The rope's pull swings twice while the load swings once: every 5 s on 25 m of rope, √(L/g) · π.
"""

FEWEST: Final = 5
"""Values that a window needs; in fewer a short lift cannot be told from a spike."""


def moment(load: NDArray[np.float64], radius: NDArray[np.float64]) -> NDArray[np.float64]:
    """Moment (N m) of loads (kg, n) at radii (m, n); the hook block is part of the load."""
    return load * GRAVITY * radius


def steady(said: Series, *, window: int = STEADY) -> Series:
    """A noisy reading (any unit) as the moving median over a window (ns) about each of its values.

    A spike shorter than half the window is gone, a step stays where it was; a gateway that uses it
    at once is late by half the window. Where a window has fewer than :data:`FEWEST` values, as with
    a monitor that tells each lift once, the value stays as it was told. Source: Tukey, Exploratory
    Data Analysis, 1977, chapter 7 (running medians).
    """
    first = np.searchsorted(said.t, said.t - window // 2)
    sizes = np.searchsorted(said.t, said.t + window // 2, side="right") - first
    found = said.v.copy()
    for size in np.unique(sizes[sizes >= FEWEST]).tolist():
        here = np.flatnonzero(sizes == size)
        found[here] = np.median(said.v[first[here, np.newaxis] + np.arange(size)], axis=1)
    return Series(said.t, found)


def crane_day(view: DayView) -> list[Derived]:
    """Lifts, peak moment and disagreement, crane by crane; nothing of a crane that said nothing."""
    found: list[Derived] = []
    for crane in view.of("tower_crane"):
        facts = view.facts(crane)
        found += _lifts(view, crane, rated=facts.get("rated_load", 0.0))
        found += _moments(view, crane, rated=facts.get("rated_moment", 0.0))
    return found


def _lifts(view: DayView, crane: ThingKey, *, rated: float) -> list[Derived]:
    """A lift begins where the hook becomes loaded."""
    share = steady(view.series(crane, "load_share"))
    load = steady(view.series(crane, "load"))
    if rated > 0 and len(load):
        loaded = load.v > LIFTED * rated
    elif len(share):
        loaded = share.v > LIFTED
    else:
        return []
    begun = loaded & ~np.append(False, loaded[:-1])
    return [of_day(view, crane, name="lifts", value=float(begun.sum()))]


def _moments(view: DayView, crane: ThingKey, *, rated: float) -> list[Derived]:
    told = view.series(crane, "moment_share")
    load, radius = view.series(crane, "load"), view.series(crane, "radius")
    common = np.intersect1d(load.t, radius.t)
    peaks = [float(steady(told).v.max())] if len(told) else []
    found: list[Derived] = []
    if rated > 0 and len(common):
        share = moment(
            load.v[np.searchsorted(load.t, common)], radius.v[np.searchsorted(radius.t, common)]
        )
        share = share / rated
        peaks.append(float(steady(Series(common, share)).v.max()))
        both, mine, theirs = np.intersect1d(common, told.t, return_indices=True)
        if len(both):
            gap = float(np.abs(share[mine] - told.v[theirs]).max())
            found.append(of_day(view, crane, name="moment_disagreement", value=gap))
    if peaks:
        found.append(of_day(view, crane, name="peak_moment_share", value=max(peaks)))
    return found
