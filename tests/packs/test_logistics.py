"""The logistics pack: what it declares, what its models derive, how a pool of lots is valued."""

from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from wuxin.packs.logistics import models
from wuxin.packs.schema import read
from wuxin.terms.clock import DAY, moment
from wuxin.terms.errors import BadInput
from wuxin.terms.names import Digest, ThingKey
from wuxin.terms.records import Cause, Measured
from wuxin.terms.standards import Derived, Pack, Series, Valuation

AT = moment("2008-10-20")
WAREHOUSE, COPPER = ThingKey("warehouse", "WH-1"), ThingKey("price_series", "copper")
A, B = ThingKey("lot", "L-01"), ThingKey("lot", "L-02")
TERMS: dict[str, Any] = {
    "pool": {"root": "warehouse:WH-1", "kind": "lot"},
    "currency": "USD",
    "price": "price_series:copper",
    "price_unit": "USD/t",
}


class Twin:
    """A twin in a dictionary: latest values, a day old unless told otherwise."""

    def __init__(self) -> None:
        self.lots = [A, B]
        self.values: dict[tuple[ThingKey, str], Measured] = {}
        self.tell(COPPER, price=6990.864)
        self.tell(A, net_weight=25_010.0, authorised_weight=25_020.0, named_by=1.0)
        self.tell(B, net_weight=24_990.0, authorised_weight=24_980.0, named_by=1.0)

    def tell(self, thing: ThingKey, age_days: float = 1, **values: float) -> None:
        for line, (indicator, value) in enumerate(values.items(), len(self.values) + 1):
            measured = Measured(value, AT - round(age_days * DAY), line, line)
            self.values[thing, indicator] = measured

    def within(self, root: ThingKey, kind: str) -> Sequence[ThingKey]:
        return self.lots if (root, kind) == (WAREHOUSE, "lot") else []

    def latest(self, thing: ThingKey, indicator: str) -> Measured | None:
        return self.values.get((thing, indicator))

    def facts(self, thing: ThingKey) -> Mapping[str, float]:
        return {"fence_radius": 300.0} if thing == WAREHOUSE else {}

    def causes(self, measured: Measured) -> tuple[Cause, ...]:
        return (Cause("frame", Digest(f"{measured.first:064x}")),)


class Day:
    """One closed day of a warehouse, from series in a dictionary."""

    root = WAREHOUSE
    start, end = AT, AT + DAY
    zone: tzinfo = UTC

    def __init__(
        self, series: Mapping[tuple[ThingKey, str], Sequence[tuple[float, float]]]
    ) -> None:
        self._series = series

    def of(self, kind: str) -> Sequence[ThingKey]:
        return [A, B] if kind == "lot" else []

    def facts(self, thing: ThingKey) -> Mapping[str, float]:
        return (
            {"latitude": 0.0, "longitude": 0.0}
            if thing == WAREHOUSE
            else {"nominal_bundle_weight": 2500.0}
        )

    def period(self, _thing: ThingKey) -> int:
        return DAY

    def series(self, thing: ThingKey, indicator: str, *, days: int = 1) -> Series:
        rows = [
            (AT + round(hour * DAY / 24), value)
            for hour, value in self._series.get((thing, indicator), ())
            if hour >= 24 * (1 - days)
        ]
        t, v = ([row[k] for row in rows] for k in (0, 1))
        return Series(np.array(t, np.int64), np.array(v, np.float64))


@pytest.fixture(scope="module")
def pack() -> Pack:
    return read("logistics", "wuxin.packs.logistics")


@pytest.fixture
def twin() -> Twin:
    return Twin()


def valued(twin: Twin, **terms: Any) -> Valuation:
    return models.value({**TERMS, **terms}, twin, AT)


def test_the_pack_is_complete_and_its_words_are_in_both_languages(pack: Pack) -> None:
    assert {"warehouse", "lot", "warehouse_receipt", "facility", "price_series"} <= set(pack.kinds)
    assert pack.kinds["warehouse_receipt"].names == "lot"
    assert pack.steps[0].id == "set_up"
    assert {"approval", "disbursement", "early_warning", "extension"} <= {s.id for s in pack.steps}
    for part in (pack.kinds, pack.indicators, pack.devices, pack.rules, pack.models):
        assert all(each.words.zh and each.words.en for each in part.values())


def test_what_rules_and_valuation_share_is_the_same_number(pack: Pack) -> None:
    assert pack.rules["unauthorised_removal_weight"].limit == models.TOLERANCE
    assert pack.rules["out_of_place"].limit == models.FENCE


def test_every_rule_of_the_pack_has_examples_of_both_sorts(pack: Pack) -> None:
    for rule in pack.rules.values():
        if rule.by:  # judged by code, which has tests of its own
            continue
        assert {example.fires for example in rule.examples} == {True, False}, rule.name


def test_a_lot_that_the_scale_confirms_counts_with_what_its_documents_say(twin: Twin) -> None:
    found = valued(twin)
    assert [str(line.quantity.normalize()) for line in found.lines] == ["25.02", "24.98"]
    assert [str(line.value) for line in found.lines] == ["174,911.42 USD", "174,631.78 USD"]
    assert found.value is not None
    assert found.value.amount == Decimal("349543.20")
    assert found.missing == ()
    assert len(found.because) == 5


def test_a_lot_that_weighs_less_counts_with_its_weight_in_whole_tolerances(twin: Twin) -> None:
    for reading in (17_510.0, 17_550.0):
        twin.tell(A, net_weight=reading)
        assert valued(twin).lines[0].quantity == Decimal("17.5")


def test_a_lot_never_counts_with_more_than_its_documents(twin: Twin) -> None:
    twin.tell(A, net_weight=30_000.0)
    assert valued(twin).lines[0].quantity == Decimal("25.02")


@pytest.mark.parametrize(
    ("why", "age_days"),
    [({"named_by": 2.0}, 1), ({"distance_from_place": 1850.0}, 1), ({"net_weight": 25_010.0}, 8)],
)
def test_a_lot_that_is_contested_away_or_unconfirmed_counts_with_nothing(
    twin: Twin, why: dict[str, float], age_days: float
) -> None:
    twin.tell(A, age_days, **why)
    found = valued(twin)
    assert [line.quantity for line in found.lines] == [Decimal(0), Decimal("24.98")]
    assert found.value is not None
    assert found.value.amount == Decimal("174631.78")
    [name] = why
    assert twin.causes(twin.values[A, name])[0] in found.because


def test_a_missing_price_is_no_value_and_says_so(twin: Twin) -> None:
    del twin.values[COPPER, "price"]
    found = valued(twin)
    assert found.value is None
    assert found.lines == ()
    assert [words.en for words in found.missing] == ["price_series:copper has no price"]


def test_a_price_beyond_its_validity_is_no_value(twin: Twin) -> None:
    twin.tell(COPPER, 63, price=6990.864)
    found = valued(twin)
    assert found.value is None
    assert "2008-08-18" in found.missing[0].en
    assert valued(twin, price_valid_for="90 d").value is not None


@pytest.mark.parametrize("indicator", ["net_weight", "authorised_weight"])
def test_a_lot_that_was_never_weighed_or_documented_leaves_the_pool_without_value(
    twin: Twin, indicator: str
) -> None:
    del twin.values[B, indicator]
    found = valued(twin)
    assert found.value is None
    assert [words.en for words in found.missing] == ["L-02 has no weight or no documents yet"]


def test_an_empty_pool_has_no_value(twin: Twin) -> None:
    twin.lots = []
    assert valued(twin).missing[0].en == "there is no lot in warehouse:WH-1"


def test_a_price_per_kilogram_gives_the_same_value(twin: Twin) -> None:
    twin.tell(COPPER, price=6.990864)
    found = valued(twin, price_unit="USD/kg").value
    assert found is not None
    assert found.amount == Decimal("349543.20")


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        ({"price_unit": "USD/barrel"}, "not money for weight"),
        ({"price_unit": "CNY/t"}, "not in the facility's currency"),
        ({"price": "copper"}, "does not name a thing"),
        ({"weight_tolerance_kg": 0}, "not a weight above zero"),
        ({"price_valid_for": "long"}, "not a duration"),
    ],
)
def test_terms_that_cannot_be_meant_are_refused(
    twin: Twin, terms: dict[str, Any], text: str
) -> None:
    with pytest.raises(BadInput, match=text):
        valued(twin, **terms)


def test_absent_terms_are_named(twin: Twin) -> None:
    bare = {k: v for k, v in TERMS.items() if k != "price_unit"}
    with pytest.raises(BadInput, match="no price_unit"):
        models.value(bare, twin, AT)


def by_name(found: list[Derived]) -> dict[tuple[str, str], float]:
    assert all(AT <= each.t[0] < AT + DAY for each in found)
    return {(each.thing.id, each.indicator): float(each.v[0]) for each in found}


def test_reconciliation_takes_the_book_as_it_stood_when_the_lot_was_weighed() -> None:
    day = Day({
        (A, "authorised_weight"): [(-100, 25_000), (14, 20_000)],
        (A, "net_weight"): [(8, 25_010)],
        (A, "tag_count"): [(8, 10)],
        (B, "authorised_weight"): [(-100, 25_000)],
    })  # fmt: skip
    found = by_name(models.reconcile(day))
    assert found["WH-1", "pool_discrepancy"] == 10
    assert found["WH-1", "pool_weight"] == 25_010
    assert found["WH-1", "pool_tag_count"] == 10
    assert found["WH-1", "lots_unconfirmed"] == 1
    assert found["L-01", "weight_per_tag_deviation"] == pytest.approx(0.0004)


def test_a_bundle_that_leaves_its_tag_behind_shows_in_the_weight_per_tag() -> None:
    day = Day({(A, "net_weight"): [(8, 22_500)], (A, "tag_count"): [(8, 10)]})
    found = by_name(models.reconcile(day))
    assert found["L-01", "weight_per_tag_deviation"] == pytest.approx(-0.1)


def test_an_empty_platform_has_no_weight_per_tag() -> None:
    day = Day({(A, "net_weight"): [(8, 0)], (A, "tag_count"): [(8, 0)]})
    assert ("L-01", "weight_per_tag_deviation") not in by_name(models.reconcile(day))


def test_nothing_is_derived_of_a_day_without_readings() -> None:
    assert models.reconcile(Day({})) == []
    assert models.check_places(Day({})) == []


def test_a_gateway_that_says_home_while_the_box_is_elsewhere_is_found() -> None:
    day = Day({
        (A, "latitude"): [(8, 0.0), (20, 0.01)],
        (A, "longitude"): [(8, 0.0), (20, 0.0)],
        (A, "distance_from_place"): [(8, 0), (20, 12)],
    })  # fmt: skip
    found = by_name(models.check_places(day))
    degree = 6_371_008.8 * np.pi / 180
    assert found["L-01", "position_disagreement"] == pytest.approx(degree / 100 - 12)
