"""How good a probability of default is: ranking, calibration, and both by groups of people.

Sources: Hand and Till, Machine Learning 45 (2001) 171 (the area under the curve from ranks); Brier,
Monthly Weather Review 78 (1950) 1.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]
_LEAST: Final = 1e-15

FOUR_FIFTHS: Final = 0.8
"""A group that is granted less than four fifths as often as the best one is to be looked at.

Source: 29 CFR 1607.4(D), of employment tests; used in lending as a rule of thumb, not as its law.
"""


class Measures(msgspec.Struct, frozen=True):
    """The quality of n probabilities of which ``bad`` cases defaulted.

    ``auc`` and ``ks`` are None where all cases are of one kind. ``brier_of_mean`` is what the plain
    mean would have had; ``brier`` below it is skill.
    """

    n: int
    bad: int
    auc: float | None
    ks: float | None
    brier: float
    brier_of_mean: float
    log_loss: float


class Bin(msgspec.Struct, frozen=True):
    """One row of a reliability table: what was promised to n cases, and what came."""

    n: int
    promised: float
    came: float


class Group(msgspec.Struct, frozen=True):
    """How a score treats one group of cases.

    ``granted`` is the share below the cut-off, ``of_best`` that share against the best group's, and
    ``gap`` the mean probability less the share that defaulted: above zero the group is scored
    worse than it is.
    """

    by: str
    group: str
    measures: Measures
    granted: float
    of_best: float
    gap: float

    @property
    def in_doubt(self) -> bool:
        """Whether the group falls short of four fifths of the best one."""
        return self.of_best < FOUR_FIFTHS


def measure(p: Floats, *, bad: Floats) -> Measures:
    """Judge probabilities (n) by what came (n; 1 for a default, 0 for none)."""
    mean = float(np.mean(bad))
    safe = np.clip(p, _LEAST, 1 - _LEAST)
    return Measures(
        n=len(bad),
        bad=int(np.sum(bad)),
        auc=auc(p, bad=bad),
        ks=ks(p, bad=bad),
        brier=float(np.mean((p - bad) ** 2)),
        brier_of_mean=mean * (1 - mean),
        log_loss=float(-np.mean(bad * np.log(safe) + (1 - bad) * np.log1p(-safe))),
    )


def auc(score: Floats, *, bad: Floats) -> float | None:
    """The chance that a default has the higher score (n) than a case that paid; ties count half."""
    ones = float(np.sum(bad))
    zeros = len(bad) - ones
    if not ones or not zeros:
        return None
    ranks = float(rankdata(score)[bad > 0].sum())
    return (ranks - ones * (ones + 1) / 2) / (ones * zeros)


def ks(score: Floats, *, bad: Floats) -> float | None:
    """The widest gap between the scores (n) of defaults and of the others (Kolmogorov–Smirnov)."""
    ones = float(np.sum(bad))
    zeros = len(bad) - ones
    if not ones or not zeros:
        return None
    order = np.argsort(score, kind="stable")
    ranked = score[order]
    gap = np.cumsum(bad[order]) / ones - np.cumsum(1 - bad[order]) / zeros
    last = np.append(ranked[1:] != ranked[:-1], True)
    return float(np.max(np.abs(gap[last])))


def reliability(p: Floats, *, bad: Floats, bins: int = 10) -> tuple[Bin, ...]:
    """What was promised and what came, in bins of about equal size, safest first."""
    order = np.argsort(p, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return tuple(Bin(len(k), float(p[k].mean()), float(bad[k].mean())) for k in parts)


def calibration_error(table: tuple[Bin, ...]) -> float:
    """The mean distance between promised and came over all cases."""
    n = sum(row.n for row in table)
    return sum(row.n * abs(row.promised - row.came) for row in table) / n


def by_groups(
    p: Floats, *, bad: Floats, groups: Mapping[str, NDArray[np.str_]], cutoff: float
) -> tuple[Group, ...]:
    """Judge probabilities (n) for each group of each grouping.

    Args:
        p: probabilities of default, shape (n).
        bad: 1 for a default, 0 for none, shape (n).
        groups: labels (n) by the name of the grouping; the model must not have seen them.
        cutoff: a case is granted below it.
    """
    found = []
    for by, labels in groups.items():
        names = [str(name) for name in np.unique(labels)]
        granted = {name: float(np.mean(p[labels == name] < cutoff)) for name in names}
        best = max(granted.values()) or 1.0
        for name in names:
            mine = labels == name
            measures = measure(p[mine], bad=bad[mine])
            gap = float(np.mean(p[mine]) - np.mean(bad[mine]))
            found.append(Group(by, name, measures, granted[name], granted[name] / best, gap))
    return tuple(found)
