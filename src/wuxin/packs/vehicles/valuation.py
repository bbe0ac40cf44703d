"""What used and new vehicles are worth to a lender: by age, mileage and condition, and the audit.

    value = price of a new one × newness      (present, or away with leave)
    value = half of it                        (away without, papers or keys missing)
    value = 0                                 (unseen, out of trust, stolen, settled)

Newness is of age and mileage, whichever leaves less, weighed with the inspection.

All in Decimal. The contract's haircut comes on top.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any, Final, NamedTuple

from wuxin.packs.vehicles.audit import (
    AUTHORISED,
    AWAY,
    OUT_OF_TRUST,
    PRESENT,
    SETTLED,
    UNSEEN,
)
from wuxin.terms.clock import duration, iso
from wuxin.terms.errors import BadInput
from wuxin.terms.money import Money, exact
from wuxin.terms.names import ThingKey, thing_key
from wuxin.terms.records import Cause, Measured, Words
from wuxin.terms.standards import TwinReader, Valuation, Valuer, Worth

STEPS: Final = ((3, Decimal("0.15")), (4, Decimal("0.10")), (3, Decimal("0.05")))
"""What a passenger car loses in a year: 15 % in the first three, 10 % in four, 5 % in three."""

STRETCH: Final = Decimal(60_000)
"""Kilometres of each of five stretches, which take 5, 4, 3, 2 and 1 fifteenths of the value."""

SCRAP: Final = Decimal("0.05")
"""The least share that a vehicle keeps."""

AGE_WEIGHT: Final = Decimal("0.6")
"""Weight of age and mileage; the rest is the inspection's."""

DOUBTED: Final = Decimal("0.5")
"""What a vehicle counts that is away, or whose papers or keys are missing: others could
sell it, or nobody without a court."""

_STOLEN: Final = 3
_YEAR: Final = Decimal(31_556_952)
_PLACES: Final = Decimal("0.0001")
_COUNTS: Final = {PRESENT: Decimal(1), AUTHORISED: Decimal(1), AWAY: DOUBTED,
                  UNSEEN: Decimal(0), OUT_OF_TRUST: Decimal(0), SETTLED: Decimal(0)}  # fmt: skip


class _Terms(NamedTuple):
    root: ThingKey
    kind: str
    currency: str
    age_weight: Decimal
    audited: bool
    audit_valid: int
    mileage_valid: int


def by_age(years: Decimal) -> Decimal:
    """The share of its new price that a car keeps by age (years, fractions count).

    Source: the ten-year scale of appraisers in China (15 %, 10 %, 5 %), as published by trade media
    (pcauto); a convention of the trade and no law.
    """
    left, rest = Decimal(1), max(years, Decimal(0))
    for span, each in STEPS:
        part = min(rest, Decimal(span))
        left -= part * each
        rest -= part
    return max(left, SCRAP)


def by_mileage(kilometres: Decimal) -> Decimal:
    """The share that it keeps by kilometres.

    Source: the "54321" rule of the trade: 300,000 km in five stretches (from general knowledge).
    """
    left, rest = Decimal(1), max(kilometres, Decimal(0))
    for part in (5, 4, 3, 2, 1):
        here = min(rest, STRETCH)
        left -= Decimal(part) / 15 * here / STRETCH
        rest -= here
    return max(left, SCRAP)


def newness(
    years: Decimal, *, kilometres: Decimal | None, condition: Decimal | None,
    age_weight: Decimal = AGE_WEIGHT,
) -> Decimal:  # fmt: skip
    """The comprehensive newness of a vehicle, a share.

    Age or mileage, whichever leaves less, weighed with the inspection's points out of 100; without
    an inspection the first alone. A car without mileage is taken by its age alone.

    Source: GB/T 30323-2013, cost approach: comprehensive newness is newness by years times a weight
    plus the inspection's points over 100 times the other, which together are 1 (formula as quoted
    in public code; the standard's weights are the appraiser's).
    """
    left = by_age(years)
    if kilometres is not None:
        left = min(left, by_mileage(kilometres))
    if condition is None:
        return left.quantize(_PLACES)
    points = min(max(condition, Decimal(0)), Decimal(100)) / 100
    # A good inspection does not make an old car younger than its scale says it is new.
    return min(left * age_weight + points * (1 - age_weight), (1 + left) / 2).quantize(_PLACES)


def mark_vehicles(terms: Mapping[str, Any], twin: TwinReader, *, at: int) -> Valuation:
    """Value a lot, a lease fleet or a carrier's lorries, vehicle by vehicle.

    Args:
        terms: ``pool`` (``root``, ``kind``: vehicle) and ``currency``; ``audited`` (default true:
            what the lot's audit says decides what counts; false for vehicles that are driven, which
            count where they are), ``audit_valid_for`` (3 d), ``mileage_valid_for`` (400 d),
            ``age_weight`` (0.6). Vehicles have the facts ``new_price`` and ``registered`` (a year
            with its fraction; none: new, unregistered, which counts its invoice).
        twin: the twin at that moment.
        at: the moment (ns).

    Raises:
        BadInput: a term is missing or cannot be meant; the text names it.
    """
    read = _read(terms)
    lines: list[Worth] = []
    missing: list[Words] = []
    because: list[Cause] = []
    states = [0] * 6
    with localcontext() as context:
        context.prec = 34
        for vehicle in twin.within(read.root, read.kind):
            price = twin.facts(vehicle).get("new_price")
            if not price:
                zh, en = f"{vehicle} 未登记新车价", f"{vehicle} has no fact new_price"
                missing.append(Words(zh, en))
                continue
            counted = _counted(vehicle, read, twin=twin, at=at, missing=missing, because=because)
            if counted is None:
                continue
            share, state = counted
            states[state] += 1
            kept = _kept(vehicle, read, twin=twin, at=at, because=because)
            worth = Money(exact(price) * kept * share, read.currency).rounded()
            each = Money(exact(price) * kept, read.currency).rounded()
            lines.append(Worth(vehicle, share, "1", each.amount, worth))
    if not lines and not missing:
        zh, en = f"{read.root} 下没有 {read.kind}", f"there is no {read.kind} under {read.root}"
        missing.append(Words(zh, en))
    causes = tuple(dict.fromkeys(because))
    if missing:
        return Valuation((), None, tuple(missing), causes)
    total = sum((line.value for line in lines), Money(Decimal(0), read.currency))
    names = ("present", "authorised", "away", "unseen", "out_of_trust", "settled")
    shown = {f"vehicles_{n}": str(c) for n, c in zip(names, states, strict=True)}
    return Valuation(tuple(lines), total, (), causes, shown if read.audited else {})


value: Final[Valuer] = lambda terms, twin, at: mark_vehicles(terms, twin, at=at)  # noqa: E731
"""The pack's valuation, :func:`mark_vehicles`, with its three arguments by place as asked for."""


def _counted(
    vehicle: ThingKey, read: _Terms, *, twin: TwinReader, at: int,
    missing: list[Words], because: list[Cause],
) -> tuple[Decimal, int] | None:  # fmt: skip
    """The share at which a vehicle counts, and what the audit found; None: not audited."""
    if not read.audited:
        return Decimal(1), PRESENT
    state = twin.latest(vehicle, "audit_state")
    if state is None:
        missing.append(Words(f"{vehicle.id} 尚未盘点", f"{vehicle.id} was never audited"))
        return None
    if at - state.event_time > read.audit_valid:
        day = iso(state.event_time)[:10]
        zh = f"{vehicle.id} 的盘点停在 {day}，已过有效期"
        missing.append(Words(zh, f"{vehicle.id} was last audited on {day}: no longer valid"))
        return None
    because += twin.causes(state)
    share = _COUNTS.get(int(state.value), Decimal(0))
    signs = twin.latest(vehicle, "theft_signs")
    if signs is not None and signs.value >= _STOLEN and at - signs.event_time <= read.audit_valid:
        because += twin.causes(signs)
        share = Decimal(0)
    for name in ("papers_missing", "keys_missing"):
        gap = twin.latest(vehicle, name)
        if gap is not None and gap.value > 0:
            because += twin.causes(gap)
            share = min(share, DOUBTED)
    return share, int(state.value)


def _kept(
    vehicle: ThingKey, read: _Terms, *, twin: TwinReader, at: int, because: list[Cause]
) -> Decimal:
    """The share of its new price that a vehicle keeps."""
    registered = twin.facts(vehicle).get("registered")
    driven = twin.latest(vehicle, "mileage")
    if not registered:
        return Decimal(1)
    years = (exact(at) / Decimal(10**9)) / _YEAR + 1970 - exact(registered)
    km = None
    if driven is not None and at - driven.event_time <= read.mileage_valid:
        because += twin.causes(driven)
        km = exact(driven.value) / 1000
    points = twin.latest(vehicle, "condition_score")
    if points is not None:
        because += twin.causes(points)
    return newness(years, kilometres=km, condition=_of(points), age_weight=read.age_weight)


def _of(measured: Measured | None) -> Decimal | None:
    return None if measured is None else exact(measured.value)


def _read(terms: Mapping[str, Any]) -> _Terms:
    for name in ("pool", "currency"):
        if name not in terms:
            raise BadInput(f"the facility's terms have no {name}")
    try:
        weight = Decimal(str(terms.get("age_weight", AGE_WEIGHT)))
    except InvalidOperation:
        raise BadInput(f"the term age_weight = {terms['age_weight']!r} is no number") from None
    if not 0 <= weight <= 1:
        raise BadInput(f"the term age_weight = {weight} is not between 0 and 1")
    audited = terms.get("audited", True)
    if not isinstance(audited, bool):
        raise BadInput(f"the term audited = {audited!r} is true or false")
    return _Terms(
        thing_key(str(terms["pool"]["root"])),
        str(terms["pool"].get("kind", "vehicle")),
        str(terms["currency"]),
        weight,
        audited,
        duration(str(terms.get("audit_valid_for", "3 d"))),
        duration(str(terms.get("mileage_valid_for", "400 d"))),
    )
