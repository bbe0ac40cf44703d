"""Rule conditions mean in the twin's kernel what the same text means in SQL."""

from collections.abc import Iterator

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.conditions import CONDITION, INDICATORS, NUMBERS, in_kernel, rule
from wuxin.risk.conditions import Term
from wuxin.risk.conditions import given as parameters
from wuxin.risk.expression import LOAD, STACK, Unfit, columns, program
from wuxin.risk.rules import Compiled, undeclared
from wuxin.terms.errors import BadInput


def judged(when: str, rows: list[tuple[float | None, ...]]) -> list[list[float | None]]:
    """The kernel's answers, of the condition and of its end, for each row (None is NULL)."""
    values = np.array([[np.nan if v is None else v for v in row] for row in rows])
    answers = in_kernel(Compiled({"r": rule(when)}, NUMBERS), values)
    return [[None if np.isnan(x) else x for x in row] for row in answers.tolist()]


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


ROWS = st.lists(
    st.tuples(*[
        st.none() | st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0, 100.0])
        | st.floats(-1e6, 1e6, allow_subnormal=False).filter(lambda v: v == 0 or abs(v) > 1e-3)
    ] * 3),
    min_size=1, max_size=8,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(when=CONDITION, rows=ROWS)
def test_the_kernel_answers_as_sql_does(when: str, rows: list[tuple[float | None, ...]]) -> None:
    assume(not Compiled({"r": rule(when)}, NUMBERS).in_columns)
    assert judged(when, rows) == asked(when, rows)


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
        "", "a >", "'abc", "a > 1; b > 1", "a > 'x'", "count(a) > 1", "a > (SELECT 1)",
        "a::INT > 1", "a LIKE 'x'", "a BETWEEN SYMMETRIC 3 AND 1", "1 < a < 3", "a = b = 1",
        "a > TRUE", "(a > 1) + 1 > 1", "abs(a > 1) = 1", "- (a > 1) < 0", "a + (b > 1) > 1",
        "coalesce(a > 1, 0)", "t.a > 1", "least(a, b > 1) > 0", "a > 1 AS b", "a AND",
        "a BETWEEN b > 1 AND 2",
    ],
)  # fmt: skip
def test_what_a_rule_may_not_say_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        program(text, NUMBERS, given={})
    assert not isinstance(refused.value, Unfit)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "a IN (1, 2)", "a IS TRUE", "a % 2 = 0", "CASE WHEN a > 1 THEN b END", "NULL IS NULL",
        " AND ".join(["a > 1"] * STACK),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_kernel_is_left_to_columns(text: str) -> None:
    with pytest.raises(Unfit):
        program(text, NUMBERS, given={})
    compiled = Compiled({"r": rule(text), "fits": rule("b > 1")}, NUMBERS)
    assert compiled.in_columns == [0]
    assert np.isnan(in_kernel(compiled, np.zeros((1, 3)))).all()


@pytest.mark.parametrize(("value", "answer"), [(5.0, 1.0), (0.0, 0.0), (None, None)])
def test_a_number_in_place_of_a_condition_asks_whether_it_is_not_zero(
    value: float | None, answer: float | None
) -> None:
    assert judged("a", [(value, None, None)])[0][0] == answer


# ---- terms -----------------------------------------------------------------------------------


def test_terms_stand_behind_the_indicators_in_order_of_first_use() -> None:
    rules = {
        "x": rule("rate(b) > 1 AND avg_over_time(a, '15 min') > rate(b)"),
        "y": rule("a > 1 AND age(c) > 60 AND rate(b) < 0"),
    }
    compiled = Compiled(rules, NUMBERS)
    assert compiled.terms == [
        Term("rate", "b", 0),
        Term("avg_over_time", "a", 3),
        Term("age", "c", 0),
    ]
    loads = [
        [a for o, a in zip(p.ops, p.args, strict=True) if o == LOAD] for p in compiled.programs
    ]
    assert loads[0] == [3.0, 4.0, 3.0]
    assert loads[2] == [0.0, 5.0, 3.0]
    assert compiled.reads(1) == {"a", "b", "c"}


def test_a_term_that_is_said_in_two_ways_is_one() -> None:
    compiled = Compiled(
        {"r": rule("max_over_time(a, '1 h') > MAX_OVER_TIME(a, '60 min')")}, NUMBERS
    )
    assert compiled.terms == [Term("max_over_time", "a", 12)]


def test_a_condition_reads_the_indicators_inside_of_its_terms() -> None:
    assert columns("rate(b) > 1 AND a > min_over_time(c, '5 min')") == ("b", "a", "c")
    with pytest.raises(BadInput, match="indicator 'd' is not declared"):
        program("age(d) > 1", NUMBERS, given={})


def test_an_indicator_inside_of_a_term_must_be_one_of_the_kind() -> None:
    text = "rate(a) > 1 AND avg_over_time(d, '1 h') > sqrt(e)"
    assert undeclared(rule(text), INDICATORS) == ["d", "e"]


def test_a_term_is_compared_as_any_other_number() -> None:
    compiled = Compiled(
        {"r": rule("sum_over_time(a, '24 h') / count_over_time(a, '24 h') > 2")}, NUMBERS
    )
    assert [t.panes for t in compiled.terms] == [288, 288]
    values = np.array([[0, 0, 0, 9.0, 3.0], [0, 0, 0, 9.0, 0]])
    np.testing.assert_array_equal(in_kernel(compiled, values)[:, 0], [1.0, np.nan])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("rate(a + b) > 1", r"write rate\(indicator\)"),
        ("rate() > 1", r"write rate\(indicator\)"),
        ("age(a, '5 min') > 1", r"write age\(indicator\)"),
        ("avg_over_time(a) > 1", r"write avg_over_time\(indicator, '15 min'\)"),
        ("avg_over_time(a, 15) > 1", "has no window"),
        ("avg_over_time(a, 'soon') > 1", "'soon' is not a duration"),
        ("avg_over_time(a, '7 min') > 1", "window '7 min' must be a multiple of 5 min"),
        ("avg_over_time(a, '0 min') > 1", "must be a multiple of 5 min"),
        ("avg_over_time(a, '25 h') > 1", "from 5 min to 24 h"),
        ("rate(rate(a)) > 1", r"write rate\(indicator\)"),
        ("rate(t.a) > 1", "is no indicator"),
        ("rate(a > 1) > 1", r"write rate\(indicator\)"),
        ("deriv(a, '15 min') > 1", "is outside of the SQL"),
    ],
)
def test_a_term_that_cannot_be_kept_is_refused_with_its_form(text: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        program(text, NUMBERS, given={})


@settings(deadline=None)
@given(st.text(max_size=40) | st.text("ab+-*/<>=() ,.'\"ANDORNOT0123;:", max_size=40))
def test_any_text_is_compiled_or_refused(text: str) -> None:
    try:
        program(text, NUMBERS, given={"limit": 1.0, "clear": None})
    except BadInput:
        return


@pytest.mark.parametrize("name", ["load", "show", "set", "use"])
def test_an_indicator_may_bear_the_name_of_a_command(name: str) -> None:
    assert columns(f"{name} > 63") == (name,)


@pytest.mark.parametrize("text", ["a > 1, b > 2", "a > 1 FROM b", "a > 1; SELECT 2", ""])
def test_only_one_condition_is_a_condition(text: str) -> None:
    with pytest.raises(BadInput):
        columns(text)
