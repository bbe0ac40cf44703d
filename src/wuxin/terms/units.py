"""Units: SI inside, converted at the edge. Pint knows the units; money units are added here.

An indicator's ``unit`` is SI (W, J, K, kg, W/m2, 1); its ``show`` is what people read (kW, kWh,
degC, t, %). Conversions are affine: ``inside = outside * factor + offset``.
"""

import math
import re
import threading
from functools import cache
from tokenize import TokenError
from typing import Final, NamedTuple

import pint

from wuxin.terms.errors import BadInput

_CURRENCIES: Final = (
    "CNY", "USD", "EUR", "GBP", "JPY", "INR", "HKD", "SGD", "AUD", "CAD", "CHF", "KRW", "BRL",
)  # fmt: skip
_WORDS: Final = {
    "℃": "degC", "°C": "degC", "%": "percent", "1": "", "°": "degree",
    "W/m2": "W/m**2", "W/m²": "W/m**2", "kW/m2": "kW/m**2", "Wh/m2": "Wh/m**2",
    "t": "metric_ton", "mt": "metric_ton", "USD/t": "USD/metric_ton",
    "USD/mt": "USD/metric_ton", "CNY/t": "CNY/metric_ton",
}  # fmt: skip

_FACTOR: Final = r"\(?(?:[^\W\d]\w{0,30}|°[CFK]?|%)(?:(?:\*\*|\^)-?[1-9]|[²³])?\)?"
_FORM: Final = re.compile(rf"(?:1 ?/ ?)?{_FACTOR}(?: ?[*/·] ?{_FACTOR}){{0,7}}")
"""Products of named units with one-digit powers; anything else would be evaluated as arithmetic."""

_NO_UNIT: Final = (
    pint.PintError, AttributeError, ValueError, TypeError, LookupError, ArithmeticError, TokenError,
    AssertionError,
)  # fmt: skip
"""What Pint raises, one way or another, where a text is no unit."""

_ONE_AT_A_TIME: Final = threading.Lock()
"""Pint reads its definitions at first use and is not made for several threads."""


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
    try:
        with _ONE_AT_A_TIME:
            registry = _registry()
            source, target = (registry.Unit(_form(u)) for u in (outside, inside))
            zero, one, ten = (
                registry.Quantity(x, source).to(target).magnitude for x in (0.0, 1.0, 10.0)
            )
    except pint.DimensionalityError:
        raise BadInput(f"unit {outside!r} cannot be converted to {inside!r}") from None
    except _NO_UNIT:
        raise BadInput(f"unknown unit {outside!r}") from None
    if not math.isclose(ten - zero, 10 * (one - zero), rel_tol=1e-9):
        raise BadInput(f"unit {outside!r} is not linear in {inside!r}; convert it at the device")
    return Affine(float(f"{one - zero:.15g}"), float(zero))


def inward(outside: str, inside: str) -> Affine:
    """The same for a reported value: as it is, where its unit or the one inside is not told.

    Raises:
        BadInput: see :func:`conversion`.
    """
    return conversion(outside, inside) if outside and inside else Affine(1.0, 0.0)


def checked(unit: str) -> str:
    """The unit itself, checked to be one.

    Raises:
        BadInput: it is unknown.
    """
    try:
        with _ONE_AT_A_TIME:
            _registry().Unit(_form(unit))
    except _NO_UNIT:
        raise BadInput(f"unknown unit {unit!r}") from None
    return unit


def _form(unit: str) -> str:
    """The unit as Pint writes it; ValueError where it is no product of named units."""
    written = _WORDS.get(unit, unit)
    if written and not _FORM.fullmatch(written):
        raise ValueError(unit)
    return written


def shown(value: float, inside: str, *, show: str) -> float:
    """A value kept in unit ``inside``, in the unit that people read."""
    rule = conversion(show, inside)
    return (value - rule.offset) / rule.factor
