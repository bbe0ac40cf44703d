"""The logistics pack on real sets, beside the figures it must reach.

Reads the folder ``shared/data`` beside the project, or ``--data``. Prints one JSON object; a set
that is not there is left out and named.

    .venv/bin/python benchmarks/packs_logistics.py [--data DIR]
"""

import argparse
import csv
import io
import json
import sys
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wuxin.packs.logistics import freight, price, rfid, rounds, shipments
from wuxin.packs.logistics.rfid import Reads
from wuxin.packs.logistics.rfid_table import read_table
from wuxin.terms.clock import moment
from wuxin.terms.standards import Series

FOLDER = Path(__file__).resolve().parents[2] / "shared/data"
SPLIT = moment("2014-01-01T00:00:00Z")
FAR = 50.0
"""Centimetres: two tags further apart than this are put in one another's place in a swap."""

AIM = "at least 0.95"


class Figure(NamedTuple):
    """One figure of the table."""

    what: str
    ours: str
    aim: str
    reference: str
    holds: bool
    data: str


# ---- tags that move at fixed antennas ----------------------------------------------------------


def tag_of(path: Path) -> Reads:
    """The reads of a file with one tag."""
    with path.open(encoding="utf-8", newline="") as file:
        table = read_table(csv.DictReader(file))
    [reads] = table.tags.values()
    if table.refused:
        raise ValueError(f"{path.name} has rows that cannot be read")
    return reads


def number(path: Path) -> int:
    """The last number of a file's name."""
    return int(path.stem.rpartition("-")[2])


def drift_of(reads: Reads) -> float:
    """The drift by which levels alone judge a record."""
    drifts = [rfid.level_drift(window) for window in rfid.windows(reads)]
    known = sorted(d for d in drifts if not np.isnan(d))
    return known[(len(known) - 1) // 2] if known else 0.0


def lines(data: Path) -> list[Figure]:
    """Line tests (carried) against tags that are turned on one spot; limits from odd numbers."""
    folder = data / "logistics/rfid_locate"
    carried = sorted(folder.glob("MovementTesting/LineTests/*/MoveTest*.csv"))
    still = sorted(folder.glob("Fingerprint1/*.csv"))
    records = {p: tag_of(p) for p in (*carried, *still)}
    bare = {p: r._replace(phase=np.full(len(r.t), np.nan)) for p, r in records.items()}
    largest = max(drift_of(bare[p]) for p in still if number(p) % 2)
    held = [p for p in records if number(p) % 2 == 0]
    name = f"rfid_locate, even numbers of {len(carried)} line tests and {len(still)} turned tags"
    found = [
        share_figure("moved told from static, by phase or level", records, chosen=held,
                     moving=carried, data=name),
        share_figure("the same over all records", records, chosen=list(records), moving=carried,
                     data="rfid_locate, all"),
    ]  # fmt: skip
    by_level = accuracy(bare, held, moving=carried)
    found.append(
        Figure("by level alone (phases taken away)",
               f"accuracy {by_level[0]:.3f}: carried found {by_level[1]:.2f}, turned tags called "
               f"moved {1 - by_level[2]:.2f}; largest drift of the odd turned tags {largest:.2f}",
               "turned tags not called moved", "none published",
               by_level[2] >= 0.95 and largest < rfid.DRIFT, name)
    )  # fmt: skip
    return [*found, short(bare, still), noise(records, carried), simulated()]


def short(bare: dict[Path, Reads], still: list[Path]) -> Figure:
    """Single windows of ten seconds of the turned tags, each judged for itself."""
    told = {}
    for odd in (1, 0):
        parts = [w for p in still if number(p) % 2 == odd for w in rfid.windows(bare[p])]
        known = [d for d in (rfid.level_drift(w) for w in parts) if not np.isnan(d)]
        told[odd] = float(np.mean(np.array(known) <= rfid.ALONE)), len(known)
    return Figure("turned tags in single windows of ten seconds, by level alone",
                  f"{told[0][0]:.3f} of {told[0][1]} called static (odd numbers, chosen on: "
                  f"{told[1][0]:.3f} of {told[1][1]})", AIM, "none published",
                  told[0][0] >= 0.95, "rfid_locate, turned tags with even numbers")  # fmt: skip


def accuracy(
    records: dict[Path, Reads], chosen: Iterable[Path], *, moving: list[Path]
) -> tuple[float, float, float]:
    """Accuracy, share of carried ones found, share of still ones called still."""
    right: dict[bool, list[bool]] = {True: [], False: []}
    for path in chosen:
        truth = path in moving
        right[truth].append(rfid.judge(records[path]).moved is truth)
    both = [*right[True], *right[False]]
    return float(np.mean(both)), float(np.mean(right[True])), float(np.mean(right[False]))


def share_figure(
    what: str, records: dict[Path, Reads], *, chosen: list[Path], moving: list[Path], data: str
) -> Figure:
    """A line of the table: accuracy, and of each sort."""
    total, found, kept = accuracy(records, chosen, moving=moving)
    told = f"accuracy {total:.3f} (carried {found:.3f}, static {kept:.3f}) of {len(chosen)}"
    return Figure(what, told, AIM, "none published", min(total, found, kept) >= 0.95, data)


def noise(records: dict[Path, Reads], carried: list[Path]) -> Figure:
    """Why a static tag would be told by phase: pairs of reads too close in time for motion."""
    near = [rfid.phase_coherence(records[p], lag=rfid.NOISE_LAG // 2) for p in carried]
    pairs = sum(n for _, n in near)
    coherence = sum(c * n for c, n in near if n) / pairs
    far = [rfid.phase_coherence(records[p])[0] for p in carried]
    return Figure("coherence of phases within 20 ms, where even a carried tag has hardly moved",
                  f"{coherence:.2f} over {pairs} pairs; within 0.5 s at most {max(far):.2f}",
                  f"above the limit of {rfid.COHERENCE}", "0.85 for a phase noise of 0.2 rad",
                  coherence > rfid.COHERENCE > max(far), "rfid_locate, line tests")  # fmt: skip


def simulated() -> Figure:
    """Static tags with phases, simulated, as none were recorded: noise of 0.2 rad, 50 channels."""
    draw = np.random.default_rng(7)
    right = 0
    for _ in range(200):
        n = int(draw.integers(60, 240))
        t = np.sort(draw.uniform(0, 12e9, n)).astype(np.int64)
        antenna, channel = draw.integers(1, 5, n), (t // 200_000_000) % 50
        home = draw.uniform(0, 2 * np.pi, (5, 50))
        half = np.pi * draw.integers(0, 2, n)  # a reader's phase is known up to half a turn
        phase = home[antenna, channel] + half + draw.normal(0, 0.2, n)
        reads = Reads(t, antenna, draw.normal(-60, 2, n), phase, channel)
        right += rfid.judge(reads).moved is False
    return Figure("static tags with phases (simulated)", f"{right} of 200 called static", AIM,
                  "by construction", right >= 190,
                  "simulated: noise 0.2 rad, 2 dB, 50 channels")  # fmt: skip


# ---- rounds with a carried reader --------------------------------------------------------------


class Walk(NamedTuple):
    """One round: its number, set-up, and reads by tag."""

    number: int
    setup: str
    tags: dict[str, Reads]


def walks(data: Path) -> tuple[list[Walk], dict[str, np.ndarray]]:
    """Detego's rounds and the true places (cm) of each set-up's tags."""
    with zipfile.ZipFile(data / "logistics/rfid_detego/dataset.zip") as file:
        text = file.read("dataset/dataset.csv").decode()
        places = {
            setup: np.load(io.BytesIO(file.read(f"dataset/{name}.npy")))
            for setup, name in (("2d", "2d"), ("2da", "2d_asymmetric"), ("3d", "3d"))
        }
    rows: dict[tuple[int, str], list[dict[str, str]]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        rows.setdefault((int(row["experiment_nr"]), row["setup"]), []).append(row)
    return [Walk(n, s, read_table(many).tags) for (n, s), many in rows.items()], places


def relocations(data: Path) -> list[Figure]:
    """Pairs of rounds over the same shelf; in the second a few tags are exchanged with one far."""
    found, places = walks(data)
    draw = np.random.default_rng(3)
    kept: list[float] = []
    gone: list[float] = []
    for i, one in enumerate(found):
        for other in found[i + 1 :]:
            if one.setup != other.setup or (one.number + other.number) % 2:
                continue  # the limit was chosen on pairs whose numbers add up to an odd one
            kept += rounds.relocated(one.tags, other.tags).values()
            swaps = exchanged([*one.tags.keys() & other.tags.keys()], places[one.setup], draw=draw)
            tags = {swaps.get(tag, tag): reads for tag, reads in other.tags.items()}
            told = rounds.relocated(one.tags, tags)
            gone += [told[tag] for tag in swaps if tag in told]
    static = float(np.mean(np.array(kept) >= rounds.SAME))
    moved = float(np.mean(np.array(gone) < rounds.SAME))
    balanced = (static + moved) / 2
    return [
        Figure("relocated told from static between two rounds of a carried reader",
               f"accuracy {balanced:.3f} (static {static:.3f} of {len(kept)}, exchanged "
               f"{moved:.3f} of {len(gone)})", AIM, "none published",
               min(static, moved) >= 0.95, "rfid_detego, pairs of rounds not chosen on"),
        counts(found),
    ]  # fmt: skip


def exchanged(names: list[str], places: np.ndarray, *, draw: np.random.Generator) -> dict[str, str]:
    """Up to four pairs of tags that are put in one another's place, each pair far apart."""
    known = sorted((n for n in names if n.isdigit() and int(n) < len(places)), key=int)
    order = [known[k] for k in draw.permutation(len(known))[:8]]
    swaps: dict[str, str] = {}
    for a, b in zip(order[::2], order[1::2], strict=False):
        if np.linalg.norm(places[int(a)] - places[int(b)]) > FAR:
            swaps |= {a: b, b: a}
    return swaps


def counts(found: list[Walk]) -> Figure:
    """Stock counts of one, two and three rounds in the flat set-up, against all its tags."""
    flat = [w for w in found if w.setup == "2d"]
    due = frozenset().union(*(w.tags for w in flat))
    told = []
    for k in (1, 2, 3):
        groups = [flat[i : i + k] for i in range(0, len(flat) - k + 1, k)]
        seen = [rounds.count_stock([w.tags.keys() for w in g], expected=due) for g in groups]
        told.append(float(np.mean([len(s.seen) / len(due) for s in seen])))
    return Figure("tags counted in one, two, three rounds",
                  ", ".join(f"{x:.3f}" for x in told), "three rounds at least 0.99",
                  "none published", told[2] >= 0.99,
                  f"rfid_detego, {len(due)} tags, 2d")  # fmt: skip


# ---- shipments ---------------------------------------------------------------------------------


def consignments(data: Path) -> list[Figure]:
    """The table of shipments: every cell told, sums reconciled, references followed, delays."""
    [path] = (data / "logistics/scms_shipments").glob("*.csv")
    table = shipments.read_lines(shipments.read_rows(path.read_bytes()))
    states = shipments.states(table)
    strange = sum(c["strange"] for c in states.values())
    complete = all(sum(c.values()) == len(table) for c in states.values())
    texts = len(shipments.listed(table))
    name = f"scms_shipments, {len(table)} lines"
    totals = freight.totals(table)
    gaps = freight.check_values(table)
    weights = freight.resolve(table, "weight")
    dangling = sum(r.state == "dangling" for r in weights.values())
    known = sum(r.whole is not None for r in weights.values())
    even, odd = ([x for x in table if x.row % 2 == k] for k in (0, 1))
    usual = freight.usual_rates(even)
    odd_ones = freight.odd_insurance(odd, usual)
    planted = [scaled(x) for x in odd if (x.numbers["insurance"].value or 0) > 1]
    caught = len(freight.odd_insurance(planted, usual))
    return [
        Figure("cells of numbers and dates that are none: told and listed",
               f"{texts} listed, {strange} without a meaning, none dropped", "all listed",
               "10,324 lines", complete and not strange, name),
        Figure("quantity × price against value, pack against unit price", f"{len(gaps)} differ",
               "each told", "none published", not gaps, name),
        Figure("freight stated against freight shared out over lines",
               f"{totals.freight} and {totals.shared}; unknown {dict(totals.unknown)}",
               "equal to the cent", f"value {totals.value}", totals.freight == totals.shared, name),
        Figure("references of weights", f"{known} of {len(table)} known, {dangling} dangling",
               "none dangling", "none published", not dangling, name),
        Figure("insurance against the usual rate of its year, learnt on even rows",
               f"{len(odd_ones)} of {len(odd)} odd rows told; {caught} of {len(planted)} of them "
               "found when tripled", "tripled ones found, at most 1 % of others told",
               f"premiums {totals.insurance}",
               caught == len(planted) and len(odd_ones) <= len(odd) / 100, name),
        delays(table, name),
    ]  # fmt: skip


def scaled(line: shipments.Line) -> shipments.Line:
    """The line with three times its premium."""
    cell = line.numbers["insurance"]
    more = cell._replace(value=(cell.value or 0) * 3)
    return line._replace(numbers={**line.numbers, "insurance": more})


def delays(table: list[shipments.Line], name: str) -> Figure:
    """The chance of coming late, learnt on deliveries due before 2014, on those after."""
    past = [x for x in table if (x.dates["scheduled"].at or 0) < SPLIT]
    later = [x for x in table if (x.dates["scheduled"].at or 0) >= SPLIT]
    late = np.array([(shipments.delay(x) or 0) > 0 for x in later], float)
    ours, plain = (
        float(np.mean((np.array(freight.late_chance(past, later, *by)) - late) ** 2))
        for by in (("vendor", "country"), ())
    )
    all_of = freight.late_by(table)[()]
    return Figure("chance of coming late by vendor and country (chosen on 2012 and 2013)",
                  f"Brier {ours:.4f}; late {all_of.share:.1%} of all, by {all_of.days:.0f} d",
                  "below the rate of all", f"rate of all: {plain:.4f}", ours < plain,
                  f"{name}, learnt before 2014, judged on {len(later)} after")  # fmt: skip


# ---- prices ------------------------------------------------------------------------------------


def commodities(data: Path) -> list[Figure]:
    """A constant stock against indices: value taken apart, falls found in time."""
    path = data / "commodity/world_bank_pink_sheet/monthly_to_2019.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    column = "Copper ($/mt)"
    told = [(moment(f"{r['month']}-28"), float(r[column])) for r in rows if r[column]]
    t, v = np.array([x[0] for x in told], np.int64), np.array([x[1] for x in told])
    stock = Series(t, np.linspace(400, 300, len(t)))
    parts = price.against_index(stock, Series(t, v))
    gap = parts.value - parts.value[0] - parts.price_effect - parts.quantity_effect
    worst = float(np.abs(gap).max() / np.abs(parts.value).max())
    warned = [k for k in range(3, len(t)) if price.moved(t, v, at=int(t[k])).month < -0.15]
    deep = [k for k in range(12, len(t)) if v[k] < 0.7 * v[k - 12 : k].max()]
    begun = [k for k in deep if k - 1 not in deep]
    before = sum(any(k - 12 <= w <= k for w in warned) for k in begun)
    return [
        Figure("value of a stock taken apart into price and quantity", f"largest gap {worst:.1e}",
               "adds up (1e-9)", "exact in theory", worst < 1e-9, f"copper, {len(t)} months"),
        Figure("falls of 30 % from a year's top that a warning came before, or with",
               f"{before} of {len(begun)}; {len(warned)} of {len(t)} months warned",
               "stated", "none published", before > 0, "World Bank, copper 1960 to 2019"),
    ]  # fmt: skip


PARTS: dict[str, Callable[[Path], list[Figure]]] = {
    "logistics/rfid_locate": lines, "logistics/rfid_detego": relocations,
    "logistics/scms_shipments": consignments, "commodity/world_bank_pink_sheet": commodities,
}  # fmt: skip


def figures(data: Path) -> dict[str, Any]:
    """The pack's figures as one object."""
    found = [f for name, part in PARTS.items() if (data / name).is_dir() for f in part(data)]
    missing = [name for name in PARTS if not (data / name).is_dir()]
    return {"pack": "logistics", "figures": [f._asdict() for f in found], "missing": missing}


def main() -> None:
    """Print the figures as one JSON object; fail where one does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=FOLDER)
    told = figures(parser.parse_args().data)
    print(json.dumps(told, ensure_ascii=False, indent=1, default=bool))
    sys.exit(0 if all(f["holds"] for f in told["figures"]) else 1)


if __name__ == "__main__":
    main()
