"""One trade: its four flows as lanes on one time line, what does not agree, and its lots."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from nicegui import ui

from wuxin.portal.screens.finding import open_finding
from wuxin.portal.screens.parts import (
    Column,
    card,
    empty,
    figure,
    grid,
    icon,
    level,
    raw,
    table,
    tag,
    text,
    timeline,
)
from wuxin.portal.screens.shell import View, heading, page
from wuxin.portal.screens.trades import amounts, quantity
from wuxin.portal.screens.words import day, local, minute, money, number, pick, t

LANES: Final[Mapping[str, tuple[str, str, str]]] = {
    "commerce": ("receipt_long", "商流", "Commerce"),
    "goods": ("inventory_2", "物流", "Goods"),
    "capital": ("payments", "资金流", "Capital"),
    "information": ("sensors", "信息流", "Information"),
}
_LISTED: Final = 30


@page("/trades/{order:path}", ("贸易", "Trade"))
async def trade(view: View) -> None:
    """The figures, the lanes, the breaks with both sides, each flow in words, and the lots."""
    name = view.path["order"]
    found = await view.api.get(f"/api/trades/{quote(name, safe='')}")
    between = f"{found['seller']} → {found['buyer']}" if found["seller"] else ""
    note = level(found["level"]) if found["level"] else ""
    note += f' <span class="wx-muted">{text(between)} {text(found["good"])}</span>'
    heading(name, [(t("贸易", "Trades"), "/trades")], note=note)
    _figures(found)
    _lanes(found)
    _breaks(view, found)
    with grid("grid-cols-1 md:grid-cols-2 xl:grid-cols-4"):
        for lane in LANES:
            _flow(lane, found["flows"][lane])
    _lots(found)


def _figures(found: Mapping[str, Any]) -> None:
    due = found["due"]
    with (
        ui.element("section")
        .classes("wx-card mb-4")
        .props(f'aria-label="{t("关键数字", "Key figures")}"'),
        ui.element("div").classes("wx-grid wx-figures"),
    ):
        figure(t("订购", "Ordered"), amounts(found["ordered"]),
               note=text(t(f"交期 {day(due)}", f"due {day(due)}")) if due else "")  # fmt: skip
        weighed = amounts(found["weighed"])
        figure(t("交货", "Delivered"), amounts(found["delivered"]),
               note=text(t(f"过磅 {weighed}", f"weighed {weighed}")))  # fmt: skip
        figure(t("开票", "Invoiced"), amounts(found["invoiced"]),
               note=text(amounts(found["billed"])))  # fmt: skip
        figure(t("付款", "Paid"), amounts(found["paid"]))
        figure(t("融资", "Financed"), amounts(found["lent"]))


def _lanes(found: Mapping[str, Any]) -> None:
    """The four lanes on one time line, and the open breaks where they were found."""
    points = {lane: found["flows"][lane] for lane in LANES}
    flags = [one for one in found["breaks"] if one["raised"]]
    times = [local(p["at"]).timestamp() for lane in points.values() for p in lane]
    times += [local(one["raised"]).timestamp() for one in flags]
    with card(t("时间线", "Time line"), classes="mb-4"):
        if not times:
            empty(t("还没有事实", "Nothing is told yet"), sign="timeline")
            return
        first, last = min(times), max(times)
        span = (last - first) or 1.0

        def at(when: str) -> str:
            return f"{(local(when).timestamp() - first) / span:.2%}"

        rows = []
        for lane, (sign, zh, en) in LANES.items():
            dots = "".join(_dot(point, at(point["at"])) for point in points[lane])
            rows.append(_lane(sign, t(zh, en), dots=dots))
        marks = "".join(
            f'<i class="wx-flag wx-{one["level"]}" style="left:{at(one["raised"])}" '
            f'title="{text(pick(one))}"></i>' for one in flags
        )  # fmt: skip
        if flags:
            rows.append(_lane("report", t("不符", "Breaks"), dots=marks))
        ends = [min(times), max(times)]
        shown = "".join(f"<span>{text(day(int(end * 1e9)))}</span>" for end in ends)
        raw(f'<div class="wx-lanes">{"".join(rows)}<div class="wx-lane-ends">{shown}</div></div>')


def _lane(sign: str, name: str, *, dots: str) -> str:
    return (
        f'<div class="wx-lane"><div class="wx-lane-name">{icon(sign)} {text(name)}</div>'
        f'<div class="wx-lane-line"><div>{dots}</div></div></div>'
    )


def _dot(point: Mapping[str, Any], left: str) -> str:
    said = f"{minute(point['at'])} {pick(point)} {point['name']} {', '.join(point['figures'])}"
    kind = f" wx-{point['kind']}" if point["kind"] in {"red", "amber", "info"} else ""
    return (
        f'<span class="wx-dot{kind}" style="left:{left}" role="img" title="{text(said)}" '
        f'aria-label="{text(said)}"></span>'
    )


def _breaks(view: View, found: Mapping[str, Any]) -> None:
    rows, ended = found["breaks"], found["ended"]
    with card(t("不符之处", "What does not agree"), end=number(len(rows)), classes="mb-4"):
        if not rows:
            empty(t("四流一致", "The four flows agree"), sign="task_alt")
        with tag("ul", classes="wx-lines"):
            for row in rows:
                _break(view, row)
        if found["missing"]:
            lacks = t("；", "; ").join(pick(one) for one in found["missing"])
            tag("p", t(f"尚缺：{lacks}", f"Not known: {lacks}"), classes="wx-muted mt-2")
        if ended:
            with tag("details", classes="mt-2"):
                tag("summary", t(f"已消除 {len(ended)} 处", f"{len(ended)} mended"), classes="mb-2")
                timeline((minute(one["to"]), _over(one)) for one in ended[:_LISTED])


def _break(view: View, row: Mapping[str, Any]) -> None:
    """One break: what it is, and what each side says, side by side."""
    sides = "".join(
        f'<div class="wx-side-of"><b>{text(t(side["title"]["zh"], side["title"]["en"]))}</b>'
        f"<span>{_said(side)}</span></div>"
        for side in row["sides"] if side["figures"] or pick(side).strip()
    )  # fmt: skip
    with tag("li"):
        button = tag("button", classes="wx-line", type="button")
        if row["finding"]:
            button.on("click", lambda: open_finding(view, row["finding"]))
        with button:
            raw(f"{level(row['level'])} <b>{text(pick(row))}</b>", "span")
            raw(f'<span class="wx-sides">{sides}</span>', "span").classes("block mt-1")


def _said(side: Mapping[str, Any]) -> str:
    """The words of a side after its name."""
    return text(pick(side).partition(t("：", ": "))[2])


def _flow(lane: str, points: Sequence[Mapping[str, Any]]) -> None:
    _, zh, en = LANES[lane]
    with card(t(zh, en), end=number(len(points))):
        if not points:
            empty(t("没有记录", "Nothing is told"), sign=LANES[lane][0])
            return
        newest = [*points][::-1][:_LISTED]
        timeline((minute(one["at"]), _told(one)) for one in newest)


def _told(one: Mapping[str, Any]) -> str:
    figures = ", ".join(one["figures"])
    head = f"<b>{text(pick(one))}</b> {text(one['name'])}"
    return f'{head}<div class="wx-small wx-muted">{text(figures)}</div>'


def _over(one: Mapping[str, Any]) -> str:
    subject = f'<span class="wx-muted">{text(one["subject"])}</span>'
    return f"{level(one['level'])} {text(pick(one))} {subject}"


def _lots(found: Mapping[str, Any]) -> None:
    if not found["lots"]:
        return
    currency = found["billed"][0]["unit"] if found["billed"] else ""
    with card(t("批次与来历", "Lots and their descent"), classes="mt-4"):
        table(
            (
                Column(t("批次", "Lot"), lead=True),
                Column(t("入库", "Came in"), numeric=True),
                Column(t("结余", "Left"), numeric=True),
                Column(t("质押", "Pledged"), numeric=True),
                Column(t("价值", "Value"), numeric=True),
            ),
            [
                (
                    f"<b>{text(lot['lot'])}</b>",
                    *(
                        text(quantity(lot[name], lot["unit"]))
                        for name in ("came", "left", "pledged")
                    ),
                    text(money(lot["value"], currency)) if lot["value"] else "—",
                )
                for lot in found["lots"][:_LISTED]
            ],
            name=t("批次", "Lots"),
        )
        for one in found["processes"][:_LISTED]:
            ends = [" + ".join(f"{lot} {quantity(much, one['unit'])}" for lot, much in one[side])
                    for side in ("inputs", "outputs")]  # fmt: skip
            loss = (
                t("未报损耗", "no loss reported") if one["loss"] is None
                else t("损耗 ", "loss ") + quantity(one["loss"], one["unit"])
            )  # fmt: skip
            head = f"{minute(one['at'])} · {one['reference']}: {' → '.join(ends)}"
            raw(f'{text(head)} <span class="wx-muted">{text(loss)}</span>').classes("wx-made")
