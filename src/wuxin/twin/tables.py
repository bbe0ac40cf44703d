"""Builds the kernel's tables from declared indicators and compiled rules."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.standards import MOMENTARY, OVER_TIME, PANE, Indicator, Rule
from wuxin.twin.layout import (
    ALLOWED,
    BOOT,
    LAST,
    LONG_AGO,
    NEVER,
    NEWEST,
    RING,
    RUN,
    RUNS,
    SEEN,
    TIME,
    TOTAL,
    ZONE,
    State,
    Tables,
)

FUNCTIONS: Final = (*MOMENTARY, *OVER_TIME)
"""What a rule may read beyond latest values, in the order of the kernel's numbers."""

PLACE: Final = ("latitude", "longitude", "inside_geofence", "silence")


class Code(Protocol):
    """A compiled condition: postfix ``ops`` and ``args`` (see :mod:`wuxin.risk.expression`)."""

    @property
    def ops(self) -> tuple[int, ...]:
        """Operation codes (n)."""
        ...

    @property
    def args(self) -> tuple[float, ...]:
        """One argument for each operation (n)."""
        ...


class Reads(Protocol):
    """A term: a function of the readings of one indicator, perhaps over ``panes`` panes."""

    @property
    def function(self) -> str:
        """One of :data:`FUNCTIONS`."""
        ...

    @property
    def indicator(self) -> str:
        """What it is a function of."""
        ...

    @property
    def panes(self) -> int:
        """How many panes its window has; 0 where it has none."""
        ...


class RuleSet(Protocol):
    """Rules in a fixed order with two programs each, as :mod:`wuxin.risk.rules` compiles them."""

    @property
    def rules(self) -> Sequence[Rule]:
        """The rules."""
        ...

    @property
    def programs(self) -> Sequence[Code]:
        """Two programs for each rule."""
        ...

    @property
    def terms(self) -> Sequence[Reads]:
        """The terms, which stand behind the indicators in a rule's vector."""
        ...

    @property
    def in_columns(self) -> Sequence[int]:
        """The numbers of the rules that are judged as columns, outside of the kernel."""
        ...

    def of(self, kind: str) -> list[int]:
        """The numbers of the rules that concern a kind."""
        ...

    def reads(self, rule: int) -> set[str]:
        """The indicators that a rule reads."""
        ...


def build(indicators: Mapping[str, Indicator], kinds: Sequence[str], *, rules: RuleSet) -> Tables:
    """The tables for these indicators and kinds (in their order) and rules."""
    number = {name: i for i, name in enumerate(indicators)}
    declared, terms = [*indicators.values()], rules.terms
    n = max(len(rules.rules), 1)
    reads = np.zeros((n, words(len(indicators))), np.uint64)
    for r in range(len(rules.rules)):
        for m in (number[name] for name in rules.reads(r)):
            reads[r, m >> 6] |= np.uint64(1) << np.uint64(m & 63)
    rated = {t.indicator for t in terms if t.function == "rate"}
    over_time = {t.indicator for t in terms if t.panes}
    columns: list[list[int]] = [
        [i.stuck_after for i in declared],
        _columns([i.derived for i in declared]),
        _columns([i.name in rated for i in declared]),
        _columns([i.stuck_after > 0 for i in declared]),
        _columns([i.name in over_time for i in declared]),
    ]
    moves: list[list[int]] = [
        [r.lasting for r in rules.rules] or [0],
        _columns([r.lasting > 0 for r in rules.rules] or [False]),
        [number.get(r.value, -1) for r in rules.rules] or [-1],
        [number.get(r.limit_of, -1) for r in rules.rules] or [-1],
        [int(r in rules.in_columns) for r in range(n)],
    ]
    of_kind = [rules.of(kind) for kind in kinds]
    known = [[FUNCTIONS.index(t.function), number[t.indicator], t.panes] for t in terms]
    widths = [len(declared), *(max(c, default=-1) + 1 for c in (*columns[1:], moves[1]))]
    ring = max(2, *(t.panes + 1 for t in terms)) if terms else 2
    return Tables(
        ranges=np.array([[i.low, i.high, i.max_rate] for i in declared], np.float64),
        columns=np.array(columns, np.int64).T.copy(),
        terms=np.array(known, np.int64).reshape(-1, 3),
        ops=np.array([op for p in rules.programs for op in p.ops], np.int32),
        args=np.array([arg for p in rules.programs for arg in p.args], np.float64),
        start=_cuts([len(p.ops) for p in rules.programs]),
        reads=reads,
        rules=np.array(moves, np.int64).T.copy(),
        kind_start=_cuts([len(x) for x in of_kind]),
        kind_rules=np.array([r for x in of_kind for r in x] or [0], np.int32),
        place=np.array([number.get(name, -1) for name in PLACE], np.int64),
        at=_places(widths, ring),
    )


def _places(widths: Sequence[int], ring: int) -> NDArray[np.int64]:
    """Where columns begin; widths of all, derived, rated, watched, windowed, lasting.

    The places behind the last group of each matrix, which are its widths, stand at the end.
    """
    every, derived, rated, watched, windowed, lasting = widths
    panes = windowed * ring
    real = np.cumsum([0, every, rated, panes, panes, panes])
    whole = np.cumsum([BOOT + RUN * RUNS, every, every, derived, watched, panes, lasting, lasting])
    return np.array([*real[:-1], *whole[:-1], ring, real[-1], whole[-1]], np.int64)


def words(indicators: int) -> int:
    """How many words of 64 bits hold one bit for each indicator."""
    return max(1, -(-indicators // 64))


def ring_of(tables: Tables) -> int:
    """How many panes are kept: those of the longest window, and one more for what comes late."""
    return int(tables.at[RING])


def room(tables: Tables, things: int) -> State:
    """Room for the state of things; rows that nothing is written to take no memory."""
    return State(
        np.zeros((things, int(tables.at[-2]))),
        np.zeros((things, int(tables.at[-1])), np.int64),
        np.zeros((things, 1 + len(tables.rules)), np.uint8),
    )


def begin(tables: Tables, state: State, *, first: int, stop: int) -> None:
    """Write into rows ``first`` up to ``stop`` that nothing is known of those things yet."""
    at = tables.at
    real, whole = state.real[first:stop], state.whole[first:stop]
    real[:, : at[TOTAL]] = np.nan
    whole[:, at[TIME] : at[LAST]] = LONG_AGO
    for column, value in (
        (ZONE, -1), (ALLOWED, NEVER), (SEEN, LONG_AGO),
        (NEWEST, LONG_AGO // PANE),
    ):  # fmt: skip
        whole[:, column] = value


def _columns(wanted: Sequence[bool]) -> list[int]:
    """A column number for each that wants one, -1 for the others."""
    mask = np.array(wanted, bool)
    return [int(k) for k in np.where(mask, np.cumsum(mask) - 1, -1)]


def _cuts(sizes: Sequence[int]) -> NDArray[np.int32]:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
