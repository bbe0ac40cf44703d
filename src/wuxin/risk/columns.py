"""Rules in columns: conditions that the kernel does not know, run by DuckDB over state vectors.

The same text, with what the house means by numbers made explicit: every number is a DOUBLE, a
result that is no number is NULL, and so is a division by zero, a function outside of its domain
(the root of -1) or the logarithm of zero; what is too large is infinite (IEEE 754). So a condition
that fits the kernel has the same answer here, bit for bit.
"""

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
        columns.append(f"{_said(condition, where, given(rule))}::DOUBLE AS {name}")
        reads |= {*where.values()}
    real = "".join(f", {_real(sql.column(f'c{n}')).sql('duckdb')} AS c{n}" for n in sorted(reads))
    moment = f"make_timestamp_ns(nullif({EVENT_TIME}, {_NO_TIME})) AS {EVENT_TIME}"
    vectors = f"SELECT {moment}{real} FROM {_VECTORS}"  # noqa: S608 - names and numbers are ours
    return f"SELECT {', '.join(columns)} FROM ({vectors})", sorted(reads)  # noqa: S608


def _said(
    condition: Condition, where: Mapping[str, int], parameters: Mapping[str, float | None]
) -> str:
    """The condition as DuckDB is to run it, every leaf typed and every step NULL or a number."""
    root = sql.Paren(this=condition.tree.copy())
    for node in reversed([*root.this.walk(bfs=False)]):
        if isinstance(node.parent, sql.Round) and node.arg_key == "decimals":
            continue
        node.replace(_step(node, where, parameters))
    return _truth(root.this).sql(dialect="duckdb", comments=False)


def _step(
    node: sql.Expr, where: Mapping[str, int], parameters: Mapping[str, float | None]
) -> sql.Expr:
    """One node, its operands being done already."""
    if isinstance(node, sql.Literal):
        return _number(float(node.this))
    if isinstance(node, sql.Placeholder):
        return _number(bound(node, parameters))
    if isinstance(node, sql.Column):
        name = EVENT_TIME if is_moment(node) else f"c{where[node.name]}"
        return sql.column(name, quoted=True)
    return _result(node.copy())


def _result(node: sql.Expr) -> sql.Expr:
    """What comes of an operation, as a DOUBLE or NULL."""
    if isinstance(node, sql.And | sql.Or | sql.Not):
        return _of_truths(node)
    if isinstance(node, sql.Extract):
        return sql.cast(node, "double")
    if isinstance(node, ARITHMETIC):
        return _real(_divided(node))
    if isinstance(node, FUNCTIONS):
        return _real(sql.cast(sql.Try(this=_without_pole(node)), "double"))
    return node


def _number(value: float) -> sql.Expr:
    return sql.cast(sql.Literal.string(repr(value)), "double")


def _real(node: sql.Expr) -> sql.Expr:
    """NULL for what is no number (infinity less infinity), which DuckDB holds to be the largest."""
    return sql.Nullif(this=node, expression=_number(float("nan")))


def _divided(node: sql.Expr) -> sql.Expr:
    if isinstance(node, sql.Div | sql.Mod):
        node.set("expression", sql.Nullif(this=node.expression, expression=_number(0.0)))
    return node


def _without_pole(node: sql.Expr) -> sql.Expr:
    """The logarithm of zero is as little known as a division by it.

    With IEEE arithmetic nothing else raises; an error under TRY costs 6 µs for each row, not 20 ns.
    """
    if isinstance(node, sql.Ln | sql.Log):
        for key in ("this", "expression"):
            if isinstance(node.args.get(key), sql.Expr):
                node.set(key, sql.Nullif(this=node.args[key], expression=_number(0.0)))
    return node


def _of_truths(node: sql.Expr) -> sql.Expr:
    for key in ("this", "expression"):
        if isinstance(node.args.get(key), sql.Expr):
            node.set(key, _truth(node.args[key]))
    return node


def _truth(node: sql.Expr) -> sql.Expr:
    """A truth as it is; of a number, whether it is not zero."""
    return sql.Paren(this=node) if is_truth(node) else sql.cast(node, "boolean")
