"""The figures of the pack hold on the sets beside the project."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "packs_energy.py"
PARTS = ("labelled", "planted", "clocks", "plant_1", "causes", "ages", "dust", "acn", "tickets")


@pytest.mark.parametrize("part", PARTS)
def test_every_figure_of_the_table_holds(shared: Path, part: str) -> None:
    run = [sys.executable, BENCHMARK, "--data", shared / "data/energy", part]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)
    assert told["figures"]
    assert [f["ours"] for f in told["figures"] if not f["holds"]] == []
    assert done.returncode == 0
