"""What a rating reads: figures that the house has of an obligor, each with what it came from.

A figure that is not known is None and never zero. Which there are, and what they mean, stands in
``docs/rooms/credit.md``.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from wuxin.finance.account import Account
from wuxin.finance.credit_ports import Value
from wuxin.finance.facility import Terms
from wuxin.finance.standing import Standing, acts, joined
from wuxin.terms.counter import Now
from wuxin.terms.errors import BadInput
from wuxin.terms.money import exact
from wuxin.terms.names import Digest, ThingKey
from wuxin.terms.records import Cause, Level

MACHINES: Final = ("machine_stability", "machine_activity", "machine_trend")
"""Inputs that a facility's terms may take from indicators: ``credit_inputs = { … }``."""

_PLACES: Final = Decimal("0.000001")
_ZERO: Final = Decimal(0)
_NONE: Final[tuple[Cause, ...]] = ()


class Input(NamedTuple):
    """One input of a rating: its value, and what it came from."""

    value: Value
    because: tuple[Cause, ...] = ()

    @property
    def text(self) -> str:
        """The value as acts write it; empty where it is not known."""
        if self.value is None:
            return ""
        return str(self.value).lower() if isinstance(self.value, bool) else f"{self.value:f}"


class Measured(msgspec.Struct, frozen=True):
    """What machines said for a facility when its clock last moved."""

    value: Decimal
    because: tuple[Cause, ...]


class Open(msgspec.Struct, frozen=True):
    """An open finding: on which thing of which pack, and who has pledged that.

    An amber one counts once it has ``stood`` over the end of a day, so that an hour of weather
    moves no rating; a red one counts at once.
    """

    pack: str
    thing: ThingKey
    level: Level
    obligors: tuple[str, ...]
    stood: bool

    @property
    def counts(self) -> bool:
        """Whether it moves a rating yet."""
        return self.stood or self.level == "red"


class Asked(NamedTuple):
    """What an applicant asks for, and the revenue it declares; both in one currency."""

    amount: Decimal
    currency: str
    declared: Decimal | None
    other_debt: Decimal | None


def check_mapping(terms: Terms, now: Now) -> None:
    """Refuse a facility whose ``credit_inputs`` name what there is not.

    Raises:
        BadInput: an indicator is not the pack's, or an input is not one of machines.
    """
    for indicator, name in _mapping(terms).items():
        if indicator not in now.pack.indicators:
            raise BadInput(f"credit_inputs: pack {now.pack.name} has no indicator {indicator!r}")
        if name not in MACHINES:
            raise BadInput(f"credit_inputs: {name!r} is not one of {', '.join(MACHINES)}")


def measure(terms: Terms, now: Now) -> dict[str, Measured]:
    """What the indicators of a facility's ``credit_inputs`` say now.

    The pool's root speaks where it has the indicator, else the mean of its things does.
    """
    found = {}
    for indicator, name in _mapping(terms).items():
        things: Sequence[ThingKey] = (terms.root, *now.twin.within(terms.root, terms.kind))
        latest = [(thing, now.twin.latest(thing, indicator)) for thing in dict.fromkeys(things)]
        known = [(thing, one) for thing, one in latest if one is not None]
        if known and known[0][0] == terms.root:
            known = known[:1]
        if known:
            values = [exact(one.value) for _, one in known]
            mean = (sum(values, _ZERO) / len(values)).quantize(_PLACES)
            causes = joined((c for _, one in known for c in now.twin.causes(one)), most=4)
            found[name] = Measured(mean, causes)
    return found


def gather(
    standing: Standing, accounts: Sequence[Account], *, machines: Mapping[str, dict[str, Measured]],
    findings: Mapping[Digest, Open], asked: Asked | None = None,
) -> dict[str, Input]:  # fmt: skip
    """All inputs of an obligor.

    Args:
        standing: what is remembered of it.
        accounts: its facilities.
        machines: what machines said, by facility and input.
        findings: those that are open on what it has pledged, by id.
        asked: what it applies for; None where it does not.
    """
    mine = {
        key: one for key, one in findings.items() if one.counts and standing.obligor in one.obligors
    }
    return {
        "applying": Input(asked is not None),
        **_against_revenue(standing, accounts, asked=asked),
        **_told(standing),
        **_loans(accounts),
        **{
            f"open_{level}": Input(
                Decimal(sum(one.level == level for one in mine.values())),
                tuple(Cause("finding", k) for k, one in mine.items() if one.level == level),
            )
            for level in ("red", "amber")
        },
        **{name: _machine(accounts, machines, name=name) for name in MACHINES},
    }


def open_accounts(accounts: Iterable[Account]) -> list[Account]:
    """Facilities that have not ended by being repaid in full."""
    return [a for a in accounts if not _is_closed(a)]


def principals(accounts: Iterable[Account], currency: str) -> Decimal:
    """What the principals of open facilities come to in a currency."""
    amounts = (a.terms.principal for a in open_accounts(accounts) if a.terms.currency == currency)
    return sum(amounts, _ZERO)


def _is_closed(account: Account) -> bool:
    loan = account.loan
    return account.is_paid_out and loan.owed == 0 and not loan.written_off


def _mapping(terms: Terms) -> dict[str, str]:
    given = terms.own.get("credit_inputs", {})
    if not isinstance(given, Mapping):
        raise BadInput("credit_inputs must be a table: indicator = input")
    return {str(k): str(v) for k, v in given.items()}


def _against_revenue(
    standing: Standing, accounts: Sequence[Account], *, asked: Asked | None
) -> dict[str, Input]:
    told = standing.told
    currency = asked.currency if asked else standing.currency
    stated = told.revenue if told and standing.currency == currency else None
    revenue = stated if stated is not None or asked is None else asked.declared
    because = acts(told.act) if told and stated is not None else _NONE
    others = [a for a in open_accounts(accounts) if a.terms.currency != currency]
    lent = sum((_committed(a) for a in open_accounts(accounts)), _ZERO)
    lent += (asked.amount + (asked.other_debt or _ZERO)) if asked else _ZERO
    known = revenue is not None and revenue > 0
    return {
        "requested_to_revenue": Input(_ratio(asked.amount, revenue) if asked else None, because),
        "exposure_to_revenue": Input(_ratio(lent, None if others else revenue), because),
        "revenue_declared": Input(known and stated is None if asked else None),
    }


def _committed(account: Account) -> Decimal:
    return account.loan.outstanding if account.is_paid_out else account.terms.principal


def _ratio(part: Decimal, whole: Decimal | None) -> Decimal | None:
    return (part / whole).quantize(_PLACES) if whole is not None and whole > 0 else None


def _told(standing: Standing) -> dict[str, Input]:
    told, score = standing.told, standing.score
    contradicted, agreed = [*standing.contradicted], [*standing.agreed]
    because = acts(told.act) if told else _NONE
    trusts = [fact.trust for fact in agreed if fact.trust is not None]
    findings = tuple(Cause("finding", f.finding.id) for f in contradicted if f.finding)
    return {
        "statement_months": Input(Decimal(told.months) if told else None, because),
        "statement_red": Input(Decimal(told.red) if told else None, because),
        "statement_amber": Input(Decimal(told.amber) if told else None, because),
        "claims_contradicting": Input(
            Decimal(len(contradicted)) if standing.facts else None, findings
        ),
        "claims_trust": Input(min(trusts, default=None), acts(*(f.act for f in agreed))),
        "score_probability": Input(score.probability, acts(score.act)) if score else Input(None),
    }


def _loans(accounts: Sequence[Account]) -> dict[str, Input]:
    """Arrears, loans written off, and the worst of loan to value against its maximum."""
    if not accounts:
        return {n: Input(None) for n in ("arrears_days", "written_off", "loan_to_maximum")}
    late = max(accounts, key=lambda a: a.arrears_days)
    lost = [a for a in accounts if a.loan.written_off]
    worst, because = None, _NONE
    for account in open_accounts(accounts):
        share = account.figures.loan_to_value
        if share is None or account.loan.written_off:
            continue
        against = (share / account.terms.maximum).quantize(_PLACES)
        if worst is None or against > worst:
            worst, because = against, account.revaluation
    return {
        "arrears_days": Input(Decimal(late.arrears_days), acts(late.opening)),
        "written_off": Input(Decimal(len(lost)), acts(*(a.opening for a in lost))),
        "loan_to_maximum": Input(worst, because),
    }


def _machine(
    accounts: Sequence[Account], machines: Mapping[str, dict[str, Measured]], *, name: str
) -> Input:
    """The worst that the machines of open facilities say."""
    found = [
        machines[a.terms.id][name]
        for a in open_accounts(accounts)
        if name in machines.get(a.terms.id, {})
    ]
    if not found:
        return Input(None)
    worst = min(found, key=lambda one: one.value)
    return Input(worst.value, worst.because)
