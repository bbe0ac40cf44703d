"""The keys of all series by number, so that states of whole fleets are arrays and not texts."""

from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from wuxin.stores import columns
from wuxin.stores.columns import KEY, STORED

_BETWEEN = "\x1f"


class Keys:
    """The key (pack, kind, thing, indicator) of each number; numbers are never given again."""

    def __init__(self, table: pa.Table) -> None:
        self.table = columns.whole(table)

    @classmethod
    def load(cls, path: Path | None) -> Self:
        """Read them from a file; none if there is no file yet."""
        if path is None:
            return cls(pa.schema([columns.SCHEMA.field(n) for n in KEY]).empty_table())
        return cls(columns.read(path))

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """The numbers in order of the keys."""
        return np.argsort(columns.series(self.table)[0], kind="stable")

    @cached_property
    def stand_in_order(self) -> bool:
        """Whether the numbers are in order of the keys, as those are whose things came at once."""
        return bool((self.order == np.arange(len(self))).all())

    @cached_property
    def in_order(self) -> pa.Table:
        """The keys in their order."""
        return self.table.take(pa.array(self.order))

    @cached_property
    def _texts(self) -> pa.Array:
        return _joined(self.table)

    @cached_property
    def _things(self) -> tuple[dict[str, int], NDArray[np.int64], NDArray[np.int64]]:
        """The code of each thing's text, numbers by code, and where each code's begin in them."""
        chunks = self.table.column("thing").chunks
        if not chunks:
            return {}, np.empty(0, np.int64), np.empty(0, np.int64)
        codes, names = chunks[0].indices.to_numpy(), chunks[0].dictionary.to_pylist()
        order = np.argsort(codes, kind="stable")
        begins = np.searchsorted(codes[order], np.arange(len(names) + 1))
        return {text: n for n, text in enumerate(names)}, order, begins

    def of(self, thing: tuple[str, str, str], *, indicator: str = "") -> NDArray[np.int64]:
        """The numbers of the series of a thing (pack, kind, id), or of one indicator; in order."""
        codes, order, begins = self._things
        code = codes.get(thing[2])
        if code is None:
            return np.empty(0, np.int64)
        told = (*thing, indicator) if indicator else thing
        mine = order[begins[code] : begins[code + 1]]  # in order, since that sort was stable
        texts = [column.to_pylist() for column in self.some(mine).columns]
        keys = zip(*texts[: len(told)], strict=True)
        return mine[np.array([key == told for key in keys], np.bool_)]

    def some(self, numbers: NDArray[np.int64]) -> pa.Table:
        """The keys of a few numbers, with their own texts only in the dictionaries."""
        found = self.table.take(pa.array(numbers))
        arrays = [c.combine_chunks().cast(pa.string()).dictionary_encode() for c in found.columns]
        return pa.table(arrays, names=list(KEY))

    def number(self, table: pa.Table) -> tuple[pa.Table, "Keys"]:
        """Give each row the number of its series.

        Args:
            table: rows in order of the keys.

        Returns:
            The table with a column ``series``, and the keys with those that are new.
        """
        table = columns.whole(table)
        begins = np.append(0, np.flatnonzero(columns.differs(table)) + 1)
        runs = table.select(KEY).take(pa.array(begins))
        found = pc.index_in(_joined(runs), value_set=self._texts)
        new = np.flatnonzero(found.is_null())
        numbers = found.fill_null(0).to_numpy().astype(np.int32)
        numbers[new] = len(self) + np.arange(len(new))
        keys = self
        if len(new):
            keys = Keys(pa.concat_tables([self.table, runs.take(pa.array(new))]))
        lengths = np.diff(np.append(begins, table.num_rows))
        series = pa.array(np.repeat(numbers, lengths), pa.int32())
        return table.append_column(STORED.field("series"), series), keys


def _joined(table: pa.Table) -> pa.Array:
    """One text for each key: what devices name freely stands last, so that no two are alike."""
    parts = [table.column(n).cast(pa.string()) for n in ("pack", "kind", "indicator", "thing")]
    joined = pc.binary_join_element_wise(*parts, _BETWEEN).combine_chunks()
    return joined.chunk(0) if isinstance(joined, pa.ChunkedArray) else joined
