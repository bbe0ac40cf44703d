"""The cockpit (大屏): the overview in dark, for a wall of 1920 by 1080, refreshed by itself."""

from typing import Any, Final

from nicegui import ui

from wuxin.portal.screens.client import Problem
from wuxin.portal.screens.facilities import missing_why
from wuxin.portal.screens.parts import (
    card,
    change,
    empty,
    facts,
    figure,
    gauge,
    icon,
    level,
    link,
    raw,
    state,
    tag,
    text,
)
from wuxin.portal.screens.shell import View, page
from wuxin.portal.screens.valuation import describe, options
from wuxin.portal.screens.words import (
    LEVELS,
    day,
    local,
    minute,
    money,
    number,
    percent,
    pick,
    t,
    word,
    zone_name,
)
from wuxin.terms.clock import iso, system_clock

_SECONDS: Final = 5.0
_LINES: Final = 9


@page("/cockpit", ("大屏", "Cockpit"), framed=False, dark=True)
async def cockpit(view: View) -> None:
    """Everything at a glance, without anything to click but the way out."""
    with tag("main", classes="wx-cockpit"):
        with tag("header", classes="wx-cockpit-head"):
            raw("物信 <span>Wuxin</span>").classes("wx-brand")
            tag("h1", t("物联网金融总览", "IoT finance at a glance"))
            tag("span", view.session.get("tenant", ""), classes="wx-muted")
            clock = tag("span", classes="wx-end wx-num")
            with clock:
                now = ui.label()
            link(t("返回", "Back"), "/", classes="wx-button")
        place = ui.element("div").classes("wx-cockpit-body")
    seen: dict[str, Any] = {}

    async def show() -> None:
        try:
            found = await view.api.get("/api/overview")
            if found == seen.get("overview"):
                return
            warned = await view.api.get("/api/findings", open=True, limit=_LINES)
            first = found["facilities"][0] if found["facilities"] else None
            whole = await view.api.get(f"/api/facilities/{first['id']}") if first else None
        except Problem as problem:
            if problem.status == 401:
                ui.navigate.to("/sign-in?next=/cockpit")
            return
        seen["overview"] = found
        now.set_text(f"{t('更新于', 'updated')} {_now()}")
        place.clear()
        with place:
            _content(found, warned["rows"], whole=whole)

    await show()
    ui.timer(_SECONDS, show, immediate=False)


def _now() -> str:
    return minute(iso(system_clock()), zone=True)


def _content(
    found: dict[str, Any], warned: list[dict[str, Any]], *, whole: dict[str, Any] | None
) -> None:
    with ui.element("div").classes("wx-cockpit-row wx-cockpit-figures"):
        for name, known in LEVELS.items():
            count = found["warnings"][name]
            with card(classes=f"wx-{name}" if count else ""):
                figure(t(known.zh_name, known.en), number(count), before=icon(known.icon),
                       note=text(t(f"未解除 · {known.zh}", "open warnings")))  # fmt: skip
        with card():
            figure(t("标的物", "Things"), number(found["things"]))
        for sums in found["exposure"][:2]:
            _sums(sums)
    with ui.element("div").classes("wx-cockpit-row wx-cockpit-main"):
        with ui.element("div").classes("wx-stack"):
            _facilities(found["facilities"])
            _kinds(found["kinds"])
        _chart(whole)
        _warnings(warned)
    _foot(found)


def _sums(sums: dict[str, Any]) -> None:
    currency, none = sums["currency"], t("未估值", "not valued")
    gone = none if sums["value"] is None else t("押品已处置", "no collateral left")
    moved = sums["change"]
    with card(classes="wx-broad"):
        figure(word("collateral_value"), money(sums["value"], currency, digits=0, why=none),
               note=change(money(moved["value"], currency, digits=0)) if moved else "")  # fmt: skip
    with card(classes="wx-broad"):
        figure(f"{word('exposure')} · {word('loan_to_value')}",
               money(sums["exposure"], currency, digits=0),
               note=text(percent(sums["loan_to_value"], why=gone)))  # fmt: skip


def _facilities(rows: list[dict[str, Any]]) -> None:
    with card(t("融资（最紧迫在前）", "Facilities, the most pressing first")):
        if not rows:
            empty(t("尚无融资", "No facilities yet"), sign="account_balance")
        for row in rows[:_LINES]:
            share = None if row["state"] == "closed" else row["loan_to_value"]
            why = word("closed") if row["state"] == "closed" else missing_why(row)
            bar = gauge(share, target=row["target"], maximum=row["maximum"])
            worst = level(row["level"]) if row.get("level") else ""
            raw(
                f'<div class="wx-inline"><b>{text(row["id"])}</b> {state(word(row["state"]))}'
                f' {worst}<span class="wx-num wx-end">{text(percent(share, why=why))}</span></div>'
                f'<div class="wx-inline wx-muted wx-small">{text(row["obligor"])}'
                f'<span class="wx-end">{bar}</span></div><div class="wx-small wx-muted">'
                f"{text(money(row['exposure'], row['currency']))} / "
                f"{text(money(row['value'], row['currency'], why=why))}</div>"
            ).classes("wx-cockpit-line")


def _kinds(kinds: list[dict[str, Any]]) -> None:
    if kinds:
        with card(t("标的物构成", "Things by kind")):
            raw(facts((pick(k), number(k["count"])) for k in kinds)).classes("wx-right")


def _chart(whole: dict[str, Any] | None) -> None:
    name = whole["id"] if whole else t("价值与质押率", "Value and loan to value")
    with card(name, end=text(whole["obligor"]) if whole else "", classes="wx-cockpit-chart"):
        if whole is None or not any(v.get("value") is not None for v in whole["values"]):
            empty(t("尚未估值", "Not valued yet"), sign="show_chart")
            return
        zone = local(0).tzinfo
        assert zone is not None
        chart = ui.echart(options(whole, zone)).classes("wx-value-chart")
        chart.props["role"], chart.props["aria-label"] = "img", describe(whole)


def _warnings(rows: list[dict[str, Any]]) -> None:
    with card(t("未解除的预警", "Open early warnings")):
        if not rows:
            empty(t("没有未解除的预警", "No open warnings"), sign="task_alt")
        for row in rows:
            said = t("；", "; ").join(pick(w) for w in row["words"])
            raw(
                f'{level(row["level"])} <span class="wx-muted wx-small">{text(row["thing"])} · '
                f"{day(row['from'])}</span><div>{text(said)}</div>"
            ).classes("wx-cockpit-line")


def _foot(found: dict[str, Any]) -> None:
    counts, log = found["readings"], found["log"]
    with card(classes="wx-cockpit-foot"):
        raw(
            facts((
                (t("已接收读数", "Readings accepted"), number(counts["accepted"])),
                (t("标记存疑", "Marked"), number(counts["marked"])),
                (t("拒收", "Refused"), number(counts["refused"])),
                (t("处置动作", "Acts"), number(found["acts"])),
                (t("回执", "Receipts"), number(found["receipts"])),
                (t("树根", "Log root"), f'<span class="wx-mono">{text(log["root"][:16])}…</span>'),
                (t("时区", "Zone"), zone_name()),
            ))
        )  # fmt: skip
