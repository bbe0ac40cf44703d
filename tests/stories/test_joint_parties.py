"""Parties that have the commands alone: plan, commit, draft, sign, run, each in its own folder."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from tests.house.tree import ROOT
from wuxin.joint import split

DATA = ROOT / "examples" / "joint"
NODES = ("node-a", "node-b", "node-c")
PARTIES = ("bank-a", "shop-b")


def wuxin(where: Path, *words: str, code: int = 0) -> str:
    made = subprocess.run(
        [sys.executable, "-m", "wuxin", "joint", *words], cwd=where, capture_output=True,
        text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert made.returncode == code, made.stdout + made.stderr
    return made.stdout + made.stderr


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("triple")
    asked = ["joint", "triple", "--home", str(home)]
    asked += [word for party in PARTIES for word in ("--party", party)]
    with (home / "log").open("wb") as log:
        nodes = subprocess.Popen(
            [sys.executable, "-m", "wuxin", *asked], stdout=log, stderr=log, start_new_session=True
        )
    until = time.monotonic() + 60
    while not (home / "parties.toml").exists():
        assert nodes.poll() is None, (home / "log").read_text("utf-8")
        assert time.monotonic() < until
        time.sleep(0.1)
    yield home
    nodes.send_signal(signal.SIGTERM)
    assert nodes.wait(30) == 0


def agreed(where: Path, plan: str, **tables: str) -> None:
    """All commit, one drafts, and all sign."""
    for party in PARTIES:
        mine = [f"{name}={file}" for name, file in tables.items() if (name == "bank") == (
            party == "bank-a")]  # fmt: skip
        wuxin(where, "commit", plan, *mine, "--party", party, "--folder", party)
    stem = plan.removesuffix(".toml")
    for party in PARTIES:
        table = max((where / party / "tables").iterdir(), key=lambda path: path.stat().st_mtime)
        assert table.stat().st_mode & 0o077 == 0
    drafted = wuxin(where, "draft", plan, *(f"{stem}.{party}.json" for party in PARTIES))
    assert "to be signed by bank-a, shop-b, node-a, node-b, node-c" in drafted
    for party in (*PARTIES, *NODES):
        told = wuxin(where, "sign", "contract.json", "--party", party, "--folder", party)
    assert "still to sign" not in told


def run(where: Path) -> dict[str, str]:
    """Both run at the same time; what each was told."""
    waiting = [
        subprocess.Popen(
            [sys.executable, "-m", "wuxin", "joint", "run", "contract.json", "--party", party,
             "--folder", party],
            cwd=where, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for party in PARTIES
    ]  # fmt: skip
    told = {
        party: each.communicate(timeout=180)[0]
        for party, each in zip(PARTIES, waiting, strict=True)
    }
    assert [each.returncode for each in waiting] == [0, 0], told
    return told


def test_two_owners_train_a_model_by_commands_alone(where: Path) -> None:
    shutil.copy(DATA / "plan.toml", where)
    tables = {"bank": f"{DATA}/bank.csv", "partner": f"{DATA}/partner.csv"}
    agreed(where, "plan.toml", **tables)
    checked = wuxin(where, "check", "contract.json")
    assert "opens  weights f64[31] (result) to bank-a" in checked
    assert "shop-b (data_owner, user): signed" in checked
    told = run(where)
    assert "bank, 0.2 MB of shares" in told["bank-a"]
    result = re.findall(r"bank-a/results/\w+\.json", told["bank-a"])[0]
    assert "results" not in told["shop-b"]  # the contract gives it nothing
    weights = np.array(json.loads((where / result).read_text("utf-8"))["weights"])
    whole = split.read(DATA)
    plain = LogisticRegression(C=1 / (0.002 * len(whole.y)), max_iter=5000)
    plain.fit(whole.joined, whole.y)
    found = roc_auc_score(whole.y, whole.joined @ weights[1:])
    assert found == pytest.approx(
        roc_auc_score(whole.y, plain.decision_function(whole.joined)), abs=0.002
    )
    again = wuxin(where, "run", "contract.json", "--party", "bank-a", "--folder", "bank-a")
    assert "has run; its results are in bank-a/results" in again
    assert (where / result).stat().st_mode & 0o077 == 0
    assert not [*(where / "bank-a" / "tables").iterdir()]  # the shares are the table, and are gone


def test_each_bank_learns_which_of_its_own_rows_the_other_has(where: Path) -> None:
    plan = (DATA / "plan.toml").read_text("utf-8")
    head = plan[: plan.index("[to]")].replace("credit:hidden_model", "matching:duplicates_2")
    rest = """
[to]
flags_1 = ["bank-a"]
flags_2 = ["shop-b"]
[joins.receipts]
placed = 40
listed = 40
[tables.bank_1]
party = "bank-a"
join = "receipts"
lay = "both"
by_row = ["flags_1"]
[tables.bank_2]
party = "shop-b"
join = "receipts"
lay = "both"
by_row = ["flags_2"]
"""
    (where / "twice.toml").write_text(head + rest, "utf-8")
    held = {"bank_1": range(100, 130), "bank_2": range(120, 155)}
    for name, numbers in held.items():
        lines = ["receipt,weight", *(f"CR-{each},{each / 4}" for each in numbers)]
        (where / f"{name}.csv").write_text("\n".join(lines), "utf-8")
    for party, name in zip(PARTIES, held, strict=True):
        told = wuxin(where, "commit", "twice.toml", f"{name}={name}.csv", "--party", party,
                     "--folder", party)  # fmt: skip
    assert "35 rows" in told
    wuxin(where, "draft", "twice.toml", *(f"twice.{party}.json" for party in PARTIES))
    for party in (*PARTIES, *NODES):
        wuxin(where, "sign", "contract.json", "--party", party, "--folder", party)
    run(where)
    for party, name in zip(PARTIES, held, strict=True):
        file = next((where / party / "results").glob("*-flags_?.csv"))
        rows = [line.split(",") for line in file.read_text("utf-8").splitlines()[1:]]
        both = set(range(120, 130))
        assert [(row, int(flag)) for row, flag in rows] == [
            (f"CR-{each}", int(each in both)) for each in held[name]
        ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('lay = "placed"', 'lay = "upright"'), "Invalid enum value 'upright'"),
        (('join = "customers"', 'join = "clients"'), "the join 'clients', which is not planned"),
        (
            ("placed = 600", "placed = 60"),
            "bank has 569 rows, and the join customers",
        ),
        (('identifier = "id"', 'identifier = "name"'), "has no column name; it has id, y, x0"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused_in_a_sentence(
    tmp_path: Path, where: Path, change: tuple[str, str], said: str
) -> None:
    text = (DATA / "plan.toml").read_text("utf-8").replace(*change)
    (tmp_path / "plan.toml").write_text(text, "utf-8")
    shutil.copy(where / "parties.toml", tmp_path)
    told = wuxin(tmp_path, "commit", "plan.toml", f"bank={DATA}/bank.csv", "--party", "bank-a",
                 "--folder", str(where / "bank-a"), code=2)  # fmt: skip
    assert said in told
    assert len(told.strip().splitlines()) == 1
