"""What each of the five EPCIS events must have, and its one common form.

Source: EPCIS 2.0 §7.4 (event types, which fields are required and when) and its JSON schema.
"""

from typing import Any, Final

from wuxin.protocols.epcis.names import expanded, extension
from wuxin.protocols.epcis.values import FIELDS, Where, extensions
from wuxin.protocols.octets import BadFrame

_EVERY: Final = (
    "eventTime", "eventTimeZoneOffset", "recordTime", "eventID", "certificationInfo",
    "errorDeclaration",
)  # fmt: skip
_CONTEXT: Final = (
    "bizStep", "disposition", "readPoint", "bizLocation", "bizTransactionList", "sourceList",
    "destinationList", "sensorElementList",
)  # fmt: skip
_PACKED: Final = ("action", "parentID", "childEPCs", "childQuantityList")

TYPES: Final[dict[str, tuple[str, ...]]] = {
    "ObjectEvent": ("action", "epcList", "quantityList", "persistentDisposition", "ilmd"),
    "AggregationEvent": (*_PACKED, "persistentDisposition"),
    "TransactionEvent": (
        "action", "parentID", "epcList", "quantityList", "persistentDisposition",
    ),
    "TransformationEvent": (
        "inputEPCList", "inputQuantityList", "outputEPCList", "outputQuantityList",
        "transformationID", "persistentDisposition", "ilmd",
    ),
    "AssociationEvent": (*_PACKED, "persistentDisposition"),
}  # fmt: skip
"""The fields that each event has beside those that all have."""

_NEEDS: Final = {
    "ObjectEvent": ("action",),
    "AggregationEvent": ("action",),
    "TransactionEvent": ("action", "bizTransactionList"),
    "TransformationEvent": (),
    "AssociationEvent": ("action", "parentID"),
}
_PASSED_OVER: Final = ("type", "@context")


def event(said: Any, where: Where) -> dict[str, Any]:
    """An event in the common form, fields in the order of the standard, then extensions.

    Args:
        said: the event as a document says it.
        where: where the document says it, and its prefixes.

    Raises:
        BadFrame: a field is missing or cannot be; with the field's place.
    """
    at, context = where
    if not isinstance(said, dict):
        raise BadFrame("an event is an object", at)
    kind = said.get("type")
    if not isinstance(kind, str) or not kind:
        raise BadFrame("an event names its type", f"{at}.type")
    plain = expanded(kind, context)
    kind = plain.removeprefix("https://ref.gs1.org/epcis/")
    if kind not in TYPES and extension(kind, {}) is None:
        raise BadFrame(f"{kind[:80]!r} is no type of event", f"{at}.type")
    for name in ("eventTime", "eventTimeZoneOffset", *_NEEDS.get(kind, ())):
        if name not in said:
            raise BadFrame(f"{name} is missing", f"{at}.{name}")
    own = (*_EVERY, *TYPES[kind], *_CONTEXT) if kind in TYPES else tuple(FIELDS)
    found: dict[str, Any] = {"type": kind}
    for name, check in FIELDS.items():
        if name in said and name in own:
            found[name] = check(said[name], where.field(name))
    others = {n: v for n, v in said.items() if n not in own and n not in _PASSED_OVER}
    found |= extensions(others, where)
    if kind in TYPES:
        _whole(found, at)
    return found


def _whole(found: dict[str, Any], at: str) -> None:
    """Refuse an event that says too little about what it happened to."""
    kind = found["type"]
    if kind == "TransformationEvent":
        _transformation(found, at)
        return
    if kind == "ObjectEvent":
        sensed = bool(found.get("sensorElementList")) and "readPoint" in found
        if not ("epcList" in found or found.get("quantityList") or sensed):
            raise BadFrame(
                "an object event has an epcList, a quantityList, or a readPoint with sensors",
                f"{at}.epcList",
            )
        if "ilmd" in found and found["action"] != "ADD":
            raise BadFrame("ilmd comes only with action ADD", f"{at}.ilmd")
        return
    whole = kind == "AggregationEvent" and found["action"] != "OBSERVE"
    if whole and "parentID" not in found:
        raise BadFrame(
            f"parentID is missing, which action {found['action']} needs", f"{at}.parentID"
        )
    if kind == "TransactionEvent":
        if not found["bizTransactionList"]:
            raise BadFrame("this list is empty", f"{at}.bizTransactionList")
        things, first = "epcList" in found or found.get("quantityList"), "epcList"
    else:
        things, first = found.get("childEPCs") or found.get("childQuantityList"), "childEPCs"
    if not things and found["action"] != "DELETE":
        raise BadFrame("things are missing; only action DELETE means all of them", f"{at}.{first}")


def _transformation(found: dict[str, Any], at: str) -> None:
    taken = found.get("inputEPCList") or found.get("inputQuantityList")
    made = found.get("outputEPCList") or found.get("outputQuantityList")
    if "transformationID" in found:
        if not (taken or made):
            raise BadFrame("neither inputs nor outputs are given", f"{at}.inputEPCList")
    elif not (taken and made):
        side = "output" if taken else "input"
        raise BadFrame(
            f"{side}s are missing, which may be only with a transformationID", f"{at}.{side}EPCList"
        )
