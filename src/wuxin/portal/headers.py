"""What every answer says to the browser: load nothing from elsewhere, guess no types.

It touches the head of an answer alone, so that a stream goes through as it is made.
"""

from typing import Any, Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Scope

POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
)
"""What a page may load. NiceGUI needs ``unsafe-eval``: see THREAT_MODEL.md."""


class Headers:
    """Puts the headers of safety on every answer of an application that does not say otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, *ways: Any) -> None:
        """Answer, with the headers; the ways are those to receive and to send."""
        receive, send = ways
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def said(message: Message) -> None:
            """Send on, with headers where an answer begins."""
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", policy(_tiles(scope)))
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "same-origin")
                if scope["path"].startswith("/api"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, said)


def policy(tile_url: str) -> str:
    """The content-security policy; it lets images come from the tile server that is set, if any."""
    if not tile_url:
        return POLICY
    asked = urlsplit(tile_url)
    host = f"{asked.scheme}://{asked.netloc.replace('{s}', '*')}"
    return POLICY.replace("img-src 'self'", f"img-src 'self' {host}")


def _tiles(scope: Scope) -> str:
    settings = getattr(scope["app"].state, "settings", None)
    return str(settings.tile_url) if settings else ""
