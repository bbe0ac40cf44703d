"""The one training that all baselines share: gradient descent on a logistic regression."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from wuxin.joint.split import Floats


class How(NamedTuple):
    """How a model is trained: rounds over mini-batches in the order of the rows, and the step."""

    rounds: int = 100
    batch: int = 100
    rate: float = 0.3


def batches(rows: int, how: How) -> Iterator[slice]:
    """The rows of each round."""
    count = max(1, round(rows / how.batch))
    edges = [at * rows // count for at in range(count + 1)]
    for turn in range(how.rounds):
        at = turn % count
        yield slice(edges[at], edges[at + 1])


def sigmoid(z: Floats) -> Floats:
    """1 / (1 + exp(-z)), without overflow."""
    found: Floats = 0.5 * (1 + np.tanh(0.5 * z))
    return found


def with_one(x: Floats) -> Floats:
    """Columns behind a column of ones, (n, p + 1)."""
    return np.concatenate([np.ones((len(x), 1)), x], axis=1)


def trained(x: Floats, y: Floats, *, how: How) -> Floats:
    """Weights, (p + 1,), the intercept first, trained on plain columns (n, p)."""
    rows, weights = with_one(x), np.zeros(x.shape[1] + 1)
    for part in batches(len(y), how):
        away = sigmoid(rows[part] @ weights) - y[part]
        weights -= how.rate / len(away) * (away @ rows[part])
    return weights


def scored(x: Floats, weights: Floats) -> Floats:
    """Log odds of rows (n, p), shape (n,)."""
    found: Floats = with_one(x) @ weights
    return found
