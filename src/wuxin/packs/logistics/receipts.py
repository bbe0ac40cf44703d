"""Warehouse receipts against one another and against the goods that they name."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from wuxin.terms.records import Words


class Receipt(NamedTuple):
    """A warehouse receipt: number, warehouse, lot, kg; issued and expires (ns, None: never)."""

    number: str
    warehouse: str
    lot: str
    weight: Decimal
    issued: int
    expires: int | None = None
    cancelled: bool = False


class Issue(NamedTuple):
    """What is wrong with receipts: kind, the receipts' numbers, in words."""

    kind: str
    numbers: tuple[str, ...]
    words: Words


def check_receipts(
    receipts: Iterable[Receipt], *, stock: Mapping[str, Decimal], at: int,
    released: Mapping[str, Decimal] | None = None,
) -> list[Issue]:  # fmt: skip
    """Check receipts against one another and against the stock.

    Args:
        receipts: all that were issued.
        stock: what is there of each lot (kg).
        at: the moment (ns); receipts that were cancelled or issued later do not count.
        released: what was released of each lot on its receipts (kg).

    Returns:
        ``number_twice``: one number on two papers; ``lot_twice``: two receipts name one lot;
        ``lot_unknown``: a lot that is not in stock; ``over_stock``: more is receipted than is
        there; ``expired``. In the order of the receipts.

    Source: GB/T 30332-2013 (warehouse receipts: particulars, one receipt for goods stored); Civil
    Code of the PRC, articles 908 to 910.
    """
    live = [r for r in receipts if not r.cancelled and r.issued <= at]
    gone = released or {}
    found = []
    for number, times in Counter(r.number for r in live).items():
        if times > 1:
            zh, en = f"编号 {number} 出现 {times} 次", f"number {number} stands on {times} receipts"
            found.append(Issue("number_twice", (number,), Words(zh, en)))
    lots: dict[str, list[Receipt]] = defaultdict(list)
    for receipt in live:
        lots[receipt.lot].append(receipt)
        if receipt.expires is not None and receipt.expires <= at:
            zh, en = f"{receipt.number} 已到期", f"{receipt.number} has expired"
            found.append(Issue("expired", (receipt.number,), Words(zh, en)))
    for lot, own in lots.items():
        found += _lot(lot, own, there=stock.get(lot), gone=gone.get(lot, Decimal(0)))
    return found


def _lot(lot: str, own: list[Receipt], *, there: Decimal | None, gone: Decimal) -> list[Issue]:
    numbers = tuple(dict.fromkeys(r.number for r in own))
    found = []
    if len(numbers) > 1:
        told = ", ".join(numbers)
        found.append(Issue("lot_twice", numbers, Words(f"{lot} 被 {told} 同时指认",
                                                       f"{told} name {lot}")))  # fmt: skip
    if there is None:
        found.append(Issue("lot_unknown", numbers, Words(f"库内没有 {lot}",
                                                         f"{lot} is not in stock")))  # fmt: skip
        return found
    due = sum((r.weight for r in own), Decimal(0)) - gone
    if due > there:
        zh = f"{lot} 仓单合计 {due} kg，在库 {there} kg"
        en = f"receipts for {due} kg of {lot}, of which {there} kg are there"
        found.append(Issue("over_stock", numbers, Words(zh, en)))
    return found
