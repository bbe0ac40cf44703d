"""A server of devices that connect by TCP or send packets by UDP, whatever protocol they speak.

    bytes → session (protocol) → offer → … durable … → answer, in order

One event loop serves all. A peer that is slow, silent, too quick or talks nonsense costs itself:
it is paused or closed, and the others go on.
"""

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from wuxin.terms.clock import Clock
from wuxin.terms.errors import NotFound, Refused
from wuxin.terms.ports import Gate, Offer, Sessions, Trust
from wuxin.wire.certificates import gate_of
from wuxin.wire.connections import Connection, Packets
from wuxin.wire.durable_answers import in_this_loop
from wuxin.wire.peers import LIMITS, Crowd, Due, Limits, Peer

_LOG: Final = logging.getLogger("wuxin.wire")
_SWEEP_S: Final = 5.0
_HANDSHAKE_S: Final = 10.0
"""How long TLS may take to begin; until then a connection is not among the peers yet."""

_PIECE: Final = 4096
"""Bytes of a peer that are heard in one turn; a read of the socket may bring 256 KB."""


class Address(NamedTuple):
    """Where to listen: ``tcp`` (within TLS if there is a context) or ``udp``; port 0 is any."""

    kind: str = "tcp"
    host: str = "127.0.0.1"
    port: int = 0
    tls: ssl.SSLContext | None = None


class Speaks(NamedTuple):
    """Whose devices these are (a source by name), how they talk, and who of them may."""

    source: str
    sessions: Sessions
    gate: Gate


class Server:
    """Listens for the devices of one source.

    Args:
        offer: takes messages in.
        clock: what time it is (ns).
        speaks: whose devices they are and how they talk.
        address: where to listen.
        limits: what one peer may take.
    """

    def __init__(
        self, offer: Offer, clock: Clock, *, speaks: Speaks, address: Address,
        limits: Limits = LIMITS,
    ) -> None:  # fmt: skip
        self.counts: Counter[str] = Counter()
        self.port = address.port
        self.limits = limits
        self.crowd = Crowd(limits, self.counts)
        # A password within TLS is no secret in the clear.
        self._code = Trust.CODE if address.tls is None else Trust.CERTIFICATE
        self._offer, self._clock = offer, clock
        self._speaks, self._address = speaks, address
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self._close: Callable[[], None] = lambda: None

    @property
    def where(self) -> str:
        """The address, with the port that was taken."""
        return f"{self._address.kind}://{self._address.host}:{self.port}"

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the address cannot be listened on.
        """
        self._loop = loop = asyncio.get_running_loop()
        host, port = self._address.host, self._address.port
        if self._address.kind == "udp":
            transport, _ = await loop.create_datagram_endpoint(
                lambda: Packets(self), local_addr=(host, port)
            )
            self.port, self._close = transport.get_extra_info("sockname")[1], transport.close
        else:
            server = await loop.create_server(
                lambda: Connection(self), host, port, ssl=self._address.tls, backlog=4096,
                ssl_handshake_timeout=None if self._address.tls is None else _HANDSHAKE_S,
            )  # fmt: skip
            self.port, self._close = server.sockets[0].getsockname()[1], server.close
        self._sweep()

    async def stop(self) -> None:
        """Listen no more and close what is open; what was not answered will be sent again."""
        self._close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        self.crowd.end()
        await asyncio.sleep(0)  # a transport closes in the next turn of the loop

    def tell(self, device: str, name: str, *, fields: Mapping[str, Any]) -> None:
        """Send a protocol's message to a device that is connected; from the loop only.

        Raises:
            NotFound: it is not connected.
            BadInput: there is no such message, or its fields do not fit.
        """
        peer = self.crowd.device(device)
        if peer is None:
            raise NotFound(f"device {device!r} is not connected")
        for frame in peer.session.tell(name, fields, now=self._clock()):
            peer.send(frame)

    # ---- peers ---------------------------------------------------------------------------------

    def admit(self, key: Any, host: str, *, transport: Any = None) -> Peer | None:
        """A new peer, by its key and its address; None if there is no room for it.

        One whose connection has a ``transport`` speaks for whom its certificate names, if any.
        """
        if not self.crowd.has_room(host):
            return None
        gate = self._speaks.gate
        session = self._speaks.sessions(gate if transport is None else gate_of(gate, transport))
        peer = Peer(self, key, host=host, session=session)
        self.crowd.add(peer)
        return peer

    def forget(self, peer: Peer) -> None:
        """A peer has gone."""
        self.crowd.forget(peer)

    def take(self, peer: Peer, data: bytes) -> None:
        """Bytes have come from a peer."""
        assert self._loop is not None
        peer.last = self._loop.time()
        if peer.unread or not peer.has_room:
            peer.unread += data  # at most what one read brings, as it is paused now
            peer.flush()
            return
        if len(data) > _PIECE:
            data, peer.unread = data[:_PIECE], data[_PIECE:]
        self._hear(peer, data)

    def read(self, peer: Peer) -> None:
        """The turn of a peer that had said more than was heard."""
        peer.planned = False
        if peer.ended or not peer.has_room:
            return
        data, peer.unread = peer.unread[:_PIECE], peer.unread[_PIECE:]
        self._hear(peer, data)

    def _hear(self, peer: Peer, data: bytes) -> None:
        for heard in peer.session.feed(data, self._clock()):
            if heard.device:
                self.crowd.speaks(peer, heard.device)
            due = Due(heard, durable=not heard.message)
            peer.due.append(due)
            if heard.message and not self._offered(peer, due):
                return
            if heard.ends:
                peer.ending = True
                break
        if peer.session.junk != peer.junk:
            self.counts["junk"] += peer.session.junk - peer.junk
            peer.junk = peer.session.junk
        peer.flush()

    def _offered(self, peer: Peer, due: Due) -> bool:
        heard = due.heard
        trust = self._code if heard.trust is Trust.CODE else heard.trust
        try:
            self._offer(
                heard.message, source=self._speaks.source, position=heard.device,
                acknowledge=in_this_loop(partial(self._durable, peer, due)), trust=trust,
            )  # fmt: skip
        except Refused as wrong:
            self.counts["refused"] += 1
            _LOG.error("%s is not taken in: %s", self._speaks.source, wrong)
            peer.end()
            return False
        self.counts["messages"] += 1
        return True

    def _durable(self, peer: Peer, due: Due) -> None:
        due.durable = True
        peer.flush()

    def _sweep(self) -> None:
        assert self._loop is not None
        self.crowd.sweep(self._loop.time())
        pause = min(_SWEEP_S, self.limits.idle_s / 2, self.limits.stranger_s / 2)
        self._sweeper = self._loop.call_later(pause, self._sweep)
