"""The life of a margin call: issued, paid, met; or overdue, until met or the pool is sold.

A call is met when what was called is paid (cash margin or repayment, oldest call first), or when
the target is restored by whatever means: payment, added collateral or a recovery of the price. A
loan to value between target and maximum ends the breach, but not the call.
"""

from decimal import ROUND_CEILING, Decimal
from typing import Literal

import msgspec

from wuxin.finance.facility import Terms
from wuxin.terms.clock import iso
from wuxin.terms.names import Digest

CallState = Literal["issued", "disputed", "overdue"]
"""How far an open call has come; a call that is met is open no longer."""


class Call(msgspec.Struct, frozen=True):
    """An open margin call: its number within the facility, amounts, times (ns) and act.

    Of a call in dispute the part ``disputed`` need not be paid until ``resolve_by`` (ns), the rest
    by the deadline as ever. Source: ISDA 1994 Credit Support Annex, paragraphs 4(d) and 5.
    """

    number: int
    issued: int
    amount: Decimal
    deadline: int
    paid: Decimal
    state: CallState = "issued"
    act: Digest = Digest("")
    disputed: Decimal = Decimal(0)
    resolve_by: int = 0

    @property
    def due(self) -> Decimal:
        """What is still to be paid on it."""
        return self.amount - self.paid

    def is_late(self, at: int) -> bool:
        """Whether its deadline has passed; paying at the deadline itself is in time."""
        if self.state == "disputed" and at <= self.resolve_by:
            return at > self.deadline and self.due > self.disputed
        return self.state != "overdue" and at > self.deadline

    def words(self) -> dict[str, str]:
        """The call as it stands in an act."""
        return {
            "call": str(self.number),
            "call_amount": str(self.amount),
            "call_paid": str(self.paid),
            "call_issued": iso(self.issued),
            "call_deadline": iso(self.deadline),
            **({"call_disputed": str(self.disputed)} if self.disputed else {}),
        }


def to_call(terms: Terms, needed: Decimal, *, open_calls: tuple[Call, ...]) -> Decimal:
    """The amount of the next call: what is needed beyond open calls, rounded up; zero if too small.

    Source: ISDA 1994 Credit Support Annex paragraphs 3 (delivery amount) and 13(b)(iv) (minimum
    transfer amount, rounding up); FINOS CDM MarginCallIssuance.
    """
    more = needed - sum((call.due for call in open_calls), Decimal(0))
    if more <= 0 or more < terms.minimum_transfer:
        return Decimal(0)
    steps = (more / terms.rounding).to_integral_value(ROUND_CEILING)
    return steps * terms.rounding


def allocate(open_calls: tuple[Call, ...], payment: Decimal) -> tuple[Call, ...]:
    """The same calls after a payment: the oldest is served first."""
    served = []
    for call in open_calls:
        part = min(payment, call.due)
        payment -= part
        served.append(msgspec.structs.replace(call, paid=call.paid + part))
    return tuple(served)
