"""The voyage: its files are what the generator writes, and its prices those of the World Bank."""

import importlib.util
from pathlib import Path
from types import ModuleType

from tests.homes import EXAMPLES
from wuxin.wire.recording import open_recording

EXAMPLE = EXAMPLES / "logistics"


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("voyage", EXAMPLE / "generate_voyage.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_generator_writes_the_shipped_files_byte_for_byte(tmp_path: Path) -> None:
    generator = load_generator()
    generator.main(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(generator.PARTS)
    for name in generator.PARTS:
        assert (tmp_path / name).read_bytes() == (EXAMPLE / name).read_bytes(), name


def test_prices_are_those_of_the_world_bank(tmp_path: Path, shared: Path) -> None:
    sheet = shared / "data/commodity/world_bank_pink_sheet/monthly_to_2019.csv"
    load_generator().main(tmp_path, sheet)
    name = "voyage_prices.csv"
    assert (tmp_path / name).read_bytes() == (EXAMPLE / name).read_bytes()


def test_the_recording_can_be_read_and_its_orders_are_those_of_the_story() -> None:
    recording = open_recording(EXAMPLE / "voyage.toml")
    assert recording.pack == "logistics"
    assert [c.do for c in recording.commands] == [
        "open_facility", "open_facility", "order_disposal", "dispose", "repay",
    ]  # fmt: skip
