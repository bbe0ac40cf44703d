"""Faults of a signal itself, whatever it measures: stuck, filled in, spiked, capped, shifted.

Pure functions on arrays; ``t`` is int64 ns in rising order (n), ``v`` float64 (n) in any unit. What
counts as odd is found from the signal: how often equal or collinear neighbours come by chance, how
rough it is there, how finely it is resolved. Nothing is tuned to a plant.

The kinds of faults follow PVAnalytics (quality.gaps, quality.outliers, features.clipping,
quality.data_shifts; Perry et al., PVAnalytics: a Python package for automated processing of solar
time series data, 2022) and Lindig et al., Progress in Photovoltaics 29 (2021) 1235; the methods are
this project's own unless a function says otherwise.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.clock import DAY, HOUR

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Times = NDArray[np.int64]

CHANCE: Final = 1e-3
"""Probability with which a clean signal may show one such run, by chance, in what is given."""

SIGMA: Final = 1.4826
"""Standard deviation over median absolute deviation of a normal variable."""

_GAP: Final = 3
_FEW_RUNS: Final = 5


def stale(t: Times, v: Floats, *, floor: float) -> Mask:
    """Find stretches in which the value stands still longer than chance explains.

    Args:
        t: times (n).
        v: values (n).
        floor: values of at most this size may stand still (a night's zero).

    Returns:
        True from the first of the equal values to the last (n).
    """
    same = (np.abs(np.diff(v)) <= _fine(v)) & _adjacent(t)
    same &= np.abs(v[1:]) > floor
    starts = int(np.count_nonzero(np.abs(v) > floor))
    return _spread(_long(same, starts), before=1)


def interpolated(t: Times, v: Floats) -> Mask:
    """Find stretches on a straight line that is not level: values that were filled in.

    A value is collinear with its two neighbours when the slopes on both sides agree within what
    rounding allows; runs of such values longer than chance explains are marked, without their two
    end points, which were measured. A single filled value cannot be told from a measured one.
    """
    mark = np.zeros(len(v), np.bool_)
    if len(v) < 4:
        return mark
    step = np.diff(t).astype(np.float64)
    slope = np.diff(v) / np.maximum(step, 1.0)
    slack = 2.0 * resolution(v) + _fine(v)
    bend = np.abs(np.diff(slope)) * np.minimum(step[1:], step[:-1])
    joined = _adjacent(t)
    line = (bend <= slack) & joined[1:] & joined[:-1]
    level = np.abs(np.diff(v)) <= _fine(v)
    line &= ~(level[1:] & level[:-1])
    starts = int(np.count_nonzero(~(level[1:] & level[:-1])))
    for a, b in _runs(_long(line, starts)):
        if abs(v[b + 1] - v[a]) > 3.0 * slack:
            mark[a + 1 : b + 1] = True
    return mark


def spikes(t: Times, v: Floats, *, scale: float, limit: float = 6.0) -> Floats:
    """How far single values lie outside of their neighbours, in robust standard deviations.

    A value counts where it exceeds all of up to two neighbours on each side, by ``limit`` standard
    deviations of the steps within three hours around it (Hampel's identifier on the excess: Hampel,
    J. Am. Stat. Assoc. 69 (1974) 383), with at least 2 % of the scale as the finest noise. Under
    broken clouds the steps are large, so that clouds are no spikes. A value beyond −5 % or 120 % of
    the scale cannot be meant, whatever its neighbours are.

    Args:
        t: times (n).
        v: values (n).
        scale: what the signal reaches when all is well (rated power).
        limit: robust standard deviations from which a value is a spike.

    Returns:
        The deviation where the value is a spike, else 0 (n).
    """
    n = len(v)
    score = np.zeros(n)
    if n < 5 or scale <= 0:
        return score
    around, noise = _neighbours(t, v)
    known = np.isfinite(around)
    top = np.max(np.where(known, around, -np.inf), axis=1)
    low = np.min(np.where(known, around, np.inf), axis=1)
    both = known[:, :2].any(axis=1) & known[:, 2:].any(axis=1)
    excess = np.where(both, np.maximum(np.maximum(v - top, low - v), 0.0), 0.0)
    beyond = np.maximum(np.maximum(v - 1.2 * scale, -0.05 * scale - v), 0.0)
    sigma = np.maximum(noise, 0.02 * scale)
    score = np.where(excess > limit * sigma, excess / sigma, 0.0)
    return np.where(beyond > 0, np.maximum(score, limit + beyond / sigma), score)


def clipped(t: Times, v: Floats, *, ceiling: float) -> Mask:
    """Find plateaus at the ceiling: output capped by the limit of a device.

    A plateau lies within 0.2 % of the ceiling (or the resolution, if that is coarser) for longer
    than the top of an unclipped clear day does. That top is a cosine of a 24-hour period, within a
    share e of its maximum for 2 √(2 e) / 2π days; a plateau must last half as long again.

    Args:
        t: times (n).
        v: values (n), spikes removed.
        ceiling: the highest value that the signal has reached.
    """
    if len(v) < 3 or ceiling <= 0:
        return np.zeros(len(v), np.bool_)
    slack = max(0.002, 2.0 * resolution(v) / ceiling)
    natural = 2.0 * np.sqrt(2.0 * slack) / (2.0 * np.pi) * DAY
    high = np.abs(v / ceiling - 1.0) <= slack
    mark = np.zeros(len(v), np.bool_)
    joined = _adjacent(t)
    for a, b in _runs(high[1:] & high[:-1] & joined):
        if 1.5 * natural <= t[b] - t[a] <= 12 * HOUR:
            mark[a : b + 1] = True
    return mark


def resolution(v: Floats) -> float:
    """The step in which values are resolved, or 0 where they are continuous.

    The smallest gap between distinct values, if all gaps are whole multiples of it.
    """
    gaps = np.diff(np.unique(v[np.isfinite(v)]))
    gaps = gaps[gaps > 1e-9 * np.max(np.abs(v), initial=0.0)]
    if len(gaps) < 5:
        return 0.0
    least = float(gaps.min())
    parts = gaps / least
    return least if bool(np.all(np.abs(parts - np.rint(parts)) < 0.02)) else 0.0


def _fine(v: Floats) -> float:
    """What storage as 32-bit float may change."""
    return 1e-6 * float(np.nanmax(np.abs(v), initial=0.0))


def _adjacent(t: Times) -> Mask:
    """Whether each sample follows the one before without a gap (n − 1)."""
    step = np.diff(t)
    if not len(step):
        return np.zeros(0, np.bool_)
    return np.asarray(step <= _GAP * np.median(step))


def _runs(mask: Mask) -> list[tuple[int, int]]:
    """Start and end (exclusive) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _long(mask: Mask, starts: int) -> Mask:
    """Keep runs that a clean signal shows with a probability below :data:`CHANCE`.

    Run lengths of a clean signal are taken as geometric. The chance that a run goes on is the
    larger of two estimates: runs per start, and that from the lengths of ordinary runs (at most
    four times the median), so that a long fault does not vouch for itself.
    """
    runs = _runs(mask)
    kept = np.zeros(len(mask), np.bool_)
    if not runs:
        return kept
    length = np.array([b - a for a, b in runs])
    go_on = (len(runs) + 1) / (starts + 2)
    ordinary = length[length <= 4 * np.median(length)]
    if len(ordinary) >= _FEW_RUNS:
        go_on = max(go_on, 1.0 - len(ordinary) / float(ordinary.sum()))
    go_on = min(go_on, 0.99)
    needed = np.log(CHANCE / max(starts, 1)) / np.log(go_on)
    for (a, b), size in zip(runs, length.tolist(), strict=True):
        if size >= max(needed, 2.0):
            kept[a:b] = True
    return kept


def _spread(mask: Mask, *, before: int) -> Mask:
    """A mask over steps as one over samples: each step marks both of its ends."""
    wide = np.zeros(len(mask) + before, np.bool_)
    wide[before:] = mask
    wide[: len(mask)] |= mask
    return wide


def _neighbours(t: Times, v: Floats) -> tuple[Floats, Floats]:
    """Two neighbours on each side (n, 4; NaN beyond a gap), and the local noise of steps (n)."""
    n = len(v)
    joined = _adjacent(t)
    around = np.full((n, 4), np.nan)
    one, two = joined, joined[1:] & joined[:-1]
    around[1:, 1] = np.where(one, v[:-1], np.nan)
    around[2:, 0] = np.where(two, v[:-2], np.nan)
    around[:-1, 2] = np.where(one, v[1:], np.nan)
    around[:-2, 3] = np.where(two, v[2:], np.nan)
    steps = np.where(joined, np.abs(np.diff(v)), np.nan)
    each = float(np.median(np.diff(t)))
    half = max(3, round(3 * HOUR / max(each, 1.0)))
    padded = np.concatenate([np.full(half, np.nan), steps, np.full(half + 1, np.nan)])
    window = np.lib.stride_tricks.sliding_window_view(padded, 2 * half)[:n].copy()
    window[:, half - 1 : half + 1] = np.nan  # the two steps of the value itself
    return around, SIGMA * _median(window)


def _median(rows: Floats) -> Floats:
    """Median of each row without its NaN; 0 for a row of NaN."""
    ordered = np.sort(rows, axis=1)
    count = np.count_nonzero(np.isfinite(ordered), axis=1)
    low, high = np.maximum((count - 1) // 2, 0), np.maximum(count // 2, 0)
    index = np.arange(len(rows))
    middle = (ordered[index, low] + ordered[index, np.minimum(high, rows.shape[1] - 1)]) / 2
    return np.where(count > 0, middle, 0.0)
