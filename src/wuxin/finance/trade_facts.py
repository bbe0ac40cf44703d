"""What is told about a trade: orders, goods that move and change, invoices, payments, financing.

A fact is true at its event time (ns) and says what it came from. It is never altered: what turns
out wrong, is credited, returned or repaid is taken back by a :class:`Withdrawal` of its identity.
"""

from decimal import Decimal
from typing import Final, Literal

import msgspec

from wuxin.finance.ledger import JournalEntry
from wuxin.terms.names import Digest, content_id
from wuxin.terms.records import Cause, Words, plain

_DIGITS: Final = 18
_PLACES: Final = -9
_UNSOUND: Final = Words("数量或金额不是可用的数", "a quantity or an amount is no usable number")
_EMPTY: Final = Words("缺少编号", "a number or name that the fact hangs on is missing")

Stage = Literal["order", "lot", "invoice"]
"""What is lent against: a purchase to come, goods in stock, a claim on a buyer."""


class Fact(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Something that was true of a trade at an event time (ns), with what it came from."""

    at: int
    because: tuple[Cause, ...] = ()

    @property
    def id(self) -> Digest:
        """Hash of all it says but its causes: the same told twice is one fact."""
        said = plain(self)
        del said["because"]
        return content_id(said)

    @property
    def unsound(self) -> Words | None:
        """Why the fact cannot be used; None where it can."""
        said = [getattr(self, name) for name in self.__struct_fields__]
        parts = [part.quantity for value in said for part in _parts(value)]
        for number in (*said, *parts):
            if isinstance(number, Decimal) and not _usable(number):
                return _UNSOUND
        return _EMPTY if any(getattr(self, name) == "" for name in self.required()) else None

    @staticmethod
    def required() -> tuple[str, ...]:
        """The names of the texts that may not be empty."""
        return ()


class Part(msgspec.Struct, frozen=True):
    """A quantity of one lot."""

    lot: str
    quantity: Decimal


class Line(msgspec.Struct, frozen=True):
    """A line of an invoice: the good, how much of it, for how much money."""

    good: str
    quantity: Decimal
    amount: Decimal


class Order(Fact, frozen=True, kw_only=True):
    """One line of an order; ``due`` is when the goods are to be delivered, if that was agreed."""

    number: str
    buyer: str
    seller: str
    good: str
    quantity: Decimal
    unit: str
    amount: Decimal | None
    currency: str
    due: int | None = None

    @staticmethod
    def required() -> tuple[str, ...]:
        """The order's number, on which all else hangs."""
        return ("number", "unit")


class Movement(Fact, frozen=True, kw_only=True):
    """Goods handed over for an order: into our stock as a lot, or out of it.

    ``quantity`` is what the papers say, ``weighed`` what a scale said; None where nothing did.

    Source: GS1 EPCIS 2.0, ObjectEvent (receiving, shipping).
    """

    reference: str
    order: str
    lot: str
    way: Literal["in", "out"]
    quantity: Decimal
    unit: str
    weighed: Decimal | None = None

    @staticmethod
    def required() -> tuple[str, ...]:
        """The movement's own reference, its order and lot."""
        return ("reference", "order", "lot", "unit")


class Made(Fact, frozen=True, kw_only=True):
    """Lots that became other lots: melted, rolled, mixed; or only packed and unpacked.

    ``loss`` is what was reported lost, None where nothing was reported.

    Source: GS1 EPCIS 2.0, TransformationEvent, AggregationEvent.
    """

    reference: str
    inputs: tuple[Part, ...]
    outputs: tuple[Part, ...]
    unit: str
    loss: Decimal | None = None

    @staticmethod
    def required() -> tuple[str, ...]:
        """The reference of the process and the unit."""
        return ("reference", "unit")


class Invoice(Fact, frozen=True, kw_only=True):
    """An invoice for one order, in one unit and currency."""

    number: str
    seller: str
    buyer: str
    order: str
    lines: tuple[Line, ...]
    unit: str
    total: Decimal
    currency: str

    @staticmethod
    def required() -> tuple[str, ...]:
        """Number, seller and order."""
        return ("number", "seller", "order", "unit")

    @property
    def key(self) -> str:
        """Seller and number: what an invoice is called in payments and financings."""
        return f"{self.seller}/{self.number}"


class Payment(Fact, frozen=True, kw_only=True):
    """Money that a bank booked; ``invoice`` is ``seller/number``, empty where none was named."""

    reference: str
    invoice: str
    amount: Decimal
    currency: str

    @staticmethod
    def required() -> tuple[str, ...]:
        """The bank's reference, without which two payments could not be told apart."""
        return ("reference",)


class Financing(Fact, frozen=True, kw_only=True):
    """Money lent against an order, a lot or an invoice; of a lot the quantity pledged too."""

    facility: str
    stage: Stage
    subject: str
    amount: Decimal
    currency: str
    quantity: Decimal | None = None

    @staticmethod
    def required() -> tuple[str, ...]:
        """The facility and what it is lent against."""
        return ("facility", "subject")


class Withdrawal(Fact, frozen=True, kw_only=True):
    """A fact that no longer holds: an invoice credited, a payment returned, a loan repaid."""

    of: Digest
    reason: str


class Passed(Fact, frozen=True, kw_only=True):
    """Event time has come to ``at``; nothing else is said."""


AnyFact = Order | Movement | Made | Invoice | Payment | Financing | Withdrawal | Passed
"""All kinds of facts, as they are read back from plain values."""


def lent(entry: JournalEntry, *, stage: Stage, subject: str) -> Financing | None:
    """The financing that a ledger entry books: its debit on loan principal; None if it has none."""
    debits = [p.amount for p in entry.postings if p.account == "loan_principal" and p.amount > 0]
    if not debits:
        return None
    return Financing(
        at=entry.at,
        because=entry.because,
        facility=entry.facility,
        stage=stage,
        subject=subject,
        amount=sum(debits, Decimal(0)),
        currency=entry.currency,
    )


def _usable(number: Decimal) -> bool:
    if not number.is_finite() or number < 0 or number.adjusted() >= _DIGITS:
        return False
    exponent = number.normalize().as_tuple().exponent
    return isinstance(exponent, int) and exponent >= _PLACES


def _parts(value: object) -> list[Part | Line]:
    return (
        [part for part in value if isinstance(part, Part | Line)]
        if isinstance(value, tuple)
        else []
    )
