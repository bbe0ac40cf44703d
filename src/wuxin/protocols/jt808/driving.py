"""Su-biao's sibling 0x70: alarms of harsh driving, as several provinces have added them.

Source: the layout that terminals and the open project go-jt808 use; no standard was at hand.
"""

from typing import Final

from wuxin.protocols.jt808.layout import Group, Variants
from wuxin.protocols.jt808.subiao import BASES, HEAD
from wuxin.protocols.jt808.values import U16, Choice

EVENT: Final = Choice(
    {
        0x01: "harsh_acceleration", 0x02: "harsh_braking", 0x03: "harsh_turn", 0x04: "idling",
        0x05: "engine_off_abnormal", 0x06: "coasting_in_neutral", 0x07: "engine_overspeed",
    }
)  # fmt: skip
ITEM: Final = Variants(
    *(
        Group(
            *HEAD,
            ("event", EVENT),
            ("time_threshold", U16),
            ("threshold_1", U16),
            ("threshold_2", U16),
            *base,
        )
        for base in BASES
    )
)
"""The item's layout, 47 bytes; the units of the thresholds depend on the event."""
