"""The stream of events: findings, their ends and acts, as they are committed.

    GET /api/events          text/event-stream; Last-Event-ID goes on where a client left off

What is sent is read from the book by batch, so that a slow client holds back itself and nothing
grows, and one that comes back misses nothing.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from sqlalchemy.engine import RowMapping

from wuxin.home import Home
from wuxin.portal import queries, views
from wuxin.portal.access import Session
from wuxin.portal.visit import Here
from wuxin.stores.book import record
from wuxin.terms.clock import iso
from wuxin.terms.errors import BadInput
from wuxin.terms.records import LEVELS

HEARTBEAT_S: Final = 15.0
BATCHES: Final = 64
"""How many batches are read at once."""

KINDS: Final = ("finding", "cleared", "act")

router: Final = APIRouter(prefix="/api", tags=["read"])
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/event-stream": {}}, "description": "events without an end"}
}


@router.get("/events", response_class=StreamingResponse, responses=_STREAM)
async def events(
    here: Here,
    kind: Annotated[str, Query(description=f"one of {', '.join(KINDS)}, or a kind of act")] = "",
    level: Annotated[str, Query(description=f"of findings: one of {', '.join(LEVELS)}")] = "",
    facility: str = "",
    last: Annotated[str, Header(alias="Last-Event-ID", pattern=r"^(\d{1,18}\.\d{1,9})?$")] = "",
) -> StreamingResponse:
    """Findings, their ends and acts as they are committed; from now on, or after the last one."""
    wanted = {"kind": kind, "level": level, "facility": facility}
    after = position(last) if last else (here.home.committed, 2**31)
    lines = stream(here.home, here.who, wanted=wanted, after=after)
    return StreamingResponse(lines, media_type="text/event-stream")


def position(last: str) -> tuple[int, int]:
    """Batch and place of the last event that a client has.

    Raises:
        BadInput: it is none.
    """
    batch, _, place = last.partition(".")
    if not (batch.isdigit() and place.isdigit()):
        raise BadInput(f"Last-Event-ID {last!r} is none of an event")
    return int(batch), int(place)


async def stream(
    home: Home, session: Session, *, wanted: Mapping[str, str], after: tuple[int, int],
    heartbeat_s: float = HEARTBEAT_S,
) -> AsyncIterator[str]:  # fmt: skip
    """The lines of the stream, without an end.

    Args:
        home: whose events.
        session: who may see what.
        wanted: ``kind``, ``level`` and ``facility``, empty for any.
        after: batch and place after which to begin.
        heartbeat_s: after how long without an event (s) a comment is sent.
    """
    news, loop = asyncio.Event(), asyncio.get_running_loop()

    def tell(_: int) -> None:
        """A batch was committed, in another thread."""
        with suppress(RuntimeError):  # the loop has ended, and nobody listens any more
            loop.call_soon_threadsafe(news.set)

    home.listeners.append(tell)
    try:
        yield ": from here on\n\n"
        while True:
            news.clear()
            found = await run_in_threadpool(read, home, session, wanted=wanted, after=after)
            for batch, place, event in found:
                after = (batch, place)
                if event is not None:
                    said = json.dumps(event, ensure_ascii=False)
                    yield f"id: {batch}.{place}\nevent: {event['event']}\ndata: {said}\n\n"
            if found:
                continue
            try:
                await asyncio.wait_for(news.wait(), heartbeat_s)
            except TimeoutError:
                yield ": still here\n\n"
    finally:
        home.listeners.remove(tell)


def read(
    home: Home, session: Session, *, wanted: Mapping[str, str], after: tuple[int, int]
) -> list[tuple[int, int, dict[str, Any] | None]]:
    """What was committed after a place: batch, place, and the event, None if it is not wanted."""
    first, upto = after[0], min(home.committed, after[0] + BATCHES)
    own = None if session.sees_all else {f["id"] for f in queries.facilities(home, session)}
    rows = home.book.events(session.tenant, first, upto=upto)
    found: list[tuple[int, int, dict[str, Any] | None]] = []
    place, last = 0, -1
    for batch, kind, row in rows:
        place = place + 1 if batch == last else 1
        last = batch
        if (batch, place) <= after:
            continue
        seen = own is None or row["facility"] in own
        found.append(
            (batch, place, _event(kind, row) if seen and _is(kind, row, wanted=wanted) else None)
        )
    if upto > first and last < upto:
        found.append((upto, 2**31, None))
    return found


def _is(kind: str, row: RowMapping, *, wanted: Mapping[str, str]) -> bool:
    kinds = {kind, row["kind"]} if kind == "act" else {kind}
    level = row["level"] if kind == "finding" else ""
    return (
        (not wanted["kind"] or wanted["kind"] in kinds)
        and (not wanted["level"] or wanted["level"] == level)
        and (not wanted["facility"] or wanted["facility"] == row["facility"])
    )


def _event(kind: str, row: Any) -> dict[str, Any]:
    if kind == "act":
        return {"event": kind, **views.act(row)}
    if kind == "cleared":
        end = {"finding": row["id"], "thing": row["thing"], "rule": row["rule"]}
        return {"event": kind, **end, "facility": row["facility"], "at": iso(row["cleared"])}
    return {"event": kind, **views.finding(row), "words": record(row)["reasons"]}
