"""Signed requests and answers: who says what to whom and when, once.

    request  CBOR [body, signature]   body = {from, to, do, at, nonce, said}
    answer   CBOR [body, signature]   body = {from, re, at, said} or {from, re, at, refused}

``to`` keeps a request from being handed on to another server, ``at`` and ``nonce`` keep it from
being sent again. ``re`` is the digest of the request, so that an answer that is wrong is proof of
that against whoever signed it.

Signatures are Ed25519 (RFC 8032) over deterministic CBOR (RFC 8949 §4.2.1).
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, Final, NamedTuple

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from nacl.bindings import (
    crypto_sign_ed25519_pk_to_curve25519,
    crypto_sign_ed25519_sk_to_curve25519,
)
from nacl.public import PrivateKey

from wuxin.terms.clock import SECOND
from wuxin.terms.errors import BadInput, Conflict, Forbidden, Refused, Tampered
from wuxin.terms.names import Digest, canonical, digest

SKEW: Final = 120 * SECOND
"""How far a sender's clock may be off (ns), and how long a nonce is remembered after that."""

LARGEST: Final = 1 << 20
"""The most bytes of a request: ten thousand elements are a third of that."""

_REQUEST: Final = b"wuxin-registry-request-v1\0"
_ANSWER: Final = b"wuxin-registry-answer-v1\0"


class Message(NamedTuple):
    """A request as it was checked: from whom, what is to be done, and its digest."""

    sender: str
    do: str
    said: Any
    id: Digest


class Signer:
    """One member's name and Ed25519 key.

    Args:
        name: as the roster has it.
        seed: the private key's 32 bytes.
    """

    def __init__(self, name: str, seed: bytes) -> None:
        self.name, self._seed = name, seed
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw()

    @classmethod
    def of_file(cls, name: str, path: Path) -> "Signer":
        """The key in a file of 64 hexadecimal digits.

        Raises:
            BadInput: the file is not there or not of that form.
        """
        try:
            return cls(name, bytes.fromhex(path.read_text("ascii").strip()))
        except (OSError, ValueError) as wrong:
            raise BadInput(f"{path} is no key of {name}: {wrong}") from None

    @property
    def opener(self) -> PrivateKey:
        """The X25519 key that opens what is sealed for this member."""
        pair = self._seed + self.public
        return PrivateKey(crypto_sign_ed25519_sk_to_curve25519(pair))

    def request(self, to: str, do: str, *, said: Any, at: int, nonce: bytes) -> bytes:
        """A signed request.

        Args:
            to: the server's name.
            do: what is to be done.
            said: plain values.
            at: the sender's clock, ns.
            nonce: 16 random bytes.
        """
        table = {"from": self.name, "to": to, "do": do, "at": at, "nonce": nonce, "said": said}
        return self._signed(canonical(table), _REQUEST)

    def answer(self, request: bytes, said: Any, *, at: int) -> bytes:
        """A signed answer to the bytes of a request."""
        table = {"from": self.name, "re": digest(request), "at": at, "said": said}
        return self._signed(canonical(table), _ANSWER)

    def refusal(self, request: bytes, wrong: Refused, *, at: int) -> bytes:
        """A signed refusal: the error's name and its sentence."""
        table = {
            "from": self.name, "re": digest(request), "at": at,
            "refused": [type(wrong).__name__, str(wrong)],
        }  # fmt: skip
        return self._signed(canonical(table), _ANSWER)

    def _signed(self, body: bytes, purpose: bytes) -> bytes:
        return canonical([body, self._key.sign(purpose + body)])


def sealing_key(public: bytes) -> bytes:
    """The X25519 key to seal for a member by its Ed25519 key."""
    return bytes(crypto_sign_ed25519_pk_to_curve25519(public))


class Desk:
    """Takes requests in: from members, for this server, now, and each once.

    Args:
        name: the server's.
        members: Ed25519 public keys by name.
    """

    def __init__(self, name: str, members: Mapping[str, bytes]) -> None:
        self.name = name
        self._keys = {n: Ed25519PublicKey.from_public_bytes(k) for n, k in members.items()}
        self._seen: dict[tuple[str, bytes], int] = {}

    def open(self, data: bytes, now: int) -> Message:
        """Check a request.

        Args:
            data: its bytes.
            now: the server's clock, ns.

        Raises:
            BadInput: it has no such form, is for another server, or is too old or too early.
            Forbidden: the sender is no member, or the signature is not the sender's.
            Conflict: it was sent before.
        """
        if len(data) > LARGEST:
            raise BadInput(f"a request has at most {LARGEST} bytes, this one {len(data)}")
        table, body, signature = _parted(data, {"from", "to", "do", "at", "nonce", "said"})
        sender, at, nonce = table["from"], table["at"], table["nonce"]
        key = self._keys.get(sender) if isinstance(sender, str) else None
        if key is None:
            raise Forbidden(f"{sender!r} is no member of this registry")
        _verified(key, signature, data=_REQUEST + body, who=sender)
        if table["to"] != self.name:
            raise BadInput(f"the request is for {table['to']!r}, this is {self.name}")
        if not isinstance(at, int) or abs(now - at) > SKEW:
            raise BadInput(f"the request of {sender} is dated {at}, here it is {now} (ns)")
        if not isinstance(nonce, bytes) or (sender, nonce) in self._seen:
            raise Conflict(f"{sender} has sent this request before")
        self._forget(now)
        self._seen[sender, nonce] = at
        return Message(sender, str(table["do"]), table["said"], digest(data))

    def _forget(self, now: int) -> None:
        while self._seen and next(iter(self._seen.values())) < now - 2 * SKEW:
            del self._seen[next(iter(self._seen))]


def read_answer(data: bytes, request: bytes, *, by: str, key: bytes) -> Any:
    """What a server says to a request.

    Args:
        data: the answer's bytes.
        request: the bytes of what was asked.
        by: the server's name.
        key: its Ed25519 public key.

    Raises:
        Tampered: it is not the server's answer to this request.
        Refused: the server refuses, with its own sentence.
    """
    try:
        table, body, signature = _parted(data, {"from", "re", "at"}, more={"said", "refused"})
        _verified(Ed25519PublicKey.from_public_bytes(key), signature, data=_ANSWER + body, who=by)
    except Refused as wrong:
        raise Tampered(f"this is no answer of {by}: {wrong}") from None
    if table["from"] != by or table["re"] != digest(request):
        raise Tampered(f"this is an answer of {table['from']} to another request, not of {by}")
    if "refused" in table:
        kind, text = table["refused"]
        known = {one.__name__: one for one in (BadInput, Forbidden, Conflict)}
        raise known.get(kind, BadInput)(f"{by}: {text}")
    return table["said"]


def _parted(
    data: bytes,
    names: AbstractSet[str],
    *,
    more: AbstractSet[str] = frozenset(),
) -> tuple[dict[str, Any], bytes, bytes]:
    """The table, its bytes and the signature of a message."""
    try:
        body, signature = cbor2.loads(data)
        table = cbor2.loads(body)
    except (cbor2.CBORDecodeError, ValueError, TypeError) as wrong:
        raise BadInput(f"this is no message of the registry: {wrong}") from None
    if not isinstance(table, dict) or not isinstance(signature, bytes):
        raise BadInput("this is no message of the registry")
    if names - set(table) or set(table) - names - more:
        raise BadInput(f"a message of the registry has {sorted(names)}, this one {[*table]}")
    return table, body, signature


def _verified(key: Ed25519PublicKey, signature: bytes, *, data: bytes, who: str) -> None:
    try:
        key.verify(signature, data)
    except InvalidSignature:
        raise Forbidden(f"the signature is not that of {who}") from None
