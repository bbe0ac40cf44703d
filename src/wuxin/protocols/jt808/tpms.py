"""Su-biao 0x66: alarms of the tyre pressure monitor.

Source: T/JSATL 12-2017, additional item 0x66 and its list of tyres.
"""

from typing import Final

from wuxin.protocols.jt808.layout import Group, Several, Variants
from wuxin.protocols.jt808.subiao import BASES, HEAD
from wuxin.protocols.jt808.values import U8, U16, Bits

EVENT: Final = Bits(
    U16,
    {
        0: "scheduled_report", 1: "pressure_high", 2: "pressure_low", 3: "temperature_high",
        4: "sensor_fault", 5: "pressure_unbalanced", 6: "slow_leak", 7: "battery_low",
    },
)  # fmt: skip
TYRE: Final = Group(
    ("position", U8), ("event", EVENT), ("pressure_kpa", U16), ("temperature_degc", U16),
    ("battery_percent", U16),
)  # fmt: skip
ITEM: Final = Variants(
    *(
        Group(
            *HEAD,
            *base,
            ("tyres", Several(U8, TYRE)),
        )
        for base in BASES
    )
)
"""The item's layout, 41 bytes and 9 for each tyre; counted from the front left, in a Z."""
