"""Facilities through time: marked to market, warned about, called, and what is remembered of them.

It reads no clock and keeps its own state only: equal marks and findings give equal acts.
:mod:`wuxin.finance.desk` adds what can be ordered.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, Final, Protocol

import msgspec
import numpy as np

from wuxin.finance import calls, pools
from wuxin.finance.account import Account
from wuxin.finance.alert import early_warning
from wuxin.finance.books import Books
from wuxin.finance.facility import Terms
from wuxin.finance.lending import Lent, lend
from wuxin.finance.pledges import Pledge
from wuxin.finance.process import PAYS_OUT
from wuxin.terms.counter import Now, Said, Silent, warn
from wuxin.terms.errors import NotFound
from wuxin.terms.names import Digest, Tenant, ThingKey
from wuxin.terms.records import Act, Cause, Cleared, Finding, Words
from wuxin.terms.standards import Derived, TwinReader, Valuation

BREACH: Final = "loan_to_value_breach"
"""The rule on a facility whose finding makes a margin call due."""

_MOVES: Final = frozenset({
    "facility_opened", "disbursement", "revaluation", "top_up", "repayment", "disposal",
})  # fmt: skip
_READINGS: Final = {
    "collateral_value": "value",
    "outstanding": "outstanding",
    "loan_to_value": "loan_to_value",
    "maximum_loan_to_value": "maximum_loan_to_value",
}


class Fall(Protocol):
    """The dynamic haircut of a price, such as :class:`wuxin.risk.falls.Falls`."""

    def __call__(
        self, days: Sequence[tuple[int, float]], /, *, horizon_days: int, confidence: float
    ) -> tuple[Decimal | None, Words]:
        """The haircut by its prices (event time in ns, price), None if there is none; and why."""
        ...


class Marking(Silent):
    """The facilities of one bank, as time and findings move them.

    Args:
        tenant: whose books these are.
        books: the register of pledges and the ledger, shared with the other counters.
        fall: how far a price may fall; None: nothing is known of that.
    """

    name = "facilities"

    def __init__(
        self, tenant: Tenant, books: Books | None = None, *, fall: Fall | None = None
    ) -> None:
        self.tenant, self.books = tenant, books or Books()
        self.accounts: dict[str, Account] = {}
        self.checks: list[Callable[[Terms, Now], None]] = []
        """What else must hold before a facility is opened; each refuses by raising."""
        self.doubts: list[Callable[[str, ThingKey], Sequence[Words]]] = []
        """What else speaks against a thing of a facility."""
        self._fall = fall
        self._prices: dict[str, list[tuple[int, float]]] = {}
        self._against: dict[tuple[str, ThingKey], dict[Digest, Words]] = {}
        self._contested: dict[tuple[str, ThingKey], Finding] = {}
        self._unvalued: dict[str, Finding] = {}

    def tick(self, now: Now) -> list[Said]:
        """Mark to market: revaluations, interest, further calls, deadlines."""
        said: list[Said] = []
        for account in self.accounts.values():
            if account.source != now.source or now.at < account.terms.opened:
                continue
            said += account.accrue(now.at)
            if not account.is_marked:
                continue
            said += self.admit(account, now)
            account.prior = self._prior(account, now.at)
            said += self.revalue(account, now)
            said += calls.make(account, now.at)
            said += calls.check_deadlines(account, now.at)
        return said

    def hear(self, said: Said, now: Now) -> list[Said]:
        """Findings concern facilities; a step of the process may pay one out."""
        if isinstance(said, Finding):
            return [*self.judge(said, now)]
        if isinstance(said, Cleared):
            return [*self.end(said)]
        if said.kind == "step_completed" and said.figures.get("does") == PAYS_OUT:
            account = self.account(said.facility)
            return [*account.disburse(now.at, by=said.mandate, because=(Cause("act", said.id),))]
        return []

    def judge(self, finding: Finding, now: Now) -> list[Act]:
        """What a finding means for the loans it concerns.

        A breach of loan to value is called; where it is too small to call, or covered by open
        calls, it is an early warning like any other red or amber finding on a pool.
        """
        rule = now.pack.rules.get(finding.rule)
        if rule is not None and rule.contradicts:
            held = self._against.setdefault((now.pack.name, finding.thing), {})
            held[finding.id] = finding.reasons[0] if finding.reasons else rule.words
        if finding.level == "info":
            return []
        breached = self._breached(finding)
        if breached is not None:
            breached.breach = finding
            called = calls.make(breached, finding.raised)
            return called or [self._warn(breached.terms.id, finding)]
        names = self.facilities_of(finding.thing, now)
        return [self._warn(facility, finding) for facility in names]

    def end(self, cleared: Cleared) -> list[Act]:
        """A finding is over: no further calls come of it, and calls that are met close.

        A breach ends at the maximum, a call at the target (see :mod:`wuxin.finance.call`).
        """
        for key, held in [*self._against.items()]:
            if held.pop(cleared.finding, None) is not None and not held:
                del self._against[key]
        for account in self.accounts.values():
            if account.breach is not None and account.breach.id == cleared.finding:
                account.breach = None
                because = (Cause("finding", cleared.finding),)
                return calls.settle(account, cleared.at, because=because)
        return []

    def derive(self, acts: Iterable[Act]) -> list[Derived]:
        """Readings of the facilities that acts report on, for display and rules (floats).

        Of several acts on a facility at one moment the last counts; a value that is not known
        gives no reading.
        """
        series: dict[tuple[str, str], dict[int, float]] = {}
        for act in acts:
            if act.kind in _MOVES:
                for indicator, figure in _READINGS.items():
                    points = series.setdefault((act.facility, indicator), {})
                    points.pop(act.at, None)
                    if figure in act.figures:
                        points[act.at] = float(act.figures[figure])
        return [
            Derived(
                ThingKey("facility", facility),
                indicator,
                np.fromiter(points, np.int64, len(points)),
                np.fromiter(points.values(), np.float64, len(points)),
            )
            for (facility, indicator), points in series.items()
            if points
        ]

    def freeze(self) -> Any:
        """All that the desk remembers, as plain values."""
        against: list[Any] = [[pack, list(thing), {**said}]
                   for (pack, thing), said in self._against.items()]  # fmt: skip
        contested = [[facility, list(thing), found]
                     for (facility, thing), found in self._contested.items()]  # fmt: skip
        return {
            "accounts": [account.freeze() for account in self.accounts.values()],
            "prices": {name: [*map(list, days)] for name, days in self._prices.items()},
            "against": msgspec.to_builtins(against, str_keys=True),
            "contested": msgspec.to_builtins(contested),
            "unvalued": msgspec.to_builtins(self._unvalued),
        }

    def thaw(self, kept: Any) -> None:
        """Take over what :meth:`freeze` gave."""
        accounts = (Account.thaw(self.tenant, one, books=self.books) for one in kept["accounts"])
        self.accounts = {account.terms.id: account for account in accounts}
        self._prices = {n: [(t, v) for t, v in days] for n, days in kept["prices"].items()}
        self._against = {
            (pack, ThingKey(*thing)): {
                Digest(k): msgspec.convert(w, Words) for k, w in said.items()
            }
            for pack, thing, said in kept["against"]
        }
        self._contested = {
            (facility, ThingKey(*thing)): msgspec.convert(found, Finding)
            for facility, thing, found in kept["contested"]
        }
        self._unvalued = msgspec.convert(kept["unvalued"], dict[str, Finding])

    def facilities(self, names: Iterable[str] | None = None) -> list[dict[str, Any]]:
        """Facilities as plain values, in order of opening (see :meth:`Account.snapshot`)."""
        wanted = None if names is None else set(names)
        return [
            {**account.snapshot(), "source": account.source}
            for name, account in self.accounts.items()
            if wanted is None or name in wanted
        ]

    def facilities_of(self, thing: ThingKey, now: Now) -> tuple[str, ...]:
        """The facilities whose pool a thing belongs to, or whose terms name it, such as its price.

        They come in order of opening.
        """
        if thing.kind == "facility":
            return (thing.id,) if thing.id in self.accounts else ()
        if thing.kind == "obligor":
            owed = self.accounts.items()
            return tuple(name for name, account in owed if account.terms.obligor == thing.id)
        around = {thing, *now.twin.above(thing)}
        return tuple(
            name
            for name, account in self.accounts.items()
            if account.is_marked
            and account.terms.pack in {now.pack.name, ""}
            and (
                account.terms.root in around
                or thing in account.members
                or str(thing) in account.terms.own.values()
            )
        )

    def account(self, facility: str) -> Account:
        """The account of a facility.

        Raises:
            NotFound: there is none.
        """
        account = self.accounts.get(facility)
        if account is None:
            raise NotFound(f"there is no facility {facility!r}")
        return account

    # ---- what a mark is made of ------------------------------------------------------------

    def admit(self, account: Account, now: Now) -> list[Said]:
        """Pledge what has come into the pool; what is pledged elsewhere is a finding."""
        there = account.terms.root, account.terms.kind
        if not now.twin.within(*there):
            return []
        contested = pools.admit(account, now.twin, at=now.at, known=now.known)
        said: list[Said] = []
        for thing, contests in contested.items():
            key = (account.terms.id, thing)
            if key not in self._contested:
                self._contested[key] = found = warn(
                    now, self.tenant, rule="pledged_twice", thing=thing,
                    reasons=[one.words for one in contests],
                    because=(Cause("act", account.opening),),
                )  # fmt: skip
                said.append(found)
        for key, found in [*self._contested.items()]:
            if key[0] == account.terms.id and key[1] in account.members:
                del self._contested[key]
                said.append(Cleared(self.tenant, found.id, now.at, None, ()))
        return said

    def revalue(self, account: Account, now: Now) -> list[Said]:
        """Value the pool as it stands, and say what is missing where it cannot be valued."""
        valuation = self.valued(account, now, members=account.members)
        lent = self.lent(account, now, valuation=valuation)
        said: list[Said] = [*account.value(valuation, now.at, lent=lent)]
        if said:
            said += calls.settle(account, now.at, because=account.revaluation)
        name, missing = account.terms.id, account.figures.missing
        if missing and name not in self._unvalued:
            self._unvalued[name] = found = warn(
                now, self.tenant, rule="not_valued", thing=ThingKey("facility", name),
                reasons=missing, because=account.revaluation,
            )  # fmt: skip
            said.append(found)
        elif not missing and name in self._unvalued:
            over = self._unvalued.pop(name)
            said.append(Cleared(self.tenant, over.id, now.at, None, account.revaluation))
        return said

    def valued(self, account: Account, now: Now, *, members: Iterable[ThingKey]) -> Valuation:
        """The value of some things as the pool of a facility."""
        twin: TwinReader = pools.Pool(now.twin, account, members=members)
        return now.pack.value(account.terms.for_valuer(), twin, now.at)

    def lent(self, account: Account, now: Now, *, valuation: Valuation) -> tuple[Lent, ...] | None:
        """What is lent against each thing; None where one haircut for all is the whole policy."""
        policy = account.terms.policy
        plain = policy.eligibility is None and not policy.concentration
        if valuation.missing or valuation.value is None:
            return None
        if plain and not policy.evidence_haircut and policy.dynamic_haircut is None:
            return None
        grounds = _Grounds(self, account, now=now)
        return lend(account.terms, valuation, twin=now.twin, at=now.at, grounds=grounds,
                    dynamic=self._dynamic(account, now))  # fmt: skip

    def contradictions(self, pack: str, thing: ThingKey, *, facility: str) -> Sequence[Words]:
        """What speaks against a thing: open findings that contradict it, and other doubts."""
        found = [*self._against.get((pack, thing), {}).values()]
        return [*found, *(words for doubt in self.doubts for words in doubt(facility, thing))]

    def _dynamic(self, account: Account, now: Now) -> tuple[Decimal | None, Words] | None:
        asked = account.terms.policy.dynamic_haircut
        if asked is None or self._fall is None:
            return None
        kind, _, name = asked.series.partition(":")
        price = now.twin.latest(ThingKey(kind, name), "price")
        days = self._prices.setdefault(asked.series, [])
        if price is not None and (not days or price.event_time > days[-1][0]):
            days.append((price.event_time, price.value))
            del days[:-_KEPT]
        return self._fall(days, horizon_days=asked.horizon_days, confidence=asked.confidence)

    def _prior(self, account: Account, at: int) -> Decimal:
        """What those of a better rank on the same things are owed."""
        names = pools.seniors(account, self.books.register, at=at)
        owed = (self.accounts[n].figures.exposure for n in sorted(names) if n in self.accounts)
        return sum(owed, Decimal(0))

    def _warn(self, facility: str, finding: Finding) -> Act:
        return early_warning(finding, tenant=self.tenant, facility=facility)

    def _breached(self, finding: Finding) -> Account | None:
        kind, ident = finding.thing
        if finding.rule != BREACH or kind != "facility":
            return None
        return self.accounts.get(ident)


_KEPT: Final = 2_600
"""Days of a price that are remembered: ten years of trading days, and some."""


class _Grounds:
    """What the desk knows of a thing: see :class:`wuxin.finance.lending.Grounds`."""

    def __init__(self, desk: "Marking", account: Account, *, now: Now) -> None:
        self._desk, self._pack, self._facility = desk, now.pack.name, account.terms.id
        self._held = pools.held(account, now.at)

    def pledge(self, thing: ThingKey) -> Pledge | None:
        """Its entry in the register of pledges."""
        return self._held.get(thing)

    def against(self, thing: ThingKey) -> Sequence[Words]:
        """What contradicts it."""
        return self._desk.contradictions(self._pack, thing, facility=self._facility)
