"""Where rooms that must not know each other meet: what the wire asks of a protocol and of the hall.

A session is a protocol's side of a talk with one peer, without socket and clock. The wire reads
bytes and hands them in; what the session heard goes to the journal, and only when that is durable
the wire sends the session's answer.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Any, NamedTuple, Protocol


class Trust(IntEnum):
    """How well it is known who speaks; a reading's trust is that of the message it came in."""

    UNPROVEN = 0
    """Anybody who can reach the port could have said so."""

    CODE = 1
    """A secret was sent in the clear: an authentication code, a password without TLS."""

    CERTIFICATE = 2
    """The peer's certificate, or a password within TLS, names the device."""

    SIGNED = 3
    """The device signed the message itself."""


class Heard(NamedTuple):
    """One message of a peer.

    ``message`` is what the journal keeps, which can be understood alone (see
    :mod:`wuxin.terms.envelope`); empty where there is nothing to keep, and the answer goes at once.
    ``device`` is who speaks, as the protocol names it, and empty for who is not let in. ``answer``
    is sent once the message is durable. With ``ends`` the talk is over after that.
    """

    message: bytes
    device: str
    answer: bytes = b""
    trust: Trust = Trust.UNPROVEN
    ends: bool = False


class Session(Protocol):
    """A talk with one peer; never raises, whatever the bytes, and holds a bounded part of them."""

    junk: int
    """Bytes that were in no frame, or in one that is not kept, and were passed over."""

    def feed(self, data: bytes, now: int) -> Sequence[Heard]:
        """What the peer says with these further bytes, received at ``now`` (ns)."""
        ...

    def tell(self, name: str, fields: Mapping[str, Any], *, now: int) -> Sequence[bytes]:
        """The bytes of a message to the peer.

        Raises:
            BadInput: there is no such message, its fields do not fit, or the peer is not known yet.
        """
        ...


class Gate(Protocol):
    """Who may speak."""

    def admits(self, device: str, secret: str) -> Trust | None:
        """How far a device that shows this secret is believed; None: it may not speak.

        An empty secret is one that was not shown, or that the protocol has no place for.
        """
        ...

    def code(self, device: str) -> str | None:
        """The authentication code that a device gets when it registers; None: it may not."""
        ...


class Letter(NamedTuple):
    """A message to be published by a broker; ``retain``: whoever subscribes later gets it, too."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False


class Host(Protocol):
    """A protocol's side of a talk with all devices of one broker, without sockets and clock.

    It is told every message with its topic; it keeps what is needed to understand the next.
    """

    def subscriptions(self) -> Sequence[str]:
        """What to subscribe to."""
        ...

    def will(self, now: int) -> Letter:
        """What the broker tells the devices when we are lost; asked for before connecting (ns)."""
        ...

    def birth(self) -> Letter:
        """What to publish once the subscriptions stand."""
        ...

    def death(self, now: int) -> Letter:
        """What to publish before leaving on purpose."""
        ...

    def take(self, topic: str, payload: bytes, *, now: int) -> tuple[bytes | None, list[Letter]]:
        """What the journal keeps of a message, none for nothing, and what is to be published."""
        ...


Hosts = Callable[[str], Host]
"""What a protocol offers to a subscriber of a broker: given its name among the hosts of a site."""


Sessions = Callable[[Gate], Session]
"""What a protocol offers to a server of connections (TCP) or of packets (UDP)."""


class Offer(Protocol):
    """Hands a message in; it may wait while too much is waiting to be written."""

    def __call__(
        self, payload: bytes, *, source: str, position: str, acknowledge: Callable[[], None],
        trust: Trust = Trust.UNPROVEN,
    ) -> None:  # fmt: skip
        """Take in one message of a source.

        Args:
            payload: the message.
            source: the source, by name.
            position: where the source stands after it, in the source's own words.
            acknowledge: called on another thread once the message is durable; returns at once.
            trust: how well it is known who sent it.

        Raises:
            Conflict: nothing more is taken in.
        """
        ...


class Evidence(Protocol):
    """Where a wing puts what must be provable later; the command line joins it to a log."""

    def record(self, kind: str, said: Mapping[str, Any], *, at: int) -> None:
        """Put a record of plain values in evidence; it is durable once this returns.

        Args:
            kind: what it is: lower-case letters, digits and hyphens, at most 32.
            said: plain values.
            at: when it happened, ns.

        Raises:
            OSError: the disk refused; what the record is about must not go on.
        """
        ...

    def records(self) -> Iterable[tuple[str, Mapping[str, Any]]]:
        """All records so far, in order: kind and values."""
        ...
