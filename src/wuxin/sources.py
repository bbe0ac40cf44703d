"""What is at work for a source: its pack's line, decoder, devices and clock."""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final

from wuxin.packs import adopt
from wuxin.protocols import decoders, native_batch, spoken, table
from wuxin.protocols.contents import Contents
from wuxin.protocols.registered import Registered
from wuxin.protocols.shifted import Decoder, Shifted
from wuxin.risk.rules import Compiled
from wuxin.stores.journal import Opened
from wuxin.terms.clock import zone
from wuxin.terms.datum import DATUMS
from wuxin.terms.goods import GoodsTold
from wuxin.terms.ports import Trust
from wuxin.terms.records import Frame
from wuxin.terms.standards import Pack
from wuxin.twin import tables
from wuxin.twin.devices import Devices
from wuxin.twin.layout import NEVER
from wuxin.twin.registry import Registry
from wuxin.twin.twin import Twin
from wuxin.wire.packed import message

TRUSTS: Final = {trust.value: trust.name.lower() for trust in Trust}
SIGNED: Final = TRUSTS[Trust.SIGNED]


@dataclass(slots=True)
class Line:
    """One pack at work for one tenant: registry, compiled rules and twin."""

    pack: Pack
    registry: Registry
    rules: Compiled
    twin: Twin

    @classmethod
    def of(cls, pack: Pack, lanes: int = 1, *, threads: Executor | None = None) -> "Line":
        """An empty line for a pack, its things shared out among so many lanes."""
        registry = Registry(pack.kinds, pack.indicators, devices=pack.devices)
        judged = {name: rule for name, rule in pack.rules.items() if not rule.by}
        rules = Compiled(judged, registry.number)
        built = tables.build(pack.indicators, list(pack.kinds), rules=rules)
        reads = {name for model in pack.models.values() for name in model.reads}
        twin = Twin(
            registry, built, lanes=lanes, threads=threads, columns=rules.columns,
            reads=sorted(reads & {*pack.indicators}),
        )  # fmt: skip
        return cls(pack, registry, rules, twin)


@dataclass(slots=True)
class Source:
    """One source of frames: its pack's line, its mappings, its own event-time clock."""

    name: str
    line: Line
    mapped: list[table.Mapped]
    periods: Mapping[str, int]
    zone: tzinfo
    opened: Opened
    devices: Devices
    decoder: Decoder | None = None
    watermark: int = 0
    closed: int = 0
    midnight: int = NEVER
    tick: int = NEVER
    position: str = ""
    told: int = 0
    ended: bool = False

    @classmethod
    def of(cls, said: Opened, line: Line, *, threads: Executor | None, lanes: int) -> "Source":
        """A source as its opening describes it, with nothing taken from it yet.

        Raises:
            BadInput: a mapping or the time zone cannot be meant.
            NotFound: its protocol is not installed.
        """
        source = cls(
            said.source, line, [adopt.mapped(t) for t in said.manifest["streams"]],
            said.manifest["period"], zone(said.manifest["timezone"]),
            said,
            Devices(strangers=said.manifest.get("strangers", True)),
        )  # fmt: skip
        protocol = said.manifest.get("protocol")
        declared = line.pack.indicators.values()
        units = {i.name: "" if i.quoted else i.unit for i in declared if not i.derived}
        if protocol == native_batch.PROTOCOL:
            own = native_batch.Decoder(units, threads=threads, parts=lanes)
            source.decoder = Registered(own, source.devices)
        elif protocol:
            words = said.manifest
            spelling = spoken.Spelling(units, words.get("indicators", {}), words.get("kinds", {}))
            source.decoder = spoken.Decoder(
                decoders.find(protocol), spelling, register=source.devices,
                signer=decoders.signer(protocol), goods=decoders.goods(protocol),
            )  # fmt: skip
        datum = said.manifest.get("datum", DATUMS[0])
        if source.decoder is not None and datum != DATUMS[0]:
            source.decoder = Shifted(source.decoder, datum)
        return source

    @property
    def contents(self) -> Contents | None:
        """Which messages have come, for protocols without a running number."""
        decoder = self.decoder.inner if isinstance(self.decoder, Shifted) else self.decoder
        return decoder.contents if isinstance(decoder, spoken.Decoder) else None

    def goods(self) -> list[tuple[int, GoodsTold]]:
        """What the frame that was decoded last tells about goods, with the line of each."""
        decoder = self.decoder.inner if isinstance(self.decoder, Shifted) else self.decoder
        return decoder.goods() if isinstance(decoder, spoken.Decoder) else []

    def shown(self, frame: Frame, line: int) -> tuple[tuple[str, ...], str]:
        """The line (or message) of a frame to which a reference points, under its header."""
        if self.decoder is None:
            return self.mapped[frame.stream].header, table.slice_lines(frame, line)
        said = message(frame, line)
        text = said.decode("utf-8", "replace")
        plain = text.replace("\n", "").replace("\x1e", "").isprintable() and "\ufffd" not in text
        return (), text if plain else said.hex(" ")

    def trust(self, frame: Frame) -> str:
        """How well the sender of a live frame is known; nothing for a recording."""
        return TRUSTS.get(frame.stream, "unproven") if self.decoder is not None else ""


def opening(pack: str, protocol: str, *, timezone: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of a live source, with its defaults.

    Args:
        pack: the pack whose things report.
        protocol: what its devices speak.
        timezone: in which its days end.
        told: where given ``things``, ``geofences``, ``indicators``, ``kinds``, ``strangers``
            and ``datum``.
    """
    things = [{"parent": "", "facts": {}, "geofence": "", **t} for t in told.get("things", ())]
    return {
        "pack": pack, "protocol": protocol, "streams": [], "period": {}, "timezone": timezone,
        "things": things, "geofences": dict(told.get("geofences") or {}),
        "indicators": dict(told.get("indicators") or {}), "kinds": dict(told.get("kinds") or {}),
        "strangers": bool(told.get("strangers", True)), "datum": told.get("datum", DATUMS[0]),
    }  # fmt: skip
