"""Faults of a signal itself, whatever it measures: stuck, filled in, spiked, capped, shifted.

Pure functions on arrays; ``t`` is int64 ns in rising order (n), ``v`` float64 (n) in any unit. What
counts as odd is found from the signal: how often equal or collinear neighbours come by chance, how
rough it is there, how finely it is resolved. Nothing is tuned to a plant.

The kinds of faults follow PVAnalytics (quality.gaps, quality.outliers, features.clipping,
quality.data_shifts; Perry et al., PVAnalytics: a Python package for automated processing of solar
time series data, 2022) and Lindig et al., Progress in Photovoltaics 29 (2021) 1235; the methods are
this project's own unless a function says otherwise.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

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
_SHARES: Final = (1, 2, 3, 4, 5)
_WHOLE: Final = 0.02
_FINEST: Final = 0.02
_WIDEST: Final = 60


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
    if np.count_nonzero(same) < 2:
        return np.zeros(len(v), np.bool_)
    starts = int(np.count_nonzero(np.abs(v) > floor))
    return _spread(_long(same, starts, coarse=_coarse(v)), before=1)


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
    line = bend <= slack
    if np.count_nonzero(line) < 2:
        return mark
    joined = _adjacent(t)
    line &= joined[1:] & joined[:-1]
    level = np.abs(np.diff(v)) <= _fine(v)
    line &= ~(level[1:] & level[:-1])
    starts = int(np.count_nonzero(~(level[1:] & level[:-1])))
    for a, b in runs(_long(line, starts, coarse=_coarse(v))):
        if abs(v[b + 1] - v[a]) > 3.0 * slack:
            mark[a + 1 : b + 1] = True
    return mark


def spikes(t: Times, v: Floats, *, scale: float, limit: float = 10.0, since: int = 0) -> Floats:
    """How far single values lie outside of their neighbours, in robust standard deviations.

    A value counts where it exceeds all of up to two neighbours on each side, by ``limit`` standard
    deviations of the bends within three hours around it (Hampel's identifier on the excess, J. Am.
    Stat. Assoc. 69 (1974) 383), with at least 2 % of the scale as the finest noise. Under broken
    clouds the bends are large, so that clouds are no spikes: at 10, a clean channel of 15 minutes
    shows about one a month. A value below −5 % of the scale, or above 120 % of both the scale and
    its neighbours, cannot be meant.

    Args:
        t: times (n).
        v: values (n).
        scale: what the signal reaches when all is well (rated power).
        limit: robust standard deviations from which a value is a spike.
        since: time (ns) from which values are judged; earlier ones are only neighbours.

    Returns:
        The deviation where the value is a spike, else 0 (n).
    """
    score: Floats = np.zeros(len(v))
    if len(v) < 5 or scale <= 0:
        return score
    joined = _adjacent(t)
    around = _neighbours(v, joined)
    known = np.isfinite(around)
    top = np.max(np.where(known, around, -np.inf), axis=1)
    low = np.min(np.where(known, around, np.inf), axis=1)
    both = known[:, :2].any(axis=1) & known[:, 2:].any(axis=1)
    excess = np.where(both, np.maximum(np.maximum(v - top, low - v), 0.0), 0.0)
    beyond = np.maximum(v - 1.2 * np.maximum(scale, np.where(np.isfinite(top), top, 0.0)), 0.0)
    beyond = np.maximum(beyond, -0.05 * scale - v)
    finest = _FINEST * scale
    odd = np.flatnonzero(((excess > limit * finest) | (beyond > 0)) & (t >= since))
    if not len(odd):
        return score
    sigma = np.maximum(_roughness(t, v, joined=joined, at=odd), finest)
    far = np.where(excess[odd] > limit * sigma, excess[odd] / sigma, 0.0)
    score[odd] = np.where(beyond[odd] > 0, np.maximum(far, limit + beyond[odd] / sigma), far)
    return score


def clipped(t: Times, v: Floats, *, ceiling: float) -> Mask:
    """Find plateaus at the ceiling: output capped by the limit of a device.

    A plateau lies within 0.2 % of the ceiling (or the resolution, if that is coarser) for longer
    than the top of an unclipped clear day does. That top is a cosine of a 24-hour period, within a
    share e of its maximum for 2 √(2 e) / 2π days; a plateau must last half as long again.

    Args:
        t: times (n).
        v: values (n).
        ceiling: the highest value that the signal holds (spikes are no ceiling).
    """
    if len(v) < 3 or ceiling <= 0:
        return np.zeros(len(v), np.bool_)
    slack = max(0.002, 2.0 * resolution(v) / ceiling)
    natural = 2.0 * np.sqrt(2.0 * slack) / (2.0 * np.pi) * DAY
    high = np.abs(v / ceiling - 1.0) <= slack
    mark = np.zeros(len(v), np.bool_)
    if np.count_nonzero(high) < 3:
        return mark
    joined = _adjacent(t)
    for a, b in runs(high[1:] & high[:-1] & joined):
        if 1.5 * natural <= t[b] - t[a] <= 12 * HOUR:
            mark[a : b + 1] = True
    return mark


def shifts(
    t: Times, v: Floats, *, reach: int = 60, least: int = 10, limit: float = 6.0
) -> tuple[Times, Floats]:
    """Find steps in the level of a daily series.

    The logarithm is freed of the seasons (two annual harmonics, robustly fitted) where it spans two
    years, else each window has its own linear trend; single days are drawn in to 1.5 standard
    deviations from the running median. For each day a step is fitted to ``reach`` days on both
    sides; the highest peak of the score is a step if it exceeds ``limit``. Steps found are taken
    out, together with the seasons, before the next is looked for.
    Independent noise would ask for about 4 (Eichinger and Kirch, Bernoulli 24 (2018) 526, moving
    sums); weather is not independent, which the lag-one correlation accounts for only in part.

    Args:
        t: times (n), one a day, rising.
        v: daily values above zero (n), or their ratio to what was expected.
        reach: days on each side that a step is judged on.
        least: days on the shorter side, at least.
        limit: the score from which a step counts.

    Returns:
        Where the new level begins (k, indices), and the relative step (k): −0.5 for a half.
    """
    n = len(v)
    nothing = np.zeros(0, np.int64), np.zeros(0)
    if n < 2 * least or not bool(np.all(v > 0)):
        return nothing
    days = (t - t[0]) / DAY
    x = np.log(v)
    found: dict[int, float] = {}
    while len(found) < n // least:
        rest, _, trend = _without(days, x, steps=[*found])
        score, size = _scan(_drawn_in(rest), min(reach, n // 2), trend=trend)
        peak = np.zeros(n, np.bool_)
        peak[1:-1] = (score[1:-1] >= score[:-2]) & (score[1:-1] >= score[2:])
        peak[:least] = peak[n - least + 1 :] = False
        score[~peak] = 0.0
        for at in found:
            score[max(at - least, 0) : at + least] = 0.0
        at = int(score.argmax())
        if score[at] <= limit:
            break
        found[at] = float(np.expm1(size[at]))
    where = np.array(sorted(found), np.int64)
    _, joint, trend = _without(days, x, steps=where.tolist())
    alone = np.array([found[at] for at in where.tolist()])
    return where, alone if trend else np.expm1(joint)


class Suspects(NamedTuple):
    """Which of k signals can show a fault of each kind at all (k)."""

    stale: Mask
    interpolated: Mask
    spikes: Mask
    clipped: Mask


def screen(
    signals: Sequence[tuple[Times, Floats]], *, floor: Floats, scale: Floats, ceiling: Floats
) -> Suspects:
    """Tell in one pass which of many signals are worth a closer look.

    What is not suspected here is not found by :func:`stale`, :func:`interpolated`, :func:`spikes`
    (with its usual limit) and :func:`clipped`; most signals of most days are not.

    Args:
        signals: k pairs of times and values, none empty.
        floor: as for :func:`stale` (k).
        scale: as for :func:`spikes` (k).
        ceiling: as for :func:`clipped` (k).
    """
    t = np.concatenate([one[0] for one in signals])
    v = np.concatenate([one[1] for one in signals])
    size = np.array([len(one[0]) for one in signals])
    owner = np.repeat(np.arange(len(size)), size)
    starts = np.cumsum(size) - size
    top = np.maximum.reduceat(np.abs(v), starts)
    fine, step = 1e-6 * top, _resolutions(v, owner=owner, starts=starts, top=top)
    inside = owner[1:] == owner[:-1]
    rise, later = np.diff(v), owner[1:]
    level = np.abs(rise) <= fine[later]

    def twice(mask: Mask, owners: Times, *, times: int = 2) -> Mask:
        return np.asarray(np.bincount(owners[mask], minlength=len(size)) >= times)

    still = inside & level & (np.abs(v[1:]) > floor[later])
    both, mid = inside[1:] & inside[:-1], owner[1:-1]
    width = np.maximum(np.diff(t), 1).astype(np.float64)
    bend = np.abs(np.diff(rise / width)) * np.minimum(width[1:], width[:-1])
    line = both & (bend <= (2.0 * step + fine)[mid]) & ~(level[1:] & level[:-1])
    jump = 10.0 * _FINEST * scale[mid]
    peak = (np.minimum(rise[:-1], -rise[1:]) > jump) | (np.minimum(-rise[:-1], rise[1:]) > jump)
    beyond = (v > 1.2 * scale[owner]) | (v < -0.05 * scale[owner])
    with np.errstate(divide="ignore", invalid="ignore"):
        slack = np.maximum(0.002, 2.0 * step / ceiling)
        high = np.abs(v / ceiling[owner] - 1.0) <= slack[owner]
    odd = twice(both & peak, mid, times=1) | twice(beyond, owner, times=1)
    return Suspects(twice(still, later), twice(line, mid), odd, twice(high, owner, times=3))


def _resolutions(v: Floats, *, owner: Times, starts: Times, top: Floats) -> Floats:
    """:func:`resolution` of each of many signals (k) that lie one after the other."""
    ordered = v[np.lexsort((v, owner))]
    gap = np.full(len(v), np.inf)
    gap[1:] = np.diff(ordered)
    gap[starts] = np.inf
    gap[gap <= 1e-9 * top[owner]] = np.inf
    real = np.isfinite(gap)
    least = np.minimum.reduceat(gap, starts)
    parts = np.where(real, gap, 0.0) / np.where(np.isfinite(least), least, 1.0)[owner]
    count = np.add.reduceat(real.astype(np.int64), starts)
    found = np.zeros(len(starts))
    for share in reversed(_SHARES):
        worst = np.maximum.reduceat(np.abs(parts * share - np.rint(parts * share)), starts)
        found = np.where((count >= 5) & (worst < _WHOLE), least / share, found)
    return found


def resolution(v: Floats) -> float:
    """The step in which values are resolved, or 0 where they are continuous.

    The smallest gap between distinct values, or a half to a fifth of it, if all gaps are whole
    multiples of that.
    """
    gaps = np.diff(np.sort(v[np.isfinite(v)]))
    gaps = gaps[gaps > 1e-9 * float(np.max(np.abs(v), initial=0.0))]
    if len(gaps) < 5:
        return 0.0
    least = float(gaps.min())
    for share in _SHARES:
        parts = gaps * share / least
        if bool(np.all(np.abs(parts - np.rint(parts)) < _WHOLE)):
            return least / share
    return 0.0


def _fine(v: Floats) -> float:
    """What storage as 32-bit float may change."""
    return 1e-6 * float(np.max(np.abs(v), initial=0.0))


def _adjacent(t: Times) -> Mask:
    """Whether each sample follows the one before without a gap (n − 1)."""
    step = np.diff(t)
    if not len(step):
        return np.zeros(0, np.bool_)
    return np.asarray(step <= _GAP * np.sort(step)[len(step) // 2])


def runs(mask: Mask) -> list[tuple[int, int]]:
    """Start and end (exclusive) of each run of True."""
    if not mask.any():
        return []
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _coarse(v: Floats) -> bool:
    """Whether values are resolved so coarsely (over 0.1 %) that equal neighbours are ordinary."""
    return resolution(v) > 1e-3 * float(np.max(np.abs(v), initial=0.0))


def _long(mask: Mask, starts: int, *, coarse: bool) -> Mask:
    """Keep runs that a clean signal shows with a probability below :data:`CHANCE`.

    Run lengths of a clean signal are taken as geometric. The chance that a run goes on is that of
    one to begin (runs per start); for a coarse signal, whose runs have a cause, it is at least what
    the lengths of ordinary runs say (at most four times the median: a fault does not vouch for
    itself).
    """
    found = runs(mask)
    kept = np.zeros(len(mask), np.bool_)
    if not found:
        return kept
    length = np.array([b - a for a, b in found])
    go_on = (len(found) + 1) / (starts + 2)
    ordinary = length[length <= 4 * np.median(length)]
    if coarse and len(ordinary) >= _FEW_RUNS:
        go_on = max(go_on, 1.0 - len(ordinary) / float(ordinary.sum()))
    go_on = min(go_on, 0.99)
    needed = np.log(CHANCE / max(starts, 1)) / np.log(go_on)
    for (a, b), size in zip(found, length.tolist(), strict=True):
        if size >= max(needed, 2.0):
            kept[a:b] = True
    return kept


def _spread(mask: Mask, *, before: int) -> Mask:
    """A mask over steps as one over samples: each step marks both of its ends."""
    wide = np.zeros(len(mask) + before, np.bool_)
    wide[before:] = mask
    wide[: len(mask)] |= mask
    return wide


def _neighbours(v: Floats, joined: Mask) -> Floats:
    """Two neighbours on each side (n, 4), NaN beyond a gap."""
    around = np.full((len(v), 4), np.nan)
    two = joined[1:] & joined[:-1]
    around[1:, 1] = np.where(joined, v[:-1], np.nan)
    around[2:, 0] = np.where(two, v[:-2], np.nan)
    around[:-1, 2] = np.where(joined, v[1:], np.nan)
    around[:-2, 3] = np.where(two, v[2:], np.nan)
    return around


def _roughness(t: Times, v: Floats, *, joined: Mask, at: NDArray[np.int64]) -> Floats:
    """Robust standard deviation of the bends within three hours around some samples (k).

    A bend is a value less the mean of its two neighbours. Those in which the sample itself takes
    part are left out; at most 60 on each side are looked at.
    """
    bend = np.full(len(v), np.nan)
    straight = (v[:-2] + v[2:]) / 2.0
    bend[1:-1] = np.where(joined[1:] & joined[:-1], np.abs(v[1:-1] - straight), np.nan)
    each = float(np.sort(np.diff(t))[(len(t) - 1) // 2])
    half = min(max(4, round(3 * HOUR / max(each, 1.0))), _WIDEST)
    sigma = np.zeros(len(at))
    for k, i in enumerate(at.tolist()):
        near = np.concatenate([bend[max(i - half, 0) : max(i - 1, 0)], bend[i + 2 : i + half + 1]])
        near = np.sort(near[np.isfinite(near)])
        sigma[k] = SIGMA * float(near[len(near) // 2]) if len(near) else 0.0
    return sigma


def _without(days: Floats, x: Floats, *, steps: Sequence[int]) -> tuple[Floats, Floats, bool]:
    """A series without its seasons and known steps (n), the steps, whether windows need a trend."""
    known = (np.arange(len(x))[:, None] >= np.array([*steps], np.int64)[None, :]).astype(np.float64)
    if days[-1] >= 2 * 365:
        phase = 2 * np.pi * days[:, None] / 365.25 * np.array([1.0, 2.0])
        fitted, sizes = _fitted(np.hstack([np.cos(phase), np.sin(phase), known]), x)
        return x - fitted, sizes[len(sizes) - len(steps) :], False
    if not steps:
        return x, np.zeros(0), True
    fitted, sizes = _fitted(np.hstack([days[:, None] / max(float(days[-1]), 1.0), known]), x)
    return x - fitted, sizes[1:], True


def _fitted(columns: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Columns (n, k) and a level fitted with Huber's weights: the fit (n) and the factors (k).

    Source: Huber, Ann. Math. Stat. 35 (1964) 73.
    """
    design = np.hstack([np.ones((len(x), 1)), columns])
    weight = np.ones(len(x))
    fitted, factors = np.zeros(len(x)), np.zeros(design.shape[1])
    for _ in range(10):
        root = np.sqrt(weight)
        factors = np.linalg.lstsq(design * root[:, None], x * root, rcond=None)[0]
        fitted = design @ factors
        off = np.abs(x - fitted)
        sigma = max(SIGMA * float(np.median(off)), 1e-9)
        weight = 1.0 / np.maximum(1.0, off / (1.5 * sigma))
    return np.asarray(fitted), np.asarray(factors[1:])


def _drawn_in(x: Floats, half: int = 15) -> Floats:
    """Draw outliers in to 1.5 standard deviations from the running median of 31 values."""
    half = min(half, len(x) - 1)
    padded = np.pad(x, half, mode="reflect")
    middle = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), axis=1)
    off = x - middle
    sigma = SIGMA * float(np.median(np.abs(off)))
    return np.asarray(middle + np.clip(off, -1.5 * sigma, 1.5 * sigma))


def _scan(x: Floats, reach: int, *, trend: bool) -> tuple[Floats, Floats]:
    """Score and size of a step at each day (n), on a window of ``reach`` days on both sides."""
    n, width = len(x), 2 * reach
    score, size = np.zeros(n), np.zeros(n)
    windows = np.lib.stride_tricks.sliding_window_view(x, width)
    middle = slice(reach, reach + len(windows))
    score[middle], size[middle] = _steps(windows, np.full(len(windows), reach), trend=trend)
    head, tail = np.arange(1, reach), np.arange(reach + 1, width)
    for window, at, first in ((windows[0], head, 0), (windows[-1], tail, n - width)):
        if len(at):
            both = _steps(np.broadcast_to(window, (len(at), width)), at, trend=trend)
            score[first + at], size[first + at] = both
    return score, size


def _steps(y: Floats, at: NDArray[np.int64], *, trend: bool) -> tuple[Floats, Floats]:
    """Least-squares step at column ``at`` (k) of each row (k, m), beside a level (and a trend).

    The score is Student's t, less the lag-one correlation r of the residuals: √((1−r)/(1+r)).
    """
    m = y.shape[1]
    base = [np.ones(m), np.linspace(-1.0, 1.0, m)][: 2 if trend else 1]
    q = np.linalg.qr(np.column_stack(base))[0]
    step = (np.arange(m) >= at[:, None]).astype(np.float64)
    step -= (step @ q) @ q.T
    y = y - (y @ q) @ q.T
    power = np.sum(step * step, axis=1)
    size = np.sum(step * y, axis=1) / power
    rest = y - size[:, None] * step
    energy = np.maximum(np.sum(rest * rest, axis=1), 1e-12)
    lag = np.clip(np.sum(rest[:, 1:] * rest[:, :-1], axis=1) / energy, 0.0, 0.9)
    sigma = np.sqrt(energy / max(m - q.shape[1] - 1, 1))
    return np.abs(size) * np.sqrt(power * (1 - lag) / (1 + lag)) / sigma, size
