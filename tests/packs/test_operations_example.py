"""The operations example: what was planted is found when it happened, and nothing else is."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.homes import EXAMPLES, brought_in, findings
from wuxin.home import Home
from wuxin.wire.recording import open_recording

EXAMPLE = EXAMPLES / "operations"
PLANTED = {
    ("SEAL-2", "custody_open"): "2024-03-05T10:30:00Z",
    ("SEAL-2", "custody_gap"): "2024-03-05T15:59:59Z",
    ("Z-LOBBY", "loitering_present"): "2024-03-06T11:25:30Z",
    ("Z-LOBBY", "loitering_stays"): "2024-03-06T15:59:59Z",
    ("Z-VAULT", "alone_in_vault"): "2024-03-07T09:17:34Z",
    ("D-1", "recording_poor"): "2024-03-08T01:19:57Z",
    ("D-2", "sales_unrecorded"): "2024-03-08T15:59:59Z",
    ("A-09", "asset_unseen"): "2024-03-08T15:59:59Z",
    ("KEY-1", "custody_open"): "2024-03-11T00:33:29Z",
    ("KEY-1", "custody_gap"): "2024-03-11T15:59:59Z",
    ("B-1", "separation"): "2024-03-12T15:59:59Z",
    ("VB-1", "serials_missing"): "2024-03-12T15:59:59Z",
    ("NVR-1", "recorder_stopped"): "2024-03-14T02:00:00Z",
    ("NVR-1", "cameras_missing"): "2024-03-14T02:00:00Z",
    ("S-106", "denied_repeatedly"): "2024-03-14T07:04:00Z",
    ("A-03", "asset_moved"): "2024-03-14T15:59:59Z",
    ("S-105", "entry_beyond_clearance"): "2024-03-15T15:59:59Z",
    ("KEY-2", "held_outside"): "2024-03-15T15:59:59Z",
}


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_branch", EXAMPLE / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_generator_writes_the_shipped_files_byte_for_byte(tmp_path: Path) -> None:
    load_generator().main(tmp_path)
    shipped = sorted(p.name for p in EXAMPLE.glob("*.csv"))
    assert sorted(p.name for p in tmp_path.iterdir()) == shipped
    for name in shipped:
        assert (tmp_path / name).read_bytes() == (EXAMPLE / name).read_bytes(), name


def test_the_example_is_small_and_names_its_licence() -> None:
    assert open_recording(EXAMPLE / "recording.toml").pack == "operations"
    assert sum(p.stat().st_size for p in EXAMPLE.iterdir() if p.is_file()) <= 700_000
    assert "Apache-2.0" in (EXAMPLE / "README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with brought_in(EXAMPLE / "recording.toml", tmp_path_factory.mktemp("branch")) as opened:
        yield opened


def test_what_was_planted_is_found_when_it_happened_and_nothing_else_is(home: Home) -> None:
    found = findings(home)
    assert {(f["thing"], f["rule"]): f["from"] for f in found} == PLANTED
    assert len(found) == len(PLANTED)


def test_figures_are_those_that_were_planted(home: Home) -> None:
    told = {(f["thing"], f["rule"]): (f["value"], f["unit"]) for f in findings(home)}
    assert told["SEAL-2", "custody_gap"] == (120, "min")
    assert told["KEY-1", "custody_gap"] == (40, "min")
    assert told["VB-1", "serials_missing"] == (3, "1")


def test_the_register_follows_the_computer_and_the_book_does_not(home: Home) -> None:
    def last(indicator: str) -> float:
        rows = home.history.query(
            "SELECT value FROM readings WHERE thing = 'A-03' AND indicator = $name "
            "ORDER BY event_time DESC LIMIT 1",
            {"name": indicator},
        ).to_pylist()
        return float(rows[0]["value"])

    assert (last("register_zone"), last("booked_zone")) == (1, 2)
