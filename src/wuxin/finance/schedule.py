"""The schedule of a loan: when how much of the principal is due.

Interest is not in the schedule: it accrues on what is outstanding, by the day count, and is due at
the same dates. An annuity's principal is what is left of level payments if all come in time.
"""

import calendar
from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from itertools import pairwise
from typing import Annotated, Final, Literal, NamedTuple

import msgspec

from wuxin.finance.daycount import year_fraction
from wuxin.terms.errors import BadInput
from wuxin.terms.money import minor

_DIGITS: Final = 40

Method = Literal["annuity", "linear", "bullet"]


class Repayment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a loan is repaid: so many instalments, every so many months, from the first one on.

    ``rate`` is a year's interest, such as 0.06; ``penalty_rate`` a year's on what is overdue,
    beside it; ``grace_days`` how many days late an instalment is not counted as arrears.
    """

    method: Method
    first: date
    instalments: Annotated[int, msgspec.Meta(ge=1, le=600)]
    months: Annotated[int, msgspec.Meta(ge=1, le=12)] = 1
    rate: Decimal = Decimal(0)
    penalty_rate: Decimal = Decimal(0)
    day_count: str = "ACT/365F"
    grace_days: Annotated[int, msgspec.Meta(ge=0, le=90)] = 0


class Instalment(NamedTuple):
    """Principal that is due on a day."""

    due: date
    principal: Decimal


def due_dates(said: Repayment) -> list[date]:
    """The dates of the instalments; one that falls on a day that a month has not is at its end."""
    found = []
    for k in range(said.instalments):
        month = said.first.month - 1 + k * said.months
        year, month = said.first.year + month // 12, month % 12 + 1
        day = min(said.first.day, calendar.monthrange(year, month)[1])
        found.append(date(year, month, day))
    return found


def schedule(
    principal: Decimal, said: Repayment, *, currency: str, start: date
) -> list[Instalment]:
    """The instalments of a principal disbursed at ``start``; they sum up to it.

    Raises:
        BadInput: the first is due before the start, or the principal is none.
    """
    if principal <= 0 or said.first <= start:
        raise BadInput("a schedule needs a principal above zero, due after it is paid out")
    dates = due_dates(said)
    if said.method == "bullet":
        parts = [Decimal(0)] * (len(dates) - 1)
    elif said.method == "linear":
        parts = [minor(principal / len(dates), currency)] * (len(dates) - 1)
    else:
        parts = _annuity(principal, said, dates=[start, *dates], currency=currency)
    return [
        Instalment(due, part)
        for due, part in zip(dates, [*parts, principal - sum(parts)], strict=True)
    ]


def _annuity(
    principal: Decimal, said: Repayment, *, dates: Sequence[date], currency: str
) -> list[Decimal]:
    """Principal parts, but the last, of level payments over periods that are not equally long."""
    with localcontext(prec=_DIGITS, rounding=ROUND_HALF_EVEN):
        growth: list[Decimal] = []
        for begin, end in pairwise(dates):
            year = year_fraction(begin, end, day_count=said.day_count)
            growth.append(1 + said.rate * Decimal(year.numerator) / Decimal(year.denominator))
        present, factor = Decimal(0), Decimal(1)
        for each in growth:
            factor /= each
            present += factor
        payment, left, parts = principal / present, principal, []
        for each in growth[:-1]:
            part = min(max(minor(payment - left * (each - 1), currency), Decimal(0)), left)
            parts.append(part)
            left -= part
        return parts
