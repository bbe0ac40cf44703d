"""Search (⌘K): things, facilities and their parties, from anywhere."""

from typing import Any
from urllib.parse import quote

from nicegui import events, ui

from wuxin.portal.screens import shell
from wuxin.portal.screens.client import Problem
from wuxin.portal.screens.filters import thing_href
from wuxin.portal.screens.parts import empty, icon, level, raw, refused, tag, text
from wuxin.portal.screens.words import pick, t, word


def dialog(view: shell.View) -> ui.dialog:
    """The search box with its results; every framed page has one."""
    with ui.dialog().props("position=top") as box, ui.card().classes("wx-search-box"):
        field = ui.input(placeholder=t("编号、种类、借款人", "Id, kind or party"))
        field.props("outlined dense autofocus debounce=200 type=search clearable").classes("w-full")
        field.props["aria-label"] = t("搜索", "Search")
        field.mark("search")
        results = ui.element("div").classes("wx-results").mark("results")

    async def ask(event: events.ValueChangeEventArguments[Any]) -> None:
        asked = (event.value or "").strip()
        results.clear()
        if not asked:
            return
        try:
            found = await view.api.get("/api/search", q=asked)
        except Problem as problem:
            with results:
                refused(problem)
            return
        if asked == (field.value or "").strip():
            results.clear()
            with results:
                _results(found)

    field.on_value_change(ask)
    field.on("keydown.enter", js_handler=_FIRST)
    return box


_FIRST = "() => document.querySelector('.wx-results a')?.click()"


def _results(found: dict[str, Any]) -> None:
    for facility in found["facilities"]:
        _row(f"/facilities/{quote(facility['id'])}", "account_balance", name=facility["id"],
             note=f"{facility['obligor']} · {word(facility['pack'])}")  # fmt: skip
    for thing in found["things"]:
        if thing["kind"] == "facility":
            continue
        note = f"{pick(thing)} · {word(thing['pack'])}"
        _row(thing_href(thing), "inventory_2", name=thing["id"], note=note, warned=thing["level"])
    if not found["facilities"] and not found["things"]:
        hint = t("换一个编号或名称再试。", "Try another id or name.")
        empty(t("没有找到", "Nothing found"), hint, sign="search_off")


def _row(href: str, sign: str, *, name: str, note: str, warned: str | None = None) -> None:
    with tag("a", classes="wx-found", href=href):
        chip = level(warned) if warned else ""
        raw(f"{icon(sign)}<b>{text(name)}</b><span class='wx-muted'>{text(note)}</span>{chip}",
            "span").classes("contents")  # fmt: skip


def _install(view: shell.View) -> None:
    box = dialog(view)
    ui.on("wuxin-search", box.open)


shell.EXTENSIONS.append(_install)
