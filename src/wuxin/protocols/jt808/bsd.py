"""Su-biao 0x67: alarms of the blind spot detection.

Source: T/JSATL 12-2017, additional item 0x67.
"""

from typing import Final

from wuxin.protocols.jt808.layout import Group, Variants
from wuxin.protocols.jt808.subiao import BASES, HEAD
from wuxin.protocols.jt808.values import Choice

EVENT: Final = Choice({1: "approaching_behind", 2: "approaching_left", 3: "approaching_right"})
ITEM: Final = Variants(
    *(
        Group(
            *HEAD,
            ("event", EVENT),
            *base,
        )
        for base in BASES
    )
)
"""The item's layout, 41 bytes."""
