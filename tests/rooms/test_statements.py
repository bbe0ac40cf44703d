"""Statements: what is read, flagged, compared with the right period, and said to be missing."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from wuxin.cli import main
from wuxin.risk.statement_flags import Assessment, Flag, assess, thresholds
from wuxin.risk.statement_rules import RULES
from wuxin.risk.statements import read
from wuxin.terms.errors import BadInput

EXAMPLE = Path(__file__).parents[2] / "examples" / "statements" / "maker.json"
SEASON = (0.7, 0.9, 1.0, 1.6)


def file(periods: list[Any], **others: Any) -> str:
    return json.dumps(
        {"company": "A made-up maker", "currency": "CNY", "periods": periods, **others}
    )


def quarters(
    count: int = 12, *, growth: float = 0.02, **changed: dict[int, Any]
) -> list[dict[str, Any]]:
    """A sound company with a strong fourth quarter; `changed` has factors by item and quarter."""
    rows = []
    for i in range(count):
        revenue = 1_000_000 * (1 + growth) ** i * SEASON[i % 4]
        row: dict[str, Any] = {
            "revenue": revenue, "gross_profit": revenue * 0.35, "net_income": revenue * 0.08,
            "operating_cash_flow": revenue * 0.09, "cash": 800_000 * (1 + growth) ** i,
            "receivables": revenue * 0.6, "inventory": revenue * 0.5,
            "total_assets": 4e6 * (1 + growth) ** i, "total_liabilities": 2e6 * (1 + growth) ** i,
        }  # fmt: skip
        for name, by_quarter in changed.items():
            row[name] = row[name] * by_quarter.get(i, 1)
        found: dict[str, Any] = {k: round(v) for k, v in row.items()}
        whole = found["revenue"]
        found["revenue_by_customer"] = {"A": whole // 5, "B": whole // 10, "others": whole // 2}
        found["revenue_by_channel"] = {"direct": whole // 3, "dealers": whole // 3}
        rows.append({"period": f"{2021 + i // 4}Q{i % 4 + 1}", **found})
    return rows


def found(periods: list[Any], **others: Any) -> Assessment:
    return assess(read(file(periods, **others)))


def current(periods: list[Any]) -> dict[str, Flag]:
    return {flag.name: flag for flag in found(periods).flags if flag.current}


def test_a_sound_company_with_a_season_has_no_flag_and_nothing_missing() -> None:
    assessment = found(quarters())
    assert assessment.flags == ()
    assert assessment.missing == ()


def test_growth_is_against_the_same_quarter_of_the_year_before() -> None:
    first = found(quarters()).figures["quarter"][8]
    assert str(first.span) == "2023Q1"
    assert first.growth == pytest.approx(Decimal("0.0824"), abs=Decimal("0.001"))
    assert first.growth_sequential is not None
    assert first.growth_sequential < Decimal("-0.5")


def cases() -> list[tuple[str, list[dict[str, Any]]]]:
    last = {11: 0.7}
    late = {9: 1.4, 10: 1.7, 11: 2.2}
    slow = {8: 0.97, 9: 0.93, 10: 0.88, 11: 0.82}
    lost = quarters()
    lost[-1]["revenue_by_customer"]["A"] //= 4
    named = quarters()
    whole = named[-1]["revenue"]
    named[-1]["revenue_by_customer"] = {"A": whole * 45 // 100, "others": whole // 2}
    named[-1]["revenue_by_channel"] = {"online": whole * 80 // 100, "dealers": whole // 10}
    return [
        ("revenue_fall", quarters(revenue=last)),
        ("growth_slowing", quarters(growth=0.05, revenue=slow)),
        ("growth_sequential", [{"period": f"2023Q{i + 1}", "revenue": r}
                               for i, r in enumerate((100, 150, 190, 210))]),
        ("gross_margin_drop", quarters(gross_profit=last)),
        ("net_margin_drop", quarters(net_income={11: -1})),
        ("loss", quarters(net_income={11: -0.1})),
        ("cash_against_revenue", quarters(operating_cash_flow={11: -0.5})),
        ("profit_without_cash", quarters(operating_cash_flow=dict.fromkeys(range(8, 12), 0.1))),
        ("receivables_outgrow", quarters(receivables=late)),
        ("inventory_outgrow", quarters(inventory=late)),
        ("customer", named), ("customer_rising", named), ("customer_lost", lost),
        ("channel", named), ("channel_rising", named),
        ("leverage", quarters(total_liabilities={11: 1.6})),
        ("leverage_rising", quarters(total_liabilities={11: 1.3})),
        ("cash_months", quarters(operating_cash_flow=dict.fromkeys(range(8, 12), -3))),
        ("cash_fall", quarters(cash={11: 0.4})),
        ("trend_break", quarters(revenue={11: 1.4})),
        ("margin_break", quarters(gross_profit={11: 1.4})),
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "periods"), cases(), ids=[name for name, _ in cases()])
def test_a_flag_is_raised_with_its_figures_and_threshold(
    name: str, periods: list[dict[str, Any]]
) -> None:
    flag = current(periods)[name]
    assert flag.until == periods[-1]["period"]
    assert flag.figures
    assert flag.threshold is not None
    assert flag.why
    assert flag.words.zh != flag.words.en


def test_every_rule_has_a_case_here_and_its_reason() -> None:
    assert {name for name, _ in cases()} == {*RULES}
    assert all(limits["why"] for limits in thresholds().values())


def test_a_flag_that_held_once_is_kept_with_its_span_and_is_not_current() -> None:
    flags = [f for f in found(quarters(gross_profit={5: 0.7, 6: 0.7})).flags if not f.current]
    [drop] = [f for f in flags if f.name == "gross_margin_drop"]
    assert (drop.since, drop.until, drop.level) == ("2022Q2", "2022Q3", "red")


def test_what_is_missing_is_said_and_never_counted_as_zero() -> None:
    periods = quarters()
    for row in periods:
        del row["inventory"]
        del row["operating_cash_flow"]
    del periods[-1]["cash"]
    periods[3]["receivables"] = None
    assessment = found(periods)
    assert [words.en for words in assessment.missing] == [
        "operating cash flow: given in no period",
        "cash: missing in 2023Q4",
        "receivables: missing in 2021Q4",
        "inventory: given in no period",
    ]
    assert assessment.flags == ()
    assert assessment.figures["quarter"][-1].cash_months is None


def test_without_a_year_before_the_comparison_is_said_to_be_missing() -> None:
    assert "2022Q3 is missing, so 2023Q3 cannot be compared with the year before" in [
        words.en for words in found([{"period": "2023Q3", "revenue": 5}]).missing
    ]


def test_a_past_too_short_for_a_trend_is_said() -> None:
    said = [words.en for words in found(quarters(8)).missing]
    assert said == ["growth of 4 periods before is wanted to tell a break of trend, there are 3"]
    assert found(quarters(9)).missing == ()


def test_the_order_of_periods_makes_no_difference_but_is_noted() -> None:
    backwards = found(quarters()[::-1])
    assert {flag.name for flag in backwards.flags} == {"out_of_order"}
    assert backwards.figures == found(quarters()).figures


def test_a_period_given_twice_is_a_duplicate_or_restated_and_the_later_holds() -> None:
    periods = quarters()
    again = {**periods[4], "revenue": periods[4]["revenue"] - 100_000}
    restated = found([*periods, periods[3], again])
    said = {f.name: f.words.en for f in restated.flags}
    assert said["duplicate"] == "2021Q4 is given twice, alike"
    assert f"revenue {periods[4]['revenue']} → {again['revenue']}" in said["restated"]
    assert restated.figures["quarter"][4].period.amount("revenue") == again["revenue"]


def test_a_gap_is_named_and_nothing_is_compared_across_it() -> None:
    periods = [row for row in quarters() if row["period"] not in {"2022Q2", "2022Q3"}]
    assessment = found(periods)
    assert [f.words.en for f in assessment.flags if f.name == "gap"] == [
        "2022Q2 – 2022Q3 is missing"
    ]
    by_name = {str(f.span): f for f in assessment.figures["quarter"]}
    assert by_name["2022Q4"].growth_sequential is None
    assert by_name["2023Q2"].growth is None


def test_years_and_quarters_in_one_file_are_not_mixed() -> None:
    years = [{"period": str(y), "revenue": r} for y, r in ((2021, 400), (2022, 440))]
    assessment = found([*quarters(), *years])
    assert [f.growth for f in assessment.figures["year"]] == [None, Decimal("0.1")]
    assert [len(f) for f in assessment.figures.values()] == [2, 12]


def test_a_breakdown_in_shares_is_told_and_one_beyond_revenue_contradicts() -> None:
    row = {"period": "2023", "revenue": 9e6, "revenue_by_customer": {"A": 0.6, "B": 0.4}}
    [shares] = found([row]).figures["year"]
    assert shares.customer is not None
    assert shares.customer.share == Decimal("0.6")
    flags = current([{"period": "2023", "revenue": 100, "revenue_by_customer": {"A": 60, "B": 60}}])
    assert "120, is more than revenue, 100" in flags["contradiction"].words.en


def test_others_are_no_single_customer() -> None:
    row = {
        "period": "2023",
        "revenue": 100,
        "revenue_by_customer": {"其他客户": 70, "Others (9)": 10, "甲": 20},
    }
    assert "customer" not in current([row])
    row["revenue_by_customer"] = {"Restful Hotels": 80}
    assert current([row])["customer"].subject == "Restful Hotels"


WRONG = [
    ("{", "line 1, column 2: it is not JSON"),
    ("[]", "an object with company, currency and periods is wanted"),
    ('{"company": "", "currency": "CNY", "periods": []}', "company: a name is wanted"),
    ('{"company": "A", "currency": "yuan", "periods": [{}]}', "currency: 'yuan' is not an ISO"),
    ('{"company": "A", "currency": "CNY", "periods": []}', "periods: a list of at least one"),
    (file([{"period": "2023Q5"}]), "periods[0].period: '2023Q5' is no period; write 2023,"),
    (file([{"revenue": 5}]), "periods[0].period: 'null' is no period"),
    (file([{"period": "2023"}, {"period": "2024", "revenue": "1,5"}]),
     "periods[1].revenue: '1,5' is not an amount of money"),
    (file([{"period": "2023", "cash": True}]), "periods[0].cash: true is not an amount"),
    (file([{"period": "2023", "cash": [1]}]), "periods[0].cash: "),
    (file([{"period": "2023", "cash": float("nan")}]), "NaN is not an amount of money"),
    (file([{"period": "2023", "revenue_by_customer": [1]}]),
     "periods[0].revenue_by_customer: an object of names and amounts"),
    (file([{"period": "2023", "revenue_by_customer": {"A": "x"}}]),
     "periods[0].revenue_by_customer['A']: 'x' is not an amount"),
    (file([{"period": "2023", "currency": "USD"}]), "periods[0].currency: all periods must"),
    ('{"company": "A", "company": "B"}', "'company' stands twice in one object"),
    (file([5]), "periods[0]: an object with period and figures"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_a_wrong_file_is_refused_by_its_place(text: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(text, "f.json")
    assert str(caught.value).startswith(f"f.json: {said}")
    assert "\n" not in str(caught.value)


def test_a_word_that_is_not_known_is_told_not_dropped() -> None:
    assert "'revenu' is not known and not used" in [
        f.words.en for f in found([{"period": "2023", "revenu": 5}]).flags
    ]


def test_money_is_exact() -> None:
    text = file([]).replace("[]", '[{"period": "2023", "revenue": 12345678901234567.01}]')
    [period] = read(text).series["year"]
    assert period.amount("revenue") == Decimal("12345678901234567.01")


def test_the_command_prints_both_languages_and_json() -> None:
    runner = CliRunner(env={"COLUMNS": "170"})
    english = runner.invoke(main, ["assess", str(EXAMPLE), "--lang", "en"])
    assert "receivables grew by" in english.output
    assert "应收账款同比增长" in runner.invoke(main, ["assess", str(EXAMPLE)]).output
    whole = json.loads(runner.invoke(main, ["assess", str(EXAMPLE), "--json"]).output)
    assert whole["company"].startswith("Example Maker")
    assert len(whole["periods"]) == 12
    assert {"customer", "growth_slowing", "cash_months"} <= {f["name"] for f in whole["flags"]}


def test_the_command_says_in_one_line_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "f.json"
    wrong.write_text(file([{"period": "soon"}]))
    with pytest.raises(SystemExit) as ended:
        main(["assess", str(wrong)])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("wuxin: f.json: periods[0].period: 'soon' is no")
