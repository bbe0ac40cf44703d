"""The recent past of every series, as models see it: one group of things on one closed day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.clock import DAY
from wuxin.terms.names import ThingKey
from wuxin.terms.records import UNUSABLE
from wuxin.terms.standards import Series
from wuxin.twin.kernel import Rows
from wuxin.twin.registry import Registry

MEASURED_DAYS: Final = 45
DERIVED_DAYS: Final = 800
_NOTHING: Final = Series(np.empty(0, np.int64), np.empty(0, np.float64))


@dataclass(slots=True)
class _Buffer:
    """Chunks of (t, v, reference) of one series, joined and sorted when somebody reads."""

    t: list[NDArray[np.int64]] = field(default_factory=list)
    v: list[NDArray[np.float64]] = field(default_factory=list)
    ref: list[NDArray[np.int64]] = field(default_factory=list)

    def joined(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        if len(self.t) > 1:
            t, v = np.concatenate(self.t), np.concatenate(self.v)
            ref = np.concatenate(self.ref)
            if np.any(t[1:] < t[:-1]):
                order = np.argsort(t, kind="stable")
                t, v, ref = t[order], v[order], ref[order]
            self.t, self.v, self.ref = [t], [v], [ref]
        return self.t[0], self.v[0], self.ref[0]

    def forget(self, before: int) -> None:
        t, v, ref = self.joined()
        cut = int(np.searchsorted(t, before))
        if cut > len(t) // 2:
            self.t, self.v, self.ref = [t[cut:].copy()], [v[cut:].copy()], [ref[cut:].copy()]


class Window:
    """Usable readings of the recent past, by thing and indicator."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._series: dict[tuple[int, int], _Buffer] = {}
        self._measured: dict[int, list[_Buffer]] = {}

    def keep(self, rows: Rows, start: int, *, stop: int) -> None:
        """Remember the usable rows from ``start`` to ``stop``."""
        span = slice(start, stop)
        good = (rows.quality[span] & int(UNUSABLE)) == 0
        if not good.any():
            return
        thing, indicator = rows.thing[span][good], rows.indicator[span][good]
        t, v, ref = rows.event_time[span][good], rows.value[span][good], rows.last[span][good]
        key = thing.astype(np.int64) << 32 | indicator
        order = np.argsort(key, kind="stable")
        key = key[order]
        cuts = np.flatnonzero(np.diff(key)) + 1
        for part in np.split(order, cuts):
            buffer = self._buffer(int(thing[part[0]]), int(indicator[part[0]]))
            buffer.t.append(t[part])
            buffer.v.append(v[part])
            buffer.ref.append(ref[part])

    def forget(self, now: int) -> None:
        """Drop what lies further back than models look."""
        derived = [self._registry.indicators[n].derived for n in self._registry.names]
        for (_, indicator), buffer in self._series.items():
            days = DERIVED_DAYS if derived[indicator] else MEASURED_DAYS
            buffer.forget(now - days * DAY)

    def between(self, slot: int, indicator: int, *, start: int, end: int) -> Series:
        """The series of one indicator of one slot with ``start`` ≤ event time < ``end``."""
        buffer = self._series.get((slot, indicator))
        if buffer is None:
            return _NOTHING
        t, v, _ = buffer.joined()
        a, b = np.searchsorted(t, (start, end))
        return Series(t[a:b], v[a:b])

    def references(self, slot: int, *, start: int, end: int) -> tuple[int, int] | None:
        """The first and last byte reference behind a slot's measured values of a span of time."""
        low, high = [], []
        for buffer in self._measured.get(slot, ()):
            t, _, ref = buffer.joined()
            a, b = np.searchsorted(t, (start, end))
            if b > a:
                low.append(int(ref[a]))
                high.append(int(ref[b - 1]))
        return (min(low), max(high)) if low else None

    def _buffer(self, slot: int, indicator: int) -> _Buffer:
        buffer = self._series.get((slot, indicator))
        if buffer is None:
            buffer = self._series[slot, indicator] = _Buffer()
            if not self._registry.indicators[self._registry.names[indicator]].derived:
                self._measured.setdefault(slot, []).append(buffer)
        return buffer


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
        return self.registry.thing(thing).facts

    def period(self, thing: ThingKey) -> int:
        """How often the thing reports (ns); 0 where nobody said."""
        return self.registry.thing(thing).period

    def series(self, thing: ThingKey, indicator: str, *, days: int = 1) -> Series:
        """Usable values in the ``days`` days that end with this one."""
        start = self.start - (days - 1) * DAY
        number = self.registry.number[indicator]
        slot = self.registry.thing(thing).slot
        return self.window.between(slot, number, start=start, end=self.end)
