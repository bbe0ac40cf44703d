"""The vehicles example: what is generated comes out again, and what happens on the lot is found."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.homes import EXAMPLES, acts, brought_in, findings, generator
from wuxin.home import Home

EXAMPLE = EXAMPLES / "vehicles"
GENERATED = ("custody.csv", "inspection.csv", "scans.csv", "tracker.csv")


def test_the_generator_writes_the_shipped_files_byte_for_byte(tmp_path: Path) -> None:
    generator("vehicles").main(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(GENERATED)
    for name in GENERATED:
        assert (tmp_path / name).read_bytes() == (EXAMPLE / name).read_bytes(), name


def test_the_trip_is_that_of_its_publisher(tmp_path: Path, shared: Path) -> None:
    source = shared / "data/vehicles/kit_obd/2017-07-14_Seat_Leon_KA_KA_Frei.csv.gz"
    generator("vehicles").main(tmp_path, source)
    trip = "kit_2017-07-14.csv"
    assert (tmp_path / trip).read_bytes() == (EXAMPLE / trip).read_bytes()


def test_the_example_is_small_and_names_its_licence() -> None:
    assert sum(p.stat().st_size for p in EXAMPLE.iterdir() if p.is_file()) <= 500_000
    assert "CC BY 4.0" in (EXAMPLE / "README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with brought_in(EXAMPLE / "trip.toml", tmp_path_factory.mktemp("trip")) as home:
        yield home


def test_an_ordinary_drive_raises_nothing_and_no_sample_is_marked(drive: Home) -> None:
    assert findings(drive) == []
    counted = drive.book.counts(drive.tenant)
    assert counted["accepted"] > 13_000
    assert counted["marked"] == 0


def test_a_planted_jump_is_marked_and_scored_nowhere(tmp_path: Path) -> None:
    with (EXAMPLE / "kit_2017-07-14.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    moving = next(k for k, row in enumerate(rows) if k > 3000 and row[1] and float(row[1]) > 40)
    for row in rows[moving : moving + 5]:
        row[1] = "0"
    with (tmp_path / "kit_2017-07-14.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    manifest = tmp_path / "trip.toml"
    manifest.write_text((EXAMPLE / "trip.toml").read_text("utf-8"), "utf-8")
    with brought_in(manifest, tmp_path / "home") as home:
        [only] = findings(home)
        assert (only["rule"], only["value"], only["level"]) == ("speed_sensor_faulty", 4, "info")
        # The first of the five and the way back are beyond what may lie between two readings.
        assert home.book.counts(home.tenant)["marked"] == 2


@pytest.fixture(scope="module")
def lot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with brought_in(EXAMPLE / "recording.toml", tmp_path_factory.mktemp("lot")) as home:
        yield home


def test_each_event_on_the_lot_is_found_on_its_day_and_nothing_else(lot: Home) -> None:
    told = {(f["thing"], f["rule"], f["from"][:10]) for f in findings(lot)}
    assert told == {
        ("V-05", "outside_its_place", "2024-09-09"),
        ("V-05", "out_of_trust", "2024-09-11"),
        ("IF-2024-01", "loan_to_value_breach", "2024-09-11"),
        ("V-08", "papers_missing", "2024-09-12"),
        ("V-11", "keys_missing", "2024-09-14"),
        ("V-09", "power_cut", "2024-09-17"),
        ("V-09", "outside_its_place", "2024-09-17"),
        ("V-09", "moved_without_key", "2024-09-17"),
        ("V-09", "stolen", "2024-09-18"),
        ("V-09", "odometer_contradicted", "2024-09-18"),
        ("V-09", "out_of_trust", "2024-09-20"),
    }


def test_margin_is_called_for_the_car_that_was_sold_and_met_by_its_price(lot: Home) -> None:
    calls = acts(lot, kind="margin_call")
    assert calls[0]["at"] == "2024-09-11T16:00:00Z"
    [paid] = acts(lot, kind="repayment")
    assert paid["figures"]["outstanding"] == "1070000.00"
    assert acts(lot, kind="margin_call_met")


def test_a_stolen_car_counts_nothing_the_same_day(lot: Home) -> None:
    marks = {a["at"][:10]: float(a["figures"]["value"]) for a in acts(lot, kind="revaluation")}
    fall = marks["2024-09-17"] - marks["2024-09-18"]
    assert fall == pytest.approx(104_000, rel=0.02)
