"""The audit of a home: everything recomputed from the journal and compared with what is stored.

Journal records are checked by checksum; the house's steps are taken again in memory and give the
leaves that the log must hold; then signature, every tile, every entry and the root are checked, and
the receipts in the book. Nothing is written.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from wuxin import __version__
from wuxin.evidence.leaf import Sealer, leaf
from wuxin.evidence.note import Head
from wuxin.evidence.reader import Reader
from wuxin.evidence.verify import verify_log
from wuxin.flow import Flow
from wuxin.home import keys, origin
from wuxin.packs import schema
from wuxin.slices import batch_id, batch_of, leaves
from wuxin.stores import archive
from wuxin.stores import schema as tables
from wuxin.stores.book import Book, Known
from wuxin.stores.journal import Entry, Opened, decode_entry
from wuxin.stores.segments import records, segments
from wuxin.terms.errors import NotFound, Tampered
from wuxin.terms.names import Digest, Tenant, digest


@dataclass(slots=True)
class Report:
    """What an audit found: faults (each names its place), notes, and what was covered."""

    entries: int = 0
    leaves: int = 0
    root: str = ""
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def audit(folder: Path, tenant: Tenant) -> Report:
    """Recompute a tenant's evidence log and check it.

    Raises:
        NotFound: the folder is no home of that tenant.
    """
    own = folder / tenant
    if not (own / "journal").is_dir() or not (own / "keys" / "log.key").is_file():
        raise NotFound(f"{folder} holds no journal and keys of {tenant}")
    report = Report()
    entries = list(_entries(own / "journal", report))
    report.entries = len(entries)
    signer, sealer = keys(folder, tenant)
    book = Book.in_folder(folder)
    known = book.known(tenant)
    expected: list[tuple[str, Digest, bytes]] | None = None
    deleted = archive.discarded(own / "journal" / "archive")
    if deleted:
        _batches(own, entries, report=report, book=book, tenant=tenant, sealer=sealer)
    elif not report.faults and _same_packs(entries, report):
        expected = []
        flow = Flow(tenant, schema.load)
        for said in entries:
            found = leaves(flow.step(said[0], said[1], said=said[2]), sealer)
            expected += [(kind, key, data) for kind, key, _, data in found]
    _log(own, signer.vkey, report=report, expected=expected, known=_head(tenant, known))
    if expected is not None:
        _receipts(book, tenant, report=report, expected=expected)
    return report


def _entries(folder: Path, report: Report) -> Iterator[tuple[int, Digest, Entry]]:
    """The journal's entries; damage becomes a fault and ends the reading of that segment.

    What a policy has deleted is a note and no fault.
    """
    expected = 1
    for gone in archive.discarded(folder / "archive"):
        report.notes.append(str(gone.gone()))
        expected = gone.last + 1
    for path in segments(folder):
        try:
            for number, body, _ in records(path):
                if number != expected:
                    report.faults.append(f"{archive.label(path)}: entry {expected} is missing")
                expected = number + 1
                yield number, digest(body), decode_entry(body)
        except Tampered as wrong:
            report.faults.append(str(wrong))


def _same_packs(entries: list[tuple[int, Digest, Entry]], report: Report) -> bool:
    """Whether packs and Wuxin itself are still what they were when the journal was written."""
    changed = set()
    for _, _, said in entries:
        if isinstance(said, Opened):
            if said.software != __version__:
                changed.add(f"Wuxin {said.software}")
            elif schema.load(said.pack).digest != said.pack_digest:
                changed.add(f"pack {said.pack}")
    report.notes += [
        f"{name} wrote this and has changed since: findings are not recomputed; journal, tiles, "
        "root and signature are checked"
        for name in sorted(changed)
    ]
    return not changed


def _batches(
    own: Path, entries: list[tuple[int, Digest, Entry]], *, report: Report, book: Book,
    tenant: Tenant, sealer: Sealer,
) -> None:  # fmt: skip
    """Where the beginning is deleted, what is left must be what book and log say of it."""
    report.notes.append(
        "findings are not recomputed, because the beginning of the journal is deleted; what is "
        "left of it is compared with book and log; tiles, root and signature are checked"
    )
    rows = {row["n"]: row for row in book.rows(tables.batch, tenant)}
    places = {r["record"]: r["leaf"] for r in book.rows(tables.receipt, tenant, kind="batch")}
    known = book.known(tenant)
    log = Reader(own / "log", known.log_size)
    for number, found, _ in entries:
        row = rows.get(number)
        if row is None:
            if number <= known.batch:
                report.faults.append(f"book: journal entry {number} has no batch")
            continue
        said = batch_of(row)
        key = batch_id(said)
        if row["entry"] != found:
            report.faults.append(f"journal: entry {number} is not the one that the book names")
        try:
            commit = sealer.seal("batch", key, record=said)[1]
            if log.entry(places.get(key, -1)) != leaf(
                "batch", commit, n=number, at=said["arrival"]
            ):
                report.faults.append(f"book: batch {number} is not the one that the log proves")
        except (NotFound, Tampered) as wrong:
            report.faults.append(f"log: batch {number} has no leaf: {wrong}")


def _log(
    own: Path, vkey: str, *, report: Report,
    expected: list[tuple[str, Digest, bytes]] | None, known: Head | None,
) -> None:  # fmt: skip
    wanted = None if expected is None else [data for _, _, data in expected]
    checked = verify_log(own / "log", vkey, expected=wanted, known=known)
    report.leaves = checked.size
    report.root = checked.head.root.hex() if checked.head else ""
    for fault in checked.faults:
        at = "" if fault.index is None else f" entry {fault.index}"
        report.faults.append(f"log/{fault.path}{at}: {fault.what}")


def _receipts(
    book: Book, tenant: Tenant, *, report: Report, expected: list[tuple[str, Digest, bytes]]
) -> None:
    """The book's receipts name the leaves that were recomputed."""
    kept = {(r["kind"], r["record"]): r["leaf"] for r in book.rows(tables.receipt, tenant)}
    for index, (kind, key, _) in enumerate(expected):
        if kept.pop((kind, key), None) != index:
            report.faults.append(f"book: {kind} {key} has no receipt for leaf {index}")
    report.faults += [f"book: receipt of {kind} {key} has no record" for kind, key in kept]


def _head(tenant: Tenant, known: Known) -> Head | None:
    return Head(origin(tenant), known.log_size, known.log_root) if known.log_size else None
