"""Noise that nobody knows: drawn on shares from what two owners drew, each in private.

Counts that are let out with it say little of any one row, also to the owners: as long as one of the
two drew at random, the sum of both is uniform, and neither can take the noise off again.

Sources: distributed generation of noise, Dwork, Kenthapadi, McSherry, Mironov and Naor, Our Data,
Ourselves, EUROCRYPT 2006; the two-sided geometric distribution, Ghosh, Roughgarden and
Sundararajan, Universally Utility-Maximizing Privacy Mechanisms, STOC 2009.
"""

from decimal import Decimal, localcontext
from typing import Final

import jax.numpy as jnp

from wuxin.joint.algorithms.chance import BITS
from wuxin.joint.algorithms.join import Array, bits
from wuxin.terms.errors import BadInput

LEAST: Final = 0.01
"""The smallest epsilon: noise as wide as it asks for takes thousands of comparisons a count."""


def two_sided_geometric(one: Array, two: Array, *, epsilon: float) -> Array:
    """Draw whole numbers k with a probability proportional to exp(-epsilon |k|).

    Added to a count that one row changes by one at most, it makes the count epsilon-private; the
    words' length leaves a delta below 1e-9 for epsilon from 0.01 to 1.

    Args:
        one: words that one owner drew, uniform in 0 to 2^48 - 1, any shape.
        two: those of the other, the same shape.
        epsilon: public, at least 0.01.

    Returns:
        Integers, the same shape. Nothing is opened.

    Raises:
        BadInput: epsilon is too small, or the words are not as many.
    """
    if one.shape != two.shape:
        raise BadInput(f"both owners bring a word for each count, not {one.shape} and {two.shape}")
    word = (one + two) & ((1 << BITS) - 1)
    below = jnp.asarray(tails(epsilon)).reshape(-1, *[1] * word.ndim)
    less = bits(word[None] < below)
    more = bits(word[None] >= (1 << BITS) - below)
    return jnp.sum(more - less, axis=0)


def tails(epsilon: float) -> list[int]:
    """Probabilities of k or more, for k = 1, 2, … until they vanish, in units of 2^-48.

    In decimals, so that every party's machine finds the same and compiles the same program.

    Raises:
        BadInput: epsilon is too small.
    """
    if epsilon < LEAST:
        raise BadInput(f"epsilon is at least {LEAST}, not {epsilon}")
    with localcontext() as exact:
        exact.prec = 60
        ratio = (-Decimal(str(epsilon))).exp()
        tail = ratio / (1 + ratio) * (1 << BITS)
        found = []
        while tail >= 1:
            found.append(int(tail))
            tail *= ratio
    return found
