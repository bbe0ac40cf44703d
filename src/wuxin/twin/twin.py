"""The twin of one tenant: takes messages in order, keeps state, and says what begins and ends."""

import hashlib
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, Final, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.names import ThingKey
from wuxin.terms.records import Measured, State
from wuxin.terms.standards import Derived
from wuxin.twin import kernel, silence
from wuxin.twin import tables as built
from wuxin.twin.layout import (
    ALLOWED,
    CHANGED,
    EVENT_TIME,
    FIRST,
    KIND,
    LAST,
    LONG_AGO,
    NEVER,
    SEEN,
    SINCE_REF,
    TIME,
    VALUE,
    ZONE,
    Asked,
    Bounds,
    Events,
    Rows,
    Scratch,
    Tables,
    Work,
    Zones,
)
from wuxin.twin.registry import Registry
from wuxin.twin.rows import in_messages
from wuxin.twin.window import Window

_EVENTS: Final = 4096
_ASKED: Final = 4096
_WORTH_A_THREAD: Final = 1000
_LINE: Final = 128
"""Bytes that one write of a core takes from the others: a line of its cache and its neighbour."""

_Item = TypeVar("_Item", bound=np.generic)
END: Final = "end"
TICK: Final = "tick"


class Columns(Protocol):
    """Judges the rules in columns; see :class:`wuxin.risk.columns.Columns`."""

    def truths(
        self, rule: int, values: NDArray[np.float64], *, times: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """A rule's condition (k) and that of its end (k) on vectors (k, M + K) at times (k)."""
        ...


class Event(NamedTuple):
    """A rule's condition began (``raised``) or ended on a thing; times in ns, value in SI.

    Where ``rule`` is ``WOKE``, a silent thing has spoken again.
    """

    rule: int
    thing: ThingKey
    raised: bool
    since: int
    at: int
    value: float
    limit: float
    first: int
    last: int


class Stop(NamedTuple):
    """Why the pass stopped (END or TICK) and at which message."""

    why: str
    row: int


class Twin:
    """State of all things of a tenant, grown as they are registered.

    Args:
        registry: which things there are.
        tables: rules and ranges (see :func:`wuxin.twin.tables.build`).
        lanes: into how many shards things are shared out (by the hash of their key), each taken by
            itself; makes no difference to what comes out.
        threads: runs the lanes at the same time; None: one after the other.
        columns: judges the rules in columns; None where there are none.
        reads: the indicators that models read; only these are kept in the window.
    """

    def __init__(
        self, registry: Registry, tables: Tables, *, lanes: int = 1,
        threads: Executor | None = None, columns: Columns | None = None,
        reads: Sequence[str] | None = None,
    ) -> None:  # fmt: skip
        self.registry = registry
        self.window = Window(registry, reads)
        self.tables = tables
        self.arrays, self._known = built.room(tables, 0), 0
        self._columns, self._turn = columns, threading.Lock()
        self._enclosed, self._zones = registry.zones, _zones(registry)
        self._lane = np.zeros(0, np.uint8)
        self._lanes = [_Lane.of(tables) for _ in range(lanes)]
        self._pool = threads if lanes > 1 else None

    def observe(
        self, rows: Rows, bounds: Bounds, *, start: int = 0, stop: int | None = None
    ) -> Iterator[Event | Stop]:
        """Take messages ``start`` to ``stop``; yields events, and last of all why it stopped."""
        self.grow()
        end = len(rows.head) if stop is None else stop
        tick = _tick(rows, bounds, start=start, stop=end)
        end = end if tick is None else tick
        orders = self._orders(rows, start, stop=end)

        def run(lane: int) -> list[Events]:
            return self._run(self._lanes[lane], rows, bounds=bounds, order=orders[lane])

        if self._pool is not None and end - start >= _WORTH_A_THREAD:
            parts = [p for found in self._pool.map(run, range(len(orders))) for p in found]
        else:
            parts = [p for lane in range(len(orders)) for p in run(lane)]
        self.window.keep(rows, start, stop=end)
        yield from self._events(parts)
        yield Stop(END if tick is None else TICK, end)

    def derived(self, found: Sequence[Derived], refs: Sequence[tuple[int, int]]) -> Rows:
        """Rows for derived values, each with the first and last reference of what it came from."""
        slots = [self.registry.slot(d.thing) for d in found]
        numbers = [self.registry.number[d.indicator] for d in found]
        return in_messages(found, slots, numbers=numbers, refs=refs)

    def silent_after(self, slots: NDArray[np.int32] | Sequence[int]) -> int:
        """The first moment (ns) at which a thing of these that still speaks becomes silent."""
        self.grow()
        return int(silence.next_silence(self.arrays, np.asarray(slots, np.int32)))

    def fall_silent(
        self, slots: NDArray[np.int32] | Sequence[int], now: int
    ) -> list[tuple[ThingKey, float]]:
        """Mark and return the things that are silent at ``now``, with the length in seconds."""
        self.grow()
        asked = np.asarray(slots, np.int32)
        fallen = np.empty_like(asked)
        fallen = fallen[: silence.silenced(self.arrays, asked, now, fallen)]
        return [
            (self.registry.things.key(s), (now - int(self.arrays.whole[s, SEEN])) / 1e9)
            for s in fallen
        ]

    def seen(self, thing: ThingKey) -> int:
        """The newest event time (ns) at which a thing reported, far in the past if never."""
        self.grow()
        return int(self.arrays.whole[self.registry.slot(thing), SEEN])

    def latest(self, thing: ThingKey, indicator: str) -> Measured | None:
        """The latest usable value of an indicator, or None if there never was one."""
        if thing not in self.registry or indicator not in self.registry.number:
            return None
        slot, number = self.registry.slot(thing), self.registry.number[indicator]
        if slot >= self._known:
            return None
        real, whole, at = self.arrays.real[slot], self.arrays.whole[slot], self.tables.at
        time, last = int(whole[at[TIME] + number]), int(whole[at[LAST] + number])
        if time == LONG_AGO:
            return None
        column = int(self.tables.columns[number, 1])
        first = last if column < 0 else int(whole[at[FIRST] + column])
        return Measured(float(real[at[VALUE] + number]), time, first, last)

    def state(self, thing: ThingKey, at: int) -> State:
        """The twin of one thing now (``at`` is told, not read from a clock)."""
        known = self.registry.thing(thing)
        found = {name: self.latest(thing, name) for name in self.registry.names}
        values: Mapping[str, Measured] = {k: v for k, v in found.items() if v is not None}
        return State(thing, at, known.parent, dict(known.facts), values)

    def within(self, root: ThingKey, kind: str) -> Sequence[ThingKey]:
        """The things of one kind at or below a root, in order of registration."""
        return self.registry.below(root, kind) if root in self.registry else []

    def digest(self) -> str:
        """SHA-256 over the state of all things and the window, in hexadecimal."""
        self.grow()
        found = hashlib.sha256()
        for column in self.freeze().values():
            found.update(np.ascontiguousarray(column).data)
        return found.hexdigest()

    def freeze(self) -> dict[str, NDArray[Any]]:
        """The state of all things and the window as arrays by name, for a snapshot."""
        self.grow()
        things = len(self.registry)
        kept = {f"twin.{k}": v[:things] for k, v in self.arrays._asdict().items()}
        return kept | {f"window.{k}": v for k, v in self.window.freeze().items()}

    def thaw(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what :meth:`freeze` gave; the registry has been restored before."""
        self.arrays, self._known = built.room(self.tables, 0), 0
        self.grow()
        for name in self.arrays._fields:
            kept = arrays[f"twin.{name}"]
            getattr(self.arrays, name)[: len(kept)] = kept
        prefix = "window."
        self.window.thaw({k[len(prefix) :]: v for k, v in arrays.items() if k.startswith(prefix)})

    def references(self) -> NDArray[np.int64]:
        """All references to frames that are remembered, in any order and more than once."""
        at, whole = self.tables.at, self.arrays.whole[: len(self.registry)]
        latest, since = whole[:, at[LAST] : at[CHANGED]], whole[:, at[SINCE_REF] :]
        own = [np.unique(part[part > 0]) for part in (latest, since)]
        return np.concatenate([*own, self.window.kept_references()])

    def grow(self) -> None:
        """Room for newly registered things; capacity doubles, so growth is amortised."""
        before, things = self._known, len(self.registry)
        if things > len(self.arrays.whole):
            wider = built.room(self.tables, max(64, 2 * things))
            for name in wider._fields:
                getattr(wider, name)[:before] = getattr(self.arrays, name)[:before]
            self.arrays = wider
            lane = np.zeros(len(wider.whole), np.uint8)
            lane[:before] = self._lane[:before]
            self._lane = lane
        if things > before:
            built.begin(self.tables, self.arrays, first=before, stop=things)
            self._known = things
        fresh: Iterable[int] = self.registry.fresh if before else range(things)
        known = self.registry.things
        for slot in fresh:
            whole = self.arrays.whole[slot]
            whole[KIND], whole[ZONE] = known.kind[slot], known.zone[slot]
            whole[ALLOWED] = self.registry.allowed_silence(slot)
            self._lane[slot] = zlib.crc32(known.name(slot)) % len(self._lanes)
        del self.registry.fresh[:]
        if self._enclosed is not self.registry.zones:
            self._enclosed, self._zones = self.registry.zones, _zones(self.registry)

    def _orders(self, rows: Rows, start: int, *, stop: int) -> list[NDArray[np.int32]]:
        """The messages of each lane, in order."""
        if len(self._lanes) == 1:
            return [np.arange(start, stop, dtype=np.int32)]
        lane = self._lane[rows.thing[start:stop]]
        return [
            (np.flatnonzero(lane == k) + start).astype(np.int32) for k in range(len(self._lanes))
        ]

    def _run(
        self, lane: "_Lane", rows: Rows, *, bounds: Bounds, order: NDArray[np.int32]
    ) -> list[Events]:
        work = Work(
            self.arrays, self.tables, self._zones, rows, lane.events, lane.asked, bounds,
            lane.scratch,
        )  # fmt: skip
        found: list[Events] = []
        at, why = 0, kernel.FULL
        while why == kernel.FULL:
            why, at, count, asked = kernel.observe(work, order, at, len(order))
            if count:
                found.append(lane.taken(count))
            if asked:
                count = kernel.settle(work, self._judged(rows, lane.asked, count=asked), asked)
                found.append(lane.taken(count))
        return found

    def _judged(self, rows: Rows, asked: Asked, *, count: int) -> NDArray[np.float64]:
        assert self._columns is not None, "a rule is in columns and nobody judges it"
        truths, (messages, rules) = np.empty((count, 2)), asked.whole[:count].T
        for rule in np.unique(rules):
            mine = np.flatnonzero(rules == rule)
            times = rows.head[messages[mine], EVENT_TIME]
            with self._turn:
                found = self._columns.truths(int(rule), asked.vector[mine], times=times)
            truths[mine, 0], truths[mine, 1] = found
        return truths

    def _events(self, parts: Sequence[Events]) -> Iterator[Event]:
        """What the lanes found, in the order of messages and, within one, of rules."""
        if not parts:
            return
        whole = np.concatenate([part.whole for part in parts])
        real = np.concatenate([part.real for part in parts]).tolist()
        order = np.lexsort((whole[:, 1], whole[:, 0])) if len(parts) > 1 else range(len(whole))
        numbers, things = whole.tolist(), self.registry.things
        for i in order:
            _, rule, thing, raised, since, at, first, last = numbers[i]
            (value, limit), key = real[i], things.key(thing)
            yield Event(rule, key, bool(raised), since, at, value, limit, first, last)


class _Lane(NamedTuple):
    """What one lane writes into."""

    events: Events
    asked: Asked
    scratch: Scratch

    def taken(self, count: int) -> Events:
        """A copy of the first events."""
        return Events(self.events.whole[:count].copy(), self.events.real[:count].copy())

    @classmethod
    def of(cls, tables: Tables) -> "_Lane":
        width, rules = len(tables.ranges) + len(tables.terms), len(tables.rules)
        asked = max(_ASKED, 2 * rules) if tables.rules[:, 4].any() else 2 * rules
        events = max(_EVENTS, 2 * rules + 1)
        return cls(
            Events(np.empty((events, 8), np.int64), np.empty((events, 2))),
            Asked(np.empty((asked, 2), np.int64), np.empty((asked, width))),
            Scratch(
                _apart(tables.reads.shape[1], np.uint64),
                _apart(width, np.float64),
                _apart(64, np.float64),
                _apart(3, np.int64),
            ),
        )


def _apart(size: int, kind: type[_Item]) -> NDArray[_Item]:
    """Zeros that share no line of a processor's cache with those of another lane."""
    line = _LINE // np.dtype(kind).itemsize
    return np.zeros(size + 2 * line, kind)[line : line + size]


def _tick(rows: Rows, bounds: Bounds, *, start: int, stop: int) -> int | None:
    """The first message that can be meant and is dated at or after the tick."""
    if bounds.derived or bounds.tick == NEVER or stop <= start:
        return None
    t = rows.event_time[start:stop]
    beyond = (t >= bounds.tick) & (t <= bounds.latest)
    first = int(np.argmax(beyond))
    return start + first if beyond[first] else None


def _zones(registry: Registry) -> Zones:
    corners = [corner for zone in registry.zones for corner in zone]
    points = np.array(corners or np.empty((0, 2)), np.float64).reshape(-1, 2)
    cuts = np.cumsum([0, *(len(zone) for zone in registry.zones)])
    return Zones(points, cuts.astype(np.int32))
