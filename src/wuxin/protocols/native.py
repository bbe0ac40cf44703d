"""Wuxin's own frame: one JSON object per message, for devices and gateways that can choose.

    {"device": "inverter:A1",            kind:id
     "boot": "b1",                       one run of the device; with a new one seq begins again
     "seq": 1,                           whole number ≥ 0, one more with each message of a boot
     "time": "2022-01-02T12:00:00Z",     when it was measured: ISO 8601 with an offset
     "readings": {"ac_power": 1200,      in the indicator's own (SI) unit, or
                  "energy_day": {"value": 3.2, "unit": "kWh"}}}

A message that is sent again is known by boot and seq, among the last 64 numbers of each of the four
boots heard last; so a device may keep what was not acknowledged when it is started again, has no
more than 64 numbers of a boot on their way, and never uses the name of a boot twice.
Source: own format; JSON as RFC 8259 with unique names as RFC 7493 §2.3, times as RFC 3339.
"""

import json
import re
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from wuxin.protocols.octets import BadFrame, from_hex
from wuxin.terms.clock import from_datetime, iso
from wuxin.terms.errors import BadInput
from wuxin.terms.names import thing_key

FRAME_BYTES: Final = 64 * 1024
READINGS: Final = 256
_NAME: Final = 64
_TIMES: Final = range(-(2**63), 2**63)
_OFFSET: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)", re.ASCII
)
_PLACE: Final = re.compile(
    r"(?P<what>.*?)(?: - at (?:`key` in )?`(?P<path>[^`]*)`| \((?P<byte>byte \d+)\))?"
)

_Short = Annotated[str, msgspec.Meta(min_length=1, max_length=_NAME)]
_Long = Annotated[str, msgspec.Meta(min_length=1, max_length=2 * _NAME)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class _Value(msgspec.Struct, forbid_unknown_fields=True):
    value: float
    unit: Annotated[str, msgspec.Meta(max_length=_NAME)] = ""


class _Frame(msgspec.Struct, forbid_unknown_fields=True):
    device: _Long
    boot: _Short
    seq: _Count
    time: _Short
    readings: Annotated[
        dict[_Short, float | _Value], msgspec.Meta(min_length=1, max_length=READINGS)
    ]


class _Loose(msgspec.Struct):
    readings: dict[str, msgspec.Raw]


_DECODER: Final = msgspec.json.Decoder(_Frame)
_RAW: Final = msgspec.json.Decoder(_Loose)
_ONE: Final = msgspec.json.Decoder(dict[_Short, float | _Value])
_SOME: Final = "$.readings[...]"


def decode(frame: bytes) -> dict[str, Any]:
    """Decode one frame; never raises, whatever the bytes.

    Args:
        frame: the JSON object in UTF-8 (at most 64 KiB), or the same in hexadecimal.

    Returns:
        ``ok`` true with ``device``, ``boot``, ``seq``, ``time`` (UTC) and ``readings``, a list of
        ``indicator``, ``value`` and ``unit`` (empty: the indicator's own); or ``ok`` false with
        ``error`` and ``at``, the place: a path such as ``$.seq``, or ``byte 17``.
    """
    try:
        data = _plain(frame)
        said = _parsed(data)
        _unique(data)
        return {
            "ok": True,
            "device": _device(said.device),
            "boot": _printable(said.boot, "$.boot"),
            "seq": said.seq,
            "time": _time(said.time),
            "readings": [_reading(name, value) for name, value in said.readings.items()],
        }
    except BadFrame as wrong:
        return wrong.answer()


def _plain(frame: bytes) -> bytes:
    """The JSON bytes, from hexadecimal where they are written so."""
    data = frame.strip()
    if len(data) <= 3 * FRAME_BYTES:
        data = from_hex(data)
    if len(data) > FRAME_BYTES:
        raise BadFrame(f"the frame is longer than {FRAME_BYTES} bytes", f"byte {FRAME_BYTES}")
    if not data.startswith(b"{"):
        raise BadFrame("a frame is a JSON object or its bytes in hexadecimal", "byte 0")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as wrong:
        raise BadFrame("the text is not UTF-8", f"byte {wrong.start}") from None
    return data


def _parsed(data: bytes) -> _Frame:
    try:
        return _DECODER.decode(data)
    except RecursionError:
        raise BadFrame("the object is nested too deeply", "$") from None
    except msgspec.DecodeError as wrong:
        found = _PLACE.fullmatch(str(wrong))
        if found is None:
            raise BadFrame("the frame cannot be read", "$") from None
        at = found["path"] or found["byte"] or "$"
        if at.startswith(_SOME):
            at = f"$.readings.{_odd(data)}" + at.removeprefix(_SOME)
        raise BadFrame(found["what"], at) from None


def _odd(data: bytes) -> str:
    """The name of the first reading that cannot be read, which the parser does not tell."""
    try:
        for name, raw in _RAW.decode(data).readings.items():
            try:
                _ONE.decode(b'{"name":%s}' % bytes(raw))
            except msgspec.DecodeError:
                return name
    except (msgspec.DecodeError, RecursionError):
        pass  # something else is wrong behind it
    return "?"


def _unique(data: bytes) -> None:
    """A name that is given twice would silently lose one of its values."""

    def pairs(found: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in found]
        for name in names:
            if names.count(name) > 1:
                raise BadFrame(f"name {name!r} is given twice", "$")

    json.loads(data.decode("utf-8"), object_pairs_hook=pairs)


def _device(text: str) -> str:
    try:
        key = thing_key(text)
    except BadInput as wrong:
        raise BadFrame(str(wrong), "$.device") from None
    return _printable(str(key), "$.device")


def _printable(text: str, at: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise BadFrame(f"{text!r} has characters that cannot be printed, or spaces around it", at)
    return text


def _time(text: str) -> str:
    if not _OFFSET.fullmatch(text):
        raise BadFrame(
            f"{text!r} is not a time with its offset; write 2022-01-02T12:00:00Z", "$.time"
        )
    try:
        nanos = from_datetime(datetime.fromisoformat(text.upper()))
    except ValueError:
        raise BadFrame(f"{text!r} is not a time that exists", "$.time") from None
    if nanos not in _TIMES:
        raise BadFrame(f"{text!r} is outside of the years 1677 to 2262", "$.time")
    return iso(nanos)


def _reading(name: str, value: float | _Value) -> dict[str, Any]:
    number, unit = (value.value, value.unit) if isinstance(value, _Value) else (value, "")
    at = "$.readings"
    return {
        "indicator": _printable(name, at),
        "value": number,
        "unit": _printable(unit, f"{at}.{name}.unit"),
    }
