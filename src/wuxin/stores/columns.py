"""Columns of readings: their schema, their order, and files of them.

Rows stand by (pack, kind, thing, indicator, event time); rows of equal place stand in the order in
which they came, so that of two the later one is what was known last.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import parquet

from wuxin.terms import durable

TEXT: Final = pa.dictionary(pa.int32(), pa.string())
KEY: Final = ("pack", "kind", "thing", "indicator")
"""What names a series."""

SCHEMA: Final = pa.schema(
    [
        *((name, TEXT) for name in KEY),
        ("event_time", pa.int64()), ("value", pa.float64()), ("quality", pa.uint8()),
        ("first", pa.int64()), ("last", pa.int64()), ("batch", pa.int64()),
    ]
)  # fmt: skip
STORED: Final = SCHEMA.append(pa.field("series", pa.int32()))
"""Rows in files: with the number of their series, see :class:`wuxin.stores.keys.Keys`."""

REFUSED: Final = pa.schema(
    [("source", pa.string()), ("line", pa.int32()), ("column", pa.string()),
     ("text", pa.string()), ("reason", pa.string()), ("batch", pa.int64())]
)  # fmt: skip
STATE: Final = pa.schema(
    [STORED.field(n).with_nullable(nullable=False)
     for n in ("series", "event_time", "value", "quality", "batch")]
)  # fmt: skip
"""Rows in files that answer for whole fleets: what tells a value and when it was known."""
GROUP_ROWS: Final = 8192
"""Rows of a row group where one thing is looked for: what it costs, against the footer's size."""
_WHOLE_ROWS: Final = 1 << 20
"""Rows of a row group of a file that is read as a whole."""
_BITS: Final = 63


def coded(codes: NDArray[np.int32], names: Sequence[str]) -> pa.Array:
    """Texts by number, shape (n,), as an Arrow dictionary."""
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(names, pa.string()))


def whole(table: pa.Table) -> pa.Table:
    """A table in which every column is one chunk and every text column has one dictionary."""
    return table.unify_dictionaries().combine_chunks()


def numbers(table: pa.Table, name: str) -> NDArray[Any]:
    """A column of numbers as an array, shape (n,), without a copy where it is one chunk."""
    column = table.column(name)
    array: NDArray[Any] = (column.chunk(0) if column.num_chunks == 1 else column).to_numpy()
    return array


def ranks(table: pa.Table, name: str) -> tuple[NDArray[np.int64], int]:
    """The place of each text of a :func:`whole` table among its sorted texts, and their number."""
    column = table.column(name)
    if not column.num_chunks:
        return np.empty(0, np.int64), 1
    array = column.chunk(0)
    codes, names = array.indices.to_numpy(), array.dictionary
    order = pc.sort_indices(names).to_numpy()
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return place[codes], max(len(names), 1)


def series(table: pa.Table) -> tuple[NDArray[np.int64], int]:
    """A number for each row of a :func:`whole` table, shape (n,), in the order of the keys."""
    key, size = np.zeros(table.num_rows, np.int64), 1
    for name in KEY:
        place, among = ranks(table, name)
        key, size = key * among + place, size * among
    return key, size


def differs(table: pa.Table) -> NDArray[np.bool_]:
    """Where a row of a :func:`whole` table is not of the next one's series, shape (n - 1,)."""
    found = np.zeros(max(table.num_rows - 1, 0), np.bool_)
    for name in KEY:
        array = table.column(name).chunk(0)
        if len(array.dictionary) > 1:
            codes = array.indices.to_numpy()
            found |= codes[1:] != codes[:-1]
    return found


def in_order(table: pa.Table) -> pa.Table:
    """Rows sorted by series (number or else key) and event time; equal ones as they came."""
    table = whole(table)
    if table.num_rows < 2:
        return table
    if "series" in table.schema.names:  # numbers keep new series out of the order of old ones
        key = numbers(table, "series").astype(np.int64)
        size = int(key.max()) + 1
    else:
        key, size = series(table)
    time = numbers(table, "event_time")
    since, until = int(time.min()), int(time.max())
    width = (until - since + 1).bit_length()
    if width + size.bit_length() <= _BITS:
        order = np.argsort((key << width) + (time - since), kind="stable")
    else:
        order = np.lexsort((time, key))
    return table.take(pa.array(order))


def write(path: Path, tables: Iterable[pa.Table], *, schema: pa.Schema) -> None:
    """Write tables into one file durably: whole under its name, or not there at all.

    Files of :data:`STATE` are read as a whole, and are laid out for that.

    Args:
        path: the file.
        tables: tables of the schema, one after another.
        schema: their columns.
    """
    unfinished = path.with_name(path.name + durable.UNFINISHED)
    rows = _WHOLE_ROWS if schema.names == STATE.names else GROUP_ROWS
    # a dictionary array puts all its texts into each row group, texts only those that occur
    schema = pa.schema([f.with_type(pa.string()) if f.name == "thing" else f for f in schema])
    texts = [f.name for f in schema if f.type in (TEXT, pa.string())]
    packed = [n for n in ("event_time", "first", "last", "batch", "series") if n in schema.names]
    with parquet.ParquetWriter(
        unfinished, schema, compression="zstd" if rows == GROUP_ROWS else "lz4",
        use_dictionary=[*texts, "quality", "value"], write_batch_size=GROUP_ROWS,
        column_encoding=dict.fromkeys(packed, "DELTA_BINARY_PACKED"),
    ) as writer:  # fmt: skip
        for table in tables:
            writer.write_table(table.cast(schema), row_group_size=rows)
    durable.settle(unfinished, path)


def read(path: Path, names: Sequence[str] | None = None) -> pa.Table:
    """Read a file, or some columns of it; key texts stay numbers and a dictionary."""
    wanted = list(parquet.read_schema(path).names if names is None else names)
    texts = [n for n in KEY if n in wanted]
    with parquet.ParquetFile(path, read_dictionary=texts, memory_map=True) as file:
        return file.read(columns=wanted)
