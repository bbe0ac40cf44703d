"""The processes: a key node or the registry behind mTLS, from a folder of its own.

FOLDER/server.toml   name, role (key-node | registry), address
FOLDER/roster.toml   the members
FOLDER/signing.key   Ed25519, hex;  certificate.pem, key.pem, authority.pem
FOLDER/part          a key node's part of the key
"""

import threading
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from wuxin.joint.channel import Papers, Server
from wuxin.joint.registry.key_node import KeyNode
from wuxin.joint.registry.roster import read
from wuxin.joint.registry.service import Service
from wuxin.joint.registry.signed import LARGEST, Signer
from wuxin.terms.clock import Clock
from wuxin.terms.errors import BadInput


class Handles(Protocol):
    """What stands behind a server of the registry."""

    name: str

    def handle(self, data: bytes) -> bytes:
        """The signed answer to a signed request."""
        ...


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``server.toml`` says."""

    name: str
    role: Literal["key-node", "registry"]
    address: str


class Running(NamedTuple):
    """A server that listens."""

    server: Server
    name: str


class _Behind:
    """Hands signed bytes on; one at a time, since table and log are written in order."""

    def __init__(self, behind: Handles) -> None:
        self._behind, self._lock = behind, threading.Lock()

    def room(self, peer: str, head: Mapping[str, Any]) -> int:
        """As much as a signed request may have."""
        del peer, head
        return LARGEST

    def answer(
        self, peer: str, head: Mapping[str, Any], *, body: bytes
    ) -> tuple[Mapping[str, Any], bytes]:
        """The signed answer as the body; who asks stands in the signature, not in the line."""
        del peer, head
        with self._lock:
            return {}, self._behind.handle(body)


def papers(folder: Path) -> Papers:
    """A member's certificate in its folder."""
    return Papers(*(folder / f"{each}.pem" for each in ("certificate", "key", "authority")))


def settings(folder: Path) -> Settings:
    """The settings in a server's folder.

    Raises:
        BadInput: there are none, or they are wrong.
    """
    path = folder / "server.toml"
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), Settings)
    except (OSError, ValueError, msgspec.ValidationError) as wrong:
        raise BadInput(f"{path} cannot be read: {wrong}") from None


def serve(folder: Path, *, clock: Clock) -> Running:
    """Listen, until :meth:`wuxin.joint.channel.Server.close`.

    Args:
        folder: the server's.
        clock: its clock.

    Raises:
        BadInput: something in the folder is missing or wrong.
    """
    said = settings(folder)
    roster = read(folder / "roster.toml")
    signer = Signer.of_file(said.name, folder / "signing.key")
    behind: Handles
    if said.role == "key-node":
        behind = KeyNode(signer, roster, folder=folder, clock=clock)
    else:
        behind = Service(signer, roster, folder=folder, clock=clock)
    return Running(Server(said.address, papers(folder), behind=_Behind(behind)), said.name)
