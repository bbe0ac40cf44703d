"""Rows of recorded tables → readings: CSV and JSON lines, columns named by a manifest.

A pure function of the mapping and the frame: no file, no clock. What cannot be understood is
refused with line, column, text and reason; the rest of the row is kept. Cost: a few vectorised
passes in Arrow and DuckDB, about 1 µs a cell.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv

from wuxin.protocols.cells import Time, event_times, numbers
from wuxin.terms.names import ThingKey
from wuxin.terms.records import Frame, Readings, Refusal


class Name(msgspec.Struct, frozen=True):
    """Whose row it is: a kind with its ``id`` column or a ``fixed`` id, perhaps the parent's."""

    kind: str
    id: str = ""
    fixed: str = ""
    parent: "Name | None" = None


class Value(msgspec.Struct, frozen=True):
    """One indicator's column and how its unit becomes SI: ``inside = cell * factor + offset``."""

    indicator: str
    column: str
    factor: float = 1.0
    offset: float = 0.0


class Mapped(msgspec.Struct, frozen=True):
    """How a stream's rows are read: ``header`` are the columns, ``where`` keeps equal rows."""

    file: str
    header: tuple[str, ...]
    time: Time
    thing: Name
    readings: tuple[Value, ...]
    where: Mapping[str, str] = {}
    delimiter: str = ","
    form: str = "csv"


def decode(mapped: Mapped, frame: Frame) -> tuple[Readings, list[Refusal]]:
    """Understand one frame.

    Returns:
        Readings with ``message`` the row, ``first`` and ``last`` the line; and what was refused.
    """
    lines = np.frombuffer(frame.lines, "<i4")
    table, lines, refused = _rows(mapped, frame, lines=lines)
    times, good = event_times(_text(table, mapped.time.column), mapped.time)
    keep = np.ones(len(lines), bool)
    for column, wanted in mapped.where.items():
        keep &= pc.equal(_text(table, column), wanted).to_numpy(zero_copy_only=False)
    stamps = _text(table, mapped.time.column)
    for i in np.flatnonzero(~good & keep):
        text = stamps[int(i)].as_py()
        reason = f"no date that can be meant in the form {mapped.time.format}"
        refused.append(Refusal(mapped.file, int(lines[i]), mapped.time.column, text, reason))
    names, things, parents = _things(mapped.thing, table)
    keep &= good & (names >= 0)
    columns = []
    for k, value in enumerate(mapped.readings):
        values, filled, bad = numbers(_text(table, value.column))
        for i in np.flatnonzero(bad & keep):
            cell = _text(table, value.column)[int(i)].as_py()
            refused.append(
                Refusal(mapped.file, int(lines[i]), value.column, cell, "text in a numeric column")
            )
        at = np.flatnonzero(filled & keep)
        columns.append(
            (at, np.full(len(at), k, np.int32), values[at] * value.factor + value.offset)
        )
    row = np.concatenate([c[0] for c in columns])
    order = np.argsort(row, kind="stable")
    row = row[order].astype(np.int32)
    refs = lines[row].astype(np.int64)
    readings = Readings(
        thing=names[row],
        indicator=np.concatenate([c[1] for c in columns])[order],
        event_time=times[row],
        value=np.concatenate([c[2] for c in columns])[order],
        message=row,
        first=refs,
        last=refs,
        quality=np.zeros(len(row), np.uint8),
        things=things,
        parents=parents,
        indicators=[v.indicator for v in mapped.readings],
    )
    return readings, sorted(refused, key=lambda r: (r.line, r.column))


def slice_lines(frame: Frame, line: int) -> str:
    """The row of a frame that came from a line of its file, as text; empty if it has none."""
    lines = np.frombuffer(frame.lines, "<i4")
    at = int(np.searchsorted(lines, line))
    if at == len(lines) or lines[at] != line:
        return ""
    return frame.payload.splitlines()[at].decode("utf-8", "replace")


def row_times(mapped: Mapped, frame: Frame) -> NDArray[np.int64]:
    """The event time of every row (n); a row without one takes that of the row before it."""
    lines = np.frombuffer(frame.lines, "<i4")
    table, kept, _ = _rows(mapped, frame, lines=lines)
    times, good = event_times(_text(table, mapped.time.column), mapped.time)
    at = np.full(len(lines), -1, np.int64)
    at[np.searchsorted(lines, kept[good])] = np.flatnonzero(good)
    last = np.maximum.accumulate(at)
    first = times[good][0] if good.any() else 0
    return np.where(last >= 0, times[last], first).astype(np.int64)


def _rows(
    mapped: Mapped, frame: Frame, *, lines: NDArray[np.int32]
) -> tuple[pa.Table, NDArray[np.int32], list[Refusal]]:
    """The frame's rows as text columns, the lines of those that could be cut, and the others."""
    if mapped.form == "jsonl":
        return _json_rows(mapped, frame, lines=lines)
    payload, lines = _filled(frame.payload, lines)
    refused: list[Refusal] = []
    broken: list[int] = []

    def skip(row: csv.InvalidRow) -> str:
        place = (row.number or 1) - 1
        broken.append(place)
        reason = f"{row.actual_columns} columns where the header has {row.expected_columns}"
        refused.append(Refusal(mapped.file, int(lines[place]), "", row.text[:200], reason))
        return "skip"

    table = csv.read_csv(
        BytesIO(payload),
        csv.ReadOptions(
            column_names=list(mapped.header), use_threads=False, block_size=len(payload) + 1
        ),
        csv.ParseOptions(
            delimiter=mapped.delimiter,
            newlines_in_values=True,
            invalid_row_handler=skip,
        ),
        csv.ConvertOptions(
            column_types=dict.fromkeys(mapped.header, pa.string()), strings_can_be_null=False
        ),
    ).combine_chunks()
    return table, np.delete(lines, broken), refused


def _filled(payload: bytes, lines: NDArray[np.int32]) -> tuple[bytes, NDArray[np.int32]]:
    """Leave out empty lines, which are no rows, so that the others keep their numbers."""
    if not any(mark in b"\n" + payload for mark in (b"\n\n", b"\n\r\n")):
        return payload, lines
    rows = payload.splitlines(keepends=True)
    kept = [i for i, row in enumerate(rows) if row.strip()]
    return b"".join(rows[i] for i in kept), lines[kept]


def _json_rows(
    mapped: Mapped, frame: Frame, *, lines: NDArray[np.int32]
) -> tuple[pa.Table, NDArray[np.int32], list[Refusal]]:
    kept: list[dict[str, str]] = []
    at: list[int] = []
    refused: list[Refusal] = []
    for line, text in zip(lines.tolist(), frame.payload.splitlines(), strict=True):
        try:
            row = msgspec.json.decode(text, type=dict[str, Any])
        except msgspec.DecodeError as wrong:
            shown = text.decode("utf-8", "replace")[:200]
            refused.append(Refusal(mapped.file, line, "", shown, str(wrong)))
            continue
        kept.append({c: _cell(row.get(c)) for c in mapped.header})
        at.append(line)
    columns = {c: pa.array([row[c] for row in kept], pa.string()) for c in mapped.header}
    return pa.table(columns), np.array(at, np.int32), refused


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _text(table: pa.Table, column: str) -> pa.Array:
    chunked = table.column(column)
    return (
        chunked.chunk(0)
        if chunked.num_chunks == 1
        else pa.concat_arrays(chunked.chunks or [pa.array([], pa.string())])
    )


def _things(
    name: Name, table: pa.Table
) -> tuple[NDArray[np.int32], list[ThingKey], dict[ThingKey, ThingKey]]:
    """The thing of every row as a number (-1 if the id is empty), the things and their parents."""
    ids = _ids(name, table)
    coded = ids.dictionary_encode()
    numbers = coded.indices.to_numpy(zero_copy_only=False).astype(np.int32)
    texts: Sequence[str] = coded.dictionary.to_pylist()
    things = [ThingKey(name.kind, text.strip()) for text in texts]
    empty = np.array([not t.id for t in things], bool)
    if empty.any():
        numbers = np.where(empty[numbers], np.int32(-1), numbers).astype(np.int32)
    parents: dict[ThingKey, ThingKey] = {}
    if name.parent is not None and len(numbers):
        uppers, keys, parents = _things(name.parent, table)
        _, where = np.unique(numbers, return_index=True)
        for i in where:
            if numbers[i] >= 0 and uppers[i] >= 0:
                parents[things[numbers[i]]] = keys[uppers[i]]
    return numbers, things, parents


def _ids(name: Name, table: pa.Table) -> pa.Array:
    if name.id:
        return _text(table, name.id)
    return pa.array([name.fixed] * len(table), pa.string())
