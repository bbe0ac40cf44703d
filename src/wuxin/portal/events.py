"""The stream of events: findings, their ends and acts, as they are committed.

    GET /api/events          text/event-stream; Last-Event-ID goes on where a client left off

What is sent is read from the book by batch, so that a slow client holds back itself and nothing
grows, and one that comes back misses nothing. One that takes nothing at all is dropped, and a
stream ends with the session it was asked for in.
"""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from typing import Annotated, Any, Final, Literal, NamedTuple

from fastapi import APIRouter, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from sqlalchemy.engine import RowMapping
from starlette.types import Message, Send

from wuxin.home import Home
from wuxin.portal import queries, views
from wuxin.portal.access import COOKIE, Accounts, Session
from wuxin.portal.visit import Here
from wuxin.stores.book import record
from wuxin.terms.clock import iso
from wuxin.terms.errors import BadInput, Refused

HEARTBEAT_S: Final = 15.0
PATIENCE_S: Final = 60.0
"""How long (s) a client may take nothing of what is sent to it."""

BATCHES: Final = 16
"""How many batches are read at once."""

KINDS: Final = ("finding", "cleared", "act")

_END: Final = 2**31
"""A place behind all of a batch."""

_LOG: Final = logging.getLogger("wuxin")


class Asked(BaseModel):
    """Which events."""

    kind: str = Field("", max_length=80, description=f"{', '.join(KINDS)}, or a kind of act")
    level: Literal["", "red", "amber", "info"] = Field("", description="of findings")
    facility: str = Field("", max_length=120)
    follow: bool = Field(default=True, description="false: end where the book ends now")


class How(NamedTuple):
    """How long a stream goes on: whether beyond the book's end, and while ``stands`` refuses not.

    ``heartbeat_s`` is after how long (s) without an event a comment is sent.
    """

    follow: bool = True
    stands: Callable[[], object] = lambda: None
    heartbeat_s: float = HEARTBEAT_S


FOLLOWING: Final = How()
"""Without an end."""

Last = Annotated[str, Header(alias="Last-Event-ID", pattern=r"^([0-9]{1,18}\.[0-9]{1,9})?$")]
router: Final = APIRouter(prefix="/api", tags=["read"])
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "content": {"text/event-stream": {}},
        "description": "events, without an end unless asked for one",
    }
}


class Patient(StreamingResponse):
    """A stream that is broken off when its client takes nothing for :data:`PATIENCE_S`."""

    patience_s = PATIENCE_S

    def __init__(self, lines: AsyncGenerator[str]) -> None:
        super().__init__(lines, media_type="text/event-stream")
        self._lines = lines

    async def stream_response(self, send: Send) -> None:
        """Send what there is, or give up with a word in the log."""

        async def in_time(message: Message) -> None:
            """Send on, if it is taken in time."""
            async with asyncio.timeout(self.patience_s):
                await send(message)

        try:
            await super().stream_response(in_time)
        except TimeoutError:
            _LOG.warning("a client of /api/events took nothing for %g s: dropped", self.patience_s)
        finally:
            await self._lines.aclose()


@router.get("/events", response_class=StreamingResponse, responses=_STREAM)
async def events(
    request: Request, here: Here, asked: Annotated[Asked, Query()], last: Last = ""
) -> Patient:
    """Findings, their ends and acts as they are committed; from now on, or after the last one."""
    accounts: Accounts = request.app.state.accounts
    token = request.cookies.get(COOKIE)
    after = position(here.home, last) if last else (here.home.committed, _END)
    lines = stream(
        here.home, here.who, wanted=asked.model_dump(include={"kind", "level", "facility"}),
        after=after, how=How(follow=asked.follow, stands=lambda: accounts.session(token)),
    )  # fmt: skip
    return Patient(lines)


def position(home: Home, last: str) -> tuple[int, int]:
    """Batch and place of the last event that a client has.

    Raises:
        BadInput: it is none of this book.
    """
    batch, _, place = last.partition(".")
    if not (batch.isdigit() and place.isdigit()):
        raise BadInput(f"Last-Event-ID {last!r} is none of an event")
    if int(batch) > home.committed:
        raise BadInput(f"Last-Event-ID {last!r} is not of this book: it ends at {home.committed}")
    return int(batch), int(place)


async def stream(
    home: Home, session: Session, *, wanted: Mapping[str, str], after: tuple[int, int],
    how: How = FOLLOWING,
) -> AsyncGenerator[str]:  # fmt: skip
    """The lines of the stream, without an end if it follows.

    Args:
        home: whose events.
        session: who may see what.
        wanted: ``kind``, ``level`` and ``facility``, empty for any.
        after: batch and place after which to begin.
        how: whether it goes on, and for how long.
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
            how.stands()
            found = await run_in_threadpool(read, home, session, wanted=wanted, after=after)
            for batch, place, event in found:
                after = (batch, place)
                if event is not None:
                    said = json.dumps(event, ensure_ascii=False)
                    yield f"id: {batch}.{place}\nevent: {event['event']}\ndata: {said}\n\n"
            if found:
                continue
            if not how.follow:
                return
            try:
                await asyncio.wait_for(news.wait(), how.heartbeat_s)
            except TimeoutError:
                yield ": still here\n\n"
    except Refused as wrong:
        reason = {"event": "end", "reason": str(wrong)}
        yield f"event: end\ndata: {json.dumps(reason, ensure_ascii=False)}\n\n"
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
        found.append((upto, _END, None))
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
