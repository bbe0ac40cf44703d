"""An owner among its peers: what is usual, and who is not."""

import jax.numpy as jnp

from wuxin.joint.algorithms.join import Array

LEAST = 3
"""Owners without whom nobody can be told from the rest."""


def middle(values: Array) -> Array:
    """Return the median over the owners, which a minority cannot move far.

    Args:
        values: owners first, (owners, ...), at least three.

    Returns:
        (...): of an even number the lower of the two in the middle.

    Source: coordinate-wise median against poisoned updates: Yin, Chen, Ramchandran and Bartlett,
        Byzantine-Robust Distributed Learning, ICML 2018.
    """
    if values.shape[0] < LEAST:
        raise TypeError(f"peers are compared from {LEAST} owners on, not {values.shape[0]}")
    return jnp.sort(values, axis=0)[(values.shape[0] - 1) // 2]
