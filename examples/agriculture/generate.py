"""Writes the generated part of the agriculture example: six weeks of a small dairy herd.

Run ``python generate.py`` in this folder. Everything here is generated; farm, cows and borrower do
not exist. Assumptions:

- Twelve Holstein cows in two barns, lactations 1 to 5, 60 to 230 days in milk on the first day.
- Milk by MilkBot's curve (scale 38 to 52 kg by lactation, ramp 25 d, decay 0.0018), milked at 05:30
  (54 %) and 17:00 (46 %), with 4 % of noise (one sigma) per milking, in steps of 0.1 kg.
- Neck bands every two hours: activity 18 to 34 by the hour of the day with 12 % of noise; its
  change against the cow's own past scatters by 7 (of ±100); rumination 42 min with 5 min of noise.
- Ear tags are read at the trough once a day (nobody is missed), positions come every four hours and
  scatter by 60 m; cows are weighed on Mondays (560 to 700 kg, 1 % of noise).
- Feed: 22 kg of dry matter a head and day; 96 % of the milk is collected (the rest goes to calves).
- Barns follow a sine of the day; three days of heat come at the end.
- Prices (a heifer, live weight) are round figures, published monthly; they are no market's.

The story, beside quiet days: cow 103 is in heat; 105 falls ill for four days; 109 is driven off at
night through the gate; 112 is sold with a permit that entered the book before; three hot days.
"""
# ruff: noqa: INP001 - a script beside its data, not a package

import csv
import hashlib
import math
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from statistics import NormalDist

SEED = "wuxin-agriculture-1"
LOCAL = timezone(timedelta(hours=8))
HERE = Path(__file__).parent
FIRST, DAYS = date(2024, 4, 1), 42

COWS = {
    "101": (1, 120), "102": (2, 75), "103": (2, 60), "104": (3, 150), "105": (3, 95),
    "106": (1, 200), "107": (4, 180), "108": (2, 130), "109": (1, 90), "110": (5, 230),
    "111": (2, 110), "112": (4, 220),
}  # fmt: skip
"""Ear tag: lactation number, days in milk on the first day."""

HEAT = ("103", datetime(2024, 4, 13, 22, tzinfo=LOCAL), 7)
ILL = ("105", date(2024, 4, 21), 4)
STOLEN = ("109", datetime(2024, 4, 28, 2, tzinfo=LOCAL))
SOLD = ("112", datetime(2024, 5, 4, 9, tzinfo=LOCAL))
HOT = (date(2024, 5, 7), 3)

Row = tuple[str | int | float, ...]


def uniform(*what: object) -> float:
    """A number in (0, 1) that depends on the seed and on what it is for, on nothing else."""
    text = "|".join(map(str, (SEED, *what)))
    return (int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big") + 0.5) / 2**56


def normal(sigma: float, *what: object) -> float:
    """A normally distributed number of mean zero, by the inverse of its distribution."""
    return NormalDist(0, sigma).inv_cdf(uniform(*what))


def days() -> Iterator[date]:
    """The days of the story."""
    return (FIRST + timedelta(n) for n in range(DAYS))


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A local time of a day."""
    return datetime.combine(day, time(hour, minute), LOCAL)


def there(cow: str, when: datetime) -> bool:
    """Whether a cow is on the farm."""
    return not any(cow == c and when >= t for c, t in (STOLEN, SOLD))


def ill(cow: str, day: date) -> bool:
    """Whether a cow is ill on a day."""
    return cow == ILL[0] and 0 <= (day - ILL[1]).days < ILL[2]


def band() -> Iterator[Row]:
    """What neck bands say every two hours."""
    yield ("time", "cow", "activity", "change", "rumination_min")
    for day in days():
        for hour in range(0, 24, 2):
            for cow in COWS:
                when = at(day, hour)
                if there(cow, when):
                    yield (stamp(when), cow, *banded(cow, when))


def banded(cow: str, when: datetime) -> tuple[int, int, int]:
    """Activity, its change and rumination of one cow in two hours."""
    usual = 26 + 8 * math.sin((when.hour - 8) / 24 * 2 * math.pi)
    change = normal(7, "change", cow, when)
    since = (when - HEAT[1]) / timedelta(hours=2)
    if cow == HEAT[0] and 0 <= since < HEAT[2]:
        change = 45 + 40 * math.sin((since + 0.5) / HEAT[2] * math.pi)
    activity = usual * (1 + normal(0.12, "activity", cow, when)) * (1 + max(change, 0) / 60)
    rumination = 42 + normal(5, "rumination", cow, when)
    if ill(cow, when.date()):
        activity, rumination = activity * 0.6, rumination * 0.62
    return round(activity), max(-30, min(100, round(change))), max(0, round(rumination))


def milk() -> Iterator[Row]:
    """What the milking hall reports."""
    yield ("time", "cow", "milk_kg")
    for day in days():
        for (hour, minute), share in (((5, 30), 0.54), ((17, 0), 0.46)):
            for cow in COWS:
                when = at(day, hour, minute)
                if there(cow, when):
                    yield (stamp(when), cow, f"{milked(cow, when, share):.1f}")


def milked(cow: str, when: datetime, share: float) -> float:
    """One milking (kg)."""
    number, in_milk = COWS[cow]
    t = in_milk + (when.date() - FIRST).days
    scale = {1: 38, 2: 46, 3: 50, 4: 52, 5: 49}[number]
    full = scale * (1 - math.exp(-t / 25) / 2) * math.exp(-0.0018 * t)
    loss = 0.68 if ill(cow, when.date()) else 1.0
    return full * share * loss * (1 + normal(0.04, "milk", cow, when))


def book() -> Iterator[Row]:
    """The herd book of every morning; a permit is entered a day before the animal leaves."""
    yield ("time", "cow", "lactation", "days_in_milk", "permit")
    for day in days():
        for cow, (number, in_milk) in COWS.items():
            permit = int(cow == SOLD[0] and day >= SOLD[1].date() - timedelta(1))
            yield (stamp(at(day, 0, 30)), cow, number, in_milk + (day - FIRST).days, permit)


def tags() -> Iterator[Row]:
    """Reads at the trough, positions, and Monday's weights."""
    yield ("time", "cow", "reads", "distance_m", "weight_kg")
    for day in days():
        for hour in (3, 7, 11, 15, 19, 23):
            for cow in COWS:
                when = at(day, hour, 10)
                if there(cow, when) or ((cow, day) == (STOLEN[0], STOLEN[1].date()) and hour == 3):
                    yield (stamp(when), cow, *tagged(cow, when))


def tagged(cow: str, when: datetime) -> tuple[str | int, int, str | int]:
    """Reads, distance and weight of one cow at one time; a stolen cow is two kilometres away."""
    away = not there(cow, when)
    distance = 1900 if away else abs(normal(60, "place", cow, when))
    reads: str | int = 1 + int(4 * uniform("reads", cow, when)) if when.hour == 7 else ""
    weighed = when.hour == 11 and when.weekday() == 0
    base = 560 + 28 * min(COWS[cow][0], 5) * (0.9 + 0.2 * uniform("size", cow))
    weight = round(base * (1 + normal(0.01, "weight", cow, when))) if weighed else ""
    return reads, round(distance), weight


def farm() -> Iterator[Row]:
    """Heads counted and booked, feed and milk collected, once a day."""
    yield ("time", "farm", "counted", "booked", "dry_matter_kg", "collected_kg")
    for day in days():
        when = at(day, 20)
        heads = [cow for cow in COWS if there(cow, when)]
        booked = len(COWS) - (when >= SOLD[1])
        total = sum(
            float(f"{milked(cow, at(day, *t), s):.1f}")
            for t, s in (((5, 30), 0.54), ((17, 0), 0.46))
            for cow in COWS if there(cow, at(day, *t))
        )  # fmt: skip
        feed = len(heads) * (22 + normal(0.3, "feed", day))
        yield (stamp(when), "F-1", len(heads), booked, round(feed), round(total * 0.96))


def gate() -> Iterator[Row]:
    """Persons after hours, animals outbound and what a permit allows, every hour."""
    yield ("time", "gate", "persons", "outbound", "permitted")
    for day in days():
        for hour in range(24):
            when = at(day, hour)
            stolen, sold = when == STOLEN[1], when == SOLD[1]
            yield (stamp(when), "G-1", 2 * stolen, int(stolen or sold), int(sold))


def climate() -> Iterator[Row]:
    """Temperature and humidity of both barns every hour."""
    yield ("time", "barn", "celsius", "humidity", "ammonia_ppm")
    for day in days():
        hot = 9 if 0 <= (day - HOT[0]).days < HOT[1] else 0
        for hour in range(24):
            wave = math.sin((hour - 9) / 24 * 2 * math.pi)
            for barn in ("B-1", "B-2"):
                when = at(day, hour)
                warm = 17 + hot + 4.5 * wave + normal(0.4, "warm", barn, when)
                damp = 62 - 12 * wave + normal(2, "damp", barn, when)
                fumes = 9 + normal(1.5, "ammonia", barn, when)
                yield (stamp(when), barn, f"{warm:.1f}", round(damp), f"{max(fumes, 0):.0f}")


def prices() -> Iterator[Row]:
    """A heifer about to calve (each) and live weight (per kg), in CNY: round figures."""
    yield ("published", "heifer", "beef")
    yield ("2024-03-29T16:00+08:00", "18000.00", "24.00")
    yield ("2024-04-30T16:00+08:00", "17600.00", "23.50")


def stamp(when: datetime) -> str:
    """Local time to the minute, with its offset."""
    return when.isoformat(timespec="minutes")


FILES = {
    "band.csv": band, "milk.csv": milk, "book.csv": book, "tags.csv": tags, "farm.csv": farm,
    "gate.csv": gate, "climate.csv": climate, "prices.csv": prices,
}  # fmt: skip


def write(name: str, rows: Iterable[Row], folder: Path) -> None:
    """Write one CSV file with Unix line ends."""
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def main(folder: Path = HERE) -> None:
    """Write all files into a folder."""
    for name, rows in FILES.items():
        write(name, rows(), folder)


if __name__ == "__main__":
    main()
