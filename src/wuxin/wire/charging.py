"""A central system for charging stations: OCPP over WebSocket, answered once it is durable.

The last part of the path names the station, the subprotocol its version. A station signs in by a
password (HTTP basic, its id as name) or, where one was asked for, by a client certificate that
names it. What it says is journalled behind a line that says who spoke, in which version, how it was
known, when the message came and which transaction it belongs to; a result of a call of ours also
carries that call. While the intake makes those wait who offer, all stations wait: that slows them.

Source: OCA, OCPP-J 1.6 §3 (connection), §4 (messages); OCPP 2.0.1 Part 4 §3; security profiles 1-3.
"""

import asyncio
import logging
from collections import Counter
from functools import partial
from http import HTTPStatus
from ssl import SSLContext
from typing import Any, Final, NamedTuple

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidHeader
from websockets.headers import parse_authorization_basic
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from wuxin.terms.clock import Clock, iso
from wuxin.terms.envelope import wrap
from wuxin.terms.errors import Conflict, NotFound
from wuxin.terms.ports import Gate, Offer, Trust
from wuxin.wire.certificates import gate_of
from wuxin.wire.charging_answers import Sessions
from wuxin.wire.charging_cards import Authorize
from wuxin.wire.charging_station import Station, station_of
from wuxin.wire.durable_answers import in_this_loop

VERSIONS: Final = {"ocpp2.1": "2.1", "ocpp2.0.1": "2.0.1", "ocpp1.6": "1.6"}
FRAME_BYTES: Final = 256 * 1024
_LOG: Final = logging.getLogger("wuxin.wire.charging")


class Doors(NamedTuple):
    """Who is let in: which stations may speak, and which cards may charge.

    Both may take their time. Who shows neither password nor certificate is turned away unasked.
    """

    gate: Gate
    authorize: Authorize


class Place(NamedTuple):
    """Where the central system listens, and what it expects of stations."""

    host: str = "127.0.0.1"
    port: int = 9000
    tls: SSLContext | None = None
    heartbeat_s: int = 300
    answer_s: float = 30.0
    source: str = "ocpp"


class CentralSystem:
    """Charging stations connect to it; what they say is offered, and answered when durable.

    ``counts`` tells what came, was answered, sent again, refused or lost.
    """

    def __init__(self, offer: Offer, clock: Clock, *, doors: Doors, place: Place) -> None:
        self.counts: Counter[str] = Counter()
        self.sessions = Sessions(doors.authorize, heartbeat_s=place.heartbeat_s)
        self._offer, self._clock, self._doors, self._place = offer, clock, doors, place
        self.port = place.port
        self._stations: dict[str, Station] = {}
        self._server: Server | None = None

    @property
    def where(self) -> str:
        """The address, with the port that was taken; a station's name follows it."""
        kind = "ws" if self._place.tls is None else "wss"
        return f"{kind}://{self._place.host}:{self.port}"

    async def start(self) -> int:
        """Listen; returns the port.

        Raises:
            OSError: the port cannot be had.
        """
        self._server = await serve(
            self._serve, self._place.host, self._place.port, ssl=self._place.tls,
            subprotocols=[Subprotocol(name) for name in VERSIONS], process_request=self._admit,
            max_size=FRAME_BYTES, compression=None,
        )  # fmt: skip
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    async def stop(self) -> None:
        """Close all connections; what is not yet durable stays unanswered and is sent again."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def call(self, station: str, action: str, *, payload: dict[str, Any]) -> dict[str, Any]:
        """Ask a station to do something; returns its answer once that is durable.

        Args:
            station: its id.
            action: such as RemoteStartTransaction, Reset, ChangeAvailability.
            payload: as the schema of the action wants it.

        Raises:
            NotFound: the station is not connected.
            BadInput: the payload does not fit the action.
            Conflict: the station refuses, does not answer in time, or goes.
        """
        found = self._stations.get(station)
        if found is None or found.socket is None:
            raise NotFound(f"charging station {station!r} is not connected")
        return await found.ask(action, payload, timeout_s=self._place.answer_s)

    @property
    def connected(self) -> list[str]:
        """The stations that are connected."""
        return sorted(name for name, each in self._stations.items() if each.socket is not None)

    async def _admit(self, socket: ServerConnection, request: Request) -> Response | None:
        """Let a station in, or answer 401 or 404; the rest of the handshake is the library's."""
        name = station_of(request.path)
        if not name:
            return socket.respond(HTTPStatus.NOT_FOUND, "The path does not name a station.\n")
        trust, password = None, _password(request, name)
        gate = gate_of(self._doors.gate, socket.transport)
        if password or gate is not self._doors.gate:
            trust = await asyncio.to_thread(gate.admits, name, password or "")
        if trust is Trust.CODE and self._place.tls is not None:
            trust = Trust.CERTIFICATE  # a password within TLS is no secret in the clear
        if trust is None:
            self._note("turned_away", name, why="the station is not known, or not by what it shows")
            refused = socket.respond(HTTPStatus.UNAUTHORIZED, "The station is not known.\n")
            refused.headers["WWW-Authenticate"] = 'Basic realm="ocpp"'
            return refused
        socket.username = f"{trust.name}/{name}"
        return None

    async def _serve(self, socket: ServerConnection) -> None:
        trust, _, name = socket.username.rpartition("/")
        version = VERSIONS[socket.subprotocol or ""]
        said = {"station": name, "trust": trust.lower(), "version": version}
        station = self._stations.setdefault(name, Station(name, self._clock, counts=self.counts))
        station.take(socket, version)
        try:
            async for text in socket:
                data = text.encode() if isinstance(text, str) else text
                await self._receive(station, data, said=said)
        except ConnectionClosed as wrong:
            self._note("broken", name, why=str(wrong))
        finally:
            station.leave(socket)

    async def _receive(self, station: Station, data: bytes, *, said: dict[str, str]) -> None:
        self.counts["received"] += 1
        received = iso(self._clock())
        call, fault = station.read(data)
        if call is not None and station.again(data):
            return
        line: dict[str, Any] = {**said, "received": received, **station.asked(data)}
        text, taken = fault, False
        try:
            if call is not None:
                transaction = self.sessions.context(call)
                if transaction is not None:
                    line["transaction"] = transaction
                answer = await asyncio.to_thread(
                    self.sessions.answer, call, transaction=transaction, now=received
                )
                text = station.result(data, answer)
            self._offer(
                wrap(line, data), source=self._place.source, position=received,
                acknowledge=in_this_loop(partial(station.answer, data, text)),
                trust=Trust[said["trust"].upper()],
            )  # fmt: skip
            taken = True
        except Conflict as wrong:
            self._note("not_taken", station.name, why=str(wrong))
            if station.socket is not None:
                await station.socket.close(1013, "try again later")
        finally:
            if not taken:
                station.forget(data)

    def _note(self, what: str, station: str, *, why: str) -> None:
        self.counts[what] += 1
        _LOG.warning("charging station %s: %s (%s)", station, why, what)


def _password(request: Request, name: str) -> str:
    """The password of HTTP basic, whose user name is the station's id; empty if there is none."""
    header = request.headers.get("Authorization")
    if header is None:
        return ""
    try:
        user, password = parse_authorization_basic(header)
    except (InvalidHeader, ValueError):
        return ""
    return password if user == name else ""
