"""The JSON API: every function of Wuxin over HTTP. The screens are one of its clients.

Errors are problem documents (RFC 9457); access is decided here and in :mod:`wuxin.portal.access`.
"""

from functools import partial
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from wuxin import __version__
from wuxin.home import Home
from wuxin.portal import (
    credit,
    events,
    orders,
    pledges,
    progress,
    proofs,
    queries,
    statements,
    totals,
    trades,
)
from wuxin.portal import devices as register
from wuxin.portal.access import ACKNOWLEDGE, COOKIE, DEVICES, Accounts, Session
from wuxin.portal.metrics import metrics
from wuxin.portal.visit import PROBLEMS, STATUS, Here, Part, problem
from wuxin.terms import errors
from wuxin.terms.clock import iso, moment
from wuxin.terms.names import tenant as checked_tenant

POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
)
"""What a page may load. NiceGUI needs ``unsafe-eval``: see THREAT_MODEL.md."""


_DIGITS: Final = 19
"""Fewer digits than this make a batch number; others are no moment either, and are refused."""


class SignIn(BaseModel):
    """Who signs in, to which tenant."""

    tenant: str = "demo-bank"
    name: str = Field(min_length=1, max_length=120)
    password: str = Field(min_length=1, max_length=200)


class NewPassword(BaseModel):
    """The password that replaces the one in use."""

    password: str = Field(min_length=10, max_length=200)


class Reason(BaseModel):
    """Why something is done; kept with it."""

    reason: str = Field(min_length=3, max_length=500)


class Span(BaseModel):
    """Two clocks of a request: event times, and what was known (a batch number or a time)."""

    start: int | None = None
    end: int | None = None
    as_of: int | None = None


def span(
    request: Request,
    *,
    start: Annotated[str, Query(alias="from", description="event time, ISO 8601")] = "",
    to: Annotated[str, Query(description="event time, ISO 8601")] = "",
    as_of: Annotated[str, Query(description="arrival time (ISO 8601) or batch number")] = "",
) -> Span:
    """The times that a request asks about."""
    home: Home = request.app.state.home
    known = None
    if as_of:
        number = as_of.isascii() and as_of.isdigit() and len(as_of) < _DIGITS
        known = int(as_of) if number else home.book.batch_at(home.tenant, moment(as_of))
    return Span(start=moment(start) if start else None, end=moment(to) if to else None, as_of=known)


def key(pack: str, kind: str, *, name: str) -> tuple[str, str, str]:
    """A thing's key, from the path."""
    return pack, kind, name


Key = Annotated[tuple[str, str, str], Depends(key)]
When = Annotated[Span, Depends(span)]


class Page(BaseModel):
    """Which rows of a longer answer."""

    offset: int = Field(0, ge=0, le=1_000_000_000)
    limit: int = Field(50, ge=1, le=queries.PAGE)


class ThingsAsked(Page):
    """Which things."""

    pack: str = ""
    kind: str = ""
    parent: str = ""
    level: str = Field("", description="red, amber, info, or any for any open warning")
    q: str = ""


class FindingsAsked(Page):
    """Which early warnings; ``open`` true for those that stand, false for those that ended."""

    level: str = ""
    rule: str = ""
    pack: str = ""
    kind: str = ""
    thing: str = ""
    facility: str = ""
    open: bool | None = None


class ActsAsked(Page):
    """Which acts."""

    facility: str = ""
    kind: str = ""


class DevicesAsked(Page):
    """Which devices."""

    source: str = ""
    state: str = ""
    thing: str = Field("", description="part of what it is bound to, kind:id")
    hearing: str = Field("", description=f"one of {', '.join(register.HEARINGS)}")
    q: str = ""


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
def things(here: Here, asked: Annotated[ThingsAsked, Query()]) -> dict[str, Any]:
    """Things, those with open warnings first."""
    where = _given(asked, "pack", "kind", "parent", "level")
    page = (asked.offset, asked.limit)
    return queries.things(here.home, here.who, where=where, q=asked.q, page=page)


@router.get("/things/{pack}/{kind}/{name:path}/series/{indicator}", tags=["read"])
def series(
    here: Here, key: Key, indicator: str, when: When,
    points: Annotated[int, Query(ge=2, le=2000)] = 400,
) -> dict[str, Any]:  # fmt: skip
    """One indicator through time, down-sampled to minimum, maximum and mean, with findings."""
    asked = queries.Asked((when.start, when.end), when.as_of, points)
    return queries.series(here.home, here.who, key=key, indicator=indicator, asked=asked)


@router.get("/things/{pack}/{kind}/{name:path}/evidence/{indicator}", tags=["evidence"])
def reading_evidence(here: Here, key: Key, indicator: str, time: str) -> dict[str, Any]:
    """The bytes behind one value, and the proof of the batch that brought them."""
    return proofs.of_reading(here.home, here.who, key=key, indicator=indicator, time=time)


@router.get("/things/{pack}/{kind}/{name:path}", tags=["read"])
def thing(here: Here, key: Key, when: When, at: str = "") -> dict[str, Any]:
    """The twin of one thing, now or at a past moment: what was true at T, what was known at T."""
    then = moment(at) if at else None
    return queries.thing(here.home, here.who, key=key, at=then, as_of=when.as_of)


@router.get("/facilities", tags=["read"])
def facilities(here: Here, part: Part) -> list[dict[str, Any]]:
    """Facilities, the most pressing first, with what changed since the day before."""
    return part.of(totals.facilities(here.home, here.who))


@router.get("/facilities/{name}", tags=["read"])
def facility(here: Here, name: str) -> dict[str, Any]:
    """One facility: collateral, value through time, calls, acts, warnings, process."""
    return queries.facility(here.home, here.who, name=name)


@router.get("/findings", tags=["read"])
def findings(here: Here, when: When, asked: Annotated[FindingsAsked, Query()]) -> dict[str, Any]:
    """Early warnings, newest first."""
    where: dict[str, Any] = _given(asked, "level", "rule", "pack", "kind", "thing", "facility")
    if asked.open is not None:
        where["open"] = asked.open
    span = queries.Asked((when.start, when.end), when.as_of)
    page = (asked.offset, asked.limit)
    return queries.findings(here.home, here.who, where=where, asked=span, page=page)


@router.get("/findings/{name}", tags=["read"])
def finding(here: Here, name: str) -> dict[str, Any]:
    """One early warning."""
    return queries.one_finding(here.home, here.who, name=name)


@router.post("/findings/{name}/acknowledge", tags=["act"])
def acknowledge(here: Here, name: str, why: Reason) -> dict[str, Any]:
    """Take notice of an early warning; name and reason are kept."""
    here.who.need(ACKNOWLEDGE)
    queries.one_finding(here.home, here.who, name=name)
    here.home.book.acknowledge(here.who.tenant, name, by=f"{here.who.name}: {why.reason}")
    return queries.one_finding(here.home, here.who, name=name)


@router.get("/acts", tags=["read"])
def acts(here: Here, when: When, asked: Annotated[ActsAsked, Query()]) -> dict[str, Any]:
    """What was done, newest first."""
    where = _given(asked, "facility", "kind")
    span = queries.Asked((when.start, when.end), when.as_of)
    page = (asked.offset, asked.limit)
    return queries.acts(here.home, here.who, where=where, asked=span, page=page)


@router.get("/devices", tags=["read"])
def devices(here: Here, asked: Annotated[DevicesAsked, Query()]) -> dict[str, Any]:
    """Devices, those that are silent first, with how many are heard and how many are not."""
    where = _given(asked, "source", "state", "thing", "hearing", "q")
    return register.listed(here.home, here.who, where=where, page=(asked.offset, asked.limit))


@router.get("/devices/{source}/{name:path}", tags=["read"])
def device(here: Here, source: str, name: str) -> dict[str, Any]:
    """One device: its life with receipts, its bindings, its latest readings, its next steps."""
    return register.one(here.home, here.who, key=(source, name))


@router.post("/devices/{source}/{name:path}", tags=["act"])
def change_device(here: Here, source: str, name: str, told: register.Change) -> dict[str, Any]:
    """Change a device's state, binding or keys; what holds already is not done twice."""
    here.who.need(DEVICES)
    return register.change(here.home, here.who, key=(source, name), told=told)


@router.get("/places", tags=["read"])
def places(here: Here, part: Part) -> list[dict[str, Any]]:
    """Where things are, in WGS-84 degrees."""
    return part.of(queries.places(here.home, here.who))


@router.get("/packs", tags=["read"])
def packs(here: Here) -> list[dict[str, Any]]:
    """The packs in use: words of kinds and rules."""
    return queries.packs(here.home, here.who)


@router.get("/search", tags=["read"])
def search(here: Here, q: Annotated[str, Query(min_length=1)]) -> dict[str, Any]:
    """Things and facilities whose name holds the text."""
    return queries.search(here.home, here.who, q=q)


@router.get("/evidence/{record}", tags=["evidence"])
def evidence(here: Here, record: str) -> dict[str, Any]:
    """The proof of a batch, finding or act, down to the bytes it came from."""
    return proofs.of_record(here.home, here.who, record=record)


@router.get("/evidence/{record}/proof", tags=["evidence"], response_class=PlainTextResponse)
def proof(here: Here, record: str) -> PlainTextResponse:
    """The ``.tlog-proof`` file of a record, for anyone's verifier."""
    text = proofs.file_of(here.home, here.who, record=record)
    name = f'attachment; filename="{record[:16]}.tlog-proof"'
    return PlainTextResponse(text, headers={"Content-Disposition": name})


@router.get("/log/{path:path}", tags=["evidence"])
def log(here: Here, path: str) -> FileResponse:
    """A file of the evidence log, laid out as C2SP tlog-tiles: the checkpoint, or a tile."""
    folder = here.home.log.directory.resolve()
    file = (folder / path).resolve()
    if not (file.is_relative_to(folder) and file.is_file()):
        raise errors.NotFound(f"the log has no file {path!r}")
    return FileResponse(file, media_type="application/octet-stream")


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
def replays(request: Request, here: Here) -> list[dict[str, Any]]:
    """Recordings that are being brought in: rows done and in all."""
    del here
    found: list[dict[str, Any]] = list(request.app.state.replays.values())
    return found


def build(home: Home, accounts: Accounts) -> FastAPI:
    """The application over one home."""
    app = FastAPI(title="Wuxin", version=__version__, docs_url=None, redoc_url=None)
    app.state.home, app.state.accounts, app.state.replays = home, accounts, {}
    app.state.rounds = None
    app.include_router(router, responses=PROBLEMS)
    app.include_router(orders.routes(home), responses=PROBLEMS)
    app.include_router(events.router, responses=PROBLEMS)
    app.include_router(pledges.router, responses=PROBLEMS)
    app.include_router(progress.router, responses=PROBLEMS)
    app.include_router(credit.router, responses=PROBLEMS)
    app.include_router(trades.router, responses=PROBLEMS)
    app.include_router(statements.router, responses=PROBLEMS)

    @app.exception_handler(errors.Refused)
    def refused(_: Request, wrong: errors.Refused) -> JSONResponse:
        return problem(STATUS[type(wrong)], type(wrong).__name__, detail=str(wrong))

    @app.exception_handler(RequestValidationError)
    def unread(_: Request, wrong: RequestValidationError) -> JSONResponse:
        first = wrong.errors()[0]  # what was sent is not said again: it may be a password
        where = ".".join(str(part) for part in first["loc"][1:]) or "the body"
        return problem(422, "BadInput", detail=f"{where}: {first['msg']}")

    @app.exception_handler(HTTPException)
    def unknown(_: Request, wrong: HTTPException) -> JSONResponse:
        """An address or a method that there is none of."""
        return problem(wrong.status_code, "NotFound", detail=f"{wrong.detail}: no such address")

    @app.middleware("http")
    async def headers(request: Request, proceed: Any) -> Response:
        """What every answer says to the browser: load nothing from elsewhere, guess no types."""
        response: Response = await proceed(request)
        response.headers.setdefault("Content-Security-Policy", policy(_tiles(app)))
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        if request.url.path.startswith("/api"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    app.openapi = partial(_openapi, app)  # type: ignore[method-assign]

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


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document, with the forms of the orders."""
    if app.openapi_schema is None:
        found = get_openapi(title=app.title, version=app.version, routes=app.routes)
        parts = found.setdefault("components", {}).setdefault("schemas", {})
        app.openapi_schema = found
        parts.update(orders.schemas(app.state.home))
    return app.openapi_schema


def policy(tile_url: str) -> str:
    """The content-security policy; it lets images come from the tile server that is set, if any."""
    if not tile_url:
        return POLICY
    asked = urlsplit(tile_url)
    host = f"{asked.scheme}://{asked.netloc.replace('{s}', '*')}"
    return POLICY.replace("img-src 'self'", f"img-src 'self' {host}")


def _tiles(app: FastAPI) -> str:
    settings = getattr(app.state, "settings", None)
    return str(settings.tile_url) if settings else ""


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
