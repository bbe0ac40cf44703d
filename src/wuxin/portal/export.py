"""Exports: findings, acts, receipts, readings and the fleet's state, on two clocks.

As JSON lines, CSV or Parquet.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO, TextIOWrapper
from itertools import count
from typing import Any, BinaryIO, Final, NamedTuple

import pyarrow as pa
from pyarrow import parquet

from wuxin.packs import schema
from wuxin.portal import views
from wuxin.stores import schema as tables
from wuxin.stores.book import Book
from wuxin.stores.history import History
from wuxin.terms.errors import BadInput
from wuxin.terms.names import Tenant

WHAT: Final = ("findings", "acts", "receipts", "readings", "state")
FORMATS: Final = ("jsonl", "csv", "parquet")
_PAGE: Final = 1000
_LAST: Final = 2**63 - 1


class Span(NamedTuple):
    """Which thing, which event times (ns, None open), and up to which batch as known.

    ``at`` is the event time (ns) of the state of things; None for the last there is.
    """

    thing: str = ""
    start: int | None = None
    end: int | None = None
    as_of: int | None = None
    at: int | None = None


def rows(
    what: str, book: Book, *, history: History, tenant: Tenant, span: Span
) -> Iterator[dict[str, Any]]:
    """The rows of an export, as JSON values.

    Raises:
        BadInput: there is no such export.
    """
    exports = {
        "findings": lambda: _findings(book, tenant, span=span),
        "acts": lambda: _acts(book, tenant, span=span),
        "receipts": lambda: _receipts(book, tenant, span=span),
        "readings": lambda: _readings(history, span),
        "state": lambda: _state(history, book, tenant=tenant, span=span),
    }
    if what not in exports:
        raise BadInput(f"there is nothing called {what!r} to export; choose {', '.join(WHAT)}")
    return exports[what]()


def _findings(book: Book, tenant: Tenant, *, span: Span) -> Iterator[dict[str, Any]]:
    where = {"thing": span.thing.partition(":")[2] or span.thing} if span.thing else {}
    for offset in count(0, _PAGE):
        found = book.findings(
            tenant, where, span=(span.start, span.end), as_of=span.as_of, page=(offset, _PAGE)
        )
        yield from (_known(views.finding(r), dict(r), as_of=span.as_of) for r in found)
        if len(found) < _PAGE:
            return


def _acts(book: Book, tenant: Tenant, *, span: Span) -> Iterator[dict[str, Any]]:
    where = {"facility": span.thing.removeprefix("facility:")} if span.thing else {}
    for offset in count(0, _PAGE):
        found = book.acts(
            tenant, where, span=(span.start, span.end), as_of=span.as_of, page=(offset, _PAGE)
        )
        yield from (views.act(r) for r in found)
        if len(found) < _PAGE:
            return


def _receipts(book: Book, tenant: Tenant, *, span: Span) -> Iterator[dict[str, Any]]:
    for row in book.rows(tables.receipt, tenant):
        if span.as_of is None or row["batch"] <= span.as_of:
            yield {
                "kind": row["kind"],
                "record": row["record"],
                "leaf": row["leaf"],
                "salt": row["salt"].hex(),
                "batch": row["batch"],
            }


def write(found: Iterable[Mapping[str, Any]], form: str, *, into: BinaryIO) -> int:
    """Write rows in a format; returns how many.

    Raises:
        BadInput: the format is not known.
    """
    if form == "parquet":
        table = pa.Table.from_pylist([_flat(r) for r in found])
        parquet.write_table(table, into)
        return int(table.num_rows)
    if form not in FORMATS:
        raise BadInput(f"format {form!r} is not one of {', '.join(FORMATS)}")
    written = 0
    text = TextIOWrapper(into, "utf-8", write_through=True)
    for row in found:
        if form == "jsonl":
            text.write(json.dumps(row, ensure_ascii=False) + "\n")
        else:
            text.write(_csv_line(_flat(row), header=written == 0))
        written += 1
    text.detach()
    return written


def _readings(history: History, span: Span) -> Iterator[dict[str, Any]]:
    """The newest knowledge of every (thing, indicator, time) that stands within the span."""
    where = ["true"]
    given: dict[str, Any] = {}
    if span.thing:
        where.append("(thing = $thing OR kind || ':' || thing = $thing)")
        given["thing"] = span.thing
    for name, value, op in (("start", span.start, ">="), ("end", span.end, "<")):
        if value is not None:
            where.append(f"event_time {op} ${name}")
            given[name] = value
    if span.as_of is not None:
        where.append("batch <= $known")
        given["known"] = span.as_of
    found = history.query(
        f"SELECT * FROM readings WHERE {' AND '.join(where)} "  # noqa: S608 - fixed texts
        "ORDER BY pack, kind, thing, indicator, event_time, batch",
        given,
    )
    for batch in found.to_batches():
        for row in batch.to_pylist():
            yield views.reading(row, schema.load(row["pack"]))


def _state(history: History, book: Book, *, tenant: Tenant, span: Span) -> Iterator[dict[str, Any]]:
    """The latest usable value of every indicator of every thing: true at T, as known at N."""
    at = _LAST if span.at is None else span.at
    for name in sorted({row["pack"] for row in book.rows(tables.thing, tenant)}):
        pack = schema.load(name)
        for batch in history.as_of(name, at, batch=span.as_of).to_batches():
            for row in batch.to_pylist():
                if span.thing in ("", row["thing"], f"{row['kind']}:{row['thing']}"):
                    yield views.reading(row, pack)


def _known(view: dict[str, Any], row: Mapping[str, Any], *, as_of: int | None) -> dict[str, Any]:
    """A finding whose end was not yet known then is shown as still standing."""
    if as_of is not None and row["cleared_batch"] is not None and row["cleared_batch"] > as_of:
        view["to"] = None
    return view


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        k: json.dumps(v, ensure_ascii=False) if isinstance(v, (list, dict)) else v
        for k, v in row.items()
    }


def _csv_line(row: Mapping[str, Any], *, header: bool) -> str:
    """A CSV line; a text that a spreadsheet would run as a formula gets an apostrophe."""
    sink = StringIO()
    writer = csv.DictWriter(sink, fieldnames=list(row), lineterminator="\n")
    if header:
        writer.writeheader()
    safe = {
        k: f"'{v}" if isinstance(v, str) and v.startswith(("=", "+", "-", "@")) else v
        for k, v in row.items()
    }
    writer.writerow(safe)
    return sink.getvalue()
