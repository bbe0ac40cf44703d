"""An owner's table laid out for a hidden join: keys and columns in bins. NumPy alone."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from wuxin.joint.algorithms.keys import (
    Geometry,
    Ints,
    enlist,
    hashed,
    keys_at,
    place,
    values_at,
)  # fmt: skip


class Laid(NamedTuple):
    """A table in bins, and which of the owner's rows lies at each place (-1: none)."""

    table: dict[str, Any]
    at: Ints


def placed(
    identifiers: Sequence[str], columns: Mapping[str, Any], *, salt: bytes, bins: Geometry
) -> Laid:
    """Place rows, each in one bin.

    Args:
        identifiers: canonical and different, n of them.
        columns: arrays of length n.
        salt: of the contract.
        bins: agreed by both owners.

    Raises:
        BadInput: an identifier occurs twice, or the rows do not fit under this salt.
    """
    rows = hashed(identifiers, salt=salt, bins=bins)
    at = place(rows, bins)
    return Laid({**_table(columns, at), "key": keys_at(rows, at, noise=_noise())}, at)


def listed(
    identifiers: Sequence[str], columns: Mapping[str, Any], *, salt: bytes, bins: Geometry
) -> Laid:
    """List rows, each in both of its bins; as :func:`placed`."""
    rows = hashed(identifiers, salt=salt, bins=bins)
    at = enlist(rows, bins)
    return Laid({**_table(columns, at), "key": keys_at(rows, at, noise=_noise())}, at)


def salt_of(text: str) -> bytes:
    """A salt that all owners of a contract derive from the same words."""
    return hashlib.sha256(text.encode()).digest()


def _table(columns: Mapping[str, Any], at: Ints) -> dict[str, Any]:
    return {name: values_at(values, at) for name, values in columns.items()}


def _noise() -> np.random.Generator:
    return np.random.default_rng(secrets.randbits(128))
