"""Losses of a station: clocks, units, strings, causes, ageing, soiling, settlement."""

from decimal import Decimal

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.packs.sunny import Plant
from wuxin.packs.energy import ageing, clock, settlement, shortfall, strings, traps
from wuxin.packs.energy.valuation import annuity
from wuxin.terms.clock import DAY, HOUR, MINUTE, moment
from wuxin.terms.errors import BadInput
from wuxin.terms.names import ThingKey

QUARTER = 15 * MINUTE
PLANT = ThingKey("plant", "P")
MAST = ThingKey("weather_station", "W")
BEGIN = moment("2023-05-01")


def inverter(i: int) -> ThingKey:
    return ThingKey("inverter", f"I{i}")


def times(days: int, step: int = QUARTER) -> NDArray[np.int64]:
    return BEGIN + np.arange(days * DAY // step, dtype=np.int64) * step


def light(t: NDArray[np.int64], *, noon: float = 12.0) -> NDArray[np.float64]:
    """Irradiance (W/m2) of clear days with six hours on either side of noon (h UTC)."""
    hour = t % DAY / HOUR
    return np.asarray(900 * np.maximum(np.cos((hour - noon) / 12 * np.pi), 0.0) ** 1.2)


def station(days: int, *, units: int = 6, **facts: float) -> Plant:
    """Inverters of 100 kW under measured light on the meridian of Greenwich."""
    plant = Plant(PLANT)
    plant.register(PLANT, latitude=10.0, longitude=0.0, **facts)
    t = times(days)
    for i in range(units):
        plant.add(inverter(i), "ac_power", t=t, v=80 * light(t))
        plant.register(inverter(i), rated_power=1e5, dc_capacity=1e5)
    plant.add(MAST, "poa_irradiance", t=t, v=light(t))
    plant.add(MAST, "module_temperature", t=t, v=np.full(len(t), 298.15))
    return plant


# ---- clocks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [5 * MINUTE, QUARTER, HOUR // 2])
@pytest.mark.parametrize("zone", [0.0, 1.0, -5.5])
def test_noon_is_found_at_any_interval_and_zone(step: int, zone: float) -> None:
    t = times(10, step)
    found = clock.noons(t, light(t, noon=12.0 + zone), longitude=0.0)
    assert len(found.at) >= 8
    assert float(np.median(found.late)) / 3600 == pytest.approx(zone, abs=0.3)


def test_a_step_is_told_on_its_day_and_by_its_size() -> None:
    t = times(40)
    v = np.where(t < BEGIN + 20 * DAY, light(t), light(t, noon=13.0))
    for longitude in (0.0, None):
        [step] = clock.steps(clock.noons(t, v, longitude=longitude))
        assert step.seconds == 3600
        assert abs(step.at - (BEGIN + 20 * DAY + 12 * HOUR)) <= HOUR
    assert clock.steps(clock.noons(t, light(t), longitude=0.0)) == []


def test_half_days_of_outage_are_no_step() -> None:
    t = times(40)
    v = light(t)
    broken = (t >= BEGIN + 20 * DAY) & (t < BEGIN + 24 * DAY) & (t % DAY > 12 * HOUR)
    v[broken] = 0.0
    assert clock.steps(clock.noons(t, v, longitude=0.0)) == []


def test_too_little_says_nothing_about_a_clock() -> None:
    t = times(1)[:4]
    assert len(clock.noons(t, np.zeros(4)).at) == 0
    assert len(clock.noons(times(3), np.zeros(288)).at) == 0


def test_a_wrong_zone_shows_in_the_derived_error() -> None:
    plant = station(8, units=1)
    t = times(8)
    plant.add(inverter(0), "ac_power", t=t, v=80 * light(t, noon=14.0))
    plant.walk()
    assert plant.values(inverter(0), "clock_error")[-1] == pytest.approx(7200, abs=900)
    assert abs(plant.values(MAST, "clock_error")[-1]) < 900


# ---- units and dates -----------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [10.0, 0.1, 1000.0, 0.001, 4.0])
def test_a_unit_of_dc_power_is_named_by_its_factor(factor: float) -> None:
    ac = light(times(2))
    trap = traps.power_trap(ac / 0.97 * factor, ac)
    assert trap is not None
    assert trap.named == pytest.approx(factor)
    assert trap.words.zh
    assert traps.power_trap(ac / 0.97, ac) is None


def test_nulls_and_nights_do_not_decide_on_units() -> None:
    ac = light(times(2))
    dc = ac * 10
    dc[::3] = np.nan
    trap = traps.power_trap(dc, ac)
    assert trap is not None
    assert trap.named == 10.0
    assert traps.power_trap(np.full(192, np.nan), ac) is None
    assert traps.power_trap(np.zeros(192), np.zeros(192)) is None


def test_a_factor_that_no_unit_explains_is_told_as_such() -> None:
    ac = light(times(2))
    trap = traps.power_trap(ac * 2, ac)
    assert trap is not None
    assert trap.named is None
    assert "unexplained" in trap.words.en


def test_counter_and_irradiance_have_their_traps() -> None:
    told = traps.counter_trap(4e8, 4e5)
    assert told is not None
    assert told.named == 1000.0
    assert traps.counter_trap(1.05, 1.0) is None
    assert traps.counter_trap(0.0, 1.0) is None
    sun = light(times(7))
    told = traps.irradiance_trap(sun / 1000)
    assert told is not None
    assert told.named == 0.001
    assert traps.irradiance_trap(sun) is None


def test_traps_are_derived_day_by_day() -> None:
    plant = station(3, units=4)
    t = times(3)
    for i in range(4):
        plant.add(inverter(i), "dc_power", t=t, v=80 * light(t) / 0.97 * (10 if i == 2 else 1))
    energy = np.cumsum(80 * light(t).reshape(3, 96), axis=1).ravel() * 900
    plant.add(inverter(1), "energy_day", t=t, v=energy * 1000)
    plant.walk()
    assert plant.values(inverter(2), "dc_unit_factor") == [10.0] * 3
    assert plant.values(inverter(0), "dc_unit_factor") == [1.0] * 3
    assert plant.values(inverter(1), "counter_unit_factor") == [1000.0] * 3


@pytest.mark.parametrize(
    ("texts", "name", "certain"),
    [
        (["15-05-2020 00:00", "16-05-2020 00:00"], "day first", True),
        (["05/15/2020 00:00", "05/16/2020 00:00"], "month first", True),
        (["2020-05-15T00:00:00+05:30", "", "2020-05-15T00:15:00Z"], "iso", True),
        ([f"{d:02d}/03/2020 00:00" for d in range(1, 13)], "day first", False),
        ([f"03/{d:02d}/2020 00:00" for d in range(1, 13)], "month first", False),
    ],
)
def test_the_order_of_dates_is_told(texts: list[str], name: str, *, certain: bool) -> None:
    found = traps.date_order(texts)
    assert (found.name, found.certain) == (name, certain)
    assert found.words.zh


def test_dates_of_two_orders_are_refused() -> None:
    with pytest.raises(BadInput, match="no one order"):
        traps.date_order(["15-05-2020 00:00", "05-15-2020 00:00"])
    with pytest.raises(BadInput, match="no dates"):
        traps.date_order([""])


# ---- causes --------------------------------------------------------------------------------------


def share(units: int = 6) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    due = light(times(1)) / 1000
    return np.tile(due, (units, 1)), due


def told(kinds: NDArray[np.int64]) -> set[str]:
    return {shortfall.NAMES[k] for k in np.unique(kinds)}


def test_causes_of_loss_are_told_apart() -> None:
    plain, due = share()
    noon = slice(40, 56)
    assert told(shortfall.tell(plain, due).kinds) == {"normal"}
    lid = np.minimum(plain, 0.4)
    assert told(shortfall.tell(lid, due).kinds) == {"normal", "curtailed"}
    assert (shortfall.tell(lid, due).kinds[:, noon] == shortfall.CURTAILED).all()
    one = plain.copy()
    one[2, noon] *= 0.5
    kinds = shortfall.tell(one, due).kinds
    assert (kinds[2, noon] == shortfall.FAULT).all()
    assert (np.delete(kinds, 2, axis=0) == shortfall.NORMAL).all()
    gone = plain.copy()
    gone[:, noon] = 0.0
    assert (shortfall.tell(gone, due).kinds[:, noon] == shortfall.CUT_OFF).all()
    big = np.minimum(plain * 1.4, 1.0)
    kinds = shortfall.tell(big, due * 1.4).kinds
    assert told(kinds) == {"normal", "clipped"}


def test_an_order_of_the_grid_makes_curtailment_certain_for_a_single_unit() -> None:
    plain, due = share(1)
    limit = np.where(np.arange(96) >= 40, 0.5, 1.0)
    lid = np.minimum(plain, limit)
    kinds = shortfall.tell(lid, due, limit=limit).kinds[0]
    assert set(np.flatnonzero(kinds == shortfall.CURTAILED)) >= set(range(42, 54))


def test_what_is_lost_is_derived_in_joules() -> None:
    plant = station(1)
    v = plant.series[inverter(3), "ac_power"].v
    before = v.copy()
    v[40:56] *= 0.5
    plant.walk()
    [lost] = plant.values(PLANT, "lost_fault")
    # PVWatts lies within a few per cent of the made-up inverters
    assert lost == pytest.approx((before - v).sum() * 900, rel=0.15)
    assert plant.values(PLANT, "lost_curtailed") == [0.0]
    [part] = plant.values(PLANT, "fault_share")
    assert 0.02 < part < 0.1


# ---- strings -------------------------------------------------------------------------------------


def test_open_and_weak_strings_are_told_and_three_strings_are_not_judged() -> None:
    current = np.tile(light(times(1)), (8, 1)) / 100
    current[2] *= 0.02
    current[5] *= 0.8
    current[6, ::2] = np.nan
    found = strings.compare(current)
    assert found is not None
    assert found.state.tolist() == [0, 0, strings.OPEN, 0, 0, strings.WEAK, 0, 0]
    assert found.ratio[6] == pytest.approx(1.0)
    assert strings.compare(current[:3]) is None
    assert strings.compare(np.zeros((8, 96))) is None


def test_missing_strings_are_whole_numbers_or_nothing() -> None:
    assert strings.missing(0.9, 20) == 2
    assert strings.missing(1.0, 20) == 0
    assert strings.missing(0.97, 18) is None  # half a string: soiling or mismatch
    assert strings.missing(0.9, 100) is None


def test_strings_and_missing_strings_are_derived() -> None:
    plant = station(5)
    plant.register(inverter(1), strings=10.0)
    plant.series[inverter(1), "ac_power"].v[:] *= 0.9
    for i in range(6):
        v = light(times(5)) / 100 * (0.01 if i == 4 else 1.0)
        plant.add(ThingKey("string", f"S{i}"), "dc_current", t=times(5), v=v)
    plant.walk()
    assert plant.values(inverter(1), "strings_missing")[-1] == 1.0
    assert plant.values(ThingKey("string", "S4"), "string_ratio")[-1] == pytest.approx(0.01)
    assert plant.values(ThingKey("string", "S0"), "string_ratio")[-1] == pytest.approx(1.0)


# ---- ageing and soiling --------------------------------------------------------------------------


def years(n: int, *, noise: float = 0.02) -> tuple[NDArray[np.int64], ...]:
    chance = np.random.default_rng(4)
    day = np.arange(n * 365)
    due = 100 + 60 * np.cos(2 * np.pi * day / 365) * chance.uniform(0.5, 1.0, len(day))
    return day, due, due * (1 + noise * chance.standard_normal(len(day)))


@pytest.mark.parametrize("rate", [0.0, -0.006, -0.03])
def test_ageing_is_found_through_seasons_noise_and_holes(rate: float) -> None:
    day, due, made = years(3)
    made = made * (1 + rate * day / 365.25)
    made[::7] = np.nan
    found = ageing.year_on_year(day, made, expected=due)
    assert found is not None
    assert found.rate == pytest.approx(rate, abs=0.003)
    assert found.low - 0.001 <= rate <= found.high + 0.001
    again = ageing.year_on_year(day, made, expected=due)
    assert again == found


def test_one_year_says_nothing_about_ageing() -> None:
    day, due, made = years(1)
    assert ageing.year_on_year(day, made, expected=due) is None
    assert ageing.year_on_year(day[:0], made[:0], expected=due[:0]) is None


def test_soiling_is_a_saw_tooth_and_a_season_is_not() -> None:
    day, due, made = years(1, noise=0.01)
    loss = day % 60 * 0.002
    found = ageing.soiling(day, made * (1 - loss), expected=due)
    assert found is not None
    assert found.mean == pytest.approx(float(np.average(loss, weights=due)), abs=0.012)
    assert found.rate == pytest.approx(0.002, abs=0.0003)
    assert {round(c / 60) * 60 for c in found.cleanings} == {60, 120, 180, 240, 300}
    seasonal = made * (1 - 0.05 * np.cos(2 * np.pi * day / 365))
    still = ageing.soiling(day, seasonal, expected=due)
    assert still is not None
    assert still.mean < 0.01
    assert ageing.soiling(day[:20], made[:20], expected=due[:20]) is None


def test_rain_helps_to_find_a_cleaning() -> None:
    day, due, made = years(1, noise=0.03)
    loss = day % 40 * 0.001
    rain = np.where(day % 40 == 0, 12.0, 0.0)
    bare = ageing.soiling(day, made * (1 - loss), expected=due)
    wet = ageing.soiling(day, made * (1 - loss), expected=due, rain=rain)
    assert bare is not None
    assert wet is not None
    assert len(wet.cleanings) >= len(bare.cleanings)


# ---- settlement and debt -------------------------------------------------------------------------


def test_a_settlement_is_held_against_the_days_it_is_for() -> None:
    plant = station(12, units=1)
    # the statement of the first ten days comes on the morning of the eleventh
    due = float((80 * light(times(10))).sum() * 900)
    meter = PLANT
    plant.add(meter, "energy_settled", t=np.array([BEGIN + 10 * DAY + HOUR]), v=[0.9 * due])
    plant.add(meter, "settled_days", t=np.array([BEGIN + 10 * DAY + HOUR]), v=[10])
    plant.walk()
    [gap] = plant.values(meter, "settlement_gap")
    assert gap == pytest.approx(-0.1, abs=0.002)


def test_a_settlement_of_days_that_were_not_measured_is_not_judged() -> None:
    plant = station(5, units=1)
    plant.add(PLANT, "energy_settled", t=np.array([BEGIN + 4 * DAY]), v=[1e12])
    plant.walk()
    assert plant.values(PLANT, "settlement_gap") == []


def test_meters_explain_two_per_cent() -> None:
    assert settlement.settle(100.0, 101.5) == settlement.Settled(
        pytest.approx(0.015), explained=True
    )
    assert settlement.settle(100.0, 90.0) == settlement.Settled(
        pytest.approx(-0.1), explained=False
    )
    assert settlement.settle(0.0, 90.0) is None


def test_meter_and_inverters_are_held_against_each_other() -> None:
    plant = station(2, units=2)
    meter = ThingKey("meter", "M")
    plant.add(meter, "ac_power", t=times(2), v=2 * 80 * light(times(2)) * 0.9)
    plant.register(meter, rated_power=2e5)
    plant.walk()
    assert plant.values(meter, "meter_gap") == pytest.approx([-0.1, -0.1])
    plant.register(meter, rated_power=4e5)  # half of the inverters are not registered
    plant.derived.clear()
    plant.walk()
    assert plant.values(meter, "meter_gap") == []


def test_debt_service_is_covered_by_net_revenue() -> None:
    service = Decimal(50)
    found = settlement.cover(Decimal(100), cost_share=Decimal("0.2"), debt_service=service)
    assert found == Decimal("1.6")
    nothing = settlement.cover(Decimal(100), cost_share=Decimal(0), debt_service=Decimal(0))
    assert nothing is None


def test_a_station_with_a_tariff_tells_its_cover_after_a_month() -> None:
    facts = {"tariff": 0.5, "debt_service": 1000.0, "operating_cost_share": 0.2}
    plant = station(32, units=1, **facts)
    plant.walk()
    each = float((80 * light(times(1))).sum()) * 900 / 3.6e6 * 0.5
    assert plant.values(PLANT, "revenue_30d")[-1] == pytest.approx(30 * each, rel=1e-3)
    cover = plant.values(PLANT, "debt_cover")[-1]
    assert cover == pytest.approx(30 * each * 0.8 / 1000, rel=1e-3)


def test_an_annuity_that_shrinks_is_the_sum_of_its_years() -> None:
    rate, loss = Decimal("0.06"), Decimal("0.005")
    by_hand = sum((1 - loss) ** k / (1 + rate) ** (k + 1) for k in range(20))
    assert annuity(rate, Decimal(20), ageing=loss) == pytest.approx(by_hand)
