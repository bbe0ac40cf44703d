"""Financing as the ledger tells it: what a facility lends on an order, a lot or an invoice.

A facility whose terms have ``trade = {stage = "lot", subject = "L-1", quantity = "100", unit =
"t"}`` is lent on that. Each entry on its principal changes what is lent: the fact before is
withdrawn and another told, until nothing is owed any more.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from wuxin.finance.facility import Terms
from wuxin.finance.trade_facts import AnyFact, Financing, Stage, Withdrawal
from wuxin.finance.trade_orders import Money, Scale
from wuxin.terms.counter import Now
from wuxin.terms.errors import BadInput
from wuxin.terms.names import Digest
from wuxin.terms.records import Act, Cause

TERM: Final = "trade"
_ACCOUNT: Final = "loan_principal"
_ZERO: Final = Decimal(0)


class TradeTerm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a facility is lent on: a stage, its subject and, of a lot, the quantity pledged."""

    stage: Stage
    subject: str
    quantity: Money | None = None
    unit: str = ""


def read_term(terms: Terms) -> TradeTerm | None:
    """What a facility's terms say of a trade; None where they say nothing.

    Raises:
        BadInput: it cannot be meant.
    """
    table = terms.own.get(TERM)
    if table is None:
        return None
    try:
        term = msgspec.convert(table, TradeTerm)
    except msgspec.ValidationError as wrong:
        raise BadInput(f"facility {terms.id!r}: terms.trade cannot be meant: {wrong}") from None
    if not term.subject or (term.quantity is not None and not term.unit):
        raise BadInput(f"facility {terms.id!r}: terms.trade needs a subject, a quantity its unit")
    _quantity(term)
    return term


def check(terms: Terms, now: Now) -> None:
    """Refuse terms that cannot be meant before a facility is opened."""
    del now
    read_term(terms)


class Lending(msgspec.Struct):
    """What is lent by a facility: principal owed, and the fact that says so."""

    owed: Decimal = _ZERO
    fact: Digest | None = None


class Lent:
    """The facilities that lend on trades."""

    def __init__(self) -> None:
        self._lent: dict[str, Lending] = {}

    def facts(self, entry: Act, terms: Terms) -> list[AnyFact]:
        """What follows for a trade from an entry of the ledger."""
        term, moved = read_term(terms), Decimal(entry.figures.get(_ACCOUNT, "0"))
        if term is None or not moved:
            return []
        held = self._lent.setdefault(entry.facility, Lending())
        held.owed += moved
        because = (Cause("act", entry.id),)
        told: list[AnyFact] = []
        if held.fact is not None:
            reason = entry.figures.get("booking", entry.kind)
            told.append(Withdrawal(at=entry.at, because=because, of=held.fact, reason=reason))
            held.fact = None
        if held.owed > 0:
            fact = Financing(
                at=entry.at, because=because, facility=entry.facility, stage=term.stage,
                subject=term.subject, amount=held.owed, currency=terms.currency,
                quantity=_quantity(term),
            )  # fmt: skip
            held.fact = fact.id
            told.append(fact)
        return told

    def freeze(self) -> Any:
        """What is lent, as plain values."""
        return msgspec.to_builtins(self._lent)

    def thaw(self, kept: Mapping[str, Any]) -> None:
        """Take over what :meth:`freeze` gave."""
        self._lent = msgspec.convert(kept, dict[str, Lending])


def _quantity(term: TradeTerm) -> Decimal | None:
    return None if term.quantity is None else Scale(term.unit)(term.quantity)
