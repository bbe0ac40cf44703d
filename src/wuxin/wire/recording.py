"""Recordings: any history as bytes in order of event time, from files that a manifest names.

The manifest (TOML) names files and maps columns to indicators; CSV (also gzipped or zipped), JSON
lines and Parquet are read. Rows keep their line number. Nothing is understood here but the times,
by a function that is passed in, because the order of rows needs them.
"""

import csv
import gzip
import tomllib
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from wuxin.terms.clock import moment, zone
from wuxin.terms.errors import BadInput
from wuxin.terms.names import Digest, content_id, digest
from wuxin.terms.records import Command, Frame

BATCH_ROWS: Final = 10_000

Times = Callable[["Stream"], "NDArray[np.int64]"]
"""The event time of every row of a stream (n), with a filler where a row has none."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream of a recording: its mapping (plain values) and the rows of its file as bytes."""

    mapping: Mapping[str, Any]
    rows: list[bytes]
    first_line: int


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that was read: ``manifest`` is plain values and complete without the files.

    ``source`` is its name and the digest of manifest and files: same recording, same source.
    """

    source: str
    pack: str
    manifest: Mapping[str, Any]
    streams: tuple[Stream, ...]
    commands: tuple[Command, ...]
    place: "Place"

    @property
    def rows(self) -> int:
        """How many rows the streams have together."""
        return sum(len(s.rows) for s in self.streams)

    def batches(self, times: Times, batch_rows: int = BATCH_ROWS) -> Iterator["Item"]:
        """Batches of frames, and commands, in order of event time; ``batch_rows`` rows at most."""
        stamped = [times(s) for s in self.streams]
        order = _order(stamped)
        when = np.concatenate(stamped)[order] if len(order) else np.empty(0, np.int64)
        cuts = [(int(np.searchsorted(when, c.at)), c) for c in self.commands]
        start = 0
        for stop, command in [*cuts, (len(order), None)]:
            for a in range(start, stop, batch_rows):
                b = min(a + batch_rows, stop)
                yield Item(self._frames(order[a:b]), None, b - a, int(when[b - 1]))
            if command is not None:
                yield Item((), command, 0, command.at)
            start = max(start, stop)

    def _frames(self, picked: NDArray[np.int64]) -> tuple[Frame, ...]:
        frames = []
        base = 0
        for number, stream in enumerate(self.streams):
            mine = np.sort(picked[(picked >= base) & (picked < base + len(stream.rows))]) - base
            base += len(stream.rows)
            if len(mine):
                payload = b"".join(stream.rows[i] for i in mine)
                lines = (mine + stream.first_line).astype("<i4").tobytes()
                frames.append(Frame(self.source, number, payload, lines))
        return tuple(frames)


@dataclass(frozen=True, slots=True)
class Item:
    """A batch of frames, or a command, with its rows and the event time (ns) at its end."""

    frames: tuple[Frame, ...]
    command: Command | None
    rows: int
    upto: int


def open_recording(path: Path) -> Recording:
    """Read a manifest and the files that it names.

    Raises:
        BadInput: the manifest or a file cannot be read; the text names file, line and column.
    """
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as wrong:
        raise BadInput(f"{path}: cannot be read: {wrong}") from None
    except tomllib.TOMLDecodeError as wrong:
        raise BadInput(f"{path}: {wrong}") from None
    place = Place(path.name, text)
    if not isinstance(table.get("pack"), str):
        raise BadInput(f'{place.of("pack")}: pack = "…" is missing')
    streams, digests = [], {}
    files: dict[str, _File] = {}
    for entry in table.get("stream", []):
        name = entry.get("file")
        if not isinstance(name, str):
            raise BadInput(f"{place.of('[[stream]]')}: file is missing")
        if name not in files:
            files[name] = _read(path.parent / name, entry, place=place.of(name))
        file = files[name]
        digests[name] = file.digest
        streams.append(Stream(_mapping(entry, file, place=place), file.rows, file.first_line))
    if not streams:
        raise BadInput(f"{path.name}: there is no [[stream]]")
    manifest = {
        "pack": table["pack"],
        "streams": [dict(s.mapping) for s in streams],
        "files": digests,
        "timezone": table.get("timezone", streams[0].mapping["time"].get("timezone", "UTC")),
        "things": table.get("thing", []),
        "period": {},
    }
    zone(manifest["timezone"])
    source = f"{path.stem}-{content_id(manifest)[:12]}"
    return Recording(
        source, table["pack"], manifest, tuple(streams), _commands(table, place), place
    )


class Place:
    """Finds where a word stands in a manifest, so that an error can name line and column."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self._lines = text.splitlines()

    def of(self, word: str, after: str = "") -> str:
        """``file:line:column`` of the first ``word`` (behind the first ``after``), or the file."""
        seen = not after
        for number, line in enumerate(self._lines, 1):
            seen = seen or after in line
            column = line.find(word)
            if seen and column >= 0:
                return f"{self.name}:{number}:{column + 1}"
        return self.name


@dataclass(frozen=True, slots=True)
class _File:
    header: tuple[str, ...]
    rows: list[bytes]
    first_line: int
    form: str
    digest: Digest


def _read(path: Path, entry: Mapping[str, Any], *, place: str) -> _File:
    try:
        raw = path.read_bytes()
        body = _unpacked(path, raw)
    except (OSError, EOFError, zipfile.BadZipFile, pa.ArrowException) as wrong:
        raise BadInput(f"{place}: {path.name} cannot be read: {wrong}") from None
    body = _utf8(body, entry.get("encoding", "utf-8"), place=f"{place}: {path.name}")
    delimiter = entry.get("delimiter", ",")
    rows = body.removeprefix(b"\xef\xbb\xbf").splitlines(keepends=True)
    if rows and not rows[-1].endswith(b"\n"):
        rows[-1] += b"\n"
    if path.name.endswith((".jsonl", ".ndjson")):
        columns = dict.fromkeys(k for r in rows[:1000] for k in _keys(r))
        return _File(tuple(columns), rows, 1, "jsonl", digest(raw))
    if not rows:
        raise BadInput(f"{place}: {path.name} is empty")
    rows = _whole(rows)
    head = rows[0].decode("utf-8", "replace")
    header = tuple(next(csv.reader(StringIO(head), delimiter=delimiter)))
    return _File(header, rows[1:], 2, "csv", digest(raw))


def _utf8(body: bytes, encoding: str, *, place: str) -> bytes:
    """The text of a file as UTF-8.

    Raises:
        BadInput: there is no such encoding, or the bytes are not of it; names the line.
    """
    try:
        return body.decode(encoding).encode()
    except LookupError:
        raise BadInput(f"{place}: there is no encoding {encoding!r}") from None
    except UnicodeDecodeError as wrong:
        line = body.count(b"\n", 0, wrong.start) + 1
        raise BadInput(
            f'{place} line {line}: not {encoding}; name the right one, such as encoding = "gb18030"'
        ) from None


def _unpacked(path: Path, raw: bytes) -> bytes:
    if path.name.endswith(".gz"):
        return gzip.decompress(raw)
    if path.name.endswith(".zip"):
        with zipfile.ZipFile(BytesIO(raw)) as archive:
            names = [n for n in archive.namelist() if not n.endswith("/")]
            if len(names) != 1:
                raise zipfile.BadZipFile(f"it holds {len(names)} files, one is expected")
            return archive.read(names[0])
    if path.name.endswith(".parquet"):
        return _parquet(raw)
    return raw


def _parquet(raw: bytes) -> bytes:
    """A Parquet file as CSV; its rows are numbered as lines of that, header first. Times in UTC."""
    table = parquet.read_table(BytesIO(raw))
    for i, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            column = table.column(i)
            if field.type.tz:
                column = column.cast(pa.timestamp("us", "UTC"), safe=False)
            else:
                column = column.cast(pa.timestamp("us"), safe=False)
            table = table.set_column(i, field.name, column.cast(pa.string()))
    sink = BytesIO()
    arrow_csv.write_csv(table, sink)
    return sink.getvalue()


def _whole(lines: list[bytes]) -> list[bytes]:
    """Join lines that a quoted line break cut, keeping one entry per physical line."""
    if not any(line.count(b'"') % 2 for line in lines):
        return lines
    joined: list[bytes] = []
    open_quote = False
    for line in lines:
        if open_quote:
            joined[-1] += line
        else:
            joined.append(line)
        open_quote ^= line.count(b'"') % 2 == 1
    return joined


def _keys(row: bytes) -> list[str]:
    try:
        return list(msgspec.json.decode(row, type=dict[str, Any]))
    except msgspec.DecodeError:
        return []


def _mapping(entry: Mapping[str, Any], file: _File, *, place: Place) -> dict[str, Any]:
    """A stream's mapping as plain values, checked against the columns of its file."""
    name = entry["file"]
    for part in ("time", "thing", "readings"):
        if not isinstance(entry.get(part), dict):
            raise BadInput(f"{place.of(name)}: stream {name} has no {part}")
    wanted = [entry["time"].get("column"), *entry.get("where", {})]
    thing: Mapping[str, Any] | None = entry["thing"]
    while thing is not None:
        if "kind" not in thing or not (thing.get("id") or thing.get("fixed")):
            raise BadInput(f"{place.of('thing', name)}: a thing needs a kind, and id or fixed")
        wanted += [thing["id"]] if thing.get("id") else []
        thing = thing.get("parent")
    for indicator, reading in entry["readings"].items():
        if not isinstance(reading, dict) or not {"column", "unit"} <= set(reading):
            raise BadInput(f"{place.of(indicator, name)}: {indicator} needs a column and a unit")
        wanted.append(reading["column"])
    for column in wanted:
        if column not in file.header:
            raise BadInput(
                f"{place.of(str(column), name)}: {name} has no column {column!r}; "
                f"it has {', '.join(file.header)}"
            )
    keys = {"time", "thing", "readings", "where", "delimiter", "period"}
    kept = {k: v for k, v in entry.items() if k in keys}
    return {"where": {}, "delimiter": ",", **kept, "file": name, "header": list(file.header),
            "form": file.form}  # fmt: skip


def _commands(table: Mapping[str, Any], place: Place) -> tuple[Command, ...]:
    """Facilities and commands of the manifest by time; a facility is opened by a command."""
    found = []
    for facility in table.get("facility", []):
        if "id" not in facility or "opened" not in facility:
            raise BadInput(f"{place.of('[[facility]]')}: a facility needs id and opened")
        body = {**facility, "pack": table["pack"]}
        at = _at(facility["opened"], place)
        found.append(Command("open_facility", at, "approver", facility["id"], _plain(body)))
    for order in table.get("command", []):
        if not {"do", "at", "by"} <= set(order):
            raise BadInput(f"{place.of('[[command]]')}: a command needs do, at and by")
        body = {k: v for k, v in order.items() if k not in {"do", "at", "by", "facility"}}
        facility = order.get("facility", "")  # one of the bank as a whole names none
        found.append(
            Command(order["do"], _at(order["at"], place), order["by"], facility, _plain(body))
        )
    return tuple(sorted(found, key=lambda c: c.at))


def _at(value: Any, place: Place) -> int:
    try:
        return moment(str(value))
    except BadInput as wrong:
        raise BadInput(f"{place.of(str(value))}: {wrong}") from None


def _plain(body: Any) -> Any:
    return msgspec.to_builtins(body, builtin_types=(bytes,))


def _order(stamped: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """All rows by time, then stream, then line."""
    return np.argsort(np.concatenate(stamped), kind="stable").astype(np.int64)
