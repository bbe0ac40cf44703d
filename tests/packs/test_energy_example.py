"""The shipped recordings: a financed roof in summer 2016, two stations under snow in 2022."""

import csv
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.homes import EXAMPLES, acts, brought_in, findings
from wuxin.home import Home
from wuxin.terms.clock import iso
from wuxin.terms.names import ThingKey
from wuxin.wire.recording import open_recording

ENERGY = EXAMPLES / "energy"


@pytest.fixture(scope="module")
def roof(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with brought_in(ENERGY / "recording.toml", tmp_path_factory.mktemp("roof")) as home:
        yield home


@pytest.fixture(scope="module")
def snow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with brought_in(ENERGY / "snow.toml", tmp_path_factory.mktemp("snow")) as home:
        yield home


def cells(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("serf_east_power.csv", "serf_east_15min_ac_power.csv"),
        ("serf_east_weather.csv", "serf_east_psm3_data.csv"),
        ("rsf_ii.csv", "nrel_RSF_II.csv"),
        ("serf_west.csv", "serf_west_15min.csv"),
    ],
)
def test_the_files_are_cut_from_their_source_and_unchanged(
    shared: Path, name: str, source: str
) -> None:
    whole = cells(shared / "data/energy/pvanalytics" / source)
    cut = cells(ENERGY / name)
    head = [column if column != "measured_on" else whole[0][0] for column in cut[0]]
    place = [whole[0].index(column) for column in head]
    assert cut[1:] == [[row[i] for i in place] for row in whole[1 : len(cut)]]


def test_the_example_is_small_and_has_its_licence() -> None:
    assert sum(p.stat().st_size for p in ENERGY.iterdir() if p.is_file()) <= 1_050_000
    assert "MIT License" in (ENERGY / "LICENSE").read_text(encoding="utf-8")
    assert open_recording(ENERGY / "snow.toml").pack == "energy"


def test_the_charging_station_is_written_again_by_its_script(tmp_path: Path) -> None:
    script = str(ENERGY / "generate.py")
    subprocess.run([sys.executable, script, "--out", str(tmp_path)], check=True)
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == sorted(path.name for path in ENERGY.glob("charging_*.csv"))
    for name in written:
        assert (tmp_path / name).read_bytes() == (ENERGY / name).read_bytes(), name


def test_the_roof_yields_what_its_weather_lets_it(roof: Home) -> None:
    twin = roof.flow.lines["energy"].twin
    plant = ThingKey("plant", "SERF-EAST")
    ratio, performance = (
        twin.latest(plant, name) for name in ("energy_ratio_30d", "performance_ratio")
    )
    assert ratio is not None
    assert performance is not None
    assert 0.95 < ratio.value < 1.15
    assert 0.6 < performance.value < 1.0
    assert iso(ratio.event_time).startswith("2016-09-29T06:59:59")


def test_the_loan_is_valued_every_day_by_the_income_it_can_expect(roof: Home) -> None:
    marked = acts(roof, kind="revaluation")
    assert len(marked) > 70
    values = [Decimal(act["figures"]["value"]) for act in marked]
    # 9,300 kWh × 0.12 × 0.85 × an annuity of 6 % over 19.96 years, and a day less each day
    assert values[0] == pytest.approx(Decimal(10873), abs=5)
    assert values == sorted(values, reverse=True)
    assert not acts(roof, kind="margin_call")
    assert {act["figures"]["outstanding"] for act in marked} == {"6000.00", "5850.00", "5700.00"}


def test_a_working_roof_raises_nothing_red(roof: Home) -> None:
    found = findings(roof)
    assert {f["rule"] for f in found} <= {"spike", "stale_data"}
    assert "red" not in {f["level"] for f in found}


def test_what_the_satellite_service_filled_in_is_marked(roof: Home) -> None:
    # 984 W/m2 stands from 11:30 to 12:30 on 25 July: one half-hourly value, three times over
    stale = [f for f in findings(roof) if f["rule"] == "stale_data"]
    assert ("weather_station", "2016-07-25T18:30:00Z") in {(f["kind"], f["from"]) for f in stale}


def test_under_snow_the_sun_shines_and_nothing_comes(snow: Home) -> None:
    dark = {
        f["thing"]
        for f in findings(snow)
        if f["rule"] == "zero_yield_in_daylight" and f["from"].startswith("2022-01-06")
    }
    assert dark == {"RSF-II-METER", "RSF-II-2", "SERF-WEST-1"}


def test_the_logger_that_runs_on_eastern_time_is_read_in_its_own_zone(snow: Home) -> None:
    twin = snow.flow.lines["energy"].twin
    last = twin.latest(ThingKey("meter", "RSF-II-METER"), "ac_power")
    assert last is not None
    assert iso(last.event_time) == "2022-01-07T04:45:00Z"
    assert not [f for f in findings(snow) if f["rule"] == "silence"]
