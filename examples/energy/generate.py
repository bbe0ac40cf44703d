"""Writes the generated example of a charging station: six piles, 66 days.

Run ``python generate.py`` in this folder; the photovoltaic recordings beside it are real and are
not touched.

Station, borrower and every figure are generated and nobody's. Assumptions:

- Four direct-current piles of 60 kW and two alternating-current piles of 7 kW, one connector each,
  open day and night. A car comes to a free pile after a wait that is exponential, its mean 60
  minutes by day (07:00 to 22:00) and three times as long at night; at the slow piles thrice that.
- A car takes 26 kWh (one sigma 7) at 38 kW (one sigma 5) in the mean, at a slow pile 18 kWh (5) at
  6.4 kW (0.3), and stands for another 0 to 12 minutes. Times are to the minute.
- The price a kWh, energy and service together: 0.62 yuan from 23:00, 0.95 from 07:00, 1.32 from
  10:00, 0.95 from 12:00, 1.32 from 17:00, 0.95 from 21:00. A session pays for each minute what is
  posted then. All of it is on the account the same day.
- The utility meter reads 6 % more than was sold (converters and cables), and 15 kWh of own use.
- The connector has 38 degC (one sigma 5) at the end of a session. Two people are on duty from 08:00
  to 20:00.

The story, beside quiet days: P-3 is faulted from 10 April 08:00 to 12 April 18:00. From 14 to 20
April half of the sessions at P-6 sell nothing. On 16 April nobody is on duty from 12:00 to 16:00.
On 18 April the connector of P-4 reaches 96 degC. From 20 to 26 April an eighth of the receipts goes
elsewhere. On 22 April two sessions at P-2 are there twice, in records of cars that were not. From
24 April on P-5 is blocked. On 2 May P-1 has a session of 80 kWh in 30 minutes.
"""
# ruff: noqa: INP001 - a script beside its data, not a package

import argparse
import csv
import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from statistics import NormalDist
from typing import NamedTuple

SEED = "wuxin-charging-1"
LOCAL = timezone(timedelta(hours=8))
HERE = Path(__file__).parent

FIRST, DAYS = date(2025, 3, 1), 66
PILES = {f"P-{k}": (60.0 if k < 5 else 7.0) for k in range(1, 7)}  # kW
PRICES = ((0, 0.62), (7, 0.95), (10, 1.32), (12, 0.95), (17, 1.32), (21, 0.95), (23, 0.62))
FAULT = ("P-3", datetime(2025, 4, 10, 8, tzinfo=LOCAL), datetime(2025, 4, 12, 18, tzinfo=LOCAL))
EMPTY = ("P-6", date(2025, 4, 14), date(2025, 4, 20))
UNSTAFFED = (datetime(2025, 4, 16, 12, tzinfo=LOCAL), datetime(2025, 4, 16, 16, tzinfo=LOCAL))
HOT = ("P-4", date(2025, 4, 18))
DIVERTED = (date(2025, 4, 20), date(2025, 4, 26), 0.125)
TWICE = ("P-2", date(2025, 4, 22), 2)
BLOCKED = ("P-5", date(2025, 4, 24))
MADE_UP = ("P-1", datetime(2025, 5, 2, 3, tzinfo=LOCAL))

Row = tuple[str | int | float, ...]


class Session(NamedTuple):
    """A session: pile, begin, minutes charging and connected, kWh; whether it was real."""

    pile: str
    begin: datetime
    charging: int
    connected: int
    energy: float
    real: bool = True

    @property
    def end(self) -> datetime:
        """When the car left."""
        return self.begin + timedelta(minutes=self.connected)


def uniform(*what: object) -> float:
    """A number in (0, 1) that depends on the seed and on what it is for, on nothing else."""
    text = "|".join(map(str, (SEED, *what)))
    return (int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big") + 0.5) / 2**56


def normal(mean: float, sigma: float, *what: object) -> float:
    """A normally distributed number, by the inverse of its distribution."""
    return NormalDist(mean, sigma).inv_cdf(uniform(*what))


def price(at: datetime) -> float:
    """Yuan a kWh at a moment."""
    return [p for hour, p in PRICES if hour <= at.hour][-1]


def sessions(pile: str) -> Iterator[Session]:
    """The sessions of a pile, in order of time."""
    fast = PILES[pile] > 20
    at = datetime.combine(FIRST, time(), LOCAL) + timedelta(minutes=30)
    last = at + timedelta(days=DAYS) - timedelta(hours=8)
    number = 0
    while True:
        number += 1
        mean = 60.0 * (1 if fast else 3) * (1 if 7 <= at.hour < 22 else 3)
        at += timedelta(minutes=5 + round(-mean * math.log(uniform(pile, number, "wait"))))
        if at >= last or (pile == BLOCKED[0] and at.date() >= BLOCKED[1]):
            return
        if pile == FAULT[0] and FAULT[1] - timedelta(hours=2) <= at < FAULT[2]:
            at = FAULT[2]
            continue
        one = session(pile, at, number=number, fast=fast)
        yield one
        at = one.end


def session(pile: str, at: datetime, *, number: int, fast: bool) -> Session:
    """One session that begins at a moment."""
    kwh = max(normal(26, 7, pile, number, "kwh") if fast else normal(18, 5, pile, number, "kwh"), 4)
    power = normal(38, 5, pile, number, "kw") if fast else normal(6.4, 0.3, pile, number, "kw")
    charging = max(round(kwh / min(power, PILES[pile]) * 60), 1)
    stays = round(12 * uniform(pile, number, "stays"))
    if pile == EMPTY[0] and EMPTY[1] <= at.date() <= EMPTY[2] and uniform(number, "empty") < 0.5:
        return Session(pile, at, 2, 3, 0.0)
    return Session(pile, at, charging, charging + stays, round(kwh, 2))


def everything() -> list[Session]:
    """All sessions by their end, with those that never were."""
    found = [one for pile in PILES for one in sessions(pile)]
    twice = [s for s in found if s.pile == TWICE[0] and s.end.date() == TWICE[1]][: TWICE[2]]
    found += [s._replace(begin=s.begin + timedelta(minutes=7), real=False) for s in twice]
    pile, at = MADE_UP
    while any(s.pile == pile and s.begin < at + timedelta(hours=1) and at < s.end for s in found):
        at += timedelta(minutes=30)
    found.append(Session(pile, at, 30, 30, 80.0, real=False))
    return sorted(found, key=lambda s: (s.end, s.pile))


def amount(one: Session) -> float:
    """What a session pays: each minute at the price posted then, to the fen."""
    each = one.energy / one.charging
    minutes = (one.begin + timedelta(minutes=k) for k in range(one.charging))
    return round(sum(each * price(at) for at in minutes), 2)


def written(at: datetime) -> str:
    """A local time as the tables have it."""
    return at.strftime("%Y-%m-%dT%H:%M")


def sold(found: list[Session]) -> Iterator[Row]:
    """Sessions as the operator's platform exports them, and how warm the connector was."""
    hot = next(s for s in found if s.pile == HOT[0] and s.end.date() == HOT[1])
    for s in found:
        warm = 96.0 if s is hot else normal(38, 5, s.pile, s.end, "heat")
        yield (written(s.end), s.pile, f"{s.energy:.2f}", s.connected, s.charging,
               f"{amount(s):.2f}", f"{warm:.1f}")  # fmt: skip


def states(found: list[Session]) -> Iterator[Row]:
    """States of the piles as OCPP numbers them: 0 available, 2 charging, 8 faulted; and errors."""
    rows = [(datetime.combine(FIRST, time(), LOCAL), pile, 0, 0) for pile in PILES]
    for s in found:
        if s.real:
            rows += [(s.begin, s.pile, 2, 0), (s.end, s.pile, 0, 0)]
    rows += [(FAULT[1], FAULT[0], 8, 3), (FAULT[2], FAULT[0], 0, 0)]
    for at, pile, state, error in sorted(rows):
        yield written(at), pile, state, error


def books(found: list[Session]) -> Iterator[Row]:
    """What came in on the account, and what the utility meter counted, at the end of each day."""
    paid: dict[date, float] = defaultdict(float)
    energy: dict[date, float] = defaultdict(float)
    for s in found:
        paid[s.end.date()] += amount(s)
        energy[s.end.date()] += s.energy if s.real else 0.0
    for n in range(DAYS):
        day = FIRST + timedelta(days=n)
        elsewhere = DIVERTED[2] if DIVERTED[0] <= day <= DIVERTED[1] else 0.0
        at = datetime.combine(day, time(23, 59), LOCAL)
        yield written(at), f"{paid[day] * (1 - elsewhere):.2f}", f"{energy[day] * 1.06 + 15:.1f}"


def posted() -> Iterator[Row]:
    """The price at each of its changes."""
    for n in range(DAYS):
        for hour, value in PRICES:
            yield written(datetime.combine(FIRST + timedelta(days=n), time(hour), LOCAL)), value


def staff() -> Iterator[Row]:
    """People on duty against those planned, every second hour."""
    for n in range(DAYS * 12):
        at = datetime.combine(FIRST, time(), LOCAL) + timedelta(hours=2 * n)
        planned = 2 if 8 <= at.hour < 20 else 0
        yield written(at), 0 if UNSTAFFED[0] <= at < UNSTAFFED[1] else planned, planned


def write(name: str, head: Row, rows: Iterable[Row], *, folder: Path) -> None:
    """Write a table."""
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(head)
        table.writerows(rows)


def main() -> None:
    """Write the tables into a folder, this one unless told otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE)
    out = parser.parse_args().out
    found = everything()
    head = ("time", "pile", "kwh", "connected_min", "charging_min", "paid", "connector_c")
    write("charging_sessions.csv", head, sold(found), folder=out)
    write("charging_states.csv", ("time", "pile", "state", "error"), states(found), folder=out)
    write("charging_books.csv", ("time", "received", "drawn_kwh"), books(found), folder=out)
    write("charging_prices.csv", ("time", "price"), posted(), folder=out)
    write("charging_staff.csv", ("time", "present", "planned"), staff(), folder=out)


if __name__ == "__main__":
    main()
