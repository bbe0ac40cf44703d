"""Writes the generated part of the manufacturing example: three machines of a workshop, six weeks.

Run ``python generate.py`` in this folder. With ``--steel FILE`` (``Steel_industry_data.csv`` of the
UCI repository) the real part, a steel plant's energy, is cut out anew as well.

Everything in ``machines.csv``, ``books.csv`` and ``places.csv`` is generated; workshop, machines
and borrower do not exist. Assumptions:

- Three machines of 30, 22 and 15 kW work from 06:00 to 22:00, Monday to Saturday. Working they
  draw 70 % of their rating, idling (one half hour in ten) 15 %, stopped nothing. The meter gives
  the mean of each half hour to 0.01 kW, with 3 % of noise (one sigma).
- Two products change every week. Product 1 takes 60 s an item, product 2 takes 80 s; energy follows
  from power and time. One item in fifty is a reject.
- Vibration is 1.8 m/s2 (one sigma 0.08), temperature 45 degC at work and 28 degC at rest, each with
  a thermal lag of an hour, noise 0.6 K.
- The workshop pays 8 hours for each 8 machine hours of work and a quarter more for set-up; orders
  are 3 % more than what can be made, and nine in ten are delivered.
- Positions scatter by 15 m (one sigma, each axis).

The story, beside quiet days: on 26 May the count of M-2 is half as much again as what it made. The
bearing of M-3 wears from 25 May on: vibration grows by 3 % a day, temperature by 0.5 K. On 3 June
the payroll has two thirds more hours than were worked. On 8 June M-1 is 2.6 km away.
"""
# ruff: noqa: INP001 - a script beside its data, not a package

import argparse
import csv
import hashlib
import math
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from statistics import NormalDist

SEED = "wuxin-manufacturing-1"
LOCAL = timezone(timedelta(hours=8))
HERE = Path(__file__).parent
HALF = timedelta(minutes=30)

MACHINES = {"M-1": 30.0, "M-2": 22.0, "M-3": 15.0}  # kW
CYCLE_S = {1: 60.0, 2: 80.0}
FIRST, DAYS = date(2025, 4, 28), 44
SHIFT = (time(6), time(22))
INFLATED = ("M-2", date(2025, 5, 26))
WORN = ("M-3", date(2025, 5, 25))
OVERPAID = date(2025, 6, 3)
MOVED = ("M-1", date(2025, 6, 8))
PLACE = (30.25, 120.17)  # degrees, WGS-84: a point chosen for the example
STEEL_LAST = datetime(2018, 5, 1)  # noqa: DTZ001 - the source's times have no zone

Row = tuple[str | int | float, ...]


def uniform(*what: object) -> float:
    """A number in (0, 1) that depends on the seed and on what it is for, on nothing else."""
    text = "|".join(map(str, (SEED, *what)))
    return (int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big") + 0.5) / 2**56


def normal(sigma: float, *what: object) -> float:
    """A normally distributed number of mean zero, by the inverse of its distribution."""
    return NormalDist(0, sigma).inv_cdf(uniform(*what))


def days() -> list[date]:
    """The days of the recording."""
    return [FIRST + timedelta(days=n) for n in range(DAYS)]


def load(machine: str, at: datetime) -> float:
    """What part of its rating a machine draws in the half hour from a moment on."""
    if at.weekday() == 6 or not SHIFT[0] <= at.time() < SHIFT[1]:
        return 0.0
    return 0.15 if uniform(machine, "idle", at) < 0.1 else 0.7


def machines() -> Iterator[Row]:
    """What bracelets, controls and sensors report at the end of each half hour."""
    warm = dict.fromkeys(MACHINES, 28.0)
    for day in days():
        for n in range(48):
            start = datetime.combine(day, time(), LOCAL) + n * HALF
            for machine, rating in MACHINES.items():
                yield half_hour(machine, start, rating=rating, warm=warm)


def half_hour(machine: str, start: datetime, *, rating: float, warm: dict[str, float]) -> Row:
    """One row of one machine."""
    share = load(machine, start)
    power = max(rating * share * (1 + normal(0.03, machine, "power", start)), 0.0)
    product = 1 + start.isocalendar().week % 2
    made = round(1800 / CYCLE_S[product] * (1 + normal(0.02, machine, "made", start)))
    items = made if share > 0.5 else 0
    if (machine, start.date()) == INFLATED:
        items = round(items * 1.5)
    worn = max((start.date() - WORN[1]).days, 0) if machine == WORN[0] else 0
    rest = 0.05 if share == 0 else 1.8 * 1.03**worn
    vibration = rest + normal(0.004 if share == 0 else 0.08, machine, "vibration", start)
    goal = (28.0 if share == 0 else 45.0) + 0.5 * worn
    warm[machine] += (goal - warm[machine]) * (1 - math.exp(-0.5))
    heat = warm[machine] + normal(0.6, machine, "heat", start)
    rejects = round(items * 0.02 + normal(0.3, machine, "rejects", start)) if items else 0
    at = (start + HALF).strftime("%Y-%m-%dT%H:%M")
    return (at, machine, f"{power:.2f}", items, max(rejects, 0), product, f"{vibration:.2f}",
            f"{heat:.1f}")  # fmt: skip


def books() -> Iterator[Row]:
    """What the enterprise's portal hands in every evening."""
    for day in days():
        starts = [datetime.combine(day, time(), LOCAL) + n * HALF for n in range(48)]
        worked = sum(0.5 for m in MACHINES for s in starts if load(m, s) > 0.5)
        if not worked:
            continue
        paid = worked * 1.25 * (1 + normal(0.03, "paid", day))
        paid *= 5 / 3 if day == OVERPAID else 1
        made = worked * 3600 / CYCLE_S[1 + day.isocalendar().week % 2]
        at = datetime.combine(day, time(22, 30)).strftime("%Y-%m-%dT%H:%M")
        yield at, round(made * 1.03), round(made * 1.03 * 0.9), f"{paid:.1f}"


def places() -> Iterator[Row]:
    """Where the trackers say that the machines are, at noon."""
    degree = 6_371_008.8 * math.pi / 180
    for day in days():
        for machine in MACHINES:
            away = 2600.0 if (machine, day) >= MOVED and machine == MOVED[0] else 0.0
            north = away + normal(15, machine, "north", day)
            east = normal(15, machine, "east", day) / math.cos(math.radians(PLACE[0]))
            at = datetime.combine(day, time(12)).strftime("%Y-%m-%dT%H:%M")
            yield at, machine, f"{PLACE[0] + north / degree:.5f}", f"{PLACE[1] + east / degree:.5f}"


def steel(source: Path) -> Iterator[Row]:
    """The real part: time at the end of the interval, energy and lagging reactive energy.

    The source dates the last interval of a day ``00:00`` of the same day; here it is of the next.
    """
    with source.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            at = datetime.strptime(row["date"], "%d/%m/%Y %H:%M")  # noqa: DTZ007
            at += timedelta(days=1) if at.time() == time() else timedelta()
            if at > STEEL_LAST:
                return
            yield (at.strftime("%Y-%m-%dT%H:%M"), row["Usage_kWh"],
                   row["Lagging_Current_Reactive.Power_kVarh"])  # fmt: skip


def write(name: str, head: Row, rows: Iterable[Row], *, folder: Path) -> None:
    """Write a table."""
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(head)
        table.writerows(rows)


def main() -> None:
    """Write the tables into a folder, this one unless told otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steel", type=Path)
    parser.add_argument("--out", type=Path, default=HERE)
    told = parser.parse_args()
    head = ("time", "machine", "power_kw", "items", "rejects", "product", "vibration", "heat_c")
    write("machines.csv", head, machines(), folder=told.out)
    write("books.csv", ("time", "ordered", "delivered", "paid_h"), books(), folder=told.out)
    write("places.csv", ("time", "machine", "latitude", "longitude"), places(), folder=told.out)
    if told.steel:
        head = ("time", "usage_kwh", "lagging_kvarh")
        write("steel.csv", head, steel(told.steel), folder=told.out)


if __name__ == "__main__":
    main()
