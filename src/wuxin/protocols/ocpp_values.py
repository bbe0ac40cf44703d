"""OCPP: sampled values with their units, states as numbers, and times."""

import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from wuxin.protocols.octets import BadFrame
from wuxin.terms.clock import iso, moment
from wuxin.terms.errors import BadInput

CONNECTOR_STATES: Final = (
    "Available", "Preparing", "Charging", "SuspendedEVSE", "SuspendedEV", "Finishing", "Reserved",
    "Unavailable", "Faulted", "Occupied",
)  # fmt: skip
"""States of a connector; the number of one is its place. OCPP 1.6 §7.7, then 2.0.1 Occupied."""

CHARGING_STATES: Final = ("Idle", "EVConnected", "SuspendedEV", "SuspendedEVSE", "Charging")
"""States of a transaction (OCPP 2.0.1 Part 2 §3.16); the number of one is its place."""

ERRORS: Final = (
    "NoError", "ConnectorLockFailure", "EVCommunicationError", "GroundFailure", "HighTemperature",
    "InternalError", "LocalListConflict", "OtherError", "OverCurrentFailure", "OverVoltage",
    "PowerMeterFailure", "PowerSwitchFailure", "ReaderFailure", "ResetFailure", "UnderVoltage",
    "WeakSignal",
)  # fmt: skip
"""Errors of a connector (OCPP 1.6 §7.6), none first; the number of one is its place."""

_UNITS: Final = {
    "Celcius": "degC", "Celsius": "degC", "Fahrenheit": "degF", "Percent": "%", "Hertz": "Hz",
    "kvar": "kVA", "kvarh": "kVA*h", "var": "VA", "varh": "VA*h", "VAh": "VA*h", "kVAh": "kVA*h",
    "RPM": "rpm", "Deg": "degree", "Ohm": "ohm", "RH": "%", "ms2": "m/s**2", "B": "byte",
}  # fmt: skip
"""Units that are written otherwise here. Reactive and apparent values are told apart by name."""

_NATURAL: Final = {
    "Energy": "Wh", "Current": "A", "Voltage": "V", "SoC": "%", "Frequency": "Hz", "RPM": "rpm",
    "Power.Factor": "1",
}  # fmt: skip
"""Units of values that are sent without one; power and temperature need it.

Source: OCPP 1.6 §7.31 and §7.43; 2.0.1 Part 2 §2.50.
"""

_NUMBER: Final = re.compile(r"\s*[+-]?\d{1,18}([.,]\d{0,18})?([eE][+-]?\d{1,2})?\s*", re.ASCII)
_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d([.,]\d{1,9})?([Zz]|[+-]\d\d:?\d\d)?", re.ASCII
)
_UNIT: Final = re.compile(r"[\x21-\x7e]{1,20}")
_MOST: Final = 30
"""Powers of ten that a value may be multiplied by, up and down."""


def when(text: Any, at: str) -> str:
    """A time as ISO 8601 in UTC; one without an offset is UTC.

    Raises:
        BadFrame: it is no time.

    Source: OCPP 1.6 §3.14 (RFC 3339, UTC recommended).
    """
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise BadFrame(f"{text!a:.40} is not a time such as 2024-06-01T08:00:00Z", at)
    try:
        return iso(moment(text.upper()))
    except BadInput:
        raise BadFrame(f"{text!a} is not a time that exists", at) from None


def sampled(value: dict[str, Any], version: str) -> dict[str, Any]:
    """A reading of one sampled value, or a mark where there is no number in it.

    The indicator is the measurand in small letters with ``_``, its phase and, if it is not the
    outlet, its location: ``current_import_l1``. What a value is of (begin or end of a transaction,
    an interruption) stays as ``context``.

    Args:
        value: a SampledValue that fits its schema.
        version: of OCPP; up to 1.6 a value is text.

    Source: OCPP 1.6 §7.43; 2.0.1 Part 2 §2.46 SampledValueType and §2.50 UnitOfMeasureType.
    """
    measurand = value.get("measurand", "Energy.Active.Import.Register")
    parts = [measurand, value.get("phase", ""), value.get("location", "Outlet")]
    words = [part for part in parts if part and part != "Outlet"]
    indicator = re.sub(r"[^a-z0-9]+", "_", "_".join(words).lower())
    if value.get("format") == "SignedData":
        return {"indicator": indicator, "mark": "signed_data"}
    measure = value if version == "1.6" else value.get("unitOfMeasure", {})
    unit = measure.get("unit") or _natural(measurand)
    if unit and not _UNIT.fullmatch(unit):
        return {"indicator": indicator, "mark": "unknown_unit"}
    number = _scaled(value["value"], measure.get("multiplier", 0))
    if number is None:
        return {"indicator": indicator, "mark": "not_a_number"}
    reading = {"indicator": indicator, "value": number, "unit": _UNITS.get(unit, unit)}
    context = value.get("context", "Sample.Periodic")
    return reading if context == "Sample.Periodic" else {**reading, "context": context}


def _natural(measurand: str) -> str:
    return _NATURAL.get(measurand) or _NATURAL.get(measurand.partition(".")[0], "")


def _scaled(value: Any, multiplier: int) -> float | None:
    if abs(multiplier) > _MOST:
        return None
    text = str(value)
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    try:
        number = float(Decimal(text.strip().replace(",", ".")).scaleb(int(multiplier)))
    except (InvalidOperation, OverflowError):
        return None
    return number if math.isfinite(number) else None
