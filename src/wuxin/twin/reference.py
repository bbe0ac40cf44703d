"""The kernel's promise in plain Python: read this first. Tests hold the kernel to it, bit for bit.

One message at a time, one dictionary per thing, no arrays. It is some hundred times slower than
:mod:`wuxin.twin.kernel` and says the same: the same marks, the same findings, the same state.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from wuxin.terms.records import NO_SEQUENCE, REPEATED, UNUSABLE, Quality
from wuxin.terms.standards import PANE, Indicator
from wuxin.twin.layout import RUNS, Bounds
from wuxin.twin.registry import Zone
from wuxin.twin.tables import Code, Reads, RuleSet

_NAN: Final = math.nan
Values = Sequence[float]


@dataclass(slots=True)
class Message:
    """What one thing reported at one moment: values by indicator, with its place in the journal."""

    thing: str
    kind: str
    event_time: int
    values: list[tuple[str, float]]
    boot: int = 0
    seq: int = NO_SEQUENCE
    first: int = 0
    last: int = 0


@dataclass(slots=True)
class Latest:
    """The latest usable value of one indicator: when, where from, how fast it changed."""

    value: float
    time: int
    first: int
    last: int
    changed: int
    rate: float = _NAN


@dataclass(slots=True)
class Pane:
    """Five minutes of event time of one indicator."""

    count: int = 0
    total: float = 0.0
    low: float = math.inf
    high: float = -math.inf


@dataclass(slots=True)
class Progress:
    """How far one rule has come on one thing: idle, pending or raised, and since when."""

    status: str = "idle"
    since: int = 0
    since_ref: int = 0


class Run(NamedTuple):
    """One run (boot) of a device.

    Which of its last 64 numbers have come, and from which number on all before those have.
    """

    recent: set[int]
    whole_from: int


@dataclass(slots=True)
class Thing:
    """All that is remembered of one thing."""

    latest: dict[str, Latest] = field(default_factory=dict)
    panes: dict[str, dict[int, Pane]] = field(default_factory=dict)
    newest: int | None = None
    rules: dict[int, Progress] = field(default_factory=dict)
    seen: int | None = None
    silent: bool = False
    zone: Zone | None = None
    runs: dict[int, Run] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """A rule (number; -1: woke) began or ended on a thing."""

    rule: int
    thing: str
    raised: bool
    since: int
    at: int
    value: float
    limit: float
    first: int
    last: int


class Reference:
    """The twin, plainly.

    Args:
        indicators: what is declared, in order.
        rules: the compiled rules, all of which must fit the kernel.
        ring: how many panes are kept per indicator (see :func:`wuxin.twin.tables.empty`).
    """

    def __init__(self, indicators: Mapping[str, Indicator], rules: RuleSet, *, ring: int) -> None:
        self.indicators = indicators
        self.rules = rules
        self.ring = ring
        self.things: dict[str, Thing] = {}
        self.events: list[Event] = []
        self.over_time = {t.indicator for t in rules.terms if t.panes}

    def take(self, message: Message, bounds: Bounds) -> list[Quality]:
        """Take one message: mark every value, remember the usable ones, judge what they touch."""
        thing, t = self.things.setdefault(message.thing, Thing()), message.event_time
        plausible = bounds.earliest <= t <= bounds.latest
        if thing.silent and plausible and thing.seen is not None and t > thing.seen:
            self._wake(thing, message)
        repeated = plausible and (
            message.seq == REPEATED or (message.seq >= 0 and self._repeated(thing, message))
        )
        touched, marks = set(), []
        for name, value in message.values:
            mark = self._mark(thing, message, bounds=bounds, name=name, value=value)
            mark |= Quality.DUPLICATE if repeated else Quality(0)
            marks.append(mark)
            if mark & UNUSABLE:
                continue
            thing.seen = t if thing.seen is None else max(thing.seen, t)
            if name in self.over_time:
                self._land(thing, name, t=t, value=value)
            if name not in thing.latest or t >= thing.latest[name].time:
                self._keep(thing, message, name=name, value=value)
                touched.add(name)
        if touched & {"latitude", "longitude"}:
            touched |= self._locate(thing, message)
        self._judge(thing, message, touched=touched)
        return marks

    def fall_silent(self, thing: str, now: int, *, allowed: int) -> bool:
        """Whether a thing becomes silent at ``now``: nothing usable came for ``allowed`` ns."""
        known = self.things.get(thing)
        if known is None or known.silent or known.seen is None or now - known.seen < allowed:
            return False
        known.silent = True
        return True

    def _wake(self, thing: Thing, message: Message) -> None:
        """A silent thing speaks again: the indicator ``silence`` is 0 from now on."""
        thing.silent = False
        at, place = message.event_time, (message.first, message.last)
        woke = Event(
            -1,
            message.thing,
            raised=False,
            since=at,
            at=at,
            value=_NAN,
            limit=_NAN,
            first=place[0],
            last=place[1],
        )
        self.events.append(woke)
        if "silence" in self.indicators:
            self._keep(thing, message, name="silence", value=0.0)
            self._judge(thing, message, touched={"silence"})

    def _repeated(self, thing: Thing, message: Message) -> bool:
        """Whether the device has sent this number before in this run.

        Of the last 64 numbers each is known, of those before them the last row without a gap. The
        runs that were heard last are remembered, in that order.
        """
        seq = message.seq
        run = thing.runs.pop(message.boot, None) or Run(set(), whole_from=seq)
        highest = max(run.recent, default=seq)
        repeated = seq in run.recent or run.whole_from <= seq <= highest - 64
        whole_from = run.whole_from
        for left in range(highest - 63, min(seq - 63, highest + 1)):
            if left not in run.recent and left >= whole_from:
                whole_from = left + 1
        if seq - highest > 64:
            whole_from = max(whole_from, seq - 63)
        recent = {s for s in (*run.recent, seq) if s > max(highest, seq) - 64}
        thing.runs[message.boot] = Run(recent, seq if seq == whole_from - 1 else whole_from)
        for old in [*thing.runs][:-RUNS]:
            del thing.runs[old]
        return repeated

    def _mark(
        self, thing: Thing, message: Message, *, bounds: Bounds, name: str, value: float
    ) -> Quality:
        declared, t = self.indicators[name], message.event_time
        mark = Quality(0) if declared.low <= value <= declared.high else Quality.OUT_OF_RANGE
        if not bounds.earliest <= t <= bounds.latest:
            return mark | Quality.IMPLAUSIBLE_TIME
        known = thing.latest.get(name)
        if known is not None and t == known.time:
            mark |= Quality.DUPLICATE if value == known.value else Quality.CONFLICT
        elif known is not None and t < known.time:
            mark |= Quality.OUT_OF_ORDER
        elif known is not None:
            if abs(value - known.value) > declared.max_rate * ((t - known.time) / 1e9):
                mark |= Quality.RATE
            still = value == known.value and declared.stuck_after > 0
            if still and t - known.changed >= declared.stuck_after:
                mark |= Quality.STUCK
        return mark | (Quality.LATE if t < bounds.closed else Quality(0))

    def _keep(self, thing: Thing, message: Message, *, name: str, value: float) -> None:
        t, known = message.event_time, thing.latest.get(name)
        rate, changed = _NAN, t
        if known is not None:
            rate = known.rate
            changed = known.changed if value == known.value else t
            if t > known.time:
                rate = (value - known.value) / ((t - known.time) / 1e9)
        thing.latest[name] = Latest(value, t, message.first, message.last, changed, rate)

    def _land(self, thing: Thing, name: str, *, t: int, value: float) -> None:
        """A value falls into its pane, also a late one; the oldest panes are forgotten."""
        number = t // PANE
        newest = number if thing.newest is None else max(thing.newest, number)
        if number <= newest - self.ring:
            return
        thing.newest = newest
        pane = thing.panes.setdefault(name, {}).setdefault(number, Pane())
        pane.count += 1
        pane.total += value
        pane.low, pane.high = min(pane.low, value), max(pane.high, value)
        for panes in thing.panes.values():
            for old in [n for n in panes if n <= newest - self.ring]:
                del panes[old]

    def _locate(self, thing: Thing, message: Message) -> set[str]:
        """Whether the thing is inside of its geofence."""
        y, x = (thing.latest.get(name) for name in ("latitude", "longitude"))
        if thing.zone is None or y is None or x is None:
            return set()
        inside = contains(thing.zone, y.value, x=x.value)
        self._keep(thing, message, name="inside_geofence", value=float(inside))
        return {"inside_geofence"}

    def _judge(self, thing: Thing, message: Message, *, touched: set[str]) -> None:
        for rule in self.rules.of(message.kind):
            if touched & self.rules.reads(rule):
                self._move(thing, message, rule=rule)

    def _move(self, thing: Thing, message: Message, *, rule: int) -> None:
        """Move one rule: its condition must hold for its duration; then its end's must hold."""
        declared, t = self.rules.rules[rule], message.event_time
        at = thing.rules.setdefault(rule, Progress())
        values = self._values(thing, t)
        raised = at.status == "raised"
        holds = evaluate(self.rules.programs[2 * rule + raised], values)
        if raised and holds == 1.0:
            at.status = "idle"
            self._emit(thing, message, rule=rule, since=t, first=message.first)
        elif not raised and holds == 0.0:
            at.status = "idle"
        elif not raised and holds == 1.0:
            if at.status == "idle":
                at.status, at.since, at.since_ref = "pending", t, message.first
            if t - at.since >= declared.lasting:
                at.status = "raised"
                self._emit(thing, message, rule=rule, since=at.since, first=at.since_ref)

    def _emit(self, thing: Thing, message: Message, *, rule: int, since: int, first: int) -> None:
        declared = self.rules.rules[rule]
        value, limit = (
            thing.latest[n].value if n in thing.latest else _NAN
            for n in (declared.value, declared.limit_of)
        )
        raised, at = thing.rules[rule].status == "raised", message.event_time
        self.events.append(
            Event(rule, message.thing, raised, since, at, value, limit, first, message.last)
        )

    def _values(self, thing: Thing, t: int) -> list[float]:
        """What programs read: the latest value of every indicator, then the terms."""
        known = [thing.latest[n].value if n in thing.latest else _NAN for n in self.indicators]
        return known + [self._term(thing, term, t=t) for term in self.rules.terms]

    def _term(self, thing: Thing, term: Reads, *, t: int) -> float:
        known = thing.latest.get(term.indicator)
        if term.function == "rate":
            return _NAN if known is None else known.rate
        if term.function == "age":
            return _NAN if known is None else (t - known.time) / 1e9
        here, panes = t // PANE, thing.panes.get(term.indicator, {})
        numbers = sorted(n for n in panes if here - term.panes < n <= here)
        count, total = 0, 0.0
        for number in numbers:
            count, total = count + panes[number].count, total + panes[number].total
        if term.function == "count_over_time":
            return float(count)
        if not count:
            return _NAN
        return {
            "avg_over_time": total / count,
            "sum_over_time": total,
            "min_over_time": min(panes[n].low for n in numbers),
            "max_over_time": max(panes[n].high for n in numbers),
        }[term.function]


def contains(zone: Zone, y: float, *, x: float) -> bool:
    """Whether a point (degrees) lies in a polygon: an odd number of sides lie east of it."""
    odd = False
    for (yk, xk), (yj, xj) in zip(zone, (zone[-1], *zone[:-1]), strict=True):
        if (yk > y) != (yj > y) and x < (xj - xk) * (y - yk) / (yj - yk) + xk:
            odd = not odd
    return odd


def evaluate(program: Code, values: Values) -> float:
    """Run a program (:mod:`wuxin.risk.expression`); 1 true, 0 false, NaN unknown."""
    stack: list[float] = []
    for op, arg in zip(program.ops, program.args, strict=True):
        if op == 0:
            stack.append(arg)
        elif op == 1:
            stack.append(values[int(arg)])
        elif op <= 5:
            stack.append(_one(op, stack.pop()))
        else:
            b, a = stack.pop(), stack.pop()
            stack.append(_two(op, a, b=b))
    return stack[0]


def _one(op: int, a: float) -> float:
    if op == 5:
        return float(math.isnan(a))
    if math.isnan(a):
        return a
    return {2: -a, 3: float(a == 0), 4: abs(a)}[op]


def _two(op: int, a: float, *, b: float) -> float:
    unknown = [math.isnan(x) for x in (a, b)]
    if op in {20, 21}:  # AND, OR: the deciding truth wins over NULL
        deciding = op == 21
        truths = [None if u else x != 0 for x, u in zip((a, b), unknown, strict=True)]
        if deciding in truths:
            return float(deciding)
        return _NAN if None in truths else float(not deciding)
    if op in {22, 23, 24}:  # coalesce, least, greatest: NULL gives way
        if unknown[0] or unknown[1] or op == 22:
            return b if unknown[0] else a
        return min(a, b) if op == 23 else max(a, b)
    if any(unknown) or (op == 13 and b == 0):
        return _NAN
    arithmetic = {10: a + b, 11: a - b, 12: a * b, 13: a / b if b else _NAN}
    comparison = {14: a < b, 15: a <= b, 16: a > b, 17: a >= b, 18: a == b, 19: a != b}
    return arithmetic[op] if op in arithmetic else float(comparison[op])
