"""What is lent on: machines at what they would cost today, or the work of a factory without any.

    machine = replacement cost × (1 − age / life), at least its scrap share, × health factor
    digital loan = turnover of a month × months × grade, at most the cap

All in Decimal. What is missing is said, and there is no value then, never a zero.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any, Final

from wuxin.terms.clock import DAY, duration, iso
from wuxin.terms.errors import BadInput
from wuxin.terms.money import Money, exact
from wuxin.terms.names import ThingKey, thing_key
from wuxin.terms.records import Cause, Measured, Words
from wuxin.terms.standards import TwinReader, Valuation, Valuer, Worth

_KILOWATT_HOUR: Final = Decimal(3_600_000)
_YEAR: Final = Decimal("365.25") * DAY
_SCRAP: Final = Decimal("0.05")
_SOUND: Final = Decimal("0.5")
_PLACES: Final = Decimal("0.000001")

GRADES: Final[Mapping[str, tuple[Decimal, Decimal, Decimal, Words]]] = {
    "stability": (Decimal("0.5"), Decimal("0.85"), Decimal("0.40"), Words("稳定性", "stability")),
    "trend": (Decimal("-0.10"), Decimal("0.00"), Decimal("0.25"), Words("趋势", "trend")),
    "utilisation": (
        Decimal("0.15"), Decimal("0.50"), Decimal("0.20"), Words("开工率", "utilisation"),
    ),
    "order_fill": (
        Decimal("0.70"), Decimal("0.95"), Decimal("0.15"), Words("订单满足率", "order fill"),
    ),
}  # fmt: skip
"""Each feature: the value that earns nothing, the one that earns all, its weight, its name."""

_NEEDED: Final = ("stability", "trend", "utilisation")


def by_kind(terms: Mapping[str, Any], twin: TwinReader, *, at: int) -> Valuation:
    """Value machines, or the work of a factory where ``terms`` have ``turnover_per_kwh``.

    Args:
        terms: ``pool`` (``root``, ``kind``) and ``currency``. Machines have the facts
            ``replacement_cost`` (in that currency), ``built`` (a year) and ``life``. A digital loan
            has ``turnover_per_kwh`` (money, from the bank's transactions at set-up), ``months``,
            ``cap`` and ``valid_for`` (default 7 d).
        twin: the twin at that moment.
        at: the moment (ns).

    Raises:
        BadInput: a term is missing or cannot be meant; the text names it.

    Source: International Valuation Standards (IVSC, 2022) IVS 105 paragraph 70 (cost approach,
    depreciated replacement cost). The grades of the digital loan are this project's own.
    """
    for name in ("pool", "currency"):
        if name not in terms:
            raise BadInput(f"the facility's terms have no {name}")
    with localcontext() as context:
        context.prec = 34
        if "turnover_per_kwh" in terms:
            return _digital(terms, twin, at=at)
        return _machines(terms, twin, at=at)


value: Final[Valuer] = lambda terms, twin, at: by_kind(terms, twin, at=at)  # noqa: E731
"""The pack's valuation, :func:`by_kind`, with its three arguments by place as asked for."""


# ---- a digital loan --------------------------------------------------------------------------


def _digital(terms: Mapping[str, Any], twin: TwinReader, *, at: int) -> Valuation:
    root = thing_key(str(terms["pool"]["root"]))
    rate, months, cap = (_amount(terms, n) for n in ("turnover_per_kwh", "months", "cap"))
    oldest = duration(str(terms.get("valid_for", "7 d")))
    seen = {n: twin.latest(root, n) for n in ("energy_30d", *GRADES)}
    missing = [
        words for name in ("energy_30d", *_NEEDED)
        if (words := _missing(root, name, seen=seen[name], since=at - oldest)) is not None
    ]  # fmt: skip
    if seen["order_fill"] is not None and seen["order_fill"].event_time < at - oldest:
        seen["order_fill"] = None
    because = tuple(c for m in seen.values() if m is not None for c in twin.causes(m))
    energy = seen["energy_30d"]
    if missing or energy is None:
        return Valuation((), None, tuple(missing), because)
    factor, reasons = grade({n: exact(m.value) for n, m in seen.items() if m is not None})
    kwh = (exact(energy.value) / _KILOWATT_HOUR).quantize(Decimal("0.001"))
    turnover = kwh * rate
    limit = min(turnover * months * factor, cap)
    worth = Money(limit, str(terms["currency"])).rounded()
    price = (worth.amount / kwh).quantize(_PLACES) if kwh > 0 else Decimal(0)
    shown = {
        "month_energy": str(kwh),
        "month_turnover": str(Money(turnover, str(terms["currency"])).rounded().amount),
        "grade": str(factor.quantize(Decimal("0.0001"))),
        "capped": "yes" if limit == cap else "no",
        **reasons,
    }
    return Valuation((Worth(root, kwh, "kWh", price, worth),), worth, (), because, shown)


def grade(features: Mapping[str, Decimal]) -> tuple[Decimal, dict[str, str]]:
    """The grade of a factory's work, 0 to 1, and in words what each feature earned of its part.

    A feature that is not known leaves its weight to the others. Between the two values of its table
    (:data:`GRADES`) a feature earns in proportion.
    """
    known = {n: g for n, g in GRADES.items() if n in features}
    whole = sum((g[2] for g in known.values()), Decimal(0))
    total, reasons = Decimal(0), {}
    for name, (nothing, everything, weight, words) in known.items():
        part = (features[name] - nothing) / (everything - nothing)
        part = min(max(part, Decimal(0)), Decimal(1))
        total += weight / whole * part
        said = f"{_percent(features[name])} → {_percent(part)}"
        reasons[f"reason_{name}"] = f"{words.zh} {words.en}: {said} × {_percent(weight / whole)}"
    return total, reasons


# ---- machines --------------------------------------------------------------------------------


def _machines(terms: Mapping[str, Any], twin: TwinReader, *, at: int) -> Valuation:
    root = thing_key(str(terms["pool"]["root"]))
    lines: list[Worth] = []
    missing: list[Words] = []
    because: list[Cause] = []
    for machine in twin.within(root, str(terms["pool"].get("kind", "machine"))):
        facts = twin.facts(machine)
        absent = [n for n in ("replacement_cost", "built", "life") if not facts.get(n)]
        if absent:
            names = ", ".join(absent)
            missing.append(Words(f"{machine} 未登记 {names}", f"{machine} has no fact {names}"))
            continue
        cost = exact(facts["replacement_cost"])
        age = (exact(at) - (exact(facts["built"]) - 1970) * _YEAR) / Decimal(10**9)
        left = max(1 - max(age, Decimal(0)) / exact(facts["life"]), _SCRAP)
        health = twin.latest(machine, "health_index")
        sound = Decimal(1) if health is None else min(exact(health.value) / _SOUND, Decimal(1))
        because += twin.causes(health) if health is not None else ()
        share = (left * sound).quantize(_PLACES)
        worth = Money(cost * share, str(terms["currency"])).rounded()
        lines.append(Worth(machine, Decimal(1), "1", worth.amount, worth))
    if not lines and not missing:
        missing.append(Words(f"{root} 下没有机器", f"there is no machine under {root}"))
    if missing:
        return Valuation(tuple(lines), None, tuple(missing), tuple(because))
    total = Money(sum((w.value.amount for w in lines), Decimal(0)), str(terms["currency"]))
    return Valuation(tuple(lines), total, (), tuple(because))


# ---- what both use ---------------------------------------------------------------------------


def _missing(root: ThingKey, name: str, *, seen: Measured | None, since: int) -> Words | None:
    if seen is None:
        return Words(f"{root} 尚无 {name}", f"{root} has no {name} yet")
    if seen.event_time < since:
        day = iso(seen.event_time)[:10]
        return Words(f"{root} 的 {name} 停在 {day}", f"{name} of {root} is of {day}, too old")
    return None


def _amount(terms: Mapping[str, Any], name: str) -> Decimal:
    if name not in terms:
        raise BadInput(f"the facility's terms have no {name}")
    try:
        found = Decimal(str(terms[name]))
    except InvalidOperation:
        raise BadInput(f"the facility's term {name} = {terms[name]!r} is no number") from None
    if not (found.is_finite() and found > 0):
        raise BadInput(f"the facility's term {name} = {terms[name]!r} is not above zero")
    return found


def _percent(share: Decimal) -> str:
    return f"{100 * share:.1f} %"
