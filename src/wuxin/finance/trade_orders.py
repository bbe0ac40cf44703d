"""What may be told about a trade, as the bodies of commands, and the facts that they make.

Money and quantities are text, never a float. Masses are kept in kilograms and volumes in cubic
metres, so that tonnes on an invoice and kilograms of a scale can be held against each other.
"""

from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Annotated, Any, Final, Literal

import msgspec

from wuxin.finance import trade_facts as facts
from wuxin.finance.trade_breaks import AHEAD
from wuxin.terms.clock import iso, moment
from wuxin.terms.counter import Now, told
from wuxin.terms.errors import BadInput
from wuxin.terms.names import Digest
from wuxin.terms.records import Command
from wuxin.terms.units import conversion

_INSIDE: Final = ("kg", "m**3")
_DIGITS: Final = 18
_PIECES: Final = ("1", "piece", "pcs", "件")

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
Money = str | int
Currency = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]
Unit = Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
Parts = Annotated[list["LotPart"], msgspec.Meta(min_length=1, max_length=1000)]


class TellOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order of goods: one line of it, with its price where that is agreed, and when it is due.

    ``at`` and ``due`` are ISO 8601; without ``at`` it is as of now.
    """

    number: Name
    buyer: Name
    seller: Name
    good: Name
    quantity: Money
    unit: Unit
    currency: Currency
    amount: Money | None = None
    due: str = ""
    at: str = ""


class InvoiceLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of an invoice: the good, how much of it in the invoice's unit, for how much money."""

    good: Name
    quantity: Money
    amount: Money


class TellInvoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An invoice for one order, in one unit and currency; elsewhere it is called seller/number."""

    number: Name
    seller: Name
    buyer: Name
    order: Name
    lines: Annotated[list[InvoiceLine], msgspec.Meta(min_length=1, max_length=1000)]
    unit: Unit
    total: Money
    currency: Currency
    at: str = ""


class TellPayment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Money that was paid on an invoice (seller/number), under the bank's own reference."""

    reference: Name
    invoice: Annotated[str, msgspec.Meta(max_length=600)]
    amount: Money
    currency: Currency
    at: str = ""


class TellMovement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Goods of a lot that came in or went out for an order: by the papers, and by the scale."""

    reference: Name
    order: Name
    lot: Name
    way: Literal["in", "out"]
    quantity: Money
    unit: Unit
    weighed: Money | None = None
    at: str = ""


class LotPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A quantity of a lot, in the unit of the process."""

    lot: Name
    quantity: Money


class TellProcess(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lots that became other lots, ``loss`` being what was lost. Pledges go with the goods."""

    reference: Name
    inputs: Parts
    outputs: Parts
    unit: Unit
    loss: Money | None = None
    at: str = ""


class TellFinancing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Money that somebody lent against an order, a lot or an invoice; of a lot the quantity too."""

    facility: Name
    stage: Literal["order", "lot", "invoice"]
    subject: Name
    amount: Money
    currency: Currency
    quantity: Money | None = None
    unit: Annotated[str, msgspec.Meta(max_length=20)] = ""
    at: str = ""


class WithdrawFact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fact that no longer holds, by its identity (see the act ``trade_fact``), and why."""

    fact: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    reason: Name
    at: str = ""


Body = (
    TellOrder | TellInvoice | TellPayment | TellMovement | TellProcess | TellFinancing
    | WithdrawFact
)  # fmt: skip


def fact_of(command: Command, said: Body, *, now: Now) -> facts.AnyFact:
    """The fact that a command tells.

    Raises:
        BadInput: a number cannot be meant, or it is dated more than a day ahead.
    """
    base = {"at": when(said.at, command.at, now=now), "because": told(command)}
    fact = _fact(said, base)
    if fact.unsound is not None:
        raise BadInput(f"{command.do}: {fact.unsound.en}")
    return fact


def when(text: str, otherwise: int, *, now: Now) -> int:
    """The event time (ns) that is said, or another where none is.

    Raises:
        BadInput: it is no time, or lies more than a day after the present.
    """
    at = moment(text) if text else otherwise
    if at > now.known + AHEAD:
        raise BadInput(f"{iso(at)} is more than a day ahead: what has not happened is no fact")
    return at


def _fact(said: Body, base: dict[str, Any]) -> facts.AnyFact:  # noqa: PLR0911 - one a kind
    match said:
        case TellOrder():
            scale = Scale(said.unit)
            due = moment(said.due) if said.due else None
            return facts.Order(
                **base, number=said.number, buyer=said.buyer, seller=said.seller, good=said.good,
                quantity=scale(said.quantity), unit=scale.unit, currency=said.currency, due=due,
                amount=None if said.amount is None else number(said.amount),
            )  # fmt: skip
        case TellInvoice():
            return _invoice(said, base)
        case TellPayment():
            return facts.Payment(
                **base, reference=said.reference, invoice=said.invoice,
                amount=number(said.amount), currency=said.currency,
            )  # fmt: skip
        case TellMovement():
            scale = Scale(said.unit)
            return facts.Movement(
                **base, reference=said.reference, order=said.order, lot=said.lot, way=said.way,
                quantity=scale(said.quantity), unit=scale.unit,
                weighed=None if said.weighed is None else scale(said.weighed),
            )  # fmt: skip
        case TellProcess():
            scale = Scale(said.unit)
            return facts.Made(
                **base, reference=said.reference, unit=scale.unit,
                inputs=tuple(facts.Part(p.lot, scale(p.quantity)) for p in said.inputs),
                outputs=tuple(facts.Part(p.lot, scale(p.quantity)) for p in said.outputs),
                loss=None if said.loss is None else scale(said.loss),
            )  # fmt: skip
        case TellFinancing():
            if said.quantity is not None and not said.unit:
                raise BadInput("a quantity that is pledged needs its unit")
            scale = Scale(said.unit or "1")
            return facts.Financing(
                **base, facility=said.facility, stage=said.stage, subject=said.subject,
                amount=number(said.amount), currency=said.currency,
                quantity=None if said.quantity is None else scale(said.quantity),
            )  # fmt: skip
        case _:
            return facts.Withdrawal(**base, of=Digest(said.fact), reason=said.reason)


def _invoice(said: TellInvoice, base: dict[str, Any]) -> facts.Invoice:
    scale = Scale(said.unit)
    lines = tuple(
        facts.Line(one.good, scale(one.quantity), number(one.amount)) for one in said.lines
    )
    return facts.Invoice(
        **base, number=said.number, seller=said.seller, buyer=said.buyer, order=said.order,
        lines=lines, unit=scale.unit, total=number(said.total), currency=said.currency,
    )  # fmt: skip


class Scale:
    """Brings quantities of a unit into the one that is kept: masses to kilograms.

    ``unit`` is that unit: kg, m**3, 1 for pieces, or the text itself where it is none of those.
    """

    def __init__(self, unit: str) -> None:
        self.unit, self._factor = _kept(unit)

    def __call__(self, text: Money | Decimal) -> Decimal:
        """A quantity in the unit that is kept."""
        return number(text) * self._factor


@cache
def _kept(unit: str) -> tuple[str, Decimal]:
    if unit in _PIECES:
        return "1", Decimal(1)
    for inside in _INSIDE:
        try:
            factor, offset = conversion(unit, inside)
        except BadInput:
            continue
        if not offset:
            return inside, Decimal(repr(factor))
    return unit, Decimal(1)


def number(text: Money | Decimal) -> Decimal:
    """A number that is written as text.

    Raises:
        BadInput: it is none.
    """
    try:
        found = Decimal(text)
    except InvalidOperation:
        raise BadInput(f"{str(text)[:50]!r} is no number") from None
    if not found.is_finite() or found.adjusted() >= _DIGITS:
        raise BadInput(f"{str(text)[:50]!r} is no number of less than {_DIGITS} digits")
    return found
