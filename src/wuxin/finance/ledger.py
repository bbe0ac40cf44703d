"""A double-entry ledger: what is owned and owed, and why each amount stands where it does.

An entry moves one currency between accounts; its debits equal its credits, or it is refused. Every
entry says what it came from. Balances are sums of whole minor units in Decimal, so nothing is ever
lost to rounding here.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple

import msgspec

from wuxin.terms.errors import BadInput
from wuxin.terms.money import Money
from wuxin.terms.records import Cause

Side = Literal["asset", "liability", "income", "expense"]

CHART: Final[Mapping[str, Side]] = {
    "cash": "asset",
    "loan_principal": "asset",
    "interest_receivable": "asset",
    "penalty_receivable": "asset",
    "cash_margin": "liability",
    "surplus_payable": "liability",
    "interest_income": "income",
    "penalty_income": "income",
    "recovery_income": "income",
    "write_off": "expense",
}
"""The accounts that there are; each facility has its own of every one."""

_ZERO: Final = Decimal(0)


class Posting(msgspec.Struct, frozen=True):
    """An amount on one account of a facility: a debit above zero, a credit below."""

    account: str
    amount: Decimal


class JournalEntry(msgspec.Struct, frozen=True):
    """What was booked for a facility at an event time (ns), and what that came from."""

    kind: str
    facility: str
    at: int
    currency: str
    postings: tuple[Posting, ...]
    because: tuple[Cause, ...]


class Balance(NamedTuple):
    """A line of the trial balance: the balance of an account, on one of its two sides."""

    facility: str
    account: str
    currency: str
    debit: Decimal
    credit: Decimal


class Ledger:
    """The balances of all facilities; entries are handed back to be kept as records."""

    def __init__(self) -> None:
        self._balances: dict[tuple[str, str, str], Decimal] = {}

    def post(self, entry: JournalEntry) -> JournalEntry:
        """Book an entry.

        Raises:
            BadInput: it does not balance, has no cause, an account that is not in the chart, or an
                amount that is zero or finer than the currency's minor unit; nothing is booked.
        """
        if not entry.because:
            raise BadInput(f"entry {entry.kind!r} of {entry.facility!r} does not say why")
        for posting in entry.postings:
            if posting.account not in CHART:
                raise BadInput(f"there is no account {posting.account!r} in the chart")
            amount = posting.amount
            if amount == 0 or Money(amount, entry.currency).rounded().amount != amount:
                raise BadInput(f"{amount} is no amount of whole minor units of {entry.currency}")
        total = sum((posting.amount for posting in entry.postings), _ZERO)
        if total or not entry.postings:
            raise BadInput(f"entry {entry.kind!r} of {entry.facility!r} is out of balance: {total}")
        for posting in entry.postings:
            key = (entry.facility, posting.account, entry.currency)
            self._balances[key] = self._balances.get(key, _ZERO) + posting.amount
        return entry

    def balance(self, facility: str, account: str, *, currency: str) -> Decimal:
        """What stands on an account: debits less credits."""
        return self._balances.get((facility, account, currency), _ZERO)

    def trial_balance(self) -> list[Balance]:
        """All accounts on which something stands, in order; debits and credits sum up alike."""
        return [
            Balance(*key, debit=max(amount, _ZERO), credit=max(-amount, _ZERO))
            for key, amount in sorted(self._balances.items())
            if amount
        ]

    def freeze(self) -> list[list[Any]]:
        """All balances as plain values; money as text."""
        return [[*key, str(amount)] for key, amount in self._balances.items()]

    def thaw(self, kept: Iterable[Iterable[str]]) -> None:
        """Take over what :meth:`freeze` gave."""
        for facility, account, currency, amount in kept:
            self._balances[facility, account, currency] = Decimal(amount)


def postings(**amounts: Decimal) -> tuple[Posting, ...]:
    """Postings by account, without those that are zero."""
    return tuple(Posting(account, amount) for account, amount in amounts.items() if amount)
