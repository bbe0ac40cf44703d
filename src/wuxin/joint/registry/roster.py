"""The roster: who keeps the registry, who may ask it, and the public key that stands for all tags.

Every member has the same roster and can compare its digest with the others' by telephone.
"""

import tomllib
from pathlib import Path
from typing import Final

import msgspec

from wuxin.joint.registry import group
from wuxin.joint.registry.shares import possesses
from wuxin.terms.errors import BadInput
from wuxin.terms.names import Digest, content_id

NODES: Final = 3
"""How many key nodes there are; all of them are needed."""


class Server(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key node or the registry: name, where it listens (host:port), Ed25519 key (hex)."""

    name: str
    address: str
    key: str

    @property
    def public(self) -> bytes:
        """The Ed25519 key."""
        return bytes.fromhex(self.key)


class Node(Server, frozen=True, forbid_unknown_fields=True):
    """A key node, with its first public part of the key and a proof that it has the secret one."""

    part: str
    possession: tuple[str, str]


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bank: name and Ed25519 key (hex)."""

    name: str
    key: str


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the members have agreed on.

    ``contact`` says whether whoever holds a number may be told whom to call; ``an_hour`` and
    ``burst`` are tags per bank and hour, and at once.
    """

    contact: bool = True
    an_hour: int = 1_000
    burst: int = 5_000


class Roster(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole roster.

    ``supervisor`` is the X25519 key (hex) for which holders are sealed: a regulator's, who alone
    can open the registry's table. ``issuers`` are credit codes by folded names.
    """

    registry: Server
    nodes: tuple[Node, ...]
    banks: tuple[Member, ...]
    supervisor: str
    policy: Policy = Policy()
    issuers: dict[str, str] = {}

    @property
    def public(self) -> group.Element:
        """The public key of the sum of all parts; a refresh of the parts does not change it."""
        return group.summed([group.element(bytes.fromhex(one.part)) for one in self.nodes])

    @property
    def members(self) -> dict[str, bytes]:
        """The banks' Ed25519 keys by name."""
        return {one.name: bytes.fromhex(one.key) for one in self.banks}

    @property
    def digest(self) -> Digest:
        """What members compare."""
        return content_id(msgspec.to_builtins(self))

    def node(self, name: str) -> Node:
        """A key node by name.

        Raises:
            BadInput: there is none of that name.
        """
        for one in self.nodes:
            if one.name == name:
                return one
        raise BadInput(f"the roster has no key node {name!r}")

    def checked(self) -> "Roster":
        """The roster itself, if it holds.

        Raises:
            BadInput: there are not three key nodes, two have one name, a key is none, or a node
                has not proved that it knows its part.
        """
        names = [self.registry.name, *(n.name for n in self.nodes), *(b.name for b in self.banks)]
        if len(self.nodes) != NODES or len({*names}) != len(names):
            raise BadInput(f"a roster has {NODES} key nodes, and every name in it once")
        for one in self.nodes:
            if not possesses(bytes.fromhex(one.part), [bytes.fromhex(x) for x in one.possession]):
                raise BadInput(f"key node {one.name} has not proved that it knows its part")
        return self


def read(path: Path) -> Roster:
    """The roster of a file (TOML).

    Raises:
        BadInput: it cannot be read or does not hold; the text says why.
    """
    try:
        text = path.read_text("utf-8")
        return msgspec.convert(tomllib.loads(text), Roster).checked()
    except (OSError, ValueError, msgspec.ValidationError) as wrong:
        raise BadInput(f"{path} is no roster: {wrong}") from None
