"""What SQL a rule may be written in: parses a condition, and refuses what could not be judged.

A condition speaks of one thing at one moment. Numbers are float64, NULL is a value that is not
known. Every kind of node has to stand in a list here, so aggregates, subqueries, tables, functions
that give another answer each time, and whatever a later parser understands are refused.

Beyond indicators a condition may read *terms*, which the kernel keeps for each thing: ``rate(x)``,
the change per second between the two latest usable values; ``age(x)``, the seconds since x was last
reported; ``avg_over_time(x, '15 min')`` and its brothers, over panes of five minutes of event time.
The window at time t is the panes ``t // pane - n + 1`` to ``t // pane``, the last as far as it has
come. The names over time are those of Prometheus.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import sqlglot
from sqlglot import expressions as sql
from sqlglot.errors import SqlglotError

from wuxin.terms.clock import DAY, duration
from wuxin.terms.errors import BadInput
from wuxin.terms.standards import MOMENTARY, OVER_TIME, PANE, Rule

LONGEST: Final = DAY
"""The longest window (ns)."""

DEEPEST: Final = 60
"""How deep the nodes of a condition may lie."""

EVENT_TIME: Final = "event_time"
_PARTS: Final = frozenset(
    ("year", "quarter", "month", "week", "day", "dow", "isodow", "doy", "hour", "minute", "second")
)

FUNCTIONS: Final = (
    sql.Sqrt, sql.Cbrt, sql.Ln, sql.Log, sql.Exp, sql.Pow, sql.Floor, sql.Ceil, sql.Round, sql.Sign,
    sql.Sin, sql.Cos, sql.Tan, sql.Asin, sql.Acos, sql.Atan, sql.Atan2, sql.Degrees, sql.Radians,
    sql.Pi,
)  # fmt: skip
"""Functions of numbers that only columns know."""

ARITHMETIC: Final = (sql.Add, sql.Sub, sql.Mul, sql.Div, sql.Mod)
_COMPARED: Final = (sql.LT, sql.LTE, sql.GT, sql.GTE, sql.EQ, sql.NEQ)
_OF_NUMBERS: Final = (
    *ARITHMETIC, *_COMPARED, *FUNCTIONS, sql.Neg, sql.Abs, sql.Between, sql.Least, sql.Greatest,
)  # fmt: skip
_TRUTHS: Final = (
    *_COMPARED, sql.And, sql.Or, sql.Not, sql.Between, sql.Is, sql.In, sql.Boolean,
    sql.NullSafeEQ, sql.NullSafeNEQ,
)  # fmt: skip
_ALLOWED: Final = frozenset((
    *_OF_NUMBERS, *_TRUTHS, sql.Coalesce, sql.Nullif, sql.Case, sql.If, sql.Extract, sql.Paren,
    sql.Column, sql.Identifier, sql.Literal, sql.Null, sql.Placeholder, sql.Var,
))  # fmt: skip


class Term(NamedTuple):
    """A function over one indicator that the kernel keeps; ``panes`` is 0 for rate and age."""

    function: str
    indicator: str
    panes: int


class Condition(NamedTuple):
    """A condition as a tree, in which a term is a column of the name that ``terms`` has."""

    tree: sql.Expr
    terms: Mapping[str, Term]
    reads: tuple[str, ...]


def texts(rule: Rule) -> tuple[str, str]:
    """The condition of a rule and of its end (by default that the first no longer holds)."""
    return rule.when, rule.clear or f"NOT ({rule.when})"


def given(rule: Rule) -> dict[str, float | None]:
    """The values of the parameters ``:limit`` and ``:clear``."""
    return {"limit": rule.limit, "clear": rule.clear_limit}


def read(text: str) -> Condition:
    """Read the SQL of a condition.

    Raises:
        BadInput: it is not SQL, or not such as a rule may use; the text names the part.
    """
    terms: dict[str, Term] = {}
    try:
        tree = _alone(text).transform(lambda node: _named(node, terms))
        for node in tree.walk():
            _check(node)
    except SqlglotError as wrong:
        raise BadInput(f"condition {text!r} is not SQL: {str(wrong).splitlines()[0]}") from None
    except RecursionError:
        raise BadInput(f"condition {text[:40]!r}... is nested too deeply") from None
    names = dict.fromkeys(c.name for c in tree.find_all(sql.Column, bfs=False) if not is_moment(c))
    reads = dict.fromkeys(terms[name].indicator if name in terms else name for name in names)
    return Condition(tree, {name: terms[name] for name in names if name in terms}, tuple(reads))


def _alone(text: str) -> sql.Expr:
    """The one expression that a text is; as such an indicator may bear the name of a command."""
    chosen = sqlglot.parse_one(f"SELECT {text}", dialect="duckdb")
    others = [name for name, value in chosen.args.items() if value and name != "expressions"]
    if not isinstance(chosen, sql.Select) or others or len(chosen.expressions) != 1:
        raise BadInput(f"condition {text!r} is not one condition")
    found: sql.Expr = chosen.expressions[0].pop()
    return found


def is_moment(node: sql.Expr) -> bool:
    """Whether a column is the event time of which a part is taken."""
    return isinstance(node.parent, sql.Extract)


def is_truth(node: sql.Expr | None) -> bool:
    """Whether an operand is true or false, not a number (``1 < a < 3`` compares a truth)."""
    if isinstance(node, sql.Paren | sql.Coalesce):
        return is_truth(node.this)
    return isinstance(node, _TRUTHS)


def places(
    condition: Condition, numbers: Mapping[str, int], *, terms: list[Term]
) -> dict[str, int]:
    """Where a thing's vector has what a condition reads: indicators, and behind them the terms.

    Args:
        condition: what reads.
        numbers: the number of each declared indicator.
        terms: those known so far, in order of first use; new ones are appended.

    Raises:
        BadInput: an indicator is not declared.
    """
    for name in condition.reads:
        if name not in numbers:
            raise BadInput(f"indicator {name!r} is not declared")
    found = {name: numbers[name] for name in condition.reads}
    for name, term in condition.terms.items():
        if term not in terms:
            terms.append(term)
        found[name] = len(numbers) + terms.index(term)
    return found


def _named(node: sql.Expr, terms: dict[str, Term]) -> sql.Expr:
    """Terms become columns and both forms of date_part one; other unknown functions are refused."""
    if not isinstance(node, sql.Anonymous):
        return node
    function = str(node.this).lower()
    if function in {*MOMENTARY, *OVER_TIME}:
        term = _term(function, node)
        name = node.sql(dialect="duckdb", comments=False, normalize_functions="lower")
        terms[name] = term
        return sql.column(name, quoted=True)
    arguments = node.expressions
    if function in {"date_part", "datepart"} and len(arguments) == 2 and arguments[0].is_string:
        return sql.Extract(this=sql.Var(this=arguments[0].name), expression=arguments[1])
    raise BadInput(f"{node.sql()!r} is outside of the SQL that a rule may use")


def _term(function: str, node: sql.Anonymous) -> Term:
    windowed = function in OVER_TIME
    form = f"{function}(indicator{', ' + repr('15 min') if windowed else ''})"
    arguments = node.expressions
    if len(arguments) != 1 + windowed or not isinstance(arguments[0], sql.Column):
        raise BadInput(f"{node.sql()!r} is no term; write {form}")
    if arguments[0].table or not isinstance(arguments[0].this, sql.Identifier):
        raise BadInput(f"{arguments[0].sql()!r} is no indicator; write {form}")
    if not windowed:
        return Term(function, arguments[0].name, 0)
    if not arguments[1].is_string:
        raise BadInput(f"{node.sql()!r} has no window; write {form}")
    window = duration(arguments[1].name)
    if window % PANE or not PANE <= window <= LONGEST:
        raise BadInput(
            f"window {arguments[1].name!r} must be a multiple of 5 min, from 5 min to 24 h"
        )
    return Term(function, arguments[0].name, window // PANE)


def _check(node: sql.Expr) -> None:
    """Refuse a node that a rule may not have, or that takes a truth for a number."""
    if node.depth > DEEPEST:
        raise BadInput(f"condition {node.root().sql()[:40]!r}... is nested too deeply")
    if not _may_stand(node):
        raise BadInput(f"{node.sql()!r} is outside of the SQL that a rule may use")
    operands = [*node.iter_expressions()]
    truths = sum(map(is_truth, operands))
    if truths and (
        isinstance(node, _OF_NUMBERS) or (isinstance(node, sql.Coalesce) and truths < len(operands))
    ):
        raise BadInput(f"{node.sql()!r} takes a truth for a number, which SQL does not")


def _may_stand(node: sql.Expr) -> bool:
    asked = _ONLY.get(type(node))
    return type(node) in _ALLOWED and (asked is None or asked(node))


def _of_moment(node: sql.Expr) -> bool:
    """A part that is known, of the event time: nothing else here is a date."""
    moment = node.args["expression"]
    named = isinstance(moment, sql.Column) and moment.name == EVENT_TIME
    return named and node.name.lower() in _PARTS


def _to_digits(node: sql.Expr) -> bool:
    digits = node.args.get("decimals")
    return digits is None or (isinstance(digits, sql.Literal) and digits.name.isdigit())


_ONLY: Final[Mapping[type[sql.Expr], Callable[[sql.Expr], bool]]] = {
    sql.Literal: lambda node: not node.is_string,
    sql.Column: lambda node: isinstance(node.this, sql.Identifier) and not node.args.get("table"),
    sql.Between: lambda node: not node.args.get("symmetric"),
    sql.In: lambda node: not node.args.get("field"),
    sql.Var: lambda node: isinstance(node.parent, sql.Extract),
    sql.Extract: _of_moment,
    sql.Round: _to_digits,
}
"""What must hold of a node for it to stand, where its kind alone does not say."""
