"""The JSON API: every function of Wuxin over HTTP. The screens are one of its clients.

Errors are problem documents (RFC 9457); access is decided here and in :mod:`wuxin.portal.access`.
"""

from contextlib import suppress
from functools import partial
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from wuxin import __version__
from wuxin.home import Home
from wuxin.packs import schema
from wuxin.portal import (
    boards,
    capacity,
    credit,
    deliveries,
    events,
    orders,
    pledges,
    progress,
    proofs,
    queries,
    reports,
    statements,
    totals,
    trades,
    warned,
)
from wuxin.portal import devices as register
from wuxin.portal.access import COOKIE, DEVICES, Accounts, Session
from wuxin.portal.document import document
from wuxin.portal.headers import Headers
from wuxin.portal.metrics import metrics
from wuxin.portal.visit import PROBLEMS, STATUS, TITLES, Here, Next, Page, Part, Text, problem
from wuxin.terms import errors
from wuxin.terms.clock import iso, moment
from wuxin.terms.names import tenant as checked_tenant

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""By which an address can be asked."""

_DIGITS: Final = 19
"""Fewer digits than this make a batch number; others are no moment either, and are refused."""


class SignIn(BaseModel):
    """Who signs in, to which tenant."""

    tenant: str = Field("demo-bank", max_length=63)
    name: Text = Field(min_length=1, max_length=120)
    password: str = Field(min_length=1, max_length=200)


class NewPassword(BaseModel):
    """The password that replaces the one in use."""

    password: str = Field(min_length=10, max_length=200)


class Span(BaseModel):
    """Two clocks of a request: event times, and what was known (a batch number or a time)."""

    start: int | None = None
    end: int | None = None
    as_of: int | None = None


def span(
    request: Request,
    *,
    start: Annotated[Text, Query(alias="from", description="event time, ISO 8601")] = "",
    to: Annotated[Text, Query(description="event time, ISO 8601")] = "",
    as_of: Annotated[Text, Query(description="arrival time (ISO 8601) or batch number")] = "",
) -> Span:
    """The times that a request asks about."""
    home: Home = request.app.state.home
    known = None
    if as_of:
        number = as_of.isascii() and as_of.isdigit() and len(as_of) < _DIGITS
        known = int(as_of) if number else home.book.batch_at(home.tenant, moment(as_of))
    return Span(start=moment(start) if start else None, end=moment(to) if to else None, as_of=known)


def key(pack: Text, kind: Text, *, name: Text) -> tuple[str, str, str]:
    """A thing's key, from the path."""
    return pack, kind, name


Key = Annotated[tuple[str, str, str], Depends(key)]
When = Annotated[Span, Depends(span)]


class ThingsAsked(Page):
    """Which things."""

    pack: Text = ""
    kind: Text = ""
    parent: Text = ""
    level: Text = Field("", description="red, amber, info, or any for any open warning")
    q: Text = ""


class FindingsAsked(Page):
    """Which early warnings; ``open`` true for those that stand, false for those that ended."""

    level: Text = ""
    rule: Text = ""
    pack: Text = ""
    kind: Text = ""
    thing: Text = ""
    facility: Text = ""
    warning: Text = Field("", description="those of one warning, by its id")
    open: bool | None = None


class ActsAsked(Page):
    """Which acts."""

    facility: Text = ""
    kind: Text = ""


class DevicesAsked(Page):
    """Which devices."""

    source: Text = ""
    state: Text = ""
    thing: Text = Field("", description="part of what it is bound to, kind:id")
    hearing: Text = Field("", description=f"one of {', '.join(register.HEARINGS)}")
    q: Text = ""


router = APIRouter(prefix="/api")


@router.post("/session", tags=["session"])
def sign_in(request: Request, response: Response, who: SignIn) -> dict[str, Any]:
    """Sign in; the session is a cookie."""
    accounts: Accounts = request.app.state.accounts
    token = accounts.sign_in(checked_tenant(who.tenant), who.name, password=who.password)
    _give(request, response, token=token)
    return _shown(accounts.session(token))


@router.get("/session", tags=["session"])
def session(here: Here) -> dict[str, Any]:
    """Who is signed in."""
    return _shown(here.who)


@router.delete("/session", tags=["session"], status_code=204)
def sign_out(request: Request, response: Response) -> None:
    """Sign out."""
    request.app.state.accounts.sign_out(request.cookies.get(COOKIE))
    response.delete_cookie(COOKIE)


@router.post("/password", tags=["session"])
def password(request: Request, response: Response, new: NewPassword) -> dict[str, Any]:
    """Set one's own password."""
    accounts: Accounts = request.app.state.accounts
    token = accounts.change(request.cookies.get(COOKIE, ""), new.password)
    _give(request, response, token=token)
    return _shown(accounts.session(token))


@router.get("/overview", tags=["read"])
def overview(here: Here) -> dict[str, Any]:
    """Totals, exposure, facilities with the worst first, open warnings."""
    return totals.overview(here.home, here.who)


@router.get("/things", tags=["read"])
def things(here: Here, onward: Next, *, asked: Annotated[ThingsAsked, Query()]) -> dict[str, Any]:
    """Things, those with open warnings first."""
    where = _given(asked, "pack", "kind", "parent", "level")
    page = (asked.offset, asked.limit)
    found = queries.things(here.home, here.who, where=where, q=asked.q, page=page)
    return onward.of(found, asked)


@router.get("/things/{pack}/{kind}/{name:path}/series/{indicator}", tags=["read"])
def series(
    here: Here, key: Key, indicator: Text, when: When,
    points: Annotated[int, Query(ge=2, le=2000)] = 400,
) -> dict[str, Any]:  # fmt: skip
    """One indicator through time, down-sampled to minimum, maximum and mean, with findings."""
    asked = queries.Asked((when.start, when.end), when.as_of, points)
    return queries.series(here.home, here.who, key=key, indicator=indicator, asked=asked)


@router.get("/things/{pack}/{kind}/{name:path}/evidence/{indicator}", tags=["evidence"])
def reading_evidence(here: Here, key: Key, indicator: Text, time: Text) -> dict[str, Any]:
    """The bytes behind one value, and the proof of the batch that brought them."""
    return proofs.of_reading(here.home, here.who, key=key, indicator=indicator, time=time)


@router.get("/things/{pack}/{kind}/{name:path}", tags=["read"])
def thing(here: Here, key: Key, when: When, at: Text = "") -> dict[str, Any]:
    """The twin of one thing, now or at a past moment: what was true at T, what was known at T."""
    then = moment(at) if at else None
    return queries.thing(here.home, here.who, key=key, at=then, as_of=when.as_of)


@router.get("/facilities", tags=["read"])
def facilities(here: Here, part: Part) -> list[dict[str, Any]]:
    """Facilities, the most pressing first, with what changed since the day before."""
    return part.of(totals.facilities(here.home, here.who))


@router.get("/facilities/{name}", tags=["read"])
def facility(here: Here, name: Text) -> dict[str, Any]:
    """One facility: collateral, value through time, calls, acts, warnings, process."""
    return queries.facility(here.home, here.who, name=name)


@router.get("/findings", tags=["read"])
def findings(
    here: Here, onward: Next, *, when: When, asked: Annotated[FindingsAsked, Query()]
) -> dict[str, Any]:
    """Early warnings, newest first."""
    names = ("level", "rule", "pack", "kind", "thing", "facility", "warning")
    where: dict[str, Any] = _given(asked, *names)
    if asked.open is not None:
        where["open"] = asked.open
    span = queries.Asked((when.start, when.end), when.as_of)
    page = (asked.offset, asked.limit)
    found = queries.findings(here.home, here.who, where=where, asked=span, page=page)
    return onward.of(found, asked)


@router.get("/findings/{name}", tags=["read"])
def finding(here: Here, name: Text) -> dict[str, Any]:
    """One early warning."""
    return queries.one_finding(here.home, here.who, name=name)


@router.get("/acts", tags=["read"])
def acts(
    here: Here, onward: Next, *, when: When, asked: Annotated[ActsAsked, Query()]
) -> dict[str, Any]:
    """What was done, newest first."""
    where = _given(asked, "facility", "kind")
    span = queries.Asked((when.start, when.end), when.as_of)
    page = (asked.offset, asked.limit)
    found = queries.acts(here.home, here.who, where=where, asked=span, page=page)
    return onward.of(found, asked)


@router.get("/devices", tags=["read"])
def devices(here: Here, onward: Next, *, asked: Annotated[DevicesAsked, Query()]) -> dict[str, Any]:
    """Devices, those that are silent first, with how many are heard and how many are not."""
    where = _given(asked, "source", "state", "thing", "hearing", "q")
    page = (asked.offset, asked.limit)
    return onward.of(register.listed(here.home, here.who, where=where, page=page), asked)


@router.get("/devices/{source}/{name:path}", tags=["read"])
def device(here: Here, source: Text, name: Text) -> dict[str, Any]:
    """One device: its life with receipts, its bindings, its latest readings, its next steps."""
    return register.one(here.home, here.who, key=(source, name))


@router.post("/devices/{source}/{name:path}", tags=["act"])
def change_device(here: Here, source: Text, name: Text, told: register.Change) -> dict[str, Any]:
    """Change a device's state, binding or keys; what holds already is not done twice."""
    here.who.need(DEVICES)
    return register.change(here.home, here.who, key=(source, name), told=told)


@router.get("/places", tags=["read"])
def places(here: Here, part: Part) -> list[dict[str, Any]]:
    """Where things are, in WGS-84 degrees."""
    return part.of(queries.places(here.home, here.who))


@router.get("/packs", tags=["read"])
def packs(here: Here, part: Part) -> list[dict[str, Any]]:
    """The packs in use: words of kinds and rules."""
    return part.of(queries.packs(here.home, here.who))


@router.get("/search", tags=["read"])
def search(here: Here, q: Annotated[Text, Query(min_length=1)]) -> dict[str, Any]:
    """Things and facilities whose name holds the text."""
    return queries.search(here.home, here.who, q=q)


@router.get("/evidence/{record}", tags=["evidence"])
def evidence(here: Here, record: Text) -> dict[str, Any]:
    """The proof of a batch, finding or act, down to the bytes it came from."""
    return proofs.of_record(here.home, here.who, record=record)


@router.get("/evidence/{record}/proof", tags=["evidence"], response_class=PlainTextResponse)
def proof(here: Here, record: Text) -> PlainTextResponse:
    """The ``.tlog-proof`` file of a record, for anyone's verifier."""
    text = proofs.file_of(here.home, here.who, record=record)
    name = f'attachment; filename="{record[:16]}.tlog-proof"'
    return PlainTextResponse(text, headers={"Content-Disposition": name})


@router.get(
    "/log/{path:path}", tags=["evidence"], response_class=FileResponse,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "the file"}},
)  # fmt: skip
def log(here: Here, path: Text) -> FileResponse:
    """A file of the evidence log, laid out as C2SP tlog-tiles: the checkpoint, or a tile."""
    folder = here.home.log.directory.resolve()
    with suppress(ValueError, OSError):  # no name of a file at all, or too long for one
        file = (folder / path).resolve()
        if file.is_relative_to(folder) and file.is_file():
            return FileResponse(file, media_type="application/octet-stream")
    raise errors.NotFound(f"the log has no file {path!r}")


@router.get("/vouched", tags=["evidence"])
def vouched(request: Request, here: Here) -> dict[str, Any]:
    """Who outside vouches for the log: up to which size, since when, and whether enough did."""
    del here
    rounds = request.app.state.rounds
    if rounds is None:
        return {"asked": 0, "reached": None}
    found = rounds.vouched
    at = iso(found.at) if found.at else None
    return {**msgspec.to_builtins(found), "at": at, "reached": found.reached}


@router.get("/replays", tags=["read"])
def replays(request: Request, here: Here, part: Part) -> list[dict[str, Any]]:
    """Recordings that are being brought in: of which pack, rows done and in all."""
    del here
    told = request.app.state.replays.values()
    return part.of([{**one, **queries.words(schema.load(one["pack"]).words)} for one in told])


def build(home: Home, accounts: Accounts) -> FastAPI:
    """The application over one home."""
    app = FastAPI(title="Wuxin", version=__version__, docs_url=None, redoc_url=None)
    app.state.home, app.state.accounts, app.state.replays = home, accounts, {}
    app.state.rounds = None
    app.include_router(router, responses=PROBLEMS)
    app.include_router(orders.routes(home), responses=PROBLEMS)
    app.include_router(events.router, responses=PROBLEMS)
    app.include_router(pledges.router, responses=PROBLEMS)
    app.include_router(boards.router, responses=PROBLEMS)
    app.include_router(progress.router, responses=PROBLEMS)
    app.include_router(warned.router, responses=PROBLEMS)
    app.include_router(deliveries.router, responses=PROBLEMS)
    app.include_router(credit.router, responses=PROBLEMS)
    app.include_router(trades.router, responses=PROBLEMS)
    app.include_router(capacity.router, responses=PROBLEMS)
    app.include_router(reports.router, responses=PROBLEMS)
    app.include_router(statements.router, responses=PROBLEMS)

    @app.api_route("/api/{rest:path}", methods=[*METHODS], include_in_schema=False)
    def unknown(rest: str) -> None:
        """Whatever is left: without this the screens would answer with a page."""
        raise errors.NotFound(f"the API has no address {rest!r}, or not by that method")

    @app.exception_handler(errors.Refused)
    def refused(_: Request, wrong: errors.Refused) -> JSONResponse:
        return problem(STATUS[type(wrong)], type(wrong).__name__, detail=str(wrong))

    @app.exception_handler(RequestValidationError)
    def unread(_: Request, wrong: RequestValidationError) -> JSONResponse:
        first = wrong.errors()[0]  # what was sent is not said again: it may be a password
        where = ".".join(str(part) for part in first["loc"][1:]) or "the body"
        return problem(422, "BadInput", detail=f"{where}: {first['msg']}")

    @app.exception_handler(HTTPException)
    def unserved(_: Request, wrong: HTTPException) -> JSONResponse:
        """There is no such address or method, or the body is no JSON."""
        title = TITLES.get(wrong.status_code, "Refused")
        return problem(wrong.status_code, title, detail=str(wrong.detail))

    app.add_middleware(Headers)
    app.openapi = partial(document, app)  # type: ignore[method-assign]

    @app.get("/healthz", tags=["operation"])
    def health() -> dict[str, Any]:
        """Whether the house is up, and up to where its log is signed."""
        published = home.log.published()
        return {"status": "ok", "version": __version__, "log": published.size if published else 0}

    @app.get("/metrics", tags=["operation"], response_class=PlainTextResponse)
    def figures() -> PlainTextResponse:
        """Counters in Prometheus' text format; no names of things or parties."""
        rounds = app.state.rounds
        return PlainTextResponse(metrics(home, rounds.vouched if rounds else None))

    return app


def _given(asked: BaseModel, *names: str) -> dict[str, str]:
    """The filters that are not empty."""
    return {name: getattr(asked, name) for name in names if getattr(asked, name)}


def _give(request: Request, response: Response, *, token: str) -> None:
    response.set_cookie(
        COOKIE, token, httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )


def _shown(who: Session) -> dict[str, Any]:
    return {"tenant": who.tenant, "name": who.name, "role": who.role, "party": who.party,
            "must_change": who.must_change}  # fmt: skip
