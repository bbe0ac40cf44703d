"""What the sensors of an event measured, as readings of the things it is about.

Source: EPCIS 2.0 §7.3.7 (sensor elements); CBV 2.0 §7.10 (measurement types).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from wuxin.protocols.octets import BadFrame
from wuxin.protocols.rec20 import UNITS

READINGS: Final = 20_000
"""The most readings of one document: reports times things."""

_VALUES: Final = {
    "value": "", "minValue": "_min", "maxValue": "_max", "meanValue": "_mean", "sDev": "_std_dev",
}  # fmt: skip
_PLACES: Final = ("latitude", "longitude", "altitude", "height", "easting", "northing")
"""Components that say alone what is measured."""


class Found:
    """Readings and marks, gathered event by event."""

    def __init__(self) -> None:
        self.readings: list[dict[str, Any]] = []
        self._marks: dict[tuple[str, str], None] = {}

    @property
    def marks(self) -> list[dict[str, str]]:
        """Indicators without a reading and why, each once."""
        return [{"indicator": indicator, "mark": mark} for indicator, mark in self._marks]

    def add(self, event: Mapping[str, Any], at: str) -> None:
        """Add what the sensors of an event say.

        Raises:
            BadFrame: there are more readings than :data:`READINGS`.
        """
        things = things_of(event)
        for element in event.get("sensorElementList", ()):
            metadata = element.get("sensorMetadata", {})
            for report in element["sensorReport"]:
                said = {
                    "time": report.get("time")
                    or metadata.get("time")
                    or metadata.get("endTime")
                    or event["eventTime"]
                }
                sensor = report.get("deviceID") or metadata.get("deviceID")
                if sensor:
                    said["sensor"] = sensor
                for reading in self._report(report):
                    if len(self.readings) + len(things) > READINGS:
                        raise BadFrame(f"sensors tell more than {READINGS} readings", at)
                    self.readings += [{**reading, **said, "thing": thing} for thing in things]

    def _report(self, report: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        name = indicator(report)
        if report.get("exception") == "ERROR_CONDITION":
            self._mark(name, "error_condition")
            return
        if report.get("exception") == "ALARM_CONDITION":
            yield {"indicator": f"{name}_alarm", "value": 1.0, "unit": "1"}
        if "booleanValue" in report:
            yield {"indicator": name, "value": float(report["booleanValue"]), "unit": "1"}
        values = {f"{name}{end}": report[key] for key, end in _VALUES.items() if key in report}
        if "percValue" in report and 0 <= report.get("percRank", -1) <= 100:
            values[f"{name}_p{report['percRank']:g}".replace(".", "_")] = report["percValue"]
        if not values:
            return
        unit = UNITS.get(report.get("uom", "C62"))
        if unit is None:
            self._mark(name, "unknown_unit")
            return
        for key, value in values.items():
            shown, factor = _spread(unit) if key.endswith("_std_dev") else (unit, 1.0)
            yield {"indicator": key, "value": float(value) * factor, "unit": shown}

    def _mark(self, name: str, mark: str) -> None:
        self._marks[name, mark] = None


def _spread(unit: str) -> tuple[str, float]:
    """The unit of a standard deviation: a difference of temperatures has no zero point."""
    return {"degC": ("K", 1.0), "degF": ("K", 5 / 9)}.get(unit, (unit, 1.0))


def indicator(report: Mapping[str, Any]) -> str:
    """The name of what a report measures: ``absolute_humidity``, ``latitude``, ``acceleration_x``.

    A substance or an organism that is counted is part of the name.
    """
    name = _snake(report.get("type", "sensor"))
    component = _snake(report.get("component", ""))
    if component in _PLACES:
        name = component
    elif component:
        name = f"{name}_{component}"
    of = report.get("chemicalSubstance") or report.get("microorganism")
    return f"{name}_{_snake(of)}" if of else name


def _snake(text: str) -> str:
    """The last part of a name or URI in small letters, words joined by low lines."""
    last = re.split(r"[/#:}]", text.rstrip("/#:"))[-1]
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", last)
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")[:80]


def things_of(event: Mapping[str, Any]) -> list[str]:
    """What an event is about, as ``epc:…``: a parent, or its things, or classes, or the place."""
    if "parentID" in event:
        return [f"epc:{event['parentID']}"]
    for name in ("epcList", "childEPCs", "outputEPCList", "inputEPCList"):
        if event.get(name):
            return [f"epc:{epc}" for epc in event[name]]
    for name in ("quantityList", "childQuantityList", "outputQuantityList", "inputQuantityList"):
        if event.get(name):
            return list(dict.fromkeys(f"epc:{one['epcClass']}" for one in event[name]))
    for name in ("bizLocation", "readPoint"):
        if name in event:
            return [f"epc:{event[name]['id']}"]
    return []
