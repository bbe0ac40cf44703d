"""The twin of one tenant: takes readings in order, keeps state, and says what begins and ends."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from wuxin.terms.names import ThingKey
from wuxin.terms.records import Measured, State
from wuxin.terms.standards import Derived
from wuxin.twin import kernel
from wuxin.twin.kernel import Bounds, Events, Rows, Tables, Work
from wuxin.twin.registry import NEVER, Registry
from wuxin.twin.window import Window

_EVENTS: Final = 4096
_LONG_AGO: Final = np.iinfo(np.int64).min


class Event(NamedTuple):
    """A rule's condition began (``raised``) or ended on a thing; times in ns, value in SI."""

    rule: int
    thing: ThingKey
    raised: bool
    since: int
    at: int
    value: float
    first: int
    last: int


class Stop(NamedTuple):
    """Why the pass stopped (kernel.END, TICK or WOKE) and at which row."""

    why: int
    row: int


class Twin:
    """State of all things of a tenant, grown as they are registered.

    Args:
        registry: which things there are.
        tables: rules and ranges (see :func:`wuxin.twin.tables.build`).
    """

    def __init__(self, registry: Registry, tables: Tables) -> None:
        self.registry = registry
        self.window = Window(registry)
        self._tables = tables
        self._things = 0
        self._state = self._empty(0)
        self._events = _events()
        self._touched = np.zeros(len(registry.names), np.uint8)
        self._stack = np.empty(64, np.float64)

    def observe(
        self, rows: Rows, bounds: Bounds, *, start: int = 0, stop: int | None = None
    ) -> Iterator[Event | Stop]:
        """Take rows ``start`` to ``stop``; yields events, and last of all why it stopped."""
        self._grow()
        work = Work(
            self._state, self._tables, rows, self._events, bounds, self._touched, self._stack
        )
        while True:
            why, row, count = kernel.observe(work, start, len(rows.value) if stop is None else stop)
            self.window.keep(rows, start, stop=row)
            yield from [self._event(i) for i in range(count)]
            start = row
            if why != kernel.FULL:
                yield Stop(why, row)
                return

    def derived(self, found: Sequence[Derived], refs: Sequence[tuple[int, int]]) -> Rows:
        """Rows for derived values, each with the first and last reference of what it came from."""
        self._grow()
        sizes = [len(d.t) for d in found]
        slots = np.array([self.registry.thing(d.thing).slot for d in found], np.int32)
        numbers = np.array([self.registry.number[d.indicator] for d in found], np.int32)
        first, last = (np.array([r[k] for r in refs], np.int64) for k in (0, 1))
        rows = Rows(
            np.repeat(slots, sizes),
            np.repeat(numbers, sizes),
            np.concatenate([np.empty(0, np.int64), *(np.asarray(d.t, np.int64) for d in found)]),
            np.concatenate([np.empty(0), *(np.asarray(d.v, np.float64) for d in found)]),
            np.zeros(sum(sizes), np.int32),
            np.repeat(first, sizes),
            np.repeat(last, sizes),
            np.zeros(sum(sizes), np.uint8),
        )
        return _in_messages(rows)

    def silent_after(self, slots: Sequence[int]) -> int:
        """The first moment (ns) at which a thing of these that still speaks becomes silent."""
        self._grow()
        index = np.array([s for s in slots if not self._state.silent[s]], np.int64)
        seen = self._state.seen[index]
        allowed = np.array([self.registry.things[s].allowed_silence for s in index], np.int64)
        speaking = (seen != _LONG_AGO) & (allowed != NEVER)
        return int((seen + allowed)[speaking].min()) if speaking.any() else int(NEVER)

    def fall_silent(self, slots: Sequence[int], now: int) -> list[tuple[ThingKey, float]]:
        """Mark and return the things that are silent at ``now``, with the length in seconds."""
        fallen = []
        for slot in slots:
            thing = self.registry.things[slot]
            seen = int(self._state.seen[slot])
            if self._state.silent[slot] or seen == _LONG_AGO or thing.allowed_silence == NEVER:
                continue
            if now - seen >= thing.allowed_silence:
                self._state.silent[slot] = 1
                fallen.append((thing.key, (now - seen) / 1e9))
        return fallen

    def seen(self, thing: ThingKey) -> int:
        """The newest event time (ns) at which a thing reported, far in the past if never."""
        self._grow()
        return int(self._state.seen[self.registry.thing(thing).slot])

    def wake(self, slot: int) -> ThingKey:
        """A silent thing speaks again."""
        self._state.silent[slot] = 0
        return self.registry.things[slot].key

    def latest(self, thing: ThingKey, indicator: str) -> Measured | None:
        """The latest usable value of an indicator, or None if there never was one."""
        if thing not in self.registry or indicator not in self.registry.number:
            return None
        slot, number = self.registry.thing(thing).slot, self.registry.number[indicator]
        if slot >= self._things or self._state.time[slot, number] == _LONG_AGO:
            return None
        state = self._state
        return Measured(
            float(state.value[slot, number]),
            int(state.time[slot, number]),
            int(state.first[slot, number]),
            int(state.last[slot, number]),
        )

    def state(self, thing: ThingKey, at: int) -> State:
        """The twin of one thing now (``at`` is told, not read from a clock)."""
        known = self.registry.thing(thing)
        found = {name: self.latest(thing, name) for name in self.registry.names}
        values: Mapping[str, Measured] = {k: v for k, v in found.items() if v is not None}
        return State(thing, at, known.parent, dict(known.facts), values)

    def within(self, root: ThingKey, kind: str) -> Sequence[ThingKey]:
        """The things of one kind at or below a root, in order of registration."""
        if root not in self.registry:
            return []
        return [key for key in self.registry.below(root) if key.kind == kind]

    def _event(self, i: int) -> Event:
        e = self._events
        return Event(
            int(e.rule[i]),
            self.registry.things[int(e.thing[i])].key,
            bool(e.raised[i]),
            int(e.since[i]),
            int(e.at[i]),
            float(e.value[i]),
            int(e.first[i]),
            int(e.last[i]),
        )

    def _empty(self, things: int) -> kernel.State:
        n, m, r = things, len(self.registry.names), len(self._tables.lasting)
        return kernel.State(
            np.full((n, m), np.nan),
            np.full((n, m), _LONG_AGO, np.int64),
            np.zeros((n, m), np.int64),
            np.zeros((n, m), np.int64),
            np.full(n, _LONG_AGO, np.int64),
            np.zeros(n, np.uint8),
            np.zeros(n, np.int32),
            np.zeros((n, r), np.uint8),
            np.zeros((n, r), np.int64),
            np.zeros((n, r), np.int64),
        )

    def _grow(self) -> None:
        """Room for newly registered things; capacity doubles, so growth is amortised."""
        if self._things == len(self.registry):
            return
        self._things = len(self.registry)
        capacity = len(self._state.seen)
        if self._things > capacity:
            wider = self._empty(max(64, 2 * self._things))
            for name in kernel.State._fields:
                getattr(wider, name)[:capacity] = getattr(self._state, name)
            self._state = wider
        self._state.kind[: self._things] = self.registry.kind_of()


def _events() -> Events:
    n = _EVENTS
    return Events(
        np.empty(n, np.int32),
        np.empty(n, np.int32),
        np.empty(n, np.uint8),
        np.empty(n, np.int64),
        np.empty(n, np.int64),
        np.empty(n, np.float64),
        np.empty(n, np.int64),
        np.empty(n, np.int64),
    )


def _in_messages(rows: Rows) -> Rows:
    """Order derived rows by time and thing, and let those that share both be one message."""
    order = np.lexsort((rows.indicator, rows.thing, rows.event_time))
    columns: list[Any] = [column[order] for column in rows]
    ordered = Rows(*columns)
    if len(order):
        new = (np.diff(ordered.event_time) != 0) | (np.diff(ordered.thing) != 0)
        ordered.message[1:] = np.cumsum(new)
    return ordered
