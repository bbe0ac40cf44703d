"""The fields of EPCIS events, one check for each kind of value.

Each check takes what a document says, the place it says it at, and the document's prefixes; it
gives the value in the common form that JSON and XML share, or says what is wrong with it.

Source: EPCIS 2.0 §7.3 (core event types) and its JSON schema.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from wuxin.protocols.epcis.names import Context, extension, full_uri, term
from wuxin.protocols.octets import BadFrame
from wuxin.terms.clock import iso, moment
from wuxin.terms.errors import BadInput


class Where(NamedTuple):
    """A place in a document, and the prefixes that hold there."""

    at: str
    context: Context

    def field(self, name: str) -> "Where":
        """The place of a field."""
        return self._replace(at=f"{self.at}.{name[:80]}")

    def item(self, number: int) -> "Where":
        """The place of an entry of a list."""
        return self._replace(at=f"{self.at}[{number}]")


Check = Callable[[Any, Where], Any]

ACTIONS: Final = ("ADD", "OBSERVE", "DELETE")

_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,12})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_OFFSET: Final = re.compile(r"[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00)", re.ASCII)
_UNIT: Final = re.compile(r"[A-Z0-9]{2,3}")
_HEX: Final = re.compile(r"[0-9A-Fa-f]+")
_TOLD_ABOUT_ITSELF: Final = ("type", "isA")
"""What some JSON-LD says of a sensor element and its list, which no field is for."""


def time(value: Any, where: Where) -> str:
    """A moment with its zone, as ISO 8601 in UTC."""
    if isinstance(value, str) and _TIME.fullmatch(value.strip()):
        try:
            return iso(moment(value.strip().upper()))
        except BadInput as wrong:
            raise BadFrame(str(wrong), where.at) from None
    raise BadFrame(f"{str(value)[:80]!r} is not a date and time with its zone", where.at)


def uri(value: Any, where: Where) -> str:
    """A URI, with a prefix that is declared written in full."""
    return full_uri(value, where.at, context=where.context)


def offset(value: Any, where: Where) -> str:
    """The offset of local time from UTC, from -14:00 to +14:00."""
    if isinstance(value, str) and _OFFSET.fullmatch(value.strip()):
        return value.strip()
    raise BadFrame(f"{str(value)[:80]!r} is not an offset such as +01:00", where.at)


def action(value: Any, where: Where) -> str:
    """What the event does to the record of its things."""
    if value in ACTIONS:
        return str(value)
    raise BadFrame(f"action {str(value)[:80]!r} is none of {', '.join(ACTIONS)}", where.at)


def number(value: Any, where: Where) -> float | int:
    """A finite number."""
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    # The order matters: a whole number of JSON can be too large for a float.
    if numeric and abs(value) < 1e300 and math.isfinite(value):
        return value  # type: ignore[no-any-return]
    raise BadFrame(f"{str(value)[:80]!r} is not a number", where.at)


def text(value: Any, where: Where) -> str:
    """A text."""
    if isinstance(value, str):
        return value.strip()
    raise BadFrame(f"{str(value)[:80]!r} is not a text", where.at)


def truth(value: Any, where: Where) -> bool:
    """True or false."""
    if isinstance(value, bool):
        return value
    raise BadFrame(f"{str(value)[:80]!r} is neither true nor false", where.at)


def _form(pattern: re.Pattern[str], what: str) -> Check:
    def check(value: Any, where: Where) -> str:
        if isinstance(value, str) and pattern.fullmatch(value.strip()):
            return value.strip()
        raise BadFrame(f"{str(value)[:80]!r} is not {what}", where.at)

    return check


def word(vocabulary: str) -> Check:
    """A check for a word of a vocabulary (see `names.TERMS`)."""

    def check(value: Any, where: Where) -> str:
        return term(value, vocabulary, at=where.at, context=where.context)

    return check


def listed(value: Any, where: Where, *, at_least: int = 0) -> list[Any]:
    """A list.

    Raises:
        BadFrame: it is none, or shorter than it must be.
    """
    if not isinstance(value, list):
        raise BadFrame("this is not a list", where.at)
    if len(value) < at_least:
        raise BadFrame("this list is empty", where.at)
    return value


def some(check: Check, *, at_least: int = 0, once: bool = False) -> Check:
    """A check for a list of such values; ``once`` where none may come twice."""

    def check_all(value: Any, where: Where) -> list[Any]:
        found = [
            check(one, where.item(i))
            for i, one in enumerate(listed(value, where, at_least=at_least))
        ]
        if once and len(set(found)) < len(found):
            raise BadFrame("the same value is listed twice", where.at)
        return found

    return check_all


def record(
    fields: Mapping[str, Check],
    *,
    needs: tuple[str, ...] = (),
    open_: bool = True,
    passed_over: tuple[str, ...] = (),
) -> Check:
    """A check for an object with such fields.

    Args:
        fields: the check of each.
        needs: those that must be there.
        open_: whether there may be extensions, whose names have a namespace.
        passed_over: names that are read and dropped.
    """

    def check(value: Any, where: Where) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise BadFrame("this is not an object", where.at)
        for name in needs:
            if name not in value:
                raise BadFrame(f"{name} is missing", where.field(name).at)
        found = {
            name: fields[name](value[name], where.field(name)) for name in fields if name in value
        }
        others = [name for name in value if name not in fields and name not in passed_over]
        if others and not open_:
            raise BadFrame(f"{others[0][:80]!r} is no field here", where.field(others[0]).at)
        return found | extensions({name: value[name] for name in others}, where)

    return check


def extensions(said: Mapping[str, Any], where: Where) -> dict[str, Any]:
    """What others have added, under ``{namespace}name``.

    Raises:
        BadFrame: a name is a bare word.
    """
    found = {}
    for name in said:
        full = extension(name, where.context)
        if full is None:
            raise BadFrame(
                f"{name[:80]!r} is no field here, and an extension's name has a namespace",
                where.field(name).at,
            )
        found[full] = _inner(said[name], where.context)
    return dict(sorted(found.items()))


def _inner(value: Any, context: Context) -> Any:
    """What is inside an extension: names in full where they have a prefix, and nothing judged."""
    if isinstance(value, dict):
        return {
            extension(key, context) or key: _inner(what, context) for key, what in value.items()
        }
    if isinstance(value, list):
        return [_inner(what, context) for what in value]
    return value


def certification(value: Any, where: Where) -> Any:
    """One certificate or several."""
    return (some(uri) if isinstance(value, list) else uri)(value, where)


def _persistent(value: Any, where: Where) -> dict[str, Any]:
    words = some(word("disposition"), at_least=1, once=True)
    found = record({"set": words, "unset": words}, open_=False)(value, where)
    if not found:
        raise BadFrame("neither set nor unset is given", where.at)
    return dict(found)


QUANTITY: Final = record(
    {"epcClass": uri, "quantity": number, "uom": _form(_UNIT, "a unit's code")},
    needs=("epcClass",),
    open_=False,
)
PLACE: Final = record({"id": uri}, needs=("id",))
EPCS: Final = some(uri, once=True)
QUANTITIES: Final = some(QUANTITY)

ERROR: Final = record(
    {"declarationTime": time, "reason": word("reason"), "correctiveEventIDs": some(uri)},
    needs=("declarationTime",),
)
ILMD: Final = record({})

METADATA: Final = record(
    {
        "time": time, "startTime": time, "endTime": time, "deviceID": uri, "deviceMetadata": uri,
        "rawData": uri, "dataProcessingMethod": uri, "bizRules": uri,
    }
)  # fmt: skip
_REPORT: Final = record(
    {
        "type": word("measurement"), "exception": word("exception"), "deviceID": uri,
        "deviceMetadata": uri, "rawData": uri, "dataProcessingMethod": uri, "bizRules": uri,
        "time": time, "microorganism": uri, "chemicalSubstance": uri, "value": number,
        "component": word("component"), "stringValue": text, "booleanValue": truth,
        "hexBinaryValue": _form(_HEX, "in hexadecimal digits"), "uriValue": uri,
        "minValue": number, "maxValue": number, "meanValue": number, "sDev": number,
        "percRank": number, "percValue": number, "uom": text, "coordinateReferenceSystem": uri,
    }
)  # fmt: skip


def report(value: Any, where: Where) -> dict[str, Any]:
    """What one sensor says: a measurement of some type, or that something is wrong."""
    found: dict[str, Any] = _REPORT(value, where)
    if "type" not in found and "exception" not in found:
        raise BadFrame("type is missing", where.field("type").at)
    return found


SENSORS: Final = some(
    record(
        {"sensorMetadata": METADATA, "sensorReport": some(report, at_least=1)},
        needs=("sensorReport",),
        passed_over=_TOLD_ABOUT_ITSELF,
    )
)


def _party(name: str) -> Check:
    fields: dict[str, Check] = {"type": word("party"), name: uri}
    return some(record(fields, needs=("type", name), open_=False))


FIELDS: Final[dict[str, Check]] = {
    "eventTime": time, "eventTimeZoneOffset": offset, "recordTime": time, "eventID": uri,
    "certificationInfo": certification, "errorDeclaration": ERROR, "epcList": EPCS,
    "parentID": uri, "inputEPCList": EPCS, "childEPCs": some(uri), "quantityList": QUANTITIES,
    "childQuantityList": QUANTITIES, "inputQuantityList": QUANTITIES, "outputEPCList": EPCS,
    "outputQuantityList": QUANTITIES, "action": action, "transformationID": uri,
    "bizStep": word("bizStep"), "disposition": word("disposition"),
    "persistentDisposition": _persistent, "readPoint": PLACE, "bizLocation": PLACE,
    "bizTransactionList": some(
        record(
            {"type": word("transaction"), "bizTransaction": uri},
            needs=("bizTransaction",),
            open_=False,
        )
    ),
    "sourceList": _party("source"), "destinationList": _party("destination"),
    "sensorElementList": SENSORS, "ilmd": ILMD,
}  # fmt: skip
"""The check of every field of the five events, in the order of the common form."""
