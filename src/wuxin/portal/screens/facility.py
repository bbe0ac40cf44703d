"""One facility: what it is worth, what was called and done, and what it is secured by."""

from typing import Any
from urllib.parse import quote

from nicegui import ui

from wuxin.portal.screens import lives
from wuxin.portal.screens.facilities import missing_why
from wuxin.portal.screens.filters import thing_href
from wuxin.portal.screens.finding import open_finding, sentence
from wuxin.portal.screens.parts import (
    Column,
    card,
    empty,
    evidence_mark,
    figure,
    gauge,
    grid,
    level,
    link,
    raw,
    state,
    table,
    tag,
    text,
    timeline,
)
from wuxin.portal.screens.progress import progress
from wuxin.portal.screens.shell import View, address, heading, page
from wuxin.portal.screens.valuation import describe, options
from wuxin.portal.screens.words import day, local, minute, money, number, percent, pick, t, word

_ROWS = 100
_SHOWN = 6
_PLEDGES = 50


@page("/facilities/{name:path}", ("融资", "Facility"))
async def facility(view: View) -> None:
    """Figures, value through time, calls, acts, pool, warnings and process."""
    name = view.path["name"]
    found = await view.api.get(f"/api/facilities/{quote(name, safe='')}")
    pool = await view.api.get(
        "/api/things", pack=found["pack"], parent=found["pool"]["root"], limit=_ROWS
    )
    crumbs = [(t("融资", "Facilities"), "/facilities")]
    worst = next((w["level"] for lv in ("red", "amber", "info") for w in found["warnings"]
                  if w["level"] == lv and w["to"] is None), None)  # fmt: skip
    as_of = t(f"截至 {minute(found['as_of'], zone=True)}",
              f"as of {minute(found['as_of'], zone=True)}") if found["as_of"] else ""  # fmt: skip
    note = f'<span class="wx-muted">{text(found["obligor"])} · {word(found["pack"])}</span>'
    heading(name, crumbs, note=f"{state(word(found['state']))} {level(worst)} {note} "
            f'<span class="wx-muted wx-small">{as_of}</span>')  # fmt: skip
    _figures(found)
    _chart(found)
    with grid():
        with ui.element("div").classes("wx-stack"):
            _calls(found)
            _warnings(view, found)
        with ui.element("div").classes("wx-stack"):
            _acts(found)
            _pool(found, pool)
    _pledged(found, await view.api.get(f"/api/facilities/{quote(name, safe='')}/pledges",
                                       limit=_PLEDGES))  # fmt: skip
    await progress(view, name)


def _figures(found: dict[str, Any]) -> None:
    currency, why = found["currency"], missing_why(found)
    last = found["values"][-1]["act"] if found["values"] else None
    mark = evidence_mark(last)
    closed = found["state"] == "closed"
    gone = t("已结清", "closed") if closed else why
    with (
        ui.element("section")
        .classes("wx-card mb-4")
        .props(f'aria-label="{t("关键数字", "Key figures")}"'),
        ui.element("div").classes("wx-grid wx-figures"),
    ):
        figure(word("collateral_value"), money(found["value"], currency, why=why), end=mark)
        cut = percent(found["haircut"], 0)
        figure(word("lendable"), money(found["lendable"], currency, why=why), end=mark,
               note=t(f"折扣率 {cut}", f"after a haircut of {cut}"))  # fmt: skip
        margin = money(found["cash_margin"], currency)
        figure(
            word("exposure"),
            money(found["exposure"], currency),
            end=mark,
            note=t(
                f"余额 {money(found['outstanding'], currency)}，保证金 {margin}",
                f"outstanding {money(found['outstanding'], currency)}, margin {margin}",
            ),
        )
        share = None if closed else found["loan_to_value"]
        target, maximum = percent(found["target"], 0), percent(found["maximum"], 0)
        figure(word("loan_to_value"), percent(share, why=gone), end=mark,
               note=t(f"目标 {target}，上限 {maximum}", f"target {target}, maximum {maximum}")
               + gauge(share, target=found["target"], maximum=found["maximum"]))  # fmt: skip


def _chart(found: dict[str, Any]) -> None:
    unit = found["currency"]
    title = t(f"价值（{unit}）与质押率", f"Value ({unit}) and loan to value")
    with card(title, classes="mb-4"):
        if not any(v.get("value") is not None for v in found["values"]):
            empty(t("尚未估值", "Not valued yet"), missing_why(found), sign="show_chart")
            return
        zone = local(0).tzinfo
        assert zone is not None
        chart = ui.echart(options(found, zone)).classes("wx-value-chart").mark("value-chart")
        chart.props["role"], chart.props["aria-label"] = "img", describe(found)
        with tag("details", classes="mt-2"):
            tag("summary", t("以表格显示", "Show as a table"))
            with ui.element("div").classes("overflow-auto max-h-[420px]").props("tabindex=0"):
                _values(found)


def _values(found: dict[str, Any]) -> None:
    """The table that stands for the chart, newest first, each line with its evidence."""
    currency = found["currency"]
    names = ("value", "lendable_value", "exposure")
    rows = [
        (
            text(minute(v["at"])) + evidence_mark(v["act"]),
            *(text(money(v.get(name), currency)) for name in names),
            text(percent(v["loan_to_value"])),
        )
        for v in found["values"][-_ROWS:][::-1]
    ]
    columns = (
        Column(t("时间", "Time"), lead=True),
        *(Column(word(name), numeric=True) for name in names),
        Column(word("loan_to_value"), numeric=True),
    )
    table(columns, rows, name=t("估值记录", "Valuations"))


def _calls(found: dict[str, Any]) -> None:
    with card(t("追加保证金", "Margin calls")):
        calls = lives.calls(found)
        if not calls:
            top = percent(found["maximum"], 0)
            empty(t("没有追加保证金通知", "No margin calls"),
                  t(f"质押率超过 {top} 时会自动发出。",
                    f"One is sent when the loan to value passes {top}."),
                  sign="task_alt")  # fmt: skip
        for call in calls:
            raw(lives.call_head(call, found["currency"])).classes("mb-2 wx-calls")
            timeline(lives.call_life(call, found["currency"]))


def _acts(found: dict[str, Any]) -> None:
    acts = found["acts"]
    with card(t("办理记录", "What was done"), end=number(len(acts))):
        timeline(lives.act(a, found["currency"]) for a in acts[:_SHOWN])
        if len(acts) > _SHOWN:
            more = len(acts) - _SHOWN
            with tag("details", classes="mt-2"):
                tag(
                    "summary",
                    t(f"更早的 {more} 条", f"{more} earlier"),
                    classes="mb-3",
                )
                timeline(lives.act(a, found["currency"]) for a in acts[_SHOWN : _SHOWN + _ROWS])


def _pool(found: dict[str, Any], pool: dict[str, Any]) -> None:
    root_kind, _, root_id = found["pool"]["root"].partition(":")
    root = thing_href({"pack": found["pack"], "kind": root_kind, "id": root_id})
    end = f'<a href="{root}">{text(root_id)}</a>'
    with card(t("押品", "Collateral"), end=end):
        if not pool["rows"]:
            empty(t("押品尚未上报", "No collateral has reported yet"), sign="inventory_2")
            return
        lines = "".join(
            f'<li><a class="wx-line wx-inline" href="{thing_href(row)}"><b>{text(row["id"])}</b>'
            f'<span class="wx-muted">{text(pick(row))}</span>'
            f"{level(row['level']) if row['level'] else ''}</a></li>"
            for row in pool["rows"][:_SHOWN]
        )
        raw(f'<ul class="wx-lines">{lines}</ul>')
        if pool["total"] > _SHOWN:
            href = address("/things", pack=found["pack"], parent=found["pool"]["root"])
            link(
                t(f"全部 {pool['total']} 件", f"All {pool['total']}"),
                href,
                classes="wx-button mt-2",
            )


def _pledged(found: dict[str, Any], pledges: list[dict[str, Any]]) -> None:
    """The register of what is behind the loan: numbers, place, what is lent against it, and why."""
    currency = found["currency"]
    with card(t("质押登记", "Register of pledges"), end=number(len(pledges)), classes="mt-4 mb-4"):
        if not pledges:
            empty(t("没有在押之物", "Nothing is pledged"), sign="inventory_2")
            return
        rows = [
            (
                (
                    f"<b>{text(one['thing'].partition(':')[2])}</b>"
                    f'<div class="wx-muted wx-small">{text(_numbers(one))}</div>'
                ),
                text(one["place"].partition(":")[2] or one["place"]) + _muted(one["custodian"]),
                text(money(one["value"], currency)),
                text(percent(one["haircut"], 0)) + _why(one),
                text(money(one["lendable"], currency)),
                text(str(one["lien"])),
                text(day(one["insurance"]["ends"]) if one["insurance"] else "—"),
            )
            for one in pledges
        ]
        columns = (
            Column(t("押品", "Thing"), lead=True),
            Column(t("存放", "Place")),
            Column(word("collateral_value"), numeric=True),
            Column(word("haircut"), numeric=True),
            Column(word("lendable"), numeric=True),
            Column(t("顺位", "Rank"), numeric=True),
            Column(t("保险至", "Insured until")),
        )
        table(columns, rows[:_SHOWN], name=t("质押登记", "Register of pledges"))
        if len(rows) > _SHOWN:
            more = len(rows) - _SHOWN
            with tag("details", classes="mt-2"):
                tag("summary", t(f"其余 {more} 件", f"{more} more"))
                table(columns, rows[_SHOWN:], name=t("其余押品", "More pledges"))


def _numbers(one: dict[str, Any]) -> str:
    own = [number for number in one["identities"] if " of WUXIN:" not in number]
    return t("、", ", ").join(own) or t("仅有系统内编号", "known by its name here alone")


def _muted(said: str) -> str:
    return f'<div class="wx-muted wx-small">{text(said)}</div>' if said else ""


def _why(one: dict[str, Any]) -> str:
    return "".join(_muted(pick(words)) for words in one["why"] or ())


def _warnings(view: View, found: dict[str, Any]) -> None:
    rows = sorted(found["warnings"], key=lambda w: w["to"] is not None)
    with card(t("预警", "Early warnings"), end=number(len(rows))):
        if not rows:
            empty(t("没有预警", "No warnings"), sign="task_alt")
            return
        with tag("ul", classes="wx-lines"):
            for row in rows[:_SHOWN]:
                _warning(view, row)
        if len(rows) > _SHOWN:
            link(t("全部预警", "All warnings"), address("/findings", facility=found["id"]),
                 classes="wx-button mt-2")  # fmt: skip


def _warning(view: View, row: dict[str, Any]) -> None:
    """One warning as a line that opens its drawer."""
    until = day(row["to"]) if row["to"] else t("未解除", "open")
    ended = "" if row["to"] is None else "wx-ended"
    with (
        tag("li"),
        tag("button", classes=f"wx-line {ended}", type="button").on(
            "click", lambda: open_finding(view, row["finding"])
        ),
    ):
        raw(f'{level(row["level"])} <span class="wx-muted wx-small">{text(row["thing"])} · '
            f"{day(row['from'])} – {until}</span>", "span")  # fmt: skip
        tag("span", sentence(row), classes="block")
