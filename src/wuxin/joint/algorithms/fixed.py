"""What has to be written otherwise on shares than in floating point, and why.

Fixed point with 18 bits after the point knows 1/20000 to one part in 13 only; and SPU multiplies
two large matrices at a fiftieth of the speed of small ones, or of a matrix and a vector.
"""

from math import ceil, log2
from typing import Any, Final

import jax.numpy as jnp
import numpy as np

from wuxin.joint.algorithms.join import Array, bits

UNIT: Final = 2.0**-18
"""The least that fixed point knows."""

COARSE: Final = 2.0**-6
"""A factor below has less than twelve bits left and is multiplied in two steps."""

SMALL: Final = 2.0**-20
"""A factor below is multiplied in more steps than two."""

WORK: Final = 80_000
"""Multiplications in one product of matrices; measured, from twice as many on SPU slows down."""


def times(total: Array, factor: Any) -> Array:
    """Multiply by a public factor that may be too small for fixed point.

    Args:
        total: any shape.
        factor: a number, or a NumPy array that spreads over ``total``.

    Returns:
        The product, to about 2^-17: by a power of two first, which is exact, then by what is left.
    """
    largest = float(np.max(np.abs(factor)))
    if 0 < largest < SMALL:  # in one step, so large a power of two would wrap
        return times(times(total, COARSE), factor / COARSE)
    power = 1.0 if largest >= COARSE or largest == 0 else 2.0 ** ceil(log2(1 / largest))
    # Units, because of what compilers do with factors. The first makes a real of a total that was
    # converted from an integer: SPU 0.10 gives an integer times a constant below 2^-16 without
    # what is after the point. The second keeps the two factors from being made one again, and the
    # last this product's from being joined with that of another.
    scaled = total if power == 1.0 else (total + UNIT) * (1 / power) + UNIT
    product: Array = scaled * (factor * power) + UNIT
    return product


def ratio(part: Array, whole: Array) -> Array:
    """Divide counts or sums that may be large, of which a reciprocal would have no digits left.

    Both are brought down by the same power of two, which stays secret, until the divisor lies
    between 1 and 2.

    Args:
        part: any shape, integer or real, not larger than ``whole``.
        whole: a number, 0 to 2^33; where it is 0 the ratio means nothing.

    Returns:
        part / whole, to about 1e-5.
    """
    far = whole >= jnp.asarray([1 << 12, 1 << 24])
    top, low = (_brought(jnp.asarray(each).astype(jnp.float64), far) for each in (part, whole))
    powers = np.arange(1, 12)
    reached = bits(low >= jnp.asarray(2.0**powers))
    factor = 1.0 - jnp.sum(reached.astype(jnp.float64) * 2.0**-powers)
    divided: Array = (top * factor) / jnp.maximum(low * factor, UNIT)
    return divided


def _brought(value: Array, far: Array) -> Array:
    """Divide by 2^12 once or twice, as the two truth values say."""
    once = times(value, 2.0**-12)
    twice = times(once, 2.0**-12)
    # chosen and not multiplied: a product of two reals of which one is beyond 2^27 wraps
    return jnp.where(far[1], twice, jnp.where(far[0], once, value))


def running(values: Array) -> Array:
    """Sum up from the first on, in log n additions; SPU's own way takes n for each value.

    Args:
        values: (n,).

    Returns:
        (n,); ``jnp.cumsum(values)``.
    """
    step = 1
    while step < values.shape[0]:
        values = values + jnp.concatenate([jnp.zeros(step, values.dtype), values[:-step]])
        step *= 2
    return values


def across(one: Array, two: Array) -> Array:
    """Multiply over the rows, ``one.T @ two``, in parts that SPU is quick at.

    Args:
        one: (n, p).
        two: (n, q).

    Returns:
        (p, q). Measured on shares, n = 1000, p = 21, q = 16: 0.014 s of processor time for all
        nodes in parts of 250 rows, 0.04 s a column at a time, 0.56 s in one product.
    """
    parts = _rows_at_once(one.shape[0], one.shape[1] * two.shape[1])
    if len(parts) <= min(one.shape[1], two.shape[1]):
        products = [one[at].T @ two[at] for at in parts]
        return sum(products[1:], products[0])
    if one.shape[1] < two.shape[1]:
        return jnp.stack([one[:, at] @ two for at in range(one.shape[1])])
    return jnp.stack([two[:, at] @ one for at in range(two.shape[1])], axis=1)


def product(x: Array, weights: Array) -> Array:
    """Multiply rows by several columns of weights, in parts that SPU is quick at.

    Args:
        x: (n, p).
        weights: (p, q).

    Returns:
        (n, q); ``x @ weights``.
    """
    parts = _rows_at_once(x.shape[0], x.shape[1] * weights.shape[1])
    if len(parts) <= weights.shape[1]:
        return jnp.concatenate([x[at] @ weights for at in parts])
    return jnp.stack([x @ weights[:, at] for at in range(weights.shape[1])], axis=1)


def _rows_at_once(rows: int, each: int) -> list[slice]:
    """Slices of rows with at most :data:`WORK` multiplications, ``each`` in a row."""
    size = max(1, WORK // each)
    return [slice(low, low + size) for low in range(0, rows, size)]
