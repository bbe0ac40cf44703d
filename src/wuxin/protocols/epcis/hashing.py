"""The event hash: one name for one event, whoever wrote it in whatever form.

The event is written as one text in a fixed order of fields, lists sorted, identifiers in canonical
form; the SHA-256 of that text is its name. Record time, event id and error declaration are left
out. A number in a text of somebody's extension is a number too, so a lot "007" counts as 7, as it
does for the implementation with which the algorithm is published.

Source: CBV 2.0 §8.9 (EPCIS event hash ID); RFC 6920 (ni URIs).
"""

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any, Final

from wuxin.protocols.epcis.keys import canonical
from wuxin.protocols.epcis.names import STANDARD, TERMS, WEB
from wuxin.terms.clock import SECOND, iso, moment

_MILLIS: Final = 1_000_000
_NUMBER: Final = re.compile(r"[+-]?(?:\d{1,100}(?:\.\d{0,100})?|\.\d{1,100})", re.ASCII)
_COMMENT: Final = f"{{{STANDARD['rdfs']}}}comment"

Writer = Callable[[str, Any], str]
"""Writes a name and its value."""


def event_hash(event: Mapping[str, Any], *, ignored: Collection[str] = ()) -> str:
    """The event's hash id, ``ni:///sha-256;…?ver=CBV2.0``.

    Args:
        event: in the common form, as `decode` gives it.
        ignored: names of extensions that a repository has added and that are no part of the event.
    """
    text = prehash(event, ignored=ignored)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"ni:///sha-256;{digest}?ver=CBV2.0"


def prehash(event: Mapping[str, Any], *, ignored: Collection[str] = ()) -> str:
    """The text whose digest names the event.

    Args:
        event: in the common form.
        ignored: as for `event_hash`.
    """
    others = {name: event[name] for name in event if name.startswith("{") and name not in ignored}
    return (
        f"eventType={event['type']}"
        + "".join(write(name, event[name]) for name, write in _ORDER.items() if name in event)
        + _ilmd(event.get("ilmd"))
        + _extensions(others)
    )


def _written(value: Any) -> str:
    """A value in canonical form; a number without needless zeros."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _plain(Decimal(repr(value)))
    text = str(value).strip()
    if _NUMBER.fullmatch(text):
        return _plain(Decimal(text))
    return canonical(text)


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _value(name: str, value: Any) -> str:
    return f"{name}={_written(value)}" if str(value).strip() else ""


def _time(name: str, value: Any) -> str:
    """To the millisecond, rounded up from half of one."""
    millis = (moment(value) + _MILLIS // 2) // _MILLIS
    whole = iso(millis // 1000 * SECOND).removesuffix("Z")
    return f"{name}={whole}.{millis % 1000:03d}Z"


def _word(vocabulary: str) -> Writer:
    def write(name: str, value: Any) -> str:
        full = WEB[vocabulary] + value if value in TERMS[vocabulary] else canonical(value)
        return f"{name}={full}"

    return write


def _words(vocabulary: str) -> Writer:
    write_one = _word(vocabulary)

    def write(name: str, value: Any) -> str:
        return "".join(sorted(write_one(name, one) for one in value))

    return write


def _several(name: str, value: Any) -> str:
    return "".join(
        sorted(_value(name, one) for one in (value if isinstance(value, list) else [value]))
    )


def _list(entry: str, write: Writer = _value) -> Writer:
    """A list's name and its entries in order; nothing for a list without any."""

    def write_all(name: str, value: Any) -> str:
        entries = "".join(sorted(write(entry, one) for one in value))
        return name + entries if entries else ""

    return write_all


def _record(order: Mapping[str, Writer], *, named: bool = True) -> Writer:
    """An object's name, its fields in that order, and its extensions."""

    def write(name: str, value: Any) -> str:
        inner = "".join(put(key, value[key]) for key, put in order.items() if key in value)
        inner += _extensions({key: value[key] for key in value if key not in order})
        return (name if named else "") + inner if inner else ""

    return write


def _ilmd(value: Any) -> str:
    return "ilmd" + _extensions(value) if value else ""


def _extensions(said: Mapping[str, Any]) -> str:
    return "".join(sorted(_added(name, value) for name, value in said.items()))


def _added(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(sorted(_added(name, one) for one in value))
    if name == _COMMENT:
        return ""
    if isinstance(value, dict):
        own = value.get("#text")
        rest = _extensions({key.lstrip("@"): value[key] for key in value if key != "#text"})
        return name + (f"={_written(own)}" if own else "") + rest
    if value is None or (isinstance(value, str) and not value.strip()):
        return name
    return f"{name}={_written(value)}"


def _fields(names: str, **others: Writer) -> dict[str, Writer]:
    return {name: others.get(name, _value) for name in names.split()}


_QUANTITY: Final = _list("quantityElement", _record(_fields("epcClass quantity uom")))
_PLACE: Final = _record(_fields("id"))
_METADATA: Final = _record(
    _fields(
        "time startTime endTime deviceID deviceMetadata rawData dataProcessingMethod bizRules",
        time=_time, startTime=_time, endTime=_time,
    )
)  # fmt: skip
_REPORT: Final = _record(
    _fields(
        "type exception deviceID deviceMetadata rawData dataProcessingMethod bizRules time"
        " microorganism chemicalSubstance value component stringValue booleanValue hexBinaryValue"
        " uriValue minValue maxValue meanValue sDev percRank percValue uom"
        " coordinateReferenceSystem",
        type=_word("measurement"), exception=_word("exception"), time=_time,
        component=_word("component"),
    )
)  # fmt: skip
_SENSOR: Final = _record(
    {
        "sensorMetadata": _METADATA,
        "sensorReport": lambda name, value: "".join(sorted(_REPORT(name, one) for one in value)),
    }
)


def _typed(name: str, vocabulary: str) -> Writer:
    return _list("", _record({"type": _word(vocabulary), name: _value}, named=False))


_ORDER: Final[dict[str, Writer]] = {
    "eventTime": _time, "eventTimeZoneOffset": _value, "certificationInfo": _several,
    "epcList": _list("epc"), "parentID": _value, "inputEPCList": _list("epc"),
    "childEPCs": _list("epc"), "quantityList": _QUANTITY, "childQuantityList": _QUANTITY,
    "inputQuantityList": _QUANTITY, "outputEPCList": _list("epc"), "outputQuantityList": _QUANTITY,
    "action": _value, "transformationID": _value, "bizStep": _word("bizStep"),
    "disposition": _word("disposition"),
    "persistentDisposition": _record(
        {"set": _words("disposition"), "unset": _words("disposition")}
    ),
    "readPoint": _PLACE, "bizLocation": _PLACE,
    "bizTransactionList": _typed("bizTransaction", "transaction"),
    # The standard's table has sources first; the hashes published with it have them second.
    "destinationList": _typed("destination", "party"), "sourceList": _typed("source", "party"),
    "sensorElementList": _list("sensorElement", _SENSOR),
}  # fmt: skip
