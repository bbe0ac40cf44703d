"""The energy pack as a pack: complete in all four standards, and its valuation to the cent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from wuxin.packs import checks, schema
from wuxin.packs.energy.models import value
from wuxin.packs.energy.valuation import annuity
from wuxin.terms.clock import DAY, moment
from wuxin.terms.errors import BadInput
from wuxin.terms.names import Digest, ThingKey
from wuxin.terms.records import Cause, Measured
from wuxin.terms.standards import Pack

PLANT = ThingKey("plant", "P")
AT = moment("2016-07-01")
TERMS = {
    "pool": {"root": "plant:P", "kind": "inverter"},
    "currency": "USD",
    "design_energy": "9300",
    "tariff": "0.12",
    "operating_cost_share": "0.15",
    "discount_rate": "0.06",
    "final_date": "2036-07-01",
}


@dataclass
class Twin:
    """A twin that knows one value."""

    ratio: Measured | None
    facts_of: Mapping[str, float] = field(default_factory=dict)

    def within(self, root: ThingKey, kind: str) -> Sequence[ThingKey]:
        return [root] if root.kind == kind else []

    def latest(self, thing: ThingKey, indicator: str) -> Measured | None:
        return self.ratio if (thing, indicator) == (PLANT, "energy_ratio_30d") else None

    def facts(self, thing: ThingKey) -> Mapping[str, float]:
        assert thing
        return self.facts_of

    def causes(self, measured: Measured) -> tuple[Cause, ...]:
        return (Cause("frame", Digest("f" * 64), "power.csv", (measured.first, measured.last)),)


def known(ratio: float, *, days_ago: int = 1) -> Twin:
    return Twin(Measured(ratio, AT - days_ago * DAY, 7, 9))


@pytest.fixture(scope="module")
def pack() -> Pack:
    return schema.read("energy", "wuxin.packs.energy")


def test_the_pack_is_complete_and_its_examples_do_what_they_say(pack: Pack) -> None:
    assert checks.check(pack) == []


def test_approval_comes_before_disbursement_and_is_by_an_approver(pack: Pack) -> None:
    steps = {step.id: step for step in pack.steps}
    order = list(steps)
    assert steps["disbursement_approval"].owner == "approver"
    assert steps["disbursement"].does == "disburse"
    assert steps["disbursement"].needs[0] == "disbursement_approval"
    assert order.index("disbursement_approval") < order.index("disbursement")
    assert steps["commissioning"].owner != steps["installation"].owner


def test_every_step_is_drawn(pack: Pack) -> None:
    for step in pack.steps:
        assert f'bpmnElement="{step.id}"'.encode() in pack.process


def test_money_at_risk_is_amber_or_red_and_data_faults_are_not_red(pack: Pack) -> None:
    data = {"stale_data", "interpolated_data", "clipped_power", "spike", "data_shift"}
    assert {pack.rules[name].level for name in data} <= {"info", "amber"}
    assert pack.rules["zero_yield_in_daylight"].level == "red"


def test_a_station_is_worth_its_yield_by_hand() -> None:
    # 20 years of 365.25 days are 7305 days: exactly 1 July 2016 to 1 July 2036.
    # Annuity at 6 %: (1 - 1.06^-20) / 0.06 = 11.469921; of 0.12 x 0.85 that is 1.169932 a kWh.
    # 9300 kWh x 0.8 = 7440 kWh; 7440 x 1.169932 = 8704.29.
    found = value(TERMS, known(0.8), AT)
    assert found.value is not None
    assert str(found.value) == "8,704.29 USD"
    [line] = found.lines
    assert (line.thing, line.quantity, line.unit) == (PLANT, Decimal("7440.000"), "kWh/a")
    assert line.price == Decimal("1.169932")
    assert found.because[0].lines == (7, 9)


def test_a_bank_does_not_lend_on_more_than_the_design() -> None:
    assert value(TERMS, known(1.3), AT).value == value(TERMS, known(1.0), AT).value


def test_nothing_is_worth_zero_for_want_of_data() -> None:
    for twin, said in ((Twin(None), "irradiance"), (known(0.9, days_ago=40), "no longer valid")):
        found = value(TERMS, twin, AT)
        assert found.value is None
        assert not found.lines
        assert said in found.missing[0].en
        assert found.missing[0].zh


def test_after_the_contract_there_is_no_value() -> None:
    found = value({**TERMS, "final_date": "2016-07-01"}, known(0.9), AT)
    assert found.value is None
    assert "2016-07-01" in found.missing[0].en


def test_annuity_without_interest_is_the_number_of_years() -> None:
    assert annuity(Decimal(0), Decimal("7.5")) == Decimal("7.5")
    assert annuity(Decimal("0.1"), Decimal(1)).quantize(Decimal("0.0001")) == Decimal("0.9091")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tariff": "cheap"}, "tariff"),
        ({"discount_rate": "-0.01"}, "discount_rate"),
        ({"operating_cost_share": "1"}, "operating_cost_share"),
        ({"final_date": "soon"}, "soon"),
        ({"pool": {"root": "P"}}, "kind:id"),
    ],
)
def test_terms_that_cannot_be_meant_are_refused_by_name(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        value({**TERMS, **change}, known(0.9), AT)


def test_a_term_that_is_missing_is_named() -> None:
    terms = {k: v for k, v in TERMS.items() if k != "design_energy"}
    with pytest.raises(BadInput, match="design_energy"):
        value(terms, known(0.9), AT)
