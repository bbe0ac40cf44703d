"""What goods under way are worth: the price of what will arrive, by the life that it still has.

value = documented weight × price × factor
factor 1            goods that do not spoil, or that arrive with the life that a buyer pays for
factor from 1 to salvage, linearly, where less is left; salvage where none is
salvage             goods that a blow may have broken
nothing             named twice, custody broken, or not heard of for three days
"""

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

from wuxin.packs.logistics.valuation import PoolTerms, price_of, read_terms, worth_of
from wuxin.terms.clock import SECOND, duration
from wuxin.terms.errors import BadInput
from wuxin.terms.money import Money, exact
from wuxin.terms.names import ThingKey
from wuxin.terms.records import Cause, Measured, Words
from wuxin.terms.standards import TwinReader, Valuation, Worth

_DEFAULTS: Final = {"salvage": "0.2", "full_price_life": "5 d", "seen_valid_for": "3 d"}
_STEP: Final = Decimal("0.01")
_SIGNS: Final = ("net_weight", "cargo_temperature", "latitude", "stalled_time")


class FreshTerms(NamedTuple):
    """What a contract says of goods that spoil: salvage share, full life (s), age of signs (ns)."""

    salvage: Decimal
    life: Decimal
    seen: int


def freshness(spare: Decimal | None, *, salvage: Decimal, life: Decimal) -> Decimal:
    """The share of the price that goods are worth, in whole hundredths, rounded down.

    Args:
        spare: shelf life (s) at arrival beyond what is required; None: the goods do not spoil.
        salvage: share of the price for goods without any.
        life: spare life (s) from which on the full price is paid.
    """
    if spare is None:
        return Decimal(1)
    share = min(max(spare / life, Decimal(0)), Decimal(1))
    return (salvage + (1 - salvage) * share).quantize(_STEP, ROUND_DOWN)


def mark_shipments(terms: Mapping[str, Any], twin: TwinReader, *, at: int) -> Valuation:
    """Mark goods under way to market.

    Args:
        terms: as for :func:`wuxin.packs.logistics.valuation.mark_to_market`, and where they
            differ from the defaults ``salvage`` (0.2), ``full_price_life`` (5 d) and
            ``seen_valid_for`` (3 d).
        twin: the twin at that moment.
        at: the moment (ns).

    Returns:
        A line for each shipment; ``shown`` has each one's factor. A shipment without documents, and
        a price that is missing or too old, leave the pool without a value: never a zero.

    Raises:
        BadInput: a term is missing or cannot be read; the text names it.
    """
    read, fresh = read_terms(terms, twin), _fresh(terms)
    missing: list[Words] = []
    price = price_of(read, twin, at=at, missing=missing)
    causes: list[Cause] = list(twin.causes(price)) if price else []
    counted: dict[ThingKey, tuple[Decimal, Decimal]] = {}
    for shipment in twin.within(read.root, read.kind):
        book = twin.latest(shipment, "authorised_weight")
        if book is None:
            zh, en = f"{shipment.id} 尚无单据重量", f"{shipment.id} has no documents yet"
            missing.append(Words(zh, en))
            continue
        factor, because = _factor(shipment, fresh, twin=twin, at=at)
        counted[shipment] = exact(book.value), factor
        causes += [*twin.causes(book), *because]
    if not counted and not missing:
        zh, en = f"{read.root} 下没有 {read.kind}", f"there is no {read.kind} in {read.root}"
        missing.append(Words(zh, en))
    told = tuple(dict.fromkeys(causes))
    if missing or price is None:
        return Valuation((), None, tuple(missing), told)
    lines = tuple(
        _line(shipment, kg, factor=factor, read=read, price=exact(price.value))
        for shipment, (kg, factor) in counted.items()
    )
    total = sum((line.value for line in lines), Money(Decimal(0), read.currency))
    shown = {f"factor {shipment.id}": f"{f:f}" for shipment, (_, f) in counted.items()}
    return Valuation(lines, total, (), told, shown)


def _line(
    shipment: ThingKey, kg: Decimal, *, factor: Decimal, read: PoolTerms, price: Decimal
) -> Worth:
    """One shipment's line: nothing of it where the factor is 0, else at the price times factor."""
    if not factor:
        return worth_of(shipment, Decimal(0), read=read, price=price)
    return worth_of(shipment, kg, read=read, price=price * factor)


def _factor(
    shipment: ThingKey, fresh: FreshTerms, *, twin: TwinReader, at: int
) -> tuple[Decimal, tuple[Cause, ...]]:
    named, broken, hit, spare = (
        twin.latest(shipment, n)
        for n in ("named_by", "custody_breaks", "shocks_damaging", "shelf_life_spare")
    )
    signs = [m for n in _SIGNS if (m := twin.latest(shipment, n)) is not None]
    heard = max((m.event_time for m in signs), default=None)
    against = _beyond(named, 1) or _beyond(broken, 0)
    if against is not None:
        return Decimal(0), twin.causes(against)
    if heard is None or at - heard > fresh.seen:
        return Decimal(0), ()
    blow = _beyond(hit, 0)
    if blow is not None:
        return fresh.salvage, twin.causes(blow)
    left = None if spare is None else exact(spare.value)
    because = () if spare is None else twin.causes(spare)
    return freshness(left, salvage=fresh.salvage, life=fresh.life), because


def _beyond(measured: Measured | None, limit: float) -> Measured | None:
    return measured if measured is not None and measured.value > limit else None


def _fresh(terms: Mapping[str, Any]) -> FreshTerms:
    told = {name: str(terms.get(name, default)) for name, default in _DEFAULTS.items()}
    try:
        salvage = Decimal(told["salvage"])
    except InvalidOperation:
        salvage = Decimal(-1)
    if not 0 <= salvage <= 1:
        raise BadInput(f"salvage {told['salvage']!r} is not a share")
    life = Decimal(duration(told["full_price_life"])) / SECOND
    if life <= 0:
        raise BadInput(f"full_price_life {told['full_price_life']!r} is no time")
    return FreshTerms(salvage, life, duration(told["seen_valid_for"]))
