"""Su-biao 0x65: alarms of the driver status monitor.

Source: T/JSATL 12-2017, additional item 0x65.
"""

from typing import Final

from wuxin.protocols.jt808.layout import Group, Variants
from wuxin.protocols.jt808.subiao import BASES, HEAD, LEVEL
from wuxin.protocols.jt808.values import U8, Choice, Raw

EVENT: Final = Choice(
    {
        0x01: "fatigue", 0x02: "phone_call", 0x03: "smoking", 0x04: "distracted",
        0x05: "driver_abnormal", 0x10: "automatic_capture", 0x11: "driver_changed",
    }
)  # fmt: skip
ITEM: Final = Variants(
    *(
        Group(
            *HEAD,
            ("event", EVENT),
            ("level", LEVEL),
            ("fatigue_degree", U8),
            ("reserved", Raw(4)),
            *base,
        )
        for base in BASES
    )
)
"""The item's layout, 47 bytes; the degree is 1 to 10, higher is more tired."""
