"""Messages and documents over HTTP, answered 200 once all that a request brought is durable.

    POST /v1/sources/NAME/messages               Wuxin's own frames: JSON, NDJSON, CBOR or COSE
    POST /v1/sources/NAME/documents[/...]        what another system sends: EPCIS, ICAR, LoRaWAN
    POST /v1/sources/NAME/documents/capture      the same, answered as EPCIS 2.0 §12 wants it

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

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from wuxin.terms.clock import Clock, iso
from wuxin.terms.envelope import wrap
from wuxin.terms.errors import Refused
from wuxin.terms.ports import Offer, Trust
from wuxin.wire.together import Together, Told
from wuxin.wire.web_bodies import Problem, parts
from wuxin.wire.web_identity import Desk, signed_in

RETRY_S: Final = 5


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
            return problem(wrong)
        counted["accepted"] += accepted
        return JSONResponse({"accepted": accepted})

    async def messages(request: Request) -> Response:
        """Take messages of a device; all are durable when 200 is answered."""
        return await answered(taker.messages, request)

    async def documents(request: Request) -> Response:
        """Take a document of a system; it is durable when 200 is answered."""
        return await answered(taker.document, request)

    async def capture(request: Request) -> Response:
        """Take a document as the capture interface of EPCIS wants it: 202, and where its job is."""
        answer = await answered(taker.document, request)
        if answer.status_code != HTTPStatus.OK:
            return answer
        where = f"{request.url.path}/{request.state.document}"
        return Response(status_code=202, headers={"Location": where})

    router.add_api_route("/v1/sources/{source}/messages", messages, methods=["POST"])
    router.add_api_route("/v1/sources/{source}/documents/capture", capture, methods=["POST"])
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
        device, trust = await signed_in(request, source, desk=self._desk)
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
        _, trust = await signed_in(request, source, desk=self._desk)
        kind = _kind(request)
        if not kind.endswith(("/json", "+json", "/xml", "+xml")):
            raise Problem(415, f"{kind or 'no media type'!r} is not taken; JSON and XML are")
        body = await self._body(request)
        if not body:
            raise Problem(400, "the body is empty", at="byte 0")
        request.state.document = hashlib.sha256(body).hexdigest()
        said = {**words, "content_type": kind, "path": request.url.path}
        if request.url.query:
            said["query"] = request.url.query
        return await self._durable([Told(wrap(said, body), trust)], source)

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


def problem(wrong: Problem) -> Response:
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
