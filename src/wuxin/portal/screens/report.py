"""The enterprise's own report: figures of a day, a week or a month, and what to do about them."""

from collections.abc import Mapping, Sequence
from math import floor, log10
from typing import Any, Final
from urllib.parse import quote, urlencode

from nicegui import ui

from wuxin.portal.screens.finding import open_finding, sentence
from wuxin.portal.screens.parts import card, empty, level, raw, tag, text
from wuxin.portal.screens.shell import View, heading, page, zone_note
from wuxin.portal.screens.words import MINUS, day, minute, number, pick, t

PERIODS: Final[dict[str, tuple[str, str, str, str]]] = {
    "day": ("日", "Day", "前一日", "the day before"),
    "week": ("周", "Week", "前一周", "the week before"),
    "month": ("月", "Month", "前30天", "the 30 days before"),
}
"""Periods with their words, and the words of the period before."""

TAKES: Final[dict[str, tuple[str, str]]] = {
    "mean": ("平均", "mean"), "sum": ("合计", "sum"), "minimum": ("最低", "lowest"),
    "maximum": ("最高", "highest"), "last": ("期末", "at the end"),
}  # fmt: skip
"""How a figure is taken together, in words."""

_WIDTH: Final = 120
_HEIGHT: Final = 28


@page("/reports", ("经营报表", "Reports"))
async def reports(view: View) -> None:
    """The report of the first pack of which there are things, and the way to the others."""
    await _page(view, "")


@page("/reports/{pack}", ("经营报表", "Report"))
async def report(view: View) -> None:
    """One pack's report."""
    await _page(view, view.path["pack"])


async def _page(view: View, pack: str) -> None:
    packs = await view.api.get("/api/reports")
    if not packs:
        heading(t("经营报表", "Reports"))
        empty(t("还没有报表", "No report yet"),
              t("设备上报后，这里是企业自己的经营指标。",
                "Once things report, the enterprise's own figures stand here."),
              sign="summarize")  # fmt: skip
        return
    period = view.query.get("period", "week")
    asked = {
        "period": period if period in PERIODS else "week",
        "party": view.query.get("party", ""), "end": view.query.get("end", ""),
    }  # fmt: skip
    name = pack or packs[0]["pack"]
    found = await view.api.get(f"/api/reports/{quote(name, safe='')}", **asked)
    span = f"{day(found['from'])} – {day(found['to'])}"
    heading(t("经营报表", "Report") + f" · {pick(found)}", note=f"{span} {zone_note()}")
    _choices(packs, name=name, asked=asked)
    _figures(found)
    with card(t("该做什么", "What to do"), end=number(len(found["advice"]))):
        _advice(view, found["advice"])


def _choices(packs: Sequence[Mapping[str, Any]], *, name: str, asked: Mapping[str, str]) -> None:
    """Which pack, which period, whose; the table and the printer."""
    if len(packs) > 1:
        _tabs([(one["pack"], pick(one), _address(one["pack"], period=asked["period"]))
               for one in packs], current=name, label=t("行业", "Industry"))  # fmt: skip
    with ui.element("div").classes("wx-inline flex-wrap mb-4 mt-2"):
        _tabs([(key, t(*words[:2]), _address(name, **{**asked, "period": key}))
               for key, words in PERIODS.items()], current=asked["period"],
              label=t("期间", "Period"))  # fmt: skip
        parties: Sequence[str] = next((one["parties"] for one in packs if one["pack"] == name), [])
        if len(parties) > 1:
            every = {"": t("全部借款人", "All obligors"), **{p: p for p in parties}}
            ui.select(every, value=asked["party"], label=t("借款人", "Obligor"),
                      on_change=lambda e: ui.navigate.to(
                          _address(name, **{**asked, "party": e.value}))
                      ).props("outlined dense").classes("min-w-48")  # fmt: skip
        given = urlencode({k: v for k, v in asked.items() if v})
        with ui.element("div").classes("wx-filters-end wx-no-print"):
            href = f"/api/reports/{quote(name, safe='')}/figures?{given}"
            tag("a", t("下载表格", "Download table"), classes="wx-button", href=href)
            tag("button", t("打印", "Print"), classes="wx-button", type="button").on(
                "click", js_handler="() => window.print()"
            )


def _tabs(entries: Sequence[tuple[str, str, str]], *, current: str, label: str) -> None:
    with tag("nav", classes="wx-tabs", aria_label=label):
        for key, words, href in entries:
            mark = {"aria_current": "page"} if key == current else {}
            tag("a", words, classes="wx-tab", href=href, **mark)


def _address(name: str, **asked: str) -> str:
    given = urlencode({k: v for k, v in asked.items() if v})
    return f"/reports/{quote(name, safe='')}" + (f"?{given}" if given else "")


def _figures(found: Mapping[str, Any]) -> None:
    """A tile for each figure: value, change, and its days as bars."""
    before = t(*PERIODS[found["period"]][2:])
    told = [one for one in found["figures"] if one["value"] is not None]
    silent = [pick(one) for one in found["figures"] if one["value"] is None]
    with ui.element("div").classes("wx-report mb-4").mark("figures"):
        for one in told:
            raw(_tile(one, before)).classes("wx-card wx-report-figure")
    if silent:
        names = t("、", ", ").join(silent)
        said = t(f"该期间没有数据：{names}", f"Nothing was told in this time of: {names}")
        tag("p", said, classes="wx-muted wx-small mb-4")


def _tile(one: Mapping[str, Any], before: str) -> str:
    unit = "" if one["unit"] == "1" else f" {text(one['unit'])}"
    shown = f"{text(_plain(one['value']))}{unit}"
    kind = f"{pick(one['kind'])} · {t(*TAKES[one['take']])}"
    things = t(f"{number(one['things'])} 个对象", f"{number(one['things'])} things")
    return (
        f'<div class="wx-report-name">{text(pick(one))}</div>'
        f'<div class="wx-muted wx-small">{text(kind)} · {things}</div>'
        f'<div class="wx-report-value">{shown}</div>'
        f'<div class="wx-small">{_change(one, before)}</div>{_bars(one)}'
    )


def _plain(value: float) -> str:
    """A figure with four digits that count, or whole where it has more."""
    digits = max(3 - floor(log10(abs(value))), 0) if value else 0
    return number(round(value, digits), 0 if digits == 0 else None)


def _change(one: Mapping[str, Any], before: str) -> str:
    """How the figure moved against the period before, and whether that is better."""
    now, then = one["value"], one["before"]
    if now is None or then is None:
        return f'<span class="wx-muted">{text(t("无可比期间", "nothing to compare with"))}</span>'
    told, whole = one["before_days"], sum(v is not None for v in one["days"])
    if one["take"] == "sum" and told < whole:
        few = t(f"{before}只有 {told} 天有数据", f"only {told} days were told of {before}")
        return f'<span class="wx-muted">{text(few)}</span>'
    moved = now - then
    if moved == 0:
        return f'<span class="wx-muted">{text(t(f"与{before}持平", f"as in {before}"))}</span>'
    share = f"{abs(moved / then):.1%}" if then and one["unit"] != "%" else number(abs(moved), 2)
    points = t("个百分点", " points") if one["unit"] == "%" else ""
    good = {"higher": moved > 0, "lower": moved < 0}.get(one["better"])
    judged = "" if good is None else t("，改善", ", better") if good else t("，变差", ", worse")
    sign = "+" if moved > 0 else MINUS
    return text(f"{sign}{share}{points} {t(f'较{before}', f'on {before}')}{judged}")


def _bars(one: Mapping[str, Any]) -> str:
    """The days of the period as bars from zero, with a word for each in the title."""
    days = one["days"]
    if len(days) < 2 or all(v is None for v in days):
        return ""
    known = [v for v in days if v is not None]
    low, high = min(0.0, *known), max(0.0, *known)
    scale = (_HEIGHT - 2) / ((high - low) or 1.0)
    step = _WIDTH / len(days)
    base = _HEIGHT - 1 + low * scale
    bars = "".join(
        f'<rect x="{n * step:.1f}" y="{base - max(v, 0.0) * scale:.1f}" '
        f'width="{step * 0.75:.1f}" height="{max(abs(v) * scale, 0.8):.1f}" rx="1"/>'
        for n, v in enumerate(days) if v is not None
    )  # fmt: skip
    said = ", ".join("—" if v is None else _plain(v) for v in days)
    label = text(t(f"逐日：{said}", f"by day: {said}"))
    return (f'<svg class="wx-report-bars" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
            f'preserveAspectRatio="none" role="img" aria-label="{label}">'
            f"<title>{label}</title>{bars}</svg>")  # fmt: skip


def _advice(view: View, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        empty(t("该期间没有预警", "No warning in this time"), sign="task_alt")
        return
    with tag("ul", classes="wx-lines"):
        for row in rows:
            with (
                tag("li"),
                tag("button", classes="wx-line", type="button").on(
                    "click", lambda _, row=row: open_finding(view, row["finding"])
                ),
            ):
                times = t(f"{row['times']} 次", f"{row['times']} times")
                still = t(f"{row['open']} 未解除", f"{row['open']} open")
                things = ", ".join(row["things"])
                raw(f"{level(row['level'])} <b>{text(pick(row['advice']))}</b>", "span")
                tag("span", sentence(dict(row)), classes="block")
                told = f"{things} · {times} · {still} · {minute(row['last'])}"
                tag("span", told, classes="block wx-muted wx-small")
