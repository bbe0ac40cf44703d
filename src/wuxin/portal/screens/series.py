"""The series of one thing: which indicators, as charts with warnings marked, or as tables."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from nicegui import events, ui

from wuxin.portal.screens.charts import describe, series_options
from wuxin.portal.screens.filters import Changed, State, told
from wuxin.portal.screens.finding import figure, open_finding
from wuxin.portal.screens.parts import Column, empty, evidence_mark, level, table, tag, text
from wuxin.portal.screens.shell import View
from wuxin.portal.screens.words import language, local, minute, number, pick, t

CHARTS: Final = 4
"""The most series shown at once."""

ROWS: Final = 100
"""Points in the table that stands for a chart."""


@dataclass(slots=True)
class Here:
    """One visitor before one thing: what is asked, and the last answer."""

    view: View
    key: tuple[str, str, str]
    state: State
    found: dict[str, Any] = field(default_factory=dict)
    drawn: dict[str, ui.echart] = field(default_factory=dict)

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


def names(here: Here) -> dict[str, str]:
    """The indicators that have values, in words."""
    return {v["indicator"]: pick(v) for v in here.found["values"]}


def chooser(here: Here, changed: Changed) -> ui.select:
    """Which indicators, and as charts or as tables."""

    async def chosen(event: events.ValueChangeEventArguments[Any]) -> None:
        here.state.put({"show": ",".join(event.value or [])})
        await told(changed)

    async def drawn(kind: str) -> None:
        here.state.put({"as": kind})
        for name, button in ways.items():
            button.props["aria-pressed"] = "true" if name == kind else "false"
        await told(changed)

    with ui.element("div").classes("wx-filters"):
        tag("h2", t("走势", "Through time"), classes="wx-sub m-0")
        select = ui.select(
            names(here), value=here.shown, multiple=True, on_change=chosen,
            label=t(f"指标（最多 {CHARTS} 个）", f"Indicators (at most {CHARTS})"),
        ).props(f"outlined dense options-dense use-chips max-values={CHARTS}").classes(
            "wx-choose"
        )  # fmt: skip
        select.mark("indicators")
        with ui.element("div").classes("wx-filters-end").props("role=group"):
            ways = {
                kind: tag("button", name, classes="wx-chip wx-site", type="button",
                          aria_pressed="true" if here.state["as"] == kind else "false")
                for kind, name in (("", t("图", "Chart")), ("table", t("表", "Table")))
            }  # fmt: skip
            for kind, button in ways.items():
                button.on("click", lambda _, k=kind: drawn(k))
    return select


async def _answers(here: Here, wanted: Sequence[str]) -> list[dict[str, Any]]:
    """Ask for series, at the times that the address names."""
    points = ROWS if here.state["as"] == "table" else 400
    asked = here.state.asked()
    answers: list[dict[str, Any]] = await asyncio.gather(*(
        here.view.api.get(f"{here.path}/series/{quote(name, safe='')}", points=points, **asked)
        for name in wanted
    ))  # fmt: skip
    return answers


async def charts(here: Here, place: ui.element) -> None:
    """Draw the chosen series, as charts or as tables."""
    answers = await _answers(here, here.shown)
    place.clear()
    here.drawn = {}
    with place:
        if not answers:
            empty(t("没有可画的数据", "Nothing to draw"))
        for answer in answers:
            with ui.element("div"):
                tag("h3", pick(answer), classes="wx-sub")
                if not answer["points"]:
                    hint = t("换一个时间范围再看。", "Try another range of time.")
                    empty(t("该时段没有读数", "No readings in this time"), hint, sign="show_chart")
                elif here.state["as"] == "table":
                    _table(answer)
                else:
                    here.drawn[answer["indicator"]] = _chart(here, answer)


async def redraw(here: Here) -> None:
    """Bring the charts up to date in place, so that what is zoomed stays zoomed."""
    for answer in await _answers(here, list(here.drawn)):
        chart = here.drawn[answer["indicator"]]
        chart.options.clear()
        chart.options.update(_options(here, answer))
        chart.update()


def _options(here: Here, answer: dict[str, Any]) -> dict[str, Any]:
    asked = here.state.asked()
    zone = local(0).tzinfo
    assert zone is not None
    ends = (asked.get("from_", ""), asked.get("to", ""))
    return series_options(answer, zone, language=language(), span=ends)


def _chart(here: Here, answer: dict[str, Any]) -> ui.echart:
    def flagged(event: events.EChartPointClickEventArguments) -> None:
        if isinstance(event.data, dict) and event.data.get("finding"):
            open_finding(here.view, str(event.data["finding"]))

    chart = ui.echart(_options(here, answer), on_point_click=flagged).classes("wx-chart")
    chart.props["role"], chart.props["aria-label"] = "img", describe(answer, language=language())
    return chart.mark(f"chart-{answer['indicator']}")


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
