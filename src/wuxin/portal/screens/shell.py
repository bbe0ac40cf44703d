"""The frame of every page: header, navigation, breadcrumb, drawer, replay strip and states.

A page is an async function of a :class:`View`, registered with :func:`page`; it calls
:func:`heading` first. It runs after the visitor's session is known, and what the API refuses it
becomes a designed state or the sign-in page.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

import nicegui
from nicegui import context, ui
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from wuxin.portal.screens import parts, theme
from wuxin.portal.screens.client import APP, Client, Problem
from wuxin.portal.screens.parts import link, raw, tag, text
from wuxin.portal.screens.words import day, language, number, percent, pick, t, word, zone_name
from wuxin.settings import Settings

_LOG: Final = logging.getLogger("wuxin.screens")
NAVIGATION: Final = (
    ("/", "dashboard", "总览", "Overview"),
    ("/things", "inventory_2", "标的物", "Things"),
    ("/facilities", "account_balance", "融资", "Facilities"),
    ("/trades", "sync_alt", "贸易", "Trades"),
    ("/reports", "summarize", "报表", "Reports"),
    ("/credit", "request_quote", "授信", "Credit"),
    ("/warnings", "notifications", "预警", "Warnings"),
    ("/devices", "sensors", "设备", "Devices"),
    ("/map", "place", "地图", "Map"),
)
THUMB: Final = ("/", "/things", "/facilities", "/reports", "/warnings")
"""What the bar at the bottom of a phone has; the rest stands under "more"."""

_OF: Final[dict[str, str | tuple[str, ...]]] = {
    "/credit": ("/credit", "/obligors"), "/trades": ("/trades", "/capacity"),
}  # fmt: skip
"""Pages that stand under another's entry of the navigation."""


@dataclass(slots=True)
class View:
    """One visitor before one page: who it is, what the address asks, and the way to the API."""

    request: Request
    api: Client
    session: dict[str, Any]
    refreshers: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    @property
    def query(self) -> QueryParams:
        """The parameters of the address: all state of the page."""
        return self.request.query_params

    @property
    def path(self) -> dict[str, str]:
        """The parts of the page's path, by name."""
        return dict(self.request.path_params)

    @property
    def settings(self) -> Settings:
        """The settings of this process."""
        chosen: Settings = self.request.scope[APP].state.settings
        return chosen

    def set_query(self, **changes: str | None) -> None:
        """Write state into the address without loading; None or "" takes a parameter out."""
        given = {k.rstrip("_"): v for k, v in changes.items()}
        ui.run_javascript(f"wuxin.query({json.dumps(given)})")

    def on_progress(self, refresh: Callable[[], Awaitable[None]]) -> None:
        """Call a function every few seconds while a replay brings new records."""
        self.refreshers.append(refresh)


Build = Callable[[View], Awaitable[None]]
PAGES: Final[dict[str, "Registered"]] = {}
EXTENSIONS: Final[list[Callable[[View], None]]] = []
"""Called once in every framed page: the search dialog installs itself here."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A page as it is mounted: what builds it, its title, and whether it has a frame."""

    build: Build
    title: tuple[str, str]
    framed: bool = True
    public: bool = False
    dark: bool | None = None


def page(path: str, title: tuple[str, str], **how: Any) -> Callable[[Build], Build]:
    """Register an async function of a :class:`View` as the page at a path.

    Args:
        path: the route, with ``{name}`` or ``{name:path}``.
        title: Chinese and English.
        how: ``framed=False`` for a page without header, ``public=True`` for one without session,
            ``dark=True`` for one that is always dark.
    """

    def keep(build: Build) -> Build:
        PAGES[path] = Registered(build, title, **how)
        return build

    return keep


def register(default_language: str) -> None:
    """Give every registered page to NiceGUI."""
    for path, registered in PAGES.items():
        ui.page(path, response_timeout=20)(_show(registered, default_language))

    @nicegui.app.exception_handler(404)
    async def lost(request: Request, _: Exception) -> Response:
        with nicegui.Client(ui.page(""), request=request) as here:
            theme.dress(request, language=default_language)
            parts.refused(Problem(404, ""), heading="h1")
            with ui.element("div").classes("wx-empty"):
                link(t("返回总览", "Back to the overview"), "/", classes="wx-button")
            return here.build_response(request, 404)


def _show(registered: Registered, default_language: str) -> Callable[..., Awaitable[Any]]:
    async def shown(request: Request) -> Response | None:
        theme.dress(request, language=default_language, dark=registered.dark)
        here, api = context.client, Client.of(request)
        here.title = f"{t(*registered.title)} · {t('物信', 'Wuxin')}"
        try:
            session = {} if registered.public else await api.get("/api/session")
        except Problem as problem:
            if problem.status == 401:
                return _to_sign_in(request)
            parts.refused(problem, heading="h1")
            return None
        view = View(request, api, session)
        try:
            with _frame(view) if registered.framed else here.content:
                await _guarded(registered.build, view)
        except Problem:  # the session ended between two calls
            return _to_sign_in(request)
        return None

    return shown


async def _guarded(build: Build, view: View) -> None:
    """Build a page; what goes wrong becomes its state, and the sign-in page for a 401."""
    try:
        await build(view)
    except Problem as problem:
        if problem.status == 401:
            raise
        context.client.status_code = problem.status
        parts.refused(problem, heading="h1")
    except Exception:  # noqa: BLE001 - a page that fails still has a frame and a way out
        _LOG.exception("page %s failed", view.request.url.path)
        context.client.status_code = 500
        parts.refused(heading="h1")


def _to_sign_in(request: Request) -> RedirectResponse:
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse("/sign-in" + (f"?next={quote(asked)}" if asked != "/" else ""), 303)


def _frame(view: View) -> ui.element:
    """Header, navigation and main element of a page; the latter is returned."""
    _header(view)
    with ui.element("div").classes("wx-shell"):
        with tag("nav", classes="wx-nav", aria_label=t("主导航", "Main navigation")):
            _links(view)
        main = tag("main", classes="wx-main", id="main", tabindex="-1")
    with tag("nav", classes="wx-bottom", aria_label=t("底部导航", "Bottom navigation")):
        _links(view, only=THUMB)
        _more()
    ui.skip_link(t("跳到主要内容", "Skip to main content"), target=main)
    for install in EXTENSIONS:
        install(view)
    with main:
        if view.session.get("must_change"):
            _own_password()
        ui.timer(0.1, lambda: _replays(view, strip), once=True)
        strip = ui.element("div").classes("wx-replays")
    return main


def _header(view: View) -> None:
    with tag("header", classes="wx-header"):
        raw(f"{text('物信')} <span>Wuxin</span>", "a").classes("wx-brand").props["href"] = "/"
        tag("div", view.session.get("tenant", ""), classes="wx-tenant")
        search = t("搜索", "Search")
        with tag("button", classes="wx-search", type="button", aria_label=search).on(
            "click", js_handler="() => emitEvent('wuxin-search')"
        ):
            inner = f'<span class="wx-search-word">{search}</span><kbd>⌘K</kbd>'
            raw(parts.icon("search") + inner, "span").classes("flex items-center gap-2 grow")
        other = t("English", "中文")
        _tool(other, js=f"() => wuxin.language('{t('en', 'zh-CN')}')", wide=True)
        _tool("", js="() => wuxin.theme()", sign="contrast", wide=True,
              name=t("切换深浅色", "Switch dark or light"))  # fmt: skip
        _user_menu(view, other)


def _tool(label: str, *, js: str, sign: str = "", name: str = "", wide: bool = False) -> ui.element:
    made = tag("button", label, classes=f"wx-tool {'wx-wide' if wide else ''}", type="button")
    if name:
        made.props["aria-label"] = made.props["title"] = name
    if sign:
        with made:
            ui.icon(sign)
    return made.on("click", js_handler=js)


def _user_menu(view: View, other: str) -> None:
    name = view.session.get("name", "")
    button = tag("button", classes="wx-tool", type="button", aria_haspopup="menu",
                 aria_label=t(f"用户 {name}", f"User {name}"))  # fmt: skip
    with button:
        ui.icon("account_circle")
        tag("span", name, classes="wx-wide")
        with ui.menu().props('anchor="bottom right" self="top right"'):
            who = f"{name} · {word(view.session.get('role', ''))}"
            ui.menu_item(who).props("disable role=menuitem").classes("wx-small")
            entries = (
                (other, f"() => wuxin.language('{t('en', 'zh-CN')}')"),
                (t("切换深浅色", "Switch dark or light"), "() => wuxin.theme()"),
                (t("大屏", "Cockpit"), "() => location.assign('/cockpit')"),
                (t("修改密码", "Change password"), "() => location.assign('/password')"),
                (t("退出登录", "Sign out"), "() => wuxin.signOut()"),
            )
            for label, action in entries:
                ui.menu_item(label).props("role=menuitem").on("click", js_handler=action)


def _links(view: View, only: Sequence[str] = ()) -> None:
    here = view.request.url.path
    for href, sign, zh, en in NAVIGATION:
        if only and href not in only:
            continue
        current = here == href or (href != "/" and here.startswith(_OF.get(href, href)))
        with tag("a", href=href, **({"aria_current": "page"} if current else {})):
            ui.icon(sign)
            tag("span", t(zh, en))


def _more() -> None:
    """The entries that the phone's bar has no room for."""
    with tag("button", type="button", aria_haspopup="menu"):
        ui.icon("more_horiz")
        tag("span", t("更多", "More"))
        with ui.menu().props('anchor="top right" self="bottom right"'):
            for href, _, zh, en in NAVIGATION:
                if href not in THUMB:
                    go = f"() => location.assign('{href}')"
                    ui.menu_item(t(zh, en)).props("role=menuitem").on("click", js_handler=go)


def _own_password() -> None:
    with ui.element("div").classes("wx-note"):
        tag("span", t("您正在使用一次性密码，一天后失效。",
                      "You are using a one-time password; it runs out after a day."))  # fmt: skip
        link(t("设置自己的密码", "Set your own password"), "/password", classes="wx-button")


def heading(
    title: str, crumbs: Sequence[tuple[str, str]] = (), *, note: str = "", browser: str = ""
) -> None:
    """The page's breadcrumb and title.

    Args:
        title: what the page shows.
        crumbs: the way to it after the overview, as text and address.
        note: markup beside the title, such as a state or an as-of time.
        browser: the browser's title where it differs.
    """
    context.client.title = f"{browser or title} · {t('物信', 'Wuxin')}"
    if context.client.request.url.path != "/":
        with tag("nav", classes="wx-crumbs", aria_label=t("路径", "Breadcrumb")):
            for name, href in ((t("总览", "Overview"), "/"), *crumbs):
                link(name, href)
                tag("span", "/", aria_hidden="true")
            tag("span", title, aria_current="page")
    with ui.element("div").classes("wx-title"):
        tag("h1", title)
        if note:
            raw(note)


def zone_note() -> str:
    """Markup that says in which zone the page writes dates and times."""
    return f'<span class="wx-muted wx-small">{t("日期时间按", "times in")} {zone_name()}</span>'


def open_drawer(title: str, content: Callable[[], Awaitable[None] | None]) -> ui.dialog:
    """Open the detail drawer: right side on a desktop, the whole width on a phone.

    Args:
        title: its heading.
        content: builds what it holds, also asynchronously; a :class:`Problem` becomes a state.
    """
    with ui.dialog().props(
        f'position=right transition-show=slide-left transition-hide=slide-right '
        f'aria-label="{text(title)}"'
    ) as dialog, tag("div", classes="wx-drawer"):  # fmt: skip
        with ui.element("div").classes("wx-drawer-head"):
            tag("h2", title)
            with tag("button", classes="wx-tool", type="button",
                     aria_label=t("关闭", "Close")).on("click", dialog.close):  # fmt: skip
                ui.icon("close")
        body = tag("div", classes="wx-drawer-body", tabindex="0")
    with body:
        waiting = parts.loading()

    async def fill() -> None:
        with body:
            try:
                made = content()
                if made is not None:
                    await made
            except Problem as problem:
                parts.refused(problem)
            except Exception:  # noqa: BLE001 - as a page
                _LOG.exception("drawer %s failed", title)
                parts.refused()
            finally:
                waiting.delete()

    dialog.on("hide", dialog.delete)
    dialog.open()
    nicegui.background_tasks.create(fill(), name="drawer")
    return dialog


def address(path: str, **query: Any) -> str:
    """An address of a page with its state; empty parameters are left out."""
    given = {k.rstrip("_"): v for k, v in query.items() if v not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path


async def _replays(view: View, strip: ui.element) -> None:
    """Show what is being brought in, and tell the page to refresh while it comes."""
    seen = -1
    timer: ui.timer

    async def look() -> None:
        nonlocal seen
        try:
            found = await view.api.get("/api/replays")
        except Problem:
            timer.cancel()
            return
        running = [r for r in found if r["state"] == "running"]
        rows = sum(r["rows"] for r in found)
        strip.clear()
        with strip:
            _running(running)
            for replay in found:
                if replay["state"] == "failed":
                    said = t("回放失败：", "The replay failed: ") + replay.get("error", "")
                    tag("div", said, classes="wx-note", role="alert")
        if rows != seen and seen >= 0:
            for refresh in view.refreshers:
                await refresh()
        seen = rows
        if not running:
            timer.cancel()

    timer = ui.timer(3.0, look, immediate=True)  # beside the strip, which is cleared each time


def _running(replays: Sequence[dict[str, Any]]) -> None:
    """What is being brought in, in one strip: one recording by its name, several together."""
    if len(replays) == 1:
        [one] = replays
        at = f" {day(one['event_time'])}" if one["event_time"] else ""
        _progress(t(f"正在回放{pick(one)}", f"Replaying {pick(one)}"), replays, note=at)
    elif replays:
        many = number(len(replays))
        names = t("、", ", ").join(dict.fromkeys(pick(one) for one in replays))
        _progress(t(f"正在回放 {many} 份记录", f"Replaying {many} recordings"), replays, note=names)


def _progress(name: str, replays: Sequence[dict[str, Any]], *, note: str) -> None:
    done, total = (sum(one[key] for one in replays) for key in ("rows", "total"))
    share = done / max(total, 1)
    with ui.element("div").classes("wx-note").props("role=status"):
        tag("strong", name)
        if note:
            tag("span", note)
        raw(f'<div style="width:{share:.1%}"></div>').classes("wx-bar").props["aria-hidden"] = (
            "true"
        )
        rows = f"{number(done)} / {number(total)}"
        tag("span", f"{percent(share, 0)} · {rows} {t('行', 'rows')}", classes="wx-muted")


__all__ = ["View", "address", "heading", "language", "open_drawer", "page"]
