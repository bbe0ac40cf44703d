"""The page as a client of the JSON API: each call goes through the application itself.

It carries the visitor's session cookie, so every rule of access stays in the API.
"""

from typing import Any, Final

import httpx
from nicegui import Client as Browser
from nicegui import context
from starlette.requests import Request

APP: Final = "wuxin.app"
"""Where a request's scope keeps the application that answers ``/api``."""


class Problem(Exception):  # noqa: N818 - it is what RFC 9457 calls it
    """What the API refused, as its problem document says it."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status}: {detail}")
        self.status, self.detail = status, detail


class Client:
    """Calls of one visitor.

    Args:
        app: the application that answers.
        cookie: the visitor's Cookie header.
    """

    def __init__(self, app: Any, cookie: str = "") -> None:
        self._app, self._cookie = app, cookie

    @classmethod
    def of(cls, visitor: Request | Browser | None = None) -> "Client":
        """The client of a request, of a page, or of the page that is being shown."""
        request = visitor if isinstance(visitor, Request) else (visitor or context.client).request
        return cls(request.scope[APP], request.headers.get("cookie", ""))

    async def get(self, path: str, **params: Any) -> Any:
        """What the API answers; empty parameters are left out, ``from_`` is sent as ``from``.

        Raises:
            Problem: the API refused.
        """
        given = {k.rstrip("_"): _text(v) for k, v in params.items() if v not in (None, "")}
        return await self._send("GET", path, params=given)

    async def post(self, path: str, **body: Any) -> Any:
        """What the API answers to a JSON body.

        Raises:
            Problem: the API refused.
        """
        return await self._send("POST", path, json=body)

    async def _send(self, method: str, path: str, **told: Any) -> Any:
        transport = httpx.ASGITransport(app=self._app, raise_app_exceptions=False)
        client = httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1", trust_env=False,
            headers={"Cookie": self._cookie} if self._cookie else {},
        )  # fmt: skip
        answer = await client.request(method, path, **told)
        if answer.is_success:
            return answer.json() if answer.content else None
        try:
            detail = answer.json()["detail"]
        except (ValueError, KeyError, TypeError):
            detail = answer.reason_phrase
        raise Problem(answer.status_code, detail if isinstance(detail, str) else str(detail))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
