"""Rounds with a carried reader: which tags are there, how many were missed, which were relocated.

To a reader that walks past, every tag comes and goes; only its neighbours tell where it is. Two
rounds may take different ways: tags that are near one another are read at the same times in both.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.packs.logistics.figures import Floats
from wuxin.packs.logistics.rfid import Reads
from wuxin.terms.clock import SECOND

SAME: Final = 0.55
"""Share of company kept below which a tag was relocated (chosen on every second of Detego's)."""

NEIGHBOURS: Final = 5
FEWEST: Final = 5
"""Reads in a round below which nothing is said of a tag's place."""

_BIN: Final = SECOND // 2
_KERNEL: Final = np.exp(-0.5 * (np.arange(-4, 5) / 1.2) ** 2)
_LEVEL: Final = -60.0


class Stock(NamedTuple):
    """A stock count: tags seen, expected but missing, seen but strange; how many there may be."""

    seen: frozenset[str]
    missing: frozenset[str]
    strange: frozenset[str]
    estimate: float


def count_stock(
    rounds: Sequence[AbstractSet[str]], *, expected: AbstractSet[str] | None = None
) -> Stock:
    """Count the tags of several rounds over the same goods.

    Args:
        rounds: the tags that each round read.
        expected: the tags that the documents name; None: nothing is missing or strange.

    Returns:
        What was seen in any round, against what is expected, and an estimate of how many tags there
        are, from those that only one or two rounds read. With one round it is what was seen.

    Source: Chao, Biometrics 43 (1987) 783, the bias-corrected estimator for incidence data.
    """
    often = Counter(tag for one in rounds for tag in one)
    seen, m = frozenset(often), len(rounds)
    once, twice = (sum(n == k for n in often.values()) for k in (1, 2))
    more = (m - 1) / m * once * (once - 1) / (2 * (twice + 1)) if m else 0.0
    due = seen if expected is None else frozenset(expected)
    return Stock(seen, due - seen, seen - due, len(seen) + more)


def relocated(before: Mapping[str, Reads], after: Mapping[str, Reads]) -> dict[str, float]:
    """Which company each tag still keeps: the share of its closeness that both rounds agree on.

    Args:
        before: one round's reads by tag; the reader is carried past all of them.
        after: another round's; the way may differ.

    Returns:
        For each tag that both rounds read often enough: 1 where its neighbours are the same, 0
        where they are others. Below :data:`SAME` it was relocated, or its tag was put on something
        else.

    Source: relative place from time differences of reads: Hasler, Wölbitsch, Goller and Walk, IEEE
    RFID 2019; the comparison of two rounds is this project's own.
    """
    names = [
        tag for tag in before
        if tag in after and min(len(before[tag].t), len(after[tag].t)) >= FEWEST
    ]  # fmt: skip
    if len(names) <= NEIGHBOURS:
        return {}
    first, second = (_closeness([told[n] for n in names]) for told in (before, after))
    kept = {}
    for row, name in enumerate(names):
        a, b = first[row], second[row]
        near_a, near_b = (np.argsort(-x, kind="stable")[:NEIGHBOURS] for x in (a, b))
        shares = (_share(a, near_b, own=near_a), _share(b, near_a, own=near_b))
        kept[name] = float(np.mean(shares))
    return kept


def _share(close: Floats, others: NDArray[np.int64], *, own: NDArray[np.int64]) -> float:
    return float(close[others].sum() / max(float(close[own].sum()), 1e-9))


def _closeness(tags: Sequence[Reads]) -> Floats:
    """How much of the time two tags are read together (k, k): cosines of their levels in time."""
    start = min(int(one.t.min()) for one in tags)
    length = (max(int(one.t.max()) for one in tags) - start) // _BIN + 1
    level = np.zeros((len(tags), int(length)))
    for row, one in enumerate(tags):
        loud = np.where(np.isfinite(one.rssi), one.rssi, _LEVEL)
        np.add.at(level[row], (one.t - start) // _BIN, 10 ** ((loud - _LEVEL) / 20))
    wide = max(length, len(_KERNEL))
    smooth = np.array([np.convolve(row, _KERNEL, "same")[:wide] for row in level])
    smooth /= np.maximum(np.linalg.norm(smooth, axis=1, keepdims=True), 1e-12)
    close: Floats = smooth @ smooth.T
    np.fill_diagonal(close, 0.0)
    return close
