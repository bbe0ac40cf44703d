"""Writes the generated part of the vehicles example: three weeks of a dealer's lot.

Run ``python generate.py`` in this folder. With ``--kit FILE`` the real trip is cut out as well.

Dealer, lot, vehicles, prices and contract do not exist. Assumptions:

- A lot in Chengdu, a circle of 150 m, with eight new and four used cars. Each has a tracker that
  reports four times a day while it stands, every minute while it moves; positions scatter by 6 m.
- The bank holds certificates and one set of keys; a handheld scans the lot each day at 17:00.
- New cars cost 180,000 yuan. Used ones cost 160,000 when new, were registered in the middle of
  2021, have driven 58,000 to 64,000 km and have 78 to 84 points of an inspection.

The story, beside quiet days: a test drive with leave (V-03, 6 September), a car sold, delivered
and not paid until margin is called (V-05, 9 to 16 September), a certificate taken out for three
days (V-08, 12 September), a set of keys that does not come back for a day (V-11, 14 September),
and a car towed away at two in the morning with its cables cut (V-09, 18 September).
"""
# ruff: noqa: INP001 - a script beside its data, not a package

import argparse
import csv
import gzip
import hashlib
import math
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path

SEED = "wuxin-vehicles-1"
LOCAL = timezone(timedelta(hours=8))
HERE = Path(__file__).parent
FIRST, DAYS = date(2024, 9, 2), 21
LATITUDE, LONGITUDE, RADIUS = 30.6200, 104.0300, 150
NORTH = 1 / 111_195
EAST = NORTH / math.cos(math.radians(LATITUDE))
VEHICLES = tuple(f"V-{n:02}" for n in range(1, 13))
USED = frozenset(VEHICLES[8:])
TEST, SOLD, PAPER, KEYS, TOWED = "V-03", "V-05", "V-08", "V-11", "V-09"
TRIP = "kit_2017-07-14.csv"
TRIP_DAY = "2017-07-14"
WANTED = ("Vehicle Speed Sensor", "Engine RPM")

Row = tuple[str | int | float, ...]


def uniform(*what: object) -> float:
    """A number in (0, 1) that depends on the seed and on what it is for, on nothing else."""
    text = "|".join(map(str, (SEED, *what)))
    return (int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big") + 0.5) / 2**56


def days() -> Iterator[date]:
    """The days of the three weeks."""
    return (FIRST + timedelta(n) for n in range(DAYS))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A local moment in September 2024."""
    return datetime.combine(date(2024, 9, day), time(hour, minute), LOCAL)


def stamp(when: datetime) -> str:
    """Local time to the second, with its offset."""
    return when.isoformat(timespec="seconds")


def place(vehicle: str, metres: tuple[float, float], *seed: object) -> tuple[str, str]:
    """A position: the vehicle's bay, metres north and east of it, and scatter."""
    bay = 100 * (uniform(vehicle, "north") - 0.5), 100 * (uniform(vehicle, "east") - 0.5)
    off = [12 * (uniform(vehicle, axis, *seed) - 0.5) for axis in "ne"]
    north = LATITUDE + (bay[0] + metres[0] + off[0]) * NORTH
    east = LONGITUDE + (bay[1] + metres[1] + off[1]) * EAST
    return f"{north:.6f}", f"{east:.6f}"


class Drive:
    """A way out: from when, to where (metres north and east), how fast, with ignition or towed."""

    def __init__(
        self, start: datetime, to: tuple[float, float], *, kmh: float, ignition: int
    ) -> None:
        self.start, self.to, self.kmh, self.ignition = start, to, kmh, ignition
        self.metres = math.hypot(*to)
        self.minutes = max(2, round(self.metres / (kmh / 3.6) / 60))

    @property
    def end(self) -> datetime:
        """When it arrives."""
        return self.start + timedelta(minutes=self.minutes)


OUT = {
    TEST: Drive(at(6, 10), (4_000.0, 3_000.0), kmh=40, ignition=1),
    SOLD: Drive(at(9, 15), (-6_000.0, 9_000.0), kmh=36, ignition=1),
    TOWED: Drive(at(18, 2), (-14_000.0, -8_000.0), kmh=45, ignition=0),
}
BACK = {TEST: Drive(at(6, 10, 40), (-4_000.0, -3_000.0), kmh=40, ignition=1)}
CUT = at(18, 1, 50)


def tracker() -> Iterator[Row]:
    """What the trackers report."""
    for vehicle in VEHICLES:
        km = 58_000 + round(6_000 * uniform(vehicle, "km")) if vehicle in USED else 12
        where = (0.0, 0.0)
        moves = [d for d in (OUT.get(vehicle), BACK.get(vehicle)) if d is not None]
        for day in days():
            for hour in (0, 6, 12, 18):
                when = datetime.combine(day, time(hour, 5), LOCAL)
                minute = round(20 * uniform(vehicle, day, hour))
                when += timedelta(minutes=minute)
                while moves and moves[0].start <= when:
                    drive = moves.pop(0)
                    yield from driving(vehicle, drive, begin=where, km=km)
                    where = (where[0] + drive.to[0], where[1] + drive.to[1])
                    km += round(drive.metres / 1000) * drive.ignition
                if any(
                    d.start <= when <= d.end
                    for d in (*OUT.values(), *BACK.values())
                    if vehicle in OUT and d in (OUT[vehicle], BACK.get(vehicle))
                ):
                    continue
                yield (
                    stamp(when),
                    vehicle,
                    *place(vehicle, where, day, hour),
                    "0.0",
                    0,
                    volts(vehicle, when),
                    9 + round(4 * uniform(vehicle, "sat", day, hour)),
                    km,
                )


def driving(vehicle: str, drive: Drive, *, begin: tuple[float, float], km: int) -> Iterator[Row]:
    """One report each minute of a way."""
    if vehicle == TOWED:
        for minute in range(0, 10, 2):
            when = CUT + timedelta(minutes=minute)
            yield (
                stamp(when),
                vehicle,
                *place(vehicle, begin, minute, "cut"),
                "0.0",
                0,
                "0.3",
                10,
                km,
            )
    for minute in range(drive.minutes + 1):
        share = minute / drive.minutes
        where = begin[0] + share * drive.to[0], begin[1] + share * drive.to[1]
        when = drive.start + timedelta(minutes=minute)
        kmh = drive.kmh * (0.85 + 0.3 * uniform(vehicle, "v", minute)) if 0 < share < 1 else 0.0
        yield (
            stamp(when),
            vehicle,
            *place(vehicle, where, minute, "go"),
            f"{kmh:.1f}",
            drive.ignition,
            volts(vehicle, when),
            10,
            km + round(share * drive.metres / 1000) * drive.ignition,
        )


def volts(vehicle: str, when: datetime) -> str:
    """The supply: a parked car's battery; none once the cables are cut."""
    if vehicle == TOWED and when >= CUT:
        return "0.2"
    return f"{12.3 + 0.3 * uniform(vehicle, 'volt', when):.1f}"


def custody() -> Iterator[Row]:
    """The books: place, papers, keys, leave, sale and payment, each when it changed."""
    for vehicle in VEHICLES:
        yield (stamp(at(2, 0, 1)), vehicle, LATITUDE, LONGITUDE, RADIUS, 1, 1, 1, 0, 0, 0)
    changes = [
        (at(6, 9, 50), TEST, "", "", 1, 0, 0), (at(6, 12), TEST, "", "", 0, 0, 0),
        (at(9, 16), SOLD, "", "", 0, 1, 0), (at(16, 11), SOLD, 1, 1, 0, 1, 1),
        (at(12, 9), PAPER, 0, 1, 0, 0, 0), (at(15, 9), PAPER, 1, 1, 0, 0, 0),
        (at(14, 9), KEYS, 1, 0, 0, 0, 0), (at(15, 9), KEYS, 1, 1, 0, 0, 0),
    ]  # fmt: skip
    for when, vehicle, paper, keys, leave, sold, paid in changes:
        yield (stamp(when), vehicle, "", "", "", 1, paper, keys, leave, sold, paid)


def scans() -> Iterator[Row]:
    """The handheld: every vehicle that stands on the lot at 17:00."""
    for day in days():
        for k, vehicle in enumerate(VEHICLES):
            when = datetime.combine(day, time(17, k), LOCAL)
            gone = vehicle in OUT and vehicle not in BACK and when >= OUT[vehicle].start
            if not gone:
                yield (stamp(when), vehicle, 1)


def inspection() -> Iterator[Row]:
    """The points of the used cars' inspection."""
    for vehicle in sorted(USED):
        yield (stamp(at(2, 9)), vehicle, 78 + round(6 * uniform(vehicle, "points")))


FILES = {
    "tracker.csv": ("time,vehicle,lat,lon,kmh,acc,volts,satellites,km", tracker),
    "custody.csv": (
        "time,vehicle,place_lat,place_lon,place_m,on_books,certificate,keys,leave,sold,paid",
        custody,
    ),
    "scans.csv": ("time,vehicle,seen", scans),
    "inspection.csv": ("time,vehicle,points", inspection),
}


def write(path: Path, head: str, rows: Iterable[Row]) -> None:
    """Write a table."""
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(head.split(","))
        out.writerows(rows)


def cut(source: Path, target: Path) -> None:
    """Cut the real trip: time joined with its date, speed and engine speed, nothing changed."""
    with gzip.open(source, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        head = next(rows)
        places = [next(k for k, n in enumerate(head) if n.startswith(w)) for w in WANTED]
        kept = [(f"{TRIP_DAY}T{r[0]}", *(r[k] for k in places)) for r in rows]
    write(target, "time,kmh,rpm", kept)


def main(folder: Path = HERE, kit: Path | None = None) -> None:
    """Write all that is generated, and cut the trip where it is given."""
    for name, (head, rows) in FILES.items():
        write(folder / name, head, sorted(rows()))
    if kit is not None:
        cut(kit, folder / TRIP)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kit", type=Path)
    main(kit=parser.parse_args().kit)
