"""A table whose columns lie at two parties, in plain: for attacks, baselines and comparisons.

    bank.csv      id, y (1 is bad), x0, x1, …      partner.csv   id, x0, x1, …

Rows are joined by id here, in one place, which is exactly what the wing does without.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.errors import BadInput

Floats = NDArray[np.float64]

EXAMPLE: Final = Path(__file__).parents[3] / "examples" / "joint"
"""The split table that comes with the source tree."""


class Split(NamedTuple):
    """Rows that both have, in one order.

    ``bank`` (n, p) and ``partner`` (n, q) are standardised columns, ``y`` (n,) is 0 or 1, ``ids``
    are the customers' numbers.
    """

    bank: Floats
    partner: Floats
    y: Floats
    ids: tuple[str, ...]

    @property
    def joined(self) -> Floats:
        """All columns, (n, p + q)."""
        return np.concatenate([self.bank, self.partner], axis=1)

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> "Split":
        """Some of the rows, by index."""
        at = np.asarray(rows)
        return Split(
            self.bank[at], self.partner[at], self.y[at], tuple(self.ids[int(n)] for n in at)
        )


def read(folder: Path = EXAMPLE) -> Split:
    """Read a split table from its folder.

    Raises:
        BadInput: a file is missing, or a field is no number; the text says where.
    """
    mine, theirs = _table(folder / "bank.csv"), _table(folder / "partner.csv")
    ids = [one for one in mine if one in theirs]
    if not ids:
        raise BadInput(f"the tables of {folder} have no customer in common")
    bank = np.array([mine[one] for one in ids])
    partner = np.array([theirs[one] for one in ids])
    return Split(_standard(bank[:, 1:]), _standard(partner), bank[:, 0], tuple(ids))


def halves(split: Split, *, share: float = 0.7, seed: int = 1) -> tuple[Split, Split]:
    """Rows to train on and rows to test on, drawn at random with a seed."""
    order = np.random.default_rng(seed).permutation(len(split.y))
    cut = int(share * len(order))
    return split.take(order[:cut]), split.take(order[cut:])


def auc(score: Floats, label: Floats) -> float:
    """The share of pairs of a 1 and a 0 in which the 1 scores higher; ties count half.

    Source: Mann and Whitney, Annals of Mathematical Statistics 18 (1947).
    """
    values, first, count = np.unique(score, return_inverse=True, return_counts=True)
    del values
    rank = (np.cumsum(count) - (count - 1) / 2)[first]
    ones = label > 0.5
    n, m = int(ones.sum()), int((~ones).sum())
    if not n or not m:
        return float("nan")
    return float((rank[ones].sum() - n * (n + 1) / 2) / (n * m))


def _standard(columns: Floats) -> Floats:
    spread = columns.std(axis=0)
    standard: Floats = (columns - columns.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return standard


def _table(path: Path) -> dict[str, list[float]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = csv.reader(file)
            next(lines)
            return {row[0]: [float(x) for x in row[1:]] for row in lines}
    except (OSError, ValueError, IndexError, StopIteration) as wrong:
        raise BadInput(f"{path.name} is no table of one party: {wrong}") from None
