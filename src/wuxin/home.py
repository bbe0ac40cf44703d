"""A home: one tenant's journal, book, history and evidence log in one folder, and the commit.

    HOME/book.sqlite             the book of all tenants
    HOME/<tenant>/journal/       what was acknowledged
    HOME/<tenant>/history/       readings as columns
    HOME/<tenant>/log/           the evidence log, C2SP tlog-tiles
    HOME/<tenant>/keys/          the log's signing key and the sealing secret (mode 0600)

The order of a commit: journal (synced) → step → history → tiles → book (one transaction) →
checkpoint. A crash between any two is healed by opening the home again: the journal is stepped
through from the start, and what the book does not have yet is committed.
"""

import fcntl
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from wuxin import __version__
from wuxin.engines import embedded
from wuxin.evidence.leaf import Sealer, leaf
from wuxin.evidence.log import Log
from wuxin.evidence.note import Ed25519Signer
from wuxin.flow import Flow, Outcome
from wuxin.packs import adopt, schema
from wuxin.stores.book import Book, Commit, thing_row
from wuxin.stores.history import History
from wuxin.stores.journal import Arrived, Closed, Entry, Journal, Opened, Told
from wuxin.terms.clock import Clock, system_clock
from wuxin.terms.errors import Conflict, Tampered
from wuxin.terms.names import Digest, Tenant, content_id
from wuxin.terms.records import Act, Cleared, Finding, Receipt, plain
from wuxin.twin.layout import Rows
from wuxin.wire.recording import BATCH_ROWS, Recording

DEFAULT_TENANT: Final = Tenant("demo-bank")
KINDS: Final = {Finding: "finding", Cleared: "cleared", Act: "act"}


class Flat:
    """Rows as the history takes them: every column by reading."""

    def __init__(self, rows: Rows) -> None:
        self.value, self.quality, self.indicator = rows.value, rows.quality, rows.indicator
        for name in ("thing", "event_time", "first", "last"):
            setattr(self, name, rows.column(name))


class Progress(NamedTuple):
    """How far a replay has come: rows done, rows in all, event time reached (ns)."""

    rows: int
    total: int
    event_time: int


class Home:
    """One tenant's home, opened for writing by one process at a time.

    Raises:
        Conflict: another process has this home open.
        Tampered: journal or log are damaged; the text names the place.
    """

    def __init__(
        self, folder: Path, *, tenant: Tenant = DEFAULT_TENANT, clock: Clock = system_clock,
        book_url: str = "",
    ) -> None:  # fmt: skip
        self.folder, self.tenant, self.clock = folder, tenant, clock
        own = folder / tenant
        own.mkdir(parents=True, exist_ok=True)
        self._lock = (own / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"{own} is open in another process; stop that one first") from None
        self.book = Book(book_url) if book_url else Book.in_folder(folder)
        if book_url:
            self.book.migrate()
        self.history = History(own / "history")
        self.journal = Journal(own / "journal")
        self.signer, self.sealer = keys(folder, tenant)
        known = self.book.known(tenant)
        self.log = Log.open(
            own / "log", origin=origin(tenant), signer=self.signer, size=known.log_size,
            root=known.log_root or None,
        )  # fmt: skip
        self._committed = known.batch
        self._turn = threading.RLock()
        self.flow = Flow(tenant, schema.load)
        embedded.run(
            self.journal.read(),
            lambda e: self.flow.step(e[0], e[1], said=e[2]),
            commit=self._commit,
        )
        if self.journal.last < self._committed:
            raise Tampered(
                f"the journal of {own} ends at entry {self.journal.last}, the book knows "
                f"{self._committed}: entries are missing"
            )
        self._republish()

    def close(self) -> None:
        """Close the stores and let another process have the home."""
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
        with self._turn:
            number, digest = self.journal.append(entry)
            outcome = self.flow.step(number, digest, said=entry)
            self._commit(outcome)
            return outcome

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

    def closed(self, source: str) -> bool:
        """Whether a recorded source was brought in to its end."""
        with self._turn:
            entries = self.journal.read()
            return any(isinstance(e, Closed) and e.source == source for _, _, e in entries)

    def batches_of(self, source: str) -> set[int]:
        """The numbers of the journal entries of one source."""
        with self._turn:
            return {n for n, _, e in self.journal.read() if e.source == source}

    def _commit(self, outcome: Outcome) -> None:
        if outcome.number <= self._committed:
            return
        line = self.flow.lines[outcome.pack]
        things = [t.key for t in line.registry.things]
        self.history.add(
            outcome.number, [Flat(rows) for rows in outcome.rows], pack=outcome.pack, things=things,
            indicators=line.registry.names,
        )  # fmt: skip
        self.history.refuse(outcome.number, outcome.refusals)
        sealed = leaves(outcome, self.sealer)
        start = self.log.size
        head = self.log.append([data for _, _, _, data in sealed])
        batch = outcome.batch
        desk = self.flow.sources[outcome.source].desk
        self.book.commit(
            self.tenant,
            Commit(
                batch={**batch, "pack": outcome.pack, "log_size": head.size, "log_root": head.root},
                frames=outcome.frames,
                things=[
                    thing_row(t.key, source=t.source, parent=t.parent, facts=t.facts)
                    for t in outcome.things
                ],
                records=[(r, facility_of(r, desk)) for r in outcome.records],
                facilities=[facility_row(f, outcome.source) for f in outcome.facilities],
                receipts=[
                    Receipt(self.tenant, kind, key, start + i, salt)
                    for i, (kind, key, salt, _) in enumerate(sealed)
                ],
            ),
        )
        self.log.publish(head)
        self._committed = outcome.number

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


def leaves(outcome: Outcome, sealer: Sealer) -> list[tuple[str, Digest, bytes, bytes]]:
    """The evidence of one step: (kind, record id, salt, leaf), the batch first, then in order."""
    records: list[tuple[str, Digest, int, Any]] = [
        ("batch", batch_id(outcome.batch), outcome.arrival, outcome.batch)
    ]
    for r in outcome.records:
        at = r.raised if isinstance(r, Finding) else r.at
        records.append((KINDS[type(r)], r.id, at, plain(r)))
    sealed = []
    for kind, key, at, record in records:
        salt, commit = sealer.seal(kind, key, record=record)
        sealed.append((kind, key, salt, leaf(kind, commit, n=outcome.number, at=at)))
    return sealed


def batch_id(batch: Mapping[str, Any]) -> Digest:
    """The identity of a batch, from its outcome or its row in the book."""
    return content_id(["batch", batch["n"], batch["entry"]])


def facility_of(record: Finding | Cleared | Act, desk: Any) -> str:
    """The facility that a record concerns, or nothing."""
    if isinstance(record, Act):
        return record.facility
    if isinstance(record, Finding):
        if record.thing.kind == "facility":
            return record.thing.id
        return next(iter(desk.facilities_of(record.thing)), "")
    return ""


def facility_row(snapshot: Any, source: str) -> dict[str, Any]:
    """A facility's snapshot as a row of the book."""
    return {"id": snapshot["id"], "source": source, "snapshot": json.dumps(dict(snapshot))}
