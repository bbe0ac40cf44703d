"""Real bands and real legs: what the shipped extract says replayed, and what others' tools find."""

import csv
import gzip
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from tests.homes import EXAMPLES, brought_in, findings
from wuxin.packs.agriculture.heats import THRESHOLD, find_heats
from wuxin.packs.agriculture.lactation import interval_yield
from wuxin.packs.agriculture.posture import GRAVITY, bouts
from wuxin.terms.clock import DAY, iso, moment
from wuxin.terms.standards import Series

EXAMPLE = EXAMPLES / "agriculture"


def rows(name: str) -> list[dict[str, str]]:
    with (EXAMPLE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_replay_finds_the_heats_of_the_extract_after_the_first_days_in_milk(
    tmp_path: Path,
) -> None:
    change: dict[str, dict[int, float]] = defaultdict(dict)
    in_milk: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for row in rows("activity.csv"):
        at = moment(row["time"] + "Z")
        if row["change"]:
            change[row["cow"]][at] = float(row["change"]) / 100
        if row["days_in_milk"]:
            in_milk[row["cow"]].append((at, float(row["days_in_milk"])))
    expected = set()
    for cow, said in change.items():
        t, v = (np.array(x) for x in zip(*sorted(said.items()), strict=True))
        for heat in find_heats(Series(t, v), int(t[0]), stop=int(t[-1]) + 1):
            told = [days for at, days in in_milk[cow] if at <= heat.start]
            if told and told[-1] > 5 and heat.peak >= THRESHOLD:
                expected.add((cow, iso(heat.start)))
    with brought_in(EXAMPLE / "heats.toml", tmp_path) as home:
        found = {(f["thing"], f["from"]) for f in findings(home, rule="oestrus")}
    assert found == expected
    assert len(found) >= 5


@pytest.mark.parametrize("every", [28, 30, 33, 35])
def test_monthly_test_days_give_the_yield_of_the_whole_record(every: int) -> None:
    record = rows("daily_record.csv")
    days, milk = (np.array([float(r[c]) for r in record]) for c in record[0])
    true = milk[days <= 305].sum()
    off = []
    for first in range(5, every + 1):
        t = np.arange(first, 306, every)
        off.append(abs((interval_yield(t * 1.0, milk[t - 1]) or 0.0) / true - 1))
    assert np.mean(off) <= 0.025


def test_triacts_cows_lie_down_as_often_as_triact_says(shared: Path) -> None:
    found: dict[str, list[tuple[int, float]]] = defaultdict(list)
    with gzip.open(shared / "data/agriculture/triact/cows_5hz.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            stamp = row["time"].replace(" ", "T") + "Z"
            found[row["id"]].append((moment(stamp), float(row["acc_up"]) * GRAVITY))
    counts = {}
    for cow, said in found.items():
        t, up = (np.array(x) for x in zip(*said, strict=True))
        counts[cow] = [b.lying for b in bouts(t, up)]
        assert t[-1] - t[0] < DAY
    assert [sum(lying) for lying in counts.values()] == [4, 3]
    assert [len(lying) for lying in counts.values()] == [9, 6]
