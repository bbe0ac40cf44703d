"""What is lent on a factory: its work by a grade with reasons, or machines by age and health."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wuxin.packs.manufacturing.models import value
from wuxin.packs.manufacturing.valuation import GRADES, grade
from wuxin.terms.clock import DAY, moment
from wuxin.terms.errors import BadInput
from wuxin.terms.names import Digest, ThingKey
from wuxin.terms.records import Cause, Measured
from wuxin.terms.standards import Valuation

AT = moment("2026-01-01")
SHOP = ThingKey("workshop", "W")
LOAN: dict[str, Any] = {
    "pool": {"root": "workshop:W", "kind": "workshop"}, "currency": "CNY",
    "turnover_per_kwh": "20", "months": "2", "cap": "5000000",
}  # fmt: skip
MACHINES = {"pool": {"root": "workshop:W", "kind": "machine"}, "currency": "CNY"}


class Twin:
    """A twin in a dictionary."""

    def __init__(self, **values: float) -> None:
        self.values = {(SHOP, name): Measured(v, AT - DAY, 1, 1) for name, v in values.items()}
        self.registered: dict[ThingKey, dict[str, float]] = {}

    def within(self, root: ThingKey, kind: str) -> Sequence[ThingKey]:
        return [*self.registered] if (root, kind) == (SHOP, "machine") else []

    def latest(self, thing: ThingKey, indicator: str) -> Measured | None:
        return self.values.get((thing, indicator))

    def facts(self, thing: ThingKey) -> Mapping[str, float]:
        return self.registered[thing]

    def causes(self, measured: Measured) -> tuple[Cause, ...]:
        return (Cause("frame", Digest(f"{measured.first:064x}")),)


def valued(terms: Mapping[str, Any], twin: Twin, *, at: int = AT) -> Valuation:
    return value(terms, twin, at)  # type: ignore[arg-type]


def at_work(**more: float) -> Twin:
    """Return a factory of 50,000 kWh a month whose features earn half of their parts."""
    middle = {name: float(a + b) / 2 for name, (a, b, *_) in GRADES.items()}
    return Twin(**{"energy_30d": 50_000 * 3.6e6, **middle, **more})


def test_the_limit_is_worked_out_by_hand() -> None:
    found = valued(LOAN, at_work())
    assert found.value is not None
    # 50,000 kWh × 20 CNY × 2 months × 0.5
    assert found.value.amount == Decimal("1000000.00")
    assert found.shown["month_turnover"] == "1000000.00"
    assert found.shown["grade"] == "0.5000"
    assert found.shown["reason_stability"] == "稳定性 stability: 67.5 % → 50.0 % × 40.0 %"
    assert len(found.because) == 5


def test_the_cap_holds() -> None:
    found = valued({**LOAN, "cap": "300000"}, at_work())
    assert (str(found.value), found.shown["capped"]) == ("300,000.00 CNY", "yes")


def test_a_factory_whose_orders_are_not_known_is_graded_by_the_rest() -> None:
    twin = at_work()
    del twin.values[SHOP, "order_fill"]
    found = valued(LOAN, twin)
    assert found.shown["grade"] == "0.5000"
    assert "reason_order_fill" not in found.shown


@pytest.mark.parametrize("name", ["energy_30d", "stability", "trend", "utilisation"])
def test_what_is_missing_or_old_is_said_and_never_zero(name: str) -> None:
    twin = at_work()
    old = valued(LOAN, twin, at=AT + 20 * DAY)
    assert old.value is None
    assert any(name in words.en for words in old.missing)
    del twin.values[SHOP, name]
    found = valued(LOAN, twin)
    assert found.value is None
    assert [w.en for w in found.missing] == [f"workshop:W has no {name} yet"]


@given(st.sampled_from([*GRADES]), st.floats(-1, 1.2), st.floats(-1, 1.2))
def test_a_better_feature_never_lowers_the_grade(name: str, one: float, other: float) -> None:
    rest = {n: (a + b) / 2 for n, (a, b, *_) in GRADES.items()}
    low, high = (grade({**rest, name: Decimal(str(x))})[0] for x in sorted([one, other]))
    assert 0 <= low <= high <= 1


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({**LOAN, "months": "two"}, "no number"),
        ({**LOAN, "cap": "0"}, "not above zero"),
        ({k: v for k, v in LOAN.items() if k != "cap"}, "no cap"),
        ({"currency": "CNY"}, "no pool"),
    ],
)
def test_terms_that_cannot_be_meant_are_named(terms: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        valued(terms, at_work())


def fleet() -> Twin:
    """Return two machines: half worn by age; the second at half its sound health."""
    twin = Twin()
    for name, health in (("1", None), ("2", 0.25)):
        key = ThingKey("machine", name)
        twin.registered[key] = {
            "replacement_cost": 800_000.0, "built": 2021.0, "life": 10 * 365.25 * 86_400,
        }  # fmt: skip
        if health is not None:
            twin.values[key, "health_index"] = Measured(health, AT - DAY, 2, 2)
    return twin


def test_machines_are_worth_what_age_and_health_leave() -> None:
    found = valued(MACHINES, fleet(), at=moment("2025-12-31T06:00:00Z"))
    # five of ten years are left, to within the days by which five years are no 1826.25 days
    one, two = (line.value.amount for line in found.lines)
    assert one == pytest.approx(Decimal(400_000), rel=Decimal("0.001"))
    assert two == pytest.approx(one / 2, abs=Decimal("0.5"))
    assert found.value is not None
    assert found.value.amount == one + two


def test_an_old_machine_is_worth_its_scrap() -> None:
    found = valued(MACHINES, fleet(), at=moment("2045-01-01"))
    assert found.lines[0].value.amount == Decimal("40000.00")


def test_a_machine_without_facts_makes_the_pool_unvalued() -> None:
    twin = fleet()
    del twin.registered[ThingKey("machine", "1")]["life"]
    found = valued(MACHINES, twin)
    assert found.value is None
    assert found.missing[0].en == "machine:1 has no fact life"
    assert valued(MACHINES, Twin()).value is None
