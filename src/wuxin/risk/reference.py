"""How far a machine is from its own normal: many signals at once, and one slow signal.

Many signals: Hotelling's distance (Ann. Math. Stat. 2 (1931) 360) of a short moving mean from a
reference stretch. Signals that drift within the reference (their correlation over some samples does
not fade) have no normal level there and are left out: a casing that still warms up is no fault.
One slow signal: the mean of hours against the median of weeks, in robust standard deviations.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.risk.anomaly import SIGMA

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

FEWEST: Final = 100
"""Rows of reference that are needed."""

WINDOW: Final = 10
"""Samples over which the mean is taken: one in a hundred of them may be noise."""

_LAG: Final = 20
_FADED: Final = 0.3
_MARGIN: Final = 1.5
_RIDGE: Final = 1e-3
_SAMPLES: Final = 5


class Reference(NamedTuple):
    """Normal, as learnt: which signals count (k), their mean and deviation (k), the inverse (k, k).

    ``limit`` is the distance above which a machine is not normal: half more than it ever was in
    the reference.
    """

    kept: NDArray[np.int64]
    mean: Floats
    deviation: Floats
    centre: Floats
    inverse: Floats
    limit: float


def learn(x: Floats) -> Reference | None:
    """Learn what is normal.

    Args:
        x: the reference (n, signals), in order of time, without NaN.

    Returns:
        None with fewer than :data:`FEWEST` rows, or where no signal varies.
    """
    if len(x) < FEWEST:
        return None
    varies = np.flatnonzero(x.std(axis=0) > 0)
    steady = [j for j in varies if abs(_correlation(x[:, j])) < _FADED]
    kept = np.array(steady or varies, np.int64)
    if not len(kept):
        return None
    mean, deviation = x[:, kept].mean(axis=0), x[:, kept].std(axis=0)
    smooth = moving((x[:, kept] - mean) / deviation)[WINDOW:]
    centre = smooth.mean(axis=0)
    spread: Floats = np.cov(smooth.T).reshape(len(kept), len(kept)) + _RIDGE * np.eye(len(kept))
    inverse = np.asarray(np.linalg.inv(spread), np.float64)
    limit = _MARGIN * float(_quadratic(smooth - centre, inverse).max())
    return Reference(kept, mean, deviation, centre, inverse, limit)


def distance(x: Floats, normal: Reference) -> Floats:
    """How far each row (n, signals) is from normal, in multiples of the limit (n): above 1 is odd.

    The mean runs over the rows as given, so that they must be in order of time.
    """
    z = moving((x[:, normal.kept] - normal.mean) / normal.deviation)
    return _quadratic(z - normal.centre, normal.inverse) / normal.limit


def moving(z: Floats) -> Floats:
    """The mean of each row and those before it, :data:`WINDOW` at most (n, k)."""
    total = np.vstack([np.zeros((1, z.shape[1])), np.cumsum(z, axis=0)])
    to = np.arange(1, len(z) + 1)
    start = np.maximum(to - WINDOW, 0)
    return (total[to] - total[start]) / (to - start)[:, None]


def deviations(t: Times, v: Floats, *, at: Times, window: int, history: int, least: int) -> Floats:
    """The mean of the last hours against the median of weeks, in robust standard deviations.

    Args:
        t: times (n, ns), in order.
        v: values (n).
        at: the moments to judge (m, ns).
        window: the span (ns) of the mean.
        history: the span (ns) of the median, the window included.
        least: the span (ns) of history below which nothing is said.

    Returns:
        The deviation at each moment (m), NaN where it is not known (fewer than five values). The
        finest robust standard deviation is 1 of the unit.
    """
    out = np.full(len(at), np.nan)
    if not len(t):
        return out
    total = np.concatenate([[0.0], np.cumsum(v)])
    for i, moment in enumerate(at.tolist()):
        a, k, b = np.searchsorted(t, [moment - history, moment - window, moment])
        if b - k < _SAMPLES or moment - t[a] < least:
            continue
        past = v[a:b]
        usual = float(np.median(past))
        spread = max(SIGMA * float(np.median(np.abs(past - usual))), 1.0)
        out[i] = ((total[b] - total[k]) / (b - k) - usual) / spread
    return out


def _quadratic(z: Floats, inverse: Floats) -> Floats:
    found: Floats = np.einsum("ij,jk,ik->i", z, inverse, z)
    return found


def _correlation(c: Floats) -> float:
    """The correlation of a signal with itself, :data:`_LAG` samples later."""
    c = c - c.mean()
    return float((c[:-_LAG] * c[_LAG:]).sum() / (c * c).sum())
