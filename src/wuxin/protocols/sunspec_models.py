"""SunSpec: the models as the alliance publishes them, read once, and how their points are told.

The definitions are data of the library pysunspec2 (one JSON file per model). They are turned into
small tuples, so that a dump of registers is read without looking names up.

Source: SunSpec Device Information Model Specification 1.1 §4 (point types, values that say "not
implemented"), §5 (models, groups); SunSpec Alliance Modbus models.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

KINDS: Final = {
    **dict.fromkeys((101, 102, 103, 111, 112, 113), "inverter"),
    160: "mppt",
    **dict.fromkeys((201, 202, 203, 204, 211, 212, 213, 214), "meter"),
    **dict.fromkeys((302, 303, 304, 305, 306, 307, 308), "weather"),
    **dict.fromkeys((401, 402, 403, 404), "combiner"),
}
"""Models whose points are readings, and the word that their indicators begin with."""

_UNITS: Final = {
    "C": "degC", "Pct": "%", "Secs": "s", "PF": "1", "cos()": "1", "Degrees": "degree",
    "deg": "degree", "meters": "m", "HPa": "hPa", "mps": "m/s", "kO": "kohm", "ohms": "ohm",
    "AH": "A*h", "Ah": "A*h", "var": "VA", "varh": "VA*h", "VAh": "VA*h", "A": "A", "V": "V",
    "W": "W", "VA": "VA", "Wh": "Wh", "Hz": "Hz", "W/m2": "W/m2", "mm": "mm", "m/s": "m/s",
}  # fmt: skip
"""Units as the models write them; a point with another unit, or a clock, is a field only."""

_SIGNED: Final = {"int16": 1, "int32": 2, "int64": 4, "sunssf": 1}
_UNSIGNED: Final = {
    "uint16": 1, "uint32": 2, "uint64": 4, "acc16": 1, "acc32": 2, "acc64": 4, "enum16": 1,
    "enum32": 2, "bitfield16": 1, "bitfield32": 2, "bitfield64": 4, "count": 1,
}  # fmt: skip
_CLOCKS: Final = {"Tms"}
_PLAIN: Final = {
    "int16", "int32", "int64", "uint16", "uint32", "uint64", "acc16", "acc32", "acc64", "float32",
    "float64",
}  # fmt: skip


class Point(NamedTuple):
    """One point of a model: where it is in its group (registers) and what its value means."""

    name: str
    type: str
    at: int
    size: int
    scale: str | int | None
    unit: str
    symbols: dict[int, str]
    is_mandatory: bool
    is_reading: bool


class Group(NamedTuple):
    """Points in a row, and the groups behind them; ``times`` 0 is as many as there is room for."""

    name: str
    size: int
    points: tuple[Point, ...]
    groups: tuple["Group", ...]
    times: int | str


@cache
def model(number: int) -> Group | None:
    """The definition of a model; none if the alliance has not published it."""
    if not 1 <= number <= 65534:
        return None
    file = files("sunspec2") / "models" / "json" / f"model_{number}.json"
    if not file.is_file():
        return None
    return _group(json.loads(file.read_text("utf-8"))["group"])


def _group(said: dict[str, Any]) -> Group:
    points, at = [], 0
    for each in said.get("points", ()):
        point = _point(each, at)
        points.append(point)
        at += point.size
    groups = tuple(_group(each) for each in said.get("groups", ()))
    return Group(said["name"], at, tuple(points), groups, said.get("count", 1))


def _point(said: dict[str, Any], at: int) -> Point:
    kind, name = said["type"], said["name"]
    unit = _UNITS.get(said.get("units", "").strip(), "")
    is_code = kind.startswith(("enum", "bitfield"))
    is_value = kind in _PLAIN and bool(unit) and name not in _CLOCKS
    return Point(
        name=name,
        type=kind,
        at=at,
        size=said["size"] * said.get("count", 1),
        scale=said.get("sf"),
        unit="1" if is_code else unit,
        symbols={each["value"]: each["name"] for each in said.get("symbols", ())},
        is_mandatory=said.get("mandatory") == "M",
        is_reading=(is_code or is_value) and said.get("static") != "S",
    )


def raw_whole(kind: str, data: bytes) -> int | None:
    """The whole number of a point's registers, or none where it says "not implemented".

    An accumulator of 0 has not begun to count, and of a bit field with its highest bit set none of
    the bits means anything.

    Source: SunSpec Device Information Model Specification 1.1 §4.3.
    """
    if kind in _SIGNED:
        value = int.from_bytes(data, "big", signed=True)
        return None if value == -(1 << (8 * len(data) - 1)) else value
    value = int.from_bytes(data, "big")
    if kind.startswith("acc"):
        return value or None
    if kind.startswith("bitfield") and kind != "bitfield16":
        return None if value >> (8 * len(data) - 1) else value
    return None if value == (1 << 8 * len(data)) - 1 else value


def is_whole(kind: str) -> bool:
    """Whether a point of this type is a whole number."""
    return kind in _SIGNED or kind in _UNSIGNED
