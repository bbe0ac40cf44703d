"""What parties agree on before anybody commits to anything, in a file that all of them have.

    purpose = "共同训练违约模型 Train a default model together"
    program = "wuxin.joint.programs.credit:hidden_model"
    parties = "parties.toml"                 # who takes part: names, roles, keys, nodes' addresses
    nodes = ["node-a", "node-b", "node-c"]

    [to]                                     # who receives which result
    weights = ["bank-a"]

    [joins.customers]                        # the most rows that either side may have
    placed = 500
    listed = 500

    [tables.bank]
    party = "bank-a"
    join = "customers"
    lay = "placed"
    columns = { y = "default", x0 = "income", x1 = "age" }
    standardise = ["x*"]

From it each owner lays out its file in the same way, and one of them drafts the contract. Owners
that have the same text have the same salt, which :attr:`Plan.id` gives.
"""

import json
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
import numpy as np

from wuxin.joint import rows
from wuxin.joint.algorithms.chance import chance
from wuxin.joint.algorithms.keys import Geometry, Ints, geometry
from wuxin.joint.catalogue import Terms, draft
from wuxin.joint.contract import Contract, Input, Name, Party
from wuxin.joint.layout import listed, placed, salt_of
from wuxin.joint.program import Program, Setting
from wuxin.joint.rows import Rows
from wuxin.joint.split import standard
from wuxin.terms.errors import BadInput
from wuxin.terms.names import Digest, content_id

WIDEST: Final = 100.0
"""The largest value of a column that is multiplied with others and summed up over many rows."""

_LEARNED: Final = re.compile(r"x\d*|meter|expected")

Count = Annotated[int, msgspec.Meta(ge=1)]


class Join(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A hidden join: the most rows of an owner that places, and of one that lists."""

    placed: Count
    listed: Count


class Planned(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the program, and how its owner makes it from a file.

    ``lay``: ``rows`` as they are; ``placed`` or ``listed`` in the bins of a ``join``; ``both`` for
    the keys alone, as those programs want them that ask who has the same. ``identifier`` is the
    file's column that rows meet by, the first if none is named. ``columns``: the program's by the
    file's, several make one of two dimensions; all under their own names if none are named.
    ``standardise`` takes patterns. ``chance`` is the shape of the words that noise is drawn from.
    ``by_row`` names results that are of this table's rows, ``budget`` see
    :class:`wuxin.joint.contract.Input`.
    """

    party: Name
    join: str = ""
    lay: Literal["rows", "placed", "listed", "both"] = "rows"
    identifier: str = ""
    columns: dict[str, str | tuple[str, ...]] = {}
    standardise: tuple[str, ...] = ()
    chance: tuple[Count, ...] = ()
    by_row: tuple[str, ...] = ()
    budget: Annotated[float, msgspec.Meta(ge=0)] = 0.0


class Brought(NamedTuple):
    """A table as the program has it, whose rows they are, and where they lie (None: in order)."""

    table: dict[str, Any]
    ids: list[str]
    at: Ints | None


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file; ``attempt`` is raised where rows found no place under the plan's salt."""

    purpose: str
    program: str
    parties: tuple[Party, ...]
    nodes: tuple[Name, Name, Name]
    to: dict[str, tuple[Name, ...]]
    tables: dict[str, Planned]
    joins: dict[str, Join] = {}
    settings: dict[str, Setting] = {}
    minimum_group: int = 0
    epsilon: float = 0.0
    wait_s: int = 600
    run_s: int = 600
    repeats: str = ""
    attempt: int = 1

    @property
    def id(self) -> Digest:
        """What all owners of one plan agree on."""
        return content_id(msgspec.to_builtins(self))

    def bring(self, name: str, file: Path) -> Brought:
        """Make a table from its owner's file.

        Args:
            name: the table.
            file: comma-separated, see :mod:`wuxin.joint.rows`.

        Raises:
            BadInput: the plan has no such table, or the file does not fit it; the text says where.
        """
        if name not in self.tables:
            raise BadInput(f"the plan has no table {name!r}; it has {', '.join(self.tables)}")
        planned = self.tables[name]
        wanted = [each for value in planned.columns.values() for each in _several(value)]
        found = rows.read(
            file, identifier=planned.identifier,
            columns=wanted if wanted or planned.lay == "both" else None,
        )  # fmt: skip
        columns = _columns(found, planned)
        if planned.lay == "rows":
            return Brought({**columns, **_chance(planned)}, found.ids, None)
        bins = self._bins(name, planned, rows=len(found.ids))
        salt = salt_of(f"{self.id} {planned.join}")
        if planned.lay == "listed":
            made = listed(found.ids, columns, salt=salt, bins=bins)
        else:
            made = placed(found.ids, columns, salt=salt, bins=bins)
        table = made.table
        if planned.lay == "both":
            other = listed(found.ids, {}, salt=salt, bins=bins).table["key"]
            table = {"placed": table["key"], "listed": other}
        return Brought({**table, **_chance(planned)}, found.ids, made.at)

    def draft(self, program: Program, inputs: tuple[Input, ...], *, now: int) -> Contract:
        """Draft the contract, once all owners have committed to their tables.

        Args:
            program: the one that the plan names.
            inputs: what the owners committed to.
            now: ns.

        Raises:
            BadInput: a table is missing, or is not of the owner whom the plan names.
        """
        owners = {each.table: each.party for each in inputs}
        for name, planned in self.tables.items():
            if owners.get(name) != planned.party:
                who = owners.get(name, "nobody")
                raise BadInput(f"{name} is to come from {planned.party}, and {who} committed to it")
        if unknown := sorted(set(owners) - set(self.tables)):
            raise BadInput(f"the plan has no table {', '.join(unknown)}")
        ordered = [each for name in self.tables for each in inputs if each.table == name]
        terms = Terms(
            purpose=self.purpose, to=self.to, settings=self.settings, epsilon=self.epsilon,
            minimum_group=self.minimum_group, wait_s=self.wait_s, run_s=self.run_s,
            repeats=self.repeats,
        )  # fmt: skip
        return draft(program, ordered, parties=self.parties, nodes=self.nodes, terms=terms, now=now)

    def _bins(self, name: str, planned: Planned, *, rows: int) -> Geometry:
        """The bins of a table's join; more rows than were planned for no salt would help."""
        if planned.join not in self.joins:
            raise BadInput(
                f"{name} is laid out for the join {planned.join!r}, which is not planned"
            )
        join = self.joins[planned.join]
        most = {"placed": join.placed, "listed": join.listed}.get(
            planned.lay, min(join.placed, join.listed)
        )
        if rows > most:
            raise BadInput(
                f"{name} has {rows} rows, and the join {planned.join} is planned for {most}"
            )
        return geometry(join.placed, join.listed)


def read_plan(file: Path) -> Plan:
    """Read a plan; ``parties`` may name a file beside it with the parties alone.

    Raises:
        BadInput: it is not one; the sentence says where.
    """
    try:
        told = msgspec.toml.decode(file.read_bytes())
        if isinstance(told.get("parties"), str):
            told["parties"] = msgspec.toml.decode((file.parent / told["parties"]).read_bytes())
            told["parties"] = told["parties"].get("parties")
        return msgspec.convert(told, Plan)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as wrong:
        raise BadInput(f"{file} is not a plan for a contract: {wrong}") from None


def as_toml(parties: Sequence[Party]) -> bytes:
    """The file of parties that a plan may name."""
    lines = []
    for each in parties:
        told = msgspec.to_builtins(each)
        lines += ["[[parties]]", *(f"{name} = {json.dumps(told[name])}" for name in told), ""]
    return "\n".join(lines).encode()


def _several(named: str | tuple[str, ...]) -> tuple[str, ...]:
    return (named,) if isinstance(named, str) else named


def _columns(found: Rows, planned: Planned) -> dict[str, Any]:
    """The program's columns from the file's, standardised where the plan says so."""
    if planned.lay == "both":
        return {}
    columns: Mapping[str, Any] = found.columns
    if planned.columns:
        columns = {
            name: found.columns[value]
            if isinstance(value, str)
            else np.stack([found.columns[each] for each in value], axis=1)
            for name, value in planned.columns.items()
        }
    made = {
        name: _even(name, values, patterns=planned.standardise) for name, values in columns.items()
    }
    for name, values in made.items():
        if _LEARNED.fullmatch(name) and np.abs(np.asarray(values, np.float64)).max() > WIDEST:
            raise BadInput(
                f"the column {name} has values beyond {WIDEST:g}, of which squares do not fit: "
                "standardise it, or bring it in another unit"
            )
    return made


def _even(name: str, values: Any, *, patterns: Sequence[str]) -> Any:
    if any(fnmatchcase(name, pattern) for pattern in patterns):
        return standard(np.asarray(values, np.float64))
    return values


def _chance(planned: Planned) -> dict[str, Any]:
    return {"chance": chance(*planned.chance)} if planned.chance else {}
