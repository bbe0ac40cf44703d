"""Values of ICAR resources, one check for each kind, and what each resource must have.

A value that is null counts as not given.

Source: ICAR Animal Data Exchange (ADE) 1.x, JSON schemas of types and resources.
"""

import math
from collections.abc import Mapping
from datetime import tzinfo
from typing import Any, Final

from wuxin.protocols.octets import BadFrame
from wuxin.terms.clock import iso, moment
from wuxin.terms.errors import BadInput

MASSES: Final = ("KGM", "GRM", "LBR", "TNE", "MC", "MGM", "ONZ", "PN")
"""The codes in which ADE writes masses (UN/CEFACT Recommendation 20)."""

_ANIMAL_EVENTS: Final = {
    "AnimalSetJoinEvent": ("animalSetId", "eventDateTime"),
    "AnimalSetLeaveEvent": ("animalSetId", "eventDateTime"),
    "AnimalEventCore": (), "ConformationScoreEvent": ("score", "traitScored"),
    "DiagnosisEvent": (),
    "FeedIntakeEvent": ("feedingStartingDateTime", "feedVisitDuration"),
    "HealthStatusObservedEvent": (), "LactationStatusObservedEvent": (), "MilkingDryOffEvent": (),
    "MilkingVisitEvent": ("milkingStartingDateTime", "milkingMilkWeight"),
    "MovementArrivalEvent": (), "MovementBirthEvent": ("location",), "MovementDeathEvent": (),
    "MovementDepartureEvent": (), "ReproAbortionEvent": (), "ReproDoNotBreedEvent": (),
    "ReproHeatEvent": (), "ReproInseminationEvent": ("inseminationType",),
    "ReproMatingRecommendation": (), "ReproParturitionEvent": (), "ReproPregnancyCheckEvent": (),
    "ReproStatusObservedEvent": (), "TestDayResultEvent": (), "TreatmentEvent": (),
    "TreatmentProgramEvent": (), "TypeClassificationEvent": ("score", "traitScored"),
    "WeightEvent": (), "WithdrawalEvent": ("eventDateTime", "productType"),
}  # fmt: skip
_OTHERS: Final = {
    "AnimalCore": ("identifier", "specie", "gender"), "AnimalSet": ("id", "member"),
    "BreedingValue": ("id", "animal"),
    "DailyMilkingAverages": ("location", "animal", "averageDate"),
    "Gestation": ("id", "animal", "expectedCalvingDate"), "Lactation": ("id", "animal"),
    "Location": ("identifier",), "TestDay": ("id", "beginDate", "endDate"),
    "FeedRecommendation": ("id", "animal"), "Feed": ("id",), "Ration": ("id",),
    "GroupMovementArrivalEvent": ("location", "groupMethod", "arrivalReason"),
    "GroupMovementBirthEvent": ("location", "groupMethod", "registrationReason"),
    "GroupMovementDeathEvent": ("location", "groupMethod", "deathMethod"),
    "GroupMovementDepartureEvent": ("location", "groupMethod", "departureKind"),
    "GroupEventCore": ("groupMethod",), "ProgenyDetails": ("specie", "gender"),
    "GroupTreatmentEvent": ("groupMethod",), "GroupWeightEvent": ("groupMethod",),
    "Statistics": ("id", "location", "purpose", "dateFrom", "dateTo", "group"),
}  # fmt: skip
REQUIRED: Final = {name: ("animal", *fields) for name, fields in _ANIMAL_EVENTS.items()} | _OTHERS
"""What each resource must have, by its name without ``icar`` and ``Resource``."""

IDENTIFIERS: Final = ("animal", "location")
_TIMES: Final = (
    "eventDateTime", "milkingStartingDateTime", "feedingStartingDateTime", "reportStartDateTime",
    "reportEndDateTime", "birthDate", "beginDate", "endDate", "lastTestDay", "averageDate",
    "endDateTime", "expirationDateTime", "eventEndDateTime", "expectedCalvingDate",
)  # fmt: skip
MOMENTS: Final = (
    "milkingStartingDateTime", "feedingStartingDateTime", "eventDateTime", "reportEndDateTime",
    "averageDate", "lastTestDay", "endDate", "beginDate",
)  # fmt: skip
"""Where the time of a resource stands, the first that is given."""


def resource_name(text: str) -> str:
    """A resource's name without what all of them have: ``icarWeightEventResource``, WeightEvent."""
    return text.removeprefix("icar").removesuffix("Resource")


def resource(said: Any, at: str, *, kind: str, zone: tzinfo) -> dict[str, Any]:
    """A resource with its times in UTC and without what is null.

    Args:
        said: the resource as it came.
        at: where it stands.
        kind: its name, for one that does not say it itself.
        zone: where its clock is, for times without an offset.

    Raises:
        BadFrame: what it must have is missing or cannot be.
    """
    if not isinstance(said, dict):
        raise BadFrame("a resource is an object", at)
    found = {name: value for name, value in said.items() if value is not None}
    named = found.get("resourceType", kind)
    if not isinstance(named, str):
        raise BadFrame("resourceType is not a text", f"{at}.resourceType")
    if not named and not isinstance(found.get("animal"), dict) and "meta" not in found:
        raise BadFrame("resourceType is missing", f"{at}.resourceType")
    missing = [name for name in REQUIRED.get(resource_name(named), ()) if name not in found]
    if missing:
        raise BadFrame(f"{missing[0]} is missing", f"{at}.{missing[0]}")
    for name in IDENTIFIERS:
        if name in found:
            identifier(found[name], f"{at}.{name}")
    for name in _TIMES:
        if name in found:
            found[name] = time(found[name], f"{at}.{name}", zone=zone)
    if "meta" in found:
        found["meta"] = _meta(found["meta"], f"{at}.meta", zone=zone)
    return found


def _meta(said: Any, at: str, *, zone: tzinfo) -> dict[str, Any]:
    found = {name: value for name, value in record(said, at).items() if value is not None}
    for name in ("modified", "created", "validFrom", "validTo"):
        if name in found:
            found[name] = time(found[name], f"{at}.{name}", zone=zone)
    return found


def record(value: Any, at: str) -> dict[str, Any]:
    """An object.

    Raises:
        BadFrame: it is none.
    """
    if isinstance(value, dict):
        return value
    raise BadFrame("this is not an object", at)


def listed(value: Any, at: str) -> list[Any]:
    """A list; empty where there is none.

    Raises:
        BadFrame: it is something else.
    """
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise BadFrame("this is not a list", at)


def identifier(value: Any, at: str) -> str:
    """An identifier as ``scheme/ID``: the scheme in small letters, the id in capitals, no spaces.

    Raises:
        BadFrame: id or scheme is missing or empty.
    """
    said = record(value, at)
    parts = []
    for name in ("scheme", "id"):
        text = said.get(name)
        plain = "".join(text.split()) if isinstance(text, str) else ""
        if not plain:
            raise BadFrame(f"an identifier has its {name}", f"{at}.{name}")
        parts.append(plain)
    return f"{parts[0].lower()}/{parts[1].upper()}"


def time(value: Any, at: str, *, zone: tzinfo) -> str:
    """A date or a moment, as ISO 8601 in UTC; without an offset it is taken in the zone.

    Raises:
        BadFrame: it is neither.
    """
    if not isinstance(value, str):
        raise BadFrame("a time is a text", at)
    try:
        return iso(moment(value, zone))
    except (BadInput, OverflowError) as wrong:
        raise BadFrame(str(wrong)[:200] or "this is no time", at) from None


def number(value: Any, at: str) -> float:
    """A finite number.

    Raises:
        BadFrame: it is none.
    """
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    if plain and abs(value) < 1e300 and math.isfinite(value):
        return float(value)
    raise BadFrame(f"{str(value)[:80]!r} is not a number", at)


def code(said: Mapping[str, Any], name: str, *, at: str, known: tuple[str, ...]) -> str:
    """The code of a unit, one of those that are known.

    Raises:
        BadFrame: it is missing or another.
    """
    found = said.get(name)
    if isinstance(found, str) and found in known:
        return found
    raise BadFrame(f"unit {str(found)[:40]!r} is none of {', '.join(known)}", f"{at}.{name}")
