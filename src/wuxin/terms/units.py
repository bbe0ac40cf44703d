"""Units: SI inside, converted at the edge. Pint knows the units; money units are added here.

An indicator's ``unit`` is SI (W, J, K, kg, W/m2, 1); its ``show`` is what people read (kW, kWh,
degC, t, %). Conversions are affine: ``inside = outside * factor + offset``.
"""

from functools import cache
from typing import Final, NamedTuple

import pint

from wuxin.terms.errors import BadInput

_CURRENCIES: Final = ("CNY", "USD", "EUR", "GBP", "JPY", "INR")
_WORDS: Final = {
    "℃": "degC", "°C": "degC", "%": "percent", "1": "", "°": "degree",
    "W/m2": "W/m**2", "W/m²": "W/m**2", "kW/m2": "kW/m**2", "Wh/m2": "Wh/m**2",
    "t": "metric_ton", "mt": "metric_ton", "USD/t": "USD/metric_ton",
    "USD/mt": "USD/metric_ton", "CNY/t": "CNY/metric_ton",
}  # fmt: skip


class Affine(NamedTuple):
    """``inside = outside * factor + offset``."""

    factor: float
    offset: float


@cache
def _registry() -> "pint.UnitRegistry[float]":
    registry: pint.UnitRegistry[float] = pint.UnitRegistry()
    for code in _CURRENCIES:
        registry.define(f"{code} = [currency_{code}]")
    return registry


@cache
def conversion(outside: str, inside: str) -> Affine:
    """How a value in unit ``outside`` becomes one in unit ``inside``.

    Raises:
        BadInput: a unit is unknown, or the two do not measure the same quantity.
    """
    if outside == inside:
        return Affine(1.0, 0.0)
    registry = _registry()
    try:
        source, target = (registry.Unit(_WORDS.get(u, u)) for u in (outside, inside))
        zero = registry.Quantity(0.0, source).to(target).magnitude
        one = registry.Quantity(1.0, source).to(target).magnitude
    except pint.DimensionalityError:
        raise BadInput(f"unit {outside!r} cannot be converted to {inside!r}") from None
    except (pint.PintError, AttributeError, ValueError, TypeError, AssertionError):
        raise BadInput(f"unknown unit {outside!r}") from None
    return Affine(float(f"{one - zero:.15g}"), float(zero))


def shown(value: float, inside: str, *, show: str) -> float:
    """A value kept in unit ``inside``, in the unit that people read."""
    rule = conversion(show, inside)
    return (value - rule.offset) / rule.factor
