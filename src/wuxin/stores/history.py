"""History: every reading in Parquet, sorted by thing and time, with the batch as knowledge time.

    HISTORY/manifest.json                which files there are; replaced as a whole
    HISTORY/flushed-FIRST-LAST-N.parquet batches as they came, sorted
    HISTORY/hour-LOW-HIGH-N.parquet      whole hours of event time, sorted by thing
    HISTORY/block-N-FILE.parquet         a stretch of time of such a file: what a state needs, only
    HISTORY/latest-HOUR-BATCH-N.parquet  latest usable values before an hour, as known at a batch
    HISTORY/refused-FIRST-LAST-N.parquet what was refused

Two clocks: ``event_time`` says when something was true, ``batch`` says when we knew it. A batch is
in memory until the next flush; the journal has it meanwhile. One process writes; others may read.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import duckdb
import pyarrow as pa
from msgspec.structs import replace

from wuxin.stores import columns, compaction, latest, manifest, series
from wuxin.stores.buffer import Buffer, Rows, chunk
from wuxin.stores.columns import SCHEMA
from wuxin.stores.keys import Keys
from wuxin.stores.manifest import Manifest
from wuxin.terms.names import ThingKey
from wuxin.terms.records import Refusal

__all__ = ["SCHEMA", "History", "Rows"]

_Answer = TypeVar("_Answer")
_FIRST: Final = -(2**63)
_END: Final = 2**63 - 1
_TRIES: Final = 5
Span = tuple[int | None, int | None]
"""Event times (ns) from, and up to but not including; open where None."""


class View(NamedTuple):
    """What a question is answered from: files, and rows that are in none yet."""

    files: Manifest
    readings: list[pa.Table]
    refusals: pa.Table
    number: int


class Numbered(NamedTuple):
    """Rows that are in no file yet, and the same as columns of states by number of series."""

    file: str
    rows: list[pa.Table]
    tables: list[pa.Table]
    keys: Keys


class History:
    """The readings of one tenant in one folder; reading is safe from any thread at any time."""

    def __init__(self, folder: Path, *, sizes: compaction.Sizes = compaction.SIZES) -> None:
        self._folder, self._sizes = folder, sizes
        folder.mkdir(parents=True, exist_ok=True)
        self._stamp = manifest.stamp(folder)
        self._files = manifest.load(folder)
        self._buffer, self._batch, self._writes = Buffer(), self._files.durable, False
        self._known_keys = "", Keys.load(None)
        self._numbered = Numbered("", [], [], Keys.load(None))
        self._number = 0
        self._lock, self._turn = threading.Lock(), threading.RLock()
        self._series = series.Files(folder)
        self._database, self._own = duckdb.connect(), threading.local()

    @property
    def pending(self) -> int:
        """How many readings are in memory only."""
        return self._buffer.rows

    @property
    def durable(self) -> int:
        """The last batch whose rows are on disk; those of all before it are, too."""
        return self._files.durable

    def add(
        self,
        batch: int,
        parts: Sequence[Rows],
        *,
        pack: str,
        things: Sequence[ThingKey],
        indicators: Sequence[str],
    ) -> None:
        """Take the readings of one batch, all at one go; batches come in order.

        What is durable already is not taken again.

        Args:
            batch: its number.
            parts: columns thing, indicator (numbers), event_time, value, quality, first, last.
            pack: the pack that declares the indicators.
            things: the thing of each number.
            indicators: the indicator of each number.
        """
        self._write_here()
        if batch <= self.durable:
            return
        some = [p for p in parts if len(p.value)]
        new = chunk(batch, some, pack=pack, things=things, indicators=indicators) if some else None
        with self._lock:
            self._batch, self._number = max(self._batch, batch), self._number + 1
            if new:
                self._buffer.add(new)

    def refuse(self, batch: int, refused: Sequence[Refusal]) -> None:
        """Keep what was refused in one batch."""
        self._write_here()
        if batch > self.durable:
            with self._lock:
                self._batch, self._number = max(self._batch, batch), self._number + 1
                self._buffer.refuse(batch, refused)

    def flush(self) -> None:
        """Write what is pending into a file, durably; then :attr:`durable` is the last batch.

        Raises:
            OSError: the disk refused; nothing is lost, what is pending stays so.
        """
        self._write_here()
        with self._turn:
            with self._lock:
                known, upto = self._files, self._batch
                chunks, refused = len(self._buffer.chunks), len(self._buffer.refused)
                rows, refusals = self._buffer.readings(), self._buffer.refusals()
            if upto == known.durable:
                return
            self._publish(
                self._written(known, upto, rows=rows, refusals=refusals),
                chunks=chunks,
                refused=refused,
            )

    def _written(
        self, known: Manifest, upto: int, *, rows: list[pa.Table], refusals: pa.Table
    ) -> Manifest:
        """The manifest with files of what was pending, the keys first if there are new ones."""
        label = f"{known.durable + 1:012d}-{upto:012d}-{known.serial:08d}.parquet"
        new = replace(known, durable=upto, serial=known.serial + 1)
        if rows:
            old = self._keys(known)
            table, keys = old.number(columns.in_order(pa.concat_tables(rows)))
            if keys is not old:
                new = replace(new, keys=f"keys-{known.serial:08d}.parquet")
                columns.write(self._folder / new.keys, [keys.table], schema=keys.table.schema)
            file = compaction.stored(self._folder, f"flushed-{label}", table=table)
            new = replace(new, fresh=(*new.fresh, file))
        if refusals.num_rows:
            file = compaction.stored(self._folder, f"refused-{label}", table=refusals)
            new = replace(new, refused=(*new.refused, file))
        return new

    def compact(self) -> None:
        """Merge flushed files into hours, and keep the latest values between them.

        Raises:
            OSError: the disk refused; every reading is where it was.
        """
        self._write_here()
        with self._turn:
            series = len(self._keys(self._files))
            for new in compaction.compact(
                self._folder, self._files, series=series, sizes=self._sizes
            ):
                if new != self._files:
                    self._publish(new)
                    manifest.tidy(self._folder, new)

    def forget_after(self, batch: int) -> None:
        """Forget the rows of later batches, on disk and in memory: they will be added again."""
        self._write_here()
        with self._turn:
            with self._lock:
                self._buffer, self._batch = Buffer(), min(self._batch, batch)
                self._number += 1
            if self.durable > batch:
                self._publish(compaction.cut_after(self._folder, self._files, batch=batch))
            manifest.tidy(self._folder, self._files)
            self._batch = self.durable

    def query(self, sql: str, given: Mapping[str, Any] | None = None) -> pa.Table:
        """Run a query over the tables ``readings`` and ``refused``; parameters are ``$name``."""

        def ask(view: View) -> pa.Table:
            return self._connection(view).sql(sql, params=dict(given or {})).to_arrow_table()

        return self._steadily(ask)

    def last(
        self, key: series.Thing, *, span: Span = (None, None), indicator: str = "",
        as_of: int | None = None,
    ) -> pa.Table:  # fmt: skip
        """The readings of one thing over a span of time, by indicator and event time.

        Args:
            key: pack, kind and id of the thing.
            span: event times (ns), open where None.
            indicator: only this one.
            as_of: only what was known at this batch.

        Returns:
            The columns of :data:`SCHEMA`.
        """
        start, end = (
            (_FIRST if span[0] is None else span[0]),
            (_END if span[1] is None else span[1]),
        )
        asked = series.Asked(key, start, end, indicator=indicator, known=as_of)

        def ask(view: View) -> pa.Table:
            keys = self._keys(view.files)
            return self._series.read(view.files, keys, asked=asked, more=view.readings)

        return self._steadily(ask)

    def as_of(self, pack: str, event_time: int, *, batch: int | None = None) -> pa.Table:
        """The latest usable value of every series of a pack: as of a time, as known at a batch.

        Args:
            pack: the pack.
            event_time: what happened up to here (ns).
            batch: what was known with this batch; None for all that is known.

        Returns:
            One row per series in order of kind, thing and indicator: see :data:`latest.SCHEMA`.
        """
        asked = latest.Moment(event_time, 2**62 if batch is None else batch)

        def ask(view: View) -> pa.Table:
            more, keys = self._pending(view)
            chosen = latest.plan(view.files, asked)
            fleet = latest.collect(self._folder, chosen, asked=asked, size=len(keys), more=more)
            return latest.table_of(fleet, keys, pack=pack)

        return self._steadily(ask)

    def buckets(
        self,
        key: tuple[str, str, str],
        indicator: str,
        *,
        span: Span,
        points: int,
        as_of: int | None = None,
    ) -> list[tuple[Any, ...]]:
        """One series cut into at most ``points`` spans of equal length.

        Args:
            key: pack, kind and id of the thing.
            indicator: the indicator.
            span: event times (ns), open where None.
            points: the most buckets.
            as_of: only what was known at this batch.

        Returns:
            Rows (time ms of the first reading, minimum, maximum, mean, count, marked count).
        """
        picked = self.last(key, span=span, indicator=indicator, as_of=as_of)
        sql = """
            WITH bounds AS (SELECT min(event_time) AS a, max(event_time) AS b FROM picked)
            SELECT min(event_time) // 1000000 AS t, min(value), max(value), avg(value),
                   count(*), count(*) FILTER (quality <> 0)
            FROM picked, bounds
            GROUP BY
                CAST(floor((event_time - a)::DOUBLE / greatest(b - a, 1) * ($points - 1)) AS INT)
            ORDER BY t"""
        cursor = self._cursor()
        cursor.register("picked", picked.select(["event_time", "value", "quality"]))
        found = cursor.sql(sql, params={"points": points}).fetchall()
        cursor.unregister("picked")
        return found

    def _pending(self, view: View) -> tuple[list[pa.Table], Keys]:
        """What is in memory with numbers, and the keys with them; only new rows are numbered."""
        rows, known = view.readings, self._numbered
        seen = known.rows
        same = len(seen) <= len(rows) and all(a is b for a, b in zip(seen, rows, strict=False))
        if known.file != view.files.keys or not same:
            known = Numbered(view.files.keys, [], [], self._keys(view.files))
        if len(known.rows) < len(rows):
            new = columns.in_order(pa.concat_tables(rows[len(known.rows) :]))
            table, keys = known.keys.number(new)
            tables = [*known.tables, table.select(columns.STATE.names)]
            known = Numbered(known.file, rows, tables, keys)
        self._numbered = known
        return known.tables, known.keys

    def _keys(self, files: Manifest) -> Keys:
        """The numbers of the series; read once for each file of them."""
        name, keys = self._known_keys
        if name != files.keys:
            keys = Keys.load(self._folder / files.keys)
            self._known_keys = files.keys, keys
        return keys

    def _write_here(self) -> None:
        """From now on this process is the one that writes: its manifest is the newest there is."""
        if not self._writes:
            self._refresh()
            self._writes, self._batch = True, self._files.durable

    def _refresh(self) -> None:
        """Where another process writes, see what it has written."""
        with self._lock:
            stamp = manifest.stamp(self._folder)
            if not self._writes and stamp != self._stamp:
                self._stamp, self._files = stamp, manifest.load(self._folder)
                self._number += 1

    def _publish(self, new: Manifest, *, chunks: int = 0, refused: int = 0) -> None:
        manifest.save(self._folder, new)
        with self._lock:
            self._files, self._number = new, self._number + 1
            self._buffer.drop(chunks, refused)

    def _view(self) -> View:
        if not self._writes:
            self._refresh()
        with self._lock:
            rows, refusals = self._buffer.readings(), self._buffer.refusals()
            return View(self._files, rows, refusals, self._number)

    def _steadily(self, ask: Callable[[View], _Answer]) -> _Answer:
        """Ask; and again with newer files where compaction has taken old ones away meanwhile."""
        for _ in range(_TRIES):
            view = self._view()
            try:
                return ask(view)
            except (FileNotFoundError, duckdb.IOException):
                if self._view().files == view.files:
                    raise
        return ask(self._view())

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        """This thread's connection, kept open."""
        if not hasattr(self._own, "cursor"):
            self._own.cursor, self._own.seen = self._database.cursor(), None
        cursor: duckdb.DuckDBPyConnection = self._own.cursor
        return cursor

    def _connection(self, view: View) -> duckdb.DuckDBPyConnection:
        """This thread's connection with the views ``readings`` and ``refused`` as they are now."""
        cursor = self._cursor()
        if self._own.seen == view.number:
            return cursor
        for name, files, rows in (
            ("readings", view.files.data, pa.concat_tables([SCHEMA.empty_table(), *view.readings])),
            ("refused", view.files.refused, view.refusals),
        ):
            cursor.register(f"{name}_in_memory", rows)
            told = ", ".join("'" + str(self._folder / f.name).replace("'", "''") + "'"
                             for f in files)  # fmt: skip
            names = ", ".join(f'"{n}"' for n in rows.schema.names)
            parts = [f"SELECT * FROM {name}_in_memory"]  # noqa: S608 - fixed texts
            parts += [f"SELECT {names} FROM read_parquet([{told}])"] * bool(files)  # noqa: S608
            cursor.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {' UNION ALL '.join(parts)}")
        self._own.seen = view.number
        return cursor
