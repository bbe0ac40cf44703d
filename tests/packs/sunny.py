"""A plant in memory: series by thing and indicator, shown to the energy pack's models by day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

import numpy as np
from numpy.typing import NDArray

from wuxin.packs.energy.models import MODELS
from wuxin.terms.clock import DAY, day_start, next_day
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import Derived, Model, Series

_NOTHING = Series(np.empty(0, np.int64), np.empty(0))
Points = list[tuple[int, float]]


@dataclass
class Plant:
    """Things with facts, and their series; ``walk`` runs the models over its days in order."""

    root: ThingKey
    zone: tzinfo = UTC
    things: list[ThingKey] = field(default_factory=list)
    known: dict[ThingKey, dict[str, float]] = field(default_factory=dict)
    series: dict[tuple[ThingKey, str], Series] = field(default_factory=dict)
    derived: dict[tuple[ThingKey, str], Points] = field(default_factory=dict)
    periods: dict[ThingKey, int] = field(default_factory=dict)

    def add(self, thing: ThingKey, indicator: str, *, t: NDArray[np.int64], v: object) -> None:
        """Give a thing a series of readings."""
        self.register(thing)
        self.series[thing, indicator] = Series(t, np.asarray(v, np.float64))

    def register(self, thing: ThingKey, **facts: float) -> None:
        """Register a thing with its facts."""
        if thing not in self.things:
            self.things.append(thing)
        self.known.setdefault(thing, {}).update(facts)

    def walk(self, models: Sequence[Model] = MODELS) -> None:
        """Close every day of the readings, in order."""
        begin = min(int(s.t[0]) for s in self.series.values() if len(s))
        end = max(int(s.t[-1]) for s in self.series.values() if len(s))
        day = day_start(begin, self.zone)
        while day <= end:
            view = Day(self, day, next_day(day, self.zone))
            for model in models:
                self.take(model.run(view))
            day = view.end

    def take(self, found: Sequence[Derived]) -> None:
        """Keep derived values, as the twin does: never back in time."""
        for one in found:
            kept = self.derived.setdefault((one.thing, one.indicator), [])
            for at, value in zip(one.t.tolist(), one.v.tolist(), strict=True):
                assert not kept or at >= kept[-1][0], (one.thing, one.indicator)
                kept.append((at, value))

    def told(self, thing: ThingKey, indicator: str) -> Points:
        """What was derived of a thing, as (t, value)."""
        return self.derived.get((thing, indicator), [])

    def values(self, thing: ThingKey, indicator: str) -> list[float]:
        """The values that were derived of a thing."""
        return [value for _, value in self.told(thing, indicator)]


@dataclass(frozen=True)
class Day:
    """One closed day of a plant (a ``DayView``)."""

    plant: Plant
    start: int
    end: int

    @property
    def root(self) -> ThingKey:
        return self.plant.root

    @property
    def zone(self) -> tzinfo:
        return self.plant.zone

    def of(self, kind: str) -> Sequence[ThingKey]:
        return [key for key in self.plant.things if key.kind == kind]

    def facts(self, thing: ThingKey) -> Mapping[str, float]:
        return self.plant.known.get(thing, {})

    def period(self, thing: ThingKey) -> int:
        return self.plant.periods.get(thing, 0)

    def series(self, thing: ThingKey, indicator: str, *, days: int = 1) -> Series:
        found = self.plant.series.get((thing, indicator))
        if found is None:
            points = self.plant.derived.get((thing, indicator))
            if not points:
                return _NOTHING
            t, v = zip(*points, strict=True)
            found = Series(np.array(t, np.int64), np.array(v))
        a, b = np.searchsorted(found.t, (self.start - (days - 1) * DAY, self.end))
        return Series(found.t[a:b], found.v[a:b])
