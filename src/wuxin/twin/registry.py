"""The registry: which things there are, with dense slots, parents, facts and sampling periods."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.errors import BadInput
from wuxin.terms.names import ThingKey
from wuxin.terms.records import Readings
from wuxin.terms.standards import Device, Indicator, Kind
from wuxin.twin.layout import NEVER

Zone = tuple[tuple[float, float], ...]
"""A geofence: its corners in degrees, latitude before longitude (WGS-84)."""


@dataclass(slots=True)
class Thing:
    """What is registered of one thing: parent, facts (SI), source, period, silence, geofence."""

    key: ThingKey
    slot: int
    source: str
    parent: ThingKey | None = None
    facts: dict[str, float] = field(default_factory=dict)
    period: int = 0
    allowed_silence: int = NEVER
    naming: list[ThingKey] = field(default_factory=list)
    zone: int = -1


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
        self.keys: list[ThingKey] = []
        self.changed: set[int] = set()
        self.fresh: set[int] = set()
        self.zones: tuple[Zone, ...] = ()
        self._zone_names: dict[str, int] = {}
        self._of: dict[str, list[int]] = {}
        self._decoded: dict[str, tuple[NDArray[np.int32], dict[int, tuple[ThingKey, str]]]] = {}
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
            self.keys.append(key)
            self._of.setdefault(source, []).append(slot)
            self.changed.add(slot)
            self.fresh.add(slot)
        thing = self.things[slot]
        if parent is not None and parent != thing.parent:
            self._adopt(thing, parent)
        if period:
            thing.period = period
        allowed = self._silence.get(key.kind)
        if allowed is not None and thing.allowed_silence != max(allowed, 3 * thing.period):
            thing.allowed_silence = max(allowed, 3 * thing.period)
            self.fresh.add(slot)
        return thing

    def fence(self, key: ThingKey, name: str) -> None:
        """Let a thing have its place inside of a geofence.

        Raises:
            BadInput: there is no geofence of that name.
        """
        if name not in self._zone_names:
            raise BadInput(f"there is no geofence {name!r}; there are {sorted(self._zone_names)}")
        thing = self.thing(key)
        thing.zone = self._zone_names[name]
        self.fresh.add(thing.slot)

    def enclose(self, name: str, corners: Sequence[Sequence[float]]) -> None:
        """Add a geofence, or replace the one of that name.

        Args:
            name: what it is called.
            corners: at least three pairs of latitude and longitude in degrees, in order.

        Raises:
            BadInput: there are fewer corners, or one is not on the globe.
        """
        zone = tuple((float(c[0]), float(c[1])) for c in corners if len(c) == 2)
        if len(zone) < 3 or len(zone) != len(corners):
            raise BadInput(f"geofence {name!r} needs three corners [latitude, longitude] or more")
        if not all(abs(y) <= 90 and abs(x) <= 180 for y, x in zone):
            raise BadInput(f"geofence {name!r} has a corner that is not on the globe")
        number = self._zone_names.setdefault(name, len(self.zones))
        self.zones = (*self.zones[:number], zone, *self.zones[number + 1 :])

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

    def slots(
        self, things: Sequence[ThingKey], source: str
    ) -> tuple[NDArray[np.int32], dict[int, tuple[ThingKey, str]]]:
        """The slots of things (k) as a decoder numbers them; new ones are registered.

        Returns:
            Slots, -1 where a thing is refused, and by its number such a thing and the reason.
        """
        known, refused = self._decoded.setdefault(source, (np.empty(0, np.int32), {}))
        if len(known) < len(things):
            more = np.full(len(things) - len(known), -1, np.int32)
            for i, key in enumerate(things[len(known) :]):
                try:
                    more[i] = self.register(key, source=source).slot
                except BadInput as wrong:
                    refused[len(known) + i] = (key, str(wrong))
            known = np.concatenate([known, more])
            self._decoded[source] = (known, refused)
        return known, refused

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

    def of(self, source: str) -> Sequence[int]:
        """The slots of the things that one source was the first to name."""
        return self._of.get(source, ())

    def roots(self, source: str) -> Iterable[ThingKey]:
        """The topmost things of one source, in order of registration."""
        mine = (self.things[slot] for slot in self.of(source))
        return [t.key for t in mine if t.parent is None]

    def freeze(self) -> dict[str, Any]:
        """All that is registered, as plain values for a snapshot."""
        return {
            "things": [
                [*t.key, t.source, list(t.parent or ()), t.facts, t.period, t.allowed_silence,
                 [list(key) for key in t.naming], t.zone]
                for t in self.things
            ],
            "children": [[[*up], [[*k] for k in down]] for up, down in self._children.items()],
            "zones": [[name, self.zones[k]] for name, k in self._zone_names.items()],
        }  # fmt: skip

    def thaw(self, kept: Mapping[str, Any]) -> None:
        """Take over what :meth:`freeze` gave; the registry must be empty."""
        for kind, ident, source, parent, facts, period, allowed, naming, zone in kept["things"]:
            key, slot = ThingKey(kind, ident), len(self.things)
            up = ThingKey(*parent) if parent else None
            names = [ThingKey(*k) for k in naming]
            self.things.append(Thing(key, slot, source, up, facts, period, allowed, names, zone))
            self.keys.append(key)
            self._slots[key] = slot
            self._of.setdefault(source, []).append(slot)
            self.fresh.add(slot)
        for up, down in kept["children"]:
            self._children[ThingKey(*up)] = [ThingKey(*k) for k in down]
        for name, corners in kept["zones"]:
            self.enclose(name, corners)

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
