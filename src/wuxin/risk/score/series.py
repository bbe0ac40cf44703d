"""From monthly series to features: how steady, where to, how fully used, and what the season hides.

A month is one number, NaN where it is not known; the last is the newest. Where a feature cannot be
had it is missing and says why; no month is made up.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from wuxin.terms.records import Words

Floats = NDArray[np.float64]

YEAR: Final = 12
LEAST: Final = 6
"""Known months without which a year is not judged."""

_ROUNDS: Final = 2
_FEW: Final = Words("已知月份仅{0}个，至少需要{1}个", "only {0} months are known, {1} are needed")
_NOT_ABOVE_ZERO: Final = Words("平均值不大于零", "the mean is not above zero")
_NO_BASIS: Final = Words("比较基数不大于零", "what it is compared with is not above zero")
_NEGATIVE: Final = Words("序列含负值", "the series has values below zero")


class Derived(msgspec.Struct, frozen=True):
    """A feature's value, or None and why there is none; ``months`` are those it was made from."""

    value: float | None
    months: int
    missing: Words | None = None


def stability(v: Floats, *, months: int = YEAR) -> Derived:
    """How far the months stray from their mean: the coefficient of variation, 0 for a level line.

    Args:
        v: a month each (n), any unit.
        months: how many of the last are looked at.
    """
    last = v[-months:]
    known = last[np.isfinite(last)]
    if len(known) < LEAST:
        return _few(len(known), LEAST)
    mean = float(known.mean())
    if mean <= 0:
        return Derived(None, len(known), _NOT_ABOVE_ZERO)
    return Derived(float(known.std(ddof=1)) / mean, len(known))


def trend(v: Floats, *, months: int = YEAR) -> Derived:
    """How much the months rise, as a share of their median per month.

    The slope is the median of the slopes of all pairs, so that one odd month does not make it.

    Args:
        v: a month each (n), any unit.
        months: how many of the last are looked at.

    Source: Sen, Journal of the American Statistical Association 63 (1968) 1379.
    """
    last = v[-months:]
    at = np.flatnonzero(np.isfinite(last))
    if len(at) < LEAST:
        return _few(len(at), LEAST)
    middle = float(np.median(last[at]))
    if middle <= 0:
        return Derived(None, len(at), _NO_BASIS)
    a, b = np.triu_indices(len(at), k=1)
    slopes = (last[at[b]] - last[at[a]]) / (at[b] - at[a])
    return Derived(float(np.median(slopes)) / middle, len(at))


def used(part: Floats, whole: Floats, *, months: int = YEAR) -> Derived:
    """What share of a whole was used: of hours, of capacity, of a credit line.

    Args:
        part: used in each month (n).
        whole: could be used in each month (n), in the same unit.
        months: how many of the last are looked at; those that lack either are left out of both.
    """
    part, whole = part[-months:], whole[-months:]
    known = np.isfinite(part) & np.isfinite(whole)
    count = int(np.count_nonzero(known))
    if count < LEAST:
        return _few(count, LEAST)
    if (part[known] < 0).any():
        return Derived(None, count, _NEGATIVE)
    total = float(whole[known].sum())
    if total <= 0:
        return Derived(None, count, _NO_BASIS)
    return Derived(float(part[known].sum()) / total, count)


def order_fill(ordered: Floats, delivered: Floats, *, months: int = YEAR) -> Derived:
    """What share of the orders due was delivered in its month; what came too much fills no other.

    Args:
        ordered: due in each month (n), in pieces or money.
        delivered: in each month (n), in the same unit.
        months: how many of the last are looked at.
    """
    return used(np.minimum(delivered, ordered), ordered, months=months)


def over_the_year(v: Floats) -> Derived:
    """How much the last twelve months are above those a year before, month against month.

    Only months known in both years count, so that no season is compared with another.

    Args:
        v: a month each (n), any unit, at least two years.
    """
    if len(v) < 2 * YEAR:
        return _few(int(np.count_nonzero(np.isfinite(v))), 2 * YEAR)
    now, before = v[-YEAR:], v[-2 * YEAR : -YEAR]
    known = np.isfinite(now) & np.isfinite(before)
    count = int(np.count_nonzero(known))
    if count < LEAST:
        return _few(count, LEAST)
    basis = float(before[known].sum())
    if basis <= 0:
        return Derived(None, count, _NO_BASIS)
    return Derived(float(now[known].sum()) / basis - 1, count)


def deseasoned(v: Floats) -> Floats | None:
    """The months without their season, or None where fewer than two rounds of it can be seen.

    Each month is divided by its calendar month's median share of the centred mean of twelve months
    around it. A month's share needs two years of its own, that is three years of months: with
    fewer the season would swallow what is to be seen.

    Args:
        v: a month each (n), above zero, any unit.

    Source: ratio to moving average; Hyndman and Athanasopoulos, Forecasting: Principles and
    Practice, 3rd ed. (2021), section 3.4.
    """
    if len(v) < YEAR or (v[np.isfinite(v)] <= 0).any():
        return None
    weights = np.r_[0.5, np.ones(YEAR - 1), 0.5] / YEAR
    middle = np.full(len(v), np.nan)
    if len(v) > YEAR:
        middle[YEAR // 2 : -(YEAR // 2)] = np.convolve(v, weights, mode="valid")
    share, calendar = v / middle, np.arange(len(v)) % YEAR
    rounds = [share[(calendar == month) & np.isfinite(share)] for month in range(YEAR)]
    if min(map(len, rounds)) < _ROUNDS:
        return None
    season = np.array([np.median(one) for one in rounds])
    return np.asarray(v / (season / np.exp(np.log(season).mean()))[calendar])


def seasonless_trend(v: Floats, *, months: int = YEAR) -> Derived:
    """The trend of the last months once their season has been taken out (see :func:`trend`)."""
    without = deseasoned(v)
    if without is None:
        return _few(int(np.count_nonzero(np.isfinite(v) & (v > 0))), (_ROUNDS + 1) * YEAR)
    return trend(without, months=months)


def seasonless_stability(v: Floats, *, months: int = YEAR) -> Derived:
    """The stability of the last months once their season has been taken out."""
    without = deseasoned(v)
    if without is None:
        return _few(int(np.count_nonzero(np.isfinite(v) & (v > 0))), (_ROUNDS + 1) * YEAR)
    return stability(without, months=months)


def _few(known: int, least: int) -> Derived:
    said = Words(_FEW.zh.format(known, least), _FEW.en.format(known, least))
    return Derived(None, known, said)
