"""The manufacturing pack on real and simulated sets, beside the figures it must reach.

Reads the folder ``shared/data/manufacturing`` beside the project, or ``--data``. Prints one JSON
object; a set that is not there is left out and named.

    .venv/bin/python benchmarks/packs_manufacturing.py [--data DIR] [--details]
"""

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pack_figures import FOLDER, Figure, Parts, measured, rows_of
from wuxin.packs.manufacturing import health, output
from wuxin.packs.manufacturing.running import AUTOMATIC
from wuxin.packs.manufacturing.shifts import type_limits
from wuxin.risk import levels, reference, remaining
from wuxin.terms.clock import DAY, HOUR, moment

SPAN = 300.0
FIRST = 400
INFLATED = 1.5

Floats = NDArray[np.float64]


# ---- output of three retrofitted machines ------------------------------------------------------


def made_of(rows: list[dict[str, str]]) -> output.Made:
    """One machine's rows by day and product, as the pack lays them out."""
    days = sorted({r["ts"][:10] for r in rows})
    products = sorted({r["product"] for r in rows})
    items, energy, time = (np.zeros((len(days), len(products))) for _ in range(3))
    for r in rows:
        cell = days.index(r["ts"][:10]), products.index(r["product"])
        items[cell] += float(r["items"] or 0)
        if float(r["status"] or 0) == AUTOMATIC:
            energy[cell] += float(r["power_avg"] or 0) * SPAN
            time[cell] += SPAN
    return output.Made(items, energy, time)


def inflated(made: output.Made, day: int) -> output.Made:
    """The same with one day's items half as many again."""
    items = made.items.copy()
    items[day] *= INFLATED
    return made._replace(items=items)


def outputs(data: Path) -> list[Figure]:
    """Every machine-day inflated in turn, and every one untouched."""
    rows = rows_of(data / "sme_manufacturing/company_A_labelled_subset.csv")
    counts = {"others": [0, 0, 0, 0], "past": [0, 0, 0, 0]}
    for asset in sorted({r["asset"] for r in rows}):
        made = made_of([r for r in rows if r["asset"] == asset])
        days = len(made.items)
        for day in range(days):
            for name, others in (
                ("others", [d for d in range(days) if d != day]), ("past", list(range(day))),
            ):  # fmt: skip
                tally(counts[name], made, day=day, others=others)
    figures = []
    for name, told in (("others", "other days"), ("past", "earlier days only")):
        found, planted, false, judged = counts[name]
        figures.append(
            Figure(
                f"one day's items inflated by 1.5, judged by {told}",
                f"{found} of {planted} flagged, {false} of {judged} untouched days flagged "
                f"({false / judged:.1%})",
                "flagged; false alarms at most 2 %", "none published",
                found == planted and false / judged <= 0.02, "sme_manufacturing, 3 machines",
            )
        )  # fmt: skip
    return [*figures, *run_states(rows)]


def tally(counts: list[int], made: output.Made, *, day: int, others: list[int]) -> None:
    """Count one day: planted and found, untouched and falsely found."""
    plain = output.compare(made, day, others=others)
    if plain is None:
        return
    counts[3] += 1
    counts[2] += plain.excess != 0
    planted = output.compare(inflated(made, day), day, others=others)
    counts[1] += 1
    counts[0] += planted is not None and planted.excess > 0


def run_states(rows: list[dict[str, str]]) -> list[Figure]:
    """Working as learnt from power alone, against intervals in which items were made."""
    told, good = [], True
    for asset in sorted({r["asset"] for r in rows}):
        own = [r for r in rows if r["asset"] == asset]
        power = np.array([float(r["power_avg"] or 0) for r in own])
        made = np.array([float(r["items"] or 0) > 0 for r in own])
        known = levels.learn(power)
        if known is None:
            told.append(f"machine {asset} not judged (meter too coarse)")
            continue
        working = levels.states(power, known) >= levels.WORKING
        f1 = 2 * np.count_nonzero(working & made) / (working.sum() + made.sum())
        good &= bool(f1 >= 0.9)
        told.append(f"machine {asset} F1 {f1:.2f}")
    return [
        Figure("working told from power without labels", "; ".join(told), "F1 at least 0.9",
               "none published", good, "sme_manufacturing")
    ]  # fmt: skip


# ---- temperature of one machine ----------------------------------------------------------------


def temperatures(data: Path) -> list[Figure]:
    """Warnings as the pack's rule makes them, inside and outside of the labelled windows."""
    rows = rows_of(data / "nab/machine_temperature_system_failure.csv")
    t = np.array([moment(r["timestamp"].replace(" ", "T") + "Z") for r in rows], np.int64)
    v = np.array([float(r["value"]) for r in rows])
    order = np.argsort(t, kind="stable")
    t, v = t[order], v[order]
    at = np.arange(t[0], t[-1], HOUR, dtype=np.int64)
    score = reference.deviations(
        t, v, at=at, window=health.MEAN, history=health.PAST, least=health.LEAST
    )
    raised, on = [], False
    for when, s in zip(at.tolist(), np.abs(score).tolist(), strict=True):
        if not on and s > 3.0:
            raised.append(when)
        on = s > 3.0 or (on and not s < 1.5)
    told = json.loads((data / "nab/windows.json").read_text("utf-8"))
    windows = [
        tuple(moment(x[:19].replace(" ", "T") + "Z") for x in pair)
        for pairs in told.values()
        for pair in pairs
    ]
    hit = sum(any(a <= r <= b for r in raised) for a, b in windows)
    outside = sum(not any(a <= r <= b for a, b in windows) for r in raised)
    weeks = (t[-1] - t[0]) / (7 * DAY)
    return [
        Figure("machine temperature: warnings in labelled windows",
               f"{hit} of {len(windows)}; {outside} outside in {weeks:.1f} weeks "
               f"({outside / weeks:.2f} a week)",
               "every window; at most 1 a week outside", "NAB windows",
               hit == len(windows) and outside <= weeks, "nab/machine_temperature_system_failure")
    ]  # fmt: skip


# ---- many signals of a pump --------------------------------------------------------------------


def skab(data: Path) -> list[Figure]:
    """Each file learnt on its first 400 samples, as its authors do; counted over all the others."""
    files = sorted((data / "skab/valve1").glob("*.csv"))
    counts = np.array([skab_file(f) for f in files])
    figures = []
    for name, part in (("all files", counts), ("every second file", counts[1::2])):
        hit, false, missed, right = part.sum(axis=0)
        f1, alarm = 2 * hit / (2 * hit + false + missed), false / (false + right)
        figures.append(
            Figure(f"valve 1, {name}", f"F1 {f1:.3f}, false-alarm rate {alarm:.1%}",
                   "F1 at least 0.78, false alarms at most 15 %",
                   "Conv-AE: F1 0.78, 13.6 % (SKAB's table, all folders)",
                   bool(f1 >= 0.78 and alarm <= 0.15), f"skab/valve1, {len(part)} files")
        )  # fmt: skip
    return figures


def skab_file(path: Path) -> tuple[int, int, int, int]:
    """Hits, false alarms, misses and rightly silent samples of one file."""
    rows = rows_of(path, ";")
    names = [n for n in rows[0] if n not in {"datetime", "anomaly", "changepoint"}]
    x = np.array([[float(r[n]) for n in names] for r in rows])
    truth = np.array([float(r["anomaly"]) > 0 for r in rows])[FIRST:]
    normal = reference.learn(x[:FIRST])
    if normal is None:
        raise ValueError(f"{path.name} has no reference")
    found = reference.distance(x, normal)[FIRST:] > 1.0
    return (
        int((found & truth).sum()), int((found & ~truth).sum()),
        int((~found & truth).sum()), int((~found & ~truth).sum()),
    )  # fmt: skip


# ---- remaining life, load types ----------------------------------------------------------------


def lives(data: Path) -> list[Figure]:
    """Five folds by engine over the runs to failure."""
    table = np.loadtxt(data / "cmapss/train_FD001.txt")
    fleet = remaining.Fleet(table[:, 0].astype(np.int64), table[:, 5:])
    error = remaining.cross_validated(fleet) - remaining.life_left(fleet.unit)
    rmse = float(np.sqrt(np.mean(error**2)))
    near = remaining.life_left(fleet.unit) < 50
    close = float(np.sqrt(np.mean(error[near] ** 2)))
    return [
        Figure("remaining life, RMSE in cycles (capped at 125)",
               f"{rmse:.1f} ({close:.1f} in the last 50 cycles)", "at most 18.5",
               "12 to 18 on the test set in the literature", rmse <= 18.5,
               "C-MAPSS FD001 train, 100 engines, 5 folds by engine")
    ]  # fmt: skip


def loads(data: Path) -> list[Figure]:
    """Load types as learnt from the load against the plant's own labels."""
    rows = rows_of(data / "steel_energy/Steel_industry_data.csv")
    v = np.array([float(r["Usage_kWh"]) for r in rows])
    cuts = type_limits(v)
    names = ["Light_Load", "Medium_Load", "Maximum_Load"]
    truth = np.array([names.index(r["Load_Type"]) for r in rows])
    if cuts is None:
        raise ValueError("no load levels were found")
    found = np.digitize(v, cuts)
    light = float(np.mean((found > 0) == (truth > 0)))
    return [
        Figure("load type without labels", f"light told from the rest {light:.1%}; "
               f"three types {np.mean(found == truth):.1%}",
               "light at least 80 %", "labels follow tariff hours", light >= 0.8,
               "steel_energy, 26,208 quarters of an hour")
    ]  # fmt: skip


PARTS: Parts = {
    "sme_manufacturing": outputs, "nab": temperatures, "skab": skab, "cmapss": lives,
    "steel_energy": loads,
}  # fmt: skip


def main() -> None:
    """Print the figures as one JSON object; fail where one does not hold."""
    sys.exit(
        0 if measured("manufacturing", PARTS, folder=FOLDER / "manufacturing", about=__doc__) else 1
    )


if __name__ == "__main__":
    main()
