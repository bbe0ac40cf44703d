"""Su-biao 0x64: alarms of the advanced driver assistance system.

Source: T/JSATL 12-2017, additional item 0x64.
"""

from typing import Final

from wuxin.protocols.jt808.layout import Group, Variants
from wuxin.protocols.jt808.subiao import BASES, HEAD, LEVEL
from wuxin.protocols.jt808.values import U8, Choice, Number

EVENT: Final = Choice(
    {
        0x01: "forward_collision", 0x02: "lane_departure", 0x03: "following_too_close",
        0x04: "pedestrian_collision", 0x05: "frequent_lane_change",
        0x06: "road_sign_exceeded", 0x07: "obstacle", 0x10: "road_sign_recognised",
        0x11: "active_capture",
    }
)  # fmt: skip
ITEM: Final = Variants(
    *(
        Group(
            *HEAD,
            ("event", EVENT),
            ("level", LEVEL),
            ("front_speed_kmh", U8),
            ("front_distance_s", Number(1, scale=10)),
            ("deviation", Choice({1: "left", 2: "right"})),
            ("road_sign", Choice({1: "speed_limit", 2: "height_limit", 3: "weight_limit"})),
            ("road_sign_value", U8),
            *base,
        )
        for base in BASES
    )
)
"""The item's layout, 47 bytes; the distance in front is the time to it, in steps of 100 ms."""
