"""Two owners, a user and three nodes on loopback, and a contract between them."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from tests.house.tree import ROOT
from wuxin.joint.catalogue import Terms, draft
from wuxin.joint.contract import Contract, Signed
from wuxin.joint.local import NODES, Local
from wuxin.joint.owner import Member
from wuxin.joint.program import Program
from wuxin.terms.clock import system_clock

TABLES: Mapping[str, Mapping[str, Any]] = {
    "bank": {"key": np.array([7, 2**60 + 1, 3, -(2**59)]), "income": np.array([1.5, 2, -3, 0.25])},
    "shop": {"sales": np.array([1.0, -1, 0.5, 12])},
}
OWNERS = {"bank": "bank-a", "shop": "shop-b"}


@contextmanager
def triple(folder: Path, **more: Any) -> Iterator[Local]:
    """Three nodes that may run the tests' programs."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {"PYTHONPATH": path, **more.pop("environment", {})}
    packages = ("tests.joint", "wuxin.joint")
    with Local(
        folder, clock=system_clock, packages=packages, environment=environment, **more
    ) as nodes:
        yield nodes


class Circle:
    """The parties of one contract; all sign with :meth:`signed`."""

    def __init__(self, nodes: Local) -> None:
        self.nodes = nodes
        self.bank, self.shop = nodes.member("bank-a"), nodes.member("shop-b")
        self.watch = nodes.member("watch-c")

    def contract(
        self, program: Program, *, to: Mapping[str, Sequence[str]], **terms: Any
    ) -> Contract:
        """A contract over the tables of :data:`TABLES`, drafted and not yet signed."""
        inputs = [
            self.bank.commit("bank", TABLES["bank"]), self.shop.commit("shop", TABLES["shop"]),
        ]  # fmt: skip
        parties = [
            self.bank.party("data_owner", "user"), self.shop.party("data_owner"),
            self.watch.party("supervisor"), *map(self.nodes.party, self.nodes.nodes),
        ]  # fmt: skip
        asked = Terms(purpose="a test", to=to, **{"wait_s": 20, "run_s": 60, **terms})
        return draft(
            program, inputs, parties=parties, nodes=self.nodes.nodes, terms=asked,
            now=system_clock(),
        )  # fmt: skip

    def signed(self, contract: Contract, *, without: str = "") -> Signed:
        """The contract with everybody's signature."""
        signed = Signed(contract)
        for member in (self.bank, self.shop, self.watch, *map(self.node, self.nodes.nodes)):
            if member.name != without:
                signed = member.sign(signed)
        return signed

    def node(self, name: str) -> Member:
        """A node as a party that signs."""
        return Member(name, key=self.nodes.key(name), papers=self.watch.papers)

    def run(self, signed: Signed) -> dict[str, float]:
        """Both owners push, and the first waits for the end."""
        self.bank.push(signed)
        self.shop.push(signed)
        return self.bank.wait(signed)


def changed(contract: Contract, **fields: Any) -> Contract:
    """A contract with other fields."""
    return msgspec.structs.replace(contract, **fields)


__all__ = ["NODES", "OWNERS", "TABLES", "Circle", "changed", "triple"]
