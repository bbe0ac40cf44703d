"""Rows from what comes in: decoded readings of a batch's frames, or what models derived."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.records import NO_SEQUENCE, Readings
from wuxin.terms.standards import Derived
from wuxin.twin.layout import (
    BOOT_ID,
    EVENT_TIME,
    FIRST_REF,
    LAST_REF,
    SEQ,
    THING,
    Rows,
)


def in_order(found: Sequence[Readings]) -> Rows:
    """The readings of a batch's frames as messages by event time, then stream, then row."""
    rows = joined([_messages(r) for r in found])
    order = np.argsort(rows.event_time, kind="stable")
    if np.all(np.diff(order) == 1):
        return rows
    sizes = np.diff(rows.start)[order]
    picked = spans(rows.start[:-1][order], sizes)
    return rows_of(
        rows.head[order], sizes, indicator=rows.indicator[picked], value=rows.value[picked]
    )


class Decoded(Protocol):
    """Messages of devices, as a decoder numbers things and indicators; see :class:`Rows`."""

    @property
    def head(self) -> NDArray[np.int64]:
        """Columns as in :class:`Rows` (m, 6), with the decoder's numbers of things."""
        ...

    @property
    def thing(self) -> NDArray[np.int64]:
        """The decoder's number of each message's thing (m)."""
        ...

    @property
    def line(self) -> NDArray[np.int32]:
        """Where in its frame each message stands (m)."""
        ...

    @property
    def start(self) -> NDArray[np.int32]:
        """Cuts readings into messages (m + 1)."""
        ...

    @property
    def indicator(self) -> NDArray[np.int32]:
        """The decoder's number of each reading's indicator (n)."""
        ...

    @property
    def value(self) -> NDArray[np.float64]:
        """Values in SI (n)."""
        ...


def known(
    found: Decoded,
    slots: NDArray[np.int32],
    *,
    numbers: NDArray[np.int32],
    frames: NDArray[np.int64],
) -> Rows:
    """Decoded messages as rows: those of things that have a slot, with references to the frame.

    Args:
        found: messages (m) with the decoder's numbers.
        slots: the slot of each thing by its number there, -1 for none.
        numbers: the number of each indicator by its number there.
        frames: the number of the frame of each message (m).
    """
    head, start = found.head.copy(), found.start
    head[:, THING] = slots[found.thing]
    head[:, FIRST_REF] = head[:, LAST_REF] = found.line | (frames << 32)
    indicator, value = numbers[found.indicator], found.value
    good = head[:, THING] >= 0
    sizes = np.diff(start)
    if not good.all():
        picked = spans(start[:-1][good], sizes[good])
        head, sizes, indicator, value = head[good], sizes[good], indicator[picked], value[picked]
    return rows_of(head, sizes, indicator=indicator, value=value)


def joined(parts: Sequence[Rows]) -> Rows:
    """Rows of several frames, one after the other."""
    if len(parts) == 1:
        return parts[0]
    none = np.empty(0, np.int64)
    nothing = rows_of(np.empty((0, 6), np.int64), none, indicator=none, value=np.empty(0))
    parts = [nothing, *parts]
    return rows_of(
        np.concatenate([p.head for p in parts]),
        np.concatenate([np.diff(p.start) for p in parts]),
        indicator=np.concatenate([p.indicator for p in parts]),
        value=np.concatenate([p.value for p in parts]),
    )


def in_messages(
    found: Sequence[Derived],
    slots: Sequence[int],
    *,
    numbers: Sequence[int],
    refs: Sequence[tuple[int, int]],
) -> Rows:
    """Derived values as rows by time and thing; those that share both are one message.

    Args:
        found: what was derived (k).
        slots: the slot of each one's thing (k).
        numbers: the number of each one's indicator (k).
        refs: first and last reference to what each came from (k).
    """
    counts = [len(d.t) for d in found]
    thing, indicator = (np.repeat(np.array(x, np.int32), counts) for x in (slots, numbers))
    first, last = (np.repeat(np.array([r[k] for r in refs], np.int64), counts) for k in (0, 1))
    t = np.concatenate([np.empty(0, np.int64), *(np.asarray(d.t, np.int64) for d in found)])
    v = np.concatenate([np.empty(0), *(np.asarray(d.v, np.float64) for d in found)])
    order = np.lexsort((indicator, thing, t))
    thing, t, first, last = thing[order], t[order], first[order], last[order]
    new = np.ones(len(t), bool)
    new[1:] = (np.diff(t) != 0) | (np.diff(thing) != 0)
    begin = np.flatnonzero(new)
    head = np.empty((len(begin), 6), np.int64)
    head[:, THING], head[:, EVENT_TIME], head[:, BOOT_ID], head[:, SEQ] = (
        thing[begin], t[begin], 0, NO_SEQUENCE
    )  # fmt: skip
    if len(t):
        head[:, FIRST_REF] = np.minimum.reduceat(first, begin)
        head[:, LAST_REF] = np.maximum.reduceat(last, begin)
    sizes = np.diff(np.append(begin, len(t)))
    return rows_of(head, sizes, indicator=indicator[order], value=v[order])


def spans(starts: NDArray[np.int32], sizes: NDArray[np.int32]) -> NDArray[np.int64]:
    """The indices of consecutive spans: ``starts[k]``, ``starts[k] + 1``, … for each k."""
    before = np.cumsum(sizes) - sizes
    picked: NDArray[np.int64] = np.arange(int(sizes.sum())) + np.repeat(starts - before, sizes)
    return picked


def rows_of(
    head: NDArray[np.int64], sizes: NDArray[Any], *, indicator: NDArray[Any], value: NDArray[Any]
) -> Rows:
    """Rows from the columns of messages (m, 6), how many readings each has (m), and those (n)."""
    return Rows(
        np.ascontiguousarray(head),
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32),
        indicator.astype(np.int32),
        value.astype(np.float64),
        np.zeros(len(indicator), np.uint8),
    )


def _messages(readings: Readings) -> Rows:
    """The messages of one frame; their readings stand together."""
    edges = np.flatnonzero(np.diff(readings.message)) + 1
    begin = np.concatenate([[0], edges]) if len(readings) else edges
    head = np.empty((len(begin), 6), np.int64)
    head[:, BOOT_ID], head[:, SEQ] = 0, NO_SEQUENCE
    for column, name in (
        (THING, "thing"), (EVENT_TIME, "event_time"), (FIRST_REF, "first"), (LAST_REF, "last"),
    ):  # fmt: skip
        head[:, column] = getattr(readings, name)[begin]
    sizes = np.diff(np.append(begin, len(readings)))
    return rows_of(head, sizes, indicator=readings.indicator, value=readings.value)
