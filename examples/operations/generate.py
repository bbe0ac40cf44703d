"""Writes the operations example: two weeks of one branch, all of it generated.

Run ``python generate.py`` in this folder. Nothing here is real; nobody is named. Assumptions:

- A branch that is open from 08:30 to 17:30, Monday to Friday. Six employees (numbers 101 to 106),
  of whom 101 to 104 may enter the vault. Each comes at about 08:05, goes out at noon and leaves
  at 17:45.
- Two seals, two keys, one book of blank vouchers and one file of invoices. Each is taken out in
  the morning, signed for within a minute, back at noon, and out again until the evening; the
  cabinet counts every hour as well. 40 to 70 vouchers are used on a working day, and the system
  issues the same number.
- A self-service lobby from 08:00 to 21:00 with two machines: 60 visitors a day, served in 150 s
  at the median (lognormal, sigma 0.6) and waiting when both machines are taken; two who telephone
  for three to eight minutes; a guard with a badge twice a day for twelve minutes. The camera
  looks every 30 s while anybody is there, else every hour. It loses a person every four minutes
  on average for 10 to 60 s and then begins its clock anew; confidence is 0.86 with a spread of
  0.06, and 3 % of observations are unsure. Twice a day a poster is taken for a person for a
  quarter of an hour, at a confidence of 0.3 to 0.55.
- A vault entered twice a day by two persons, the second within 20 s of the first.
- Two desks with double recording, three to six sales a day together, four prompts each.
- One recorder with 16 channels and 45 days of disk; 12 tagged assets, read six times a day; one
  read in 30 names the next room.

The story, beside quiet days: a seal is out for two hours and nobody signed (5 March); somebody
loiters in the lobby for 23 minutes (6 March); one person alone in the vault (7 March); a sale
recorded without sound and one not recorded (8 March); a key signed for after forty minutes (11
March); three vouchers that the system never issued, and seals and vouchers in one hand (12
March); a computer moved to another room (13 March); the recorder stops for three hours, and a
badge is refused four times at the vault (14 March); a cleared key holder goes home with the key,
and a clerk enters the vault (15 March). A projector is not heard from 6 March on.
"""
# ruff: noqa: INP001 - a script beside its data, not a package

import csv
import hashlib
import math
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from statistics import NormalDist
from typing import NamedTuple

SEED = "wuxin-operations-1"
LOCAL = timezone(timedelta(hours=8))
HERE = Path(__file__).parent
FIRST, DAYS = date(2024, 3, 4), 12
STAFF = (101, 102, 103, 104, 105, 106)
ITEMS = {"SEAL-1": 101, "SEAL-2": 102, "KEY-1": 103, "KEY-2": 104, "VB-1": 105, "INV-1": 106}
LOBBY, COUNTER, VAULT = 1, 2, 3
LIMIT = 600
EVERY = 30

Row = tuple[str | int | float, ...]


def uniform(*what: object) -> float:
    """A number in (0, 1) that depends on the seed and on what it is for, on nothing else."""
    text = "|".join(map(str, (SEED, *what)))
    return (int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big") + 0.5) / 2**56


def normal(mean: float, spread: float, *what: object) -> float:
    """A normal number that depends on what it is for."""
    return NormalDist(mean, spread).inv_cdf(uniform(*what))


def days() -> Iterator[date]:
    """The days of the example."""
    return (FIRST + timedelta(n) for n in range(DAYS))


def works(day: date) -> bool:
    """Whether the branch is open."""
    return day.weekday() < 5


def at(day: date, hour: int, minute: float = 0) -> datetime:
    """A local moment, to the second."""
    return datetime.combine(day, time(hour), LOCAL) + timedelta(seconds=round(60 * minute))


def stamp(when: datetime) -> str:
    """Local time with its offset."""
    return when.isoformat(timespec="seconds")


def is_day(day: date, number: int) -> bool:
    """Whether it is that day of March 2024."""
    return day == date(2024, 3, number)


# ---- the lobby -------------------------------------------------------------------------------


class Visit(NamedTuple):
    """A person in the lobby, in seconds of the day; ``served`` from when to when."""

    start: float
    end: float
    served: tuple[float, float]
    badge: bool = False
    loiters: bool = False


def visits(seed: object, *, loiter: float = 0) -> list[Visit]:
    """A day of visitors; with ``loiter`` (s) one who stays that long and is not served."""
    found, free = [], [0.0, 0.0]
    opens, shuts = 8 * 3600.0, 21 * 3600.0
    arrivals = sorted(opens + (shuts - opens - 900) * uniform(seed, "comes", n) for n in range(60))
    for n, start in enumerate(arrivals):
        machine = free.index(min(free))
        begun = max(start, free[machine])
        takes = 150 * math.exp(normal(0, 0.6, seed, "takes", n))
        free[machine] = begun + takes
        found.append(Visit(start, begun + takes + 15, (begun, begun + takes)))
    for n in range(2):
        start = opens + 39_600 * uniform(seed, "calls", n)
        found.append(Visit(start, start + 180 + 300 * uniform(seed, "talks", n), (0, 0)))
        start = (10 + 8 * n) * 3600 + 1800 * uniform(seed, "guard", n)
        found.append(Visit(start, start + 720, (0, 0), badge=True))
    if loiter:
        start = 19 * 3600 + 3600 * uniform(seed, "loiters")
        found.append(Visit(start, start + loiter, (0, 0), loiters=True))
    return sorted(found)


class Look(NamedTuple):
    """What the lobby's camera and terminal say at one moment."""

    second: int
    persons: int
    dwell: float
    confidence: float
    service: int
    badges: int


def looks(seed: object, there: list[Visit]) -> list[Look]:
    """The camera's day: an observation every 30 s while it sees anybody, and one when all left."""
    tracks = [_tracks(seed, n, visit) for n, visit in enumerate(there)]
    posters = [8 * 3600 + 43_200 * uniform(seed, "poster", n) for n in range(2)]
    found: list[Look] = []
    for second in range(0, 86_400, EVERY):
        seen = [begun for parts in tracks for begun, end in parts if begun <= second < end]
        known = [v for v in there if v.start <= second < v.end]
        confidence = min(0.99, max(0.05, normal(0.86, 0.06, seed, "sure", second)))
        if uniform(seed, "unsure", second) < 0.03:
            confidence = 0.3 + 0.25 * uniform(seed, "how", second)
        shown = [p for p in posters if p <= second < p + 900]
        if shown and not seen:
            seen = [shown[0]]
            confidence = 0.3 + 0.25 * uniform(seed, "poster", second)
        if not seen and not (found and found[-1].persons) and second % 3600:
            continue
        begun = min(seen, default=float(second))
        found.append(Look(
            second, len(seen), second - begun, round(confidence, 2),
            sum(v.served[0] <= second < v.served[1] for v in known),
            sum(v.badge for v in known),
        ))  # fmt: skip
    return found


def _tracks(seed: object, n: int, visit: Visit) -> list[tuple[float, float]]:
    """The pieces in which the camera follows one person: from, to."""
    found, start, k = [], visit.start, 0
    while start < visit.end:
        lasts = -240 * math.log(uniform(seed, "lost", n, k))
        end = min(visit.end, start + lasts)
        found.append((start, end))
        start, k = end + 10 + 50 * uniform(seed, "again", n, k), k + 1
    return found


def lobby() -> Iterator[Row]:
    """The lobby's days; clips are named by their digest."""
    yield ("time", "zone", "persons", "dwell_s", "confidence", "served", "badges",
           "dwell_limit_s", "clip_sha256")  # fmt: skip
    for day in days():
        loiter = 1380 if is_day(day, 6) else 0
        for look in looks(day, visits(day, loiter=loiter)):
            when = at(day, 0, look.second / 60)
            clip = hashlib.sha256(f"{SEED}|{when}".encode()).hexdigest()[:16]
            yield (stamp(when), "Z-LOBBY", look.persons, round(look.dwell),
                   look.confidence, look.service, look.badges, LIMIT, clip)  # fmt: skip


def vault() -> Iterator[Row]:
    """The vault: two persons twice a day, and a look every quarter of an hour."""
    yield ("time", "zone", "persons", "badges", "confidence", "min_persons", "armed")
    for day in days():
        rows: dict[datetime, tuple[int, int]] = {}
        for quarter in range(96):
            hour = quarter // 4
            armed = int(not (works(day) and 8 <= hour < 18))
            rows[at(day, hour, 15 * (quarter % 4))] = (0, armed)
        for n, (hour, minute) in enumerate(((8, 16), (17, 16)) if works(day) else ()):
            start = at(day, hour, minute + 3 * uniform("vault", day, n))
            alone = 480 if is_day(day, 7) and n == 1 else 20 * uniform("second", day, n)
            stays = round(600 + 120 * uniform("stays", day, n))
            rows = {t: v for t, v in rows.items() if not 0 <= (t - start).total_seconds() < stays}
            for after in range(0, stays, EVERY):
                rows[start + timedelta(seconds=after)] = (1 if after < alone else 2, 0)
            rows[start + timedelta(seconds=stays)] = (0, 0)
        for when, (persons, armed) in sorted(rows.items()):
            yield (stamp(when), "Z-VAULT", persons, persons, 0.93, 2, armed)


# ---- staff, custody --------------------------------------------------------------------------


def passages() -> Iterator[Row]:
    """Every attempt at a door: zone, factors, what the face comparison says, refused or not."""
    yield (
        "time",
        "staff",
        "zone",
        "factors",
        "factors_needed",
        "face_score",
        "refused",
        "duress_code",
    )
    rows: list[Row] = []
    for day in filter(works, days()):
        for number in STAFF:
            for hour, minute, zone in ((8, 0, 2), (12, 0, 0), (12, 50, 2), (17, 45, 0)):
                when = at(day, hour, minute + 8 * uniform("door", number, day, hour))
                rows.append(_attempt(when, number, zone))
        for hour, minute in ((8, 14), (17, 14)):
            for number in (103, 104):
                rows.append(
                    _attempt(at(day, hour, minute + uniform(number, day, hour)), number, VAULT)
                )
                back = at(day, hour, minute + 14.5 + 0.2 * uniform("back", number, day, hour))
                rows.append(_attempt(back, number, COUNTER))
        if is_day(day, 14):
            rows += [_attempt(at(day, 15, 2 + k), 106, VAULT, refused=1) for k in range(4)]
        if is_day(day, 15):
            rows += [_attempt(at(day, 14, 20), 105, VAULT), _attempt(at(day, 14, 26), 105, COUNTER)]
    yield from sorted(rows)


def _attempt(when: datetime, number: int, zone: int, *, refused: int = 0) -> Row:
    likeness = 0.86 + 0.12 * uniform("face", number, when)
    needed = 2 if zone == VAULT else 1
    return (stamp(when), f"S-{number}", zone, 2, needed, f"{likeness:.2f}", refused, 0)


def custody() -> tuple[list[Row], list[Row]]:
    """The cabinets' counts and the register."""
    counts: list[Row] = []
    register: list[Row] = []
    for day in days():
        for item, holder in ITEMS.items():
            spans = _spans(item, day)
            signed = [*spans]
            if item == "SEAL-2" and is_day(day, 5):
                spans.append((at(day, 18, 30), at(day, 20, 30)))  # nobody signs for this
            counts += _counts(item, day, spans)
            for k, (out, back) in enumerate(signed):
                late = 10 + 40 * uniform("signs", item, day, k)
                late = 40 * 60 if (item, k) == ("KEY-1", 0) and is_day(day, 11) else late
                register += _signed(item, (out, back), holder, late=late)
            if item == "VB-1" and is_day(day, 12):
                register += [(stamp(at(day, 14, 10)), item, 101, 1, 1),
                             (stamp(at(day, 15, 40)), item, 105, 1, 1)]  # fmt: skip
    return sorted(counts), sorted(register)


def _spans(item: str, day: date) -> list[tuple[datetime, datetime]]:
    """When an item is out: in the morning, and after noon."""
    if not works(day):
        return []
    found = []
    for k, (hour, minute, end, last) in enumerate(((8, 31, 11, 48), (13, 0, 17, 18))):
        out = at(day, hour, minute + 10 * uniform("out", item, day, k))
        found.append((out, at(day, end, last + 10 * uniform("back", item, day, k))))
    if item == "KEY-2" and is_day(day, 15):
        found[1] = (found[1][0], at(day, 21, 5))
    return found


def _counts(item: str, day: date, spans: list[tuple[datetime, datetime]]) -> list[Row]:
    rows: list[Row] = []
    for hour in range(24):
        when = at(day, hour, 55)
        gone = any(out <= when < back for out, back in spans)
        rows.append((stamp(when), item, int(not gone), COUNTER))
    for out, back in spans:
        rows += [(stamp(out), item, 0, COUNTER), (stamp(back), item, 1, COUNTER)]
    return rows


def _signed(item: str, span: tuple[datetime, datetime], holder: int, *, late: float) -> list[Row]:
    out, back = span
    return [
        (stamp(out), item, holder, 0, 1),
        (stamp(out + timedelta(seconds=round(late))), item, holder, 1, 1),
        (stamp(back + timedelta(seconds=20)), item, 0, 0, 1),
    ]


def vouchers() -> Iterator[Row]:
    """The number in hand and what the system issued, at the day's end."""
    yield ("time", "item", "next_no", "issued")
    number, issued = 410_001, 0
    for day in filter(works, days()):
        used = 40 + int(31 * uniform("used", day))
        issued += used
        number += used + 3 * is_day(day, 12)
        yield (stamp(at(day, 17, 40)), "VB-1", number, issued)


def invoices() -> Iterator[Row]:
    """The platform's answer on the file of invoices, each working day."""
    yield ("time", "item", "uses", "invoice_ok")
    for day in filter(works, days()):
        yield (stamp(at(day, 16)), "INV-1", 1, 1)


def cabinet() -> Iterator[Row]:
    """The cabinet's lock: each opening by two, and a word every hour."""
    yield ("time", "cabinet", "door", "openers", "openers_needed", "arm_state")
    rows: list[Row] = []
    for day in days():
        rows += [
            (stamp(at(day, h, 50)), "CAB-1", 0, 0, 2, int(not (works(day) and 8 <= h < 18)))
            for h in range(24)
        ]
        for hour, minute in ((8, 30), (17, 17)) if works(day) else ():
            for k in range(3):
                when = at(day, hour, minute + 5 * k)
                rows.append((stamp(when), "CAB-1", 1, 2, 2, 0))
                rows.append((stamp(when + timedelta(seconds=70)), "CAB-1", 0, 0, 2, 0))
    yield from sorted(rows)


# ---- recordings, assets ----------------------------------------------------------------------


def sales() -> tuple[list[Row], list[Row]]:
    """Recorded sales, and the book of sales at the day's end."""
    taken: list[Row] = []
    booked: list[Row] = [(stamp(at(FIRST, 0, 5)), f"D-{n}", 0) for n in (1, 2)]
    total = {1: 0, 2: 0}
    for day in filter(works, days()):
        for desk in (1, 2):
            for k in range(1 + int(3 * uniform("sales", day, desk))):
                total[desk] += 1
                when = at(day, 9 + 2 * k, 50 * uniform("sold", day, desk, k))
                silent = is_day(day, 8) and desk == 1 and k == 0
                row = (
                    stamp(when), f"D-{desk}", 420 + round(500 * uniform("long", when, desk)),
                    "0.07" if silent else f"{0.97 + 0.03 * uniform('heard', when):.3f}",
                    f"{0.99 + 0.01 * uniform('seen', when):.3f}", 2, 4, 4, 1, 1,
                    hashlib.sha256(f"{SEED}|{desk}|{when}".encode()).hexdigest()[:16],
                )  # fmt: skip
                taken.append(row)
            total[desk] += is_day(day, 8) and desk == 2
            booked.append((stamp(at(day, 17, 50)), f"D-{desk}", total[desk]))
    return sorted(taken), sorted(booked)


def recorder() -> Iterator[Row]:
    """The recorder's word every hour, and when it stops."""
    yield (
        "time",
        "recorder",
        "rec_on",
        "online",
        "channels",
        "oldest_days",
        "keep_days",
        "clock_error",
    )
    rows: list[Row] = []
    for day in days():
        for hour in range(24):
            on = int(not (is_day(day, 14) and hour in {10, 11, 12}))
            error = f"{normal(0.2, 0.4, 'clock', day, hour):.2f}"
            rows.append((stamp(at(day, hour)), "NVR-1", on, 16 * on, 16, 45, 30, error))
            if not on:
                rows.append((stamp(at(day, hour, 10)), "NVR-1", 0, 0, 16, 45, 30, error))
    yield from sorted(rows)


def assets() -> Iterator[Row]:
    """What readers hear, six times a day, and the book's place once."""
    yield ("time", "asset", "reader_zone", "book_zone")
    rows: list[Row] = []
    for day in days():
        for n in range(1, 13):
            name, home = f"A-{n:02}", COUNTER if n < 9 else LOBBY
            if name == "A-09" and day > date(2024, 3, 5):
                continue
            for k, hour in enumerate((2, 6, 9, 12, 15, 20)):
                zone = home
                if name == "A-03" and (day, hour) >= (date(2024, 3, 13), 12):
                    zone = LOBBY
                if uniform("stray", day, name, hour) < 1 / 30:
                    zone = 3 - zone
                booked = home if k == 0 and day == FIRST else ""
                rows.append((stamp(at(day, hour, 4 * uniform(name))), name, zone, booked))
    yield from sorted(rows)


def write(name: str, rows: Iterable[Row], folder: Path) -> None:
    """Write one CSV file with Unix line ends."""
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def main(folder: Path = HERE) -> None:
    """Write all files into a folder."""
    counts, register = custody()
    taken, booked = sales()
    write("lobby.csv", lobby(), folder)
    write("vault.csv", vault(), folder)
    write("passages.csv", passages(), folder)
    write("cabinets.csv", [("time", "item", "in_box", "gate_zone"), *counts], folder)
    write("register.csv", [("time", "item", "held_by", "accepted", "approved"), *register], folder)
    write("vouchers.csv", vouchers(), folder)
    write("invoices.csv", invoices(), folder)
    write("doors.csv", cabinet(), folder)
    head = ("time", "desk", "length_s", "audio_ok", "video_ok", "faces", "prompts",
            "prompts_needed", "confirmed", "archived", "clip_sha256")  # fmt: skip
    write("recordings.csv", [head, *taken], folder)
    write("sales.csv", [("time", "desk", "sales"), *booked], folder)
    write("recorder.csv", recorder(), folder)
    write("assets.csv", assets(), folder)


if __name__ == "__main__":
    main()
