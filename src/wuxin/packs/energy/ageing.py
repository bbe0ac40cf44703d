"""Ageing and soiling: slow losses, each told by the shape in which it comes.

Ageing is what stays from one year to the next; soiling builds up over dry weeks and is gone after a
cleaning or rain. Both are read from the daily performance index, measured over expected energy.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.packs.energy.station import Floats, of_day
from wuxin.terms.clock import DAY
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived

YEAR: Final = 365
"""Days between the two of a pair: the same season, so that the model's own errors cancel."""

BRIGHT: Final = 0.4
"""A day counts that should yield this share of a good day (the 90th percentile) or more."""

FEWEST_PAIRS: Final = 60
FEWEST_DAYS: Final = 30

_DRAWS: Final = 500
_BLOCK: Final = 30
_SEED: Final = 2018
_SETTLES: Final = 14
_NEAR: Final = 7
_WET: Final = 5.0
_CERTAIN: Final = 2.0
_WORST: Final = 3.0
_FAST: Final = 1e-3
_LEAST_INTERVAL: Final = 14
_LEAST_RECOVERY: Final = 0.01
_LEAST_RATE: Final = 1e-4
_HISTORY: Final = 800
_SOILING_DAYS: Final = 120
_EVERY: Final = 7


class Ageing(NamedTuple):
    """Change of performance a year (share, below zero is a loss), its 95 % range, pairs of days."""

    rate: float
    low: float
    high: float
    pairs: int


class Soiling(NamedTuple):
    """What dust costs.

    ``now`` and ``mean`` are losses as shares (the last day's, and weighted by expected energy),
    ``rate`` the loss a day in dry spells, ``cleanings`` the days (indices) on which it came clean.
    """

    now: float
    mean: float
    rate: float
    cleanings: tuple[int, ...]


def year_on_year(
    day: NDArray[np.int64], measured: Floats, *, expected: Floats, seed: int = _SEED
) -> Ageing | None:
    """How performance changes from year to year.

    Args:
        day: days (n), whole numbers in order, gaps allowed.
        measured: energy of the day (n), any unit; NaN is unknown.
        expected: energy that the day's weather should have given (n), in the same unit.
        seed: of the draws that give the range.

    Returns:
        The median of all pairs of days a year apart (within three days), over the median index of
        the first year; its 95 % range by drawing blocks of a month. None with fewer than 60 pairs.

    Source: Jordan et al., IEEE J. Photovolt. 8 (2018) 525 (year-on-year); block bootstrap:
    Künsch, Ann. Stat. 17 (1989) 1217.
    """
    day, index, _ = _index(day, measured, expected=expected)
    pairs = _pairs(day, index)
    if pairs is None:
        return None
    rate = float(np.median(pairs))
    chance = np.random.default_rng(seed)
    size = len(pairs)
    begins = chance.integers(0, size, (_DRAWS, -(-size // _BLOCK)))
    picked = (begins[:, :, None] + np.arange(_BLOCK)).reshape(_DRAWS, -1)[:, :size] % size
    drawn = np.median(pairs[picked], axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975)).tolist()
    return Ageing(rate, low, high, size)


def _index(
    day: NDArray[np.int64], measured: Floats, *, expected: Floats
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Bright days (k), their performance index (k), and their expected energy (k)."""
    known = np.isfinite(measured) & np.isfinite(expected) & (expected > 0)
    if not known.any():
        return day[:0], measured[:0], expected[:0]
    good = BRIGHT * float(np.quantile(expected[known], 0.9))
    known &= expected >= good
    index = measured[known] / expected[known]
    usual = float(np.median(index)) if len(index) else 1.0
    # A day at half of what is usual is an outage, or snow; at twice, a wrong reading. Not ageing.
    fair = (index > 0.5 * usual) & (index < 2.0 * usual)
    return day[known][fair], index[fair], expected[known][fair]


def _pairs(day: NDArray[np.int64], index: Floats) -> Floats | None:
    if not len(day):
        return None
    first = index[day < day[0] + YEAR]
    base = float(np.median(first))
    at = np.searchsorted(day, day + YEAR - 3)
    found = at < len(day)
    found[found] &= day[at[found]] <= day[found] + YEAR + 3
    left = np.flatnonzero(found)
    if len(left) < FEWEST_PAIRS or base <= 0:
        return None
    right = at[left]
    # The nearest of the days within three, so that a weekly pattern does not matter.
    for shift in range(1, 7):
        later = np.minimum(right + 1, len(day) - 1)
        closer = np.abs(day[later] - day[left] - YEAR) < np.abs(day[right] - day[left] - YEAR)
        right = np.where(closer, later, right)
        if not closer.any() and shift > 1:
            break
    years = (day[right] - day[left]) / 365.25
    return np.asarray((index[right] - index[left]) / base / years, np.float64)


def soiling(
    day: NDArray[np.int64], measured: Floats, *, expected: Floats, rain: Floats | None = None
) -> Soiling | None:
    """What soiling costs: slow falls of the performance index between sudden recoveries.

    Args:
        day: days (n), whole numbers in order, gaps allowed.
        measured: energy of the day (n), any unit; NaN is unknown.
        expected: energy that the day's weather should have given (n), in the same unit.
        rain: precipitation of the day (n, mm); where given, days of 5 mm or more are likelier to
            have washed the modules.

    Returns:
        None with fewer than 30 bright days. A spell counts as soiling only where it lasts 14 days,
        falls by two standard errors (the last, still open, by four) and at least 0.01 % a day,
        and recovers half of that at once when it ends: a season falls too, but comes back slowly.
        The last counts where it falls by 0.1 % a day or more, or as spells did that recovered.

    Source: Deceglie, Micheli and Muller, IEEE J. Photovolt. 8 (2018) 547 (stochastic rate and
    recovery); here the spells are cut by dynamic programming, without its Monte Carlo.
    """
    wet = [] if rain is None else day[np.nan_to_num(rain) >= _WET].tolist()
    day, index, weight = _index(day, measured, expected=expected)
    if len(day) < FEWEST_DAYS:
        return None
    noise = _noise(day, index)
    cuts = _cleanings(index, _spells(day, index, noise=noise, wet=wet), noise=noise)
    loss = np.zeros(len(day))
    rates: list[float] = []
    for a, b in zip([0, *cuts], [*cuts, len(day)], strict=True):
        fall, error = _fall(day[a:b], index[a:b], noise=noise)
        level = float(np.median(index[a : a + _SETTLES])) + fall * _SETTLES / 2
        last = b == len(day)
        known = rates and float(np.median(rates)) / 3 <= fall / level <= 3 * float(np.median(rates))
        cleaned = bool(known) or fall / level >= _FAST
        if not last:
            cleaned = _gain(index, b) >= fall * (day[b - 1] - day[a]) / 2
        certain = fall > _CERTAIN * (2 if last else 1) * error
        if certain and cleaned and fall / level >= _LEAST_RATE:
            rates.append(fall / level)
            loss[a:b] = fall / level * (day[a:b] - day[a])
    loss = np.clip(loss, 0.0, 0.9)
    mean = float(np.sum(loss * weight) / np.sum(weight))
    rate = float(np.median(rates)) if rates else 0.0
    return Soiling(float(loss[-1]), mean, rate, tuple(day[cuts].tolist()))


def _gain(index: Floats, cut: int) -> float:
    """By how much the index is higher after a cut than before (medians of seven bright days)."""
    return float(np.median(index[cut : cut + _NEAR]) - np.median(index[max(cut - _NEAR, 0) : cut]))


def _cleanings(index: Floats, bounds: list[int], *, noise: float) -> list[int]:
    """The cuts at which the index certainly recovers; the others end no spell."""
    least = max(_LEAST_RECOVERY, _CERTAIN * float(np.sqrt(2 * noise / _NEAR)))
    return [cut for cut in bounds[1:-1] if _gain(index, cut) >= least]


def _noise(day: NDArray[np.int64], index: Floats) -> float:
    """Variance of the index a day, so scaled that means of a fortnight come out right.

    Neighbouring days are wrong in the same way, which the variance of single days hides; but saw
    teeth bend fortnights too, so that at most three times the variance of single days is believed.
    """
    block = (day - day[0]) // _SETTLES
    firsts = np.flatnonzero(np.diff(block, prepend=-1))
    means = np.array([part.mean() for part in np.split(index, firsts[1:])])
    usual = len(index) / len(means)
    single = float(np.median(np.abs(np.diff(index)))) / 0.6745 / np.sqrt(2)
    if len(means) < _SETTLES // 2:
        return float(single**2)
    bend = means[1:-1] - (means[:-2] + means[2:]) / 2
    whole = float(np.median(np.abs(bend))) / 0.6745 / np.sqrt(1.5)
    return float(min(max(single**2, whole**2 * usual), _WORST * single**2))


def _spells(day: NDArray[np.int64], index: Floats, *, noise: float, wet: list[int]) -> list[int]:
    """Bounds of the dry spells (k + 1): the cuts that fit falling lines best, each at a price.

    Dynamic programming over all cuts; a rainy day is a cut at a third of the price.
    """
    n = len(day)
    x, y = (day - day[0]).astype(np.float64), index
    sums = [np.concatenate([[0.0], np.cumsum(q)]) for q in (np.ones(n), x, y, x * x, x * y, y * y)]
    price = np.full(n + 1, 3.0 * noise * np.log(n))
    rainy = np.isin(np.arange(n), np.searchsorted(day, np.array(wet, np.int64)))
    price[:n][rainy] /= 3.0
    best, before = np.full(n + 1, np.inf), np.zeros(n + 1, np.int64)
    best[0] = 0.0
    for j in range(1, n + 1):
        i = np.arange(j)
        i = i[(i == 0) | (day[j - 1] - day[i] >= _LEAST_INTERVAL)]
        total = best[i] + _misfit(sums, i, upto=j) + price[i]
        k = int(np.argmin(total))
        best[j], before[j] = total[k], i[k]
    bounds, j = [n], n
    while j > 0:
        j = int(before[j])
        bounds.append(j)
    return bounds[::-1]


def _misfit(sums: list[Floats], i: NDArray[np.int64], *, upto: int) -> Floats:
    """Squares left by a line that does not rise, for stretches from each ``i`` ``upto``."""
    n, sx, sy, sxx, sxy, syy = (s[upto] - s[i] for s in sums)
    xx, xy, yy = sxx - sx * sx / n, sxy - sx * sy / n, syy - sy * sy / n
    slope = np.minimum(np.divide(xy, xx, out=np.zeros(len(i)), where=xx > 0), 0.0)
    left = yy - 2 * slope * xy + slope * slope * xx
    return np.asarray(np.maximum(left, 0.0), np.float64)


def _fall(day: NDArray[np.int64], index: Floats, *, noise: float) -> tuple[float, float]:
    """How fast the index falls in a spell (a day), and the standard error of that."""
    x = (day - day.mean()).astype(np.float64)
    xx = float(np.sum(x * x))
    if len(day) < _LEAST_INTERVAL // 2 or xx <= 0:
        return 0.0, np.inf
    return -float(np.sum(x * index)) / xx, float(np.sqrt(noise / xx))


def slow_losses(view: DayView) -> list[Derived]:
    """Derive, once a week, the root's ageing (a year) and soiling loss.

    Ageing needs pairs of days a year apart; soiling 30 bright days of the last 120. Both need
    expected energy that the weather tells, and a day that ends a week since 1970.
    """
    if view.root.kind != "plant" or (view.start // DAY) % _EVERY:
        return []
    root = view.root
    derived: list[Derived] = []
    long = _daily(view, root, days=_HISTORY)
    if len(long[0]) and long[0][-1] - long[0][0] > YEAR:
        aged = year_on_year(long[0], long[1], expected=long[2])
        if aged is not None:
            derived.append(of_day(view, root, indicator="ageing_rate", value=aged.rate))
            derived.append(of_day(view, root, indicator="ageing_certain", value=aged.high))
    near = _daily(view, root, days=_SOILING_DAYS)
    found = soiling(near[0], near[1], expected=near[2])
    if found is not None:
        derived.append(of_day(view, root, indicator="soiling_loss", value=found.now))
    return derived


def _daily(
    view: DayView, thing: ThingKey, *, days: int
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Days (n) with measured and expected energy (n, J) each."""
    measured = view.series(thing, "energy_measured", days=days)
    expected = view.series(thing, "expected_energy", days=days)
    at = np.searchsorted(expected.t, measured.t)
    same = at < len(expected)
    same[same] &= expected.t[at[same]] == measured.t[same]
    return measured.t[same] // DAY, measured.v[same], expected.v[at[same]]
