"""How pages look: one style sheet, one small script, and what each visitor chose (cookies)."""

import hashlib
from functools import cache
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlencode

import nicegui
from nicegui import context, ui
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Scope

from wuxin.portal.screens import words
from wuxin.portal.screens.client import APP

_HERE: Final = Path(__file__).parent
_FILES: Final = ("wuxin.css", "wuxin.js")
_YEAR: Final = 31_536_000
LANGUAGE_COOKIE: Final = "wuxin_language"
THEME_COOKIE: Final = "wuxin_theme"
ZONE_COOKIE: Final = "wuxin_zone"
ICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<rect width="32" height="32" rx="7" fill="#1f5fae"/>'
    '<path d="M9 10v12h14M9 18l5-5 4 4 6-7" fill="none" stroke="#fff"'
    ' stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round"/></svg>'
)


@cache
def _address(name: str) -> str:
    digest = hashlib.sha256((_HERE / name).read_bytes()).hexdigest()[:12]
    return f"/_wuxin/{digest}/{name}"


def serve_assets() -> None:
    """Serve style sheet and script from this host, under names that change with their content."""
    for name in _FILES:
        nicegui.app.add_static_file(
            local_file=_HERE / name, url_path=_address(name), max_cache_age=_YEAR
        )


def dress(request: Request, *, language: str, dark: bool | None = None) -> None:
    """Give the page that is being built its style, language, time zone and theme.

    Args:
        request: the visitor's; its cookies say what was chosen.
        language: the language of a visitor who has chosen none, as a BCP 47 tag.
        dark: dark or light whatever was chosen, as the cockpit needs it.
    """
    chosen = request.cookies.get(LANGUAGE_COOKIE) or language
    words.set_visitor(
        "en" if chosen.startswith("en") else "zh",
        unquote(request.cookies.get(ZONE_COOKIE) or "UTC"),
    )
    theme = {"dark": True, "light": False}.get(request.cookies.get(THEME_COOKIE, ""))
    here = context.client
    shown: Any = type(here.page).__new__(type(here.page))
    shown.__dict__.update(here.page.__dict__)  # the registered page is everybody's
    shown.language = words.t("zh-CN", "en-US")
    shown.dark = theme if dark is None else dark
    here.page = shown
    outer = here.content.parent_slot
    if outer:  # Quasar makes a main element around header and navigation too; ours is inside
        outer.parent.props("role=none")
    ui.add_head_html(f'<link rel="stylesheet" href="{_address("wuxin.css")}">')
    ui.add_head_html(f'<script defer src="{_address("wuxin.js")}"></script>')


class Visitors:
    """Middleware of the screens: it names the application to its pages and keeps ``?lang=``.

    A chosen language goes into a cookie and out of the address, whose other state stays.
    """

    def __init__(self, app: ASGIApp, *, house: Any) -> None:
        self._app, self._house = app, house

    async def __call__(self, scope: Scope, *channels: Any) -> None:
        """Answer, or send the visitor to the same address without ``lang``."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, *channels)
            return
        scope[APP] = self._house
        asked = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        chosen = dict(asked).get("lang")
        if scope["type"] == "http" and chosen and not scope["path"].startswith("/api"):
            rest = urlencode([(k, v) for k, v in asked if k != "lang"])
            path = "/" + scope.get("raw_path", b"/").decode("latin-1").lstrip("/")
            answer = RedirectResponse(f"{path}?{rest}" if rest else path, 303)
            kept: SimpleCookie = SimpleCookie()
            kept[LANGUAGE_COOKIE] = "en" if chosen.startswith("en") else "zh-CN"
            kept[LANGUAGE_COOKIE].update({"path": "/", "max-age": str(_YEAR), "samesite": "Lax"})
            answer.headers.append("Set-Cookie", kept[LANGUAGE_COOKIE].OutputString())
            await answer(scope, *channels)
            return
        await self._app(scope, *channels)
