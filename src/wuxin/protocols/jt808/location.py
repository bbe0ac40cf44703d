"""Locations: the report 0x0200, its answers to queries and control, and the batch 0x0704.

Latitude and longitude are magnitudes; the status says south and west. `wuxin.protocols.jt808`
makes signed readings of them.

Source: JT/T 808-2013 and -2019, messages 0x0200, 0x0201, 0x0500, 0x0704 and 0x8201 to 0x8203.
"""

from typing import Any, Final

from wuxin.protocols.jt808.flags import ALARM, STATUS
from wuxin.protocols.jt808.items import Item
from wuxin.protocols.jt808.layout import Cursor, Group, Malformed, Several, Sized
from wuxin.protocols.jt808.values import DEGREES, U16, U32, Choice, Moment, Number

_BASIC: Final[tuple[Any, ...]] = (
    ("alarm", ALARM), ("status", STATUS), ("latitude", DEGREES), ("longitude", DEGREES),
    # The standard says an unsigned word, but Turpan lies below the sea and no road above 32 km.
    ("altitude_m", Number(2, signed=True)),
    ("speed_kmh", Number(2, scale=10)), ("direction_deg", U16), ("time", Moment()),
)  # fmt: skip

BASIC: Final = Group(*_BASIC)
"""The first 28 bytes of a location, as they are in multimedia messages."""

LOCATION: Final = Group(*_BASIC, ("items", Several(None, Item())))
"""A location with its additional items, which run to the end."""


class _Batch(Group):
    """The batch, whose count must agree with its items."""

    def __init__(self) -> None:
        super().__init__(
            ("count", U16),
            ("type", Choice({0: "normal", 1: "blind_area"})),
            ("locations", Several(None, Sized(U16, LOCATION))),
        )

    def read(self, c: Cursor) -> dict[str, Any]:
        """The locations."""
        start = c.at
        found = super().read(c)
        if found["count"] != len(found["locations"]):
            there = len(found["locations"])
            raise Malformed(f"{found['count']} locations are said, {there} are there", start)
        return found


MESSAGES: Final[dict[int, tuple[str, Any]]] = {
    0x0200: ("location_report", LOCATION),
    0x0201: ("location_answer", Group(("reply_serial", U16), ("location", LOCATION))),
    0x0500: ("vehicle_control_answer", Group(("reply_serial", U16), ("location", LOCATION))),
    0x0704: ("location_batch", _Batch()),
    0x8201: ("query_location", Group()),
    0x8202: ("track_location", Group(("interval_s", U16), ("duration_s", U32))),
    0x8203: ("confirm_alarm", Group(("alarm_serial", U16), ("alarm", ALARM))),
}
"""Message id to the standard's name in English and the layout of its body."""
