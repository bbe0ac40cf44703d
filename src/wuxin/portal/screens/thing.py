"""One thing: its twin now or at a past moment, its warnings, and its series through time."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from nicegui import events, ui

from wuxin.portal.screens.charts import describe, series_options
from wuxin.portal.screens.evidence import reading_mark
from wuxin.portal.screens.filters import State, thing_href
from wuxin.portal.screens.finding import figure, open_finding, sentence
from wuxin.portal.screens.moment import past_switch, past_words, range_button
from wuxin.portal.screens.parts import (
    Column,
    card,
    empty,
    evidence_mark,
    facts,
    level,
    link,
    loading,
    raw,
    table,
    tag,
    text,
)  # fmt: skip
from wuxin.portal.screens.parts import state as state_chip
from wuxin.portal.screens.shell import View, address, heading, page
from wuxin.portal.screens.words import LEVELS, language, local, minute, number, pick, t

CHARTS: Final = 4
"""The most series shown at once."""

ROWS: Final = 100
"""Points in the table that stands for a chart."""

QUALITY: Final = (
    (1, "超出量程", "out of range"), (2, "时间不可信", "implausible time"),
    (4, "重复", "duplicate"), (8, "与已收数据矛盾", "conflicting"),
    (16, "次序颠倒", "out of order"), (32, "迟到", "late"),
)  # fmt: skip
"""Marks of a reading, by bit; the order of :class:`wuxin.terms.records.Quality`."""


@dataclass(slots=True)
class Here:
    """One visitor before one thing: what is asked, and the last answer."""

    view: View
    key: tuple[str, str, str]
    state: State
    found: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The thing in the API."""
        return "/api/things/" + "/".join(quote(part, safe="") for part in self.key)

    async def ask(self) -> None:
        """Ask for the twin at the moment that the address names."""
        asked = {"at": self.state["at"], "as_of": self.state["as_of"]}
        self.found = await self.view.api.get(self.path, **asked)

    @property
    def until(self) -> str:
        """The time of the last reading."""
        return max((v["time"] for v in self.found["values"]), default="")

    @property
    def shown(self) -> list[str]:
        """The indicators in charts: as chosen, else the first and what warnings are about."""
        known = [v["indicator"] for v in self.found["values"]]
        chosen = [name for name in self.state["show"].split(",") if name in known]
        if chosen:
            return chosen[:CHARTS]
        about = [w["indicator"] for w in self.found["warnings"]]
        usual = [v["indicator"] for v in self.found["values"]
                 if not v["derived"] and v["unit"] != "degree"]  # fmt: skip
        found = dict.fromkeys((*usual[:1], *about, *usual, *known))
        return [name for name in found if name in known][:2]


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
        await _charts(here, charts)

    async def series() -> None:
        await _charts(here, charts)

    with ui.element("div").classes("wx-filters"):
        range_button(here.state, series, until=here.until)
        past_switch(here.state, again, until=here.until)
    now = ui.element("div")
    _now(here, now)
    with card():
        _chooser(here, series)
        charts = ui.element("div").classes("wx-grid grid-cols-1 xl:grid-cols-2")
    with charts:
        loading()
    ui.timer(0.05, series, once=True)
    view.on_progress(again)


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
    every = address("/warnings", thing=here.key[2])
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


def _chooser(here: Here, changed: Any) -> None:
    """Which indicators, and as charts or as tables."""

    async def chosen(event: events.ValueChangeEventArguments[Any]) -> None:
        here.state.put({"show": ",".join(event.value or [])})
        await changed()

    async def drawn(event: events.ValueChangeEventArguments[Any]) -> None:
        here.state.put({"as": "table" if event.value == "table" else ""})
        await changed()

    named = {v["indicator"]: pick(v) for v in here.found["values"]}
    with ui.element("div").classes("wx-filters"):
        tag("h2", t("走势", "Through time"), classes="wx-sub m-0")
        ui.select(
            named, value=here.shown, multiple=True, on_change=chosen,
            label=t(f"指标（最多 {CHARTS} 个）", f"Indicators (at most {CHARTS})"),
        ).props(f"outlined dense options-dense use-chips max-values={CHARTS}").classes(
            "wx-choose"
        ).mark("indicators")  # fmt: skip
        with ui.element("div").classes("wx-filters-end"):
            ui.toggle(
                {"chart": t("图", "Chart"), "table": t("表", "Table")},
                value="table" if here.state["as"] == "table" else "chart", on_change=drawn,
            ).props("no-caps dense unelevated padding='4px 14px'").mark("as")  # fmt: skip


async def _charts(here: Here, place: ui.element) -> None:
    """Ask for the chosen series and draw them."""
    tabular = here.state["as"] == "table"
    names = here.shown
    answers = await asyncio.gather(*(
        here.view.api.get(f"{here.path}/series/{quote(name, safe='')}",
                          points=ROWS if tabular else 400, **here.state.asked())
        for name in names
    ))  # fmt: skip
    place.clear()
    with place:
        if not answers:
            empty(t("没有可画的数据", "Nothing to draw"))
        for answer in answers:
            with ui.element("div"):
                tag("h3", pick(answer), classes="wx-sub")
                if not answer["points"]:
                    hint = t("换一个时间范围再看。", "Try another range of time.")
                    empty(t("该时段没有读数", "No readings in this time"), hint, sign="show_chart")
                elif tabular:
                    _table(answer)
                else:
                    _chart(here, answer)


def _chart(here: Here, answer: dict[str, Any]) -> None:
    def flagged(event: events.EChartPointClickEventArguments) -> None:
        if isinstance(event.data, dict) and event.data.get("finding"):
            open_finding(here.view, str(event.data["finding"]))

    asked = here.state.asked()
    zone = local(0).tzinfo
    assert zone is not None
    ends = (asked.get("from_", ""), asked.get("to", ""))
    options = series_options(answer, zone, language=language(), span=ends)
    chart = ui.echart(options, on_point_click=flagged).classes("wx-chart")
    chart.props["role"], chart.props["aria-label"] = "img", describe(answer, language=language())
    chart.mark(f"chart-{answer['indicator']}")


def _table(answer: dict[str, Any]) -> None:
    """The table that stands for a chart: the same points, fewer of them."""
    columns = (
        Column(t("时间", "Time"), lead=True), Column(t("均值", "Mean"), numeric=True),
        Column(t("最小", "Minimum"), numeric=True), Column(t("最大", "Maximum"), numeric=True),
        Column(t("读数", "Readings"), numeric=True), Column(t("预警", "Warnings")),
    )  # fmt: skip
    rows = [
        (
            text(minute(p["t"] * 1_000_000)), figure(p["mean"], "1"), figure(p["min"], "1"),
            figure(p["max"], "1"), number(p["n"]), _stood(answer["findings"], p["t"]),
        )
        for p in answer["points"][:ROWS]
    ]  # fmt: skip
    with ui.element("div").classes("wx-points overflow-auto max-h-[420px]").props("tabindex=0"):
        table(columns, rows, name=pick(answer))


def _stood(found: Sequence[dict[str, Any]], at_ms: int) -> str:
    """The marks of the warnings that stood at a point."""
    stood = [
        f for f in found
        if local(f["from"]).timestamp() * 1000 <= at_ms
        and (f["to"] is None or at_ms < local(f["to"]).timestamp() * 1000)
    ]  # fmt: skip
    return " ".join(f"{level(f['level'])}{evidence_mark(f['finding'])}" for f in stood[:2])
