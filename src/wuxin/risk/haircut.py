"""The dynamic haircut: how far a price may fall before a pledge can be sold, at a confidence.

From the prices up to now to one fraction with its parts and reasons. The volatility of the series
is fitted (:mod:`wuxin.risk.volatility`), 10,000 paths of the horizon are simulated from today's
volatility with the series' own residuals, and the haircut is the quantile of the deepest fall on
each path. A loan of (1 − haircut) of the value should then stay covered throughout the horizon, but
for one case in a hundred. Settings are from the literature and the same for every series; the
back-test is in docs/rooms/haircut.md.

Source for the method: He, Jiang, Wang, Zhu and Zhen, European Journal of Operational Research 223
(2012) 106 (dynamic impawn rate); filtered historical simulation as in the module above.
"""

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from wuxin.risk import volatility
from wuxin.risk.volatility import Fit, Floats, Form, Model
from wuxin.terms.errors import BadInput
from wuxin.terms.money import exact
from wuxin.terms.records import Words

Prices = Sequence[float] | NDArray[np.float64]

PLACES: Final = Decimal("0.0001")
"""The step a haircut is rounded up to: one basis point."""

EMIR_CUSHION: Final = 0.25
"""The least weight of stressed times by which a clearing house softens the turns of its margins.

Source: Commission Delegated Regulation (EU) No 153/2013, Art. 28(1)(b). Here it weighs the
long-run level and only ever raises the haircut; it is an analogy, not conformity.
"""

LONG_RUN: Final = 1.0
"""The variance over the window, in units of the fit's ``scale`` squared."""

_INSTEAD: Final = {
    "ewma": Words(
        "波动率模型未收敛，改用指数加权",
        "the volatility model did not converge; exponential weights were taken instead",
    ),
    "constant": Words(
        "波动率模型不适合该序列，改按历史波动计算，不随行情变化",
        "no volatility model fits the series; its plain history was taken, whatever today is like",
    ),
}
_STILL: Final = 0.5
_EVEN: Final = 1e-6


class Method(msgspec.Struct, frozen=True):
    """The settings of the haircut, the same for every good.

    ``window`` is how many prices are looked back on (ten years of trading days, the look-back of
    Delegated Regulation 153/2013, Art. 28(1)(c)) and ``least`` how many changes there must be.
    ``cushion`` is the weight of the long-run level where that is above today's. ``at_end`` asks
    only where the price stands when the horizon is over, not how deep it went on the way.
    """

    window: int = 2500
    least: int = 500
    paths: int = 10_000
    seed: int = 0
    cushion: float = 0.0
    at_end: bool = False
    model: Model = "gjr-garch-t"


class Parts(msgspec.Struct, frozen=True):
    """What a haircut is made of; volatilities are of log changes, or of the price by ``form``.

    ``now`` is the volatility forecast for the next day, ``ahead`` of the sum of changes over the
    horizon, ``usual`` a day's over the window that was fitted. ``fall`` is the quantile of the fall
    as a fraction of the price, before cushion, cap and rounding; above 1 the price may go below
    zero. ``cushion`` is what was added. ``changes`` were used, ``omitted`` prices were not numbers.
    """

    form: Form
    now: float
    ahead: float
    usual: float
    fall: float
    cushion: float
    changes: int
    omitted: int
    horizon_days: int
    confidence: float
    fit: Fit


class Haircut(msgspec.Struct, frozen=True):
    """A haircut as a fraction from 0 to 1, rounded up, with what it is made of, and why.

    Where it cannot be had, ``missing`` says why and ``fraction`` is None, never zero.
    """

    fraction: Decimal | None
    parts: Parts | None
    reasons: tuple[Words, ...]
    missing: tuple[Words, ...] = ()

    @property
    def loan_to_value(self) -> Decimal | None:
        """The most that may be lent on one unit of value; None where there is no haircut."""
        return None if self.fraction is None else 1 - self.fraction

    def words(self) -> dict[str, str]:
        """The figures as they go on record: decimal strings; empty where there is no haircut."""
        if self.fraction is None or self.parts is None:
            return {}
        p, f = self.parts, self.parts.fit
        measured = {
            "confidence": p.confidence, "volatility_now": p.now, "volatility_ahead": p.ahead,
            "volatility_usual": p.usual, "fall": p.fall, "cushion": p.cushion, "omega": f.omega,
            "alpha": f.alpha, "gamma": f.gamma, "beta": f.beta,
        }  # fmt: skip
        return {
            "haircut": f"{self.fraction}", "horizon_days": f"{p.horizon_days}",
            "changes": f"{p.changes}", "omitted": f"{p.omitted}", "form": p.form,
            "model": f.model, **{name: f"{value:.6g}" for name, value in measured.items()},
            **({} if f.degrees is None else {"degrees": f"{f.degrees:.6g}"}),
        }  # fmt: skip


def dynamic_haircut(
    prices: Prices,
    *,
    horizon_days: int = 20,
    confidence: float = 0.99,
    method: Method | None = None,
    fitted: Fit | None = None,
) -> Haircut:
    """Return the haircut on a good from its prices up to now.

    Prices of zero and below have no logarithm: a window with one in it is judged by plain changes
    of the price, and on a last price of zero or below nothing is lent. Prices that are not finite
    numbers are left out and counted; a gap counts as one day.

    Args:
        prices: one per trading day, oldest first, shape (n,), any unit of money or weight.
        horizon_days: from the last good mark to the money from the sale, in steps of the series.
        confidence: the share of horizons in which the price falls by no more than the haircut.
        method: the settings; None for those of :class:`Method`.
        fitted: from an earlier haircut's parts, to save the fitting; it is fitted again where the
            prices have come to zero or below since.

    Raises:
        BadInput: horizon, confidence or a setting is out of range.
    """
    method = method or Method()
    check(method, horizon_days=horizon_days, confidence=confidence)
    given = np.asarray(prices, np.float64).ravel()
    at = np.flatnonzero(np.isfinite(given))[-method.window :]
    window, omitted = given[at], len(given) - len(at) - int(at[0] if len(at) else 0)
    if missing := why_not(window, method):
        return Haircut(None, None, (), (missing,))
    if fitted is None or fitted.form != volatility.form_of(window):
        fitted = volatility.fit(window, model=method.model)
    x = volatility.changes(window, fitted.form) / fitted.scale
    variance = float(volatility.variances(fitted, x)[-1])
    drawn = volatility.shocks(fitted, days=horizon_days, paths=method.paths, seed=method.seed)
    at_risk = Risk(fitted, drawn, confidence, at_end=method.at_end)
    depth, ahead = at_risk.depth(variance)
    usual = at_risk.depth(LONG_RUN)[0] if method.cushion else 0.0
    last = float(window[-1])
    fall = as_fraction(depth, last, form=fitted.form)
    more = max(0.0, method.cushion * (as_fraction(usual, last, form=fitted.form) - fall))
    parts = Parts(
        form=fitted.form, now=fitted.scale * variance**0.5, ahead=ahead, usual=fitted.scale,
        fall=fall, cushion=more, changes=len(x), omitted=omitted, horizon_days=horizon_days,
        confidence=confidence, fit=fitted,
    )  # fmt: skip
    fraction = exact(min(fall + more, 1.0)).quantize(PLACES, ROUND_CEILING)
    return Haircut(fraction, parts, _reasons(parts, fraction, last=last))


class Risk(msgspec.Struct, frozen=True, eq=False):
    """How deep a price falls from a variance of the next day, by simulation over drawn residuals.

    ``drawn`` has shape (days, paths). One such object serves every day that a fit is kept.
    """

    fit: Fit
    drawn: Floats
    confidence: float
    at_end: bool = False

    def depth(self, variance: float) -> tuple[float, float]:
        """Return the quantile of the fall and the volatility of the sum, in the fit's units."""
        lowest, last = volatility.simulate(self.fit, variance, drawn=self.drawn)
        fall = -(last if self.at_end else lowest)
        # The next larger path, not a point between two, so that rounding errs to the safe side.
        quantile = float(np.quantile(fall, self.confidence, method="higher"))
        return max(quantile, 0.0), float(last.std())


def as_fraction(depth: float, price: float, *, form: Form) -> float:
    """Turn a fall in log units, or in the price's unit, into a fraction of the price.

    A price of zero and below is worth nothing as a pledge: 1.
    """
    if form == "log":
        return float(-np.expm1(-depth))
    return depth / price if price > 0 else 1.0


def check(method: Method, *, horizon_days: int, confidence: float) -> None:
    """Refuse settings that mean nothing.

    Raises:
        BadInput: one of them is out of range.
    """
    if horizon_days < 1:
        raise BadInput(f"a horizon of {horizon_days} days is none; it takes at least 1")
    if not 0.5 <= confidence < 1:
        raise BadInput(f"a confidence of {confidence} is not in 0.5 to below 1")
    if method.paths * (1 - confidence) < 10:
        needed = int(np.ceil(10 / (1 - confidence)))
        raise BadInput(f"{method.paths} paths are too few for {confidence}; it takes {needed}")
    if not 0 <= method.cushion <= 1:
        raise BadInput(f"a cushion of {method.cushion} is not a weight from 0 to 1")
    if method.least < 100 or method.window <= method.least:
        raise BadInput(
            f"a window of {method.window} prices for at least {method.least} changes does not do; "
            "it takes at least 100 changes and a longer window"
        )


def why_not(window: Floats, method: Method) -> Words | None:
    """Say why no haircut can be had from these prices; None where one can."""
    have = len(window) - 1
    if have < method.least:
        have = max(have, 0)
        return Words(
            f"价格序列太短：只有{have}个变动，至少需要{method.least}个",
            f"the series is too short: {have} changes of price, and it takes {method.least}",
        )
    still = float(np.mean(window[1:] == window[:-1]))
    if still > _STILL:
        return Words(
            f"价格在{still:.0%}的日子里没有变动，无法估计波动率",
            f"the price stands still on {still:.0%} of days, so that it shows no volatility",
        )
    with np.errstate(over="ignore", invalid="ignore"):
        moves = volatility.changes(window, volatility.form_of(window))
        spread, largest = float(moves.std()), float(np.abs(moves).max())
    if not np.isfinite(spread) or spread <= _EVEN * largest:
        return Words(
            "价格按固定步长变动或超出可计算范围，无法估计波动率",
            "the price moves in even steps, or beyond what can be computed: no volatility is seen",
        )
    return None


def _reasons(parts: Parts, fraction: Decimal, *, last: float) -> tuple[Words, ...]:
    """The words that go with a haircut."""
    days, sure, share = parts.horizon_days, f"{parts.confidence:.4g}", f"{parts.fall:.2%}"
    ratio = parts.now / parts.usual
    found = [
        Words(
            f"{days}个交易日内跌幅以{sure}的置信度不超过{share}",
            f"within {days} trading days the price falls by no more than {share}, at {sure}",
        ),
        Words(
            f"当前波动率为常态的{ratio:.2f}倍（{parts.changes}个变动）",
            f"volatility now is {ratio:.2f} times the usual, over {parts.changes} changes",
        ),
    ]
    if parts.fit.fell_back:
        found.append(_INSTEAD[parts.fit.model])
    if parts.form == "change":
        found.append(
            Words(
                "窗口内有零或负价格，按价格变动而非对数收益计算",
                "there are prices of zero or below, so that plain changes were taken, not logs",
            )
        )
    if last <= 0:
        found.append(
            Words(
                "当前价格不高于零，不能放款", "the price is not above zero: nothing is lent on it"
            )
        )
    elif parts.fall > 1:
        found.append(Words("价格可能跌破零", "the price may fall below zero"))
    if parts.cushion > 0:
        found.append(
            Words(
                f"平静期缓冲使其提高{parts.cushion:.2%}",
                f"a cushion for calm times adds {parts.cushion:.2%}",
            )
        )
    if parts.omitted:
        found.append(
            Words(
                f"有{parts.omitted}个价格不是数，未采用",
                f"{parts.omitted} prices were not numbers and were left out",
            )
        )
    found.append(Words(f"折扣率为{fraction:%}", f"the haircut is {fraction:%}"))
    return tuple(found)
