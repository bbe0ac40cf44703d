"""The chance that an owner brings, for noise that is drawn on shares. NumPy alone."""

import secrets
from math import prod
from typing import Any, Final

import numpy as np
import numpy.typing as npt

BITS: Final = 48
"""Length of a word."""


def chance(*shape: int) -> npt.NDArray[Any]:
    """Draw words from the system's entropy, uniform in 0 to 2^48 - 1.

    They are a column of the owner's table like any other, and serve one contract; see
    :func:`wuxin.joint.algorithms.noise.two_sided_geometric`.
    """
    words = np.frombuffer(secrets.token_bytes(8 * prod(shape)), "<u8")
    return (words >> np.uint64(64 - BITS)).astype(np.int64).reshape(shape)
