"""An owner among its peers: what is usual, and who is not."""

import jax.numpy as jnp

from wuxin.joint.algorithms.join import Array, bits

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
    owners = values.shape[0]
    pairs = [(one, two) for one in range(owners) for two in range(one + 1, owners)]
    firsts, seconds = (jnp.stack([values[pair[at]] for pair in pairs]) for at in (0, 1))
    # Every pair at once and places by counting: SPU sorts each column by itself, which took
    # thousands of messages for twenty weights. Of equals the earlier owner stands before.
    later = 1 - bits(firsts <= seconds)
    place = []
    for owner in range(owners):
        before = [1 - later[at] for at, (_, two) in enumerate(pairs) if two == owner]
        before += [later[at] for at, (one, _) in enumerate(pairs) if one == owner]
        place.append(sum(before[1:], before[0]))
    chosen = 1 - bits(jnp.stack(place) != (owners - 1) // 2)
    return jnp.sum(values * chosen.astype(values.dtype), axis=0)
