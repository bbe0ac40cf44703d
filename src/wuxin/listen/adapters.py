"""From what a file of sources says to the adapters of the wire that bring its messages in."""

import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol
from urllib.parse import SplitResult

from fastapi import APIRouter

from wuxin.listen.captured import interface
from wuxin.listen.described import Described
from wuxin.listen.doors import ask_for_certificates, cards, recalled
from wuxin.live import Gate, Live
from wuxin.protocols import decoders
from wuxin.terms.errors import BadInput
from wuxin.wire.charging import CentralSystem, Doors
from wuxin.wire.charging import Place as ChargingPlace
from wuxin.wire.mqtt import MqttSubscriber, Route
from wuxin.wire.mqtt_link import Broker
from wuxin.wire.opcua_changes import Item
from wuxin.wire.poll_modbus import ModbusPoller, Target
from wuxin.wire.poll_mtconnect import Agent, MtconnectPoller
from wuxin.wire.poll_rest import RestPoller, Service
from wuxin.wire.speaker import cbor_device, json_device
from wuxin.wire.stream import Address, Server, Speaks
from wuxin.wire.subscribe_opcua import OpcuaSubscriber, Plant
from wuxin.wire.web import routes
from wuxin.wire.web_identity import Desk
from wuxin.wire.web_server import WebServer

OWN: Final[Mapping[str, tuple[str, ...]]] = {
    "wuxin": ("application/json", "application/x-ndjson"),
    "wuxin_cbor": ("application/cbor",),
    "wuxin_cose": ("application/cose",),
}
"""Frames that name their device themselves, with the media types in which they are posted."""

_SPEAKERS: Final = {"wuxin": json_device, "wuxin_cbor": cbor_device}
_SECURE: Final = "mqtts"
_SINCE: Final = {"icar": "meta-modified-from"}
"""Parameters that ask for what has changed since a time."""


class Adapter(Protocol):
    """What brings messages in; it is started and stopped in the event loop of the wire."""

    async def start(self) -> Any:
        """Begin to listen, or to ask."""
        ...

    async def stop(self) -> None:
        """End it."""
        ...


def adapters(source: Described, *, gate: Gate, live: Live) -> list[Adapter]:
    """All that brings messages of a source in, but for what is posted to the portal.

    Raises:
        BadInput: a certificate cannot be used.
    """
    heard = [_heard(source, p, gate=gate, live=live) for p in source.places if p.hostname]
    return [*heard, *([_ASKING[source.protocol](source, live)] if source.asked else [])]


def _heard(source: Described, place: SplitResult, *, gate: Gate, live: Live) -> Adapter:
    host, port = place.hostname or "", place.port or 0
    if place.scheme.startswith("mqtt"):
        return _subscriber(source, place, live=live)
    if place.scheme == "ws":
        return _central(source, place, gate=gate, live=live)
    if place.scheme in {"http", "https"}:
        tls = _server_tls(source) if place.scheme == "https" else None
        return WebServer(posted([source], live), host=host, port=port, tls=tls)
    speaks = Speaks(source.name, decoders.sessions(source.protocol), gate)
    address = Address(place.scheme, host, port, _server_tls(source))
    return Server(live.offer, live.home.clock, speaks=speaks, address=address)


def posted(sources: Sequence[Described], live: Live) -> APIRouter:
    """The addresses at which messages and documents of some sources are posted."""
    strangers = {source.name: source.strangers for source in sources}
    desk = Desk(
        lambda name: live.gate(name, strangers=strangers[name]),
        messages={s.name: OWN[s.protocol] for s in sources if s.protocol in OWN},
        documents={s.name: s.before for s in sources if s.protocol not in OWN},
    )
    router = routes(live.offer, live.home.clock, desk=desk)
    router.include_router(interface(live.home, desk))
    return router


def _central(source: Described, place: SplitResult, *, gate: Gate, live: Live) -> CentralSystem:
    known = cards(source.name, source.card, any_card=source.any_card)
    where = ChargingPlace(
        place.hostname or "", place.port or 0, source=source.name, tls=_server_tls(source)
    )
    central = CentralSystem(live.offer, live.home.clock, doors=Doors(gate, known), place=where)
    for station, transaction in recalled(live.home, source.name):
        central.sessions.remember(station, transaction)
    return central


def _subscriber(source: Described, place: SplitResult, *, live: Live) -> MqttSubscriber:
    name = f"wuxin-{live.home.tenant}-{source.name}"
    broker = Broker(
        place.hostname or "", place.port or 0, client_id=name, username=place.username or "",
        password=place.password or "",
        tls=_client_tls(source) if place.scheme == _SECURE else None,
    )  # fmt: skip
    hosts = decoders.host(source.protocol)
    host = hosts(name) if hosts is not None else None
    filters = [source.topic] if host is None or source.topic else host.subscriptions()
    routes = [
        Route(
            topic, source.name, wrap_topic=source.protocol not in OWN, host=host,
            trusted_topic_device=source.topic_device, device_of=_SPEAKERS.get(source.protocol),
        )
        for topic in filters
    ]  # fmt: skip
    return MqttSubscriber(live.offer, live.home.clock, broker=broker, routes=routes)


def _modbus(source: Described, live: Live) -> Adapter:
    targets = []
    for device in source.asked:
        place = source.endpoint(device)
        unit = place.path.strip("/") or "1"
        if not unit.isdecimal() or not 0 <= int(unit) <= 255:
            raise BadInput(f"source {source.name!r}: {device.endpoint!r}: {unit!r} is no unit")
        table = device.table or source.table
        if source.protocol == "modbus_map" and not table:
            raise BadInput(f"source {source.name!r}: device {device.id!r} has no table")
        targets.append(
            Target(
                device.id, place.hostname or "", place.port or 502, int(unit), source.period_s,
                table=table, input=source.input_registers,
            )
        )  # fmt: skip
    return ModbusPoller(live.offer, live.home.clock, targets=targets, source=source.name)


def _mtconnect(source: Described, live: Live) -> Adapter:
    agents = [Agent(d.id, d.endpoint, source.period_s) for d in source.asked]
    position = live.home.flow.sources[source.name].position
    return MtconnectPoller(
        live.offer, live.home.clock, agents=agents, source=source.name, position=position
    )


def _rest(source: Described, live: Live) -> Adapter:
    services = [
        Service(
            d.id, d.endpoint, source.period_s, _SINCE[source.protocol], d.user, d.password,
            before=source.before,
        )
        for d in source.asked
    ]  # fmt: skip
    position = live.home.flow.sources[source.name].position
    return RestPoller(
        live.offer, live.home.clock, services=services, source=source.name, position=position
    )


def _opcua(source: Described, live: Live) -> Adapter:
    plants = [
        Plant(
            d.id, d.endpoint, tuple(Item(i.node, i.name, i.unit) for i in d.items),
            source.period_s, security=d.security, user=d.user, password=d.password,
        )
        for d in source.asked
    ]  # fmt: skip
    return OpcuaSubscriber(live.offer, live.home.clock, plants=plants, source=source.name)


_ASKING: Final[Mapping[str, Callable[[Described, Live], Adapter]]] = {
    "modbus_map": _modbus, "sunspec": _modbus, "mtconnect": _mtconnect, "opcua": _opcua,
    "icar": _rest,
}  # fmt: skip


def _server_tls(source: Described) -> ssl.SSLContext | None:
    """TLS for those who connect here; with ``tls_ca`` they have to show a certificate of that."""
    if not source.tls_certificate:
        return None
    tls = _loaded(source, ssl.create_default_context(ssl.Purpose.CLIENT_AUTH))
    if source.tls_ca:
        ask_for_certificates(tls, source.tls_ca, source=source.name)
    return tls


def _client_tls(source: Described) -> ssl.SSLContext:
    """TLS towards a broker, which ``tls_ca`` has to vouch for, if it is given."""
    try:
        tls = ssl.create_default_context(cafile=source.tls_ca or None)
    except (OSError, ssl.SSLError) as wrong:
        raise BadInput(f"source {source.name!r}: its tls_ca: {wrong}") from None
    return _loaded(source, tls)


def _loaded(source: Described, tls: ssl.SSLContext) -> ssl.SSLContext:
    try:
        if source.tls_certificate:
            tls.load_cert_chain(source.tls_certificate, source.tls_key or None)
    except (OSError, ssl.SSLError) as wrong:
        raise BadInput(f"source {source.name!r}: its certificate: {wrong}") from None
    return tls
