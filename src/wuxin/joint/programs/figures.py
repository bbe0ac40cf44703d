"""Figures over two owners' rows: sums, counts with noise, weight of evidence, correlation."""

from typing import NamedTuple

import jax.numpy as jnp

from wuxin.joint.algorithms.join import Array, bits, join
from wuxin.joint.algorithms.logistic import rows_of
from wuxin.joint.algorithms.noise import two_sided_geometric
from wuxin.joint.algorithms.statistics import by_group, correlation, evidence, indicator
from wuxin.joint.program import joint
from wuxin.joint.programs.credit import columns_of, label_of
from wuxin.terms.errors import BadInput

Table = dict[str, Array]


@joint
def group_sums(bank: Table, other: Table, *, groups: int = 10, minimum_group: int = 1) -> Table:
    """Sum ``value`` (rows,) by ``group`` (rows,) over the rows of two owners.

    A group shows neither sum nor count unless each owner has either none or at least the contract's
    minimum of rows in it: an owner knows its own, and takes them off.
    """
    each = [
        by_group(table["group"], table["value"][:, None], groups=groups, minimum=1)
        for table in (bank, other)
    ]
    enough = [bits(one.rows == 0) + bits(one.rows >= minimum_group) for one in each]
    shown = enough[0] * enough[1]
    total = (each[0].total + each[1].total)[:, 0]
    return {
        "count": (each[0].rows + each[1].rows) * shown,
        "total": total * shown.astype(total.dtype),
    }


@joint
def noisy_rates(bank: Table, partner: Table, *, groups: int = 10, epsilon: float = 1.0) -> Table:
    """Count good and bad among the customers known to both, by the partner's group, with noise.

    ``bank`` is placed with ``key`` and ``y``, ``partner`` listed with ``key`` and ``group``; both
    bring ``chance`` (groups, 2), words drawn at random. A customer is in one of the counts at most,
    so that all of them together cost one epsilon. A count may come out below zero.
    """
    if bank["chance"].shape != (groups, 2):
        raise BadInput(f"chance is a word for each of {groups} groups, good and bad")
    met = _met(bank, partner)
    there = indicator(met.codes, groups)
    counts = jnp.stack([jnp.sum(there * (1 - met.bad)[:, None], axis=0),
                        jnp.sum(there * met.bad[:, None], axis=0)], axis=1)  # fmt: skip
    noised = counts + two_sided_geometric(bank["chance"], partner["chance"], epsilon=epsilon)
    return {"good": noised[:, 0], "bad": noised[:, 1]}


@joint
def column_evidence(
    bank: Table, partner: Table, *, groups: int = 10, minimum_group: int = 1
) -> Table:
    """Weigh what the bins of a partner's column say of default, over customers known to both.

    ``bank`` is placed with ``key`` and ``y``, ``partner`` listed with ``key`` and ``group``, the
    bin of each of its rows. Let out are ``weight`` of each bin with at least the contract's minimum
    of rows, and the information ``value``: whether it pays to train together.
    """
    met = _met(bank, partner)
    found = evidence(met.codes, met.bad.astype(jnp.float64), bins=groups, minimum=minimum_group)
    return {"weight": found.weight, "value": found.value}


@joint
def correlations(bank: Table, partner: Table) -> Table:
    """Correlate all columns ``x0``, ``x1``, … of both, over the customers known to both."""
    met = join(bank["key"], partner["key"], columns=columns_of(partner))
    columns, member = rows_of(columns_of(bank), met)
    return {"correlation": correlation(columns, member=member)}


class _Met(NamedTuple):
    """Of each placed row the partner's group, -1 where nobody was met, and whether it is bad."""

    codes: Array
    bad: Array


def _met(bank: Table, partner: Table) -> _Met:
    met = join(bank["key"], partner["key"], columns=[partner["group"]])
    member = met.member.reshape(-1)
    codes = met.carried[0].reshape(-1).astype(jnp.int64)  # zero where nobody was met
    return _Met(codes + member - 1, label_of(bank))
