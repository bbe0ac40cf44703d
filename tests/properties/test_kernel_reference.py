"""Kernel and plain reference agree bit for bit; batches, threads and lanes make no difference."""

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rooms.rows import Said, rows_of
from wuxin.risk.rules import Compiled
from wuxin.terms.clock import HOUR, MINUTE, SECOND
from wuxin.terms.names import ThingKey
from wuxin.terms.records import Quality, Words
from wuxin.terms.standards import Device, Indicator, Kind, Rule
from wuxin.twin import layout, tables
from wuxin.twin import reference as plain
from wuxin.twin.layout import NEVER, Bounds
from wuxin.twin.registry import Registry
from wuxin.twin.twin import Event, Twin

W = Words("字", "word")
START = 500_000 * HOUR
YARD = ((0.0, 0.0), (0.0, 10.0), (10.0, 10.0), (10.0, 0.0))
NAMES = ("heat", "load", "latitude", "longitude", "inside_geofence", "silence")


def indicator(name: str, **more: Any) -> Indicator:
    derived = name in {"inside_geofence", "silence"}
    return Indicator(
        name, W, ("truck",), "1", "1", -50.0, 100.0, W, "i", "p", derived=derived, **more
    )


INDICATORS = {name: indicator(name) for name in NAMES}
INDICATORS["heat"] = indicator("heat", max_rate=0.5, stuck_after=2 * MINUTE)
KINDS = {"truck": Kind("truck", W), "shed": Kind("shed", W)}
DEVICE = Device(
    name="box", words=W, of="truck", feeds=NAMES, protocol="p", accuracy="a", resolution="r",
    period=MINUTE, allowed_silence=10 * MINUTE, synchrony="s", health=W, remote=W, emergency=W,
)  # fmt: skip


def rule(name: str, when: str, *, clear: str = "", minutes: int = 0, limit_of: str = "") -> Rule:
    return Rule(
        name=name, kind="truck", level="red", when=when, clear=clear, lasting=minutes * MINUTE,
        value="heat", limit=None, clear_limit=None, words=W, bank=W, enterprise=W, examples=(),
        limit_of=limit_of,
    )  # fmt: skip


RULES = [
    rule("hot", "heat > 60", clear="heat < 50", minutes=2),
    rule("hot_and_loaded", "heat > 40 AND load = 1", limit_of="load"),
    rule("steep", "rate(heat) > 0.2"),
    rule("mean", "avg_over_time(heat, '15 min') > 45", clear="avg_over_time(heat, '5 min') < 40"),
    rule("span", "max_over_time(heat, '10 min') - min_over_time(heat, '10 min') > 30"),
    rule("busy", "count_over_time(load, '5 min') >= 3 OR sum_over_time(load, '10 min') > 4"),
    rule("old", "age(load) > 120", minutes=1),
    rule("outside", "inside_geofence = 0"),
    rule("silent", "silence > 0"),
]
THINGS = [ThingKey("truck", f"T{n}") for n in range(5)]
BOUNDS = Bounds(START, START + 20 * HOUR, START + 5 * MINUTE, NEVER, derived=False)

VALUE = st.sampled_from([0.0, 1.0, 12.5, 39.0, 45.0, 55.0, 61.0, 100.0, 101.0, float("nan"), -0.0])
PLACE = st.sampled_from([-1.0, 0.0, 5.0, 9.999, 10.0, 11.0])
MESSAGE = st.builds(
    lambda thing, at, heat, load, place, run: Said(
        thing,
        START + at * SECOND,
        {
            **({0: heat} if heat is not None else {}),
            **({1: load} if load is not None else {}),
            **({2: place[0], 3: place[1]} if place is not None else {}),
        },
        *run,
    ),
    st.integers(0, len(THINGS) - 1),
    st.integers(-30, 120).map(lambda n: n * 20),
    st.none() | VALUE,
    st.none() | st.sampled_from([0.0, 1.0, 2.0]),
    st.none() | st.tuples(PLACE, PLACE),
    st.tuples(st.integers(1, 6), st.integers(-1, 70)),
)
MESSAGES = st.lists(MESSAGE, min_size=1, max_size=60)


def twin_of(rules: Sequence[Rule] = RULES, lanes: int = 1) -> Twin:
    registry = Registry(KINDS, INDICATORS, devices={"box": DEVICE})
    registry.enclose("yard", YARD)
    for key in THINGS:
        registry.register(key, source="s")
        registry.fence(key, "yard")
    compiled = Compiled({r.name: r for r in rules}, registry.number)
    built = tables.build(INDICATORS, list(KINDS), rules=compiled)
    threads = ThreadPoolExecutor(lanes) if lanes > 1 else None
    return Twin(registry, built, lanes=lanes, threads=threads, columns=compiled.columns)


def fed(twin: Twin, said: Sequence[Said], *, line: int = 0) -> tuple[list[Any], list[int]]:
    rows = rows_of(said, line)
    found = [
        (e.rule, e.thing.id, *e[2:]) for e in twin.observe(rows, BOUNDS) if isinstance(e, Event)
    ]
    return found, rows.quality.tolist()


def reference(said: Sequence[Said], *, silent_at: int | None = None) -> Any:
    compiled = Compiled({r.name: r for r in RULES}, {n: i for i, n in enumerate(INDICATORS)})
    built = tables.build(INDICATORS, list(KINDS), rules=compiled)
    told = plain.Reference(INDICATORS, compiled, ring=tables.ring_of(built))
    for key in THINGS:
        told.things[key.id] = plain.Thing(zone=YARD)
    marks: list[int] = []
    for number, m in enumerate(said):
        if number == silent_at:
            for key in THINGS:
                told.fall_silent(key.id, START + 15 * MINUTE, allowed=10 * MINUTE)
        values = [(NAMES[k], v) for k, v in m.values.items()]
        message = plain.Message(
            THINGS[m.thing].id, "truck", m.at, values, m.boot, m.seq, number, number
        )
        marks += [int(mark) for mark in told.take(message, BOUNDS)]
    return told, marks


def bits(x: float) -> bytes:
    return np.float64(x).tobytes()


@settings(deadline=None, max_examples=250)
@given(said=MESSAGES, silent_at=st.none() | st.integers(0, 60))
def test_the_kernel_says_what_the_reference_says(said: list[Said], silent_at: int | None) -> None:
    cut = len(said) if silent_at is None else min(silent_at, len(said))
    twin = twin_of()
    found, marks = fed(twin, said[:cut])
    if silent_at is not None and cut < len(said):
        twin.fall_silent(range(len(THINGS)), START + 15 * MINUTE)
    more, rest = fed(twin, said[cut:], line=cut)
    told, wanted = reference(said, silent_at=silent_at)
    assert [Quality(m) for m in marks + rest] == [Quality(m) for m in wanted]
    events = [
        (e.rule, e.thing, e.raised, e.since, e.at, e.value, e.limit, e.first, e.last)
        for e in told.events
    ]
    assert str(found + more) == str(events)  # NaN is not equal to itself
    same_state(twin, told)


def same_state(twin: Twin, told: plain.Reference) -> None:
    """Every figure that the kernel remembers is the reference's, to the last bit."""
    at, built = twin.tables.at, twin.tables
    for slot, key in enumerate(THINGS):
        thing, real, whole = told.things[key.id], twin.arrays.real[slot], twin.arrays.whole[slot]
        assert whole[layout.SEEN] == (layout.LONG_AGO if thing.seen is None else thing.seen)
        assert bool(twin.arrays.small[slot, layout.SILENT]) == thing.silent
        for m, name in enumerate(INDICATORS):
            known = thing.latest.get(name)
            if known is None:
                assert whole[at[layout.TIME] + m] == layout.LONG_AGO
                continue
            assert bits(real[at[layout.VALUE] + m]) == bits(known.value)
            assert whole[at[layout.TIME] + m] == known.time
            assert whole[at[layout.LAST] + m] == known.last
            rated, watched, windowed = built.columns[m, 2:5]
            if rated >= 0:
                assert bits(real[at[layout.RATE] + rated]) == bits(known.rate)
            if watched >= 0:
                assert whole[at[layout.CHANGED] + watched] == known.changed
            for number, pane in thing.panes.get(name, {}).items():
                k = windowed * at[layout.RING] + number % at[layout.RING]
                assert whole[at[layout.COUNT] + k] == pane.count
                assert bits(real[at[layout.TOTAL] + k]) == bits(pane.total)
                assert (real[at[layout.LOW] + k], real[at[layout.HIGH] + k]) == (
                    pane.low,
                    pane.high,
                )
        for number, progress in thing.rules.items():
            status = ("idle", "pending", "raised")[twin.arrays.small[slot, 1 + number]]
            assert status == progress.status
        runs = whole[layout.BOOT : at[layout.TIME]].reshape(layout.RUNS, layout.RUN)
        wanted = [
            [
                boot,
                max(run.recent),
                sum(1 << (max(run.recent) - s) for s in run.recent),
                run.whole_from,
            ]
            for boot, run in reversed(thing.runs.items())
        ]
        found = [
            [b, high, int(bits) & (2**64 - 1), f] for b, high, bits, f in runs.tolist() if bits
        ]
        assert found == wanted


@settings(deadline=None, max_examples=100)
@given(said=MESSAGES, cuts=st.sets(st.integers(0, 60)), lanes=st.integers(1, 4))
def test_any_cut_and_any_number_of_lanes_gives_the_same(
    said: list[Said], cuts: set[int], lanes: int
) -> None:
    whole, parts = twin_of(), twin_of(lanes=lanes)
    parts._pool = None  # what matters here is how things are shared out
    events, marks = fed(whole, said)
    found: list[Any] = []
    graded: list[int] = []
    for a, b in itertools.pairwise(sorted({0, len(said), *(c for c in cuts if c < len(said))})):
        more, rest = fed(parts, said[a:b], line=a)
        found, graded = found + more, graded + rest
    assert str(found) == str(events)
    assert graded == marks
    assert parts.digest() == whole.digest()


def test_threads_that_share_the_state_give_what_one_gives() -> None:
    dice = np.random.default_rng(7)
    said = [
        Said(
            int(dice.integers(0, 5)), START + (k // 3 + int(dice.integers(0, 60))) * SECOND,
            {0: float(dice.normal(45, 12)), 1: float(dice.integers(0, 3))}, 1, k,
        )
        for k in range(12_000)
    ]  # fmt: skip
    one, two = twin_of(), twin_of(lanes=3)
    assert str(fed(one, said)) == str(fed(two, said))
    assert one.digest() == two.digest()


@pytest.mark.parametrize("lanes", [1, 2])
def test_a_rule_in_columns_is_judged_as_the_kernel_would(lanes: int) -> None:
    pairs = [
        ("heat > 60 AND load = 1", "CASE WHEN heat > 60 AND load = 1 THEN TRUE ELSE FALSE END"),
        ("avg_over_time(heat, '10 min') > 45", "pow(avg_over_time(heat, '10 min'), 1) > 45"),
    ]
    dice = np.random.default_rng(3)
    said = [
        Said(int(dice.integers(0, 5)), START + k * 10 * SECOND,
             {0: float(dice.choice([30.0, 50.0, 70.0])), 1: float(dice.integers(0, 2))})
        for k in range(1500)
    ]  # fmt: skip
    fitting, odd = (
        [rule(f"r{k}", pair[which], minutes=k) for k, pair in enumerate(pairs)] for which in (0, 1)
    )
    one, other = twin_of(fitting), twin_of(odd, lanes=lanes)
    assert other.tables.rules[:, 4].any()
    found = fed(one, said)
    assert len(found[0]) > 20
    assert str(fed(other, said)) == str(found)


STEPS = st.lists(
    st.sampled_from([1, 1, 1, 1, 1, 2, 63, 64, 65, 66, 200, 0, -1, -2, -63, -64, -65, -100, -300]),
    min_size=1, max_size=300,
)  # fmt: skip


def numbered(numbers: Sequence[int]) -> list[Said]:
    return [Said(0, START + n * SECOND, {1: float(n)}, 1, n) for n in numbers]


@settings(deadline=None, max_examples=200)
@given(first=st.integers(0, 400), steps=STEPS, run=st.integers(0, 100))
def test_both_know_the_same_repeats(first: int, steps: list[int], run: int) -> None:
    walked = np.maximum(np.cumsum([first + run, *steps]), 0).tolist()
    numbers = [*range(first, first + run), *walked]
    said = numbered(numbers)
    told, marks = reference(said)
    twin = twin_of()
    assert fed(twin, said)[1] == marks
    same_state(twin, told)


def test_all_that_came_without_a_gap_is_known_when_it_comes_again() -> None:
    twin = twin_of()
    numbers = [*range(5, 500), 501, *range(502, 900)]
    _, marks = fed(twin, numbered([*numbers, *numbers, 900]))
    repeated = [bool(mark & Quality.DUPLICATE) for mark in marks]
    assert not any(repeated[: len(numbers)])
    again = dict(zip(numbers, repeated[len(numbers) : -1], strict=True))
    assert all(again[n] for n in numbers if n > 500)
    assert not repeated[-1]
