"""The agriculture pack's figures: heats, milk, lying, and what supervision costs.

Prints one JSON object: each figure with what was asked, ours, a reference, and whether it holds.
``--extract`` writes the shipped extracts of the real data into examples/agriculture instead.

    python benchmarks/packs_agriculture.py
"""

import argparse
import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from heatime import Lactation, lactations, rows
from wuxin.packs.agriculture import costs
from wuxin.packs.agriculture.heats import FIRST_DAY, LAST_DAY, after_calving
from wuxin.packs.agriculture.lactation import interval_yield, ordered, yield_305
from wuxin.packs.agriculture.posture import GRAVITY, Bout, bouts
from wuxin.terms.clock import DAY, HOUR, SECOND, iso
from wuxin.terms.standards import Series

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples/agriculture"
FOLDERS = (ROOT.parent / "shared/data/agriculture", ROOT.parents[1] / "shared/data/agriculture")
SHARED = next((folder for folder in FOLDERS if folder.is_dir()), FOLDERS[0])
EXPORTS = SHARED / "bovheat/data_zipped.zip"
RECORD = EXAMPLE / "daily_record.csv"
TEST_DAYS = SHARED / "bovi_lactation/mr_test_file.csv"
LEGS = SHARED / "triact/cows_5hz.csv.gz"
THRESHOLD = 0.35

Heats = set[tuple[str, int, int, int, int, float]]


def main() -> None:
    """Measure and print, or write the extracts."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--extract", action="store_true", help="write the shipped extracts")
    if options.parse_args().extract:
        extract()
        return
    figures = [*heats(), *milk(), *lying(), *costs_of()]
    print(json.dumps({"pack": "agriculture", "figures": figures}, ensure_ascii=False))


# ---- heats ---------------------------------------------------------------------------------------


def heats() -> Iterator[dict[str, Any]]:
    """Every heat that we find against every one that the published procedure finds."""
    known = [*lactations(rows(EXPORTS.read_bytes()))] if EXPORTS.is_file() else [*shipped()]
    data = "BovHEAT raw exports" if EXPORTS.is_file() else "shipped extract of BovHEAT's exports"
    ours: Heats = set()
    windows = 0
    for one in known:
        found = after_calving(one.change, one.in_milk)
        windows += found is not None
        for heat in found[1] if found else ():
            peak = round(heat.peak * 100, 6)
            ours.add((one.farm, one.cow, one.number, heat.start, heat.stop, peak))
    published = {heat for one in known for heat in _published(one)}
    yield {
        "what": "heats found, start −5, stop 30, threshold 35",
        "ours": f"{len(ours)} heats in {windows} windows, {len(ours ^ published)} differ",
        "aim": "every heat that the published tool defines, and no other",
        "reference": f"{len(published)} (BovHEAT's procedure in pandas)",
        "holds": bool(ours) and ours == published, "data": data,
    }  # fmt: skip


def _published(one: Lactation) -> Iterator[tuple[str, int, int, int, int, float]]:
    """What BovHEAT's procedure gives, step by step in pandas, as an opinion that is not ours."""
    days = pd.Series(one.in_milk.v / 86_400, pd.to_datetime(one.in_milk.t))
    if not days.min() >= 0:
        return
    calved = (days.index[days.argmin()] - pd.Timedelta(days=days.min())).normalize()
    span = pd.date_range(
        calved + pd.Timedelta(days=FIRST_DAY), calved + pd.Timedelta(days=LAST_DAY), freq="2h",
        inclusive="left",
    )  # fmt: skip
    raw = pd.Series((one.change.v * 100).round(6), pd.to_datetime(one.change.t))
    values = raw.reindex(span).interpolate(limit_area="inside", limit=2)
    above = values >= THRESHOLD * 100
    for _, heat in values[above].groupby((~above).cumsum()[above]):
        first, last = (int(t.as_unit("ns").value) for t in (heat.index[0], heat.index[-1]))
        yield (one.farm, one.cow, one.number, first, last, round(float(heat.max()), 6))


# ---- milk ----------------------------------------------------------------------------------------


def milk() -> Iterator[dict[str, Any]]:
    """The 305-day yield: monthly test days against a full record, and from part of a lactation."""
    days, kilograms = _columns(RECORD, "DaysInMilk", "TestDayMilkYield")
    true = float(kilograms[days <= 305].sum())
    off = []
    for every in range(28, 36):
        for first in range(5, every + 1):
            t = np.arange(first, 306, every)
            found = interval_yield(t.astype(float), kilograms[t - 1])
            off.append(abs((found or 0.0) - true) / true)
    share = float(np.mean(off))
    yield {
        "what": "305-day yield by test intervals, MAPE", "ours": f"{share:.2%}", "aim": "≤ 2.5 %",
        "reference": f"full daily record: {true:.0f} kg; {len(off)} schedules of test days, worst "
        f"{max(off):.1%}",
        "holds": share <= 0.025, "data": "bovi l2_anim2_herd654, every 28 to 35 days",
    }  # fmt: skip
    known = [*_whole()]
    for cut in (90, 120, 150, 200):
        curve, level = _projected(known, cut=cut)
        yield {
            "what": f"305-day yield foretold at {cut} days, MAPE", "ours": f"{curve:.1%}",
            "aim": "below carrying on level", "reference": f"level: {level:.1%}",
            "holds": curve < level, "data": f"{len(known)} real lactations with a whole record",
        }  # fmt: skip


def _whole() -> Iterator[tuple[Any, Any]]:
    path = TEST_DAYS if TEST_DAYS.is_file() else EXAMPLE / "test_days.csv"
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found[row["TestId"]].append((float(row["DaysInMilk"]), float(row["MilkingYield"])))
    for tests in found.values():
        t, y = ordered(*(np.array(x) for x in zip(*tests, strict=True)))
        if len(t) >= 8 and t[0] <= 45 and t[-1] >= 270 and np.diff(t).max() <= 60:
            yield t, y


def _projected(known: list[tuple[Any, Any]], *, cut: int) -> tuple[float, float]:
    """Mean error of our yield and of the last test day carried on, from what is known by a day."""
    curve, level = [], []
    for t, y in known:
        part, whole = t <= cut, interval_yield(t, y) or 0.0
        ours, plain = yield_305(t[part], y[part]), interval_yield(t[part], y[part])
        if ours is not None and plain is not None:
            curve.append(abs(ours - whole) / whole)
            level.append(abs(plain - whole) / whole)
    return float(np.mean(curve)), float(np.mean(level))


# ---- lying ---------------------------------------------------------------------------------------


def lying() -> Iterator[dict[str, Any]]:
    """Lying and standing bouts of triact's cows, against its procedure in pandas."""
    if not LEGS.is_file():
        yield {"what": "lying bouts", "ours": "not run", "aim": "triact's", "reference": "",
               "holds": False, "data": "triact's data are not here"}  # fmt: skip
        return
    for cow, t, up in _legs():
        ours = bouts(t, up * GRAVITY)
        theirs = _triact(t, up)
        shown = "; ".join(
            f"{'L' if b.lying else 'S'} {(b.stop - b.start) / 60e9:.1f}" for b in ours
        )
        share = sum(b.stop - b.start for b in ours if b.lying) / HOUR
        yield {
            "what": f"lying and standing bouts of {cow}",
            "ours": f"{len(ours)} bouts, {share:.2f} h lying ({shown} min)",
            "aim": "triact's bouts", "reference": f"{len(theirs)} bouts (its procedure in pandas)",
            "holds": bool(ours) and ours == theirs, "data": "triact cows_5hz, 10 h at 5 Hz",
        }  # fmt: skip


def _legs() -> Iterator[tuple[str, Any, Any]]:
    with gzip.open(LEGS, "rt", encoding="utf-8") as file:
        table = pd.read_csv(file, parse_dates=["time"])
    for cow, mine in table.groupby("id"):
        yield str(cow), mine["time"].to_numpy("datetime64[ns]").astype(np.int64), (
            mine["acc_up"].to_numpy(float)
        )  # fmt: skip


def _triact(t: Any, up: Any) -> list[Bout]:
    """The median of 10 s, half of gravity, 30 s: in pandas, ends held constant."""
    step = float(np.median(np.diff(t))) / SECOND
    size = round(10 / step)
    size += 1 - size % 2
    middle = pd.Series(up).rolling(size, center=True).median().bfill().ffill()
    flat = (middle < 0.5).to_numpy()
    edges = np.flatnonzero(np.diff(flat)) + 1
    for a, b in pairwise([0, *edges, len(flat)]):
        if flat[a] and (t[b - 1] - t[a]) < 30 * SECOND:
            flat[a:b] = False
    edges = np.flatnonzero(np.diff(flat)) + 1
    return [
        Bout(int(t[a]), int(t[b - 1]), bool(flat[a])) for a, b in pairwise([0, *edges, len(flat)])
    ]


# ---- costs ---------------------------------------------------------------------------------------


def costs_of() -> Iterator[dict[str, Any]]:
    """The published savings, beside what a simulation gives under its stated assumptions."""
    for saving in costs.simulate():
        low, middle, high = (saving.says(x) for x in (saving.low, saving.middle, saving.high))
        yield {
            "what": f"{saving.what}, simulated", "ours": f"{middle} (90 %: {low} to {high})",
            "aim": "holds where the published figure lies within 90 % of the draws",
            "reference": f"published (mission B3): {saving.published}", "holds": saving.within,
            "data": "simulation under assumptions, no measurement",
        }  # fmt: skip


# ---- extracts ------------------------------------------------------------------------------------

_SHIPPED_COWS = 6
_SHIPPED_LACTATIONS = 200


def extract() -> None:
    """Write the extracts: cows of both farms from ten days before calving on, and test days."""
    said = [*rows(EXPORTS.read_bytes())]
    chosen: dict[str, dict[int, int]] = defaultdict(dict)
    for one in lactations(iter(said)):
        mine, found = chosen[one.farm], after_calving(one.change, one.in_milk)
        if found is not None and one.cow not in mine and len(mine) < _SHIPPED_COWS:
            mine[one.cow] = found[0]
    with (EXAMPLE / "activity.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["time", "farm", "cow", "lactation", "days_in_milk", "change"])
        for row in sorted({*said}, key=lambda r: (r.at, r.farm, r.cow)):
            calved = chosen[row.farm].get(row.cow)
            if calved is None or row.lactation is None or not -10 <= (row.at - calved) / DAY < 35:
                continue
            cells = [row.lactation, row.in_milk, None if row.change is None else row.change * 100]
            texts = ["" if cell is None else f"{cell:.0f}" for cell in cells]
            out.writerow([iso(row.at)[:16], row.farm.removeprefix("schema_"), row.cow, *texts])
    lines = TEST_DAYS.read_text("utf-8").splitlines()
    ids = [*dict.fromkeys(line.rsplit(",", 1)[1] for line in lines[1:])][:_SHIPPED_LACTATIONS]
    kept = [line for line in lines[1:] if line.rsplit(",", 1)[1] in set(ids)]
    (EXAMPLE / "test_days.csv").write_text("\n".join([lines[0], *kept]) + "\n", "utf-8")
    record = (SHARED / "bovi_lactation/l2_anim2_herd654.csv").read_text("utf-8")
    RECORD.write_text(record.replace("\r\n", "\n"), "utf-8")


def shipped() -> Iterator[Lactation]:
    """The lactations of the shipped extract."""
    table = pd.read_csv(EXAMPLE / "activity.csv", parse_dates=["time"])
    for (farm, cow), mine in table.groupby(["farm", "cow"]):
        unique = mine.sort_values("change").drop_duplicates("time").sort_values("time")
        for number in sorted(unique["lactation"].unique()):
            own = unique[unique["lactation"] == number]
            yield Lactation(str(farm), int(cow), int(number), _of(unique, "change", by=0.01),
                            _of(own, "days_in_milk", by=86_400.0))  # fmt: skip


def _of(table: Any, column: str, *, by: float) -> Series:
    good = table.dropna(subset=[column])
    t = good["time"].to_numpy("datetime64[ns]").astype(np.int64)
    return Series(t, good[column].to_numpy(float) * by)


def _columns(path: Path, *names: str) -> list[Any]:
    with path.open(encoding="utf-8", newline="") as file:
        table = [*csv.DictReader(file)]
    return [np.array([float(row[name]) for row in table]) for name in names]


if __name__ == "__main__":
    main()
