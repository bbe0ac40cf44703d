"""Information bodies become fields, and readings where a field measures something.

What a vehicle sends as abnormal (…FE) or invalid (…FF) stays so in the fields and is no reading.
"""

import struct
from typing import Any, Final, NamedTuple

from wuxin.protocols.gb32960 import layouts
from wuxin.protocols.gb32960.layouts import Field, Layout
from wuxin.protocols.octets import BadFrame, Reader, number
from wuxin.terms.datum import DATUMS, Place, wgs84

SIGNATURE: Final = 0xFF
_CUSTOM: Final = range(0x80, 0xFF)
_DIGITS: Final = {1.0: 0, 0.1: 1, 0.01: 2, 0.001: 3, 0.0001: 4, 1e-6: 6}
_GEARS: Final = {0: "N", 13: "R", 14: "D", 15: "P"}


class Part(NamedTuple):
    """The fields of a body, or of a row of it, and the readings that are in it."""

    fields: dict[str, Any]
    readings: list[dict[str, Any]]


def body(reader: Reader, *, edition: str) -> Part:
    """Read one information body with the byte of its type.

    A type that is reserved is taken to begin with its length, as the maker's own ones do: makers
    use them so, and what does not fit is refused behind it.

    Raises:
        BadFrame: the body is cut off, or is a signature where none can be.
    """
    kind = reader.whole(1, "the type of an information body")
    if kind in _CUSTOM:
        return _titled(_opaque(reader), kind=kind, name="custom")
    readers = _READERS[edition]
    if kind == SIGNATURE:
        raise BadFrame("there is no signature in the edition of 2016", f"byte {reader.at - 1}")
    if kind in readers:
        name, read = readers[kind]
        return _titled(read(reader, edition), kind=kind, name=name)
    return _titled(_opaque(reader), kind=kind, name="reserved")


def _opaque(reader: Reader) -> Part:
    count = reader.whole(2, "the length of a body that the standard does not define")
    return Part({"data": reader.take(count, "a body that the standard does not define").hex()}, [])


def _titled(part: Part, *, kind: int, name: str) -> Part:
    return Part({"type": kind, "name": name, **part.fields}, part.readings)


def value_of(field: Field, raw: int) -> float | int | str:
    """What a raw number means: a code's name, ``abnormal``, ``invalid``, or the scaled value."""
    greatest = (1 << 8 * field.size) - 1
    if field.marks and raw >= greatest - 1:
        return "invalid" if raw == greatest else "abnormal"
    if field.codes and raw in field.codes:
        return field.codes[raw]
    if field.factor == 1.0:
        return raw + int(field.offset)
    return number(raw, factor=field.factor, offset=field.offset, digits=_DIGITS[field.factor])


class _Known(dict[int, float | int | str]):
    """The meanings of a field's raw numbers, each worked out once: packs have hundreds of cells."""

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.field = field

    def __missing__(self, raw: int) -> float | int | str:
        value = self[raw] = value_of(self.field, raw)
        return value


_KNOWN: Final = {field.name: _Known(field) for field in (layouts.CELL, layouts.PROBE)}


def _row(reader: Reader, layout: Layout, *, prefix: str = "") -> Part:
    fields: dict[str, Any] = {}
    readings = []
    for field in layout:
        raw = reader.whole(field.size, field.name)
        value = fields[field.name] = value_of(field, raw)
        coded = field.unit == "1" and value not in {"abnormal", "invalid"}
        if field.unit and (coded or not isinstance(value, str)):
            readings.append(_reading(prefix + field.name, raw if coded else value, unit=field.unit))
    return Part(fields, readings)


def _reading(indicator: str, value: Any, *, unit: str) -> dict[str, Any]:
    return {"indicator": indicator, "value": float(value), "unit": unit}


def _count(reader: Reader, what: str, *, size: int = 1) -> int:
    """A number of things that follow; abnormal and invalid mean that none do."""
    raw = reader.whole(size, what)
    return 0 if raw >= (1 << 8 * size) - 2 else raw


def _values(reader: Reader, field: Field, *, count: int) -> list[float | int | str]:
    data = reader.take(count * field.size, f"{count} of {field.name}")
    known = _KNOWN[field.name]
    return [known[raw] for raw in struct.unpack(f">{count}{'BH'[field.size - 1]}", data)]


def _ends(values: list[Any], name: str, *, unit: str) -> list[dict[str, Any]]:
    """The least and the greatest of a full list, as readings; the list itself is in the fields."""
    good = [value for value in values if not isinstance(value, str)]
    if not good:
        return []
    return [
        _reading(f"{name}_lowest", min(good), unit=unit),
        _reading(f"{name}_highest", max(good), unit=unit),
    ]


def _vehicle(reader: Reader, edition: str) -> Part:
    layout = layouts.VEHICLE_2016 if edition == "2016" else layouts.VEHICLE_2025
    part = _row(reader, layout)
    raw = part.fields["gear"]
    part.fields["gear"] = {
        "position": _GEARS.get(raw & 15, str(raw & 15)),
        "braking": bool(raw & 16),
        "driving": bool(raw & 32),
        "valid": edition == "2016" or not raw & 128,
    }
    return part


def _motors(reader: Reader, edition: str) -> Part:
    layout = layouts.MOTOR_2016 if edition == "2016" else layouts.MOTOR_2025
    rows, readings = [], []
    for _ in range(_count(reader, "the number of motors")):
        ordinal = reader.data[reader.at] if reader.left else 0
        row = _row(reader, layout, prefix=f"motor_{ordinal}_")
        rows.append(row.fields)
        readings += row.readings
    return Part({"motors": rows}, readings)


def _fuel_cell(reader: Reader, edition: str) -> Part:
    if edition == "2025":
        return _row(reader, layouts.HYDROGEN_2025)
    part = _row(reader, layouts.FUEL_CELL_2016, prefix="fuel_cell_")
    probes = _values(reader, layouts.PROBE, count=_count(reader, "the number of probes", size=2))
    rest = _row(reader, layouts.HYDROGEN_2016)
    readings = [
        *part.readings,
        *_ends(probes, "fuel_cell_temperature", unit="degC"),
        *rest.readings,
    ]
    return Part({**part.fields, "temperatures": probes, **rest.fields}, readings)


def _engine(reader: Reader, edition: str) -> Part:
    layout = layouts.ENGINE_2016 if edition == "2016" else layouts.ENGINE_2025
    return _row(reader, layout, prefix="engine_")


def _place(reader: Reader, edition: str) -> Part:
    state = reader.whole(1, "the state of the position")
    system = "WGS-84"
    if edition == "2025":
        raw = reader.whole(1, "the system of coordinates")
        system = layouts.COORDINATES.get(raw, f"unknown ({raw})")
    fields = _row(reader, layouts.PLACE).fields
    for name, bit in (("longitude", 4), ("latitude", 2)):
        if state & bit and not isinstance(fields[name], str):
            fields[name] = -fields[name]
    valid = not state & 1
    fields = {"valid": valid, "coordinates": system, **fields}
    longitude, latitude = fields["longitude"], fields["latitude"]
    if not valid or isinstance(longitude, str) or isinstance(latitude, str):
        return Part(fields, [])
    # A place on a datum that is not known would be off by some hundred metres: it gets no reading.
    if system not in DATUMS or abs(longitude) > 180 or abs(latitude) > 90:
        return Part(fields, [])
    place = wgs84(Place(latitude, longitude), system)
    places = (("longitude", place.longitude), ("latitude", place.latitude))
    return Part(fields, [_reading(name, value, unit="degree") for name, value in places])


def _extremes(reader: Reader, edition: str) -> Part:
    if edition == "2025":
        return _row(reader, layouts.CAPACITOR_EXTREMES_2025, prefix="capacitor_")
    return _row(reader, layouts.EXTREMES_2016, prefix="battery_")


def _alarms(reader: Reader, edition: str) -> Part:
    known = layouts.ALARMS[:19] if edition == "2016" else layouts.ALARMS
    level = value_of(Field("level", 1), reader.whole(1, "the highest alarm level"))
    bits = reader.whole(4, "the general alarms")
    fields: dict[str, Any] = {
        "highest_level": level,
        "alarm_bits": bits,
        "alarms": [name for bit, name in enumerate(known) if bits >> bit & 1],
    }
    for name in layouts.FAULTS:
        count = _count(reader, f"the number of {name}")
        codes = reader.take(4 * count, name)
        fields[name] = [codes[at : at + 4].hex() for at in range(0, len(codes), 4)]
    if edition == "2025":
        pairs = reader.take(2 * _count(reader, "the number of alarm levels"), "alarm levels")
        fields["alarm_levels"] = [
            {"alarm": known[bit] if bit < len(known) else f"bit {bit}", "level": grade}
            for bit, grade in zip(pairs[::2], pairs[1::2], strict=True)
        ]
    readings = [] if isinstance(level, str) else [_reading("alarm_level", level, unit="1")]
    return Part(fields, readings)


def _cells(reader: Reader, edition: str) -> Part:
    rows, readings = [], []
    for _ in range(_count(reader, "the number of batteries")):
        name = f"battery_{reader.data[reader.at] if reader.left else 0}"
        layout = layouts.CELLS_2016 if edition == "2016" else layouts.CELLS_2025
        row = _row(reader, layout, prefix=f"{name}_")
        size = 1 if edition == "2016" else 2
        cells = _values(
            reader, layouts.CELL, count=_count(reader, "the number of cells", size=size)
        )
        readings += row.readings
        if edition == "2025" or row.fields["cell_total"] == len(cells):
            readings += _ends(cells, f"{name}_cell_voltage", unit="V")
        rows.append({**row.fields, "cell_voltages": cells})
    return Part({"batteries": rows}, readings)


def _probes(reader: Reader, _edition: str) -> Part:
    rows, readings = [], []
    for _ in range(_count(reader, "the number of batteries")):
        raw = reader.whole(1, "the number of a battery")
        probes = _values(
            reader, layouts.PROBE, count=_count(reader, "the number of probes", size=2)
        )
        readings += _ends(probes, f"battery_{raw}_temperature", unit="degC")
        rows.append({"number": value_of(Field("number", 1), raw), "temperatures": probes})
    return Part({"batteries": rows}, readings)


def _stacks(reader: Reader, _edition: str) -> Part:
    rows, readings = [], []
    for _ in range(_count(reader, "the number of stacks")):
        name = f"stack_{reader.data[reader.at] if reader.left else 0}"
        row = _row(reader, layouts.STACK_2025, prefix=f"{name}_")
        probes = _values(
            reader, layouts.PROBE, count=_count(reader, "the number of probes", size=2)
        )
        readings += [*row.readings, *_ends(probes, f"{name}_water_temperature", unit="degC")]
        rows.append({**row.fields, "water_outlet_temperatures": probes})
    return Part({"stacks": rows}, readings)


def _capacitors(reader: Reader, _edition: str) -> Part:
    name = f"capacitor_{reader.data[reader.at] if reader.left else 0}"
    row = _row(reader, layouts.CELLS_2025, prefix=f"{name}_")
    cells = _values(reader, layouts.CELL, count=_count(reader, "the number of cells", size=2))
    probes = _values(reader, layouts.PROBE, count=_count(reader, "the number of probes", size=2))
    readings = [*row.readings, *_ends(cells, f"{name}_cell_voltage", unit="V")]
    readings += _ends(probes, f"{name}_temperature", unit="degC")
    return Part({**row.fields, "cell_voltages": cells, "temperatures": probes}, readings)


_COMMON: Final = {
    1: ("vehicle", _vehicle),
    2: ("motors", _motors),
    3: ("fuel_cell", _fuel_cell),
    4: ("engine", _engine),
    5: ("position", _place),
}
_READERS: Final = {
    "2016": {
        **_COMMON,
        6: ("extremes", _extremes),
        7: ("alarms", _alarms),
        8: ("cell_voltages", _cells),
        9: ("temperatures", _probes),
    },
    "2025": {
        **_COMMON,
        6: ("alarms", _alarms),
        7: ("cell_voltages", _cells),
        8: ("temperatures", _probes),
        0x30: ("fuel_cell_stacks", _stacks),
        0x31: ("capacitors", _capacitors),
        0x32: ("capacitor_extremes", _extremes),
    },
}
