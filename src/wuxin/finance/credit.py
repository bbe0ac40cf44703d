"""The counter for credit: applications, their decision, review and limit; ratings; what is told.

    apply ──► decided by the table ──► reviewed by a person ──► ended by another: limit, or declined

Four eyes: who reviews has not applied, who ends has neither applied nor reviewed. Money is computed
here, in Decimal; the table gives shares and rates only.
"""

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Final

from wuxin.finance import credit_bodies as bodies
from wuxin.finance import credit_inputs as inputs
from wuxin.finance.credit_inputs import Asked
from wuxin.finance.facility import Terms, amount
from wuxin.finance.hearing import Hearing
from wuxin.finance.rating import number, told_rows
from wuxin.finance.standing import Application, Limit, acts, joined
from wuxin.terms.counter import BANK, Now, Order, Said, told
from wuxin.terms.decisions import Graded
from wuxin.terms.errors import BadInput, Conflict, Forbidden, NotFound
from wuxin.terms.money import minor
from wuxin.terms.records import Command, Words

HOUSE: Final = "house"
"""The role of the house itself, in which nobody can sign in."""

_APPLICANTS: Final = ("borrower", "relationship_manager")
_TELLERS: Final = ("borrower", "relationship_manager", "risk_officer")
_BANKERS: Final = ("relationship_manager", "risk_officer", "core_system")
_ZERO: Final = Decimal(0)


class Credit(Hearing):
    """Credit of one bank, from the application to the limit, and the ratings after it."""

    @property
    def orders(self) -> Mapping[str, Order]:
        """What can be ordered about credit."""
        return {
            "apply": Order(
                bodies.Apply, self._apply, _APPLICANTS, Words("申请授信", "apply for credit"),
                of=BANK,
            ),
            "review": Order(
                bodies.Review, self._review, ("risk_officer",),
                Words("人工复核", "review a decision"), of=BANK,
            ),
            "decide": Order(
                bodies.Decide, self._decide, ("approver",),
                Words("审批额度", "end an application: limit, or declined"), of=BANK,
            ),
            "withdraw_application": Order(
                bodies.Withdraw, self._withdraw, _APPLICANTS,
                Words("撤回申请", "take an application back"), of=BANK,
            ),
            "tell_statement": Order(
                bodies.TellStatement, self._statement, _TELLERS,
                Words("提交财务报表", "hand in statements"), of=BANK,
            ),
            "tell_claim": Order(
                bodies.TellClaim, self.take_claim, _BANKERS,
                Words("录入一项事实的来源", "tell what a source says of a fact"), of=BANK,
            ),
            "measure_claim": Order(
                bodies.MeasuredClaim, self.take_measured, (HOUSE,),
                Words("以设备数据核实一项事实", "measure a fact from the twin"), of=BANK,
            ),
            "tell_score": Order(
                bodies.TellScore, self.take_score, _BANKERS[1:],
                Words("录入评分", "tell a score that a model gave"), of=BANK,
            ),
        }  # fmt: skip

    def check(self, terms: Terms, now: Now) -> None:
        """Refuse a facility beyond the limit of its obligor; without a limit nothing is refused.

        Raises:
            BadInput: its ``credit_inputs`` cannot be meant.
            Conflict: the limit does not leave room for its principal.
        """
        inputs.check_mapping(terms, now)
        limits = self.known(terms.obligor).limits
        if not limits:
            return
        limit = limits.get(terms.currency)
        if limit is None:
            raise Conflict(
                f"{terms.obligor!r} has a limit in {', '.join(limits)} and none in {terms.currency}"
            )
        used = self.used(terms.obligor, terms.currency)
        if used + terms.principal > limit.amount:
            raise Conflict(
                f"the limit of {terms.obligor!r} is {limit.amount} {terms.currency}: {used} is "
                f"used, and {terms.principal} more does not fit"
            )

    def used(self, obligor: str, currency: str) -> Decimal:
        """What the principals of an obligor's open facilities come to in a currency."""
        return inputs.principals(self.accounts_of(obligor), currency)

    def _apply(self, command: Command, said: bodies.Apply, *, now: Now) -> list[Said]:
        asked = _asked(said)
        facts: list[Said] = []
        if said.statement is not None:
            facts = self.take_statement(said.obligor, said.statement, command=command, now=now)
        name = f"A-{len(self.applications) + 1}"
        standing = self.known(said.obligor)
        because = (*told(command), *(acts(standing.told.act) if standing.told else ()))
        figures = {"application": name, "obligor": said.obligor, "product": said.product,
                   "amount": str(asked.amount), "currency": said.currency,
                   "purpose": said.purpose, "declared_revenue": number(asked.declared),
                   "declared_other_debt": number(asked.other_debt)}  # fmt: skip
        applied = self.act("credit_applied", now, by=command.by, because=because, figures=figures)
        found = self.gather(standing, asked=asked)
        graded = self.ports.engine.decide({n: one.value for n, one in found.items()})
        used = self.used(said.obligor, said.currency)
        limit = _limit(graded, asked, used=used, revenue=self._revenue(said.obligor, asked))
        figures = {"application": name, "obligor": said.obligor, "grade": graded.grade,
                   "action": graded.action, "limit": number(limit), "currency": said.currency,
                   "share_of_revenue": number(graded.share), "rate": number(graded.rate),
                   "used": str(used), "table": self.ports.engine.digest,
                   **{f"input_{n}": one.text for n, one in found.items()},
                   **told_rows(graded.rows)}  # fmt: skip
        for place, words in enumerate(graded.marks, start=1):
            figures |= {f"mark_{place}_zh": words.zh, f"mark_{place}_en": words.en}
        because = joined((*acts(applied.id), *(c for one in found.values() for c in one.because)))
        decided = self.act("credit_decided", now, by="table", because=because, figures=figures)
        self.applications[name] = Application(
            name, said.obligor, said.currency, asked.amount, command.by, graded.action, limit,
            decided.id,
        )  # fmt: skip
        return [*facts, applied, decided]

    def _review(self, command: Command, said: bodies.Review, *, now: Now) -> list[Said]:
        one = self._application(said.application, "decided")
        if _person(command.by) == _person(one.by):
            raise Forbidden(f"{command.by!r} has applied and cannot review the decision")
        own = {"approve": "approve", "decline": "decline"}.get(one.action)
        if said.verdict == "agree" and said.decision not in {None, own} and own is not None:
            raise Conflict(f"the decision is {own}; who sees it differently overrides it")
        if said.verdict == "override" and said.decision in {None, own}:
            raise BadInput(f"an override says another decision than {one.action}")
        outcome = said.decision or own
        if outcome is None:
            raise BadInput("the table refers this case to a person: say approve or decline")
        score = self.known(one.obligor).score
        figures = {"application": one.id, "obligor": one.obligor, "verdict": said.verdict,
                   "was": one.action, "now": outcome, "reason": said.reason,
                   "score_model": score.model if score else "",
                   "score_probability": number(score.probability) if score else ""}  # fmt: skip
        because = (*told(command), *acts(one.decision))
        act = self.act("credit_reviewed", now, by=command.by, because=because, figures=figures)
        one.state, one.reviewer, one.outcome, one.review = (
            "reviewed", command.by, outcome, act.id,
        )  # fmt: skip
        one.overridden = said.verdict == "override"
        return [act]

    def _decide(self, command: Command, said: bodies.Decide, *, now: Now) -> list[Said]:
        one = self._application(said.application, "reviewed")
        if _person(command.by) in {_person(one.by), _person(one.reviewer)}:
            raise Forbidden(f"{command.by!r} has applied or reviewed, and four eyes are asked for")
        limit = amount(said.limit, one.currency, zero=True)
        figures = {"application": one.id, "obligor": one.obligor, "currency": one.currency,
                   "reason": said.reason}  # fmt: skip
        because = (*told(command), *acts(one.decision, one.review))
        if not limit:
            one.state = "ended"
            return [self.act("credit_declined", now, by=command.by, because=because,
                             figures=figures)]  # fmt: skip
        if one.outcome != "approve":
            raise Conflict(f"the review of {one.id} says {one.outcome}: its limit can only be 0")
        if not one.overridden and one.limit is not None and limit > one.limit:
            raise Conflict(
                f"the table gives {one.id} a limit of {one.limit} {one.currency}; a higher one "
                "needs an override by the reviewer"
            )
        standing = self.standings[one.obligor] = self.known(one.obligor)
        before = standing.limits.get(one.currency)
        figures |= {
            "limit": str(limit),
            "limit_before": str(before.amount) if before else "",
            "used": str(self.used(one.obligor, one.currency)),
        }
        act = self.act("limit_set", now, by=command.by, because=because, figures=figures)
        standing.limits = {**standing.limits, one.currency: Limit(limit, act.id)}
        one.state = "ended"
        return [act]

    def _withdraw(self, command: Command, said: bodies.Withdraw, *, now: Now) -> list[Said]:
        one = self._application(said.application, "decided", "reviewed")
        one.state = "withdrawn"
        figures = {"application": one.id, "obligor": one.obligor, "reason": said.reason}
        because = (*told(command), *acts(one.decision))
        return [self.act("application_withdrawn", now, by=command.by, because=because,
                         figures=figures)]  # fmt: skip

    def _statement(self, command: Command, said: bodies.TellStatement, *, now: Now) -> list[Said]:
        return self.take_statement(said.obligor, said.statement, command=command, now=now)

    def _application(self, name: str, *states: str) -> Application:
        """An application in one of some states.

        Raises:
            NotFound: there is none of that name.
            Conflict: it stands elsewhere.
        """
        one = self.applications.get(name)
        if one is None:
            raise NotFound(f"there is no application {name!r}")
        if one.state not in states:
            raise Conflict(f"application {name} is {one.state}, not {' or '.join(states)}")
        return one

    def _revenue(self, obligor: str, asked: Asked) -> Decimal | None:
        """A year's revenue by statements, or else as it is declared."""
        standing = self.known(obligor)
        stated = standing.told.revenue if standing.told else None
        same = standing.currency == asked.currency
        return stated if stated is not None and same else asked.declared


def _person(by: str) -> str:
    """Whose eyes those are: a name stands for one person, in whichever role it signs."""
    role, colon, name = by.partition(":")
    return name if colon else role


def _asked(said: bodies.Apply) -> Asked:
    declared = said.declared
    money = {"revenue": declared.revenue, "other_debt": declared.other_debt}
    known = {
        name: None if value is None else amount(value, said.currency, zero=True)
        for name, value in money.items()
    }
    asked = amount(said.amount, said.currency)
    return Asked(asked, said.currency, known["revenue"], known["other_debt"])


def _limit(
    graded: Graded, asked: Asked, *, used: Decimal, revenue: Decimal | None
) -> Decimal | None:
    """What the table's share of revenue comes to, and not more than is used and asked for."""
    if graded.share is None or revenue is None:
        return None
    unit = minor(_ZERO, asked.currency)
    whole = max(revenue * graded.share, _ZERO).quantize(unit, ROUND_DOWN)
    return min(whole, used + asked.amount)
