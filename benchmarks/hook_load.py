"""The hook load of a real overhead crane: its load cell, its lifts, and warnings that noise raises.

What the files say: eight ADC values with weights (no unit; taken as kg, since a test's own masses
in t then agree), and tests in which ADC and position are told about three times a second. No file
says what hung on the hook, so a lift's load is the median of its own readings, and "false" is what
the pack says against that. There is no radius, so no moment.
"""

import csv
import re
import tempfile
import zipfile
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from lxml import etree
from numpy.typing import NDArray

from pack_figures import Figure
from wuxin.home import Home
from wuxin.packs.infrastructure.cranes import LIFTED, STEADY, steady
from wuxin.packs.schema import read
from wuxin.terms.clock import SECOND, from_datetime
from wuxin.terms.standards import Series
from wuxin.wire.recording import open_recording

SPACE: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
DISPLAY: Final = 0.05
"""Share of a load by which a crane's display may be off (GB 5144-2006, 6.1.1; devices.toml)."""
BARE: Final = 1200
"""ADC between an empty hook (at most 824 in the test) and a loaded one (at least 1,598)."""
HEAVY: Final = 0.8
"""Load over rating at which the pack should be silent: heavy, and below the pre-warning (0.9)."""
OVER: Final = 1.1
"""Load over rating at which it must not be silent."""
AT_ONCE: Final = ("crane_load_prewarning", "crane_load_over", "crane_limiter_failed")
MANIFEST = """pack = "infrastructure"
timezone = "UTC"
[[stream]]
file = "series.csv"
time = {{ column = "t", format = "iso", timezone = "UTC" }}
thing = {{ kind = "tower_crane", fixed = "C", parent = {{ kind = "site", fixed = "S" }} }}
[stream.readings]
load = {{ column = "load", unit = "kg" }}
load_share = {{ column = "share", unit = "1" }}
[[thing]]
kind = "tower_crane"
id = "C"
parent = "site:S"
facts = {{ rated_load = {{ value = {rated}, unit = "kg" }} }}
"""

OTHER_WINDOWS: Final = (2, 10, 20)
"""Seconds, beside the pack's own window."""

Values = NDArray[np.float64]
Lifts = Sequence[NDArray[np.int64]]
"""The places of the readings of each lift."""


class Cell(NamedTuple):
    """What was hung on the load cell (kg, n), and what it said (ADC, n)."""

    adc: Values
    weight: Values

    def line(self) -> Values:
        """Slope (kg per ADC) and weight at 0 ADC (kg), by least squares."""
        return np.polyfit(self.adc, self.weight, 1)

    def left_out(self) -> Values:
        """The line's error (kg, n) at each weight, fitted to the others."""
        kept = ~np.eye(len(self.adc), dtype=bool)
        return np.array([
            np.polyval(Cell(self.adc[k], self.weight[k]).line(), x) - y
            for k, x, y in zip(kept, self.adc, self.weight, strict=True)
        ])  # fmt: skip


class Said(NamedTuple):
    """What the crane pack says of a day: lifts, and how often each rule was raised."""

    lifts: int
    raised: Counter[str]


def table(path: Path) -> list[dict[str, str]]:
    """The longest sheet of a workbook, by its first row.

    It is read part by part: WeightTest4 has no list of its parts, without which calamine refuses.
    """
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist() if name.startswith("xl/")}
    strings = parts.get("xl/sharedStrings.xml")
    shared = [
        "".join(t.text or "" for t in item.iter(f"{SPACE}t"))
        for item in (_tree(strings).iter(f"{SPACE}si") if strings else ())
    ]
    sheets = [_cells(_tree(raw), shared) for n, raw in parts.items() if "worksheets/sheet" in n]
    head, *body = max(sheets, key=len)
    return [{name: row.get(column, "") for column, name in head.items()} for row in body]


def _tree(raw: bytes) -> etree._Element:
    return etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True))


def _cells(sheet: etree._Element, shared: Sequence[str]) -> list[dict[str, str]]:
    """The cells of each row by the letters of their column."""
    rows = []
    for row in sheet.iter(f"{SPACE}row"):
        cells = {}
        for cell in row.iter(f"{SPACE}c"):
            text = "".join(t.text or "" for t in cell.iter(f"{SPACE}v", f"{SPACE}t"))
            known = shared[int(text)] if cell.get("t") == "s" else text
            cells[re.sub(r"\d", "", cell.get("r"))] = known
        rows.append(cells)
    return rows


def readings(rows: Sequence[dict[str, str]], column: str) -> Series:
    """A column over time, which has no zone and is read as if it were UTC."""
    at = [from_datetime(datetime.fromisoformat(row["Time"]).replace(tzinfo=UTC)) for row in rows]
    return Series(np.array(at, np.int64), np.array([float(row[column]) for row in rows]))


def said(load: Series, *, rated: float) -> Said:
    """What the pack says when a crane's load (kg) is replayed as its monitor would tell it.

    A display shows no load below zero, and the pack would refuse one.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "series.csv").open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(("t", "load", "share"))
            for t, v in zip(load.t.tolist(), np.maximum(load.v, 0).tolist(), strict=True):
                at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=t // 1000)
                out.writerow((at.isoformat(), v, v / rated))
        (folder / "r.toml").write_text(MANIFEST.format(rated=float(rated)), "utf-8")
        with Home(folder / "home") as home:
            for _ in home.replay(open_recording(folder / "r.toml")):
                pass
            days = home.history.buckets(("infrastructure", "tower_crane", "C"), "lifts",
                                        span=(None, None), points=99, as_of=None)  # fmt: skip
            raised = Counter(row["rule"] for row in home.book.findings(home.tenant, {}))
            return Said(round(sum(row[3] * row[4] for row in days)), raised)


def begun(holds: NDArray[np.bool_]) -> int:
    """How often something begins to hold."""
    return int((holds & ~np.append(False, holds[:-1])).sum())


def calibration(cell: Cell) -> list[Figure]:
    """The load cell by a line, each weight judged by the others."""
    error, full = cell.left_out(), cell.weight.max()
    hung = cell.weight > 0
    close = int((abs(error)[hung] <= DISPLAY * cell.weight[hung]).sum())
    rms, worst = float(np.sqrt((error**2).mean())), float(abs(error).max())
    return [
        Figure("load cell by a line, each weight left out: error",
               f"rms {rms:.0f} kg ({rms / full:.1%} of full scale), worst {worst:.0f} kg "
               f"({worst / full:.1%}); {close} of {hung.sum()} loads within 5 %",
               f"all {hung.sum()} loads within 5 %", "GB 5144-2006, 6.1.1: display within 5 %",
               bool(close == hung.sum()), f"8 weights, 0 to {full:,.0f} kg"),
    ]  # fmt: skip


def lifting(cell: Cell, rows: Sequence[dict[str, str]]) -> list[Figure]:
    """The test with lifts: loads, lifts counted, and what noise does to the limits."""
    adc, own = readings(rows, "Mass ADC"), readings(rows, "Mass")
    load = Series(adc.t, np.polyval(cell.line(), adc.v))
    hung = adc.v > BARE
    edges = np.flatnonzero(np.diff(hung.astype(int))) + 1
    lifts = [part for part in np.split(np.arange(len(adc)), edges) if hung[part[0]]]
    gap = float(abs(load.v - 1000 * own.v).max())
    data = f"WeightTest4, {len(rows)} readings in {(adc.t[-1] - adc.t[0]) / 1e9:.0f} s"
    ours = ", ".join(f"{np.median(load.v[part]):,.0f}" for part in lifts)
    theirs = ", ".join(f"{1000 * np.median(own.v[part]):,.0f}" for part in lifts)
    return [
        Figure("load of each lift (median of its readings), kg", ours,
               "the file's own masses, by its own line through the same ADC",
               f"{theirs}; single readings differ by {gap:.0f} at most",
               bool(gap <= np.sqrt((cell.left_out() ** 2).mean())), data),
        *counting(load, lifts, full=cell.weight.max(), data=data),
        *limits(load, lifts, data=data),
        *alarms(load, lifts, data=data),
    ]  # fmt: skip


def counting(load: Series, lifts: Lifts, *, full: float, data: str) -> list[Figure]:
    """The lifts that the pack counts, at three ratings, and with the empty hook set to zero.

    The hook is set to zero on the readings before the first lift.
    """
    empty = load.v[: lifts[0][0]]
    zero, ratings = float(np.median(empty)), (5000.0, full, 10_000.0)
    data += f"; before the first lift the empty hook reads {zero:.0f} ± {empty.std():.0f} kg"
    figures = []
    for what, series in (
        ("as calibrated", load), ("empty hook set to zero", Series(load.t, load.v - zero))
    ):  # fmt: skip
        ours = [said(series, rated=rated).lifts for rated in ratings]
        raw = [begun(series.v > LIFTED * rated) for rated in ratings]
        figures.append(
            Figure(f"lifts, {what}, at ratings of 5.0, {full / 1000:.1f} and 10.0 t",
                   ", ".join(map(str, ours)), f"{len(lifts)} at each",
                   f"not steadied: {', '.join(map(str, raw))}", set(ours) == {len(lifts)}, data)
        )  # fmt: skip
    return figures


def limits(load: Series, lifts: Lifts, *, data: str) -> list[Figure]:
    """How much of its rating may hang on the hook before noise alone crosses each limit."""
    rules = read("infrastructure", "wuxin.packs.infrastructure").rules

    def free(series: Series) -> list[float]:
        over = max(series.v[part].max() / np.median(load.v[part]) for part in lifts)
        return [float((rules[rule].limit or 0) / over) for rule in AT_ONCE]

    ours, raw = free(steady(load)), free(load)
    others = ", ".join(f"{free(steady(load, window=s * SECOND))[0]:.0%}" for s in OTHER_WINDOWS)
    tried = ", ".join(map(str, OTHER_WINDOWS))
    return [
        Figure("load over rating below which noise crosses no pre-warning, overload, limiter",
               ", ".join(f"{x:.0%}" for x in ours), "stated; higher than not steadied",
               f"not steadied: {', '.join(f'{x:.0%}' for x in raw)}; "
               f"pre-warning with windows of {tried} s instead of {STEADY // SECOND}: {others}",
               all(x > y for x, y in zip(ours, raw, strict=True)), data),
    ]  # fmt: skip


def alarms(load: Series, lifts: Lifts, *, data: str) -> list[Figure]:
    """What the pack's rules say of each lift by itself, at a rating above it and at one below."""
    counts = {}
    for name, series in (("ours", steady(load)), ("raw", load)):
        for share in (HEAVY, OVER):
            counts[name, share] = [
                said(Series(series.t[part], series.v[part]),
                     rated=float(np.median(load.v[part])) / share).raised
                for part in lifts
            ]  # fmt: skip

    def times(name: str, *rules: str) -> int:
        return sum(one[rule] for one in counts[name, HEAVY] for rule in rules)

    ambers, reds = times("ours", AT_ONCE[0]), times("ours", *AT_ONCE[1:])
    told = {k: sum(one["crane_load_over"] > 0 for one in counts[k, OVER]) for k in ("ours", "raw")}
    data += f"; {len(lifts)} lifts, each rated by its own load"
    return [
        Figure(f"false pre-warnings at {HEAVY:.0%} of the rating", str(ambers), "none",
               f"not steadied: {times('raw', AT_ONCE[0])}", ambers == 0, data),
        Figure(f"false overloads and failed limiters (red) at {HEAVY:.0%} of the rating",
               str(reds), "none", f"not steadied: {times('raw', AT_ONCE[1])} and "
               f"{times('raw', AT_ONCE[2])}", reds == 0, data),
        Figure(f"lifts told as overload at {OVER:.0%} of the rating", str(told["ours"]),
               str(len(lifts)), f"not steadied: {told['raw']}", told["ours"] == len(lifts), data),
    ]  # fmt: skip


def swinging(cell: Cell, folder: Path) -> list[Figure]:
    """Two tests of position whose signal swings evenly: it shows nothing lifted or set down.

    The third, Test26, has 0 ADC throughout: its load cell said nothing.
    """
    full, ours, raw, about = float(cell.weight.max()), [], [], []
    for name in ("CraneTest1", "CraneTest3"):
        adc = readings(table(folder / f"{name}.xlsx"), "Mass ADC")
        load = Series(adc.t, np.polyval(cell.line(), adc.v))
        ours.append(said(load, rated=full).lifts)
        raw.append(begun(load.v > LIFTED * full))
        about.append(f"{name}, {len(adc)} readings of {load.v.mean():.0f} ± {load.v.std():.0f} kg")
    return [
        Figure("lifts where the signal only swings", ", ".join(map(str, ours)), "at most 1 each",
               f"not steadied: {', '.join(map(str, raw))}", max(ours) <= 1, "; ".join(about)),
    ]  # fmt: skip


def figures(folder: Path) -> list[Figure]:
    """All of them."""
    known = table(folder / "ADC_and_Weight_values.xlsx")
    cell = Cell(*(np.array([float(row[k]) for row in known]) for k in ("ADC", "Weight")))
    lifts = table(folder / "WeightTest4.xlsx")
    return [*calibration(cell), *lifting(cell, lifts), *swinging(cell, folder)]
