"""One thing: its twin now or at a past moment, its warnings, its facts and its relatives."""

from collections.abc import Sequence
from typing import Any, Final

from nicegui import ui

from wuxin.portal.screens.evidence import reading_mark
from wuxin.portal.screens.filters import State, thing_href
from wuxin.portal.screens.finding import figure, open_finding, sentence
from wuxin.portal.screens.moment import past_switch, past_words, range_button
from wuxin.portal.screens.parts import (
    Column,
    card,
    empty,
    facts,
    level,
    link,
    loading,
    raw,
    table,
    tag,
    text,
)
from wuxin.portal.screens.parts import state as state_chip
from wuxin.portal.screens.series import Here, charts, chooser, names, redraw
from wuxin.portal.screens.shell import View, address, heading, page
from wuxin.portal.screens.words import LEVELS, language, minute, number, pick, t

QUALITY: Final = (
    (1, "超出量程", "out of range"), (2, "时间不可信", "implausible time"),
    (4, "重复", "duplicate"), (8, "与已收数据矛盾", "conflicting"),
    (16, "次序颠倒", "out of order"), (32, "迟到", "late"),
    (64, "长时间不变", "stuck"), (128, "变化过快", "implausible rate"),
)  # fmt: skip
"""Marks of a reading, by bit; the order of :class:`wuxin.terms.records.Quality`."""


@page("/things/{pack}/{kind}/{name:path}", ("标的物", "Thing"))
async def thing(view: View) -> None:
    """What it is and how it is; all that is chosen stands in the address."""
    path = view.path
    here = Here(view, (path["pack"], path["kind"], path["name"]),
                State("from", "to", "at", "as_of", "show", "as"))  # fmt: skip
    await here.ask()
    _heading(here)

    async def again() -> None:
        await here.ask()
        _now(here, now)
        await charts(here, drawn)

    async def series() -> None:
        await charts(here, drawn)

    async def renew() -> None:
        before = here.shown
        await here.ask()
        _now(here, now)
        if here.drawn and here.shown == before:
            await redraw(here)
        else:
            chosen.set_options(names(here), value=here.shown)
            await charts(here, drawn)

    with ui.element("div").classes("wx-filters"):
        range_button(here.state, series, until=here.until)
        past_switch(here.state, again, until=here.until)
    now = ui.element("div")
    _now(here, now)
    with card():
        chosen = chooser(here, series)
        drawn = ui.element("div").classes("wx-grid grid-cols-1 xl:grid-cols-2")
    with drawn:
        loading()
    ui.timer(0.05, series, once=True)
    view.on_progress(renew)


def _heading(here: Here) -> None:
    found = here.found
    title = f"{pick(found)} {found['id']}"
    crumbs = [(t("标的物", "Things"), "/things")]
    if found["parent"]:
        kind, _, name = found["parent"].partition(":")
        crumbs.append((name, thing_href({"pack": found["pack"], "kind": kind, "id": name})))
    heading(title, crumbs)


def _now(here: Here, place: ui.element) -> None:
    """The moment that is shown, the warnings, the latest values, facts and relatives."""
    place.clear()
    with place:
        past = past_words(here.state)
        if past:
            with (
                ui.element("div").classes("wx-note wx-past").props("role=status").mark("past-note")
            ):
                ui.icon("history").classes("text-xl")
                tag("span", past)
                link(t("回到现在", "Back to now"), here.state.url(at="", as_of=""))
        _warnings(here)
        with ui.element("div").classes("wx-grid grid-cols-1 lg:grid-cols-[2fr_1fr] mb-4"):
            with card(t("最新数值", "Latest values")):
                _values(here)
            with ui.element("div").classes("wx-grid content-start"):
                _relatives(here.found)


def _warnings(here: Here) -> None:
    rank = list(LEVELS)
    found = sorted(
        here.found["warnings"], key=lambda w: (w["to"] is not None, rank.index(w["level"]))
    )
    if not found:
        raw(level(None)).classes("mb-4").mark("warnings")
        return
    title = t("当时的预警", "Warnings that stood") if here.state["at"] else t("预警", "Warnings")
    every = address("/findings", thing=here.key[2])
    count = number(len(here.found["warnings"]))
    every_link = f'<a href="{text(every)}">{t(f"全部 {count} 条", f"All {count}")}</a>'
    with card(title, end=every_link, classes="mb-4"), ui.element("div").mark("warnings"):
        standing = [w for w in found if w["to"] is None]
        for warning in found[: max(3, min(6, len(standing)))]:
            stands = warning["to"] is None
            row = tag("button", classes="wx-warning", type="button")
            with row.on("click", lambda _, w=warning: open_finding(here.view, w["finding"])):
                chip = t("已解除", "ended")
                if stands or here.state["at"]:
                    chip = t("未解除", "open") if stands else t("当时未解除", "open then")
                raw(f"{level(warning['level'])} {state_chip(chip)}", "span").classes("wx-kind")
                tag("strong", sentence(warning))
                until = t("至今", "now") if stands else minute(warning["to"])
                tag("span", f"{minute(warning['from'])} – {until}",
                    classes="wx-when wx-muted wx-small")  # fmt: skip


def _values(here: Here) -> None:
    if not here.found["values"]:
        hint = t("设备上报后即显示于此。", "They appear as soon as a device reports.")
        empty(t("该时点没有读数", "No readings at this moment"), hint, sign="sensors_off")
        return
    columns = (
        Column(t("指标", "Indicator"), lead=True), Column(t("数值", "Value"), numeric=True),
        Column(t("时间", "Time")), Column(t("质量", "Quality")), Column(t("存证", "Evidence")),
    )  # fmt: skip
    rows = []
    order = sorted(here.found["values"], key=lambda v: (v["derived"], v["unit"] == "degree"))
    for value in order:
        name = f'<span title="{text(pick(value["purpose"]))}">{text(pick(value))}</span>'
        if value["derived"]:
            name += f' <span class="wx-muted wx-small">{t("推算", "computed")}</span>'
        mark = reading_mark(here.key, value["indicator"], time=value["time"])
        shown = f'<b data-value="{text(value["indicator"])}">'
        shown += f"{text(figure(value['value'], value['unit']))}</b>"
        rows.append((name, shown, text(minute(value["time"])), _quality(value["quality"]), mark))
    with ui.element("div").classes("wx-values"):
        table(columns, rows, name=t("最新数值", "Latest values"))


def _quality(marks: int) -> str:
    told = [t(zh, en) for bit, zh, en in QUALITY if marks & bit]
    return text("、".join(told) if language() == "zh" else ", ".join(told)) or t("正常", "good")


def _relatives(found: dict[str, Any]) -> None:
    if found["facts"]:
        with card(t("登记信息", "Facts"), classes="wx-narrow"):
            raw(facts((pick(f), text(figure(f["value"], f["unit"]))) for f in found["facts"]))
    parts: list[tuple[str, Sequence[dict[str, Any]]]] = []
    if found["parent"]:
        kind, _, name = found["parent"].partition(":")
        parent = {"pack": found["pack"], "kind": kind, "id": name}
        parts.append((t("所属", "Part of"), (parent,)))
    if found["children"]:
        parts.append((t("下属", "Has"), found["children"]))
    if not parts:
        return
    with card(t("关系", "Relations")):
        for title, rows in parts:
            tag("div", f"{title} · {len(rows)}", classes="wx-muted wx-small mb-1")
            chips = (f'<a class="wx-chip" href="{text(thing_href(r))}">{text(r["id"])}</a>'
                     for r in rows[:40])  # fmt: skip
            raw("".join(chips)).classes("wx-chips mb-3")
        if len(found["children"]) > 40:
            every = address("/things", pack=found["pack"], q="")
            link(t("查看全部", "See all"), every)
