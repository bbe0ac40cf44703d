"""How the peers of a server are reached: by connections of TCP, by packets of UDP."""

import asyncio
import socket
from typing import Any, Protocol

from wuxin.wire.peers import Crowd, Peer, Reader


class Host(Reader, Protocol):
    """The server, as its connections see it."""

    crowd: Crowd

    def admit(self, key: Any, host: str, *, transport: Any = None) -> Peer | None:
        """A new peer, by its key and its address; None if there is no room for it."""
        ...

    def take(self, peer: Peer, data: bytes) -> None:
        """Bytes have come from a peer."""
        ...


class Connection(asyncio.Protocol):
    """A peer by TCP."""

    def __init__(self, server: Host) -> None:
        self._server = server
        self._transport: Any = None
        self._peer: Peer | None = None

    def connection_made(self, transport: Any) -> None:
        """Note the peer, or turn it away."""
        host = (transport.get_extra_info("peername") or ("?",))[0]
        self._peer = self._server.admit(self, host, transport=transport)
        if self._peer is None:
            transport.abort()
            return
        self._transport = transport
        # Else the system would take megabytes of answers for who does not fetch them.
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, self._server.limits.unsent
        )
        transport.set_write_buffer_limits(high=self._server.limits.unsent // 4)
        self._peer.transport, self._peer.send = transport, self._send

    def data_received(self, data: bytes) -> None:
        """Hand its bytes on."""
        if self._peer is not None:
            self._server.take(self._peer, data)

    def pause_writing(self) -> None:
        """Read no further from who does not fetch its answers."""
        self._fetches(now=False)

    def resume_writing(self) -> None:
        """Read on."""
        self._fetches(now=True)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        del exc
        if self._peer is not None:
            self._peer.ended = True
            self._peer.flush()
            self._server.forget(self._peer)

    def _fetches(self, *, now: bool) -> None:
        if self._peer is not None:
            self._peer.fetches = now
            if now:
                self._peer.flush()

    def _send(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > self._server.limits.unsent:
            self._server.counts["slow"] += 1
            self._transport.abort()


class Packets(asyncio.DatagramProtocol):
    """Peers by UDP, each known by its address."""

    def __init__(self, server: Host) -> None:
        self._server = server
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """Note how peers are answered."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Hand a packet on; beyond what may wait it is dropped."""
        peer = self._server.crowd.peer(addr)
        if peer is None:
            peer = self._server.admit(addr, addr[0])
            if peer is None:
                return
            peer.send = lambda answer: self._transport.sendto(answer, addr)
        if peer.has_room and not peer.unread:
            self._server.take(peer, data)
        else:
            self._server.counts["dropped"] += 1  # it will send again what is not answered
