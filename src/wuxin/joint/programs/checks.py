"""Screens for forged and poisoned input, group sums with a minimum, and what each owner adds."""

import jax.numpy as jnp

from wuxin.joint.algorithms.join import Array, bits
from wuxin.joint.algorithms.statistics import by_group
from wuxin.joint.fairness import Rows, of_columns
from wuxin.joint.guards.labels import flipped_labels
from wuxin.joint.guards.meters import forged_meters
from wuxin.joint.program import Program, joint, of_tables

Table = dict[str, Array]


def screened(banks: int) -> Program:
    """The program that asks whether one of so many banks flips labels or forges meters.

    Each brings ``x`` (rows, p) standardised, ``y`` (rows,), ``meter`` and ``expected`` (rows,).
    Let out are two flags for each bank, for those whom the contract names: for the supervisor.
    """

    def flagged(*tables: Table) -> Table:
        labels = flipped_labels([each["x"] for each in tables], [each["y"] for each in tables])
        meters = forged_meters(
            [each["meter"] for each in tables], [each["expected"] for each in tables]
        )
        return {"labels": bits(labels), "meters": bits(meters)}

    names = [f"bank_{at}" for at in range(1, banks + 1)]
    return of_tables(flagged, names, name=f"{__name__}:screened_{banks}")


screened_3 = screened(3)
screened_4 = screened(4)
screened_5 = screened(5)


@joint
def group_sums(bank: Table, other: Table, *, groups: int = 10, minimum_group: int = 1) -> Table:
    """Sum ``value`` (rows,) by ``group`` (rows,) over the rows of two owners.

    A group of fewer rows than the contract's minimum shows neither sum nor count.
    """
    codes = jnp.concatenate([bank["group"], other["group"]])
    values = jnp.concatenate([bank["value"], other["value"]])[:, None]
    counts, totals = by_group(codes, values, groups=groups, minimum=minimum_group)
    return {"count": counts, "total": totals[:, 0]}


@joint
def contributions(bank: Table, partner: Table) -> Table:
    """What the columns of either add to a model of ``y``, on rows that were kept back.

    Each brings ``x`` and ``held`` (rows, p), the bank ``y`` and ``held_y`` too, in one order.
    """
    fit = Rows(jnp.concatenate([bank["x"], partner["x"]], axis=1), bank["y"])
    held = Rows(jnp.concatenate([bank["held"], partner["held"]], axis=1), bank["held_y"])
    owners = [0] * bank["x"].shape[1] + [1] * partner["x"].shape[1]
    found = of_columns(fit, held, owners=owners)
    return {
        "leave_one_out": found.alone_missing,
        "shapley": found.shapley,
        "whole": found.whole,
    }
