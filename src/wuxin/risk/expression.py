"""Rule conditions as programs: SQL over one thing's indicators, compiled for the twin's kernel.

The subset that fits: comparisons, AND, OR, NOT, ``+ - * /``, ``abs``, ``least``, ``greatest``,
``coalesce``, ``BETWEEN``, ``IS [NOT] NULL``, numbers, ``TRUE``/``FALSE``, the parameters ``:limit``
and ``:clear``, and the terms of :mod:`wuxin.risk.conditions`. Values are float64; NULL is NaN, with
SQL's three-valued logic (ISO/IEC 9075-2). Division by zero gives NULL. What does not fit is judged
by :mod:`wuxin.risk.columns`, which gives the same answer wherever both can.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlglot import expressions as sql

from wuxin.risk.conditions import Term, is_truth, places, read
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
STACK: Final = 32


class Unfit(BadInput):
    """A condition that a rule may have, but that is no program: columns judge it."""


@dataclass(frozen=True, slots=True)
class Program:
    """Postfix code: ``ops`` (n) with one argument each (n): a constant or a place in the vector.

    The vector has the thing's indicators by number, and behind them the terms. ``reads`` are the
    indicators, those inside of terms included.
    """

    ops: tuple[int, ...]
    args: tuple[float, ...]
    reads: tuple[str, ...]


def columns(text: str) -> tuple[str, ...]:
    """The indicators that a condition reads, those inside of terms too, as they first appear.

    Raises:
        BadInput: the text is not SQL that a rule may use.
    """
    return read(text).reads


def unknown(text: str) -> Program:
    """A program that answers NULL: it stands in for a condition that columns judge.

    Raises:
        BadInput: the text is not SQL that a rule may use.
    """
    return Program((CONST,), (float("nan"),), columns(text))


def program(
    text: str,
    numbers: Mapping[str, int],
    *,
    given: Mapping[str, float | None],
    terms: list[Term] | None = None,
) -> Program:
    """Compile a condition.

    Args:
        text: the SQL condition; a number in its place means that it is not zero.
        numbers: the number of each declared indicator.
        given: the values of the parameters ``limit`` and ``clear``.
        terms: those known so far, in order of first use; unseen ones are appended.

    Raises:
        Unfit: it is SQL that a rule may use, but the kernel cannot run it.
        BadInput: no such SQL, an indicator is not declared, or a parameter has no value.
    """
    condition = read(text)
    where = places(condition, numbers, terms=[] if terms is None else terms)
    code: Code = []
    _emit(condition.tree, where, given=given, code=code)
    if not is_truth(condition.tree):
        code += [(CONST, 0.0), (NE, 0.0)]
    if len(code) > STACK:
        raise Unfit(f"condition {text!r} is too long: {len(code)} steps, {STACK} are allowed")
    return Program(tuple(o for o, _ in code), tuple(a for _, a in code), condition.reads)


Code = list[tuple[int, float]]


def _emit(
    node: sql.Expr, where: Mapping[str, int], *, given: Mapping[str, float | None], code: Code
) -> None:
    if isinstance(node, sql.Paren):
        _emit(node.this, where, given=given, code=code)
    elif isinstance(node, sql.Between):
        for side, op in ((node.args["low"], GE), (node.args["high"], LE)):
            _emit(node.this, where, given=given, code=code)
            _emit(side, where, given=given, code=code)
            code.append((op, 0.0))
        code.append((AND, 0.0))
    elif isinstance(node, sql.Is) and isinstance(node.expression, sql.Null):
        _emit(node.this, where, given=given, code=code)
        code.append((ISNULL, 0.0))
    elif type(node) in _BINARY:
        _emit(node.this, where, given=given, code=code)
        _emit(node.expression, where, given=given, code=code)
        code.append((_BINARY[type(node)], 0.0))
    elif type(node) in _UNARY:
        _emit(node.this, where, given=given, code=code)
        code.append((_UNARY[type(node)], 0.0))
    elif type(node) in _CHAIN:
        _emit(node.this, where, given=given, code=code)
        for other in node.expressions:
            _emit(other, where, given=given, code=code)
            code.append((_CHAIN[type(node)], 0.0))
    else:
        code.append(_leaf(node, where, given=given))


def _leaf(
    node: sql.Expr, where: Mapping[str, int], *, given: Mapping[str, float | None]
) -> tuple[int, float]:
    if isinstance(node, sql.Column):
        return (LOAD, float(where[node.name]))
    if isinstance(node, sql.Literal):
        return (CONST, float(node.this))
    if isinstance(node, sql.Boolean):
        return (CONST, 1.0 if node.this else 0.0)
    if isinstance(node, sql.Placeholder):
        return (CONST, bound(node, given))
    raise Unfit(f"{node.sql()!r} is judged in columns, not by the kernel")


def bound(node: sql.Placeholder, given: Mapping[str, float | None]) -> float:
    """The value of a parameter.

    Raises:
        BadInput: it has none.
    """
    value = given.get(node.name)
    if value is None:
        raise BadInput(f"parameter :{node.name} has no value")
    return float(value)
