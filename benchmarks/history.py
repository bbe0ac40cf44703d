"""How long the history takes to answer on two clocks, with 100 million readings in it.

    python benchmarks/history.py [--small | --through] [--keep] [DIRECTORY]

50,000 things with 8 indicators each report 250 times in 24 hours (with --small: 2,500 things); one
in a hundred of them reports five minutes late. With --small and --through, readings take the way
they take in the house: added in batches, flushed every half million, compacted every two million.
Otherwise they are written as compaction leaves them, which takes less time. Then, warm: the last
24 hours of one thing, and the latest value of every series of the whole fleet as of a moment. Each
question is about another thing, or another moment of the 24 hours. Prints one JSON object.
"""

import argparse
import json
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa

from wuxin.stores import columns, compaction, manifest
from wuxin.stores.history import History
from wuxin.stores.manifest import Manifest, Span
from wuxin.terms.clock import DAY, HOUR, MINUTE, SECOND
from wuxin.terms.names import ThingKey

INDICATORS = [f"indicator_{n}" for n in range(8)]
POINTS, START, BATCH = 250, 1_767_225_600 * SECOND, 50_000
FLUSHED, COMPACTED = 500_000, 2_000_000


def batches(things: int) -> Iterator[Any]:
    """Batches of readings as the kernel leaves them, in order of arrival; some are late."""
    dice = np.random.default_rng(7)
    base = dice.uniform(20, 400, (things, len(INDICATORS)))
    offset = dice.integers(0, 300_000, things) * (SECOND // 1000)
    number, waiting = 0, np.empty((0, 2), np.int64)
    for point in range(POINTS):
        time_of = START + point * (DAY // POINTS) + offset
        late = dice.random(things) < 0.01
        rows = np.stack([np.arange(things), time_of], axis=1)
        arrived = np.concatenate([waiting, rows[~late]])
        waiting = rows[late]
        if point == POINTS - 1:
            arrived = np.concatenate([arrived, waiting])
        for start in range(0, len(arrived), BATCH // len(INDICATORS)):
            some = arrived[start : start + BATCH // len(INDICATORS)]
            number += 1
            yield _part(some, base, dice=dice, number=number)


def _part(some: Any, base: Any, *, dice: Any, number: int) -> Any:
    count = len(INDICATORS)
    value = np.round(base[some[:, 0]] + dice.normal(0, 2, (len(some), count)), 2)
    line = np.repeat(np.arange(len(some)), count) + (number << 32)
    return SimpleNamespace(
        thing=np.repeat(some[:, 0], count).astype(np.int32),
        indicator=np.tile(np.arange(count, dtype=np.int32), len(some)),
        event_time=np.repeat(some[:, 1], count), value=value.ravel(),
        quality=np.zeros(len(line), np.uint8), first=line, last=line,
    )  # fmt: skip


def fill(history: History, things: int) -> dict[str, float]:
    """Bring all readings in the way the house does; seconds spent in each step."""
    keys = [ThingKey("meter", f"meter-{n:06d}") for n in range(things)]
    spent, rows, since = {"add": 0.0, "flush": 0.0, "compact": 0.0}, 0, 0

    def timed(name: str, deed: Callable[[], None]) -> None:
        began = time.perf_counter()
        deed()
        spent[name] += time.perf_counter() - began

    def add(number: int, part: Any) -> None:
        history.add(number, [part], pack="bench", things=keys, indicators=INDICATORS)

    for number, part in enumerate(batches(things), 1):
        timed("add", lambda number=number, part=part: add(number, part))  # type: ignore[misc]
        rows, since = rows + len(part.value), since + len(part.value)
        if history.pending >= FLUSHED:
            timed("flush", history.flush)
        if since >= COMPACTED:
            since = 0
            timed("flush", history.flush)
            timed("compact", history.compact)
    timed("flush", history.flush)
    timed("compact", history.compact)
    return {"readings": rows, **{f"{k}_s": round(v, 1) for k, v in spent.items()}}


def lay(folder: Path, things: int) -> int:
    """Write all readings as compaction leaves them, an hour at a time; it makes the states itself.

    Returns:
        How many readings.
    """
    count, dice = len(INDICATORS), np.random.default_rng(7)
    base = dice.uniform(20, 400, (things, count))
    times = dice.integers(0, 300_000, things) * (SECOND // 1000) + START
    names = [["bench"], ["meter"], [f"meter-{n:06d}" for n in range(things)], INDICATORS]
    spans, total = [], 0
    for hour in range(START // HOUR, (START + DAY) // HOUR + 1):
        parts = []
        for point in range(POINTS):
            time_of = times + point * (DAY // POINTS)
            thing = np.flatnonzero(time_of // HOUR == hour)
            late = dice.random(len(thing)) < 0.01
            parts.append((thing, time_of[thing], point + 1 + late))
        thing, at, batch = (np.concatenate(p) for p in zip(*parts, strict=True))
        if not len(thing):
            continue
        value = np.round(base[thing] + dice.normal(0, 2, (len(thing), count)), 2).ravel()
        number = np.tile(np.arange(count, dtype=np.int32), len(thing))
        each = [np.repeat(a, count) for a in (thing, at, batch)]
        zero, refs = np.zeros(len(number), np.int32), (each[2] << 32) + np.arange(len(number))
        codes = [zero, zero, each[0].astype(np.int32), number]
        texts = [columns.coded(c, n) for c, n in zip(codes, names, strict=True)]
        numbers = [each[1], value, zero.astype(np.uint8), refs, refs, each[2],
                   (each[0] * count + number).astype(np.int32)]  # fmt: skip
        table = pa.table([*texts, *map(pa.array, numbers)], schema=columns.STORED)
        span = Span(hour, hour + 1, ())
        table = columns.in_order(table)
        blocks = compaction.blocks(span, table, enough=compaction.SIZES.block)
        file = compaction.stored(folder, f"hour-{hour}.parquet", table=table, parts=blocks)
        spans.append(Span(hour, hour + 1, (file,)))
        total += len(number)
    keys = [np.zeros(things * count, np.int32)] * 2
    keys += [np.repeat(np.arange(things, dtype=np.int32), count),
             np.tile(np.arange(count, dtype=np.int32), things)]  # fmt: skip
    texts = [columns.coded(c, n) for c, n in zip(keys, names, strict=True)]
    table = pa.table(texts, names=list(columns.KEY))
    columns.write(folder / "keys-0.parquet", [table], schema=table.schema)
    known = Manifest(POINTS + 1, 1, spans=tuple(spans), keys="keys-0.parquet")
    manifest.save(folder, known)
    History(folder).compact()
    return total


def measured(ask: Callable[[int], Any], times: int) -> dict[str, float]:
    """Milliseconds of one question asked so many times, after a tenth as many to warm up."""
    for n in range(max(times // 10, 3)):
        ask(n)
    taken = []
    for n in range(times):
        began = time.perf_counter()
        ask(n)
        taken.append((time.perf_counter() - began) * 1000)
    p50, p99 = np.percentile(taken, [50, 99])
    return {"p50_ms": round(float(p50), 2), "p99_ms": round(float(p99), 2), "best_ms":
            round(min(taken), 2), "asked": times}  # fmt: skip


def ask_all(history: History, things: int, *, batches: int) -> dict[str, Any]:
    """The questions, each about another thing or moment."""
    dice = np.random.default_rng(11)
    picked = dice.integers(0, things, 400)
    moments = START + dice.integers(0, DAY, 60)
    end = START + DAY + 5 * MINUTE
    span = (end - DAY - 5 * MINUTE, end)

    def one(n: int) -> None:
        found = history.last(("bench", "meter", f"meter-{picked[n]:06d}"), span=span)
        assert found.num_rows == POINTS * len(INDICATORS), found.num_rows

    def one_indicator(n: int) -> None:
        key = ("bench", "meter", f"meter-{picked[n]:06d}")
        found = history.last(key, span=span, indicator=INDICATORS[3])
        assert found.num_rows == POINTS, found.num_rows

    def in_sql(n: int) -> None:
        said = "SELECT * FROM readings WHERE thing = $thing AND event_time >= $since"
        given = {"thing": f"meter-{picked[n]:06d}", "since": span[0]}
        assert history.query(said, given).num_rows == POINTS * len(INDICATORS)

    def fleet(n: int) -> None:
        assert history.as_of("bench", int(moments[n])).num_rows

    def fleet_then(n: int) -> None:
        at = int(moments[n])
        history.as_of("bench", at, batch=max(1, int((at - START) / DAY * batches)))

    def fleet_now(_: int) -> None:
        assert history.as_of("bench", end).num_rows == things * len(INDICATORS)

    return {
        "one_thing_24h": measured(one, 400),
        "one_series_24h": measured(one_indicator, 200),
        "one_thing_24h_sql": measured(in_sql, 40),
        "fleet_as_of_any_time": measured(fleet, 60),
        "fleet_as_of_any_time_as_known_then": measured(fleet_then, 40),
        "fleet_now": measured(fleet_now, 20),
    }


def main() -> None:
    """Fill a history, ask it, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--through", action="store_true", help="the way of the house, for all")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("directory", nargs="?", type=Path)
    options = parser.parse_args()
    things = 2_500 if options.small else 50_000
    folder = Path(tempfile.mkdtemp(dir=options.directory))
    try:
        if options.small or options.through:
            history = History(folder)
            filled: dict[str, Any] = {"way": "added, flushed, compacted", **fill(history, things)}
        else:
            filled = {"way": "written as compacted", "readings": lay(folder, things)}
            history = History(folder)
        files = list(folder.glob("*.parquet"))
        told = {
            **filled,
            "things": things,
            "files": len(files),
            "bytes_per_reading": round(
                sum(f.stat().st_size for f in files) / filled["readings"], 2
            ),
            **ask_all(history, things, batches=history.durable),
            "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
        if options.keep:
            told["folder"] = str(folder)
        print(json.dumps(told, indent=1))
    finally:
        if not options.keep:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
