"""Reading one thing over a span of time: which parts of which files, and only those.

Footers are read once. Of each part (row group) the least and the greatest thing are known, so that
of a file of millions of rows only the parts with this thing are decompressed.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import parquet

from wuxin.stores import columns
from wuxin.stores.columns import KEY
from wuxin.stores.manifest import DataFile, Manifest

_THING: Final = 3
Thing = tuple[str, str, str]
"""Pack, kind and id of a thing."""


class Footer(NamedTuple):
    """What is known of a file: its metadata, and the bounds of pack, kind and thing by part."""

    data: Any
    bounds: tuple[tuple[NDArray[np.bytes_], NDArray[np.bytes_]], ...]


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

    def keep(self, known: Manifest) -> None:
        """Close and forget files that are gone."""
        names = {f.name for f in known.data}
        for name in [n for n in self._footers if n not in names]:
            self._footers.pop(name, None)
        opened = self._opened()
        for name in [n for n in opened if n not in names]:
            opened.pop(name).close()

    def read(self, known: Manifest, more: Sequence[pa.Table], asked: Asked) -> pa.Table:
        """The rows of one thing in all files and in memory, by indicator and event time."""
        found = [
            self.rows(f, asked) for f in known.data
            if f.since < asked.end and f.until >= asked.start
        ]  # fmt: skip
        found += [narrowed(table, asked) for table in more]
        some = [t for t in found if t is not None]
        return columns.in_order(pa.concat_tables([columns.SCHEMA.empty_table(), *some]))

    def rows(self, file: DataFile, asked: Asked) -> pa.Table | None:
        """The rows of one thing in one file, in order; None where there are none."""
        opened = self._open(file.name)
        footer = self._footers[file.name]
        parts = np.ones(footer.data.num_row_groups, np.bool_)
        for (low, high), text in zip(footer.bounds, asked.thing, strict=True):
            told = text.encode()
            parts &= (low <= told) & (told <= high)
        groups = np.flatnonzero(parts)
        if not len(groups):
            return None
        return narrowed(
            opened.read_row_groups(
                groups.tolist(), columns=columns.SCHEMA.names, use_threads=False
            ),
            asked,
        )

    def _opened(self) -> dict[str, Any]:
        if not hasattr(self._own, "files"):
            self._own.files = {}
        opened: dict[str, Any] = self._own.files
        return opened

    def _open(self, name: str) -> Any:
        opened = self._opened()
        if name not in opened:
            footer = self._footers.get(name)
            file = parquet.ParquetFile(
                self._folder / name, read_dictionary=list(KEY), memory_map=True,
                metadata=footer and footer.data,
            )  # fmt: skip
            opened[name] = file
            if footer is None:
                self._footers[name] = Footer(file.metadata, _bounds(file.metadata))
        return opened[name]


def narrowed(table: pa.Table, asked: Asked) -> pa.Table | None:
    """The rows of one thing and span among rows in order; None where there are none."""
    picked = np.ones(table.num_rows, np.bool_)
    for name, text in zip(KEY[:_THING], asked.thing, strict=True):
        picked &= _is(table.column(name), text)
    time = columns.numbers(table, "event_time")
    picked &= (time >= asked.start) & (time < asked.end)
    if asked.indicator:
        picked &= _is(table.column("indicator"), asked.indicator)
    if asked.known is not None:
        picked &= columns.numbers(table, "batch") <= asked.known
    places = np.flatnonzero(picked)
    if not len(places):
        return None
    low, high = int(places[0]), int(places[-1]) + 1
    table = table.slice(low, high - low)
    return table if high - low == len(places) else table.filter(pa.array(picked[low:high]))


def _is(column: pa.ChunkedArray, text: str) -> NDArray[np.bool_]:
    """Where a column holds a text, shape (n,)."""
    found = []
    for chunk in column.chunks:
        code = pc.index(chunk.dictionary, text).as_py()
        found.append(chunk.indices.to_numpy() == code)
    return np.concatenate(found) if found else np.empty(0, np.bool_)


def _bounds(data: Any) -> tuple[tuple[NDArray[np.bytes_], NDArray[np.bytes_]], ...]:
    found = []
    for column in range(_THING):
        pairs = [data.row_group(n).column(column).statistics for n in range(data.num_row_groups)]
        low = np.array([s.min.encode() for s in pairs], np.bytes_)
        high = np.array([s.max.encode() for s in pairs], np.bytes_)
        found.append((low, high))
    return tuple(found)
