"""The hot path: one sequential pass over messages that marks, remembers and judges.

State is struct-of-arrays over dense slots; rules are data tables (:mod:`wuxin.risk.rules`). The
pass is strictly in order, so the result does not depend on where batches are cut, and every thing
is alone, so things may be shared out among threads. Compiled by Numba, without the GIL; with
NUMBA_DISABLE_JIT=1 it runs as the plain Python that it is. :mod:`wuxin.twin.reference` says the
same for a reader, and is what the tests compare with.

Cost model: O(readings + rules of the kind that read what changed); below 0.1 µs each.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.compiled import compiled
from wuxin.terms.records import REPEATED
from wuxin.terms.standards import PANE
from wuxin.twin.layout import (
    ARRIVED,
    BOOT,
    BOOT_ID,
    CHANGED,
    COUNT,
    EVENT_TIME,
    FIRST,
    FIRST_REF,
    HIGH,
    HIGHEST,
    IDLE,
    KIND,
    LAST,
    LAST_REF,
    LONG_AGO,
    LOW,
    NEWEST,
    PENDING,
    RAISED,
    RATE,
    RING,
    RUN,
    RUNS,
    SEEN,
    SEQ,
    SILENT,
    SINCE,
    SINCE_REF,
    THING,
    TIME,
    TOTAL,
    VALUE,
    WHOLE_FROM,
    WOKE,
    ZONE,
    Asked,
    Here,
    Out,
    Scratch,
    Tables,
    Work,
    Zones,
)

END: Final = 0
FULL: Final = 1

_NAN: Final = float("nan")
_SECOND: Final = 1e9
_OUT_OF_RANGE, _IMPLAUSIBLE, _DUPLICATE, _CONFLICT = 1, 2, 4, 8
_OUT_OF_ORDER, _LATE, _STUCK, _RATE = 16, 32, 64, 128
_UNUSABLE: Final = _OUT_OF_RANGE | _IMPLAUSIBLE | _DUPLICATE | _CONFLICT | _RATE
RATE_TERM, AGE_TERM, AVG_TERM, MIN_TERM, MAX_TERM, SUM_TERM, COUNT_TERM = range(7)


@compiled()
def judge(
    tables: Tables, program: int, values: NDArray[np.float64], stack: NDArray[np.float64]
) -> float:
    """Run a program over one thing's latest values and terms; 1 true, 0 false, NaN unknown."""
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


@compiled(inner=True)
def _one(op: int, a: float) -> float:
    if op == 5:
        return 1.0 if np.isnan(a) else 0.0
    if op == 2:
        return -a
    if op == 4:
        return abs(a)
    return a if np.isnan(a) else (1.0 if a == 0.0 else 0.0)


@compiled(inner=True)
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


@compiled(inner=True)
def _fill(op: int, a: float, b: float) -> float:
    """Coalesce, least, greatest: NULL gives way to the other."""
    if np.isnan(a):
        return b
    if op == 22 or np.isnan(b):
        return a
    return min(a, b) if op == 23 else max(a, b)


@compiled(inner=True)
def _logic(op: int, a: float, b: float) -> float:
    """AND (20) and OR (21) of SQL's three-valued logic: the deciding value wins over NULL."""
    deciding = 0.0 if op == 20 else 1.0
    left = a if np.isnan(a) else (0.0 if a == 0.0 else 1.0)
    right = b if np.isnan(b) else (0.0 if b == 0.0 else 1.0)
    if deciding in (left, right):
        return deciding
    return _NAN if np.isnan(left) or np.isnan(right) else 1.0 - deciding


@compiled(inner=True)
def _sum(op: int, a: float, b: float) -> float:
    if op == 10:
        return a + b
    if op == 11:
        return a - b
    if op == 12:
        return a * b
    return _NAN if b == 0.0 else a / b


@compiled()
def observe(
    work: Work, order: NDArray[np.int32], start: int, stop: int
) -> tuple[int, int, int, int]:
    """Take the messages that ``order[start:stop]`` numbers.

    Returns:
        Why it stopped (END, or FULL where events or questions have no room), the place in
        ``order`` that is next, and how many events and questions there are.
    """
    state, tables, bounds, rows = work.state, work.tables, work.bounds, work.rows
    scratch, counts = work.scratch, work.scratch.counts
    counts[0], counts[1] = 0, 0
    out = Out(work.events.whole, work.events.real, scratch.vector, counts)
    for k in range(start, stop):
        i = np.int64(order[k])
        said = rows.head[i]
        thing, t = said[THING], said[EVENT_TIME]
        here = Here(said, state.real[thing], state.whole[thing], state.small[thing], tables.at)
        kind, counts[2] = here.whole[KIND], i
        rules = 2 * (tables.kind_start[kind + 1] - tables.kind_start[kind])
        if counts[0] + rules + 1 > len(out.whole) or counts[1] + rules > len(work.asked.whole):
            return FULL, k, counts[0], counts[1]
        marks = 0
        if not bounds.derived:
            if t < bounds.earliest or t > bounds.latest:
                marks = _IMPLAUSIBLE
            else:
                marks = _LATE if t < bounds.closed else 0
                if here.small[SILENT] and t > here.whole[SEEN]:
                    _wake(tables, work.asked, scratch, here, out)
                seq = said[SEQ]
                if seq == REPEATED or (seq >= 0 and _repeated(here.whole, said)):
                    marks |= _DUPLICATE
        _forget(scratch.touched)
        fresh = False
        for r in range(rows.start[i], rows.start[i + 1]):
            m, v = np.int64(rows.indicator[r]), rows.value[r]
            found = marks
            if not (tables.ranges[m, 0] <= v <= tables.ranges[m, 1]):
                found |= _OUT_OF_RANGE
            if not bounds.derived and not marks & _IMPLAUSIBLE:
                found |= _against(here, tables.columns[m], tables.ranges[m, 2], m, v)
            if found:  # a lane that writes what need not be written slows down the others
                rows.quality[r] = found
            if found & _UNUSABLE:
                continue
            if not bounds.derived and t > here.whole[SEEN]:
                here.whole[SEEN] = t
            if tables.columns[m, 4] >= 0:
                _land(here, tables.columns[m, 4], v)
            if t >= here.whole[tables.at[TIME] + m]:
                _keep(here, tables.columns[m], m, v)
                _touch(scratch.touched, m)
                fresh = True
        if fresh:
            if here.whole[ZONE] >= 0:
                _locate(tables, work.zones, scratch.touched, here)
            _rules(tables, work.asked, scratch, here, out)
    return END, stop, counts[0], counts[1]


@compiled(inner=True)
def _wake(tables: Tables, asked: Asked, scratch: Scratch, here: Here, out: Out) -> None:
    """A silent thing speaks again: its ``silence`` is 0, and the rules on that are judged."""
    m = tables.place[3]
    here.small[SILENT] = 0
    _emit(here, out, WOKE, tables.rules[0])
    if m >= 0:
        _forget(scratch.touched)
        _keep(here, tables.columns[m], m, 0.0)
        _touch(scratch.touched, m)
        _rules(tables, asked, scratch, here, out)


@compiled(inner=True)
def _repeated(known: NDArray[np.int64], said: NDArray[np.int64]) -> bool:
    """Whether the device has already sent this number in this run; remembers that it has now.

    Of the last 64 numbers each is known; of those before them the last row without a gap is, so
    that however many come again after a crash are known. What is older than a gap counts as new.

    The run stands first from now on. It is told by its id alone: by their times runs cannot be put
    in order, because a device that has just started may have its clock wrong by years.
    """
    boot, at = said[BOOT_ID], BOOT
    while known[at] != boot and known[at + 2] != 0 and at < BOOT + RUN * (RUNS - 1):
        at += RUN
    highest, arrived, first = said[SEQ], np.int64(0), said[SEQ]
    if known[at] == boot and known[at + 2] != 0:
        highest, arrived, first = known[at + 1], known[at + 2], known[at + 3]
    for k in range(at - 1, BOOT - 1, -1):
        known[k + RUN] = known[k]
    ahead = said[SEQ] - highest
    if ahead > 0:
        for k in range(63, max(63 - ahead, -1), -1):  # the numbers that leave the last 64
            if (arrived >> k) & 1 == 0 and highest - k >= first:
                first = highest - k + 1
        if ahead > 64:
            first = max(first, said[SEQ] - 63)
        arrived = arrived << ahead if ahead < 64 else np.int64(0)
        highest, ahead = said[SEQ], np.int64(0)
    bit = np.int64(1) << -ahead if ahead > -64 else np.int64(0)
    repeated = (arrived & bit) != 0 if bit != 0 else said[SEQ] >= first
    first = said[SEQ] if said[SEQ] == first - 1 else first
    known[BOOT], known[HIGHEST], known[ARRIVED], known[WHOLE_FROM] = (
        boot, highest, arrived | bit, first,
    )  # fmt: skip
    return repeated


@compiled(inner=True)
def _against(here: Here, columns: NDArray[np.int64], most: float, m: int, v: float) -> int:
    """The marks that a value gets against the one that is known; ``most`` is per second."""
    t, known = here.said[EVENT_TIME], here.whole[here.at[TIME] + m]
    value = here.real[here.at[VALUE] + m]
    if known == LONG_AGO:
        return 0
    if t == known:
        return _DUPLICATE if v == value else _CONFLICT
    if t < known:
        return _OUT_OF_ORDER
    marks = _RATE if abs(v - value) > most * ((t - known) / _SECOND) else 0
    if (
        columns[3] >= 0
        and v == value
        and t - here.whole[here.at[CHANGED] + columns[3]] >= columns[0]
    ):
        marks |= _STUCK
    return marks


@compiled(inner=True)
def _forget(touched: NDArray[np.uint64]) -> None:
    for word in range(len(touched)):
        touched[word] = np.uint64(0)


@compiled(inner=True)
def _touch(touched: NDArray[np.uint64], m: int) -> None:
    touched[m >> 6] |= np.uint64(1) << np.uint64(m & 63)


@compiled(inner=True)
def _keep(here: Here, columns: NDArray[np.int64], m: int, v: float) -> None:
    """A value becomes the latest of its indicator."""
    real, whole, at, t = here.real, here.whole, here.at, here.said[EVENT_TIME]
    known, value = whole[at[TIME] + m], real[at[VALUE] + m]
    if columns[2] >= 0 and known != LONG_AGO and t > known:
        real[at[RATE] + columns[2]] = (v - value) / ((t - known) / _SECOND)
    if columns[3] >= 0 and (known == LONG_AGO or v != value):
        whole[at[CHANGED] + columns[3]] = t
    real[at[VALUE] + m] = v
    whole[at[TIME] + m] = t
    whole[at[LAST] + m] = here.said[LAST_REF]
    if columns[1] >= 0:
        whole[at[FIRST] + columns[1]] = here.said[FIRST_REF]


@compiled(inner=True)
def _land(here: Here, w: int, v: float) -> None:
    """A value falls into its pane; one that is older than the ring is too late for any window."""
    real, whole, at = here.real, here.whole, here.at
    ring, pane, newest = at[RING], here.said[EVENT_TIME] // PANE, whole[NEWEST]
    if pane > newest:
        for fresh in range(max(newest + 1, pane - ring + 1), pane + 1):
            for k in range(at[COUNT] + fresh % ring, at[SINCE], ring):
                whole[k] = 0
        whole[NEWEST] = pane
    elif pane <= newest - ring:
        return
    k = w * ring + pane % ring
    if whole[at[COUNT] + k] == 0:
        real[at[TOTAL] + k], real[at[LOW] + k], real[at[HIGH] + k] = 0.0, v, v
    whole[at[COUNT] + k] += 1
    real[at[TOTAL] + k] += v
    real[at[LOW] + k] = min(real[at[LOW] + k], v)
    real[at[HIGH] + k] = max(real[at[HIGH] + k], v)


@compiled(inner=True)
def _locate(tables: Tables, zones: Zones, touched: NDArray[np.uint64], here: Here) -> None:
    """Where a place is new: whether the thing is inside of its geofence (1) or not (0)."""
    north, east, within = tables.place[0], tables.place[1], tables.place[2]
    if north < 0 or east < 0 or within < 0:
        return
    moved = False
    for m in (north, east):
        moved |= (touched[m >> 6] >> np.uint64(m & 63)) & np.uint64(1) != np.uint64(0)
    y, x = here.real[here.at[VALUE] + north], here.real[here.at[VALUE] + east]
    if moved and not np.isnan(y) and not np.isnan(x):
        found = 1.0 if inside(zones, here.whole[ZONE], y, x) else 0.0
        _keep(here, tables.columns[within], within, found)
        _touch(touched, within)


@compiled(inner=True)
def inside(zones: Zones, zone: int, y: float, x: float) -> bool:
    """Whether a point (degrees) lies in a zone: an odd number of sides lie east of it."""
    begin, end = zones.start[zone], zones.start[zone + 1]
    odd = False
    j = end - 1
    for k in range(begin, end):
        yk, yj = zones.corners[k, 0], zones.corners[j, 0]
        if (yk > y) != (yj > y):
            xk, xj = zones.corners[k, 1], zones.corners[j, 1]
            odd ^= x < (xj - xk) * (y - yk) / (yj - yk) + xk
        j = k
    return odd


@compiled(inner=True)
def _term(here: Here, term: NDArray[np.int64], columns: NDArray[np.int64]) -> float:
    """What a rule reads beyond the latest value of an indicator; NaN where nothing is known."""
    real, whole, at, t = here.real, here.whole, here.at, here.said[EVENT_TIME]
    function, m, length = term[0], term[1], term[2]
    if function == RATE_TERM:
        return real[at[RATE] + columns[2]]
    if function == AGE_TERM:
        known = whole[at[TIME] + m]
        return _NAN if known == LONG_AGO else (t - known) / _SECOND
    ring, newest, pane = at[RING], whole[NEWEST], t // PANE
    count, total, low, high = np.int64(0), 0.0, np.inf, -np.inf
    for p in range(max(pane - length, newest - ring) + 1, min(pane, newest) + 1):
        k = columns[4] * ring + p % ring
        if whole[at[COUNT] + k]:
            count += whole[at[COUNT] + k]
            total += real[at[TOTAL] + k]
            low, high = min(low, real[at[LOW] + k]), max(high, real[at[HIGH] + k])
    if function == COUNT_TERM:
        return float(count)
    if count == 0:
        return _NAN
    if function == AVG_TERM:
        return total / count
    if function == SUM_TERM:
        return total
    return low if function == MIN_TERM else high


@compiled(inner=True)
def _rules(tables: Tables, asked: Asked, scratch: Scratch, here: Here, out: Out) -> None:
    """Judge the rules of the thing's kind that read what the message touched."""
    vector, kind, loaded = scratch.vector, here.whole[KIND], False
    for k in range(tables.kind_start[kind], tables.kind_start[kind + 1]):
        rule = np.int64(tables.kind_rules[k])
        concerned = False
        for word in range(len(scratch.touched)):
            concerned |= (scratch.touched[word] & tables.reads[rule, word]) != np.uint64(0)
        if not concerned:
            continue
        if not loaded:
            loaded = True
            known = len(tables.ranges)
            for m in range(known):
                vector[m] = here.real[here.at[VALUE] + m]
            for term in range(len(tables.terms)):
                columns = tables.columns[tables.terms[term, 1]]
                vector[known + term] = _term(here, tables.terms[term], columns)
        if tables.rules[rule, 4]:
            place = out.counts[1]
            asked.whole[place, 0], asked.whole[place, 1] = out.counts[2], rule
            for m in range(len(vector)):
                asked.vector[place, m] = vector[m]
            out.counts[1] += 1
            continue
        which = 2 * rule + (here.small[1 + rule] == RAISED)
        holds = judge(tables, which, vector, scratch.stack)
        if holds == holds:  # noqa: PLR0124 - a NaN is not itself, and moves nothing
            _move(here, out, rule, tables.rules[rule], holds)


@compiled(inner=True)
def _move(here: Here, out: Out, rule: int, data: NDArray[np.int64], holds: float) -> None:
    """Move one rule's state on one thing; a finding begins, ends, or nothing happens.

    ``holds`` is the condition, or that of the end where the rule is raised.
    """
    whole, small, at, column = here.whole, here.small, here.at, data[1]
    t = here.said[EVENT_TIME]
    if small[1 + rule] == RAISED:
        if holds == 1.0:
            small[1 + rule] = IDLE
            _emit(here, out, rule, data)
    elif holds == 0.0:
        small[1 + rule] = IDLE
    elif holds == 1.0:
        if column >= 0 and small[1 + rule] == IDLE:
            small[1 + rule] = PENDING
            whole[at[SINCE] + column], whole[at[SINCE_REF] + column] = t, here.said[FIRST_REF]
        if column < 0 or t - whole[at[SINCE] + column] >= data[0]:
            small[1 + rule] = RAISED
            _emit(here, out, rule, data)


@compiled()
def settle(work: Work, truths: NDArray[np.float64], asked: int) -> int:
    """Move the rules in columns by their ``truths`` (asked, 2): condition, and that of the end."""
    state, tables, counts = work.state, work.tables, work.scratch.counts
    counts[0] = 0
    out = Out(work.events.whole, work.events.real, work.scratch.vector, counts)
    for k in range(asked):
        i, rule = work.asked.whole[k, 0], work.asked.whole[k, 1]
        said = work.rows.head[i]
        thing, counts[2] = said[THING], i
        here = Here(said, state.real[thing], state.whole[thing], state.small[thing], tables.at)
        for m in range(len(out.vector)):
            out.vector[m] = work.asked.vector[k, m]
        holds = truths[k, 1] if here.small[1 + rule] == RAISED else truths[k, 0]
        _move(here, out, rule, tables.rules[rule], holds)
    return counts[0]


@compiled(inner=True)
def _emit(here: Here, out: Out, rule: int, data: NDArray[np.int64]) -> None:
    said, whole, real = here.said, out.whole[out.counts[0]], out.real[out.counts[0]]
    whole[0], whole[1], whole[2], whole[3] = out.counts[2], rule, said[THING], 0
    whole[4], whole[5] = said[EVENT_TIME], said[EVENT_TIME]
    whole[6], whole[7] = said[FIRST_REF], said[LAST_REF]
    real[0], real[1] = _NAN, _NAN
    out.counts[0] += 1
    if rule == WOKE:
        return
    if data[2] >= 0:
        real[0] = out.vector[data[2]]
    if data[3] >= 0:
        real[1] = out.vector[data[3]]
    if here.small[1 + rule] == RAISED:
        whole[3] = 1
        if data[1] >= 0:
            whole[4] = here.whole[here.at[SINCE] + data[1]]
            whole[6] = here.whole[here.at[SINCE_REF] + data[1]]
