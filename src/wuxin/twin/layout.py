"""The shapes of the hot path: rows in, state, tables of rules, events out; arrays only.

Sizes: m messages with n readings; T things (slots), M indicators, R rules. Terms (K) are what rules
read beyond the latest values, such as a mean over panes. What only some indicators need is kept for
those alone.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

LONG_AGO: Final = int(np.iinfo(np.int64).min)
NEVER: Final = int(np.iinfo(np.int64).max)
WOKE: Final = -1
"""The number of the event that says a silent thing speaks again; rules count from 0."""

IDLE: Final = 0
PENDING: Final = 1
RAISED: Final = 2


THING, EVENT_TIME, BOOT_ID, SEQ, FIRST_REF, LAST_REF = range(6)
"""Columns of ``Rows.head``."""


class Rows(NamedTuple):
    """Messages (m) in order of acceptance, and the readings (n) into which ``start`` cuts them.

    ``head`` (m, 6) holds slot, event time, the run (boot) of the device and the sequence number
    within it (-1 where the device gives none), first and last reference to the bytes behind it.
    """

    head: NDArray[np.int64]
    start: NDArray[np.int32]
    indicator: NDArray[np.int32]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]

    @property
    def thing(self) -> NDArray[np.int64]:
        """The slot of each message's thing (m)."""
        return self.head[:, THING]

    @property
    def event_time(self) -> NDArray[np.int64]:
        """When each message was measured, ns (m)."""
        return self.head[:, EVENT_TIME]

    def column(self, name: str) -> NDArray[Any]:
        """A column by reading (n); those of messages are repeated."""
        if name in _HEAD:
            return np.repeat(self.head[:, _HEAD[name]], np.diff(self.start))
        column: NDArray[Any] = getattr(self, name)
        return column


_HEAD: Final = {"thing": THING, "event_time": EVENT_TIME, "first": FIRST_REF, "last": LAST_REF}


class State(NamedTuple):
    """All that is remembered of every thing, in three matrices with one row per thing.

    Compiled code takes its arguments apart, so few arrays keep it small. ``Tables.at`` says where
    each group of columns begins: in ``real`` :data:`VALUE` (M), :data:`RATE` (rated) per second,
    :data:`TOTAL`, :data:`LOW`, :data:`HIGH` (windowed × ring); in ``whole`` the columns
    :data:`KIND` to the last run's, then :data:`TIME`, :data:`LAST` (M), :data:`FIRST` (derived),
    :data:`CHANGED` (watched), the time since which a value has stood still, :data:`COUNT`
    (windowed × ring), :data:`SINCE` and :data:`SINCE_REF` (lasting rules); in ``small`` whether the
    thing is silent, then the status of each rule.
    """

    real: NDArray[np.float64]
    whole: NDArray[np.int64]
    small: NDArray[np.uint8]


VALUE, RATE, TOTAL, LOW, HIGH = range(5)
TIME, LAST, FIRST, CHANGED, COUNT, SINCE, SINCE_REF, RING = range(5, 13)
"""Places in ``Tables.at``: where the columns begin, and the length of the ring of panes."""

KIND, ZONE, ALLOWED, SEEN, NEWEST, BOOT, HIGHEST, ARRIVED, WHOLE_FROM = range(9)
"""Columns of ``State.whole``: kind, geofence (-1: none), allowed silence, newest event time, newest
pane; of the run (boot) heard last its id, its highest sequence number, one bit for each of the 64
numbers up to that, and the number from which on all before those have come. The same four of the
runs heard before that follow, see :data:`RUNS`."""

RUNS: Final = 3
"""How many runs of a device are remembered: one that was not acknowledged before it was started
again sends what it kept of earlier runs, with their numbers, among what is new."""
RUN: Final = 4
"""How many columns a run has; no bit in :data:`ARRIVED` means that there is none."""

SILENT: Final = 0
"""Column of ``State.small``; the status of rule r stands in column 1 + r."""


class Tables(NamedTuple):
    """Ranges, rules and terms as data.

    ``ranges`` (M, 3) low, high, largest rate per second. ``columns`` (M, 5): ``stuck_after`` ns (0:
    never), and the number of the indicator's column in FIRST, RATE, CHANGED and the panes (-1:
    none). ``terms`` (K, 3): function, indicator, panes. ``start`` (2 R + 1) cuts ``ops``/``args``
    into programs: 2r is rule r's condition, 2r + 1 the condition of its end. ``reads`` (R, words)
    has one bit per indicator. ``rules`` (R, 5): duration ns, column in SINCE, indicator shown,
    indicator that is the limit, whether it is judged in columns. ``kind_start`` cuts
    ``kind_rules``, each kind's rules. ``place``: the indicators latitude, longitude,
    inside_geofence, silence. ``at``: see :class:`State`.
    """

    ranges: NDArray[np.float64]
    columns: NDArray[np.int64]
    terms: NDArray[np.int64]
    ops: NDArray[np.int32]
    args: NDArray[np.float64]
    start: NDArray[np.int32]
    reads: NDArray[np.uint64]
    rules: NDArray[np.int64]
    kind_start: NDArray[np.int32]
    kind_rules: NDArray[np.int32]
    place: NDArray[np.int64]
    at: NDArray[np.int64]


class Zones(NamedTuple):
    """Geofences: corners (c, 2) in degrees, latitude first (WGS-84), cut by ``start``."""

    corners: NDArray[np.float64]
    start: NDArray[np.int32]


class Bounds(NamedTuple):
    """Times (ns) of one call: what is plausible, where the closed days end, the next tick."""

    earliest: int
    latest: int
    closed: int
    tick: int
    derived: bool


class Events(NamedTuple):
    """Findings as they begin and end (capacity c).

    ``whole`` (c, 8): message, rule (:data:`WOKE` where a silent thing speaks again), thing, whether
    it begins, since, at, first and last reference; ``real`` (c, 2): value and limit.
    """

    whole: NDArray[np.int64]
    real: NDArray[np.float64]


class Asked(NamedTuple):
    """Messages and rules (c, 2) that have to be judged in columns, with vectors (c, M + K)."""

    whole: NDArray[np.int64]
    vector: NDArray[np.float64]


class Scratch(NamedTuple):
    """What one message needs: touched indicators (words), vector (M + K), stack, counts (3)."""

    touched: NDArray[np.uint64]
    vector: NDArray[np.float64]
    stack: NDArray[np.float64]
    counts: NDArray[np.int64]


class Work(NamedTuple):
    """One call's world."""

    state: State
    tables: Tables
    zones: Zones
    rows: Rows
    events: Events
    asked: Asked
    bounds: Bounds
    scratch: Scratch


class Here(NamedTuple):
    """One message (its row of ``Rows.head``) and its thing (its rows of ``State``)."""

    said: NDArray[np.int64]
    real: NDArray[np.float64]
    whole: NDArray[np.int64]
    small: NDArray[np.uint8]
    at: NDArray[np.int64]


class Out(NamedTuple):
    """Where events go: their columns, the vector they take figures from, and counts.

    ``counts``: events, questions, and the number of the message that is taken.
    """

    whole: NDArray[np.int64]
    real: NDArray[np.float64]
    vector: NDArray[np.float64]
    counts: NDArray[np.int64]
