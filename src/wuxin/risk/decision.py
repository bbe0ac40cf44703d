"""Decision tables (JDM): one case explained field by field, the table run by ZEN.

A table is the JSON that the JDM editor writes: an input, one decision table, an output. What is
refused when it is read is listed in ``docs/rooms/decision.md``; :mod:`wuxin.risk.decision_sql`
runs the same table over a whole book.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, Literal, TypeVar

import msgspec
import zen

from wuxin.risk import decision_cells as cells
from wuxin.risk.decision_cells import Kind, Test, Value
from wuxin.terms.errors import BadInput
from wuxin.terms.records import Words

_FIELD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FINEST: Final = Decimal(1).scaleb(-cells.AFTER)
_KINDS: Final = {"inputNode", "decisionTableNode", "outputNode"}
_KEY: Final = "table"
_T = TypeVar("_T")


class Column(msgspec.Struct, frozen=True):
    """An input of the table: its JDM id, the field that it reads and the kind of its values."""

    id: str
    name: str
    field: str
    kind: Kind | None


class Output(msgspec.Struct, frozen=True):
    """An output of the table: its JDM id, the field that it gives and the kind of its values."""

    id: str
    name: str
    field: str
    kind: Kind | None


class TableRule(msgspec.Struct, frozen=True):
    """One row: its id, what it is for, a cell per input (text and test), a value per output."""

    id: str
    about: str
    texts: tuple[str, ...]
    tests: tuple[Test | None, ...]
    outputs: tuple[Value | None, ...]


class CellView(msgspec.Struct, frozen=True):
    """How one value met one cell; ``met`` is None where a missing value cannot be compared."""

    field: str
    value: Value | None
    test: str
    met: bool | None
    words: Words


class RuleView(msgspec.Struct, frozen=True):
    """How a case met one row; ``before`` is the row that had already decided, if its cells held."""

    id: str
    about: str
    fired: bool
    cells: tuple[CellView, ...]
    before: str = ""


class Answer(msgspec.Struct, frozen=True):
    """A decision with its reasons: the inputs as they were read, and every row.

    ``outputs`` has one mapping per row that fired, at most one under the policy "first"; a field
    without a value is None. ``marks`` says of inputs why they count as missing.
    """

    inputs: Mapping[str, Value | None]
    marks: Mapping[str, Words]
    fired: tuple[str, ...]
    outputs: tuple[Mapping[str, Value | None], ...]
    rules: tuple[RuleView, ...]


class Table:
    """A decision table that has been read and found to be within what both engines answer alike.

    Args:
        name: what it is called in errors.
        policy: ``first`` (the first row that holds) or ``collect`` (all that hold).
        inputs: its columns.
        outputs: what it gives.
        rules: its rows, in order.
    """

    def __init__(
        self,
        name: str,
        policy: Literal["first", "collect"],
        *,
        inputs: Sequence[Column],
        outputs: Sequence[Output],
        rules: Sequence[TableRule],
    ) -> None:
        self.name, self.policy = name, policy
        self.inputs, self.outputs, self.rules = tuple(inputs), tuple(outputs), tuple(rules)
        self.fields = {c.field: c.kind for c in sorted(self.inputs, key=lambda c: c.kind or "")}
        # A static loader compiles once; create_decision() and loaders in Python are 10 to 77
        # times slower per decision.
        content = {_KEY: _graph(self)}
        self._engine = zen.ZenEngine({"loader": {"type": "static", "content": content}})

    def fired(self, case: Mapping[str, Any]) -> list[int]:
        """The numbers of the rows that fire, from 0, as ZEN decides (see :meth:`explain`)."""
        inputs, _ = self._inputs(case)
        return self._fired(inputs)

    def explain(self, case: Mapping[str, Any]) -> Answer:
        """Decide one case and say why: every row, every cell, by ZEN itself.

        Args:
            case: the inputs by field: int, float, Decimal, str, bool, date or None. What is absent,
                not a number, or of another kind than the table's cells counts as missing and is
                marked. Numbers are taken to ten decimals, half away from zero.
        """
        inputs, marks = self._inputs(case)
        fired = self._fired(inputs)
        views = []
        deciding = ""
        for place, rule in enumerate(self.rules):
            seen = tuple(
                _cell(column, rule.texts[i], value=inputs[column.field])
                for i, column in enumerate(self.inputs)
            )
            holds = all(cell.met for cell in seen)
            before = deciding if self.policy == "first" and holds else ""
            assert (place in fired) == (holds and not before), f"{self.name}, {rule.id}: {inputs}"
            views.append(RuleView(rule.id, rule.about, place in fired, seen, before))
            deciding = deciding or (rule.id if holds else "")
        return Answer(
            inputs=inputs,
            marks=marks,
            fired=tuple(self.rules[i].id for i in fired),
            outputs=tuple(self._output(i) for i in fired),
            rules=tuple(views),
        )

    def _output(self, place: int) -> dict[str, Value | None]:
        # ZEN gives numbers back as binary floats and leaves null out; the table has them exactly.
        values = self.rules[place].outputs
        return {o.field: v for o, v in zip(self.outputs, values, strict=True)}

    def _inputs(self, case: Mapping[str, Any]) -> tuple[dict[str, Value | None], dict[str, Words]]:
        inputs: dict[str, Value | None] = {}
        marks: dict[str, Words] = {}
        for field, kind in self.fields.items():
            given = case.get(field)
            inputs[field] = None if given is None else _taken(given, kind)
            if given is not None and inputs[field] is None:
                marks[field] = Words(
                    f"{field}的值{given!r}不是{_CALLED[kind].zh}，视为缺失",
                    f"{field} is {given!r}, not {_CALLED[kind].en}, and counts as missing",
                )
        return inputs, marks

    def _fired(self, inputs: Mapping[str, Value | None]) -> list[int]:
        # As JSON text numbers stay exact decimals; as a dict they would pass through floats.
        answer = self._engine.evaluate(_KEY, _json(inputs), {"trace": True})
        [traced] = [t for t in answer["trace"].values() if t["id"] == "table"]
        found = traced.get("traceData")
        rows = found if isinstance(found, list) else [found] if found else []
        return [row["index"] for row in rows]


def read(content: str | Mapping[str, Any], name: str = "decision table") -> Table:
    """Read a JDM decision of one table.

    Args:
        content: the JSON, as text or decoded.
        name: what errors call it.

    Raises:
        BadInput: it is not such a decision, or a cell is outside of what is compiled; the text
            names the row and the column.
    """
    try:
        decoded = json.loads(content) if isinstance(content, str) else content
        nodes = msgspec.convert(decoded, _Graph).nodes
        others = sorted({node.type for node in nodes} - _KINDS)
        tables = [node.content for node in nodes if node.type == "decisionTableNode"]
        if others or len(tables) != 1:
            raise BadInput(f"{name}: one decision table is wanted, not {others or len(tables)}")
        found = msgspec.convert(tables[0], _Content)
    except (ValueError, msgspec.ValidationError) as wrong:
        raise BadInput(f"{name}: it is not a JDM decision: {wrong}") from None
    if found.passThrough or found.inputField or found.outputPath or found.executionMode != "single":
        raise BadInput(f"{name}: passThrough, inputField, outputPath and loops are not compiled")
    _check_fields(name, found)
    rules = [
        _rule(f"{name}: rule {number}", number, row=row, found=found)
        for number, row in enumerate(found.rules, start=1)
    ]
    if len({rule.id for rule in rules}) != len(rules):
        raise BadInput(f"{name}: two rules have the same _id")
    return Table(
        name,
        found.hitPolicy,
        inputs=_columns(name, found.inputs, rules=rules),
        outputs=[
            Output(
                o.id,
                o.name or o.field,
                o.field,
                _output_kind(f"{name}: output {o.field}", rules, place=i),
            )
            for i, o in enumerate(found.outputs)
        ],
        rules=rules,
    )


class _Field(msgspec.Struct):
    id: str
    field: str = ""
    name: str = ""
    defaultValue: str | None = None  # noqa: N815 - as JDM writes it


class _Content(msgspec.Struct):
    hitPolicy: Literal["first", "collect"]  # noqa: N815 - as JDM writes it
    inputs: list[_Field]
    outputs: list[_Field]
    rules: list[dict[str, str]]
    passThrough: bool = False  # noqa: N815
    inputField: str | None = None  # noqa: N815
    outputPath: str | None = None  # noqa: N815
    executionMode: str = "single"  # noqa: N815


class _Node(msgspec.Struct):
    type: str
    content: Any = None


class _Graph(msgspec.Struct):
    nodes: list[_Node]


def _check_fields(name: str, found: _Content) -> None:
    if not found.inputs or not found.outputs or not found.rules:
        raise BadInput(f"{name}: a table has inputs, outputs and rules")
    for column in (*found.inputs, *found.outputs):
        if not _FIELD.fullmatch(column.field):
            raise BadInput(f"{name}: column {column.id}: {column.field!r} is not a plain field")
        if column.defaultValue:
            raise BadInput(f"{name}: column {column.id}: a default value is not compiled")
    given = [column.field for column in found.outputs]
    if len({*given}) != len(given):
        raise BadInput(f"{name}: two outputs have the same field")


def _rule(where: str, number: int, *, row: Mapping[str, str], found: _Content) -> TableRule:
    return TableRule(
        id=row.get("_id") or str(number),
        about=row.get("_description", ""),
        texts=tuple(row.get(column.id, "").strip() for column in found.inputs),
        tests=tuple(_read(cells.read, row, column=column, where=where) for column in found.inputs),
        outputs=tuple(
            _read(cells.literal, row, column=column, where=where) for column in found.outputs
        ),
    )


def _read(reader: Callable[[str], _T], row: Mapping[str, str], *, column: _Field, where: str) -> _T:
    text = row.get(column.id, "")
    try:
        return reader(text)
    except BadInput as wrong:
        raise BadInput(f"{where}, {column.field}: {text!r}: {wrong}") from None


def _columns(name: str, inputs: Sequence[_Field], *, rules: Sequence[TableRule]) -> list[Column]:
    kinds: dict[str, Kind | None] = {}
    for i, column in enumerate(inputs):
        for number, rule in enumerate(rules, start=1):
            test = rule.tests[i]
            kind = cells.kind(test) if test else None
            known = kinds.setdefault(column.field, kind) or kind
            if kind and kind != known:
                raise BadInput(
                    f"{name}: rule {number}, {column.field}: {rule.texts[i]!r} is about a {kind}, "
                    f"cells before about a {known}"
                )
            kinds[column.field] = known
    return [Column(c.id, c.name or c.field, c.field, kinds.get(c.field)) for c in inputs]


def _output_kind(where: str, rules: Sequence[TableRule], *, place: int) -> Kind | None:
    values = [rule.outputs[place] for rule in rules]
    kinds = {cells.kind(cells.Compare("==", v)) for v in values if v is not None}
    if len(kinds) > 1:
        raise BadInput(f"{where} is a {' and a '.join(sorted(map(str, kinds)))}")
    return kinds.pop() if kinds else None


def _graph(table: Table) -> dict[str, Any]:
    """The table as ZEN gets it: ids of its own, and ``-`` as the empty cell that ZEN means."""
    inputs = [
        {"id": f"i{i}", "name": c.field, "field": c.field} for i, c in enumerate(table.inputs)
    ]
    rows = [
        {"_id": str(number), "o": "1"}
        | {f"i{i}": "" if t in cells.ANY else t for i, t in enumerate(rule.texts)}
        for number, rule in enumerate(table.rules)
    ]
    content = {
        "hitPolicy": table.policy,
        "inputs": inputs,
        "outputs": [{"id": "o", "name": "fired", "field": "fired"}],
        "rules": rows,
    }
    return {
        "nodes": [
            {"id": "in", "name": "in", "type": "inputNode"},
            {"id": "table", "name": "table", "type": "decisionTableNode", "content": content},
            {"id": "out", "name": "out", "type": "outputNode"},
        ],
        "edges": [
            {"id": "1", "sourceId": "in", "targetId": "table"},
            {"id": "2", "sourceId": "table", "targetId": "out"},
        ],
    }


_CALLED: Final[Mapping[Kind | None, Words]] = {
    "number": Words("可用的数字", "a number that can be used"),
    "text": Words("文本", "a text"),
    "truth": Words("真假值", "true or false"),
    "date": Words("日期", "a date"),
    None: Words("数字、文本、真假值或日期", "a number, text, truth or date"),
}


def _taken(given: Any, kind: Kind | None) -> Value | None:
    """A value as both engines hold it; None where it is not of the kind."""
    if isinstance(given, str) and any("\ud800" <= letter <= "\udfff" for letter in given):
        return None  # half of a character: no text that could be written down
    if isinstance(given, bool | str) or type(given) is date:
        return given if kind in {_sort(given), None} else None
    if not isinstance(given, int | float | Decimal) or kind not in {"number", None}:
        return None
    exact = Decimal(repr(given)) if isinstance(given, float) else Decimal(given)
    if not exact.is_finite() or exact.adjusted() >= cells.BEFORE:
        return None
    rounded = exact.quantize(_FINEST, ROUND_HALF_UP)
    return None if rounded.adjusted() >= cells.BEFORE else _short(rounded)


def _sort(given: Value) -> Kind:
    if isinstance(given, bool):
        return "truth"
    return "text" if isinstance(given, str) else "date"


def _short(value: Decimal) -> Decimal:
    """The same number without zeros at its end, and never in powers of ten."""
    return Decimal(f"{value:f}".rstrip("0").rstrip(".") or "0") if value else Decimal(0)


def _json(inputs: Mapping[str, Value | None]) -> str:
    parts = [f"{json.dumps(field)}: {_json_value(value)}" for field, value in inputs.items()]
    return "{" + ", ".join(parts) + "}"


def _json_value(value: Value | None) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return json.dumps(value.isoformat() if isinstance(value, date) else value, ensure_ascii=False)


def _cell(column: Column, text: str, *, value: Value | None) -> CellView:
    met = True if text in cells.ANY else _met(text, value)
    said = "—" if value is None else str(value)
    if met:
        words = Words(
            f"{column.name} {said} 符合 {text or '任意'}",
            f"{column.name} {said} meets {text or 'anything'}",
        )
    elif value is None:
        words = Words(
            f"{column.name} 缺失，无法符合 {text}",
            f"{column.name} is missing, so {text} is not met",
        )
    else:
        words = Words(
            f"{column.name} {said} 不符合 {text}", f"{column.name} {said} does not meet {text}"
        )
    return CellView(column.field, value, text, met, words)


def _met(text: str, value: Value | None) -> bool | None:
    try:
        return bool(zen.evaluate_unary_expression(text, f'{{"$": {_json_value(value)}}}'))
    except RuntimeError:
        # Only a missing value can fail here: the cell was read, and the value is of its kind.
        assert value is None, f"{text} failed on {value!r}"
        return None
