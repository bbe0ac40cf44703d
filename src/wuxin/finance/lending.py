"""What is lent against each thing of a pool: eligible or not, its haircut, its groups, and why.

    valuation ─► per thing: criteria → haircut (kind, price, evidence) → concentration ─► lendable

A thing that may not be lent against keeps its value: it is collateral, but no ground for a loan.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_DOWN, Decimal
from typing import Final, Protocol

import msgspec

from wuxin.finance.eligibility import Fact, Line, concentrate, judge, read_criterion
from wuxin.finance.evidence_haircut import Sensor, evidence_haircut
from wuxin.finance.facility import Terms
from wuxin.finance.pledges import Pledge
from wuxin.terms.money import exact, minor
from wuxin.terms.names import ThingKey
from wuxin.terms.ports import Trust
from wuxin.terms.records import Words
from wuxin.terms.standards import TwinReader, Valuation, Witness

_ZERO: Final = Decimal(0)
_RECORDED: Final = Trust.SIGNED
"""A recording was opened by an operator; who spoke is judged where devices speak for themselves."""


class Lent(msgspec.Struct, frozen=True):
    """One thing: its value, the haircut on it, what is lent against it, and the reasons."""

    thing: ThingKey
    value: Decimal
    haircut: Decimal
    lendable: Decimal
    why: tuple[Words, ...] = ()


class Grounds(Protocol):
    """What is known about a thing besides its value."""

    def pledge(self, thing: ThingKey) -> Pledge | None:
        """Its entry in the register of pledges."""
        ...

    def against(self, thing: ThingKey) -> Sequence[Words]:
        """What contradicts it: open findings in words."""
        ...


def lend(
    terms: Terms, valuation: Valuation, *, twin: TwinReader, at: int, grounds: Grounds,
    dynamic: tuple[Decimal | None, Words] | None = None,
) -> tuple[Lent, ...]:  # fmt: skip
    """What is lent against each thing of a valued pool.

    Args:
        terms: of the facility; its policy says what is asked.
        valuation: of the pool, which is not missing.
        twin: the things as they stand.
        at: the moment (ns).
        grounds: what is pledged, and what speaks against a thing.
        dynamic: the haircut of the price (None: there is none) and why; None: nobody asks.
    """
    policy, found = terms.policy, []
    criterion = read_criterion(policy.eligibility) if policy.eligibility is not None else None
    for line in valuation.lines:
        value = minor(line.value.amount, terms.currency)
        pledge, against = grounds.pledge(line.thing), grounds.against(line.thing)
        why: list[Words] = []
        falls = dynamic[0] if dynamic else None
        haircut = terms.haircut if falls is None else max(terms.haircut, falls)
        if dynamic and (falls is None or falls > terms.haircut):
            why.append(dynamic[1])
        if policy.evidence_haircut:
            sensors = [_sensor(one, at, against=against) for one in twin.witnesses(line.thing)]
            cut = evidence_haircut(terms.haircut, sensors, dynamic=falls)
            haircut = cut.haircut
            why += [Words(f"{a.why.zh} +{a.add:%}", f"{a.why.en} +{a.add:%}")
                    for a in cut.added if a.add]  # fmt: skip
        if criterion is not None:
            answer = judge(criterion, facts(line.thing, twin, at=at, pledge=pledge))
            if not answer.eligible:
                haircut = Decimal(1)
                why += [failed.words for failed in answer.failed]
        lendable = _down(value * (1 - haircut), terms.currency) if value > 0 else value
        found.append(Lent(line.thing, value, haircut, lendable, tuple(why)))
    return _concentrated(terms, found, twin=twin, grounds=grounds)


def facts(thing: ThingKey, twin: TwinReader, *, at: int, pledge: Pledge | None) -> dict[str, Fact]:
    """What a criterion may ask of a thing: registered facts, papers, and how old its news are."""
    found: dict[str, Fact] = {name: exact(value) for name, value in twin.facts(thing).items()}
    above = twin.above(thing)
    heard = [w.heard for w in twin.witnesses(thing) if w.heard is not None]
    found |= {
        "kind": thing.kind, "thing": str(thing), "within": str(above[0]) if above else "",
        "silent_hours": Decimal((at - max(heard)) // 3_600_000_000_000) if heard else None,
        "pledged": pledge is not None,
    }  # fmt: skip
    if pledge is not None:
        insured = pledge.insurance is not None and pledge.insurance.ends > at
        found |= {
            "owner": pledge.owner, "custodian": pledge.custodian, "place": pledge.place.name,
            "lien": pledge.lien, "registered": bool(pledge.registry), "insured": insured,
            "documents": len(pledge.documents),
            "identified": any(not one.issuer.startswith("WUXIN") for one in pledge.identities),
        }  # fmt: skip
    return found


def total(lent: Iterable[Lent]) -> Decimal:
    """What is lent against all of it."""
    return max(_ZERO, sum((one.lendable for one in lent), _ZERO))


def _concentrated(
    terms: Terms, found: list[Lent], *, twin: TwinReader, grounds: Grounds
) -> tuple[Lent, ...]:
    if not terms.policy.concentration:
        return tuple(found)
    places = minor(_ZERO, terms.currency).as_tuple().exponent
    unit = Decimal(1).scaleb(int(places))
    lines = [
        Line(str(one.thing), int(max(one.lendable, _ZERO) / unit),
             _groups(one.thing, twin, pledge=grounds.pledge(one.thing)))
        for one in found
    ]  # fmt: skip
    counted = concentrate(lines, terms.policy.concentration)
    cuts: dict[str, list[Words]] = {}
    for cut in counted.cuts:
        cuts.setdefault(cut.thing, []).append(cut.words)
    return tuple(
        msgspec.structs.replace(
            one, lendable=min(one.lendable, minor(left * unit, terms.currency)),
            why=(*one.why, *cuts.get(str(one.thing), ())),
        )
        for one, left in zip(found, counted.lendable, strict=True)
    )  # fmt: skip


def _groups(thing: ThingKey, twin: TwinReader, *, pledge: Pledge | None) -> Mapping[str, str]:
    above = twin.above(thing)
    papers = {} if pledge is None else {
        "owner": pledge.owner, "custodian": pledge.custodian, "place": pledge.place.name,
    }  # fmt: skip
    within = {"within": str(above[0])} if above else {}
    return {"thing": str(thing), "kind": thing.kind, **within, **papers}


def _sensor(one: Witness, at: int, *, against: Sequence[Words]) -> Sensor:
    trust = Trust[one.trust.upper()] if one.trust else _RECORDED
    silence = None if one.heard is None else max(0, at - one.heard)
    return Sensor(one.name, trust, silence, one.allowed, tuple(against))


def _down(value: Decimal, currency: str) -> Decimal:
    """Money rounded down to its minor unit."""
    return value.quantize(minor(_ZERO, currency), ROUND_DOWN)
