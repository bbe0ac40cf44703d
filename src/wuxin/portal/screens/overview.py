"""The overview: in five seconds whether anything is wrong, in thirty what and where."""

from typing import Any

from nicegui import ui

from wuxin.portal.screens import facilities
from wuxin.portal.screens.parts import (
    card,
    change,
    empty,
    facts,
    figure,
    grid,
    icon,
    raw,
    tag,
    text,
)
from wuxin.portal.screens.shell import View, address, heading, page, zone_note
from wuxin.portal.screens.words import LEVELS, day, money, number, percent, pick, t, word


@page("/", ("总览", "Overview"))
async def overview(view: View) -> None:
    """Warnings and figures first, then facilities with the worst first, then what came in."""
    heading(t("总览", "Overview"), note=zone_note())
    place = ui.element("div")

    async def show() -> None:
        found = await view.api.get("/api/overview")
        place.clear()
        with place:
            content(found)

    view.on_progress(show)
    await show()


def content(found: dict[str, Any]) -> None:
    """Everything below the title, from the API's answer."""
    levels(found)
    for sums in found["exposure"]:
        _sums(sums)
    name = t("融资（最紧迫在前）", "Facilities, the most pressing first")
    with card(name, end=_all(), classes="mb-4"):
        if found["facilities"]:
            facilities.rows(found["facilities"])
        else:
            empty(t("尚无融资", "No facilities yet"),
                  t("回放或接入数据后，授信会出现在这里。",
                    "They appear once a recording or a connection brings their terms."),
                  sign="account_balance")  # fmt: skip
    with grid("grid-cols-1 lg:grid-cols-3"):
        _things(found)
        _readings(found)
        _log(found)


def levels(found: dict[str, Any]) -> None:
    """Open early warnings by level, each a link to its list."""
    tiles = []
    for name, known in LEVELS.items():
        count = found["warnings"][name]
        ever = found["warnings_ever"][name]
        shade = f"wx-{name}" if count else ""
        said = t(known.zh_name, known.en.capitalize())
        does = known.zh if name != "info" else "无需处置"
        below = t(f"{does} · 累计 {ever:,}", f"{ever:,} ever")
        tiles.append(
            f'<a class="wx-tile {shade}" href="{address("/findings", level=name, open="true")}">'
            f'<span class="wx-tile-name">{icon(known.icon)}{text(said)}</span>'
            f'<span class="wx-tile-value">{count:,}</span>'
            f'<span class="wx-tile-note">{text(below)}</span></a>'
        )
    tiles.append(
        f'<a class="wx-tile" href="/things"><span class="wx-tile-name">{icon("inventory_2")}'
        f"{t('标的物', 'Things')}</span>"
        f'<span class="wx-tile-value">{number(found["things"])}</span>'
        f'<span class="wx-tile-note">{t("正在监测", "being watched")}</span></a>'
    )
    name = t("未解除的预警", "Open early warnings")
    raw("".join(tiles), "section").classes("wx-tiles mb-4").props(f'aria-label="{name}"')


def _sums(sums: dict[str, Any]) -> None:
    currency, moved = sums["currency"], sums["change"]
    unvalued = t(f"{sums['not_valued']} 笔未估值", f"{sums['not_valued']} not valued")
    name = t(f"{currency} 融资 · {sums['facilities']} 笔",
             f"{currency} · {number(sums['facilities'])} "
             + ("facility" if sums["facilities"] == 1 else "facilities"))  # fmt: skip
    none = t("尚未估值", "not valued yet")
    moved_by = (
        change(money(moved["value"], currency), since=_since(moved["since"], sums["facilities"]))
        if moved
        else ""
    )
    end = unvalued if sums["not_valued"] else ""
    with card(name, end=end, classes="mb-4"), ui.element("div").classes("wx-grid wx-figures"):
        figure(word("collateral_value"), money(sums["value"], currency, why=none), note=moved_by)
        figure(word("exposure"), money(sums["exposure"], currency),
                   note=t("余额减现金保证金", "outstanding less cash margin"))  # fmt: skip
        figure(word("outstanding"), money(sums["outstanding"], currency))
        why = none if sums["value"] is None else t("押品已处置", "no collateral left")
        figure(word("loan_to_value"), percent(sums["loan_to_value"], why=why),
                   note=t("敞口 ÷ 押品价值", "exposure ÷ collateral value"))  # fmt: skip


def _since(time: str, count: int) -> str:
    """Since when a sum moved: a date for one facility, else the valuation before of each."""
    if count > 1:
        return t("较各笔上一估值日", "since each one's valuation before")
    return t(f"较 {day(time)}", f"since {day(time)}")


def _all() -> str:
    return f'<a href="/facilities">{t("全部", "All")}</a>'


def _things(found: dict[str, Any]) -> None:
    with card(t("标的物", "Things")):
        if not found["kinds"]:
            empty(t("尚无标的物", "Nothing yet"), sign="inventory_2")
            return
        lines = []
        for kind in found["kinds"]:
            href = address("/things", pack=kind["pack"], kind=kind["kind"])
            lines.append((pick(kind), f'<a href="{href}">{number(kind["count"])}</a>'))
        raw(facts(lines)).classes("wx-right")


def _readings(found: dict[str, Any]) -> None:
    counts = found["readings"]
    with card(t("读数", "Readings")):
        raw(
            facts((
                (t("已接收", "Accepted"), number(counts["accepted"])),
                (t("接收并标记存疑", "Accepted with a mark"), number(counts["marked"])),
                (t("拒收", "Refused"), number(counts["refused"])),
                (t("处置动作", "Acts"), number(found["acts"])),
                (t("回执", "Receipts"), number(found["receipts"])),
            ))
        ).classes("wx-right")  # fmt: skip


def _log(found: dict[str, Any]) -> None:
    log = found["log"]
    with card(t("存证日志", "Evidence log")):
        raw(facts(((t("叶数", "Leaves"), number(log["size"])),))).classes("wx-right")
        tag("div", t("树根", "Root"), classes="wx-muted mt-1")
        tag("div", log["root"], classes="wx-mono")
        with tag("a", classes="wx-button mt-3", href="/api/log/checkpoint", download="checkpoint"):
            ui.icon("download")
            tag("span", t("下载签名检查点", "Signed checkpoint"))
