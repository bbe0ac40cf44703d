"""The hot path: one sequential pass over readings that marks, remembers and judges.

State is struct-of-arrays over dense slots; rules are data tables (:mod:`wuxin.risk.rules`). The
pass is strictly in order, so the result does not depend on where batches are cut; it returns early
where the world outside must act first (a tick of event time, a thing that woke, a full output).
Compiled by Numba; with NUMBA_DISABLE_JIT=1 it runs as the plain Python that it is.

Cost model: O(readings × rules of the thing's kind that read what changed); about 1 µs a reading.
"""

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

END: Final = 0
TICK: Final = 1
WOKE: Final = 2
FULL: Final = 3

IDLE: Final = 0
PENDING: Final = 1
RAISED: Final = 2

_NAN: Final = float("nan")


class Rows(NamedTuple):
    """Readings as the kernel takes them, all (n); see :class:`wuxin.terms.records.Readings`."""

    thing: NDArray[np.int32]
    indicator: NDArray[np.int32]
    event_time: NDArray[np.int64]
    value: NDArray[np.float64]
    message: NDArray[np.int32]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    quality: NDArray[np.uint8]


class State(NamedTuple):
    """Latest values (things, indicators), rule states (things, rules) and flags (things)."""

    value: NDArray[np.float64]
    time: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    seen: NDArray[np.int64]
    silent: NDArray[np.uint8]
    kind: NDArray[np.int32]
    status: NDArray[np.uint8]
    since: NDArray[np.int64]
    since_ref: NDArray[np.int64]


class Tables(NamedTuple):
    """Rules and ranges as data.

    ``start`` (2 × rules + 1) cuts ``ops``/``args`` into programs: 2r is rule r's condition, 2r + 1
    the condition of its end. ``kind_start`` (kinds + 1) cuts ``kind_rules``, each kind's rules.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    ops: NDArray[np.int32]
    args: NDArray[np.float64]
    start: NDArray[np.int32]
    reads: NDArray[np.uint8]
    lasting: NDArray[np.int64]
    shown: NDArray[np.int32]
    kind_start: NDArray[np.int32]
    kind_rules: NDArray[np.int32]


class Bounds(NamedTuple):
    """Times (ns) of one call: what is plausible, where the closed days end, the next tick."""

    earliest: int
    latest: int
    closed: int
    tick: int
    derived: bool


class Events(NamedTuple):
    """Findings as they begin (``raised`` 1) and end (0), all (capacity)."""

    rule: NDArray[np.int32]
    thing: NDArray[np.int32]
    raised: NDArray[np.uint8]
    since: NDArray[np.int64]
    at: NDArray[np.int64]
    value: NDArray[np.float64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]


class Work(NamedTuple):
    """One call's world: state, tables, rows, events, bounds and two scratch arrays."""

    state: State
    tables: Tables
    rows: Rows
    events: Events
    bounds: Bounds
    touched: NDArray[np.uint8]
    stack: NDArray[np.float64]


@njit(cache=True)
def judge(
    tables: Tables, program: int, values: NDArray[np.float64], stack: NDArray[np.float64]
) -> float:
    """Run a program over one thing's latest values; 1 true, 0 false, NaN unknown."""
    top = -1
    for i in range(tables.start[program], tables.start[program + 1]):
        op = tables.ops[i]
        if op == 0:
            top += 1
            stack[top] = tables.args[i]
        elif op == 1:
            top += 1
            stack[top] = values[int(tables.args[i])]
        elif op <= 5:
            stack[top] = _one(op, stack[top])
        else:
            top -= 1
            stack[top] = _two(op, stack[top], stack[top + 1])
    return float(stack[0])


@njit(cache=True)
def _one(op: int, a: float) -> float:
    if op == 5:
        return 1.0 if np.isnan(a) else 0.0
    if op == 2:
        return -a
    if op == 4:
        return abs(a)
    return a if np.isnan(a) else (1.0 if a == 0.0 else 0.0)


@njit(cache=True)
def _two(op: int, a: float, b: float) -> float:
    if op >= 22:
        return _fill(op, a, b)
    if op >= 20:
        return _logic(op, a, b)
    if np.isnan(a) or np.isnan(b):
        return _NAN
    if op < 14:
        return _sum(op, a, b)
    if op >= 18:
        return 1.0 if (a == b) == (op == 18) else 0.0
    less = a < b if op in (14, 17) else a <= b
    return 1.0 if less == (op <= 15) else 0.0


@njit(cache=True)
def _fill(op: int, a: float, b: float) -> float:
    """Coalesce, least, greatest: NULL gives way to the other."""
    if np.isnan(a):
        return b
    if op == 22 or np.isnan(b):
        return a
    return min(a, b) if op == 23 else max(a, b)


@njit(cache=True)
def _logic(op: int, a: float, b: float) -> float:
    """AND (20) and OR (21) of SQL's three-valued logic: the deciding value wins over NULL."""
    deciding = 0.0 if op == 20 else 1.0
    left = a if np.isnan(a) else (0.0 if a == 0.0 else 1.0)
    right = b if np.isnan(b) else (0.0 if b == 0.0 else 1.0)
    if deciding in (left, right):
        return deciding
    return _NAN if np.isnan(left) or np.isnan(right) else 1.0 - deciding


@njit(cache=True)
def _sum(op: int, a: float, b: float) -> float:
    if op == 10:
        return a + b
    if op == 11:
        return a - b
    if op == 12:
        return a * b
    return _NAN if b == 0.0 else a / b


@njit(cache=True)
def _mark(work: Work, i: int) -> int:
    """The quality marks of reading ``i`` (:class:`wuxin.terms.records.Quality`)."""
    rows, bounds = work.rows, work.bounds
    thing, indicator = rows.thing[i], rows.indicator[i]
    t, v = rows.event_time[i], rows.value[i]
    marks = 0
    if not (work.tables.low[indicator] <= v <= work.tables.high[indicator]):
        marks |= 1
    if bounds.derived:
        return marks
    if t < bounds.earliest or t > bounds.latest:
        return marks | 2
    known = work.state.time[thing, indicator]
    if t == known:
        marks |= 4 if v == work.state.value[thing, indicator] else 8
    elif t < known:
        marks |= 16
    if t < bounds.closed:
        marks |= 32
    return marks


@njit(cache=True)
def observe(work: Work, start: int, stop: int) -> tuple[int, int, int]:
    """Take rows ``start`` to ``stop`` in order.

    Returns:
        Why it stopped (END, TICK, WOKE, FULL), the row that is next, and the number of events.
    """
    rows, state, bounds = work.rows, work.state, work.bounds
    count = 0
    i = start
    while i < stop:
        thing, t = rows.thing[i], rows.event_time[i]
        j = i + 1
        while j < stop and rows.message[j] == rows.message[i]:
            j += 1
        if not bounds.derived and t <= bounds.latest:
            if t >= bounds.tick:
                return TICK, i, count
            if state.silent[thing] and t > state.seen[thing]:
                return WOKE, i, count
        kind = state.kind[thing]
        begin, end = work.tables.kind_start[kind], work.tables.kind_start[kind + 1]
        if count + (end - begin) > len(work.events.rule):
            return FULL, i, count
        if _remember(work, i, j):
            for k in range(begin, end):
                count = _step(work, work.tables.kind_rules[k], i, count)
        i = j
    return END, i, count


@njit(cache=True)
def _remember(work: Work, i: int, j: int) -> bool:
    """Mark the readings of one message and keep the usable ones; whether anything is new."""
    state, rows = work.state, work.rows
    work.touched[:] = 0
    fresh = False
    for r in range(i, j):
        marks = _mark(work, r)
        rows.quality[r] = marks
        if marks & 15:
            continue
        thing, indicator, t = rows.thing[r], rows.indicator[r], rows.event_time[r]
        if not work.bounds.derived:
            state.seen[thing] = max(state.seen[thing], t)
        if t < state.time[thing, indicator]:
            continue
        state.value[thing, indicator] = rows.value[r]
        state.time[thing, indicator] = t
        state.first[thing, indicator] = rows.first[r]
        state.last[thing, indicator] = rows.last[r]
        work.touched[indicator] = 1
        fresh = True
    return fresh


@njit(cache=True)
def _step(work: Work, rule: int, i: int, count: int) -> int:
    """Move one rule's state on one thing; a finding begins, ends, or nothing happens."""
    state, tables = work.state, work.tables
    concerned = False
    for m in range(work.touched.shape[0]):
        if work.touched[m] and tables.reads[rule, m]:
            concerned = True
            break
    if not concerned:
        return count
    thing, t = work.rows.thing[i], work.rows.event_time[i]
    if state.status[thing, rule] == RAISED:
        if judge(tables, 2 * rule + 1, state.value[thing], work.stack) != 1.0:
            return count
        state.status[thing, rule] = IDLE
        return _emit(work, rule, i, count)
    holds = judge(tables, 2 * rule, state.value[thing], work.stack)
    if holds == 0.0:
        state.status[thing, rule] = IDLE
    elif holds == 1.0:
        if state.status[thing, rule] == IDLE:
            state.status[thing, rule] = PENDING
            state.since[thing, rule] = t
            state.since_ref[thing, rule] = work.rows.first[i]
        if t - state.since[thing, rule] >= tables.lasting[rule]:
            state.status[thing, rule] = RAISED
            return _emit(work, rule, i, count)
    return count


@njit(cache=True)
def _emit(work: Work, rule: int, i: int, count: int) -> int:
    state, rows, events = work.state, work.rows, work.events
    thing = rows.thing[i]
    raised = state.status[thing, rule] == RAISED
    shown = work.tables.shown[rule]
    events.rule[count] = rule
    events.thing[count] = thing
    events.raised[count] = raised
    events.since[count] = state.since[thing, rule]
    events.at[count] = rows.event_time[i]
    events.value[count] = state.value[thing, shown] if shown >= 0 else _NAN
    events.first[count] = state.since_ref[thing, rule] if raised else rows.first[i]
    events.last[count] = rows.last[i]
    return count + 1
