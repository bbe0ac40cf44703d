"""Values that cannot be, and populations that are no longer the one that was agreed on."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import jax.numpy as jnp

from wuxin.joint.algorithms.fixed import times
from wuxin.joint.algorithms.join import Array, bits
from wuxin.joint.guards.peers import middle

SHIFTED: Final = 0.25
"""Population stability index from which a population has changed (Siddiqi 2006, ch. 8)."""

RAREST: Final = 1 / 512
"""A share below is taken as this, so that an empty bin has a logarithm."""


def out_of_range(x: Array, *, low: Array, high: Array, tolerated: float = 0.01) -> Array:
    """Flag columns with more impossible values than mistakes explain.

    Args:
        x: an owner's columns, (n, p).
        low: least possible value, public, (p,).
        high: greatest possible value, public, (p,).
        tolerated: the share that may be wrong.

    Returns:
        Truth values, (p,): all that is let out.
    """
    wrong = jnp.sum(bits((x < low) | (x > high)), axis=0)
    return wrong > int(tolerated * x.shape[0])


def drifted(x: Array, *, cuts: Array, usual: Array, limit: float = SHIFTED) -> Array:
    """Flag columns whose distribution has left the agreed one.

    Args:
        x: an owner's columns, (n, p).
        cuts: rising borders between bins, public, (bins - 1, p).
        usual: the agreed share of each bin, public, (bins, p).
        limit: of the population stability index.

    Returns:
        Truth values, (p,): all that is let out.

    Source: population stability index, sum of (share - usual) ln(share / usual): Siddiqi, Credit
        Risk Scorecards, Wiley 2006, ch. 8.
    """
    return _index(_shares(x, cuts), usual) > limit


def strayed(x: Sequence[Array], *, cuts: Array, limit: float = SHIFTED) -> Array:
    """Flag owners with a column that is distributed otherwise than at their peers.

    Args:
        x: columns of every owner, in the same units, (rows, p) each.
        cuts: rising borders between bins, public, (bins - 1, p).
        limit: of the population stability index against the median of the shares of all.

    Returns:
        Truth values, (owners,): all that is let out.
    """
    shares = jnp.stack([_shares(each, cuts) for each in x])
    usual = middle(shares)
    columns = jnp.stack([bits(_index(each, usual) > limit) for each in shares])
    return jnp.sum(columns, axis=1) > 0


def _shares(x: Array, cuts: Array) -> Array:
    """The share of the rows in each bin, (bins, p)."""
    below = [jnp.sum(bits(x <= cut), axis=0) for cut in cuts]
    edges = [jnp.zeros_like(below[0]), *below, jnp.full_like(below[0], x.shape[0])]
    counts = jnp.stack([high - low for low, high in pairwise(edges)])
    return times(counts.astype(jnp.float64), 1 / x.shape[0])


def _index(share: Array, agreed: Array) -> Array:
    """Population stability index of each column, (p,)."""
    share, agreed = jnp.maximum(share, RAREST), jnp.maximum(agreed, RAREST)
    return jnp.sum((share - agreed) * (jnp.log(share) - jnp.log(agreed)), axis=0)
