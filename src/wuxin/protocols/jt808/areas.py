"""Areas and routes: circles, rectangles, polygons and routes, set, deleted and queried.

The latitude and longitude are magnitudes; bits 6 and 7 of the attributes say south and west.

Source: JT/T 808-2013 and -2019, messages 0x8600 to 0x8608 and 0x0608.
"""

from collections.abc import Mapping
from typing import Any, Final

from wuxin.protocols.jt808.layout import Condition, Group, Several, Sized, v2019
from wuxin.protocols.jt808.values import DEGREES, U8, U16, U32, Bits, Choice, Daily, Raw, Text

_ATTRIBUTES: Final = Bits(
    U16,
    {
        0: "by_time", 1: "limits_speed", 2: "enter_alarms_driver", 3: "enter_alarms_platform",
        4: "leave_alarms_driver", 5: "leave_alarms_platform", 6: "south", 7: "west",
        8: "doors_locked", 14: "no_communication_inside", 15: "collects_gnss",
    },
)  # fmt: skip
_SEGMENT: Final = Bits(U8, {0: "limits_time", 1: "limits_speed", 2: "south", 3: "west"})
_SETTING: Final = Choice({0: "update", 1: "append", 2: "modify"})
_KIND: Final = Choice({1: "circle", 2: "rectangle", 3: "polygon", 4: "route"})


def _flag(name: str, bit: int, *, only_2019: bool = False) -> Condition:
    def there(fields: Mapping[str, Any], version: str) -> bool:
        flags = fields.get("attributes", ())
        is_set = bool(flags >> bit & 1) if isinstance(flags, int) else name in flags
        return is_set and (version == "2019" or not only_2019)

    return there


_TIMED: Final = _flag("by_time", 0)
_LIMITED: Final = _flag("limits_speed", 1)
_LIMITED_2019: Final = _flag("limits_speed", 1, only_2019=True)
_IN_TIME: Final = _flag("limits_time", 0)

_ID: Final = (("id", U32), ("attributes", _ATTRIBUTES))
_TIMES: Final = (("start_time", Daily(), _TIMED), ("end_time", Daily(), _TIMED))
_SPEED: Final = (("highest_speed_kmh", U16, _LIMITED), ("overspeed_duration_s", U8, _LIMITED))
_NIGHT: Final = ("highest_night_speed_kmh", U16, _LIMITED_2019)
_NAME: Final = ("name", Sized(U16, Text()), v2019)

CIRCLE: Final = Group(
    *_ID, ("latitude", DEGREES), ("longitude", DEGREES), ("radius_m", U32),
    *_TIMES, *_SPEED, _NIGHT, _NAME,
)  # fmt: skip
RECTANGLE: Final = Group(
    *_ID, ("top_latitude", DEGREES), ("left_longitude", DEGREES),
    ("bottom_latitude", DEGREES), ("right_longitude", DEGREES), *_TIMES, *_SPEED, _NIGHT, _NAME,
)  # fmt: skip
POLYGON: Final = Group(
    *_ID, *_TIMES, *_SPEED,
    ("vertices", Several(U16, Group(("latitude", DEGREES), ("longitude", DEGREES)))),
    _NIGHT, _NAME,
)  # fmt: skip
POINT: Final = Group(
    ("id", U32), ("segment_id", U32), ("latitude", DEGREES), ("longitude", DEGREES),
    ("width_m", U8), ("attributes", _SEGMENT),
    ("too_long_s", U16, _IN_TIME), ("too_short_s", U16, _IN_TIME), *_SPEED, _NIGHT,
)  # fmt: skip
ROUTE: Final = Group(*_ID, *_TIMES, ("points", Several(U16, POINT)), _NAME)

_DELETE: Final = Group(("ids", Several(U8, U32)))

MESSAGES: Final[dict[int, tuple[str, Any]]] = {
    0x0608: (
        "areas_answer",
        Group(("area_type", _KIND), ("count", U32), ("data", Raw())),
    ),
    0x8600: ("set_circles", Group(("setting", _SETTING), ("areas", Several(U8, CIRCLE)))),
    0x8601: ("delete_circles", _DELETE),
    0x8602: ("set_rectangles", Group(("setting", _SETTING), ("areas", Several(U8, RECTANGLE)))),
    0x8603: ("delete_rectangles", _DELETE),
    0x8604: ("set_polygon", POLYGON),
    0x8605: ("delete_polygons", _DELETE),
    0x8606: ("set_route", ROUTE),
    0x8607: ("delete_routes", _DELETE),
    0x8608: ("query_areas", Group(("area_type", _KIND), ("ids", Several(U32, U32)))),
}
"""Message id to the standard's name in English and the layout of its body."""
