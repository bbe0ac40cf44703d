"""The back-test of haircuts: what each rule would have lent on a day, and what then happened.

A day's haircut is made from the prices up to that day; the fall is that of the days after it. A
breach is a fall by more than the haircut, on the worst close of the horizon (or on its last).
"""

from collections.abc import Iterator
from typing import Final

import msgspec
import numpy as np
from scipy.stats import binomtest

from wuxin.risk import volatility
from wuxin.risk.haircut import (
    LONG_RUN,
    Method,
    Prices,
    Risk,
    as_fraction,
    check,
    why_not,
)
from wuxin.risk.volatility import Fit, Floats

REFIT: Final = 20
"""Days for which fitted parameters and drawn residuals are kept; volatility moves every day."""


class Score(msgspec.Struct, frozen=True):
    """How a rule has done over all days that have both a haircut and a whole horizon after it.

    ``mean_ltv`` is the mean of 1 − haircut. ``breaches`` counts overlapping horizons, one begun on
    each day, ``breach_share`` is their share of ``days``, and ``episodes`` counts those more than a
    horizon after the one before. ``apart`` and ``apart_share`` are of horizons that do not overlap,
    begun on the first day; ``apart_p`` is the chance of so many there or more (exact binomial) if
    each had the promised probability: small speaks against the rule. ``worst`` is the largest fall
    beyond the haircut, ``shortfall`` the mean over all days, as fractions of the value.
    """

    rule: str
    days: int
    mean_ltv: float
    lowest_ltv: float
    breaches: int
    breach_share: float
    episodes: int
    apart: int
    apart_share: float
    apart_p: float
    worst: float
    shortfall: float


def falls(prices: Prices, *, horizon_days: int = 20, at_end: bool = False) -> Floats:
    """How far the price fell within the horizon after each of n days, as a fraction of that day.

    Returns:
        Falls from 0 to 1, shape (n); NaN where the horizon is not over or the day's price is not
        above zero, so that nothing was lent.
    """
    p = np.asarray(prices, np.float64)
    found = np.full(len(p), np.nan)
    if len(p) <= horizon_days:
        return found
    ahead = np.lib.stride_tricks.sliding_window_view(p[1:], horizon_days)
    later = ahead[:, -1] if at_end else ahead.min(axis=1)
    now = p[:-horizon_days]
    np.divide(now - later, now, out=found[:-horizon_days], where=now > 0)
    return np.asarray(np.clip(found, 0.0, 1.0))


def walk(
    prices: Prices,
    *,
    horizon_days: int = 20,
    confidence: float = 0.99,
    method: Method | None = None,
    refit: int = REFIT,
) -> Floats:
    """The dynamic haircut of each day, from the prices up to it, without rounding.

    Fitted on the first day there are enough prices, then again after ``refit`` days, or at once
    where a price of zero or below comes or leaves the window.

    Args:
        prices: finite prices, oldest first, shape (n).
        horizon_days: as for :func:`wuxin.risk.haircut.dynamic_haircut`.
        confidence: the same.
        method: the same.
        refit: days between two fits.

    Returns:
        Fractions, shape (n); NaN where there was none to be had.
    """
    method = method or Method()
    check(method, horizon_days=horizon_days, confidence=confidence)
    p = np.asarray(prices, np.float64)
    found = np.full(len(p), np.nan)
    for first, end, fitted in _stretches(p, method, refit=refit):
        low = max(0, first + 1 - method.window)
        drawn = volatility.shocks(fitted, days=horizon_days, paths=method.paths, seed=method.seed)
        at_risk = Risk(fitted, drawn, confidence, at_end=method.at_end)
        x = volatility.changes(p[low:end], fitted.form) / fitted.scale
        variance = volatility.variances(fitted, x)[first - low :]
        usual = at_risk.depth(LONG_RUN)[0] if method.cushion else 0.0
        for day, v in enumerate(variance.tolist(), start=first):
            price = float(p[day])
            fall = as_fraction(at_risk.depth(v)[0], price, form=fitted.form)
            more = method.cushion * (as_fraction(usual, price, form=fitted.form) - fall)
            found[day] = min(fall + max(more, 0.0), 1.0)
    return found


def _stretches(p: Floats, method: Method, *, refit: int) -> Iterator[tuple[int, int, Fit]]:
    """First day, end (exclusive) and fit of each stretch of days that share a fit."""
    below = np.concatenate([[0], np.cumsum(p <= 0)])
    day = np.arange(len(p))
    plain = below[1:] > below[np.maximum(day + 1 - method.window, 0)]
    first = method.least
    while first < len(p):
        end = min(first + refit, len(p))
        turns = np.flatnonzero(plain[first:end] != plain[first])
        if len(turns):
            end = first + int(turns[0])
        window = p[max(0, first + 1 - method.window) : first + 1]
        if why_not(window, method) is None:
            yield first, end, volatility.fit(window, model=method.model)
        first = end


def historical(
    fallen: Floats,
    *,
    horizon_days: int = 20,
    confidence: float = 0.99,
    method: Method | None = None,
) -> Floats:
    """The plain historical rule: the quantile of the falls that were over by each day (n)."""
    method = method or Method()
    found = np.full(len(fallen), np.nan)
    for day in range(method.least, len(fallen)):
        known = fallen[max(0, day + 1 - method.window) : day + 1 - horizon_days]
        known = known[np.isfinite(known)]
        if len(known):
            found[day] = np.quantile(known, confidence, method="higher")
    return found


def best_static(fallen: Floats, *, allowed: float = 0.01) -> float:
    """The smallest fixed haircut that is breached on at most a share of the days.

    It is chosen with hindsight, from the very falls (n) that it is then judged on.
    """
    ordered = np.sort(fallen[np.isfinite(fallen)])[::-1]
    return float(ordered[int(allowed * len(ordered))])


def score(
    rule: str, haircuts: Floats, *, fallen: Floats, horizon_days: int = 20, promised: float = 0.01
) -> Score:
    """Judge a rule's haircuts (n) by the falls that came (n); days without either are left out."""
    day = np.flatnonzero(np.isfinite(haircuts) & np.isfinite(fallen))
    assert len(day), "there is a day to judge"
    beyond = fallen[day] - haircuts[day]
    broken = beyond > 0
    when = day[broken]
    apart = broken[::horizon_days]
    return Score(
        rule=rule,
        days=len(day),
        mean_ltv=float(1 - haircuts[day].mean()),
        lowest_ltv=float(1 - haircuts[day].max()),
        breaches=int(broken.sum()),
        breach_share=float(broken.mean()),
        episodes=int(np.count_nonzero(np.diff(when) > horizon_days)) + bool(len(when)),
        apart=int(apart.sum()),
        apart_share=float(apart.mean()),
        apart_p=float(
            binomtest(int(apart.sum()), len(apart), promised, alternative="greater").pvalue
        ),
        worst=float(np.maximum(beyond, 0.0).max()),
        shortfall=float(np.maximum(beyond, 0.0).mean()),
    )
