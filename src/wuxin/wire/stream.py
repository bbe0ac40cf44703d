"""A server of devices that connect by TCP or send packets by UDP, whatever protocol they speak.

    bytes → session (protocol) → offer → … durable … → answer, in order

One event loop serves all. A peer that is slow, silent, too quick or talks nonsense costs itself:
it is paused or closed, and the others go on.
"""

import asyncio
import logging
import ssl
from collections import Counter, deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from wuxin.terms.clock import Clock
from wuxin.terms.errors import NotFound, Refused
from wuxin.terms.ports import Gate, Offer, Sessions
from wuxin.wire.peers import LIMITS, Connection, Due, Limits, Packets, Peer

_LOG: Final = logging.getLogger("wuxin.wire")
_SWEEP_S: Final = 5.0


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
        self._offer, self._clock = offer, clock
        self._speaks, self._address = speaks, address
        self._peers: dict[Any, Peer] = {}
        self._of: Counter[str] = Counter()
        self._devices: dict[str, Peer] = {}
        self._done: deque[tuple[Peer, Due]] = deque()
        self._called = False
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
                lambda: Connection(self), host, port, ssl=self._address.tls, backlog=4096
            )
            self.port, self._close = server.sockets[0].getsockname()[1], server.close
        self._sweep()

    async def stop(self) -> None:
        """Listen no more and close what is open; what was not answered will be sent again."""
        self._close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for peer in [*self._peers.values()]:
            peer.end()
        await asyncio.sleep(0)

    def tell(self, device: str, name: str, *, fields: Mapping[str, Any]) -> None:
        """Send a protocol's message to a device that is connected; from the loop only.

        Raises:
            NotFound: it is not connected.
            BadInput: there is no such message, or its fields do not fit.
        """
        if device not in self._devices:
            raise NotFound(f"device {device!r} is not connected")
        peer = self._devices[device]
        for frame in peer.session.tell(name, fields, now=self._clock()):
            peer.send(frame)

    # ---- peers ---------------------------------------------------------------------------------

    def admits(self, key: Any, host: str) -> bool:
        """Whether there is room for one more peer."""
        room = len(self._peers) < self.limits.connections
        if not room or self._of[host] >= self.limits.per_address:
            self.counts["turned_away"] += 1
            return False
        self._of[host] += 1
        self._peers[key] = Peer(
            self, key, host=host, session=self._speaks.sessions(self._speaks.gate)
        )
        self.counts["connections"] += 1
        return True

    def peer(self, key: Any) -> "Peer | None":
        """The peer of that key, if it is (still) here."""
        return self._peers.get(key)

    def forget(self, peer: "Peer") -> None:
        """A peer has gone."""
        if self._peers.pop(peer.key, None) is None:
            return
        self._of[peer.host] -= 1
        if self._devices.get(peer.device) is peer:
            del self._devices[peer.device]

    def take(self, peer: "Peer", data: bytes) -> None:
        """Bytes have come from a peer."""
        assert self._loop is not None
        peer.last = self._loop.time()
        for heard in peer.session.feed(data, self._clock()):
            if heard.device and heard.device != peer.device:
                peer.device = heard.device
                self._devices[heard.device] = peer
            due = Due(heard, durable=not heard.message)
            peer.due.append(due)
            if heard.message and not self._offered(peer, due):
                return
        peer.flush()

    def _offered(self, peer: "Peer", due: Due) -> bool:
        heard = due.heard
        try:
            self._offer(
                heard.message, source=self._speaks.source, position=heard.device,
                acknowledge=partial(self._durable, peer, due), trust=heard.trust,
            )  # fmt: skip
        except Refused as wrong:
            self.counts["refused"] += 1
            _LOG.error("%s is not taken in: %s", self._speaks.source, wrong)
            peer.end()
            return False
        self.counts["messages"] += 1
        return True

    def _durable(self, peer: "Peer", due: Due) -> None:
        """From another thread: one call into the loop for all that have come meanwhile."""
        self._done.append((peer, due))
        if not self._called:
            self._called = True
            assert self._loop is not None
            try:
                self._loop.call_soon_threadsafe(self._answer)
            except RuntimeError:
                raise ConnectionError("the server has been stopped") from None

    def _answer(self) -> None:
        self._called = False
        touched = {}
        while self._done:
            peer, due = self._done.popleft()
            due.durable = True
            touched[id(peer)] = peer
        for peer in touched.values():
            peer.flush()

    def _sweep(self) -> None:
        assert self._loop is not None
        now = self._loop.time()
        for peer in [*self._peers.values()]:
            if now - peer.last > self.limits.idle_s:
                self.counts["idle"] += 1
                peer.end()
        self._sweeper = self._loop.call_later(min(_SWEEP_S, self.limits.idle_s / 2), self._sweep)
