"""Two owners' identifiers, laid out as a hidden join wants them."""

from typing import NamedTuple

import numpy as np

from wuxin.joint.algorithms import keys

SALT = b"a salt of the contract"


class Side(NamedTuple):
    """An owner's rows in bins: where they are, and their keys."""

    at: keys.Ints
    key: keys.Ints


def side(names: list[str], bins: keys.Geometry, *, places: bool, seed: int = 1) -> Side:
    """Place or list an owner's rows."""
    rows = keys.hashed(names, salt=SALT, bins=bins)
    at = keys.place(rows, bins) if places else keys.enlist(rows, bins)
    return Side(at, keys.keys_at(rows, at, noise=np.random.default_rng(seed)))


def overlapping(rows: int, common: int) -> tuple[keys.Geometry, list[str], list[str]]:
    """Identifiers of two owners; the last ``common`` rows of both are the same."""
    shared = [f"both-{each}" for each in range(common)]
    one, two = ([f"{who}-{each}" for each in range(rows - common)] + shared for who in "ab")
    return keys.geometry(rows, rows), one, two


def auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Area under the curve by ranks, ties in halves."""
    _, where, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[where]
    good = labels == 1
    above = ranks[good].sum() - good.sum() * (good.sum() + 1) / 2
    return float(above / (good.sum() * (~good).sum()))
