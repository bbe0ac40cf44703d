"""History: every reading in Parquet, sorted by thing and time, with the batch as knowledge time.

One file per batch under ``history/`` (compaction into hours comes with the hot core); DuckDB reads.
Two clocks: ``event_time`` says when something was true, ``batch`` says when we knew it.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from wuxin.terms.names import ThingKey
from wuxin.terms.records import Refusal

_TEXT: Final = pa.dictionary(pa.int32(), pa.string())
SCHEMA: Final = pa.schema(
    [
        ("pack", _TEXT), ("kind", _TEXT), ("thing", _TEXT), ("indicator", _TEXT),
        ("event_time", pa.int64()), ("value", pa.float64()), ("quality", pa.uint8()),
        ("first", pa.int64()), ("last", pa.int64()), ("batch", pa.int64()),
    ]
)  # fmt: skip
_REFUSED: Final = pa.schema(
    [("source", pa.string()), ("line", pa.int32()), ("column", pa.string()),
     ("text", pa.string()), ("reason", pa.string()), ("batch", pa.int64())]
)  # fmt: skip


class Rows(Protocol):
    """Columns of readings, as the twin's kernel leaves them."""

    @property
    def value(self) -> NDArray[np.float64]:
        """The values (n); the other columns have the same length."""
        ...


class History:
    """The readings of one tenant in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def add(
        self,
        batch: int,
        parts: Sequence[Rows],
        *,
        pack: str,
        things: Sequence[ThingKey],
        indicators: Sequence[str],
    ) -> None:
        """Write the readings of one batch durably (again, if it was written before).

        Args:
            batch: its number.
            parts: columns thing, indicator (numbers), event_time, value, quality, first, last.
            pack: the pack that declares the indicators.
            things: the thing of each number.
            indicators: the indicator of each number.
        """
        if not sum(len(p.value) for p in parts):
            return
        names = ("thing", "indicator", "event_time", "value", "quality", "first", "last")
        rows = {name: np.concatenate([getattr(p, name) for p in parts]) for name in names}
        n = len(rows["value"])
        order = np.lexsort((rows["event_time"], rows["indicator"], rows["thing"]))
        slot, number = rows["thing"][order], rows["indicator"][order]
        kinds = list(dict.fromkeys(t.kind for t in things))
        kind = np.array([kinds.index(t.kind) for t in things], np.int32)[slot]
        columns = [
            _coded(np.zeros(n, np.int32), [pack]),
            _coded(kind, kinds),
            _coded(slot, [t.id for t in things]),
            _coded(number, indicators),
            *(pa.array(rows[name][order]) for name in
              ("event_time", "value", "quality", "first", "last")),
            pa.array(np.full(n, batch, np.int64)),
        ]  # fmt: skip
        self._write(f"readings-{batch:012d}.parquet", pa.table(columns, schema=SCHEMA))

    @property
    def pending(self) -> int:
        """Readings that are not on disk yet."""
        return 0

    @property
    def durable(self) -> int:
        """The last batch that is on disk."""
        return 2**62

    def flush(self) -> None:
        """Write what is pending."""

    def compact(self) -> None:
        """Merge small files."""

    def forget_after(self, batch: int) -> None:
        """Forget what came after a batch; it will be added again."""

    def refuse(self, batch: int, refused: Sequence[Refusal]) -> None:
        """Keep what was refused in one batch."""
        if refused:
            rows = [
                {"source": r.source, "line": r.line, "column": r.column, "text": r.text,
                 "reason": r.reason, "batch": batch}
                for r in refused
            ]  # fmt: skip
            self._write(f"refused-{batch:012d}.parquet", pa.Table.from_pylist(rows, _REFUSED))

    def query(self, sql: str, given: Mapping[str, Any] | None = None) -> pa.Table:
        """Run a query over the tables ``readings`` and ``refused``; parameters are ``$name``."""
        with duckdb.connect() as connection:
            for name, schema in (("readings", SCHEMA), ("refused", _REFUSED)):
                if any(self._folder.glob(f"{name}-*.parquet")):
                    pattern = str(self._folder / f"{name}-*.parquet")
                    connection.read_parquet(pattern).create_view(name)
                else:
                    connection.register(name, schema.empty_table())
            return connection.sql(sql, params=dict(given or {})).to_arrow_table()

    def buckets(
        self,
        key: tuple[str, str, str],
        indicator: str,
        *,
        span: tuple[int | None, int | None],
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
        where = "pack = $pack AND kind = $kind AND thing = $thing AND indicator = $indicator"
        given: dict[str, Any] = dict(zip(("pack", "kind", "thing"), key, strict=True))
        given |= {"indicator": indicator, "points": points}
        for name, value, op in (("start", span[0], ">="), ("end", span[1], "<")):
            if value is not None:
                where += f" AND event_time {op} ${name}"
                given[name] = value
        if as_of is not None:
            where += " AND batch <= $known"
            given["known"] = as_of
        sql = f"""
            WITH picked AS (
                SELECT event_time, value, quality FROM readings
                WHERE {where}
            ), bounds AS (SELECT min(event_time) AS a, max(event_time) AS b FROM picked)
            SELECT min(event_time) // 1000000 AS t, min(value), max(value), avg(value),
                   count(*), count(*) FILTER (quality <> 0)
            FROM picked, bounds
            GROUP BY
                CAST(floor((event_time - a)::DOUBLE / greatest(b - a, 1) * ($points - 1)) AS INT)
            ORDER BY t"""  # noqa: S608 - fixed texts
        return [tuple(row.values()) for row in self.query(sql, given).to_pylist()]

    def _write(self, name: str, table: pa.Table) -> None:
        temporary = self._folder / f".{name}"
        parquet.write_table(table, temporary, compression="zstd", row_group_size=20_000)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.rename(self._folder / name)
        handle = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _coded(codes: NDArray[np.int32], names: Sequence[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(names, pa.string()))
