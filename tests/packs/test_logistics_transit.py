"""Goods under way: stalls and deviation, cold chain, blows, custody, and what they are worth."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wuxin.packs.logistics import cold, custody, models, shocks, transit
from wuxin.packs.logistics.custody import Handover
from wuxin.packs.logistics.valuation_transit import freshness
from wuxin.terms.clock import DAY, HOUR, moment
from wuxin.terms.errors import BadInput
from wuxin.terms.names import Digest, ThingKey
from wuxin.terms.records import Cause, Measured
from wuxin.twin.track import track

START = moment("2019-03-01")
SUEZ = (30.017, 32.580)


def voyage(places: list[tuple[float, float, float]]) -> Any:
    """A track from hours and degrees."""
    t, lat, lon = (np.array([p[k] for p in places]) for k in range(3))
    return track((START + t * HOUR).astype(np.int64), lat, longitude=lon, fastest=300)


UNDER_WAY = [(h, 20.0 + 0.2 * h, 36.0 - 0.068 * h) for h in range(0, 49, 3)]
AGROUND = [(h, *SUEZ) for h in range(51, 120, 4)]


def test_a_vessel_stuck_in_a_canal_is_a_stall_and_a_port_is_none() -> None:
    seen = voyage([*UNDER_WAY, *AGROUND])
    [stall] = transit.stalls(seen)
    assert stall.lasts
    assert (stall.end - stall.start) / HOUR == pytest.approx(68, abs=4)
    assert (stall.latitude, stall.longitude) == pytest.approx(SUEZ)
    assert transit.stalls(seen, stops=[transit.Stop(*SUEZ, 20_000)]) == []


def test_late_fixes_in_any_order_make_the_same_stall() -> None:
    mixed = [*AGROUND[::-1], *UNDER_WAY]
    assert transit.stalls(voyage(mixed)) == transit.stalls(voyage([*UNDER_WAY, *AGROUND]))


def test_a_vessel_that_goes_on_has_no_stall_however_far_apart_its_fixes_are() -> None:
    assert transit.stalls(voyage(UNDER_WAY)) == []
    assert transit.stalls(voyage(UNDER_WAY[::4])) == []


def test_distance_off_a_route_is_that_across_the_leg() -> None:
    equator = np.array([[0.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
    degree = 6_371_008.8 * np.pi / 180
    found = transit.course(1.0, 4.0, route=equator)
    assert found.off == pytest.approx(degree, rel=1e-6)
    assert found.along == pytest.approx(4 * degree, rel=1e-6)
    assert found.to_go == pytest.approx(16 * degree, rel=1e-6)
    behind = transit.course(0.0, -2.0, route=equator)
    assert (behind.off, behind.along) == pytest.approx((2 * degree, 0.0), rel=1e-6)


def test_a_route_over_the_date_line_has_no_gap() -> None:
    route = np.array([[0.0, 170.0], [0.0, -170.0]])
    assert transit.course(0.0, 180.0, route=route).off == pytest.approx(0.0, abs=1.0)


# ---- cold chain --------------------------------------------------------------------------------


@given(st.floats(230.0, 330.0), st.integers(2, 60))
def test_a_constant_temperature_is_its_own_kinetic_mean(kelvin: float, n: int) -> None:
    t = START + np.arange(n) * HOUR
    steps = cold.steps_of(t, np.full(n, kelvin))
    assert cold.mean_kinetic(steps) == pytest.approx(kelvin, rel=1e-9)


@given(st.lists(st.floats(253.15, 313.15), min_size=2, max_size=50))
def test_the_kinetic_mean_lies_between_the_arithmetic_mean_and_the_warmest(v: list[float]) -> None:
    steps = cold.steps_of(START + np.arange(len(v)) * HOUR, np.array(v))
    mean = float(np.average(steps.temperature, weights=steps.seconds))
    assert mean - 1e-6 <= cold.mean_kinetic(steps) <= steps.temperature.max() + 1e-6


def test_the_kinetic_mean_of_two_temperatures_by_hand() -> None:
    # half of the time at 5 °C, half at 25 °C, by 10,000 K: the warm half counts e^2.412 = 11.15
    # times as much, 10,000 / (10,000 / 278.15 - ln(12.15 / 2)) = 292.85 K
    steps = cold.Steps(np.array([278.15, 298.15]), np.array([3600.0, 3600.0]), np.ones(2, bool))
    ratio = cold.ACTIVATION / cold.GAS
    by_hand = ratio / -np.log((np.exp(-ratio / 278.15) + np.exp(-ratio / 298.15)) / 2)
    assert cold.mean_kinetic(steps) == pytest.approx(by_hand)
    assert cold.mean_kinetic(steps) == pytest.approx(292.85, abs=0.01)


def test_a_gap_counts_with_the_warmer_of_its_ends_and_is_told() -> None:
    t = START + np.array([0, 1, 25]) * HOUR
    told = cold.follow(cold.steps_of(t, np.array([275.0, 275.0, 285.0])), low=270, high=280)
    assert (told.unknown, told.above) == (24 * 3600, 24 * 3600)


def test_ten_kelvin_warmer_spoils_by_q10() -> None:
    keeping = cold.Keeping(life=20 * 86_400, reference=275.15, q10=3.0)
    warm = cold.Steps(np.array([285.15]), np.array([86_400.0]), np.ones(1, bool))
    assert cold.life_left(warm, keeping) == pytest.approx(17 * 86_400)
    assert cold.sell_by(17 * 86_400, temperature=285.15, keeping=keeping) == pytest.approx(
        17 / 3 * 86_400
    )
    assert cold.left_at(86_400, 86_400, temperature=285.15, keeping=keeping) == 0


def test_q10_and_arrhenius_agree_about_where_they_were_matched() -> None:
    energy = cold.GAS * np.log(2.5) / (1 / 278.15 - 1 / 288.15)
    by_q10 = cold.Keeping(1.0, 278.15, q10=2.5)
    by_energy = cold.Keeping(1.0, 278.15, activation=float(energy))
    assert cold.spoiling(288.15, by_q10) == pytest.approx(cold.spoiling(288.15, by_energy))


@pytest.mark.parametrize(
    "keeping",
    [cold.Keeping(1.0, 280.0), cold.Keeping(1.0, 280.0, 2.0, 8e4), cold.Keeping(1.0, 280.0, -1.0),
     cold.Keeping(1.0, 280.0, None, 0.0)],
)  # fmt: skip
def test_a_good_keeps_by_one_law_with_a_positive_figure(keeping: cold.Keeping) -> None:
    with pytest.raises(BadInput):
        cold.spoiling(280.0, keeping)


# ---- blows, custody ----------------------------------------------------------------------------


def test_only_a_blow_that_is_hard_and_long_reaches_the_damage_boundary() -> None:
    fragility = shocks.Fragility(20 * shocks.G, 2.0)
    peak = np.array([40.0, 35.0, 10.0, 40.0]) * shocks.G
    change = shocks.velocity_change(peak, np.array([0.002, 0.012, 0.05, np.nan]))
    found = shocks.severity(peak, change, fragility=fragility)
    assert (found >= 1).tolist() == [False, True, False, True]
    assert shocks.drop_height(np.array([4.4294])).item() == pytest.approx(1.0, rel=1e-3)


def act(hour: float, what: Any, *, party: str, to: str = "", **more: Any) -> Handover:
    return Handover(START + round(hour * HOUR), what, party, to, **more)


CLEAN = [
    act(0, "gives", party="grower", to="forwarder", seal="7", weight=Decimal(1000)),
    act(2, "takes", party="forwarder", seal="7", weight=Decimal(998)),
    act(5, "gives", party="forwarder", to="carrier", seal="7"),
    act(6, "takes", party="carrier", seal="7"),
]


def kinds(acts: list[Handover], *, hours: float = 10) -> list[str]:
    told = custody.follow(acts, first="grower", at=START + round(hours * HOUR))
    return [gap.kind for gap in told.gaps]


def test_an_unbroken_chain_has_no_gap_in_whatever_order_it_is_told() -> None:
    told = custody.follow(CLEAN[::-1], first="grower", at=START + 10 * HOUR)
    assert (told.holder, told.waits_since, told.gaps) == ("carrier", None, ())


@pytest.mark.parametrize(
    ("acts", "found"),
    [
        (
            [act(0, "gives", party="thief", to="forwarder"), act(1, "takes", party="forwarder")],
            ["given_by_other"],
        ),
        ([CLEAN[0], act(2, "takes", party="thief", seal="7")], ["taken_by_other"]),
        ([act(2, "takes", party="thief")], ["taken_unasked"]),
        ([CLEAN[0], act(2, "takes", party="forwarder", seal="8")], ["seal_changed"]),
        (
            [CLEAN[0], act(2, "takes", party="forwarder", seal="7", weight=Decimal(900))],
            ["weight_lost"],
        ),
    ],
)
def test_each_break_of_custody_is_named(acts: list[Handover], found: list[str]) -> None:
    assert kinds(acts) == found


def test_goods_that_nobody_takes_are_a_break_after_a_day() -> None:
    assert kinds(CLEAN[:1], hours=20) == []
    assert kinds(CLEAN[:1], hours=25) == ["not_taken"]


# ---- worth -------------------------------------------------------------------------------------

SHIP, PRICE = ThingKey("shipment", "S-1"), ThingKey("price_series", "fruit")
TERMS: dict[str, Any] = {"pool": {"root": "shipment:S-1", "kind": "shipment"}, "currency": "USD",
                         "price": "price_series:fruit", "price_unit": "USD/kg"}  # fmt: skip
AT = START + 20 * DAY


class Twin:
    """A twin in a dictionary: values of a day ago."""

    def __init__(self, **values: float) -> None:
        self.values = {(SHIP, name): value for name, value in values.items()}
        self.values[PRICE, "price"] = 0.9
        self.age = DAY

    def within(self, root: ThingKey, kind: str) -> Sequence[ThingKey]:
        return [SHIP] if (root, kind) == (SHIP, "shipment") else []

    def latest(self, thing: ThingKey, indicator: str) -> Measured | None:
        value = self.values.get((thing, indicator))
        return None if value is None else Measured(value, AT - self.age, 1, 1)

    def facts(self, _thing: ThingKey) -> Mapping[str, float]:
        return {}

    def causes(self, measured: Measured) -> tuple[Cause, ...]:
        return (Cause("frame", Digest(f"{measured.first:064x}")),)


def worth(*, age: int = DAY, **values: float) -> Decimal | None:
    twin = Twin(authorised_weight=100_000.0, stalled_time=0.0, **values)
    twin.age = age
    found = models.value(TERMS, twin, AT).value  # type: ignore[arg-type]
    return None if found is None else found.amount


def test_goods_are_worth_the_life_that_will_arrive() -> None:
    assert worth() == Decimal("90000.00")
    assert worth(shelf_life_spare=6 * 86_400.0) == Decimal("90000.00")
    # 0.2 + 0.8 × 2.5 / 5 = 0.60
    assert worth(shelf_life_spare=2.5 * 86_400.0) == Decimal("54000.00")
    assert worth(shelf_life_spare=-86_400.0) == Decimal("18000.00")


def test_what_is_broken_named_twice_gone_from_custody_or_silent_counts_less_or_nothing() -> None:
    assert worth(shocks_damaging=1.0) == Decimal("18000.00")
    assert worth(custody_breaks=1.0) == 0
    assert worth(named_by=2.0) == 0
    assert worth(age=4 * DAY) == 0


def test_goods_without_papers_have_no_value_at_all() -> None:
    found = models.value(TERMS, Twin(stalled_time=0.0), AT)  # type: ignore[arg-type]
    assert (found.value, found.missing[0].en) == (None, "S-1 has no documents yet")


@pytest.mark.parametrize("terms", [{"salvage": "2"}, {"salvage": "x"}, {"full_price_life": "0 d"}])
def test_terms_of_goods_that_cannot_be_meant_are_refused(terms: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        models.value({**TERMS, **terms}, Twin(authorised_weight=1.0), AT)  # type: ignore[arg-type]


def test_freshness_never_rounds_up() -> None:
    assert freshness(Decimal(1), salvage=Decimal("0.2"), life=Decimal(3)) == Decimal("0.46")
