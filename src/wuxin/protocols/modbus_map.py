"""Modbus by a table of registers: any device whose manual says what stands where.

The line before the registers carries what is needed to read them: who was read, when, which blocks
(first address and number of registers, in the order in which they follow), and the table.

    {"device": "meter:M-1", "time": "2024-06-01T04:00:00Z", "blocks": [[0, 4], [100, 2]],
     "table": [{"name": "voltage", "address": 0, "type": "uint16", "scale": 0.1, "unit": "V"},
               {"name": "energy", "address": 2, "type": "uint32", "order": "little",
                "unit": "kWh", "absent": 4294967295}]}

An address counts from 0, as on the wire; ``order`` is that of the registers of one value (the bytes
in a register are always big-endian). A text has ``registers``; a value may have an ``offset``,
added after scaling, and ``absent``, the raw number that says there is none.

Source: Modbus Application Protocol 1.1b3 §4.2 (big-endian), §6.3 (reading holding registers).
"""

import math
import struct
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec

from wuxin.protocols.octets import BadFrame, enveloped
from wuxin.terms.clock import iso, moment
from wuxin.terms.errors import BadInput

DUMP_BYTES: Final = 2 * 65536
ROWS: Final = 1000
BLOCKS: Final = 1000

_SIZES: Final = {
    "int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "int64": 4, "uint64": 4, "float32": 2,
    "float64": 4,
}  # fmt: skip
_Word = Annotated[int, msgspec.Meta(ge=0, le=65535)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    name: _Name
    address: _Word
    type: Literal[
        "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "text"
    ]
    order: Literal["big", "little"] = "big"
    scale: Annotated[float, msgspec.Meta(ge=-1e12, le=1e12)] = 1.0
    offset: Annotated[float, msgspec.Meta(ge=-1e12, le=1e12)] = 0.0
    unit: Annotated[str, msgspec.Meta(max_length=64)] = ""
    absent: int | None = None
    registers: Annotated[int, msgspec.Meta(ge=1, le=125)] = 1


class _Said(msgspec.Struct):
    device: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    table: Annotated[list[_Row], msgspec.Meta(min_length=1, max_length=ROWS)]
    blocks: Annotated[list[tuple[_Word, _Word]], msgspec.Meta(min_length=1, max_length=BLOCKS)]
    time: Annotated[str, msgspec.Meta(max_length=64)] = ""


def decode(frame: bytes) -> dict[str, Any]:
    """Decode the registers of one device with the line before them; never raises.

    Args:
        frame: the line and the registers of its blocks, at most 65536.

    Returns:
        ``ok`` true with ``message`` (registers), ``version``, ``device``, ``time``, ``fields``
        (each name of the table with its value, none where it was not read), ``readings`` of
        numbers and ``marks``; or ``ok`` false with ``error`` and ``at``.
    """
    try:
        said, data = _said(frame)
        image = _image(said, data)
        time = {"time": iso(moment(said.time))} if said.time else {}
    except BadFrame as bad:
        return bad.answer()
    except BadInput as wrong:
        return BadFrame(str(wrong), "time").answer()
    fields: dict[str, Any] = {}
    readings: list[dict[str, Any]] = []
    marks: list[dict[str, str]] = []
    for row in said.table:
        value, mark = _value(row, image)
        fields[row.name] = value
        if mark:
            marks.append({"indicator": row.name, "mark": mark})
        elif isinstance(value, float):
            readings.append({"indicator": row.name, "value": value, "unit": row.unit})
    return {
        "ok": True, "message": "registers", "version": "1.1b3", "device": said.device, **time,
        "fields": fields, "readings": readings, **({"marks": marks} if marks else {}),
    }  # fmt: skip


def _said(frame: bytes) -> tuple[_Said, bytes]:
    line, data = enveloped(
        frame, DUMP_BYTES, longer="the registers are more than", at="byte 0",
        bare="nothing before the registers says what they mean",
    )  # fmt: skip
    try:
        said = msgspec.convert(line, _Said)
    except msgspec.ValidationError as wrong:
        what, _, path = str(wrong).partition(" - at ")
        error = f"what is said of the registers is wrong: {what}".replace("`", "")
        raise BadFrame(error, path.strip("`") or "$") from None
    names = [row.name for row in said.table]
    if len(set(names)) < len(names) or not all(name.isprintable() for name in names):
        raise BadFrame("a name of the table is given twice or cannot be printed", "$.table")
    if not said.device.isprintable() or not all(row.unit.isprintable() for row in said.table):
        raise BadFrame("the device or a unit cannot be printed", "$")
    return said, data


def _image(said: _Said, data: bytes) -> dict[int, bytes]:
    """The registers by address, two bytes each."""
    wanted = 2 * sum(count for _, count in said.blocks)
    if len(data) != wanted:
        raise BadFrame(f"the blocks have {wanted} bytes and {len(data)} came", "$.blocks")
    image, at = {}, 0
    for start, count in said.blocks:
        for address in range(start, start + count):
            image[address] = data[at : at + 2]
            at += 2
    return image


def _value(row: _Row, image: dict[int, bytes]) -> tuple[float | str | None, str]:
    """A row's value, and the mark if it has none."""
    size = row.registers if row.type == "text" else _SIZES[row.type]
    words = [image.get(address) for address in range(row.address, row.address + size)]
    there = [word for word in words if word is not None]
    if len(there) < size:
        return None, "not_read"
    data = b"".join(reversed(there) if row.order == "little" else there)
    if row.type == "text":
        text = data.split(b"\0", 1)[0].decode("utf-8", "replace").strip()
        return "".join(sign for sign in text if sign.isprintable()), ""
    if row.type in {"float32", "float64"}:
        found = struct.unpack(">f" if size == 2 else ">d", data)[0]
        if not math.isfinite(found):
            return None, "not_a_number"
        raw: float = float(f"{found:.7g}") if size == 2 else found
    else:
        raw = int.from_bytes(data, "big", signed=row.type.startswith("int"))
    if row.absent is not None and raw == row.absent:
        return None, "absent"
    return _scaled(raw, row)


def _scaled(raw: float, row: _Row) -> tuple[float | None, str]:
    if row.scale == 1.0 and not row.offset:
        return float(raw), ""
    # In decimals, as the manual means it: 231 tenths are 23.1 and not 23.1000000000000014.
    exact = Decimal(str(raw)) * Decimal(str(row.scale)) + Decimal(str(row.offset))
    value = float(exact)
    return (value, "") if math.isfinite(value) else (None, "not_a_number")
