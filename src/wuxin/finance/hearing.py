"""What people and models tell of an obligor: statements, facts from several sources, scores.

Statements are assessed and facts cross-checked at once; both become part of the rating.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from msgspec.structs import replace

from wuxin.finance import credit_bodies as bodies
from wuxin.finance.credit_ports import Assessed, Compared, Side
from wuxin.finance.periods import canonical
from wuxin.finance.rating import CONTRADICT, OBLIGOR, Rating, number
from wuxin.finance.standing import KEPT, Claim, Fact, Score, Standing, Told, acts
from wuxin.terms.counter import Now, Said, told, warn
from wuxin.terms.errors import BadInput, Conflict
from wuxin.terms.names import Digest, ThingKey
from wuxin.terms.records import Cleared, Command, Words

_FLAGS: Final = 20
_AGREED: Final = "agreed"
_APART: Final = frozenset({"odd", "contested"})


class Hearing(Rating):
    """Ratings, with what is told of obligors."""

    def take_statement(
        self, obligor: str, statement: Mapping[str, Any], *, command: Command, now: Now
    ) -> list[Said]:
        """Keep statements and assess all that are known.

        Raises:
            BadInput: they are not of the form.
            Conflict: they are in another currency than those before.
        """
        standing = self.known(obligor)
        whole = {**statement, "periods": _merged(standing.periods, statement.get("periods"))}
        found = self.ports.assess(whole)
        if standing.currency and found.currency != standing.currency:
            raise Conflict(
                f"the statements of {obligor!r} are in {standing.currency}, not {found.currency}"
            )
        figures = {"obligor": obligor, "company": found.company, "currency": found.currency,
                   "latest": found.latest, "months": str(found.months),
                   "revenue_of_a_year": number(found.revenue), **_flags(found)}  # fmt: skip
        self.standings[obligor] = standing
        act = self.act("statement_assessed", now, by=command.by, because=told(command),
                       figures=figures)  # fmt: skip
        standing.company, standing.currency = found.company, found.currency
        standing.periods = whole["periods"]
        levels = [flag.level for flag in found.flags]
        standing.told = Told(
            levels.count("red"), levels.count("amber"), found.months, found.revenue, act.id
        )
        return [act, *self.rate(obligor, now, because=acts(act.id))]

    def take_score(self, command: Command, said: bodies.TellScore, *, now: Now) -> list[Said]:
        """Keep a score that a model gave.

        Raises:
            BadInput: the probability is none.
        """
        probability = None if said.probability is None else _share(said.probability, "probability")
        figures = {"obligor": said.obligor, "model": said.model,
                   "probability": number(probability)}  # fmt: skip
        parts = {"reason": said.reasons, "missing": said.missing, "stability": said.stability}
        for name, sentences in parts.items():
            for place, words in enumerate(sentences[:_FLAGS], start=1):
                figures |= {f"{name}_{place}_zh": words.get("zh", ""),
                            f"{name}_{place}_en": words.get("en", "")}  # fmt: skip
        act = self.act("credit_scored", now, by=command.by, because=told(command), figures=figures)
        standing = self.standings[said.obligor] = self.known(said.obligor)
        standing.score = Score(probability, said.model, act.id)
        return [act, *self.rate(said.obligor, now, because=acts(act.id))]

    def take_claim(self, command: Command, said: bodies.TellClaim, *, now: Now) -> list[Said]:
        """Keep what a source says of a fact, and hold it against the others.

        Raises:
            BadInput: a number, the period or the unit cannot be meant.
        """
        if said.source.startswith("twin:"):
            raise BadInput("what the twin says is measured by the house and cannot be told")
        return self._claim(command, said, now=now, shown={"source": said.source})

    def take_measured(
        self, command: Command, said: bodies.MeasuredClaim, *, now: Now
    ) -> list[Said]:
        """Keep what the house itself has summed from the twin."""
        names = [name for name in bodies.TellClaim.__struct_fields__ if hasattr(said, name)]
        source = f"twin:{said.thing}/{said.indicator}"
        claim = bodies.TellClaim(**{n: getattr(said, n) for n in names}, source=source)
        shown = {"source": source, "pack": said.pack, "thing": said.thing,
                 "indicator": said.indicator, "readings": str(said.readings),
                 "known_by_batch": str(said.known_by_batch)}  # fmt: skip
        return self._claim(command, claim, now=now, shown=shown)

    def _claim(
        self, command: Command, said: bodies.TellClaim, *, now: Now, shown: dict[str, str]
    ) -> list[Said]:
        standing, period = self.known(said.obligor), canonical(said.period)
        key = f"{said.fact}\n{period}"
        rate = _number(said.rate, "rate")
        claim = Claim(
            said.source, _number(said.value, "value") * rate, said.unit,
            _share(said.tolerance_share, "tolerance_share"), said.reason, said.origin, Digest(""),
        )  # fmt: skip
        before = standing.facts.get(key, Fact())
        found = self.ports.compare(_sides({**before.claims, said.source: claim}))
        figures = {"obligor": said.obligor, "fact": said.fact, "period": period, **shown,
                   "value": number(claim.value), "unit": said.unit,
                   "tolerance_share": number(claim.share), "reason": said.reason}  # fmt: skip
        if rate != 1 or said.rate_reason:
            figures |= {"measured": str(said.value), "rate": number(rate),
                        "rate_reason": said.rate_reason}  # fmt: skip
        if said.source in before.claims:
            figures["value_before"] = number(before.claims[said.source].value)
        self.standings[said.obligor] = standing
        act = self.act("claim_told", now, by=command.by, because=told(command), figures=figures)
        fact = standing.facts.setdefault(key, before)
        fact.claims = {**fact.claims, said.source: replace(claim, act=act.id)}
        more = self._compared(standing, key, found=found, now=now)
        standing.forget()
        return [act, *more, *self.rate(said.obligor, now, because=acts(act.id))]

    def _compared(self, standing: Standing, key: str, *, found: Compared, now: Now) -> list[Said]:
        """What follows from holding the sources of a fact against each other."""
        fact, (name, _, period) = standing.facts[key], key.partition("\n")
        because = acts(*(claim.act for claim in fact.claims.values()))
        fact.state, fact.trust = found.state, _trust(found.trust)
        said: list[Said] = []
        if fact.finding is not None:
            said.append(Cleared(self.tenant, fact.finding.id, now.at, found.value, because))
            fact.finding = None
        if found.state in _APART:
            fact.finding = warn(
                now, self.tenant, rule=CONTRADICT, thing=ThingKey(OBLIGOR, standing.obligor),
                reasons=_titled(found, name, period=period), because=because,
                since=now.at + self.said,
            )  # fmt: skip
            said.append(fact.finding)
        if found.state == _AGREED:
            figures = {"obligor": standing.obligor, "fact": name, "period": period,
                       "value": f"{found.value:.9g}", "trust": number(fact.trust),
                       "unit": next(iter(fact.claims.values())).unit}  # fmt: skip
            for place, words in enumerate(found.reasons[1:], start=1):
                figures |= {f"side_{place}_zh": words.zh, f"side_{place}_en": words.en}
            act = self.act("claims_agree", now, by="cross-check", because=because, figures=figures)
            said.append(act)
            fact.act = act.id
        return said


def _flags(found: Assessed) -> dict[str, str]:
    """Flags as figures of an act: each with its figures and threshold; and what is missing."""
    told = {"flags": str(len(found.flags))}
    for place, flag in enumerate(found.flags[:_FLAGS], start=1):
        told |= {
            f"flag_{place}": flag.name,
            f"flag_{place}_level": flag.level,
            f"flag_{place}_span": f"{flag.since}/{flag.until}",
            f"flag_{place}_figures": "; ".join(f"{k} {v}" for k, v in flag.figures.items()),
            f"flag_{place}_threshold": flag.threshold,
            f"flag_{place}_zh": flag.words.zh,
            f"flag_{place}_en": flag.words.en,
        }
    for place, words in enumerate(found.missing[:_FLAGS], start=1):
        told |= {f"missing_{place}_zh": words.zh, f"missing_{place}_en": words.en}
    return told


def _merged(known: Sequence[dict[str, Any]], given: Any) -> Any:
    """Periods that were known and are given now; of each the two newest forms are kept.

    Two forms of one period are a restatement, which the assessment names.
    """
    if not isinstance(given, list) or not all(isinstance(row, dict) for row in given):
        return given  # the assessment says what is wrong with it
    kept: list[dict[str, Any]] = []
    for row in [*known, *given]:
        if row in kept:
            kept.remove(row)
        kept.append(row)
        same = [one for one in kept if one.get("period") == row.get("period")]
        if len(same) > _FORMS:
            kept.remove(same[0])
    return kept[-KEPT:]


_FORMS: Final = 2


def _sides(claims: Mapping[str, Claim]) -> list[Side]:
    return [
        Side(name, float(one.value), one.unit, float(one.share), one.reason, one.origin)
        for name, one in claims.items()
    ]


def _titled(found: Compared, name: str, *, period: str) -> list[Words]:
    """The sides of a contradiction, the first sentence with fact and period before it."""
    head, *sides = found.reasons
    return [Words(f"{name}（{period}）：{head.zh}", f"{name} ({period}): {head.en}"), *sides]


def _trust(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(f"{value:.6f}")


def _number(given: str | int, name: str) -> Decimal:
    try:
        value = Decimal(str(given))
    except InvalidOperation:
        raise BadInput(f"{name} = {given!r} is not a number; write it as text") from None
    if not value.is_finite() or not -_DIGITS < value.adjusted() < _DIGITS:
        raise BadInput(f"{name} = {given!r} is not a number of at most {_DIGITS} digits")
    return value


def _share(given: str | int, name: str) -> Decimal:
    value = _number(given, name)
    if not 0 <= value <= 1:
        raise BadInput(f"{name} = {given!r} does not lie between 0 and 1")
    return value


_DIGITS: Final = 18
