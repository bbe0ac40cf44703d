"""Two owners' tables for trying the wing out: a split table, of which each owner holds a part.

Which rows an owner holds follows from the identifiers, so that it is the same everywhere: the bank
has eight tenths, the partner eight tenths, and they share six tenths; a third of the bank's rows
are fresh customers, whose label the model does not see.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from wuxin.joint.algorithms.keys import geometry
from wuxin.joint.baselines.steps import How, scored, trained
from wuxin.joint.layout import Laid, listed, placed
from wuxin.joint.rows import Rows
from wuxin.joint.split import LABEL, Floats, Split, both, met, standard

OWN: Final = How(rounds=2000, batch=1 << 30)
"""How the bank trained the model of its own columns, in plain."""


class Owners(NamedTuple):
    """What the two hold: the bank past customers and fresh ones, the partner what it knows."""

    bank: Rows
    fresh: Rows
    partner: Rows


def owners(folder: Path, *, bad: str = "1") -> Owners:
    """Share out a split table, of which each owner standardises its own columns.

    Args:
        folder: with ``bank.csv`` and ``partner.csv``.
        bad: the value of the label that is bad.

    Raises:
        BadInput: it is no split table; the sentence says why.
    """
    ours, theirs = map(_even, both(folder, bad=bad))
    held = np.array([_drawn(each) % 10 < 8 for each in ours.ids])
    fresh = np.array([_drawn(each) // 10 % 3 == 0 for each in ours.ids])
    known = np.array([_drawn(each) % 10 >= 2 for each in theirs.ids])
    return Owners(ours.where(held & ~fresh), ours.where(held & fresh), theirs.where(known))


def laid(found: Owners, *, salt: bytes) -> dict[str, Laid]:
    """The four tables of :func:`wuxin.joint.programs.credit.default_model`, in bins."""
    names = [name for name in found.bank.columns if name != LABEL]
    label = found.bank.columns[LABEL].astype(np.float64)
    weights = trained(_of(found.bank, names), label, how=OWN)
    fresh = {**found.fresh.columns, "own": scored(_of(found.fresh, names), weights)}
    past = geometry(len(found.bank.ids), len(found.partner.ids))
    new = geometry(len(found.fresh.ids), len(found.partner.ids))
    return {
        "bank": placed(found.bank.ids, found.bank.columns, salt=salt, bins=past),
        "partner": listed(found.partner.ids, found.partner.columns, salt=salt, bins=past),
        "fresh": placed(found.fresh.ids, fresh, salt=salt, bins=new),
        "partner_fresh": listed(found.partner.ids, found.partner.columns, salt=salt, bins=new),
    }


def in_one_place(found: Owners) -> tuple[Split, Split]:
    """The rows both hold: past ones to train on, fresh ones to test on.

    This is what the baselines need and the wing does without.
    """
    return met(found.bank, found.partner), met(found.fresh, found.partner)


def _of(rows: Rows, names: Sequence[str]) -> Floats:
    return np.stack([rows.columns[name] for name in names], axis=1)


def _even(rows: Rows) -> Rows:
    """Columns standardised and called ``x0``, ``x1``, … in their order; the label as it is."""
    names = [name for name in rows.columns if name != LABEL]
    columns: dict[str, Any] = {
        f"x{at}": standard(rows.columns[name].astype(np.float64)) for at, name in enumerate(names)
    }
    if LABEL in rows.columns:
        columns[LABEL] = rows.columns[LABEL]
    return Rows(rows.ids, columns)


def _drawn(identifier: str) -> int:
    return int.from_bytes(hashlib.sha256(identifier.encode()).digest(), "big")
