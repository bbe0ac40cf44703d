"""The counter for credit: four eyes, limits, ratings with reasons, and facts that contradict."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.homes import acts, findings, still, stocked
from wuxin import frozen
from wuxin.finance.periods import canonical, period
from wuxin.flow import Outcome
from wuxin.home import Home
from wuxin.packs import schema
from wuxin.stores.snapshot import Snapshot
from wuxin.terms.clock import iso, moment
from wuxin.terms.errors import BadInput, Conflict, Forbidden, NotFound
from wuxin.terms.records import Command
from wuxin.wire.recording import open_recording

AT = moment("2024-04-02T09:00:00Z")
MAKER = "Example maker"


def quarters(*revenues: int, first: int = 2021, **more: Any) -> dict[str, Any]:
    """Return a made-up company's statements, a quarter for each revenue."""
    rows = [
        {"period": f"{first + n // 4}Q{n % 4 + 1}", "revenue": revenue,
         "gross_profit": revenue * 3 // 10, "net_income": revenue // 10,
         "operating_cash_flow": revenue // 9, "cash": 500_000, "receivables": revenue // 4,
         "inventory": revenue // 4, "total_assets": 4_000_000, "total_liabilities": 1_500_000,
         "revenue_by_customer": {"A": revenue // 5, "others": revenue * 4 // 5}}
        for n, revenue in enumerate(revenues)
    ]  # fmt: skip
    return {"company": MAKER, "currency": "CNY", "periods": rows, **more}


SOUND = quarters(*(round(1_000_000 * 1.02**n) for n in range(12)))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with Home(tmp_path / "home", clock=still) as opened:
        yield opened


def order(
    home: Home, do: str, *, by: str, facility: str = "", on: str = "", **body: Any
) -> Outcome:
    """Give an order; ``on`` is the source on whose clock a facility is to run."""
    return home.order(Command(do, AT, by, facility, body), source=on)


def apply(home: Home, by: str = "li", **more: Any) -> str:
    """Apply for credit, and return the name of the application."""
    body = {"obligor": MAKER, "product": "working capital", "amount": "800000",
            "currency": "CNY", "purpose": "copper for the season", **more}  # fmt: skip
    order(home, "apply", by=by, **body)
    return str(acts(home, kind="credit_applied")[-1]["figures"]["application"])


def decided(home: Home) -> dict[str, str]:
    """Return the figures of the latest decision."""
    figures: dict[str, str] = acts(home, kind="credit_decided")[-1]["figures"]
    return figures


def rows(figures: dict[str, str]) -> dict[str, str]:
    """Return the rows of a decision that held, with what each read."""
    found = [n for n in range(1, 60) if f"row_{n}" in figures]
    return {figures[f"row_{n}"]: figures[f"row_{n}_read_en"] for n in found}


def opened(home: Home, folder: Path, *, name: str = "F-1", **more: Any) -> None:
    """Open a facility on three lots, which report once in a day of March."""
    if "recording" not in home.flow.sources:
        folder.mkdir(exist_ok=True)
        for _ in home.replay(open_recording(stocked(folder))):
            pass
    source = next(s for s in home.flow.sources if s != "bank")
    terms = {
        "id": name, "obligor": MAKER, "pool": {"root": "warehouse:WH", "kind": "lot"},
        "currency": "CNY", "principal": "300000", "opened": iso(AT), "haircut": "0.2",
        "maximum_loan_to_value": "0.8", "target_loan_to_value": "0.7", "call_deadline": "10 d",
        "minimum_transfer": "0", "lien": 1, "junior": True,
        "terms": {"price": "price_series:copper", "price_unit": "CNY/t", "price_valid_for": "30 d"},
        **more,
    }  # fmt: skip
    order(home, "open_facility", by="wang", facility=name, on=source, **terms)


def test_a_decision_names_every_row_that_held_with_the_values_it_read(home: Home) -> None:
    apply(home, statement=SOUND)
    told = decided(home)
    assert (told["grade"], told["action"]) == ("B", "approve")
    assert rows(told)["no_machines"].startswith("steadiness of machines —, asked null")
    # 800,000 of four quarters: 1,000,000 × (1.02^8 + … + 1.02^11) = 4,829,074
    revenue = sum(round(1_000_000 * 1.02**n) for n in range(8, 12))
    assert told["input_requested_to_revenue"] == f"{800_000 / revenue:.6f}"
    assert told["limit"] == "800000.00"  # a quarter of revenue is more than what is asked for
    assert told["rate"] == "0.050"
    assert acts(home, kind="credit_decided")[0]["because"]


def test_the_limit_is_money_computed_exactly_from_the_share_of_revenue(home: Home) -> None:
    apply(home, amount="1400000", declared={"revenue": "4000001.01"}, statement=None)
    told = decided(home)
    # only declared, and nearly more than three tenths: referred, C, 0.15 × 4,000,001.01
    assert (told["grade"], told["action"], told["limit"]) == ("C", "refer", "600000.15")
    assert {"declared_revenue", "large_request", "thin_statement"} <= set(rows(told))


def test_without_any_revenue_there_is_no_limit_and_a_person_decides(home: Home) -> None:
    name = apply(home)
    told = decided(home)
    assert (told["action"], told["limit"]) == ("refer", "")
    assert told["input_requested_to_revenue"] == ""
    with pytest.raises(BadInput, match="say approve or decline"):
        order(home, "review", by="chen", application=name, verdict="agree", reason="seen")


def test_four_eyes_apply_review_and_end_an_application(home: Home) -> None:
    name = apply(home, statement=SOUND)
    seen = {"application": name, "verdict": "agree", "reason": "figures match the tax returns"}
    with pytest.raises(Conflict, match="is decided, not reviewed"):
        order(home, "decide", by="wang", application=name, limit="800000", reason="fine")
    with pytest.raises(Forbidden, match="has applied"):
        order(home, "review", by="li", **seen)
    order(home, "review", by="chen", **seen)
    for same in ("li", "chen"):
        with pytest.raises(Forbidden, match="four eyes"):
            order(home, "decide", by=same, application=name, limit="800000", reason="fine")
    with pytest.raises(Conflict, match="needs an override"):
        order(home, "decide", by="wang", application=name, limit="800001", reason="more")
    order(home, "decide", by="wang", application=name, limit="500000", reason="half the season")
    [limit] = acts(home, kind="limit_set")
    assert (limit["mandate"], limit["figures"]["limit"]) == ("wang", "500000.00")
    reviewed = acts(home, kind="credit_reviewed")[0]
    assert reviewed["act"] in {cause["id"] for cause in limit["because"]}
    with pytest.raises(Conflict, match="is ended"):
        order(home, "withdraw_application", by="li", application=name, reason="late")
    with pytest.raises(NotFound):
        order(home, "review", by="chen", **{**seen, "application": "A-9"})


def test_an_override_needs_another_decision_and_its_reason(home: Home) -> None:
    name = apply(home, statement=SOUND)
    with pytest.raises(BadInput, match="another decision"):
        order(home, "review", by="chen", application=name, verdict="override", reason="hm",
              decision="approve")  # fmt: skip
    with pytest.raises(BadInput, match="reason"):
        order(home, "review", by="chen", application=name, verdict="override", decision="decline")
    order(home, "review", by="chen", application=name, verdict="override", decision="decline",
          reason="the buyer is insolvent")  # fmt: skip
    with pytest.raises(Conflict, match="can only be 0"):
        order(home, "decide", by="wang", application=name, limit="1", reason="still")
    order(home, "decide", by="wang", application=name, limit="0", reason="as reviewed")
    assert acts(home, kind="credit_declined")[0]["figures"]["reason"] == "as reviewed"


def test_an_application_that_is_taken_back_goes_no_further(home: Home) -> None:
    name = apply(home)
    order(home, "withdraw_application", by="li", application=name, reason="found another bank")
    with pytest.raises(Conflict, match="is withdrawn"):
        order(home, "review", by="chen", application=name, verdict="agree", reason="seen")


def test_facilities_fit_the_limit_and_without_one_nothing_is_refused(
    home: Home, tmp_path: Path
) -> None:
    opened(home, tmp_path / "stock")
    name = apply(home, statement=SOUND)
    order(home, "review", by="chen", application=name, verdict="override", decision="approve",
          reason="the missing lots were moved with our leave")  # fmt: skip
    order(home, "decide", by="wang", application=name, limit="500000", reason="fine")
    other = {"pool": {"root": "warehouse:W2", "kind": "lot"}}
    with pytest.raises(Conflict, match=r"300000\.00 is used, and 200001\.00 more"):
        opened(home, tmp_path / "stock", name="F-2", principal="200001", **other)
    with pytest.raises(Conflict, match="none in USD"):
        opened(home, tmp_path / "stock", name="F-2", currency="USD", **other)
    opened(home, tmp_path / "stock", name="F-2", principal="200000", **other)
    order(home, "repay", by="li", facility="F-1", amount="300000")
    opened(home, tmp_path / "stock", name="F-3", principal="300000", **other)
    opened(home, tmp_path / "stock", name="F-4", obligor="Somebody else", **other)


def test_a_mapping_to_what_is_no_indicator_or_input_is_refused(home: Home, tmp_path: Path) -> None:
    for mapping, why in (({"no_such": "machine_trend"}, "no indicator"),
                         ({"net_weight": "mood"}, "is not one of")):  # fmt: skip
        with pytest.raises(BadInput, match=why):
            opened(home, tmp_path / "stock", terms={"credit_inputs": mapping})


def test_statements_are_kept_period_by_period_and_their_flags_rate(home: Home) -> None:
    order(home, "tell_statement", by="li", obligor=MAKER, statement=SOUND)
    [first] = acts(home, kind="credit_rerated")
    assert (first["figures"]["from"], first["figures"]["to"]) == ("", "B")
    order(home, "tell_statement", by="li", obligor=MAKER,
          statement=quarters(500_000, first=2024))  # fmt: skip
    told = acts(home, kind="statement_assessed")[-1]["figures"]
    names = {told[f"flag_{n}"]: n for n in range(1, int(told["flags"]) + 1)}
    assert {"trend_break", "revenue_fall"} <= set(names)
    place = names["revenue_fall"]
    assert told[f"flag_{place}_threshold"] == "0.25"
    # against 2023Q1: 500,000 / 1,171,659 − 1
    assert "revenue_2023Q1 1171659; growth -0.573255" in told[f"flag_{place}_figures"]
    assert told["months"] == "39"
    second = acts(home, kind="credit_rerated")[-1]
    assert second["figures"]["to"] == "D"
    assert second["figures"]["now_statement_red"] != "0"
    [fell] = findings(home, rule="rating_fell")
    assert (fell["thing"], fell["level"]) == (MAKER, "amber")
    assert {"kind": "act", "id": second["act"]}.items() <= fell["because"][0].items()


def test_what_is_missing_in_statements_is_said_and_a_new_form_is_a_restatement(home: Home) -> None:
    given = quarters(*[100] * 4)
    del given["periods"][3]["cash"]
    order(home, "tell_statement", by="li", obligor=MAKER, statement=given)
    told = acts(home, kind="statement_assessed")[-1]["figures"]
    assert "cash: missing in 2021Q4" in [v for k, v in told.items() if k.startswith("missing")]
    assert told["revenue_of_a_year"] == "400"
    again = quarters(*[100] * 3, 90)
    order(home, "tell_statement", by="li", obligor=MAKER, statement=again)
    told = acts(home, kind="statement_assessed")[-1]["figures"]
    assert "restated" in [v for k, v in told.items() if k.startswith("flag_")]
    with pytest.raises(Conflict, match="are in CNY, not USD"):
        order(
            home, "tell_statement", by="li", obligor=MAKER, statement={**given, "currency": "USD"}
        )
    with pytest.raises(BadInput, match="currency"):
        order(home, "tell_statement", by="li", obligor="nobody", statement={"company": "x"})
    assert "nobody" not in home.flow.bank.credit.standings


def claim(home: Home, source: str, *, value: str, **more: Any) -> None:
    """Say what a source says of March's output."""
    body = {"fact": "output", "obligor": MAKER, "period": "2024-03", "value": value,
            "unit": "items", "source": source, "tolerance_share": "0.05",
            "reason": "the meter's class", **more}  # fmt: skip
    order(home, "tell_claim", by="chen", **body)


def test_sources_that_agree_raise_trust_and_those_that_do_not_are_both_named(home: Home) -> None:
    claim(home, "count", value="1000")
    assert acts(home, kind="claims_agree") == []
    claim(home, "energy", value="3900", rate="0.26", rate_reason="items per kWh, learnt in 2023")
    [agreed] = acts(home, kind="claims_agree")
    assert float(agreed["figures"]["trust"]) == pytest.approx(0.941, abs=0.001)
    claim(home, "invoices", value="1500")
    [found] = findings(home, rule="claims_contradict")
    said = " / ".join(found["reasons"])
    assert "invoices contradicts count and energy" in said
    for side in ("invoices: 1,500 items", "count: 1,000 items", "energy: 1,014 items"):
        assert side in said
    told = acts(home, kind="credit_rerated")[-1]["figures"]
    assert told["now_claims_contradicting"] == "1"
    claim(home, "invoices", value="1010", reason="a credit note was missing")
    [over] = findings(home, rule="claims_contradict")
    assert over["to"] is not None
    assert acts(home, kind="claim_told")[-1]["figures"]["value_before"] == "1500"
    assert float(acts(home, kind="claims_agree")[-1]["figures"]["trust"]) > 0.97


def test_the_same_period_written_two_ways_is_one_and_other_facts_are_others(home: Home) -> None:
    claim(home, "count", value="1000")
    claim(home, "invoices", value="2000", period="2024-03-01/2024-04-01")
    assert len(findings(home, rule="claims_contradict")) == 1
    claim(home, "count", value="5", fact="heads", period="2024Q1")
    claim(home, "payroll", value="9", fact="heads", period="2024Q1")
    assert len(findings(home, rule="claims_contradict")) == 2
    assert acts(home, kind="credit_rerated")[-1]["figures"]["to"] == "D"


def test_a_claim_that_cannot_be_meant_changes_nothing(home: Home) -> None:
    for wrong in ({"value": "many"}, {"tolerance_share": "1.5"}, {"period": "soon"},
                  {"source": "twin:lot:L-1/net_weight"}, {"value": "1e30"}):  # fmt: skip
        with pytest.raises(BadInput):
            claim(home, **{"source": "count", "value": "1", **wrong})
    claim(home, "count", value="1")
    with pytest.raises(BadInput):
        claim(home, "energy", value="1", unit="kWh")
    assert set(home.flow.bank.credit.standings) == {MAKER}
    assert len(acts(home, kind="claim_told")) == 1


def test_a_score_becomes_part_of_the_rating_with_its_model_and_reasons(home: Home) -> None:
    order(home, "tell_statement", by="li", obligor=MAKER, statement=SOUND)
    reasons = [{"zh": "设备开工率为41.0 %，推高违约风险", "en": "machine use: 41 %"}]
    order(home, "tell_score", by="chen", obligor=MAKER, model="a" * 64, probability="0.31",
          reasons=reasons, stability=[{"zh": "稳定", "en": "stable"}])  # fmt: skip
    told = acts(home, kind="credit_rerated")[-1]["figures"]
    assert (told["from"], told["to"], told["now_score_probability"]) == ("B", "E", "0.31")
    scored = acts(home, kind="credit_scored")[0]["figures"]
    assert (scored["reason_1_en"], scored["stability_1_en"]) == ("machine use: 41 %", "stable")
    assert findings(home, rule="rating_fell")[0]["level"] == "red"
    name = apply(home)
    order(home, "review", by="chen", application=name, verdict="agree", reason="agreed")
    seen = acts(home, kind="credit_reviewed")[0]["figures"]
    assert (seen["score_model"], seen["score_probability"]) == ("a" * 64, "0.31")
    order(home, "tell_score", by="chen", obligor=MAKER, model="b" * 64, probability="0.001")
    [over] = findings(home, rule="rating_fell")
    assert over["to"] is not None


def test_findings_that_are_open_on_the_pool_lower_the_rating_from_the_opening_on(
    home: Home, tmp_path: Path
) -> None:
    order(home, "tell_statement", by="li", obligor=MAKER, statement=SOUND)
    opened(home, tmp_path / "stock")
    missing = findings(home, level="red", open=True)
    assert {one["thing"] for one in missing} == {"L-0", "L-1", "L-2"}
    told = acts(home, kind="credit_rerated")[-1]
    assert (told["figures"]["from"], told["figures"]["to"]) == ("B", "D")
    assert rows(told["figures"])["red_findings"] == "open red findings 3, asked >= 2"
    assert {one["finding"] for one in missing} <= {cause["id"] for cause in told["because"]}


def test_what_is_remembered_survives_a_state_file_to_the_last_bit(
    home: Home, tmp_path: Path
) -> None:
    opened(home, tmp_path / "stock")
    name = apply(home, statement=SOUND)
    order(home, "review", by="chen", application=name, verdict="override", decision="approve",
          reason="the missing lots were moved with our leave")  # fmt: skip
    order(home, "decide", by="wang", application=name, limit="500000", reason="fine")
    claim(home, "count", value="1000")
    claim(home, "invoices", value="2000")
    order(home, "tell_score", by="chen", obligor=MAKER, model="a" * 64, probability="0.4")
    kept = frozen.freeze(home.flow, 99)
    again = frozen.thaw(Snapshot(99, kept.schema, kept.meta, kept.arrays), home.tenant,
                        packs=schema.load)  # fmt: skip
    assert again is not None
    assert frozen.digest(again) == frozen.digest(home.flow)
    credit = home.flow.bank.credit
    assert again.bank.credit.freeze() == credit.freeze()
    assert credit.standings[MAKER].fell is not None
    assert credit.standings[MAKER].limits["CNY"].amount == 500_000


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("2024", "2024-01-01", "2025-01-01"),
        ("2024H2", "2024-07-01", "2025-01-01"),
        ("2024Q4", "2024-10-01", "2025-01-01"),
        ("2024-12", "2024-12-01", "2025-01-01"),
        ("2024-02-29", "2024-02-29", "2024-03-01"),
        ("2024-02-27/2024-03-02", "2024-02-27", "2024-03-02"),
    ],
)
def test_periods_are_read_as_people_write_them(text: str, begin: str, end: str) -> None:
    assert period(text) == (moment(begin), moment(end))
    assert canonical(text) == f"{iso(moment(begin))}/{iso(moment(end))}"


@pytest.mark.parametrize("text", ["", "2024Q5", "2024-13", "spring", "2024-03-02/2024-03-02"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        period(text)
