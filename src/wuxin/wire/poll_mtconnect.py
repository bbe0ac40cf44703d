"""Reads agents of MTConnect over HTTP: what there is, how it stands, then what has changed.

The first document tells the units of all data items; later documents are journalled behind a line
with the units that they need. Of what is kept in the agent's buffer nothing is left out or read
twice: the next request begins where the last document ended, once that is durable. Where the buffer
has run over, or the agent has begun anew, the next document says so in its line (``gap``).

Source: ANSI/MTC1.4 Part 1 §6 (requests probe, current and sample; instanceId, nextSequence), §7
(errors).
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import httpx
import msgspec
from lxml import etree  # type: ignore[import-untyped]

from wuxin.terms.clock import Clock, iso
from wuxin.terms.envelope import HEADER_BYTES, wrap
from wuxin.terms.errors import Conflict
from wuxin.terms.ports import Offer
from wuxin.wire import positions
from wuxin.wire.durable_answers import in_this_loop
from wuxin.wire.patience import FIRST_PAUSE_S, Peer, Unreadable, ended, persist, succeeded

DOCUMENT_BYTES: Final = 4 * 1024 * 1024
_LOG: Final = logging.getLogger("wuxin.wire.mtconnect")


class Agent(NamedTuple):
    """An agent to be read.

    Documents without observations are handed in only every ``alive_s``: they show that the agent
    is there, though no value has changed.
    """

    name: str
    url: str
    period_s: float = 10.0
    timeout_s: float = 10.0
    most: int = 500
    alive_s: float = 60.0


class Document(NamedTuple):
    """A document with what the poller needs of it."""

    data: bytes
    kind: str
    header: dict[str, str]
    units: dict[str, str]
    items: set[str]

    def number(self, name: str) -> int:
        """A number of the header.

        Raises:
            Unreadable: there is none.
        """
        text = self.header.get(name, "")
        if not text.isdigit() or len(text) > 20:
            raise Unreadable(f"the header of {self.kind} has no {name}")
        return int(text)


class MtconnectPoller:
    """Reads its agents until it is stopped; ``counts`` tells rounds, gaps and failures.

    ``position`` is that of the last message that was durable before: where each agent stood.
    """

    def __init__(
        self,
        offer: Offer,
        clock: Clock,
        *,
        agents: Sequence[Agent],
        first_pause_s: float = FIRST_PAUSE_S,
        source: str = "mtconnect",
        position: str = "",
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._offer, self._clock, self._source = offer, clock, source
        self._agents, self._first_pause_s = agents, first_pause_s
        self._since = positions.read(position)
        self._heard: dict[str, float] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to read; agents that cannot be reached are tried again and again."""
        self._tasks = [asyncio.create_task(self._keep(agent)) for agent in self._agents]

    async def stop(self) -> None:
        """End all reading.

        Raises:
            BaseException: a task had ended by an error that is none of an agent.
        """
        await ended(self._tasks)

    async def _keep(self, agent: Agent) -> None:
        failures = (Unreadable, httpx.HTTPError, httpx.InvalidURL, Conflict)
        peer = Peer(agent.name, failures, self._first_pause_s)
        await persist(partial(self._session, agent), peer=peer, counts=self.counts, log=_LOG)

    async def _session(self, agent: Agent) -> None:
        """Read an agent from its first document on; ends when it begins anew, or by an error."""
        async with httpx.AsyncClient(timeout=agent.timeout_s, base_url=agent.url) as client:
            probe = await _get(client, "probe")
            if probe.kind != "MTConnectDevices":
                raise Unreadable(f"the agent answers a probe with {probe.kind}")
            await self._hand_in(agent, probe, line={}, since="")
            instance, gap = probe.header.get("instanceId", ""), None
            before, _, position = self._since.get(agent.name, "").rpartition(":")
            sequence = int(position) if before == instance and position.isdigit() else None
            if sequence is None and position:
                gap = {"why": "the agent has begun anew", "instance": before, "from": position}
            while True:
                if sequence is None:
                    document = await _get(client, "current")
                else:
                    query = {"from": str(sequence), "count": str(agent.most)}
                    document = await _get(client, "sample", query=query)
                if document.header.get("instanceId", "") != instance:
                    return  # units and sequences are others now
                if document.kind == "MTConnectError":
                    await self._hand_in(agent, document, line={}, since="")
                    if sequence is None:
                        raise Unreadable(
                            "the agent answers a request for what is current by an error"
                        )
                    sequence, gap = None, {"why": "the buffer has run over", "from": str(sequence)}
                    continue
                after = await self._taken(
                    agent, document, units=probe.units, sequence=sequence, gap=gap
                )
                if after == sequence or after > document.number("lastSequence"):
                    await asyncio.sleep(agent.period_s)
                sequence, gap = after, None

    async def _taken(
        self, agent: Agent, document: Document, *, units: dict[str, str],
        sequence: int | None, gap: dict[str, str] | None,
    ) -> int:  # fmt: skip
        """Hand in a document of observations; returns the sequence that comes next."""
        after = document.number("nextSequence")
        first = document.number("firstSequence")
        if sequence is not None and first > sequence:
            gap = {"why": "the buffer has run over", "from": str(sequence)}
        heard, now = self._heard.get(agent.name, 0.0), asyncio.get_running_loop().time()
        if after == sequence and not document.items and now - heard < agent.alive_s:
            self.counts["empty"] += 1
        else:
            self._heard[agent.name] = now
            needed = {item: units[item] for item in document.items & units.keys()}
            line: dict[str, Any] = {"agent": agent.name, "received": iso(self._clock())}
            if gap is not None:
                self.counts["gaps"] += 1
                _LOG.warning("%s: observations are lost: %s", agent.name, gap)
                line["gap"] = {**gap, "to": str(first if sequence is not None else after)}
            if len(msgspec.json.encode(needed)) < HEADER_BYTES - 4096:
                line["units"] = needed
            else:
                self.counts["without_units"] += 1
            since = f"{document.header.get('instanceId', '')}:{after}"
            await self._hand_in(agent, document, line=line, since=since)
        succeeded(self.counts, agent.name)
        return after

    async def _hand_in(
        self, agent: Agent, document: Document, *, line: dict[str, Any], since: str
    ) -> None:
        durable = asyncio.Event()
        self._offer(
            wrap(line, document.data) if line else document.data,
            source=self._source, position=positions.written(self._since, agent.name, now=since),
            acknowledge=in_this_loop(durable.set),
        )  # fmt: skip
        await durable.wait()
        if since:
            self._since[agent.name] = since


async def _get(
    client: httpx.AsyncClient, request: str, *, query: dict[str, str] | None = None
) -> Document:
    """Ask an agent; whatever status an error has, its document is one.

    Raises:
        Unreadable: what comes is no document of MTConnect, or too long.
    """
    data = bytearray()
    async with client.stream("GET", request, params=query) as response:
        async for part in response.aiter_bytes():
            data += part
            if len(data) > DOCUMENT_BYTES:
                raise Unreadable(f"the answer to {request} is longer than {DOCUMENT_BYTES} bytes")
    return _document(bytes(data), f"the answer to {request} (status {response.status_code})")


def _document(data: bytes, what: str) -> Document:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        raise Unreadable(f"{what} is not XML") from None
    kind = etree.QName(root).localname
    if not kind.startswith("MTConnect"):
        raise Unreadable(f"{what} is no document of MTConnect")
    header = next((dict(each.attrib) for each in root.iterchildren("{*}Header")), {})
    units = {
        each.get("id"): each.get("units") for each in root.iter("{*}DataItem") if each.get("units")
    }
    items = {each.get("dataItemId") for each in root.iter("{*}*") if each.get("dataItemId")}
    return Document(data, kind, header, units, items)
