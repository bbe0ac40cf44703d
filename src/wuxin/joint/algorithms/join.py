"""The hidden join: rows of two owners meet, and nobody learns which did, nor how many.

Tables come as :mod:`wuxin.joint.algorithms.keys` lays them out: one side placed, the other listed.
Merging sorted keys takes log n layers of comparisons, each with all columns carried along; this
takes some twenty equality tests a row, a quarter of the price each, and carries a column once.

Arrays have the bins last and are cut into plain rows before they are multiplied: on shares an
array spread by broadcasting costs several times one that lies in memory as it is.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from wuxin.joint.algorithms.keys import GROUP

Array = jax.Array


class Joined(NamedTuple):
    """The placed side with what it met.

    ``member`` is 0 or 1, shape (places, bins); ``carried`` holds the listed side's columns there,
    (columns, places, bins), zero where nothing was met.
    """

    member: Array
    carried: Array


def members(placed: Array, listed: Array) -> Array:
    """Say of each placed key whether it is listed in its bin.

    Four differences are multiplied and the product compared with zero, because a product costs a
    third of an equality test. Modulo 2^64 the product of four differences of random keys is zero by
    chance with less than 3e-15: their powers of two would have to add up to 64.

    Args:
        placed: keys, (places, bins), 62 bits.
        listed: keys, (listed, bins), 62 bits, ``listed`` a multiple of four; no key twice in a bin.

    Returns:
        Truth values, (places, bins). Nothing is opened.
    """
    _check(placed, listed)
    width = listed.shape[0] // GROUP
    negative = -listed
    parts = [_differences(placed, negative[at * width : (at + 1) * width]) for at in range(GROUP)]
    while len(parts) > 1:
        parts = [one * two for one, two in zip(parts[::2], parts[1::2], strict=True)]
    zero = (parts[0] == 0).reshape(width, *placed.shape)
    # at most one of them holds, so exclusive or, which costs nothing on shares, stands for or
    return _tree(zero, jnp.logical_xor)


def matched(placed: Array, listed: Array) -> Array:
    """Count the rows that both owners have.

    Args:
        placed: keys, (places, bins).
        listed: keys, (listed, bins).

    Returns:
        One integer. Nothing is opened.
    """
    return jnp.sum(bits(members(placed, listed)))


def members_of_any(placed: Array, others: Sequence[Array]) -> Array:
    """Say of each placed key whether any other owner lists it: one owner's duplicates.

    Args:
        placed: keys of one owner, (places, bins).
        others: keys of each other owner, (listed, bins).

    Returns:
        Truth values, (places, bins), for this owner alone. Nothing is opened.
    """
    return _tree(jnp.stack([members(placed, each) for each in others]), jnp.logical_or)


def join(placed: Array, listed: Array, *, columns: Sequence[Array]) -> Joined:
    """Carry the listed side's columns to the placed rows that they belong to.

    Args:
        placed: keys, (places, bins).
        listed: keys, (listed, bins).
        columns: of the listed side, real, each (listed, bins).

    Returns:
        Whether each placed row met another, and its columns, exact. Nothing is opened.
    """
    _check(placed, listed)
    places, width = placed.shape[0], listed.shape[0]
    unequal = _differences(placed, -listed) != 0
    equal = 1 - bits(unequal)  # by a subtraction SPU has them as numbers once, not once a column
    carried = []
    for column in columns:
        # A number's fixed-point word as an integer: times 0 or 1 it needs no truncation, which
        # would cost as much again. In plain JAX it is the word of a float and as exact.
        word = jax.lax.bitcast_convert_type(column.astype(jnp.float64), jnp.int64)
        each = jnp.concatenate([word[at] for at in range(width) for _ in range(places)])
        kept = _tree((equal * each).reshape(width, *placed.shape), jnp.add)
        carried.append(jax.lax.bitcast_convert_type(kept, jnp.float64))
    member = _tree(equal.reshape(width, *placed.shape), jnp.add)
    return Joined(member, jnp.stack(carried))


def bits(truth: Array) -> Array:
    """Return truth values as the numbers 0 and 1.

    The mask tells SPU that one bit is all there is; without it all 64 are converted, at six times
    the bytes.
    """
    return truth.astype(jnp.int64) & 1


def _differences(placed: Array, negative: Array) -> Array:
    """Each placed key against each listed one of its bin, (listed x places x bins) in a row."""
    places, listed = range(placed.shape[0]), range(negative.shape[0])
    return jnp.concatenate([placed[place] + negative[at] for at in listed for place in places])


def _tree(values: Array, gate: Callable[[Array, Array], Array]) -> Array:
    """Reduce the first axis by halves: few rounds on shares, and no copies."""
    while values.shape[0] > 1:
        half = values.shape[0] // 2
        rest = values[2 * half :]
        values = gate(values[:half], values[half : 2 * half])
        if rest.shape[0]:
            values = jnp.concatenate([values, rest])
    return values[0]


def _check(placed: Array, listed: Array) -> None:
    """Refuse keys that JAX has cut to 32 bits: they would match by accident."""
    for keys in (placed, listed):
        if keys.dtype != jnp.int64:
            raise TypeError(f"keys are int64, not {keys.dtype}: enable x64 in JAX")
    if listed.shape[0] % GROUP:
        raise TypeError(f"keys are listed in groups of {GROUP}, not {listed.shape[0]} a bin")
