"""How long a machine will last: learnt from like machines that ran to failure, or from its trend.

A fleet that failed teaches trees (lightgbm) what wear looks like; the target is capped, because a
sound machine does not show how far its end is (Heimes, Recurrent neural networks for remaining
useful life estimation, PHM 2008). Without such a fleet the own trend is drawn on to the threshold
(ISO 13381-1:2015), where Mann's test (Econometrica 13 (1945) 245) says that there is a trend.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CAP: Final = 125.0
"""Cycles beyond which remaining life is not told apart (Heimes 2008; C-MAPSS literature)."""

WINDOW: Final = 20
_FIRST: Final = 20
_CERTAIN: Final = 2.326
_FEWEST: Final = 7
_SETTINGS: Final[dict[str, Any]] = {
    "objective": "regression", "learning_rate": 0.05, "num_leaves": 31, "min_data_in_leaf": 50,
    "feature_fraction": 0.5, "bagging_fraction": 0.7, "bagging_freq": 1, "verbose": -1,
    "deterministic": True, "force_row_wise": True, "num_threads": 1, "seed": 7,
}  # fmt: skip
_ROUNDS: Final = 150


class Fleet(NamedTuple):
    """Runs of like machines: ``unit`` (n) and ``x`` (n, signals), a row a cycle, in order."""

    unit: Ints
    x: Floats


def features(fleet: Fleet) -> Floats:
    """What is looked at in each cycle: mean and slope of the last cycles, change since the first.

    Of each machine only its own past is used.
    """
    rows = []
    for unit in np.unique(fleet.unit):
        x = fleet.x[fleet.unit == unit]
        to = np.arange(1, len(x) + 1)
        start = np.maximum(to - WINDOW, 0)
        mean = _means(x, start, to=to)
        first = _means(x, np.zeros_like(to), to=np.minimum(to, _FIRST))
        size = (to - start).astype(np.float64)[:, None]
        half = (size - 1) / 2
        moments = (
            _means(x * np.arange(len(x))[:, None], start, to=to) - (start[:, None] + half) * mean
        )
        slope = np.where(size > 4, moments * 12 / np.maximum(size**2 - 1, 1), 0.0)
        rows.append(np.hstack([mean, mean - first, slope, to[:, None]]))
    return np.vstack(rows)


def life_left(unit: Ints) -> Floats:
    """Cycles until the last row of each machine, capped (n); right for runs to failure only."""
    left = np.empty(len(unit))
    for one in np.unique(unit):
        rows = np.flatnonzero(unit == one)
        left[rows] = np.arange(len(rows) - 1, -1, -1)
    return np.minimum(left, CAP)


class Prophet(NamedTuple):
    """A fitted model: the trees as lightgbm has them."""

    trees: Any

    def predict(self, fleet: Fleet) -> Floats:
        """Remaining cycles at each row (n), between 0 and the cap."""
        found: Floats = np.clip(self.trees.predict(features(fleet)), 0.0, CAP)
        return found


def fit(fleet: Fleet) -> Prophet:
    """Fit to machines that ran to failure."""
    return _fit(features(fleet), life_left(fleet.unit))


def cross_validated(fleet: Fleet, *, folds: int = 5) -> Floats:
    """Predictions for each row by a model that saw nothing of that machine (n)."""
    x, y = features(fleet), life_left(fleet.unit)
    units = np.unique(fleet.unit)
    told = np.empty(len(y))
    for k in range(folds):
        out = np.isin(fleet.unit, units[k::folds])
        told[out] = np.clip(_fit(x[~out], y[~out]).trees.predict(x[out]), 0.0, CAP)
    return told


def trend(t: Sequence[float], v: Sequence[float], *, threshold: float) -> float | None:
    """How long until a falling figure reaches a threshold, in the unit of ``t``.

    The slope is Theil's and Sen's (J. Am. Stat. Assoc. 63 (1968) 1379).

    Returns:
        None where there are fewer than seven values or no trend is certain at 1 %; 0 where the
        threshold is passed.
    """
    n = len(v)
    if n < _FEWEST:
        return None
    x, y = np.asarray(t, np.float64), np.asarray(v, np.float64)
    i, j = np.triu_indices(n, 1)
    signs = float(np.sign(y[j] - y[i]).sum())
    deviation = float(np.sqrt(n * (n - 1) * (2 * n + 5) / 18))
    if (signs + 1) / deviation > -_CERTAIN:
        return None
    slope = float(np.median((y[j] - y[i]) / (x[j] - x[i])))
    if slope >= 0:
        return None
    now = float(np.median(y - slope * x)) + slope * float(x[-1])
    return max((threshold - now) / slope, 0.0)


def _fit(x: Floats, y: Floats) -> Prophet:
    import lightgbm as lgb  # noqa: PLC0415 - a second to import, and only needed to learn

    return Prophet(lgb.train(_SETTINGS, lgb.Dataset(x, y), num_boost_round=_ROUNDS))


def _means(x: Floats, start: Ints, *, to: Ints) -> Floats:
    total = np.vstack([np.zeros((1, x.shape[1])), np.cumsum(x, axis=0)])
    found: Floats = (total[to] - total[start]) / (to - start)[:, None]
    return found
