"""Small public factors in fixed point: 18 bits after the point know 1/20000 to one part in 13."""

from math import ceil, log2
from typing import Any, Final

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
