"""Asks REST services for what is new: collections in JSON, page by page, round after round.

Each page is handed in as one message; the next is asked for when that is durable. A round asks for
what was changed since the round before began, where the service has a parameter for that; what
comes twice is known by its content, and a page that is as it was is not handed in again. After a
failure the round begins anew, after a pause that doubles.

Source: ICAR ADE 1.x (``meta-modified-from``; collections with a ``view`` that names the next page);
RFC 9110 §9.3.1 (GET).
"""

import asyncio
import hashlib
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple
from urllib.parse import urljoin, urlsplit

import httpx
import msgspec

from wuxin.terms.clock import Clock, iso
from wuxin.terms.envelope import wrap
from wuxin.terms.errors import Conflict
from wuxin.terms.ports import Offer
from wuxin.wire import positions
from wuxin.wire.durable_answers import in_this_loop
from wuxin.wire.patience import FIRST_PAUSE_S, Peer, Unreadable, ended, persist, succeeded

DOCUMENT_BYTES: Final = 4 * 1024 * 1024
PAGES: Final = 10_000
"""Pages of one round; a service whose pages do not end is at fault."""

_LOG: Final = logging.getLogger("wuxin.wire.rest")


class Service(NamedTuple):
    """A collection that is asked for.

    Attributes:
        name: the device that it is.
        url: where it is, with its own parameters.
        period_s: from the beginning of a round to the next (s).
        since_parameter: the parameter that asks for what has changed since a time; empty: none.
        user: for HTTP basic, with the password; without one the password is a bearer's code.
        password: empty for none.
        before: what stands in the line before each message, such as ICAR's ``zone``.
        timeout_s: how long the service may take (s).
    """

    name: str
    url: str
    period_s: float = 300.0
    since_parameter: str = ""
    user: str = ""
    password: str = ""
    before: Mapping[str, Any] = {}
    timeout_s: float = 30.0


class RestPoller:
    """Asks its services until it is stopped; ``counts`` tells rounds, pages and failures.

    ``position`` is that of the last message that was durable before: when the last whole round of
    each service began.
    """

    def __init__(
        self, offer: Offer, clock: Clock, *, services: Sequence[Service], source: str,
        position: str = "", first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:  # fmt: skip
        self.counts: Counter[str] = Counter()
        self._offer, self._clock, self._source = offer, clock, source
        self._services, self._first_pause_s = services, first_pause_s
        self._since = positions.read(position)
        self._last: dict[str, set[bytes]] = {service.name: set() for service in services}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to ask; services that cannot be reached are tried again and again."""
        self._tasks = [asyncio.create_task(self._keep(service)) for service in self._services]

    async def stop(self) -> None:
        """End all asking.

        Raises:
            BaseException: a task had ended by an error that is none of a service.
        """
        await ended(self._tasks)

    async def _keep(self, service: Service) -> None:
        failures = (Unreadable, httpx.HTTPError, httpx.InvalidURL, Conflict)
        peer = Peer(service.name, failures, self._first_pause_s)
        await persist(partial(self._ask, service), peer=peer, counts=self.counts, log=_LOG)

    async def _ask(self, service: Service) -> None:
        """Round after round; ends only by an error."""
        headers, auth = {"Accept": "application/json"}, None
        if service.user:
            auth = httpx.BasicAuth(service.user, service.password)
        elif service.password:
            headers["Authorization"] = f"Bearer {service.password}"
        loop = asyncio.get_running_loop()
        async with httpx.AsyncClient(
            timeout=service.timeout_s, headers=headers, auth=auth
        ) as client:
            while True:
                begun, moment = loop.time(), iso(self._clock())
                await self._round(client, service, moment=moment)
                self._since[service.name] = moment
                succeeded(self.counts, service.name)
                await asyncio.sleep(max(0.0, service.period_s - (loop.time() - begun)))

    async def _round(self, client: httpx.AsyncClient, service: Service, *, moment: str) -> None:
        url: httpx.URL | None = httpx.URL(service.url)
        since = self._since.get(service.name)
        if service.since_parameter and since:
            url = httpx.URL(service.url).copy_merge_params({service.since_parameter: since})
        seen: set[bytes] = set()
        for _ in range(PAGES):
            if url is None:
                break
            data = await _get(client, url)
            key = hashlib.sha256(data).digest()
            following = _next(data, url)
            seen.add(key)
            if key in self._last[service.name]:
                self.counts["unchanged"] += 1
            else:
                ends = moment if following is None else ""
                await self._hand_in(service, data, since=ends)
            url = following
        else:
            raise Unreadable(f"{service.url} has more than {PAGES} pages")
        self._last[service.name] = seen

    async def _hand_in(self, service: Service, data: bytes, *, since: str) -> None:
        durable = asyncio.Event()
        line = {**service.before, "url": service.url, "received": iso(self._clock())}
        self._offer(
            wrap(line, data), source=self._source, acknowledge=in_this_loop(durable.set),
            position=positions.written(self._since, service.name, now=since),
        )  # fmt: skip
        await durable.wait()
        self.counts["pages"] += 1


async def _get(client: httpx.AsyncClient, url: httpx.URL) -> bytes:
    data = bytearray()
    async with client.stream("GET", url) as response:
        async for part in response.aiter_bytes():
            data += part
            if len(data) > DOCUMENT_BYTES:
                raise Unreadable(f"the answer is longer than {DOCUMENT_BYTES} bytes")
    if response.status_code != httpx.codes.OK:
        raise Unreadable(f"{url.host} answers {response.status_code} {response.reason_phrase}")
    return bytes(data)


def _next(data: bytes, url: httpx.URL) -> httpx.URL | None:
    """The next page, as the collection's view names it; never on another host.

    Raises:
        Unreadable: the answer is not JSON, or leads to another host.
    """
    try:
        said = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        raise Unreadable(f"the answer of {url.host} is not JSON") from None
    view = said.get("view") if isinstance(said, dict) else None
    found = view.get("next") if isinstance(view, dict) else None
    if isinstance(found, dict):
        found = found.get("@id")
    if not isinstance(found, str) or not found:
        return None
    following = urljoin(str(url), found)
    if urlsplit(following)[:2] != urlsplit(str(url))[:2]:
        raise Unreadable(f"the next page of {url.host} lies on another host")
    return httpx.URL(following)
