"""One connection to an MQTT 5 broker, in which each message is acknowledged when we say so.

The library has the wire format, TLS and the keep-alive. Two things are done here instead: it would
acknowledge over whatever connection there is by then, in which the same packet identifier may
belong to another message; and it would make a task for each message and a write for each PUBACK.

Source: OASIS, MQTT 5.0, §3.1.2.11 (session expiry, receive maximum), §3.4 (PUBACK), §4.4 (what is
not acknowledged comes again when the session goes on), §4.8.2 (shared subscriptions).
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ssl import SSLContext
from struct import Struct
from typing import Any, Final, NamedTuple

from gmqtt import Client, Message, Subscription
from gmqtt.mqtt.handler import MQTTConnectError

from wuxin.terms.ports import Letter
from wuxin.wire.patience import Unreadable

ANSWER_S: Final = 15.0
"""How long the broker may take to let us in, or to accept subscriptions (s)."""

REASON_S: Final = 0.2
"""How long the reason for which the broker closed the connection may take to be understood (s)."""

_PUBACK: Final = Struct("!BBH")
_NO_TOPICS: Final = 128  # and above: a refusal, in a SUBACK
_LOG: Final = logging.getLogger("wuxin.wire.mqtt")


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is, and who we are there.

    Attributes:
        host: its name or address.
        port: its TCP port.
        tls: whom we trust, and our certificate where the broker asks for one; None: no TLS.
        client_id: names our session; of two with the same name the broker disconnects one.
        username: empty for none.
        password: used with a name.
        session_s: how long the broker keeps our session, and what waits in it, while we are away.
        receive_maximum: messages that may be on their way to us and not yet acknowledged, 1-65535.
        packet_bytes: the longest packet we want. A broker leaves out longer ones and tells nobody,
            so it should itself refuse what is longer.
        keepalive_s: a broker that is silent for twice as long is taken for dead.
    """

    host: str
    port: int = 1883
    tls: SSLContext | None = None
    client_id: str = "wuxin"
    username: str = ""
    password: str = field(default="", repr=False)
    session_s: int = 7 * 86400
    receive_maximum: int = 4096
    packet_bytes: int = 1024 * 1024
    keepalive_s: int = 30


class Delivery(NamedTuple):
    """A message as the broker gave it; ``packet`` is 0 where nothing is to be acknowledged."""

    topic: str
    payload: bytes
    packet: int
    properties: Mapping[str, Any]


class _Client(Client):  # type: ignore[misc] # the library has no types
    async def reconnect(self, delay: bool = False) -> None:  # noqa: FBT001, FBT002 - its signature
        """Not here: another connection is another Link."""


class Link:
    """A connection from its opening to its loss.

    Args:
        broker: where to, and who we are.
        take: called with each message in the order in which they come. It must not raise.
        will: what the broker publishes when this connection is lost; None: nothing.

    ``lost`` is set when the connection has ended, ``why`` says the reason; ``useful`` is for its
    owner to note that something came of it.
    """

    def __init__(
        self, broker: Broker, take: Callable[["Link", Delivery], None], *,
        will: Letter | None = None,
    ) -> None:  # fmt: skip
        self.lost = asyncio.Event()
        self.why = "the broker has closed the connection"
        self.useful = False
        self._broker, self._take = broker, take
        self._loop = asyncio.get_running_loop()
        self._unsent = bytearray()
        self._granted: asyncio.Future[Sequence[int]] = self._loop.create_future()
        self._client = _Client(
            broker.client_id, clean_session=False, optimistic_acknowledgement=False, logger=_LOG,
            session_expiry_interval=broker.session_s, receive_maximum=broker.receive_maximum,
            maximum_packet_size=broker.packet_bytes,
            will_message=None if will is None else Message(*will),
        )  # fmt: skip
        if broker.username:
            self._client.set_auth_credentials(broker.username, broker.password)
        self._client.on_message = self._unacknowledged
        self._client.on_subscribe = self._subscribed
        self._client.on_disconnect = lambda *_: self.lost.set()
        self._handler = self._client._package_handler  # noqa: SLF001 - see the module's first lines
        self._handler._handle_qos_1_publish_packet = self._acknowledged  # noqa: SLF001 - the same

    async def open(self, filters: Sequence[str]) -> None:
        """Connect, go on with our session, and subscribe at QoS 1.

        Raises:
            Unreadable: the broker cannot be reached, or refuses us or a subscription.
        """
        where = f"{self._broker.host} port {self._broker.port}"
        entering = asyncio.create_task(self._enter(filters))
        lost = asyncio.create_task(self.lost.wait())
        try:
            await asyncio.wait(
                {entering, lost}, timeout=ANSWER_S, return_when=asyncio.FIRST_COMPLETED
            )
            if lost.done():  # the library goes on waiting, unless it was told the reason before
                await asyncio.wait({entering}, timeout=REASON_S)
            if not entering.done():
                how = "closes the connection" if lost.done() else "does not answer"
                raise Unreadable(f"{where} {how}: it is no MQTT 5 broker, or does not trust us")
            granted = entering.result()
        except (OSError, MQTTConnectError) as wrong:
            raise Unreadable(f"{where} cannot be used: {wrong}") from wrong
        finally:
            entering.cancel()
            lost.cancel()
        for name, code in zip(filters, granted, strict=True):
            if code >= _NO_TOPICS:
                raise Unreadable(f"{where} refuses the subscription to {name!r} (code {code})")
            if code < 1:
                raise Unreadable(f"{where} grants {name!r} without acknowledgement (QoS 0) only")

    async def _enter(self, filters: Sequence[str]) -> Sequence[int]:
        await self._client.connect(
            self._broker.host, self._broker.port, ssl=self._broker.tls or False,
            keepalive=self._broker.keepalive_s,
        )  # fmt: skip
        # With retain handling 1 a retained message comes for a new subscription only.
        self._client.subscribe(
            [Subscription(name, qos=1, retain_handling_options=1) for name in filters]
        )
        return await self._granted

    async def close(self) -> None:
        """Leave; what is not acknowledged comes again when the session goes on."""
        self.lost.set()
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._client.disconnect()
        except (OSError, TimeoutError) as wrong:
            _LOG.info("%s: %s", self._broker.host, wrong or "does not close the connection")

    def give_up(self, why: str) -> None:
        """Take nothing more from this connection; whoever waits for its loss closes it."""
        self.why = why
        self.lost.set()

    def acknowledge(self, packet: int) -> None:
        """Tell the broker that a packet is ours now; not for 0, nor if this link is lost."""
        if not packet or self.lost.is_set():
            return
        if not self._unsent:
            self._loop.call_soon(self._send)
        self._unsent += _PUBACK.pack(0x40, 2, packet)

    def publish(self, letter: Letter, *, correlation: bytes | None = None) -> None:
        """Send a message; nothing if this connection is lost."""
        if not self.lost.is_set():
            said = {} if correlation is None else {"correlation_data": correlation}
            self._client.publish(
                letter.topic, letter.payload, qos=letter.qos, retain=letter.retain, **said
            )

    def _send(self) -> None:
        data, self._unsent = bytes(self._unsent), bytearray()
        if not self.lost.is_set():
            self._handler.current_connection.send_package(data)

    def _acknowledged(self, packet: int, payload: bytes, *said: Any) -> None:
        topic, properties = said
        if not self.lost.is_set():
            self._take(self, Delivery(topic, payload, packet, properties))

    def _unacknowledged(self, _: Client, *said: Any) -> None:
        topic, payload, _qos, properties = said
        if not self.lost.is_set():
            self._take(self, Delivery(topic, payload, 0, properties))

    def _subscribed(self, _: Client, *said: Any) -> None:
        if not self._granted.done():
            self._granted.set_result(said[1])
