"""Data passed through: recorder, waybill, driver's card, CAN bus, transparent data, compressed.

Source: JT/T 808-2013 and -2019, messages 0x0700 to 0x0705, 0x0900, 0x0901, 0x8700 to 0x8900.
"""

from typing import Any, Final

from wuxin.protocols.jt808.layout import Group, Maybe, Several, Sized, v2019
from wuxin.protocols.jt808.media import Digest
from wuxin.protocols.jt808.values import U8, U16, U32, Choice, Digits, Moment, Raw, Text

_CARD: Final = Choice(
    {
        0: "read", 1: "key_not_authenticated", 2: "card_locked", 3: "card_removed",
        4: "check_failed",
    }
)  # fmt: skip
_INSERTED: Final = Choice({1: "inserted", 2: "removed"})
_THROUGH: Final = Choice(
    {0x00: "gnss_detail", 0x0B: "ic_card", 0x41: "serial_port_1", 0x42: "serial_port_2"}
)


_RECORDER: Final = Group(("command", U8), ("data", Raw()))
_PASSED: Final = Group(("type", _THROUGH), ("data", Raw()))

MESSAGES: Final[dict[int, tuple[str, Any]]] = {
    0x0700: (
        "recorder_data",
        Group(("reply_serial", U16), ("command", U8), ("data", Raw())),
    ),
    0x0701: ("waybill", Group(("waybill", Sized(U32, Raw())))),
    0x0702: (
        "driver_identity",
        Group(
            # After a removal nothing is to follow, but terminals fill in who it was.
            ("status", _INSERTED), ("time", Moment()), ("card", Maybe(_CARD)),
            ("driver", Maybe(Sized(U8, Text()))), ("certificate", Maybe(Text(20))),
            ("authority", Maybe(Sized(U8, Text()))), ("valid_until", Maybe(Digits(4))),
            ("identity_card", Maybe(Text(20)), v2019),
        ),
    ),
    0x0705: (
        "can_data",
        Group(
            ("count", U16), ("received_at", Digits(5)),  # hhmmss and four digits of milliseconds
            ("frames", Several(None, Group(("can_id", U32), ("data", Raw(8))))),
        ),
    ),
    0x0900: ("data_up", _PASSED),
    0x0901: ("compressed_data", Group(("data", Sized(U32, Digest())))),
    0x8700: ("recorder_query", _RECORDER),
    0x8701: ("recorder_set", _RECORDER),
    0x8702: ("query_driver_identity", Group()),
    0x8900: ("data_down", _PASSED),
}  # fmt: skip
"""Message id to the standard's name in English and the layout of its body."""
