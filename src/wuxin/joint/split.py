"""A table whose columns lie at two parties, in plain: for attacks, baselines and comparisons.

    bank.csv      id, y (1 is bad), x0, x1, …      partner.csv   id, x0, x1, …

Rows are joined by id here, in one place, which is exactly what the wing does without.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.joint import rows
from wuxin.joint.rows import Rows
from wuxin.terms.errors import BadInput, NotFound

Floats = NDArray[np.float64]

LABEL: Final = "y"
"""The bank's column that says who is bad."""


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

    def take(self, chosen: Sequence[int] | NDArray[np.int64]) -> "Split":
        """Some of the rows, by index."""
        at = np.asarray(chosen)
        return Split(
            self.bank[at], self.partner[at], self.y[at], tuple(self.ids[int(n)] for n in at)
        )


def example() -> Path:
    """The folder of the split table that comes with the source tree.

    Raises:
        NotFound: this is no source tree.
    """
    for root in (Path.cwd(), Path(__file__).parents[3]):
        if (root / "examples" / "joint" / "bank.csv").is_file():
            return root / "examples" / "joint"
    raise NotFound("examples/joint comes with the source tree: run from there, or name a --table")


def read(folder: Path | None = None, *, bad: str = "1") -> Split:
    """Read a split table from its folder.

    Args:
        folder: with ``bank.csv`` and ``partner.csv``; the example where none is named.
        bad: the value of the label that is bad; every other is good.

    Raises:
        BadInput: a file is missing, or a field is no number; the text says where.
    """
    found = met(*both(folder or example(), bad=bad))
    return found._replace(bank=standard(found.bank), partner=standard(found.partner))


def both(folder: Path, *, bad: str = "1") -> tuple[Rows, Rows]:
    """The bank's rows, with a label of 0 and 1, and the partner's.

    Raises:
        BadInput: a file is missing, a field is no number, or the label does not tell rows apart.
    """
    mine, theirs = rows.read(folder / "bank.csv"), rows.read(folder / "partner.csv")
    if LABEL not in mine.columns:
        raise BadInput(f"{folder / 'bank.csv'} has no column {LABEL}, the label")
    values = mine.columns[LABEL]
    try:
        label = (values == float(bad)).astype(np.int64)
    except ValueError:
        raise BadInput(f"the label {LABEL} holds numbers, of which {bad!r} is none") from None
    if label.min() == label.max():
        known = ", ".join(f"{each:g}" for each in np.unique(values)[:6])
        raise BadInput(
            f"{folder / 'bank.csv'}: no row tells bad from good; {LABEL} is {known}, and bad is "
            f"{bad}"
        )
    return Rows(mine.ids, {**mine.columns, LABEL: label}), theirs


def met(bank: Rows, partner: Rows) -> Split:
    """The rows that both have, in one place.

    Raises:
        BadInput: there are none.
    """
    where = {name: at for at, name in enumerate(partner.ids)}
    kept = bank.where(np.array([name in where for name in bank.ids]))
    if not kept.ids:
        raise BadInput("the two tables have no customer in common")
    mine = [values for name, values in kept.columns.items() if name != LABEL]
    theirs = np.stack([*partner.columns.values()], axis=1).astype(np.float64)
    label = kept.columns[LABEL].astype(np.float64)
    return Split(
        np.stack(mine, axis=1).astype(np.float64), theirs[[where[name] for name in kept.ids]],
        label, tuple(kept.ids),
    )  # fmt: skip


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


def standard(columns: Floats) -> Floats:
    """Columns with mean 0 and variance 1; one that is constant becomes zeros."""
    spread = columns.std(axis=0)
    made: Floats = (columns - columns.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return made
