"""A rule in columns has the kernel's answer where both can judge, and SQL's where only it can."""

import math
from collections.abc import Iterator

import duckdb
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.conditions import CONDITION, NUMBERS, in_kernel, rule
from wuxin.risk.columns import Columns, connect
from wuxin.risk.conditions import Term
from wuxin.risk.rules import Compiled
from wuxin.terms.clock import HOUR, moment
from wuxin.terms.errors import BadInput

Floats = NDArray[np.float64]
NAN, INF = math.nan, math.inf

ANY = st.sampled_from([
    NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 100.0, 1e3, 1.7e308, -1.7e308, 5e-324,
]) | st.floats()  # fmt: skip
VECTORS = st.lists(st.tuples(ANY, ANY, ANY), min_size=1, max_size=8)


DATABASE: list[duckdb.DuckDBPyConnection] = []


@pytest.fixture(scope="module", autouse=True)
def database() -> Iterator[None]:
    """One database for the module: to make one costs more than to ask it."""
    with connect() as connection:
        DATABASE.append(connection)
        yield
        DATABASE.clear()


def by_columns(when: str, values: Floats, *, times: NDArray[np.int64] | None = None) -> Floats:
    """The answers (k, 2) of columns to a condition and to its end."""
    compiled = Compiled({"r": rule(when)}, NUMBERS)
    columns = compiled.columns or Columns(
        compiled.rules, NUMBERS, terms=compiled.terms, connection=lambda: DATABASE[0]
    )
    return np.column_stack(columns.truths(0, values, times=times))


def answers(when: str, *rows: tuple[float, ...]) -> list[float | None]:
    found = by_columns(when, np.array(rows, float))[:, 0]
    return [None if math.isnan(x) else x for x in found.tolist()]


@settings(max_examples=300, deadline=None)
@given(when=CONDITION, rows=VECTORS)
def test_columns_answer_as_the_kernel_does(when: str, rows: list[tuple[float, ...]]) -> None:
    compiled = Compiled({"r": rule(when)}, NUMBERS)
    assume(not compiled.in_columns)
    values = np.array(rows)
    np.testing.assert_array_equal(by_columns(when, values), in_kernel(compiled, values))


@settings(max_examples=100, deadline=None)
@given(when=CONDITION, rows=VECTORS)
def test_a_condition_inside_of_one_that_does_not_fit_keeps_its_answer(
    when: str, rows: list[tuple[float, ...]]
) -> None:
    compiled = Compiled({"r": rule(when)}, NUMBERS)
    assume(not compiled.in_columns)
    cased = rule(f"CASE WHEN {when} THEN TRUE WHEN NOT ({when}) THEN FALSE END")
    columns = Columns([cased], NUMBERS, connection=lambda: DATABASE[0])
    values = np.array(rows)
    found = np.column_stack(columns.truths(0, values))
    np.testing.assert_array_equal(found, in_kernel(compiled, values))


@pytest.mark.parametrize(
    "when",
    [
        "a / b > 1", "a / b IS NULL", "a - b = 0", "a * b IS NULL", "a + b > c", "a = b", "a < b",
        "a", "NOT a", "a AND b > 1", "least(a, b) < c", "greatest(a, b) >= c", "0.1 + 0.2 = 0.3",
        "a / (b - b) IS NULL", "a BETWEEN b AND c", "3 / 2 = 1.5", "1e308 * 10 > a",
        "9223372036854775807 + 1 > a", "a > 1e400", "coalesce(a / b, 7) = 7",
    ],
)  # fmt: skip
def test_numbers_that_are_none_and_infinity_are_the_same_in_both(when: str) -> None:
    sharp = [NAN, INF, -INF, 0.0, -0.0, 1.0, 1.7e308]
    values = np.array([(a, b, 1.0) for a in sharp for b in sharp])
    compiled = Compiled({"r": rule(when)}, NUMBERS)
    assert not compiled.in_columns
    np.testing.assert_array_equal(by_columns(when, values), in_kernel(compiled, values))


@pytest.mark.parametrize(
    ("when", "row", "answer"),
    [
        ("CASE WHEN a > 1 THEN b ELSE c END > 5", (2, 6, 0), 1.0),
        ("CASE WHEN a > 1 THEN b ELSE c END > 5", (NAN, 6, 0), 0.0),
        ("CASE WHEN a > 1 THEN b > 5 END", (0, 6, 0), None),
        ("if(a > 1, b, c) = 6", (2, 6, 0), 1.0),
        ("sqrt(a) > 2", (9, 0, 0), 1.0),
        ("sqrt(a) > 2", (-9, 0, 0), None),
        ("ln(a) < 1", (0, 0, 0), None),
        ("ln(a) < 1", (-1, 0, 0), None),
        ("log(a) < 1 OR log2(a) < 1", (0, 0, 0), None),
        ("asin(a) > 1", (2, 0, 0), None),
        ("ln(a - b) > 1", (INF, INF, 0), None),
        ("sqrt(a - b) * power(a - b, 0) > 0", (INF, INF, 0), None),
        ("coalesce(log(a - b), 5) = 5", (INF, INF, 0), 1.0),
        ("ln(a) > 0.99", (math.e, 0, 0), 1.0),
        ("log(a) = 2", (100, 0, 0), 1.0),
        ("power(a, b) = 8", (2, 3, 0), 1.0),
        ("power(a, 0.5) > 0", (-1, 0, 0), None),
        ("a ^ 2 > 3", (2, 0, 0), 1.0),
        ("a % 2 = 1", (5, 0, 0), 1.0),
        ("a % b = 1", (5, 0, 0), None),
        ("a % 2 IS NULL", (INF, 0, 0), 1.0),
        ("a IN (1, 2, b)", (7, 7, 0), 1.0),
        ("a IN (1, 2)", (3, 0, 0), 0.0),
        ("a IN (1, b)", (3, NAN, 0), None),
        ("a NOT IN (1, 2)", (3, 0, 0), 1.0),
        ("a IS DISTINCT FROM b", (NAN, NAN, 0), 0.0),
        ("(a > 1) IS TRUE", (NAN, 0, 0), 0.0),
        ("nullif(a, 0) IS NULL", (0, 0, 0), 1.0),
        ("round(a, 1) = 0.3", (0.25000001, 0, 0), 1.0),
        ("floor(a) = 1 AND ceil(a) = 2 AND sign(a) = 1", (1.5, 0, 0), 1.0),
        ("exp(a) > 1e300", (1000, 0, 0), 1.0),
        ("sin(a) IS NULL", (INF, 0, 0), 1.0),
        ("atan2(a, b) > 0.78 AND cos(c) = 1", (1, 1, 0), 1.0),
        ("sqrt(a) > 2 OR b > 1", (-9, 2, 0), 1.0),
        ("sqrt(a) + power(b, 2) > :limit", (4, 2, 0), 1.0),
    ],
)
def test_what_only_columns_know_is_judged_by_sql_with_null_for_no_number(
    when: str, row: tuple[float, ...], answer: float | None
) -> None:
    compiled = Compiled({"r": rule(when, limit=5.0)}, NUMBERS)
    assert compiled.in_columns == [0]
    assert compiled.columns is not None
    when_, clear = compiled.columns.truths(0, np.array([row], float))
    expected = NAN if answer is None else answer
    np.testing.assert_array_equal([when_[0], clear[0]], [expected, 1.0 - expected])


def test_one_row_out_of_a_functions_domain_does_not_spoil_the_others() -> None:
    assert answers("sqrt(a) > 1", (4, 0, 0), (-4, 0, 0), (0, 0, 0), (NAN, 0, 0)) == [
        1.0, None, 0.0, None,
    ]  # fmt: skip


def test_many_rows_are_answered_in_their_order() -> None:
    values = np.random.default_rng(7).uniform(-2, 2, (100_000, 3))
    found = by_columns("power(a, 2) > b", values)
    np.testing.assert_array_equal(found[:, 0], (values[:, 0] ** 2 > values[:, 1]).astype(float))
    np.testing.assert_array_equal(found[:, 1], 1 - found[:, 0])


def test_what_was_asked_before_does_not_show() -> None:
    rules = {"r": rule("sqrt(a) > 1"), "s": rule("power(a, 2) > b"), "t": rule("a IN (2, b)")}
    columns = Compiled(rules, NUMBERS).columns
    assert columns is not None
    many, few = np.array([[4.0, 1, 0]] * 3000), np.array([[NAN, 1, 0], [0, 5, 0]])
    for _ in range(2):
        assert columns.truths(0, many)[0].tolist() == [1.0] * 3000
        assert columns.truths(1, few)[0].tolist()[1:] == [0.0]
        assert np.isnan(columns.truths(0, few)[0]).tolist() == [True, False]
        assert columns.truths(2, many)[1].tolist() == [1.0] * 3000


def test_no_rows_have_no_answers() -> None:
    assert by_columns("sqrt(a) > 1", np.empty((0, 3))).shape == (0, 2)


def test_terms_are_columns_behind_the_indicators() -> None:
    text = "sqrt(rate(b)) > 1 AND count_over_time(a, '1 h') IN (2, 3)"
    compiled = Compiled({"k": rule("age(c) > 1"), "r": rule(text)}, NUMBERS)
    assert compiled.terms == [
        Term("age", "c", 0), Term("rate", "b", 0), Term("count_over_time", "a", 12),
    ]  # fmt: skip
    assert compiled.columns is not None
    values = np.array([[0, 0, 0, 0, 4.0, 2.0], [0, 0, 0, 0, 4.0, 9.0]])
    assert compiled.columns.truths(1, values)[0].tolist() == [1.0, 0.0]
    assert compiled.reads(1) == {"a", "b"}


def test_a_part_of_the_event_time_is_that_of_utc_and_unknown_without_times() -> None:
    noon = moment("2024-02-29T12:30Z")
    times = np.array([noon, noon + 12 * HOUR], np.int64)
    values = np.zeros((2, 3))
    for text in ("date_part('hour', event_time) = 12", "extract(hour FROM event_time) = 12 + a"):
        assert by_columns(text, values, times=times)[:, 0].tolist() == [1.0, 0.0]
        assert np.isnan(by_columns(text, values)).all()


@pytest.mark.parametrize(
    "text",
    [
        "random() > a", "now() > a", "current_timestamp > a", "a > (SELECT 1)", "a IN (SELECT 1)",
        "a IN b", "EXISTS (SELECT 1)", "sum(a) > 1", "avg(a) OVER () > 1", "lag(a) OVER () > 1",
        "getenv('HOME') = 'x'", "date_part('hour', a) = 1", "date_part('epoch', event_time) = 1",
        "event_time > 1", "[a, b][1] > 2", "hash(a) > 1", "nextval('s') > 1", "a > 1 ORDER BY a",
        "round(a, b) > 1", "SELECT 1", "read_csv('x') > 1", "CASE WHEN random() > 1 THEN a END > 1",
        "sqrt(a > 1) > 1", "* > 1", "COLUMNS(*) > 1", "DROP TABLE t", "power(a) > 1",
    ],
)  # fmt: skip
def test_what_is_no_condition_of_one_moment_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"^rule r: ") as refused:
        Compiled({"r": rule(text)}, NUMBERS)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        " AND ".join(["sqrt(a) > 1"] * 200), " + ".join(["a"] * 500) + " > 1",
        "power(" * 25 + "a" + ", 2)" * 25 + " > 1", "(" * 3000 + "a > 1" + ")" * 3000,
        "NOT " * 3000 + "a > 1", "a - " + " - " * 500 + "a > 1",
    ],
    ids=["and", "plus", "power", "parentheses", "not", "minus"],
)  # fmt: skip
def test_a_condition_that_is_too_involved_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"is nested too deeply|is too involved"):
        Compiled({"r": rule(text)}, NUMBERS)


@pytest.mark.parametrize("text", ["sqrt(" * 20 + "a" + ")" * 20 + " > 1", " + ".join(["a"] * 40)])
def test_a_long_chain_of_arithmetic_stays_cheap(text: str) -> None:
    assert by_columns(text, np.ones((2, 3))).shape == (2, 2)


def test_a_vector_without_a_term_that_a_rule_reads_is_refused() -> None:
    with pytest.raises(BadInput, match="reads a term that no vector has"):
        Columns([rule("rate(a) > 1")], NUMBERS)
