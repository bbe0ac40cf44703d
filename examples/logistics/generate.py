"""Writes the generated part of the logistics example: stock, book and receipts of one warehouse.

Run ``python generate.py`` in this folder. With ``--pink-sheet FILE`` (the World Bank's monthly
table as CSV) the prices are cut out anew as well.

Everything here is generated; warehouse, lots, receipts and trader do not exist. Assumptions:

- 16 lots of copper cathodes, about 25 t each and 400 t together; a lot is ten bundles of equal
  weight with one RFID tag each, and stands on a weighing platform of its own.
- Weighed every morning. Class III scale, Max 30 t, e = 10 kg: an offset of up to ±8 kg that stays
  with the platform, and daily noise of 8 kg (one sigma), shown in steps of 10 kg.
- Tags counted with the weighing; each tag is read with 99.9 % in a round, independently.
- The GPS box lies on the lot. Positions scatter by 12 m (one sigma, each axis) beneath the roof;
  the gateway reports its own distance from the warehouse's centre (haversine, whole metres). A box
  stays on its platform when the goods have left.
- The warehouse enters receipts and releases in its book when they are signed, and confirms the book
  every morning at 07:00. Times are local (UTC+08:00).
- The World Bank publishes the average of a month on the second working day (Monday to Friday; no
  public holidays) of the next month at 12:00 UTC. It is not known before.

The story, beside quiet days: two bundles of L-03 leave under a release order; a second receipt
names L-07; three bundles of L-11 vanish in a night, with their tags and without a release; L-14
stands in a yard outside the fence for six days; 15 lots are released to a buyer in the disposal.
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

SEED = "wuxin-logistics-1"
LOCAL = timezone(timedelta(hours=8))
HERE = Path(__file__).parent

RECEIPTED_KG = (
    25_020, 24_980, 25_000, 25_060, 24_940, 25_080, 24_960, 24_920,
    25_010, 24_990, 25_040, 24_970, 25_050, 25_030, 24_950, 25_000,
)  # fmt: skip
LOTS = {f"L-{n:02}": kg for n, kg in enumerate(RECEIPTED_KG, 1)}
BUNDLES = 10

CENTRE = (31.31, 121.61)  # degrees, WGS-84: a point chosen for the example, not a real warehouse
YARD_OFFSET_M = (1_400.0, 1_200.0)  # north, east: where L-14 was taken
EARTH_M = 6_371_008.8
METRES_A_DEGREE = EARTH_M * math.pi / 180

FIRST, LAST = date(2008, 7, 21), date(2009, 1, 31)
RECEIPTS_ISSUED = date(2008, 7, 18)
RELEASED = datetime(2008, 8, 20, 14, tzinfo=LOCAL)
SECOND_RECEIPT = datetime(2008, 9, 17, 10, tzinfo=LOCAL)
REMOVED = datetime(2008, 10, 19, 2, tzinfo=LOCAL)
AWAY = (datetime(2008, 11, 8, 3, tzinfo=LOCAL), datetime(2008, 11, 14, 6, tzinfo=LOCAL))
DISPOSED = datetime(2008, 11, 27, 12, tzinfo=LOCAL)

Row = tuple[str | int, ...]


def uniform(*what: object) -> float:
    """A number in (0, 1) that depends on the seed and on what it is for, on nothing else."""
    text = "|".join(map(str, (SEED, *what)))
    return (int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big") + 0.5) / 2**56


def normal(sigma: float, *what: object) -> float:
    """A normally distributed number of mean zero, by the inverse of its distribution."""
    return NormalDist(0, sigma).inv_cdf(uniform(*what))


def bundles_there(lot: str, at: datetime) -> int:
    """How many bundles of a lot are in the warehouse, or wherever the lot is."""
    if at >= DISPOSED and lot != "L-07":
        return 0
    gone = {"L-03": (RELEASED, 2), "L-11": (REMOVED, 3)}.get(lot)
    return BUNDLES - gone[1] if gone and at >= gone[0] else BUNDLES


def bundles_booked(lot: str, at: datetime) -> int:
    """How many bundles of a lot the documents say are there: a removal is in no document."""
    if at >= DISPOSED and lot != "L-07":
        return 0
    return BUNDLES - 2 if lot == "L-03" and at >= RELEASED else BUNDLES


def stock() -> Iterator[Row]:
    """What platforms, portal and boxes report: one row a lot and day."""
    yield ("time", "lot_no", "net_weight_kg", "tags", "latitude", "longitude", "distance_m")
    for n in range((LAST - FIRST).days + 1):
        for i, lot in enumerate(LOTS):
            at = datetime.combine(FIRST + timedelta(n), time(8, 2 * i), LOCAL)
            away = lot == "L-14" and AWAY[0] <= at < AWAY[1]
            weight, tags = ("", "") if away else (weighed(lot, at), counted(lot, at))
            place = position(lot, at, away=away)
            yield (stamp(at), lot, weight, tags, f"{place[0]:.5f}", f"{place[1]:.5f}",
                   round(distance(place)))  # fmt: skip


def weighed(lot: str, at: datetime) -> int:
    """The platform's reading (kg, steps of 10)."""
    there = LOTS[lot] * bundles_there(lot, at) / BUNDLES
    offset = 16 * uniform("offset", lot) - 8
    return max(0, 10 * round((there + offset + normal(8, "weight", lot, at)) / 10))


def counted(lot: str, at: datetime) -> int:
    """How many tags were read in a round."""
    there = bundles_there(lot, at)
    return sum(uniform("tag", lot, at, bundle) < 0.999 for bundle in range(there))


def position(lot: str, at: datetime, *, away: bool) -> tuple[float, float]:
    """The box's latitude and longitude (degrees, five places as reported)."""
    number = int(lot[2:]) - 1
    north, east = YARD_OFFSET_M if away else (20.0 * (number // 4) - 30, 25.0 * (number % 4) - 37.5)
    north += normal(12, "north", lot, at)
    east += normal(12, "east", lot, at)
    latitude = CENTRE[0] + north / METRES_A_DEGREE
    longitude = CENTRE[1] + east / METRES_A_DEGREE / math.cos(math.radians(CENTRE[0]))
    return round(latitude, 5), round(longitude, 5)


def distance(place: tuple[float, float]) -> float:
    """Metres from the warehouse's centre, by the haversine formula."""
    (lat, lon), (lat0, lon0) = (map(math.radians, p) for p in (place, CENTRE))
    half = math.sin((lat - lat0) / 2) ** 2
    half += math.cos(lat) * math.cos(lat0) * math.sin((lon - lon0) / 2) ** 2
    return 2 * EARTH_M * math.asin(math.sqrt(half))


def book() -> list[Row]:
    """The warehouse's book: every entry with what ought to be there after it."""
    entries: list[tuple[datetime, str, str, str, int]] = []
    for n in range((LAST - FIRST).days + 1):
        day = datetime.combine(FIRST + timedelta(n), time(7), LOCAL)
        entries += [(day, lot, "confirmation", "", 0) for lot in LOTS]
    entries.append((RELEASED, "L-03", "release", "RO-0001", bundle_kg("L-03") * 2))
    sold = [lot for lot in LOTS if lot != "L-07"]
    entries += [
        (DISPOSED, lot, "release", f"RO-{n:04}", bundle_kg(lot) * bundles_before(lot))
        for n, lot in enumerate(sold, 2)
    ]
    rows: list[Row] = [
        ("time", "lot_no", "entry", "document", "moved_kg", "authorised_kg", "authorised_tags")
    ]
    for at, lot, entry, document, moved in sorted(entries):
        booked = bundles_booked(lot, at)
        rows.append((stamp(at), lot, entry, document, moved, bundle_kg(lot) * booked, booked))
    return rows


def bundles_before(lot: str) -> int:
    """How many bundles the buyer finds, and the release order therefore names."""
    return bundles_there(lot, DISPOSED - timedelta(hours=1))


def bundle_kg(lot: str) -> int:
    """The nominal weight of one bundle; lots weigh a multiple of ten kilograms."""
    return LOTS[lot] // BUNDLES


def receipts() -> Iterator[Row]:
    """One warehouse receipt a lot, and the second one that names L-07."""
    yield ("receipt_no", "lot_no", "issued", "weight_kg")
    day = datetime.combine(RECEIPTS_ISSUED, time(15), LOCAL)
    for n, (lot, kg) in enumerate(LOTS.items(), 1):
        yield (f"WR-{n:04}", lot, stamp(day), kg)
    yield ("WR-0107", "L-07", stamp(SECOND_RECEIPT), LOTS["L-07"])


def prices(sheet: Path, first: str, last: str) -> Iterator[Row]:
    """Monthly averages of copper and aluminium (USD/t) as the World Bank prints them.

    ``replay`` tells which are known while the story lasts; the others are there for comparison.
    """
    yield ("published", "month", "replay", "copper_usd_per_t", "aluminium_usd_per_t")
    with sheet.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if first <= row["month"] <= last:
                known = published(row["month"])
                replay = "yes" if known <= LAST.isoformat() else "no"
                values = row["Copper ($/mt)"], row["Aluminum ($/mt)"]
                yield (known, row["month"], replay, *values)


def published(month: str) -> str:
    """The second working day of the month after, 12:00 UTC."""
    start = date.fromisoformat(f"{month}-01")
    day = (start + timedelta(days=31)).replace(day=1)
    working = [d for d in (day + timedelta(n) for n in range(5)) if d.weekday() < 5]
    return f"{working[1].isoformat()}T12:00:00Z"


def stamp(at: datetime) -> str:
    """Local time to the minute, with its offset."""
    return at.isoformat(timespec="minutes")


def write(name: str, rows: Iterable[Row], folder: Path) -> None:
    """Write one CSV file with Unix line ends."""
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def main(folder: Path = HERE, sheet: Path | None = None) -> None:
    """Write all files into a folder; the prices only where the World Bank's table is given."""
    write("stock.csv", stock(), folder)
    write("book.csv", book(), folder)
    write("receipts.csv", receipts(), folder)
    if sheet is not None:
        write("copper_price.csv", prices(sheet, "2006-01", "2012-12"), folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Generate the logistics example.")
    parser.add_argument("--pink-sheet", type=Path, help="the World Bank's monthly table as CSV")
    main(sheet=parser.parse_args().pink_sheet)
