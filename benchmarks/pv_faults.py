"""How well faults of photovoltaic data are found, on real series with labels.

Reads PVAnalytics' labelled files from ``examples/energy``, or from the data folder beside the
project. Stale, interpolated, clipped and spiked data are counted per sample, shifts per change
point within 14 days. The same faults are then planted into another plant's real series
(``examples/energy/serf_east_power.csv``), twenty times each with a fixed seed; that series has
no labels of its own, so that its real oddities count as wrong. With ``--replay`` the labelled files
go through ``wuxin replay``, day by day, as a bank would see them; without, the detectors see each
series whole.

    .venv/bin/python benchmarks/pv_faults.py [--json] [--replay]
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.risk import anomaly
from wuxin.terms.clock import DAY

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (ROOT / "examples/energy", ROOT.parent / "shared/data/energy/pvanalytics")
WITHIN = 14 * DAY
NIGHT = 0.005
KINDS = {
    "stale": ("ac_power_inv_2173_stale_data.csv", "value_normalized", "stale_data_mask"),
    "interpolated": (
        "ac_power_inv_2173_interpolated_data.csv",
        "value_normalized",
        "interpolated_data_mask",
    ),
    "spike": ("ac_power_inv_7539_outliers.csv", "value_normalized", "outlier"),
    "clipped": ("ac_power_inv_7539.csv", "value_normalized", "label"),
    "shift": ("pvlib_data_shift.csv", "value", "label"),
}
RULES = {"stale_data": "stale", "interpolated_data": "interpolated", "clipped_power": "clipped",
         "spike": "spike", "data_shift": "shift"}  # fmt: skip
MANIFEST = """pack = "energy"
[[stream]]
file = "series.csv"
time = {{ column = "t", format = "unix" }}
thing = {{ kind = "inverter", fixed = "X" }}
[stream.readings]
{indicator} = {{ column = "v", unit = "{unit}" }}
"""


class Labelled(NamedTuple):
    """A series with the truth: times (n, ns), values (n) and whether each is at fault (n)."""

    t: NDArray[np.int64]
    v: NDArray[np.float64]
    truth: NDArray[np.bool_]


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--json", action="store_true", help="one JSON object")
    options.add_argument("--replay", action="store_true", help="day by day through wuxin replay")
    asked = options.parse_args()
    figures = [*measure(replay=asked.replay), *([] if asked.replay else planted())]
    if asked.json:
        print(json.dumps({"replay": asked.replay, "faults": figures}))
        return
    print(f"{'fault':22}{'labelled':>9}{'found':>7}{'right':>7}{'precision':>11}{'recall':>8}")
    for row in figures:
        if "missing" in row:
            print(f"{row['fault']:22}{row['missing']}")
            continue
        print(
            f"{row['fault']:22}{row['labelled']:9}{row['found']:7}{row['right']:7}"
            f"{row['precision']:11.3f}{row['recall']:8.3f}"
        )


def measure(*, replay: bool) -> Iterator[dict[str, str | float]]:
    """Precision and recall of each kind of fault."""
    for kind, (name, value, label) in KINDS.items():
        path = next((f / name for f in FOLDERS if (f / name).is_file()), None)
        if path is None:
            yield {"fault": kind, "missing": f"{name} is not here"}
            continue
        case = read(path, value, label=label)
        found = replayed(case, kind) if replay else detected(case, kind)
        if kind == "shift":
            near = np.abs(case.t[found][:, None] - case.t[case.truth][None, :]) <= WITHIN
            hits, right = int(near.any(axis=0).sum()), int(near.any(axis=1).sum())
        else:
            hits = right = int(np.count_nonzero(found & case.truth))
        labelled, marked = int(case.truth.sum()), int(found.sum())
        yield {
            "fault": kind, "labelled": labelled, "found": marked, "right": right,
            "precision": right / marked if marked else 1.0, "recall": hits / labelled,
        }  # fmt: skip


def planted() -> Iterator[dict[str, str | float]]:
    """Precision and recall of faults that are planted into a real series of another plant."""
    path = ROOT / "examples/energy/serf_east_power.csv"
    with path.open(newline="") as file:
        rows = [(moment(r["measured_on"]), float(r["ac_power"])) for r in csv.DictReader(file)]
    t = np.array([int(at.timestamp()) * 10**9 for at, _ in rows], np.int64)
    v = np.array([value for _, value in rows])
    chance = np.random.default_rng(20160701)
    for kind in KINDS:
        labelled = found = right = 0
        for _ in range(20):
            case = plant(t, v, kind=kind, chance=chance)
            mark = detected(case, kind)
            if kind == "shift":
                near = np.abs(case.t[mark] - case.t[case.truth][0]) <= WITHIN
                right += int(near.any())
            else:
                right += int(np.count_nonzero(mark & case.truth))
            labelled, found = labelled + int(case.truth.sum()), found + int(mark.sum())
        yield {
            "fault": f"{kind}, planted", "labelled": labelled, "found": found, "right": right,
            "precision": right / found if found else 1.0, "recall": right / labelled,
        }  # fmt: skip


def plant(
    t: NDArray[np.int64], v: NDArray[np.float64], *, kind: str, chance: np.random.Generator
) -> Labelled:
    """Plant one fault of a kind (or twenty spikes) at a random place of a series."""
    truth = np.zeros(len(v), np.bool_)
    if kind == "shift":
        days = v[: len(v) // 96 * 96].reshape(-1, 96).sum(axis=1)
        at = int(chance.integers(25, len(days) - 25))
        days[at:] *= float(chance.choice([0.35, 0.5, 2.0, 3.0]))
        return Labelled(t[: len(days) * 96 : 96], days, np.arange(len(days)) == at)
    bright = np.flatnonzero(v > 0.2 * v.max())
    at, length = int(chance.choice(bright[50:-50])), int(chance.integers(5, 40))
    v, span = v.copy(), slice(at, at + length)
    if kind == "stale":
        v[span] = v[at]
        truth[span] = True
    elif kind == "interpolated":
        v[span] = np.interp(
            np.arange(at, at + length), [at - 1, at + length], v[[at - 1, span.stop]]
        )
        truth[span] = True
    elif kind == "spike":
        where = chance.choice(bright[50:-50], 20, replace=False)
        v[where] = chance.choice([-0.4, 1.6, 2.0], 20) * v.max()
        truth[where] = True
    else:
        limit = float(chance.uniform(0.6, 0.8)) * v.max()
        truth = v > limit
        v = np.minimum(v, limit * (1 + 5e-4 * chance.standard_normal(len(v))))
    return Labelled(t, v, truth)


def read(path: Path, value: str, *, label: str) -> Labelled:
    """Read a labelled file; rows without a value are left out, as devices would."""
    rows = []
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            if row[value]:
                at = int(moment(row["timestamp"]).timestamp()) * 10**9
                rows.append((at, float(row[value]), row[label].upper() in {"TRUE", "1"}))
    t, v, truth = zip(*rows, strict=True)
    return Labelled(np.array(t, np.int64), np.array(v), np.array(truth))


def moment(text: str) -> datetime:
    """Read a time in one of the two forms that the files use."""
    if "/" in text:
        return datetime.strptime(text, "%m/%d/%Y").replace(tzinfo=UTC)
    return datetime.fromisoformat(text)


def detected(case: Labelled, kind: str) -> NDArray[np.bool_]:
    """What the detectors say of the whole series."""
    t, v = case.t, case.v
    held = float(np.minimum(np.minimum(v[2:], v[1:-1]), v[:-2]).max())
    if kind == "stale":
        return anomaly.stale(t, v, floor=NIGHT * held)
    if kind == "interpolated":
        return anomaly.interpolated(t, v)
    if kind == "spike":
        return anomaly.spikes(t, v, scale=held) > 0
    if kind == "clipped":
        return anomaly.clipped(t, v, ceiling=held)
    mark = np.zeros(len(t), np.bool_)
    mark[anomaly.shifts(t, v)[0]] = True
    return mark


def replayed(case: Labelled, kind: str) -> NDArray[np.bool_]:
    """What a bank would have been told: samples within findings, or where shifts begin."""
    daily = kind == "shift"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = "".join(f"{t // 10**9},{v}\n" for t, v in zip(case.t, case.v, strict=True))
        (folder / "series.csv").write_text("t,v\n" + rows)
        manifest = MANIFEST.format(
            indicator="energy_day" if daily else "ac_power", unit="Wh" if daily else "kW"
        )
        (folder / "recording.toml").write_text(manifest)
        run = [Path(sys.executable).with_name("wuxin"), "replay", folder / "recording.toml"]
        run += ["--home", folder / "home", "--json"]
        done = subprocess.run(run, capture_output=True, text=True, check=True)
    mark = np.zeros(len(case.t), np.bool_)
    for line in done.stdout.splitlines():
        finding = json.loads(line)
        if RULES.get(finding["rule"]) != kind:
            continue
        begin = nanos(finding["from"])
        if daily:
            mark[max(int(np.searchsorted(case.t, begin, side="right")) - 1, 0)] = True
        else:
            end = nanos(finding["to"]) if finding["to"] else case.t[-1] + 1
            mark |= (case.t >= begin) & (case.t < end)
    return mark


def nanos(text: str) -> int:
    """ISO 8601 to nanoseconds."""
    return int(datetime.fromisoformat(text).timestamp()) * 10**9


if __name__ == "__main__":
    main()
