"""The things: a search table, those with warnings first."""

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from wuxin.portal.screens.filters import State, choice, thing_href, written
from wuxin.portal.screens.parts import card, level, raw, tag, text
from wuxin.portal.screens.shell import View, heading, page
from wuxin.portal.screens.tables import Column, Listing
from wuxin.portal.screens.words import LEVELS, level_word, number, pick, t


@page("/things", ("标的物", "Things"))
async def things(view: View) -> None:
    """Everything that is pledged, leased or watched, with filters in the address."""
    state = State("q", "pack", "kind", "level")
    packs = await view.api.get("/api/packs")
    heading(t("标的物", "Things"))

    def draw(row: dict[str, Any]) -> None:
        _card(row, kinds=kinds)

    def counted(found: int) -> None:
        count.set_text(t(f"共 {number(found)} 项", f"{number(found)} things"))

    async def show() -> None:
        counted(await listing.show(state.values))

    async def renew() -> None:
        counted(await listing.refresh())

    kinds = {k["kind"]: pick(k) for p in packs for k in p["kinds"]}
    columns = (
        Column("level", "预警", "Warning", "level", 170),
        Column("id", "编号", "Id", "name"),
        Column("en", "种类", "Kind", "kind"),
        Column("parent", "所属", "Part of", "parent", said=kinds),
        Column("pack", "行业", "Industry", "said", 180, said={p["pack"]: pick(p) for p in packs}),
    )

    with card():
        with ui.element("div").classes("wx-filters"):
            written(state, "q", label=t("编号或种类", "Id or kind"), changed=show)
            if len(packs) > 1:
                choice(state, "pack", label=t("行业", "Industry"), changed=show,
                       options={p["pack"]: pick(p) for p in packs})  # fmt: skip
            choice(state, "kind", label=t("种类", "Kind"), options=kinds, changed=show)
            levels = {"any": t("有预警", "any warning"), **{x: level_word(x) for x in LEVELS}}
            choice(state, "level", label=t("预警", "Warning"), options=levels, changed=show)
            with ui.element("div").classes("wx-filters-end"):
                count = ui.label().classes("wx-muted").mark("count")
                settings = ui.element("div")
        listing = Listing("things", "/api/things", columns=columns, card=draw, opened=_open)
        with settings:
            listing.settings()
        view.on_progress(renew)
        await show()


def _card(row: dict[str, Any], *, kinds: Mapping[str, str]) -> None:
    with ui.element("div").classes("flex items-center justify-between gap-2 no-wrap"):
        tag("strong", row["id"])
        raw(level(row["level"]))
    tag("div", pick(row), classes="wx-muted")
    if row["parent"]:
        kind, _, name = row["parent"].partition(":")
        raw(f"{t('所属', 'Part of')} {text(kinds.get(kind, kind))} {text(name)}").classes(
            "wx-muted wx-small"
        )


def _open(row: dict[str, Any]) -> None:
    ui.navigate.to(thing_href(row))
