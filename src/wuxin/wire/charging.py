"""A central system for charging stations: OCPP over WebSocket, answered once it is durable.

The last part of the path names the station, the subprotocol its version. A station signs in by a
password (HTTP basic, its id as name) or by a client certificate whose common name is its id. What
it says is journalled behind a line that says who spoke, in which version, how it was known, when
the message came and which transaction it belongs to; a result of a call of ours also carries that
call. While the intake makes those wait who offer, all stations wait: that is what slows them down.

Source: OCA, OCPP-J 1.6 §3 (connection), §4 (messages); OCPP 2.0.1 Part 4 §3; security profiles 1-3.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
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
from wuxin.terms.ports import Offer
from wuxin.wire.charging_answers import Authorize, Sessions
from wuxin.wire.charging_station import Station, station_of
from wuxin.wire.durable_answers import in_this_loop

VERSIONS: Final = {"ocpp2.1": "2.1", "ocpp2.0.1": "2.0.1", "ocpp1.6": "1.6"}
FRAME_BYTES: Final = 256 * 1024
_LOG: Final = logging.getLogger("wuxin.wire.charging")


class Doors(NamedTuple):
    """Who is let in: how a station is known, and whether a card may charge.

    ``authenticate`` is given the station's id and its password, which is empty only where TLS has
    checked a certificate of that name; it answers how the station is known, for the journal, or
    an empty text to turn it away. It may take its time.
    """

    authenticate: Callable[[str, str], str]
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
        self._stations: dict[str, Station] = {}
        self._server: Server | None = None

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
        return int(self._server.sockets[0].getsockname()[1])

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
        trust = ""
        password = _password(request, name)
        if password is None and _certified(socket, name):
            password = ""
        if password is not None:
            trust = await asyncio.to_thread(self._doors.authenticate, name, password)
        if not trust:
            self._note("turned_away", name, why="the station is not known, or not by this password")
            refused = socket.respond(HTTPStatus.UNAUTHORIZED, "The station is not known.\n")
            refused.headers["WWW-Authenticate"] = 'Basic realm="ocpp"'
            return refused
        socket.username = f"{trust}/{name}"
        return None

    async def _serve(self, socket: ServerConnection) -> None:
        trust, _, name = socket.username.rpartition("/")
        said = {"station": name, "trust": trust, "version": VERSIONS[socket.subprotocol or ""]}
        station = self._stations.setdefault(name, Station(name, self._clock, counts=self.counts))
        station.take(socket, said["version"])
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
                answer = await asyncio.to_thread(self.sessions.answer, call, now=received)
                text = station.result(data, answer)
            self._offer(
                wrap(line, data), source=self._place.source,
                position=received, acknowledge=in_this_loop(partial(station.answer, data, text)),
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


def _password(request: Request, name: str) -> str | None:
    """The password of HTTP basic, whose user name is the station's id; an empty one is none."""
    header = request.headers.get("Authorization")
    if header is None:
        return None
    try:
        user, password = parse_authorization_basic(header)
    except (InvalidHeader, ValueError):
        return None
    return password if user == name and password else None


def _certified(socket: ServerConnection, name: str) -> bool:
    """Whether TLS has checked a certificate of the client whose common name is the station."""
    tls = socket.transport.get_extra_info("ssl_object")
    shown = tls.getpeercert() if tls is not None else None
    return shown is not None and any(
        part == ("commonName", name) for group in shown.get("subject", ()) for part in group
    )
