"""One trade as it can be read: its facts by flow, what is open of it, and the descent of its goods.

Nothing here changes anything.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, NamedTuple

from wuxin.finance.trade import Reconciler
from wuxin.finance.trade_breaks import Break, Tally, written
from wuxin.finance.trade_facts import AnyFact, Made, Movement
from wuxin.finance.trade_lineage import Lot
from wuxin.finance.trade_state import Books, Trade
from wuxin.terms.names import Digest

FLOWS: Final = ("commerce", "goods", "capital")
"""The flows of which facts are told; the fourth, information, is what devices say of the goods."""


class Facts(NamedTuple):
    """The facts of a trade that hold, by flow, each in order of event time."""

    commerce: list[AnyFact]
    goods: list[AnyFact]
    capital: list[AnyFact]


class Node(NamedTuple):
    """A lot: what came, is left, is pledged (with what it took over), and what it has cost."""

    lot: str
    unit: str
    came: str
    left: str
    pledged: str
    value: str


def numbers(book: Reconciler) -> list[str]:
    """The orders of which anything is known, in order of their numbers."""
    return sorted(number for number, trade in book.books.trades.items() if known(trade))


def known(trade: Trade) -> bool:
    """Whether anything is known of a trade."""
    return bool(trade.orders or len(trade.goods) or len(trade.billed))


def facts(book: Reconciler, order: str) -> Facts:
    """The facts of a trade that hold."""
    books = book.books
    trade = books.trades[order]
    lots = lineage(books, order)
    invoices = [one for key in trade.invoices for one in books.invoices[key].values()]
    made = {part.id: part for lot in lots for part in books.lineage.processes(lot)}
    tallies = [books.payments[key] for key in trade.invoices if key in books.payments]
    subjects = [("order", order), *(("invoice", key) for key in trade.invoices),
                *(("lot", name) for name, _ in lots)]  # fmt: skip
    tallies += [books.loans[subject] for subject in subjects if subject in books.loans]
    names = {name for name, _ in lots}
    elsewhere = [
        one
        for other in books.trades.values()
        if not names.isdisjoint(other.lots)
        for one in _told(book, [other.goods])
        if isinstance(one, Movement) and one.lot in names
    ]
    return Facts(
        _in_order([*trade.orders.values(), *invoices]),
        _in_order([*_told(book, [trade.goods]), *made.values(), *elsewhere]),
        _in_order(_told(book, tallies)),
    )


def lineage(books: Books, order: str) -> set[Lot]:
    """The lots of a trade, with all that they were made from and all that was made of them."""
    trade = books.trades[order]
    own = {lot for name in +trade.lots for lot in books.lots(name)}
    found = {above for lot in own for above in books.lineage.ancestors(lot)}
    return found | {below for lot in own for below in books.lineage.descendants(lot)}


def nodes(books: Books, lots: Iterable[Lot]) -> list[Node]:
    """What is known of lots; the value is what was invoiced, handed on with the goods."""
    values, costs = books.lineage, _costs(books)
    found = []
    for lot in sorted(lots):
        worth = values.carried(lot, costs)
        came = values.came.get(lot, Fraction(0))
        found.append(Node(
            lot[0], lot[1], written(came), written(values.left(lot)), written(books.kept(lot)),
            written(worth) if worth else "",
        ))  # fmt: skip
    return found


def edges(books: Books, lots: Iterable[Lot]) -> Iterator[dict[str, Any]]:
    """The processes between lots: each with its reference, time, inputs, outputs and loss."""
    made: dict[str, Made] = {one.id: one for lot in lots for one in books.lineage.processes(lot)}
    for one in sorted(made.values(), key=lambda fact: (fact.at, fact.id)):
        yield {
            "reference": one.reference, "at": one.at, "unit": one.unit,
            "inputs": [[part.lot, written(part.quantity)] for part in one.inputs],
            "outputs": [[part.lot, written(part.quantity)] for part in one.outputs],
            "loss": None if one.loss is None else written(one.loss),
        }  # fmt: skip


def breaks(book: Reconciler) -> dict[str, list[Break]]:
    """The open breaks by the trades that they concern: their own, their invoices', their lots'."""
    books, found = book.books, defaultdict[str, list[Break]](list)
    by_lot = defaultdict[str, set[str]](set)
    for number, trade in books.trades.items():
        for name in +trade.lots:
            by_lot[name].add(number)
    for broken in book.breaks:
        for number in sorted(_orders(broken, books, by_lot=by_lot)):
            found[number].append(broken)
    return found


def _orders(broken: Break, books: Books, *, by_lot: Mapping[str, set[str]]) -> set[str]:
    kind, name, unit = broken.about
    lots: list[Lot] = []
    match kind:
        case "trade" | "order":
            return {name}
        case "invoice":
            return {one.order for one in books.invoices.get(name, {}).values()}
        case "alike":
            return {one.order for one in books.alike.get(Digest(name), {}).values()}
        case "lot":
            lots = [(name, unit)]
        case "pledge":
            lots = books.lots(name)
        case "made":
            made = books.made.get(Digest(name))
            lots = [(part.lot, made.unit) for part in made.inputs] if made is not None else []
    around = {one for lot in lots for one in books.lineage.ancestors(lot)}
    around |= {one for lot in lots for one in books.lineage.descendants(lot)}
    return {number for lot, _ in around for number in by_lot.get(lot, ())}


def paid(books: Books, trade: Trade) -> dict[str, Decimal]:
    """What was paid on the invoices of a trade, by currency."""
    found: dict[str, Decimal] = {}
    for key in trade.invoices:
        tally = books.payments.get(key)
        for unit in tally.units if tally is not None else ():
            assert tally is not None
            found[unit] = found.get(unit, Decimal(0)) + tally.total(unit)
    return found


def lent(books: Books, order: str) -> dict[str, Decimal]:
    """What is lent on a trade's order, invoices and lots, by currency."""
    trade = books.trades[order]
    names = {name for name, _ in lineage(books, order)}
    subjects = [("order", order), *(("invoice", key) for key in trade.invoices),
                *(("lot", name) for name in names)]  # fmt: skip
    found: dict[str, Decimal] = {}
    for subject in subjects:
        tally = books.loans.get(subject)
        for unit in tally.units if tally is not None else ():
            assert tally is not None
            found[unit] = found.get(unit, Decimal(0)) + tally.total(unit)
    return found


def _costs(books: Books) -> dict[str, Fraction]:
    """What came in by lot, at the price of its order's invoices; without one it cost nothing."""
    found: dict[str, Fraction] = {}
    for trade in books.trades.values():
        money, units = sorted(trade.money.units), sorted(trade.billed.units)
        if len(money) != 1 or len(units) != 1 or not trade.billed.total(units[0]):
            continue
        price = Fraction(trade.money.total(money[0])) / Fraction(trade.billed.total(units[0]))
        for name, came in trade.came.items():
            found[name] = found.get(name, Fraction(0)) + price * came.get(units[0], Fraction(0))
    return found


def _told(book: Reconciler, tallies: Iterable[Tally]) -> list[AnyFact]:
    found = (book.fact(name) for tally in tallies for name in tally.names)
    return [one for one in found if one is not None]


def _in_order(found: Iterable[AnyFact]) -> list[AnyFact]:
    return sorted({one.id: one for one in found}.values(), key=lambda fact: (fact.at, fact.id))
