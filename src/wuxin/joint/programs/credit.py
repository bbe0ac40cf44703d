"""Models of default over a bank's tables and a partner's: row by row, or on hidden rows."""

from typing import Final, NamedTuple

import jax
import jax.numpy as jnp

from wuxin.joint.algorithms.fixed import ratio, running
from wuxin.joint.algorithms.join import Array, bits, join
from wuxin.joint.algorithms.logistic import Form, Training, log_odds, rows_of, train
from wuxin.joint.program import joint

Table = dict[str, Array]

GRADES: Final = (-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0)
"""Log odds between ten grades; a grade says less of a row than a score with all its digits."""


BATCH: Final = 4000
"""Places in a round of training: enough of them are members, and few enough to be quick."""

RIDGE: Final = 0.002
"""Penalty that keeps columns that say the same from pulling against each other."""


@joint
def vertical_model(
    bank: Table, partner: Table, *, rounds: int = 100, batch: int = 1000, rate: float = 0.3,
    form: Form = "clipped",
) -> Table:  # fmt: skip
    """Train on rows that both have in the same order: ``x`` (n, p) of either, ``y`` of the bank.

    ``form`` "cubic" is quicker by a half, for columns that hardly correlate; see ``logistic.py``.
    """
    x = jnp.concatenate([bank["x"], partner["x"]], axis=1)
    how = Training(rounds=rounds, batch=batch, rate=rate, form=form)
    return {"weights": train(x, label_of(bank), how=how)}


@joint
def hidden_model(bank: Table, partner: Table, *, rounds: int = 120) -> Table:
    """Train on the hidden intersection; the model alone is let out, to its recipients.

    ``bank`` is placed with ``key``, ``y`` and columns ``x0``, ``x1``, …, ``partner`` listed with
    ``key`` and its columns. ``weights``: the intercept, the bank's columns, the partner's.
    """
    x, member = _met(bank, partner)
    y = label_of(bank)
    return {"weights": train(x, y, how=_steady(rounds, rows=len(y)), member=member)}


@joint
def default_model(
    bank: Table, partner: Table, fresh: Table, partner_fresh: Table, *, rounds: int = 120,
    minimum_group: int = 1,
) -> Table:  # fmt: skip
    """Train on past customers and score fresh ones, both on a hidden intersection.

    ``bank`` and ``fresh`` are placed, with ``key``, ``y`` and columns ``x0``, ``x1``, …; ``fresh``
    has ``own`` too, the log odds by the model that the bank has already. ``partner`` and
    ``partner_fresh`` hold the partner's rows, listed for either. Scores and weights stay shared.
    Let out are, over the fresh customers whom both know: ``auc``, ``auc_bank`` of the bank's own
    model, and ``distribution``, the share of each grade, zero where fewer than ``minimum_group``
    have it.
    """
    found = _scored(bank, partner, fresh, partner_fresh, rounds=rounds)
    grades = _grades(found.both)
    members = jnp.sum(found.known)
    counts = jnp.stack([
        jnp.sum(bits(grades == grade) * found.known) for grade in range(len(GRADES) + 1)
    ])  # fmt: skip
    shown = bits(counts >= minimum_group).astype(jnp.float64)
    share = ratio(counts, members) * shown
    return {"distribution": share, **_quality(found, minimum=minimum_group)}


@joint
def graded_customers(
    bank: Table, partner: Table, fresh: Table, partner_fresh: Table, *, rounds: int = 120
) -> Table:  # fmt: skip
    """Do as :func:`default_model`, and let out the grade of every fresh customer.

    A customer whom the partner does not know is graded by the bank's own model: where a grade
    differs from that, the customer is known to the partner. Whoever agrees to this program agrees
    to that. Customers whom the bank has made up must come back with its own grade: nodes that
    compute something else cannot tell them from the others.
    """
    found = _scored(bank, partner, fresh, partner_fresh, rounds=rounds)
    odds = found.mine + found.known * (found.both - found.mine)
    return {"grades": _grades(odds), **_quality(found)}


class _Scored(NamedTuple):
    """Log odds of the placed fresh customers by both models, their label, and who is known."""

    both: Array
    mine: Array
    label: Array
    known: Array


def _scored(*tables: Table, rounds: int) -> _Scored:
    bank, partner, fresh, partner_fresh = tables
    x, member = _met(bank, partner)
    y = label_of(bank)
    weights = train(x, y, how=_steady(rounds, rows=len(y)), member=member)
    new, known = _met(fresh, partner_fresh)
    own, label = fresh["own"].reshape(-1), label_of(fresh)
    return _Scored(log_odds(new, weights), own, label, known)


def _steady(rounds: int, *, rows: int) -> Training:
    """Training that ends well on any standardised columns, of which none sees how it goes.

    Clipped and not cubic: where two columns tell all, odds grow beyond what a cubic can follow.
    """
    batch = min(rows, BATCH)
    return Training(rounds, batch, rate=0.3, ridge=RIDGE, form="clipped", momentum=0.9)


def _grades(odds: Array) -> Array:
    return jnp.sum(jnp.stack([bits(odds > edge) for edge in GRADES]), axis=0)


def _quality(found: _Scored, *, minimum: int = 1) -> Table:
    return {
        "auc": _auc(found.both, found.label, member=found.known, minimum=minimum),
        "auc_bank": _auc(found.mine, found.label, member=found.known, minimum=minimum),
    }


def label_of(table: Table) -> Array:
    """The label ``y`` as 0 and 1, whatever its owner shared: one row counts as one."""
    return bits(table["y"].reshape(-1) != 0)


def columns_of(table: Table) -> list[Array]:
    """The columns ``x0``, ``x1``, … in order."""
    return [table[f"x{at}"] for at in range(len(table)) if f"x{at}" in table]


def _met(placed: Table, listed: Table) -> tuple[Array, Array]:
    met = join(placed["key"], listed["key"], columns=columns_of(listed))
    return rows_of(columns_of(placed), met)


def _auc(score: Array, label: Array, *, member: Array, minimum: int) -> Array:
    """The share of pairs of a bad and a good member in which the bad one has the higher score.

    Sorted on shares and counted from below: of every two equal scores either may stand first. With
    fewer than ``minimum`` bad or good members it is 0.
    """
    _, bad, good = jax.lax.sort((score, label * member, (1 - label) * member), num_keys=1)
    bads, goods = jnp.sum(bad), jnp.sum(good)
    right = jnp.sum(bad * running(good))
    enough = bits(jnp.stack([bads, goods]) >= max(minimum, 1)).astype(jnp.float64)
    return ratio(right, bads * goods) * (enough[0] * enough[1])
