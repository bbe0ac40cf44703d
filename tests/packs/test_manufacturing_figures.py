"""The figures of the pack hold on the sets beside the project."""

from pathlib import Path

import pytest

from benchmarks.packs_manufacturing import PARTS
from wuxin.packs import schema
from wuxin.packs.checks import check


@pytest.mark.parametrize("part", PARTS)
def test_every_figure_of_the_table_holds(shared: Path, part: str) -> None:
    found = PARTS[part](shared / "data/manufacturing")
    assert found
    assert [f.ours for f in found if not f.holds] == []


def test_the_pack_keeps_the_four_standards() -> None:
    assert check(schema.load("manufacturing")) == []
