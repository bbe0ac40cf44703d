"""What has to be written otherwise on shares than in floating point, and why.

Fixed point with 18 bits after the point knows 1/20000 to one part in 13 only; and SPU multiplies
two matrices over a long common side at a fiftieth of the speed of a matrix and a vector.
"""

from math import ceil, log2
from typing import Any, Final

import jax.numpy as jnp
import numpy as np

from wuxin.joint.algorithms.join import Array

COARSE: Final = 2.0**-12
"""A factor below has less than six bits left and is multiplied in two steps."""


def times(total: Array, factor: Any) -> Array:
    """Multiply by a public factor that may be too small for fixed point.

    Args:
        total: any shape.
        factor: a number, or a NumPy array that spreads over ``total``.

    Returns:
        The product, to about 2^-18: by a power of two first, which is exact, then by what is left.
    """
    largest = float(np.max(np.abs(factor)))
    power = 1.0 if largest >= COARSE or largest == 0 else 2.0 ** ceil(log2(1 / largest))
    first = total if power == 1.0 else total * (1 / power)
    product: Array = first * (factor * power)
    return product


def across(one: Array, two: Array) -> Array:
    """Multiply over the rows, ``one.T @ two``, a column at a time.

    Args:
        one: (n, p).
        two: (n, q).

    Returns:
        (p, q). Measured on shares, n = 8000, p = 21, q = 16: 0.12 s of processor time for all
        nodes, against 4 s in one product; in as many products as the narrower side has columns.
    """
    if one.shape[1] < two.shape[1]:
        return jnp.stack([one[:, at] @ two for at in range(one.shape[1])])
    return jnp.stack([two[:, at] @ one for at in range(two.shape[1])], axis=1)
