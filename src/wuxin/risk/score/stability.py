"""Whether the cases of today are still like those a score was made from: the stability index.

The index of two distributions over the same bins is Σ (now − then) · ln(now / then). Below 0.10
nothing has changed much, from 0.25 it has. These limits are the trade's rule of thumb and know
nothing of how many cases there are; for few cases chance alone passes them. So each index also has
the largest value that chance explains: with n and m cases in B bins it is distributed about as
(1/n + 1/m) · χ² with B − 1 degrees of freedom.

Sources: Siddiqi, Credit Risk Scorecards (Wiley, 2006), scorecard monitoring (limits and index);
Yurdakul and Naranjo, Statistical properties of the population stability index, Journal of Risk
Model Validation 14 (2020) (that the limits come without error rates, and the distribution).
"""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from wuxin.terms.records import Words

Floats = NDArray[np.float64]
Verdict = Literal["stable", "moved", "shifted"]

MOVED: Final = 0.10
SHIFTED: Final = 0.25
BINS: Final = 10
CONFIDENCE: Final = 0.999
"""So that a score of fifty features raises one false alarm in twenty reviews."""

_SAID: Final = {
    "stable": Words("{0}稳定（PSI {1:.3f}）", "{0} is stable (PSI {1:.3f})"),
    "moved": Words("{0}有变化（PSI {1:.3f}）", "{0} has moved (PSI {1:.3f})"),
    "shifted": Words("{0}明显偏移（PSI {1:.3f}）", "{0} has shifted (PSI {1:.3f})"),
}


class Baseline(msgspec.Struct, frozen=True):
    """How one column was distributed when the score was made.

    Bin k holds values above ``edges[k - 1]`` and up to ``edges[k]``; the last of ``counts`` are the
    missing ones.
    """

    name: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]


class Stability(msgspec.Struct, frozen=True):
    """The index of one column, with what chance explains; ``n`` cases are of today."""

    name: str
    index: float
    chance: float
    n: int

    @property
    def verdict(self) -> Verdict:
        """By the usual limits, but never more than stable within what chance explains."""
        if self.index < MOVED or self.index <= self.chance:
            return "stable"
        return "shifted" if self.index >= SHIFTED else "moved"

    def words(self, name: Words | None = None) -> Words:
        """The verdict as a sentence, of a column with this name."""
        said, of = _SAID[self.verdict], name or Words(self.name, self.name)
        return Words(said.zh.format(of.zh, self.index), said.en.format(of.en, self.index))


def baseline(name: str, values: Floats, *, levels: int = 0) -> Baseline:
    """Remember how a column is distributed.

    Args:
        name: the column's.
        values: shape (n), NaN where missing.
        levels: how many values without order it has (0, 1, 2 …); 0 where it is a number.
    """
    known = values[np.isfinite(values)]
    if levels:
        edges = np.arange(0.5, levels - 1, dtype=np.float64)
    elif len(known):
        cuts = np.quantile(known, np.arange(1, BINS) / BINS, method="lower")
        edges = np.unique(cuts).astype(np.float64)
    else:
        edges = np.empty(0)
    return Baseline(name, tuple(edges.tolist()), tuple(_counts(edges, values).tolist()))


def stability(then: Baseline, values: Floats) -> Stability:
    """Compare the values of today (n, NaN where missing) with the baseline."""
    before = np.array(then.counts, np.float64)
    after = _counts(np.array(then.edges), values).astype(np.float64)
    used = (before + after) > 0
    bins = int(np.count_nonzero(used))
    n, m = before.sum(), after.sum()
    if bins < 2 or not n or not m:
        return Stability(then.name, 0.0, 0.0, int(m))
    # Half a case in each bin keeps an empty one from an infinite index.
    p = (before[used] + 0.5) / (n + bins / 2)
    q = (after[used] + 0.5) / (m + bins / 2)
    chance = (1 / n + 1 / m) * float(chi2.ppf(CONFIDENCE, bins - 1))
    return Stability(then.name, float(np.sum((q - p) * np.log(q / p))), chance, int(m))


def watch(baselines: Sequence[Baseline], columns: Sequence[Floats]) -> tuple[Stability, ...]:
    """Compare every column of today with its baseline, the least stable first."""
    found = [stability(one, values) for one, values in zip(baselines, columns, strict=True)]
    return tuple(sorted(found, key=lambda each: -each.index))


def _counts(edges: Floats, values: Floats) -> NDArray[np.int64]:
    known = np.isfinite(values)
    where = np.where(known, np.searchsorted(edges, values, side="left"), len(edges) + 1)
    return np.bincount(where, minlength=len(edges) + 2).astype(np.int64)
