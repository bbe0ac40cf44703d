"""A home: one tenant's journal, book, history and evidence log in one folder, and the commit.

    HOME/book.sqlite             the book of all tenants; book.url where it is on a database server
    HOME/<tenant>/journal/       what was acknowledged
    HOME/<tenant>/history/       readings as columns
    HOME/<tenant>/log/           the evidence log, C2SP tlog-tiles
    HOME/<tenant>/keys/          the log's signing key and the sealing secret (mode 0600)
    HOME/<tenant>/state/         state files, from which opening goes on

The order of a commit: journal (synced) → slice → history → tiles → book (one transaction) →
checkpoint; now and then history to disk → state file → old segments of the journal archived. A
crash between any two is healed by opening the home again: the newest usable state file, then the
journal from there; what the book does not have yet is committed.
"""

import fcntl
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, Self

from msgspec.structs import replace

from wuxin import __version__, frozen
from wuxin.engines import embedded
from wuxin.evidence.leaf import Sealer
from wuxin.evidence.log import Log
from wuxin.evidence.note import Ed25519Signer
from wuxin.flow import Flow, Outcome
from wuxin.packs import adopt, schema
from wuxin.protocols.native_batch import PROTOCOL
from wuxin.slices import Flat, Piece, Result, commits, frames_of, pieces, run_slice
from wuxin.sources import opening
from wuxin.stores import schema as tables
from wuxin.stores import snapshot
from wuxin.stores.book import Book
from wuxin.stores.history import History
from wuxin.stores.journal import Arrived, Closed, Entry, Journal, Opened, Told
from wuxin.terms.clock import Clock, system_clock
from wuxin.terms.counter import BANK, check_writable
from wuxin.terms.errors import BadInput, Conflict, NotFound, Tampered
from wuxin.terms.names import Digest, Tenant
from wuxin.terms.records import Command
from wuxin.wire.recording import BATCH_ROWS, Recording

DEFAULT_TENANT: Final = Tenant("demo-bank")
JOURNALLED: Final = 32 * 1024 * 1024
"""Bytes of payload after which a state file is written; four times its size, if that is more."""

HISTORY_ROWS: Final = 500_000
"""Readings that wait in memory, at most, before they are written; the journal has them anyway."""

_LOGGER: Final = logging.getLogger("wuxin")


class Progress(NamedTuple):
    """How far a replay has come: rows done, rows in all, event time reached (ns)."""

    rows: int
    total: int
    event_time: int


class Doorkeeper(Protocol):
    """Asks outside before an order is journalled; what it heard stands in the order."""

    def before(self, command: Command) -> Command:
        """The order, with what was heard about it."""
        ...

    def after(self, command: Command, *, accepted: bool) -> None:
        """How it ended: what was entered outside for an order that is not obeyed is taken back."""
        ...


@dataclass(slots=True)
class Written:
    """Entries that stand in the journal, and what they led to once they were judged."""

    piece: Piece
    outcomes: list[Outcome] | None = None


class Home:
    """One tenant's home, opened for writing by one process at a time.

    Any thread may call it. While one batch is judged the next can be written: they are judged in
    the order in which they were written. After a failure nothing more is taken; opening the home
    again heals it.

    Raises:
        Conflict: another process has this home open.
        Tampered: journal or log are damaged; the text names the place.
    """

    def __init__(
        self, folder: Path, *, tenant: Tenant = DEFAULT_TENANT, clock: Clock = system_clock,
        book_url: str = "", lanes: int = 1,
    ) -> None:  # fmt: skip
        self.folder, self.tenant, self.clock = folder, tenant, clock
        own = folder / tenant
        own.mkdir(parents=True, exist_ok=True)
        self._arrival, self._enough = 0, JOURNALLED
        self._lock = (own / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"{own} is open in another process; stop that one first") from None
        self.book = Book.in_folder(folder, book_url)
        self.history = History(own / "history")
        self.journal = Journal(own / "journal")
        self.signer, self.sealer = keys(folder, tenant)
        known = self.book.known(tenant)
        self.log = Log.open(
            own / "log", origin=origin(tenant), signer=self.signer, size=known.log_size,
            root=known.log_root or None,
        )  # fmt: skip
        self._committed = known.batch
        self._writing, self._judging = threading.Lock(), threading.RLock()
        self._waiting: deque[Written] = deque()
        self._broken: BaseException | None = None
        self.passed: list[str] = []
        self.doorkeeper: Doorkeeper | None = None
        self.listeners: list[Callable[[int], None]] = []
        """Told the number of each batch, once it is committed, in the thread that did that."""
        self.flow, self._kept = self._remembered(lanes)
        self._since = 0
        embedded.run(
            pieces(self.journal.read(self._kept)),
            lambda piece: run_slice(self.flow, piece, sealer=self.sealer),
            commit=self._commit,
        )
        if self.journal.last < self._committed:
            raise Tampered(
                f"the journal of {own} ends at entry {self.journal.last}, the book knows "
                f"{self._committed}: entries are missing"
            )
        self._arrival = self.flow.arrival
        self._republish()

    def _remembered(self, lanes: int) -> tuple[Flow, int]:
        """The flow of the newest usable state file and its entry, or an empty one and 0."""
        own = self.folder / self.tenant
        upto = min(self.journal.last, self._committed, self.history.durable)
        found = snapshot.newest(own / "state", frozen.SCHEMA, at_most=upto)
        self.passed += found.passed
        flow, after = None, 0
        if found.snapshot:
            after = found.snapshot.number
            flow = frozen.thaw(found.snapshot, self.tenant, packs=schema.load, lanes=lanes)
            if not flow:
                self.passed.append(f"the state of entry {after} is that of packs since changed")
            elif not self._is_ours(after, flow.entry):
                self.passed.append(f"the state of entry {after} is that of another journal")
                flow = None
        for reason in self.passed:
            _LOGGER.warning("%s; the journal is replayed instead", reason)
        if not flow:
            if self.journal.discarded:
                raise self.journal.discarded[-1].gone()
            flow, after = Flow(self.tenant, schema.load, lanes=lanes), 0
        self.history.forget_after(after)
        return flow, after

    def _is_ours(self, number: int, entry: Digest) -> bool:
        """Whether the book knows that entry as the one which a state file follows."""
        known = self.book.rows(tables.batch, self.tenant, n=number)
        return [row["entry"] for row in known] == [entry]

    def keep(self) -> None:
        """Write history and a state file to disk, and archive the journal that lies before it.

        After a failure nothing is kept: the journal is what opening goes on from.
        """
        with self._judging:
            if self._broken is not None:
                return
            self.history.flush()
            if self._kept == self._committed or not self._committed:
                return
            kept = frozen.freeze(self.flow, self._committed)
            path = snapshot.write(self.folder / self.tenant / "state", kept)
            self._kept, self._since = self._committed, 0
            self._enough = max(JOURNALLED, 4 * path.stat().st_size)
            with self._writing:
                self.journal.retire(self._kept + 1)
            self.history.compact()

    def close(self) -> None:
        """Keep what is remembered, close the stores and let another process have the home."""
        self.keep()
        self.journal.close()
        self.log.close()
        self.book.engine.dispose()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def accept(self, entry: Entry) -> Outcome:
        """Take one entry through the house; when this returns it is durable, judged and proved."""
        return self.accept_many([entry])[0]

    def accept_many(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Take entries through the house with one sync of the journal and one commit.

        An arrival is never earlier than the one before, even where the machine's clock steps back.
        """
        return self.process(self.append(entries))

    def append(self, entries: Sequence[Entry]) -> Written:
        """Write entries durably to the journal; from here on their sources may be answered.

        Raises:
            Conflict: writing or judging has failed before.
            OSError: the disk refused; it is not known what of them stands there.
        """
        with self._writing, self._whole():
            in_order = []
            for entry in entries:
                self._arrival = max(self._arrival, entry.arrival)
                late = entry.arrival < self._arrival
                in_order.append(replace(entry, arrival=self._arrival) if late else entry)
            told = self.journal.append_many(in_order)
            written = Written([(n, key, e) for (n, key), e in zip(told, in_order, strict=True)])
            self._waiting.append(written)
            return written

    def process(self, written: Written) -> list[Outcome]:
        """Judge what was appended and commit what it led to; what was appended before goes first.

        Raises:
            Conflict: writing or judging has failed before.
            OSError, SQLAlchemyError: what it led to could not be kept.
        """
        with self._judging, self._whole():
            if written.outcomes is None:
                self._judge(written)
            return written.outcomes or []

    def _judge(self, upto: Written) -> None:
        """Judge all that waits up to something that was written, with one commit."""
        taken: list[Written] = []
        while not taken or taken[-1] is not upto:
            taken.append(self._waiting.popleft())
        piece = [entry for written in taken for entry in written.piece]
        result = run_slice(self.flow, piece, sealer=self.sealer)
        self._commit(result)
        outcomes = iter([prepared.outcome for prepared in result.prepared])
        for written in taken:
            written.outcomes = [*islice(outcomes, len(written.piece))]
        self._since += sum(len(f.payload) for _, _, e in piece for f in frames_of(e))
        if self._since > self._enough:
            self.keep()

    def replay(
        self,
        recording: Recording,
        *,
        batch_rows: int = BATCH_ROWS,
        wait: Callable[[int], None] = lambda _: None,
    ) -> Iterator[tuple[Progress, Outcome]]:
        """Bring in a recording; one that was broken off goes on where it stopped.

        Args:
            recording: see :func:`wuxin.wire.recording.open_recording`.
            batch_rows: rows of one journal entry.
            wait: called with each batch's event time, to pace an accelerated clock.

        Raises:
            BadInput: the manifest names what its pack does not declare, or no row has a date.
        """
        pack = schema.load(recording.pack)
        manifest = adopt.adopt(recording, pack)
        done = len(self.batches_of(recording.source))
        if not done:
            now = self.clock()
            said = (pack.name, pack.digest, manifest, __version__)
            self.accept(Opened(recording.source, now, *said))
        skip, rows, total = max(done - 1, 0), 0, recording.rows
        for number, item in enumerate(recording.batches(adopt.times, batch_rows)):
            rows += item.rows
            if number < skip:
                continue
            wait(item.upto)
            now = self.clock()
            entry: Entry = Arrived(recording.source, now, item.frames)
            if item.command is not None:
                entry = Told(recording.source, now, item.command)
            yield Progress(rows, total, item.upto), self.accept(entry)
        if not self.closed(recording.source):
            outcome = self.accept(Closed(recording.source, self.clock()))
            yield Progress(total, total, self.flow.sources[recording.source].watermark), outcome

    @property
    def committed(self) -> int:
        """The number of the last batch that is in the book."""
        return self._committed

    def order(self, command: Command, *, source: str = "") -> Outcome:
        """Give an order, or repeat one under its own key.

        Args:
            command: what is ordered; its time is that of the source it concerns.
            source: on whose clock a new facility is to run; else that of the command's facility.

        Returns:
            What it led to. That of a repeated order ``repeats`` the number of an earlier entry.

        Raises:
            Refused: it cannot be obeyed, and why; nothing has changed.
        """
        check_writable(command)
        if "elsewhere" in command.body and command.do == "pledge":
            raise BadInput("what a registry says of a pledge is asked of it, not ordered")
        if self.doorkeeper is None:
            return self._obeyed(command, source=source)
        command, accepted = self.doorkeeper.before(command), False
        try:
            outcome = self._obeyed(command, source=source)
            accepted = True
        finally:
            self.doorkeeper.after(command, accepted=accepted)
        return outcome

    def _obeyed(self, command: Command, *, source: str) -> Outcome:
        source = source or self.flow.bank.source_of(command.facility)
        if source == BANK and BANK not in self.flow.sources:
            self.attend(BANK, schema.COMMON)
        if source not in self.flow.sources:
            raise NotFound(f"there is no source {source!r}")
        outcome = self.accept(Told(source, self.clock(), command))
        if outcome.refused is not None:
            raise outcome.refused
        return outcome

    def attend(
        self, source: str, pack: str, *, protocol: str = PROTOCOL, timezone: str = "UTC",
        **told: Any,
    ) -> None:  # fmt: skip
        """Open a source of devices; one that is open already stays as it is.

        Args:
            source: its name; frames and batches carry it.
            pack: the pack whose things report.
            protocol: what its devices speak; Wuxin's own frame unless another is named.
            timezone: in which its days end.
            told: ``things``, what is known of things before they speak: ``kind``, ``id``, and where
                given ``parent`` (kind:id), ``facts`` in SI units and the name of a ``geofence``;
                ``geofences``, corners by name, pairs of latitude and longitude in degrees;
                ``indicators`` and ``kinds``, the pack's names for the protocol's; ``strangers``
                false where devices that are not registered are not listened to; ``datum``, on
                which places are reported (WGS-84, GCJ-02, BD-09).

        Raises:
            BadInput: pack, time zone, a thing or a geofence cannot be meant.
            NotFound: the protocol is not installed.
        """
        if source in self.flow.sources:
            return
        known = schema.load(pack)
        manifest = opening(pack, protocol, timezone=timezone, told=told)
        opened = Opened(source, self.clock(), pack, known.digest, manifest, __version__)
        Flow(self.tenant, schema.load).step(1, Digest(""), said=opened)  # refuses what is wrong
        self.accept(opened)

    @contextmanager
    def standing(self) -> Iterator[Flow]:
        """The flow, while nothing is judged: what is read of it is of one moment."""
        with self._judging:
            yield self.flow

    def closed(self, source: str) -> bool:
        """Whether a recorded source was brought in to its end."""
        with self._judging:
            return source in self.flow.sources and self.flow.sources[source].ended

    def batches_of(self, source: str) -> set[int]:
        """The numbers of the journal entries of one source."""
        return {row["n"] for row in self.book.rows(tables.batch, self.tenant, source=source)}

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Nothing is taken after a failure: what is in memory may be ahead of the disk."""
        if self._broken is not None:
            raise Conflict(
                f"the home has stopped ({self._broken!r}); start again, which heals it"
            ) from self._broken
        try:
            yield
        except BaseException as wrong:
            self._broken = wrong
            raise

    def _commit(self, result: Result) -> None:
        """Publish what a slice led to; what the book has already is not published again."""
        fresh = [p for p in result.prepared if p.outcome.number > self._committed]
        for prepared in result.prepared:
            outcome, line = prepared.outcome, self.flow.lines[prepared.outcome.pack]
            self.history.add(
                outcome.number, [Flat(rows) for rows in outcome.rows], pack=outcome.pack,
                things=line.registry.keys, indicators=line.registry.names,
            )  # fmt: skip
            self.history.refuse(outcome.number, outcome.refusals)
        if self.history.pending > HISTORY_ROWS:
            self.history.flush()
        if not fresh:
            return
        start = self.log.size
        head = self.log.append([data for p in fresh for _, _, _, data in p.sealed])
        self.book.commit(self.tenant, commits(self.tenant, fresh, start=start, root=head.root))
        self.log.publish(head)
        self._committed = fresh[-1].outcome.number
        for tell in [*self.listeners]:
            tell(self._committed)

    def _republish(self) -> None:
        """After a crash between book and checkpoint the checkpoint follows the book."""
        published = self.log.published()
        if self.log.size and (published is None or published.size < self.log.size):
            self.log.publish(self.log.head)


def origin(tenant: Tenant) -> str:
    """The name of a tenant's evidence log."""
    return f"wuxin/{tenant}"


def keys(folder: Path, tenant: Tenant) -> tuple[Ed25519Signer, Sealer]:
    """The log's signer and the sealer of a tenant; made at first use."""
    place = folder / tenant / "keys"
    return (
        Ed25519Signer.from_file(place / "log.key", name=origin(tenant)),
        Sealer.from_file(place / "sealing.key"),
    )
