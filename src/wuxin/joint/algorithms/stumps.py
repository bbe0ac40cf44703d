"""Gradient-boosted stumps on shares: one split of one column a round, chosen in secret.

Owners cut their columns into bins themselves and share, for each cut, whether a row lies below it.
Then all that a round needs is two products with that table, and a choice among its columns.
"""

from typing import NamedTuple

import jax.numpy as jnp

from wuxin.joint.algorithms.fixed import across, times
from wuxin.joint.algorithms.join import Array, bits
from wuxin.joint.algorithms.logistic import sigmoid

STIFFNESS = 1 / 64
"""Added to a leaf's share of the curvature, so that a leaf of few rows keeps still."""


class Stumps(NamedTuple):
    """A model: for every round which cut, (rounds, cuts) with a single one, and both leaves."""

    cut: Array
    below: Array
    above: Array


def boost(below: Array, y: Array, *, rounds: int = 20, rate: float = 0.5) -> Stumps:
    """Boost stumps on the logistic loss.

    Args:
        below: 1 where a row's value is at most the cut, else 0, (n, cuts), real.
        y: 0 or 1, (n,).
        rounds: stumps.
        rate: the share of a leaf that is taken.

    Returns:
        The model, secret. Nothing is opened, not even which column a cut belongs to.

    Source: Friedman, Greedy function approximation, Annals of Statistics 29 (2001); gain and leaf
        by gradient and curvature: Chen and Guestrin, XGBoost, KDD 2016, eqs. 5 and 7.
    """
    share = 1 / len(y)
    odds, chosen = jnp.zeros(len(y), below.dtype), []
    for _ in range(rounds):
        likely = sigmoid(odds, form="clipped")
        # two columns at once: what falls short, and the curvature, both as shares of all rows
        both = jnp.stack([y - likely, likely * (1.0 - likely)], axis=1)
        left = times(across(below, both), share)
        right = times(jnp.sum(both, axis=0), share) - left
        leaves = [part[:, 0] / (part[:, 1] + STIFFNESS) for part in (left, right)]
        gain = left[:, 0] * leaves[0] + right[:, 0] * leaves[1]
        cut = _best(gain, below.dtype)
        low, high = (jnp.sum(cut * leaf) * rate for leaf in leaves)
        odds = odds + high + (below @ cut) * (low - high)
        chosen.append((cut, low, high))
    cuts, lows, highs = zip(*chosen, strict=True)
    return Stumps(jnp.stack(cuts), jnp.stack(lows), jnp.stack(highs))


def stump_odds(below: Array, model: Stumps) -> Array:
    """Score rows.

    Args:
        below: as in :func:`boost`, (n, cuts).
        model: of it.

    Returns:
        Log odds, (n,).
    """
    return below @ (model.cut.T @ (model.below - model.above)) + jnp.sum(model.above)


def _best(gain: Array, dtype: jnp.dtype) -> Array:
    """A single one at the first greatest gain."""
    top = bits(gain >= jnp.max(gain))
    before = jnp.cumsum(top) - top
    return (top * bits(before == 0)).astype(dtype)
