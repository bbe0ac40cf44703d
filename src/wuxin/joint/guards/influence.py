"""Undue influence: an owner whose rows pull the common model much harder than the others' do."""

from collections.abc import Sequence
from typing import Final

import jax.numpy as jnp
import numpy as np

from wuxin.joint.algorithms.fixed import across, times
from wuxin.joint.algorithms.join import Array
from wuxin.joint.algorithms.logistic import log_odds, sigmoid
from wuxin.joint.guards.peers import middle

FLOOR: Final = 0.002
"""Influence that is always allowed: that of a few hundred honest rows by chance."""

ROUNDS: Final = 20
MOMENTUM: Final = 0.8
STEP: Final = 2.0
"""Times the columns' number of eigenvalues; none is larger than that, and from 3.6 on it swings."""


def undue_influence(
    x: Sequence[Array], y: Sequence[Array], *, weights: Array, factor: float = 4.0
) -> Array:
    """Flag owners whose influence on the common model is many times the usual.

    At the model of all rows the owners' mean gradients cancel. Those of owners alike are noise; one
    that was fed to move the model is balanced by all others and stands out. Of columns that
    correlate, noise is by far largest in the direction in which all move together, and squares of
    it say nothing: so gradients are measured by what they would move the model's odds by.

    Args:
        x: standardised columns of every owner, (rows, p) each.
        y: 0 or 1, (rows,) each.
        weights: of the common model, (p + 1,).
        factor: how many times the median of the influences is undue.

    Returns:
        Truth values, (owners,): all that is let out.

    Source: gradient times inverse curvature times gradient, at the optimum, as influence on the
        loss: Koh and Liang, Understanding Black-box Predictions via Influence Functions, ICML 2017.
    """
    pulls, second = [], []
    for rows, labels in zip(x, y, strict=True):
        away = sigmoid(log_odds(rows, weights), form="clipped") - labels
        every = jnp.concatenate([jnp.ones((rows.shape[0], 1), rows.dtype), rows], axis=1)
        pulls.append(times(away @ every, 1 / rows.shape[0]))
        second.append(times(across(every, every), 1 / (rows.shape[0] * len(x))))
    pull = jnp.stack(pulls, axis=1)
    influence = jnp.sum(pull * _solved(sum(second[1:], second[0]), pull), axis=0)
    return influence > jnp.maximum(factor * middle(influence), FLOOR)


def _solved(second: Array, pull: Array) -> Array:
    """Divide by a matrix of second moments, (q, q), what pulls, (q, owners), by gradient descent.

    Directions in which columns hardly differ are not solved to the end, and should not be: they
    are noise alone.
    """
    step = STEP / second.shape[0]
    kept = np.array([step, MOMENTUM])[:, None, None]
    moves = pace = jnp.zeros_like(pull)
    for _ in range(ROUNDS):
        gradient, pace = jnp.stack([pull - second @ moves, pace]) * kept  # for one message
        pace = gradient + pace
        moves = moves + pace
    return moves
