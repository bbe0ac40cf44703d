"""Trades as they are read: the four flows side by side, what is open, the descent of the goods."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from fastapi import APIRouter

from wuxin.finance import trade_facts as told
from wuxin.finance import trade_view as view
from wuxin.finance.trade_breaks import Break, Tally, written
from wuxin.finance.trade_says import SIDES, reasons, side_words
from wuxin.finance.trade_state import Trade
from wuxin.finance.trades import Trades
from wuxin.flow import Flow
from wuxin.home import Home
from wuxin.packs import schema
from wuxin.portal import queries, views
from wuxin.portal.access import Session
from wuxin.portal.visit import Here, Part, Text
from wuxin.terms.clock import iso
from wuxin.terms.errors import BadInput, NotFound
from wuxin.terms.names import thing_key
from wuxin.terms.records import LEVELS, Words

router: Final = APIRouter(prefix="/api", tags=["trade"])

_KINDS: Final[Mapping[str, Words]] = {
    "Order": Words("订单", "order"),
    "Invoice": Words("发票", "invoice"),
    "in": Words("入库", "came in"),
    "out": Words("出库", "went out"),
    "Made": Words("加工", "processed"),
    "Payment": Words("付款", "paid"),
    "Financing": Words("融资", "financed"),
}
_WEIGHED: Final = ("net_weight", "tag_count")


@router.get("/trades")
def trades(here: Here, part: Part) -> list[dict[str, Any]]:
    """Trades, those with the worst open break first."""
    return part.of(listed(here.home, here.who))


@router.get("/trades/lacking")
def lacking(here: Here, part: Part) -> list[dict[str, Any]]:
    """What was told and could not be used for a trade: lines of statements, events about goods."""
    return part.of(unused(here.home, here.who))


@router.get("/trades/{order:path}")
def trade(here: Here, order: Text) -> dict[str, Any]:
    """One trade: its four flows, open breaks, what is missing, and the descent of its goods."""
    return one(here.home, here.who, order=order)


def listed(home: Home, session: Session) -> list[dict[str, Any]]:
    """All trades that the session may see, those with the worst open break first."""
    with home.standing() as flow:
        counter = flow.bank.trades
        broken = view.breaks(counter.book)
        found = [
            _row(counter, number, broken=broken[number])
            for number in view.numbers(counter.book)
            if _sees(session, counter.book.books.trades[number])
        ]  # fmt: skip
    rank: dict[str, int] = {level: n for n, level in enumerate(LEVELS)}
    return sorted(found, key=lambda row: (rank.get(row["level"] or "", 9), row["order"]))


def one(home: Home, session: Session, *, order: str) -> dict[str, Any]:
    """One trade.

    Raises:
        NotFound: there is none that the session may see.
    """
    with home.standing() as flow:
        counter = flow.bank.trades
        books = counter.book.books
        held = books.trades.get(order)
        if held is None or not view.known(held) or not _sees(session, held):
            raise NotFound(f"there is no trade {order!r}")
        lots, broken = view.lineage(books, order), view.breaks(counter.book)[order]
        facts = view.facts(counter.book, order)
        found = {
            **_row(counter, order, broken=broken),
            "flows": {name: [_fact(fact) for fact in getattr(facts, name)] for name in view.FLOWS},
            "breaks": [_break(counter, one) for one in broken],
            "missing": [queries.words(words) for words in counter.book.missing(order)],
            "lots": [node._asdict() for node in view.nodes(books, lots)],
            "processes": [{**edge, "at": iso(edge["at"])} for edge in view.edges(books, lots)],
        }
        names = sorted({name for name, _ in lots})
        found["flows"]["information"] = _information(home, flow, session=session, lots=names)
    subjects = {order, *(f"{name} [{unit}]" for name, unit in lots), *held.invoices}
    found["ended"] = _ended(home, session, subjects=subjects)
    return found


def unused(home: Home, session: Session) -> list[dict[str, Any]]:
    """What was told and could not be used; a borrower sees none of it."""
    if not session.sees_all:
        return []
    with home.standing() as flow:
        counter = flow.bank.trades
        lines: list[dict[str, Any]] = [
            {"what": "line", "at": booked.at, "reference": booked.line.reference,
             "text": booked.line.text, "amount": str(booked.amount), "currency": booked.currency,
             "way": booked.line.way, "account": booked.account, "why": [queries.words(booked.why)]}
            for booked in counter.statements.unallocated.values()
        ]  # fmt: skip
        events: list[dict[str, Any]] = [
            {"what": "event", "at": lacks.at, "reference": lacks.reference, "text": "",
             "amount": "", "currency": "", "way": "", "account": "",
             "why": [queries.words(words) for words in lacks.missing]}
            for lacks in counter.goods.lacking.values()
        ]  # fmt: skip
    found = sorted([*lines, *events], key=lambda row: (-row["at"], row["reference"]))
    return [{**row, "at": iso(row["at"])} for row in found]


def _sees(session: Session, held: Trade) -> bool:
    """A borrower sees the trades of its own party."""
    if session.sees_all:
        return True
    return any(session.party in {order.buyer, order.seller} for order in held.orders.values())


def _row(counter: Trades, number: str, *, broken: Sequence[Break]) -> dict[str, Any]:
    books = counter.book.books
    held = books.trades[number]
    order, rules = held.order, schema.load(schema.COMMON).rules
    levels = [rules[one.kind].level for one in broken]
    worst = next((level for level in LEVELS if level in levels), None)
    return {
        "order": number,
        "buyer": order.buyer if order else "", "seller": order.seller if order else "",
        "good": order.good if order else "",
        "due": iso(order.due) if order and order.due is not None else None,
        "ordered": _ordered(held), "delivered": _sums(held.goods), "weighed": _sums(held.weight),
        "invoiced": _sums(held.billed), "billed": _sums(held.money),
        "paid": _shown(view.paid(books, held)), "lent": _shown(view.lent(books, number)),
        "level": worst, "subjects": sorted({one.subject for one in broken}),
        "open": len(levels), "missing": len(counter.book.missing(number)),
    }  # fmt: skip


def _ordered(held: Trade) -> list[dict[str, str]]:
    order = held.order
    return [] if order is None else [{"unit": order.unit, "amount": written(order.quantity)}]


def _sums(tally: Tally) -> list[dict[str, str]]:
    return _shown({unit: tally.total(unit) for unit in sorted(tally.units)})


def _shown(sums: Mapping[str, Decimal]) -> list[dict[str, str]]:
    return [{"unit": unit, "amount": written(amount)} for unit, amount in sorted(sums.items())]


def _fact(fact: told.AnyFact) -> dict[str, Any]:
    """A fact as a point of its flow: when, what, under which name, with which figures."""
    kind = fact.way if isinstance(fact, told.Movement) else type(fact).__name__
    name, figures = _FIGURES[type(fact)](fact)
    return {
        "at": iso(fact.at), "kind": kind, **queries.words(_KINDS[kind]), "name": name,
        "figures": figures, "fact": fact.id,
        "because": [{"kind": c.kind, "id": c.id} for c in fact.because],
    }  # fmt: skip


def _order(fact: told.Order) -> tuple[str, list[str]]:
    money = [f"{written(fact.amount)} {fact.currency}"] if fact.amount is not None else []
    return fact.number, [f"{written(fact.quantity)} {fact.unit}", *money]


def _invoice(fact: told.Invoice) -> tuple[str, list[str]]:
    quantity = sum((line.quantity for line in fact.lines), Decimal(0))
    money = f"{written(fact.total)} {fact.currency}"
    return fact.key, [f"{written(quantity)} {fact.unit}", money]


def _movement(fact: told.Movement) -> tuple[str, list[str]]:
    scale = [f"⚖ {written(fact.weighed)} {fact.unit}"] if fact.weighed is not None else []
    return fact.lot, [f"{written(fact.quantity)} {fact.unit}", *scale]


def _made(fact: told.Made) -> tuple[str, list[str]]:
    ends = (" + ".join(f"{part.lot} {written(part.quantity)}" for part in parts)
            for parts in (fact.inputs, fact.outputs))  # fmt: skip
    return fact.reference, [f"{' → '.join(ends)} {fact.unit}"]


def _payment(fact: told.Payment) -> tuple[str, list[str]]:
    return fact.invoice, [f"{written(fact.amount)} {fact.currency}"]


def _financing(fact: told.Financing) -> tuple[str, list[str]]:
    pledged = [written(fact.quantity)] if fact.quantity is not None else []
    return f"{fact.facility} · {fact.subject}", [
        f"{written(fact.amount)} {fact.currency}", *pledged
    ]  # fmt: skip


_FIGURES: Final[Mapping[type, Callable[[Any], tuple[str, list[str]]]]] = {
    told.Order: _order, told.Invoice: _invoice, told.Movement: _movement, told.Made: _made,
    told.Payment: _payment, told.Financing: _financing,
}  # fmt: skip


def _break(counter: Trades, broken: Break) -> dict[str, Any]:
    found = counter.says.open.get((broken.kind, broken.about))
    rule = schema.load(schema.COMMON).rules[broken.kind]
    return {
        "rule": broken.kind, "level": rule.level, "subject": broken.subject,
        "finding": found.id if found else None,
        "raised": iso(found.raised) if found else None, **queries.words(broken.words),
        "sides": [{"side": side.name, "title": queries.words(SIDES[side.name]),
                   "figures": dict(side.figures), "count": side.count,
                   **queries.words(side_words(side))}
                  for side in broken.sides],
        "words": [queries.words(words) for words in reasons(broken)],
        "actions": {"bank": queries.words(rule.bank), "enterprise": queries.words(rule.enterprise)},
    }  # fmt: skip


def _information(
    home: Home, flow: Flow, *, session: Session, lots: Iterable[str]
) -> list[dict[str, Any]]:
    """What devices say of the lots that are things: the latest weight or count, and warnings."""
    found: list[dict[str, Any]] = []
    for name in lots:
        try:
            key = thing_key(name)
        except BadInput:
            continue
        for line in flow.lines.values():
            for indicator in _WEIGHED:
                declared = line.pack.indicators.get(indicator)
                measured = line.twin.latest(key, indicator) if key in line.registry else None
                if measured is not None and declared is not None:
                    shown = views.figure(measured.value, declared)
                    found.append({
                        "at": iso(measured.event_time), "kind": "reading", "name": name,
                        **queries.words(declared.words), "figures": [f"{shown} {declared.show}"],
                        "fact": None, "because": [],
                    })  # fmt: skip
        where = {"kind": key.kind, "thing": key.id}
        rows = queries.findings(home, session, where=where)["rows"]
        found += [
            {"at": row["from"], "kind": row["level"], "name": name, "fact": None,
             "figures": [], "because": [], **row["words"][0]}
            for row in rows if row["words"]
        ]  # fmt: skip
    return sorted(found, key=lambda row: (row["at"], row["name"]))


def _ended(home: Home, session: Session, *, subjects: Iterable[str]) -> list[dict[str, Any]]:
    """Breaks of the trade that are over, newest first."""
    found = [
        row for subject in sorted(subjects)
        for row in home.book.findings(session.tenant, {"kind": "trade", "thing": subject})
        if row["cleared"] is not None
    ]  # fmt: skip
    rules = schema.load(schema.COMMON).rules
    return [
        {"finding": row["id"], "rule": row["rule"], "level": row["level"],
         "subject": row["thing"], "from": iso(row["raised"]), "to": iso(row["cleared"]),
         **queries.words(rules[row["rule"]].words)}
        for row in sorted(found, key=lambda row: -row["cleared"])
    ]  # fmt: skip
