"""What is lent against each thing: criteria, concentration, evidence, and missing prices."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rooms.test_finance import Pool, finding, occasion
from tests.rooms.yard import DAY_ONE, Lots, Yard, lot, rules
from wuxin.terms.clock import HOUR, moment
from wuxin.terms.errors import BadInput
from wuxin.terms.records import Cleared, Finding
from wuxin.terms.standards import Witness

TRUSTS = ("unproven", "code", "certificate", "signed")
WHOLE = Decimal("8414043.00")
NOW = moment("2008-08-02")


def marked(lots: Lots | None = None, **terms: Any) -> Yard:
    yard = Yard(lots, **terms)
    yard.tick("2008-08-02")
    return yard


def lines(yard: Yard) -> dict[str, dict[str, Any]]:
    return {line["thing"]: line for line in yard.facility["lines"]}


def said(line: dict[str, Any]) -> str:
    return "; ".join(words["en"] for words in line["why"])


# ---- eligibility and concentration -------------------------------------------------------------


def test_what_is_not_eligible_keeps_its_value_and_lends_nothing() -> None:
    insured = {"policy": "P", "insurer": "I", "ends": "2010-01-01"}
    yard = Yard(eligibility={"all": [{"fact": "kind", "in": ["lot"]},
                                     {"fact": "insured", "is": True},
                                     {"not": {"fact": "custodian", "is": "cousin"}}]})  # fmt: skip
    yard.tell("pledge", DAY_ONE, **yard.pledged(1, insurance=insured))
    yard.tell("pledge", DAY_ONE, **yard.pledged(2, insurance=insured, custodian="cousin"))
    yard.tell("pledge", DAY_ONE, **yard.pledged(3))
    yard.tick("2008-08-02")
    found = lines(yard)
    assert yard.facility["value"] == str(WHOLE)
    assert [found[f"lot:L-{n}"]["lendable"] for n in range(1, 5)] == [
        "1682808.60", "0.00", "0.00", "0.00"
    ]  # fmt: skip
    assert "custodian must not be" in said(found["lot:L-2"]) or "not:" in said(found["lot:L-2"])
    assert "insured must be True, and is False" in said(found["lot:L-3"])
    assert yard.facility["lendable"] == "1682808.60"


def test_a_fact_that_is_not_known_fulfils_nothing_also_under_not() -> None:
    for criterion in ({"fact": "colour", "is": "red"}, {"not": {"fact": "colour", "is": "red"}}):
        yard = marked(eligibility=criterion)
        assert yard.facility["lendable"] == "0.00"
        assert "is not known" in said(lines(yard)["lot:L-1"])
    either = {"any": [{"fact": "colour", "is": "red"}, {"fact": "nominal", "at_least": "20"}]}
    assert marked(eligibility=either).facility["lendable"] == "6731234.40"


def test_a_group_counts_up_to_its_share_and_the_order_of_limits_holds() -> None:
    yard = marked(concentration=[{"by": "thing", "share": "0.2"}])
    quarter, fifth = Decimal("1682808.60"), Decimal("1346246.88")  # of 6,731,234.40
    assert quarter > fifth
    assert {Decimal(line["lendable"]) for line in lines(yard).values()} == {fifth}
    assert "may be 20" in said(lines(yard)["lot:L-1"])
    both = marked(concentration=[{"by": "within", "share": "0.5"}, {"by": "thing", "share": "0.2"}])
    assert Decimal(both.facility["lendable"]) == Decimal(
        "2692493.76"
    )  # two lots fill the half, each cut to a fifth


@pytest.mark.parametrize(
    "wrong",
    [
        {"eligibility": {"fact": "kind"}},
        {"eligibility": {"all": []}},
        {"concentration": [{"by": "kind", "share": "0"}]},
        {"concentration": [{"by": "kind", "share": "1.5"}]},
        {"dynamic_haircut": {"series": "price_series:x", "confidence": 2}},
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        Yard(**wrong)


# ---- the evidence ------------------------------------------------------------------------------


def evidence(trust: str, silent_h: float | None) -> list[Witness]:
    heard = None if silent_h is None else NOW - int(silent_h * HOUR)
    return [Witness("box", trust, heard, 2 * HOUR)]


@pytest.mark.parametrize(
    ("trust", "silent_h", "haircut", "why"),
    [
        ("signed", 0.0, "0.20", ""),
        ("certificate", 0.0, "0.22", "not signed"),
        ("code", 0.0, "0.30", "in the clear"),
        ("unproven", 0.0, "0.40", "anybody could have said it"),
        ("signed", 3.0, "0.30", "silent for longer than is allowed"),
        ("signed", 7.0, "0.50", "more than three times"),
        ("signed", None, "0.70", "no device speaks for it"),
    ],
)
def test_each_weakness_lowers_what_is_lent_and_says_so(
    trust: str, silent_h: float | None, *, haircut: str, why: str
) -> None:
    lots = Lots()
    lots.heard[lot(1)] = evidence(trust, silent_h)
    yard = marked(lots, evidence_haircut=True)
    weak, sound = lines(yard)["lot:L-1"], lines(yard)["lot:L-2"]
    assert weak["haircut"] == haircut
    assert sound["haircut"] == "0.20"
    assert why in said(weak)
    act = [one for one in yard.said if getattr(one, "kind", "") == "revaluation"][-1]
    told = act.figures.get("why_en", "")  # type: ignore[union-attr]
    assert why in told


def test_a_contradiction_lowers_it_and_its_end_restores_it() -> None:
    yard = marked(evidence_haircut=True)
    before = yard.facility["lendable"]
    named = finding(lot(2), "double_naming", at=NOW)
    yard.hear([named], yard.at("2008-08-03"))
    yard.tick("2008-08-03")
    assert lines(yard)["lot:L-2"]["haircut"] == "0.60"
    assert float(yard.facility["lendable"]) < float(before)
    yard.rest()
    end = Cleared(yard.desk.tenant, named.id, NOW, None, ())
    yard.hear([end], yard.at("2008-08-04"))
    yard.tick("2008-08-04")
    assert yard.facility["lendable"] == before


QUALITY = st.tuples(
    st.integers(0, 3), st.one_of(st.none(), st.floats(0, 30)), st.booleans()
)  # fmt: skip


def lendable(quality: tuple[int, float | None, bool]) -> Decimal:
    trust, silent, contradicted = quality
    lots = Lots()
    lots.heard[lot(1)] = evidence(TRUSTS[trust], silent)
    yard = Yard(lots, evidence_haircut=True)
    if contradicted:
        yard.hear([finding(lot(1), "double_naming", at=NOW)], yard.at("2008-08-01"))
    yard.tick("2008-08-02")
    return Decimal(lines(yard)["lot:L-1"]["lendable"])


@settings(max_examples=60, deadline=None)
@given(QUALITY, st.integers(0, 3), st.floats(0, 30))
def test_weaker_evidence_never_lends_more(
    better: tuple[int, float | None, bool], less_trust: int, later: float
) -> None:
    trust, silent, contradicted = better
    weaker = (
        max(0, trust - less_trust), None if silent is None else silent + later,
        contradicted or less_trust == 2,
    )  # fmt: skip
    assert lendable(weaker) <= lendable(better)


# ---- prices ------------------------------------------------------------------------------------


def test_a_price_that_is_missing_is_an_error_to_resolve_and_never_zero() -> None:
    yard = marked(evidence_haircut=True)
    yard.lots.price = None
    said_ = yard.tick("2008-08-03")
    assert rules(said_) == ["not_valued"]
    assert yard.facility["state"] == "not_valued"
    assert (yard.facility["value"], yard.facility["lendable"]) == (None, None)
    assert rules(yard.tick("2008-08-04")) == []  # said once
    yard.lots.price = "8000"
    again = yard.tick("2008-08-05")
    assert [one for one in again if isinstance(one, Cleared)]
    assert yard.facility["value"] == "8000000.00"


def test_a_negative_price_breaks_nothing() -> None:
    yard = marked(evidence_haircut=True, concentration=[{"by": "thing", "share": "0.5"}])
    yard.lots.price = "-37.63"
    yard.tick("2008-08-03")
    assert yard.facility["value"] == "-37630.00"
    assert yard.facility["lendable"] == "0.00"
    assert yard.facility["loan_to_value"] == "1000.000000"


def test_a_price_that_falls_ever_wilder_raises_the_haircut() -> None:
    asked: list[tuple[int, int, float]] = []

    def fall(days: Any, *, horizon_days: int, confidence: float) -> Any:
        """Stand in for the model: a haircut that grows with the days that were seen."""
        asked.append((len(days), horizon_days, confidence))
        from wuxin.terms.records import Words

        return Decimal(len(days)) / 10, Words("波动", "wild")

    lots = Lots()
    series = "price_series:copper"
    yard = Yard(lots, dynamic_haircut={"series": series, "horizon_days": 10})
    yard.desk._fall = fall  # type: ignore[assignment]
    from wuxin.terms.names import thing_key

    for day in range(2, 6):
        lots.says[thing_key(series), "price"] = 8000.0 - day
        yard.tick(f"2008-08-0{day}")
    assert [count for count, _, _ in asked] == [1, 2, 3, 4]
    assert asked[0][1:] == (10, 0.99)
    assert lines(yard)["lot:L-1"]["haircut"] == "0.4"
    assert said(lines(yard)["lot:L-1"]) == "wild"
    yard.rest()
    assert len(yard.desk.freeze()["prices"][series]) == 4


def test_a_facility_of_one_haircut_has_it_on_every_line() -> None:
    yard = marked()
    assert {line["haircut"] for line in yard.facility["lines"]} == {"0.20"}
    assert {line["lendable"] for line in yard.facility["lines"]} == {"1682808.60"}
    assert yard.facility["lendable"] == "6731234.40"


def test_a_finding_on_a_facility_is_told_to_those_it_concerns() -> None:
    yard = marked()
    yard.lots.price = None
    yard.tick("2008-08-03")
    warned = [one for one in yard.said if getattr(one, "kind", "") == "early_warning"]
    assert len(warned) == 1
    assert isinstance(next(o for o in yard.said if isinstance(o, Finding)), Finding)
    assert occasion(Pool(), 0).source == "stock"
