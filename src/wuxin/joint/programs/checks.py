"""Screens for forged and poisoned input, and what each owner adds."""

import re
from typing import Final

import jax.numpy as jnp

from wuxin.joint.algorithms.join import Array, bits
from wuxin.joint.algorithms.logistic import Training, train
from wuxin.joint.fairness import Rows, of_columns
from wuxin.joint.guards.influence import undue_influence
from wuxin.joint.guards.labels import flipped_labels
from wuxin.joint.guards.meters import forged_meters
from wuxin.joint.guards.peers import LEAST
from wuxin.joint.guards.ranges import out_of_range, strayed
from wuxin.joint.program import Program, joint, of_tables
from wuxin.joint.programs.credit import label_of

Table = dict[str, Array]

MOST_BANKS: Final = 20

COMMON: Final = Training(rounds=15, batch=1 << 30, rate=0.3, form="clipped", momentum=0.85)
"""As the model is trained at which each bank's pull is looked at. All rows in every round: they lie
bank by bank, and the last one of a batch of its own would have the model for itself."""

WIDEST: Final = 8.0
"""Standard deviations beyond which a value is taken as impossible."""

TAME: Final = 4.0
"""Values count as this in the models, so that a few wild ones do not blind all other guards."""

FIFTHS: Final = (-0.8416, -0.2533, 0.2533, 0.8416)
"""Borders of the fifths of a standardised column, were it normal."""


def screened(banks: int) -> Program:
    """The program that asks whether one of so many banks brings forged or poisoned rows.

    Each brings ``x`` (rows, p), standardised by means and spreads that all agreed on, ``y``
    (rows,), ``meter`` and ``expected`` (rows,). Let out are five flags for each bank, for those
    whom the contract names, commonly the supervisor: ``labels`` turned round, ``meters`` forged,
    ``influence`` on the common model, a ``range`` that values cannot have, and ``drift`` from what
    the peers' columns look like.
    """

    def flagged(*tables: Table, widest: float = WIDEST) -> Table:
        raw, y = [each["x"] for each in tables], [label_of(each) for each in tables]
        x = [jnp.clip(each, -TAME, TAME) for each in raw]
        common = train(jnp.concatenate(x), jnp.concatenate(y), how=COMMON)
        border = jnp.full(x[0].shape[1], widest)
        wild = [jnp.sum(bits(out_of_range(each, low=-border, high=border))) > 0 for each in raw]
        meters = [each["meter"] for each in tables], [each["expected"] for each in tables]
        cuts = jnp.tile(jnp.asarray(FIFTHS)[:, None], x[0].shape[1])
        found = {
            "labels": flipped_labels(x, y),
            "meters": forged_meters(*meters),
            "influence": undue_influence(x, y, weights=common),
            "range": jnp.stack(wild),
            "drift": strayed(x, cuts=cuts),
        }
        return {name: bits(flags) for name, flags in found.items()}

    names = [f"bank_{at}" for at in range(1, banks + 1)]
    return of_tables(flagged, names, name=f"{__name__}:screened_{banks}", widest=WIDEST)


def __getattr__(name: str) -> Program:
    """``screened_3`` to ``screened_20``: for as many banks as the contract has."""
    asked = re.fullmatch(r"screened_(\d+)", name)
    if asked is None or not LEAST <= int(asked[1]) <= MOST_BANKS:
        raise AttributeError(name)
    return screened(int(asked[1]))


@joint
def contributions(bank: Table, partner: Table) -> Table:
    """What the columns of either add to a model of ``y``, on rows that were kept back.

    Each brings ``x`` and ``held`` (rows, p), the bank ``y`` and ``held_y`` too, in one order.
    """
    fit = Rows(jnp.concatenate([bank["x"], partner["x"]], axis=1), label_of(bank))
    held = Rows(jnp.concatenate([bank["held"], partner["held"]], axis=1), bank["held_y"])
    owners = [0] * bank["x"].shape[1] + [1] * partner["x"].shape[1]
    found = of_columns(fit, held, owners=owners)
    return {
        "leave_one_out": found.alone_missing,
        "shapley": found.shapley,
        "whole": found.whole,
    }
