"""The twin marks, remembers and judges in order; where batches are cut makes no difference."""

import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rooms.rows import Said
from tests.rooms.rows import rows_of as numbered
from wuxin.risk.rules import Compiled
from wuxin.terms.clock import HOUR
from wuxin.terms.names import ThingKey
from wuxin.terms.records import Quality, Words
from wuxin.terms.standards import Device, Indicator, Kind, Rule
from wuxin.twin import tables
from wuxin.twin.layout import NEVER, WOKE, Bounds, Rows
from wuxin.twin.registry import Registry
from wuxin.twin.twin import END, TICK, Event, Stop, Twin

W = Words("字", "word")
NAMES = ("heat", "load")
INDICATORS = {
    name: Indicator(name, W, ("oven",), "1", "1", 0.0, 100.0, W, "i", "p") for name in NAMES
}  # fmt: skip
KINDS = {"oven": Kind("oven", W), "bakery": Kind("bakery", W)}
DEVICE = Device(
    name="probe", words=W, of="oven", feeds=NAMES, protocol="p", accuracy="a", resolution="r",
    period=HOUR, allowed_silence=3 * HOUR, synchrony="s", health=W, remote=W, emergency=W,
)  # fmt: skip
START = 1000 * HOUR
OPEN = Bounds(earliest=0, latest=2**62, closed=0, tick=int(NEVER), derived=False)
A, B = ThingKey("oven", "a"), ThingKey("oven", "b")


def rule(name: str, when: str, *, clear: str = "", hours: int = 0) -> Rule:
    return Rule(
        name=name, kind="oven", level="red", when=when, clear=clear, lasting=hours * HOUR,
        value="heat", limit=None, clear_limit=None, words=W, bank=W, enterprise=W, examples=(),
    )  # fmt: skip


HOT = rule("hot", "heat > 50", clear="heat < 40", hours=2)
IDLE = rule("idle", "heat > 50 AND load = 0")
RULES = {r.name: r for r in (HOT, IDLE)}


class Message(NamedTuple):
    """What one thing reports at one hour."""

    thing: int
    hour: float
    values: dict[str, float]


def twin_of(rules: dict[str, Rule] = RULES, things: Sequence[ThingKey] = (A, B)) -> Twin:
    registry = Registry(KINDS, INDICATORS, devices={"probe": DEVICE})
    for key in things:
        registry.register(key, source="s")
    built = tables.build(INDICATORS, list(KINDS), rules=Compiled(rules, registry.number))
    return Twin(registry, built)


def rows_of(messages: Iterable[Message], line: int = 0) -> Rows:
    said = [
        Said(
            m.thing,
            int(START + m.hour * HOUR),
            {NAMES.index(name): value for name, value in m.values.items()},
        )
        for m in messages
    ]
    return numbered(said, line)


def heats(*values: float) -> list[Message]:
    """One value of heat an hour, of the first thing."""
    return [Message(0, hour, {"heat": value}) for hour, value in enumerate(values)]


def fed(twin: Twin, rows: Rows, *, bounds: Bounds = OPEN) -> list[Event]:
    return [e for e in twin.observe(rows, bounds) if isinstance(e, Event)]


def seen(messages: Iterable[Message], *rules: Rule) -> list[tuple[str, bool, float, float]]:
    """Rule, raised, since and at (hours) of each event."""
    known = {r.name: r for r in rules} or RULES
    return [
        (list(known)[e.rule], e.raised, (e.since - START) / HOUR, (e.at - START) / HOUR)
        for e in fed(twin_of(known), rows_of(messages))
    ]


# ---- marks -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "reading", "mark"),
    [
        ([], (0, 50.0), Quality(0)),
        ([], (0, 0.0), Quality(0)),
        ([], (0, 100.0), Quality(0)),
        ([], (0, 100.1), Quality.OUT_OF_RANGE),
        ([], (0, -0.1), Quality.OUT_OF_RANGE),
        ([], (0, float("nan")), Quality.OUT_OF_RANGE),
        ([], (0, float("inf")), Quality.OUT_OF_RANGE),
        ([], (-11, 1.0), Quality.IMPLAUSIBLE_TIME),
        ([], (11, 1.0), Quality.IMPLAUSIBLE_TIME),
        ([(1, 5.0)], (1, 5.0), Quality.DUPLICATE),
        ([(1, 5.0)], (1, 6.0), Quality.CONFLICT),
        ([(1, 5.0)], (0, 5.0), Quality.OUT_OF_ORDER),
        ([(1, 5.0)], (2, 5.0), Quality(0)),
        ([], (-6, 5.0), Quality.LATE),
        ([(-6, 5.0)], (-7, 5.0), Quality.LATE | Quality.OUT_OF_ORDER),
        ([(1, 5.0)], (1, 500.0), Quality.OUT_OF_RANGE | Quality.CONFLICT),
    ],
)
def test_each_kind_of_dirt_has_its_mark(
    before: list[tuple[int, float]], reading: tuple[int, float], mark: Quality
) -> None:
    bounds = Bounds(
        START - 10 * HOUR, START + 10 * HOUR, START - 5 * HOUR, int(NEVER), derived=False
    )
    rows = rows_of([Message(0, hour, {"heat": value}) for hour, value in [*before, reading]])
    fed(twin_of(), rows, bounds=bounds)
    assert Quality(int(rows.quality[-1])) == mark


def test_another_thing_or_indicator_is_no_duplicate() -> None:
    rows = rows_of([
        Message(0, 0, {"heat": 5.0, "load": 5.0}), Message(1, 0, {"heat": 5.0}),
    ])  # fmt: skip
    fed(twin_of(), rows)
    assert not rows.quality.any()


def test_what_cannot_be_used_changes_no_state_and_raises_nothing() -> None:
    twin = twin_of({"hot": rule("hot", "heat > 50")})
    good = rows_of(heats(10.0))
    fed(twin, good)
    bad = rows_of([
        Message(0, 1, {"heat": 1000}), Message(0, 0, {"heat": 90}), Message(0, -5, {"heat": 99}),
    ])  # fmt: skip
    assert fed(twin, bad) == []
    assert twin.latest(A, "heat") is not None
    assert twin.state(A, 0).values["heat"].value == 10.0
    assert twin.latest(A, "load") is None
    assert twin.latest(ThingKey("oven", "z"), "heat") is None


def test_a_late_reading_that_is_news_is_used() -> None:
    twin = twin_of({"hot": rule("hot", "heat > 50")})
    rows = rows_of(heats(90.0))
    [event] = fed(twin, rows, bounds=OPEN._replace(closed=START + HOUR))
    assert event.raised
    assert rows.quality.tolist() == [Quality.LATE]


# ---- rules -----------------------------------------------------------------------------------


def test_a_rule_is_raised_when_its_duration_is_full_and_remembers_its_beginning() -> None:
    assert seen(heats(60, 60, 60, 60), HOT) == [("hot", True, 0, 2)]


def test_a_break_begins_the_duration_anew() -> None:
    assert seen(heats(60, 45, 60, 60), HOT) == []
    assert seen(heats(60, 45, 60, 60, 60), HOT) == [("hot", True, 2, 4)]


def test_a_rule_ends_by_its_own_condition_and_begins_again() -> None:
    messages = heats(60, 60, 60, 45, 41, 39, 45, 60, 60, 60)
    assert seen(messages, HOT) == [
        ("hot", True, 0, 2), ("hot", False, 5, 5), ("hot", True, 7, 9),
    ]  # fmt: skip


def test_without_an_end_of_its_own_a_rule_ends_when_it_holds_no_longer() -> None:
    assert seen(heats(60, 50), rule("now", "heat > 50")) == [
        ("now", True, 0, 0), ("now", False, 1, 1),
    ]  # fmt: skip


def test_what_is_not_known_neither_raises_nor_clears() -> None:
    assert seen(heats(60, 60, 60), IDLE) == []


def test_a_message_is_judged_when_it_is_complete() -> None:
    together = [Message(0, 0, {"heat": 10, "load": 0}), Message(0, 1, {"heat": 60, "load": 5})]
    apart = [*together[:1], Message(0, 1, {"heat": 60}), Message(0, 1, {"load": 5})]
    assert seen(together, IDLE) == []
    assert seen(apart, IDLE) == [("idle", True, 1, 1), ("idle", False, 1, 1)]


def test_an_event_carries_value_and_references_from_its_beginning() -> None:
    [event] = fed(twin_of({"hot": HOT}), rows_of(heats(60, 70, 80)))
    assert (event.thing, event.value, event.first, event.last) == (A, 80.0, 0, 2)


def test_a_rule_concerns_its_kind_alone() -> None:
    bakery = ThingKey("bakery", "x")
    assert fed(twin_of(things=[bakery]), rows_of(heats(60, 60, 60))) == []


def test_more_events_than_one_pass_holds_all_come_out() -> None:
    rows = rows_of(heats(*[60, 10] * 5000))
    assert len(fed(twin_of({"now": rule("now", "heat > 50")}), rows)) == 10_000


# ---- time ------------------------------------------------------------------------------------


def test_the_pass_stops_at_a_tick_and_goes_on_where_it_stopped() -> None:
    twin, rows = twin_of(), rows_of(heats(1, 2, 3, 4))
    assert [*twin.observe(rows, OPEN._replace(tick=START + 2 * HOUR))] == [Stop(TICK, 2)]
    assert twin.state(A, 0).values["heat"].value == 2
    assert [*twin.observe(rows, OPEN, start=2)] == [Stop(END, 4)]
    assert twin.state(A, 0).values["heat"].value == 4


def test_a_thing_falls_silent_after_its_allowance_and_wakes_with_news() -> None:
    twin = twin_of()
    fed(twin, rows_of(heats(1, 2)))
    assert twin.silent_after([0, 1]) == START + 4 * HOUR
    assert twin.fall_silent([0, 1], START + 4 * HOUR - 1) == []
    assert twin.fall_silent([0, 1], START + 5 * HOUR) == [(A, 4 * 3600.0)]
    assert twin.fall_silent([0, 1], START + 6 * HOUR) == []
    assert twin.silent_after([0, 1]) == NEVER
    old = rows_of([Message(0, 0.5, {"heat": 3})])
    assert [*twin.observe(old, OPEN)] == [Stop(END, 1)]
    news = rows_of([Message(0, 6, {"heat": 3})])
    [woke, end] = twin.observe(news, OPEN)
    assert (woke.rule, woke.thing, woke.at) == (WOKE, A, START + 6 * HOUR)
    assert end == Stop(END, 1)
    assert fed(twin, rows_of([Message(0, 7, {"heat": 3})])) == []


def test_things_that_are_registered_later_leave_the_others_state_as_it_was() -> None:
    twin = twin_of(things=[A])
    fed(twin, rows_of(heats(60, 60)))
    for number in range(200):
        twin.registry.register(ThingKey("oven", f"n{number}"), source="s")
    later = rows_of([Message(0, 2, {"heat": 60}), Message(200, 2, {"heat": 7})])
    assert [(e.thing, e.since) for e in fed(twin, later)] == [(A, START)]
    assert twin.state(ThingKey("oven", "n199"), 0).values["heat"].value == 7


# ---- properties ------------------------------------------------------------------------------

VALUES = st.sampled_from([0.0, 10.0, 39.0, 45.0, 51.0, 60.0, 100.0, 101.0, float("nan")])
MESSAGES = st.lists(
    st.builds(
        Message,
        st.integers(0, 1),
        st.integers(-2, 20),
        st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=1),
    ),
    min_size=1,
    max_size=40,
)
BOUNDS = OPEN._replace(earliest=START, latest=START + 18 * HOUR, closed=START + 3 * HOUR)


def remembered(twin: Twin) -> str:
    return twin.digest()


@settings(deadline=None, max_examples=150)
@given(messages=MESSAGES, cuts=st.sets(st.integers(0, 40)))
def test_any_cut_into_batches_gives_the_same_events_and_state(
    messages: list[Message], cuts: set[int]
) -> None:
    whole, rows = twin_of(), rows_of(messages)
    events = fed(whole, rows, bounds=BOUNDS)

    parts, found, marks, line = twin_of(), [], [], 0
    edges = sorted({0, len(messages), *(c for c in cuts if c < len(messages))})
    for begin, end in itertools.pairwise(edges):
        part = rows_of(messages[begin:end], line)
        found += fed(parts, part, bounds=BOUNDS)
        marks += part.quality.tolist()
        line += end - begin
    assert found == events or str(found) == str(events)  # NaN is not equal to itself
    assert marks == rows.quality.tolist()
    assert remembered(parts) == remembered(whole)
