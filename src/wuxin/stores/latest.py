"""The latest usable values on two clocks: as of an event time, as known at a batch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wuxin.stores import columns
from wuxin.stores.columns import KEY, STATE
from wuxin.stores.keys import Keys
from wuxin.stores.manifest import Block, Latest, Manifest
from wuxin.terms.compiled import compiled
from wuxin.terms.records import UNUSABLE

NUMBERS: Final = tuple(STATE.names[1:])
_STATES: Final = 8
"""The most states that are weighed against one another, those of the latest times."""
_UNUSABLE: Final = np.uint8(int(UNUSABLE))
SCHEMA: Final = pa.schema([columns.SCHEMA.field(n) for n in (*KEY, *NUMBERS)])


class Moment(NamedTuple):
    """What is asked: event times up to ``at`` (ns), batches up to ``known``."""

    at: int
    known: int


class Plan(NamedTuple):
    """A state to begin with, if any, and the blocks whose rows may differ from it; their rows."""

    state: Latest | None
    blocks: list[Block]
    rows: int


def plan(manifest: Manifest, asked: Moment, *, exact: int | None = None) -> Plan:
    """Choose what to begin with so that the fewest rows are read.

    Args:
        manifest: the files.
        asked: the moment.
        exact: only states of this very ``before``.
    """
    rows, since, until, first, last = manifest.bounds
    wanted = (since <= asked.at) & (first <= asked.known)
    fitting = [
        s for s in manifest.latest
        if s.before <= asked.at + 1 and s.known <= asked.known and exact in (None, s.before)
    ]  # fmt: skip
    # all states before these have more after them
    states = sorted(fitting, key=lambda s: s.before)[-_STATES:]
    found: list[tuple[int, NDArray[np.bool_], Latest | None]] = [
        (int(rows[left].sum()), left, state)
        for state in states
        for left in [wanted & ~((until < state.before) & (last <= state.known))]
    ]
    count, left, state = min(
        found or [(int(rows[wanted].sum()), wanted, None)], key=lambda plan: plan[0]
    )
    return Plan(state, [manifest.blocks[n] for n in np.flatnonzero(left).tolist()], count)


class Fleet:
    """The latest values by number of series, as they are put together."""

    def __init__(self, size: int) -> None:
        self.some = np.zeros(size, np.bool_)
        self.columns: dict[str, NDArray[Any]] = {
            n: np.zeros(size, STATE.field(n).type.to_pandas_dtype()) for n in NUMBERS
        }

    def take(self, table: pa.Table, asked: Moment) -> None:
        """Take what is later than what is there of the rows that are usable and asked for."""
        rows = tuple(columns.numbers(table, n) for n in STATE.names)
        own = tuple(self.columns[n] for n in NUMBERS)
        _take(rows, self.some, own, at=asked.at, known=asked.known, marks=_UNUSABLE)


@compiled()
def _take(
    rows: tuple[Any, ...], some: NDArray[np.bool_], own: tuple[Any, ...],
    at: int, known: int, marks: np.uint8,
) -> None:  # fmt: skip
    """One pass over rows in any order, since of two the later one is taken, or of equal the last.

    Args:
        rows: the columns of :data:`columns.STATE`, each (n).
        some: whether a series has a value, shape (series,).
        own: the columns :data:`NUMBERS` of the fleet, each (series,).
        at: the last event time (ns).
        known: the last batch.
        marks: what makes a value unusable.
    """
    series, time, value, quality, batch = rows
    own_time, own_value, own_quality, own_batch = own
    for n in range(len(series)):
        if time[n] > at or batch[n] > known or quality[n] & marks:
            continue
        s = series[n]
        if some[s] and (
            time[n] < own_time[s] or (time[n] == own_time[s] and batch[n] < own_batch[s])
        ):
            continue
        some[s] = True
        own_time[s], own_value[s] = time[n], value[n]
        own_quality[s], own_batch[s] = quality[n], batch[n]


def collect(
    folder: Path, chosen: Plan, *, asked: Moment, size: int, more: Sequence[pa.Table] = ()
) -> Fleet:
    """The latest usable value of each series as of a moment.

    Rows that a state has already are taken again, which changes nothing.

    Args:
        folder: where the files are.
        chosen: see :func:`plan`.
        asked: the moment.
        size: how many series have numbers.
        more: rows that are in no file yet, those of a batch in order.
    """
    fleet = Fleet(size)
    names = [chosen.state.name] if chosen.state else []
    for name in [*names, *(b.file for b in chosen.blocks)]:
        fleet.take(columns.read(folder / name, STATE.names), asked)
    for table in more:
        fleet.take(table, asked)
    return fleet


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
    found = [fleet.columns[n] for n in NUMBERS]
    if not some.all():
        kept = some[order]
        order, told = order[kept], told.filter(pa.array(kept))
        found = [column.take(order) for column in found]
    elif not keys.stand_in_order:
        found = [column.take(order) for column in found]
    arrays = [pa.array(column) for column in found]
    return pa.table([*told.columns, *arrays], schema=SCHEMA)


def earliest(states: Sequence[Latest], before: int) -> list[Latest]:
    """The states of one boundary, what was known first coming first."""
    return sorted((s for s in states if s.before == before), key=lambda s: s.known)
