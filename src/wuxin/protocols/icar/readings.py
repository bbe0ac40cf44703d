"""What an ICAR resource says that can be measured or counted, as readings of animals.

Source: ICAR Animal Data Exchange (ADE) 1.x, schemas of the resources named below.
"""

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from wuxin.protocols.icar.values import (
    MASSES,
    MOMENTS,
    code,
    identifier,
    listed,
    number,
    record,
    resource_name,
)
from wuxin.protocols.octets import BadFrame
from wuxin.protocols.rec20 import UNITS
from wuxin.terms.units import conversion

READINGS: Final = 50_000
"""The most readings of one message."""

_DURATIONS: Final = ("SEC", "MIN")
_AMOUNTS: Final = {
    "milkingMilkWeight": "milk_weight", "milkWeight24Hours": "milk_weight_24h",
    "milkYieldAvg24h": "milk_yield_avg_24h", "milkYieldAvg7days": "milk_yield_avg_7d",
    "milkAmount": "milk_amount", "fatAmount": "fat_amount", "proteinAmount": "protein_amount",
    "lactosisAmount": "lactosis_amount",
}  # fmt: skip
_SPANS: Final = {
    "milkingDuration": "milking_duration", "milkingVisitDuration": "milking_visit_duration",
    "feedVisitDuration": "feed_visit_duration",
}  # fmt: skip
_COUNTS: Final = {
    "parity": ("parity", "1"), "lactationLength": ("lactation_length", "day"),
    "timeOffFeed": ("time_off_feed", "h"), "foetusCount": ("foetus_count", "1"),
}  # fmt: skip
_MOVES: Final[dict[str, dict[str, float]]] = {
    "MovementBirthEvent": {"present": 1.0, "alive": 1.0}, "MovementArrivalEvent": {"present": 1.0},
    "MovementDepartureEvent": {"present": 0.0},
    "MovementDeathEvent": {"present": 0.0, "alive": 0.0},
}  # fmt: skip
_STATUS: Final[dict[str, dict[str, float]]] = {
    "Alive": {"alive": 1.0}, "Dead": {"alive": 0.0}, "OffFarm": {"present": 0.0},
}  # fmt: skip
_GROUP_MOVES: Final = {
    "GroupMovementBirthEvent": "born", "GroupMovementArrivalEvent": "arrived",
    "GroupMovementDepartureEvent": "departed", "GroupMovementDeathEvent": "died",
}  # fmt: skip
_DECIMAL: Final = re.compile(r"\s*[+-]?(?:\d{1,30}(?:[.,]\d{0,30})?|[.,]\d{1,30})\s*", re.ASCII)


class Found:
    """Readings and marks, gathered resource by resource."""

    def __init__(self) -> None:
        self.readings: list[dict[str, Any]] = []
        self._marks: dict[tuple[str, str], None] = {}
        self.times: list[str] = []
        self._said: dict[str, str] = {}

    @property
    def marks(self) -> list[dict[str, str]]:
        """Indicators without a reading and why, each once."""
        return [{"indicator": indicator, "mark": mark} for indicator, mark in self._marks]

    def add(self, resource: Mapping[str, Any], kind: str, *, at: str) -> None:
        """Add what a resource says; of one that was deleted, only a mark.

        Raises:
            BadFrame: an amount cannot be, or there are too many readings.
        """
        start = len(self.readings)
        self._said = _about(resource, resource_name(kind), at=at)
        if "time" in self._said:
            self.times.append(self._said["time"])
        self._moves(resource, resource_name(kind), at=at)
        self._amounts(resource, at)
        self._milk(resource, at)
        self._weights(resource, at)
        self._feeds(resource, at)
        self._health(resource, at)
        if len(self.readings) > READINGS:
            raise BadFrame(f"a message gives more than {READINGS} readings", at)
        if resource.get("meta", {}).get("isDeleted") is True:
            for reading in self.readings[start:]:
                self._mark(reading["indicator"], "deleted")
            del self.readings[start:]

    def _put(self, indicator: str, value: float, *, unit: str, **others: str) -> None:
        reading = {"indicator": indicator, "value": value, "unit": unit}
        self.readings.append({**reading, **self._said, **others})

    def _mark(self, indicator: str, mark: str) -> None:
        self._marks[indicator, mark] = None

    def _moves(self, resource: Mapping[str, Any], name: str, *, at: str) -> None:
        status = str(resource.get("status")) if name == "AnimalCore" else ""
        for indicator, value in (_MOVES.get(name) or _STATUS.get(status, {})).items():
            self._put(indicator, value, unit="1")
        if "countObserved" in resource:
            count = number(resource["countObserved"], f"{at}.countObserved")
            self._put(_GROUP_MOVES.get(name, "count"), count, unit="1")

    def _amounts(self, resource: Mapping[str, Any], at: str) -> None:
        for names, known in ((_AMOUNTS, MASSES), (_SPANS, _DURATIONS)):
            for field, indicator in names.items():
                if field in resource:
                    self._measure(indicator, resource[field], at=f"{at}.{field}", known=known)
        for field, (indicator, unit) in _COUNTS.items():
            if field in resource:
                self._put(indicator, number(resource[field], f"{at}.{field}"), unit=unit)
        if isinstance(resource.get("milkingComplete"), bool):
            self._put("milking_complete", float(resource["milkingComplete"]), unit="1")

    def _measure(
        self, indicator: str, said: Any, *, at: str, known: tuple[str, ...]
    ) -> float | None:
        """Put a ``{unitCode, value}``; its value where one is given, in kg or s."""
        quantity = record(said, at)
        if quantity.get("value") is None:
            return None
        value = number(quantity["value"], f"{at}.value")
        unit = self._unit(indicator, quantity, name="unitCode", at=at, known=known)
        if not unit:
            return None
        self._put(indicator, value, unit=unit)
        return value * conversion(unit, "s" if known is _DURATIONS else "kg").factor

    def _unit(
        self, indicator: str, said: Mapping[str, Any], *, name: str, at: str, known: tuple[str, ...]
    ) -> str:
        """The unit of an amount; empty, and marked, where the schema lets it be left out."""
        if said.get(name) is None:
            self._mark(indicator, "unknown_unit")
            return ""
        return UNITS[code(said, name, at=at, known=known)]

    def _milk(self, resource: Mapping[str, Any], at: str) -> None:
        self._characteristics(resource.get("milkCharacteristics"), f"{at}.milkCharacteristics")
        place = f"{at}.quarterMilkings"
        for i, one in enumerate(listed(resource.get("quarterMilkings"), place)):
            quarter, spot = record(one, f"{place}[{i}]"), f"{place}[{i}]"
            end = f"_{_snake(str(quarter.get('icarQuarterId') or f'quarter_{i + 1}'))}"
            for field, indicator, known in (
                ("quarterMilkingWeight", "milk_weight", MASSES),
                ("quarterMilkingDuration", "milking_duration", _DURATIONS),
            ):
                if quarter.get(field) is not None:
                    name = f"{indicator}{end}"
                    self._measure(name, quarter[field], at=f"{spot}.{field}", known=known)
            self._characteristics(
                quarter.get("icarQuarterCharacteristics"),
                f"{spot}.icarQuarterCharacteristics",
                end=end,
            )

    def _characteristics(self, said: Any, at: str, *, end: str = "") -> None:
        for i, one in enumerate(listed(said, at)):
            spot = record(one, f"{at}[{i}]")
            for name in ("characteristic", "value"):
                if not isinstance(spot.get(name), str):
                    raise BadFrame(f"{name} is not a text", f"{at}[{i}].{name}")
            if not _DECIMAL.fullmatch(spot["value"]):
                continue  # a word, such as the colour of the milk, is no reading
            indicator = f"milk_{_snake(spot['characteristic'])}{end}"
            unit = UNITS.get(str(spot.get("unit"))) or {"%": "%"}.get(str(spot.get("unit")))
            if unit is None:
                self._mark(indicator, "unknown_unit")
                continue
            self._put(indicator, float(spot["value"].replace(",", ".")), unit=unit)

    def _weights(self, resource: Mapping[str, Any], at: str) -> None:
        weight = record(resource.get("weight", {}), f"{at}.weight")
        if weight.get("measurement") is not None:
            value = _mass(weight["measurement"], f"{at}.weight.measurement")
            if unit := self._unit("weight", weight, name="units", at=f"{at}.weight", known=MASSES):
                self._put("weight", value, unit=unit)
        place = f"{at}.animalWeights"
        for i, one in enumerate(listed(resource.get("animalWeights"), place)):
            spot = record(one, f"{place}[{i}]")
            if spot.get("weight") is None:
                continue
            value = _mass(spot["weight"], f"{place}[{i}].weight")
            unit = self._unit("weight", resource, name="units", at=at, known=MASSES)
            if not unit:
                continue
            if spot.get("animal") is not None:
                thing = f"animal:{identifier(spot['animal'], f'{place}[{i}].animal')}"
                self._put("weight", value, unit=unit, thing=thing)
            else:
                self._mark("weight", "unknown_animal")

    def _feeds(self, resource: Mapping[str, Any], at: str) -> None:
        rations = resource.get("consumedRation")
        for field, said, key in (
            ("consumedFeed", resource.get("consumedFeed"), "feedId"),
            ("consumedRation", [rations] if isinstance(rations, dict) else rations, "rationId"),
        ):
            what = "feed" if key == "feedId" else "ration"
            totals: dict[str, list[float]] = {"consumption": [], "entitlement": []}
            for i, one in enumerate(listed(said, f"{at}.{field}")):
                spot = f"{at}.{field}[{i}]"
                eaten = record(one, spot)
                told = eaten.get(key)  # a ration's is a plain text, a feed's has a scheme
                of = told if isinstance(told, str) else identifier(told, f"{spot}.{key}")
                for name, total in (("feedConsumption", "consumption"), ("entitlement",) * 2):
                    if eaten.get(name) is not None:
                        indicator = f"{what}_{total}_{_snake(of)}"
                        value = self._measure(
                            indicator, eaten[name], at=f"{spot}.{name}", known=MASSES
                        )
                        totals[total] += [] if value is None else [value]
            for total, values in totals.items():
                if values:
                    self._put(f"{what}_{total}", round(math.fsum(values), 9), unit="kg")

    def _health(self, resource: Mapping[str, Any], at: str) -> None:
        diagnoses = listed(resource.get("diagnoses"), f"{at}.diagnoses")
        if diagnoses:
            self._put("diagnoses", float(len(diagnoses)), unit="1")
        for i, one in enumerate(diagnoses):
            spot = f"{at}.diagnoses[{i}]"
            score = record(one, spot).get("severityScore")
            if score is not None:
                self._put(
                    "diagnosis_severity_score", number(score, f"{spot}.severityScore"), unit="1"
                )
        dose = record(resource.get("dose", {}), f"{at}.dose")
        if dose.get("doseQuantity") is not None:
            value = number(dose["doseQuantity"], f"{at}.dose.doseQuantity")
            unit = UNITS.get(str(dose.get("doseUnits")))
            if unit is None:
                self._mark("dose", "unknown_unit")
            else:
                self._put("dose", value, unit=unit)


def _mass(value: Any, at: str) -> float:
    found = number(value, at)
    if found < 0:
        raise BadFrame(f"a weight of {found:g} cannot be", at)
    return found


def _about(resource: Mapping[str, Any], kind: str, *, at: str) -> dict[str, str]:
    """The time and the thing of a resource, as far as it says them."""
    said = {}
    for name in MOMENTS:
        if name in resource:
            said["time"] = str(resource[name])
            break
    if kind == "AnimalCore":
        changed = resource.get("meta", {}).get("modified")
        told = {"time": str(changed)} if changed else {}
        return {**told, "thing": f"animal:{identifier(resource['identifier'], f'{at}.identifier')}"}
    animals = listed(resource.get("animals"), f"{at}.animals")
    animal = resource.get("animal") or (animals[0] if len(animals) == 1 else None)
    reference = resource.get("animalSetReference") or {}
    if animal is not None:
        said["thing"] = f"animal:{identifier(animal, f'{at}.animal')}"
    elif isinstance(reference, dict) and isinstance(reference.get("identifier"), dict):
        place = f"{at}.animalSetReference.identifier"
        said["thing"] = f"animal_set:{identifier(reference['identifier'], place)}"
    return said


def _snake(text: str) -> str:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")[:80]
