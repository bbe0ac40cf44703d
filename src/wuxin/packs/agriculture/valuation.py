"""What a herd is worth: animal by animal, by age, parity, yield and health, with value at risk.

    value = cull + (price − cull) × life left × yield factor        (a healthy cow)
    value = cull                                                    (two signs of illness or more)
    value = 0                                                       (missing, or beyond the fence)

``price`` is what a heifer about to calve costs, ``cull`` the body weight at the price of beef. All
in Decimal. Fair value less costs to sell (IAS 41.12) is taken by the contract's haircut.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any, Final, NamedTuple

from wuxin.terms.clock import DAY, duration, iso
from wuxin.terms.errors import BadInput
from wuxin.terms.money import Money, exact
from wuxin.terms.names import ThingKey, thing_key
from wuxin.terms.records import Cause, Measured, Words
from wuxin.terms.standards import TwinReader, Valuation, Valuer, Worth

QUANTILES: Final = {"0.95": Decimal("1.644854"), "0.99": Decimal("2.326348")}
"""Quantiles of the normal distribution by confidence."""

_YIELD_RANGE: Final = (Decimal("0.7"), Decimal("1.2"))
_UNSEEN: Final = 2 * 86_400
_FENCE: Final = 500.0
_CENT: Final = Decimal("0.01")
_DEFAULTS: Final = {
    "productive_lactations": "5",
    "reference_yield": "8500",
    "price_volatility": "0.20",
    "mortality": "0.05",
    "confidence": "0.99",
}
_AGES: Final = {"price_valid_for": "62 d", "seen_valid_for": "3 d", "weight_valid_for": "90 d"}


class _Terms(NamedTuple):
    root: ThingKey
    kind: str
    currency: str
    price: ThingKey
    beef: ThingKey
    figures: Mapping[str, Decimal]
    ages: Mapping[str, int]
    horizon: int
    fence: float


class _Cow(NamedTuple):
    """One animal: its value, why it is less where it is, and what that rests on."""

    value: Decimal
    state: str
    causes: tuple[Cause, ...]


def mark_herd(terms: Mapping[str, Any], twin: TwinReader, *, at: int) -> Valuation:
    """Value a herd.

    A cow counts with nothing (a line of 0) where it was not seen for two days, stands beyond the
    fence, or where its removal is authorised. An unknown yield counts as the reference at most: its
    factor is 1. What was never seen, has no lactation number or no weight, and a price that is
    missing or too old, leave the herd without a value.

    Args:
        terms: ``pool`` (``root``, ``kind``), ``currency``, ``price`` (series: a heifer, each),
            ``beef`` (series: live weight, per kg), and where they differ from the defaults
            ``productive_lactations`` (5), ``reference_yield`` (kg in 305 days, 8500),
            ``price_volatility`` (a year, 0.20), ``mortality`` (a year, 0.05), ``confidence`` (0.99
            or 0.95), ``horizon`` (30 d), ``price_valid_for`` (62 d), ``seen_valid_for`` (3 d),
            ``weight_valid_for`` (90 d).
        twin: the twin at that moment.
        at: the moment (ns).

    Returns:
        One line a cow, and in ``shown`` the value at risk: price and deaths, taken as independent.

    Raises:
        BadInput: a term is missing or cannot be meant; the text names it.
    """
    read = _read(terms, twin)
    missing: list[Words] = []
    prices = [_price(read, s, twin=twin, at=at, missing=missing) for s in (read.price, read.beef)]
    counted: dict[ThingKey, _Cow] = {}
    for cow in twin.within(read.root, read.kind):
        facts = _facts(cow, twin)
        lacking = _lacking(cow, facts, read=read, at=at)
        if lacking is not None:
            missing.append(lacking)
        elif None not in prices:
            heifer, beef = (exact(p.value) for p in prices if p is not None)
            counted[cow] = _worth(facts, read, twin=twin, prices=(heifer, beef))
    if not twin.within(read.root, read.kind):
        zh, en = f"{read.root} 下没有 {read.kind}", f"there is no {read.kind} in {read.root}"
        missing.append(Words(zh, en))
    because = [c for p in prices if p is not None for c in twin.causes(p)]
    because += [c for cow in counted.values() for c in cow.causes]
    causes = tuple(dict.fromkeys(because))
    if missing:
        return Valuation((), None, tuple(missing), causes)
    lines = tuple(_line(cow, found, currency=read.currency) for cow, found in counted.items())
    total = sum((line.value for line in lines), Money(Decimal(0), read.currency))
    return Valuation(lines, total, (), causes, _shown([*counted.values()], read))


value: Final[Valuer] = lambda terms, twin, at: mark_herd(terms, twin, at=at)  # noqa: E731
"""The pack's valuation, :func:`mark_herd`, with its three arguments by place as asked for."""


def value_at_risk(values: Sequence[Decimal], figures: Mapping[str, Decimal], *, days: Decimal
                  ) -> tuple[Decimal, Decimal]:  # fmt: skip
    """What a herd may lose: by price and by deaths, at the confidence, within some days.

    Price: z × value × volatility × √(days/365). Deaths: expected, and z standard deviations of
    independent deaths of animals of these values.

    Args:
        values: of the animals that count.
        figures: ``price_volatility`` and ``mortality`` (a year), ``confidence``.
        days: the horizon.
    """
    z = QUANTILES[str(figures["confidence"])]
    with localcontext() as context:
        context.prec = 34
        share = days / Decimal(365)
        price = z * sum(values, Decimal(0)) * figures["price_volatility"] * share.sqrt()
        dying = 1 - (1 - figures["mortality"]) ** share
        squares = sum((v * v for v in values), Decimal(0)) * dying * (1 - dying)
        deaths = dying * sum(values, Decimal(0)) + z * squares.sqrt()
        return price.quantize(_CENT), deaths.quantize(_CENT)


def _worth(
    facts: Mapping[str, Measured | None], terms: _Terms, *, twin: TwinReader,
    prices: tuple[Decimal, Decimal],
) -> _Cow:  # fmt: skip
    heifer, beef = prices
    of = {name: exact(m.value) for name, m in facts.items() if m is not None}
    state = _state(of, terms)
    causes = tuple(c for m in facts.values() if m is not None for c in twin.causes(m))
    if state in {"missing", "away", "released"}:
        return _Cow(Decimal(0), state, causes)
    cull = min(of["body_weight"] * beef, heifer)
    if state == "ill":
        return _Cow(cull.quantize(_CENT), state, causes)
    life = terms.figures["productive_lactations"]
    left = max(Decimal(0), 1 - max(Decimal(0), of["lactation_number"] - 1) / life)
    low, high = _YIELD_RANGE
    milk = of.get("yield_305")
    factor = min(max(milk / terms.figures["reference_yield"], low), high) if milk else Decimal(1)
    return _Cow((cull + (heifer - cull) * left * factor).quantize(_CENT), state, causes)


def _state(of: Mapping[str, Decimal], terms: _Terms) -> str:
    if of.get("removal_authorised", Decimal(0)) > Decimal("0.5"):
        return "released"
    if of.get("days_unseen", Decimal(0)) >= _UNSEEN:
        return "missing"
    if of.get("distance_from_place", Decimal(0)) > exact(terms.fence):
        return "away"
    return "ill" if of.get("illness_signs", Decimal(0)) >= 2 else "healthy"


_FACTS: Final = ("lactation_number", "body_weight", "yield_305", "illness_signs", "days_unseen",
                 "distance_from_place", "removal_authorised")  # fmt: skip


def _facts(cow: ThingKey, twin: TwinReader) -> dict[str, Measured | None]:
    return {name: twin.latest(cow, name) for name in _FACTS}


def _lacking(
    cow: ThingKey, facts: Mapping[str, Measured | None], *, read: _Terms, at: int
) -> Words | None:
    """What of an animal is not known, so that it has no value."""
    gone = facts["removal_authorised"]
    if gone is not None and gone.value > 0.5:
        return None
    unseen, weight = facts["days_unseen"], facts["body_weight"]
    if facts["lactation_number"] is None:
        return Words(f"{cow.id} 没有胎次", f"{cow.id} has no lactation number")
    if weight is None or at - weight.event_time > read.ages["weight_valid_for"]:
        return Words(f"{cow.id} 没有有效体重", f"{cow.id} has no weight that is still valid")
    if unseen is None or at - unseen.event_time > read.ages["seen_valid_for"]:
        return Words(f"{cow.id} 近日没有盘点", f"{cow.id} was not looked for in the last days")
    return None


def _line(cow: ThingKey, found: _Cow, *, currency: str) -> Worth:
    quantity = Decimal(0) if found.state in {"missing", "away", "released"} else Decimal(1)
    return Worth(cow, quantity, "head", found.value, Money(found.value * quantity, currency))


def _shown(cows: Sequence[_Cow], terms: _Terms) -> dict[str, str]:
    days = Decimal(terms.horizon) / DAY
    values = [cow.value for cow in cows if cow.value]
    price, deaths = value_at_risk(values, terms.figures, days=days)
    states = {f"animals_{s}": str(sum(cow.state == s for cow in cows))
              for s in ("healthy", "ill", "missing", "away", "released")}  # fmt: skip
    return {
        **states,
        "value_at_risk": str((price * price + deaths * deaths).sqrt().quantize(_CENT)),
        "value_at_risk_price": str(price),
        "value_at_risk_deaths": str(deaths),
        "value_at_risk_confidence": str(terms.figures["confidence"]),
        "value_at_risk_days": str(days.normalize()),
    }


def _read(terms: Mapping[str, Any], twin: TwinReader) -> _Terms:
    for name in ("pool", "currency", "price", "beef"):
        if name not in terms:
            raise BadInput(f"the facility's terms have no {name}")
    figures = {}
    for name, usual in _DEFAULTS.items():
        try:
            figures[name] = Decimal(str(terms.get(name, usual)))
        except InvalidOperation:
            raise BadInput(f"the facility's term {name} = {terms[name]!r} is no number") from None
        if not (figures[name].is_finite() and figures[name] >= 0):
            raise BadInput(f"the facility's term {name} = {terms[name]!r} is below zero")
    if str(figures["confidence"]) not in QUANTILES:
        raise BadInput(f"confidence is one of {', '.join(QUANTILES)}")
    if not figures["productive_lactations"] or not figures["reference_yield"]:
        raise BadInput("productive_lactations and reference_yield are above zero")
    if figures["mortality"] >= 1:
        raise BadInput("mortality is a share of a herd in a year, below 1")
    root = thing_key(str(terms["pool"]["root"]))
    return _Terms(
        root=root,
        kind=str(terms["pool"].get("kind", "cow")),
        currency=str(terms["currency"]),
        price=thing_key(str(terms["price"])),
        beef=thing_key(str(terms["beef"])),
        figures=figures,
        ages={name: duration(str(terms.get(name, usual))) for name, usual in _AGES.items()},
        horizon=duration(str(terms.get("horizon", "30 d"))),
        fence=twin.facts(root).get("fence_radius", _FENCE),
    )


def _price(
    terms: _Terms, series: ThingKey, *, twin: TwinReader, at: int, missing: list[Words]
) -> Measured | None:
    price = twin.latest(series, "price")
    if price is None:
        missing.append(Words(f"{series} 没有价格", f"{series} has no price"))
    elif at - price.event_time > terms.ages["price_valid_for"]:
        day = iso(price.event_time)[:10]
        zh = f"{series} 的价格停在 {day}，已过有效期"
        missing.append(Words(zh, f"the price of {series} is of {day} and no longer valid"))
    elif price.value <= 0:
        missing.append(Words(f"{series} 的价格不为正", f"the price of {series} is not positive"))
    else:
        return price
    return None
