"""Where a machine is, against where it is registered."""

from typing import Final

import numpy as np

from wuxin.terms.standards import DayView, Derived

EARTH: Final = 6_371_008.8
"""Mean radius of the Earth (m), IUGG 1980."""


def displacements(view: DayView) -> list[Derived]:
    """Derive each machine's distance (m) from its registered place: the day's median position.

    A place that is not registered is none to be away from: nothing is derived then.
    """
    derived = []
    for machine in view.of("machine"):
        facts = view.facts(machine)
        here = [view.series(machine, name) for name in ("latitude", "longitude")]
        if not {"latitude", "longitude"} <= facts.keys() or not all(len(s) for s in here):
            continue
        phi, lam = (np.radians(float(np.median(s.v))) for s in here)
        phi0, lam0 = np.radians(facts["latitude"]), np.radians(facts["longitude"])
        half = np.sin((phi - phi0) / 2) ** 2
        half += np.cos(phi) * np.cos(phi0) * np.sin((lam - lam0) / 2) ** 2
        away = 2 * EARTH * float(np.arcsin(np.sqrt(half)))
        t = np.array([max(s.t[-1] for s in here)], np.int64)
        derived.append(Derived(machine, "displacement", t, np.array([away])))
    return derived
