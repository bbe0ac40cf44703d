"""The list of trades: what was ordered, delivered, invoiced, paid and lent, and what is open."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from nicegui import ui

from wuxin.portal.screens.parts import Column, card, empty, level, link, table, tag, text
from wuxin.portal.screens.shell import View, heading, page, zone_note
from wuxin.portal.screens.words import minute, money, number, pick, t

SHOWN: Final = 200


@page("/trades", ("贸易", "Trades"))
async def trades(view: View) -> None:
    """All trades that the visitor may see, and what was told and fits no trade."""
    heading(t("贸易", "Trades"), note=zone_note())
    link(t("产能撮合", "Spare and short capacity"), "/capacity", classes="wx-button mb-4")
    asked = view.query.get("q", "").casefold()
    found = await view.api.get("/api/trades", limit=1000)
    shown = [row for row in found if not asked or _named(row, asked)]
    with card(t("四流核对", "Four flows"), end=number(len(shown)), classes="mb-4"):
        if asked:
            said = t(f"与“{view.query.get('q')}”有关的贸易", f"about “{view.query.get('q')}”")
            tag("p", said, classes="wx-muted mb-2")
        if shown:
            _rows(shown[:SHOWN])
        else:
            empty(t("还没有贸易", "No trades yet"),
                  t("登记订单、发票、货物或对账单后显示。",
                    "They appear once an order, invoice, movement or statement is told."),
                  sign="sync_alt")  # fmt: skip
        if len(shown) > SHOWN:
            more = len(shown) - SHOWN
            ui.label(t(f"另有 {more} 笔", f"and {more} more"))
    await _lacking(view)


async def _lacking(view: View) -> None:
    lacks = await view.api.get("/api/trades/lacking", limit=SHOWN)
    if not lacks:
        return
    with card(t("未能归入贸易", "Fits no trade yet"), end=number(len(lacks))):
        table(
            (
                Column(t("时间", "Time"), lead=True),
                Column(t("来源", "From")),
                Column(t("金额", "Amount"), numeric=True),
                Column(t("原因", "Why")),
            ),
            [_lack(row) for row in lacks[:50]],
            name=t("未能归入贸易", "Fits no trade yet"),
        )


def amounts(sums: Iterable[Mapping[str, str]]) -> str:
    """Sums by unit: masses in tonnes where they are large, money with its currency."""
    said = [quantity(one["amount"], one["unit"]) for one in sums]
    return t("，", ", ").join(said) or "—"


def quantity(amount: str, unit: str) -> str:
    """One figure with its unit."""
    if len(unit) == 3 and unit.isupper():
        return money(amount, unit)
    if unit == "kg" and abs(float(amount)) >= 1000:
        return f"{number(float(amount) / 1000, 3)} t"
    pieces = t("件", "pcs")
    return f"{number(amount)} {pieces if unit == '1' else unit}"


def _rows(found: Sequence[Mapping[str, Any]]) -> None:
    table(
        (
            Column(t("订单", "Order"), lead=True),
            Column(t("核对", "Reconciled")),
            Column(t("订购", "Ordered"), numeric=True),
            Column(t("交货", "Delivered"), numeric=True),
            Column(t("开票", "Invoiced"), numeric=True),
            Column(t("付款", "Paid"), numeric=True),
            Column(t("融资", "Financed"), numeric=True),
        ),
        [_row(row) for row in found],
        name=t("贸易一览", "Trades"),
    )


def _row(row: Mapping[str, Any]) -> tuple[str, ...]:
    href = f"/trades/{quote(row['order'], safe='')}"
    between = f"{row['seller']} → {row['buyer']}" if row["seller"] else t("订单未知", "no order")
    good = f" · {row['good']}" if row["good"] else ""
    open_ = t(f"{row['open']} 处不符", f"{row['open']} open")
    lacks = t(f"缺 {row['missing']} 项", f"{row['missing']} missing")
    stands = f"{level(row['level'])} {text(open_)}" if row["open"] else text(t("一致", "agree"))
    if row["missing"]:
        stands += f'<div class="wx-small wx-muted">{text(lacks)}</div>'
    name = f'<a href="{href}"><b>{text(row["order"])}</b></a>'
    return (
        f'{name}<div class="wx-small wx-muted">{text(between + good)}</div>',
        stands,
        text(amounts(row["ordered"])),
        text(amounts(row["delivered"])),
        text(amounts(row["invoiced"]))
        + f'<div class="wx-small wx-muted">{text(amounts(row["billed"]))}</div>',
        text(amounts(row["paid"])),
        text(amounts(row["lent"])),
    )


def _lack(row: Mapping[str, Any]) -> tuple[str, ...]:
    what = {"line": t("银行流水", "bank statement"), "event": t("货物事件", "goods event")}
    told = f"{what[row['what']]} {row['account']}".strip()
    said = row["text"] or row["reference"][:24]
    amount = quantity(row["amount"], row["currency"]) if row["amount"] else "—"
    return (
        text(minute(row["at"])),
        f'{text(told)}<div class="wx-small wx-muted">{text(said)}</div>',
        text(amount),
        text(t("；", "; ").join(pick(one) for one in row["why"])),
    )


def _named(row: Mapping[str, Any], asked: str) -> bool:
    names = (row["order"], row["buyer"], row["seller"], row["good"], *row["subjects"])
    return any(asked in name.casefold() for name in names)
