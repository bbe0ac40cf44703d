"""The bank's own tables for credit: one case by ZEN, a book in SQL, and the worst row counts."""

import random
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from wuxin.risk import decision_sql
from wuxin.risk.credit_table import ACTIONS, GRADES, CreditTables, default
from wuxin.terms.errors import BadInput

CLEAN: dict[str, Any] = {
    "applying": False, "exposure_to_revenue": 0.1, "statement_months": 36, "statement_red": 0,
    "statement_amber": 0, "claims_contradicting": 0, "claims_trust": None,
    "score_probability": 0.01, "arrears_days": 0, "written_off": 0, "loan_to_maximum": 0.5,
    "open_red": 0, "open_amber": 0, "machine_stability": 0.9, "machine_activity": 0.9,
    "machine_trend": 1.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "grade", "action"),
    [
        ({}, "A", "approve"),
        ({"machine_stability": None, "machine_activity": None}, "B", "approve"),
        ({"arrears_days": 30}, "B", "refer"),
        ({"arrears_days": 31}, "D", "decline"),
        ({"arrears_days": 91}, "E", "decline"),
        ({"written_off": 1}, "E", "decline"),
        ({"statement_months": None}, "C", "refer"),
        ({"statement_months": 3, "claims_trust": 0.94}, "B", "approve"),
        ({"loan_to_maximum": 1}, "B", "approve"),
        ({"loan_to_maximum": Decimal("1.000001")}, "C", "refer"),
        ({"claims_contradicting": 1, "statement_amber": 1}, "C", "refer"),
        ({"claims_contradicting": 2, "statement_amber": 1}, "D", "decline"),
        ({"applying": True}, "C", "refer"),
        ({"applying": True, "requested_to_revenue": 0.3, "revenue_declared": False}, "A",
         "approve"),
        ({"applying": True, "requested_to_revenue": 0.61}, "D", "decline"),
    ],
)  # fmt: skip
def test_the_worst_row_counts(change: dict[str, Any], grade: str, action: str) -> None:
    case = {**CLEAN, **change}
    found = default().decide(case)
    assert (found.grade, found.action) == (grade, action)
    assert default().grade(case) == grade
    assert found.rows[0].id == "start"
    assert found.rows[-1].id == grade


def test_nothing_known_is_not_the_best() -> None:
    found = default().decide({})
    assert (found.grade, found.action, found.share) == ("C", "refer", Decimal("0.15"))


WHOLE = (0, 0, 1, 2, 3, 4, 5, 11, 12, 30, 31, 90, 91)
SHARES = (0.02, 0.05, 0.15, 0.3, 0.5, 0.6, 0.8, 0.9, 0.95, 1.0, 1.2)
BESIDE = (0, 0, 1e-6, -1e-6, 0.1)


def case(draw: random.Random) -> dict[str, Any]:
    """Draw a case near the boundaries of the table, with values missing."""
    kinds = default().table.fields
    numbers = {"arrears_days", "written_off", "open_red", "open_amber", "statement_months",
               "statement_red", "statement_amber", "claims_contradicting"}  # fmt: skip
    found = {
        name: draw.random() < 0.5
        if kind == "truth"
        else draw.choice(WHOLE)
        if name in numbers
        else round(draw.choice(SHARES) + draw.choice(BESIDE), 6)
        for name, kind in kinds.items()
    }
    return {name: None if draw.random() < 0.2 else value for name, value in found.items()}


def test_the_bank_s_table_decides_a_book_in_sql_as_zen_decides_each_case() -> None:
    draw = random.Random(5)  # noqa: S311 - a test's draw
    cases = [case(draw) for _ in range(5_000)]
    tables = default()
    kinds = {"truth": pa.bool_(), "number": pa.float64()}
    columns = {
        name: pa.array([one[name] for one in cases], kinds[str(kind)])
        for name, kind in tables.table.fields.items()
    }
    connection = duckdb.connect()
    connection.register("book", pa.table({"n": pa.array(range(len(cases))), **columns}))
    found = decision_sql.run(connection, tables.table, source="book")
    rows = {row[0]: row[1:] for row in found.select("n", "fired", "grade").fetchall()}
    grades = set()
    for n, one in enumerate(cases):
        fired = [tables.table.rules[place].id for place in tables.table.fired(one)]
        assert rows[n][0] == fired, one
        worst = max(rows[n][1], key=GRADES.index)
        assert worst == tables.grade(one)
        grades.add(worst)
    assert {"C", "D", "E"} <= grades


def test_tables_that_give_what_is_no_grade_are_refused() -> None:
    good = (default_text("credit_grade.json"), default_text("credit_terms.json"))
    CreditTables(*good)
    with pytest.raises(BadInput, match="'Z' is not in"):
        CreditTables(good[0].replace('\\"E\\"', '\\"Z\\"'), good[1])
    with pytest.raises(BadInput, match="'perhaps' is not in"):
        CreditTables(good[0], good[1].replace('\\"decline\\"', '\\"perhaps\\"'))
    with pytest.raises(BadInput, match="collected"):
        CreditTables(good[1], good[0])


def default_text(name: str) -> str:
    """Return the text of a table that comes with Wuxin."""
    from importlib.resources import files

    return files("wuxin.risk").joinpath("tables", name).read_text("utf-8")


def test_every_row_has_words_in_both_languages() -> None:
    for table in (default().table, default().terms):
        for rule in table.rules:
            assert " | " in rule.about, rule.id
        for column in table.inputs:
            assert " | " in column.name
    assert ACTIONS[0] == "approve"
