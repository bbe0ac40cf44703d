"""The infrastructure pack's figures: hours over the limits, and what a spray removes at what water.

Two public stations in Beijing (four years of hours) and a sound level meter go through a replay, as
a bank would see them; what the pack counts is held against a count over the raw file. Then the
spray's control is simulated on the real air with generated dust of a site's own, and compared with
spraying by the clock. What a real hook load says is in hook_load.py. Prints one JSON object.

    .venv/bin/python benchmarks/packs_infrastructure.py
"""

import csv
import json
import math
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

import hook_load
from wuxin.home import Home
from wuxin.packs.infrastructure.limits import MICROGRAM, dust_limit, is_night, noise_limit
from wuxin.packs.infrastructure.spray import EFFICIENCY, WETNESS, Outcome, settings, simulate
from wuxin.wire.recording import open_recording

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared/data/construction"
EXAMPLE = ROOT / "examples/infrastructure"
LOCAL = timezone(timedelta(hours=8))
STATIONS = ("Aotizhongxin", "Guanyuan")
FIGURES = ("pm10_hours_over", "pm10_hours_missing", "pm25_hours_over", "pm25_hours_missing",
           "noise_hours_over", "noise_hours_missing")  # fmt: skip
OWN: Final = 80.0
"""µg/m³ of PM10 that the generated site adds while it works in a wind of 3 m/s; none in rain."""
WORKS: Final = range(7, 18)
HOURLY, BUDGET = 0.5, 6.0
MANIFEST = """pack = "infrastructure"
timezone = "{zone}"
[[stream]]
file = "series.csv"
time = {{ column = "t", format = "iso", timezone = "{zone}" }}
thing = {{ kind = "station", fixed = "X", parent = {{ kind = "site", fixed = "S" }} }}
[stream.readings]
{readings}
"""
AIR = """pm10 = { column = "pm10", unit = "ug/m³" }
pm25 = { column = "pm25", unit = "ug/m³" }
air_temperature = { column = "air", unit = "degC" }
wind_speed = { column = "wind", unit = "m/s" }"""
NOISE = 'noise = { column = "noise", unit = "dB" }'

Row = Mapping[str, str]


def rows(path: Path) -> list[dict[str, str]]:
    """A CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def number(text: str) -> float:
    """A cell, NaN where the file has NA."""
    return math.nan if text == "NA" else float(text)


def counted(lines: Iterable[Iterable[str]], *, readings: str, zone: str) -> dict[str, float]:
    """What the pack counts when a series is replayed: each daily figure, added up over all days."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "series.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(lines)
        (folder / "r.toml").write_text(MANIFEST.format(readings=readings, zone=zone), "utf-8")
        with Home(folder / "home") as home:
            for _ in home.replay(open_recording(folder / "r.toml")):
                pass
            key = ("infrastructure", "station", "X")
            return {
                figure: sum(row[3] * row[4] for row in home.history.buckets(
                    key, figure, span=(None, None), points=2000, as_of=None))
                for figure in FIGURES
            }  # fmt: skip


def station(name: str) -> list[dict[str, Any]]:
    """One station: what is counted against what the file says, and what a spray would do."""
    table = rows(SHARED / "beijing_multisite" / f"PRSA_Data_{name}_20130301-20170228.csv")
    times = [
        datetime(*(int(row[k]) for k in ("year", "month", "day", "hour")), tzinfo=LOCAL)
        for row in table
    ]
    lines = [["t", "pm10", "pm25", "air", "wind"]] + [
        [at.isoformat(), *(row[k] for k in ("PM10", "PM2.5", "TEMP", "WSPM"))]
        for at, row in zip(times, table, strict=True)
    ]
    ours = counted(lines, readings=AIR, zone="Asia/Shanghai")
    figures = []
    for column, indicator, limit in (("PM10", "pm10", 150), ("PM2.5", "pm25", 75)):
        for kind, direct in (
            ("over", sum(number(row[column]) > limit for row in table)),
            ("missing", sum(row[column] == "NA" for row in table)),
        ):
            got = ours[f"{indicator}_hours_{kind}"]
            what = f"hours of {column} {kind}" + (f" {limit} µg/m³" if kind == "over" else "")
            figures.append(figure(what, got, aim="equal", reference=direct, holds=got == direct,
                                  data=f"{name}, {len(table)} hours"))  # fmt: skip
    return [*figures, *spraying(name, table, times=times)]


def figure(
    what: str, ours: Any, *, aim: str, reference: Any, holds: bool, data: str
) -> dict[str, Any]:
    """One line of the table."""
    return {
        "what": what,
        "ours": ours,
        "aim": aim,
        "reference": reference,
        "holds": bool(holds),
        "data": data,
    }


def spraying(
    name: str, table: list[dict[str, str]], *, times: list[datetime]
) -> list[dict[str, Any]]:
    """The control and the clock on four years of real air with a generated site's own dust."""
    air = np.array([number(row["PM10"]) for row in table]) * MICROGRAM
    wind = np.nan_to_num(np.array([number(row["WSPM"]) for row in table]), nan=1.5)
    rain = np.array([number(row["RAIN"]) for row in table]) / 1000
    warm = np.array([number(row["TEMP"]) for row in table]) + 273.15
    works = np.array([at.hour in WORKS for at in times])
    dry = ~(rain >= 1e-4)
    own = OWN * MICROGRAM * works * dry * np.clip(wind / 3, 0.3, 2)
    weather = list(zip(warm, rain, strict=True))
    limit = dust_limit("pm10", 2)
    by = settings(limit, hourly=HOURLY, budget=BUDGET)
    by = by._replace(first=WORKS[0], last=WORKS[-1])
    loop, single = (
        simulate(air, own, weather=weather, limit=limit, by=how)
        for how in (by, by._replace(stop=by.start))
    )
    clock = by_clock(air, own, runs=works & dry & (warm >= 275.15), limit=limit)
    removable = loop.before - loop.beyond
    data = f"{name}, four years of real air + {OWN:.0f} µg/m³ of a generated site"
    return [
        figure(
            "spray by control: hours over removed, water, m³ an hour removed",
            f"{loop.removed} of {loop.before} ({removable} of them are the site's own) for "
            f"{loop.water:.0f} m³, {loop.water / max(loop.removed, 1):.1f}",
            aim="stated; less water for an hour removed than by the clock",
            reference=f"clock 07–18: {clock.removed} for {clock.water:.0f} m³, "
            f"{clock.water / max(clock.removed, 1):.1f}",
            holds=loop.removed > 0
            and loop.water / loop.removed < clock.water / max(clock.removed, 1),
            data=data,
        ),
        figure("starts of the pump", loop.starts, aim="fewer than without hysteresis",
               reference=single.starts, holds=loop.starts < single.starts, data=data),
    ]  # fmt: skip


def by_clock(
    air: NDArray[np.float64], own: NDArray[np.float64], *, runs: NDArray[np.bool_], limit: float
) -> Outcome:
    """Spraying in every dry working hour, with the same effect of water."""
    wet, share = 0.0, np.zeros(len(air))
    for hour, on in enumerate(runs):
        wet = EFFICIENCY if on else wet * WETNESS
        share[hour] = wet
    before, after, beyond = (
        int((np.nan_to_num(x) > limit).sum()) for x in (air + own, air + own * (1 - share), air)
    )
    return Outcome(before, after, beyond, float(runs.sum()) * HOURLY, int(runs.sum()), 0)


def noise(path: Path, data: str) -> list[dict[str, Any]]:
    """The meter: hours over the limits of day and night against a plain count."""
    table = rows(path)
    lines = [["t", "noise"]] + [[row["datetime"], row["LEQ dB -A"]] for row in table]
    ours = counted(lines, readings=NOISE, zone="UTC")
    hours: dict[datetime, list[float]] = defaultdict(list)
    for row in table:
        at = datetime.fromisoformat(row["datetime"]).replace(tzinfo=UTC)
        hours[at.replace(minute=0, second=0)].append(10 ** (float(row["LEQ dB -A"]) / 10))
    level = {at: 10 * math.log10(sum(e) / len(e)) for at, e in hours.items() if len(e) >= 45}
    direct = sum(v > noise_limit(at.hour, None) for at, v in level.items())
    strict = sum(v > (50 if is_night(at.hour) else 60) for at, v in level.items())
    got = ours["noise_hours_over"]
    return [
        figure("hours of noise over 70 by day, 55 by night", got, aim="equal", reference=direct,
               holds=got == direct, data=f"{data}; {strict} hours would be over in a class 2 area")
    ]  # fmt: skip


def main() -> None:
    """Measure and print."""
    if not SHARED.is_dir():
        raise SystemExit("there is no folder `shared` with data beside the project")
    figures = [one for name in STATIONS for one in station(name)]
    figures += noise(SHARED / "noisemonitor/test_data_laeq1m.csv", "noisemonitor, 16,470 minutes")
    crane = SHARED / "overhead_crane"
    figures += [f._asdict() for f in hook_load.figures(crane)] if crane.is_dir() else []
    print(json.dumps({"pack": "infrastructure", "figures": figures}, ensure_ascii=False))


if __name__ == "__main__":
    main()
