"""The computation contract (计算合约): what is computed on whose data, and who gets to see what.

It is one record, signed with Ed25519 (RFC 8032) by every party to it before anything starts. What
is signed is a line of text that names this format, and the record in deterministic CBOR (RFC 8949
§4.2.1). A node does what the contract says and refuses all else: see :mod:`wuxin.joint.refusals`.
"""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from wuxin.joint.listing import Opening
from wuxin.joint.program import Setting
from wuxin.joint.schema import Column
from wuxin.terms.durable import private_file
from wuxin.terms.errors import BadInput
from wuxin.terms.names import Digest, canonical, content_id

Role = Literal["data_owner", "algorithm_provider", "user", "node", "supervisor"]
"""Who brings data, who wrote the program, who asked for the result, who computes, who watches."""

Name = Annotated[str, msgspec.Meta(pattern="^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
"""A party's name: that of its certificate, a label of a host name (RFC 1123 §2.1)."""

Key = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Hash = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_PLAIN: Final = "^[^\\x00-\\x1f\\x7f-\\x9f\\u2028-\\u202e\\u2066-\\u2069]*$"
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=2000, pattern=_PLAIN)]
"""One line of text, without what would move the reader's cursor or turn the line round."""

_DOMAIN: Final = b"wuxin joint contract v1\n"


class Party(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A party to the contract.

    ``key`` is its Ed25519 public key. A node has two addresses ``host:port``: ``control``, where
    owners push and fetch, and ``link``, where the other nodes reach it.
    """

    name: Name
    roles: tuple[Role, ...]
    key: Key
    control: str = ""
    link: str = ""


class Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table that one party brings.

    ``data`` commits the owner to the table itself (SHA-256 with a salt that only it knows);
    ``parts`` commit it to the three additive parts its shares are made of, so that each node sees
    that it got what the contract says, and two nodes that they got the same. ``budget`` is the most
    epsilon that noisy results over this table may cost at a node in all contracts together, 0
    where its owner sets none; with one, results without noise are refused.
    """

    table: str
    party: Name
    columns: dict[str, Column]
    data: Hash
    parts: tuple[Hash, Hash, Hash]
    budget: Annotated[float, msgspec.Meta(ge=0)] = 0.0


class Allowed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An opening that the parties allow, and to whom."""

    opening: Opening
    to: tuple[Name, ...]


class Contract(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The record that all sign.

    Times are nanoseconds UTC; waits are seconds. ``nodes`` are three parties in the order of their
    ranks. ``program`` is ``module:function``, ``digest`` that of its compiled form.
    ``minimum_group`` is the smallest group of which a figure may be shown, 0 where the program
    shows none of groups; ``epsilon`` the privacy budget of its noisy results, 0 where it adds no
    noise. ``repeats`` names the contract that this one does again on other nodes.
    """

    version: Literal[1] = 1
    purpose: Words
    parties: tuple[Party, ...]
    nodes: tuple[Name, Name, Name]
    program: str
    settings: dict[str, Setting]
    digest: Hash
    inputs: tuple[Input, ...]
    openings: tuple[Allowed, ...]
    minimum_group: Annotated[int, msgspec.Meta(ge=0)] = 0
    epsilon: Annotated[float, msgspec.Meta(ge=0, le=100)] = 0.0
    not_before: int
    expires: int
    wait_s: Annotated[int, msgspec.Meta(ge=1, le=86400)] = 60
    run_s: Annotated[int, msgspec.Meta(ge=1, le=86400)] = 120
    repeats: str = ""

    @property
    def id(self) -> Digest:
        """What identifies the contract: the SHA-256 of its canonical bytes."""
        return content_id(msgspec.to_builtins(self))

    @property
    def signed_bytes(self) -> bytes:
        """What each party signs."""
        return _DOMAIN + canonical(msgspec.to_builtins(self))

    def party(self, name: str) -> Party:
        """A party by name.

        Raises:
            BadInput: it is not one.
        """
        for each in self.parties:
            if each.name == name:
                return each
        raise BadInput(f"{name} is no party to the contract {self.id[:12]}")

    def input(self, table: str) -> Input:
        """A table by name.

        Raises:
            BadInput: the contract has none of that name.
        """
        for each in self.inputs:
            if each.table == table:
                return each
        raise BadInput(f"the contract {self.id[:12]} has no table {table!r}")

    @property
    def schema(self) -> dict[str, dict[str, Column]]:
        """The columns of every table."""
        return {each.table: dict(each.columns) for each in self.inputs}

    @property
    def bound(self) -> dict[str, Setting]:
        """The program's settings, with the terms that the contract itself sets."""
        terms: dict[str, Setting] = {}
        if self.minimum_group:
            terms["minimum_group"] = self.minimum_group
        if self.epsilon:
            terms["epsilon"] = self.epsilon
        return {**self.settings, **terms}


class Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A contract with the signatures it has so far: base64 by the name of the party."""

    contract: Contract
    signatures: dict[str, str] = {}

    def sign(self, name: str, key: Ed25519PrivateKey) -> "Signed":
        """The same with one signature more.

        Raises:
            BadInput: ``name`` is no party, or the key is not the one the contract has for it.
        """
        if self.contract.party(name).key != public(key):
            raise BadInput(f"the contract has another key for {name} than the one to sign with")
        made = base64.b64encode(key.sign(self.contract.signed_bytes)).decode()
        return Signed(self.contract, {**self.signatures, name: made})

    def holds(self, name: str) -> bool:
        """Whether this party has signed, with the key that the contract has for it."""
        try:
            signature = base64.b64decode(self.signatures.get(name, ""), validate=True)
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.contract.party(name).key))
            key.verify(signature, self.contract.signed_bytes)
        except (InvalidSignature, ValueError):
            return False
        return True

    @property
    def json(self) -> bytes:
        """The file in which a contract travels."""
        return msgspec.json.format(msgspec.json.encode(self, order="sorted"), indent=2)


def read(data: bytes, *, name: str = "the contract") -> Signed:
    """Read a contract's file.

    Raises:
        BadInput: it is not one; the sentence says where.
    """
    try:
        return msgspec.json.decode(data, type=Signed)
    except (msgspec.MsgspecError, UnicodeDecodeError) as wrong:
        raise BadInput(f"{name} is not a computation contract: {wrong}") from None


def plain(record: Any) -> Any:
    """A record as plain values, for evidence and for messages."""
    return msgspec.to_builtins(record)


def from_plain(record: Mapping[str, Any]) -> Signed:
    """A contract from plain values.

    Raises:
        BadInput: they are not one.
    """
    try:
        return msgspec.convert(record, Signed)
    except msgspec.MsgspecError as wrong:
        raise BadInput(f"this is not a computation contract: {wrong}") from None


def public(key: Ed25519PrivateKey) -> str:
    """The public key in hexadecimal."""
    return key.public_key().public_bytes_raw().hex()


def key_in(path: Path) -> Ed25519PrivateKey:
    """A party's signing key, 32 bytes that only it may read; the first time, make it.

    Raises:
        BadInput: others may read the file, or it holds no key.
    """
    data = private_file(path, lambda: Ed25519PrivateKey.generate().private_bytes_raw())
    if len(data) != 32:
        raise BadInput(f"{path} holds no Ed25519 key of 32 bytes")
    return Ed25519PrivateKey.from_private_bytes(data)
