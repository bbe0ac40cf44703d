"""At which levels a machine runs, learnt from its own current or power without any label.

A machine draws next to nothing when it is stopped, a base load when it idles, and much more when it
works. The threshold between the two is Otsu's (IEEE Trans. Syst. Man Cybern. 9 (1979) 62), on the
logarithm, so that it means a ratio. Where there are no two such levels, none is made up.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STOPPED, IDLE, WORKING, ALARM = range(4)
"""What a machine does; an alarm is reported by its control, or is a load above all working ones."""

FEWEST: Final = 200
"""Samples from which levels are learnt."""

_OFF: Final = 0.02
_RATIO: Final = 2.5
_PARTED: Final = 0.5
_RESOLVED: Final = 0.5
_OVER: Final = 1.5


class Levels(NamedTuple):
    """Where a machine's states begin, in the unit of what was learnt from.

    ``idle`` is the load above which it is not stopped, ``working`` the one above which it works
    (``idle`` again where no idling was found), ``over`` the one that no work explains.
    """

    idle: float
    working: float
    over: float


def learn(v: Floats) -> Levels | None:
    """Learn the levels of one machine.

    Args:
        v: what it drew (n), any unit, zero when it is stopped.

    Returns:
        None where there are too few samples, nothing was drawn, or the meter is so coarse that its
        smallest step is half of what the machine draws at most: then it cannot tell work from rest.
    """
    v = v[np.isfinite(v)]
    top = float(np.quantile(v, 0.99)) if len(v) >= FEWEST else 0.0
    if top <= 0:
        return None
    seen = np.unique(v[v > 0])
    step = float(min(seen[0], np.diff(seen).min())) if len(seen) > 1 else float(seen[0])
    if step >= _RESOLVED * top and len(seen) <= int(1 / _RESOLVED) + 1:
        return None
    idle = _OFF * top
    logs = np.log(v[v > idle])
    cut, parted = split(logs)
    low, high = logs[logs <= cut], logs[logs > cut]
    apart = len(low) > 0 and len(high) > 0 and np.median(high) - np.median(low) >= np.log(_RATIO)
    working = float(np.exp(cut)) if apart and parted >= _PARTED else idle
    return Levels(idle, working, _OVER * top)


def states(v: Floats, levels: Levels) -> NDArray[np.int8]:
    """The state at each sample (n): see :data:`STOPPED` and what follows it."""
    return np.select(
        [v > levels.over, v > levels.working, v > levels.idle], [ALARM, WORKING, IDLE], STOPPED
    ).astype(np.int8)


def split(v: Floats) -> tuple[float, float]:
    """Otsu's threshold of values (n), and the share of their variance that it explains."""
    v = np.sort(v)
    if len(v) < 2 or v[0] == v[-1]:
        return (float(v[-1]) if len(v) else 0.0), 0.0
    below = np.arange(1, len(v), dtype=np.float64)
    total = np.cumsum(v)
    means = total[:-1] / below, (total[-1] - total[:-1]) / (len(v) - below)
    between = below * (len(v) - below) * (means[0] - means[1]) ** 2 / len(v)
    between[v[1:] == v[:-1]] = -1.0
    best = int(np.argmax(between))
    whole = float(((v - v.mean()) ** 2).sum())
    return float(v[best] + v[best + 1]) / 2, float(between[best]) / whole
