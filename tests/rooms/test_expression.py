"""Rule conditions mean in the twin's kernel what the same text means in SQL."""

from collections.abc import Iterator

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from wuxin.risk.expression import STACK, columns, program
from wuxin.risk.rules import Compiled
from wuxin.risk.rules import given as parameters
from wuxin.terms.errors import BadInput
from wuxin.terms.records import Words
from wuxin.terms.standards import Indicator, Rule
from wuxin.twin import kernel, tables

W = Words("字", "word")
NAMES = ("a", "b", "c")
INDICATORS = {
    name: Indicator(name, W, ("k",), "1", "1", -1e9, 1e9, W, "i", "p") for name in NAMES
}  # fmt: skip
NUMBERS = {name: i for i, name in enumerate(NAMES)}


def rule(when: str, limit: float | None = None) -> Rule:
    return Rule(
        name="r", kind="k", level="amber", when=when, clear="", lasting=0, value="", limit=limit,
        clear_limit=None, words=W, bank=W, enterprise=W, examples=(),
    )  # fmt: skip


def judged(when: str, rows: list[tuple[float | None, ...]]) -> list[list[float | None]]:
    """The kernel's answers, of the condition and of its end, for each row (None is NULL)."""
    compiled = Compiled({"r": rule(when)}, NUMBERS)
    built = tables.build(INDICATORS, ["k"], rules=compiled)
    stack, answers = np.empty(64), []
    for row in rows:
        values = np.array([np.nan if v is None else v for v in row])
        found = [float(kernel.judge(built, p, values, stack)) for p in (0, 1)]
        answers.append([None if np.isnan(x) else x for x in found])
    return answers


OPEN: list[duckdb.DuckDBPyConnection] = []


@pytest.fixture(scope="module", autouse=True)
def database() -> Iterator[None]:
    """One connection for the module; as an argument of a property it would never be freed."""
    with duckdb.connect() as connection:
        connection.execute("SET ieee_floating_point_ops = false")
        connection.execute("SET error_on_division_by_zero = false")
        OPEN.append(connection)
        yield
        OPEN.clear()


def asked(when: str, rows: list[tuple[float | None, ...]]) -> list[list[float | None]]:
    """DuckDB's answers to the same text."""
    table = pa.table({n: pa.array([r[i] for r in rows], pa.float64()) for n, i in NUMBERS.items()})
    sql = f"SELECT ({when})::DOUBLE, (NOT ({when}))::DOUBLE FROM t"  # noqa: S608 - our own text
    OPEN[0].register("t", table)
    return [list(row) for row in OPEN[0].execute(sql).fetchall()]


LITERALS = st.sampled_from(["0", "1", "2", "0.5", "-0.25", "100", "1e3"])
ROWS = st.lists(
    st.tuples(*[
        st.none() | st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0, 100.0])
        | st.floats(-1e6, 1e6, allow_subnormal=False).filter(lambda v: v == 0 or abs(v) > 1e-3)
    ] * 3),
    min_size=1, max_size=8,
)  # fmt: skip


def _paren(text: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return text | text.map(lambda t: f"({t})")


def _numbers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    return _paren(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(" ".join)
        | inner.map(lambda x: f"- ({x})")
    ) | (
        inner.map(lambda x: f"abs({x})")
        | st.tuples(st.sampled_from(["least", "greatest", "coalesce"]), pair).map(
            lambda f: f"{f[0]}({f[1][0]}, {f[1][1]})"
        )
    )


VALUE = st.recursive(st.sampled_from(NAMES) | LITERALS, _numbers, max_leaves=4)
COMPARED = st.tuples(VALUE, st.sampled_from(["<", "<=", ">", ">=", "=", "<>", "!="]), VALUE)
ATOM = _paren(
    COMPARED.map(" ".join)
    | st.tuples(VALUE, st.sampled_from(["", "NOT "]), VALUE, VALUE).map(
        lambda x: f"{x[0]} {x[1]}BETWEEN {x[2]} AND {x[3]}"
    )
    | st.tuples(VALUE, st.sampled_from(["IS NULL", "IS NOT NULL"])).map(" ".join)
    | st.sampled_from(["TRUE", "FALSE"])
)  # fmt: skip
CONDITION = st.recursive(
    ATOM,
    lambda inner: _paren(
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(" ".join)
        | inner.map(lambda x: f"NOT {x}")
        | inner.map(lambda x: f"({x}) IS NULL")
    ),
    max_leaves=4,
)


@settings(max_examples=200, deadline=None)
@given(when=CONDITION, rows=ROWS)
def test_the_kernel_answers_as_sql_does(when: str, rows: list[tuple[float | None, ...]]) -> None:
    try:
        answers = judged(when, rows)
    except BadInput as long:
        assume("too long" not in str(long))
        raise
    assert answers == asked(when, rows)


@pytest.mark.parametrize(
    ("when", "row", "answer"),
    [
        ("a / b > 1", (1.0, 0.0, None), None),
        ("coalesce(a / b, 7) = 7", (0.0, 0.0, None), 1.0),
        ("a > 1 AND b > 1", (None, 0.0, None), 0.0),
        ("a > 1 OR b > 1", (None, 2.0, None), 1.0),
        ("a > 1 OR b > 1", (None, 0.0, None), None),
        ("NOT a > 1", (None, None, None), None),
        ("least(a, b) = 3 AND greatest(a, b) = 3", (3.0, None, None), 1.0),
        ("a BETWEEN 1 AND 3", (3.0, None, None), 1.0),
        ("a IS NULL", (None, None, None), 1.0),
        ("a - b - c = 0", (6.0, 4.0, 2.0), 1.0),
        ("coalesce(a > 1, FALSE)", (None, None, None), 0.0),
    ],
)
def test_null_and_precedence_are_those_of_sql(
    when: str, row: tuple[float | None, ...], answer: float | None
) -> None:
    assert judged(when, [row])[0][0] == answer
    assert asked(when, [row])[0][0] == answer


def test_parameters_stand_for_the_rules_limits() -> None:
    compiled = Compiled({"r": rule("a > :limit", limit=5.0)}, NUMBERS)
    assert compiled.programs[0].args == (0.0, 5.0, 0.0)
    assert parameters(rule("a > :limit", limit=5.0)) == {"limit": 5.0, "clear": None}
    with pytest.raises(BadInput, match=r"rule r: parameter :clear has no value"):
        Compiled({"r": rule("a > :clear", limit=5.0)}, NUMBERS)


def test_a_condition_names_the_indicators_that_it_reads() -> None:
    assert columns("b > 1 AND (a < 2 OR b IS NULL)") == ("b", "a")
    with pytest.raises(BadInput, match="indicator 'd' is not declared"):
        program("d > 1", NUMBERS, given={})


@pytest.mark.parametrize(
    "text",
    [
        "", "a >", "'abc", "a > 1; b > 1", "a > 'x'", "a IN (1, 2)", "a IS TRUE", "count(a) > 1",
        "a > (SELECT 1)", "a % 2 = 0", "a::INT > 1", "a LIKE 'x'", "CASE WHEN a > 1 THEN 1 END",
        "a BETWEEN SYMMETRIC 3 AND 1", "1 < a < 3", "a = b = 1", "a > TRUE", "(a > 1) + 1 > 1",
        "abs(a > 1) = 1", "- (a > 1) < 0", "a + (b > 1) > 1", "coalesce(a > 1, 0)", "t.a > 1",
        "least(a, b > 1) > 0", "a > 1 AS b", "a AND", "a BETWEEN b > 1 AND 2",
    ],
)  # fmt: skip
def test_what_is_not_sql_of_the_subset_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        program(text, NUMBERS, given={})
    assert "\n" not in str(refused.value)


def test_a_condition_that_is_too_long_is_refused() -> None:
    text = " AND ".join(["a > 1"] * STACK)
    with pytest.raises(BadInput, match="is too long"):
        program(text, NUMBERS, given={})


@settings(deadline=None)
@given(st.text(max_size=40) | st.text("ab+-*/<>=() ,.'\"ANDORNOT0123;:", max_size=40))
def test_any_text_is_compiled_or_refused(text: str) -> None:
    try:
        program(text, NUMBERS, given={"limit": 1.0, "clear": None})
    except BadInput:
        return
