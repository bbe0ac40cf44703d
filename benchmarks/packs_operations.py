"""The operations pack's figures on generated days: loitering, custody gaps, recordings, register.

No real log of a branch is public, so all days are generated, with the assumptions that stand in the
head of examples/operations/generate.py and below. Settings were chosen on seeds 1 to 20; what is
printed is of other seeds. Prints one JSON object.

    .venv/bin/python benchmarks/packs_operations.py
"""

import csv
import importlib.util
import itertools
import json
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.home import Home
from wuxin.packs.operations.custody import Sources, gaps
from wuxin.packs.operations.recordings import failed
from wuxin.packs.operations.register import settled
from wuxin.packs.operations.zones import Observed, unexplained
from wuxin.terms.clock import DAY, HOUR, MINUTE, SECOND
from wuxin.terms.standards import Series
from wuxin.wire.recording import open_recording

EXAMPLE: Final = Path(__file__).resolve().parents[1] / "examples/operations/generate.py"
JUDGED: Final = range(21, 141)
LIMIT: Final = 600 * SECOND
PLACES: Final = 2
AT_ONCE: Final = ("loitering", "loitering_present")
COLUMNS: Final = ("persons", "confidence", "service", "badges", "dwell", "dwell_limit")
UNITS: Final = {"dwell": "s", "dwell_limit": "s"}
MANIFEST: Final = (
    """pack = "operations"
timezone = "UTC"
[[stream]]
file = "lobby.csv"
time = { column = "time", format = "iso", timezone = "UTC" }
thing = { kind = "zone", fixed = "Z", parent = { kind = "branch", fixed = "B" } }
[stream.readings]
"""
    + "".join(f'{c} = {{ column = "{c}", unit = "{UNITS.get(c, "1")}" }}\n' for c in COLUMNS)
    + """[[thing]]
kind = "zone"
id = "Z"
parent = "branch:B"
facts = { number = 1, places = 2 }
"""
)

Alarm = tuple[int, int]


class Lobby(NamedTuple):
    """A generated day: what is seen, for how long the camera follows, and the loiterer's stay."""

    seen: Observed
    dwell: NDArray[np.float64]
    loiterer: Alarm | None


def generator() -> ModuleType:
    """The example's generator, with its lobby."""
    spec = importlib.util.spec_from_file_location("generate_branch", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lobby(made: ModuleType, seed: int) -> Lobby:
    """A day; every even seed has one who loiters for 15 to 30 minutes."""
    visits = made.visits(seed, loiter=0 if seed % 2 else 900 + 60 * (seed % 16))
    looks = made.looks(seed, visits)
    t = np.array([look.second * SECOND for look in looks], np.int64)
    persons, sure, served, badges, dwell = (
        np.array([float(getattr(look, name)) for look in looks])
        for name in ("persons", "confidence", "service", "badges", "dwell")
    )
    who = [(round(v.start * SECOND), round(v.end * SECOND)) for v in visits if v.loiters]
    return Lobby(Observed(t, persons, sure, served, badges), dwell, who[0] if who else None)


def runs(t: NDArray[np.int64], held: NDArray[np.bool_]) -> list[Alarm]:
    """Runs of observations in which a condition held, a minute apart at most."""
    found: list[Alarm] = []
    for at in t[held].tolist():
        if found and at - found[-1][1] <= MINUTE:
            found[-1] = (found[-1][0], at)
        else:
            found.append((at, at))
    return found


def plain(day: Lobby) -> list[Alarm]:
    """An alarm by the time for which the camera has followed somebody, and nothing else."""
    return runs(day.seen.t, day.dwell * SECOND > LIMIT)


def judged(days: Sequence[Lobby], folder: Path) -> list[dict[str, list[Alarm]]]:
    """What the house itself finds when the days are replayed: alarms by rule, day by day."""
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    with (folder / "lobby.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("time", *COLUMNS))
        for n, day in enumerate(days):
            for t, dwell, *values in zip(day.seen.t, day.dwell, *day.seen[1:], strict=True):
                at = begin + timedelta(days=n, seconds=int(t) // SECOND)
                rows.writerow((at.isoformat(), *values, dwell, LIMIT // SECOND))
    (folder / "r.toml").write_text(MANIFEST, "utf-8")
    found: list[dict[str, list[Alarm]]] = [{} for _ in days]
    with Home(folder / "home") as home:
        for _ in home.replay(open_recording(folder / "r.toml")):
            pass
        for row in home.book.findings(home.tenant, {}):
            start, end = row["since"] - int(begin.timestamp()) * SECOND, row["cleared"]
            day, within = divmod(start, DAY)
            until = DAY if end is None else end - int(begin.timestamp()) * SECOND - day * DAY
            found[day].setdefault(row["rule"], []).append((within, until))
    return found


def scored(days: Sequence[Lobby], alarms: Sequence[Sequence[Alarm]]) -> tuple[int, int, int]:
    """False alarms, loiterers found, and how many there were."""
    false = found = there = 0
    for day, told in zip(days, alarms, strict=True):
        who = day.loiterer
        hits = [a for a in told if who is not None and a[0] < who[1] and a[1] > who[0]]
        false, found, there = false + len(told) - len(hits), found + bool(hits), there + bool(who)
    return false, found, there


def model(day: Lobby) -> list[Alarm]:
    """The model ``zones``: presence that nothing explains."""
    found = unexplained(day.seen, places=PLACES)
    return [(span.start, span.end) for span in found if span.length > LIMIT]


def loitering() -> list[dict[str, Any]]:
    """Plain alarm, the house's rules and the model on days that no setting was chosen on."""
    made = generator()
    days = [lobby(made, seed) for seed in JUDGED]
    before = scored(days, [plain(day) for day in days])
    with tempfile.TemporaryDirectory() as name:
        told = judged(days, Path(name))
    at_once = [[a for rule in AT_ONCE for a in one.get(rule, ())] for one in told]
    followed = scored(days, [one.get("loitering", []) for one in told])
    midnight = [bool(one.get("loitering_stays")) for one in told]
    # A finding that stands over several midnights is one, so the model's own days are counted too.
    own = [model(day) for day in days]
    if any(seen and not spans for seen, spans in zip(midnight, own, strict=True)):
        raise SystemExit("the house found a stay that the model did not")
    found = []
    for what, (false, hits, there) in (
        ("rules, at once", scored(days, at_once)), ("model, at the day's end", scored(days, own)),
    ):  # fmt: skip
        found.append(figure(
            f"loitering, {what}: false alarms a day; found",
            f"{false / len(days):.3f}; {hits} of {there}",
            aim="at most 0.1; 9 of 10",
            reference=f"time in the area alone: {before[0] / len(days):.2f}; {before[1]} of {there}"
            f" (rule `loitering` alone: {followed[0] / len(days):.3f}; {followed[1]} of {there})",
            holds=false <= 0.1 * len(days) and hits >= 0.9 * there,
            data=f"{len(days)} generated lobby days, seeds {JUDGED[0]} to {JUDGED[-1]}",
        ))  # fmt: skip
    return found


def custody() -> list[dict[str, Any]]:
    """Gaps of things that are taken twice a day; some are signed for late, or never.

    A cabinet counts every hour and misses a tag in one of 200 rounds; it tells a thing gone when
    two rounds in a row missed it, or its door opened. Signing takes 5 to 100 s; one in 25 times it
    takes 5 to 90 minutes.
    """
    dice = np.random.default_rng(2024)
    planted, told, wrong, days = 0, 0, 0, 2000
    for _ in range(days):
        said, open_for = _thing(dice)
        found = gaps(said, start=0, end=DAY)
        minutes = sorted(span.length // MINUTE for span in found)
        want = sorted(one // MINUTE for one in open_for)
        planted += len(want)
        matched = minutes == want
        told += len(want) if matched else 0
        wrong += 0 if matched else max(0, len(minutes) - len(want))
    return [figure(
        "custody gaps found, to the minute; false ones", f"{told} of {planted}; {wrong}",
        aim="all; at most 1 in 1,000 days", reference=f"{planted} planted",
        holds=told >= 0.999 * planted and wrong <= days / 1000,
        data=f"{days:,} generated days of one thing",
    )]  # fmt: skip


def _thing(dice: np.random.Generator) -> tuple[Sources, list[int]]:
    counts, held, signed, planted = [], [], [], []
    outs = [(8 * HOUR + int(dice.integers(HOUR)), 12 * HOUR), (13 * HOUR + 60, 17 * HOUR)]
    missed = dice.random(25) < 1 / 200
    for hour in range(24):
        at = hour * HOUR + 55 * MINUTE
        gone = any(a <= at < b for a, b in outs) or (missed[hour] and missed[hour + 1])
        counts.append((at, float(not gone)))
    for out, back in outs:
        late = bool(dice.random() < 1 / 25)
        takes = int(dice.integers(300, 5400) if late else dice.integers(5, 100)) * SECOND
        counts += [(out, 0.0), (back, 1.0)]
        held += [(out, 7.0), (back, 0.0)]
        signed += [(out, 0.0), (out + takes, 1.0), (back, 0.0)]
        planted += [takes] if late else []
    return Sources(*(_series(rows) for rows in (counts, held, signed))), planted


def _series(rows: list[tuple[int, float]]) -> Series:
    ordered = sorted(rows)
    return Series(np.array([t for t, _ in ordered], np.int64), np.array([v for _, v in ordered]))


FAULTS: Final = {
    "too_short": ("session_length", 5, 55), "no_sound": ("audio_share", 0, 0.9),
    "no_picture": ("video_share", 0, 0.95), "not_together": ("faces_seen", 0, 1.9),
    "prompt_missing": ("prompts_read", 0, 3.9), "not_confirmed": ("customer_confirmed", 0, 0.9),
    "not_stored": ("clip_stored", 0, 0.9),
}  # fmt: skip
"""Which figure a fault lowers, and between which values."""


def recordings() -> list[dict[str, Any]]:
    """Sound recordings, and one fault of each kind on others; a tenth lack a figure."""
    dice = np.random.default_rng(110)
    names = [*FAULTS]
    right = passed = 0
    faulty, sound = 1400, 1400
    for k in range(faulty + sound):
        taken = {
            "session_length": float(dice.uniform(180, 1200)),
            "audio_share": float(dice.uniform(0.955, 1)),
            "video_share": float(dice.uniform(0.985, 1)), "faces_seen": 2.0, "prompts_read": 4.0,
            "prompts_required": 4.0, "customer_confirmed": 1.0, "clip_stored": 1.0,
        }  # fmt: skip
        if k < sound:
            passed += failed(taken) == ()
            continue
        name = names[k % len(names)]
        figure_name, low, high = FAULTS[name]
        if dice.random() < 0.1:
            del taken[figure_name]
        else:
            whole = figure_name not in {"session_length", "audio_share", "video_share"}
            value = float(dice.uniform(low, high))
            taken[figure_name] = float(int(value)) if whole else value
        right += failed(taken) == (name,)
    return [figure(
        "double recordings: faults named; sound ones that pass",
        f"{right} of {faulty}; {passed} of {sound}", aim="all; all",
        reference="seven checks, one planted fault each", holds=right == faulty and passed == sound,
        data=f"{faulty + sound:,} generated recordings",
    )]  # fmt: skip


def register() -> list[dict[str, Any]]:
    """Tags that are read six times a day for twelve days; one read in 30 is of the next room."""
    dice = np.random.default_rng(35)
    moved = found = false = plain_false = 0
    tags = 2000
    for k in range(tags):
        home = np.full(72, 2.0)
        if k % 4 == 0:
            home[int(dice.integers(10, 60)) :] = 1.0
        stray = dice.random(72) < 1 / 30
        zone = np.where(stray, 3 - home, home)
        entries = settled(Series(np.arange(72) * 4 * HOUR, zone))
        moves = int((np.diff(home) != 0).sum())
        moved += moves
        made = sum(a.zone != b.zone for a, b in itertools.pairwise(entries))
        found += min(moves, made) if entries[-1].zone == home[-1] else 0
        false += max(0, made - moves)
        plain_false += int((np.diff(zone) != 0).sum()) - moves
    return [figure(
        "register: moves followed; moves that were none", f"{found} of {moved}; {false}",
        aim="all; fewer than 1 % of what every reading would move",
        reference=f"every reading moves it: {plain_false} that were none",
        holds=found >= 0.99 * moved and false < 0.01 * plain_false,
        data=f"{tags:,} generated tags, 12 days",
    )]  # fmt: skip


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


def main() -> None:
    """Measure and print."""
    figures = [*loitering(), *custody(), *recordings(), *register()]
    print(json.dumps({"pack": "operations", "figures": figures}, ensure_ascii=False))


if __name__ == "__main__":
    main()
