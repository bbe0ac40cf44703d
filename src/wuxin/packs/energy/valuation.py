"""What a station is worth: the income approach on what it yields, or earns, as measured.

    photovoltaic = design energy × ratio × tariff × (1 − operating cost share) × annuity
    charging     = certain revenue of 30 days × 365.25 / 30 × (1 − operating cost share) × annuity

``ratio`` is measured over expected energy of the trailing 30 days, at most 1: a bank does not lend
on luck. All in Decimal; nothing is rounded before the end.
"""

from collections.abc import Mapping
from datetime import UTC
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any, Final

from wuxin.terms.clock import DAY, duration, iso, moment
from wuxin.terms.errors import BadInput
from wuxin.terms.money import Money, exact
from wuxin.terms.names import ThingKey, thing_key
from wuxin.terms.records import Measured, Words
from wuxin.terms.standards import TwinReader, Valuation, Valuer, Worth

REVENUE: Final = "revenue_30d"
RATIO: Final = "energy_ratio_30d"
METERED: Final = "energy_measured"
_KILOWATT_HOUR: Final = Decimal(3_600_000)
_YEAR_DAYS: Final = Decimal("365.25")
_PLACES: Final = Decimal("0.000001")
STATION: Final = "charging_station"
_EARNS: Final = ("planned_revenue", "discount_rate", "operating_cost_share")
_AMOUNTS: Final = ("design_energy", "tariff", "discount_rate", "operating_cost_share")


def income_approach(terms: Mapping[str, Any], twin: TwinReader, *, at: int) -> Valuation:
    """Value a station by what it will earn until the end of its contract.

    Args:
        terms: ``pool`` (``root``: the plant), ``currency``, ``design_energy`` (kWh a year),
            ``tariff`` (money per kWh), ``discount_rate`` (a year), ``operating_cost_share`` (0 to
            1), ``final_date`` of the tariff contract, and ``ratio_valid_for`` (default 35 d).
            ``ageing`` (default 0) is the share by which yield falls a year. A charging station
            (``root`` of that kind) has ``planned_revenue`` (of 30 days, the most that counts) in
            place of ``design_energy`` and ``tariff``.
        twin: the twin at that moment.
        at: the moment (ns).

    Returns:
        One line: the energy a year that counts (kWh) at the present value of one kWh a year until
        the final date. Where no ratio is known, or it is too old, there is no value.

    Raises:
        BadInput: a term is missing or cannot be meant; the text names it.

    Source: International Valuation Standards (IVSC, effective 2022) IVS 105 paragraph 50.2, income
    approach by discounted cash flow; annuity in arrears with fractional years.
    """
    root = thing_key(str((terms.get("pool") or {}).get("root", "")))
    charging = root.kind == STATION
    figures = _figures(terms, _EARNS if charging else _AMOUNTS)
    plant = root
    valid = duration(str(terms.get("ratio_valid_for", "35 d")))
    final = moment(str(terms["final_date"]), UTC)
    ratio = twin.latest(plant, REVENUE if charging else RATIO)
    wrong = _missing(plant, ratio, days_old=valid, left=(at, final))
    if wrong is not None or ratio is None:
        words = wrong or _unknown(plant)
        return Valuation((), None, (words,), twin.causes(ratio) if ratio else ())
    with localcontext() as context:
        context.prec = 34
        years = Decimal(final - at) / DAY / _YEAR_DAYS
        if charging:
            return _earning(terms, ratio, figures=figures, years=years, twin=twin)
        counted = min(max(exact(ratio.value), Decimal(0)), Decimal(1))
        energy = (figures["design_energy"] * counted).quantize(Decimal("0.001"))
        price = figures["tariff"] * (1 - figures["operating_cost_share"])
        kept = annuity(figures["discount_rate"], years, ageing=figures["ageing"])
        price = (price * kept).quantize(_PLACES)
        worth = Money(energy * price, str(terms["currency"])).rounded()
    line = Worth(plant, energy, "kWh/a", price, worth)
    return Valuation((line,), worth, (), twin.causes(ratio), _revenue(terms, twin, plant=plant))


value: Final[Valuer] = lambda terms, twin, at: income_approach(terms, twin, at=at)  # noqa: E731
"""The pack's valuation, :func:`income_approach`, with its three arguments by place as asked for."""


def _revenue(terms: Mapping[str, Any], twin: TwinReader, *, plant: ThingKey) -> dict[str, str]:
    """What the last metered day earned: energy (kWh) × tariff, rounded to the minor unit."""
    metered = twin.latest(plant, METERED)
    if metered is None:
        return {}
    energy = (exact(metered.value) / _KILOWATT_HOUR).quantize(Decimal("0.001"))
    earned = Money(energy * Decimal(str(terms["tariff"])), str(terms["currency"])).rounded()
    return {
        "metered_until": iso(metered.event_time),
        "metered_energy": str(energy),
        "estimated_revenue": str(earned.amount),
    }


def _earning(
    terms: Mapping[str, Any], revenue: Measured, *, figures: Mapping[str, Decimal],
    years: Decimal, twin: TwinReader,
) -> Valuation:  # fmt: skip
    """The value of a charging station: its certain revenue, at most as planned."""
    station = thing_key(str(terms["pool"]["root"]))
    month = min(max(exact(revenue.value), Decimal(0)), figures["planned_revenue"])
    year = (month * _YEAR_DAYS / 30).quantize(Decimal("0.01"))
    kept = annuity(figures["discount_rate"], years, ageing=figures["ageing"])
    price = ((1 - figures["operating_cost_share"]) * kept).quantize(_PLACES)
    currency = str(terms["currency"])
    worth = Money(year * price, currency).rounded()
    shown = {"revenue_30d": str(Money(exact(revenue.value), currency).rounded().amount)}
    line = Worth(station, year, f"{currency}/a", price, worth)
    return Valuation((line,), worth, (), twin.causes(revenue), shown)


def annuity(rate: Decimal, years: Decimal, *, ageing: Decimal = Decimal(0)) -> Decimal:
    """Present value of 1 a year, paid in arrears, that shrinks by ``ageing`` a year.

    (1 − ((1 − g) / (1 + r))^n) / (r + g), and n where both are 0.
    """
    if rate + ageing == 0:
        return years
    return (1 - ((1 - ageing) / (1 + rate)) ** years) / (rate + ageing)


def _figures(terms: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Decimal]:
    terms = {"ageing": "0", **terms}
    for name in ("pool", "currency", "final_date", *names):
        if name not in terms:
            raise BadInput(f"the facility's terms have no {name}")
    figures = {}
    for name in (*names, "ageing"):
        try:
            figures[name] = Decimal(str(terms[name]))
        except InvalidOperation:
            raise BadInput(f"the facility's term {name} = {terms[name]!r} is no number") from None
        if not (figures[name].is_finite() and figures[name] >= 0):
            raise BadInput(f"the facility's term {name} = {terms[name]!r} is below zero")
    for name in ("operating_cost_share", "ageing"):
        if figures[name] >= 1:
            raise BadInput(f"{name} is a share below 1")
    return figures


def _missing(
    plant: ThingKey, ratio: Measured | None, *, days_old: int, left: tuple[int, int]
) -> Words | None:
    """Why there is no value, or None where there is one."""
    at, final = left
    if ratio is None:
        return _unknown(plant)
    if at - ratio.event_time > days_old:
        day = iso(ratio.event_time)[:10]
        what = Words("三十日收入", "revenue of 30 days") if plant.kind == STATION else Words(
            "实发应发比", "measured over expected energy")  # fmt: skip
        zh = f"{plant} 的{what.zh}停在 {day}，已过有效期"
        return Words(zh, f"{what.en} of {plant} is of {day}, no longer valid")
    if final <= at:
        day = iso(final)[:10]
        return Words(f"合同已于 {day} 到期", f"the tariff contract ended on {day}")
    return None


def _unknown(plant: ThingKey) -> Words:
    if plant.kind == STATION:
        zh = f"{plant} 尚无三十日确认收入：需要充电记录与电价"
        return Words(zh, f"{plant} has no 30 days of certain revenue yet: sessions and a price")
    zh = f"{plant} 尚无实发应发比：需要辐照度或至少三台同站逆变器"
    en = f"{plant} has no ratio of measured to expected energy yet: it takes irradiance or siblings"
    return Words(zh, en)
