"""Logistic regression on shares: the exact sigmoid is dear, a cubic will do for training.

Weights are real, the intercept first. Columns are standardised beforehand (by their owner, or by
:func:`wuxin.joint.algorithms.statistics.standardise`): fixed point has 18 bits after the point and
products of numbers beyond some thousands lose what small weights say.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Final, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from wuxin.joint.algorithms.fixed import UNIT, times
from wuxin.joint.algorithms.join import Array, Joined, bits

Form = Literal["cubic", "clipped", "exact"]
"""How a sigmoid is computed, in the order of price: some 1, 2 and 4."""

SLOPE: Final = 0.15012
BEND: Final = 0.001593

INNER: Final[Mapping[Form, float]] = {"cubic": BEND**0.5, "clipped": 0.25, "exact": 1.0}
"""Odds are kept times this in training, which saves the curve its constants."""

PLAIN: Final = 2.0**-12
"""A step from here on is rounded to units of fixed point, which changes it by a hundredth."""

SCARCEST: Final = 1 / 64
"""The smallest share of members that the step is adapted to; fewer are taken as if so many."""


class Training(NamedTuple):
    """How a model is trained: all of it public, a part of the contract.

    ``rounds`` mini-batches of about ``batch`` rows, taken in the order of the rows; ``rate`` the
    step, ``momentum`` the share of the last one that is taken again; ``ridge`` the penalty on half
    the squared weights. The cubic is for columns that hardly correlate; where they do, odds leave
    its range and training runs away: take ``clipped``, and momentum, for which one direction is
    not so much slower than another.
    """

    rounds: int = 100
    batch: int = 1000
    rate: float = 0.3
    ridge: float = 0.0
    form: Form = "cubic"
    momentum: float = 0.0


def sigmoid(z: Array, *, form: Form = "cubic") -> Array:
    """Return 1 / (1 + exp(-z)), or what stands for it.

    Args:
        z: log odds, any shape. ``cubic`` rises up to |z| = 5.6 and must not be asked beyond 9.7,
            where it turns to the other side; ``clipped`` and ``exact`` take any.
        form: how.

    Returns:
        About a probability; ``cubic`` may leave 0 to 1 by a few hundredths.

    Source: cubic by least squares on -8 to 8: Kim, Song, Wang, Xia and Jiang, Secure Logistic
        Regression Based on Homomorphic Encryption, JMIR Medical Informatics 6(2):e19 (2018).
    """
    if form == "cubic":
        return z * (SLOPE - BEND * z * z) + 0.5
    if form == "clipped":
        return jnp.clip(z * 0.25 + 0.5, 0.0, 1.0)
    return jax.nn.sigmoid(z)


def train(x: Array, y: Array, *, how: Training, member: Array | None = None) -> Array:
    """Train by mini-batch gradient descent.

    Args:
        x: standardised columns, (n, p); rows in an order that says nothing (the order of bins).
        y: 0 or 1, (n,).
        how: the public settings.
        member: 0 or 1, (n,): rows that count. The others neither count nor show.

    Returns:
        Weights, (p + 1,), the intercept first. Nothing is opened.
    """
    rows = scaled = jnp.concatenate([jnp.ones((x.shape[0], 1), x.dtype), x], axis=1)
    if member is not None:
        # rows of zeros give no gradient whatever their label, so no round needs the mask again
        rows = rows * member.astype(x.dtype)[:, None]
        share = times(jnp.sum(member).astype(x.dtype), 1 / x.shape[0])
        scaled = rows * (1.0 / jnp.maximum(share, SCARCEST))
    batches = max(1, round(x.shape[0] / how.batch))
    labels = (y.astype(x.dtype) - 0.5) * (INNER["cubic"] if how.form == "cubic" else 1.0)
    edges = [at * x.shape[0] // batches for at in range(batches + 1)]
    parts = [(rows[a:b], scaled[a:b], labels[a:b]) for a, b in pairwise(edges)]
    # Weights are kept in the unit of one step: they are large, and the gradient is added to them as
    # it comes. Every multiplication by a constant that a round does without is two messages less.
    step = _step(how, rows=x.shape[0] / batches)
    weights = pace = jnp.zeros(x.shape[1] + 1, x.dtype)
    # a penalty outside of the momentum pulls less by as much as that multiplies the gradient
    held = np.array([[1 - how.rate * how.ridge / (1 - how.momentum)], [how.momentum]])
    for turn in range(how.rounds):
        part, steps, told = parts[turn % batches]
        odds = part @ weights
        odds = odds * step if step >= PLAIN else times(odds, step)
        move = (_bent(odds, form=how.form) - told) @ steps
        if how.ridge or how.momentum:
            weights, pace = jnp.stack([weights, pace]) * held  # two vectors for one message
            move = pace = move + pace
        weights = weights - move
    return times(weights, step / INNER[how.form])


def _step(how: Training, *, rows: float) -> float:
    """What one row of a batch moves odds by, in whole units of fixed point where it has some."""
    step = how.rate / rows * (1.0 if how.form == "cubic" else INNER[how.form])
    return round(step / UNIT) * UNIT if step >= PLAIN else step


def cut(t: Array) -> Array:
    """Cut values to -0.5 to 0.5, both sides in one comparison: half of the messages of a clip.

    Args:
        t: any shape.

    Returns:
        The same shape.
    """
    above, below = bits(jnp.stack([t, -t]) > 0.5)
    kept: Array = t * (1 - above - below) + (above - below) * 0.5
    return kept


def _bent(t: Array, *, form: Form) -> Array:
    """The sigmoid less a half, of odds times :data:`INNER`; of the cubic, that times INNER too."""
    if form == "cubic":
        return t * (SLOPE - t * t)
    if form == "clipped":
        return cut(t)
    return jax.nn.sigmoid(t) - 0.5


def log_odds(x: Array, weights: Array) -> Array:
    """Score rows: the linear predictor, which ranks them.

    Args:
        x: columns as in training, (n, p).
        weights: of :func:`train`, (p + 1,).

    Returns:
        (n,). Whoever receives scores of n > p rows with their columns can solve for the weights.
    """
    return x @ weights[1:] + weights[0]


def probability(x: Array, weights: Array) -> Array:
    """Score rows by the exact sigmoid, so that what is handed out is a probability.

    Args:
        x: columns as in training, (n, p).
        weights: of :func:`train`, (p + 1,).

    Returns:
        (n,), 0 to 1; error about 1e-3 in fixed point.
    """
    return sigmoid(log_odds(x, weights), form="exact")


def rows_of(own: list[Array], joined: Joined) -> tuple[Array, Array]:
    """Lay the placed side's columns beside those carried to it.

    Args:
        own: the placed side's columns, each (places, bins).
        joined: of :func:`wuxin.joint.algorithms.join.join`.

    Returns:
        Columns, (places x bins, own + carried), and member, (places x bins,), for :func:`train`.
        Scores of all placed rows, handed to their owner, tell who is a member if the owner knows
        the weights: carried columns are all zero where nothing was met.
    """
    columns = [each.astype(jnp.float64).reshape(-1) for each in own]
    columns += [joined.carried[at].reshape(-1) for at in range(joined.carried.shape[0])]
    return jnp.stack(columns, axis=1), joined.member.reshape(-1)
