"""The registry: which things there are, with dense slots, parents, facts and sampling periods."""

from array import array
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.errors import BadInput
from wuxin.terms.interned import Interned
from wuxin.terms.names import ThingKey, thing_key
from wuxin.terms.records import Readings
from wuxin.terms.standards import Device, Indicator, Kind
from wuxin.twin.layout import NEVER
from wuxin.twin.things import NOWHERE, Keys, Thing, Things

Zone = tuple[tuple[float, float], ...]
"""A geofence: its corners in degrees, latitude before longitude (WGS-84)."""


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
        self._kind_names = list(kinds)
        self.kind_number = {name: i for i, name in enumerate(kinds)}
        self.indicators = indicators
        self.number = {name: i for i, name in enumerate(indicators)}
        self.names = list(indicators)
        self.things = Things(self._kind_names)
        self.changed = array("i")
        self.fresh = array("i")
        self.zones: tuple[Zone, ...] = ()
        self._zone_names: dict[str, int] = {}
        self._decoded: dict[str, tuple[NDArray[np.int32], dict[int, tuple[ThingKey, str]]]] = {}
        self._silence: dict[str, int] = {}
        for device in devices.values():
            known = self._silence.get(device.of, 0)
            self._silence[device.of] = max(known, device.allowed_silence)

    def __len__(self) -> int:
        return len(self.things)

    def __contains__(self, key: ThingKey) -> bool:
        return self.things.slot(key) >= 0

    @property
    def keys(self) -> Keys:
        """The keys of all things by slot."""
        return Keys(self.things)

    def slot(self, key: ThingKey) -> int:
        """The slot of a registered thing (KeyError if there is none)."""
        slot = self.things.slot(key)
        if slot < 0:
            raise KeyError(key)
        return slot

    def thing(self, key: ThingKey) -> Thing:
        """The registered thing of that key (KeyError if there is none)."""
        found: Thing = self.things[self.slot(key)]
        return found

    def facts(self, key: ThingKey) -> Mapping[str, float]:
        """What is registered of a thing in figures (SI); nothing if it is not registered."""
        return self.things.facts.get(self.things.slot(key), {})

    def register(
        self, key: ThingKey, *, source: str, parent: ThingKey | None = None, period: int = 0
    ) -> int:
        """Find or add a thing (and its parent) and return its slot; a period given is kept.

        Raises:
            BadInput: the kind is not declared, may not stand within the parent's kind, or the
                thing would stand within itself; nothing has changed then.
        """
        kind = self.kinds.get(key.kind)
        if kind is None:
            raise BadInput(f"kind {key.kind!r} is not declared; declared: {', '.join(self.kinds)}")
        if parent is not None:
            self._check(key, kind, parent=parent)
            self.register(parent, source=source)
        slot = self.things.slot(key)
        if slot < 0:
            slot = self.things.add(key, source)
            self.changed.append(slot)
            self.fresh.append(slot)
        if parent is not None:
            self._adopt(slot, parent)
        if period and period != self.things.period[slot]:
            self.things.period[slot] = period
            self.fresh.append(slot)
        return slot

    def allowed_silence(self, slot: int) -> int:
        """How long a thing may be silent (ns): what its devices allow, three periods at least."""
        allowed = self._silence.get(self._kind_names[self.things.kind[slot]])
        return NEVER if allowed is None else max(allowed, 3 * self.things.period[slot])

    def describe(self, key: ThingKey, facts: Mapping[str, float]) -> None:
        """Add facts (SI) to those that are registered of a thing."""
        if facts:
            self.things.facts.setdefault(self.slot(key), {}).update(facts)

    def fence(self, key: ThingKey, name: str) -> None:
        """Let a thing have its place inside of a geofence.

        Raises:
            BadInput: there is no geofence of that name.
        """
        if name not in self._zone_names:
            raise BadInput(f"there is no geofence {name!r}; there are {sorted(self._zone_names)}")
        slot = self.slot(key)
        self.things.zone[slot] = self._zone_names[name]
        self.fresh.append(slot)

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
            before = self._parent(key)
            parent = readings.parents.get(key)
            slots[i] = slot = self.register(
                key, source=source, parent=parent, period=periods.get(key.kind, 0)
            )
            if parent not in {None, before}:
                moved = [k for k in (before, parent) if k is not None and self._names(key, k)]
                changed |= {slot: moved} if moved else {}
        numbers = np.array([self.number[n] for n in readings.indicators], np.int32)
        readings.thing = slots[readings.thing] if len(slots) else readings.thing
        readings.indicator = numbers[readings.indicator] if len(numbers) else readings.indicator
        return changed

    def slots(
        self, devices: Interned, source: str
    ) -> tuple[NDArray[np.int32], dict[int, tuple[ThingKey, str]]]:
        """The slots of things (k) as a decoder numbers them; new ones are registered.

        Returns:
            Slots, -1 where a thing is refused, and by its number such a thing and the reason.
        """
        known, refused = self._decoded.setdefault(source, (np.empty(0, np.int32), {}))
        if len(known) < len(devices):
            more = np.full(len(devices) - len(known), -1, np.int32)
            for i in range(len(more)):
                key = thing_key(devices.name(len(known) + i).decode())
                try:
                    more[i] = self.register(key, source=source)
                except BadInput as wrong:
                    refused[len(known) + i] = (key, str(wrong))
            known = np.concatenate([known, more])
            self._decoded[source] = (known, refused)
        return known, refused

    def above(self, key: ThingKey) -> list[ThingKey]:
        """What the thing stands within, nearest first."""
        slot = self.things.slot(key)
        return [self.things.key(up) for up in self.things.above(slot)] if slot >= 0 else []

    def below(self, root: ThingKey, kind: str = "") -> list[ThingKey]:
        """The root and everything below it (of one kind), each before its children."""
        slot = self.things.slot(root)
        if slot < 0:
            return [root] if kind in {"", root.kind} else []
        only = self.kind_number.get(kind, -1)
        found = self.things.below(slot)
        return [self.things.key(k) for k in found if not kind or self.things.kind[k] == only]

    def of(self, source: str) -> Sequence[int]:
        """The slots of the things that one source was the first to name."""
        return self.things.of.get(source, ())

    def roots(self, source: str) -> list[ThingKey]:
        """The topmost things of one source, in order of registration."""
        parent = self.things.parent
        return [self.things.key(slot) for slot in self.of(source) if parent[slot] == NOWHERE]

    def taken(self) -> list[Thing]:
        """What is new or has moved since the last call, in order of registration."""
        found = [self.things[slot] for slot in sorted({*self.changed})]
        del self.changed[:]
        return found

    def freeze(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """All that is registered, as plain values and arrays for a snapshot."""
        meta, arrays = self.things.freeze()
        return meta | {"zones": [[n, self.zones[k]] for n, k in self._zone_names.items()]}, arrays

    def thaw(self, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what :meth:`freeze` gave; the registry must be empty."""
        self.things = Things.thaw(self._kind_names, meta, arrays=arrays)
        for name, corners in meta["zones"]:
            self.enclose(name, corners)

    def _parent(self, key: ThingKey) -> ThingKey | None:
        slot = self.things.slot(key)
        up = self.things.parent[slot] if slot >= 0 else NOWHERE
        return None if up == NOWHERE else self.things.key(up)

    def _check(self, key: ThingKey, kind: Kind, *, parent: ThingKey) -> None:
        if kind.within and parent.kind not in kind.within:
            raise BadInput(f"a {kind.name} stands within {', '.join(kind.within)}, not {parent}")
        if key in {parent, *self.above(parent)}:
            raise BadInput(f"{key} cannot stand within itself")

    def _names(self, key: ThingKey, parent: ThingKey | None) -> bool:
        return parent is not None and self.kinds[key.kind].names == parent.kind

    def _adopt(self, slot: int, parent: ThingKey) -> None:
        things = self.things
        up = things.slot(parent)
        if up == things.parent[slot]:
            return
        before = things.adopt(slot, up)
        self.changed.append(slot)
        if before != NOWHERE and slot in things.naming.get(before, ()):
            things.naming[before].remove(slot)
        if self._names(things.key(slot), parent):
            things.naming.setdefault(up, []).append(slot)
