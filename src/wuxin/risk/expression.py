"""Rule conditions: SQL over indicators, compiled to a small program for the twin's kernel.

The subset: comparisons, AND, OR, NOT, ``+ - * /``, ``abs``, ``least``, ``greatest``, ``coalesce``,
``BETWEEN``, ``IS [NOT] NULL``, numbers, ``TRUE``/``FALSE``, the parameters ``:limit``, ``:clear``.
Values are float64; NULL is NaN, with SQL's three-valued logic (ISO/IEC 9075-2). Division by zero
gives NULL. sqlglot parses; the same text runs unchanged as SQL over columns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import sqlglot
from sqlglot import expressions as sql
from sqlglot.errors import SqlglotError

from wuxin.terms.errors import BadInput

CONST, LOAD, NEG, NOT, ABS, ISNULL = 0, 1, 2, 3, 4, 5
ADD, SUB, MUL, DIV, LT, LE, GT, GE, EQ, NE, AND, OR = range(10, 22)
COALESCE, LEAST, GREATEST = 22, 23, 24

_BINARY: Final[dict[type[sql.Expr], int]] = {
    sql.Add: ADD, sql.Sub: SUB, sql.Mul: MUL, sql.Div: DIV, sql.LT: LT, sql.LTE: LE, sql.GT: GT,
    sql.GTE: GE, sql.EQ: EQ, sql.NEQ: NE, sql.And: AND, sql.Or: OR,
}  # fmt: skip
_UNARY: Final[dict[type[sql.Expr], int]] = {sql.Neg: NEG, sql.Not: NOT, sql.Abs: ABS}
_CHAIN: Final[dict[type[sql.Expr], int]] = {
    sql.Coalesce: COALESCE, sql.Least: LEAST, sql.Greatest: GREATEST,
}  # fmt: skip
_OF_NUMBERS: Final = (
    *(set(_BINARY) - {sql.And, sql.Or}), sql.Neg, sql.Abs, sql.Between, sql.Least, sql.Greatest,
)  # fmt: skip
_TRUTHS: Final = (
    sql.LT, sql.LTE, sql.GT, sql.GTE, sql.EQ, sql.NEQ, sql.And, sql.Or, sql.Not, sql.Between,
    sql.Is, sql.Boolean,
)  # fmt: skip
STACK: Final = 32


@dataclass(frozen=True, slots=True)
class Program:
    """Postfix code: ``ops`` (n) with one argument each (n): a constant or an indicator's number."""

    ops: tuple[int, ...]
    args: tuple[float, ...]
    reads: tuple[str, ...]


def columns(text: str) -> tuple[str, ...]:
    """The indicators that a condition reads, in order of first appearance.

    Raises:
        BadInput: the text is not SQL of the subset.
    """
    return tuple(dict.fromkeys(c.name for c in _parse(text).find_all(sql.Column, bfs=False)))


def program(text: str, numbers: Mapping[str, int], *, given: Mapping[str, float | None]) -> Program:
    """Compile a condition.

    Args:
        text: the SQL condition.
        numbers: the number of each declared indicator.
        given: the values of the parameters ``limit`` and ``clear``.

    Raises:
        BadInput: not SQL of the subset, an indicator is not declared, or a parameter has no value.
    """
    code: list[tuple[int, float]] = []
    _emit(_parse(text), numbers, given=given, code=code)
    if len(code) > STACK:
        raise BadInput(f"condition {text!r} is too long: {len(code)} steps, {STACK} are allowed")
    return Program(tuple(o for o, _ in code), tuple(a for _, a in code), columns(text))


def _parse(text: str) -> sql.Expr:
    try:
        parsed = sqlglot.parse_one(text, dialect="duckdb")
    except SqlglotError as wrong:
        raise BadInput(f"condition {text!r} is not SQL: {str(wrong).splitlines()[0]}") from None
    for node in parsed.walk():
        operands = [*node.iter_expressions()]
        truths = sum(map(_is_truth, operands))
        if truths and (
            isinstance(node, _OF_NUMBERS)
            or (isinstance(node, sql.Coalesce) and truths < len(operands))
        ):
            raise BadInput(f"{node.sql()!r} takes a truth for a number, which SQL does not")
    return parsed


def _is_truth(node: sql.Expr) -> bool:
    """Whether an operand is true or false, not a number (``1 < a < 3`` compares a truth)."""
    if isinstance(node, sql.Paren | sql.Coalesce):
        return _is_truth(node.this)
    return isinstance(node, _TRUTHS)


Code = list[tuple[int, float]]


def _emit(
    node: sql.Expr, numbers: Mapping[str, int], *, given: Mapping[str, float | None], code: Code
) -> None:
    if isinstance(node, sql.Paren):
        _emit(node.this, numbers, given=given, code=code)
    elif isinstance(node, sql.Between) and not node.args.get("symmetric"):
        for side, op in ((node.args["low"], GE), (node.args["high"], LE)):
            _emit(node.this, numbers, given=given, code=code)
            _emit(side, numbers, given=given, code=code)
            code.append((op, 0.0))
        code.append((AND, 0.0))
    elif isinstance(node, sql.Is) and isinstance(node.expression, sql.Null):
        _emit(node.this, numbers, given=given, code=code)
        code.append((ISNULL, 0.0))
    elif type(node) in _BINARY:
        _emit(node.this, numbers, given=given, code=code)
        _emit(node.expression, numbers, given=given, code=code)
        code.append((_BINARY[type(node)], 0.0))
    elif type(node) in _UNARY:
        _emit(node.this, numbers, given=given, code=code)
        code.append((_UNARY[type(node)], 0.0))
    elif type(node) in _CHAIN:
        _emit(node.this, numbers, given=given, code=code)
        for other in node.expressions:
            _emit(other, numbers, given=given, code=code)
            code.append((_CHAIN[type(node)], 0.0))
    else:
        code.append(_leaf(node, numbers, given=given))


def _leaf(
    node: sql.Expr, numbers: Mapping[str, int], *, given: Mapping[str, float | None]
) -> tuple[int, float]:
    if isinstance(node, sql.Column) and not node.table:
        if node.name not in numbers:
            raise BadInput(f"indicator {node.name!r} is not declared")
        return (LOAD, float(numbers[node.name]))
    if isinstance(node, sql.Literal) and not node.is_string:
        return (CONST, float(node.this))
    if isinstance(node, sql.Boolean):
        return (CONST, 1.0 if node.this else 0.0)
    if isinstance(node, sql.Placeholder):
        value = given.get(node.name)
        if value is None:
            raise BadInput(f"parameter :{node.name} has no value")
        return (CONST, float(value))
    raise BadInput(f"{node.sql()!r} is outside of the SQL that a rule may use")
