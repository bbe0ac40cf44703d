"""What the usable facts of all trades come to: tallies by order and invoice, and the lots."""

from collections import Counter, defaultdict
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, TypeVar

from wuxin.finance.trade_breaks import Patience, Tally
from wuxin.finance.trade_facts import Fact, Financing, Invoice, Made, Movement, Order, Payment
from wuxin.finance.trade_lineage import Given, Lineage, Lot
from wuxin.terms.clock import iso
from wuxin.terms.names import Digest, content_id
from wuxin.terms.records import Words

_DATE: Final = len("2026-01-01")
_MISSING: Final = {
    "order": Words("没有订单", "no order is known"),
    "goods": Words("没有交货记录", "no delivery is known"),
    "weight": Words("有交货未过磅", "a delivery was not weighed"),
    "invoice": Words("没有发票", "no invoice is known"),
    "payment": Words("没有付款记录", "no payment is known"),
}
_Named = TypeVar("_Named", Order, Invoice)


class Trade:
    """What is known of one order: goods, weights, invoices and who they come from."""

    def __init__(self, wait: Patience) -> None:
        self.orders: dict[Digest, Order] = {}
        self.goods = Tally(wait.invoice)
        self.weight = Tally(0)
        self.unweighed = 0
        self.billed = Tally(wait.delivery)
        self.money = Tally(wait.delivery)
        self.invoices: set[str] = set()
        self.lots: Counter[str] = Counter()
        self.came: dict[str, dict[str, Fraction]] = {}

    @property
    def order(self) -> Order | None:
        """The order: of several under one number the earliest."""
        return earliest(self.orders)


class Books:
    """All trades, invoices, payments, lots and financings, as far as they still hold."""

    def __init__(self, wait: Patience) -> None:
        self.wait = wait
        self.now: int | None = None
        self.lineage = Lineage()
        self.trades: dict[str, Trade] = defaultdict(lambda: Trade(wait))
        self.invoices: dict[str, dict[Digest, Invoice]] = defaultdict(dict)
        self.by_number: dict[str, set[str]] = defaultdict(set)
        self.alike: dict[Digest, dict[Digest, Invoice]] = defaultdict(dict)
        self.payments: dict[str, Tally] = defaultdict(lambda: Tally(wait.delivery))
        self.told: dict[str, Tally] = defaultdict(lambda: Tally(wait.told))
        self.made: dict[Digest, Made] = {}
        self.loans: dict[tuple[str, str], Tally] = defaultdict(lambda: Tally(wait.told))
        self.pledges: dict[str, dict[Digest, Financing]] = defaultdict(dict)
        self.claims: dict[str, Fraction] = {}
        self.lenders: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._units: dict[str, set[str]] = defaultdict(set)
        self._known: dict[Lot, Given] = {}

    def ordered(self, fact: Order, sign: int) -> None:
        """Count an order."""
        _keep(self.trades[fact.number].orders, fact, sign=sign)

    def moved(self, fact: Movement, sign: int) -> Lot:
        """Count a movement for its order and its lot; return the lot."""
        trade = self.trades[fact.order]
        trade.lots[fact.lot] += sign
        if fact.way == "in":
            came = trade.came.setdefault(fact.lot, {})
            came[fact.unit] = came.get(fact.unit, Fraction(0)) + sign * Fraction(fact.quantity)
        _count(trade.goods, fact, amount=(fact.unit, fact.quantity), sign=sign)
        if fact.weighed is None:
            trade.unweighed += sign
        else:
            _count(trade.weight, fact, amount=(fact.unit, fact.weighed), sign=sign)
        self._units[fact.lot].add(fact.unit)
        self._known.clear()
        return self.lineage.moved(fact, sign=sign)

    def processes(self, fact: Made, sign: int) -> None:
        """Keep a process, whose lots the lineage counts."""
        for part in (*fact.inputs, *fact.outputs):
            self._units[part.lot].add(fact.unit)
        _keep(self.made, fact, sign=sign)
        self._known.clear()

    def invoiced(self, fact: Invoice, sign: int) -> set[str]:
        """Count an invoice; of several with one name only the earliest. Return orders touched."""
        before = self.invoice(fact.key)
        _keep(self.invoices[fact.key], fact, sign=sign)
        _keep(self.alike[alike(fact)], fact, sign=sign)
        known = self.by_number[fact.number]
        known.add(fact.key) if self.invoices[fact.key] else known.discard(fact.key)
        after = self.invoice(fact.key)
        if before == after:
            return {fact.order}
        for each, way in ((before, -1), (after, 1)):
            if each is not None:
                trade = self.trades[each.order]
                quantity = sum((line.quantity for line in each.lines), Decimal(0))
                _count(trade.billed, each, amount=(each.unit, quantity), sign=way)
                _count(trade.money, each, amount=(each.currency, each.total), sign=way)
                (trade.invoices.add if way > 0 else trade.invoices.discard)(each.key)
        return {each.order for each in (before, after, fact) if each is not None}

    def paid(self, fact: Payment, sign: int) -> str:
        """Count a payment; return the invoice it names, or its own reference if it names none."""
        key = fact.invoice or f"?{fact.reference}"
        for tally in (self.payments[key], self.told[key]):
            _count(tally, fact, amount=(fact.currency, fact.amount), sign=sign)
        return key

    def financed(self, fact: Financing, sign: int) -> None:
        """Count a financing against what it is lent on."""
        _count(
            self.loans[fact.stage, fact.subject],
            fact,
            amount=(fact.currency, fact.amount),
            sign=sign,
        )
        self.lenders[fact.stage, fact.subject][fact.facility] += sign
        self._known.clear()
        if fact.stage == "lot":
            _keep(self.pledges[fact.subject], fact, sign=sign)
            held = self.claims.get(fact.subject, Fraction(0))
            self.claims[fact.subject] = held + sign * Fraction(fact.quantity or 0)

    def invoice(self, key: str) -> Invoice | None:
        """The invoice of that name: of several the earliest."""
        return earliest(self.invoices[key]) if key in self.invoices else None

    def kept(self, lot: Lot) -> Fraction:
        """The quantity that is pledged of a lot, with what it took over from those above it."""
        return self.lineage.kept(lot, self.claims, known=self._known)

    def lent_on(self, stage: str, name: str) -> set[str]:
        """The facilities that lend on an order, lot or invoice itself."""
        held: Counter[str] = self.lenders.get((stage, name), Counter())
        return {facility for facility, count in held.items() if count > 0}

    def lots(self, name: str) -> list[Lot]:
        """A lot in every unit in which it is told of."""
        return [(name, unit) for unit in sorted(self._units.get(name, ()))]

    def missing(self, order: str) -> tuple[Words, ...]:
        """What is not known of a trade."""
        trade = self.trades[order] if order in self.trades else Trade(self.wait)
        paid = any(len(self.payments[key]) for key in trade.invoices if key in self.payments)
        known = {
            "order": trade.order is not None,
            "goods": len(trade.goods) > 0,
            "weight": trade.unweighed == 0,
            "invoice": len(trade.billed) > 0,
            "payment": paid,
        }
        return tuple(_MISSING[name] for name, is_known in known.items() if not is_known)


def alike(invoice: Invoice) -> Digest:
    """What invoices share that are the same but for their number: parties, day, lines, total."""
    lines = sorted(
        f"{x.good}\0{x.quantity.normalize()}\0{x.amount.normalize()}" for x in invoice.lines
    )
    day = iso(invoice.at)[:_DATE]
    total = str(invoice.total.normalize())
    return content_id([invoice.seller, invoice.buyer, invoice.currency, total, day, lines])


def earliest(facts: dict[Digest, _Named]) -> _Named | None:
    """The fact with the smallest event time, then identity; None of none."""
    return min(facts.values(), key=lambda fact: (fact.at, fact.id), default=None)


def _keep(facts: dict[Digest, Any], fact: Any, *, sign: int) -> None:
    if sign > 0:
        facts[fact.id] = fact
    else:
        del facts[fact.id]


def _count(tally: Tally, fact: Fact, *, amount: tuple[str, Decimal], sign: int) -> None:
    if sign > 0:
        tally.add(fact, amount[0], amount=amount[1])
    else:
        tally.remove(fact.id)
