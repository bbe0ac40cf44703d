"""OPC UA: changes of values that a subscription has brought, as our adapter writes them down.

    1E {"device": "plc:P-1", "received": "2024-06-01T08:00:01Z"} 0A
    {"changes": [{"node": "ns=2;s=Oven.T", "name": "oven_temperature", "value": 181.5,
                  "type": "Double", "status": 0, "source": "2024-06-01T08:00:00.5Z",
                  "server": "2024-06-01T08:00:00.6Z", "unit": 4408652}]}

The protocol itself is a session of encrypted binary messages that mean nothing alone, so what the
session understood is journalled: node, status, both times and the value under the standard's names
of types. ``unit`` is the unitId of the node's EUInformation, or our own word for a unit.

Source: OPC 10000-4 §7.11 (DataValue), §7.39 (StatusCode: severity, overflow); OPC 10000-8 §5.6.4
(EUInformation, codes of UN/CEFACT Recommendation 20).
"""

from collections.abc import Iterator
from typing import Annotated, Any, Final

import msgspec

from wuxin.protocols.octets import BadFrame, enveloped
from wuxin.terms.clock import iso, moment
from wuxin.terms.errors import BadInput

FRAME_BYTES: Final = 4 * 1024 * 1024
CHANGES: Final = 10_000
ELEMENTS: Final = 64
"""Numbers of one array that become readings; the rest stays in the fields."""

OVERFLOW: Final = 0x480
"""Info bits of a status: it is of a data value, and values before it were lost (§7.39.1)."""

_UNITS: Final = {
    "CEL": "degC", "FAH": "degF", "KEL": "K", "MTR": "m", "MMT": "mm", "CMT": "cm", "KMT": "km",
    "KGM": "kg", "GRM": "g", "TNE": "t", "P1": "%", "WTT": "W", "KWT": "kW", "MAW": "MW",
    "WHR": "Wh", "KWH": "kWh", "MWH": "MWh", "VLT": "V", "KVT": "kV", "AMP": "A", "4K": "mA",
    "2Z": "mV", "HTZ": "Hz", "PAL": "Pa", "KPA": "kPa", "BAR": "bar", "MBR": "mbar", "MTS": "m/s",
    "KMH": "km/h", "RPM": "rpm", "LTR": "L", "MTQ": "m**3", "MQH": "m**3/h", "L2": "L/min",
    "SEC": "s", "MIN": "min", "HUR": "h", "DAY": "day", "DD": "degree", "C81": "rad", "C62": "1",
    "H87": "1", "59": "ppm", "LUX": "lx", "D54": "W/m2", "NEW": "N", "NU": "N*m", "OHM": "ohm",
    "KGS": "kg/s", "D46": "VA", "KVA": "kVA", "JOU": "J", "KMQ": "kg/m**3", "MTK": "m**2",
}  # fmt: skip
"""Common codes of UN/CEFACT Recommendation 20 as their units are written here."""

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
_Short = Annotated[str, msgspec.Meta(max_length=64)]
_Word = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]


class _Change(msgspec.Struct):
    node: _Text
    name: _Text
    value: Any = None
    type: _Short = ""
    status: _Word = 0
    source: _Short | None = None
    server: _Short | None = None
    unit: int | _Short | None = None
    length: int | None = None


class _Payload(msgspec.Struct):
    changes: Annotated[list[_Change], msgspec.Meta(min_length=1, max_length=CHANGES)]


_DECODER: Final = msgspec.json.Decoder(_Payload)


def unit_of(code: int | str | None) -> str:
    """Our word for a unit: of a unitId by its common code; empty if it is not known.

    Source: OPC 10000-8 §5.6.4.4 (the characters of the code are the bytes of the number).
    """
    if code is None or isinstance(code, str):
        return code or ""
    if not 0 < code < 2**31:
        return ""
    return _UNITS.get(code.to_bytes(4, "big").lstrip(b"\0").decode("ascii", "replace"), "")


def decode(frame: bytes) -> dict[str, Any]:
    """Decode one message of changes with the line before it; never raises, whatever the bytes.

    Args:
        frame: the line and the JSON text in UTF-8, at most 4 MiB.

    Returns:
        ``ok`` true with ``message`` (DataChangeNotification), ``version``, ``device``, ``time``
        (the latest of the changes), ``fields`` (``changes`` as they came, and ``gap``, ``lost``,
        ``missing`` where the line says so), ``readings`` of numbers and truth values each with
        their time, and ``marks`` of those whose status is bad or that are no numbers; or ``ok``
        false with ``error`` and ``at``. A value that is only uncertain is a reading with a mark.
    """
    try:
        said, payload = _parts(frame)
        times = [
            _time(change, said, number=number) for number, change in enumerate(payload.changes)
        ]
    except BadFrame as bad:
        return bad.answer()
    fields: dict[str, Any] = {
        name: said[name] for name in ("gap", "lost", "missing") if name in said
    }
    fields["changes"] = [msgspec.to_builtins(change) for change in payload.changes]
    readings: list[dict[str, Any]] = []
    marks: list[dict[str, str]] = []
    for change, time in zip(payload.changes, times, strict=True):
        for each in _told(change):
            (marks if "mark" in each else readings).append(
                each if "mark" in each or time is None else {**each, "time": time}
            )
    answer: dict[str, Any] = {
        "ok": True, "message": "DataChangeNotification", "version": "1.05",
        "device": said["device"], "fields": fields, "readings": readings,
    }  # fmt: skip
    known = [moment(time) for time in times if time is not None]
    if known:
        answer["time"] = iso(max(known))
    if marks:
        answer["marks"] = marks
    return answer


def _parts(frame: bytes) -> tuple[dict[str, Any], _Payload]:
    said, data = enveloped(
        frame, FRAME_BYTES, longer="the message is longer than", at="device",
        bare="nothing before the message says which device it is of",
    )  # fmt: skip
    try:
        payload = _DECODER.decode(data)
    except RecursionError:
        raise BadFrame("the message is nested too deeply", "$") from None
    except msgspec.ValidationError as wrong:
        what, _, path = str(wrong).partition(" - at ")
        wrong_part = f"a part of the message is not of its form: {what}".replace("`", "")
        raise BadFrame(wrong_part, path.strip("`") or "$") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadFrame("the message is not a JSON object", "$") from None
    device = said.get("device")
    if not isinstance(device, str) or not 1 <= len(device) <= 128 or not device.isprintable():
        raise BadFrame("nothing before the message says which device it is of", "device")
    return said, payload


def _time(change: _Change, said: dict[str, Any], *, number: int) -> str | None:
    """When a value became so: by its source, else by the server, else when it was received."""
    received = said.get("received")
    text = change.source or change.server or (received if isinstance(received, str) else None)
    try:
        return None if text is None else iso(moment(text))
    except BadInput as wrong:
        raise BadFrame(str(wrong), f"$.changes[{number}]") from None


def _told(change: _Change) -> Iterator[dict[str, Any]]:
    """Give the readings of one change, and marks for what is doubtful or no number."""
    severity = change.status >> 30
    if severity >= 2:
        yield {"indicator": change.name, "mark": f"bad_0x{change.status:08x}"}
        return
    if severity == 1:
        yield {"indicator": change.name, "mark": f"uncertain_0x{change.status:08x}"}
    if change.status & OVERFLOW == OVERFLOW:
        yield {"indicator": change.name, "mark": "values_lost_before"}
    unit = unit_of(change.unit)
    if isinstance(change.value, list):
        for at, value in enumerate(change.value[:ELEMENTS]):
            if (number := _number(value)) is not None:
                yield {"indicator": f"{change.name}_{at}", "value": number, "unit": unit}
        return
    number = _number(change.value)
    if number is not None:
        yield {"indicator": change.name, "value": number, "unit": unit}
    elif change.value is None:
        yield {"indicator": change.name, "mark": "not_a_number"}


def _number(value: Any) -> float | None:
    """A number, or a truth value as 0 or 1; text and structures are none."""
    if not isinstance(value, bool | int | float) or not -(2**64) <= value < 2**64:
        return float(value) if isinstance(value, float) else None
    return float(value)
