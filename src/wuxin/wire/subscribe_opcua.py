"""Subscribes to values of OPC UA servers; what has changed is handed in as one message.

A server samples and queues, and tells only what has changed. While a message is being made durable
the next changes gather, up to a limit beyond which the newest are counted as lost, and said to be.
After a failure the session is built anew, after a pause that doubles: then the server tells every
value as it stands, and the first message says since when changes may be missing (``gap``).

Source: OPC 10000-4 §5.13 (monitored items), §5.14 (subscriptions); OPC 10000-7 (security policies).
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec
from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.node import Node
from asyncua.ua.uaerrors import UaError

from wuxin.terms.clock import Clock, iso
from wuxin.terms.envelope import wrap
from wuxin.terms.errors import Conflict
from wuxin.terms.ports import Offer
from wuxin.wire.durable_answers import in_this_loop
from wuxin.wire.opcua_changes import Gathered, Item, change, known
from wuxin.wire.patience import FIRST_PAUSE_S, Peer, Unreadable, ended, persist, succeeded

MISSING: Final = 100
"""Nodes that are named in a message as not watched; all of them are in the log."""

STATE: Final = {"node": "i=2259", "name": "server_state", "unit": "1"}
"""What is said of Server_ServerStatus_State (OPC 10000-5 §12.10, ServerStatusDataType)."""

_LOG: Final = logging.getLogger("wuxin.wire.opcua")


class Plant(NamedTuple):
    """A server and what is watched there.

    ``security`` is ``Policy,Mode,certificate,key[,server certificate]`` with the paths of files,
    such as ``Basic256Sha256,SignAndEncrypt,own.der,own.pem,server.der``; empty for none. Where
    nothing changes for ``alive_s`` the state of the server is read and handed in, so that values
    that stay as they are can be told from a server that has gone.
    """

    device: str
    url: str
    items: tuple[Item, ...]
    period_s: float = 1.0
    timeout_s: float = 4.0
    security: str = ""
    user: str = ""
    password: str = ""
    alive_s: float = 60.0


class OpcuaSubscriber:
    """Watches its plants until it is stopped; ``counts`` tells messages, losses and failures."""

    def __init__(
        self, offer: Offer, clock: Clock, *, plants: Sequence[Plant],
        first_pause_s: float = FIRST_PAUSE_S, source: str = "opcua",
    ) -> None:  # fmt: skip
        self.counts: Counter[str] = Counter()
        self._offer, self._clock, self._source = offer, clock, source
        self._plants, self._first_pause_s = plants, first_pause_s
        self._heard: dict[str, str] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to watch; servers that cannot be reached are tried again and again."""
        self._tasks = [asyncio.create_task(self._keep(plant)) for plant in self._plants]

    async def stop(self) -> None:
        """End all sessions.

        Raises:
            BaseException: a task had ended by an error that is none of a server.
        """
        await ended(self._tasks)

    async def _keep(self, plant: Plant) -> None:
        failures = (Unreadable, UaError, OSError, TimeoutError, Conflict)
        peer = Peer(plant.device, failures, self._first_pause_s)
        await persist(partial(self._session, plant), peer=peer, counts=self.counts, log=_LOG)

    async def _session(self, plant: Plant) -> None:
        client = Client(plant.url, timeout=plant.timeout_s)
        if plant.user:
            client.set_user(plant.user)
            client.set_password(plant.password)
        await client.set_security_string(plant.security)
        gathered = Gathered()
        client.connection_lost_callback = gathered.lost_connection
        async with client:
            nodes = [client.get_node(item.node) for item in plant.items]
            said = {
                node.nodeid: await known(node, item)
                for node, item in zip(nodes, plant.items, strict=True)
            }
            subscription = await client.create_subscription(1000 * plant.period_s, gathered)
            watched = await subscription.subscribe_data_change(nodes, queuesize=100)
            line = self._first(plant, watched)
            while True:
                try:
                    async with asyncio.timeout(plant.alive_s):
                        batch = await gathered.next()
                except TimeoutError:
                    batch = [await _state(client)]
                if gathered.lost:
                    line["lost"], gathered.lost = gathered.lost, 0
                    self.counts["lost"] += line["lost"]
                changes = [
                    {**said.get(node.nodeid, STATE), **change(*each)} for node, *each in batch
                ]
                await self._hand_in(plant, line, changes=changes)
                line = {}

    def _first(self, plant: Plant, watched: Sequence[int | ua.StatusCode]) -> dict[str, Any]:
        """What the first message of a session says: what is not watched, what may be missing."""
        line: dict[str, Any] = {}
        missing = {
            item.node: result.name
            for item, result in zip(plant.items, watched, strict=True)
            if isinstance(result, ua.StatusCode)
        }
        if missing:
            self.counts["not_watched"] += len(missing)
            _LOG.warning("%s: nodes cannot be watched: %s", plant.device, missing)
            line["missing"] = dict(list(missing.items())[:MISSING])
        if plant.device in self._heard:
            self.counts["gaps"] += 1
            line["gap"] = {"since": self._heard[plant.device]}
        return line

    async def _hand_in(
        self, plant: Plant, line: dict[str, Any], *, changes: list[dict[str, Any]]
    ) -> None:
        received = iso(self._clock())
        durable = asyncio.Event()
        self._offer(
            wrap(
                {"device": plant.device, "server": plant.url, "received": received, **line},
                msgspec.json.encode({"changes": changes}),
            ),
            source=self._source, position=received,
            acknowledge=in_this_loop(durable.set),
        )  # fmt: skip
        await durable.wait()
        self._heard[plant.device] = received
        succeeded(self.counts, plant.device)


async def _state(client: Client) -> tuple[Node, Any, ua.DataValue]:
    """The state of the server (0 is running) as if it had changed."""
    node = client.nodes.server_state
    data = await node.read_data_value()
    return node, data.Value.Value if data.Value is not None else None, data
