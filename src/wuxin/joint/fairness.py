"""What every owner's data adds to a joint model, computed on shares; only scores are let out.

An owner's worth is what a model gains by its data. Leave-one-out asks what is lost without the
owner, which gives two owners of the same columns nothing; Shapley's value averages over all orders
in which the owners could have come, and shares the whole gain out among them.
"""

from collections.abc import Sequence
from itertools import combinations, pairwise
from math import factorial
from typing import Final, NamedTuple

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from wuxin.joint.algorithms.fixed import across, product, times
from wuxin.joint.algorithms.join import Array
from wuxin.joint.algorithms.logistic import INNER, Form, Training, cut, sigmoid
from wuxin.joint.algorithms.statistics import mean

MOST_OWNERS = 8
"""Every coalition is trained, all at once; 2^8 models of 20 columns are one matrix of 256 KB."""


STEADY: Final = Training(rounds=50, batch=1000, rate=0.3, form="clipped", momentum=0.9)
"""A cubic runs away where columns correlate, or where a small coalition's few rows fit too well."""

WIDEST: Final = 12.0
"""Rate times weights at most. Where all columns say the same, a step swings up from 15 on: twice
1 + momentum, over the slope of a quarter."""


class Contribution(NamedTuple):
    """Scores by owner.

    ``alone_missing`` by leave-one-out and ``shapley``, each (owners,); ``whole`` is what all gain
    together, which the Shapley values add up to.
    """

    alone_missing: Array
    shapley: Array
    whole: Array


class Rows(NamedTuple):
    """Rows of a joined table: standardised columns, (n, p), and labels 0 or 1, (n,)."""

    x: Array
    y: Array


def of_columns(
    fit: Rows, held: Rows, *, owners: Sequence[int], how: Training | None = None
) -> Contribution:
    """Score owners that hold different columns of the same rows.

    Args:
        fit: rows to train on.
        held: rows kept back, on which models are scored.
        owners: which owner each column belongs to, p of them, 0 to owners - 1, public.
        how: as every coalition's model is trained; :func:`steady` if not given.

    Returns:
        Scores; see :func:`contribution`.
    """
    sides = coalitions(max(owners) + 1)
    columns = sides[:, list(owners)]
    return contribution(_gains(fit, held, columns=columns, how=how), sides=sides)


def of_rows(
    fit: Rows, held: Rows, *, owners: Sequence[int], how: Training | None = None
) -> Contribution:
    """Score owners that hold different rows of the same columns.

    Args:
        fit: rows to train on, those of all owners one after the other.
        held: rows kept back, agreed on by all.
        owners: which owner each row belongs to, n of them, 0 to owners - 1, public.
        how: as every coalition's model is trained; :func:`steady` if not given.

    Returns:
        Scores; see :func:`contribution`.
    """
    sides = coalitions(max(owners) + 1)
    everything = np.ones((len(sides), fit.x.shape[1]))
    rows = sides[:, list(owners)]
    return contribution(_gains(fit, held, columns=everything, rows=rows, how=how), sides=sides)


def contribution(gain: Array, *, sides: npt.NDArray[np.float64]) -> Contribution:
    """Turn what every coalition gains into what every owner contributes.

    Args:
        gain: by coalition, (coalitions,); nothing for the empty one, which comes first.
        sides: 1 where an owner is in it, (coalitions, owners), as :func:`coalitions` orders them.

    Returns:
        Scores, in the unit of the gain; a sum of secret gains with public weights, so on shares it
        costs nothing. With few owners scores tell the gains of coalitions; that is their purpose.

    Source: Shapley, A Value for n-Person Games, 1953; for data, Ghorbani and Zou, Data Shapley,
        ICML 2019.
    """
    owners = sides.shape[1]
    size = sides.sum(axis=1).astype(int)
    orders = np.array([factorial(k) * factorial(owners - k - 1) if k < owners else 0
                       for k in range(owners + 1)]) / factorial(owners)  # fmt: skip
    # with the owner a coalition of k counts as one of k - 1 that it joins; without, against it
    weight = np.where(sides == 1, orders[size - 1][:, None], -orders[size][:, None])
    without = np.where(size[:, None] == owners - 1, sides - 1, 0)
    whole = np.where(size[:, None] == owners, 1, without)
    return Contribution(gain @ whole, gain @ weight, gain[-1])


def coalitions(owners: int) -> npt.NDArray[np.float64]:
    """List every set of owners, by size, the empty one first and all together last.

    Args:
        owners: how many, 2 to :data:`MOST_OWNERS`.

    Returns:
        1 where an owner is in it, (2^owners, owners).
    """
    if not 2 <= owners <= MOST_OWNERS:
        raise TypeError(f"contributions are of 2 to {MOST_OWNERS} owners, not {owners}")
    sets = [each for size in range(owners + 1) for each in combinations(range(owners), size)]
    return np.array([[float(owner in each) for owner in range(owners)] for each in sets])


def steady(columns: int) -> Training:
    """Training that ends well on any standardised columns, of which none sees how it goes.

    Args:
        columns: how many all owners have together.

    Returns:
        :data:`STEADY`, with a step that does not swing up even if all columns say the same.
    """
    return STEADY._replace(rate=min(STEADY.rate, WIDEST / (columns + 1)))


def _gains(
    fit: Rows, held: Rows, *, columns: npt.NDArray[np.float64], how: Training | None,
    rows: npt.NDArray[np.float64] | None = None,
) -> Array:  # fmt: skip
    """Train a model for every coalition at once, and say what each takes off the Brier score."""
    n, p = fit.x.shape
    how = how or steady(p)
    mask = np.concatenate([np.ones((len(columns), 1)), columns], axis=1)[1:].T
    x = jnp.concatenate([jnp.ones((n, 1), fit.x.dtype), fit.x], axis=1)
    taken = np.ones((mask.shape[1], n)) if rows is None else rows[1:]
    parts = [
        (_picked(x, part), _picked(fit.y, part), np.concatenate([taken[:, at] for at in part], 1))
        for part in _parts(taken, batches=max(1, round(n / how.batch)))
    ]
    # Weights are kept in the unit of one step: what rounding does to each round's small move would
    # add up, the more with momentum, and pull all columns to one side.
    step = how.rate * len(parts) / np.maximum(taken.sum(axis=1), 1)
    kept = np.stack([mask, np.full_like(mask, how.momentum)])
    weights = pace = jnp.zeros(mask.shape, fit.x.dtype)
    for turn in range(how.rounds):
        part, labels, count = parts[turn % len(parts)]
        away = _away(times(product(part, weights), step), labels[:, None], form=how.form)
        if rows is not None:
            away = away * count.T
        gradient, pace = jnp.stack([across(part, away), pace]) * kept  # for one message
        pace = gradient + pace
        weights = weights - pace
    odds = times(product(held.x, weights[1:]) + weights[0], step)
    off = sigmoid(odds, form="clipped") - held.y[:, None]
    # the empty coalition knows how common the label is if rows are everybody's, or nothing at all
    guess = mean(fit.y[:, None]) if rows is None else 0.5
    nothing = mean(((guess - held.y) ** 2)[:, None])
    return jnp.concatenate([jnp.zeros(1, fit.x.dtype), nothing - mean(off * off)])


def _away(odds: Array, labels: Array, *, form: Form) -> Array:
    """How far predictions are above labels, (n, coalitions), of odds (n, coalitions)."""
    if form != "clipped":
        return sigmoid(odds, form=form) - labels
    return cut(odds * INNER["clipped"]) + (0.5 - labels)


def _parts(taken: npt.NDArray[np.float64], *, batches: int) -> list[list[slice]]:
    """Slices of rows for every batch, a share of each owner's; owners lie one after the other."""
    changes = np.nonzero((taken[:, 1:] != taken[:, :-1]).any(axis=0))[0] + 1
    edges = [0, *changes.tolist(), taken.shape[1]]
    return [
        [
            slice(low + at * (high - low) // batches, low + (at + 1) * (high - low) // batches)
            for low, high in pairwise(edges)
        ]
        for at in range(batches)
    ]


def _picked(rows: Array, part: Sequence[slice]) -> Array:
    """Rows of several slices, side by side in memory: products over scattered rows are slow."""
    return jnp.concatenate([rows[at] for at in part])
