"""C4, logistics: daily reconciliation of stock with its documents, and the value of a pool of lots.

What may be lent on is what the devices confirm, never more than the documents authorise.
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.clock import SECOND, duration, iso
from wuxin.terms.errors import BadInput
from wuxin.terms.money import Money, exact
from wuxin.terms.names import ThingKey, thing_key
from wuxin.terms.records import Cause, Measured, Words
from wuxin.terms.standards import (
    DayView,
    Derived,
    Model,
    Series,
    TwinReader,
    Valuation,
    Valuer,
    Worth,
)

TOLERANCE: Final = 100.0
"""Weight (kg) by which scale and documents may differ; unauthorised_removal_weight's limit.

A class III scale with e = 10 kg may err by 3 e = 30 kg in service at 25 t (OIML R 76-1:2006, 3.5.1
and 3.5.2: twice the 1.5 e of verification), once when the lot came in and once today; the rest is
for moisture and the drift of the zero.
"""

FENCE: Final = 300.0
"""Distance (m) from the warehouse's centre within which a lot is in its place, if no fact says."""

EARTH: Final = 6_371_008.8
"""Mean radius of the Earth (m), IUGG 1980 (Moritz, Geodetic Reference System 1980)."""

_KG: Final = {"kg": Decimal(1), "t": Decimal("0.001"), "mt": Decimal("0.001")}
_GRAM: Final = Decimal("0.001")


def reconcile(view: DayView) -> list[Derived]:
    """Reconcile one day's weights and tags, lot by lot and for the whole warehouse.

    A lot's weight and tags of the day are medians. The book is looked up over the last eight days,
    because warehouses confirm it weekly, as it stood when the lot was weighed. A lot that ought to
    be there and was not weighed counts as unconfirmed and is kept out of the discrepancy.
    """
    found: list[Derived] = []
    weight = tags = gap = 0.0
    weighed = unconfirmed = 0
    for lot in view.of("lot"):
        book = view.series(lot, "authorised_weight", days=8)
        net = view.series(lot, "net_weight")
        count = view.series(lot, "tag_count")
        if not len(net):
            unconfirmed += bool(len(book) and book.v[-1] > 0)
            continue
        weighed += 1
        seen = float(np.median(net.v))
        weight += seen
        gap += float(net.v[-1]) - _as_of(book, int(net.t[-1]))
        if len(count):
            tags += float(np.median(count.v))
            found += _per_tag(view, lot, weight=seen / (float(np.median(count.v)) or np.nan))
    if view.root.kind == "warehouse" and weighed + unconfirmed:
        values = {"pool_weight": weight, "pool_tag_count": tags, "pool_discrepancy": gap,
                  "lots_unconfirmed": float(unconfirmed)}  # fmt: skip
        found += [
            _one(view.root, name, at=view.end - SECOND, value=v) for name, v in values.items()
        ]
    return found


def check_places(view: DayView) -> list[Derived]:
    """Compute each lot's distance from the warehouse anew, and compare with what its gateway said.

    The haversine formula on a sphere is off by at most 0.6 %, which is little beside a fence
    (Sinnott, Virtues of the Haversine, Sky and Telescope 68(2), 1984).
    """
    facts = view.facts(view.root)
    if not {"latitude", "longitude"} <= set(facts):
        return []
    found = []
    for lot in view.of("lot"):
        lat, lon = view.series(lot, "latitude"), view.series(lot, "longitude")
        said = view.series(lot, "distance_from_place")
        common = np.intersect1d(np.intersect1d(lat.t, lon.t), said.t)
        if not len(common):
            continue
        rows = (np.searchsorted(s.t, common) for s in (lat, lon, said))
        here, there, told = (s.v[r] for s, r in zip((lat, lon, said), rows, strict=True))
        far = distance(here, there, origin=(facts["latitude"], facts["longitude"]))
        worst = int(np.argmax(np.abs(far - told)))
        gap = float(abs(far[worst] - told[worst]))
        found.append(_one(lot, "position_disagreement", at=view.end - SECOND, value=gap))
    return found


def distance(
    latitude: NDArray[np.float64], longitude: NDArray[np.float64], *, origin: tuple[float, float]
) -> NDArray[np.float64]:
    """Great-circle distance (m) of points (n, degrees) from an origin (degrees), haversine."""
    phi, lam = np.radians(latitude), np.radians(longitude)
    phi0, lam0 = np.radians(origin[0]), np.radians(origin[1])
    half = np.sin((phi - phi0) / 2) ** 2
    half = half + np.cos(phi) * np.cos(phi0) * np.sin((lam - lam0) / 2) ** 2
    return np.asarray(2 * EARTH * np.arcsin(np.sqrt(half)), np.float64)


def _as_of(series: Series, at: int) -> float:
    """The last value at or before a moment, 0 if there is none."""
    row = int(np.searchsorted(series.t, at, "right")) - 1
    return float(series.v[row]) if row >= 0 else 0.0


def _per_tag(view: DayView, lot: ThingKey, *, weight: float) -> list[Derived]:
    nominal = view.facts(lot).get("nominal_bundle_weight", 0.0)
    if not nominal or np.isnan(weight):
        return []
    deviation = weight / nominal - 1
    return [_one(lot, "weight_per_tag_deviation", at=view.end - SECOND, value=deviation)]


def _one(thing: ThingKey, indicator: str, *, at: int, value: float) -> Derived:
    return Derived(thing, indicator, np.array([at], np.int64), np.array([value], np.float64))


MODELS: Final = (
    Model(
        name="stock_reconciliation",
        words=Words("库存对账", "Stock reconciliation"),
        reads=("net_weight", "tag_count", "authorised_weight"),
        derives=(
            "weight_per_tag_deviation",
            "pool_weight",
            "pool_tag_count",
            "pool_discrepancy",
            "lots_unconfirmed",
        ),
        method=Words(
            "每批当日重量与标签数取中位数；单签重量与标称比；全库当日末重减账面。",
            "Medians of the day's weight and tags of each lot; weight per tag against nominal; "
            "the day's last weights less the book, over the warehouse.",
        ),
        source="GB/T 31300-2014 (third-party management of pledged inventory) asks for daily "
        "reconciliation; the method is this project's own",
        validity="lots of bundles of equal weight with one tag each, weighed at least once a day, "
        "book confirmed at least every eight days",
        validated="generated stock with one removal (examples/logistics); not validated on a real "
        "warehouse",
        run=reconcile,
    ),
    Model(
        name="place_check",
        words=Words("位置复算", "Place check"),
        reads=("latitude", "longitude", "distance_from_place"),
        derives=("position_disagreement",),
        method=Words(
            "由坐标按半正矢公式复算离库距离，取当日与网关所报之最大差。",
            "Distance from the warehouse by the haversine formula; the day's largest difference "
            "from what the gateway said.",
        ),
        source="Sinnott, Virtues of the Haversine, Sky and Telescope 68(2), 1984",
        validity="WGS-84 coordinates, reported in the same message as the distance",
        validated="against the known distance of a degree of latitude (tests)",
        run=check_places,
    ),
)
"""The pack's models, run on each closed day."""


class _Terms(NamedTuple):
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
    read = _read(terms, twin)
    missing: list[Words] = []
    price = _price(read, twin, at=at, missing=missing)
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
        _worth(lot, kg, read=read, price=exact(price.value)) for lot, kg in counted.items()
    )
    total = sum((line.value for line in lines), Money(Decimal(0), read.currency))
    return Valuation(lines, total, (), because)


value: Final[Valuer] = lambda terms, twin, at: mark_to_market(terms, twin, at=at)  # noqa: E731
"""The pack's valuation, :func:`mark_to_market`, with its three arguments by place as asked for."""


def _read(terms: Mapping[str, Any], twin: TwinReader) -> _Terms:
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
    return _Terms(
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


def _price(terms: _Terms, twin: TwinReader, *, at: int, missing: list[Words]) -> Measured | None:
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


def _confirmed(lot: ThingKey, terms: _Terms, *, twin: TwinReader, at: int) -> _Lot | None:
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


def _worth(lot: ThingKey, kg: Decimal, *, read: _Terms, price: Decimal) -> Worth:
    quantity = kg * _KG[read.price_unit]
    money = Money(quantity * price, read.currency).rounded()
    return Worth(lot, quantity, read.price_unit, price, money)
