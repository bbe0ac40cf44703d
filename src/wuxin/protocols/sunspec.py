"""SunSpec: registers of inverters, meters, combiners and weather stations, read over Modbus.

    53 75 6E 53 | 0001 0042 …common… | 0067 0032 …inverter… | FFFF 0000
    "SunS"        model, length in registers, points; then the next  end

A dump is the registers from the marker on, big-endian. The line before it says who was read:
`{"device": "INV-1", "unit": 1, "base": 40000, "time": "2024-06-01T04:00:00Z"}`.

Source: SunSpec Device Information Model Specification 1.1 §6 (Modbus map, discovery).
"""

import math
import struct
from collections.abc import Iterator
from typing import Any, Final

from wuxin.protocols.octets import BadFrame, Reader, enveloped
from wuxin.protocols.sunspec_models import KINDS, Group, Point, is_whole, model, raw_whole
from wuxin.terms.clock import iso, moment
from wuxin.terms.errors import BadInput

DUMP_BYTES: Final = 2 * 65536
MODELS: Final = 128
GROUPS: Final = 1024
"""Repetitions of a group within one model."""

MARKER: Final = b"SunS"
END: Final = 0xFFFF
SCALES: Final = range(-10, 11)
"""Powers of ten that a scale factor may have (specification §4.2.8)."""

Found = tuple[list[dict[str, Any]], list[dict[str, str]]]


def decode(frame: bytes) -> dict[str, Any]:
    """Decode one dump with the line before it; never raises, whatever the bytes.

    Args:
        frame: the line and the registers, at most 65536 of them.

    Returns:
        ``ok`` true with ``message`` (sunspec), ``version``, ``device``, ``time``, ``fields``
        (``models``: each with ``id``, ``name``, ``address``, ``length``, its ``points`` under the
        standard's names, scaled, and its groups), ``readings`` and ``marks``; or ``ok`` false with
        ``error`` and ``at``. An indicator is the kind of model and the point's name in small
        letters: ``inverter_w``. What is there several times is a ``thing``: ``module:INV-1-2``.
    """
    try:
        said, data = _said(frame)
        device, base = said["device"], said.get("base", 40000)
        answer: dict[str, Any] = {"ok": True, "message": "sunspec", "version": "1.1"}
        answer["device"] = device
        if "time" in said:
            answer["time"] = iso(moment(said["time"]))
        chain = _Chain(device, base)
        is_whole_chain = chain.read(data)
    except BadInput as wrong:
        return BadFrame(str(wrong), "time").answer()
    except BadFrame as bad:
        return bad.answer()
    answer["fields"] = {
        "unit": said.get("unit", 1), "base": base, "models": chain.models,
        "complete": is_whole_chain,
    }  # fmt: skip
    answer["readings"] = chain.readings
    if chain.marks:
        answer["marks"] = chain.marks
    return answer


def _said(frame: bytes) -> tuple[dict[str, Any], bytes]:
    said, data = enveloped(
        frame, DUMP_BYTES, longer="the dump is longer than", at="device",
        bare="nothing before the registers says which device they are of",
    )  # fmt: skip
    device, base = said.get("device"), said.get("base", 40000)
    if not isinstance(device, str) or not 1 <= len(device) <= 128 or not device.isprintable():
        raise BadFrame("nothing before the registers says which device they are of", "device")
    if type(base) is not int or not 0 <= base <= 65535:
        raise BadFrame(f"{base!a:.20} is no address of a register", "base")
    if type(said.get("unit", 1)) is not int or not 0 <= said.get("unit", 1) <= 255:
        raise BadFrame("the unit is no number from 0 to 255", "unit")
    if not isinstance(said.get("time", ""), str):
        raise BadFrame("the time is no text", "time")
    if not data.startswith(MARKER):
        raise BadFrame("the registers do not begin with SunS", f"register {base}")
    return said, data


class _Chain:
    """The models of one device, one behind the other, and what they say."""

    def __init__(self, device: str, base: int) -> None:
        self.models: list[dict[str, Any]] = []
        self.readings: list[dict[str, Any]] = []
        self.marks: list[dict[str, str]] = []
        self._device, self._base = device, base
        self._times: dict[str, int] = {}

    def read(self, data: bytes) -> bool:
        """Read the chain; returns whether it is whole, to its end."""
        reader = Reader(data, start=len(MARKER))
        try:
            while reader.left and len(self.models) < MODELS:
                address = self._base + reader.at // 2
                number = reader.whole(2, "the number of a model")
                length = reader.whole(2, f"the length of model {number}")
                if number == END:
                    return True
                body = reader.take(2 * length, f"model {number}")
                self._take(number, address, data=body)
        except BadFrame as bad:
            place = self._base + int(bad.at.removeprefix("byte ")) // 2
            raise BadFrame(str(bad), f"register {place}") from None
        return False

    def _take(self, number: int, address: int, *, data: bytes) -> None:
        said: dict[str, Any] = {"id": number, "address": address, "length": len(data) // 2}
        self.models.append(said)
        found = model(number)
        if found is None:
            said["name"] = "other"  # of a vendor: told, and passed over
            return
        said["name"] = found.name
        kind, thing = KINDS.get(number, ""), ""
        if kind:
            self._times[kind] = times = self._times.get(kind, 0) + 1
            # Weather models differ in what they measure; of the others a second is a second thing.
            is_another = times > 1 and kind != "weather"
            thing = f"{kind}:{self._device}-{times}" if is_another else ""
        scales: dict[str, int | None] = {}
        # The number and the length of the model are its first two points.
        registers = number.to_bytes(2, "big") + (len(data) // 2).to_bytes(2, "big") + data
        reading = _Reading(self, kind=kind, thing=thing)
        said["points"] = self._points(found, registers, scales=scales, reading=reading)
        self._groups(found, registers[2 * found.size :], said=said, scales=scales, reading=reading)

    def _groups(
        self, outer: Group, data: bytes, *, said: dict[str, Any],
        scales: dict[str, int | None], reading: "_Reading",
    ) -> bytes:  # fmt: skip
        """Read the groups behind the points of a group; returns the registers behind them."""
        for group in outer.groups:
            rows: list[dict[str, Any]] = []
            count = group.times or GROUPS
            if isinstance(count, str):
                named = said["points"].get(count)
                count = named if isinstance(named, int) else 0
            count = min(count, GROUPS)
            while len(rows) < count and group.size and len(data) >= 2 * group.size:
                row: dict[str, Any] = {}
                inner = dict(scales)
                own = reading.of_group(group.name, self._device, number=len(rows) + 1)
                row["points"] = self._points(group, data, scales=inner, reading=own)
                data = self._groups(
                    group, data[2 * group.size :], said=row, scales=inner, reading=own
                )
                rows.append(row)
            said[group.name] = rows
        return data

    def _points(
        self, group: Group, data: bytes, *, scales: dict[str, int | None], reading: "_Reading"
    ) -> dict[str, Any]:
        """Read the points of a group; those behind the model's length are not there."""
        there = [point for point in group.points if 2 * (point.at + point.size) <= len(data)]
        for point in there:
            if point.type == "sunssf":
                scales[point.name] = raw_whole("sunssf", _registers(point, data))
        points: dict[str, Any] = {}
        for point in there:
            if point.type == "pad":
                continue
            number, shown, mark = _value(point, _registers(point, data), scales=scales)
            points[point.name] = shown
            if point.is_reading and reading.kind:
                reading.tell(point, number, mark=mark)
        return points


class _Reading:
    """Where the readings of a model, or of one of its groups, go and what they are called."""

    def __init__(self, chain: _Chain, *, kind: str, thing: str) -> None:
        self.kind, self._thing, self._chain = kind, thing, chain

    def of_group(self, name: str, device: str, *, number: int) -> "_Reading":
        """The same for the repetition of a group, counted from 1."""
        if self.kind == "weather":
            if number == 1:
                return self  # nearly every station has one sensor of a kind
            name = self.kind
        thing = f"{name}:{device}-{number}" if self.kind else ""
        return _Reading(self._chain, kind=self.kind, thing=thing)

    def tell(self, point: Point, number: float | None, *, mark: str) -> None:
        """Take a value, or the mark that says why there is none."""
        indicator = f"{self.kind}_{point.name.lower()}"
        thing = {"thing": self._thing} if self._thing else {}
        if number is not None:
            reading = {"indicator": indicator, "value": number, "unit": point.unit, **thing}
            self._chain.readings.append(reading)
        elif mark:
            self._chain.marks.append({"indicator": indicator, "mark": mark, **thing})


def _registers(point: Point, data: bytes) -> bytes:
    return data[2 * point.at : 2 * (point.at + point.size)]


def _value(
    point: Point, data: bytes, *, scales: dict[str, int | None]
) -> tuple[float | None, Any, str]:
    """A point as a number, as it is shown among the fields, and the mark if it is no number.

    What is optional and not implemented needs no mark.
    """
    absent = "not_implemented" if point.is_mandatory else ""
    if point.type in {"float32", "float64"}:
        value = struct.unpack(">f" if point.type == "float32" else ">d", data)[0]
        if not math.isfinite(value):
            return None, None, "not_a_number" if math.isinf(value) else absent
        short = float(f"{value:.7g}") if point.type == "float32" else value
        return short, short, ""
    if not is_whole(point.type):
        return None, _text(point.type, data), ""
    raw = raw_whole(point.type, data)
    if raw is None:
        return None, None, absent
    if point.scale is None:
        return float(raw), _shown(point, raw), ""
    return _scaled(raw, point.scale if isinstance(point.scale, int) else scales.get(point.scale))


def _scaled(raw: int, power: int | None) -> tuple[float | None, Any, str]:
    if power is None or power not in SCALES:
        return None, raw, "no_scale"
    # A quotient is the number nearest to the decimal one; a product with 0.1 is not.
    scaled = raw * 10**power if power >= 0 else raw / 10**-power
    return float(scaled), scaled, ""


def _shown(point: Point, raw: int) -> Any:
    """A code by its name, bits by theirs, any other number as it is."""
    if point.type.startswith("enum"):
        return point.symbols.get(raw, raw)
    return list(_bits(raw, point.symbols)) if point.type.startswith("bitfield") else raw


def _bits(raw: int, symbols: dict[int, str]) -> Iterator[str]:
    for bit in range(raw.bit_length()):
        if raw >> bit & 1:
            yield symbols.get(bit, f"bit_{bit}")


def _text(kind: str, data: bytes) -> str | None:
    if kind == "string":
        text = data.split(b"\0", 1)[0].decode("utf-8", "replace").strip()
        return "".join(sign for sign in text if sign.isprintable()) or None
    return data.hex() if any(data) else None
