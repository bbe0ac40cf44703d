"""Writes the generated part of the voyage: two carriers, their goods, and a warehouse, March 2019.

Run ``python generate_voyage.py`` in this folder. With ``--pink-sheet FILE`` (the World Bank's
monthly table as CSV) the prices are cut out anew as well.

Everything but the prices is generated; vessel, lorry, goods, parties and warehouse do not exist.
Assumptions:

- MV-1 sails at 9 m/s from Guayaquil by the Panama Canal to Rotterdam. It waits 20 hours at
  Balboa, as planned, and is aground near Gamboa from 6 March 14:00 to 12 March 09:00. A satellite
  beacon tells its place every three hours, with 30 m of noise (one sigma, each axis); one message
  in fifteen is lost, and eleven hours of 16 March.
- S-1, 400 t of bananas at 13.5 °C (noise 0.15 K). They keep for 28 days at 13.5 °C, Q10 is 2.5,
  the buyer asks for seven days at arrival: figures chosen for the example, not a horticultural
  claim. Power of the containers fails on 13 March from 02:00 to 16:00; the goods warm up to 24 °C
  and are cooled again.
- S-2, 60 t of rubber (TSR20), is taken over in Rotterdam by a party that was not named, with
  another seal. S-3, 40 t, goes on by lorry L-1 to Duisburg, but is driven 190 km south first and
  arrives with 3 % less. S-4, parts with a tested fragility of 20 g and 2 m/s, takes one hard and
  short blow and one hard and long one. Parties are numbers: 1 exporter, 2 forwarder, 3 carrier, 4
  receiver, 9 none.
- The warehouse W-2: lot RB-1 loses 3 kg a night from 3 March on, with a platform noise of 6 kg
  shown in steps of 10 kg; RB-2 loses nothing. Damp warm air comes in on 20 March after a cold
  week. A lorry leaves with 7.5 t on no order on 27 March at 02:10. On 22 March a tenth of what
  was mixed is nowhere.
- Tags are read for eight seconds a day by four antennas, ten times a second, on one of 16
  channels for 0.4 s each. Noise: 0.12 rad and 1.5 dB. Two of the six tags are carried past at 0.8
  m/s on 24 March; the others lie still.
"""
# ruff: noqa: INP001 - a script beside its data, not a package

import argparse
import csv
import hashlib
import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist

SEED = "wuxin-voyage-1"
HERE = Path(__file__).parent
METRES_A_DEGREE = 6_371_008.8 * math.pi / 180
HOUR = timedelta(hours=1)

ROUTE = (
    (-2.28, -79.91), (-3.10, -80.60), (-1.00, -81.30), (7.00, -79.90), (8.87, -79.50),
    (9.12, -79.70), (9.37, -79.92), (18.30, -67.80), (49.00, -5.60), (50.90, 1.40), (51.97, 4.00),
)  # fmt: skip
SPEED = 9.0
SAILED = datetime(2019, 3, 2, 8, tzinfo=UTC)
WAITS = {4: timedelta(hours=20)}
AGROUND = (datetime(2019, 3, 6, 14, tzinfo=UTC), datetime(2019, 3, 12, 9, tzinfo=UTC))
UNHEARD = (datetime(2019, 3, 16, 4, tzinfo=UTC), datetime(2019, 3, 16, 15, tzinfo=UTC))
END = datetime(2019, 4, 1, tzinfo=UTC)
SET = 13.5
POWERLESS = (datetime(2019, 3, 13, 2, tzinfo=UTC), datetime(2019, 3, 13, 16, tzinfo=UTC))
OUTSIDE = 31.0
ROAD = ((51.90, 4.30), (49.60, 6.10), (51.37, 6.17), (51.43, 6.76))
LEFT = datetime(2019, 3, 25, 6, tzinfo=UTC)

Row = tuple[str | int | float, ...]


def uniform(*what: object) -> float:
    """A number in (0, 1) that depends on the seed and on what it is for, on nothing else."""
    text = "|".join(map(str, (SEED, *what)))
    return (int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big") + 0.5) / 2**56


def normal(sigma: float, *what: object) -> float:
    """A normally distributed number of mean zero, by the inverse of its distribution."""
    return NormalDist(0, sigma).inv_cdf(uniform(*what))


def iso(at: datetime) -> str:
    """A moment as the files write it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Great-circle distance, haversine."""
    phi, psi = math.radians(a[0]), math.radians(b[0])
    half = math.sin((psi - phi) / 2) ** 2
    half += math.cos(phi) * math.cos(psi) * math.sin(math.radians(b[1] - a[1]) / 2) ** 2
    return 2 * 6_371_008.8 * math.asin(math.sqrt(half))


def between(a: tuple[float, float], b: tuple[float, float], share: float) -> tuple[float, float]:
    """The point at a share of the great circle from one place to another."""
    angle = metres(a, b) / 6_371_008.8
    k, m = (math.sin(x * angle) / math.sin(angle) for x in (1 - share, share))
    (x, y, z) = (
        k * f(*map(math.radians, a)) + m * f(*map(math.radians, b))
        for f in (
            lambda p, q: math.cos(p) * math.cos(q), lambda p, q: math.cos(p) * math.sin(q),
            lambda p, _: math.sin(p),
        )
    )  # fmt: skip
    return math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))


def vessel(at: datetime) -> tuple[float, float]:
    """Where the vessel is: it waits at Balboa, and lies aground where it is at that time."""
    sailed = (min(at, AGROUND[0]) - SAILED).total_seconds()
    sailed += max((at - AGROUND[1]).total_seconds(), 0.0)
    for leg, (a, b) in enumerate(pairwise(ROUTE)):
        waits = WAITS.get(leg, timedelta()).total_seconds()
        if sailed < waits:
            return a
        sailed -= waits
        needs = metres(a, b) / SPEED
        if sailed < needs:
            return between(a, b, max(sailed, 0.0) / needs)
        sailed -= needs
    return ROUTE[-1]


def scattered(place: tuple[float, float], sigma: float, *what: object) -> tuple[str, str]:
    """A place with noise in metres, in degrees with five decimals."""
    north, east = (normal(sigma, axis, *what) / METRES_A_DEGREE for axis in ("n", "e"))
    return f"{place[0] + north:.5f}", f"{place[1] + east / math.cos(math.radians(place[0])):.5f}"


def track() -> Iterator[Row]:
    """What the beacons of the vessel and the lorry tell."""
    yield ("time", "carrier", "latitude", "longitude")
    at = SAILED - 6 * HOUR
    while at < END:
        lost = uniform("lost", at) < 1 / 15 or UNHEARD[0] <= at < UNHEARD[1]
        if not lost:
            yield (iso(at), "MV-1", *scattered(vessel(max(at, SAILED)), 30.0, "vessel", at))
        at += 3 * HOUR
    at = LEFT
    while at < END:
        hours = (at - LEFT).total_seconds() / 3600
        yield (iso(at), "L-1", *scattered(lorry(hours), 8.0, "lorry", at))
        at += 30 * timedelta(minutes=1) if hours < 14 else 6 * HOUR


def lorry(hours: float) -> tuple[float, float]:
    """Where the lorry is, some hours after it left: 16 m/s, an hour's rest at its detour."""
    seconds = hours * 3600
    for leg, (a, b) in enumerate(pairwise(ROAD)):
        seconds -= 3600 if leg == 1 else 0
        needs = metres(a, b) / 16
        if seconds < needs:
            return between(a, b, max(seconds, 0.0) / needs)
        seconds -= needs
    return ROAD[-1]


def logger() -> Iterator[Row]:
    """Temperature of the bananas, hourly: a first-order warming without power, and back."""
    yield ("time", "shipment", "temperature_c")
    at, goods = SAILED - 6 * HOUR, SET
    while at < END:
        dark = POWERLESS[0] <= at < POWERLESS[1]
        goods += ((OUTSIDE if dark else SET) - goods) * (0.065 if dark else 0.18)
        yield (iso(at), "S-1", f"{goods + normal(0.15, 'logger', at):.1f}")
        at += HOUR


def papers() -> Iterator[Row]:
    """Weights by bill of lading, and weighings where goods change hands."""
    yield ("time", "shipment", "carrier", "documented_kg", "weighed_kg")
    for name, carrier, kg in (("S-1", "MV-1", 400_000), ("S-2", "MV-1", 60_000),
                              ("S-4", "MV-1", 8_000)):  # fmt: skip
        yield (iso(SAILED - HOUR), name, carrier, kg, "")
    yield (iso(LEFT - HOUR), "S-3", "L-1", 40_000, 39_980)
    yield ("2019-03-24T09:30:00Z", "S-2", "MV-1", "", 59_940)
    yield ("2019-03-26T07:00:00Z", "S-3", "L-1", "", 38_780)


def hands() -> Iterator[Row]:
    """Hand-overs: who gives to whom, who takes, by which seal."""
    yield ("time", "shipment", "carrier", "given_by", "given_to", "taken_by", "seal")
    for name, seal in (("S-1", 7001), ("S-2", 7002)):
        yield ("2019-03-01T09:00:00Z", name, "MV-1", 1, 2, "", seal)
        yield ("2019-03-01T11:00:00Z", name, "MV-1", "", "", 2, seal)
        yield ("2019-03-02T05:00:00Z", name, "MV-1", 2, 3, "", seal)
        yield ("2019-03-02T07:00:00Z", name, "MV-1", "", "", 3, seal)
    yield ("2019-03-24T09:00:00Z", "S-2", "MV-1", 3, 4, "", 7002)
    yield ("2019-03-24T12:00:00Z", "S-2", "MV-1", "", "", 9, 8119)
    yield ("2019-03-25T05:00:00Z", "S-3", "L-1", 4, 5, "", 7003)
    yield ("2019-03-25T05:30:00Z", "S-3", "L-1", "", "", 5, 7003)


def blows() -> Iterator[Row]:
    """Blows of the parts: a daily rattle, one hard and short, one hard and long."""
    yield ("time", "shipment", "peak_g", "milliseconds")
    at = SAILED
    while at < END:
        yield (iso(at), "S-4", f"{1.5 + uniform('rattle', at):.2f}", 8)
        at += 24 * HOUR
    yield ("2019-03-09T10:12:00Z", "S-4", "40.00", 2)
    yield ("2019-03-24T14:20:00Z", "S-4", "35.00", 12)


def yard() -> Iterator[Row]:
    """Platforms and book of the warehouse, daily."""
    yield ("time", "lot", "net_kg", "book_kg")
    for day in range(31):
        at = datetime(2019, 3, 1, 7, tzinfo=UTC) + day * 24 * HOUR
        for name, kg, nightly in (("RB-1", 24_960, 3.0), ("RB-2", 25_040, 0.0)):
            weight = kg - nightly * max(day - 2, 0) + normal(6.0, "platform", name, day)
            yield (iso(at), name, round(weight / 10) * 10, kg)


def air() -> Iterator[Row]:
    """Air of the warehouse, hourly: a cold week, then damp warm air."""
    yield ("time", "sensor", "temperature_c", "humidity")
    at = datetime(2019, 3, 1, tzinfo=UTC)
    damp = (datetime(2019, 3, 20, 9, tzinfo=UTC), datetime(2019, 3, 20, 18, tzinfo=UTC))
    while at < END:
        warm = damp[0] <= at < damp[1]
        base = 16.0 if warm else 5.0 + 1.5 * math.sin((at.hour - 9) * math.pi / 12)
        humid = 0.88 if warm else 0.62
        yield (
            iso(at), "CS-1", f"{base + normal(0.2, 'air', at):.1f}",
            f"{humid + normal(0.01, 'damp', at):.3f}",
        )  # fmt: skip
        at += HOUR


def gate() -> Iterator[Row]:
    """Passages of the gate: on orders, and one at night on none."""
    yield ("time", "gate", "outbound_kg", "permitted_kg")
    for day in range(31):
        at = datetime(2019, 3, 1, 15, 5, tzinfo=UTC) + day * 24 * HOUR
        if day == 26:
            yield (iso(at.replace(hour=2, minute=10)), "G-1", 7_500, 0)
        due = 5_000 if day % 3 == 0 else 0
        yield (iso(at), "G-1", due + (round(normal(8, "gate", day) / 10) * 10 if due else 0), due)


def mixing() -> Iterator[Row]:
    """The mixer's day: rubber in, compound out, loss."""
    yield ("time", "process", "input_kg", "output_kg", "loss_kg")
    for day in range(31):
        at = datetime(2019, 3, 1, 16, tzinfo=UTC) + day * 24 * HOUR
        taken = 3_000 + round(normal(60, "mix", day))
        lost = round(taken * 0.012)
        gone = 300 if day == 21 else 0
        yield (iso(at), "MX-1", taken, taken - lost - gone + round(normal(6, "out", day)), lost)


def tags() -> Iterator[Row]:
    """Reads of six tags on three days, by four antennas at the corners of a hall of 8 m."""
    yield ("time", "tag", "antenna", "rssi_dbm", "phase_rad", "channel")
    corners = ((0.0, 0.0), (0.0, 8.0), (8.0, 8.0), (8.0, 0.0))
    for day in (19, 24, 28):
        for number in range(6):
            begins = datetime(2019, 3, day, 9, number, tzinfo=UTC)
            carried = day == 24 and number in {4, 5}
            for read in range(80):
                s = read / 10
                x, y = (1.0 + 0.8 * s, 4.0) if carried else (2.0 + 0.7 * number, 3.0)
                antenna = read % 4
                channel = int(s / 0.4) * 7 % 16
                far = math.dist((x, y), corners[antenna])
                wave = 299_792_458 / (920.625e6 + 0.25e6 * channel)
                turned = 4 * math.pi * far / wave + normal(0.12, "phase", day, number, read)
                level = -38 - 25 * math.log10(far) + normal(1.5, "level", day, number, read)
                at = begins + timedelta(milliseconds=100 * read)
                yield (
                    at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z", f"T-{number + 1}", antenna + 1,
                    f"{level:.0f}", f"{turned % (2 * math.pi):.3f}", channel,
                )  # fmt: skip


def prices(sheet: Path) -> Iterator[Row]:
    """Monthly averages of bananas (Europe) and rubber (TSR20), dated when they are published."""
    yield ("published", "month", "bananas_usd_per_kg", "rubber_usd_per_kg")
    with sheet.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if "2018-09" <= row["month"] <= "2019-02":
                yield (
                    published(row["month"]), row["month"],
                    *(f"{float(row[c]):.6g}" for c in ("Banana, Europe ($/kg)",
                                                       "Rubber, TSR20 ** ($/kg)")),
                )  # fmt: skip


def published(month: str) -> str:
    """The second working day of the following month at 12:00 UTC; see generate.py."""
    year, number = map(int, month.split("-"))
    at = datetime(year + number // 12, number % 12 + 1, 1, 12, tzinfo=UTC)
    left = 2
    while True:
        left -= at.weekday() < 5
        if not left:
            return iso(at)
        at += 24 * HOUR


PARTS = {
    "voyage_track.csv": track, "voyage_logger.csv": logger, "voyage_papers.csv": papers,
    "voyage_hands.csv": hands, "voyage_blows.csv": blows, "voyage_yard.csv": yard,
    "voyage_air.csv": air, "voyage_gate.csv": gate, "voyage_mixing.csv": mixing,
    "voyage_tags.csv": tags,
}  # fmt: skip


def write(name: str, rows: Iterable[Row], folder: Path) -> None:
    """Write one CSV file with Unix line ends, in order of time."""
    head, *rest = rows
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *sorted(rest, key=lambda r: r[0])])


def main(folder: Path = HERE, sheet: Path | None = None) -> None:
    """Write all files into a folder; the prices only where the World Bank's table is given."""
    for name, part in PARTS.items():
        write(name, part(), folder)
    if sheet is not None:
        write("voyage_prices.csv", prices(sheet), folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Generate the voyage.")
    parser.add_argument("--pink-sheet", type=Path, help="the World Bank's monthly table as CSV")
    main(sheet=parser.parse_args().pink_sheet)
