"""Peers of a server: the answers that are due to each, and how it is reached by TCP or UDP."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from wuxin.terms.ports import Heard, Session


class Limits(NamedTuple):
    """What one peer may take.

    ``unanswered`` messages of a connection may wait for their answer before it is read no further;
    beyond ``unsent`` bytes of answers that it does not fetch, or after ``idle_s`` seconds without a
    byte from it, it is closed.
    """

    connections: int = 20_000
    per_address: int = 20_000
    unanswered: int = 64
    unsent: int = 256 * 1024
    idle_s: float = 900.0


LIMITS: Final = Limits()


@dataclass(slots=True)
class Due:
    """An answer that waits until its message is durable."""

    heard: Heard
    durable: bool = False


class Host(Protocol):
    """The server, as its peers see it."""

    counts: Counter[str]
    limits: Limits

    def admits(self, key: Any, host: str) -> bool:
        """Whether there is room for one more peer."""
        ...

    def peer(self, key: Any) -> "Peer | None":
        """The peer of that key, if it is here."""
        ...

    def take(self, peer: "Peer", data: bytes) -> None:
        """Bytes have come from a peer."""
        ...

    def forget(self, peer: "Peer") -> None:
        """A peer has gone."""
        ...


class Peer:
    """One peer: its session, the answers that are due to it, and how it is reached."""

    __slots__ = ("device", "due", "host", "key", "last", "paused", "send", "server", "session",
                 "transport")  # fmt: skip

    def __init__(self, server: "Host", key: Any, *, host: str, session: Session) -> None:
        self.server, self.key, self.host, self.session = server, key, host, session
        self.device = ""
        self.due: deque[Due] = deque()
        self.last = asyncio.get_running_loop().time()
        self.paused = False
        self.transport: Any = None
        self.send: Callable[[bytes], None] = lambda _: None

    def flush(self) -> None:
        """Send the answers that are due, in order, and read on or no further."""
        while self.due and self.due[0].durable:
            heard = self.due.popleft().heard
            if heard.answer:
                self.send(heard.answer)
                self.server.counts["answers"] += 1
            if heard.ends:
                self.end()
                return
        limit = self.server.limits.unanswered
        if self.transport is None:
            return
        if not self.paused and len(self.due) >= limit:
            self.paused = True
            self.transport.pause_reading()
        elif self.paused and len(self.due) <= limit // 2:
            self.paused = False
            self.transport.resume_reading()

    def end(self) -> None:
        """Close the connection once what was written is sent."""
        self.server.forget(self)
        if self.transport is not None:
            self.transport.close()


class Connection(asyncio.Protocol):
    """A peer by TCP."""

    def __init__(self, server: "Host") -> None:
        self._server = server
        self._transport: Any = None
        self._peer: Peer | None = None

    def connection_made(self, transport: Any) -> None:
        """Note the peer, or turn it away."""
        host = (transport.get_extra_info("peername") or ("?",))[0]
        if not self._server.admits(self, host):
            transport.abort()
            return
        self._transport, self._peer = transport, self._server.peer(self)
        assert self._peer is not None
        self._peer.transport, self._peer.send = transport, self._send

    def data_received(self, data: bytes) -> None:
        """Hand its bytes on."""
        if self._peer is not None:
            self._server.take(self._peer, data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        del exc
        if self._peer is not None:
            self._server.forget(self._peer)

    def _send(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > self._server.limits.unsent:
            self._server.counts["slow"] += 1
            self._transport.abort()


class Packets(asyncio.DatagramProtocol):
    """Peers by UDP, each known by its address."""

    def __init__(self, server: "Host") -> None:
        self._server = server
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """Note the peer, or turn it away."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Hand a packet on; beyond what may wait it is dropped."""
        peer = self._server.peer(addr)
        if peer is None:
            if not self._server.admits(addr, addr[0]):
                return
            peer = self._server.peer(addr)
            assert peer is not None
            peer.send = lambda answer: self._transport.sendto(answer, addr)
        if len(peer.due) < self._server.limits.unanswered:
            self._server.take(peer, data)
        else:
            self._server.counts["dropped"] += 1  # it will send again what is not answered
