"""The virtual data centre: whose tables there are, as if they lay in one place.

A catalogue holds descriptions, never rows: table by table the party, the columns and how many rows.
From it, and from a program, comes the draft of a contract (:func:`draft`).
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from wuxin.joint.contract import Allowed, Contract, Input, Party
from wuxin.joint.program import Program, Setting
from wuxin.joint.schema import Column
from wuxin.terms.clock import DAY
from wuxin.terms.errors import BadInput, NotFound

FOR: Final = 7 * DAY


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table in the catalogue: whose, what it is (Chinese and English), and its columns."""

    party: str
    table: str
    zh: str
    en: str
    columns: dict[str, Column]


class Catalogue:
    """Tables by party and name."""

    def __init__(self, entries: Sequence[Entry] = ()) -> None:
        self._entries: dict[tuple[str, str], Entry] = {}
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Enter a table.

        Raises:
            BadInput: the party has one of that name already.
        """
        key = (entry.party, entry.table)
        if key in self._entries:
            raise BadInput(f"{entry.party} has a table {entry.table} in the catalogue already")
        self._entries[key] = entry

    def find(self, party: str, table: str) -> Entry:
        """A party's table.

        Raises:
            NotFound: it is not in the catalogue.
        """
        if (party, table) not in self._entries:
            raise NotFound(f"the catalogue has no table {table} of {party}")
        return self._entries[party, table]

    def of(self, party: str) -> list[Entry]:
        """All tables of a party."""
        return [entry for (owner, _), entry in self._entries.items() if owner == party]


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a draft needs beside the program and the tables.

    ``to`` says for each result who receives it; what is opened inside goes to the nodes anyway.
    """

    purpose: str
    to: Mapping[str, Sequence[str]]
    settings: Mapping[str, Setting] = {}
    minimum_group: int = 0
    epsilon: float = 0.0
    wait_s: int = 60
    run_s: int = 120
    repeats: str = ""


def draft(
    program: Program, inputs: Sequence[Input], *, parties: Sequence[Party], nodes: Sequence[str],
    terms: Terms, now: int,
) -> Contract:  # fmt: skip
    """Draft a contract: compile the program, read its openings, and list them with recipients.

    Args:
        program: what is to be computed.
        inputs: what the owners committed to.
        parties: all parties.
        nodes: three of them, in the order of their ranks.
        terms: purpose, recipients and limits.
        now: from when it is in force (ns); for seven days.

    Raises:
        BadInput: a recipient is missing for a result, or a table for the program.
    """
    if len(nodes) != 3:
        raise BadInput(f"a contract has three nodes, not {len(nodes)}")
    made = Contract(
        purpose=terms.purpose, parties=tuple(parties), nodes=(nodes[0], nodes[1], nodes[2]),
        program=program.name, settings=dict(terms.settings), digest="0" * 64, inputs=tuple(inputs),
        openings=(), minimum_group=terms.minimum_group, epsilon=terms.epsilon, not_before=now,
        expires=now + FOR, wait_s=terms.wait_s, run_s=terms.run_s, repeats=terms.repeats,
    )  # fmt: skip
    compiled = program.compile(made.schema, **made.bound)
    allowed = []
    for opening in compiled.openings:
        to = list(terms.to.get(opening.name, ()))
        if opening.where != "inside" and not to:
            raise BadInput(f"the draft does not say who receives {opening.name}")
        if opening.where != "result":
            to += [name for name in nodes if name not in to]
        allowed.append(Allowed(opening, tuple(to)))
    return msgspec.structs.replace(made, digest=compiled.digest, openings=tuple(allowed))
