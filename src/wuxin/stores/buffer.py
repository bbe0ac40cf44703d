"""What has come since the last flush, in memory: columns as they came, and refusals."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wuxin.stores import columns
from wuxin.terms.names import ThingKey
from wuxin.terms.records import Refusal

_NUMBERS: Final = ("event_time", "value", "quality", "first", "last")


class Rows(Protocol):
    """Columns of readings, as the twin's kernel leaves them."""

    @property
    def value(self) -> NDArray[np.float64]:
        """The values (n); the other columns have the same length."""
        ...


class Chunk(NamedTuple):
    """The readings of one batch: numbers, and the names behind ``thing`` and ``indicator``."""

    batch: int
    pack: str
    rows: dict[str, NDArray[Any]]
    things: list[ThingKey]
    indicators: Sequence[str]

    @property
    def size(self) -> int:
        """How many readings."""
        return len(self.rows["value"])

    def table(self) -> pa.Table:
        """As an Arrow table in order of the keys and event time."""
        n, rows = self.size, self.rows
        kinds = list(dict.fromkeys(t.kind for t in self.things))
        kind = np.array([kinds.index(t.kind) for t in self.things], np.int32)[rows["thing"]]
        arrays = [
            columns.coded(np.zeros(n, np.int32), [self.pack]),
            columns.coded(kind, kinds),
            columns.coded(rows["thing"], [t.id for t in self.things]),
            columns.coded(rows["indicator"], self.indicators),
            *(pa.array(rows[name]) for name in _NUMBERS),
            pa.array(np.full(n, self.batch, np.int64)),
        ]
        return columns.in_order(pa.table(arrays, schema=columns.SCHEMA))


def chunk(
    batch: int, parts: Sequence[Rows], *,
    pack: str, things: Sequence[ThingKey], indicators: Sequence[str],
) -> Chunk:  # fmt: skip
    """Copy the columns of a batch, with the names of those things only that are in it."""
    rows: dict[str, NDArray[Any]] = {
        name: np.concatenate([getattr(p, name) for p in parts])
        for name in ("thing", "indicator", *_NUMBERS)
    }
    seen = np.zeros(len(things), np.bool_)
    seen[rows["thing"]] = True
    rows["thing"] = (np.cumsum(seen, dtype=np.int32) - np.int32(1))[rows["thing"]]
    named = [things[n] for n in np.flatnonzero(seen).tolist()]
    return Chunk(batch, pack, rows, named, tuple(indicators))


class Buffer:
    """Chunks and refusals that are in no file yet; its owner sees to the locking."""

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self.refused: list[dict[str, Any]] = []
        self.rows = 0
        self._tables: list[pa.Table] = []
        self._refused = columns.REFUSED.empty_table()

    def add(self, new: Chunk) -> None:
        """Take a batch's readings."""
        self.chunks.append(new)
        self.rows += new.size

    def refuse(self, batch: int, refused: Sequence[Refusal]) -> None:
        """Take a batch's refusals."""
        self.refused += [
            {"source": r.source, "line": r.line, "column": r.column, "text": r.text,
             "reason": r.reason, "batch": batch}
            for r in refused
        ]  # fmt: skip

    def readings(self) -> list[pa.Table]:
        """The readings of each batch; what was made into Arrow once is not made again."""
        for new in self.chunks[len(self._tables) :]:
            self._tables.append(new.table())
        return list(self._tables)

    def refusals(self) -> pa.Table:
        """The refusals."""
        if self._refused.num_rows != len(self.refused):
            self._refused = pa.Table.from_pylist(self.refused, columns.REFUSED)
        return self._refused

    def drop(self, chunks: int, refused: int) -> None:
        """Forget the first ones, which are in a file now."""
        self.rows -= sum(c.size for c in self.chunks[:chunks])
        del self.chunks[:chunks], self._tables[:chunks], self.refused[:refused]
        self._refused = self._refused.slice(refused)
