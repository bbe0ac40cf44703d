"""The slice: the one shape that any engine can run.

    run_slice(state, journal slice) → outcomes, leaves, one manifest;  commit(results) publishes

A slice depends on nothing but the state before it and its entries, so it may be run anywhere, again
and in any cut, and gives the same bytes. :func:`run_slice` moves a flow in memory, which is what
the embedded engine does; :func:`run_stored` finds the state by the slice's start among state files
and leaves a new one, which is what an engine of many machines would call.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from wuxin import frozen
from wuxin.evidence.leaf import Sealer, leaf
from wuxin.flow import Flow, Outcome
from wuxin.packs import schema
from wuxin.stores import snapshot
from wuxin.stores.book import Commit, thing_row
from wuxin.stores.journal import Arrived, Entry
from wuxin.terms.errors import NotFound
from wuxin.terms.names import Digest, Tenant, content_id
from wuxin.terms.records import Act, Cleared, Finding, Frame, Receipt, plain
from wuxin.twin.layout import Rows

KINDS: Final = {Finding: "finding", Cleared: "cleared", Act: "act"}
_PIECE: Final = 64

Piece = Sequence[tuple[int, Digest, Entry]]
"""A slice of the journal: entries with number and digest, without a gap."""

Sealed = tuple[str, Digest, bytes, bytes]
"""The evidence of one record: kind, record id, salt, leaf."""


class Prepared(NamedTuple):
    """What one entry led to, ready to be published: no later entry has touched it."""

    outcome: Outcome
    sealed: list[Sealed]
    things: list[dict[str, Any]]
    records: list[tuple[Finding | Cleared | Act, str]]


class Manifest(msgspec.Struct, frozen=True):
    """One row about one slice: from where to where, its leaves, and the state before and after.

    ``state`` is the digest of the state file after it, empty where none was written.
    """

    tenant: Tenant
    after: int
    upto: int
    leaves: int
    digest: str
    state: str = ""


class Result(NamedTuple):
    """A slice that was run."""

    manifest: Manifest
    prepared: list[Prepared]


class Flat:
    """Rows as the history takes them: every column by reading."""

    def __init__(self, rows: Rows) -> None:
        self.value, self.quality, self.indicator = rows.value, rows.quality, rows.indicator
        self.thing, self.event_time = rows.column("thing"), rows.column("event_time")
        self.first, self.last = rows.column("first"), rows.column("last")


def pieces(entries: Iterable[tuple[int, Digest, Entry]], size: int = _PIECE) -> Iterator[Piece]:
    """Cut a journal into slices of so many entries."""
    left = iter(entries)
    while piece := list(islice(left, size)):
        yield piece


def run_slice(flow: Flow, piece: Piece, *, sealer: Sealer) -> Result:
    """Take the entries of a slice in order, and prepare what each led to."""
    prepared, told, count = [], sha256(), 0
    for number, key, said in piece:
        one = _prepare(flow, flow.step(number, key, said=said), sealer=sealer)
        for _, _, _, data in one.sealed:
            told.update(data)
            count += 1
        prepared.append(one)
    after, upto = (piece[0][0] - 1, piece[-1][0]) if piece else (0, 0)
    return Result(Manifest(flow.tenant, after, upto, count, told.hexdigest()), prepared)


def run_stored(
    states: Path, piece: Piece, *, tenant: Tenant, sealer: Sealer, lanes: int = 1
) -> Result:
    """Run a slice on the state file at its start, and write the state file at its end.

    Raises:
        NotFound: there is no usable state file for the entry before the slice.
    """
    after = piece[0][0] - 1
    flow = Flow(tenant, schema.load, lanes=lanes)
    if after:
        path = states / f"state-{after:012d}.snap"
        if not path.exists():
            raise NotFound(f"{states} has no state file for entry {after}")
        found = frozen.thaw(snapshot.read(path), tenant, packs=schema.load, lanes=lanes)
        if found is None:
            raise NotFound(f"the state of entry {after} is that of packs that have changed since")
        flow = found
    result = run_slice(flow, piece, sealer=sealer)
    path = snapshot.write(states, frozen.freeze(flow, result.manifest.upto))
    state = sha256(path.read_bytes()).hexdigest()
    return Result(msgspec.structs.replace(result.manifest, state=state), result.prepared)


def commits(
    tenant: Tenant, prepared: Sequence[Prepared], *, start: int, root: bytes
) -> list[Commit]:
    """What the book takes over: leaves are counted from ``start``, the last one has the root."""
    found, at = [], start
    for one in prepared:
        outcome, last = one.outcome, one is prepared[-1]
        receipts = [
            Receipt(tenant, kind, key, at + i, salt)
            for i, (kind, key, salt, _) in enumerate(one.sealed)
        ]
        at += len(one.sealed)
        log = {"pack": outcome.pack, "log_size": at, "log_root": root if last else b""}
        found.append(
            Commit(
                batch={**outcome.batch, **log},
                frames=outcome.frames,
                things=one.things,
                records=one.records,
                facilities=[facility_row(f) for f in outcome.facilities],
                receipts=receipts,
                warnings=outcome.warnings,
                joined=outcome.joined,
            )
        )
    return found


def _prepare(flow: Flow, outcome: Outcome, *, sealer: Sealer) -> Prepared:
    things = [
        thing_row(t.key, source=t.source, parent=t.parent, facts=t.facts) for t in outcome.things
    ]
    records = [(r, flow.concerns(r, outcome.source)) for r in outcome.records]
    return Prepared(outcome, leaves(outcome, sealer), things, records)


def frames_of(entry: Entry) -> Sequence[Frame]:
    """The frames of an entry, none where it brought none."""
    return entry.frames if isinstance(entry, Arrived) else ()


def leaves(outcome: Outcome, sealer: Sealer) -> list[Sealed]:
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


def batch_of(row: Any) -> dict[str, Any]:
    """A batch as its leaf commits to it (:attr:`Outcome.batch`), from its row in the book."""
    names = ("n", "entry", "source", "arrival", "accepted", "marked", "refused")
    return {name: row[name] for name in names}


def batch_id(batch: Mapping[str, Any]) -> Digest:
    """The identity of a batch, from its outcome or its row in the book."""
    return content_id(["batch", batch["n"], batch["entry"]])


def facility_row(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """A facility's snapshot as a row of the book."""
    named = {name: snapshot[name] for name in ("id", "source", "pack")}
    return {**named, "snapshot": json.dumps(dict(snapshot))}
