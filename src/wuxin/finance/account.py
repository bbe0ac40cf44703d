"""The running account of one facility: what is lent, held, worth and called, and how that moves.

Interest is not accrued here: outstanding is principal less repayments and proceeds.
"""

from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from wuxin.finance.call import Call, allocate, to_call
from wuxin.finance.collateral import Figures, figures
from wuxin.finance.facility import RATIO_PLACES, Terms, minor
from wuxin.terms.clock import DAY, iso
from wuxin.terms.errors import Conflict
from wuxin.terms.money import Money
from wuxin.terms.names import Tenant, ThingKey
from wuxin.terms.records import Act, Cause, Finding
from wuxin.terms.standards import Valuation

_ZERO: Final = Decimal(0)
_REMEMBERED: Final[dict[str, Any]] = {
    "members": frozenset[ThingKey],
    "breach": Finding | None,
    "_outstanding": Decimal,
    "_cash_margin": Decimal,
    "_nothing": Decimal,
    "_valuation": Valuation | None,
    "_valued_at": int | None,
    "_revaluation": tuple[Cause, ...],
    "_calls": tuple[Call, ...],
    "_called": int,
    "_ordered": tuple[Cause, ...],
    "_disposed": bool,
}
"""What an account remembers beside its terms, as it is frozen and restored."""

_LISTED: Final = 12


class Account:
    """One facility as it stands; every method that moves it returns the acts that say so."""

    def __init__(self, tenant: Tenant, terms: Terms) -> None:
        self.terms = terms
        self.members: frozenset[ThingKey] = frozenset()
        self.breach: Finding | None = None
        self._tenant = tenant
        self._outstanding = terms.principal
        self._cash_margin = self._nothing = minor(_ZERO, terms.currency)
        self._valuation: Valuation | None = None
        self._valued_at: int | None = None
        self._revaluation: tuple[Cause, ...] = ()
        self._calls: tuple[Call, ...] = ()
        self._called = 0
        self._ordered: tuple[Cause, ...] = ()
        self._disposed = False

    def freeze(self) -> Any:
        """All that the account remembers, as plain values; money as text."""
        kept = {name: value for name, value in vars(self).items() if name != "_tenant"}
        return msgspec.to_builtins({**kept, "members": sorted(self.members)}, str_keys=True)

    @classmethod
    def thaw(cls, tenant: Tenant, kept: Any) -> "Account":
        """An account from what :meth:`freeze` gave."""
        account = cls(tenant, msgspec.convert(kept["terms"], Terms))
        for name, kind in _REMEMBERED.items():
            setattr(account, name, msgspec.convert(kept[name], kind))
        return account

    @property
    def figures(self) -> Figures:
        """The figures on the latest valuation."""
        return figures(
            self.terms,
            self._valuation,
            outstanding=self._outstanding,
            cash_margin=self._cash_margin,
        )

    @property
    def is_marked(self) -> bool:
        """Whether there is a loan and a pool left to mark."""
        return self._outstanding > 0 and not self._disposed

    @property
    def state(self) -> str:
        """One word for where the facility stands, the most pressing first."""
        now = self.figures
        if self._outstanding == 0:
            return "closed"
        if self._disposed:
            return "deficient"
        if now.missing:
            return "not_valued"
        if self._ordered:
            return "disposal_ordered"
        if self._calls:
            return "overdue" if self._is_overdue else "called"
        return "breach" if self._is_breached(now) else "covered"

    def opened(self, at: int, *, by: str, because: tuple[Cause, ...]) -> Act:
        """The act that opens the facility, with its terms."""
        terms = self.terms
        return self._act(
            "facility_opened",
            at,
            by=by,
            because=because,
            obligor=terms.obligor,
            pack=terms.pack,
            pool=str(terms.root),
            kind=terms.kind,
            principal=str(terms.principal),
            opened=iso(terms.opened),
            haircut=str(terms.haircut),
            target_loan_to_value=str(terms.target),
        )

    def value(self, valuation: Valuation, at: int) -> list[Act]:
        """Take a new valuation: a revaluation where something moved, and calls that it meets."""
        if not self._is_news(valuation, at):
            return []
        self._valuation, self._valued_at = valuation, at
        told = {"haircut": str(self.terms.haircut), **_lines(valuation), **valuation.shown}
        missing = self.figures.missing
        if missing:
            told |= {
                "state": "not valued",
                "missing_zh": "；".join(words.zh for words in missing),
                "missing_en": "; ".join(words.en for words in missing),
            }
        act = self._act("revaluation", at, because=valuation.because, **told)
        self._revaluation = (Cause("act", act.id),)
        return [act, *self.settle(at, self._revaluation)]

    def call(self, at: int) -> list[Act]:
        """Call for what an open breach needs beyond the calls that are open already."""
        now = self.figures
        if self.breach is None or not self.is_marked:
            return []
        if now.needed is None or not self._is_breached(now):
            return []
        called = to_call(self.terms, now.needed, open_calls=self._calls)
        if called == 0:
            return []
        self._called += 1
        call = Call(
            number=self._called,
            issued=at,
            amount=called,
            deadline=at + self.terms.call_deadline,
            paid=self._nothing,
        )
        because = (Cause("finding", self.breach.id), *self._revaluation)
        told = {
            "needed": str(now.needed),
            "target_loan_to_value": str(self.terms.target),
            "minimum_transfer": str(self.terms.minimum_transfer),
            "rounding": str(self.terms.rounding),
        }
        act = self._act("margin_call", at, because=because, **call.words(), **told)
        self._calls = (*self._calls, replace(call, act=act.id))
        return [act]

    def pay(
        self, kind: str, paid: Decimal, *, at: int, by: str, because: tuple[Cause, ...]
    ) -> list[Act]:
        """Book a ``top_up`` of cash margin or a ``repayment``, and the calls that it meets.

        A loan repaid in full is closed and its cash margin goes back to the obligor.

        Raises:
            Conflict: more is repaid than is outstanding, or the facility is closed.
        """
        if self._outstanding == 0:
            raise Conflict(f"facility {self.terms.id!r} is closed")
        told = {"amount": str(paid)}
        if kind == "top_up":
            self._cash_margin += paid
        elif paid > self._outstanding:
            raise Conflict(f"{paid} is more than the {self._outstanding} that is outstanding")
        else:
            self._outstanding -= paid
        if self._outstanding == 0:
            told["cash_margin_returned"] = str(self._cash_margin)
            self._cash_margin = self._nothing
        self._calls = allocate(self._calls, paid)
        act = self._act(kind, at, by=by, because=because, **told)
        return [act, *self.settle(at, (Cause("act", act.id),))]

    def settle(self, at: int, because: tuple[Cause, ...]) -> list[Act]:
        """Close the calls that are met: paid in full, or all of them at the target.

        With the last open call an order of disposal lapses.
        """
        restored = self.figures.needed == 0
        met = [call for call in self._calls if restored or call.due == 0]
        self._calls = tuple(call for call in self._calls if call not in met)
        self._ordered = self._ordered if self._calls else ()
        return [
            self._act(
                "margin_call_met",
                at,
                because=(Cause("act", call.act), *because),
                met_by="payment" if call.due == 0 else "target restored",
                **call.words(),
            )
            for call in met
        ]

    def check_deadlines(self, at: int) -> list[Act]:
        """Escalate calls whose deadline has passed, and order disposal where the contract says so.

        Disposal is ordered by the contract only while loan to value is above the maximum.
        """
        acts = []
        for call in self._calls:
            if call.is_late(at):
                because = (Cause("act", call.act),)
                told = {"to": "approver", "call_due": str(call.due), **call.words()}
                acts.append(self._act("margin_call_overdue", at, because=because, **told))
        self._calls = tuple(
            replace(c, state="overdue") if c.is_late(at) else c for c in self._calls
        )
        due = self.terms.on_overdue == "dispose" and self._is_breached(self.figures)
        if acts and due and not self._ordered:
            overdue = tuple(Cause("act", act.id) for act in acts)
            acts += self.order_disposal(at, by=self._contract, because=overdue)
        return acts

    def order_disposal(self, at: int, *, by: str, because: tuple[Cause, ...]) -> list[Act]:
        """Order that the pool be sold.

        Raises:
            Conflict: no call is overdue, or the order stands already.
        """
        if self._ordered:
            raise Conflict(f"disposal of facility {self.terms.id!r} is already ordered")
        if not self._is_overdue:
            raise Conflict(f"facility {self.terms.id!r} has no overdue margin call to dispose for")
        told = {"pool": str(self.terms.root), "kind": self.terms.kind}
        overdue = (Cause("act", call.act) for call in self._calls if call.state == "overdue")
        causes = tuple(dict.fromkeys((*because, *overdue)))
        act = self._act("disposal_ordered", at, by=by, because=causes, **told)
        self._ordered = (Cause("act", act.id),)
        return [act]

    def dispose(
        self, proceeds: Decimal, at: int, *, by: str, because: tuple[Cause, ...]
    ) -> list[Act]:
        """Book the sale of the whole pool: proceeds and cash margin serve the loan first.

        ``proceeds_to_value`` is the figure of CRR Art. 199(6)(d): proceeds over the last value.

        Raises:
            Conflict: disposal has not been ordered.
        """
        if not self._ordered:
            raise Conflict(f"disposal of facility {self.terms.id!r} has not been ordered")
        value = self.figures.value
        applied = min(proceeds, self._outstanding)
        set_off = min(self._cash_margin, self._outstanding - applied)
        told = {
            "proceeds": str(proceeds),
            "proceeds_applied": str(applied),
            "cash_margin_applied": str(set_off),
            "surplus": str(proceeds - applied + self._cash_margin - set_off),
        }
        if value is not None and value > 0:
            told["value_before"] = str(value)
            told["proceeds_to_value"] = str((proceeds / value).quantize(RATIO_PLACES))
        self._outstanding -= applied + set_off
        self._cash_margin = self._nothing
        causes = (*because, *self._ordered)
        self._calls, self._ordered, self._disposed = (), (), True
        self._valuation = Valuation((), Money(_ZERO, self.terms.currency), (), ())
        self._valued_at = at
        return [self._act("disposal", at, by=by, because=causes, **told)]

    def proceeds_at(self, price: Decimal) -> Decimal:
        """What the pool as last valued brings at a price per unit.

        Raises:
            Conflict: the pool is not valued, or its things are measured in different units.
        """
        lines = self._valuation.lines if self._valuation and not self.figures.missing else ()
        if len({line.unit for line in lines}) != 1:
            raise Conflict(f"the pool of {self.terms.id!r} has no one quantity; give the proceeds")
        quantity = sum((line.quantity for line in lines), _ZERO)
        return minor(price * quantity, self.terms.currency)

    def snapshot(self) -> dict[str, Any]:
        """The facility as plain values: money and rates as text, times in ns, None if not known."""
        now = self.figures
        known = ("value", "lendable", "covers", "loan_to_value", "shortfall")
        figure = {name: getattr(now, name) for name in known}
        calls = [_plain_call(call) for call in self._calls]
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
            **{name: None if v is None else str(v) for name, v in figure.items()},
            "haircut": str(self.terms.haircut),
            "maximum": str(self.terms.maximum),
            "target": str(self.terms.target),
            "call": calls[0] if calls else None,
            "calls": calls,
            "state": self.state,
            "missing": [{"zh": words.zh, "en": words.en} for words in now.missing],
            "as_of": self._valued_at,
        }

    @property
    def _contract(self) -> str:
        return f"contract:{self.terms.id}"

    @property
    def _is_overdue(self) -> bool:
        return any(call.state == "overdue" for call in self._calls)

    def _is_breached(self, now: Figures) -> bool:
        return now.loan_to_value is not None and now.loan_to_value > self.terms.maximum

    def _is_news(self, new: Valuation, at: int) -> bool:
        old = self._valuation
        if old is None or self._valued_at is None:
            return True
        if (old.lines, old.value, old.missing) == (new.lines, new.value, new.missing):
            return False
        prices = {line.thing: line.price for line in old.lines}
        stood = all(prices.get(line.thing, line.price) == line.price for line in new.lines)
        resting = at < self._valued_at + self.terms.valuation_days * DAY
        return not (resting and stood and old.missing == new.missing)

    def _act(
        self, kind: str, at: int, /, *, by: str = "", because: tuple[Cause, ...], **told: str
    ) -> Act:
        always = {"maximum_loan_to_value": str(self.terms.maximum)}
        return Act(
            tenant=self._tenant,
            kind=kind,
            facility=self.terms.id,
            at=at,
            mandate=by or self._contract,
            figures={**self.figures.words(), **always, **told},
            because=because,
        )


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


def _plain_call(call: Call) -> dict[str, Any]:
    return {
        "number": call.number,
        "issued": call.issued,
        "amount": str(call.amount),
        "paid": str(call.paid),
        "due": str(call.due),
        "deadline": call.deadline,
        "state": call.state,
        "act": call.act,
    }
