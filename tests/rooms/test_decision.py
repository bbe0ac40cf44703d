"""Decision tables: one case explained, a whole book decided, and both the same."""

import json
import math
import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from wuxin.risk import decision, decision_cells, decision_sql
from wuxin.terms.errors import BadInput


def jdm(rules: list[dict[str, str]], inputs: str = "x", *, policy: str = "first") -> dict[str, Any]:
    """A JDM decision whose columns have the names of their fields, and the output `grade`."""
    content = {
        "hitPolicy": policy,
        "inputs": [{"id": f, "name": f, "field": f} for f in inputs.split()],
        "outputs": [{"id": "grade", "name": "grade", "field": "grade"}],
        "rules": rules,
    }
    kinds = ("inputNode", "decisionTableNode", "outputNode")
    nodes: list[dict[str, Any]] = [{"id": k, "name": k, "type": k} for k in kinds]
    nodes[0]["content"] = {"schema": ""}  # as the editor writes it
    nodes[1]["content"] = content
    edges = [
        {"id": "1", "sourceId": kinds[0], "targetId": kinds[1]},
        {"id": "2", "sourceId": kinds[1], "targetId": kinds[2]},
    ]
    return {"contentType": "application/vnd.gorules.decision", "nodes": nodes, "edges": edges}


LOAN = jdm(
    [
        {"_id": "late", "days_late": "> 90", "grade": '"D"', "_description": "ninety days"},
        {"_id": "good", "score": ">= 650", "sector": '"energy", "物流"', "grade": '"A"'},
        {"_id": "fair", "score": "[500..650)", "sector": "-", "grade": '"B"'},
        {"_id": "rest", "grade": '"C"'},
    ],
    "days_late score sector",
)


def test_an_answer_says_which_rule_fired_and_why_the_others_did_not() -> None:
    answer = decision.read(LOAN).explain({"score": 649.9, "sector": "物流", "days_late": 3})
    assert answer.fired == ("fair",)
    assert answer.outputs == ({"grade": "B"},)
    late, good, fair, rest = answer.rules
    assert late.cells[0].words.en == "days_late 3 does not meet > 90"
    assert late.cells[0].words.zh == "days_late 3 不符合 > 90"
    assert [c.met for c in good.cells] == [True, False, True]
    assert fair.fired
    assert not rest.fired
    assert rest.before == "fair"


def test_a_missing_value_is_named_and_meets_no_comparison() -> None:
    answer = decision.read(LOAN).explain({"sector": "energy", "days_late": float("nan")})
    assert answer.fired == ("rest",)
    assert answer.rules[1].cells[1].met is None
    assert answer.rules[1].cells[1].words.en == "score is missing, so >= 650 is not met"
    assert list(answer.marks) == ["days_late"]


def test_a_value_of_another_kind_is_marked_and_counts_as_missing() -> None:
    answer = decision.read(LOAN).explain({"score": "700", "sector": 7, "days_late": True})
    assert sorted(answer.marks) == ["days_late", "score", "sector"]
    assert answer.fired == ("rest",)


def test_half_a_character_is_no_text() -> None:
    answer = decision.read(LOAN).explain({"sector": "\ud83d", "score": 700, "days_late": 1})
    assert list(answer.marks) == ["sector"]
    assert answer.fired == ("rest",)


def test_decimals_are_exact_where_floats_would_not_be() -> None:
    table = decision.read(jdm([{"x": "10000000000000001", "grade": "0.1"}]))
    assert table.explain({"x": 10000000000000001}).outputs == ({"grade": Decimal("0.1")},)
    assert table.explain({"x": 10000000000000000}).fired == ()
    assert decision.read(jdm([{"x": "0.3", "grade": "1"}])).fired({"x": 0.1 + 0.2}) == [0]


REFUSED = [
    "> .5", "not 5", "> 5 // x", "a",
    "5.", "1e3", "+5", "1_000", '> "a"', "> true", "]1..10[", "[10..1]",
    '["a"..."b"]', '[d("2023-01-01")..d("2024-01-01")]', "US", "$ > 5", "x + 1", "(> 1)", "> null",
    '"a\\"b"', "`a`", '5, "a"', "> 1 and", "[1, null]", "0.12345678901", "1234567890123456789",
    'd("2023-02-30")', "in 5", "len($) > 3", "> 1 2", ",", "5 % 2", "1, 2 and 3",
    "< 1 or > 2 and != 3",
]  # fmt: skip


@pytest.mark.parametrize("cell", REFUSED)
def test_a_cell_outside_of_the_subset_is_refused_by_its_place(cell: str) -> None:
    with pytest.raises(BadInput) as caught:
        decision.read(jdm([{"x": "1"} if '"a"' not in cell else {"x": "-"}, {"x": cell}]), "rates")
    assert str(caught.value).startswith(f"rates: rule 2, x: {cell!r}")


def test_what_is_no_single_table_of_literals_is_refused() -> None:
    with pytest.raises(BadInput, match="rule 1, grade: 'x \\* 2': an output is"):
        decision.read(jdm([{"x": "1", "grade": "x * 2"}]))
    with pytest.raises(BadInput, match="rule 2, x: '\"a\"' is about a text, cells before about a"):
        decision.read(jdm([{"x": "1"}, {"x": '"a"'}]))
    with pytest.raises(BadInput, match=r"'a\.b' is not a plain field"):
        decision.read(jdm([{"a.b": "1"}], "a.b"))
    with pytest.raises(BadInput, match="not a JDM decision"):
        decision.read("{")
    with pytest.raises(BadInput, match="Invalid enum value 'unique'"):
        decision.read(jdm([{"x": "1"}], policy="unique"))
    defaulted = jdm([{"x": "1"}])
    defaulted["nodes"][1]["content"]["inputs"][0]["defaultValue"] = "5"
    with pytest.raises(BadInput, match="column x: a default value is not compiled"):
        decision.read(defaulted)
    twisted = jdm([{"x": "1"}])
    twisted["nodes"].append({"id": "f", "name": "f", "type": "functionNode", "content": None})
    with pytest.raises(BadInput, match="one decision table is wanted"):
        decision.read(twisted)


def test_a_book_without_a_column_or_with_another_kind_is_refused() -> None:
    table = decision.read(LOAN)
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE book (score VARCHAR, sector VARCHAR, days_late INTEGER)")
        with pytest.raises(BadInput, match=r"book\.score is VARCHAR, the table wants a number"):
            decision_sql.run(connection, table, source="book")
        connection.execute("ALTER TABLE book DROP COLUMN score")
        with pytest.raises(BadInput, match="book has no column 'score'"):
            decision_sql.run(connection, table, source="book")


TEXTS = ["US", "us", "中", "物流", "é", "e\u0301", "", " ", "a'b", "a,b", "😀", "Ω or", "null", "-"]
NUMBERS = ["0", "1", "5", "-3", "0.3", "-0.5", "2.5", "7.0000000001", "100", "9007199254740993"]
DAYS = [date(2023, 12, 31) + timedelta(days=i) for i in range(6)] + [date(1969, 7, 20)]


def quoted(text: str) -> str:
    return f'"{text}"'


def one_number(rng: random.Random) -> str:
    a, b = sorted(rng.sample(NUMBERS, 2), key=Decimal)
    kind = rng.randrange(6)
    if kind < 2:
        return rng.choice([">", ">=", "<", "<=", "==", "!="]) + rng.choice(["", " "]) + a
    if kind == 2:
        return rng.choice("[(") + a + ".." + b + rng.choice("])")
    if kind == 3:
        return rng.choice(["in ", "not in "]) + rng.choice("[(") + f"{a}..{b}" + rng.choice("])")
    if kind == 4:
        return rng.choice(["", "in ", "not in "]) + f"[{a}, {b}]"
    return rng.choice([a, "null", "!= null", "== null"])


def one_text(rng: random.Random) -> str:
    a, b = quoted(rng.choice(TEXTS)), quoted(rng.choice(TEXTS))
    return rng.choice([
        a, f"== {a}", f"!= {a}", f"[{a}, {b}]", f"in [{a}]", f"not in [{a}, {b}]", "null",
        "!= null",
    ])  # fmt: skip


def one_truth(rng: random.Random) -> str:
    return rng.choice(["true", "false", "== true", "!= true", "!= false", "null", "!= null"])


def one_date(rng: random.Random) -> str:
    sign = rng.choice([">", ">=", "<", "<=", "==", "!="])
    return rng.choice([f'{sign} d("{rng.choice(DAYS)}")', f"d('{rng.choice(DAYS)}')", "null"])


MAKERS = {"n": one_number, "t": one_text, "b": one_truth, "d": one_date}


def cell(rng: random.Random, field: str) -> str:
    if rng.random() < 0.35:
        return rng.choice(["", "-"])
    parts = [MAKERS[field](rng) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
    between = rng.choice([[", ", ",", " or "], [" and "]])
    return "".join(p + rng.choice(between) for p in parts[:-1]) + parts[-1]


def case(rng: random.Random) -> dict[str, Any]:
    near = Decimal(rng.choice(NUMBERS)) + rng.choice([0, 0, Decimal("1e-10"), Decimal("-1e-10"), 1])
    drawn = rng.choice([
        float(near), round(rng.uniform(-5, 120), 3), rng.randrange(-4, 101), 0.1 + 0.2, math.nan,
        math.inf, 1e30, -0.0, 1.00000000005, 2.5e-7,
    ])  # fmt: skip
    row: dict[str, Any] = {
        "n": float(drawn),
        "t": rng.choice(TEXTS),
        "b": rng.random() < 0.5,
        "d": rng.choice(DAYS),
        "m": near.quantize(Decimal("1e-10")),
    }
    return {k: None if rng.random() < 0.12 else v for k, v in row.items()}


SCHEMA = pa.schema([
    ("n", pa.float64()), ("t", pa.string()), ("b", pa.bool_()), ("d", pa.date32()),
    ("m", pa.decimal128(30, 10)),
])  # fmt: skip


@pytest.mark.parametrize("policy", ["first", "collect"])
def test_the_book_in_sql_decides_as_zen_does_case_by_case(policy: str) -> None:
    rng = random.Random(7)  # noqa: S311 - cases, not secrets
    compared = fired = 0
    fields = "n t b d m"
    for _ in range(40):
        rules = []
        for number in range(rng.choice([1, 5, 20])):
            row = {f: cell(rng, "n" if f == "m" else f) for f in fields.split()}
            grade = rng.choice(['"中"', '"it\'s"', "", "null"])
            rules.append({"_id": f"r{number}", **row, "grade": grade})
        table = decision.read(jdm(rules, fields, policy=policy))
        cases = [case(rng) for _ in range(150)]
        with duckdb.connect() as connection:
            connection.register("book", pa.Table.from_pylist(cases, SCHEMA))
            rows = decision_sql.run(connection, table, source="book").fetchall()
        for given, row in zip(cases, rows, strict=True):
            numbers = table.fired(given)
            ids = [table.rules[i].id for i in numbers]
            grades = [table.rules[i].outputs[0] for i in numbers]
            expected = (ids, grades)
            if policy == "first":
                expected = (ids[0], grades[0]) if ids else (None, None)
            assert row[-2:] == expected, (json.dumps(rules, ensure_ascii=False), given)
            compared += 1
            fired += bool(ids)
    assert compared == 6_000
    assert fired > 1_500


def test_every_explanation_agrees_with_the_engine_on_random_cases() -> None:
    rng = random.Random(8)  # noqa: S311
    for _ in range(20):
        rules = [{f: cell(rng, f) for f in "ntbd"} for _ in range(8)]
        table = decision.read(jdm(rules, "n t b d", policy=rng.choice(["first", "collect"])))
        for _ in range(20):
            table.explain(case(rng))  # it asserts that cells and engine agree


def test_what_a_missing_value_meets_is_known_from_the_cell_alone() -> None:
    known = {"> 5, null": None, "null, > 5": True, "!= 5 or > 3": True, "[1..5]": None,
             'not in ["a"]': True, '["a"]': False, "!= null, 5": False}  # fmt: skip
    for text, expected in known.items():
        test = decision_cells.read(text)
        assert test is not None
        assert decision_cells.when_missing(test) is expected, text
