"""What a herd is worth: by hand, and what leaves it without a value."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from wuxin.packs.agriculture.valuation import value, value_at_risk
from wuxin.terms.clock import DAY
from wuxin.terms.errors import BadInput
from wuxin.terms.names import ThingKey
from wuxin.terms.records import Cause, Measured
from wuxin.terms.standards import Witness

NOW = 20_000 * DAY
TERMS: dict[str, Any] = {
    "pool": {"root": "farm:F", "kind": "cow"}, "currency": "CNY",
    "price": "price_series:heifer", "beef": "price_series:beef",
}  # fmt: skip
SOUND = {"lactation_number": 2.0, "body_weight": 600.0, "yield_305": 8500.0, "days_unseen": 0.0,
         "illness_signs": 0.0, "distance_from_place": 50.0}  # fmt: skip


class Herd:
    """A plain twin: what is known of each cow, as of now."""

    def __init__(self, **cows: Mapping[str, float]) -> None:
        self.known = {ThingKey("cow", name): said for name, said in cows.items()}
        self.prices: dict[str, Measured] = {"heifer": Measured(18_000.0, NOW),
                                            "beef": Measured(24.0, NOW)}  # fmt: skip

    def within(self, _root: ThingKey, _kind: str) -> Sequence[ThingKey]:
        return [*self.known]

    def latest(self, thing: ThingKey, indicator: str) -> Measured | None:
        if thing.kind == "price_series":
            return self.prices.get(thing.id)
        found = self.known[thing].get(indicator)
        return None if found is None else Measured(found, NOW)

    def facts(self, _thing: ThingKey) -> Mapping[str, float]:
        return {}

    def causes(self, _measured: Measured) -> tuple[Cause, ...]:
        return ()

    def above(self, _thing: ThingKey) -> Sequence[ThingKey]:
        return []

    def witnesses(self, thing: ThingKey) -> Sequence[Witness]:
        raise AssertionError(thing)


def worth(herd: Herd, **terms: Any) -> Decimal | None:
    found = value({**TERMS, **terms}, herd, NOW).value
    return None if found is None else found.amount


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "17280.00"),  # 14,400 + 3,600 × (1 − 1/5) × 1
        ({"lactation_number": 1.0, "yield_305": 10200.0}, "18720.00"),  # 14,400 + 3,600 × 1.2
        ({"lactation_number": 6.0}, "14400.00"),  # no life left: 600 kg × 24
        ({"yield_305": None}, "17280.00"),  # not known: the reference
        ({"illness_signs": 2.0}, "14400.00"),
        ({"days_unseen": 172_800.0}, "0.00"),
        ({"distance_from_place": 900.0}, "0.00"),
        ({"removal_authorised": 1.0}, "0.00"),
    ],
)
def test_one_cow_by_hand(change: dict[str, float | None], expected: str) -> None:
    said = {k: v for k, v in {**SOUND, **change}.items() if v is not None}
    assert worth(Herd(a=said)) == Decimal(expected)


@pytest.mark.parametrize("lost", ["lactation_number", "body_weight", "days_unseen"])
def test_what_is_not_known_of_one_cow_is_said_and_there_is_no_value(lost: str) -> None:
    herd = Herd(a=SOUND, b={k: v for k, v in SOUND.items() if k != lost})
    found = value(TERMS, herd, NOW)
    assert found.value is None
    assert [words.en for words in found.missing if words.en.startswith("b ")]


def test_an_old_or_missing_price_is_never_zero() -> None:
    herd = Herd(a=SOUND)
    herd.prices["beef"] = Measured(24.0, NOW - 63 * DAY)
    assert worth(herd) is None
    del herd.prices["beef"]
    assert worth(herd) is None
    assert worth(Herd()) is None


def test_value_at_risk_by_hand() -> None:
    figures = {"price_volatility": Decimal("0.2"), "mortality": Decimal("0.05"),
               "confidence": Decimal("0.99")}  # fmt: skip
    price, deaths = value_at_risk([Decimal(10_000)] * 100, figures, days=Decimal(365))
    assert price == Decimal("465269.60")  # 2.326348 × 1,000,000 × 0.2
    # 50,000 expected and 2.326348 × 10,000 × √(100 × 0.05 × 0.95)
    assert deaths == pytest.approx(Decimal("100701.58"), abs=Decimal("0.1"))


@pytest.mark.parametrize(
    "wrong",
    [{"confidence": "0.9"}, {"mortality": "1"}, {"productive_lactations": "0"},
     {"price_volatility": "much"}, {"price_volatility": "-1"}],
)  # fmt: skip
def test_a_term_that_cannot_be_meant_is_named(wrong: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        worth(Herd(a=SOUND), **wrong)


@pytest.mark.parametrize("name", ["pool", "currency", "price", "beef"])
def test_a_missing_term_is_named(name: str) -> None:
    with pytest.raises(BadInput, match=f"no {name}"):
        value({k: v for k, v in TERMS.items() if k != name}, Herd(a=SOUND), NOW)
