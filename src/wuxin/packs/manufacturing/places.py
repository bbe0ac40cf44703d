"""Where a machine is, against where it is registered."""

import numpy as np

from wuxin.terms.standards import DayView, Derived
from wuxin.twin.track import distance


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
        latitude, longitude = (float(np.median(s.v)) for s in here)
        away = float(distance(latitude, longitude, to=(facts["latitude"], facts["longitude"])))
        t = np.array([max(s.t[-1] for s in here)], np.int64)
        derived.append(Derived(machine, "displacement", t, np.array([away])))
    return derived
