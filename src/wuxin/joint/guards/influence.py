"""Undue influence: an owner whose rows pull the common model much harder than the others' do."""

from collections.abc import Sequence
from typing import Final

import jax.numpy as jnp

from wuxin.joint.algorithms.fixed import times
from wuxin.joint.algorithms.join import Array
from wuxin.joint.algorithms.logistic import log_odds, sigmoid
from wuxin.joint.guards.peers import middle

FLOOR: Final = 0.002
"""Squared pull that is always allowed: that of a few hundred honest rows by chance."""


def undue_influence(
    x: Sequence[Array], y: Sequence[Array], *, weights: Array, factor: float = 4.0
) -> Array:
    """Flag owners whose mean gradient at the common model is many times the usual.

    At the model of all rows the owners' gradients cancel. Those of owners alike are noise; one that
    was fed to move the model is balanced by all others and stands out.

    Args:
        x: standardised columns of every owner, (rows, p) each.
        y: 0 or 1, (rows,) each.
        weights: of the common model, (p + 1,).
        factor: how many times the median of the squared pulls is undue.

    Returns:
        Truth values, (owners,): all that is let out.

    Source: gradient at the optimum as first-order influence: Koh and Liang, Understanding
        Black-box Predictions via Influence Functions, ICML 2017.
    """
    pulls = []
    for rows, labels in zip(x, y, strict=True):
        away = sigmoid(log_odds(rows, weights), form="clipped") - labels
        pull = times(away @ rows, 1 / rows.shape[0])
        pulls.append(jnp.sum(pull * pull) + times(jnp.sum(away), 1 / rows.shape[0]) ** 2)
    squared = jnp.stack(pulls)
    return squared > jnp.maximum(factor * middle(squared), FLOOR)
