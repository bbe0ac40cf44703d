"""A file of live sources, and the servers that it starts beside a home.

    [[source]]
    name = "trucks"                       # frames and batches carry it
    pack = "logistics"                    # whose things its devices report of
    protocol = "jt808"                    # what they speak
    timezone = "Asia/Shanghai"            # in which its days end
    listen = "tcp://127.0.0.1:7611"       # or udp://; ws:// for OCPP; several in a list; or a
                                          # broker: mqtt://user:password@host:1883, with topic
    strangers = false                     # true: devices that are not registered may speak
    kinds = { "" = "lot" }                # the pack's kind for a device's plain number
    indicators = { speed = "speed" }      # the pack's names for the protocol's
    [[source.device]]
    id = "13800138000"                    # as the protocol names it
    thing = "lot:L1"                      # what it is mounted on
    since = "2026-01-05T08:00Z"           # from when on; left out: whatever it reports
    password = "…"                        # where the protocol has one

Devices in the file are registered as installed when they are new; their later life is told by
command, and the file changes nothing of it.
"""

import asyncio
import ssl
import threading
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Self
from urllib.parse import SplitResult, urlsplit

import msgspec

from wuxin.flow import DEVICE
from wuxin.home import Home
from wuxin.live import Gate, Live, warm
from wuxin.protocols import decoders
from wuxin.stores.journal import Told
from wuxin.terms.errors import BadInput, Refused
from wuxin.terms.records import Command
from wuxin.wire.charging import CentralSystem, Doors, Place
from wuxin.wire.mqtt import MqttSubscriber, Route
from wuxin.wire.mqtt_link import Broker
from wuxin.wire.stream import Address, Server, Speaks

KINDS: Final = ("tcp", "udp", "ws", "mqtt")
_OWN: Final = ("wuxin", "native_cbor", "cose")
"""Frames that name their device themselves, so that no topic has to stand before them."""

Adapter = Server | MqttSubscriber | CentralSystem
"""What brings messages in; it is started and stopped in the event loop of the wire."""

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Mounted(msgspec.Struct, forbid_unknown_fields=True):
    """A device of the file: its id, on what and since when, its password and public key (PEM)."""

    id: _Name
    thing: _Name
    since: str = "1970-01-02"
    password: str = ""
    public_key: str = ""


class Described(msgspec.Struct, forbid_unknown_fields=True):
    """A source of the file; see the head of :mod:`wuxin.listen`."""

    name: _Name
    pack: _Name
    protocol: _Name
    listen: str | list[str]
    timezone: str = "UTC"
    strangers: bool = False
    kinds: dict[str, str] = {}
    indicators: dict[str, str] = {}
    thing: list[dict[str, Any]] = []
    geofences: dict[str, Any] = {}
    topic: str = ""
    device: list[Mounted] = []
    tls_certificate: str = ""
    tls_key: str = ""

    @property
    def places(self) -> list[SplitResult]:
        """Where to listen, or the broker to listen to.

        Raises:
            BadInput: an address is none.
        """
        places = [self.listen] if isinstance(self.listen, str) else self.listen
        return [_place(self, place) for place in places]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    source: list[Described]


def read(path: Path) -> list[Described]:
    """The sources of a file.

    Raises:
        BadInput: it cannot be read or says what cannot be meant; names the file and the place.
    """
    try:
        said = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _File)
    except (OSError, ValueError, msgspec.ValidationError) as wrong:
        raise BadInput(f"{path.name}: {wrong}") from None
    names = [source.name for source in said.source]
    for source in said.source:
        if names.count(source.name) > 1:
            raise BadInput(f"{path.name}: source {source.name!r} stands there twice")
        _ = source.places
    return said.source


class Listening:
    """The servers of all sources, in an event loop on a thread of its own, until it is closed.

    Args:
        home: the home.
        sources: what :func:`read` gave.
        say: told what is listened on, and when something takes a while.

    Raises:
        BadInput: a source cannot be meant, or an address cannot be listened on.
        Conflict: a broker cannot be reached, or refuses us.
    """

    def __init__(
        self, home: Home, sources: Sequence[Described], *, say: Callable[[str], None]
    ) -> None:
        for source in sources:
            _open(home, source)
        warm([line.twin for line in home.flow.lines.values()], say)
        self.live = Live(home)
        self.servers: dict[str, list[Adapter]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)
        self._thread.start()
        try:
            for source in sources:
                self._add(source)
            self._wait(self._start(say))
        except OSError as wrong:
            self.close()
            raise BadInput(f"cannot listen: {wrong}") from None
        except Refused:
            self.close()  # its threads would hold the program open
            raise

    def tell(self, source: str, device: str, *, name: str, fields: Mapping[str, Any]) -> None:
        """Send a protocol's message to a device that is connected; from any thread.

        Raises:
            NotFound: there is no such source, or the device is not connected.
            BadInput: there is no such message, or its fields do not fit.
        """

        async def run() -> None:
            """In the loop of the wire."""
            for server in self.servers.get(source, ()):
                if isinstance(server, Server):
                    server.tell(device, name, fields=fields)

        self._wait(run())

    def close(self) -> None:
        """Listen no more; return when all that was taken is written, answered and judged."""

        async def stop() -> None:
            """In the loop of the wire."""
            for servers in self.servers.values():
                for server in servers:
                    await server.stop()

        self._wait(stop())
        self.live.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _add(self, source: Described) -> None:
        gate = self.live.gate(source.name, strangers=source.strangers)
        _register(self.live.home, source, digest=gate.digest)
        self.servers[source.name] = [
            _adapter(source, place, gate=gate, live=self.live) for place in source.places
        ]

    async def _start(self, say: Callable[[str], None]) -> None:
        for name, servers in self.servers.items():
            for server in servers:
                await server.start()
                where = server.where if isinstance(server, Server) else type(server).__name__
                say(f"{name}: listening on {where}")

    def _wait(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()


def _open(home: Home, source: Described) -> None:
    home.attend(
        source.name, source.pack, protocol=source.protocol, timezone=source.timezone,
        things=source.thing, geofences=source.geofences, kinds=source.kinds,
        indicators=source.indicators,
    )  # fmt: skip


def _register(home: Home, source: Described, *, digest: Callable[[str, str], str]) -> None:
    """Register the devices of the file that are new, in one entry after the other."""
    known = home.flow.sources[source.name].devices
    for device in source.device:
        if known.get(device.id) is not None:
            continue
        now = home.clock()
        body = {"device": device.id, "to": "installed", "thing": device.thing}
        body["since"] = device.since
        if device.password:
            body["secret"] = digest(device.id, device.password)
        if device.public_key:
            body["public_key"] = device.public_key
        told = Told(source.name, now, Command(DEVICE, now, "operator", "", body))
        refusals = home.accept(told).refusals
        if refusals:
            raise BadInput(f"source {source.name!r}: {refusals[0].reason}")


def _place(source: Described, place: str) -> SplitResult:
    said = urlsplit(place)
    try:
        port = said.port
    except ValueError as wrong:
        raise BadInput(f"source {source.name!r}: {place!r}: {wrong}") from None
    if said.scheme not in KINDS or not said.hostname or port is None:
        raise BadInput(
            f"source {source.name!r}: {place!r} is no address; write tcp://127.0.0.1:7611"
        )
    if said.scheme in {"tcp", "udp"}:
        decoders.sessions(source.protocol)
    if said.scheme == "mqtt" and not source.topic:
        raise BadInput(f"source {source.name!r}: topic is missing, such as devices/#")
    if said.scheme == "ws" and source.protocol != "ocpp":
        raise BadInput(f"source {source.name!r}: ws:// is for protocol ocpp")
    return said


def _adapter(source: Described, place: SplitResult, *, gate: Gate, live: Live) -> Adapter:
    host, port = place.hostname or "", place.port or 0
    if place.scheme == "mqtt":
        broker = Broker(
            host, port, client_id=f"wuxin-{live.home.tenant}-{source.name}",
            username=place.username or "", password=place.password or "",
        )  # fmt: skip
        route = Route(source.topic, source.name, wrap_topic=source.protocol not in _OWN)
        return MqttSubscriber(live.offer, live.home.clock, broker=broker, routes=[route])
    if place.scheme == "ws":

        def authenticate(station: str, password: str) -> str:
            trust = gate.admits(station, password)
            return "" if trust is None else trust.name.lower()

        return CentralSystem(
            live.offer, live.home.clock, doors=Doors(authenticate, _any_card),
            place=Place(host, port, source=source.name, tls=_tls(source)),
        )  # fmt: skip
    speaks = Speaks(source.name, decoders.sessions(source.protocol), gate)
    address = Address(place.scheme, host, port, _tls(source))
    return Server(live.offer, live.home.clock, speaks=speaks, address=address)


def _any_card(_station: str, _card: str) -> str:
    """Who may charge is the operator's business; here it is only noted."""
    return "Accepted"


def _tls(source: Described) -> ssl.SSLContext | None:
    if not source.tls_certificate:
        return None
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        tls.load_cert_chain(source.tls_certificate, source.tls_key or None)
    except (OSError, ssl.SSLError) as wrong:
        raise BadInput(f"source {source.name!r}: its certificate: {wrong}") from None
    return tls
