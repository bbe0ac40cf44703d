"""Reading one thing over a span of time: which parts of which files, and only those.

Footers are read once. Of each part (row group) the least and the greatest number of a series are
known, so that of a file of millions of rows only the parts with this thing are decompressed, and
of these no texts: the keys come from their numbers.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import parquet

from wuxin.stores import columns
from wuxin.stores.columns import KEY, SCHEMA, STORED
from wuxin.stores.keys import Keys
from wuxin.stores.manifest import DataFile, Manifest

_NUMBERS: Final = [n for n in STORED.names if n not in KEY]
_OPEN: Final = 32
"""Files that a thread keeps open: the footer of a large one takes tens of megabytes."""
Thing = tuple[str, str, str]
"""Pack, kind and id of a thing."""


class Footer(NamedTuple):
    """What is known of a file: its metadata, and of each part (row group) what is in it.

    The least and greatest series, the first and last event time (ns), and rows, each (parts,).
    """

    data: Any
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    since: NDArray[np.int64]
    until: NDArray[np.int64]
    rows: NDArray[np.int64]

    @classmethod
    def of(cls, data: Any) -> Self:
        """From the metadata of a file of :data:`columns.STORED`."""
        names = data.schema.names
        series, time = names.index("series"), names.index("event_time")
        told = []
        for n in range(data.num_row_groups):
            part = data.row_group(n)
            one, two = part.column(series).statistics, part.column(time).statistics
            told.append((one.min, one.max, two.min, two.max, part.num_rows))
        return cls(data, *np.array(told, np.int64).reshape(-1, 5).T)


class Asked(NamedTuple):
    """One thing, event times from ``start`` up to but not including ``end`` (ns).

    ``indicator`` is the only one asked for, if any; ``known`` the last batch.
    """

    thing: Thing
    start: int
    end: int
    indicator: str = ""
    known: int | None = None


class Files:
    """The open files of a history, with footers that all threads share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._footers: dict[str, Footer] = {}
        self._own = threading.local()

    def read(
        self, known: Manifest, keys: Keys, *, asked: Asked, more: Sequence[pa.Table]
    ) -> pa.Table:  # fmt: skip
        """The rows of one thing in all files and in memory, by indicator and event time."""
        numbers = keys.of(asked.thing, indicator=asked.indicator)
        self._forget(known)
        found = [
            self._rows(f, asked, numbers=numbers) for f in known.data
            if len(numbers) and f.since < asked.end and f.until >= asked.start
        ]  # fmt: skip
        rows = pa.concat_tables([STORED.empty_table().select(_NUMBERS), *found]).combine_chunks()
        place = np.searchsorted(numbers, columns.numbers(rows, "series"))
        named = keys.some(numbers).take(pa.array(place))
        filed = pa.table([*named.columns, *rows.columns[:-1]], schema=SCHEMA)
        waiting = [_during(t.filter(pa.array(_mine(t, asked))), asked) for t in more]
        return columns.in_order(pa.concat_tables([filed, *(t for t in waiting if t.num_rows)]))

    def _rows(self, file: DataFile, asked: Asked, *, numbers: NDArray[np.int64]) -> pa.Table:
        """The rows of some series in one file, without their keys."""
        opened, footer = self._open(file.name)
        # the first number that is not below a part's least one must not be above its greatest
        first = np.searchsorted(numbers, footer.low)
        parts = numbers[np.minimum(first, len(numbers) - 1)]
        wanted = (parts >= footer.low) & (parts <= footer.high)
        wanted &= (footer.since < asked.end) & (footer.until >= asked.start)
        groups = np.flatnonzero(wanted)
        table = opened.read_row_groups(groups.tolist(), columns=_NUMBERS, use_threads=False)
        series = columns.numbers(table, "series")
        begin, end = np.searchsorted(series, [numbers[0], numbers[-1] + 1]).tolist()
        table = table.slice(begin, end - begin)
        if numbers[-1] - numbers[0] + 1 != len(numbers):
            table = table.filter(pa.array(np.isin(series[begin:end], numbers)))
        return _during(table, asked)

    def _forget(self, known: Manifest) -> None:
        """Close files that are gone."""
        opened = self._opened()
        if len(opened) > len(known.data):
            names = {f.name for f in known.data}
            for name in [n for n in opened if n not in names]:
                self._close(name)

    def _close(self, name: str) -> None:
        self._opened().pop(name)[0].close()
        self._footers.pop(name, None)

    def _opened(self) -> dict[str, tuple[Any, Footer]]:
        """The files that this thread has open, the one used last coming last."""
        if not hasattr(self._own, "files"):
            self._own.files = {}
        opened: dict[str, tuple[Any, Footer]] = self._own.files
        return opened

    def _open(self, name: str) -> tuple[Any, Footer]:
        opened = self._opened()
        if name in opened:
            opened[name] = opened.pop(name)
            return opened[name]
        while len(opened) >= _OPEN:
            self._close(next(iter(opened)))
        known = self._footers.get(name)
        data = known.data if known else None
        file = parquet.ParquetFile(self._folder / name, memory_map=True, metadata=data)
        footer = self._footers[name] = known or Footer.of(file.metadata)
        opened[name] = file, footer
        return opened[name]


def _mine(table: pa.Table, asked: Asked) -> NDArray[np.bool_]:
    """Which rows of a :func:`columns.whole` table have the key that is asked for, shape (n,)."""
    found = np.ones(table.num_rows, np.bool_)
    told = (*asked.thing, asked.indicator) if asked.indicator else asked.thing
    for name, text in zip(KEY, told, strict=False):
        for chunk in table.column(name).chunks:
            found &= chunk.indices.to_numpy() == pc.index(chunk.dictionary, text).as_py()
    return found


def _during(table: pa.Table, asked: Asked) -> pa.Table:
    """The rows of the span, and known at the batch, that are asked for."""
    time = columns.numbers(table, "event_time")
    picked = (time >= asked.start) & (time < asked.end)
    if asked.known is not None:
        picked &= columns.numbers(table, "batch") <= asked.known
    return table if picked.all() else table.filter(pa.array(picked))
