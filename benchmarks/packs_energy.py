"""The energy pack on real sets, and on faults planted into them, beside the figures it must reach.

Reads ``shared/data/energy`` beside the project, or ``--data``; what ships stands in
``examples/energy`` as well. Prints one JSON object; a set that is not there is left out and named.

    .venv/bin/python benchmarks/packs_energy.py [--data DIR] [PART …]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from energy_signals import Figure, Floats, ages, at, clocks, dust, labelled, planted, rows_of
from wuxin.packs.energy import sessions, shortfall, traps
from wuxin.packs.energy.tariff import read_tariff
from wuxin.terms.clock import HOUR, MINUTE, iso, moment, to_datetime, zone

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT.parent / "shared/data/energy"
QUARTER: Final = 15 * MINUTE
# ---- Plant 1: weak inverters, units, and what losses are due to --------------------------------

WEAK: Final = {"1BY6WEcLGh8j5v7", "bvBOhCH3iADSZry"}
"""The two inverters that yield 92 and 93 % of the others' median over the whole 34 days."""

STREAM: Final = """pack = "energy"
timezone = "Asia/Kolkata"
[[stream]]
file = "power.csv"
time = {{ column = "at", format = "{form}", timezone = "Asia/Kolkata" }}
thing = {{ kind = "inverter", id = "unit", parent = {{ kind = "plant", fixed = "P" }} }}
[stream.readings]
ac_power = {{ column = "ac", unit = "{ac}" }}
dc_power = {{ column = "dc", unit = "kW" }}
"""


def replayed(folder: Path, files: Mapping[str, str]) -> list[dict[str, Any]]:
    """What a bank would have been told: the findings of a replay, day by day."""
    for name, text in files.items():
        (folder / name).write_text(text)
    run = [Path(sys.executable).with_name("wuxin"), "replay", folder / "recording.toml"]
    run += ["--home", folder / "home", "--json"]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _told(rows: list[dict[str, str]], *, ac: str, form: str) -> dict[str, set[str]]:
    """Rule → the things it named, replayed from these rows."""
    body = "".join(f"{r['at']},{r['unit']},{r['dc']},{r['ac']}\n" for r in rows)
    with tempfile.TemporaryDirectory() as name:
        manifest = STREAM.format(ac=ac, form=form)
        files = {"power.csv": "at,unit,dc,ac\n" + body, "recording.toml": manifest}
        found: dict[str, set[str]] = {}
        for one in replayed(Path(name), files):
            found.setdefault(one["rule"], set()).add(one["thing"])
    return found


def plant_1(data: Path) -> list[Figure]:
    """As it is, through replay; and as another publisher would write it: hourly, W, holes, ISO."""
    rows = rows_of(data / "pv_india/Plant_1_Generation_Data.csv.zip")
    order = traps.date_order([r["DATE_TIME"] for r in rows])
    names = {"DATE_TIME": "at", "SOURCE_KEY": "unit", "DC_POWER": "dc", "AC_POWER": "ac"}
    plain = _told([{new: r[old] for old, new in names.items()} for r in rows], ac="kW",
                  form=order.form)  # fmt: skip
    units = {r["SOURCE_KEY"] for r in rows}
    weak, dc = plain.get("weak_inverter", set()), plain.get("unit_dc", set())
    other = _told(_rewritten(rows, form=order.form), ac="W", form="%Y-%m-%d %H:%M")
    again, false = other.get("weak_inverter", set()), other.get("unit_dc", set())
    return [
        Figure("weak inverters", f"{', '.join(sorted(weak))}", "the two weakest, no others",
               "92 and 93 % of the median's energy, the next 98 %", weak == WEAK, "Plant 1"),
        Figure("unit of DC power", f"told tenfold for {len(dc)} of {len(units)} inverters",
               "reported", "DC over AC is 10.2", dc == units, "Plant 1"),
        Figure("order of dates", f"{order.name}, certain: {order.certain}",
               "day first, certain", "15-05-2020", order.certain and order.name == "day first",
               "Plant 1"),
        Figure("the same hourly, AC in W, DC right, a fifth of the rows missing",
               f"weak: {len(again & WEAK)} of 2, {len(again - WEAK)} others; {len(false)} unit "
               "warnings", "the same two, no unit warning (own)", "none published",
               again == WEAK and not false, "Plant 1, rewritten"),
    ]  # fmt: skip


def _rewritten(rows: list[dict[str, str]], *, form: str) -> list[dict[str, str]]:
    """Hourly, AC in W, DC set right, dates year first, a fifth of the hours missing."""
    chance = np.random.default_rng(7)
    sums: dict[tuple[str, str], list[float]] = {}
    for r in rows:
        at = datetime.strptime(r["DATE_TIME"], form)  # noqa: DTZ007 - as written
        cell = sums.setdefault((f"{at:%Y-%m-%d %H}:00", r["SOURCE_KEY"]), [0.0, 0.0, 0.0])
        for k, x in enumerate((1.0, float(r["DC_POWER"]), float(r["AC_POWER"]))):
            cell[k] += x
    return [
        {"at": at, "unit": unit, "dc": f"{dc / n / 10:.3f}", "ac": f"{ac / n * 1000:.1f}"}
        for (at, unit), (n, dc, ac) in sorted(sums.items())
        if chance.random() > 0.2
    ]


def causes(data: Path) -> list[Figure]:
    """Curtailments, faults and trips planted into Plant 1, told apart interval by interval."""
    share, expected = _shares(data)
    chance = np.random.default_rng(1)
    plain = shortfall.tell(share, expected).kinds
    figures = []
    for name, number in (("curtailed", shortfall.CURTAILED), ("fault", shortfall.FAULT),
                         ("cut_off", shortfall.CUT_OFF)):  # fmt: skip
        count = np.zeros(6, np.int64)
        for _ in range(40):
            case, where = _lost(share, expected, kind=name, chance=chance)
            kinds = shortfall.tell(case, expected).kinds
            count += np.bincount(kinds[where & np.isfinite(case)], minlength=6)
        right, wrong = count[number] / count.sum(), 1 - (count[number] + count[5]) / count.sum()
        before = float(np.mean(plain == number))
        figures.append(
            Figure(f"{name.replace('_', ' ')}, 40 planted",
                   f"{right:.1%} of {count.sum()} intervals told as such, {wrong:.1%} as another "
                   f"cause, the rest as unknown; {before:.2%} of untouched intervals",
                   "at least 85 %; as another cause at most 2 % (own)", "none published",
                   bool(right >= 0.85 and wrong <= 0.02), "Plant 1, 22 inverters")
        )  # fmt: skip
    return figures


def _shares(data: Path) -> tuple[Floats, Floats]:
    """Power over rating (units, bins), and what the weather should have given (bins)."""
    rows = rows_of(data / "pv_india/Plant_1_Generation_Data.csv.zip")
    weather = rows_of(data / "pv_india/Plant_1_Weather_Sensor_Data_(1).csv")
    begin, bins = moment("2020-05-15"), 34 * 96
    units = sorted({r["SOURCE_KEY"] for r in rows})
    power, sky = np.full((len(units), bins), np.nan), np.full((2, bins), np.nan)
    for r in rows:
        k = (at(r["DATE_TIME"], "%d-%m-%Y %H:%M") - begin) // QUARTER
        power[units.index(r["SOURCE_KEY"]), k] = float(r["AC_POWER"])
    for r in weather:
        k = (at(r["DATE_TIME"], "%Y-%m-%d %H:%M:%S") - begin) // QUARTER
        sky[:, k] = float(r["IRRADIATION"]), float(r["MODULE_TEMPERATURE"])
    rated = float(np.nanquantile(power, 0.999))
    wanted = sky[0] * (1 - 0.0037 * (sky[1] - 25.0))
    bright = np.isfinite(power).any(axis=0) & (sky[0] > 0.5)
    scale = np.median(np.nanmedian(power[:, bright], axis=0) / wanted[bright])
    return power / rated, wanted * scale / rated


def _lost(
    share: Floats, expected: Floats, *, kind: str, chance: np.random.Generator
) -> tuple[Floats, NDArray[np.bool_]]:
    """A stretch of one to four hours about noon with one loss, and where it bites."""
    case, where = share.copy(), np.zeros(share.shape, np.bool_)
    begin = int(chance.integers(0, 34)) * 96 + int(chance.integers(36, 52))
    span = slice(begin, begin + int(chance.integers(6, 16)))
    if kind == "curtailed":
        lid = chance.uniform(0.2, 0.7) * (1 + 0.005 * chance.standard_normal(case[:, span].shape))
        where[:, span] = (case[:, span] > 1.15 * lid) & (expected[span] > 1.2 * lid)
        case[:, span] = np.minimum(case[:, span], lid)
    elif kind == "fault":
        unit = int(chance.integers(0, len(share)))
        case[unit, span] *= chance.uniform(0.0, 0.7)
        where[unit, span] = expected[span] > 0.15
    else:
        case[:, span] = 0.0
        where[:, span] = expected[span] > 0.15
    return case, where


# ---- charging ----------------------------------------------------------------------------------


def acn(data: Path) -> list[Figure]:
    """24,780 sessions priced by SCE TOU-EV-4; and faults planted into them."""
    folder = data / "ev_acn"
    rows = rows_of(folder / "california_ev_sessions.csv.gz")
    found, refused = sessions.read_sessions(rows, zone=zone("UTC"))
    told = json.loads((folder / "sce_tou_ev_4_march_2019.json").read_text())
    tariff = read_tariff(told, zone=zone("America/Los_Angeles"))
    billed = sessions.bill(found, tariff)
    by_minute = sum(_by_minute(s, told) for s in found[::50])
    ours = float(sum(billed.each[::50], Decimal(0)))
    wrong_zone = sessions.bill(found, read_tariff(told, zone=zone("UTC"))).total
    empty, double = sessions.zero_energy(found), sessions.overlapping(found)
    fast = sessions.overpowered(found, Decimal("7.2"))
    demand = sum(sessions.peaks(found, zone=tariff.zone).values()) * Decimal("15.51")
    energy = sum((s.energy or Decimal(0) for s in found), Decimal(0))
    agree = abs(ours / by_minute - 1)
    return [
        Figure("revenue recomputed",
               f"{billed.total:,.2f} USD for {energy:,.0f} kWh in {len(found)} sessions, "
               f"{len(refused)} refused, {billed.unpriced} unpriced; every 50th by the minute: "
               f"{agree:.3%} apart. Demand charges (the operator's cost): {demand:,.0f} USD. Read "
               f"as local time it would be {wrong_zone:,.2f}",
               "recomputed; by the minute within 0.1 % (own)",
               "assumes UTC, even flow while charging, the tariff of March 2019 throughout, no "
               "holidays", agree <= 1e-3, "ACN-Data (JPL), SCE TOU-EV-4"),
        Figure("sessions that cannot be",
               f"{len(empty)} without energy, {len(double)} overlapping, {len(fast)} above 7.2 kW",
               "as many as counted plainly",
               "the published table has no session below 0.5 kWh",
               (len(empty), len(double)) == _plainly(rows), "ACN-Data (JPL)"),
        _spoilt(found),
    ]  # fmt: skip


def _plainly(rows: list[dict[str, str]]) -> tuple[int, int]:
    """Rows without energy, and rows that begin before all earlier ones at their pile have ended."""
    double, until = 0, dict[str, str]()
    for r in sorted(rows, key=lambda r: r["ConnectionStartDateTime"]):
        pile, end = r["ChargingStation"], r["ConnectionEndDateTime"]
        double += r["ConnectionStartDateTime"] < until.get(pile, "")
        until[pile] = max(until.get(pile, ""), end)
    return sum(float(r["Energy"]) < 0.05 for r in rows), double


def _by_minute(session: sessions.Session, told: Mapping[str, Any]) -> float:
    """What a session costs, minute by minute and straight from the file: an independent sum."""
    pacific = zone("America/Los_Angeles")
    at = np.arange(session.charge_begin, max(session.charge_end, session.charge_begin + 1), MINUTE)
    prices = []
    for when in (to_datetime(int(one), pacific) for one in at):
        season = "Summer" if 6 <= when.month <= 9 else "Winter"
        name = f"{season}-{'Weekend' if when.weekday() > 4 else 'Weekday'}"
        table = next(one for one in told["schedule"] if one["id"] == name)
        place = max(k for k, hour in enumerate(table["times"]) if hour <= when.hour)
        prices.append(table["tariffs"][place])
    return float(session.energy or 0) * float(np.mean(prices))


def _spoilt(found: list[sessions.Session]) -> Figure:
    chance = np.random.default_rng(3)
    case = list(found)
    picked = chance.choice(len(case), 300, replace=False).tolist()
    long = [k for k in picked if found[k].end - found[k].begin > HOUR]
    empty, double, fast = set(picked[:100]), long[100:180], set(long[180:])
    for k in empty:
        case[k] = case[k]._replace(energy=Decimal(0))
    for k in fast - empty:
        case[k] = case[k]._replace(energy=Decimal(20) * (case[k].end - case[k].begin) // HOUR)
    extra = [found[k]._replace(id=f"twin {k}", begin=found[k].begin + 10 * MINUTE) for k in double]
    both = sessions.overlapping(chain(case, extra))
    zero = {s.id for s in sessions.zero_energy(case)}
    over = {s.id for s in sessions.overpowered(case, Decimal("7.2"))}
    wanted = {found[k].id for k in fast - empty}
    hit = sum(one.session.id.startswith("twin") for one in both)
    good = zero == {found[k].id for k in empty} and len(both) == hit == len(extra)
    return Figure("planted into them",
                  f"{len(zero)} of {len(empty)} emptied found; {hit} of {len(extra)} doubled, "
                  f"{len(both) - hit} others; {len(over & wanted)} of {len(wanted)} overpowered, "
                  f"{len(over - wanted)} others", "all, no others (own)", "none published",
                  good and over == wanted, "ACN-Data (JPL), faults planted")  # fmt: skip


# ---- tickets -----------------------------------------------------------------------------------

SITE: Final = """pack = "energy"
timezone = "America/New_York"
[[stream]]
file = "power.csv"
time = { column = "Date", format = "%m/%d/%Y %H:%M", timezone = "America/New_York" }
thing = { kind = "meter", fixed = "M", parent = { kind = "plant", fixed = "R27" } }
[stream.readings]
ac_power = { column = "AC_POWER", unit = "kW" }
[[thing]]
kind = "plant"
id = "R27"
facts = { latitude = 36, longitude = -81 }
"""


def tickets(data: Path) -> list[Figure]:
    """The outage of Hurricane Florence, as the data show it and as the operator's ticket says.

    The set gives the place as latitude -81, longitude -36: read the other way round and with the
    signs that its clock and the hurricane ask for.
    """
    text = (data / "pvops/example_perf_data.csv").read_text()
    with tempfile.TemporaryDirectory() as name:
        told = replayed(Path(name), {"power.csv": text, "recording.toml": SITE})
    dark = sorted((f["from"], f["to"] or "") for f in told if f["rule"] == "zero_yield_in_daylight")
    begin, end = moment("2018-09-14T10:00-04:00"), moment("2018-09-16T17:00-04:00")
    inside = [a for a, _ in dark if begin - 2 * HOUR <= moment(a) <= end]
    return [
        Figure("outage against the operator's ticket",
               f"told from {dark[0][0] if dark else 'never'} in {len(dark)} findings, "
               f"{len(dark) - len(inside)} outside; ticket {iso(begin)} to {iso(end)}",
               "told during the ticket, nothing outside (own)", "pvops ticket of R27",
               bool(inside) and len(inside) == len(dark), "pvops/example_perf_data")
    ]  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A part of the table, and the folder that it reads."""

    folder: str
    run: Callable[[Path], list[Figure]]


PARTS: Final = {
    "labelled": Part("pvanalytics", labelled), "planted": Part("pvanalytics", planted),
    "clocks": Part("pvanalytics", clocks), "plant_1": Part("pv_india", plant_1),
    "causes": Part("pv_india", causes), "ages": Part("pvanalytics", ages),
    "dust": Part("pvops", dust), "acn": Part("ev_acn", acn), "tickets": Part("pvops", tickets),
}  # fmt: skip


def main() -> None:
    """Print the figures as one JSON object; fail where one does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", help=f"only these of {', '.join(PARTS)}")
    parser.add_argument("--data", type=Path, default=FOLDER)
    asked = parser.parse_args()
    parts = {n: p for n, p in PARTS.items() if not asked.parts or n in asked.parts}
    here = {n: p for n, p in parts.items() if (asked.data / p.folder).is_dir()}
    found = [f for part in here.values() for f in part.run(asked.data)]
    told = {"pack": "energy", "figures": [f._asdict() for f in found],
            "missing": sorted({p.folder for n, p in parts.items() if n not in here})}  # fmt: skip
    print(json.dumps(told, ensure_ascii=False, indent=1, default=bool))
    sys.exit(0 if all(f.holds for f in found) else 1)


if __name__ == "__main__":
    main()
