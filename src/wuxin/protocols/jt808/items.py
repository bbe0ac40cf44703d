"""Additional items of a location: mileage, fuel, alarms of areas, signals, and extensions.

Source: JT/T 808-2013 and -2019, additional items of message 0x0200; JT/T 1078-2016, items 0x14 to
0x18.
"""

from typing import Any, Final

from wuxin.protocols.jt808 import adas, bsd, driving, dsm, tpms
from wuxin.protocols.jt808.flags import ABNORMAL, CHANNELS, INPUTS, SIGNALS, STORES, VIDEO_ALARM
from wuxin.protocols.jt808.layout import Cursor, Group, Kind, Malformed, Maybe, ended
from wuxin.protocols.jt808.values import U8, U16, U32, Choice, Number, Raw
from wuxin.terms.errors import BadInput


class _Tyres:
    """Pressures, a byte for each tyre from the front left; 0xff is no tyre."""

    _COUNT: Final = 30

    def read(self, c: Cursor) -> list[int | None]:
        """The pressures; none where there is no tyre."""
        return [None if byte == 0xFF else byte for byte in c.take(self._COUNT)]

    def write(self, value: Any, version: str) -> bytes:
        """The bytes, filled up to 30."""
        if not isinstance(value, list) or len(value) > self._COUNT:
            raise BadInput(f"{value!r} is not a list of at most {self._COUNT} pressures")
        raw = (b"\xff" if one is None else U8.write(one, version) for one in value)
        return b"".join(raw).ljust(self._COUNT, b"\xff")


class _Temperature:
    """Degrees Celsius, of which the standard says only that the highest bit means negative.

    Terminals send two's complement or sign and magnitude; the temperatures that exist in the one
    are beyond all that exist in the other, so that the number itself tells which it is.
    """

    _COLDEST: Final = 0xFED4  # -300 in two's complement

    def read(self, c: Cursor) -> int:
        """The temperature."""
        word = int(U16.read(c))
        if word >= self._COLDEST:
            return word - 0x10000
        return 0x8000 - word if word > 0x8000 else word & 0x7FFF

    def write(self, value: Any, version: str) -> bytes:
        """Two's complement."""
        return Number(2, signed=True).write(value, version)


_WHERE: Final = {1: "circle", 2: "rectangle", 3: "polygon", 4: "route"}

STANDARD: Final[dict[int, tuple[str, Kind]]] = {
    0x01: ("mileage_km", Number(4, scale=10)),
    0x02: ("fuel_l", Number(2, scale=10)),
    0x03: ("recorder_speed_kmh", Number(2, scale=10)),
    0x04: ("alarm_to_confirm_id", U16),
    0x05: ("tyre_pressures_pa", _Tyres()),
    0x06: ("cabin_temperature_degc", _Temperature()),
    0x11: (
        "overspeed",
        Group(("where", Choice({0: "anywhere"} | _WHERE)), ("area_id", Maybe(U32))),
    ),
    0x12: (
        "area_crossing",
        Group(
            ("where", Choice(_WHERE)), ("area_id", U32), ("direction", Choice({0: "in", 1: "out"}))
        ),
    ),
    0x13: (
        "segment_time",
        Group(
            ("segment_id", U32), ("driven_s", U16),
            ("result", Choice({0: "too_short", 1: "too_long"})),
        ),
    ),
    0x14: ("video_alarms", VIDEO_ALARM),
    0x15: ("video_signal_lost", CHANNELS),
    0x16: ("video_signal_blocked", CHANNELS),
    0x17: ("storage_faults", STORES),
    0x18: ("abnormal_driving", Group(("behaviour", ABNORMAL), ("fatigue_degree", U8))),
    0x25: ("vehicle_signals", SIGNALS),
    0x2A: ("inputs", INPUTS),
    0x2B: ("analog", Group(("ad1", U16), ("ad0", U16))),
    0x30: ("network_signal", U8),
    0x31: ("satellites", U8),
}  # fmt: skip
"""Items of the standards; one of a wrong length makes the message wrong."""

EXTENSIONS: Final[dict[int, tuple[str, Kind]]] = {
    0x64: ("adas_alarm", adas.ITEM),
    0x65: ("dsm_alarm", dsm.ITEM),
    0x66: ("tpms_alarm", tpms.ITEM),
    0x67: ("bsd_alarm", bsd.ITEM),
    0x70: ("driving_alarm", driving.ITEM),
}
"""Items of Su-biao; one that is not as it says keeps its bytes, since vendors use the same ids."""


class Item:
    """One additional item: id, length, value; an unknown one keeps its bytes."""

    def read(self, c: Cursor) -> dict[str, Any]:
        """The id, its name and the value; ``error`` where the bytes are no such item."""
        start = c.at
        number = int(U8.read(c))
        inner = c.inner(int(U8.read(c)), f"additional item {number:#04x}")
        found: dict[str, Any] = {"id": f"{number:#04x}"}
        name, kind = _known(number)
        raw = c.data[inner.at : inner.end].hex()
        try:
            value = kind.read(inner)
            ended(inner)
        except Malformed as wrong:
            if number in STANDARD:
                error = f"additional item {number:#04x} ({name}): {wrong}"
                raise Malformed(error, start) from None
            return found | {"name": "unknown", "value": raw, "error": f"no {name}: {wrong}"}
        return found | {"name": name, "value": value}

    def write(self, value: Any, version: str) -> bytes:
        """The bytes of an item given by ``id`` and ``value``."""
        try:
            number, inside = int(value["id"], 16), value["value"]
        except (KeyError, TypeError, ValueError):
            raise BadInput(f"{value!r} is not an item with its id and value") from None
        kind = Raw() if value.get("name") == "unknown" else _known(number)[1]
        raw = kind.write(inside, version)
        return U8.write(number, version) + U8.write(len(raw), version) + raw


def _known(number: int) -> tuple[str, Kind]:
    return STANDARD.get(number) or EXTENSIONS.get(number) or ("unknown", Raw())
