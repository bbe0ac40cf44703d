"""A party's side: shares made here, pushed outward; results fetched outward; nothing listens here.

It needs NumPy and what Wuxin has anyway, neither SPU nor JAX. A table's shares are made once, when
it is committed to; the contract then carries the commitments, and the same shares are pushed.
"""

import hmac
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from wuxin.joint.channel import Line, Papers
from wuxin.joint.contract import Contract, Input, Party, Role, Signed, key_in, plain, public
from wuxin.joint.node import push_statement
from wuxin.joint.schema import Column, Table, described
from wuxin.joint.shares import Half, Part, data_commitment, joined, split
from wuxin.terms.errors import BadInput, Conflict

_ASK_S: Final = 5.0
_PROPOSE_S: Final = 240.0

Tell = Callable[[str], None]


def _quiet(_: str) -> None:
    """Say nothing."""


class Member:
    """One party to a contract, with its key, its papers and its tables.

    Args:
        name: as in its certificate and in the contract.
        key: its signing key.
        papers: for the control plane.
    """

    def __init__(self, name: str, *, key: Ed25519PrivateKey, papers: Papers) -> None:
        self.name, self._key, self.papers = name, key, papers
        self._shares: dict[str, tuple[Part, Part, Part]] = {}

    def party(self, *roles: Role) -> Party:
        """This party as a contract lists it."""
        return Party(self.name, roles, public(self._key))

    def commit(
        self, name: str, table: Table, *, columns: Mapping[str, Column] | None = None,
        budget: float = 0.0,
    ) -> Input:  # fmt: skip
        """Make a table's shares, keep them here, and return what the contract says of it.

        Args:
            name: the table's name in the program.
            table: columns by name, arrays with the rows first.
            columns: their kinds and shapes; taken from the arrays where left out.
            budget: the most epsilon that results over the table may cost, see
                :class:`wuxin.joint.contract.Input`.

        Raises:
            BadInput: a value cannot be shared; the sentence names the column.
        """
        known = dict(columns or described({name: table})[name])
        parts = split(table, known)
        # Derived, so that the same table has the same commitment in a contract that repeats.
        salt = hmac.digest(self._key.private_bytes_raw(), f"joint data {name}".encode(), "sha256")
        self._shares[name] = parts
        data = data_commitment(table, known, salt=salt)
        kept = (parts[0].commitment, parts[1].commitment, parts[2].commitment)
        return Input(name, self.name, known, data, kept, budget)

    def shares(self, name: str) -> tuple[Part, Part, Part]:
        """The shares of a table that was committed to here.

        Raises:
            BadInput: it was not.
        """
        if name not in self._shares:
            raise BadInput(f"the shares of {name} were not made here")
        return self._shares[name]

    def hold(self, name: str, parts: tuple[Part, Part, Part]) -> None:
        """Take up shares that were made here earlier."""
        self._shares[name] = parts

    def sign(self, signed: Signed) -> Signed:
        """Add this party's signature."""
        return signed.sign(self.name, self._key)

    def push(self, signed: Signed, *, tell: Tell = _quiet) -> None:
        """Hand the contract to its three nodes, and to each its two parts of every table of ours.

        What a node has already is not pushed again.

        Args:
            signed: the contract.
            tell: is told what was done, a sentence at a time.

        Raises:
            Refused: a node refuses, with its reason.
            BadInput: a table was not committed to here.
        """
        contract = signed.contract
        for rank, name in enumerate(contract.nodes):
            with self._line(contract, name, patience_s=_PROPOSE_S) as line:
                line.ask({"do": "propose", "contract": plain(signed)})
                there = line.ask({"do": "status", "contract": contract.id})[0]
                missing = there["missing"] if there["state"] == "waiting" else ()
                for each in contract.inputs:
                    if each.party == self.name and each.table in missing:
                        head, body = self.message(contract, each, rank=rank)
                        line.ask(head, body)
                        tell(f"{name}: {each.table}, {len(body) / 1e6:.1f} MB of shares")

    def message(
        self, contract: Contract, table: Input, *, rank: int
    ) -> tuple[dict[str, Any], bytes]:
        """The push of one table to the node of one rank: head and body."""
        parts = [self.shares(table.table)[at % 3] for at in (rank, rank + 1)]
        commitments = [part.commitment for part in parts]
        if commitments != [table.parts[at % 3] for at in (rank, rank + 1)]:
            raise BadInput(
                f"the contract names other shares of {table.table} than were made here; to push "
                "and sign for these would look like a lie"
            )
        stated = push_statement(contract.id, rank, table=table.table, commitments=commitments)
        head = {
            "do": "push", "contract": contract.id, "table": table.table,
            "salts": [part.salt for part in parts], "commitments": commitments,
            "signature": self._key.sign(stated),
        }  # fmt: skip
        body = b"".join(data for part in parts for _, data in sorted(part.columns.items()))
        return head, body

    def wait(self, signed: Signed, *, tell: Tell = _quiet) -> dict[str, float]:
        """Wait until the job is over at all three nodes.

        Args:
            signed: the contract.
            tell: is told what is waited for, whenever that changes.

        Returns:
            Figures of the run: ``seconds`` of the slowest node, ``cpu_seconds``, ``bytes_sent`` and
            ``messages_sent`` of all three together.

        Raises:
            Conflict: the job has failed, with the reason that the nodes give.
        """
        contract = signed.contract
        until = time.monotonic() + contract.wait_s + contract.run_s + 3 * _ASK_S
        figures: dict[str, float] = {}
        told = ""
        for name in contract.nodes:
            while True:
                said = self._state(contract, name)
                missing = f", waiting for {', '.join(said['missing'])}"
                now = f"{said['state']}{missing if said['state'] == 'waiting' else ''}"
                if now != told:
                    tell(now)
                told = now
                if said["state"] == "failed":
                    raise Conflict(f"{name}: {said['why']}")
                if said["state"] == "done":
                    break
                if time.monotonic() > until:
                    raise Conflict(f"{name} is {said['state']} beyond every deadline")
            for key in ("cpu_seconds", "bytes_sent", "messages_sent"):
                figures[key] = figures.get(key, 0.0) + float(said.get(key, 0))
            figures["seconds"] = max(figures.get("seconds", 0.0), float(said["seconds"]))
        return figures

    def fetch(self, signed: Signed, *names: str) -> dict[str, Any]:
        """Fetch results from the three nodes, hold them against each other and put them together.

        Args:
            signed: the contract.
            names: the results; all that the contract gives to this party where none is named.

        Raises:
            Refused: a node refuses, or the job is not done.
            Tampered: the nodes do not agree; the sentence says which.
        """
        contract = signed.contract
        mine = [
            each.opening.name
            for each in contract.openings
            if self.name in each.to and each.opening.where != "inside"
        ]
        halves: dict[str, list[Half]] = {name: [] for name in names or mine}
        for node in contract.nodes:
            with self._line(contract, node) as line:
                for name, found in halves.items():
                    head = {"do": "fetch", "contract": contract.id, "name": name}
                    said, content = line.ask(head)
                    found.append(Half(said["storage"], said["kind"], tuple(said["shape"]), content))
        return {
            name: joined(found, name=name, nodes=contract.nodes) for name, found in halves.items()
        }

    def ask(self, signed: Signed, node: str, *, do: str) -> Mapping[str, Any]:
        """Ask one node something about a contract: its ``status``, or its ``records``."""
        with self._line(signed.contract, node) as line:
            return line.ask({"do": do, "contract": signed.contract.id})[0]

    def _state(self, contract: Contract, name: str) -> Mapping[str, Any]:
        with self._line(contract, name) as line:
            return line.ask({"do": "status", "contract": contract.id, "wait_s": _ASK_S})[0]

    def _line(self, contract: Contract, name: str, *, patience_s: float = 30.0) -> Line:
        address = contract.party(name).control
        return Line(name, address, papers=self.papers, patience_s=patience_s)


def read_member(folder: Path, name: str) -> Member:
    """A party from its folder: ``signing.key`` and its papers; the key is made if it is missing."""
    papers = Papers(*(folder / f"{each}.pem" for each in ("certificate", "key", "authority")))
    return Member(name, key=key_in(folder / "signing.key"), papers=papers)
