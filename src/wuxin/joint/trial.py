"""Two owners' tables for trying the wing out: a split table, of which each owner holds a part.

Which rows an owner holds follows from the identifiers, so that it is the same everywhere: the bank
has eight tenths, the partner eight tenths, and they share six tenths; a third of the bank's rows
are fresh customers, whose label the model does not see.
"""

import csv
import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wuxin.joint.algorithms.keys import geometry
from wuxin.joint.layout import Laid, listed, placed
from wuxin.joint.split import Split
from wuxin.terms.errors import BadInput

LABEL = "y"


class Rows(NamedTuple):
    """Rows of one owner: identifiers, and columns by name."""

    ids: list[str]
    columns: dict[str, Any]

    def where(self, kept: Any) -> "Rows":
        """The rows for which ``kept`` (booleans) holds."""
        ids = [name for name, keep in zip(self.ids, kept, strict=True) if keep]
        return Rows(ids, {name: values[kept] for name, values in self.columns.items()})


class Owners(NamedTuple):
    """What the two hold: the bank past customers and fresh ones, the partner what it knows."""

    bank: Rows
    fresh: Rows
    partner: Rows


def read(path: Path) -> Rows:
    """Read a table whose first column is the identifier.

    Raises:
        BadInput: it is not there, or a cell is no number; the sentence names the line.
    """
    try:
        lines = list(csv.reader(path.read_text("utf-8").splitlines()))
    except OSError as missing:
        raise BadInput(f"{path} cannot be read: {missing}") from None
    names, rows = lines[0][1:], lines[1:]
    for number, row in enumerate(rows, 2):
        try:
            list(map(float, row[1:]))
        except ValueError as wrong:
            raise BadInput(f"{path}, line {number}: {wrong}") from None
    values = np.array([list(map(float, row[1:])) for row in rows])
    columns: dict[str, Any] = {name: values[:, at] for at, name in enumerate(names)}
    if LABEL in columns:
        columns[LABEL] = columns[LABEL].astype(np.int64)
    return Rows([row[0] for row in rows], columns)


def owners(bank: Path, partner: Path) -> Owners:
    """Share out a split table."""
    theirs, ours = read(partner), read(bank)
    held = np.array([_drawn(each) % 10 < 8 for each in ours.ids])
    fresh = np.array([_drawn(each) // 10 % 3 == 0 for each in ours.ids])
    known = np.array([_drawn(each) % 10 >= 2 for each in theirs.ids])
    return Owners(ours.where(held & ~fresh), ours.where(held & fresh), theirs.where(known))


def laid(found: Owners, *, salt: bytes) -> dict[str, Laid]:
    """The four tables of :func:`wuxin.joint.programs.credit.default_model`, in bins."""
    past = geometry(len(found.bank.ids), len(found.partner.ids))
    new = geometry(len(found.fresh.ids), len(found.partner.ids))
    return {
        "bank": placed(found.bank.ids, found.bank.columns, salt=salt, bins=past),
        "partner": listed(found.partner.ids, found.partner.columns, salt=salt, bins=past),
        "fresh": placed(found.fresh.ids, found.fresh.columns, salt=salt, bins=new),
        "partner_fresh": listed(found.partner.ids, found.partner.columns, salt=salt, bins=new),
    }


def met(found: Owners) -> tuple[Split, Split]:
    """The rows both hold, in one place: past ones to train on, fresh ones to test on.

    This is what the baselines need and the wing does without.
    """
    known = {name: at for at, name in enumerate(found.partner.ids)}
    columns = [found.partner.columns[name] for name in found.partner.columns]
    theirs = np.stack(columns, axis=1)

    def both(rows: Rows) -> Split:
        kept = rows.where(np.array([name in known for name in rows.ids]))
        mine = [values for name, values in kept.columns.items() if name != LABEL]
        at = [known[name] for name in kept.ids]
        label = kept.columns[LABEL].astype(np.float64)
        return Split(np.stack(mine, axis=1), theirs[at], label, tuple(kept.ids))

    return both(found.bank), both(found.fresh)


def _drawn(identifier: str) -> int:
    return int.from_bytes(hashlib.sha256(identifier.encode()).digest(), "big")
