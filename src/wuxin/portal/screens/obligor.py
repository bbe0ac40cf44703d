"""One obligor: its grade through time and why, limits, statements, facts and scores."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from nicegui import events, ui

from wuxin.portal.screens import graded
from wuxin.portal.screens.charts import local as shifted
from wuxin.portal.screens.client import Problem
from wuxin.portal.screens.finding import open_finding, sentence
from wuxin.portal.screens.parts import (
    Column,
    card,
    empty,
    evidence_mark,
    gauge,
    grid,
    level,
    raw,
    state,
    table,
    tag,
    text,
    timeline,
)
from wuxin.portal.screens.shell import View, heading, page, zone_note
from wuxin.portal.screens.words import (
    day,
    local,
    minute,
    money,
    number,
    percent,
    pick,
    t,
    word,
)

_QUIET: Final = "#7b8494"
_LINE: Final = "#2f6fb7"
_SHOWN: Final = 8
_PERIODS: Final = 8
_READ: Final = """async (e) => {
  const file = e.target.files[0];
  if (file) emit(file.size > 500000 ? "" : await file.text());
}"""
"""What the browser does with a file that was chosen: its text goes to the page, if it is small."""


@page("/obligors/{name:path}", ("借款人", "Obligor"))
async def obligor(view: View) -> None:
    """Everything that makes an obligor's rating, and what the rating was."""
    name = view.path["name"]
    place = ui.element("div")

    async def show() -> None:
        found = await view.api.get(f"/api/obligors/{quote(name, safe='')}/rating")
        place.clear()
        with place:
            _content(view, found, done=show)

    await show()


def _content(view: View, found: dict[str, Any], *, done: graded.Done) -> None:
    crumbs = [(t("授信", "Credit"), "/credit")]
    heading(found["obligor"], crumbs, note=f"{graded.badge(found['grade'])} {zone_note()}")
    _chart(found)
    with grid():
        with ui.element("div").classes("wx-stack"):
            _history(found["history"])
            _statement(view, found, done=done)
        with ui.element("div").classes("wx-stack"):
            _warnings(view, found["warnings"])
            _limits(found)
            _facts(found["facts"])
            _scores(found["scores"])


def _chart(found: Mapping[str, Any]) -> None:
    with card(t("评级变化", "Rating through time"), classes="mb-4"):
        if not found["history"]:
            empty(t("尚未评级", "Not rated yet"), sign="show_chart")
            return
        zone = local(0).tzinfo
        assert zone is not None
        grades, steps = found["grades"], found["history"][::-1]
        points = [[shifted(one["at"], zone), grades.index(one["to"])] for one in steps]
        said = "；".join(f"{day(one['at'])} {one['to']}" for one in steps[-_SHOWN:])
        if len(points) == 1:
            points.append([points[0][0] + 86_400_000, points[0][1]])
        told = t(f"评级：{said}", f"rating: {said}")
        chart = (
            ui.echart(_options(points, grades, told=told)).style("height: 220px").classes("w-full")
        )
        chart.mark("rating-chart").props["role"] = "img"
        chart.props["aria-label"] = told


def _options(
    points: Sequence[Sequence[int]], grades: Sequence[str], *, told: str
) -> dict[str, Any]:
    label = {"color": _QUIET, "hideOverlap": True}
    names = json.dumps(list(grades))
    return {
        "useUTC": True,
        "animation": False,
        "aria": {"enabled": True, "label": {"description": told}},
        "grid": {"left": 40, "right": 24, "top": 16, "bottom": 28},
        "tooltip": {"trigger": "axis", "confine": True,
                    ":valueFormatter": f"(v) => {names}[v]"},
        "xAxis": {"type": "time", "axisLabel": label,
                  "axisLine": {"onZero": False, "lineStyle": {"color": _QUIET}}},
        "yAxis": {"type": "value", "inverse": True, "min": 0, "max": len(grades) - 1,
                  "interval": 1, "axisLabel": {**label, ":formatter": f"(v) => {names}[v]"},
                  "splitLine": {"lineStyle": {"color": "rgba(123,132,148,0.22)"}}},
        "series": [{
            "type": "line", "step": "end", "data": points, "symbolSize": 8, "color": _LINE,
            "name": t("等级", "Grade"),
        }],
    }  # fmt: skip


def _history(history: Sequence[Mapping[str, Any]]) -> None:
    with card(t("评级记录与原因", "Ratings and why"), end=number(len(history))):
        if not history:
            empty(t("尚未评级", "Not rated yet"), sign="history")
            return
        timeline((minute(one["at"]), _moved(one)) for one in history[:_SHOWN])
        with tag("details", classes="mt-2"):
            tag("summary", t("当前等级成立的各行", "The rows that give the present grade"))
            graded.rows(history[0]["rows"])


def _moved(one: Mapping[str, Any]) -> str:
    none = t("未知", "not known")
    lines = "".join(
        f'<div class="wx-small wx-muted">{text(pick(each))}：{text(each["was"] or none)} → '
        f"{text(each['now'] or none)}</div>"
        for each in one["changed"][:_SHOWN]
    )
    head = f"{text(one['from'] or t('首次', 'first'))} → <b>{text(one['to'])}</b>"
    return f"{head} {evidence_mark(one['act'])}{lines}"


def _limits(found: Mapping[str, Any]) -> None:
    with card(t("额度与融资", "Limits and facilities")):
        for one in found["limits"]:
            share = float(one["used"]) / float(one["limit"])
            used, limit = (money(one[k], one["currency"]) for k in ("used", "limit"))
            raw(f"<div>{text(t(f'已用 {used}，额度 {limit}', f'{used} used of {limit}'))} "
                f"{evidence_mark(one['act'])}</div>{gauge(share, target=1, maximum=1)}"
                ).classes("mb-2")  # fmt: skip
        if not found["limits"]:
            tag("p", t("没有设定额度", "No limit has been set"), classes="wx-muted")
        lines = "".join(
            f'<li><a class="wx-line wx-inline" href="/facilities/{quote(one["id"], safe="")}">'
            f"<b>{text(one['id'])}</b> {text(money(one['outstanding'], one['currency']))} "
            f"{state(word(one['state']))}</a></li>"
            for one in found["facilities"]
        )
        lines += "".join(
            f'<li><a class="wx-line wx-inline" '
            f'href="/credit/applications/{quote(one["application"], safe="")}">'
            f"<b>{text(one['application'])}</b> {text(money(one['amount'], one['currency']))} "
            f"{state(word(one['state']))}</a></li>"
            for one in found["applications"][:_SHOWN]
        )
        raw(f'<ul class="wx-lines">{lines}</ul>')


def _warnings(view: View, rows: Sequence[dict[str, Any]]) -> None:
    standing = sorted(rows, key=lambda row: row["to"] is not None)
    with card(t("预警", "Early warnings"), end=number(len(rows))):
        if not rows:
            empty(t("没有预警", "No warnings"), sign="task_alt")
            return
        with tag("ul", classes="wx-lines"):
            for row in standing[:_SHOWN]:
                with (
                    tag("li"),
                    tag("button", classes="wx-line", type="button").on(
                        "click", lambda _, r=row: open_finding(view, r["finding"])
                    ),
                ):
                    until = day(row["to"]) if row["to"] else t("未解除", "open")
                    raw(f'{level(row["level"])} <span class="wx-muted wx-small">'
                        f"{day(row['from'])} – {until}</span>", "span")  # fmt: skip
                    tag("span", sentence(row), classes="block")


def _facts(rows: Sequence[Mapping[str, Any]]) -> None:
    with card(t("多源互证", "Facts from several sources"), end=number(len(rows))):
        if not rows:
            empty(t("还没有可互证的事实", "No facts to hold against each other"), sign="rule")
            return
        for one in rows[:_SHOWN]:
            stands = (
                t(f"一致，可信度 {percent(one['trust'], 0)}",
                  f"agreed, trust {percent(one['trust'], 0)}")
                if one["trust"] else t("不一致或仅一方", "not agreed, or one side only")
            )  # fmt: skip
            raw(f"<b>{text(one['fact'])}</b> {state(stands)}").classes("mb-1")
            tag("div", _span(one["period"]), classes="wx-muted wx-small")
            table(
                (Column(t("来源", "Source"), lead=True), Column(t("数值", "Value"), numeric=True),
                 Column(t("容差", "Within"), numeric=True)),
                [
                    (
                        text(side["source"]) + evidence_mark(side["act"]),
                        text(f"{number(side['value'])} {side['unit']}"),
                        text(percent(side["tolerance_share"], 1)),
                    )
                    for side in one["sides"]
                ],
                name=one["fact"],
            )  # fmt: skip


def _span(period: str) -> str:
    begin, _, end = period.partition("/")
    return f"{day(begin)} – {day(end)}"


def _scores(rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    with card(t("评分", "Scores"), end=number(len(rows))):
        latest = rows[0]
        raw(f"<b>{text(t('违约概率', 'Probability of default'))} "
            f"{text(percent(latest['probability'], why=t('资料不足', 'too little is known')))}</b> "
            f"{evidence_mark(latest['act'])}")  # fmt: skip
        tag("div", f"{day(latest['at'])} · {latest['model'][:12]}", classes="wx-muted wx-small")
        titles = {
            "reasons": t("主要原因", "What weighs most"),
            "missing": t("缺失", "Missing"),
            "stability": t("模型输入的稳定性", "How stable the inputs are"),
        }
        for name, title in titles.items():
            if latest[name]:
                tag("h3", title, classes="wx-sub")
                for words in latest[name]:
                    tag("div", pick(words), classes="wx-small")


def _statement(view: View, found: dict[str, Any], *, done: graded.Done) -> None:
    told = found["statement"]
    with card(t("财务报表", "Statements"), end=evidence_mark(told["act"]) if told else ""):
        if told is None:
            empty(t("还没有报表", "No statements yet"), sign="description")
        else:
            revenue = money(told["revenue_of_a_year"], told["currency"])
            raw(text(t(f"{told['company']}，截至 {told['latest']}，{told['months']} 个月，"
                       f"年收入 {revenue}",
                       f"{told['company']}, up to {told['latest']}, {told['months']} months, "
                       f"revenue of a year {revenue}"))).classes("mb-2")  # fmt: skip
            flags(told["flags"])
            missing(told["missing"])
        place = ui.element("div").classes("mt-3").mark("preview")

        async def loaded(event: events.GenericEventArguments) -> None:
            place.clear()
            with place:
                await _preview(view, found["obligor"], text=str(event.args), done=done)

        hint = t(
            "上传报表（JSON，格式同 wuxin assess）", "Upload statements (JSON, as wuxin assess)"
        )
        with tag("label", classes="block mt-3"):
            tag("div", hint, classes="wx-sub")
            chosen = tag("input", classes="wx-file", type="file", accept=".json,application/json")
        chosen.on("change", loaded, js_handler=_READ)


async def _preview(view: View, obligor: str, *, text: str, done: graded.Done) -> None:
    """What a file's statements come to, before they are handed in."""
    try:
        statement = json.loads(text)
        found = await view.api.post("/api/statements/assess", statement=statement)
    except (ValueError, Problem) as wrong:
        said = (
            wrong.detail
            if isinstance(wrong, Problem)
            else t("不是 JSON，或大于 500 kB", "it is not JSON, or above 500 kB")
        )
        tag("div", said, classes="wx-note", role="alert")
        return
    tag("h3", t(f"预览：{found['company']}", f"Preview: {found['company']}"), classes="wx-sub")
    told = [
        {"flag": one["name"], "level": one["level"], "span": f"{one['since']}/{one['until']}",
         "threshold": one["threshold"] or "", **one["words"],
         "figures": "; ".join(f"{k} {v}" for k, v in one["figures"].items())}
        for one in found["flags"] if one["current"]
    ]  # fmt: skip
    _periods(found)
    flags(told)
    missing(found["missing"])
    problem = tag("div", classes="wx-small", role="status")

    async def send() -> None:
        try:
            await view.api.post(
                "/api/bank/orders/tell_statement", obligor=obligor, statement=statement
            )
        except Problem as wrong:
            problem.clear()
            with problem:
                tag("div", wrong.detail, classes="wx-note", role="alert")
            return
        ui.notify(t("已提交并纳入评级", "Handed in and rated"), type="positive", position="top")
        await done()

    tag("button", t("提交并纳入评级", "Hand in"), classes="wx-button mt-3", type="button").on(
        "click", send
    )


def _periods(found: Mapping[str, Any]) -> None:
    """The latest periods with their figures, as `wuxin assess` has them."""
    rows = found["periods"][-_PERIODS:][::-1]
    names = {
        "growth": t("同比", "on year"), "gross_margin": t("毛利率", "gross"),
        "net_margin": t("净利率", "net"), "leverage": t("资产负债率", "leverage"),
    }  # fmt: skip
    table(
        (
            Column(t("期间", "Period"), lead=True),
            Column(t("收入", "Revenue") + f" · {found['currency']}", numeric=True),
            *(Column(name, numeric=True) for name in names.values()),
            Column(t("现金可用月数", "Months of cash"), numeric=True),
        ),
        [
            (
                text(one["period"]),
                text(number(one.get("revenue"), why=t("缺失", "missing"))),
                *(text(percent(one[name], 1, why="")) for name in names),
                text(number(one["cash_months"], 1, why="")),
            )
            for one in rows
        ],
        name=t("各期数字", "Figures by period"),
    )


def flags(found: Sequence[Mapping[str, str]]) -> None:
    """Flags of statements, as `wuxin assess` shows them: level, sentence, figures, threshold."""
    if not found:
        tag("p", t("没有提示", "No flags"), classes="wx-muted")
        return
    items = "".join(
        f'<li><div class="wx-line">{level(one["level"])} <span class="wx-muted wx-small">'
        f"{text(one['span'].replace('/', ' – '))}</span><div>{text(t(one['zh'], one['en']))}</div>"
        f'<div class="wx-small wx-muted">{text(one["figures"])}'
        + (f" · {t('阈值', 'threshold')} {text(one['threshold'])}" if one["threshold"] else "")
        + "</div></div></li>"
        for one in found
    )
    raw(f'<ul class="wx-lines">{items}</ul>')


def missing(found: Sequence[Mapping[str, str]]) -> None:
    """What is missing in statements."""
    if not found:
        return
    with tag("details", classes="mt-2"):
        tag("summary", t(f"缺失 {len(found)} 项", f"{len(found)} items missing"))
        for words in found:
            tag("div", pick(words), classes="wx-small wx-muted")
