"""Capacity: which factory has hours to spare, which order waits, and where orders were placed."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final
from zoneinfo import ZoneInfo

from nicegui import context, ui

from wuxin.portal.screens.asking import ask, noted
from wuxin.portal.screens.parts import (
    Column,
    card,
    empty,
    evidence_mark,
    figure,
    raw,
    table,
    tag,
    text,
)
from wuxin.portal.screens.shell import View, heading, page, zone_note
from wuxin.portal.screens.words import day, local, minute, money, number, percent, t

Done = Callable[[], Awaitable[None]]
TITLES: Final[dict[str, tuple[str, str]]] = {
    "offer_capacity": ("登记空余产能", "Offer spare capacity"),
    "seek_capacity": ("登记短缺产能", "Seek capacity"),
    "match_capacity": ("立即撮合", "Match now"),
    "withdraw_capacity": ("撤回", "Withdraw"),
}
_TIMES: Final = {
    "offer_capacity": ("free_from", "free_until"), "seek_capacity": ("begins", "due"),
}  # fmt: skip


@page("/capacity", ("产能撮合", "Capacity"))
async def capacity(view: View) -> None:
    """Spare hours and waiting orders on one time axis, by skill; matches with their reasons."""
    place = ui.element("div")

    async def show() -> None:
        found = await view.api.get("/api/capacity")
        place.clear()
        with place:
            _show(view, found, done=show)

    await show()


def _show(view: View, found: Mapping[str, Any], *, done: Done) -> None:
    heading(t("产能撮合", "Capacity"), [(t("贸易", "Trades"), "/trades")], note=zone_note())
    with tag("div", classes="wx-tiles mb-4"):
        _figures(found)
    with ui.element("div").classes("flex flex-wrap gap-2 mb-4").mark("acts"):
        for do in ("offer_capacity", "seek_capacity", "match_capacity"):
            if do in found["may"]:
                look = "wx-button wx-primary" if do == "match_capacity" else "wx-button"
                button = tag("button", t(*TITLES[do]), classes=look, type="button").mark(do)
                button.on("click", lambda _, do=do: _ask(view, found, do=do, done=done))
    with card(t("空余与短缺", "Spare and short"), classes="mb-4"):
        _spans(view, found, done=done)
    with card(t("已撮合", "Placed"), end=number(len(found["placed"])), classes="mb-4"):
        _placed(found["placed"])
    if found["waiting"]:
        with card(t("待撮合的原因", "Why orders wait"), end=number(len(found["waiting"]))):
            _waiting(found["waiting"])


def _figures(found: Mapping[str, Any]) -> None:
    spare = sum(one["hours"] for one in found["offers"])
    short = sum(one["hours"] for one in found["needs"])
    hours = t("小时", "h")
    for name, value, note in (
        (t("空余工时", "Spare hours"), spare, _counted(found["offers"])),
        (t("短缺工时", "Hours sought"), short, _counted(found["needs"])),
        (t("近期撮合工时", "Hours placed lately"),
         sum(int(row["figures"]["hours"]) for row in found["placed"]),
         _counted(found["placed"])),
    ):  # fmt: skip
        with tag("div", classes="wx-tile"):
            figure(name, f"{number(value)} {hours}", note=note)


def _counted(rows: Sequence[Any]) -> str:
    return t(f"共 {number(len(rows))} 笔", f"{number(len(rows))} entries")


# ---- the picture ---------------------------------------------------------------------------------


def _spans(view: View, found: Mapping[str, Any], *, done: Done) -> None:
    rows = [_row(one, "offer_capacity") for one in found["offers"]]
    rows += [_row(one, "seek_capacity") for one in found["needs"]]
    if not rows:
        empty(t("还没有登记", "Nothing is registered yet"),
              t("工厂登记空余或短缺的工时后在此按工艺、按时间对照。",
                "Once factories register spare or short hours, they stand here side by side."),
              sign="handshake")  # fmt: skip
        return
    first, last = min(row["start"] for row in rows), max(row["end"] for row in rows)
    rows.sort(key=lambda row: (row["skill"], row["do"] != "offer_capacity", row["start"]))
    raw(f'<div class="wx-span-axis wx-muted wx-small"><span>{day(first.isoformat())}</span>'
        f"<span>{day(last.isoformat())}</span></div>")  # fmt: skip
    for skill, of in groupby(rows, key=lambda row: row["skill"]):
        tag("h3", skill, classes="wx-sub")
        for row in of:
            _span(view, found, row=row, axis=(first, last), done=done)


def _row(one: Mapping[str, Any], do: str) -> dict[str, Any]:
    start, end = (local(one[name]) for name in _TIMES[do])
    return {**one, "do": do, "start": start, "end": end}


def _span(
    view: View, found: Mapping[str, Any], *, row: Mapping[str, Any],
    axis: tuple[datetime, datetime], done: Done,
) -> None:  # fmt: skip
    whole = max((axis[1] - axis[0]).total_seconds(), 1.0)
    left = (row["start"] - axis[0]).total_seconds() / whole
    width = max((row["end"] - row["start"]).total_seconds() / whole, 0.005)
    spare = row["do"] == "offer_capacity"
    kind = t("空余", "spare") if spare else t("短缺", "short")
    price = money(row["price"], row["currency"])
    rate = t(f"每小时 {price}", f"{price} an hour")
    trust = t("满足率", "order fill") + f" {percent(row['reliability'] / 100, 0)}"
    said = (
        f"<b>{text(row['factory'])}</b> {kind} {number(row['hours'])} {t('小时', 'h')}"
        f'<span class="wx-muted wx-small"> {text(row["id"])} · {rate} · {trust}</span>'
    )
    when = f"{day(row['start'].isoformat())} – {day(row['end'].isoformat())}"
    with ui.element("div").classes("wx-span-row"):
        raw(f'<div>{said}</div><div class="wx-span" role="img" aria-label="{when}" title="{when}">'
            f'<i class="{"wx-span-spare" if spare else "wx-span-short"}" '
            f'style="left:{left:.2%};width:{width:.2%}"></i></div>'
            f'<div class="wx-muted wx-small">{when}</div>')  # fmt: skip
        if "withdraw_capacity" in found["may"]:
            button = tag("button", t(*TITLES["withdraw_capacity"]), classes="wx-button",
                         type="button")  # fmt: skip
            button.on("click", lambda: _withdraw(view, row["id"], done=done))


# ---- matches -------------------------------------------------------------------------------------


def _placed(rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        empty(t("还没有撮合", "Nothing has been placed yet"), sign="handshake")
        return
    table(
        (
            Column(t("订单", "Order"), lead=True),
            Column(t("工时", "Hours"), numeric=True),
            Column(t("去向", "Placed at")),
            Column(t("依据", "Why")),
            Column(t("时间", "When")),
        ),
        [
            (
                f"<b>{text(row['figures']['need'])}</b> {text(row['figures']['factory'])}",
                text(number(row["figures"]["hours"])),
                "<br>".join(text(part) for part in _parts(row["figures"])),
                text(t(row["figures"]["zh"], row["figures"]["en"])),
                text(minute(row["at"])) + evidence_mark(row["act"]),
            )
            for row in rows
        ],
        name=t("已撮合", "Placed"),
    )


def _parts(figures: Mapping[str, str]) -> list[str]:
    return [value for name, value in sorted(figures.items()) if name.startswith("part_")]


def _waiting(rows: Sequence[Mapping[str, Any]]) -> None:
    table(
        (
            Column(t("订单", "Order"), lead=True),
            Column(t("原因", "Why")),
            Column(t("各家空余", "Offer by offer")),
            Column(t("时间", "When")),
        ),
        [
            (
                f"<b>{text(row['figures']['need'])}</b> {text(row['figures']['factory'])}",
                text(t(row["figures"]["zh"], row["figures"]["en"])),
                "<br>".join(_against(row["figures"])),
                text(minute(row["at"])) + evidence_mark(row["act"]),
            )
            for row in rows
        ],
        name=t("待撮合的原因", "Why orders wait"),
    )


def _against(figures: Mapping[str, str]) -> list[str]:
    """What speaks against each offer, in the reader's language."""
    found = []
    for name, value in figures.items():
        if name.startswith("offer_"):
            zh, _, en = value.partition(" / ")
            found.append(f"{text(name.removeprefix('offer_'))}: {text(t(zh, en))}")
    return found


# ---- what can be done ----------------------------------------------------------------------------


def _ask(view: View, found: Mapping[str, Any], *, do: str, done: Done) -> None:
    async def give(body: dict[str, str]) -> None:
        for name in _TIMES.get(do, ()):
            body[name] = _midnight(body[name])
        await view.api.post(f"/api/bank/orders/{do}", **body)
        noted()
        await done()

    ask(t(*TITLES[do]), lambda: _fields(do, party=found["party"]), give=give)


def _withdraw(view: View, name: str, *, done: Done) -> None:
    def fill() -> dict[str, Any]:
        return {"id": ui.input(t("编号", "Id"), value=name).props("readonly")}

    async def give(body: dict[str, str]) -> None:
        await view.api.post("/api/bank/orders/withdraw_capacity", **body)
        noted()
        await done()

    ask(t(*TITLES["withdraw_capacity"]), fill, give=give)


def _fields(do: str, *, party: str) -> dict[str, Any]:
    """What is to be filled in; a factory's own user registers for that factory."""
    if do == "match_capacity":
        zh = "对全部登记一次撮合：满足工时最多，其次总价最低。已成交的从两边扣除。"
        en = ("All that stands is matched at once: the most hours, then the lowest price. What is "
              "placed is taken off both sides.")  # fmt: skip
        tag("p", t(zh, en))
        return {}
    spare = do == "offer_capacity"
    today = local(datetime.now(ZoneInfo("UTC")).isoformat())
    days = (today + timedelta(days=1), today + timedelta(days=30))
    start, end = _TIMES[do]
    fields = {
        "id": ui.input(t("编号", "Id")),
        "factory": ui.input(t("工厂", "Factory"), value=party),
        "skill": ui.input(t("工艺", "Skill")),
        "hours": ui.input(t("工时（小时）", "Hours")),
        start: ui.input(t("自", "From"), value=f"{days[0]:%Y-%m-%d}").props("type=date"),
        end: ui.input(t("至", "Until"), value=f"{days[1]:%Y-%m-%d}").props("type=date"),
        "price": ui.input(t("每小时价格" if spare else "每小时限价",
                            "Price an hour" if spare else "Price an hour at most")),
        "currency": ui.input(t("币种", "Currency"), value="CNY"),
        "reliability": ui.input(t("订单满足率（%）" if spare else "最低满足率（%）",
                                  "Order fill, %" if spare else "Least order fill, %"),
                                value="100" if spare else "0"),
    }  # fmt: skip
    if not spare:
        fields["parts"] = ui.input(t("至多分几家", "Among how many factories"), value="1")
    if party:
        fields["factory"].props("readonly")
    return fields


def _midnight(date: str) -> str:
    """The beginning of the visitor's day, as ISO 8601; what is no date is refused by the API."""
    try:
        zone = ZoneInfo(context.client.storage.get("zone") or "UTC")
        return datetime.fromisoformat(date).replace(tzinfo=zone).isoformat()
    except ValueError:
        return date
