"""Keys put into bins by their owners, so that a hidden join compares a row with a few others only.

Every owner hashes its identifiers with the salt of the contract to a key and two bins. One side of
a comparison *places* each row in one of its two bins (cuckoo hashing, two places a bin), the other
*lists* each row in both of its bins. A match then meets in exactly one bin, whatever place was
chosen, and rows of different bins need not be compared. How full a bin is stays hidden: empty
places hold random keys. NumPy alone: this is what an owner runs.

Source: Pagh and Rodler, Cuckoo hashing, J. Algorithms 51 (2004); bins of two, Dietzfelbinger and
Weidling, Theoretical Computer Science 380 (2007); one side placed and one listed, Pinkas,
Schneider, Segev and Zohner, Phasing, USENIX Security 2015.
"""

import hashlib
from collections.abc import Sequence
from math import ceil, exp, lgamma, log
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from wuxin.terms.errors import BadInput

Ints = npt.NDArray[np.int64]

PLACES: Final = 2
"""Rows that may be placed in one bin."""

FULL: Final = 0.8
"""Share of the places that is used; two choices of bins of two hold up to 0.897 (the source)."""

GROUP: Final = 4
"""Listed keys compared at once, see :func:`wuxin.joint.algorithms.join.members`."""

OVERFLOW: Final = 1e-6
"""Chance that some bin has more rows than can be listed; the owner then asks for another salt."""

KICKS: Final = 500
"""Rows moved for one that is being placed before the salt is given up."""

EMPTY: Final = -1


class Geometry(msgspec.Struct, frozen=True):
    """How many bins there are and how many rows one bin lists; the same for all owners of a job."""

    bins: int
    listed: int

    @property
    def places(self) -> int:
        """Rows of the placed side, with the empty ones."""
        return self.bins * PLACES


class Hashed(NamedTuple):
    """Rows by key: ``key`` 62 bits, shape (n,); ``bins`` the two bins of each, shape (n, 2)."""

    key: Ints
    bins: Ints


def geometry(placed: int, listed: int) -> Geometry:
    """Return the bins for so many rows at most on either side; part of the contract.

    Args:
        placed: rows of the largest owner that places, at least 1.
        listed: rows of the largest owner that lists, at least 1.

    Returns:
        Bins for ``placed`` rows, each listing so many that a bin overflows with a chance of at
        most :data:`OVERFLOW`.

    Source: Poisson bound on the fullest bin.
    """
    if min(placed, listed) < 1:
        raise BadInput(f"a join has rows on both sides, not {placed} and {listed}")
    bins = ceil(placed / (PLACES * FULL)) + 16  # few rows collide more easily
    mean = 2 * listed / bins
    limit = max(GROUP, ceil(mean))
    while bins * _beyond(mean, limit) > OVERFLOW:
        limit += 1
    return Geometry(bins, ceil(limit / GROUP) * GROUP)


def hashed(identifiers: Sequence[str], *, salt: bytes, bins: Geometry) -> Hashed:
    """Hash identifiers to keys and bins.

    Args:
        identifiers: already in their canonical form, all different, n of them.
        salt: of the contract, the same for all owners, 8 to 64 bytes.
        bins: the geometry of the job.

    Returns:
        Keys of 62 bits. Two different identifiers of n share a key with a chance of n²/2^63.

    Raises:
        BadInput: the salt is too short or long, or an identifier occurs twice.
    """
    if not 8 <= len(salt) <= 64:
        raise BadInput(f"a salt has 8 to 64 bytes, not {len(salt)}")
    digests = b"".join(
        hashlib.blake2b(each.encode(), digest_size=16, key=salt, person=b"wuxin-join").digest()
        for each in identifiers
    )
    words = np.frombuffer(digests, "<u8").reshape(-1, 2)
    key = (words[:, 0] >> np.uint64(2)).astype(np.int64)
    if len(np.unique(key)) < len(key):
        order = np.argsort(key, kind="stable")
        twice = order[1:][key[order][1:] == key[order][:-1]]
        raise BadInput(f"identifier {identifiers[int(twice.min())]!r} occurs twice; keep one row")
    halves = np.stack([words[:, 1] >> np.uint64(32), words[:, 1] & np.uint64(0xFFFFFFFF)], axis=1)
    return Hashed(key, ((halves * np.uint64(bins.bins)) >> np.uint64(32)).astype(np.int64))


def place(rows: Hashed, bins: Geometry) -> Ints:
    """Place each row in one of its two bins.

    Args:
        rows: of :func:`hashed`.
        bins: the geometry of the job.

    Returns:
        The row at each place, shape (2, bins); -1 where it is empty. The same for the same rows.

    Raises:
        BadInput: there are too many rows, or these rows do not fit under this salt.
    """
    if len(rows.key) > bins.places:
        raise BadInput(f"{len(rows.key)} rows are placed in {bins.places}; agree on more bins")
    table = [[EMPTY] * PLACES for _ in range(bins.bins)]
    choices = rows.bins.tolist()
    seed = int(rows.key.sum() & 0x7FFFFFFF)  # any walk will do; a fixed one can be repeated
    walk = np.random.default_rng(seed).integers(0, 2, (KICKS, 2)).tolist()
    for row in range(len(choices)):
        moving = row
        for which, side in walk:
            free = next((at for at in choices[moving] if EMPTY in table[at]), None)
            if free is not None:
                table[free][table[free].index(EMPTY)] = moving
                break
            full = table[choices[moving][which]]
            full[side], moving = moving, full[side]
        else:
            raise BadInput(f"{len(choices)} rows found no place under this salt; take another one")
    return np.ascontiguousarray(np.array(table, np.int64).T)


def enlist(rows: Hashed, bins: Geometry) -> Ints:
    """List each row in both of its bins (once where they are the same).

    Args:
        rows: of :func:`hashed`.
        bins: the geometry of the job.

    Returns:
        The row at each place, shape (listed, bins); -1 where it is empty.

    Raises:
        BadInput: a bin has more rows than it lists.
    """
    row = np.repeat(np.arange(len(rows.key)), 2)
    both = np.repeat(rows.bins[:, 0] != rows.bins[:, 1], 2)
    both[::2] = True
    row, where = row[both], rows.bins.reshape(-1)[both]
    order = np.argsort(where, kind="stable")
    row, where = row[order], where[order]
    nth = np.arange(len(where)) - np.searchsorted(where, where)
    if len(nth) and nth.max() >= bins.listed:
        raise BadInput(f"a bin has {nth.max() + 1} rows and lists {bins.listed}; take another salt")
    table = np.full((bins.listed, bins.bins), EMPTY, np.int64)
    table[nth, where] = row
    return table


def keys_at(rows: Hashed, at: Ints, *, noise: np.random.Generator) -> Ints:
    """Return the keys at their places; empty ones hold random keys, which match nothing.

    Args:
        rows: of :func:`hashed`.
        at: of :func:`place` or :func:`enlist`.
        noise: seeded by its owner from the system's entropy; never from anything in a contract.

    Returns:
        Keys of 62 bits, the shape of ``at``.
    """
    empty = noise.integers(0, 1 << 62, at.shape, dtype=np.int64)
    return np.where(at == EMPTY, empty, rows.key[at] if len(rows.key) else empty)


def values_at(values: npt.ArrayLike, at: Ints) -> npt.NDArray[Any]:
    """Return the values of rows at their places; zero where a place is empty.

    Args:
        values: one column, shape (n,).
        at: of :func:`place` or :func:`enlist`.

    Returns:
        The shape of ``at``.
    """
    array = np.asarray(values)
    return np.where(at == EMPTY, array.dtype.type(0), array[at])


def rows_from(found: npt.ArrayLike, at: Ints, *, rows: int) -> npt.NDArray[Any]:
    """Return what was found at the places in the order of the owner's rows.

    Args:
        found: one value per place, the shape of ``at`` or flat.
        at: of :func:`place`.
        rows: how many there are.

    Returns:
        Shape (rows,).
    """
    array = np.asarray(found).reshape(-1)
    ordered = np.zeros(rows, array.dtype)
    there = at.reshape(-1)
    ordered[there[there != EMPTY]] = array[there != EMPTY]
    return ordered


def _beyond(mean: float, limit: int) -> float:
    """Chance that a Poisson number of this mean is greater than a limit above the mean."""
    first = exp(-mean + (limit + 1) * log(mean) - lgamma(limit + 2))
    return first / (1 - mean / (limit + 2))
