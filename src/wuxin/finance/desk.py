"""The desk: the finance room of one tenant, as the main path sees it.

It reads no clock and keeps its own state only: equal commands, marks and findings give equal acts.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np

from wuxin.finance.account import Account
from wuxin.finance.alert import early_warning
from wuxin.finance.facility import amount, read_terms
from wuxin.terms.errors import BadInput, Conflict, NotFound
from wuxin.terms.money import money
from wuxin.terms.names import Tenant, ThingKey
from wuxin.terms.records import Act, Cause, Cleared, Command, Finding
from wuxin.terms.standards import Derived, TwinReader, Valuer

BREACH: Final = "loan_to_value_breach"
"""The rule on a facility whose finding makes a margin call due."""

_MOVES: Final = frozenset({"facility_opened", "revaluation", "top_up", "repayment", "disposal"})
_READINGS: Final = {
    "collateral_value": "value",
    "outstanding": "outstanding",
    "loan_to_value": "loan_to_value",
    "maximum_loan_to_value": "maximum_loan_to_value",
}


class Desk:
    """The facilities of one tenant on the things of one pack.

    Args:
        tenant: whose books these are.
        value: the pack's valuer.
        above: the things that a thing stands within, by whatever order; with it a finding on
            anything below a pool's root concerns the facility at once. Without it, the root and
            what the pool held at the last mark do.
    """

    def __init__(
        self,
        tenant: Tenant,
        value: Valuer,
        *,
        above: Callable[[ThingKey], Iterable[ThingKey]] = lambda _thing: (),
    ) -> None:
        self._tenant = tenant
        self._value = value
        self._above = above
        self._accounts: dict[str, Account] = {}
        self._commands: dict[str, Callable[[Command, Account], list[Act]]] = {
            "top_up": self._pay,
            "repay": self._pay,
            "order_disposal": self._order_disposal,
            "dispose": self._dispose,
        }

    def obey(self, command: Command, twin: TwinReader) -> list[Act]:
        """Do what a person or the core system ordered; a refused command changes nothing.

        ``open_facility`` has the facility's table as body; ``top_up`` and ``repay``
        have ``amount``; ``dispose`` has ``proceeds``, or ``price`` per unit of the pool as last
        valued; ``order_disposal`` has none. Amounts are text, in the facility's currency.

        Raises:
            BadInput: the command or a field of its body is unknown, missing or cannot be meant.
            NotFound: no such facility.
            Conflict: it contradicts what stands (opened twice, paid too much, nothing overdue).
        """
        if command.do == "open_facility":
            return self._open(command, twin)
        obeyed = self._commands.get(command.do)
        if obeyed is None:
            known = ", ".join(("open_facility", *self._commands))
            raise BadInput(f"there is no command {command.do!r}; commands are {known}")
        return obeyed(command, self._account(command.facility))

    def mark(self, at: int, twin: TwinReader) -> list[Act]:
        """Mark to market at a tick of event time (ns): revaluations, further calls, deadlines."""
        acts = []
        for account in self._accounts.values():
            terms = account.terms
            if at >= terms.opened and account.is_marked:
                account.members = frozenset(twin.within(terms.root, terms.kind))
                valuation = self._value(terms.for_valuer(), twin, at)
                acts += account.value(valuation, at)
                acts += account.call(at)
                acts += account.check_deadlines(at)
        return acts

    def judge(self, finding: Finding) -> list[Act]:
        """What a finding means for the loans it concerns.

        A breach of loan to value is called; where it is too small to call, or covered by open
        calls, it is an early warning like any other red or amber finding on a pool.
        """
        if finding.level == "info":
            return []
        breached = self._breached(finding)
        if breached is not None:
            breached.breach = finding
            called = breached.call(finding.raised)
            return called or [self._warn(breached.terms.id, finding)]
        return [self._warn(facility, finding) for facility in self.facilities_of(finding.thing)]

    def end(self, cleared: Cleared, finding: Finding) -> list[Act]:
        """A finding is over: no further calls come of it, and calls that are met close.

        A breach ends at the maximum, a call at the target (see :mod:`wuxin.finance.call`).
        """
        account = self._breached(finding)
        if account is None or account.breach is None or account.breach.id != cleared.finding:
            return []
        account.breach = None
        return account.settle(cleared.at, (Cause("finding", finding.id),))

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
        return [account.freeze() for account in self._accounts.values()]

    def thaw(self, kept: Any) -> None:
        """Take over what :meth:`freeze` gave."""
        accounts = (Account.thaw(self._tenant, one) for one in kept)
        self._accounts = {account.terms.id: account for account in accounts}

    def facilities(self) -> list[dict[str, Any]]:
        """All facilities as plain values, in order of opening (see :meth:`Account.snapshot`)."""
        return [account.snapshot() for account in self._accounts.values()]

    def facilities_of(self, thing: ThingKey) -> tuple[str, ...]:
        """The facilities whose pool a thing belongs to, in order of opening."""
        around = {thing, *self._above(thing)}
        return tuple(
            name
            for name, account in self._accounts.items()
            if account.is_marked and (account.terms.root in around or thing in account.members)
        )

    def _warn(self, facility: str, finding: Finding) -> Act:
        return early_warning(finding, tenant=self._tenant, facility=facility)

    def _account(self, facility: str) -> Account:
        account = self._accounts.get(facility)
        if account is None:
            raise NotFound(f"there is no facility {facility!r}")
        return account

    def _breached(self, finding: Finding) -> Account | None:
        kind, ident = finding.thing
        if finding.rule != BREACH or kind != "facility":
            return None
        return self._accounts.get(ident)

    def _open(self, command: Command, twin: TwinReader) -> list[Act]:
        terms = read_terms(command.body)
        if command.facility not in {"", terms.id}:
            raise BadInput(f"the command is for {command.facility!r}, its terms are {terms.id!r}'s")
        if terms.id in self._accounts:
            raise Conflict(f"facility {terms.id!r} is already open")
        account = Account(self._tenant, terms)
        account.members = frozenset(twin.within(terms.root, terms.kind))
        self._accounts[terms.id] = account
        return [account.opened(command.at, by=command.by, because=_told(command))]

    def _pay(self, command: Command, account: Account) -> list[Act]:
        paid = amount(_field(command, "amount"), account.terms.currency)
        kind = "top_up" if command.do == "top_up" else "repayment"
        return account.pay(kind, paid, at=command.at, by=command.by, because=_told(command))

    def _order_disposal(self, command: Command, account: Account) -> list[Act]:
        return account.order_disposal(command.at, by=command.by, because=_told(command))

    def _dispose(self, command: Command, account: Account) -> list[Act]:
        if "price" in command.body:
            price = money(str(command.body["price"]), account.terms.currency).amount
            proceeds = account.proceeds_at(price)
        else:
            proceeds = amount(_field(command, "proceeds"), account.terms.currency)
        if proceeds < 0:
            raise BadInput("proceeds below zero cannot be booked as a disposal")
        return account.dispose(proceeds, command.at, by=command.by, because=_told(command))


def _told(command: Command) -> tuple[Cause, ...]:
    return (Cause("command", command.id),)


def _field(command: Command, name: str) -> Any:
    if name not in command.body:
        raise BadInput(f"{command.do} of facility {command.facility!r} has no {name}")
    return command.body[name]
