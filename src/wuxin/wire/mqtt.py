"""A subscriber to MQTT topics: the broker keeps each message until it is durable here.

A message at QoS 1 is acknowledged to the broker once it is in the journal. What was not, comes
again: after a broken connection, and after a restart of ours as long as the broker keeps the
session. So a message may come twice; its decoder knows it by what it says. What was published at
QoS 0 is taken as it comes, and may be lost on its way.

Several subscribers share the load where the filters begin with ``$share/NAME/`` and each has its
own client id. What waits for the session of one of them that has gone for good is lost with it.

How well the sender is known: a broker's word that a message came is no proof of who sent it, so
messages are unproven. Where the broker lets in by client certificates only, and lets a device
publish only to topics with the name in its certificate, a route says at which level that name is.
In Mosquitto: ``require_certificate true``, ``use_identity_as_username true``, ``allow_anonymous
false`` and an ``acl_file`` with ``pattern write devices/%u/#``.

Source: OASIS, MQTT 5.0, §4.7 (topic filters), §4.10 (request and response).
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

from wuxin.terms.clock import SECOND, Clock, iso
from wuxin.terms.envelope import wrap
from wuxin.terms.errors import BadInput, Conflict, Refused
from wuxin.terms.ports import Host, Letter, Offer, Trust
from wuxin.wire.durable_answers import in_this_loop
from wuxin.wire.mqtt_link import Broker, Delivery, Link
from wuxin.wire.patience import Peer, Unreadable, ended, persist, succeeded
from wuxin.wire.topics import topics

RECEIPT: Final = b'{"accepted":true}'
_LOG: Final = logging.getLogger("wuxin.wire.mqtt")


class Route(NamedTuple):
    """Which topics are which source, and how their messages are handed in.

    Attributes:
        topic_filter: as MQTT writes it, with ``+``, ``#`` and, before it, ``$share/NAME/``. Where
            several filters fit a topic the first route has the message.
        source: the source's name.
        wrap_topic: whether the topic stands before the message (:mod:`wuxin.terms.envelope`), and
            ``retained`` if the broker had kept it, as it may be old.
        trusted_topic_device: the level of the topic, from 0, that names the device as the broker
            has checked it by certificate; None where the broker checks nothing.
        device_of: the device that a message itself names, empty if none; it must not raise. A
            message that names another device than its topic is unproven. None: a message has no
            other name than the one in its topic.
        receipt_topic: a filter for response topics at which publishers who ask for it are told
            that their message is durable; empty for none. It should fit no more than these, as
            a publisher could otherwise have us write anywhere.
        host: decides instead what is handed in and what is answered, where a protocol of devices
            behind a broker has sessions. A connection has one will, so its routes share one.
    """

    topic_filter: str
    source: str
    wrap_topic: bool = True
    trusted_topic_device: int | None = None
    device_of: Callable[[bytes], str] | None = None
    receipt_topic: str = ""
    host: Host | None = None


class _Way(NamedTuple):
    """A route with its filters as functions."""

    fits: Callable[[str], object]
    receipts: Callable[[str], object]
    route: Route

    @classmethod
    def of(cls, route: Route) -> "_Way":
        receipts = topics(route.receipt_topic) if route.receipt_topic else lambda _: None
        return cls(topics(route.topic_filter), receipts, route)


class MqttSubscriber:
    """Takes the messages of topics from a broker, and offers them; connects again for ever.

    ``offer`` may block, and is called in the event loop: that is what slows a broker down, besides
    the number of messages that may be on their way. ``counts`` tells what was ``received``,
    ``acknowledged``, came ``again`` (marked so by the broker), at ``qos0``, from an
    ``other_device`` than its topic's, was ``not_taken`` by the intake or fits ``no_route``, and
    ``failures`` of connections.

    Raises:
        BadInput: there is no route, or a filter is none.
    """

    def __init__(
        self, offer: Offer, clock: Clock, *, broker: Broker, routes: Sequence[Route]
    ) -> None:
        if not routes:
            raise BadInput("a subscriber needs at least one route")
        hosts = [route.host for route in routes if route.host is not None]
        if any(host is not hosts[0] for host in hosts):
            raise BadInput("a connection to a broker has one host at most")
        self._host = hosts[0] if hosts else None
        self.counts: Counter[str] = Counter()
        self._offer, self._clock, self._broker = offer, clock, broker
        self._name = f"mqtt {broker.host}:{broker.port}"
        self._filters = [route.topic_filter for route in routes]
        self._ways = [_Way.of(route) for route in routes]
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None
        self._second, self._position = -1, ""

    async def start(self) -> None:
        """Connect and subscribe; from then on a lost connection is made again.

        Raises:
            Conflict: the broker cannot be reached or refuses us; the text says why.
        """
        try:
            self._link = await self._open()
        except Unreadable as wrong:
            raise Conflict(str(wrong)) from wrong
        peer = Peer(self._name, (Unreadable,))
        self._task = asyncio.create_task(
            persist(self._live, peer=peer, counts=self.counts, log=_LOG), name=self._name
        )

    async def stop(self) -> None:
        """Leave the broker, which keeps for us what is not durable yet."""
        if self._task is not None:
            await ended([self._task])
        if self._link is not None:
            link, self._link = self._link, None
            if self._host is not None:
                link.publish(self._host.death(self._clock()))
            await link.close()

    @property
    def connected(self) -> bool:
        """Whether messages can come now."""
        return self._link is not None and not self._link.lost.is_set()

    async def _open(self) -> Link:
        will = self._host.will(self._clock()) if self._host is not None else None
        link = Link(self._broker, self._take, will=will)
        try:
            await link.open(self._filters)
            if self._host is not None:
                link.publish(self._host.birth())
        except BaseException:
            await link.close()
            raise
        return link

    async def _live(self) -> None:
        """One connection, until it is lost."""
        if self._link is None:
            self._link = await self._open()
        await self._link.lost.wait()
        link, self._link = self._link, None
        await link.close()
        raise Unreadable(link.why)

    def _take(self, link: Link, said: Delivery) -> None:
        self.counts["received"] += 1
        if said.properties["dup"]:
            self.counts["again"] += 1
        if not said.packet:
            self.counts["qos0"] += 1
        way = next((each for each in self._ways if each.fits(said.topic)), None)
        if way is None:  # a subscription of an earlier run that the session still has
            self.counts["no_route"] += 1
            _LOG.warning("%s: topic %r fits no route, its message is left", self._name, said.topic)
            link.acknowledge(said.packet)
            return
        route = way.route
        message = self._message(route, link, said=said)
        if message is None:
            link.acknowledge(said.packet)
            return
        try:
            self._offer(
                message, source=route.source, position=self._when(), trust=self._trust(route, said),
                acknowledge=in_this_loop(partial(self._durable, link, said, way=way)),
            )  # fmt: skip
        except Refused as wrong:
            self.counts["not_taken"] += 1
            link.give_up(str(wrong))

    def _message(self, route: Route, link: Link, *, said: Delivery) -> bytes | None:
        if route.host is None:
            return _wrapped(said) if route.wrap_topic else said.payload
        message, letters = route.host.take(said.topic, said.payload, now=self._clock())
        for letter in letters:
            link.publish(letter)
        return message

    def _durable(self, link: Link, said: Delivery, *, way: _Way) -> None:
        self.counts["acknowledged"] += 1
        if not link.useful:
            link.useful = True
            succeeded(self.counts, self._name)
        link.acknowledge(said.packet)
        asked = said.properties.get("response_topic")
        if asked and way.receipts(asked[0]):
            known = said.properties.get("correlation_data", (None,))
            link.publish(Letter(asked[0], RECEIPT), correlation=known[0])

    def _trust(self, route: Route, said: Delivery) -> Trust:
        if route.trusted_topic_device is None:
            return Trust.UNPROVEN
        levels = said.topic.split("/")
        named = (
            levels[route.trusted_topic_device] if len(levels) > route.trusted_topic_device else ""
        )
        if named and (route.device_of is None or route.device_of(said.payload) == named):
            return Trust.CERTIFICATE
        self.counts["other_device"] += 1
        return Trust.UNPROVEN

    def _when(self) -> str:
        """The second in which a message came, as a broker has no positions."""
        now = self._clock()
        if now // SECOND != self._second:
            self._second = now // SECOND
            self._position = iso(self._second * SECOND)
        return self._position


def _wrapped(said: Delivery) -> bytes:
    """A message behind its topic; one that the broker had kept is marked, as it may be old."""
    if said.properties["retain"]:
        return wrap({"topic": said.topic, "retained": True}, said.payload)
    return wrap({"topic": said.topic}, said.payload)
