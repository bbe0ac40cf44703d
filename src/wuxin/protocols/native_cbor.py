"""Wuxin's own frame in CBOR: the same names, limits and meaning as in JSON, in fewer bytes.

    {"device": "inverter:A1", "boot": "b1", "seq": 1, "time": 1641124800000000000,
     "readings": {"ac_power": 1200, "energy_day": {"value": 3.2, "unit": "kWh"}}}

The time is one of four, so that a small device needs no calendar:

    a whole number                 nanoseconds since 1970-01-01T00:00:00Z
    tag 1 with a whole number      seconds since then
    tag 1 with a float             the same, taken to the nearest microsecond
    text, or tag 0 with text       as in JSON: 2022-01-02T12:00:00Z

A frame is read by the rules of :mod:`wuxin.protocols.native`, so no frame means one thing in JSON
and another here. One thing CBOR can say and JSON cannot: a value that is NaN or infinite is no
reading, and stands under ``marks``.

Source: own format; RFC 8949 (CBOR), §3.4.1 and §3.4.2 (tags 0 and 1), §4.2.1 (deterministic form).
"""

import json
import math
from collections.abc import Mapping
from typing import Any, Final

from wuxin.protocols import cbor, native
from wuxin.protocols.octets import BadFrame, plain
from wuxin.terms.clock import SECOND, iso
from wuxin.terms.names import canonical

FRAME_BYTES: Final = 16 * 1024
_TIMES: Final = range(-(2**63), 2**63)
_NO_NUMBER: Final = "not_a_number"


def decode(frame: bytes) -> dict[str, Any]:
    """Decode one frame; never raises, whatever the bytes.

    Args:
        frame: the CBOR map, at most 16 KiB, or the same in hexadecimal.

    Returns:
        What :func:`wuxin.protocols.native.decode` answers, and ``marks`` where a value is NaN or
        infinite.
    """
    try:
        # A map begins with A0 to BB, which no hexadecimal digit does.
        data = plain(frame, starts=tuple(bytes((n,)) for n in range(0xA0, 0xBC)), limit=FRAME_BYTES)
        return answer(cbor.read(data))
    except BadFrame as bad:
        return bad.answer()


def answer(item: Any) -> dict[str, Any]:
    """What a frame says that is read from CBOR already.

    Raises:
        BadFrame: it is no frame.
    """
    if not isinstance(item, dict):
        raise BadFrame("a frame is a map", "$")
    said = {_name(key, "$"): value for key, value in item.items()}
    if "time" in said:
        said["time"] = _time(said["time"])
    empty: list[str] = []
    if isinstance(said.get("readings"), dict):
        said["readings"] = {
            _name(key, "$.readings"): _value(key, value, empty=empty)
            for key, value in said["readings"].items()
        }
    found = native.decode(json.dumps(_plain(said, "$"), ensure_ascii=False).encode("utf-8"))
    if empty and found["ok"]:
        found["readings"] = [r for r in found["readings"] if r["indicator"] not in empty]
        found["marks"] = [{"indicator": name, "mark": _NO_NUMBER} for name in empty]
    return found


def _name(key: Any, at: str) -> str:
    if not isinstance(key, str):
        raise BadFrame(f"name {key!a:.70} is not a text", at)
    return key


def _value(name: str, value: Any, *, empty: list[str]) -> Any:
    """Put nought in the place of what is no number, so that all else of the frame is checked."""
    if isinstance(value, float) and not math.isfinite(value):
        empty.append(name)
        return 0.0
    if isinstance(value, dict) and "value" in value:
        return {**value, "value": _value(name, value["value"], empty=empty)}
    return value


def _plain(item: Any, at: str) -> Any:
    """Refuse what JSON does not have: bytes, tags, and floats that are no numbers."""
    if isinstance(item, dict):
        return {_name(key, at): _plain(value, f"{at}.{key}") for key, value in item.items()}
    if isinstance(item, cbor.Tag | bytes):
        raise BadFrame("the value is neither a number, a text nor a map", at)
    if isinstance(item, list):
        return [_plain(each, at) for each in item]
    if isinstance(item, float) and not math.isfinite(item):
        raise BadFrame("the value is no number", at)
    return item


def _time(said: Any) -> Any:
    """Write a counted time as text; a text is left for the frame's own rules."""
    if isinstance(said, cbor.Tag) and said.number == 0 and isinstance(said.value, str):
        return said.value
    if isinstance(said, cbor.Tag) and said.number == 1:
        nanos = _counted(said.value)
    elif type(said) is int:
        nanos = said
    elif isinstance(said, str):
        return said
    else:
        raise BadFrame("the time is neither a text, nanoseconds, nor of tag 0 or 1", "$.time")
    if nanos not in _TIMES:
        raise BadFrame("the time is outside of the years 1677 to 2262", "$.time")
    return iso(nanos)


def _counted(seconds: Any) -> int:
    if type(seconds) is int:
        return seconds * SECOND
    if isinstance(seconds, float) and math.isfinite(seconds):
        return round(seconds * 1_000_000) * 1000 if abs(seconds) < 2**34 else _TIMES.stop
    raise BadFrame("tag 1 stands around something that counts no seconds", "$.time")


def encode(device: str, readings: Mapping[str, Any], *, boot: str, seq: int, time: int) -> bytes:
    """The frame in deterministic CBOR, for devices and simulators.

    Args:
        device: ``kind:id``.
        readings: a number, or ``value`` and ``unit``, by indicator.
        boot: one run of the device.
        seq: whole number, one more with each frame of a boot.
        time: when it was measured, nanoseconds since 1970, UTC.
    """
    return canonical(
        {"device": device, "boot": boot, "seq": seq, "time": time, "readings": dict(readings)}
    )
