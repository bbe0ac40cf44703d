"""What a pool is worth: what the devices confirm, never more than the documents authorise."""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

from wuxin.packs.logistics.stock import FENCE, TOLERANCE
from wuxin.terms.clock import duration, iso
from wuxin.terms.errors import BadInput
from wuxin.terms.money import Money, exact
from wuxin.terms.names import ThingKey, thing_key
from wuxin.terms.records import Cause, Measured, Words
from wuxin.terms.standards import TwinReader, Valuation, Worth

_KG: Final = {"kg": Decimal(1), "t": Decimal("0.001"), "mt": Decimal("0.001")}
_GRAM: Final = Decimal("0.001")


class PoolTerms(NamedTuple):
    """What a contract says of a pool of goods: price, its unit, ages (ns), tolerance, fence."""

    root: ThingKey
    kind: str
    currency: str
    series: ThingKey
    price_unit: str
    price_age: int
    weight_age: int
    tolerance: Decimal
    fence: float


class _Lot(NamedTuple):
    kg: Decimal
    causes: tuple[Cause, ...]


def mark_to_market(terms: Mapping[str, Any], twin: TwinReader, *, at: int) -> Valuation:
    """Mark a pool of lots to market.

    A lot counts with what its documents authorise where the scale confirms that within the
    tolerance; where it weighs less, with its weight cut to whole tolerances, so that the noise of a
    scale does not move the value. It counts with nothing (a line of quantity 0, whose reason is the
    finding that stands against it) where two documents name it, where it is outside the fence, or
    where no weight confirms it any more. What was never weighed or documented, and a price that is
    missing or too old, leave the pool without a value: never a zero. Lines are rounded to the minor
    unit and then added.

    Args:
        terms: ``pool`` (``root``, ``kind``), ``currency``, ``price`` (a price series' key),
            ``price_unit`` (``USD/t``), and where they differ from the defaults ``price_valid_for``
            (62 d), ``weight_valid_for`` (7 d), ``weight_tolerance_kg`` (100).
        twin: the twin at that moment.
        at: the moment (ns).

    Raises:
        BadInput: a term is missing or cannot be read; the text names it.
    """
    read = read_terms(terms, twin)
    missing: list[Words] = []
    price = price_of(read, twin, at=at, missing=missing)
    causes: list[Cause] = list(twin.causes(price)) if price else []
    counted: dict[ThingKey, Decimal] = {}
    for lot in twin.within(read.root, read.kind):
        found = _confirmed(lot, read, twin=twin, at=at)
        if found is None:
            zh, en = f"{lot.id} 尚无称重或单据数量", f"{lot.id} has no weight or no documents yet"
            missing.append(Words(zh, en))
            continue
        counted[lot] = found.kg
        causes += found.causes
    if not counted and not missing:
        zh, en = f"{read.root} 下没有 {read.kind}", f"there is no {read.kind} in {read.root}"
        missing.append(Words(zh, en))
    because = tuple(dict.fromkeys(causes))
    if missing or price is None:
        return Valuation((), None, tuple(missing), because)
    lines = tuple(
        worth_of(lot, kg, read=read, price=exact(price.value)) for lot, kg in counted.items()
    )
    total = sum((line.value for line in lines), Money(Decimal(0), read.currency))
    return Valuation(lines, total, (), because)


def read_terms(terms: Mapping[str, Any], twin: TwinReader) -> PoolTerms:
    """Read a facility's terms; :func:`mark_to_market` says which.

    Raises:
        BadInput: a term is missing or cannot be read.
    """
    try:
        pool, currency, unit = terms["pool"], str(terms["currency"]), str(terms["price_unit"])
        root, series = thing_key(pool["root"]), thing_key(terms["price"])
    except KeyError as absent:
        raise BadInput(f"the facility's terms have no {absent.args[0]}") from None
    quoted, _, per = unit.partition("/")
    if per not in _KG:
        raise BadInput(f"price_unit {unit!r} is not money for weight; write for example USD/t")
    if quoted != currency:
        raise BadInput(f"price_unit {unit!r} is not in the facility's currency {currency}")
    return PoolTerms(
        root=root,
        kind=str(pool.get("kind", "lot")),
        currency=currency,
        series=series,
        price_unit=per,
        price_age=duration(str(terms.get("price_valid_for", "62 d"))),
        weight_age=duration(str(terms.get("weight_valid_for", "7 d"))),
        tolerance=_tolerance(terms.get("weight_tolerance_kg", TOLERANCE)),
        fence=twin.facts(root).get("fence_radius", FENCE),
    )


def _tolerance(text: Any) -> Decimal:
    try:
        tolerance = Decimal(str(text))
    except InvalidOperation:
        tolerance = Decimal(0)
    if not (tolerance.is_finite() and tolerance > 0):
        raise BadInput(f"weight_tolerance_kg {text!r} is not a weight above zero")
    return tolerance


def price_of(
    terms: PoolTerms, twin: TwinReader, *, at: int, missing: list[Words]
) -> Measured | None:
    """The price that is valid at a moment (ns); why there is none is added to ``missing``."""
    price = twin.latest(terms.series, "price")
    if price is None:
        missing.append(Words(f"{terms.series} 没有价格", f"{terms.series} has no price"))
    elif at - price.event_time > terms.price_age:
        day = iso(price.event_time)[:10]
        zh = f"{terms.series} 的价格停在 {day}，已过有效期"
        missing.append(Words(zh, f"the price of {terms.series} is of {day} and no longer valid"))
    elif price.value <= 0:
        zh, en = f"{terms.series} 的价格不为正", f"the price of {terms.series} is not positive"
        missing.append(Words(zh, en))
    else:
        return price
    return None


def _confirmed(lot: ThingKey, terms: PoolTerms, *, twin: TwinReader, at: int) -> _Lot | None:
    """What a lot counts with (kg), and what that rests on; None if it was never confirmed."""
    weight = twin.latest(lot, "net_weight")
    book = twin.latest(lot, "authorised_weight")
    if weight is None or book is None:
        return None
    named, place = twin.latest(lot, "named_by"), twin.latest(lot, "distance_from_place")
    against = [m for m, limit in ((named, 1.0), (place, terms.fence)) if m and m.value > limit]
    causes = tuple(c for m in (weight, book, *against) for c in twin.causes(m))
    net, due = (exact(m.value).quantize(_GRAM, ROUND_HALF_EVEN) for m in (weight, book))
    if against or at - weight.event_time > terms.weight_age:
        kg = Decimal(0)
    else:
        step = terms.tolerance
        kg = due if due - net <= step else net // step * step
    return _Lot(kg, causes)


def worth_of(lot: ThingKey, kg: Decimal, *, read: PoolTerms, price: Decimal) -> Worth:
    """The worth of some kilograms of a thing, rounded to the minor unit."""
    quantity = kg * _KG[read.price_unit]
    money = Money(quantity * price, read.currency).rounded()
    return Worth(lot, quantity, read.price_unit, price, money)
