"""What happens to the margin calls of an account: made, met, disputed, overdue, disposed for."""

from decimal import Decimal
from typing import Final, NamedTuple

from msgspec.structs import replace

from wuxin.finance.account import Account
from wuxin.finance.call import Call, to_call
from wuxin.terms.clock import iso
from wuxin.terms.errors import Conflict, NotFound
from wuxin.terms.money import minor
from wuxin.terms.records import Act, Cause

_ZERO: Final = Decimal(0)


class Mandate(NamedTuple):
    """When something is done (ns), by whom, and because of what."""

    at: int
    by: str
    because: tuple[Cause, ...]


def make(account: Account, at: int) -> list[Act]:
    """Call for what an open breach needs beyond the calls that are open already."""
    now = account.figures
    if account.breach is None or not account.is_marked:
        return []
    if now.needed is None or not account.is_breached:
        return []
    called = to_call(account.terms, now.needed, open_calls=account.calls)
    if called == 0:
        return []
    account.called += 1
    call = Call(
        number=account.called,
        issued=at,
        amount=called,
        deadline=at + account.terms.call_deadline,
        paid=minor(_ZERO, account.terms.currency),
    )
    because = (Cause("finding", account.breach.id), *account.revaluation)
    told = {
        "needed": str(now.needed),
        "target_loan_to_value": str(account.terms.target),
        "minimum_transfer": str(account.terms.minimum_transfer),
        "rounding": str(account.terms.rounding),
    }
    act = account.act("margin_call", at, because=because, **call.words(), **told)
    account.calls = (*account.calls, replace(call, act=act.id))
    return [act]


def settle(account: Account, at: int, *, because: tuple[Cause, ...]) -> list[Act]:
    """Close the calls that are met: paid in full, or all of them at the target.

    With the last open call an order of disposal lapses.
    """
    restored = account.figures.needed == 0
    met = [call for call in account.calls if restored or call.due == 0]
    account.calls = tuple(call for call in account.calls if call not in met)
    account.ordered = account.ordered if account.calls else ()
    return [
        account.act(
            "margin_call_met", at, because=(Cause("act", call.act), *because),
            met_by="payment" if call.due == 0 else "target restored", **call.words(),
        )
        for call in met
    ]  # fmt: skip


def dispute(
    account: Account, number: int, *, amount: Decimal, mandate: Mandate, reason: str
) -> list[Act]:
    """The obligor disputes a part of a call; the rest of it stays due at its deadline.

    Raises:
        NotFound: there is no such open call.
        Conflict: its deadline has passed, it is disputed already, or less than that is due.
    """
    call = _open(account, number)
    if call.state != "issued" or mandate.at > call.deadline:
        raise Conflict(f"call {number} is {call.state} since {iso(call.issued)}: too late")
    if not 0 < amount <= call.due:
        raise Conflict(f"of call {number} {call.due} is due, and {amount} cannot be disputed")
    until = call.deadline + account.terms.call_deadline
    changed = replace(call, state="disputed", disputed=amount, resolve_by=until)
    _put(account, changed)
    causes = (*mandate.because, Cause("act", call.act))
    told = {"reason": reason, "resolve_by": iso(until), **changed.words()}
    return [account.act("margin_call_disputed", mandate.at, by=mandate.by, because=causes, **told)]


def resolve(
    account: Account, number: int, *, amount: Decimal, mandate: Mandate, reason: str
) -> list[Act]:
    """End a dispute: so much of what was disputed is owed after all, by the later deadline.

    Raises:
        NotFound: there is no such open call.
        Conflict: it is not in dispute, or more is upheld than was disputed.
    """
    call, at = _open(account, number), mandate.at
    if call.state != "disputed":
        raise Conflict(f"call {number} is not in dispute")
    if not 0 <= amount <= call.disputed:
        raise Conflict(f"{call.disputed} of call {number} is disputed, not {amount}")
    changed = replace(
        call, state="issued", amount=call.amount - (call.disputed - amount), disputed=_ZERO,
        deadline=max(call.deadline, at + account.terms.call_deadline),
    )  # fmt: skip
    _put(account, changed)
    causes = (*mandate.because, Cause("act", call.act))
    told = {"upheld": str(amount), "waived": str(call.disputed - amount), "reason": reason}
    act = account.act("margin_call_dispute_resolved", at, by=mandate.by, because=causes, **told,
                      **changed.words())  # fmt: skip
    return [act, *settle(account, at, because=(Cause("act", act.id),))]


def check_deadlines(account: Account, at: int) -> list[Act]:
    """Escalate calls whose deadline has passed, and order disposal where the contract says so.

    Disposal is ordered by the contract only while loan to value is above the maximum.
    """
    acts = []
    for call in account.calls:
        if call.is_late(at):
            told = {"to": "approver", "call_due": str(call.due), **call.words()}
            acts.append(
                account.act("margin_call_overdue", at, because=(Cause("act", call.act),), **told)
            )
    account.calls = tuple(
        replace(c, state="overdue") if c.is_late(at) else c for c in account.calls
    )
    due = account.terms.on_overdue == "dispose" and account.is_breached
    if acts and due and not account.ordered:
        overdue = tuple(Cause("act", act.id) for act in acts)
        acts += order_disposal(account, at, by=account.contract, because=overdue)
    return acts


def order_disposal(account: Account, at: int, *, by: str, because: tuple[Cause, ...]) -> list[Act]:
    """Order that the pool be sold.

    Raises:
        Conflict: no call is overdue, or the order stands already.
    """
    name = account.terms.id
    if account.ordered:
        raise Conflict(f"disposal of facility {name!r} is already ordered")
    if not account.is_overdue:
        raise Conflict(f"facility {name!r} has no overdue margin call to dispose for")
    told = {"pool": str(account.terms.root), "kind": account.terms.kind}
    overdue = (Cause("act", call.act) for call in account.calls if call.state == "overdue")
    causes = tuple(dict.fromkeys((*because, *overdue)))
    act = account.act("disposal_ordered", at, by=by, because=causes, **told)
    account.ordered = (Cause("act", act.id),)
    return [act]


def _open(account: Account, number: int) -> Call:
    found = [call for call in account.calls if call.number == number]
    if not found:
        raise NotFound(f"facility {account.terms.id!r} has no open call {number}")
    return found[0]


def _put(account: Account, changed: Call) -> None:
    account.calls = tuple(changed if c.number == changed.number else c for c in account.calls)
