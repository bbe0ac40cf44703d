"""What was captured of traded goods, asked for again: the query interface of EPCIS 2.0.

    GET /v1/sources/NAME/documents/events?eventType=ObjectEvent&MATCH_epc=…&perPage=30
    GET /v1/sources/NAME/documents/capture/ID

The events are read from the journal, which has the documents as they came, oldest first. A page
ends after so many events, or after so many documents that were looked at; ``Link`` and
``nextPageToken`` lead on. So a question about everything costs a reading of everything, at some
10,000 events a second; what is asked often belongs into the history, which has the readings.

Source: EPCIS 2.0 §12 (REST interface), §8.2.7.1 (parameters of a simple query).
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from wuxin.home import Home
from wuxin.protocols import epcis
from wuxin.terms.clock import iso
from wuxin.terms.envelope import unwrap
from wuxin.terms.errors import BadInput, Gone, Refused
from wuxin.wire.packed import messages
from wuxin.wire.web import problem
from wuxin.wire.web_bodies import Problem
from wuxin.wire.web_identity import Desk, signed_in

PROTOCOL: Final = "epcis"
PER_PAGE: Final = 30
_MOST: Final = 1000
_DOCUMENTS: Final = 1000
"""Documents that are looked at for one page."""

_LISTS: Final = ("EQ_", "MATCH_", "HASATTR_", "EXISTS_", "WD_")
_CONTEXT: Final = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"


class Place(NamedTuple):
    """Where an event stands: journal entry, document of its source in it, event of that."""

    entry: int
    document: int
    event: int

    @property
    def token(self) -> str:
        """The place as text."""
        return "-".join(str(number) for number in self)

    @classmethod
    def read(cls, token: str) -> "Place":
        """The place of a token; an empty one is the beginning.

        Raises:
            BadInput: it is no token.
        """
        parts = token.split("-") if token else ["0"] * 3
        if len(parts) != len(cls._fields) or not all(p.isdecimal() and len(p) < 19 for p in parts):
            raise BadInput(f"nextPageToken {token!r} is none of ours")
        return cls(*map(int, parts))


def interface(home: Home, desk: Desk) -> APIRouter:
    """The addresses at which sources of EPCIS documents are asked; by whom, the desk says."""
    router = APIRouter()

    def address(path: str, answer: Callable[..., Response]) -> None:
        async def asked(request: Request) -> Response:
            """Answer who has signed in, in a worker thread."""
            source = request.path_params["source"]
            try:
                await _known(home, source, desk=desk, request=request)
                work = partial(answer, home, source, request=request)
                return await anyio.to_thread.run_sync(work)
            except Problem as wrong:
                return problem(wrong)
            except Refused as wrong:
                return problem(Problem(410 if isinstance(wrong, Gone) else 400, str(wrong)))

        router.add_api_route(f"/v1/sources/{{source}}/documents{path}", asked, methods=["GET"])

    address("/events", _events)
    address("/capture/{job}", _job)
    return router


async def _known(home: Home, source: str, *, desk: Desk, request: Request) -> None:
    known = home.flow.sources.get(source) if source in desk.documents else None
    if known is None or known.opened.manifest.get("protocol") != PROTOCOL:
        raise Problem(404, f"there is no source of EPCIS documents {source!r}")
    await signed_in(request, source, desk=desk)


def _events(home: Home, source: str, *, request: Request) -> Response:
    query, per_page, start = _question(request)
    epcis.matches({}, query) if query else None  # a wrong question is told although nothing stands
    found: list[Mapping[str, Any]] = []
    further, documents = "", 0
    for place, said in _documents(home, source, start=start):
        if documents == _DOCUMENTS:
            further = place.token
            break
        documents += 1
        events = said["fields"]["events"] if said["ok"] else []
        first = start.event if place[:2] == start[:2] else 0
        for number in range(first, len(events)):
            if not epcis.matches(events[number], query):
                continue
            if len(found) == per_page:
                further = place._replace(event=number).token
                break
            found.append(events[number])
        if further:
            break
    return _page(request, found, now=iso(home.clock()), further=further)


def _page(request: Request, found: list[Mapping[str, Any]], *, now: str, further: str) -> Response:
    said = {
        "@context": [_CONTEXT], "type": "EPCISQueryDocument", "schemaVersion": "2.0",
        "creationDate": now,
        "epcisBody": {
            "queryResults": {
                "queryName": "SimpleEventQuery", "resultsBody": {"eventList": found},
            }
        },
    }  # fmt: skip
    headers = {}
    if further:
        following = request.url.include_query_params(nextPageToken=further)
        headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return JSONResponse(said, headers=headers, media_type="application/ld+json")


def _job(home: Home, source: str, *, request: Request) -> Response:
    wanted = request.path_params["job"]
    for place, said in _documents(home, source, start=Place(0, 0, 0)):
        if said["document"] != wanted:
            continue
        errors = [] if said["ok"] else [{"title": said["error"], "detail": f"at {said['at']}"}]
        batch = home.journal.entry(place.entry)
        return JSONResponse(
            {
                "captureID": wanted, "createdAt": iso(batch.arrival), "running": False,
                "finishedAt": iso(batch.arrival), "success": said["ok"], "errors": errors,
                "captureErrorBehaviour": "rollback",
            }
        )  # fmt: skip
    raise Problem(404, f"no document {wanted!r} was captured")


def _documents(home: Home, source: str, *, start: Place) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The documents of a source from a place on, decoded, in the order in which they came."""
    for number, entry in home.journal.arrived(source, after=start.entry - 1):
        brought = (message for frame in entry.frames for message in messages(frame))
        for count, message in enumerate(brought):
            place = Place(number, count, 0)
            if place[:2] >= start[:2]:
                document = hashlib.sha256(unwrap(message)[1]).hexdigest()
                yield place, {**epcis.decode(message), "document": document}


def _question(request: Request) -> tuple[dict[str, Any], int, Place]:
    """The parameters of the query, how many events a page has, and where to begin.

    Raises:
        BadInput: a parameter cannot be meant.
    """
    said = request.query_params
    query: dict[str, Any] = {}
    for name in said:
        if name in {"perPage", "nextPageToken"}:
            continue
        values = [part for value in said.getlist(name) for part in value.split("|")]
        query[name] = values if name.startswith(_LISTS) or name == "eventType" else values[0]
    per_page = said.get("perPage", str(PER_PAGE))
    if not per_page.isdecimal() or not 1 <= int(per_page) <= _MOST:
        raise BadInput(f"perPage {per_page!r} is not a number from 1 to {_MOST}")
    return query, int(per_page), Place.read(said.get("nextPageToken", ""))
