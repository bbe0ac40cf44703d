"""What the active-safety alarms of Su-biao have in common.

Several vendors use the item ids 0x64 to 0x70 for things of their own, and some send a wrong time
in them. Such an item keeps its bytes and says why it was not read; the location around it stands.

Source: T/JSATL 12-2017 (Jiangsu, "Su-biao"), additional items 0x64 to 0x67.
"""

from typing import Any, Final

from wuxin.protocols.jt808.layout import Group
from wuxin.protocols.jt808.values import (
    DEGREES,
    U8,
    U16,
    U32,
    Bits,
    Choice,
    Moment,
    Raw,
    Text,
)  # fmt: skip

LEVEL: Final = Choice({1: "level_1", 2: "level_2"})
FLAG: Final = Choice({0: "momentary", 1: "start", 2: "end"})
VEHICLE: Final = Bits(
    U16,
    {
        0: "acc_on", 1: "left_turn", 2: "right_turn", 3: "wipers", 4: "brake", 5: "card_inserted",
        10: "positioned",
    },
)  # fmt: skip

_IDENTITY: Final[tuple[Any, ...]] = (("time", Moment()), ("serial", U8), ("attachments", U8))

IDENTITIES: Final = (
    Group(("terminal_id", Text(7)), *_IDENTITY, ("reserved", Raw(1))),
    Group(("terminal_id", Text(30)), *_IDENTITY, ("reserved", Raw(2))),
    Group(("terminal_id", Text(30)), *_IDENTITY),
)
"""Alarm identification, under which the attachments are uploaded.

The second is Guangdong's, the third Heilongjiang's; nothing but the length tells them apart.
"""

HEAD: Final[tuple[Any, ...]] = (("alarm_id", U32), ("flag", FLAG))

BASES: Final[tuple[tuple[Any, ...], ...]] = tuple(
    (
        ("speed_kmh", U8), ("altitude_m", U16), ("latitude", DEGREES), ("longitude", DEGREES),
        ("time", Moment()), ("vehicle_status", VEHICLE), ("identity", identity),
    )
    for identity in IDENTITIES
)  # fmt: skip
"""Where and when, one for each identification; speed in km/h, altitude in m, degrees WGS-84."""
