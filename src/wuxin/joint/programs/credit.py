"""Models of default over a bank's tables and a partner's: row by row, or on hidden rows."""

from typing import Any, Final

import jax.numpy as jnp

from wuxin.joint.algorithms.join import Array, join
from wuxin.joint.algorithms.logistic import Training, log_odds, rows_of, train
from wuxin.joint.program import joint

Table = dict[str, Array]

GRADES: Final = (-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0)
"""Log odds between ten grades; a grade says less of a row than a score with all its digits."""


@joint
def vertical_model(
    bank: Table, partner: Table, *, rounds: int = 100, batch: int = 1000, rate: float = 0.3
) -> Table:
    """Train on rows that both have in the same order: ``x`` (n, p) of either, ``y`` of the bank."""
    x = jnp.concatenate([bank["x"], partner["x"]], axis=1)
    how = Training(rounds=rounds, batch=batch, rate=rate)
    return {"weights": train(x, bank["y"], how=how)}


@joint
def hidden_model(
    bank: Table, partner: Table, *, rounds: int = 20, batch: int = 1000, rate: float = 0.5
) -> Table:
    """Train on the hidden intersection; the model alone is let out, to its recipients."""
    x, member = _met(bank, partner)
    y = bank["y"].reshape(-1)
    return {"weights": train(x, y, how=Training(rounds, batch, rate), member=member)}


@joint
def default_model(
    bank: Table, partner: Table, fresh: Table, partner_fresh: Table, *, rounds: int = 40,
    rate: float = 0.2,
) -> Table:  # fmt: skip
    """Train on past customers and grade fresh ones, both on a hidden intersection.

    ``bank`` and ``fresh`` are placed, with ``key``, ``y`` and columns ``x0``, ``x1``, …;
    ``partner`` and ``partner_fresh`` hold the partner's rows, listed for either. A fresh customer
    whom the partner does not know is graded by a model of the bank's columns alone, trained on all
    of its rows, so that everybody has a grade and it does not say who is known.

    Returns:
        ``grades`` 0 to 9 by place; ``auc`` over the fresh customers whom both know, and
        ``auc_bank`` over the same with the bank's model; for two recipients' eyes. ``weights`` are
        not let out: with them and the grades one could tell who is known to the partner.
    """
    x, member = _met(bank, partner)
    y = bank["y"].reshape(-1)
    # clipped and not cubic: where two columns tell all, odds grow beyond what a cubic can follow
    how = Training(rounds, len(y), rate, form="clipped")
    weights = train(x, y, how=how, member=member)
    own = len(_columns(bank))
    placed = bank["real"].reshape(-1)
    alone = train(x[:, :own], y, how=how, member=placed)
    new, known = _met(fresh, partner_fresh)
    both, mine = log_odds(new, weights), log_odds(new[:, :own], alone)
    odds = mine + known * (both - mine)
    label = fresh["y"].reshape(-1)
    above = [(odds > edge).astype(jnp.int64) for edge in GRADES]
    return {
        "grades": jnp.sum(jnp.stack(above), axis=0),
        "auc": _auc(both, label, member=known),
        "auc_bank": _auc(mine, label, member=known),
    }


def _columns(table: Table) -> list[Array]:
    """The columns ``x0``, ``x1``, … in order."""
    return [table[f"x{at}"] for at in range(len(table)) if f"x{at}" in table]


def _met(placed: Table, listed: Table) -> tuple[Array, Array]:
    met = join(placed["key"], listed["key"], columns=_columns(listed))
    return rows_of(_columns(placed), met)


def _auc(score: Array, label: Array, *, member: Array) -> Array:
    """The share of pairs of a bad and a good member in which the bad one has the higher score."""
    bad, good = label * member, (1 - label) * member
    higher: Any = (score[:, None] > score[None, :]).astype(jnp.int64) & 1
    pairs = jnp.sum(bad) * jnp.sum(good)
    right = jnp.sum(bad * jnp.sum(higher * good[None, :], axis=1))
    return right.astype(jnp.float64) / jnp.maximum(pairs, 1)
