"""Whether the sides of one subject agree: a trade, an invoice, a lot, a process, a financing."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import chain

from wuxin.finance.trade_breaks import Break, Side, written
from wuxin.finance.trade_facts import Financing, Made
from wuxin.finance.trade_lineage import imbalance
from wuxin.finance.trade_state import Books, Trade
from wuxin.terms.names import Digest
from wuxin.terms.records import Cause, Words

Subject = tuple[str, str, str]
"""What is judged: its kind, its name and, of a lot, its unit."""

_UNKNOWN = Words("没有记录", "nothing is known of it")
_NO_QUANTITY = Words("未说明质押数量", "the quantity pledged is not stated")
_NO_LOSS = Words("未报损耗", "no loss was reported")


def judge(books: Books, subject: Subject) -> list[Break]:
    """All breaks that a subject has now, at most one of each kind."""
    kind, name, unit = subject
    found: Iterable[Break]
    match kind:
        case "trade":
            found = _trade(books, name)
        case "alike":
            found = _alike(books, name)
        case "lot":
            found = _lot(books, name, unit=unit)
        case "made":
            found = _made(books, name)
        case "pledge":
            found = _pledge(books, name)
        case "invoice":
            found = chain(_invoice(books, name), _financed(books, "invoice", name=name))
        case _:
            found = _financed(books, "order", name=name)
    return list(found)


def _trade(books: Books, number: str) -> Iterator[Break]:
    trade = books.trades[number]
    if not (len(trade.goods) or len(trade.billed)):
        return
    units = trade.goods.units | trade.billed.units
    if len(units) > 1 or len(trade.money.units) > 1:
        yield Break(
            "units_differ", number, (trade.goods.side("goods"), trade.billed.side("invoice"))
        )
        return
    unit, now, share = next(iter(units)), books.now or 0, books.wait.tolerance
    goods, billed = trade.goods.total(unit), trade.billed.total(unit)
    sides = (trade.goods.side("goods"), trade.billed.side("invoice"))
    if trade.goods.ripe(unit, now) > billed * (1 + share):
        yield Break("delivered_not_invoiced", number, sides)
    order = trade.order
    if order is None or order.due is None or order.due <= now:
        if trade.billed.ripe(unit, now) * (1 - share) > goods:
            yield Break("invoiced_not_delivered", number, sides)
        yield from _unpaid_goods(books, trade, named=(number, unit))
    weight = trade.weight.total(unit)
    agree = billed and abs(goods - billed) <= billed * share
    if agree and not trade.unweighed and abs(weight - billed) > billed * share:
        reason = books.wait.reason
        note = Words(f"容差{share}：{reason.zh}", f"tolerance {share}: {reason.en}")
        yield Break("weight_against_invoice", number, (trade.weight.side("weight"), sides[1]), note)


def _unpaid_goods(books: Books, trade: Trade, *, named: tuple[str, str]) -> Iterator[Break]:
    """Hold what was paid, as a share of what was invoiced, against what was delivered."""
    number, unit = named
    now, paid, because, count = books.now or 0, Fraction(0), list[Cause](), 0
    for currency in trade.money.units:
        for key in sorted(trade.invoices):
            if key in books.payments:
                tally = books.payments[key]
                paid += Fraction(tally.ripe(currency, now))
                side = tally.side("payment")
                because.extend(side.because)
                count += side.count
        due, quantity = trade.money.total(currency), Fraction(trade.billed.total(unit))
        # Paid beyond the invoice is a break of the invoice; it buys no more goods.
        bought = quantity * min(paid / Fraction(due), Fraction(1)) if due else Fraction(0)
        if bought * (1 - Fraction(books.wait.tolerance)) > Fraction(trade.goods.total(unit)):
            figures = {currency: written(paid), unit: written(bought)}
            sides = (
                Side("payment", figures, tuple(because[:12]), count),
                trade.goods.side("goods"),
            )
            yield Break("paid_not_delivered", number, sides)


def _invoice(books: Books, key: str) -> Iterator[Break]:
    invoice, now = books.invoice(key), books.now or 0
    paid = books.payments[key]
    if invoice is None:
        told = books.told[key]
        ripe = any(told.ripe(unit, now) for unit in sorted(told.units))
        if ripe:
            nothing = Side("invoice", {}, missing=(_UNKNOWN,))
            yield Break("unknown_invoice", key, (told.side("payment"), nothing))
        return
    said = {invoice.currency: written(invoice.total)}
    side = Side("invoice", said, invoice.because, 1)
    if len(books.invoices[key]) > 1:
        others = sorted(books.invoices[key].values(), key=lambda each: (each.at, each.id))
        second = Side(
            "invoice", {others[1].currency: written(others[1].total)}, others[1].because, 1
        )
        yield Break("duplicate_invoice", key, (side, second))
    if paid.units - {invoice.currency}:
        yield Break("units_differ", key, (paid.side("payment"), side))
    elif paid.total(invoice.currency) > invoice.total:
        kind = "paid_twice" if len(paid) > 1 else "paid_too_much"
        yield Break(kind, key, (paid.side("payment"), side))


def _alike(books: Books, name: str) -> Iterator[Break]:
    by_number: dict[str, tuple[int, Side]] = {}
    for each in books.alike.get(Digest(name), {}).values():
        figures = {"number": each.key, each.currency: written(each.total)}
        by_number[each.key] = (each.at, Side("invoice", figures, each.because, 1))
    if len(by_number) > 1:
        first, second = sorted(by_number, key=lambda key: (by_number[key][0], key))[:2]
        yield Break("alike_invoice", first, (by_number[first][1], by_number[second][1]))


def _lot(books: Books, name: str, *, unit: str) -> Iterator[Break]:
    lineage, lot = books.lineage, (name, unit)
    left, kept = lineage.left(lot), books.kept(lot)
    because, count = _loans(books, name)
    came = lineage.came.get(lot, Fraction(0))
    goods = Side("goods", {f"came {unit}": written(came), f"left {unit}": written(left)})
    if left < 0:
        out = Side("process", {f"out {unit}": written(came - left)})
        yield Break("more_out_than_in", f"{name} [{unit}]", (goods, out))
    if came and kept > max(left, Fraction(0)):
        side = Side("financing", {unit: written(kept)}, because, count)
        yield Break("financed_more_than_exists", f"{name} [{unit}]", (side, goods))


def _loans(books: Books, name: str) -> tuple[tuple[Cause, ...], int]:
    if ("lot", name) not in books.loans:
        return (), 0
    side = books.loans["lot", name].side("financing")
    return side.because, side.count


def _made(books: Books, name: str) -> Iterator[Break]:
    fact: Made | None = books.made.get(Digest(name))
    if fact is None or imbalance(fact) == 0:
        return
    inputs = sum((part.quantity for part in fact.inputs), Decimal(0))
    outputs = sum((part.quantity for part in fact.outputs), Decimal(0))
    loss = {} if fact.loss is None else {f"loss {fact.unit}": written(fact.loss)}
    missing = (_NO_LOSS,) if fact.loss is None else ()
    out = Side("process", {f"out {fact.unit}": written(outputs), **loss}, fact.because, 1, missing)
    taken = Side("goods", {f"in {fact.unit}": written(inputs)}, fact.because, 1)
    yield Break("not_conserved", fact.reference, (taken, out))


def _pledge(books: Books, name: str) -> Iterator[Break]:
    """A lot that is financed and was never seen, or financed without a quantity."""
    held: dict[Digest, Financing] = dict(books.pledges.get(name, {}))
    if not held:
        return
    loans, nothing = books.loans["lot", name], Side("goods", {}, missing=(_UNKNOWN,))
    ripe = any(loans.ripe(unit, books.now or 0) for unit in sorted(loans.units))
    came = any(books.lineage.came.get(lot, 0) for lot in books.lots(name))
    if ripe and not came:
        yield Break("financed_unknown", name, (loans.side("financing"), nothing))
    if any(each.quantity is None for each in held.values()):
        side = loans.side("financing", (_NO_QUANTITY,))
        yield Break("financed_unmeasured", name, (side, Side("goods", {})))


def _financed(books: Books, stage: str, *, name: str) -> Iterator[Break]:
    if (stage, name) not in books.loans or not len(books.loans[stage, name]):
        return
    loans = books.loans[stage, name]
    side = loans.side("financing")
    known = books.invoice(name) if stage == "invoice" else books.trades[name].order
    other = "invoice" if stage == "invoice" else "order"
    if known is None:
        if any(loans.ripe(unit, books.now or 0) for unit in sorted(loans.units)):
            nothing = Side("invoice" if stage == "invoice" else "order", {}, missing=(_UNKNOWN,))
            yield Break("financed_unknown", f"{other} {name}", (side, nothing))
        return
    worth = getattr(known, "total", None) if stage == "invoice" else getattr(known, "amount", None)
    figures = {} if worth is None else {known.currency: written(worth)}
    real = Side("invoice" if stage == "invoice" else "order", figures, known.because, 1)
    if worth is None or loans.units - {known.currency}:
        yield Break("financed_unmeasured", f"{other} {name}", (side, real))
    elif loans.total(known.currency) > worth:
        yield Break("financed_more_than_exists", f"{other} {name}", (side, real))
