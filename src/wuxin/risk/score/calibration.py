"""From a raw score to a probability that holds: of a hundred cases at 7 %, seven fail.

A calibrator is fitted on scores of cases that the model had not seen; on those it has learned from,
every model is too sure of itself.

Sources: Platt, Probabilistic outputs for support vector machines, in Advances in Large Margin
Classifiers (1999), with his smoothed targets; Zadrozny and Elkan, KDD 2002, 694 (isotonic).
"""

from typing import Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression, minimize
from scipy.special import expit, log_expit

Floats = NDArray[np.float64]
Kind = Literal["platt", "isotonic", "none"]


class Calibrator(msgspec.Struct, frozen=True):
    """A rising function from raw score (log odds) to probability.

    ``platt`` and ``none`` are expit(slope · raw + intercept); ``isotonic`` goes in straight lines
    through ``values`` at ``knots`` and is level outside. No probability is nearer to 0 or 1 than
    ``floor``: n cases of one kind alone promise no more than 1/(n + 2).
    """

    kind: Kind
    slope: float = 1.0
    intercept: float = 0.0
    knots: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    floor: float = 0.0

    def probability(self, raw: Floats) -> Floats:
        """The probability of default of raw scores (n)."""
        if self.kind == "isotonic":
            return np.asarray(np.interp(raw, self.knots, self.values))
        p = expit(self.slope * raw + self.intercept)
        return np.asarray(np.clip(p, self.floor, 1 - self.floor))


def fit_calibrator(kind: Kind, raw: Floats, *, bad: Floats) -> Calibrator:
    """Fit a calibrator to raw scores of cases that were held out.

    Args:
        kind: ``platt`` for few cases; ``isotonic`` needs a thousand or so.
        raw: log odds, shape (n).
        bad: 1 for a default, 0 for none, shape (n).
    """
    if kind == "platt":
        return _platt(raw, bad)
    if kind == "isotonic":
        return _isotonic(raw, bad)
    return Calibrator("none")


_FLAT: Final = 1e-3


def _platt(raw: Floats, bad: Floats) -> Calibrator:
    ones = float(bad.sum())
    zeros = len(bad) - ones
    target = np.where(bad > 0, (ones + 1) / (ones + 2), 1 / (zeros + 2))

    def loss(at: Floats) -> tuple[float, Floats]:
        z = at[0] * raw + at[1]
        off = expit(z) - target
        value = -np.mean(target * log_expit(z) + (1 - target) * log_expit(-z))
        return float(value), np.array([np.mean(off * raw), np.mean(off)])

    start = np.array([1.0, 0.0])
    # A score that says nothing, or the opposite, gets the least slope: the line must not turn.
    found: Any = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=[(_FLAT, None), (None, None)]
    )
    slope, intercept = found.x.tolist()
    return Calibrator("platt", slope, intercept, floor=1 / (len(bad) + 2))


def _isotonic(raw: Floats, bad: Floats) -> Calibrator:
    at, where = np.unique(raw, return_inverse=True)
    weight = np.bincount(where).astype(np.float64)
    share = np.bincount(where, weights=bad) / weight
    found: Any = isotonic_regression(share, weights=weight)
    # A step of few cases promises less than one of many, so each has the floor of its own size.
    steps = np.asarray(found.blocks)
    sizes = np.add.reduceat(weight, steps[:-1])
    level = np.clip(found.x[steps[:-1]], 1 / (sizes + 2), (sizes + 1) / (sizes + 2))
    level = np.maximum.accumulate(level)
    ends = np.stack([at[steps[:-1]], at[steps[1:] - 1]], axis=1)
    knots, values = ends.ravel(), np.repeat(level, 2)
    keep = np.concatenate([[True], np.diff(knots) > 0])
    return Calibrator(
        "isotonic", knots=tuple(knots[keep].tolist()), values=tuple(values[keep].tolist())
    )
