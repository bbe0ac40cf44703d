"""The verifiable oblivious function of RFC 9497 (mode 1), its key in additive parts.

    bank      B = r·H(x) ──────────► each node i   Z_i = k_i·B, and a proof that it is this k_i
    bank      N = (Z_1+Z_2+Z_3)/r    output = SHA-512(x, N)

The sum of the parts' answers is the answer of the sum of the parts, so that the output is that of
RFC 9497 for the key ``k = k_1+k_2+k_3``, which nobody has. Proofs are the RFC's own, one for each
node and batch, against that node's public part; the parts' sum is the public key that all banks
know.

Source: RFC 9497 §2.2 (proofs), §3.3.2 (VOPRF); the split is that of Naor, Pinkas and Reingold,
"Distributed pseudo-random functions and KDCs", Eurocrypt 1999, §4, for a sum of all parts.
"""

import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple

from wuxin.joint.registry import group
from wuxin.joint.registry.group import CONTEXT, Element, Scalar
from wuxin.terms.errors import Tampered

LONGEST: Final = 65_535
"""How many bytes an input may have, RFC 9497 §1.2."""

_SEED: Final = b"Seed-" + CONTEXT


class Blinded(NamedTuple):
    """An input, its blinding factor, which stays at home, and the element that goes out."""

    text: bytes
    factor: Scalar
    element: Element


class Proof(NamedTuple):
    """That one and the same key was used as behind a public key (RFC 9497 §2.2): 2 scalars."""

    challenge: bytes
    answer: bytes


def blind(text: bytes, factor: Scalar | None = None) -> Blinded:
    """Blind an input.

    Args:
        text: what the tag is wanted of.
        factor: the blinding factor; a fresh one unless a test vector has its own.
    """
    factor = factor or group.fresh()
    return Blinded(text, factor, group.times(factor, group.hash_to_element(text)))


def evaluate(key: Scalar, elements: Sequence[Element]) -> list[Element]:
    """What a key makes of blinded elements."""
    return [group.times(key, one) for one in elements]


def prove(
    key: Scalar, public: Element, *, asked: Sequence[Element], given: Sequence[Element],
    nonce: Scalar | None = None,
) -> Proof:  # fmt: skip
    """Prove that the answers were made with the key behind a public key.

    Args:
        key: the key.
        public: its public key.
        asked: the blinded elements, shape (n,).
        given: the answers to them, shape (n,).
        nonce: random, unless a test vector has its own.
    """
    nonce = nonce or group.fresh()
    mixed = group.summed(
        [
            group.times(w, c)
            for w, c in zip(_weights(public, asked, given=given), asked, strict=True)
        ]
    )
    result = group.times(key, mixed)
    commit = (group.base_times(nonce), group.times(nonce, mixed))
    challenge = _challenge(public, mixed, result=result, commit=commit)
    return Proof(challenge, group.s_minus(nonce, group.s_times(challenge, key)))


def verify(
    public: Element, proof: Proof, *, asked: Sequence[Element], given: Sequence[Element]
) -> bool:
    """Whether the answers were made with the key behind a public key.

    Args:
        public: the node's public key.
        proof: what the node says.
        asked: what was asked, shape (n,).
        given: what was answered, shape (n,), each an element.
    """
    if not asked or len(asked) != len(given):
        return False
    weights = _weights(public, asked, given=given)
    mixed = group.summed([group.times(w, c) for w, c in zip(weights, asked, strict=True)])
    result = group.summed([group.times(w, d) for w, d in zip(weights, given, strict=True)])
    challenge, answer = group.scalar(proof.challenge), group.scalar(proof.answer)
    commit = (
        group.plus(group.base_times(answer), group.times(challenge, public)),
        group.plus(group.times(answer, mixed), group.times(challenge, result)),
    )
    return _challenge(public, mixed, result=result, commit=commit) == challenge


def finalize(blinded: Blinded, parts: Sequence[Element]) -> bytes:
    """The output, 64 bytes, of an input and what the key nodes made of it.

    Raises:
        Tampered: the parts cancel out, which honest nodes bring about for no input.
    """
    total = group.summed([*parts])
    if total == group.IDENTITY:
        raise Tampered("the answers of the key nodes cancel out: one of them answered to that end")
    bare = group.times(group.inverse(blinded.factor), total)
    return hashlib.sha512(_part(blinded.text) + _part(bare) + b"Finalize").digest()


def _weights(
    public: Element, asked: Sequence[Element], *, given: Sequence[Element]
) -> list[Scalar]:
    """The weights of a batch, which hang on all that was asked and given (ComputeComposites)."""
    seed = _part(hashlib.sha512(_part(public) + _part(_SEED)).digest())
    return [
        group.hash_to_scalar(seed + n.to_bytes(2, "big") + _part(c) + _part(d) + b"Composite")
        for n, (c, d) in enumerate(zip(asked, given, strict=True))
    ]


def _challenge(
    public: Element, mixed: Element, *, result: Element, commit: tuple[Element, Element]
) -> Scalar:
    said = (public, mixed, result, *commit)
    return group.hash_to_scalar(b"".join(map(_part, said)) + b"Challenge")


def _part(data: bytes) -> bytes:
    """Bytes behind their length in two bytes."""
    return len(data).to_bytes(2, "big") + data
