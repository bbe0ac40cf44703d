"""The keys of a bank's whole book for the nightly hidden check over all banks.

The check itself is of :mod:`wuxin.joint.algorithms`; it compares whole numbers on secret shares and
gives each bank flags for its own rows alone. The numbers are hashes under a secret that the banks
share and the compute nodes do not have, so that even a node that saw one could not guess behind it.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wuxin.joint.registry.numbers import keys, lot
from wuxin.joint.registry.place import shifted
from wuxin.terms.pledging import Claim

BITS: Final = 62
"""Widest number that stays positive, with room for a row's mark, in a ring of 64 bits."""


def hidden_keys(
    claims: Iterable[Claim], secret: bytes, *, bits: int = BITS,
    issuers: Mapping[str, str] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """The keys of claims, and the claim that each is of.

    Args:
        claims: a bank's book.
        secret: what the banks share for this run, at least 16 bytes, and no node has.
        bits: how many bits a key has; n keys in all meet by chance with a probability of about
            n² / 2**(bits + 1).
        issuers: see :func:`wuxin.joint.registry.numbers.keys`.

    Returns:
        Keys, shape (n,), below ``2**bits``, and indices into the claims, shape (n,). Place and
        weight give eight keys a claim, of which near lots share at least one.
    """
    found: list[tuple[int, int]] = []
    for row, claim in enumerate(claims):
        texts = [key.text for key in keys(claim, issuers).own if key.exact]
        place = lot(claim)
        if place is not None:
            texts += shifted(place)
        found += [(number(text, secret, bits=bits), row) for text in texts]
    table = np.array(found, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def number(text: str, secret: bytes, *, bits: int = BITS) -> int:
    """A key as a number below ``2**bits``: HMAC-SHA-256, cut."""
    wide = hmac.digest(secret, text.encode(), hashlib.sha256)
    return int.from_bytes(wide[:8], "big") >> (64 - bits)
