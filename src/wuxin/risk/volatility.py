"""Volatility of a price series that comes in clusters: GJR-GARCH fitted, filtered and simulated.

A change x of the price (of its logarithm, or of the price itself where that has not always been
above zero) has a variance v that follows from the day before:

    v' = omega + (alpha + gamma · [x < 0]) · x² + beta · v

Parameters are fitted by maximum likelihood with Student's t (the library ``arch``). The residuals
z = x / √v are kept as they came, and simulation draws from them: filtered historical simulation.
Changes are divided by their standard deviation, so that neither the unit of the price nor its
size matters; the long-run variance is about 1. The mean is taken as zero and the residuals are
centred: nobody lends on a drift.

Source: Glosten, Jagannathan and Runkle, Journal of Finance 48 (1993) 1779; Barone-Adesi,
Giannopoulos and Vosper, Journal of Futures Markets 19 (1999) 583; the decay of the simple form from
J.P. Morgan/Reuters, RiskMetrics Technical Document, 4th edition (1996), section 5.3.
"""

from typing import Final, Literal

import msgspec
import numpy as np
from arch import arch_model
from numpy.typing import NDArray
from scipy.signal import lfilter

Floats = NDArray[np.float64]
Form = Literal["log", "change"]
Model = Literal["gjr-garch-t", "ewma", "constant"]

DECAY: Final = 0.94
"""Weight of yesterday's variance in the simple form, for daily changes (RiskMetrics)."""

_OFF: Final = 2.0
_WILDEST: Final = 1e12
_DIGITS: Final = 9
"""Places that a standardised change is rounded to, so that another unit gives the same numbers."""


class Fit(msgspec.Struct, frozen=True, eq=False):
    """How the volatility of one series moves, as fitted; good until it is fitted again.

    ``scale`` is the standard deviation of a change, in log units or in the price's unit by
    ``form``; omega, alpha, gamma and beta are of changes over ``scale``; ``degrees`` are those of
    Student's t (None for the simple forms, which are not fitted). ``residuals`` (m) are centred.
    ``fell_back`` tells that the model asked for was not to be had.
    """

    form: Form
    model: Model
    scale: float
    omega: float
    alpha: float
    gamma: float
    beta: float
    degrees: float | None
    residuals: Floats
    fell_back: bool = False

    @property
    def persistence(self) -> float:
        """The share of a shock to the variance that is left a day later; 1 never dies out."""
        return self.alpha + self.gamma / 2 + self.beta


def form_of(prices: Floats) -> Form:
    """Which changes of these prices exist: of the logarithm, or, from zero down, only plain ones.

    Source: for plain changes Bachelier (1900), to which CME Clearing went over for oil options on
    22 April 2020, when prices were below zero.
    """
    return "log" if bool(np.all(prices > 0)) else "change"


def changes(prices: Floats, form: Form) -> Floats:
    """The changes of n prices from day to day (n − 1)."""
    return np.asarray(np.diff(np.log(prices) if form == "log" else prices))


def fit(prices: Floats, *, model: Model = "gjr-garch-t") -> Fit:
    """Fit the volatility of finite prices (n) that do not all stand still.

    Where the likelihood does not converge, the simple form is taken. Where the residuals of either
    are far from a mean square of 1, the series is not of this kind (fixed for years, then freed:
    the fitted variance goes to nothing before the jump), and volatility is taken as constant, which
    leaves its plain history.
    """
    form = form_of(prices)
    raw = changes(prices, form)
    scale = float(raw.std())
    x = np.round(raw / scale, _DIGITS)
    simple = Fit(form, "ewma", scale, 0.0, 1 - DECAY, 0.0, DECAY, None, np.zeros(0))
    found = simple if model == "ewma" else _likeliest(x, simple)
    z = x / np.sqrt(variances(found, x)[:-1])
    if not 1 / _OFF <= float(np.sqrt(np.mean(z * z))) <= _OFF:
        z = x
        found = msgspec.structs.replace(
            simple, model="constant", omega=1.0, alpha=0.0, beta=0.0, fell_back=True
        )
    return msgspec.structs.replace(found, residuals=z - z.mean())


def _likeliest(x: Floats, simple: Fit) -> Fit:
    """The fit of greatest likelihood, or the simple form where none was found."""
    asked = arch_model(x, mean="Zero", vol="GARCH", p=1, o=1, q=1, dist="t", rescale=False)
    done = asked.fit(disp="off", show_warning=False)
    omega, alpha, gamma, beta, degrees = np.asarray(done.params, np.float64).tolist()
    found = msgspec.structs.replace(
        simple, model="gjr-garch-t", omega=omega, alpha=alpha, gamma=gamma, beta=beta,
        degrees=degrees,
    )  # fmt: skip
    if done.convergence_flag or not found.persistence <= 1 + 1e-6 or not omega > 0:
        return msgspec.structs.replace(simple, fell_back=True)
    return found


def variances(fitted: Fit, x: Floats) -> Floats:
    """The variance of each of n changes over ``scale``, and of the next one, known the day before.

    The first is taken as 1, the long-run level, or for exponential weights as the mean square of
    the first seventy-five; after some hundred days that is forgotten.

    Returns:
        Variances, shape (n + 1), in units of ``scale`` squared.
    """
    first = max(float(np.mean(x[:75] ** 2)), 1e-6) if fitted.model == "ewma" else 1.0
    push = fitted.omega + (fitted.alpha + fitted.gamma * (x < 0)) * x * x
    later, _ = lfilter([1.0], [1.0, -fitted.beta], push, zi=np.array([fitted.beta * first]))
    return np.concatenate([[first], later])


def shocks(fitted: Fit, *, days: int, paths: int, seed: int) -> Floats:
    """Draw residuals of the fit for a simulation (days, paths).

    The same seed gives the same draws; the first days are the same whatever ``days`` is.
    """
    chance = np.random.default_rng(seed).random((days, paths))
    return np.asarray(fitted.residuals[(chance * len(fitted.residuals)).astype(np.int64)])


def simulate(fitted: Fit, variance: float, *, drawn: Floats) -> tuple[Floats, Floats]:
    """Let a price run on from a variance of the next day, along each path of drawn residuals.

    Args:
        fitted: the fit.
        variance: of the first day to come, in units of ``scale`` squared.
        drawn: residuals (days, paths) from :func:`shocks`.

    Returns:
        The lowest sum of changes on the way, at most zero, and the last (paths); in log units or
        in the price's unit.
    """
    v = np.full(drawn.shape[1], variance)
    total, lowest = np.zeros_like(v), np.zeros_like(v)
    for z in drawn:
        # One wild price in the sample (a slipped decimal point) can make the simulated variance
        # explode; bounded, it gives a haircut of 1 instead of infinity less infinity.
        np.minimum(v, _WILDEST, out=v)
        x = np.sqrt(v) * z
        total += x
        np.minimum(lowest, total, out=lowest)
        v *= fitted.beta
        v += (fitted.alpha + fitted.gamma * (z < 0)) * x * x
        v += fitted.omega
    return fitted.scale * lowest, fitted.scale * total
