"""The book: registry, findings, acts, receipts and heads, in SQLite or PostgreSQL.

One transaction per step publishes everything that one journal entry led to; a step whose batch is
already in the book is not written again, so recovery repeats nothing.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from alembic import command
from alembic.config import Config
from pg8000.exceptions import Error as ServerError
from sqlalchemy import (
    Connection,
    Engine,
    Select,
    Table,
    and_,
    bindparam,
    create_engine,
    event,
    func,
    or_,
    select,
)
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.pool import NullPool

from wuxin.stores import schema as t
from wuxin.stores import worklist
from wuxin.terms.durable import make_directory, private_file
from wuxin.terms.errors import Conflict
from wuxin.terms.names import Digest, Tenant, ThingKey
from wuxin.terms.records import Act, Cleared, Finding, Receipt, plain

_LITE: Final = "book.sqlite"
_URL: Final = "book.url"


class Known(msgspec.Struct, frozen=True):
    """Up to where a tenant's book is written: the last batch, and the evidence log's head."""

    batch: int
    log_size: int
    log_root: bytes


class Commit(msgspec.Struct):
    """Everything that one batch adds to the book."""

    batch: Mapping[str, Any]
    frames: Sequence[tuple[int, str, Digest]]
    things: Sequence[Mapping[str, Any]]
    records: Sequence[tuple[Finding | Cleared | Act, str]]
    facilities: Sequence[Mapping[str, Any]]
    receipts: Sequence[Receipt]
    warnings: Sequence[Mapping[str, Any]] = ()
    joined: Mapping[str, str] = {}


class Book:
    """The book behind a database URL; every method asks for the tenant."""

    def __init__(self, url: str) -> None:
        lite = url.startswith("sqlite")
        driven = re.sub(r"^postgresql:", "postgresql+pg8000:", url)
        if lite:
            self.engine: Engine = create_engine(driven, poolclass=NullPool)
            event.listen(self.engine, "connect", _pragmas)
        else:
            self.engine = create_engine(driven)
            event.listen(self.engine, "checkout", _alive)

    @classmethod
    def in_folder(cls, folder: Path, url: str = "") -> "Book":
        """The book of a home, migrated to the newest schema.

        Args:
            folder: the home.
            url: of a database server; the home remembers it. SQLite in the home where it was never
                given one.

        Raises:
            Conflict: the database is not reached.
        """
        make_directory(folder)
        known = folder / _URL
        if url and (not known.exists() or private_file(known, bytes) != url.encode()):
            known.unlink(missing_ok=True)
            private_file(known, url.encode)
        if known.exists():
            url = private_file(known, bytes).decode()
        book = cls(url or f"sqlite:///{folder / _LITE}")
        try:
            book.migrate()
        except (OperationalError, InterfaceError) as lost:
            where = book.engine.url.render_as_string(hide_password=True)
            raise Conflict(f"the book's database {where} is not reached: {lost.orig}") from None
        return book

    @staticmethod
    def is_in(folder: Path) -> bool:
        """Whether a folder is a home with a book."""
        return (folder / _LITE).exists() or (folder / _URL).exists()

    def migrate(self) -> None:
        """Bring the schema to the newest revision."""
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self.engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for queries."""
        with self.engine.connect() as connection:
            yield connection

    def known(self, tenant: Tenant) -> Known:
        """Up to where the book is written."""
        query = (
            select(t.batch.c.n, t.batch.c.log_size, t.batch.c.log_root)
            .where(t.batch.c.tenant == tenant)
            .order_by(t.batch.c.n.desc())
            .limit(1)
        )
        with self.reading() as c:
            row = c.execute(query).first()
        return Known(*row) if row else Known(0, 0, b"")

    def commit(self, tenant: Tenant, commits: Sequence[Commit]) -> None:
        """Publish batches in one transaction."""
        with self.engine.begin() as c:
            for commit in commits:
                self._write(c, tenant, commit=commit)

    def _write(self, c: Connection, tenant: Tenant, *, commit: Commit) -> None:
        number, pack = commit.batch["n"], commit.batch["pack"]
        same = {"tenant": tenant, "pack": pack, "batch": number}
        c.execute(t.batch.insert().values(tenant=tenant, **commit.batch))
        _many(c, t.frame, rows=[
            {"tenant": tenant, "n": n, "batch": number, "file": file, "id": key}
            for n, file, key in commit.frames
        ])  # fmt: skip
        for row in commit.things:
            _upsert(c, t.thing, row={**same, **row})
        self._records(c, tenant, commit=commit)
        for row in commit.facilities:
            _upsert(c, t.facility, row={**same, **row})
        worklist.write(c, tenant, rows=commit.warnings, batch=number)
        _many(c, t.receipt, rows=[
            {"tenant": tenant, "kind": r.kind, "record": r.record, "leaf": r.index,
             "salt": r.salt, "batch": number}
            for r in commit.receipts
        ])  # fmt: skip

    def _records(self, c: Connection, tenant: Tenant, *, commit: Commit) -> None:
        number, pack = commit.batch["n"], commit.batch["pack"]
        findings, acts = [], []
        for place, (record, facility) in enumerate(commit.records):
            if isinstance(record, Finding):
                row = _finding(record, pack=pack, batch=number, facility=facility)
                findings.append({**row, "warning": commit.joined.get(record.id, "")})
            elif isinstance(record, Act):
                acts.append(_act(record, pack=pack, batch=number, place=place))
        _many(c, t.finding, rows=findings)
        _many(c, t.act, rows=acts)
        ends = [
            {"t": tenant, "f": r.finding, "at": r.at, "n": number, "key": r.id,
             "said": json.dumps(plain(r))}
            for r, _ in commit.records if isinstance(r, Cleared)
        ]  # fmt: skip
        if ends:
            f = t.finding.c
            end = t.finding.update().where(f.tenant == bindparam("t"), f.id == bindparam("f"))
            values = {"cleared": "at", "cleared_batch": "n", "cleared_id": "key",
                      "cleared_record": "said"}  # fmt: skip
            c.execute(end.values({k: bindparam(v) for k, v in values.items()}), ends)

    def put_account(self, row: Mapping[str, Any]) -> None:
        """Write an account, new or changed."""
        with self.engine.begin() as c:
            _upsert(c, t.account, row=row)

    # ---- queries ---------------------------------------------------------------------------

    def rows(self, table: Table, tenant: Tenant, **equal: Any) -> list[RowMapping]:
        """All rows of a small table that match, for example the things of one kind."""
        query = select(table).where(table.c.tenant == tenant)
        for name, value in equal.items():
            query = query.where(table.c[name] == value)
        with self.reading() as c:
            return list(c.execute(query.order_by(*table.primary_key.columns)).mappings())

    def findings(
        self,
        tenant: Tenant,
        where: Mapping[str, Any] | None = None,
        *,
        span: tuple[int | None, int | None] = (None, None),
        as_of: int | None = None,
        page: tuple[int, int] | None = None,
    ) -> list[RowMapping]:
        """Findings, newest first.

        Args:
            tenant: whose.
            where: columns that must be equal; ``open`` for those that have not ended.
            span: event times between which they stood (ns), open where None.
            as_of: known at this batch: later findings are absent, later ends are not yet known.
            page: offset and limit.
        """
        f = t.finding.c
        query = select(t.finding).where(f.tenant == tenant)
        for name, value in (where or {}).items():
            if name == "open":
                ended = f.cleared.is_(None) if as_of is None else or_(
                    f.cleared_batch.is_(None), f.cleared_batch > as_of)  # fmt: skip
                query = query.where(ended if value else ~ended)
            else:
                query = query.where(t.finding.c[name] == value)
        start, end = span
        if start is not None:
            query = query.where(or_(f.cleared.is_(None), f.cleared >= start))
        if end is not None:
            query = query.where(f.since < end)
        if as_of is not None:
            query = query.where(f.batch <= as_of)
        query = query.order_by(f.raised.desc(), f.id)
        return self._paged(query, page)

    def _paged(self, query: Select[Any], page: tuple[int, int] | None) -> list[RowMapping]:
        """The rows of a query, or those of one page of it (offset, limit)."""
        if page:
            query = query.offset(page[0]).limit(page[1])
        with self.reading() as c:
            return list(c.execute(query).mappings())

    def acts(
        self,
        tenant: Tenant,
        where: Mapping[str, Any] | None = None,
        *,
        span: tuple[int | None, int | None] = (None, None),
        as_of: int | None = None,
        page: tuple[int, int] | None = None,
    ) -> list[RowMapping]:
        """Acts, newest first; arguments as in :meth:`findings`."""
        a = t.act.c
        query = select(t.act).where(a.tenant == tenant)
        for name, value in (where or {}).items():
            query = query.where(t.act.c[name] == value)
        start, end = span
        conditions = [] if start is None else [a.at >= start]
        conditions += [] if end is None else [a.at < end]
        conditions += [] if as_of is None else [a.batch <= as_of]
        query = query.where(and_(True, *conditions)).order_by(  # noqa: FBT003 - SQL's TRUE
            a.at.desc(), a.batch.desc(), a.place.desc()
        )
        return self._paged(query, page)

    def events(self, tenant: Tenant, first: int, *, upto: int) -> list[tuple[int, str, RowMapping]]:
        """Findings, acts and ends of the batches from ``first`` to ``upto``, in that order each."""
        f, a = t.finding.c, t.act.c
        asked = (
            ("finding", f.batch, select(t.finding).where(f.tenant == tenant)),
            ("act", a.batch, select(t.act).where(a.tenant == tenant)),
            ("cleared", f.cleared_batch, select(t.finding).where(f.tenant == tenant)),
        )
        found: list[tuple[int, int, str, RowMapping]] = []
        with self.reading() as c:
            for rank, (kind, batch, query) in enumerate(asked):
                of = query.where(batch >= first, batch <= upto)
                order = (a.place,) if kind == "act" else (f.raised, f.id)
                found += [
                    (row[batch.name], rank, kind, row)
                    for row in c.execute(of.order_by(batch, *order)).mappings()
                ]
        found.sort(key=lambda one: one[:2])
        return [(batch, kind, row) for batch, _, kind, row in found]

    def latest_acts(self, tenant: Tenant, kinds: Sequence[str], *, each: int) -> list[RowMapping]:
        """The newest acts of some kinds, so many for each facility, newest first."""
        a = t.act.c
        newest = (a.at.desc(), a.batch.desc(), a.place.desc())
        rank = func.row_number().over(partition_by=a.facility, order_by=newest).label("rank")
        ranked = select(t.act, rank).where(a.tenant == tenant, a.kind.in_(kinds)).subquery()
        query = select(ranked).where(ranked.c.rank <= each).order_by(ranked.c.rank)
        with self.reading() as c:
            return list(c.execute(query).mappings())

    def entries(
        self, tenant: Tenant, facilities: Sequence[str] | None, *, account: str = "",
        page: tuple[int, int],
    ) -> tuple[int, list[RowMapping]]:  # fmt: skip
        """Journal entries of the ledger, newest first: how many there are, and those of a page.

        Args:
            tenant: whose.
            facilities: of these only; None: of all.
            account: only those that move this account of the chart.
            page: offset and limit.
        """
        a = t.act.c
        query = select(t.act).where(a.tenant == tenant, a.kind == "journal_entry")
        if facilities is not None:
            query = query.where(a.facility.in_(facilities))
        if account:
            query = query.where(a.record.contains(f'"{account}": ', autoescape=True))
        with self.reading() as c:
            total = int(c.execute(select(func.count()).select_from(query.subquery())).scalar_one())
        newest = query.order_by(a.at.desc(), a.batch.desc(), a.place.desc())
        return total, self._paged(newest, page)

    def receipt(self, tenant: Tenant, record: str) -> RowMapping | None:
        """The receipt of a record, by the record's hash."""
        query = select(t.receipt).where(t.receipt.c.tenant == tenant, t.receipt.c.record == record)
        with self.reading() as c:
            return c.execute(query).mappings().first()

    def counts(self, tenant: Tenant) -> dict[str, Any]:
        """Totals for a summary: things, readings, findings by level, acts, receipts."""
        b, f = t.batch.c, t.finding.c
        sums = select(
            func.coalesce(func.sum(b.accepted), 0),
            func.coalesce(func.sum(b.marked), 0),
            func.coalesce(func.sum(b.refused), 0),
        ).where(b.tenant == tenant)
        levels = select(f.level, func.count()).where(f.tenant == tenant).group_by(f.level)
        current = levels.where(f.cleared.is_(None))
        with self.reading() as c:
            accepted, marked, refused = c.execute(sums).one()
            return {
                "things": _count(c, t.thing, tenant=tenant),
                "accepted": int(accepted) - int(marked),
                "marked": int(marked),
                "refused": int(refused),
                "findings": {row[0]: row[1] for row in c.execute(levels)},
                "open": {row[0]: row[1] for row in c.execute(current)},
                "acts": _count(c, t.act, tenant=tenant),
                "receipts": _count(c, t.receipt, tenant=tenant),
            }

    def batch_at(self, tenant: Tenant, arrival: int) -> int:
        """The last batch that had arrived at a moment (0 if none): knowledge time as a number."""
        query = select(func.coalesce(func.max(t.batch.c.n), 0)).where(
            t.batch.c.tenant == tenant, t.batch.c.arrival <= arrival
        )
        with self.reading() as c:
            return int(c.execute(query).scalar_one())


def record(row: RowMapping) -> Any:
    """The record that a row of findings or acts holds, as plain values."""
    return json.loads(row["record"])


def _finding(found: Finding, *, pack: str, batch: int, facility: str) -> dict[str, Any]:
    return {
        "tenant": found.tenant, "id": found.id, "pack": pack, "kind": found.thing.kind,
        "thing": found.thing.id, "facility": facility, "rule": found.rule, "level": found.level,
        "since": found.since, "raised": found.raised, "value": found.value, "limit": found.limit,
        "batch": batch, "acknowledged_by": "", "record": json.dumps(plain(found)),
    }  # fmt: skip


def _act(done: Act, *, pack: str, batch: int, place: int) -> dict[str, Any]:
    return {
        "tenant": done.tenant, "id": done.id, "pack": pack, "kind": done.kind,
        "facility": done.facility, "at": done.at, "batch": batch, "place": place,
        "record": json.dumps(plain(done)),
    }  # fmt: skip


def thing_row(key: ThingKey, *, source: str, parent: ThingKey | None,
              facts: Mapping[str, float]) -> dict[str, Any]:  # fmt: skip
    """A registered thing as a row."""
    return {"kind": key.kind, "id": key.id, "source": source,
            "parent": str(parent) if parent else "", "facts": json.dumps(dict(facts))}  # fmt: skip


def _count(c: Connection, table: Table, *, tenant: Tenant) -> int:
    query = select(func.count()).select_from(table).where(table.c.tenant == tenant)
    return int(c.execute(query).scalar_one())


def _many(c: Connection, table: Table, *, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        c.execute(table.insert(), list(rows))


def _upsert(c: Connection, table: Table, *, row: Mapping[str, Any]) -> None:
    keys = {k.name for k in table.primary_key.columns}
    where = and_(*(table.c[k] == row[k] for k in keys))
    changed = {k: v for k, v in row.items() if k not in keys}
    if not c.execute(table.update().where(where).values(**changed)).rowcount:
        c.execute(table.insert().values(**row))


def _alive(connection: Any, *_: Any) -> None:
    """Ask a pooled connection whether it still stands; the pool opens another where it does not.

    SQLAlchemy's own ``pool_pre_ping`` lets pg8000's broken sockets through as OSErrors.
    """
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        cursor.close()
        connection.rollback()
    except (OSError, ServerError) as gone:
        raise DisconnectionError(str(gone)) from None


def _pragmas(connection: Any, _: Any) -> None:
    """WAL with full sync: what the book says is durable when it says it."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")
