"""How a registry is set up: each key node makes its part, the members' roster is put together.

On one machine all folders are made by one hand, for demo, tests and benchmarks. Among institutions
each runs :func:`node_folder` on its own host and hands out what it returns.
"""

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from nacl.public import PrivateKey

from wuxin.joint.certificates import authority, papers
from wuxin.joint.registry import shares
from wuxin.joint.registry.key_node import keep
from wuxin.joint.registry.roster import Member, Node, Policy, Roster, Server
from wuxin.joint.registry.signed import Signer
from wuxin.terms.clock import Clock
from wuxin.terms.durable import private_file, write_files

NODES: Final = ("key-a", "key-b", "key-c")
REGISTRY: Final = "registry"


class Founded(NamedTuple):
    """A registry on one machine: the roster, each member's folder, the supervisor's key."""

    roster: Roster
    folders: dict[str, Path]
    supervisor: PrivateKey


def signer(folder: Path, name: str) -> Signer:
    """A member's signing key; made the first time."""
    private_file(folder / "signing.key", lambda: os.urandom(32).hex().encode())
    return Signer.of_file(name, folder / "signing.key")


def node_folder(folder: Path, name: str, *, address: str) -> Node:
    """Make a key node's keys in its folder; returns its line of the roster."""
    own = signer(folder, name)
    part = shares.new()
    keep(folder / "part", part)
    proof = part.possession()
    return Node(
        name, address, own.public.hex(), part.public.hex(), (proof[0].hex(), proof[1].hex())
    )


def found(
    folder: Path, banks: Sequence[str], *, clock: Clock, policy: Policy | None = None,
    issuers: dict[str, str] | None = None,
) -> Founded:  # fmt: skip
    """Set up a registry whose servers all listen on this machine's loopback.

    Args:
        folder: gets a folder for each member.
        banks: their names.
        clock: the time, for the papers.
        policy: what the members have agreed on.
        issuers: credit codes by folded names.
    """
    folders = {name: folder / name for name in (*NODES, REGISTRY, *banks)}
    nodes = tuple(node_folder(folders[name], name, address=_address()) for name in NODES)
    registry = Server(REGISTRY, _address(), signer(folders[REGISTRY], REGISTRY).public.hex())
    members = tuple(Member(name, signer(folders[name], name).public.hex()) for name in banks)
    supervisor = PrivateKey.generate()
    roster = Roster(
        registry, nodes, members, bytes(supervisor.public_key).hex(), policy or Policy(),
        issuers or {},
    )  # fmt: skip
    issuing = authority("wuxin pledge registry (this machine)", now=clock())
    text = toml(msgspec.to_builtins(roster)).encode()
    for name, own in folders.items():
        papers(own, name, issued_by=issuing, now=clock())
        write_files({own / "roster.toml": text})
    for one in (*nodes, registry):
        role = "registry" if one is registry else "key-node"
        said = {"name": one.name, "role": role, "address": one.address}
        write_files({folders[one.name] / "server.toml": toml(said).encode()})
    return Founded(roster.checked(), folders, supervisor)


def toml(table: dict[str, Any], name: str = "") -> str:
    """Plain values as TOML: values first, then tables, then lists of tables."""
    lines = [f"[{name}]"] if name else []
    simple = {k: v for k, v in table.items() if not _is_table(v)}
    lines += [f"{_key(k)} = {_value(v)}" for k, v in simple.items()]
    text = "\n".join(lines) + "\n"
    for key, value in table.items():
        path = f"{name}.{_key(key)}" if name else _key(key)
        if isinstance(value, dict):
            text += "\n" + toml(value, path)
        elif key not in simple:
            text += "".join(f"\n[[{path}]]\n{toml(one)}" for one in value)
    return text


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list | tuple) and bool(value) and isinstance(value[0], dict)
    )


def _key(name: str) -> str:
    return name if name.isascii() and name.replace("_", "").isalnum() else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return msgspec.json.encode(value).decode()


def _address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"
