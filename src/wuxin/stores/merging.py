"""Rows of sorted files put together, a share of the series at a time, so that memory is bounded."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from wuxin.stores import columns
from wuxin.stores.columns import KEY
from wuxin.stores.series import Footer


def by_series(paths: Sequence[Path], *, most: int) -> Iterator[pa.Table]:
    """All rows of files, in order of series and event time; equal ones in the order of the files.

    Args:
        paths: files of readings, each in order.
        most: about how many rows to have in memory; those of one series always are.

    Yields:
        Tables, each of series after those of the one before.
    """
    with ExitStack() as stack:
        files = [
            stack.enter_context(parquet.ParquetFile(p, read_dictionary=list(KEY), memory_map=True))
            for p in paths
        ]
        footers = [Footer.of(f.metadata) for f in files]
        for low, high in pairwise(_cuts(footers, most=most)):
            parts = [_between(*own, low=low, high=high) for own in zip(files, footers, strict=True)]
            yield columns.in_order(pa.concat_tables(parts))


def _cuts(footers: Sequence[Footer], *, most: int) -> list[int]:
    """Numbers of series, from 0 to one above all, between which there are about so many rows."""
    high = np.concatenate([f.high for f in footers])
    rows = np.concatenate([f.rows for f in footers])
    order = np.argsort(high, kind="stable")
    filled = np.cumsum(rows[order]) // max(most, 1)
    ends: NDArray[np.int64] = high[order][np.append(np.diff(filled) > 0, True)] + 1
    return [0, *np.unique(ends).tolist()]


def _between(file: Any, footer: Footer, *, low: int, high: int) -> pa.Table:
    """The rows of a file with series from ``low`` up to but not including ``high``."""
    groups = np.flatnonzero((footer.low < high) & (footer.high >= low))
    table = file.read_row_groups(groups.tolist()).combine_chunks()
    begin, end = np.searchsorted(columns.numbers(table, "series"), [low, high]).tolist()
    return table.slice(begin, end - begin)
