"""Writes the generated part of the infrastructure example: one month of a construction site.

Run ``python generate.py`` in this folder. With ``--beijing FILE`` and ``--noise FILE`` the two real
recordings are cut out anew as well.

The air is real; people, cranes, spray, progress and contract do not exist. Assumptions:

- A site of 24 workers who come at about 06:40, eat outside from 11:40 to 13:00 and leave at about
  18:00 (each time with a spread of some minutes); 97 of 100 come on a day, a third of them during
  the Qingming holiday (2 to 4 April). A counter sees every zone each hour, one head too many or too
  few in one of five hours with people.
- One tower crane: 800 kN m, 6 t at most, so that what is rated falls with the radius. A lift every
  25 minutes from 07:00 to 17:30; loads are 30 % to 84 % of what is rated there, radii 8 to 50 m. It
  errs by up to ±2 %. Wind at its top is the station's, times (45/10)^0.2.
- One hoist: 2 t and 18 persons, 20 trips a day.
- A spray of 0.5 m³ an hour and 6 m³ a day, from 06:00 to 19:00, that follows the pack's control
  loop on the station's dust. The station stands for the site's own; its values are the
  city's air, unmoved by spraying.
- Four work packages, surveyed every Monday; the plan is linear.

The story, beside quiet days: a claim 12 % ahead of its survey (18 April), six people by the side
gate (19 April), an overloaded lift (12 April), a car with 21 persons (14 April), one person in the
danger zone (22 April), an empty tank (25 April), and money drawn ahead of the work (27 April).
"""
# ruff: noqa: INP001 - a script beside its data, not a package

import argparse
import csv
import hashlib
import math
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path

from wuxin.packs.infrastructure.limits import MICROGRAM, dust_limit
from wuxin.packs.infrastructure.spray import Seen, State, settings, step

SEED = "wuxin-infrastructure-1"
LOCAL = timezone(timedelta(hours=8))
HERE = Path(__file__).parent
FIRST, DAYS = date(2016, 4, 1), 30
MONTH = ("2016", "4")
NOISE_DAYS = ("2025-03-24", "2025-03-28")

WORKERS = tuple(f"W-{n:02}" for n in range(1, 25))
YARD = frozenset(WORKERS[16:])
GRAVITY = 9.80665
RATED_MOMENT, RATED_LOAD = 800_000.0, 6_000.0
GUST = (45 / 10) ** 0.2
HOURLY, BUDGET = 0.5, 6.0
SPRAYS = (6, 18)
PACKAGES = {  # planned share on the first and last Monday, how much of the plan is built
    "WP-1": (1.0, 1.0, 1.0), "WP-2": (0.36, 0.60, 0.93), "WP-3": (0.05, 0.24, 0.96),
    "WP-4": (0.0, 0.06, 0.9),
}  # fmt: skip
DRAWN = (("2016-04-04", "0.38"), ("2016-04-13", "0.45"), ("2016-04-27", "0.66"))

Row = tuple[str | int | float, ...]


def uniform(*what: object) -> float:
    """A number in (0, 1) that depends on the seed and on what it is for, on nothing else."""
    text = "|".join(map(str, (SEED, *what)))
    return (int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big") + 0.5) / 2**56


def days() -> Iterator[date]:
    """The days of the month."""
    return (FIRST + timedelta(n) for n in range(DAYS))


def at(day: date, hour: int, minute: float = 0) -> datetime:
    """A local moment."""
    return datetime.combine(day, time(hour), LOCAL) + timedelta(minutes=int(minute))


def stamp(when: datetime) -> str:
    """Local time to the minute, with its offset."""
    return when.isoformat(timespec="minutes")


def air() -> list[dict[str, str]]:
    """The real hours of the month."""
    with (HERE / "air.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def comes(worker: str, day: date) -> bool:
    """Whether a worker comes on a day."""
    holiday = date(2016, 4, 2) <= day <= date(2016, 4, 4)
    return uniform("comes", worker, day) < (0.33 if holiday else 0.97)


def passages() -> list[Row]:
    """Every passage of the gates: the zone that is entered, 0 on leaving."""
    rows: list[Row] = []
    for day in days():
        for worker in (w for w in WORKERS if comes(w, day)):
            zone = 2 if worker in YARD else 1
            for hour, minute, into in ((6, 30, zone), (11, 30, 0), (13, 0, zone), (18, 0, 0)):
                when = at(day, hour, minute + 20 * uniform("gate", worker, day, hour))
                score = 0.86 + 0.12 * uniform("face", worker, when)
                rows.append((stamp(when), worker, into, f"{score:.2f}", 1))
    return [("time", "worker", "zone", "face_score", "cert_ok"), *sorted(rows)]


def heads() -> Iterator[Row]:
    """What the counters see each hour: at half past, when nobody is at a gate."""
    yield ("time", "zone", "heads", "max_heads")
    for day in days():
        for hour in range(24):
            inside = 7 <= hour <= 10 or 14 <= hour <= 17
            for zone, limit in ((1, 30), (2, 16), (3, 0)):
                there = sum((w in YARD) == (zone == 2) and comes(w, day) for w in WORKERS)
                seen = there if inside and zone < 3 else 0
                if seen and uniform("miscounted", day, hour, zone) < 0.2:
                    seen += 1 if uniform("which", day, hour, zone) < 0.5 else -1
                seen += 6 * (zone == 2 and day == date(2016, 4, 19) and 14 <= hour <= 16)
                seen += zone == 3 and day == date(2016, 4, 22) and hour == 9
                yield (stamp(at(day, hour, 30)), f"Z-{zone}", seen, limit)


def lifts() -> Iterator[Row]:
    """Each lift when it is heaviest, and the empty hook eight minutes later."""
    yield ("time", "load_kg", "load_share", "moment_knm", "moment_share", "radius_m",
           "height_m", "angle", "wind", "driver_ok")  # fmt: skip
    wind = {row["time"]: row["wind"] for row in air()}
    for day in days():
        for n in range(25):
            when = at(day, 7, 25 * n)
            radius = 8 + 42 * uniform("radius", when)
            rated = min(RATED_LOAD, RATED_MOMENT / GRAVITY / radius)
            share = 0.30 + 0.54 * uniform("share", when)
            if (day, n) == (date(2016, 4, 12), 13):
                radius, rated, share = 44.0, RATED_MOMENT / GRAVITY / 44.0, 1.06
            load = 10 * round(rated * share / 10)
            error = 1 + 0.04 * (uniform("error", when) - 0.5)
            moment = load * GRAVITY * radius * error
            blows = wind[stamp(when.replace(minute=0))]
            gust = f"{float(blows) * GUST:.1f}" if blows != "NA" else ""
            yield (stamp(when), load, f"{load / rated * error:.3f}", f"{moment / 1000:.1f}",
                   f"{moment / RATED_MOMENT:.3f}", f"{radius:.1f}",
                   round(5 + 60 * uniform("height", when)), round(360 * uniform("angle", when)),
                   gust, 1)  # fmt: skip
            yield (stamp(when + timedelta(minutes=8)), 0, "0", "0", "0", f"{radius:.1f}", 5,
                   round(360 * uniform("angle", when)), gust, 1)  # fmt: skip


def trips() -> Iterator[Row]:
    """Each trip of the hoist at its fullest."""
    yield ("time", "load_kg", "load_share", "persons", "max_persons", "floor", "speed", "driver_ok")
    for day in days():
        for n in range(20):
            when = at(day, 7, 32 * n)
            people = 2 + int(12 * uniform("people", when))
            if (day, n) == (date(2016, 4, 14), 0):
                people = 21
            goods = 10 * int(40 * uniform("goods", when))
            load = min(people * 75 + goods, 1960)
            yield (stamp(when), load, f"{load / 2000:.3f}", people, 18,
                   1 + int(15 * uniform("floor", when)), 0.6, 1)  # fmt: skip


def spray() -> Iterator[Row]:
    """The controller's hour: the share in which it sprayed, and its meter at the hour's end."""
    yield ("time", "spraying", "water_m3")
    by = settings(dust_limit("pm10", 2), hourly=HOURLY, budget=BUDGET)
    by = by._replace(first=SPRAYS[0], last=SPRAYS[1])
    state, meter = State(), 0.0
    for row in air():
        when = datetime.fromisoformat(row["time"])
        works = state.on and when.date() != date(2016, 4, 25)
        meter += HOURLY * works
        yield (stamp(when + timedelta(minutes=50)), int(works), f"{meter:.1f}")
        if when.hour == 23:
            state = state._replace(used=0.0)
        state = step(state, seen(row), by=by)


def seen(row: dict[str, str]) -> Seen:
    """What the loop sees of an hour, in SI."""
    dust, warm, rain = (
        float(row[name]) if row[name] != "NA" else math.nan for name in ("pm10", "air", "rain")
    )
    then = (datetime.fromisoformat(row["time"]).hour + 1) % 24
    return Seen(dust * MICROGRAM, warm + 273.15, rain / 1000, then)


def progress() -> Iterator[Row]:
    """Plan, survey and claim of each package, Monday by Monday."""
    yield ("time", "package", "planned", "measured", "claimed")
    mondays = [day for day in days() if day.weekday() == 0]
    for n, day in enumerate(mondays):
        for package, (first, last, built) in PACKAGES.items():
            plan = first + (last - first) * n / (len(mondays) - 1)
            measured = plan if plan == 1 else plan * built
            claimed = measured + (0.12 if (package, day.day) == ("WP-2", 18) else 0.0)
            claimed = min(1.0, claimed + (0.01 if 0 < measured < 1 else 0.0))
            yield (stamp(at(day, 10)), package, f"{plan:.3f}", f"{measured:.3f}", f"{claimed:.3f}")


def drawn() -> Iterator[Row]:
    """What had been drawn of the contract sum; the bank books it at noon, and confirms weekly."""
    yield ("time", "drawn")
    for day in days():
        booked = [share for since, share in DRAWN if since <= day.isoformat()]
        if booked and (day.weekday() == 0 or day.isoformat() in dict(DRAWN)):
            yield (stamp(at(day, 12)), booked[-1])


def cut_air(source: Path) -> Iterator[Row]:
    """April 2016 of one station; local times are put together from four columns, nothing else."""
    yield ("time", "pm25", "pm10", "air", "pressure", "rain", "wind")
    with source.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if (row["year"], row["month"]) == MONTH:
                when = at(date(2016, 4, int(row["day"])), int(row["hour"]))
                values = (row[k] for k in ("PM2.5", "PM10", "TEMP", "PRES", "RAIN", "WSPM"))
                yield (stamp(when), *values)


def cut_noise(source: Path) -> Iterator[Row]:
    """Five days of the sound level meter, as they are."""
    with source.open(encoding="utf-8", newline="") as file:
        for n, row in enumerate(csv.reader(file)):
            if n == 0 or NOISE_DAYS[0] <= row[0][:10] <= NOISE_DAYS[1]:
                yield tuple(row)


def write(name: str, rows: Iterable[Row], folder: Path) -> None:
    """Write one CSV file with Unix line ends."""
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def main(folder: Path = HERE, air_of: Path | None = None, noise_of: Path | None = None) -> None:
    """Write all files into a folder; the real ones only where their sources are given."""
    if air_of is not None:
        write("air.csv", cut_air(air_of), folder)
    if noise_of is not None:
        write("noise.csv", cut_noise(noise_of), folder)
    write("passages.csv", passages(), folder)
    write("heads.csv", heads(), folder)
    write("lifts.csv", lifts(), folder)
    write("trips.csv", trips(), folder)
    write("spray.csv", spray(), folder)
    write("progress.csv", progress(), folder)
    write("drawn.csv", drawn(), folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Generate the infrastructure example.")
    parser.add_argument("--beijing", type=Path, help="one station of the Beijing set as CSV")
    parser.add_argument("--noise", type=Path, help="the sound level meter's file")
    told = parser.parse_args()
    main(HERE, told.beijing, told.noise)
