"""A Sparkplug host application without its sockets: what to remember, ask for, and write down.

One host for each MQTT server. It hears every message with its topic and the time it came, and
decides: what the journal gets (the message behind the line that makes it readable alone), what is
sent (a request for rebirth, its own state) and which metrics are stale from when on.

Numbers of a message that are missing are waited for as long as ``reorder_ns`` says; with 0 the
births are asked for at once. Messages are written down as they come: each metric has its own time,
so nothing is held back to be put in order.

Source: Eclipse Sparkplug 3.0.0 §5 (operational behaviour), §6.4 (aliases, sequence numbers).
"""

import json
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from wuxin.protocols.octets import BadFrame
from wuxin.protocols.sparkplug.births import Birth, bd_seq, born, rebirth, unknown, used
from wuxin.protocols.sparkplug.message import parse
from wuxin.protocols.sparkplug.topic import BIRTHS, COMMANDS, DATA, NAMESPACE, Topic, topic
from wuxin.terms.clock import SECOND, iso
from wuxin.terms.envelope import HEADER_BYTES, wrap
from wuxin.terms.errors import BadInput
from wuxin.terms.ports import Letter

NODES: Final = 10_000
DEVICES: Final = 1_000
"""Devices behind one edge node."""

AGAIN_NS: Final = 10 * SECOND
"""How long no second rebirth is asked of the same node: births are the longest messages."""

_MS: Final = 1_000_000
_WINDOW: Final = 128
"""A number further ahead than half of the circle has come late, not early."""


class Offline(NamedTuple):
    """A node or device that is gone, since when (ns), and its metrics, which are stale."""

    device: str
    since: int
    metrics: tuple[str, ...]


class Decision(NamedTuple):
    """What is to be done about a message."""

    journal: bytes | None = None
    send: tuple[Letter, ...] = ()
    offline: tuple[Offline, ...] = ()
    trouble: str = ""
    """What was not as it should be, in one sentence; empty if all was."""


@dataclass(slots=True)
class _Node:
    """An edge node; without a birth under "" it has not been born, or has died."""

    births: dict[str, Birth] = field(default_factory=dict)
    owners: dict[int, str] = field(default_factory=dict)
    """Which device's metric an alias stands for; it is one metric's in all of the node."""
    bd_seq: int | None = None
    expected: int | None = None
    early: set[int] = field(default_factory=set)
    waiting: int | None = None
    asked: int | None = None


class Host:
    """The session of a host application with one MQTT server.

    Args:
        host_id: its name among the hosts of the site.
        reorder_ns: how long a missing number is waited for.
    """

    def __init__(self, host_id: str, *, reorder_ns: int = 0) -> None:
        self._state = f"{NAMESPACE}/STATE/{host_id}"
        try:
            topic(self._state)
        except BadFrame:
            raise BadInput(f"{host_id!r} cannot stand in a topic") from None
        self._reorder = reorder_ns
        self._nodes: dict[str, _Node] = {}
        self._connected = 0

    def subscriptions(self) -> tuple[str, ...]:
        """What to subscribe to after connecting, its own state first."""
        return self._state, f"{NAMESPACE}/#"

    def will(self, now: int) -> Letter:
        """The message with which the server tells of the host's death; the birth has its time."""
        self._connected = now
        return self._says(online=False, now=now)

    def birth(self) -> Letter:
        """The host's birth, to be published once its subscriptions stand."""
        return self._says(online=True, now=self._connected)

    def death(self, now: int) -> Letter:
        """What to publish before the host leaves on purpose."""
        return self._says(online=False, now=now)

    def _says(self, *, online: bool, now: int) -> Letter:
        said = json.dumps({"online": online, "timestamp": now // _MS}).encode()
        return Letter(self._state, said, qos=1, retain=True)

    def hear(self, name: str, payload: bytes, *, now: int) -> Decision:
        """Decide about a message; never raises, whatever the bytes.

        Args:
            name: its topic.
            payload: its bytes.
            now: when it came, ns.
        """
        try:
            where = topic(name)
            if where.kind == "STATE":
                return self._heard_state(name, payload)
            if where.kind in COMMANDS:
                return Decision()  # another host speaks to a node
            return self._heard(name, payload, where=where, now=now)
        except BadFrame as bad:
            return Decision(self._line(name, payload, now=now), trouble=f"{bad} at {bad.at}")

    def take(self, topic: str, payload: bytes, *, now: int) -> tuple[bytes | None, list[Letter]]:
        """What the journal keeps of a message, none for nothing, and what is to be published."""
        found = self.hear(topic, payload, now=now)
        return found.journal, [*found.send, *self.due(now)]

    def due(self, now: int) -> tuple[Letter, ...]:
        """Requests for the births of nodes whose missing numbers have not come in time."""
        found: list[Letter] = []
        for edge, node in self._nodes.items():
            if node.waiting is not None and now - node.waiting >= self._reorder:
                node.expected, node.waiting = None, None
                node.early.clear()
                found += self._ask(edge, node, now=now)
        return tuple(found)

    def _heard_state(self, name: str, payload: bytes) -> Decision:
        """Its own death, heard while it lives, comes from an older connection of its own."""
        if name != self._state or not self._connected:
            return Decision()
        try:
            said = json.loads(payload)
        except (ValueError, RecursionError):
            said = None
        if isinstance(said, dict) and said.get("online") is True:
            return Decision()
        return Decision(send=(self.birth(),), trouble="somebody said that this host is offline")

    def _heard(self, name: str, payload: bytes, *, where: Topic, now: int) -> Decision:
        if where.edge not in self._nodes and len(self._nodes) >= NODES:
            trouble = f"there are more than {NODES} edge nodes"
            return Decision(self._line(name, payload, now=now), trouble=trouble)
        said = parse(payload)
        node = self._nodes.setdefault(where.edge, _Node())
        if where.kind == "NDEATH":
            dead, trouble = self._died(node, said, where=where, now=now)
            return Decision(self._line(name, payload, now=now), offline=dead, trouble=trouble)
        if where.kind == "NBIRTH":
            node.births.clear()
            node.owners.clear()
            node.early.clear()
            node.bd_seq, node.expected, node.waiting = bd_seq(said), None, None
        fault, is_gap = self._counted(node, said, now=now)
        gone: tuple[Offline, ...] = ()
        if where.kind in BIRTHS:
            fault = _remember(node, said, where=where) or fault
        missed = _missed(node, said, where=where)
        if where.kind == "DDEATH":
            gone = _left(node, said, where=where, now=now)
        # While a number is waited for, it may be the very birth that is missed.
        asks = (is_gap and not self._reorder) or (missed and node.waiting is None)
        send = self._ask(where.edge, node, now=now) if asks else ()
        line = self._line(name, payload, now=now, birth=node.births.get(where.device), said=said)
        return Decision(line, send, gone, missed or fault)

    def _died(
        self, node: _Node, said: Any, *, where: Topic, now: int
    ) -> tuple[tuple[Offline, ...], str]:
        """A death tells of the session with its number; the node may have begun another since."""
        if "" not in node.births:
            return (), ""
        if bd_seq(said) != node.bd_seq:
            return (), "a death of another session is not of this one"
        gone = tuple(
            Offline(f"{where.edge}/{device}" if device else where.edge, now, tuple(birth.types))
            for device, birth in node.births.items()
        )
        self._nodes[where.edge] = _Node(asked=node.asked)
        return gone, ""

    def _counted(self, node: _Node, said: Any, *, now: int) -> tuple[str, bool]:
        """Hold the message's number against the one that is next; true if one was missed."""
        number = said.seq if said.HasField("seq") else None
        if number is None or number > 255:
            return "a message has no number from 0 to 255", False
        if node.expected is None or number == node.expected:
            node.expected = (number + 1) % 256
            while node.expected in node.early:
                node.early.discard(node.expected)
                node.expected = (node.expected + 1) % 256
            if not node.early:
                node.waiting = None
            return "", False
        trouble = f"number {number} came where {node.expected} was next"
        if not self._reorder:
            node.expected = (number + 1) % 256
        elif (number - node.expected) % 256 < _WINDOW:
            node.early.add(number)
            node.waiting = now if node.waiting is None else node.waiting
        return trouble, True

    def _ask(self, edge: str, node: _Node, *, now: int) -> tuple[Letter, ...]:
        if node.asked is not None and now - node.asked < AGAIN_NS:
            return ()
        node.asked = now
        group, _, name = edge.partition("/")
        return (Letter(f"{NAMESPACE}/{group}/NCMD/{name}", rebirth(now)),)

    @staticmethod
    def _line(
        name: str, payload: bytes, *, now: int, birth: Birth | None = None, said: Any = None
    ) -> bytes:
        """The message behind its line; without names if they do not fit, for the bytes must."""
        line: dict[str, Any] = {"topic": name, "received": iso(now)}
        if birth is None:
            return wrap(line, payload)
        whole = wrap(line | used(birth, said), payload)
        return whole if len(whole) - len(payload) <= HEADER_BYTES else wrap(line, payload)


def _remember(node: _Node, said: Any, *, where: Topic) -> str:
    """Keep a birth, and say what is wrong with it."""
    if where.device not in node.births and len(node.births) > DEVICES:
        return f"there are more than {DEVICES} devices behind the edge node"
    for alias in node.births.get(where.device, Birth()).names:
        node.owners.pop(alias, None)
    birth, trouble = born(said)
    node.births[where.device] = birth
    for alias in birth.names:
        if (owner := node.owners.setdefault(alias, where.device)) != where.device:
            return f"alias {alias} stands for a metric of {owner or 'the node'} too"
    if not trouble and where.kind == "NBIRTH" and node.bd_seq is None:
        return "a birth of a node has no bdSeq"
    return trouble


def _missed(node: _Node, said: Any, *, where: Topic) -> str:
    """Say which birth must have been missed, if one was."""
    if "" not in node.births:
        return "the node has not told of its birth"
    birth = node.births.get(where.device)
    if birth is None:
        return "the device has not told of its birth"
    return unknown(birth, said) if where.kind in DATA else ""


def _left(node: _Node, said: Any, *, where: Topic, now: int) -> tuple[Offline, ...]:
    birth = node.births.pop(where.device, None)
    since = min(said.timestamp * _MS, now) if said.HasField("timestamp") else now
    return () if birth is None else (Offline(where.who, since, tuple(birth.types)),)
