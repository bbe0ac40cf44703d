"""The case file of a facility or finding: all that is needed to check what was decided, in one ZIP.

Gathered from the book, the evidence log and the journal of a home, without opening it for writing,
so that it can be asked for while the home is at work. The same state gives the same bytes. Whoever
receives it checks it with :mod:`wuxin.evidence.case`, which is packed along.
"""

import inspect
import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

from wuxin.anchoring import latest
from wuxin.evidence import case
from wuxin.evidence.leaf import commitment, leaf, read_leaf
from wuxin.evidence.note import Head, open_checkpoint
from wuxin.evidence.proof import Proof, write_proof
from wuxin.evidence.reader import Reader
from wuxin.evidence.readme import README
from wuxin.home import keys
from wuxin.slices import batch_id, batch_of, frames_of
from wuxin.stores import archive
from wuxin.stores import schema as tables
from wuxin.stores.book import Book
from wuxin.stores.journal import Entry, Told, decode_entry
from wuxin.stores.segments import records, segments
from wuxin.terms.durable import write_files
from wuxin.terms.errors import BadInput, NotFound, Tampered
from wuxin.terms.names import Tenant, digest
from wuxin.terms.records import Command

_MOST: Final = 65_000
"""Parts that a ZIP without extensions can list."""

_LARGEST: Final = 4 * 10**9
"""Bytes that it can address, less what its own fields take."""


class Record(NamedTuple):
    """A sealed record: what it is, as its leaf commits to it."""

    kind: str
    id: str
    batch: int
    record: dict[str, Any]


class Held(NamedTuple):
    """One tenant's stores, opened for reading, and the checkpoint under which all is shown."""

    own: Path
    tenant: Tenant
    book: Book
    log: Reader
    head: Head
    checkpoint: str
    vkey: str


@dataclass
class Gathered:
    """What a case is made of: records by name, and the names of frames and commands wanted."""

    records: dict[str, Record] = field(default_factory=dict)
    frames: set[str] = field(default_factory=set)
    commands: dict[str, set[int]] = field(default_factory=dict)


def write(folder: Path, tenant: Tenant, *, facility: str = "", finding: str = "", out: Path) -> str:
    """Write the case file of a facility or finding to disk, and say in a line what it is.

    Raises:
        NotFound, BadInput, Tampered: as :func:`bundle`.
    """
    data = bundle(folder, tenant, facility=facility, finding=finding)
    write_files({out: data})
    return f"{out}: {len(data):,} bytes, SHA-256 {digest(data)}"


def bundle(folder: Path, tenant: Tenant, *, facility: str = "", finding: str = "") -> bytes:
    """The case file of a facility under the checkpoint that is published now.

    Of one ``finding`` (its id) instead, where nothing is lent on the thing: the finding, its end,
    and what they came from.

    Raises:
        NotFound: the folder is no home of that tenant, nothing is published, no act concerns that
            facility, or there is no such finding.
        BadInput: the case has more parts than a ZIP holds.
        Tampered: book, log or journal contradict each other; the text says where.
    """
    held = _hold(folder, tenant)
    gathered = _gather(held, facility, finding=finding)
    subject = f"finding {finding}" if finding else f"facility {facility}"
    parts = {
        "checkpoint": held.checkpoint.encode(),
        "log.vkey": f"{held.vkey}\n".encode(),
        "README.txt": README.format(subject=subject, vkey=held.vkey).encode(),
        "verify.py": inspect.getsource(case).encode(),
    }
    parts |= _anchor(held)
    parts |= _raw(held, gathered)
    parts |= _proven(held, gathered)
    size = sum(map(len, parts.values()))
    if len(parts) > _MOST or size > _LARGEST:
        what = f"the case of {subject} has {len(parts)} parts and {size} bytes"
        raise BadInput(f"{what}; a ZIP holds {_MOST} and {_LARGEST}")
    files = {name: digest(data) for name, data in parts.items()}
    about = {"finding": finding} if finding else {"facility": facility}
    manifest = {"format": case.FORMAT, **about, "files": files}
    return case.pack(parts | {case.MANIFEST: case.plain_json(manifest)})


def _hold(folder: Path, tenant: Tenant) -> Held:
    own = folder / tenant
    if not (own / "log" / "checkpoint").is_file() or not (own / "keys" / "log.key").is_file():
        raise NotFound(f"{folder} holds no published log and keys of {tenant}")
    vkey = keys(folder, tenant)[0].vkey
    # The checkpoint first: what the book learns afterwards is beyond it and is left out.
    checkpoint = (own / "log" / "checkpoint").read_text("utf-8")
    head = open_checkpoint(checkpoint, vkey)
    log = Reader(own / "log", head.size)
    return Held(own, tenant, Book.in_folder(folder), log, head, checkpoint, vkey)


def _anchor(held: Held) -> case.Parts:
    """The newest checkpoint that outsiders saw, and the proof that the published one extends it."""
    found = latest(held.own, at_most=held.head.size)
    if not found:
        return {}
    old = open_checkpoint(found["checkpoint"].decode(), held.vkey)
    path = held.log.consistency(old.size, held.head.size)
    lines = "".join(f"{b64encode(hashed).decode()}\n" for hashed in path)
    parts = {f"anchor/{name}": data for name, data in found.items()}
    parts["witnesses.vkey"] = parts.pop("anchor/witnesses.vkey")
    return parts | {"anchor/consistency": lines.encode()}


def _gather(held: Held, facility: str, *, finding: str) -> Gathered:
    """The facility's acts and findings, the ends of these, and whatever they came from."""
    book, tenant, found = held.book, held.tenant, Gathered()
    by = {"id": finding} if finding else {"facility": facility}
    waiting = [
        *(("act", row["id"]) for row in book.rows(tables.act, tenant, **by)),
        *(("finding", row["id"]) for row in book.rows(tables.finding, tenant, **by)),
    ]
    while waiting:
        kind, name = waiting.pop()
        for record in [] if name in found.records else _records(held, kind, name=name):
            if not _reached(held, record.id):
                continue  # known since the checkpoint was published
            found.records[record.id] = record
            for cause in record.record["because"]:
                if cause["kind"] == "frame":
                    found.frames.add(cause["id"])
                elif cause["kind"] == "command":
                    found.commands.setdefault(cause["id"], set()).add(record.batch)
                else:
                    waiting.append((cause["kind"], cause["id"]))
    if finding and finding not in found.records:
        raise NotFound(f"there is no finding {finding!r} of {tenant} under the checkpoint")
    if not finding and not any(
        r.kind == "act" and r.record["facility"] == facility for r in found.records.values()
    ):
        raise NotFound(f"no act concerns a facility {facility!r} of {tenant}")
    return found


def _records(held: Held, kind: str, *, name: str) -> Iterator[Record]:
    """An act; or a finding with its end."""
    table = tables.act if kind == "act" else tables.finding
    for row in held.book.rows(table, held.tenant, id=name):
        yield Record(kind, row["id"], row["batch"], json.loads(row["record"]))
        if kind == "finding" and row["cleared_id"]:
            whole = json.loads(row["cleared_record"])
            yield Record("cleared", row["cleared_id"], row["cleared_batch"], whole)


def _raw(held: Held, gathered: Gathered) -> case.Parts:
    """Frames and commands from the journal, or that a policy deleted them."""
    rows = [
        row
        for name in sorted(gathered.frames)
        for row in held.book.rows(tables.frame, held.tenant, id=name)[:1]
    ]
    wanted = {row["batch"] for row in rows}.union(*gathered.commands.values())
    deleted = archive.discarded(held.own / "journal" / "archive")
    gone = {n: _why(d) for d in deleted for n in wanted if d.first <= n <= d.last}
    entries = dict(_entries(held, wanted - set(gone)))
    parts, frames = case.Parts(), []
    for row in rows:
        name, number = row["id"], row["batch"]
        about = {"id": name, "batch": number, "file": row["file"]}
        if number in gone:
            frames.append(about | {"gone": gone[number]})
            continue
        frame = next((f for f in frames_of(entries[number]) if f.id == name), None)
        if frame is None:
            raise Tampered(f"journal entry {number} does not hold the frame {name} of the book")
        frames.append(about | {"source": frame.source, "stream": frame.stream})
        parts[f"frames/{name}.payload"] = bytes(frame.payload)
        if frame.lines:
            parts[f"frames/{name}.lines"] = bytes(frame.lines)
    commands = _commands(held, gathered, entries=entries)
    batches = {about["batch"] for about in (*frames, *commands) if "batch" in about}
    for number in batches | {record.batch for record in gathered.records.values()}:
        for row in held.book.rows(tables.batch, held.tenant, n=number):
            said = batch_of(row)
            gathered.records[batch_id(said)] = Record("batch", batch_id(said), number, said)
    parts["frames.json"] = case.plain_json(frames)
    parts["commands.json"] = case.plain_json(commands)
    return parts


def _commands(
    held: Held, gathered: Gathered, *, entries: Mapping[int, Entry]
) -> list[dict[str, Any]]:
    """The commands that records name; one that a later batch names is looked for everywhere."""
    told = _told(entries.items())
    if set(gathered.commands) - set(told):
        told = _told(_entries(held, None))
    deleted, found = archive.discarded(held.own / "journal" / "archive"), list[dict[str, Any]]()
    for name in sorted(gathered.commands):
        if name in told:
            number, command = told[name]
            found.append({"id": name, "batch": number, "command": command.said})
        elif deleted:
            found.append({"id": name, "gone": _why(deleted[-1])})
        else:
            raise Tampered(f"the journal does not hold the command {name}")
    return found


def _told(entries: Iterable[tuple[int, Entry]]) -> dict[str, tuple[int, Command]]:
    """The commands by name, each with the first entry that told it."""
    found = dict[str, tuple[int, Command]]()
    for number, entry in entries:
        if isinstance(entry, Told):
            found.setdefault(entry.command.id, (number, entry.command))
    return found


def _why(gone: archive.Discarded) -> Mapping[str, str]:
    return {"policy": gone.policy, "on": gone.on}


def _entries(held: Held, wanted: set[int] | None) -> Iterator[tuple[int, Entry]]:
    """Entries of the journal by number, all if None; of segments only those that hold one."""
    paths = segments(held.own / "journal")
    firsts = [*map(archive.first_of, paths), 1 << 63]
    for path, (first, after) in zip(paths, pairwise(firsts), strict=True):
        inside = (
            range(first, after) if wanted is None else {n for n in wanted if first <= n < after}
        )
        if not inside:
            continue
        for number, body, _ in records(path):
            if number in inside:
                yield number, decode_entry(body)


def _reached(held: Held, name: str) -> bool:
    """Whether the checkpoint reaches the leaf of a record."""
    receipt = held.book.receipt(held.tenant, name)
    return receipt is not None and receipt["leaf"] < held.head.size


def _proven(held: Held, gathered: Gathered) -> case.Parts:
    """Every record with its salt, its leaf and its path to the checkpoint."""
    parts, listed = case.Parts(), []
    for kind, name, number, record in gathered.records.values():
        receipt = held.book.receipt(held.tenant, name)
        if receipt is None:
            raise Tampered(f"the book has no receipt for {kind} {name}")
        index, salt = receipt["leaf"], receipt["salt"]
        data = held.log.entry(index)
        at = read_leaf(data).at
        if data != leaf(kind, commitment(salt, record), n=number, at=at):
            raise Tampered(f"leaf {index} does not commit to {kind} {name}")
        about = {"id": name, "kind": kind, "leaf": index, "n": number, "at": at}
        listed.append(about | {"salt": salt.hex(), "record": record})
        proof = Proof(index, tuple(held.log.inclusion(index, held.head.size)), held.checkpoint)
        parts[f"leaves/{index:012d}.leaf"] = data
        parts[f"proofs/{index:012d}.tlog-proof"] = write_proof(proof).encode()
    listed.sort(key=lambda about: about["leaf"])
    parts["records.json"] = case.plain_json(listed)
    return parts
