"""The twin as the bank sees it: values, facts, what they came from, and who speaks for a thing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wuxin.sources import Source
from wuxin.terms.names import ThingKey
from wuxin.terms.records import Cause, Measured
from wuxin.terms.standards import Witness
from wuxin.twin.devices import Device
from wuxin.twin.frames import Frames
from wuxin.twin.layout import LONG_AGO


@dataclass(frozen=True, slots=True)
class Reader:
    """One source's line of things: a :class:`wuxin.terms.standards.TwinReader`."""

    frames: Frames
    sources: Mapping[str, Source]
    source: Source

    def within(self, root: ThingKey, kind: str) -> Sequence[ThingKey]:
        """The things of one kind at or below a root."""
        return self.source.line.twin.within(root, kind)

    def latest(self, thing: ThingKey, indicator: str) -> Measured | None:
        """The latest usable value of an indicator."""
        return self.source.line.twin.latest(thing, indicator)

    def facts(self, thing: ThingKey) -> Mapping[str, float]:
        """The registered facts of a thing."""
        return self.source.line.registry.facts(thing)

    def causes(self, measured: Measured) -> tuple[Cause, ...]:
        """The frames and lines behind a value."""
        return self.frames.causes(measured.first, measured.last)

    def above(self, thing: ThingKey) -> Sequence[ThingKey]:
        """The things that a thing stands within, the nearest first."""
        return self.source.line.registry.above(thing)

    def witnesses(self, thing: ThingKey) -> Sequence[Witness]:
        """The devices that speak for a thing; where none is registered, its source does."""
        line = self.source.line
        if thing not in line.registry:
            return ()
        found = [
            self._witness(thing, device)
            for source in self.sources.values() if source.line is line
            for device in source.devices.bound_to(str(thing))
        ]  # fmt: skip
        return found or [self._itself(thing)]

    def _witness(self, thing: ThingKey, device: Device) -> Witness:
        pack, registry = self.source.line.pack, self.source.line.registry
        model = pack.devices.get(device.model)
        feeds = model.feeds if model else self._measured()
        heard = self._newest(thing, feeds, since=device.bound[-1])
        slot = registry.slot(thing)
        allowed = model.allowed_silence if model else registry.allowed_silence(slot)
        return Witness(
            device.name, self._trust(heard), heard.event_time if heard else None, allowed,
            device.state, device.since,
        )  # fmt: skip

    def _itself(self, thing: ThingKey) -> Witness:
        """What speaks where no device is registered: a recording, or strangers."""
        line = self.source.line
        heard = self._newest(thing, self._measured(), since=LONG_AGO)
        slot = line.registry.slot(thing)
        return Witness(
            line.registry.thing(thing).source, self._trust(heard),
            heard.event_time if heard else None, line.registry.allowed_silence(slot),
        )  # fmt: skip

    def _measured(self) -> list[str]:
        """What devices measure, of all that the pack declares."""
        return [i.name for i in self.source.line.pack.indicators.values() if not i.derived]

    def _newest(self, thing: ThingKey, names: Sequence[str], *, since: int) -> Measured | None:
        twin = self.source.line.twin
        found = [m for m in (twin.latest(thing, name) for name in names) if m is not None]
        found = [m for m in found if m.event_time >= since]
        return max(found, key=lambda m: m.event_time, default=None)

    def _trust(self, heard: Measured | None) -> str:
        causes = self.frames.causes(heard.last, heard.last) if heard else ()
        return causes[0].trust if causes else ""
