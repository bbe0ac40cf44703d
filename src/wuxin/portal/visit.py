"""Who asks, of which home, and how a refusal is answered: what every route begins and ends with."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, StringConstraints

from wuxin.home import Home
from wuxin.portal import queries
from wuxin.portal.access import COOKIE, READ, Accounts, Session
from wuxin.sources import Source
from wuxin.terms import errors

STATUS: Final[dict[type[errors.Refused], int]] = {
    errors.BadInput: 400,
    errors.NotSignedIn: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Gone: 410,
}
"""The one table from refusals to HTTP."""

TITLES: Final = {status: kind.__name__ for kind, status in STATUS.items()}
"""What a problem is called that has no refusal of ours behind it."""

PROBLEM_JSON: Final = "application/problem+json"
_WORDS: Final = {
    400: "It cannot be meant.",
    401: "Nobody is signed in.",
    403: "The role may not do that, or the tenant is not served here.",
    404: "There is none that the session may see.",
    409: "It contradicts what stands.",
    410: "It was deleted by policy.",
    422: "It cannot be read.",
}


class Problem(BaseModel):
    """A refusal, as RFC 9457 has it."""

    type: str = "about:blank"
    title: str = Field(description="the kind of refusal")
    status: int
    detail: str = Field(description="what is wrong, in a sentence")


PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": Problem, "description": said, "content": {PROBLEM_JSON: {}}}
    for status, said in _WORDS.items()
}
"""What any route may answer besides what it is for."""


def problem(status: int, title: str, *, detail: str) -> JSONResponse:
    """A refusal as an answer."""
    text = detail.encode("utf-8", "replace").decode()  # it may say again what was no text
    said = Problem(title=title, status=status, detail=text)
    return JSONResponse(said.model_dump(), status, media_type=PROBLEM_JSON)


def house(request: Request) -> Home:
    """The home that this process serves."""
    home: Home = request.app.state.home
    return home


def present(home: Home, source: Source) -> int:
    """The present of a source (ns): the end of what was recorded, or the wall clock."""
    return source.watermark if source.decoder is None else home.clock()


def signed_in(request: Request) -> Session:
    """The session of the request.

    Raises:
        NotSignedIn: there is none.
        Forbidden: its role may not read, or its tenant is not served here.
    """
    accounts: Accounts = request.app.state.accounts
    session = accounts.session(request.cookies.get(COOKIE))
    session.need(READ)
    if session.tenant != request.app.state.home.tenant:
        raise errors.Forbidden("this server does not serve that tenant")
    return session


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of somebody who has signed in: the home and the session."""

    home: Home
    who: Session


def visit(
    home: Annotated[Home, Depends(house)], who: Annotated[Session, Depends(signed_in)]
) -> Visit:
    """The visit of a request."""
    return Visit(home, who)


MOST: Final = 1000
"""The most entries of a list."""

FARTHEST: Final = 1_000_000_000
"""The most entries of a list that can be passed over."""

Text = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]
"""A name or a text of a request: not longer than any name here, and such as any database takes."""


class Page(BaseModel):
    """Which rows of a longer answer."""

    offset: int = Field(0, ge=0, le=FARTHEST)
    limit: int = Field(50, ge=1, le=queries.PAGE)


@dataclass(frozen=True, slots=True)
class Onward:
    """Says in an answer where it goes on: in the head as ``Link`` (RFC 8288), and as ``next``."""

    request: Request
    response: Response

    def of(self, answer: dict[str, Any], page: Page) -> dict[str, Any]:
        """An answer with ``total`` and ``rows``, and the address of those that follow."""
        following = self.after(page.offset + page.limit, limit=page.limit, total=answer["total"])
        return {**answer, "offset": page.offset, "limit": page.limit, "next": following}

    def after(self, end: int, *, limit: int, total: int) -> str | None:
        """The address of what comes after so many of all, None if that is nothing."""
        if end >= total:
            return None
        url = self.request.url.include_query_params(offset=end, limit=limit)
        following = f"{url.path}?{url.query}"
        self.response.headers["Link"] = f'<{following}>; rel="next"'
        return following


def onward(request: Request, response: Response) -> Onward:
    """How the answer to a request says where it goes on."""
    return Onward(request, response)


@dataclass(frozen=True, slots=True)
class Leaf:
    """Which part of a list is asked for; the head of the answer says how to get the next one.

    The whole number is in ``X-Total-Count``, the address of the next part in ``Link``.
    """

    onward: Onward
    offset: int
    limit: int

    def of(self, rows: list[Any]) -> list[Any]:
        """The part of the rows that is asked for."""
        end = self.offset + self.limit
        self.onward.response.headers["X-Total-Count"] = str(len(rows))
        self.onward.after(end, limit=self.limit, total=len(rows))
        return rows[self.offset : end]


Next = Annotated[Onward, Depends(onward)]
"""What a route asks for that answers rows with their total."""


def leaf(
    onward: Next, *,
    offset: Annotated[int, Query(ge=0, le=FARTHEST)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = MOST,
) -> Leaf:  # fmt: skip
    """The part of a list that a request asks for."""
    return Leaf(onward, offset, limit)


Part = Annotated[Leaf, Depends(leaf)]
"""What a route asks for that answers a list."""

Here = Annotated[Visit, Depends(visit)]
"""What a route asks for to know who asks and of which home."""
