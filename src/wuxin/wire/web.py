"""Messages and documents over HTTP, answered 200 once all that a request brought is durable.

    POST /v1/sources/NAME/messages               Wuxin's own frames: JSON, NDJSON, CBOR or COSE
    POST /v1/sources/NAME/documents[/...]        what another system sends: EPCIS, ICAR, LoRaWAN

A device signs in by HTTP basic (its name percent-encoded, as ``inverter%3AA1``: a user name has no
colon), or by a bearer code with its name in ``Wuxin-Device``. A system that sends documents signs
in as its source: by basic with the source's name, or by a bearer code alone. Whether a name
without a secret is enough is for the gate to say. On plain HTTP a secret is worth no more than a
code; within TLS it is worth what the gate says. A device that has shown a certificate
(:mod:`wuxin.wire.web_server`; the portal's own server does not tell) is known by that, and speaks
for whom it names.

A message is believed as far as the device that signed in where it names that device itself, and is
unproven otherwise. A COSE message is unproven here: its signature is checked by whoever has keys.

503 tells to send again after ``Retry-After``: the intake is full, closed, or too slow. Some of the
messages may be durable by then, and are known by what they say when they come again.

Source: RFC 9110 §15 (status codes), RFC 7617 (basic), RFC 6750 (bearer), RFC 9457 (problems).
"""

import base64
import binascii
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from wuxin.terms.clock import Clock, iso
from wuxin.terms.envelope import wrap
from wuxin.terms.errors import Refused
from wuxin.terms.ports import Gate, Offer, Trust
from wuxin.wire.certificates import Certified
from wuxin.wire.together import Together, Told
from wuxin.wire.web_bodies import Limits, Problem, parts

RETRY_S: Final = 5
DEVICE: Final = "Wuxin-Device"
NAMES: Final = "names"
"""Where the state of a request has the names of the peer's certificate."""


class Desk(NamedTuple):
    """What is taken, from whom, and how patiently.

    Attributes:
        gate: who may speak for a source, by the source's name; asked in a worker thread.
        messages: sources of Wuxin's own frames by name, each with the media types that it takes.
        documents: sources of documents by name, each with what stands in the line before its
            documents besides ``content_type``, ``path`` and ``query``, such as ICAR's ``zone``.
        limits: how much one request may bring.
        waiting: requests that may be handed in at the same time; others get 503.
        durable_s: how long a request waits for its messages to be durable (s).
    """

    gate: Callable[[str], Gate]
    messages: Mapping[str, Collection[str]] = {}
    documents: Mapping[str, Mapping[str, Any]] = {}
    limits: Limits = Limits()
    waiting: int = 16
    durable_s: float = 30.0


def routes(
    offer: Offer, clock: Clock, *, desk: Desk, counts: Counter[str] | None = None
) -> APIRouter:
    """The addresses for an application: ``app.include_router(routes(...))``.

    Args:
        offer: takes messages in; called in a worker thread, as it may block.
        clock: the time of arrival.
        desk: what is taken and from whom.
        counts: where it is counted what was ``accepted``, came from an ``other_device``, or was
            refused, by HTTP status.
    """
    counted: Counter[str] = Counter() if counts is None else counts
    taker = _Taker(offer, clock, desk=desk, counts=counted)
    router = APIRouter()

    async def answered(take: Callable[[Request], Any], request: Request) -> Response:
        """How many messages were taken in, or what was wrong."""
        try:
            accepted = await take(request)
        except Problem as wrong:
            counted[str(wrong.status)] += 1
            return _problem(wrong)
        counted["accepted"] += accepted
        return JSONResponse({"accepted": accepted})

    async def messages(request: Request) -> Response:
        """Take messages of a device; all are durable when 200 is answered."""
        return await answered(taker.messages, request)

    async def documents(request: Request) -> Response:
        """Take a document of a system; it is durable when 200 is answered."""
        return await answered(taker.document, request)

    router.add_api_route("/v1/sources/{source}/messages", messages, methods=["POST"])
    for path in ("/v1/sources/{source}/documents", "/v1/sources/{source}/documents/{rest:path}"):
        router.add_api_route(path, documents, methods=["POST"])
    return router


class _Taker:
    def __init__(self, offer: Offer, clock: Clock, *, desk: Desk, counts: Counter[str]) -> None:
        self._clock, self._desk, self._counts = clock, desk, counts
        self._together = Together(offer, waiting=desk.waiting, durable_s=desk.durable_s)

    async def messages(self, request: Request) -> int:
        source = request.path_params["source"]
        kinds = self._desk.messages.get(source)
        if kinds is None:
            raise Problem(404, f"there is no source of messages {source!r}")
        device, trust = await self._signed_in(request, source)
        kind = _kind(request)
        if kind not in kinds:
            known = ", ".join(sorted(kinds))
            raise Problem(415, f"{kind or 'no media type'!r} is not taken; there are {known}")
        body = await self._body(request)
        found = parts(kind, body, limits=self._desk.limits)
        strangers = sum(part.device != device for part in found)
        self._counts["other_device"] += strangers
        told = [Told(p.message, trust if p.device == device else Trust.UNPROVEN) for p in found]
        return await self._durable(told, source)

    async def document(self, request: Request) -> int:
        source = request.path_params["source"]
        words = self._desk.documents.get(source)
        if words is None:
            raise Problem(404, f"there is no source of documents {source!r}")
        _, trust = await self._signed_in(request, source)
        kind = _kind(request)
        if not kind.endswith(("/json", "+json", "/xml", "+xml")):
            raise Problem(415, f"{kind or 'no media type'!r} is not taken; JSON and XML are")
        body = await self._body(request)
        if not body:
            raise Problem(400, "the body is empty", at="byte 0")
        said = {**words, "content_type": kind, "path": request.url.path}
        if request.url.query:
            said["query"] = request.url.query
        return await self._durable([Told(wrap(said, body), trust)], source)

    async def _signed_in(self, request: Request, source: str) -> tuple[str, Trust]:
        """Who speaks for a source and how far that is believed."""
        name, secret = _credentials(request)
        if source in self._desk.documents:
            name = name or source
            if name != source:
                raise Problem(401, f"documents of {source!r} are sent in its own name")
        names = getattr(request.state, NAMES, None)
        if not name and names is not None and len(names) == 1:
            [name] = names
        if not name:
            raise Problem(401, f"sign in by basic, or by a bearer code and the header {DEVICE}")
        gate = self._desk.gate(source)
        known = gate if names is None else Certified(gate, names)
        trust = await anyio.to_thread.run_sync(partial(known.admits, name, secret))
        if trust is None:
            raise Problem(401, f"{name!r} is not known, or not by this secret")
        secure = request.url.scheme == "https"
        return name, trust if secure else min(trust, Trust.CODE)

    async def _body(self, request: Request) -> bytes:
        most, body = self._desk.limits.body_bytes, bytearray()
        said = request.headers.get("Content-Length", "")
        if said.isdecimal() and (len(said) > 15 or int(said) > most):
            raise Problem(413, f"a body has at most {most} bytes")
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise Problem(413, f"a body has at most {most} bytes")
        return bytes(body)

    async def _durable(self, told: Sequence[Told], source: str) -> int:
        try:
            await self._together(told, source=source, position=iso(self._clock()))
        except Refused as wrong:
            raise Problem(503, str(wrong)) from wrong
        return len(told)


def _kind(request: Request) -> str:
    """The media type without its parameters."""
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _credentials(request: Request) -> tuple[str, str]:
    """Name and secret of a request; empty where it has none, or none that can be read."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return request.headers.get(DEVICE, ""), given.strip()
    if not scheme:
        return request.headers.get(DEVICE, ""), ""
    if scheme.lower() != "basic":
        return "", ""
    try:
        text = base64.b64decode(given.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return "", ""
    name, _, secret = text.partition(":")
    return unquote(name), secret


def _problem(wrong: Problem) -> Response:
    """A problem document, with the place in the body where there is one."""
    said: dict[str, Any] = {
        "type": "about:blank", "title": HTTPStatus(wrong.status).phrase, "status": wrong.status,
        "detail": wrong.detail,
    }  # fmt: skip
    if wrong.at:
        said["at"] = wrong.at
    more = {503: {"Retry-After": str(RETRY_S)}, 401: {"WWW-Authenticate": 'Basic realm="wuxin"'}}
    return JSONResponse(
        said, wrong.status, headers=more.get(wrong.status), media_type="application/problem+json"
    )
