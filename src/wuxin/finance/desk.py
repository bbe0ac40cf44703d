"""The desk: what can be ordered about a facility, and what comes of it.

Who may order what is in :data:`_BY`; an order that contradicts what stands is refused and changes
nothing.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from wuxin.finance import bodies, calls, pools
from wuxin.finance.account import Account
from wuxin.finance.facility import amount, read_terms
from wuxin.finance.lending import Lent, total
from wuxin.finance.marking import Marking
from wuxin.terms.counter import Now, Order, Said, told
from wuxin.terms.errors import BadInput, Conflict
from wuxin.terms.money import money
from wuxin.terms.names import ThingKey, thing_key
from wuxin.terms.records import Act, Cause, Command, Words

_PAYERS: Final = ("relationship_manager", "core_system")
_DECIDERS: Final = ("approver",)


class Desk(Marking):
    """The facilities of one bank, with the orders that move them."""

    @property
    def orders(self) -> Mapping[str, Order]:
        """What can be ordered about facilities."""
        return {
            "open_facility": Order(
                bodies.OpenFacility, self._open, _DECIDERS, Words("开立授信", "open a facility"),
            ),
            "top_up": Order(
                bodies.Pay, self._pay, _PAYERS, Words("补充保证金", "take cash margin"),
            ),
            "repay": Order(bodies.Pay, self._pay, _PAYERS, Words("还款", "take a repayment")),
            "dispute_call": Order(
                bodies.DisputeCall, self._dispute, ("borrower", "relationship_manager"),
                Words("对追保提出异议", "dispute a margin call"),
            ),
            "resolve_call": Order(
                bodies.ResolveCall, self._resolve, ("risk_officer",),
                Words("了结异议", "resolve a dispute"),
            ),
            "release_things": Order(
                bodies.ReleaseThings, self._release, ("risk_officer",),
                Words("部分解押", "release a part of the pool"),
            ),
            "substitute": Order(
                bodies.Substitute, self._substitute, ("risk_officer",),
                Words("置换押品", "exchange things of the pool"),
            ),
            "order_disposal": Order(
                bodies.Give, self._order_disposal, _DECIDERS, Words("下令处置", "order disposal"),
            ),
            "dispose": Order(
                bodies.Dispose, self._dispose, ("risk_officer",), Words("处置", "sell the pool"),
            ),
            "write_off": Order(
                bodies.Give, self._write_off, _DECIDERS, Words("核销", "write the loan off"),
            ),
            "recover": Order(
                bodies.Pay, self._recover, _PAYERS,
                Words("核销后收回", "take what comes after a write-off"),
            ),
        }  # fmt: skip

    def _open(self, command: Command, said: bodies.OpenFacility, *, now: Now) -> list[Said]:
        del said
        table = {k: v for k, v in command.body.items() if v is not None}
        terms = read_terms({"pack": now.pack.name, **table})
        if command.facility not in {"", terms.id}:
            raise BadInput(f"the command is for {command.facility!r}, its terms are {terms.id!r}'s")
        if terms.id in self.accounts:
            raise Conflict(f"facility {terms.id!r} is already open")
        if not now.pack.lends:
            why = f"what the pack {now.pack.name!r} watches is valued by nobody"
            raise BadInput(f"nothing can be lent against {terms.root}: {why}")
        for check in self.checks:
            check(terms, now)
        account = Account(self.tenant, terms, books=self.books, source=now.source)
        self._refuse_contested(account, now)
        opened = account.opened(command.at, by=command.by, because=told(command))
        self.accounts[terms.id] = account
        return [*opened, *self.admit(account, now)]

    def _refuse_contested(self, account: Account, now: Now) -> None:
        """Goods that are pledged already cannot be taken for a new facility."""
        terms = account.terms
        for thing in now.twin.within(terms.root, terms.kind):
            pledge = pools.automatic(account, thing, at=now.at, place=str(terms.root))
            contests = self.books.register.contests(pledge)
            if contests:
                raise Conflict("; ".join(one.words.en for one in contests))

    def _pay(self, command: Command, said: bodies.Pay, *, now: Now) -> list[Said]:
        account = self.account(command.facility)
        paid = amount(said.amount, account.terms.currency)
        kind = "top_up" if command.do == "top_up" else "repayment"
        acts = account.pay(kind, paid, at=command.at, by=command.by, because=told(command))
        acts += calls.settle(account, command.at, because=(Cause("act", acts[-1].id),))
        return [*acts, *self._free(account, command, now=now)]

    def _free(self, account: Account, command: Command, *, now: Now) -> list[Said]:
        """A loan that is repaid holds nothing any more."""
        if account.is_marked or not account.members:
            return []
        things = sorted(account.members)
        return [*self._out(account, things, command=command, now=now, why="repaid")]

    def _dispute(self, command: Command, said: bodies.DisputeCall, *, now: Now) -> list[Said]:
        del now
        account = self.account(command.facility)
        part = amount(said.amount, account.terms.currency)
        return [
            *calls.dispute(account, said.call, amount=part, mandate=_mandate(command),
                           reason=said.reason)
        ]  # fmt: skip

    def _resolve(self, command: Command, said: bodies.ResolveCall, *, now: Now) -> list[Said]:
        del now
        account = self.account(command.facility)
        part = amount(said.upheld, account.terms.currency, zero=True)
        return [
            *calls.resolve(account, said.call, amount=part, mandate=_mandate(command),
                           reason=said.reason)
        ]  # fmt: skip

    def _release(self, command: Command, said: bodies.ReleaseThings, *, now: Now) -> list[Said]:
        account = self.account(command.facility)
        things = _keys(said.things)
        if account.calls:
            raise Conflict(f"facility {account.terms.id!r} has an open call: nothing is released")
        left = account.members.difference(things)
        self._refuse_strangers(account, things)
        value, lent = self._worth(account, now, members=left)
        exposure = account.figures.exposure
        most = min(value * account.terms.target, lent)
        if exposure > most:
            raise Conflict(
                f"what is left would cover {most:.2f} {account.terms.currency}, and {exposure} is "
                "owed: release less, or repay first"
            )
        released = self._out(account, things, command=command, now=now, why=said.reason)
        return [*released, *self.revalue(account, now)]

    def _substitute(self, command: Command, said: bodies.Substitute, *, now: Now) -> list[Said]:
        account = self.account(command.facility)
        out, into = _keys(said.out), _keys(said.into)
        self._refuse_strangers(account, out)
        register = self.books.register
        pledges = [
            pools.automatic(account, thing, at=now.at, place=str(account.terms.root))
            for thing in into
        ]
        for pledge in pledges:
            if contests := register.contests(pledge):
                raise Conflict("; ".join(one.words.en for one in contests))
        before = self._worth(account, now, members=account.members)[1]
        after = self._worth(account, now, members=account.members.difference(out).union(into))[1]
        if after < before:
            raise Conflict(
                f"after haircut the pool is worth {before}, and would be worth {after}: what comes "
                "in must be worth what goes out"
            )
        acts = self._out(account, out, command=command, now=now, why=said.reason)
        for pledge in pledges:
            register.claim(pledge, known=now.known)
        account.members = account.members.union(into)
        figures = {"out": ", ".join(said.out), "into": ", ".join(said.into), "reason": said.reason,
                   "lendable_before": str(before), "lendable_after": str(after)}  # fmt: skip
        because = (*told(command), *(Cause("act", act.id) for act in acts))
        act = account.act("substitution", command.at, by=command.by, because=because, **figures)
        return [*acts, act, *self.revalue(account, now)]

    def _order_disposal(self, command: Command, said: bodies.Give, *, now: Now) -> list[Said]:
        del said, now
        account = self.account(command.facility)
        return [
            *calls.order_disposal(account, command.at, by=command.by, because=told(command))
        ]  # fmt: skip

    def _dispose(self, command: Command, said: bodies.Dispose, *, now: Now) -> list[Said]:
        account = self.account(command.facility)
        currency = account.terms.currency
        if said.price is not None:
            proceeds = account.proceeds_at(money(str(said.price), currency).amount)
        elif said.proceeds is not None:
            proceeds = amount(said.proceeds, currency)
        else:
            raise BadInput(f"dispose of facility {command.facility!r} has no proceeds")
        if proceeds < 0:
            raise BadInput("proceeds below zero cannot be booked as a disposal")
        acts = account.dispose(proceeds, command.at, by=command.by, because=told(command))
        things = sorted(account.members)
        return [*acts, *self._out(account, things, command=command, now=now, why="sold")]

    def _write_off(self, command: Command, said: bodies.Give, *, now: Now) -> list[Said]:
        del said, now
        account = self.account(command.facility)
        return [*account.write_off(command.at, by=command.by, because=told(command))]

    def _recover(self, command: Command, said: bodies.Pay, *, now: Now) -> list[Said]:
        del now
        account = self.account(command.facility)
        got = amount(said.amount, account.terms.currency)
        return [*account.recover(got, command.at, by=command.by, because=told(command))]

    # ---- things that go in and out ---------------------------------------------------------

    def _out(
        self, account: Account, things: list[ThingKey], *, command: Command, now: Now, why: str
    ) -> list[Act]:
        """Release things from a facility; the act that says so."""
        if not things:
            return []
        ids = pools.release(account, things, at=command.at, known=now.known, why=why)
        figures = {"things": ", ".join(map(str, things[:_LISTED])), "count": str(len(ids)),
                 "reason": why}  # fmt: skip
        return [
            account.act(
                "pledge_released", command.at, by=command.by, because=told(command), **figures
            )
        ]

    def _refuse_strangers(self, account: Account, things: list[ThingKey]) -> None:
        for thing in things:
            if thing not in account.members:
                raise Conflict(f"{thing} is not pledged for facility {account.terms.id!r}")

    def _worth(
        self, account: Account, now: Now, *, members: frozenset[ThingKey]
    ) -> tuple[Decimal, Decimal]:
        """Value and lendable value of some things as this facility's pool.

        Raises:
            Conflict: they cannot be valued.
        """
        if not members:
            return Decimal(0), Decimal(0)
        valuation = self.valued(account, now, members=members)
        if valuation.missing or valuation.value is None:
            why = "; ".join(words.en for words in valuation.missing) or "there is no value"
            raise Conflict(f"the pool cannot be valued: {why}")
        lent: tuple[Lent, ...] | None = self.lent(account, now, valuation=valuation)
        value = valuation.value.amount
        return value, value * (1 - account.terms.haircut) if lent is None else total(lent)


_LISTED: Final = 12


def _mandate(command: Command) -> calls.Mandate:
    return calls.Mandate(command.at, command.by, told(command))


def _keys(names: list[str]) -> list[ThingKey]:
    if not names:
        raise BadInput("no thing is named; write them as kind:id")
    return [thing_key(name) for name in dict.fromkeys(names)]
