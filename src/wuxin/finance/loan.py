"""One loan on the ledger: paid out, accruing, repaid, in arrears, written off, recovered.

Every move is one balanced entry. Interest is counted exactly from the last change of principal and
booked in whole minor units, so it makes no difference how often it is booked. A payment serves
penalties first, then interest, then principal that is due, and with what is left future principal.
"""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import msgspec

from wuxin.finance.daycount import year_fraction
from wuxin.finance.ledger import JournalEntry, Ledger, postings
from wuxin.finance.schedule import Instalment, Repayment, schedule
from wuxin.terms.clock import DAY
from wuxin.terms.errors import Conflict
from wuxin.terms.money import minor
from wuxin.terms.records import Cause

_ZERO: Final = Decimal(0)
_EPOCH: Final = date(1970, 1, 1).toordinal()

Because = tuple[Cause, ...]


class Arrears(msgspec.Struct, frozen=True):
    """What is overdue on a day: principal, interest, penalties, and since how many days."""

    principal: Decimal
    interest: Decimal
    penalty: Decimal
    days: int


class Loan:
    """A loan of one facility.

    Args:
        facility: its id.
        principal: what is lent, in whole minor units.
        currency: ISO 4217.
        repayment: how it is repaid.
        ledger: where it is booked.
    """

    def __init__(
        self, facility: str, principal: Decimal, *, currency: str, repayment: Repayment,
        ledger: Ledger,
    ) -> None:  # fmt: skip
        self.facility, self.principal, self.currency = facility, principal, currency
        self.repayment, self._ledger = repayment, ledger
        self.schedule: list[Instalment] = []
        self.written_off = False
        self._from: date | None = None  # since when neither principal nor what is overdue changed
        self._to: date | None = None
        self._carried = {"interest": Fraction(0), "penalty": Fraction(0)}
        self._booked = {"interest": _ZERO, "penalty": _ZERO}
        self._paid = {"interest": _ZERO, "principal": _ZERO}
        self._interest_dues: list[Decimal] = []  # up to each instalment that has fallen due

    @property
    def outstanding(self) -> Decimal:
        """Principal that is not repaid."""
        return self._balance("loan_principal")

    @property
    def owed(self) -> Decimal:
        """Principal, interest and penalties, as booked."""
        return self.outstanding + self._balance("interest_receivable") + self.penalty

    @property
    def booked_to(self) -> date | None:
        """The day up to which interest is booked; None before it is paid out."""
        return self._to

    @property
    def penalty(self) -> Decimal:
        """Penalties that are not paid."""
        return self._balance("penalty_receivable")

    def disburse(self, on: date, *, because: Because) -> list[JournalEntry]:
        """Pay the principal out.

        Raises:
            Conflict: that was done already.
            BadInput: the schedule cannot be meant.
        """
        if self.schedule:
            raise Conflict(f"the loan of facility {self.facility!r} is paid out already")
        self.schedule = schedule(self.principal, self.repayment, currency=self.currency, start=on)
        self._from = self._to = on
        amount = self.principal
        return self._post("disbursement", on, because=because, loan_principal=amount, cash=-amount)

    def accrue(self, to: date, *, because: Because) -> list[JournalEntry]:
        """Book interest, and penalties on what is overdue, up to a day; none for days before.

        Raises:
            Conflict: nothing was paid out.
        """
        if self._to is None:
            raise Conflict(f"the loan of facility {self.facility!r} is not paid out")
        entries = []
        for end in [*self._turns(self._to, to), to] if not self.written_off else []:
            if end > self._to:
                entries += self._accrue_part(end, because)
        return entries

    def _turns(self, begin: date, end: date) -> list[date]:
        """The days between on which something falls due, or begins to be overdue."""
        grace = self.repayment.grace_days + 1
        dues = [instalment.due for instalment in self.schedule]
        late = [date.fromordinal(due.toordinal() + grace) for due in dues]
        return sorted({turn for turn in (*dues, *late) if begin < turn <= end})

    def _accrue_part(self, end: date, because: Because) -> list[JournalEntry]:
        """A part in which neither what is outstanding nor what is overdue changes."""
        assert self._from is not None
        exact, entries = self._exact(end), []
        for kind, amount in exact.items():
            total = minor(Decimal(amount.numerator) / amount.denominator, self.currency)
            news, self._booked[kind] = total - self._booked[kind], total
            if news:
                booked = {f"{kind}_receivable": news, f"{kind}_income": -news}
                entries += self._post(f"{kind}_accrual", end, because=because, **booked)
        if self._turns(self._from, end)[-1:] == [end]:
            self._turn(end)
        self._to = end
        return entries

    def _exact(self, end: date) -> dict[str, Fraction]:
        """Interest and penalties from the beginning to a day, not rounded."""
        assert self._from is not None
        part = year_fraction(self._from, end, day_count=self.repayment.day_count)
        overdue = self.arrears(self._from)
        late = overdue.principal + overdue.interest
        more = {
            "interest": Fraction(self.repayment.rate) * Fraction(self.outstanding) * part,
            "penalty": Fraction(self.repayment.penalty_rate) * Fraction(late) * part,
        }
        return {kind: self._carried[kind] + more[kind] for kind in more}

    def _turn(self, on: date) -> None:
        """From this day on interest or penalties are counted on something else."""
        self._carried, self._from = self._exact(on), on
        if any(instalment.due == on for instalment in self.schedule):
            self._interest_dues.append(self._booked["interest"])

    def pay(
        self, amount: Decimal, on: date, *, because: Because, set_off: Decimal = _ZERO
    ) -> list[JournalEntry]:
        """Take a payment, after accruing up to its day; ``set_off`` of it is cash margin held.

        Raises:
            Conflict: it is more than is owed, or comes before what is booked already.
        """
        entries = self._up_to(on, because)
        if amount > self.owed:
            raise Conflict(f"{amount} is more than the {self.owed} that is owed")
        self._turn(on)
        penalty = min(amount, self.penalty)
        interest = min(amount - penalty, self._balance("interest_receivable"))
        principal = amount - penalty - interest
        self._paid["interest"] += interest
        self._paid["principal"] += principal
        return entries + self._post(
            "repayment", on, because=because, cash=amount - set_off, cash_margin=set_off,
            penalty_receivable=-penalty, interest_receivable=-interest, loan_principal=-principal,
        )  # fmt: skip

    def write_off(self, on: date, *, because: Because) -> list[JournalEntry]:
        """Take what is owed out of the books; it stays owed, and may be recovered.

        Raises:
            Conflict: nothing is owed, or it comes before what is booked already.
        """
        entries = self._up_to(on, because)
        if not self.owed:
            raise Conflict(f"nothing is owed on facility {self.facility!r}")
        owed, interest = self.owed, self._balance("interest_receivable")
        self.written_off = True
        return entries + self._post(
            "write_off", on, because=because, write_off=owed, loan_principal=-self.outstanding,
            interest_receivable=-interest, penalty_receivable=-self.penalty,
        )  # fmt: skip

    def margin(self, amount: Decimal, on: date, *, because: Because) -> list[JournalEntry]:
        """Take cash margin in, or give it back (an amount below zero)."""
        return self._post("margin", on, because=because, cash=amount, cash_margin=-amount)

    def surplus(
        self, cash: Decimal, margin: Decimal, *, on: date, because: Because
    ) -> list[JournalEntry]:
        """What is left of proceeds (cash) and of cash margin is owed to the obligor."""
        return self._post(
            "surplus", on, because=because, cash=cash, cash_margin=margin,
            surplus_payable=-(cash + margin),
        )  # fmt: skip

    def recover(self, amount: Decimal, on: date, *, because: Because) -> list[JournalEntry]:
        """Take in what comes after a write-off.

        Raises:
            Conflict: nothing was written off.
        """
        if not self.written_off:
            raise Conflict(f"nothing is written off on facility {self.facility!r}")
        return self._post("recovery", on, because=because, cash=amount, recovery_income=-amount)

    def arrears(self, on: date) -> Arrears:
        """What is overdue at the beginning of a day, by what is booked so far."""
        last_good = date.fromordinal(on.toordinal() - self.repayment.grace_days)
        passed = [i for i in self.schedule if i.due < last_good][: len(self._interest_dues)]
        principal, interest, late_since = _ZERO, _ZERO, None
        for instalment, interest_due in zip(passed, self._interest_dues, strict=False):
            principal += instalment.principal
            interest = interest_due
            short = principal > self._paid["principal"] or interest > self._paid["interest"]
            late_since = instalment.due if short and late_since is None else late_since
        if self.written_off or late_since is None:
            return Arrears(_ZERO, _ZERO, self.penalty, 0)
        return Arrears(
            max(principal - self._paid["principal"], _ZERO),
            max(interest - self._paid["interest"], _ZERO),
            self.penalty,
            (on - late_since).days,
        )

    def _up_to(self, on: date, because: Because) -> list[JournalEntry]:
        if self._to is not None and on < self._to:
            raise Conflict(f"facility {self.facility!r} is booked up to {self._to} already")
        if self.written_off:
            raise Conflict(f"the loan of facility {self.facility!r} is written off")
        return self.accrue(on, because=because)

    def _balance(self, account: str) -> Decimal:
        return self._ledger.balance(self.facility, account, currency=self.currency)

    def _post(
        self, kind: str, on: date, *, because: Because, **amounts: Decimal
    ) -> list[JournalEntry]:
        at = (on.toordinal() - _EPOCH) * DAY
        parts = postings(**amounts)
        entry = JournalEntry(kind, self.facility, at, self.currency, parts, because)
        return [self._ledger.post(entry)] if parts else []

    def freeze(self) -> dict[str, Any]:
        """All that the loan remembers beside its terms, as plain values."""
        return {
            "schedule": [[i.due.isoformat(), str(i.principal)] for i in self.schedule],
            "to": self._to.isoformat() if self._to else None,
            "from": self._from.isoformat() if self._from else None,
            "carried": {k: str(v) for k, v in self._carried.items()},
            "booked": {k: str(v) for k, v in self._booked.items()},
            "paid": {k: str(v) for k, v in self._paid.items()},
            "interest_dues": [str(each) for each in self._interest_dues],
            "written_off": self.written_off,
        }

    def thaw(self, kept: dict[str, Any]) -> None:
        """Take over what :meth:`freeze` gave."""
        self.schedule = [
            Instalment(date.fromisoformat(due), Decimal(part)) for due, part in kept["schedule"]
        ]
        self._to = date.fromisoformat(kept["to"]) if kept["to"] else None
        self._from = date.fromisoformat(kept["from"]) if kept["from"] else None
        self._carried = {k: Fraction(v) for k, v in kept["carried"].items()}
        self._booked = {k: Decimal(v) for k, v in kept["booked"].items()}
        self._paid = {k: Decimal(v) for k, v in kept["paid"].items()}
        self._interest_dues = [Decimal(each) for each in kept["interest_dues"]]
        self.written_off = kept["written_off"]
