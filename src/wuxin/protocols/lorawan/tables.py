"""What the payload of a device model means, as tables in ``devices/*.toml``.

A table names the device profiles it is for, and either says at which byte of the whole payload
each value stands (``size``, ``field``; ``also`` are other sizes, in which the values that would
stand beyond the end are not sent), or lists items that follow one another, each known by its
first two bytes, channel and type (``item``; ``**`` stands for any channel, which may be put into
the indicator's name as ``{channel}``).

    type     u8 i8 u16 i16 u24 i24 u32 i32 f32, with le or be where there is more than one byte
    mask     bits of the value, moved to its low end
    scale, offset, unit    value = raw * scale + offset
    none     raw values that stand for no value
    when     the value is there only if the masked byte at ``at`` equals this

Source: own format; the devices' sources stand in their tables.
"""

import math
import struct
import tomllib
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Final, NamedTuple

import msgspec

from wuxin.protocols.octets import BadFrame, number, utc

PAYLOAD_BYTES: Final = 255
_Place = Annotated[int, msgspec.Meta(ge=0, lt=PAYLOAD_BYTES)]


class When(msgspec.Struct, forbid_unknown_fields=True):
    """On what a value depends: a masked byte."""

    at: _Place
    equals: int
    mask: int = 0xFF


class Field(msgspec.Struct, forbid_unknown_fields=True):
    """One value: where it stands and what it measures."""

    indicator: str
    at: _Place
    type: Annotated[str, msgspec.Meta(pattern=r"^([ui]8|([ui](16|24|32)|f32)(le|be))$")]
    mask: int = 0
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""
    none: list[int] = []
    when: When | None = None


class Item(msgspec.Struct, forbid_unknown_fields=True):
    """A run of ``size`` bytes behind a channel and a type; ``time``: where its seconds stand."""

    id: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{2}|\*\*)[0-9a-f]{2}$")]
    size: _Place
    fields: list[Field] = []
    time: int | None = None


class Table(msgspec.Struct, forbid_unknown_fields=True):
    """How the payloads of some device profiles are read; no ``ports``: any but 0."""

    profiles: list[str]
    ports: list[int] = []
    size: int = 0
    also: list[int] = []
    field: list[Field] = []
    item: list[Item] = []


class Found(NamedTuple):
    """Readings of a payload, and what stood for none."""

    readings: list[dict[str, Any]]
    marks: list[dict[str, Any]]


@cache
def tables() -> dict[str, Table]:
    """Every table by the device profiles it is for, in small letters."""
    found: dict[str, Table] = {}
    for path in sorted((files(__package__) / "devices").iterdir(), key=lambda each: each.name):
        if path.name.endswith(".toml"):
            table = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Table)
            found |= {profile.casefold(): table for profile in table.profiles}
    return found


def read(payload: bytes, table: Table, *, port: int) -> Found:
    """Read a payload by a table.

    Raises:
        BadFrame: the table does not fit; the place is the byte of the payload.
    """
    if table.ports and port not in table.ports:
        raise BadFrame(f"port {port} is not in the device's table", "port")
    found = Found([], [])
    if table.field:
        if len(payload) not in (table.size, *table.also):
            raise BadFrame(
                f"the device's table is for {table.size} bytes and there are {len(payload)}",
                f"payload byte {min(len(payload), table.size)}",
            )
        for field in table.field:
            if field.at < len(payload):
                _take(field, payload, found=found, common={})
        return found
    _items(payload, table, found=found)
    return found


def _items(payload: bytes, table: Table, *, found: Found) -> None:
    known = {item.id: item for item in table.item}
    at = 0
    while at < len(payload):
        head = payload[at : at + 2].hex()
        item = known.get(head) or known.get("**" + head[2:])
        if item is None:
            raise BadFrame(
                f"channel and type {head} are not in the device's table", f"payload byte {at}"
            )
        part = payload[at + 2 : at + 2 + item.size]
        if len(part) < item.size:
            raise BadFrame(
                f"{head} needs {item.size} bytes and there are {len(part)}", f"payload byte {at}"
            )
        common: dict[str, Any] = {}
        if item.time is not None:
            seconds = int.from_bytes(part[item.time : item.time + 4], "little")
            common["time"] = utc(datetime.fromtimestamp(seconds, UTC))
        for field in item.fields:
            _take(field, part, found=found, common=common, channel=payload[at])
        at += 2 + item.size


def _take(
    field: Field, data: bytes, *, found: Found, common: dict[str, Any], channel: int = 0
) -> None:
    if field.when and data[field.when.at] & field.when.mask != field.when.equals:
        return
    raw = _raw(field, data)
    name = field.indicator.replace("{channel}", str(channel))
    if raw in field.none or not math.isfinite(raw):
        found.marks.append({"indicator": name, "mark": "no_value", **common})
        return
    value = number(raw, factor=field.scale, offset=field.offset) if field.scale != 1 else raw
    found.readings.append({"indicator": name, "value": float(value), "unit": field.unit, **common})


def _raw(field: Field, data: bytes) -> Any:
    """The number as it stands there; a table's places are inside of its size, which tests hold."""
    kind, bits = field.type[0], int(field.type[1:].rstrip("lbe"))
    part = data[field.at : field.at + bits // 8]
    little = field.type.endswith("le")
    if kind == "f":
        return struct.unpack("<f" if little else ">f", part)[0]
    raw = int.from_bytes(part, "little" if little else "big", signed=kind == "i")
    if field.mask:
        raw = (raw & field.mask) >> (field.mask & -field.mask).bit_length() - 1
    return raw
