"""The latest usable values on two clocks: as of an event time, as known at a batch."""

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from wuxin.stores import columns
from wuxin.stores.columns import KEY
from wuxin.stores.manifest import DataFile, Latest, Manifest
from wuxin.terms.records import UNUSABLE

SCHEMA: Final = pa.schema([columns.SCHEMA.field(n) for n in (*KEY, "event_time", "value",
                           "quality", "batch")])  # fmt: skip


class Moment(NamedTuple):
    """What is asked: event times up to ``at`` (ns), batches up to ``known``."""

    at: int
    known: int


class Plan(NamedTuple):
    """A state to begin with, if any, and the files whose rows may differ from it."""

    state: Latest | None
    files: list[DataFile]

    @property
    def rows(self) -> int:
        """Rows to read in the files."""
        return sum(f.rows for f in self.files)


def plan(manifest: Manifest, asked: Moment, *, exact: int | None = None) -> Plan:
    """Choose what to begin with so that the fewest rows are read.

    Args:
        manifest: the files.
        asked: the moment.
        exact: only states of this very ``before``.
    """
    files = [f for f in manifest.data if f.since <= asked.at and f.first <= asked.known]
    best = Plan(None, files)
    for state in manifest.latest:
        if state.before > asked.at + 1 or state.known > asked.known:
            continue
        if exact is not None and state.before != exact:
            continue
        left = [f for f in files if f.until >= state.before or f.last > state.known]
        found = Plan(state, left)
        if best.state is None or found.rows < best.rows:
            best = found
    return best


def collect(
    folder: Path, chosen: Plan, asked: Moment, *, more: Iterable[pa.Table] = ()
) -> pa.Table:
    """The latest usable value of each series as of a moment, one row each, in order of the keys.

    Args:
        folder: where the files are.
        chosen: see :func:`plan`.
        asked: the moment.
        more: rows that are in no file yet, each table in order.

    Returns:
        Columns pack, kind, thing, indicator, event_time (ns), value, quality, batch.
    """
    files = (columns.read(folder / f.name, SCHEMA.names) for f in chosen.files)
    picks = [pick(table, asked, beyond=chosen.state) for table in chain(files, more)]
    some = [p for p in picks if p.num_rows]
    found = some[0] if some else SCHEMA.empty_table()
    if len(some) > 1:
        found = pick(columns.in_order(pa.concat_tables(some)), asked)
    if chosen.state is not None:
        state = columns.whole(columns.read(folder / chosen.state.name))
        found = fold(state, found) if found.num_rows and state.num_rows else (
            state if state.num_rows else found)  # fmt: skip
    return columns.whole(found)


def pick(table: pa.Table, asked: Moment, *, beyond: Latest | None = None) -> pa.Table:
    """The last row of each series that is usable and known; of sorted rows, one row each.

    Args:
        table: rows in order.
        asked: the moment.
        beyond: a state whose rows are left out.
    """
    if not table.num_rows:
        return SCHEMA.empty_table()
    table = columns.whole(table.select(SCHEMA.names))
    time, batch = columns.numbers(table, "event_time"), columns.numbers(table, "batch")
    usable = (columns.numbers(table, "quality") & np.uint8(int(UNUSABLE))) == 0
    usable &= time <= asked.at
    usable &= batch <= asked.known
    if beyond is not None:
        usable &= (time >= beyond.before) | (batch > beyond.known)
    ends = np.flatnonzero(_differs(table))
    ends = np.append(ends, len(time) - 1)
    places = np.flatnonzero(usable)
    count = np.cumsum(usable, dtype=np.int64)[ends]
    some = np.diff(count, prepend=0) > 0
    # within a series the last usable row is the latest: rows of one time stand by batch
    return table.take(pa.array(places[count[some] - 1]))


def _differs(table: pa.Table) -> NDArray[np.bool_]:
    """Where a row's series is not that of the next, shape (n - 1,)."""
    differs = np.zeros(table.num_rows - 1, np.bool_)
    for name in KEY:
        array = table.column(name).chunk(0)
        if len(array.dictionary) > 1:
            codes = array.indices.to_numpy()
            differs |= codes[1:] != codes[:-1]
    return differs


def fold(old: pa.Table, new: pa.Table) -> pa.Table:
    """Of two tables with one row per series the later row of each; of equals the newer one's."""
    both = columns.whole(pa.concat_tables([old, new]))
    key, _ = columns.series(both)
    n = old.num_rows
    time, batch = columns.numbers(both, "event_time"), columns.numbers(both, "batch")
    at = np.minimum(np.searchsorted(key[:n], key[n:]), n - 1)
    known = key[:n][at] == key[n:]
    mine = at[known]
    theirs = n + np.flatnonzero(known)
    newer = (time[theirs] > time[mine]) | (
        (time[theirs] == time[mine]) & (batch[theirs] >= batch[mine])
    )
    order = np.arange(n)
    order[mine[newer]] = theirs[newer]
    added = n + np.flatnonzero(~known)
    if len(added):
        order = np.concatenate([order, added])
        order = order[np.argsort(key[order], kind="stable")]
    return both.take(pa.array(order))


def of_pack(table: pa.Table, pack: str) -> pa.Table:
    """The rows of one pack."""
    column = table.column("pack")
    if not table.num_rows or column.chunk(0).dictionary.to_pylist() == [pack]:
        return table
    return table.filter(pc.equal(column.cast(pa.string()), pack))


def earliest(states: Sequence[Latest], before: int) -> list[Latest]:
    """The states of one boundary, what was known first coming first."""
    return sorted((s for s in states if s.before == before), key=lambda s: s.known)
