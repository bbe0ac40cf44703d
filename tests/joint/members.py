"""A registry in memory: servers without sockets, banks, and a clock that a test sets."""

from pathlib import Path
from typing import Any

from tests.homes import Wall
from wuxin.joint.registry.ceremony import NODES, REGISTRY, Founded, found
from wuxin.joint.registry.client import Client
from wuxin.joint.registry.gate import Gate, GateSettings
from wuxin.joint.registry.key_node import KeyNode
from wuxin.joint.registry.roster import Policy, Server
from wuxin.joint.registry.service import Service
from wuxin.joint.registry.signed import Signer
from wuxin.terms.clock import moment
from wuxin.terms.errors import Conflict
from wuxin.terms.pledging import Claim, GoodsNumber

BANKS = ("bank-a", "bank-b", "bank-c")
RECEIPT = GoodsNumber("receipt", "CR-2024 0017", "中储发展股份有限公司")


class Members:
    """The four servers of a registry in one process; requests and answers are the real ones."""

    def __init__(self, folder: Path, policy: Policy | None = None, **how: Any) -> None:
        self.clock = Wall(moment("2026-01-05T08:00:00Z"))
        self.founded: Founded = found(folder, BANKS, clock=self.clock, policy=policy, **how)
        self.roster, self.folder = self.founded.roster, folder
        self.servers: dict[str, Any] = {}
        for name in NODES:
            self.start(name)
        own = self.founded.folders[REGISTRY]
        self.servers[REGISTRY] = Service(
            self.signer(REGISTRY), self.roster, folder=own, clock=self.clock
        )
        self.carried: list[tuple[str, bytes, bytes]] = []

    def start(self, name: str) -> None:
        """Start a key node, or start it again."""
        own = self.founded.folders[name]
        self.servers[name] = KeyNode(self.signer(name), self.roster, folder=own, clock=self.clock)

    def signer(self, name: str) -> Signer:
        return Signer.of_file(name, self.founded.folders[name] / "signing.key")

    def carry(self, server: Server, data: bytes) -> bytes:
        if server.name not in self.servers:
            raise Conflict(f"{server.name} at {server.address} does not answer")
        answer: bytes = self.servers[server.name].handle(data)
        self.carried.append((server.name, data, answer))
        return answer

    def client(self, bank: str) -> Client:
        return Client(self.signer(bank), self.roster, carry=self.carry, clock=self.clock)

    def gate(self, bank: str, **settings: Any) -> Gate:
        own = self.founded.folders[bank]
        return Gate(
            self.client(bank), self.roster, settings=GateSettings(bank, **settings),
            seed=bytes.fromhex((own / "signing.key").read_text()), book=own / "lodged.sqlite",
            clock=self.clock,
        )  # fmt: skip


def claim(pledge: str = "F-1/lot:L-1", *numbers: GoodsNumber, **more: Any) -> Claim:
    return Claim(pledge, numbers or (RECEIPT,), **more)
