"""Rules in columns: conditions that the kernel does not know, run by DuckDB over state vectors.

The same text, with what the house means by numbers made explicit: every number is a DOUBLE, a
result that is no number is NULL, and so is a division by zero, a function outside of its domain
(the root of -1) or the logarithm of zero; what is too large is infinite (IEEE 754). So a condition
that fits the kernel has the same answer here, bit for bit.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import duckdb
import numpy as np
from numpy.typing import NDArray
from sqlglot import expressions as sql

from wuxin.risk.conditions import (
    ARITHMETIC,
    EVENT_TIME,
    FUNCTIONS,
    Condition,
    Term,
    given,
    is_moment,
    is_truth,
    places,
    read,
    texts,
)
from wuxin.risk.expression import bound
from wuxin.terms.errors import BadInput
from wuxin.terms.standards import Rule

Floats = NDArray[np.float64]
_VECTORS: Final = "vectors"
_ANSWERS: Final = ("holds", "ends")
_ROWS: Final = 2048
"""Rows that are judged together: one of DuckDB's vectors, so that their order cannot change."""
_LARGEST: Final = 5_000
"""Nodes of one condition, as DuckDB writes it out."""
_NO_TIME: Final = int(np.iinfo(np.int64).min)


def connect() -> duckdb.DuckDBPyConnection:
    """A database in memory that keeps the order of rows and reaches nothing outside of itself."""
    return duckdb.connect(
        config={"threads": 1, "enable_external_access": False, "ieee_floating_point_ops": True}
    )


class Columns:
    """The conditions of rules as SQL over state vectors, prepared once on a connection of its own.

    Not for several threads at once. Cost: 0.3 ms for each call and 0.3 to 0.4 µs for each row; so
    give it the vectors of a batch together.

    Args:
        rules: all rules of a pack, by number.
        numbers: the number of each declared indicator.
        terms: what stands behind the indicators in a vector, as the rules were compiled.
        which: the numbers of the rules that will be asked for; by default all.
        connection: makes the database.

    Raises:
        BadInput: a condition is no SQL that DuckDB takes; names the rule.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        numbers: Mapping[str, int],
        *,
        terms: Sequence[Term] = (),
        which: Sequence[int] | None = None,
        connection: Callable[[], duckdb.DuckDBPyConnection] = connect,
    ) -> None:
        asked = {n: rules[n] for n in (range(len(rules)) if which is None else which)}
        queries: dict[int, str] = {}
        self._reads: dict[int, list[int]] = {}
        for number, rule in asked.items():
            with _naming(rule):
                queries[number], self._reads[number] = _query(rule, numbers, terms=terms)
        reads = sorted({n for places in self._reads.values() for n in places})
        self._times = np.full(_ROWS, _NO_TIME)
        self._vectors = {n: np.full(_ROWS, np.nan) for n in reads}
        self._database = connection()
        # DuckDB reads these arrays where they lie, each time that a prepared query runs. To hand it
        # another table means to plan the query anew, which takes 2 to 4 ms.
        self._database.register(
            _VECTORS, {EVENT_TIME: self._times, **{f"c{n}": v for n, v in self._vectors.items()}}
        )
        for number, rule in asked.items():
            with _naming(rule):
                self._database.execute(f"PREPARE r{number} AS {queries[number]}")
                self.truths(number, np.full((1, len(numbers) + len(terms)), np.nan))

    def truths(
        self, rule: int, values: Floats, *, times: NDArray[np.int64] | None = None
    ) -> tuple[Floats, Floats]:
        """Judge a rule's condition and that of its end on each vector.

        Args:
            rule: its number.
            values: state vectors, shape (k, indicators + terms), SI units; NaN is NULL.
            times: the event time of each, shape (k,), ns; NULL where it is not given.

        Returns:
            Condition and end, shape (k,) each, in the order of ``values``: 1 true, 0 false, NaN
            unknown.
        """
        answers = np.empty((2, len(values)))
        for start in range(0, len(values), _ROWS):
            part = values[start : start + _ROWS]
            for n in self._reads[rule]:
                self._vectors[n][: len(part)] = part[:, n]
            self._times[: len(part)] = _NO_TIME if times is None else times[start : start + _ROWS]
            found = self._database.execute(f"EXECUTE r{rule}").fetchnumpy()
            for answer, name in zip(answers, _ANSWERS, strict=True):
                answer[start : start + _ROWS] = np.ma.filled(found[name], np.nan)[: len(part)]
        return answers[0], answers[1]


@contextmanager
def _naming(rule: Rule) -> Iterator[None]:
    """What is wrong with a rule says which it is."""
    try:
        yield
    except BadInput as wrong:
        raise BadInput(f"rule {rule.name}: {wrong}") from None
    except duckdb.Error as wrong:
        said = str(wrong).splitlines()[0]
        raise BadInput(f"rule {rule.name}: its condition cannot run: {said}") from None


def _query(
    rule: Rule, numbers: Mapping[str, int], *, terms: Sequence[Term]
) -> tuple[str, list[int]]:
    """A rule's two conditions as one query, and the places of the vector that it reads."""
    known, columns, reads = list(terms), [], set[int]()
    for text, name in zip(texts(rule), _ANSWERS, strict=True):
        condition = read(text)
        where = places(condition, numbers, terms=known)
        if len(known) > len(terms):
            raise BadInput(f"condition {text!r} reads a term that no vector has")
        columns.append(f"{_said(condition, where, parameters=given(rule))}::DOUBLE AS {name}")
        reads |= {*where.values()}
    real = "".join(
        f", {_unless(sql.column(f'c{n}'), math.nan).sql('duckdb')} AS c{n}" for n in sorted(reads)
    )
    moment = f"make_timestamp_ns(nullif({EVENT_TIME}, {_NO_TIME})) AS {EVENT_TIME}"
    vectors = f"SELECT {moment}{real} FROM {_VECTORS}"  # noqa: S608 - names and numbers are ours
    return f"SELECT {', '.join(columns)} FROM ({vectors})", sorted(reads)  # noqa: S608


def _said(
    condition: Condition, where: Mapping[str, int], *, parameters: Mapping[str, float | None]
) -> str:
    """The condition as DuckDB is to run it, every leaf typed and every result NULL or a number."""
    root = sql.Paren(this=condition.tree.copy())
    for node in reversed([*root.this.walk(bfs=False)]):  # operands before what they are part of
        if isinstance(node, sql.Literal | sql.Placeholder | sql.Column):
            _leaf(node, where, parameters=parameters)
        else:
            _operation(node)
    _as_truth(root, "this")
    if _size(root) > _LARGEST:
        raise BadInput(f"condition {condition.tree.sql()[:40]!r}... is too involved")
    return root.sql(dialect="duckdb", comments=False)


def _leaf(
    node: sql.Expr, where: Mapping[str, int], *, parameters: Mapping[str, float | None]
) -> None:
    if isinstance(node, sql.Column):
        name = EVENT_TIME if is_moment(node) else f"c{where[node.name]}"
        node.replace(sql.column(name, quoted=True))
    elif isinstance(node, sql.Placeholder):
        node.replace(_number(bound(node, parameters)))
    elif node.arg_key != "decimals":
        node.replace(_number(float(node.this)))


def _operation(node: sql.Expr) -> None:
    if isinstance(node, sql.And | sql.Or | sql.Not):
        for key in node.args:
            _as_truth(node, key)
    elif isinstance(node, sql.Div | sql.Mod):
        _inside(node.expression, lambda divisor: _unless(divisor, 0.0))
    elif isinstance(node, sql.Ln | sql.Log):  # of zero it is as little known as a division by it
        for operand in [*node.iter_expressions()]:
            _inside(operand, lambda value: _unless(value, 0.0))
    if isinstance(node, (sql.Extract, *FUNCTIONS)):
        # With IEEE arithmetic hardly anything raises; an error under TRY costs 6 µs for each row.
        _inside(node, lambda made: sql.cast(sql.Try(this=made), "double", copy=False))
    if isinstance(node, (*ARITHMETIC, *FUNCTIONS)) and not _passed_on(node):
        _inside(node, lambda made: _unless(made, math.nan))


def _passed_on(node: sql.Expr) -> bool:
    """Whether what takes a number makes NaN of NaN, so that it need not be NULL until later.

    DuckDB writes out NULLIF with its first operand twice; one in another doubles that again.
    """
    taker = node.parent
    while isinstance(taker, sql.Paren | sql.Neg | sql.Abs | sql.Try | sql.Cast | sql.Nullif):
        taker = taker.parent
    return isinstance(taker, (*ARITHMETIC, sql.Sqrt, sql.Ln))


def _inside(node: sql.Expr, make: Callable[[sql.Expr], sql.Expr]) -> None:
    """Put a node inside of another that takes its place."""
    hole = sql.Null()
    node.replace(hole)
    hole.replace(make(node))


def _unless(node: sql.Expr, value: float) -> sql.Expr:
    return sql.Nullif(this=node, expression=_number(value))


def _number(value: float) -> sql.Expr:
    return sql.cast(sql.Literal.string(repr(value)), "double")


def _as_truth(node: sql.Expr, key: str) -> None:
    """Of a number, whether it is not zero; a truth as it is."""
    operand = node.args.get(key)
    if isinstance(operand, sql.Expr) and not is_truth(operand):
        _inside(operand, lambda made: sql.cast(made, "boolean", copy=False))


def _size(root: sql.Expr) -> int:
    """How many nodes DuckDB makes of a tree."""
    sizes: dict[int, int] = {}
    for node in reversed([*root.walk(bfs=False)]):
        own = sum(sizes[id(part)] for part in node.iter_expressions())
        twice = sizes[id(node.this)] if isinstance(node, sql.Nullif) else 0
        sizes[id(node)] = 1 + own + twice
    return sizes[id(root)]
