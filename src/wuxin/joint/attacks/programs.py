"""The attacked tasks as programs of the wing."""

from typing import Any

import jax.numpy as jnp

from wuxin.joint.algorithms.join import matched
from wuxin.joint.algorithms.logistic import Training
from wuxin.joint.algorithms.logistic import train as trained
from wuxin.joint.program import joint

Table = dict[str, Any]


@joint
def train(bank: Table, partner: Table, *, rounds: int = 100, batch: int = 100) -> Table:
    """A model over the columns of both; the weights go to their recipients and nothing else out."""
    x = jnp.concatenate([bank["x"], partner["x"]], axis=1)
    how = Training(rounds=rounds, batch=batch, form="clipped")
    return {"weights": trained(x, bank["y"], how=how)}


@joint
def count(bank: Table, partner: Table) -> Table:
    """How many customers both have; not who."""
    return {"count": matched(bank["key"], partner["key"])}
