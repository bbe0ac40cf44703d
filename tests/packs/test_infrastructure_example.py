"""The infrastructure example: what is generated comes out again, what is real is untouched."""

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.homes import EXAMPLES, brought_in, findings, generator
from wuxin.home import Home
from wuxin.wire.recording import open_recording

EXAMPLE = EXAMPLES / "infrastructure"
GENERATED = (
    "drawn.csv", "heads.csv", "lifts.csv", "passages.csv", "progress.csv", "spray.csv", "trips.csv"
)  # fmt: skip
REAL = ("air.csv", "noise.csv")


def rows(name: str) -> list[dict[str, str]]:
    with (EXAMPLE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_generator_writes_the_shipped_files_byte_for_byte(tmp_path: Path) -> None:
    generator("infrastructure").main(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(GENERATED)
    for name in GENERATED:
        assert (tmp_path / name).read_bytes() == (EXAMPLE / name).read_bytes(), name


def test_air_and_noise_are_those_of_their_publishers(tmp_path: Path, shared: Path) -> None:
    folder = shared / "data" / "construction"
    station = folder / "beijing_multisite" / "PRSA_Data_Aotizhongxin_20130301-20170228.csv"
    meter = folder / "noisemonitor" / "test_data_laeq1m.csv"
    generator("infrastructure").main(tmp_path, station, meter)
    for name in REAL:
        assert (tmp_path / name).read_bytes() == (EXAMPLE / name).read_bytes(), name


def test_the_example_is_small_and_names_its_licences() -> None:
    assert open_recording(EXAMPLE / "recording.toml").pack == "infrastructure"
    assert sum(p.stat().st_size for p in EXAMPLE.iterdir() if p.is_file()) <= 700_000
    told = (EXAMPLE / "README.md").read_text("utf-8")
    assert "CC BY 4.0" in told
    assert "Apache-2.0" in told


def test_the_spray_keeps_to_its_water_every_day() -> None:
    meter = {row["time"][:10]: float(row["water_m3"]) for row in rows("spray.csv")}
    totals = [0.0, *meter.values()]
    used = [b - a for a, b in itertools.pairwise(totals)]
    assert max(used) <= 6.0 + 1e-9
    assert sum(used) > 30


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with brought_in(EXAMPLE / "noise.toml", tmp_path_factory.mktemp("noise")) as home:
        yield home


def test_five_days_of_a_real_meter_have_not_one_hour_over_the_limits(quiet: Home) -> None:
    assert findings(quiet) == []
