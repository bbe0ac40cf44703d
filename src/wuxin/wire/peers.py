"""Peers of a server: the answers that are due to each, and how it is reached by TCP or UDP."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from wuxin.terms.ports import Heard, Session

_LINGER_S: Final = 10.0
"""How long a connection that is closed may take to fetch its last answers (s)."""


class Limits(NamedTuple):
    """What one peer may take.

    ``unanswered`` messages of a connection may wait for their answer before it is read no further;
    so is one that does not fetch its answers, and beyond ``unsent`` bytes of them it is closed.
    After ``idle_s`` seconds without a byte from it a peer is closed, and after ``stranger_s`` one
    that has not been let in by then, whatever it sends.
    """

    connections: int = 20_000
    per_address: int = 20_000
    unanswered: int = 64
    unsent: int = 256 * 1024
    idle_s: float = 900.0
    stranger_s: float = 60.0


LIMITS: Final = Limits()


@dataclass(slots=True)
class Due:
    """An answer that waits until its message is durable."""

    heard: Heard
    durable: bool = False


class Reader(Protocol):
    """The server, as its peers see it."""

    counts: Counter[str]
    limits: Limits

    def read(self, peer: "Peer") -> None:
        """There is room for what has come from a peer before."""
        ...

    def forget(self, peer: "Peer") -> None:
        """A peer has gone."""
        ...


class Peer:
    """One peer: its session, what it has said, what it is due, and how it is reached."""

    __slots__ = ("devices", "due", "ended", "ending", "fetches", "host", "junk", "key", "last",
                 "paused", "planned", "send", "server", "session", "since", "transport",
                 "unread")  # fmt: skip

    def __init__(self, server: Reader, key: Any, *, host: str, session: Session) -> None:
        self.server, self.key, self.host, self.session = server, key, host, session
        self.devices: set[str] = set()
        self.due: deque[Due] = deque()
        self.unread = b""
        self.junk = 0
        self.since = self.last = asyncio.get_running_loop().time()
        self.fetches = True
        self.paused = self.planned = self.ending = self.ended = False
        self.transport: Any = None
        self.send: Callable[[bytes], None] = lambda _: None

    @property
    def has_room(self) -> bool:
        """Whether more of what it says may be heard now."""
        return self.fetches and len(self.due) < self.server.limits.unanswered and not self.ending

    def flush(self) -> None:
        """Send the answers that are due, in order, and read on or no further."""
        while self.due and self.due[0].durable and not self.ended:
            heard = self.due.popleft().heard
            if heard.answer:
                self.send(heard.answer)
                self.server.counts["answers"] += 1
            if heard.ends:
                self.end()
        if self.ended:
            self.due.clear()
            self.unread = b""
            return
        if self.unread and self.has_room and not self.planned:
            # Not at once: a peer that has said much waits until the others have had their turn.
            self.planned = True
            asyncio.get_running_loop().call_soon(self.server.read, self)
        self._steer()

    def _steer(self) -> None:
        """Pause a connection that has said more than it may, or resume it."""
        if self.transport is None:
            return
        most = self.server.limits.unanswered
        most = most // 2 if self.paused else most - 1
        pauses = bool(self.unread) or not self.fetches or len(self.due) > most
        if pauses != self.paused:
            self.paused = pauses
            if pauses:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def end(self) -> None:
        """Close the connection once what was written is sent; not for long."""
        if self.ended:
            return
        self.ended = True
        if self.transport is None:
            self.server.forget(self)
            return
        self.transport.close()
        if self.transport.get_write_buffer_size():
            asyncio.get_running_loop().call_later(_LINGER_S, self.transport.abort)


class Crowd:
    """The peers of a server: by key, by address, and by the devices that they speak for."""

    def __init__(self, limits: Limits, counts: Counter[str]) -> None:
        self._limits, self._counts = limits, counts
        self._peers: dict[Any, Peer] = {}
        self._of: Counter[str] = Counter()
        self._devices: dict[str, Peer] = {}

    def has_room(self, host: str) -> bool:
        """Whether one more peer of that address may come; who may not is counted."""
        limits = self._limits
        if len(self._peers) < limits.connections and self._of[host] < limits.per_address:
            return True
        self._counts["turned_away"] += 1
        return False

    def add(self, peer: Peer) -> None:
        """A peer has come."""
        self._of[peer.host] += 1
        self._peers[peer.key] = peer
        self._counts["connections"] += 1

    def peer(self, key: Any) -> Peer | None:
        """The peer of that key, if it is here."""
        return self._peers.get(key)

    def speaks(self, peer: Peer, device: str) -> None:
        """A peer speaks for a device, which whoever spoke last is told by."""
        if self._devices.get(device) is not peer:
            peer.devices.add(device)
            self._devices[device] = peer

    def device(self, device: str) -> Peer | None:
        """Who speaks for a device, if anybody who is here does."""
        peer = self._devices.get(device)
        return None if peer is None or peer.ended else peer

    def forget(self, peer: Peer) -> None:
        """A peer has gone."""
        if self._peers.pop(peer.key, None) is None:
            return
        self._of[peer.host] -= 1
        if not self._of[peer.host]:
            del self._of[peer.host]
        for device in peer.devices:
            if self._devices.get(device) is peer:
                del self._devices[device]

    def sweep(self, now: float) -> None:
        """Close who has been silent, or not let in, for too long; ``now`` is the loop's time."""
        for peer in [*self._peers.values()]:
            if now - peer.last > self._limits.idle_s:
                self._counts["idle"] += 1
                peer.end()
            elif not peer.devices and now - peer.since > self._limits.stranger_s:
                self._counts["strangers"] += 1
                peer.end()

    def end(self) -> None:
        """Close all."""
        for peer in [*self._peers.values()]:
            peer.end()
