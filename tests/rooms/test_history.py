"""The history: what came is kept once, found on two clocks, and survives a crash at any point."""

import shutil
import threading
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wuxin.stores import columns, compaction, manifest, merging
from wuxin.stores.history import History
from wuxin.terms import durable
from wuxin.terms.clock import HOUR, MINUTE
from wuxin.terms.names import ThingKey
from wuxin.terms.records import UNUSABLE, Refusal

THINGS = [ThingKey("meter", "m-2"), ThingKey("meter", "m-1"), ThingKey("lot", "仓-1")]
INDICATORS = ["power", "energy"]
SMALL = compaction.Sizes(span=12, block=5, memory=40, late=3, files=2, wide=60)
Row = tuple[int, int, int, float, int]
"""Thing, indicator, event time (ns), value, quality."""


def part(rows: Sequence[Row]) -> Any:
    """Rows as the kernel leaves them."""
    thing, indicator, time, value, quality = zip(*rows, strict=True)
    count = np.arange(len(rows))
    return SimpleNamespace(
        thing=np.array(thing, np.int32), indicator=np.array(indicator, np.int32),
        event_time=np.array(time, np.int64), value=np.array(value, np.float64),
        quality=np.array(quality, np.uint8), first=count, last=count + 1,
    )  # fmt: skip


def bring(history: History, batch: int, *, rows: Sequence[Row]) -> None:
    """Add one batch."""
    parts = [part(rows)] if rows else []
    history.add(batch, parts, pack="energy", things=THINGS, indicators=INDICATORS)


def stored(history: History) -> list[dict[str, Any]]:
    """All rows, in order."""
    order = "pack, kind, thing, indicator, event_time, batch, first"
    said = f"SELECT * FROM readings ORDER BY {order}"  # noqa: S608 - fixed texts
    return history.query(said).to_pylist()


def found(history: History, at: int, *, known: int | None = None) -> list[tuple[Any, ...]]:
    """The state of the fleet, as tuples."""
    return [tuple(r.values()) for r in history.as_of("energy", at, batch=known).to_pylist()]


def scanned(rows: Sequence[tuple[int, Row]], at: int, *, known: int) -> list[tuple[Any, ...]]:
    """The same, plainly, from rows (batch, row) in the order in which they came."""
    best: dict[tuple[str, str, str], tuple[int, int, float, int]] = {}
    for batch, (thing, indicator, time, value, quality) in rows:
        if time <= at and batch <= known and not quality & int(UNUSABLE):
            key = (*THINGS[thing], INDICATORS[indicator])
            if key not in best or (time, batch) >= best[key][:2]:
                best[key] = (time, batch, value, quality)
    in_order = sorted(best.items(), key=lambda kv: [t.encode() for t in kv[0]])
    return [("energy", *k, t, v, q, b) for k, (t, b, v, q) in in_order]


def day(hours: int = 6, each: int = 4) -> list[list[Row]]:
    """Batches of one hour each; the value says where it stands."""
    return [
        [(n % 3, n % 2, h * HOUR + n * MINUTE, h + n / 100, 0) for n in range(each)]
        for h in range(hours)
    ]


def filled(folder: Path, batches: Sequence[Sequence[Row]]) -> History:
    """A history with batches from 1, each flushed and compacted."""
    history = History(folder, sizes=SMALL)
    for number, rows in enumerate(batches, 1):
        bring(history, number, rows=rows)
        history.flush()
        history.compact()
    return history


TIMES = st.one_of(
    st.integers(0, 8 * HOUR - 1),
    st.integers(0, 8).map(lambda h: h * HOUR),
    st.sampled_from([-(2**63), -1, 2**63 - 1]),
)
ROWS = st.tuples(
    st.integers(0, 2), st.integers(0, 1), TIMES, st.floats(-9, 9),
    st.sampled_from([0, 0, 0, 1, 8, 16, 32, 128]),
)  # fmt: skip
BATCHES = st.lists(
    st.tuples(st.lists(ROWS, max_size=12), st.sampled_from(["", "", "flush", "compact", "again"])),
    max_size=10,
)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(batches=BATCHES, asked=st.lists(st.tuples(TIMES, st.integers(0, 11)), max_size=8))
def test_as_of_is_what_a_plain_scan_finds(
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[tuple[list[Row], str]],
    asked: list[tuple[int, int]],
) -> None:
    folder = tmp_path_factory.mktemp("history")
    history = History(folder, sizes=SMALL)
    came: list[tuple[int, Row]] = []
    for number, (rows, then) in enumerate(batches, 1):
        bring(history, number, rows=rows)
        came += [(number, row) for row in rows]
        if then:
            history.flush()
        if then in ("compact", "again"):
            history.compact()
        if then == "again":
            history = History(folder, sizes=SMALL)
    for at, known in asked:
        assert found(history, at, known=known) == scanned(came, at, known=known)
    assert found(history, 2**63 - 1) == scanned(came, 2**63 - 1, known=99)
    assert len(stored(history)) == len(came)
    shutil.rmtree(folder)


def test_states_between_the_hours_spare_as_of_the_hours_before(tmp_path: Path) -> None:
    history = filled(tmp_path, day(8, 12))
    files: list[str] = []
    read = columns.read

    def noted(path: Path, *args: Any, **named: Any) -> Any:
        files.append(path.name)
        return read(path, *args, **named)

    at = 7 * HOUR + 30 * MINUTE
    came = [(n, r) for n, rows in enumerate(day(8, 12), 1) for r in rows]
    with patch.object(columns, "read", noted):
        assert found(history, at) == scanned(came, at, known=99)
    assert len([n for n in files if n.startswith("latest")]) == 1
    assert len([n for n in files if n.startswith("block")]) <= 2, files


def test_what_is_pending_is_found_like_what_is_on_disk(tmp_path: Path) -> None:
    history = History(tmp_path)
    bring(history, 1, rows=[(0, 0, 5, 1.5, 0), (1, 1, 3, 2.5, 1)])
    history.refuse(1, [Refusal(source="s", line=3, column="c", text="x", reason="bad")])
    assert (history.pending, history.durable) == (2, 0)
    before = stored(history), history.last(("energy", "meter", "m-2")).to_pylist()
    refused = history.query("SELECT * FROM refused").to_pylist()
    history.flush()
    assert (history.pending, history.durable) == (0, 1)
    assert (stored(history), history.last(("energy", "meter", "m-2")).to_pylist()) == before
    assert history.query("SELECT * FROM refused").to_pylist() == refused
    history.compact()
    assert (stored(history), history.last(("energy", "meter", "m-2")).to_pylist()) == before
    assert stored(History(tmp_path)) == before[0]


def test_a_batch_without_readings_is_durable_too(tmp_path: Path) -> None:
    history = History(tmp_path)
    bring(history, 7, rows=[])
    history.flush()
    assert history.durable == 7
    assert History(tmp_path).durable == 7


def test_what_was_not_flushed_is_gone_and_can_be_added_again(tmp_path: Path) -> None:
    history = History(tmp_path)
    bring(history, 1, rows=[(0, 0, 5, 1.0, 0)])
    history.flush()
    bring(history, 2, rows=[(0, 0, 6, 2.0, 0)])
    again = History(tmp_path)
    again.forget_after(again.durable)
    bring(again, 1, rows=[(0, 0, 5, 1.0, 0)])  # durable: not taken twice
    bring(again, 2, rows=[(0, 0, 6, 2.0, 0)])
    assert [r["value"] for r in stored(again)] == [1.0, 2.0]


@pytest.mark.parametrize("after", range(7))
def test_forgotten_batches_vanish_and_replay_brings_each_row_once(
    tmp_path: Path, after: int
) -> None:
    history = filled(tmp_path, day())
    expected = stored(history), found(history, 9 * HOUR, known=4)
    again = History(tmp_path, sizes=SMALL)
    again.forget_after(after)
    assert again.durable == after
    assert stored(again) == [r for r in expected[0] if r["batch"] <= after]
    for number, rows in enumerate(day(), 1):
        if number > after:
            bring(again, number, rows=rows)
    assert stored(again) == expected[0]
    again.flush()
    again.compact()
    assert (stored(again), found(again, 9 * HOUR, known=4)) == expected


class Crash(BaseException):
    """The process ends here."""


def crashing_at(step: int) -> Any:
    """Make the numbered step that changes the folder the last one, before it or half done."""
    left = [step]

    def spoiled(real: Any) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise Crash
            return real(*args, **named)

        return call

    return (
        patch.object(durable, "settle", spoiled(durable.settle)),
        patch.object(durable.os, "fsync", spoiled(durable.os.fsync)),
        patch.object(Path, "replace", spoiled_method(left)),
        patch.object(Path, "unlink", spoiled_method(left, "unlink")),
    )


def spoiled_method(left: list[int], name: str = "replace") -> Any:
    """A method of a path that ends the process when its turn comes."""
    real = getattr(Path, name)

    def call(self: Path, *args: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            raise Crash
        return real(self, *args, **named)

    return call


@pytest.mark.parametrize("deed", ["flush", "compact", "forget"])
def test_a_crash_at_any_step_neither_loses_nor_doubles_a_row(tmp_path: Path, deed: str) -> None:
    start = tmp_path / "start"
    history = filled(start, day(4, 12))
    late: list[list[Row]] = [
        [(0, 0, 2 * HOUR + n, float(n), 0) for n in range(9)],
        [(1, 1, 5 * HOUR + n, float(n), 0) for n in range(9)],
    ]
    for number, rows in enumerate(late, 5):
        bring(history, number, rows=rows)
        history.refuse(number, [Refusal(source="s", line=number, column="", text="", reason="r")])
        if deed != "flush":
            history.flush()
    expected = stored(history), found(history, 9 * HOUR, known=5)
    crashes = 0
    for step in range(1, 200):
        folder = tmp_path / f"{deed}-{step}"
        shutil.copytree(start, folder)
        if _spoiled(folder, deed, late=late, step=step):
            break
        crashes += 1
        again = History(folder, sizes=SMALL)
        upto = again.durable
        again.forget_after(upto)
        assert upto in {"flush": (4, 6), "compact": (6,), "forget": (2, 6)}[deed]
        for number, rows in enumerate([*day(4, 12), *late], 1):
            bring(again, number, rows=rows)
        assert (stored(again), found(again, 9 * HOUR, known=5)) == expected
        names = {p.name for p in folder.glob("*.parquet*")}
        assert names == manifest.load(folder).names
    assert crashes >= 6


def _spoiled(folder: Path, deed: str, *, late: Sequence[Sequence[Row]], step: int) -> bool:
    """Do a deed that crashes at a step; whether it came to its end."""
    history = History(folder, sizes=SMALL)
    if deed == "flush":
        for number, rows in enumerate(late, 5):
            bring(history, number, rows=rows)
            history.refuse(number, [Refusal(source="s", line=5, column="", text="", reason="r")])
    deeds = {"flush": history.flush, "compact": history.compact,
             "forget": lambda: history.forget_after(2)}  # fmt: skip
    one, two, three, four = crashing_at(step)
    try:
        with one, two, three, four:
            deeds[deed]()
    except Crash:
        return False
    return True


def test_late_rows_stand_in_a_file_of_their_own_until_they_are_many(tmp_path: Path) -> None:
    history = filled(tmp_path, day(2, 12))
    bring(history, 3, rows=[(0, 0, 7, 1.0, 0)])
    history.flush()
    history.compact()
    spans = manifest.load(tmp_path).spans
    assert [len(s.files) for s in spans] == [2, 1]
    for number in range(4, 9):
        bring(history, number, rows=[(0, 0, 7 + number, 1.0, 0)])
        history.flush()
        history.compact()
    spans = manifest.load(tmp_path).spans
    assert len(spans[0].files) < 4
    assert len(stored(history)) == 24 + 6
    assert not manifest.load(tmp_path).fresh


def test_full_spans_become_wide_and_answer_the_same_with_late_rows_and_corrections(
    tmp_path: Path,
) -> None:
    wide, narrow = tmp_path / "wide", tmp_path / "narrow"
    batches = day(14, 12)
    batches += [[(0, 0, 3 * HOUR + 1, 7.0, 0), (0, 0, 9 * HOUR, -7.0, 0)]]  # late, and corrected
    histories = [filled(wide, batches), History(narrow, sizes=SMALL._replace(wide=0))]
    for number, rows in enumerate(batches, 1):
        bring(histories[1], number, rows=rows)
        histories[1].flush()
        histories[1].compact()
    spans = [manifest.load(folder).spans for folder in (wide, narrow)]
    assert max(s.files[0].rows for s in spans[0]) >= 4 * SMALL.span
    assert len(spans[0]) < len(spans[1])
    assert stored(histories[0]) == stored(histories[1])
    came = [(n, r) for n, rows in enumerate(batches, 1) for r in rows]
    for at, known in ((3 * HOUR + 2, 14), (3 * HOUR + 2, 15), (9 * HOUR, 14), (9 * HOUR, 15)):
        assert found(histories[0], at, known=known) == scanned(came, at, known=known)
    span = (2 * HOUR, 10 * HOUR)
    for thing in ("m-1", "m-2"):
        for then in (None, 14, 5):
            one, two = (
                h.last(("energy", "meter", thing), span=span, as_of=then) for h in histories
            )
            assert one.to_pylist() == two.to_pylist()
    histories[0].forget_after(6)
    assert {r["batch"] for r in stored(histories[0])} == set(range(1, 7))
    assert found(histories[0], 9 * HOUR) == scanned(came, 9 * HOUR, known=6)


def test_what_comes_between_two_questions_is_in_the_second_answer(tmp_path: Path) -> None:
    history = History(tmp_path, sizes=SMALL)
    came: list[tuple[int, Row]] = []
    rows: list[list[Row]] = [
        [(0, 0, 5, 1.0, 0)],
        [(1, 1, 6, 2.0, 0)],  # a series that no file knows
        [(0, 0, 5, 3.0, 0)],  # a correction
        [(2, 0, 4, 4.0, 0), (0, 0, 3, 5.0, 0)],  # a late one
    ]
    for number, some in enumerate(rows * 3, 1):
        bring(history, number, rows=some)
        came += [(number, row) for row in some]
        for known in (number, number - 1):
            assert found(history, 9, known=known) == scanned(came, 9, known=known)
        if number in (2, 7):
            history.flush()
            assert found(history, 9) == scanned(came, 9, known=number)


def test_rows_of_many_files_come_a_share_of_the_series_at_a_time(tmp_path: Path) -> None:
    rows: list[list[Row]] = [
        [(n % 3, n % 2, h * HOUR + n, float(n), 0) for n in range(3000)] for h in range(8)
    ]
    with patch.object(columns, "GROUP_ROWS", 100):
        filled(tmp_path, rows)
        names = [tmp_path / f.name for f in manifest.load(tmp_path).data]
        parts = [p.column("series").to_numpy() for p in merging.by_series(names, most=5000)]
    assert sum(map(len, parts)) == 24000
    assert len(parts) > 2
    assert all(a[-1] < b[0] for a, b in pairwise(parts))


def test_an_outlier_in_the_far_future_does_not_swallow_the_hours_before(tmp_path: Path) -> None:
    history = filled(tmp_path, [[(0, 0, 2**62, 1.0, 0)], *day(8, 12)])
    spans = manifest.load(tmp_path).spans
    assert len(spans) >= 3
    assert [s.rows for s in spans][-1] == 1
    assert all(a.high <= b.low for a, b in pairwise(spans))
    assert len(stored(history)) == 1 + 8 * 12


def test_one_thing_over_a_span_is_what_sql_finds(tmp_path: Path) -> None:
    history = filled(tmp_path, day(6, 12))
    bring(history, 7, rows=[(0, 0, 2 * HOUR + 1, 5.0, 0)])
    where = "thing = 'm-2' AND event_time >= $a AND event_time < $b AND batch <= $n"
    for known in (None, 3):
        given = {"a": HOUR, "b": 4 * HOUR, "n": known or 99}
        said = f"SELECT * FROM readings WHERE {where} "  # noqa: S608 - fixed texts
        said += "ORDER BY indicator, event_time, batch"
        answer = history.last(("energy", "meter", "m-2"), span=(HOUR, 4 * HOUR), as_of=known)
        assert answer.to_pylist() == history.query(said, given).to_pylist()
        assert answer.num_rows
    only = history.last(("energy", "meter", "m-2"), indicator="energy")
    assert set(only.column("indicator").to_pylist()) == {"energy"}
    assert history.last(("energy", "lot", "m-2")).num_rows == 0
    assert history.last(("energy", "lot", "仓-1")).num_rows > 0


def test_buckets_count_every_reading_once(tmp_path: Path) -> None:
    history = filled(tmp_path, day(6, 12))
    found = history.buckets(("energy", "meter", "m-2"), "power", span=(None, None), points=5)
    expected = [r for r in stored(history) if (r["thing"], r["indicator"]) == ("m-2", "power")]
    assert sum(row[4] for row in found) == len(expected)
    assert len(found) <= 5
    assert min(row[1] for row in found) == min(r["value"] for r in expected)
    assert not history.buckets(("energy", "meter", "none"), "power", span=(None, None), points=5)


def test_another_process_sees_what_is_flushed_and_compacted(tmp_path: Path) -> None:
    writer, reader = History(tmp_path, sizes=SMALL), History(tmp_path, sizes=SMALL)
    for number, rows in enumerate(day(6, 12), 1):
        bring(writer, number, rows=rows)
        assert len(stored(reader)) == 12 * (number - 1)
        writer.flush()
        assert stored(reader) == stored(writer)
        writer.compact()
        assert stored(reader) == stored(writer)


def test_readers_never_see_a_row_twice_or_not_at_all_while_files_change(tmp_path: Path) -> None:
    history = History(tmp_path, sizes=SMALL)
    told, wrong, done = [0], list[Any](), threading.Event()

    def look() -> None:
        while not done.is_set():
            least = told[0]
            rows = history.query("SELECT batch FROM readings").column(0).to_pylist()
            counts = np.bincount(rows, minlength=least + 1)[1:]
            one = history.last(("energy", "meter", "m-2")).num_rows
            if set(counts.tolist()) - {12} or len(counts) < least or one < 4 * least:
                wrong.append((least, counts.tolist(), one))

    readers = [threading.Thread(target=look) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number, rows in enumerate(day(30, 12), 1):
        bring(history, number, rows=rows)
        told[0] = number
        if number % 2:
            history.flush()
        if number % 3 == 0:
            history.compact()
    done.set()
    for reader in readers:
        reader.join()
    assert not wrong
