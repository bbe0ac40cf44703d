"""Which cases a model is judged on, so that it has not seen them, their like or their future."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.errors import BadInput

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


def shared_out(
    bad: Floats, folds: int, *, seed: int, groups: NDArray[np.generic] | None = None
) -> Numbers:
    """Give every case a fold, as many defaults in each as can be, a group whole in one of them.

    Args:
        bad: 1 for a default, 0 for none, shape (n).
        folds: how many.
        seed: of the shuffle.
        groups: labels of what belongs together (n): a borrower, or rows that are equal.

    Returns:
        The fold of each case, 0 to folds - 1, shape (n).

    Raises:
        BadInput: there are fewer defaults, or fewer others, than folds.
    """
    ones = int(np.sum(bad))
    if folds < 2 or min(ones, len(bad) - ones) < folds:
        raise BadInput(f"{ones} defaults among {len(bad)} cases do not fill {folds} folds.")
    _, group = np.unique(np.arange(len(bad)) if groups is None else groups, return_inverse=True)
    size = np.bincount(group)
    share = np.bincount(group, weights=bad) / size
    shuffled = np.random.default_rng(seed).permutation(len(size))
    order = shuffled[np.argsort(share[shuffled], kind="stable")]
    if groups is None:
        fold = np.empty(len(size), np.int64)
        fold[order] = np.arange(len(size)) % folds
        return fold[group]
    fold, load = np.empty(len(size), np.int64), np.zeros((folds, 2))
    weight = np.stack([size, share * size], axis=1) / [len(bad), max(ones, 1)]
    for one in order[np.argsort(-size[order], kind="stable")]:
        fold[one] = np.argmin(np.max(load + weight[one], axis=1))
        load[fold[one]] += weight[one]
    return fold[group]


def onwards(times: NDArray[np.int64], parts: int) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield what is known and what comes next: train on the past, judge on the part after it.

    Args:
        times: when each case was decided (n), in any unit. Equal times are never parted.
        parts: how many stretches there are to judge; the first one only trains.
    """
    edges = np.quantile(times, np.arange(1, parts + 2) / (parts + 1), method="higher")
    for low, high in pairwise(edges):
        past, ahead = np.flatnonzero(times <= low), np.flatnonzero((times > low) & (times <= high))
        if len(past) and len(ahead):
            yield past, ahead
