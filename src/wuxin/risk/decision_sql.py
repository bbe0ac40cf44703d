"""The same decision table over a whole book: columns in DuckDB, with the answers of ZEN."""

from collections.abc import Collection, Sequence
from typing import Final

import duckdb

from wuxin.risk import decision_cells as cells
from wuxin.risk.decision import Table
from wuxin.risk.decision_cells import Kind
from wuxin.terms.errors import BadInput

_NUMERIC: Final = (
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
    "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL",
)  # fmt: skip
_STORED: Final[dict[Kind, tuple[str, ...]]] = {
    "number": _NUMERIC, "text": ("VARCHAR",), "truth": ("BOOLEAN",), "date": ("DATE",),
}  # fmt: skip
_SQL_KIND: Final[dict[Kind | None, str]] = {
    "number": cells.NUMBER, "text": "VARCHAR", "truth": "BOOLEAN", "date": "DATE", None: "VARCHAR",
}  # fmt: skip
FIRED: Final = "fired"


def query(table: Table, source: str, *, numeric: Collection[str] = ()) -> str:
    """The table as one SELECT over a relation.

    Args:
        table: the decision table.
        source: the name of the relation; it has a column for each input's field.
        numeric: the fields that are stored as numbers, where the table only asks if there is one.

    Returns:
        SQL that gives the columns of ``source`` and then ``fired`` and the outputs. Under "first"
        they are the id of the row and its values, NULL where no row holds; under "collect" they
        are lists in the order of the rows, empty where none does.
    """
    taken = ", ".join(_taken(table, i, numeric=numeric) for i in range(len(table.inputs)))
    conditions = [_condition(table, row) for row in range(len(table.rules))]
    inner = f"SELECT *, {taken} FROM {_name(source)}"  # noqa: S608 - names are quoted
    found = _first(conditions) if table.policy == "first" else _all(conditions)
    given = ", ".join(_output(table, i) for i in range(-1, len(table.outputs)))
    hidden = ", ".join([*(_input(i) for i in range(len(table.inputs))), '"·row"'])
    return (
        f"SELECT * EXCLUDE ({hidden}), {given} FROM "  # noqa: S608
        f'(SELECT *, {found} AS "·row" FROM ({inner}))'
    )


def run(
    connection: duckdb.DuckDBPyConnection, table: Table, *, source: str
) -> duckdb.DuckDBPyRelation:
    """Decide every row of a relation.

    Raises:
        BadInput: an input is not a column of the relation, is stored as another kind, or an output
            has the name of a column.
    """
    described = connection.execute(f"DESCRIBE {_name(source)}").fetchall()
    stored = {row[0]: row[1] for row in described}
    for field, kind in table.fields.items():
        if field not in stored:
            raise BadInput(f"{table.name}: {source} has no column {field!r}")
        if kind and stored[field].partition("(")[0] not in _STORED[kind]:
            raise BadInput(
                f"{table.name}: {source}.{field} is {stored[field]}, the table wants a {kind}"
            )
    taken = {FIRED, *(output.field for output in table.outputs)} & {*stored}
    if taken:
        raise BadInput(f"{table.name}: {source} already has a column {min(taken)!r}")
    numeric = {f for f in table.fields if stored[f].partition("(")[0] in _NUMERIC}
    return connection.sql(query(table, source, numeric=numeric))


def _taken(table: Table, place: int, *, numeric: Collection[str]) -> str:
    """An input as both engines hold it: numbers as decimals, by the digits that they print."""
    column = table.inputs[place]
    name = _name(column.field)
    if table.fields[column.field] == "number" or column.field in numeric:
        # Through text, because a cast of the binary value would round other digits than those
        # that JSON shows: 1.00000000005 is a little less than it looks.
        name = f"TRY_CAST(CAST({name} AS VARCHAR) AS {cells.NUMBER})"
    return f"{name} AS {_input(place)}"


def _condition(table: Table, row: int) -> str:
    tests = table.rules[row].tests
    parts = [cells.sql(test, _input(i)) for i, test in enumerate(tests) if test is not None]
    return " AND ".join(f"({part})" for part in parts) or "TRUE"


def _first(conditions: Sequence[str]) -> str:
    cases = " ".join(f"WHEN {c} THEN {i}" for i, c in enumerate(conditions, start=1))
    return f"CASE {cases} END"


def _all(conditions: Sequence[str]) -> str:
    cases = ", ".join(f"CASE WHEN {c} THEN {i} END" for i, c in enumerate(conditions, start=1))
    return f"list_filter([{cases}], lambda x: x IS NOT NULL)"


def _output(table: Table, place: int) -> str:
    """One output, or for -1 the id of the row: looked up in the list of its literals."""
    if place < 0:
        name, kind = FIRED, "VARCHAR"
        values = [cells.literal_sql(rule.id) for rule in table.rules]
    else:
        name, kind = table.outputs[place].field, _SQL_KIND[table.outputs[place].kind]
        values = [cells.literal_sql(rule.outputs[place]) for rule in table.rules]
    listed = f"[{', '.join(values)}]::{kind}[]"
    if table.policy == "first":
        return f'({listed})["·row"] AS {_name(name)}'
    return f'list_transform("·row", lambda i: ({listed})[i]) AS {_name(name)}'


def _input(place: int) -> str:
    return f'"·{place}"'


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
