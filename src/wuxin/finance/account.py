"""The running account of one facility: what is lent, held, worth and called, and how that moves.

What is owed stands on the ledger (:mod:`wuxin.finance.loan`); every move of money is a balanced
entry there and an act here. A day of interest is a day of the calendar in UTC.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any, Final

import msgspec

from wuxin.finance.books import Books
from wuxin.finance.call import Call, allocate
from wuxin.finance.collateral import Figures, figures
from wuxin.finance.facility import RATIO_PLACES, Terms
from wuxin.finance.ledger import JournalEntry
from wuxin.finance.lending import Lent, total
from wuxin.finance.loan import Loan
from wuxin.finance.schedule import Repayment
from wuxin.terms.clock import DAY, iso
from wuxin.terms.errors import Conflict
from wuxin.terms.money import Money, minor
from wuxin.terms.names import Digest, Tenant, ThingKey
from wuxin.terms.records import Act, Cause, Finding, Words
from wuxin.terms.standards import Valuation

_ZERO: Final = Decimal(0)
_EPOCH: Final = date(1970, 1, 1).toordinal()
_FOREVER: Final = 36_500
"""Days until a loan without a schedule falls due."""

_REMEMBERED: Final[dict[str, Any]] = {
    "members": frozenset[ThingKey],
    "breach": Finding | None,
    "prior": Decimal,
    "opening": Digest,
    "valuation": Valuation | None,
    "valued_at": int | None,
    "lent": tuple[Lent, ...] | None,
    "revaluation": tuple[Cause, ...],
    "calls": tuple[Call, ...],
    "called": int,
    "ordered": tuple[Cause, ...],
    "disposed": bool,
}
"""What an account remembers beside its terms and its loan, as it is frozen and restored."""

_LISTED: Final = 12
_SHOWN: Final = 200


class Account:
    """One facility as it stands; every method that moves it returns the acts that say so.

    Args:
        tenant: whose it is.
        terms: what its contract says.
        books: the ledger and the register of the bank.
        source: the source on whose clock it runs.
    """

    def __init__(
        self, tenant: Tenant, terms: Terms, *, books: Books | None = None, source: str = ""
    ) -> None:
        self.terms, self.source = terms, source
        self.tenant, self.books = tenant, books or Books()
        self.members: frozenset[ThingKey] = frozenset()
        self.breach: Finding | None = None
        self.prior = _ZERO
        self.opening = Digest("")
        self.valuation: Valuation | None = None
        self.valued_at: int | None = None
        self.lent: tuple[Lent, ...] | None = None
        self.revaluation: tuple[Cause, ...] = ()
        self.calls: tuple[Call, ...] = ()
        self.called = 0
        self.ordered: tuple[Cause, ...] = ()
        self.disposed = False
        far = date.fromordinal(_day(terms.opened).toordinal() + _FOREVER)
        repayment = terms.repayment or Repayment("bullet", far, 1)
        self.loan = Loan(
            terms.id, terms.principal, currency=terms.currency, repayment=repayment,
            ledger=self.books.ledger,
        )  # fmt: skip

    def freeze(self) -> Any:
        """All that the account remembers, as plain values; money as text."""
        kept = {name: getattr(self, name) for name in _REMEMBERED}
        kept |= {"members": sorted(self.members), "loan": self.loan.freeze()}
        kept |= {"terms": self.terms, "source": self.source}
        return msgspec.to_builtins(kept, str_keys=True)

    @classmethod
    def thaw(cls, tenant: Tenant, kept: Any, *, books: Books | None = None) -> "Account":
        """An account from what :meth:`freeze` gave."""
        terms = msgspec.convert(kept["terms"], Terms)
        account = cls(tenant, terms, books=books, source=kept["source"])
        for name, kind in _REMEMBERED.items():
            setattr(account, name, msgspec.convert(kept[name], kind))
        account.loan.thaw(kept["loan"])
        return account

    @property
    def figures(self) -> Figures:
        """The figures on the latest valuation."""
        lent = None if self.lent is None else total(self.lent)
        return figures(
            self.terms, self.valuation, outstanding=self.loan.owed, cash_margin=self.cash_margin,
            lent=lent, prior=self.prior,
        )  # fmt: skip

    @property
    def cash_margin(self) -> Decimal:
        """The cash that is held for it."""
        held = -self.books.ledger.balance(
            self.terms.id, "cash_margin", currency=self.terms.currency
        )
        return minor(held, self.terms.currency)

    @property
    def is_paid_out(self) -> bool:
        """Whether the loan has been paid out."""
        return bool(self.loan.schedule)

    @property
    def is_marked(self) -> bool:
        """Whether there is, or is to be, a loan, and a pool left to mark."""
        return not self.disposed and not (self.is_paid_out and self.loan.owed == 0)

    @property
    def state(self) -> str:
        """One word for where the facility stands, the most pressing first."""
        owed, paid_out = self.loan.owed, self.is_paid_out
        called = "overdue" if self.is_overdue else "called"
        states = (
            ("agreed", not paid_out),
            ("written_off", self.loan.written_off),
            ("closed", owed == 0),
            ("deficient", self.disposed),
            ("not_valued", bool(self.figures.missing)),
            ("disposal_ordered", bool(self.ordered)),
            (called, bool(self.calls)),
            ("breach", self.is_breached),
            ("arrears", self.arrears_days > 0),
        )
        return next((name for name, holds in states if holds), "covered")

    @property
    def is_overdue(self) -> bool:
        """Whether a call was not met in time."""
        return any(call.state == "overdue" for call in self.calls)

    @property
    def is_breached(self) -> bool:
        """Whether loan to value is above the contract's maximum."""
        ratio = self.figures.loan_to_value
        return ratio is not None and ratio > self.terms.maximum

    @property
    def arrears_days(self) -> int:
        """For how many days something has been overdue, by what is booked."""
        booked = self.loan.booked_to
        return self.loan.arrears(booked).days if booked else 0

    def opened(self, at: int, *, by: str, because: tuple[Cause, ...]) -> list[Act]:
        """Open the facility, and pay it out at once where no process has to come first."""
        terms, paid = self.terms, []
        if not terms.process:
            paid = self._entries(self.loan.disburse(self._on(at), because=because), by=by)
        act = self.act(
            "facility_opened", at, by=by, because=because, obligor=terms.obligor, pack=terms.pack,
            pool=str(terms.root), kind=terms.kind, principal=str(terms.principal),
            opened=iso(terms.opened), haircut=str(terms.haircut),
            target_loan_to_value=str(terms.target),
        )  # fmt: skip
        self.opening = act.id
        return [*paid, act]

    def disburse(self, at: int, *, by: str, because: tuple[Cause, ...]) -> list[Act]:
        """Pay the loan out.

        Raises:
            Conflict: that was done already.
        """
        entries = self._entries(self.loan.disburse(self._on(at), because=because), by=by)
        return [*entries, self.act("disbursement", at, by=by, because=because,
                                   amount=str(self.terms.principal))]  # fmt: skip

    def accrue(self, at: int) -> list[Act]:
        """Book interest, and penalties on what is overdue, up to a moment (ns)."""
        if not self.is_paid_out or self.loan.owed == 0:
            return []
        why = (Cause("act", self.opening),)
        return self._entries(self.loan.accrue(self._on(at), because=why), by=self.contract)

    def value(
        self, valuation: Valuation, at: int, *, lent: tuple[Lent, ...] | None = None
    ) -> list[Act]:
        """Take a new valuation: a revaluation where something moved."""
        if not self._is_news(valuation, at, lent=lent):
            return []
        self.valuation, self.valued_at, self.lent = valuation, at, lent
        told = {"haircut": str(self.terms.haircut), **_lines(valuation), **valuation.shown}
        missing = self.figures.missing
        if missing:
            told |= {
                "state": "not valued",
                "missing_zh": "；".join(words.zh for words in missing),
                "missing_en": "; ".join(words.en for words in missing),
            }
        told |= _reasons(lent or ())
        act = self.act("revaluation", at, because=valuation.because, **told)
        self.revaluation = (Cause("act", act.id),)
        return [act]

    def pay(
        self, kind: str, paid: Decimal, *, at: int, by: str, because: tuple[Cause, ...]
    ) -> list[Act]:
        """Book a ``top_up`` of cash margin or a ``repayment``; open calls are served by it.

        A loan repaid in full is closed and its cash margin goes back to the obligor.

        Raises:
            Conflict: more is repaid than is owed, or the facility is not paid out or closed.
        """
        self._check_owed()
        told, on = {"amount": str(paid)}, self._on(at)
        if kind == "top_up":
            entries = self.loan.margin(paid, on, because=because)
        else:
            entries = self.loan.pay(paid, on, because=because)
        if self.loan.owed == 0:
            told["cash_margin_returned"] = str(self.cash_margin)
            if self.cash_margin:
                entries += self.loan.margin(-self.cash_margin, on, because=because)
        self.calls = allocate(self.calls, paid)
        acts = self._entries(entries, by=by)
        act = self.act(kind, at, by=by, because=because, entry=str(self.books.entries), **told)
        return [*acts, act]

    def write_off(self, at: int, *, by: str, because: tuple[Cause, ...]) -> list[Act]:
        """Take what is owed out of the books; see :meth:`wuxin.finance.loan.Loan.write_off`."""
        owed = self.loan.owed
        entries = self._entries(self.loan.write_off(self._on(at), because=because), by=by)
        return [*entries, self.act("write_off", at, by=by, because=because, amount=str(owed))]

    def recover(
        self, amount: Decimal, at: int, *, by: str, because: tuple[Cause, ...]
    ) -> list[Act]:
        """Take in what comes after a write-off."""
        entries = self._entries(self.loan.recover(amount, self._on(at), because=because), by=by)
        entry = str(self.books.entries)
        return [*entries, self.act("recovery", at, by=by, because=because, amount=str(amount),
                                   entry=entry)]  # fmt: skip

    def dispose(
        self, proceeds: Decimal, at: int, *, by: str, because: tuple[Cause, ...]
    ) -> list[Act]:
        """Book the sale of the whole pool: proceeds and cash margin serve the loan first.

        ``proceeds_to_value`` is the figure of CRR Art. 199(6)(d): proceeds over the last value.

        Raises:
            Conflict: disposal has not been ordered.
        """
        if not self.ordered:
            raise Conflict(f"disposal of facility {self.terms.id!r} has not been ordered")
        value, on, margin = self.figures.value, self._on(at), self.cash_margin
        acts = self._entries(self.loan.accrue(on, because=because), by=by)
        owed = self.loan.owed
        applied = min(proceeds, owed)
        set_off = min(margin, owed - applied)
        surplus = proceeds - applied + margin - set_off
        told = {
            "proceeds": str(proceeds), "proceeds_applied": str(applied),
            "cash_margin_applied": str(set_off), "surplus": str(surplus),
        }  # fmt: skip
        if value is not None and value > 0:
            told["value_before"] = str(value)
            told["proceeds_to_value"] = str((proceeds / value).quantize(RATIO_PLACES))
        entries: list[JournalEntry] = []
        if applied + set_off:
            entries += self.loan.pay(applied + set_off, on, because=because, set_off=set_off)
        if surplus:
            entries += self.loan.surplus(proceeds - applied, margin - set_off, on=on,
                                         because=because)  # fmt: skip
        acts += self._entries(entries, by=by)
        causes = (*because, *self.ordered)
        self.calls, self.ordered, self.disposed = (), (), True
        self.valuation = Valuation((), Money(_ZERO, self.terms.currency), (), ())
        self.valued_at, self.lent = at, None
        return [*acts, self.act("disposal", at, by=by, because=causes, **told)]

    def proceeds_at(self, price: Decimal) -> Decimal:
        """What the pool as last valued brings at a price per unit.

        Raises:
            Conflict: the pool is not valued, or its things are measured in different units.
        """
        lines = self.valuation.lines if self.valuation and not self.figures.missing else ()
        if len({line.unit for line in lines}) != 1:
            raise Conflict(f"the pool of {self.terms.id!r} has no one quantity; give the proceeds")
        quantity = sum((line.quantity for line in lines), _ZERO)
        return minor(price * quantity, self.terms.currency)

    def snapshot(self) -> dict[str, Any]:
        """The facility as plain values: money and rates as text, times in ns, None if not known."""
        now = self.figures
        known = ("value", "lendable", "covers", "loan_to_value", "shortfall")
        figure = {name: getattr(now, name) for name in known}
        open_calls = [_plain_call(call) for call in self.calls]
        return {
            "id": self.terms.id,
            "obligor": self.terms.obligor,
            "pack": self.terms.pack,
            "pool": {"root": str(self.terms.root), "kind": self.terms.kind},
            "currency": self.terms.currency,
            "principal": str(self.terms.principal),
            "opened": self.terms.opened,
            "outstanding": str(now.outstanding),
            "cash_margin": str(now.cash_margin),
            "exposure": str(now.exposure),
            "arrears_days": self.arrears_days,
            **{name: None if v is None else str(v) for name, v in figure.items()},
            "haircut": str(self.terms.haircut),
            "maximum": str(self.terms.maximum),
            "target": str(self.terms.target),
            "call": open_calls[0] if open_calls else None,
            "calls": open_calls,
            "state": self.state,
            "missing": [{"zh": words.zh, "en": words.en} for words in now.missing],
            "lines": [_line(one) for one in self._each()[:_SHOWN]],
            "as_of": self.valued_at,
        }

    @property
    def contract(self) -> str:
        """The mandate of what the contract itself demands."""
        return f"contract:{self.terms.id}"

    def act(
        self, kind: str, at: int, /, *, by: str = "", because: Iterable[Cause], **told: str
    ) -> Act:
        """An act on this facility, with its figures as they stand now."""
        always = {"maximum_loan_to_value": str(self.terms.maximum)}
        return Act(
            tenant=self.tenant,
            kind=kind,
            facility=self.terms.id,
            at=at,
            mandate=by or self.contract,
            figures={**self.figures.words(), **always, **told},
            because=tuple(because),
        )

    def _each(self) -> tuple[Lent, ...]:
        """What is lent against each thing, by the contract's haircut where no policy says more."""
        if self.lent is not None or self.valuation is None or self.figures.missing:
            return self.lent or ()
        haircut, currency = self.terms.haircut, self.terms.currency
        return tuple(
            Lent(line.thing, minor(line.value.amount, currency), haircut,
                 minor(max(_ZERO, line.value.amount * (1 - haircut)), currency))
            for line in self.valuation.lines[:_SHOWN]
        )  # fmt: skip

    def _entries(self, entries: Iterable[JournalEntry], *, by: str) -> list[Act]:
        """Entries of the ledger as acts, numbered through the whole book."""
        acts = []
        for entry in entries:
            self.books.entries += 1
            lines = {p.account: str(p.amount) for p in entry.postings}
            told = {"entry": str(self.books.entries), "booking": entry.kind}
            acts.append(
                Act(
                    self.tenant, "journal_entry", self.terms.id, entry.at, by,
                    {**told, "currency": entry.currency, **lines}, entry.because,
                )
            )  # fmt: skip
        return acts

    def _on(self, at: int) -> date:
        """The day of a moment, but none before what is booked already."""
        day, booked = _day(at), self.loan.booked_to
        return day if booked is None else max(day, booked)

    def _check_owed(self) -> None:
        if not self.is_paid_out:
            raise Conflict(f"facility {self.terms.id!r} is not paid out")
        if self.loan.owed == 0:
            raise Conflict(f"facility {self.terms.id!r} is closed")

    def _is_news(self, new: Valuation, at: int, *, lent: tuple[Lent, ...] | None) -> bool:
        old = self.valuation
        if old is None or self.valued_at is None:
            return True
        same = (old.lines, old.value, old.missing) == (new.lines, new.value, new.missing)
        if same:
            return lent != self.lent
        prices = {line.thing: line.price for line in old.lines}
        stood = all(prices.get(line.thing, line.price) == line.price for line in new.lines)
        resting = at < self.valued_at + self.terms.valuation_days * DAY
        return not (resting and stood and old.missing == new.missing)


def _day(at: int) -> date:
    return date.fromordinal(_EPOCH + at // DAY)


def _lines(valuation: Valuation) -> dict[str, str]:
    """Price, quantity and unit behind a value, one entry for each price (up to a dozen)."""
    sums: dict[tuple[str, str], Decimal] = {}
    for line in valuation.lines:
        key = (str(line.price), line.unit)
        sums[key] = sums.get(key, _ZERO) + line.quantity
    told = {"things": str(len(valuation.lines))}
    if 0 < len(sums) <= _LISTED:
        told["price"] = "; ".join(price for price, _ in sums)
        told["quantity"] = "; ".join(str(quantity) for quantity in sums.values())
        told["unit"] = "; ".join(unit for _, unit in sums)
    return told


def _reasons(lent: Iterable[Lent]) -> dict[str, str]:
    """Why less is lent against some things than against others, the first dozen of them."""
    said = [one for one in lent if one.why]
    if not said:
        return {}
    shown = said[:_LISTED]
    return {
        "weakened": str(len(said)),
        "why_zh": "；".join(f"{one.thing} {_said(one.why).zh}" for one in shown),
        "why_en": "; ".join(f"{one.thing} {_said(one.why).en}" for one in shown),
    }


def _said(why: Iterable[Words]) -> Words:
    return Words("、".join(w.zh for w in why), ", ".join(w.en for w in why))


def _plain_call(call: Call) -> dict[str, Any]:
    return {
        "number": call.number, "issued": call.issued, "amount": str(call.amount),
        "paid": str(call.paid), "due": str(call.due), "deadline": call.deadline,
        "state": call.state, "act": call.act, "disputed": str(call.disputed),
        "resolve_by": call.resolve_by or None,
    }  # fmt: skip


def _line(one: Lent) -> dict[str, Any]:
    return {
        "thing": str(one.thing), "value": str(one.value), "haircut": str(one.haircut),
        "lendable": str(one.lendable), "why": [{"zh": w.zh, "en": w.en} for w in one.why],
    }  # fmt: skip
