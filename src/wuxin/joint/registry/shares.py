"""A key node's part of the key: made by the node itself, refreshed without changing a tag.

All three parts are needed (3 of 3). Two nodes together know nothing about the third part, so that
no two of them can compute a tag; and if one of them is down there is no tag for anybody, which is
what a bank's setting for an unreachable registry is about. A lost part is a lost registry: every
bank enters its book anew under a new key, unless the node kept a copy (:meth:`Part.sealed`).

Refresh: each node hands each other node a random number, adds what it gets and takes off what it
gave. The sum stays, and every part is new: a thief who gets one part a year must get all three
within one epoch (proactive sharing; Herzberg, Jarecki, Krawczyk and Yung, Crypto '95).
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from wuxin.joint.registry import group
from wuxin.joint.registry.group import Element, Scalar
from wuxin.terms.errors import BadInput, Tampered

_POSSESSION = b"Wuxin-pledge-registry-possession-v1"


class Part(msgspec.Struct, frozen=True):
    """A part of the key, and the epoch in which it is valid."""

    secret: bytes
    epoch: int = 0

    @property
    def public(self) -> Element:
        """The public part."""
        return group.base_times(Scalar(self.secret))

    def possession(self) -> list[bytes]:
        """A proof that whoever names this public part knows the secret one (Schnorr).

        Without it the last to name a part could choose it so that the sum is a key of its own.
        """
        nonce = group.fresh()
        commit = group.base_times(nonce)
        challenge = _possession(self.public, commit)
        answer = group.s_plus(nonce, group.s_times(challenge, Scalar(self.secret)))
        return [commit, answer]

    def sealed(self, recovery: bytes) -> bytes:
        """A copy that only the holder of a recovery key (X25519, 32 bytes) can open."""
        return SealedBox(PublicKey(recovery)).encrypt(msgspec.msgpack.encode(self))


def new() -> Part:
    """A part nobody else has."""
    return Part(group.fresh())


def opened(sealed: bytes, recovery: PrivateKey) -> Part:
    """A part from its sealed copy.

    Raises:
        BadInput: it is none, or sealed for another key.
    """
    try:
        return msgspec.msgpack.decode(SealedBox(recovery).decrypt(sealed), type=Part)
    except (CryptoError, msgspec.DecodeError) as wrong:
        raise BadInput(f"this is no copy of a part for that key: {wrong}") from None


def possesses(public: bytes, proof: list[bytes]) -> bool:
    """Whether a proof of possession holds for a public part."""
    commit, answer = group.element(proof[0]), group.scalar(proof[1])
    challenge = _possession(group.element(public), commit)
    right = group.plus(commit, group.times(challenge, Element(public)))
    return group.base_times(answer) == right


def _possession(public: Element, commit: Element) -> Scalar:
    return group.hash_to_scalar(public + commit, _POSSESSION)


class Handed(msgspec.Struct, frozen=True):
    """What a node gives in a refresh: to whom, by what public change, sealed for that node."""

    giver: str
    epoch: int
    public: Mapping[str, bytes]
    sealed: Mapping[str, bytes]


class Given(msgspec.Struct, frozen=True):
    """What the giver keeps until the refresh is over: what it gave to whom."""

    epoch: int
    numbers: Mapping[str, bytes]


def hand_out(me: str, others: Mapping[str, bytes], *, epoch: int) -> tuple[Given, Handed]:
    """Begin a refresh.

    Args:
        me: this node's name.
        others: the other nodes' keys for sealing (X25519, 32 bytes), by name.
        epoch: the one to come.
    """
    numbers = {name: bytes(group.fresh()) for name in others}
    handed = Handed(
        me, epoch,
        {name: bytes(group.base_times(Scalar(number))) for name, number in numbers.items()},
        {
            name: SealedBox(PublicKey(others[name])).encrypt(number)
            for name, number in numbers.items()
        },
    )  # fmt: skip
    return Given(epoch, numbers), handed


def refreshed(part: Part, given: Given, *, me: str, handed: list[Handed], key: PrivateKey) -> Part:
    """The part of the next epoch.

    Args:
        part: that of this epoch.
        given: what this node gave.
        me: its name.
        handed: what all other nodes gave.
        key: opens what is sealed for this node.

    Raises:
        Tampered: a node sealed another number than the one it showed.
        BadInput: not all are of the next epoch, or one is missing.
    """
    if {one.giver for one in handed} != set(given.numbers) or given.epoch != part.epoch + 1:
        raise BadInput(f"a refresh of {me} to epoch {part.epoch + 1} needs each other node once")
    secret = Scalar(part.secret)
    for one in handed:
        if one.epoch != given.epoch:
            raise BadInput(f"{one.giver} refreshes to epoch {one.epoch}, {me} to {given.epoch}")
        number = group.scalar(_unsealed(key, one, me=me))
        if group.base_times(number) != one.public[me]:
            raise Tampered(f"{one.giver} gave {me} another number than the one it showed")
        secret = group.s_minus(group.s_plus(secret, number), Scalar(given.numbers[one.giver]))
    return Part(bytes(secret), given.epoch)


def _unsealed(key: PrivateKey, one: Handed, *, me: str) -> bytes:
    try:
        return SealedBox(key).decrypt(one.sealed[me])
    except (CryptoError, KeyError) as wrong:
        raise Tampered(f"what {one.giver} gave {me} cannot be opened: {wrong!r}") from None


def moved(public: Mapping[str, bytes], handed: list[Handed]) -> dict[str, Element]:
    """The public parts after a refresh, which anybody can compute from what was shown."""
    after = {name: group.element(one) for name, one in public.items()}
    for one in handed:
        for name, change in one.public.items():
            after[name] = group.plus(after[name], group.element(change))
            after[one.giver] = group.minus(after[one.giver], group.element(change))
    return after


def plain(value: Any) -> dict[str, Any]:
    """A record of this module as plain values for a signed message."""
    return {name: getattr(value, name) for name in value.__struct_fields__}
