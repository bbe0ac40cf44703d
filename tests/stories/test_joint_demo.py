"""``wuxin joint demo`` as a user runs it: trains and scores on hidden rows, and is proved."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT

AWAY = (
    "import sys\nfor name in ('spu', 'jax', 'nacl', 'rbcl', 'opendp'): sys.modules[name] = None\n"
)


def wuxin(*words: str, without: str = "") -> subprocess.CompletedProcess[str]:
    run = f"{without}from wuxin.cli import main\nmain({list(words)!r})"
    return subprocess.run(
        [sys.executable, "-c", run], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip


def test_the_demo_trains_and_scores_on_hidden_rows_and_is_proved(tmp_path: Path) -> None:
    told = wuxin("joint", "demo", "--home", str(tmp_path))
    assert told.returncode == 0, told.stdout + told.stderr
    plain = float(re.findall(r"plain, all in one place\s+│ (0\.\d+)", told.stdout)[0])
    shared = float(re.findall(r"on secret shares\s+│ (0\.\d+)", told.stdout)[0])
    alone = float(re.findall(r"columns alone\s+│ (0\.\d+)", told.stdout)[0])
    assert shared == pytest.approx(plain, abs=0.002)
    assert shared > alone
    assert "verified: 1 contracts" in told.stdout
    proved = wuxin("verify", str(tmp_path))
    assert proved.returncode == 0, proved.stderr
    records = tmp_path / "node-b" / "evidence" / "records.jsonl"
    records.write_text(records.read_text("utf-8").replace("platform-b", "platform-x"), "utf-8")
    assert wuxin("verify", str(tmp_path)).returncode == 1


def test_the_demo_takes_a_split_table_of_ones_own(tmp_path: Path, shared: Path) -> None:
    for side, name in (("guest", "bank"), ("host", "partner")):
        data = shared / "data" / "privacy" / "fate_splits" / f"vehicle_scale_hetero_{side}.csv"
        (tmp_path / f"{name}.csv").write_bytes(data.read_bytes())
    asked = ("joint", "demo", "--table", str(tmp_path), "--home", str(tmp_path / "home"))
    told = wuxin(*asked, "--bad", "3")
    assert told.returncode == 0, told.stdout + told.stderr
    plain, wing, alone = (
        float(re.findall(rf"{words}\s+│ (0\.\d+)", told.stdout)[0])
        for words in ("in one place", "on secret shares", "columns alone")
    )
    assert wing == pytest.approx(plain, abs=0.002)
    assert wing > alone + 0.005
    wrong = wuxin(*asked, "--bad", "9")
    assert wrong.returncode == 2
    assert "no row tells bad from good; y is 0, 1, 2, 3" in wrong.stderr


@pytest.mark.parametrize("words", [("--help",), ("joint", "--help"), ("settings",)])
def test_without_the_extra_all_else_works(words: tuple[str, ...]) -> None:
    assert wuxin(*words, without=AWAY).returncode == 0


def test_without_the_extra_the_wing_says_in_a_sentence_what_to_install() -> None:
    told = wuxin("joint", "demo", without=AWAY)
    assert told.returncode == 2
    assert "install wuxin[joint]" in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1
