"""Programs for the tests of the wing, small enough to check by hand."""

import os
from typing import Any

import jax
import jax.numpy as jnp
import spu.experimental

from wuxin.joint.algorithms.noise import two_sided_geometric
from wuxin.joint.opening import reveal
from wuxin.joint.program import joint

Arrays = dict[str, Any]


@joint
def product(bank: Arrays, shop: Arrays, *, scale: float = 1.0) -> Arrays:
    """A weighted sum to be given out, and how many incomes are positive, opened on the way."""
    positive = reveal(jnp.sum(bank["income"] > 0), name="positive")
    total = jnp.sum(bank["income"] * shop["sales"]) * scale
    keys = jnp.sort(bank["key"])
    return {"total": total, "keys": keys, "share": positive / 4, "big": bank["income"] > 1}


@joint
def leaks(bank: Arrays, shop: Arrays) -> Arrays:
    """Opens what nobody agreed on, without a name."""
    return {"total": jnp.sum(spu.experimental.reveal(bank["income"]) * shop["sales"])}


@joint
def endless(bank: Arrays, shop: Arrays) -> Arrays:
    """Takes minutes on shares."""
    step = lambda _, x: jnp.tanh(x * shop["sales"])  # noqa: E731
    return {"total": jnp.sum(jax.lax.fori_loop(0, 100_000, step, bank["income"]))}


@joint
def changing(bank: Arrays, shop: Arrays) -> Arrays:
    """Another program on a node whose environment says so."""
    factor = float(os.environ.get("WUXIN_TEST_FACTOR", "1"))
    return {"total": jnp.sum(bank["income"] * shop["sales"]) * factor}


@joint
def grouped(bank: Arrays, shop: Arrays, *, minimum_group: int = 1) -> Arrays:
    """Shows a sum if it is of a group that is large enough."""
    enough = jnp.sum(bank["income"] > 0) >= minimum_group
    return {"total": jnp.where(enough, jnp.sum(shop["sales"]), 0.0)}


@joint
def noisy(bank: Arrays, shop: Arrays, *, epsilon: float = 1.0) -> Arrays:
    """Counts positive incomes, with noise from words that stand in for both owners' chance."""
    words = jnp.abs(bank["key"][:1]), jnp.abs(bank["key"][1:2])
    noise = two_sided_geometric(*words, epsilon=epsilon)[0]
    return {"count": jnp.sum((bank["income"] > 0) & (shop["sales"] > -99)) + noise}
