"""The recent past of every series, as models see it: one group of things on one closed day."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.clock import DAY
from wuxin.terms.names import ThingKey
from wuxin.terms.records import UNUSABLE
from wuxin.terms.standards import Series
from wuxin.twin.layout import LAST_REF, Rows
from wuxin.twin.registry import Registry

MEASURED_DAYS: Final = 45
DERIVED_DAYS: Final = 800
_LOW: Final = 0xFFFFFFFF
_NOTHING: Final = Series(np.empty(0, np.int64), np.empty(0, np.float64))


class _Series(NamedTuple):
    """One series in order of event time: times, values and references (n)."""

    t: NDArray[Any]  # int64
    v: NDArray[Any]  # float64
    ref: NDArray[Any]  # int64


class Window:
    """Usable readings of the recent past, by thing and indicator.

    Readings are gathered batch by batch and put into their series when somebody reads, so that the
    hot path pays for a copy and no more.

    Args:
        registry: which things there are.
        reads: the indicators that models read, and so the only ones that are kept; None: all.
    """

    def __init__(self, registry: Registry, reads: Sequence[str] | None = None) -> None:
        self._registry = registry
        wanted = registry.names if reads is None else reads
        self._wanted = np.zeros(len(registry.names), bool)
        self._wanted[[registry.number[name] for name in wanted]] = True
        self._derived = np.array([i.derived for i in registry.indicators.values()], bool)
        self._series: dict[int, _Series] = {}
        self._measured: dict[int, list[int]] = {}
        self._gathered: list[tuple[NDArray[np.int64], _Series]] = []

    def keep(self, rows: Rows, start: int, *, stop: int) -> None:
        """Remember the usable readings of the messages from ``start`` to ``stop``."""
        span = slice(rows.start[start], rows.start[stop])
        indicator = rows.indicator[span]
        good = self._wanted[indicator] & ((rows.quality[span] & int(UNUSABLE)) == 0)
        if not good.any():
            return
        sizes = np.diff(rows.start[start : stop + 1])
        message = np.repeat(np.arange(start, stop), sizes)[good]
        key = rows.thing[message] << 32 | indicator[good]
        last = rows.head[message, LAST_REF]
        series = _Series(rows.event_time[message], rows.value[span][good], last)
        self._gathered.append((key, series))

    def forget(self, now: int) -> None:
        """Drop what lies further back than models look."""
        self._settle()
        for key, series in self._series.items():
            days = DERIVED_DAYS if self._derived[key & _LOW] else MEASURED_DAYS
            cut = int(np.searchsorted(series.t, now - days * DAY))
            if cut > len(series.t) // 2:
                self._series[key] = _Series(*(column[cut:].copy() for column in series))

    def between(self, slot: int, indicator: int, *, start: int, end: int) -> Series:
        """The series of one indicator of one slot with ``start`` ≤ event time < ``end``."""
        self._settle()
        series = self._series.get(slot << 32 | indicator)
        if series is None:
            return _NOTHING
        a, b = np.searchsorted(series.t, (start, end))
        return Series(series.t[a:b], series.v[a:b])

    def references(self, slot: int, *, start: int, end: int) -> tuple[int, int] | None:
        """The first and last byte reference behind a slot's measured values of a span of time."""
        self._settle()
        low, high = [], []
        for key in self._measured.get(slot, ()):
            series = self._series[key]
            a, b = np.searchsorted(series.t, (start, end))
            if b > a:
                low.append(int(series.ref[a]))
                high.append(int(series.ref[b - 1]))
        return (min(low), max(high)) if low else None

    def kept_references(self) -> NDArray[np.int64]:
        """The references of all that is kept, in any order and more than once."""
        self._settle()
        none = np.empty(0, np.int64)
        return np.concatenate([none, *(np.unique(s.ref) for s in self._series.values())])

    def freeze(self) -> dict[str, NDArray[Any]]:
        """All series as arrays: ``key`` and ``size`` (series), and their columns one by one."""
        self._settle()
        keys = sorted(self._series)
        kept = [self._series[key] for key in keys]
        none = _Series(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64))
        columns = (np.concatenate(c) for c in zip(none, *kept, strict=True))
        return {
            "key": np.array(keys, np.int64),
            "size": np.array([len(series.t) for series in kept], np.int64),
            **dict(zip(_Series._fields, columns, strict=True)),
        }

    def thaw(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what :meth:`freeze` gave."""
        self._series, self._measured, self._gathered = {}, {}, []
        ends = np.cumsum(arrays["size"])
        for key, size, end in zip(arrays["key"], arrays["size"], ends, strict=True):
            span = slice(end - size, end)
            self._add(int(key), _Series(*(arrays[name][span].copy() for name in _Series._fields)))

    def _settle(self) -> None:
        """Put what was gathered into its series."""
        if not self._gathered:
            return
        key = np.concatenate([k for k, _ in self._gathered])
        new = _Series(
            *(np.concatenate(c) for c in zip(*(s for _, s in self._gathered), strict=True))
        )
        self._gathered = []
        order = np.argsort(key, kind="stable")
        key, new = key[order], _Series(*(column[order] for column in new))
        begin = np.flatnonzero(np.concatenate([[True], np.diff(key) != 0]))
        for a, b in itertools.pairwise([*begin.tolist(), len(key)]):
            self._add(int(key[a]), _Series(*(column[a:b] for column in new)))

    def _add(self, key: int, new: _Series) -> None:
        """Lengthen one series; late readings find their place, after those of the same time."""
        old = self._series.get(key)
        if old is None:
            if not self._derived[key & _LOW]:
                self._measured.setdefault(key >> 32, []).append(key)
        else:
            new = _Series(*(np.concatenate(pair) for pair in zip(old, new, strict=True)))
        if np.any(new.t[1:] < new.t[:-1]):
            order = np.argsort(new.t, kind="stable")
            new = _Series(*(column[order] for column in new))
        self._series[key] = new


@dataclass(frozen=True, slots=True)
class Day:
    """One group on one closed local day: a :class:`wuxin.terms.standards.DayView`."""

    window: Window
    registry: Registry
    root: ThingKey
    members: Sequence[ThingKey]
    start: int
    end: int
    zone: tzinfo

    def of(self, kind: str) -> Sequence[ThingKey]:
        """The group's things of one kind, in order of registration (root included)."""
        return [key for key in self.members if key.kind == kind]

    def facts(self, thing: ThingKey) -> Mapping[str, float]:
        """The registered facts of a thing, in SI units."""
        return self.registry.facts(thing)

    def period(self, thing: ThingKey) -> int:
        """How often the thing reports (ns); 0 where nobody said."""
        return self.registry.thing(thing).period

    def series(self, thing: ThingKey, indicator: str, *, days: int = 1) -> Series:
        """Usable values in the ``days`` days that end with this one."""
        start = self.start - (days - 1) * DAY
        number = self.registry.number[indicator]
        slot = self.registry.slot(thing)
        return self.window.between(slot, number, start=start, end=self.end)
