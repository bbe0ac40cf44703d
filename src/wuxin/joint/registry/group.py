"""The group ristretto255 (RFC 9496) on libsodium, with the hashes of RFC 9497 §4.1.

PyNaCl binds no ristretto255, and its Ed25519 pays a check of the subgroup that costs as much as the
multiplication (67 µs against 38 µs here); rbcl binds libsodium's ristretto255 itself.
"""

import hashlib
from functools import lru_cache
from typing import Final, NewType

import rbcl as sodium

from wuxin.terms.errors import BadInput

Element = NewType("Element", bytes)
"""An element in its one encoding of 32 bytes."""

Scalar = NewType("Scalar", bytes)
"""A number below the group's order, 32 bytes, least significant first."""

ORDER: Final = 2**252 + 27742317777372353535851937790883648493
"""The order of the group, RFC 9496 §4.4."""

IDENTITY: Final = bytes(32)
CONTEXT: Final = b"OPRFV1-\x01-ristretto255-SHA512"
"""Mode VOPRF (1) of RFC 9497 §3.1 with the suite of §4.1."""

_BLOCK: Final = 128
_WIDE: Final = 64


def element(data: bytes) -> Element:
    """Take bytes of a stranger as an element.

    Raises:
        BadInput: they are no canonical encoding of an element, or that of the identity, which
            RFC 9497 §3.3 says to refuse.
    """
    if (
        len(data) != 32
        or data == IDENTITY
        or not sodium.crypto_core_ristretto255_is_valid_point(data)
    ):
        raise BadInput(f"{data[:33].hex()} is no element of ristretto255 but the identity")
    return Element(data)


def scalar(data: bytes) -> Scalar:
    """Take bytes of a stranger as a scalar.

    Raises:
        BadInput: they are no number from 1 up to the order.
    """
    if len(data) != 32 or not 0 < int.from_bytes(data, "little") < ORDER:
        raise BadInput("these bytes are no scalar of ristretto255")
    return Scalar(data)


def fresh() -> Scalar:
    """A random scalar that is not zero."""
    return Scalar(sodium.crypto_core_ristretto255_scalar_random())


def times(factor: Scalar, base: Element) -> Element:
    """An element times a scalar, in constant time."""
    return Element(sodium.crypto_scalarmult_ristretto255(factor, base))


def base_times(factor: Scalar) -> Element:
    """The group's generator times a scalar."""
    return Element(sodium.crypto_scalarmult_ristretto255_base(factor))


def plus(one: Element, other: Element) -> Element:
    """The sum of two elements."""
    return Element(sodium.crypto_core_ristretto255_add(one, other))


def minus(one: Element, other: Element) -> Element:
    """One element less another."""
    return Element(sodium.crypto_core_ristretto255_sub(one, other))


def summed(elements: list[Element]) -> Element:
    """The sum of one or more elements."""
    total = elements[0]
    for one in elements[1:]:
        total = plus(total, one)
    return total


def s_plus(one: Scalar, other: Scalar) -> Scalar:
    """The sum of two scalars."""
    return Scalar(sodium.crypto_core_ristretto255_scalar_add(one, other))


def s_minus(one: Scalar, other: Scalar) -> Scalar:
    """One scalar less another."""
    return Scalar(sodium.crypto_core_ristretto255_scalar_sub(one, other))


def s_times(one: Scalar, other: Scalar) -> Scalar:
    """The product of two scalars."""
    return Scalar(sodium.crypto_core_ristretto255_scalar_mul(one, other))


def inverse(one: Scalar) -> Scalar:
    """The scalar that gives one when multiplied with this one."""
    return Scalar(sodium.crypto_core_ristretto255_scalar_invert(one))


def hash_to_element(text: bytes) -> Element:
    """An element nobody knows the logarithm of (HashToGroup, RFC 9497 §4.1)."""
    wide = expand(text, b"HashToGroup-" + CONTEXT)
    return Element(sodium.crypto_core_ristretto255_from_hash(wide))


def hash_to_scalar(text: bytes, separator: bytes = b"HashToScalar-" + CONTEXT) -> Scalar:
    """A scalar from a transcript (HashToScalar, RFC 9497 §4.1)."""
    return Scalar(sodium.crypto_core_ristretto255_scalar_reduce(expand(text, separator)))


def expand(text: bytes, separator: bytes) -> bytes:
    """64 uniform bytes of a text (expand_message_xmd with SHA-512, RFC 9380 §5.3.1).

    Raises:
        BadInput: the separator is longer than 255 bytes.
    """
    head, tail = _frame(separator)
    first = head.copy()
    first.update(text + tail)
    return hashlib.sha512(first.digest() + b"\x01" + tail[3:]).digest()


@lru_cache(maxsize=16)
def _frame(separator: bytes) -> tuple["hashlib._Hash", bytes]:
    """SHA-512 after the block of zeros, and what follows the text."""
    if len(separator) > 255:
        raise BadInput("a domain separator has at most 255 bytes")
    tail = _WIDE.to_bytes(2, "big") + b"\x00" + separator + bytes([len(separator)])
    return hashlib.sha512(bytes(_BLOCK)), tail
