"""The values of Sparkplug metrics: numbers by their datatype, and all else as fields.

A signed number travels in an unsigned field as its two's complement, of 32 bits for the small
types; some senders keep to the type's own width, which is told apart by the value.

Source: Eclipse Sparkplug 3.0.0 §6.4.16 (datatypes and the fields they travel in).
"""

import math
import struct
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from wuxin.protocols.octets import BadFrame, utc
from wuxin.protocols.sparkplug.message import TYPES, text

NESTING: Final = 8
"""Templates and property sets inside of one another."""

_WHOLE: Final = {"int_value": 32, "long_value": 64}
_REAL: Final = ("float_value", "double_value")
_ARRAYS: Final = {
    "Int8Array": "b", "Int16Array": "h", "Int32Array": "i", "Int64Array": "q", "UInt8Array": "B",
    "UInt16Array": "H", "UInt32Array": "I", "UInt64Array": "Q", "FloatArray": "f",
    "DoubleArray": "d", "DateTimeArray": "q",
}  # fmt: skip
_MOST_MS: Final = 253_402_300_800_000
"""The year 10000, in milliseconds since 1970."""


class Meant(NamedTuple):
    """A value as JSON can hold it, its number if it is one, and why it is none."""

    value: Any
    number: float | None = None
    mark: str = ""


def moment(milliseconds: int) -> str | None:
    """A Sparkplug time as ISO 8601, or nothing where no calendar has it."""
    if not 0 <= milliseconds < _MOST_MS:
        return None
    whole, rest = divmod(milliseconds, 1000)
    return utc(datetime.fromtimestamp(whole, UTC).replace(microsecond=rest * 1000))


def meant(holder: Any, datatype: int | None, *, at: str, depth: int = 0) -> Meant:
    """What the value of a metric, parameter, property or cell means.

    Args:
        holder: the protobuf message with the choice ``value``.
        datatype: its number, or nothing if nobody has said it.
        at: where it stands, for a refusal.
        depth: how many templates and sets are around it.

    Raises:
        BadFrame: a text is not UTF-8, or the nesting is too deep.
    """
    field = holder.WhichOneof("value")
    name = TYPES[datatype] if datatype is not None and datatype < len(TYPES) else ""
    if field is None:
        return Meant(None, mark="no_value")
    value = getattr(holder, field)
    if field in _WHOLE or field in _REAL or field == "boolean_value":
        return _number(value, field, name=name)
    if field == "string_value":
        return Meant(text(value, at))
    if field == "bytes_value":
        return _bytes(value, name)
    if depth >= NESTING:
        raise BadFrame(f"templates are nested deeper than {NESTING} levels", at)
    return Meant(_parts(value, field, at=at, depth=depth + 1))


def _number(value: Any, field: str, *, name: str) -> Meant:
    if field in _WHOLE:
        return _whole(value, name, wire=_WHOLE[field])
    if field in _REAL:
        return _real(value, name)
    return Meant(value, float(value)) if name in ("Boolean", "") else _wrong(value)


def _wrong(value: Any) -> Meant:
    return Meant(value, mark="wrong_type")


def _real(value: float, name: str) -> Meant:
    if not math.isfinite(value):
        return Meant(str(value), mark="not_a_number")
    return Meant(value, value) if name in ("Float", "Double", "") else _wrong(value)


def _whole(raw: int, name: str, *, wire: int) -> Meant:
    if name == "DateTime":
        return Meant(moment(raw) or raw)
    if not name.startswith(("Int", "UInt")) or name.endswith("Array"):
        # 4294967295 may be -1: without its type, a whole number is not known.
        return Meant(raw, mark="wrong_type" if name else "unknown_type")
    size = int(name.lstrip("UInt"))
    value = raw
    if name.startswith("Int"):
        half = 1 << size - 1
        if raw >= 1 << wire - 1:
            value = raw - (1 << wire)
        elif half <= raw < 1 << size:
            value = raw - (1 << size)
        fits = -half <= value < half
    else:
        fits = raw < 1 << size
    return Meant(value, float(value)) if fits else Meant(raw, mark="out_of_range")


def _bytes(data: bytes, name: str) -> Meant:
    """Arrays are packed little-endian; booleans behind their count, highest bit first."""
    if name == "StringArray":
        return Meant([part.decode("utf-8", "replace") for part in data.split(b"\0")[:-1]])
    if name == "BooleanArray" and len(data) >= 4:
        count = int.from_bytes(data[:4], "little")
        if (count + 7) // 8 == len(data) - 4:
            return Meant([bool(data[4 + i // 8] >> 7 - i % 8 & 1) for i in range(count)])
    if name in _ARRAYS and len(data) % struct.calcsize(_ARRAYS[name]) == 0:
        form = f"<{len(data) // struct.calcsize(_ARRAYS[name])}{_ARRAYS[name]}"
        values: list[Any] = list(struct.unpack(form, data))
        if name == "DateTimeArray":
            values = [moment(value) or value for value in values]
        return Meant(
            [v if not isinstance(v, float) or math.isfinite(v) else str(v) for v in values]
        )
    return Meant(data.hex(), mark="wrong_type" if name.endswith("Array") else "")


def _parts(value: Any, field: str, *, at: str, depth: int) -> Any:
    match field:
        case "dataset_value":
            return _dataset(value, at)
        case "template_value":
            return _template(value, at=at, depth=depth)
        case "propertyset_value":
            return properties(value, at=at, depth=depth)
    return [properties(each, at=at, depth=depth) for each in value.propertyset]


def _dataset(data: Any, at: str) -> dict[str, Any]:
    types = list(data.types)
    if not len(types) == len(data.columns) == data.num_of_columns:
        raise BadFrame("a data set has not as many types as columns", at)
    if any(len(row.elements) != len(types) for row in data.rows):
        raise BadFrame("a row of a data set has not as many cells as there are columns", at)
    return {
        "columns": [text(name, at) for name in data.columns],
        "types": [TYPES[n] if n < len(TYPES) else n for n in types],
        "rows": [
            [meant(cell, kind, at=at).value for cell, kind in zip(row.elements, types, strict=True)]
            for row in data.rows
        ],
    }


def _template(data: Any, *, at: str, depth: int) -> dict[str, Any]:
    def named(each: Any, kind: int) -> dict[str, Any]:
        null = getattr(each, "is_null", False)
        value = None if null else meant(each, kind, at=at, depth=depth).value
        return {"name": text(each.name, at), "value": value}

    return {
        "definition": data.is_definition,
        "reference": text(data.template_ref, at),
        "version": text(data.version, at),
        "parameters": [named(each, each.type) for each in data.parameters],
        "metrics": [named(each, each.datatype) for each in data.metrics],
    }


def properties(data: Any, *, at: str, depth: int = 0) -> dict[str, Any]:
    """The properties of a metric by name.

    Raises:
        BadFrame: there are not as many keys as values, or the nesting is too deep.
    """
    if len(data.keys) != len(data.values):
        raise BadFrame("a property set has not as many keys as values", at)
    return {
        text(key, at): None if each.is_null else meant(each, each.type, at=at, depth=depth).value
        for key, each in zip(data.keys, data.values, strict=True)
    }
