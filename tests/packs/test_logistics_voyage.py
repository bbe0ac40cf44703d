"""The voyage: its files are what the generator writes, and its prices those of the World Bank."""

from pathlib import Path

from tests.homes import EXAMPLES, generator
from wuxin.wire.recording import open_recording

EXAMPLE = EXAMPLES / "logistics"


def test_the_generator_writes_the_shipped_files_byte_for_byte(tmp_path: Path) -> None:
    written = generator("logistics", "generate_voyage")
    written.main(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(written.PARTS)
    for name in written.PARTS:
        assert (tmp_path / name).read_bytes() == (EXAMPLE / name).read_bytes(), name


def test_prices_are_those_of_the_world_bank(tmp_path: Path, shared: Path) -> None:
    sheet = shared / "data/commodity/world_bank_pink_sheet/monthly_to_2019.csv"
    generator("logistics", "generate_voyage").main(tmp_path, sheet)
    name = "voyage_prices.csv"
    assert (tmp_path / name).read_bytes() == (EXAMPLE / name).read_bytes()


def test_the_recording_can_be_read_and_its_orders_are_those_of_the_story() -> None:
    recording = open_recording(EXAMPLE / "voyage.toml")
    assert recording.pack == "logistics"
    assert [c.do for c in recording.commands] == [
        "tell_order", "tell_invoice", "open_facility", "open_facility", "tell_payment",
        "order_disposal", "dispose", "tell_order", "tell_movement", "tell_process",
        "tell_movement", "tell_invoice", "repay",
    ]  # fmt: skip
