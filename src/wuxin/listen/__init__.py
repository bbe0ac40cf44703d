"""A file of live sources, and the servers that it starts beside a home.

    [[source]]
    name = "trucks"                       # frames and batches carry it
    pack = "logistics"                    # whose things its devices report of
    protocol = "jt808"                    # what they speak: wuxin decode --help names all
    timezone = "Asia/Shanghai"            # in which its days end
    listen = "tcp://127.0.0.1:7611"       # or udp://; ws:// for OCPP; https:// for what is
                                          # posted, or "portal": posted to the portal's own
                                          # address; several in a list; or a broker:
                                          # mqtts://user:password@host:8883, with topic
    datum = "GCJ-02"                      # or BD-09, where devices report places on that
    strangers = false                     # true: devices that are not registered may speak
    kinds = { "" = "lot" }                # the pack's kind for a device's plain number
    indicators = { speed = "speed" }      # the pack's names for the protocol's
    [[source.device]]
    id = "13800138000"                    # as the protocol names it
    thing = "lot:L1"                      # what it is mounted on
    since = "2026-01-05T08:00Z"           # from when on; left out: whatever it reports
    password = "…"                        # where the protocol has one
    public_key = "…"                      # PEM, where devices sign what they say
    [[source.card]]                       # of charging stations: who may charge
    id = "04A2B3C4"                       # also group, expires, blocked, several; or, for the
                                          # source, any_card = true

Devices that have to be asked have an endpoint, and the source says how often (``period_s``):

    endpoint = "modbus://192.0.2.7:502/1" # SunSpec, or with a table of registers (modbus_map)
    endpoint = "http://192.0.2.8:5000"    # MTConnect's agent
    endpoint = "https://herd.example/…"   # ICAR ADE, with user and password, or a code alone
    endpoint = "opc.tcp://192.0.2.9:4840" # OPC UA, with items = [{ node = "ns=2;s=Weight" }]

TLS: ``tls_certificate`` and ``tls_key`` (PEM files) are ours; ``tls_ca`` vouches for the broker, or
for those who connect, who then have to show a certificate. With ``topic_device``, the level of the
topic (from 0) that names the device as the broker has checked it, its messages are trusted as that.

Devices in the file are registered as installed when they are new; their later life is told by
command, and the file changes nothing of it.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from wuxin.flow import DEVICE
from wuxin.home import Home
from wuxin.listen.adapters import OWN, Adapter, adapters, posted
from wuxin.listen.described import PORTAL, Described, read
from wuxin.listen.doors import who_charges
from wuxin.live import Live, gate_to, warm
from wuxin.stores.journal import Told
from wuxin.terms.errors import BadInput, NotFound, Refused
from wuxin.terms.records import Command
from wuxin.wire.charging import CentralSystem
from wuxin.wire.stream import Server

__all__ = ["Described", "Listening", "open_source", "read"]


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
            open_source(home, source)
            if source.protocol == "ocpp":
                say(who_charges(source.name, source.card, any_card=source.any_card))
        warm([line.twin for line in home.flow.lines.values()], say)
        self.live = Live(home)
        self.servers: dict[str, list[Adapter]] = {}
        self._sources = {source.name: source for source in sources}
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

    def posted(self) -> Any:
        """The addresses of the portal at which messages and documents are posted, as a router."""
        sources = [s for s in self._sources.values() if any(p.scheme == PORTAL for p in s.places)]
        return posted(sources, self.live)

    def tell(
        self, source: str, device: str, *, name: str, fields: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Send a protocol's message to a device that is connected; from any thread.

        Returns:
            What the device answered, where the protocol has answers (OCPP); they are durable.

        Raises:
            NotFound: the source has no such device connected, or is none that can be told anything.
            BadInput: there is no such message, or its fields do not fit.
            Conflict: the device refuses, or does not answer in time.
        """

        async def run() -> dict[str, Any]:
            """In the loop of the wire."""
            missing = NotFound(f"source {source!r} has nobody connected who can be told anything")
            for server in self.servers.get(source, ()):
                try:
                    if isinstance(server, CentralSystem):
                        return await server.call(device, name, payload=dict(fields))
                    if isinstance(server, Server):
                        server.tell(device, name, fields=fields)
                        return {}
                except NotFound as wrong:
                    missing = wrong  # it may be connected to another address of the source
            raise missing

        answer: dict[str, Any] = self._wait(run())
        return answer

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
        self.servers[source.name] = adapters(source, gate=gate, live=self.live)

    async def _start(self, say: Callable[[str], None]) -> None:
        for name, servers in self.servers.items():
            for server in servers:
                await server.start()
                where = getattr(server, "where", type(server).__name__)
                say(f"{name}: listening on {where}")
            if any(place.scheme == PORTAL for place in self._sources[name].places):
                what = "messages" if self._sources[name].protocol in OWN else "documents"
                say(f"{name}: listening at the portal on /v1/sources/{name}/{what}")

    def _wait(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


def open_source(home: Home, source: Described) -> None:
    """Open a source of a file where it is new, and register those of its devices that are new.

    Raises:
        BadInput: the source or a device cannot be meant.
        NotFound: its protocol is not installed.
    """
    home.attend(
        source.name, source.pack, protocol=source.protocol, timezone=source.timezone,
        things=source.thing, geofences=source.geofences, kinds=source.kinds,
        indicators=source.indicators, strangers=source.strangers or bool(source.asked),
        datum=source.datum,
    )  # fmt: skip
    _register(home, source, digest=gate_to(home, source.name).digest)


def _register(home: Home, source: Described, *, digest: Callable[[str, str], str]) -> None:
    """Register the devices of the file that are new, in one entry after the other."""
    known = home.flow.sources[source.name].devices
    for device in source.device:
        if known.get(device.id) is not None or not device.thing:
            continue
        now = home.clock()
        body = {"device": device.id, "to": "installed", "thing": device.thing}
        body["since"] = device.since
        if device.password and not device.endpoint:
            body["secret"] = digest(device.id, device.password)
        if device.public_key:
            body["public_key"] = device.public_key
        told = Told(source.name, now, Command(DEVICE, now, "operator", "", body))
        refusals = home.accept(told).refusals
        if refusals:
            raise BadInput(f"source {source.name!r}: {refusals[0].reason}")
