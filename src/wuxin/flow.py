"""THE MAIN PATH: one journal entry through the house. The only file that knows the order.

    bytes (wire) → understood (protocols) → state (twin) → judged (risk) → acted on (finance)
                                                         → proved (evidence)

:meth:`Flow.step` depends on nothing but the entries before it: it reads no clock, writes nothing,
so that recovery and verification take the same steps again and get the same records, bit for bit.
Where a batch is cut makes no difference: time passes by ticks of event time inside the rows.
"""

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from wuxin.bank import Bank
from wuxin.protocols import table
from wuxin.protocols.shifted import Decoder
from wuxin.reader import Reader
from wuxin.risk.reasons import finding
from wuxin.sources import SIGNED, Line, Source
from wuxin.stores.journal import Arrived, Closed, Entry, Opened, Told
from wuxin.terms.clock import DAY, day_start, next_day
from wuxin.terms.counter import BANK, Now, Said
from wuxin.terms.errors import BadInput, Refused
from wuxin.terms.goods import GoodsTold
from wuxin.terms.names import Digest, Tenant, ThingKey, thing_key
from wuxin.terms.records import (
    Act,
    Cause,
    Cleared,
    Command,
    Finding,
    Readings,
    Refusal,
)
from wuxin.terms.standards import Derived, Pack
from wuxin.twin.frames import Frames, Known
from wuxin.twin.layout import NEVER, WOKE, Bounds, Rows
from wuxin.twin.rows import in_order, joined, known
from wuxin.twin.things import Thing
from wuxin.twin.twin import TICK, Event, Stop, Twin
from wuxin.twin.window import Day

DEVICE: Final = "device"
"""The command, and the act, that takes a device to another state of its life."""

PASSING: Final = "pass_time"
"""The command that says nothing but how late it is."""

RECENT: Final = 65_536
"""Among how many of the newest records none is said twice."""

EARLIEST: Final = 0
AHEAD: Final = DAY
"""How far ahead of its arrival a reading may be dated (clock error, zone mistakes)."""


@dataclass(slots=True)
class Outcome:
    """What one entry led to, in order; the engine commits it in one go."""

    number: int
    entry: Digest
    source: str
    arrival: int
    pack: str = ""
    frames: list[tuple[int, str, Digest]] = field(default_factory=list)
    rows: list[Rows] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    records: list[Said] = field(default_factory=list)
    refused: Refused | None = None
    repeats: int = 0
    things: list[Thing] = field(default_factory=list)
    facilities: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    joined: dict[str, str] = field(default_factory=dict)
    accepted: int = 0
    marked: int = 0

    @property
    def batch(self) -> dict[str, str | int]:
        """The batch as its leaf commits to it."""
        return {
            "n": self.number, "entry": self.entry, "source": self.source, "arrival": self.arrival,
            "accepted": self.accepted, "marked": self.marked, "refused": len(self.refusals),
        }  # fmt: skip


class Flow:
    """One tenant's house, in memory. Feed it the journal's entries in order.

    Args:
        tenant: whose house it is.
        packs: how a pack is loaded by name.
        lanes: into how many shards things are shared out, each with a thread of its own; what
            comes out is the same for any number.
    """

    def __init__(self, tenant: Tenant, packs: Callable[[str], Pack], *, lanes: int = 1) -> None:
        self.tenant = tenant
        self.lanes = lanes
        self.threads = ThreadPoolExecutor(lanes + 1, "lane") if lanes > 1 else None
        self.arrival, self.entry = 0, Digest("")
        self.lines: dict[str, Line] = {}
        self.sources: dict[str, Source] = {}
        self.frames = Frames()
        self.open: dict[tuple[str, ThingKey, str], Finding] = {}
        self.bank = Bank(tenant)
        self.recent: dict[Digest, None] = {}
        self._packs = packs
        self._outcome = Outcome(0, Digest(""), "", 0)
        self._goods: list[tuple[GoodsTold, tuple[Cause, ...]]] = []

    def step(self, number: int, entry: Digest, *, said: Entry) -> Outcome:
        """Take one entry of the journal.

        Args:
            number: its number.
            entry: the SHA-256 of its bytes.
            said: what it says.

        Raises:
            BadInput: an opening or a command that cannot be obeyed (check before you journal it).
        """
        self._outcome = Outcome(number, entry, said.source, said.arrival)
        self.arrival, self.entry = said.arrival, entry
        self.frames.sweep(self._referred)
        if isinstance(said, Opened):
            self._open(said)
        source = self.sources[said.source]
        self._outcome.pack = source.line.pack.name
        if isinstance(said, Arrived):
            source.position = said.position or source.position
            self._arrive(source, said)
        elif isinstance(said, Told):
            source.told = max(source.told, said.command.at)
            self._pass(source, said.command.at)
            self._obey(source, said.command, number=number)
        elif isinstance(said, Closed):
            source.ended = True
            if source.watermark:
                self._pass(source, next_day(source.watermark, source.zone))
        self._outcome.things = source.line.registry.taken()
        acts = [r for r in self._outcome.records if isinstance(r, Act)]
        if acts:
            self._outcome.facilities = self.bank.desk.facilities(a.facility for a in acts)
        self._outcome.warnings, self._outcome.joined = self.bank.warnings.taken()
        return self._outcome

    def _referred(self) -> NDArray[np.int64]:
        """The references that anything remembered has to frames."""
        found = [line.twin.references() for line in self.lines.values()]
        return np.concatenate([np.zeros(1, np.int64), *found])  # 0: where there is no reference

    # ---- bytes → readings ------------------------------------------------------------------

    def source_of(self, said: Opened) -> Source:
        """A source as its opening describes it, with nothing taken from it yet."""
        line = self.lines.get(said.pack)
        if line is None:
            line = self.lines[said.pack] = self.line_of(said.pack)
        source = self.sources[said.source] = Source.of(
            said, line, threads=self.threads, lanes=self.lanes
        )
        return source

    def line_of(self, pack: str) -> Line:
        """An empty line of a pack."""
        return Line.of(self._packs(pack), self.lanes, threads=self.threads)

    def _open(self, said: Opened) -> None:
        source = self.source_of(said)
        line, manifest = source.line, said.manifest
        for name, corners in manifest.get("geofences", {}).items():
            line.registry.enclose(name, corners)
        for told in manifest["things"]:
            parent = thing_key(told["parent"]) if told["parent"] else None
            key = ThingKey(told["kind"], told["id"])
            line.registry.register(key, source=source.name, parent=parent)
            line.registry.describe(key, told["facts"])
            if told.get("geofence"):
                line.registry.fence(key, told["geofence"])

    def _arrive(self, source: Source, said: Arrived) -> None:
        named: dict[int, list[ThingKey]] = {}
        self._goods = []
        if source.decoder is None:
            rows = in_order([*self._recorded(source, said, named=named)])
        else:
            rows = joined([*self._live(source, source.decoder, said=said)])
        self._outcome.rows.append(rows)
        self._observe(source, rows, named=named)
        if self._goods:
            at = max(source.watermark, *(event.at for event, _ in self._goods))
            now = self.now(source, min(at, said.arrival + AHEAD))
            self._say(source, self.bank.trades.hear_goods(self._goods, now))
        self._outcome.marked += int(np.count_nonzero(rows.quality))
        self._outcome.accepted += len(rows.value)

    def _recorded(
        self, source: Source, said: Arrived, *, named: dict[int, list[ThingKey]]
    ) -> Iterator[Readings]:
        """The readings of recorded frames; what newly names a thing is noted in ``named``."""
        for frame in said.frames:
            mapped = source.mapped[frame.stream]
            readings, refused = table.decode(mapped, frame)
            number = self._frame(mapped.file, frame.id)
            readings.first |= np.int64(number << 32)
            readings.last |= np.int64(number << 32)
            self._outcome.refusals += refused
            try:
                naming = source.line.registry.resolve(readings, source.name, periods=source.periods)
            except BadInput as wrong:
                refusal = Refusal(mapped.file, 0, mapped.thing.kind, frame.id, str(wrong))
                self._outcome.refusals.append(refusal)
                continue
            for slot, keys in naming.items():
                named.setdefault(slot, []).extend(keys)
            yield readings

    def _live(self, source: Source, decoder: Decoder, *, said: Arrived) -> Iterator[Rows]:
        """The messages of devices, in the order in which they arrived."""
        line = source.line
        numbers = np.array([line.registry.number[name] for name in decoder.names], np.int32)
        for frame in said.frames:
            key = self.threads.submit(getattr, frame, "id") if self.threads else None
            found = decoder.decode(frame.payload, np.frombuffer(frame.lines, "<i4"))
            digest = key.result() if key else frame.id
            number = self._frame(source.name, digest, trust=source.trust(frame))
            self._goods += [
                (event, (Cause("frame", digest, source.name, (i, i), source.trust(frame)),))
                for i, event in source.goods()
            ]
            references = np.full(len(found.line), number, np.int64)
            if found.signed is not None and found.signed.any():
                references[found.signed] = self._frame(source.name, digest, trust=SIGNED)
            slots, unknown = line.registry.slots(decoder.devices, source.name)
            self._outcome.refusals += [
                Refusal(source.name, i, "", "", reason) for i, reason in found.refused
            ]
            for i in np.flatnonzero(slots[found.thing] < 0):
                thing, reason = unknown[int(found.thing[i])]
                refusal = Refusal(source.name, int(found.line[i]), "device", str(thing), reason)
                self._outcome.refusals.append(refusal)
            yield known(found, slots, numbers=numbers, frames=references)

    def _frame(self, file: str, frame: Digest, *, trust: str = "") -> int:
        number = self.frames.add(Known(file, frame, trust))
        self._outcome.frames.append((number, file, frame))
        return number

    # ---- readings → state → findings -------------------------------------------------------

    def _observe(self, source: Source, rows: Rows, *, named: Mapping[int, list[ThingKey]]) -> None:
        stops = (
            sorted((int(np.argmax(rows.thing == slot)), slot) for slot in named) if named else []
        )
        row = 0
        for stop, slot in [*stops, (len(rows.head), -1)]:
            row = self._segment(source, rows, row=row, stop=stop)
            if slot >= 0:
                self._name(source, rows, row=row, keys=named[slot])
        t = rows.event_time
        good = (t >= EARLIEST) & (t <= self._outcome.arrival + AHEAD)
        if good.any():
            source.watermark = max(source.watermark, int(t[good].max()))

    def _segment(self, source: Source, rows: Rows, *, row: int, stop: int) -> int:
        twin = source.line.twin
        latest = self._outcome.arrival + AHEAD
        while row < stop:
            if source.midnight == NEVER:
                t = rows.event_time[row:stop]
                good = (t >= EARLIEST) & (t <= latest)
                if good.any():
                    self._begin(source, int(t[np.argmax(good)]))
            bounds = Bounds(EARLIEST, latest, source.closed, source.tick, derived=False)
            for event in twin.observe(rows, bounds, start=row, stop=stop):
                if isinstance(event, Stop):
                    why, row = event
                elif event.rule == WOKE:
                    self._wake(source, event)
                else:
                    self._judge(source, event)
            if why == TICK:
                self._pass(source, int(rows.event_time[row]))
        return row

    def _wake(self, source: Source, event: Event) -> None:
        """A silent thing has spoken; the kernel has judged that already, this is for the record."""
        silence = constant(event.thing, "silence", at=event.at, value=0.0)
        rows = source.line.twin.derived([silence], [(event.first, event.last)])
        self._outcome.rows.append(rows)

    def _name(self, source: Source, rows: Rows, *, row: int, keys: Sequence[ThingKey]) -> None:
        """A document names a thing, or another one than before; both learn how many now do."""
        _, at, _, _, *ref = rows.head[row].tolist()
        for key in keys:
            count = float(len(source.line.registry.thing(key).naming))
            self._derive(
                source, [constant(key, "named_by", at=at, value=count)], ref=(ref[0], ref[1])
            )

    def _derive(
        self, source: Source, found: Sequence[Derived], *, ref: tuple[int, int] | None = None
    ) -> None:
        refs = [ref or self._behind(source, d) for d in found]
        rows = source.line.twin.derived(found, refs)
        self._outcome.rows.append(rows)
        bounds = Bounds(EARLIEST, NEVER, 0, NEVER, derived=True)
        for event in source.line.twin.observe(rows, bounds):
            if isinstance(event, Event):
                self._judge(source, event)

    def _behind(self, source: Source, derived: Derived) -> tuple[int, int]:
        """References to the measured values of the days for which something was derived."""
        line, at = source.line, derived.t
        days = day_start(int(at[0]), source.zone), next_day(int(at[-1]), source.zone)
        for slot in line.registry.things.below(line.registry.slot(derived.thing)):
            found = line.twin.window.references(slot, start=days[0], end=days[1])
            if found is not None:
                return found
        return 0, 0

    def _judge(self, source: Source, event: Event) -> None:
        line, key = source.line, event.thing
        rule = line.rules.rules[event.rule]
        because = self.frames.causes(event.first, event.last)
        if not event.raised:
            begun = self.open.pop((line.pack.name, key, rule.name))
            value = None if math.isnan(event.value) else event.value
            self._say(source, [Cleared(self.tenant, begun.id, event.at, value, because)])
            return
        limit = rule.limit if math.isnan(event.limit) else event.limit
        found = finding(
            self.tenant, key, rule=rule, indicators=line.pack.indicators, because=because,
            figures=(event.since, event.at, event.value, limit),
        )  # fmt: skip
        while found.id in self.recent:  # late data: it ended, and is so again at the same moment
            found = replace(found, raised=found.raised + 1)
        self.open[line.pack.name, key, rule.name] = found
        self._say(source, [found])

    # ---- findings → acts -------------------------------------------------------------------

    def _say(self, source: Source, said: Sequence[Said]) -> None:
        """Put on record what is said, let the bank hear it, and derive what its acts report."""
        left, acts = deque(said), []
        while left:
            one = left.popleft()
            if not self._is_new(one):
                continue
            self._outcome.records.append(one)
            if isinstance(one, Act):
                acts.append(one)
                at = one.at
            else:
                at = one.raised if isinstance(one, Finding) else one.at
            left += self.bank.hear(one, self.now(source, at))
        found = self.bank.desk.derive(acts)
        for derived in found:
            if derived.thing not in source.line.registry:
                source.line.registry.register(derived.thing, source=source.name)
        if found:
            self._derive(source, found, ref=self._source_of(acts))

    def _is_new(self, said: Said) -> bool:
        """Whether a record was not said before: what is equal to the last figure is one record."""
        if said.id in self.recent:
            return False
        self.recent[said.id] = None
        if len(self.recent) > RECENT:
            del self.recent[next(iter(self.recent))]
        return True

    def now(self, source: Source, at: int) -> Now:
        """The occasion on which the bank is asked: a source at an event time (ns)."""
        pack = source.line.pack
        return Now(at, self.arrival, source.name, pack, Reader(self.frames, self.sources, source))

    def concerns(self, record: Said, source: str) -> str:
        """The facility that a record of a source concerns, or nothing."""
        if isinstance(record, Act):
            return record.facility
        if isinstance(record, Cleared):
            return ""
        now = self.now(self.sources[source], record.raised)
        return next(iter(self.bank.desk.facilities_of(record.thing, now)), "")

    def _obey(self, source: Source, command: Command, *, number: int) -> None:
        """Do as told; what cannot be done is a refusal on record, not a hole in the journal."""
        now = self.now(source, command.at)
        if source.name == BANK or command.do == PASSING:
            self._say(source, self.bank.tick(now))
        try:
            if command.do == PASSING:
                return
            if command.do == DEVICE:
                said: Sequence[Said] = [self._move(source, command)]
            else:
                self._outcome.repeats = self.bank.done(command) or 0
                said = self.bank.obey(command, now, entry=number)
        except Refused as wrong:
            refusal = Refusal(command.by, 0, command.do, command.facility, str(wrong))
            self._outcome.refusals.append(refusal)
            self._outcome.refused = wrong
            self._say(source, wrong.said)
            return
        self._say(source, said)

    def _move(self, source: Source, command: Command) -> Act:
        """Take a device to another state of its life."""
        device = source.devices.move(command.body, command.at)
        figures = {"device": device.name, "source": source.name, "state": device.state}
        figures |= {"thing": device.things[-1]} if device.things else {}
        figures |= {k: str(command.body[k]) for k in ("model", "reason") if command.body.get(k)}
        if not command.body.get("to"):  # only its keys change, or what it is
            figures["keys"] = ", ".join(k for k in ("secret", "public_key") if command.body.get(k))
        because = (Cause("command", command.id),)
        return Act(self.tenant, DEVICE, "", command.at, command.by, figures, because)

    def _source_of(self, acts: Sequence[Act]) -> tuple[int, int]:
        """References to the frames that the acts name, so that a call walks back to raw bytes."""
        refs = [
            self._number_of(cause) << 32 | line
            for act in acts for cause in act.because if cause.kind == "frame" and cause.lines
            for line in cause.lines
        ]  # fmt: skip
        return (min(refs), max(refs)) if refs else (0, 0)

    def _number_of(self, cause: Cause) -> int:
        """The number of the frame that a cause names, another one if the first is forgotten."""
        number = self.frames.number(cause)
        if number is None:
            number = self._frame(cause.source, cause.id, trust=cause.trust)
        return number

    # ---- time ------------------------------------------------------------------------------

    def _begin(self, source: Source, now: int) -> None:
        source.closed = day_start(now, source.zone)
        source.midnight = next_day(now, source.zone)
        source.tick = source.midnight

    def _pass(self, source: Source, now: int) -> None:
        """Let event time pass up to ``now``: things fall silent, days close, deadlines come."""
        if source.midnight == NEVER:
            self._begin(source, now)
        twin, registry = source.line.twin, source.line.registry
        while True:
            slots = np.array(registry.of(source.name), np.int32)
            source.tick = min(source.midnight, twin.silent_after(slots))
            if source.tick > now:
                return
            at = source.tick
            for key, seconds in twin.fall_silent(slots, at):
                self._derive(
                    source,
                    [constant(key, "silence", at=at, value=seconds)],
                    ref=self._last_of(twin, key),
                )
            if at == source.midnight:
                self._close_day(source, at)

    def _close_day(self, source: Source, end: int) -> None:
        line = source.line
        start = day_start(end - 1, source.zone)
        source.closed, source.midnight = end, next_day(end, source.zone)
        for root in line.registry.roots(source.name):
            members = line.registry.below(root)
            if not any(line.twin.seen(key) >= start for key in members):
                continue
            day = Day(line.twin.window, line.registry, root, members, start, end, source.zone)
            for model in line.pack.models.values():
                self._derive(source, [d for d in model.run(day) if len(d.t)])
        line.twin.window.forget(end)
        self._say(source, self.bank.tick(self.now(source, end)))

    def _last_of(self, twin: Twin, key: ThingKey) -> tuple[int, int]:
        state = twin.state(key, 0)
        last = max((m.last for m in state.values.values()), default=0)
        return last, last


def constant(thing: ThingKey, indicator: str, *, at: int, value: float) -> Derived:
    """One derived value of one thing at one time."""
    return Derived(thing, indicator, np.array([at], np.int64), np.array([value]))
