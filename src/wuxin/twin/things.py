"""The things that are registered, as columns: a million of them take some hundred megabytes.

What few things have (facts, documents that name them) stands in dicts by slot; what all have, in
arrays that grow. :class:`Thing` is a copy for reading; only :class:`Things` changes anything.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.interned import Interned
from wuxin.terms.names import ThingKey

NOWHERE: Final = -1
_RECENT: Final = 1024
"""Keys whose slots are remembered as objects, for those that are asked for all the time."""

_COLUMNS: Final = {
    "kind": "h", "source": "h", "parent": "i", "period": "q", "zone": "i",
}  # fmt: skip


class Thing(NamedTuple):
    """What is registered of one thing: parent, facts (SI), source, period, geofence.

    ``naming`` are the documents that name it; ``zone`` is the number of its geofence, -1 for none.
    """

    key: ThingKey
    slot: int
    source: str
    parent: ThingKey | None
    facts: Mapping[str, float]
    period: int
    naming: Sequence[ThingKey]
    zone: int


class Things(Sequence[Thing]):
    """The columns; a thing's slot is its place in them.

    Args:
        kinds: the names of the kinds; their order gives their numbers.
    """

    def __init__(self, kinds: Sequence[str]) -> None:
        self.kind, self.source = array("h"), array("h")
        self.parent, self.zone = array("i"), array("i")
        self.period = array("q")
        self.facts: dict[int, dict[str, float]] = {}
        self.naming: dict[int, list[int]] = {}
        self.children: dict[int, array[int]] = {}
        self.of: dict[str, array[int]] = {}
        self._kinds, self._numbers = list(kinds), {name: i for i, name in enumerate(kinds)}
        self._sources: list[str] = []
        self._names = Interned()
        self._recent: dict[ThingKey, int] = {}

    def __len__(self) -> int:
        return len(self.kind)

    def __getitem__(self, slot: Any) -> Any:
        if isinstance(slot, slice):
            return [self[i] for i in range(*slot.indices(len(self)))]
        up = self.parent[slot]
        return Thing(
            self.key(slot), slot, self._sources[self.source[slot]],
            None if up == NOWHERE else self.key(up), self.facts.get(slot, {}), self.period[slot],
            [self.key(k) for k in self.naming.get(slot, ())],
            self.zone[slot],
        )  # fmt: skip

    def key(self, slot: int) -> ThingKey:
        """The key of the thing in a slot."""
        kind = self._kinds[self.kind[slot]]
        return ThingKey(kind, self._names.name(slot)[len(kind) + 1 :].decode())

    def name(self, slot: int) -> bytes:
        """The written form of a thing's key, ``kind:id``."""
        return self._names.name(slot)

    def slot(self, key: ThingKey) -> int:
        """The slot of a thing, -1 if it is not registered."""
        slot = self._recent.get(key, NOWHERE)
        if slot == NOWHERE and key.kind in self._numbers:
            slot = self._names.number(f"{key.kind}:{key.id}".encode())
            if slot != NOWHERE:
                if len(self._recent) >= _RECENT:
                    self._recent.clear()
                self._recent[key] = slot
        return slot

    def add(self, key: ThingKey, source: str) -> int:
        """A new thing's slot; its kind must be one of those that are declared."""
        slot = self._names.add(f"{key.kind}:{key.id}".encode())
        if source not in self.of:
            self.of[source] = array("i")
            self._sources.append(source)
        self.of[source].append(slot)
        self.kind.append(self._numbers[key.kind])
        self.source.append(self._sources.index(source))
        self.parent.append(NOWHERE)
        self.zone.append(NOWHERE)
        self.period.append(0)
        return slot

    def adopt(self, slot: int, parent: int) -> int:
        """Let a thing stand within another; returns what it stood within before, or -1."""
        before = self.parent[slot]
        if before != NOWHERE:
            self.children[before].remove(slot)
        self.parent[slot] = parent
        self.children.setdefault(parent, array("i")).append(slot)
        return before

    def above(self, slot: int) -> Iterator[int]:
        """What a thing stands within, nearest first."""
        while (slot := self.parent[slot]) != NOWHERE:
            yield slot

    def below(self, root: int) -> Iterator[int]:
        """The root and everything below it, each before its children."""
        found = [root]
        for slot in found:
            yield slot
            found.extend(self.children.get(slot, ()))

    def freeze(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """All that is registered: plain values, and arrays by name."""
        text, ends = self._names.freeze()
        families = list(self.children.items())
        inside = array("i", [k for _, children in families for k in children])
        arrays: dict[str, NDArray[Any]] = {
            "text": text,
            "ends": ends,
            "families": np.array([[up, len(c)] for up, c in families], np.int32).reshape(-1, 2),
            "children": np.array(inside, np.int32),
            **{name: np.array(getattr(self, name), code) for name, code in _COLUMNS.items()},
        }
        meta = {
            "sources": self._sources,
            "facts": [[slot, facts] for slot, facts in self.facts.items()],
            "naming": [[slot, names] for slot, names in self.naming.items()],
        }
        return meta, arrays

    @classmethod
    def thaw(
        cls, kinds: Sequence[str], meta: Mapping[str, Any], *, arrays: Mapping[str, NDArray[Any]]
    ) -> "Things":
        """The things that :meth:`freeze` gave, in the same slots."""
        found = cls(kinds)
        found._names = Interned.thaw(arrays["text"], arrays["ends"])
        for name, code in _COLUMNS.items():
            setattr(found, name, array(code, arrays[name].tobytes()))
        at = 0
        for up, count in arrays["families"].tolist():
            found.children[up] = array("i", arrays["children"][at : at + count].tobytes())
            at += count
        found._sources = list(meta["sources"])
        source = np.array(found.source, np.int16)
        for number, name in enumerate(found._sources):
            mine = np.flatnonzero(source == number).astype(np.int32)
            found.of[name] = array("i", mine.tobytes())
        found.facts = {slot: dict(facts) for slot, facts in meta["facts"]}
        found.naming = {slot: list(names) for slot, names in meta["naming"]}
        return found


class Keys(Sequence[ThingKey]):
    """The keys of things by slot."""

    def __init__(self, things: Things) -> None:
        self._things = things

    def __len__(self) -> int:
        return len(self._things)

    def __getitem__(self, slot: Any) -> Any:
        if isinstance(slot, slice):
            return [self._things.key(i) for i in range(*slot.indices(len(self)))]
        return self._things.key(slot)
