"""The latest usable values on two clocks: as of an event time, as known at a batch."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wuxin.stores import columns
from wuxin.stores.columns import KEY
from wuxin.stores.keys import Keys
from wuxin.stores.manifest import DataFile, Latest, Manifest
from wuxin.terms.records import UNUSABLE

NUMBERS: Final = ("event_time", "value", "quality", "batch")
STATE: Final = pa.schema([columns.STORED.field(n) for n in ("series", *NUMBERS)])
SCHEMA: Final = pa.schema([columns.SCHEMA.field(n) for n in (*KEY, *NUMBERS)])


class Moment(NamedTuple):
    """What is asked: event times up to ``at`` (ns), batches up to ``known``."""

    at: int
    known: int


class Piece(NamedTuple):
    """Parts (row groups) of a file that stand together, in order; how many rows they have."""

    name: str
    groups: range
    rows: int


class Plan(NamedTuple):
    """A state to begin with, if any, and the pieces of files whose rows may differ from it."""

    state: Latest | None
    pieces: list[Piece]

    @property
    def rows(self) -> int:
        """Rows to read in the pieces."""
        return sum(p.rows for p in self.pieces)


def plan(manifest: Manifest, asked: Moment, *, exact: int | None = None) -> Plan:
    """Choose what to begin with so that the fewest rows are read.

    Args:
        manifest: the files.
        asked: the moment.
        exact: only states of this very ``before``.
    """
    data = [f for f in manifest.data if f.since <= asked.at and f.first <= asked.known]
    found = [Plan(None, _pieces(data, asked, state=None))]
    found += [
        Plan(s, _pieces(data, asked, state=s)) for s in manifest.latest
        if s.before <= asked.at + 1 and s.known <= asked.known and exact in (None, s.before)
    ]  # fmt: skip
    return min(found[1:] or found, key=lambda p: p.rows)


def _pieces(data: Sequence[DataFile], asked: Moment, *, state: Latest | None) -> list[Piece]:
    """The pieces with rows that are asked for and are not in a state."""
    found = []
    for file in data:
        if state and file.until < state.before and file.last <= state.known:
            continue
        begin = 0
        for block in file.blocks:
            groups, begin = range(begin, begin + block.groups), begin + block.groups
            asked_for = block.since <= asked.at and block.first <= asked.known
            if asked_for and not (
                state and block.until < state.before and block.last <= state.known
            ):
                found.append(Piece(file.name, groups, block.rows))
    return found


class Fleet:
    """The latest values by number of series, as they are put together."""

    def __init__(self, size: int) -> None:
        self.some = np.zeros(size, np.bool_)
        self.columns: dict[str, NDArray[Any]] = {
            n: np.zeros(size, STATE.field(n).type.to_pandas_dtype()) for n in NUMBERS
        }

    def take(self, table: pa.Table, picked: NDArray[np.int64] | slice) -> None:
        """Take rows, one of each series at most, where they are later than what is there."""
        series = columns.numbers(table, "series")[picked]
        new = {n: columns.numbers(table, n)[picked] for n in NUMBERS}
        if self.some.any():
            time, batch = self.columns["event_time"][series], self.columns["batch"][series]
            later = (new["event_time"] > time) | (
                (new["event_time"] == time) & (new["batch"] >= batch)
            )
            later |= ~self.some[series]
            series, new = series[later], {n: a[later] for n, a in new.items()}
        self.some[series] = True
        for name, array in new.items():
            self.columns[name][series] = array


def collect(
    folder: Path, chosen: Plan, *, asked: Moment, size: int, more: pa.Table | None = None
) -> Fleet:
    """The latest usable value of each series as of a moment.

    Args:
        folder: where the files are.
        chosen: see :func:`plan`.
        asked: the moment.
        size: how many series have numbers.
        more: rows that are in no file yet, in order.
    """
    fleet = Fleet(size)
    if chosen.state is not None:
        fleet.take(columns.read(folder / chosen.state.name, STATE.names), slice(None))
    for table in _tables(folder, chosen.pieces, more=more):
        fleet.take(table, last(table, asked, beyond=chosen.state))
    return fleet


def _tables(folder: Path, pieces: Sequence[Piece], *, more: pa.Table | None) -> Iterator[pa.Table]:
    for piece in pieces:
        yield columns.read(folder / piece.name, STATE.names, groups=piece.groups)
    if more is not None:
        yield more


def last(
    table: pa.Table, asked: Moment, *, beyond: Latest | None = None
) -> NDArray[np.int64]:  # fmt: skip
    """The places of the last row of each series that is usable and known, among rows in order.

    Args:
        table: rows in order.
        asked: the moment.
        beyond: a state whose rows are left out.
    """
    time, batch = columns.numbers(table, "event_time"), columns.numbers(table, "batch")
    usable = (columns.numbers(table, "quality") & np.uint8(int(UNUSABLE))) == 0
    usable &= time <= asked.at
    usable &= batch <= asked.known
    if beyond is not None:
        usable &= (time >= beyond.before) | (batch > beyond.known)
    series = columns.numbers(table, "series")
    places = np.flatnonzero(usable)
    of = series[places]
    # within a series the last usable row is the latest: rows of one time stand by batch
    ends: NDArray[np.int64] = places[np.append(of[1:] != of[:-1], np.ones(len(of[:1]), np.bool_))]
    return ends


def state_of(fleet: Fleet) -> pa.Table:
    """A fleet as the table of a state file."""
    series = np.flatnonzero(fleet.some)
    arrays = [pa.array(fleet.columns[n][series]) for n in NUMBERS]
    return pa.table([pa.array(series, pa.int32()), *arrays], schema=STATE)


def table_of(fleet: Fleet, keys: Keys, *, pack: str) -> pa.Table:
    """A fleet as a table in order of the keys, only series of one pack."""
    some, order, told = fleet.some, keys.order, keys.in_order
    if told.num_rows:
        column = keys.table.column("pack").chunk(0)
        names = column.dictionary.to_pylist()
        if names != [pack]:
            mine = names.index(pack) if pack in names else -1
            some = some & (column.indices.to_numpy() == mine)
    if not some.all():
        kept = some[order]
        order, told = order[kept], told.filter(pa.array(kept))
    arrays = [pa.array(fleet.columns[n][order]) for n in NUMBERS]
    return pa.table([*told.columns, *arrays], schema=SCHEMA)


def earliest(states: Sequence[Latest], before: int) -> list[Latest]:
    """The states of one boundary, what was known first coming first."""
    return sorted((s for s in states if s.before == before), key=lambda s: s.known)
