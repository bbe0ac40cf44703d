"""Haircuts of many goods at once: a table per good when it is fitted, a look-up on every mark.

For a fit that is kept, the depth of the fall hangs on one number only, the volatility of the next
day. So it is simulated once for a ladder of volatilities; from then on a day's prices of all goods
move all volatilities and give all haircuts in a few array operations.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from wuxin.risk import volatility
from wuxin.risk.haircut import Method, Risk, check
from wuxin.risk.volatility import Fit, Floats

LADDER: Final = np.geomspace(1 / 16, 16, 33)
"""Volatilities of the next day, over the usual, for which the fall is simulated (33)."""

_USUAL: Final = 16


class Shelf(msgspec.Struct, frozen=True, eq=False):
    """k goods with their fits, their variance of the next day (k) and their tables (k, 33)."""

    fits: tuple[Fit, ...]
    variance: Floats
    depth: Floats
    cushion: float


def stock(
    fits: Sequence[Fit],
    variance: Floats,
    *,
    horizon_days: int = 20,
    confidence: float = 0.99,
    method: Method | None = None,
) -> Shelf:
    """Simulate the tables of k goods.

    Args:
        fits: of each good.
        variance: of each good's next day (k), the last of :func:`wuxin.risk.volatility.variances`.
        horizon_days: as for :func:`wuxin.risk.haircut.dynamic_haircut`.
        confidence: the same.
        method: the same; ``model``, ``window`` and ``least`` are the fits' business.

    Raises:
        BadInput: horizon, confidence or a setting is out of range.
    """
    method = method or Method()
    check(method, horizon_days=horizon_days, confidence=confidence)
    depth = np.empty((len(fits), len(LADDER)))
    for row, one in zip(depth, fits, strict=True):
        drawn = volatility.shocks(one, days=horizon_days, paths=method.paths, seed=method.seed)
        at_risk = Risk(one, drawn, confidence, at_end=method.at_end)
        row[:] = [at_risk.depth(v)[0] for v in (LADDER**2).tolist()]
    return Shelf(tuple(fits), np.array(variance, np.float64), depth, method.cushion)


def mark(shelf: Shelf, before: Floats, *, after: Floats) -> Shelf:
    """Move every good's variance on by one day, from the price before to the price after (k).

    Where a price is not a number, or has no logarithm for a fit that needs one, nothing is learned
    and the variance stays; a good whose price has come to zero or below is to be fitted again.
    """
    omega, alpha, gamma, beta, scale = _columns(shelf.fits)
    plain = _plain(shelf.fits)
    usable = plain | ((before > 0) & (after > 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        x = np.where(plain, after - before, np.log(after / before)) / scale
    x = np.where(usable, x, np.nan)
    moved = omega + (alpha + gamma * (x < 0)) * x * x + beta * shelf.variance
    return msgspec.structs.replace(
        shelf, variance=np.where(np.isfinite(moved), moved, shelf.variance)
    )


def haircuts(shelf: Shelf, prices: Floats) -> Floats:
    """The haircut of every good (k) at its price (k), from 0 to 1, without rounding.

    Between two rungs the line errs to the safe side where the fall grows ever faster with
    volatility. A price of zero and below, or none, gives 1.
    """
    level = np.sqrt(shelf.variance)
    at = np.clip(np.searchsorted(LADDER, level) - 1, 0, len(LADDER) - 2)
    share = np.maximum((level - LADDER[at]) / (LADDER[at + 1] - LADDER[at]), 0.0)
    good = np.arange(len(level))
    low, high = shelf.depth[good, at], shelf.depth[good, at + 1]
    now = _fractions(shelf, low + share * (high - low), prices=prices)
    usual = _fractions(shelf, shelf.depth[:, _USUAL], prices=prices)
    return np.asarray(np.clip(now + shelf.cushion * np.maximum(usual - now, 0.0), 0.0, 1.0))


def _fractions(shelf: Shelf, depth: Floats, *, prices: Floats) -> Floats:
    lendable = prices > 0
    fall = np.where(_plain(shelf.fits), depth / np.where(lendable, prices, 1.0), -np.expm1(-depth))
    return np.where(lendable, fall, 1.0)


def _columns(fits: Sequence[Fit]) -> Floats:
    return np.array([(f.omega, f.alpha, f.gamma, f.beta, f.scale) for f in fits]).T


def _plain(fits: Sequence[Fit]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.array([f.form == "change" for f in fits])
