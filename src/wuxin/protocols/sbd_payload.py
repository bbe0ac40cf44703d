"""Wuxin's payload for links that charge by the byte: 20 bytes and 5 for each reading, big-endian.

    byte  size  what
       0     1  A1: Wuxin, layout 1
       1     2  sequence, one more with each report, 65535 is followed by 0
       3     4  seconds since 1970-01-01T00:00:00Z
       7     4  latitude, signed, 1e-7 degree on WGS-84; 80000000: no position
      11     4  longitude, the same
      15     2  speed over ground, 0.01 m/s; FFFF: unknown
      17     1  heading from north over east, 2 degrees; FF: unknown
      18     1  battery, %; FF: unknown
      19     1  number of readings, at most 16
      20  5 n   for each: code of the indicator, 1; value, IEEE 754 of 32 bits

Source: own format; SBD bills at least 10 bytes, and carries 340 in the common modems.
"""

import math
import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from wuxin.protocols.octets import BadFrame, Reader, utc
from wuxin.terms.errors import BadInput

LAYOUT: Final = 0xA1
READINGS: Final = 16
INDICATORS: Final = {
    1: ("temperature", "degC"),
    2: ("relative_humidity", "%"),
    3: ("net_weight", "kg"),
    4: ("door_open", "1"),
    5: ("illuminance", "lx"),
    6: ("greatest_acceleration", "m/s**2"),
    7: ("pressure", "Pa"),
    8: ("level", "m"),
    9: ("supply_voltage", "V"),
    10: ("tag_count", "1"),
}
"""What the codes of readings mean, and their units."""

_CODES: Final = {name: code for code, (name, _) in INDICATORS.items()}
_FIXED: Final = struct.Struct(">BHIiiHBBB")
_ROW: Final = struct.Struct(">Bf")
_NOWHERE: Final = -(2**31)
_LEFT_OUT: Final = 0xFFFF
_LEFT_OUT_BYTE: Final = 0xFF


class Report(NamedTuple):
    """One report of a device; None is what it does not know."""

    sequence: int
    time_s: int
    """Seconds since 1970, UTC."""
    position: tuple[float, float] | None = None
    """Latitude and longitude, degrees on WGS-84."""
    speed_m_s: float | None = None
    heading_deg: float | None = None
    battery_percent: int | None = None


def encode_payload(report: Report, readings: Mapping[str, float]) -> bytes:
    """Write a report.

    Args:
        report: when and where.
        readings: by the indicators' names in `INDICATORS`, in their units.

    Raises:
        BadInput: a number does not fit, an indicator is unknown or there are more than 16.
    """
    if len(readings) > READINGS:
        raise BadInput(f"{len(readings)} readings are more than the {READINGS} that fit")
    latitude, longitude = report.position or (0.0, 0.0)
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise BadInput(f"{latitude}, {longitude} is no place on Earth")
    place = (round(latitude * 1e7), round(longitude * 1e7))
    numbers = (
        _scaled(report.speed_m_s, 0.01, below=_LEFT_OUT),
        _scaled(report.heading_deg, 2, below=_LEFT_OUT_BYTE, turn=180),
        _scaled(report.battery_percent, 1, below=101),
    )
    speed, heading, battery = numbers
    try:
        fixed = _FIXED.pack(
            LAYOUT, report.sequence, report.time_s,
            *(place if report.position is not None else (_NOWHERE, _NOWHERE)),
            _LEFT_OUT if speed is None else speed,
            _LEFT_OUT_BYTE if heading is None else heading,
            _LEFT_OUT_BYTE if battery is None else battery,
            len(readings),
        )  # fmt: skip
        return fixed + b"".join(_row(name, value) for name, value in readings.items())
    except (struct.error, OverflowError):
        raise BadInput(f"a number of {report!r} or its readings does not fit its bytes") from None


def _scaled(value: float | None, step: float, *, below: int, turn: int | None = None) -> int | None:
    if value is None:
        return None
    if not math.isfinite(value):
        raise BadInput(f"{value} is not a number")
    raw = round(value / step)
    if turn is not None:
        raw %= turn
    if not 0 <= raw < below:
        raise BadInput(f"{value} does not fit the layout")
    return raw


def _row(name: str, value: float) -> bytes:
    if name not in _CODES:
        raise BadInput(f"there is no code for {name!r}; there is one for {', '.join(_CODES)}")
    if not math.isfinite(value):
        raise BadInput(f"{name} is {value}, which is not a number")
    return _ROW.pack(_CODES[name], value)


def decode_payload(reader: Reader) -> dict[str, Any]:
    """Read a payload: ours by its layout, any other as bytes.

    Args:
        reader: over the payload and nothing else.

    Returns:
        ``fields``, ``readings``, and ``time`` if the payload is ours.

    Raises:
        BadFrame: it begins as ours does and is not of the layout.
    """
    if not reader.left or reader.data[reader.at] != LAYOUT:
        return {"fields": _foreign(reader), "readings": []}
    start = reader.at
    _, sequence, seconds, latitude, longitude, speed, heading, battery, count = _FIXED.unpack(
        reader.take(_FIXED.size, "the payload")
    )
    if count > READINGS:
        raise BadFrame(f"{count} readings are more than {READINGS}", f"byte {reader.at - 1}")
    fields: dict[str, Any] = {
        "layout": LAYOUT,
        "sequence": sequence,
        "time": utc(datetime.fromtimestamp(seconds, UTC)),
        "latitude": None if latitude == _NOWHERE else latitude / 1e7,
        "longitude": None if longitude == _NOWHERE else longitude / 1e7,
        "speed": None if speed == _LEFT_OUT else round(speed * 0.01, 2),
        "heading": None if heading == _LEFT_OUT_BYTE else heading * 2,
        "battery": None if battery == _LEFT_OUT_BYTE else battery,
    }
    for name, size, most, at in (
        ("latitude", latitude, 900_000_000, 7), ("longitude", longitude, 1_800_000_000, 11),
        ("heading", heading, 179, 17), ("battery", battery, 100, 18),
    ):  # fmt: skip
        if fields[name] is not None and abs(size) > most:
            raise BadFrame(f"the {name} does not exist", f"byte {start + at}")
    if (fields["latitude"] is None) != (fields["longitude"] is None):
        raise BadFrame("one half of the position is missing", f"byte {start + 7}")
    readings = [
        {"indicator": name, "value": float(fields[name]), "unit": unit}
        for name, unit in (
            ("latitude", "degree"), ("longitude", "degree"), ("speed", "m/s"),
            ("heading", "degree"), ("battery", "%"),
        )
        if fields[name] is not None
    ]  # fmt: skip
    readings += [_reading(reader) for _ in range(count)]
    if reader.left:
        raise BadFrame(f"{reader.left} bytes are left in the payload", f"byte {reader.at}")
    return {"fields": fields, "readings": readings, "time": fields["time"]}


def _foreign(reader: Reader) -> dict[str, Any]:
    data = reader.take(reader.left, "the payload")
    fields = {"data": data.hex()}
    if data and all(32 <= byte < 127 for byte in data):
        fields["text"] = data.decode("ascii")
    return fields


def _reading(reader: Reader) -> dict[str, Any]:
    start = reader.at
    code, value = _ROW.unpack(reader.take(_ROW.size, "a reading"))
    if code not in INDICATORS:
        raise BadFrame(f"{code} is no code of an indicator", f"byte {start}")
    if not math.isfinite(value):
        raise BadFrame(f"{INDICATORS[code][0]} is not a number", f"byte {start + 1}")
    name, unit = INDICATORS[code]
    # 32 bits hold seven digits: 21.3 shall not come out as 21.299999237060547.
    return {"indicator": name, "value": float(f"{value:.7g}"), "unit": unit}
