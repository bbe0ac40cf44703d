"""Readings of a location: signed WGS-84 degrees and the other quantities with their units.

What a terminal sends without a fix, or what cannot be, is no reading; it stays in the fields, and
a mark says which indicator is missing and why.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from wuxin.protocols.jt808 import adas, bsd, driving, dsm, tpms
from wuxin.protocols.jt808.flags import ALARM, STATUS
from wuxin.terms.datum import Place, to_wgs84

Reading = dict[str, Any]

_FIX: Final = ("latitude", "longitude", "altitude", "speed", "direction")
_QUANTITIES: Final = {
    "mileage_km": ("mileage", "km"),
    "fuel_l": ("fuel", "L"),
    "recorder_speed_kmh": ("recorder_speed", "km/h"),
    "cabin_temperature_degc": ("cabin_temperature", "degC"),
    "network_signal": ("network_signal", ""),
    "satellites": ("satellites", ""),
}
_EVENTS: Final = {
    "adas_alarm": adas.EVENT,
    "dsm_alarm": dsm.EVENT,
    "bsd_alarm": bsd.EVENT,
    "driving_alarm": driving.EVENT,
}


class Told(NamedTuple):
    """What one location tells."""

    readings: list[Reading]
    """Each with ``indicator``, ``value`` and ``unit``."""

    marks: list[dict[str, str]]
    """Each with ``indicator`` and ``mark``: ``no_fix`` or ``out_of_range``."""


def of_location(fields: Mapping[str, Any]) -> Told:
    """The readings and marks of a location's fields."""
    status = fields["status"]
    found = [
        _reading("alarm_flags", _word(ALARM.bits, fields["alarm"])),
        _reading("status_flags", _word(STATUS.bits, status)),
        _reading("ignition", int("acc_on" in status)),
    ]
    fix, marks = _fix(fields) if "positioned" in status else ([], _marks(_FIX, "no_fix"))
    for item in fields["items"]:
        found += _of_item(item["name"], item["value"])
    return Told(fix + found, marks)


def _fix(fields: Mapping[str, Any]) -> tuple[list[Reading], list[dict[str, str]]]:
    found = [
        _reading("altitude", fields["altitude_m"], unit="m"),
        _reading("speed", fields["speed_kmh"], unit="km/h"),
    ]
    marks = []
    if fields["direction_deg"] <= 360:
        found.append(_reading("direction", fields["direction_deg"] % 360, unit="degree"))
    else:
        marks += _marks(("direction",), "out_of_range")
    if fields["latitude"] > 90 or fields["longitude"] > 180:
        return found, marks + _marks(_FIX[:2], "out_of_range")
    status = fields["status"]
    place = Place(
        -fields["latitude"] if "south" in status else fields["latitude"],
        -fields["longitude"] if "west" in status else fields["longitude"],
    )
    if "coordinates_encrypted" in status:
        place = to_wgs84(place)
    where = [
        _reading("latitude", round(place.latitude, 7), unit="degree"),
        _reading("longitude", round(place.longitude, 7), unit="degree"),
    ]
    return where + found, marks


def _of_item(name: str, value: Any) -> list[Reading]:
    if name in _QUANTITIES:
        indicator, unit = _QUANTITIES[name]
        return [_reading(indicator, value, unit=unit)]
    if name == "analog":
        return [_reading("ad0", value["ad0"]), _reading("ad1", value["ad1"])]
    if name in _EVENTS:  # the code of the event, 0 once it has ended
        code = _EVENTS[name].codes.get(value["event"], value["event"])
        return [_reading(name, 0 if value["flag"] == "end" else code)]
    if name == "tpms_alarm":
        return [reading for tyre in value["tyres"] for reading in _of_tyre(tyre)]
    return []


def _of_tyre(tyre: Mapping[str, Any]) -> list[Reading]:
    where = f"tyre_{tyre['position']}"
    return [
        _reading(f"{where}_alarm", _word(tpms.EVENT.bits, tyre["event"])),
        _reading(f"{where}_pressure", tyre["pressure_kpa"], unit="kPa"),
        _reading(f"{where}_temperature", tyre["temperature_degc"], unit="degC"),
    ]


def _word(bits: Mapping[str, int], names: list[str]) -> int:
    return sum(1 << (bits[n] if n in bits else int(n.removeprefix("bit_"))) for n in names)


def _marks(indicators: tuple[str, ...], mark: str) -> list[dict[str, str]]:
    return [{"indicator": indicator, "mark": mark} for indicator in indicators]


def _reading(indicator: str, value: float, *, unit: str = "") -> Reading:
    return {"indicator": indicator, "value": value, "unit": unit}
