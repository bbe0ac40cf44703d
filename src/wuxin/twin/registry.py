"""The registry: which things there are, with dense slots, parents, facts and sampling periods."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.errors import BadInput
from wuxin.terms.names import ThingKey
from wuxin.terms.records import Readings
from wuxin.terms.standards import Device, Indicator, Kind

NEVER: Final = np.iinfo(np.int64).max


@dataclass(slots=True)
class Thing:
    """What is registered of one thing: parent, facts (SI), source, period and allowed silence."""

    key: ThingKey
    slot: int
    source: str
    parent: ThingKey | None = None
    facts: dict[str, float] = field(default_factory=dict)
    period: int = 0
    allowed_silence: int = int(NEVER)
    naming: list[ThingKey] = field(default_factory=list)


class Registry:
    """The things of one tenant, numbered in the order in which they were first seen.

    Args:
        kinds: the kinds that packs declare.
        indicators: the indicators that packs declare; their order gives their numbers.
        devices: what feeds which kind, and how long it may be silent.
    """

    def __init__(
        self,
        kinds: Mapping[str, Kind],
        indicators: Mapping[str, Indicator],
        *,
        devices: Mapping[str, Device],
    ) -> None:
        self.kinds = kinds
        self.kind_number = {name: i for i, name in enumerate(kinds)}
        self.indicators = indicators
        self.number = {name: i for i, name in enumerate(indicators)}
        self.names = list(indicators)
        self.things: list[Thing] = []
        self.changed: set[int] = set()
        self._slots: dict[ThingKey, int] = {}
        self._children: dict[ThingKey, list[ThingKey]] = {}
        self._silence: dict[str, int] = {}
        for device in devices.values():
            known = self._silence.get(device.of, 0)
            self._silence[device.of] = max(known, device.allowed_silence)

    def __len__(self) -> int:
        return len(self.things)

    def __contains__(self, key: ThingKey) -> bool:
        return key in self._slots

    def thing(self, key: ThingKey) -> Thing:
        """The registered thing of that key (KeyError if there is none)."""
        return self.things[self._slots[key]]

    def register(
        self, key: ThingKey, *, source: str, parent: ThingKey | None = None, period: int = 0
    ) -> Thing:
        """Find or add a thing; a parent or period that is given is kept.

        Raises:
            BadInput: the kind is not declared, may not stand within the parent's kind, or the
                thing would stand within itself; nothing has changed then.
        """
        kind = self.kinds.get(key.kind)
        if kind is None:
            raise BadInput(f"kind {key.kind!r} is not declared; declared: {', '.join(self.kinds)}")
        if parent is not None:
            self._check(key, kind, parent=parent)
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots[key] = len(self.things)
            self.things.append(Thing(key, slot, source))
            self.changed.add(slot)
        thing = self.things[slot]
        if parent is not None and parent != thing.parent:
            self._adopt(thing, parent)
        if period:
            thing.period = period
        allowed = self._silence.get(key.kind)
        if allowed is not None:
            thing.allowed_silence = max(allowed, 3 * thing.period)
        return thing

    def resolve(
        self, readings: Readings, source: str, *, periods: Mapping[str, int]
    ) -> dict[int, list[ThingKey]]:
        """Turn a decoder's local numbers into slots and indicator numbers, in place.

        Returns:
            By the slot of a document (a warehouse receipt) that newly names a thing (a lot): the
            things whose number of documents has changed, the one it named before included.

        Raises:
            BadInput: a thing may not stand where the frame says.
        """
        changed: dict[int, list[ThingKey]] = {}
        slots = np.empty(len(readings.things), np.int32)
        for upper, above in readings.parents.items():
            if upper not in readings.things:
                self.register(above, source=source)
                self.register(upper, source=source, parent=above)
        for i, key in enumerate(readings.things):
            before = self.thing(key).parent if key in self._slots else None
            parent = readings.parents.get(key)
            if parent is not None:
                self.register(parent, source=source)
            thing = self.register(
                key, source=source, parent=parent, period=periods.get(key.kind, 0)
            )
            slots[i] = thing.slot
            if parent not in {None, before}:
                moved = [k for k in (before, parent) if k is not None and self._names(key, k)]
                changed |= {thing.slot: moved} if moved else {}
        numbers = np.array([self.number[n] for n in readings.indicators], np.int32)
        readings.thing = slots[readings.thing] if len(slots) else readings.thing
        readings.indicator = numbers[readings.indicator] if len(numbers) else readings.indicator
        return changed

    def above(self, key: ThingKey) -> list[ThingKey]:
        """What the thing stands within, nearest first."""
        found = []
        while key in self._slots and (parent := self.thing(key).parent) is not None:
            found.append(key := parent)
        return found

    def below(self, root: ThingKey) -> list[ThingKey]:
        """The root and everything below it, each before its children, in order of registration."""
        found = [root]
        for key in found:
            found.extend(self._children.get(key, ()))
        return found

    def roots(self, source: str) -> Iterable[ThingKey]:
        """The topmost things of one source, in order of registration."""
        return [t.key for t in self.things if t.parent is None and t.source == source]

    def kind_of(self) -> NDArray[np.int32]:
        """The kind's number of every slot, int32 (things)."""
        return np.array([self.kind_number[t.key.kind] for t in self.things], np.int32)

    def _check(self, key: ThingKey, kind: Kind, *, parent: ThingKey) -> None:
        if kind.within and parent.kind not in kind.within:
            raise BadInput(f"a {kind.name} stands within {', '.join(kind.within)}, not {parent}")
        if key in {parent, *self.above(parent)}:
            raise BadInput(f"{key} cannot stand within itself")

    def _names(self, key: ThingKey, parent: ThingKey | None) -> bool:
        return parent is not None and self.kinds[key.kind].names == parent.kind

    def _adopt(self, thing: Thing, parent: ThingKey) -> None:
        if thing.parent is not None:
            self._children[thing.parent].remove(thing.key)
            if thing.parent in self._slots and thing.key in self.thing(thing.parent).naming:
                self.thing(thing.parent).naming.remove(thing.key)
        thing.parent = parent
        self.changed.add(thing.slot)
        self._children.setdefault(parent, []).append(thing.key)
        if parent in self._slots and self._names(thing.key, parent):
            self.thing(parent).naming.append(thing.key)
