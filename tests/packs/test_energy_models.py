"""The energy pack's models, on a plant that is made and on a real one with two weak inverters."""

import csv
import io
import zipfile
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.packs.sunny import Plant
from wuxin.terms.clock import DAY, MINUTE, zone
from wuxin.terms.names import ThingKey

KWH = 3.6e6
QUARTER = 15 * MINUTE
PLANT = ThingKey("plant", "P")
MAST = ThingKey("weather_station", "W")
WEAK = {"1BY6WEcLGh8j5v7", "bvBOhCH3iADSZry"}


def inverter(i: int) -> ThingKey:
    return ThingKey("inverter", f"I{i}")


def sky(days: int, *, seed: int = 5) -> NDArray[np.float64]:
    """Irradiance (W/m2) in quarters of an hour, with a cloudy spell now and then."""
    chance = np.random.default_rng(seed)
    hour = np.arange(days * 96) % 96 / 4
    clear = np.maximum(np.sin((hour - 6) / 12 * np.pi), 0.0)
    cloud = np.repeat(chance.uniform(0.4, 1.0, days * 8), 12)
    return np.asarray(950 * clear * cloud)


def times(n: int) -> NDArray[np.int64]:
    return np.datetime64("2023-05-01", "ns").astype(np.int64) + np.arange(n) * QUARTER


def station(days: int, *, units: int, weather: bool) -> Plant:
    """Inverters of 100 kW that differ by a per cent from each other; the first is number 0."""
    plant = Plant(PLANT)
    plant.register(PLANT)
    light = sky(days)
    chance = np.random.default_rng(9)
    for i in range(units):
        good = 1 + 0.01 * chance.normal()
        noise = 1 + 0.005 * chance.normal(size=len(light))
        plant.add(inverter(i), "ac_power", t=times(len(light)), v=80 * light * good * noise)
        plant.register(inverter(i), rated_power=1e5, dc_capacity=1e5)
    if weather:
        plant.add(MAST, "poa_irradiance", t=times(len(light)), v=light)
        plant.add(MAST, "module_temperature", t=times(len(light)), v=np.full(len(light), 298.15))
    return plant


def change(plant: Plant, unit: ThingKey, *, span: slice, by: float) -> None:
    plant.series[unit, "ac_power"].v[span] *= by


def raised(plant: Plant) -> set[str]:
    """Whom the rule weak_inverter names: below 0.95 and −3.5, or 0.8 and −2, for two days."""
    named = set()
    for thing, indicator in plant.derived:
        if indicator != "sibling_ratio":
            continue
        score = dict(plant.told(thing, "sibling_score"))
        since = None
        for at, ratio in plant.told(thing, indicator):
            if not ((ratio < 0.95 and score[at] < -3.5) or (ratio < 0.8 and score[at] < -2)):
                since = None
                continue
            since = at if since is None else since
            if at - since >= 2 * DAY:
                named.add(thing.id)
    return named


def test_measured_energy_is_the_integral_of_power() -> None:
    plant = station(2, units=1, weather=True)
    plant.walk()
    power = plant.series[inverter(0), "ac_power"].v
    assert plant.values(inverter(0), "energy_measured") == pytest.approx(
        [power[:96].sum() * 900, power[96:].sum() * 900]
    )
    assert plant.values(PLANT, "energy_measured") == pytest.approx(
        plant.values(inverter(0), "energy_measured")
    )


def test_the_counter_stands_in_for_holes_and_not_for_a_wrong_unit() -> None:
    for factor, trusted in ((1.0, True), (1000.0, False)):
        plant = station(1, units=1, weather=False)
        power = plant.series[inverter(0), "ac_power"]
        energy = np.cumsum(power.v) * 900 * factor
        seen = np.r_[0:40, 56:96]
        plant.add(inverter(0), "ac_power", t=power.t[seen], v=power.v[seen])
        plant.add(inverter(0), "energy_day", t=power.t[seen], v=energy[seen])
        plant.walk()
        wanted = energy[-1] if trusted else power.v[seen].sum() * 900
        assert plant.values(inverter(0), "energy_measured") == pytest.approx([wanted])


def test_a_counter_that_still_shows_yesterday_is_not_todays_energy() -> None:
    plant = Plant(inverter(0))
    t = times(96)
    counter = np.concatenate([np.full(8, 500 * KWH), np.zeros(16), np.linspace(0, 300 * KWH, 72)])
    plant.add(inverter(0), "energy_day", t=t, v=counter)
    plant.walk()
    assert plant.values(inverter(0), "energy_measured") == pytest.approx([300 * KWH])


def test_performance_ratio_is_yield_over_irradiation() -> None:
    plant = station(3, units=4, weather=True)
    plant.walk()
    assert plant.values(PLANT, "performance_ratio") == pytest.approx([0.8] * 3, rel=0.02)


def test_expected_energy_follows_pvwatts() -> None:
    plant = station(1, units=1, weather=True)
    plant.walk()
    light = plant.series[MAST, "poa_irradiance"].v
    # Linear below the limit but for the part-load efficiency, which lies within 0.94 to 0.97.
    wanted = (light / 1000 * 1e5 * 0.86).sum() * 900 * 0.96
    assert plant.values(inverter(0), "expected_energy") == pytest.approx([wanted], rel=0.02)


def test_holes_in_the_data_are_no_loss() -> None:
    plant = station(10, units=1, weather=True)
    series = plant.series[inverter(0), "ac_power"]
    keep = np.arange(960) % 96 < 50
    plant.add(inverter(0), "ac_power", t=series.t[keep], v=series.v[keep])
    plant.walk()
    whole = station(10, units=1, weather=True)
    whole.walk()
    name = "energy_ratio_30d"
    assert plant.values(PLANT, name) == pytest.approx(whole.values(PLANT, name), rel=0.02)


def test_no_ratio_is_given_where_nothing_tells_the_weather() -> None:
    plant = station(20, units=1, weather=False)
    plant.register(PLANT, latitude=39.7, longitude=-105.2)
    plant.walk()
    assert plant.values(inverter(0), "clear_sky_energy")
    assert not plant.values(inverter(0), "expected_energy")
    assert not plant.values(PLANT, "energy_ratio_30d")


def test_satellite_irradiance_on_the_horizontal_is_enough() -> None:
    plant = station(8, units=1, weather=False)
    plant.register(PLANT, latitude=0.0, longitude=0.0, tilt=0.0, azimuth=180.0)
    plant.add(MAST, "ghi", t=times(768), v=sky(8))
    plant.walk()
    assert plant.values(PLANT, "energy_ratio_30d")[-1] == pytest.approx(1.05, abs=0.1)


def test_a_weak_inverter_is_named_and_nobody_else() -> None:
    plant = station(8, units=8, weather=False)
    change(plant, inverter(3), span=slice(None), by=0.9)
    plant.walk()
    assert raised(plant) == {"I3"}


def test_one_bad_day_is_not_weakness() -> None:
    plant = station(8, units=8, weather=False)
    change(plant, inverter(3), span=slice(96, 192), by=0.5)
    plant.walk()
    assert raised(plant) == set()


def test_missing_intervals_are_not_weakness() -> None:
    plant = station(8, units=8, weather=False)
    series = plant.series[inverter(3), "ac_power"]
    keep = np.random.default_rng(2).random(len(series.t)) > 0.3
    plant.add(inverter(3), "ac_power", t=series.t[keep], v=series.v[keep])
    plant.walk()
    assert raised(plant) == set()


def test_a_smaller_inverter_is_not_a_weak_one() -> None:
    plant = station(8, units=8, weather=False)
    for i in range(8):
        plant.known[inverter(i)].clear()
    change(plant, inverter(3), span=slice(None), by=0.4)
    plant.walk()
    assert raised(plant) == set()


def test_three_inverters_are_too_few_to_judge_each_other() -> None:
    plant = station(8, units=3, weather=False)
    change(plant, inverter(0), span=slice(None), by=0.7)
    plant.walk()
    assert not plant.values(inverter(0), "sibling_ratio")


@pytest.mark.parametrize("weather", [True, False])
def test_an_outage_in_daylight_is_told_with_its_length(weather: bool) -> None:  # noqa: FBT001
    plant = station(2, units=4, weather=weather)
    change(plant, inverter(1), span=slice(40, 52), by=0.0)
    plant.walk()
    t = times(192)
    assert plant.told(inverter(1), "zero_yield") == [(t[40], 3 * 3600.0), (t[52], 0.0)]
    assert not plant.told(inverter(0), "zero_yield")


def test_an_outage_that_lasts_is_one_outage() -> None:
    plant = station(4, units=4, weather=True)
    change(plant, inverter(1), span=slice(40, 240), by=0.0)
    plant.walk()
    values = plant.values(inverter(1), "zero_yield")
    assert min(values[:-1]) > 0
    assert values[-1] == 0
    assert plant.told(inverter(1), "zero_yield")[-1][0] == times(384)[240]


def test_night_and_silence_are_no_outage() -> None:
    plant = station(2, units=4, weather=True)
    series = plant.series[inverter(1), "ac_power"]
    keep = np.r_[0:40, 60:192]
    plant.add(inverter(1), "ac_power", t=series.t[keep], v=series.v[keep])
    plant.walk()
    assert not plant.told(inverter(1), "zero_yield")


def test_a_lone_inverter_is_judged_by_the_sun_or_by_its_habit() -> None:
    for facts in ({"latitude": 0.0, "longitude": 0.0}, {}):
        plant = Plant(inverter(0))
        power = 90 * sky(20)
        power[18 * 96 + 44 : 18 * 96 + 56] = 0.0
        plant.add(inverter(0), "ac_power", t=times(len(power)), v=power)
        plant.register(inverter(0), **facts)
        plant.walk()
        values = plant.values(inverter(0), "zero_yield")
        assert values == [3 * 3600.0, 0.0]


def test_a_stale_stretch_across_midnight_is_one_mark() -> None:
    plant = Plant(inverter(0))
    power = 90 * sky(4)
    power[150:230] = power[150]
    plant.add(inverter(0), "ac_power", t=times(len(power)), v=power)
    plant.walk()
    told = plant.told(inverter(0), "stale")
    t = times(384)
    assert [at for at, _ in told] == [t[150], t[230]]
    assert told[0][1] > 0
    assert told[1][1] == 0


def test_a_spike_of_one_inverter_is_marked_and_one_of_all_is_weather() -> None:
    plant = station(3, units=6, weather=False)
    for i in range(6):
        plant.series[inverter(i), "ac_power"].v[96 + 44] *= 0.05
    plant.series[inverter(2), "ac_power"].v[96 + 60] = 1.8e5
    plant.walk()
    t = times(288)
    assert [at for at, v in plant.told(inverter(2), "spike") if v > 0] == [t[156]]
    assert not plant.told(inverter(0), "spike")


@pytest.mark.parametrize("factor", [0.4, 1.5])
def test_a_changed_scale_is_found_and_dated(factor: float) -> None:
    plant = station(60, units=5, weather=True)
    change(plant, inverter(1), span=slice(30 * 96, None), by=factor)
    plant.walk()
    told = [(at, v) for at, v in plant.told(inverter(1), "data_shift") if v]
    assert len(told) == 1
    assert abs(told[0][0] - times(1)[0] - 30 * DAY) <= 3 * DAY
    assert told[0][1] == pytest.approx(factor - 1, rel=0.1)
    assert not [v for v in plant.values(inverter(0), "data_shift") if abs(v) > 0.05]


def test_daily_readings_are_enough_for_a_shift() -> None:
    plant = Plant(inverter(0))
    chance = np.random.default_rng(4)
    t = times(1)[0] + np.arange(200, dtype=np.int64) * DAY
    energy = 500 * KWH * np.exp(-0.4 * np.abs(chance.normal(size=200)))
    energy[100:] *= 0.3
    plant.add(inverter(0), "energy_day", t=t, v=energy)
    plant.walk()
    told = [(at, v) for at, v in plant.told(inverter(0), "data_shift") if v]
    assert len(told) == 1
    assert abs(told[0][0] - t[100]) <= 5 * DAY


def india(shared: Path, *, columns: tuple[str, ...], keep: float = 1.0) -> Plant:
    """Plant 1 of the Indian set, from the columns given (ac_power, energy_day)."""
    packed = zipfile.ZipFile(shared / "data/energy/pv_india/Plant_1_Generation_Data.csv.zip")
    tz = zone("Asia/Kolkata")
    rows = defaultdict(list)
    for row in csv.DictReader(io.TextIOWrapper(packed.open(packed.namelist()[0]))):
        at = datetime.strptime(row["DATE_TIME"], "%d-%m-%Y %H:%M").replace(tzinfo=tz)
        power, energy = float(row["AC_POWER"]) * 1000, float(row["DAILY_YIELD"]) * KWH
        rows[row["SOURCE_KEY"]].append((at.timestamp() * 1e9, power, energy))
    plant = Plant(ThingKey("plant", "4135001"), zone=tz)
    plant.register(plant.root)
    chance = np.random.default_rng(0)
    for name, found in rows.items():
        table = np.array(sorted(found))
        table = table[chance.random(len(table)) < keep]
        for k, indicator in ((1, "ac_power"), (2, "energy_day")):
            if indicator in columns:
                key = ThingKey("inverter", name)
                plant.add(key, indicator, t=table[:, 0].astype(np.int64), v=table[:, k])
    return plant


@pytest.mark.parametrize(
    ("columns", "keep"),
    [
        (("ac_power", "energy_day"), 1.0),
        (("ac_power",), 0.7),
    ],
)
def test_the_two_weak_inverters_of_a_real_plant_are_named(
    shared: Path, columns: tuple[str, ...], keep: float
) -> None:
    plant = india(shared, columns=columns, keep=keep)
    plant.walk()
    assert raised(plant) == WEAK
    longest = {
        thing.id: max(plant.values(thing, indicator))
        for thing, indicator in plant.derived
        if indicator == "zero_yield"
    }
    assert set(sorted(longest, key=longest.__getitem__)[-2:]) == WEAK


def test_the_daily_counter_alone_names_them_too(shared: Path) -> None:
    plant = india(shared, columns=("energy_day",))
    plant.walk()
    assert raised(plant) == WEAK
