"""Su-biao's attachments: where to upload them, which files there are, whether all came.

Source: T/JSATL 12-2017, messages 0x1210 to 0x1212, 0x9208 and 0x9212.
"""

from typing import Any, Final

from wuxin.protocols.jt808.layout import Group, Several, Sized, Variants
from wuxin.protocols.jt808.subiao import IDENTITIES
from wuxin.protocols.jt808.values import U8, U16, U32, Choice, Raw, Text

_FILE_TYPE: Final = Choice({0: "picture", 1: "audio", 2: "video", 3: "text", 4: "other"})
_FILE: Final = (("file", Sized(U8, Text())), ("file_type", _FILE_TYPE))

_LISTS: Final = (("alarm_number", Text(32)), ("kind", Choice({0: "alarm", 1: "repeated"})), (
    "files", Several(U8, Group(("file", Sized(U8, Text())), ("bytes", U32)))
))  # fmt: skip
_SU, _GUANGDONG, _HEILONGJIANG = IDENTITIES

MESSAGES: Final[dict[int, tuple[str, Any]]] = {
    0x1210: (
        "alarm_attachments",
        Variants(
            Group(("terminal_id", Text(7)), ("identity", _SU), *_LISTS),
            Group(("terminal_id", Text(30)), ("identity", _GUANGDONG), *_LISTS),
            Group(("identity", _HEILONGJIANG), *_LISTS),
        ),
    ),
    0x1211: ("attachment_file", Group(*_FILE, ("bytes", U32))),
    0x1212: ("attachment_sent", Group(*_FILE, ("bytes", U32))),
    0x9208: (
        "upload_attachments",
        Variants(
            *(
                Group(
                    ("server", Sized(U8, Text())), ("tcp_port", U16), ("udp_port", U16),
                    ("identity", identity), ("alarm_number", Text(32)), ("reserved", Raw(16)),
                )
                for identity in IDENTITIES
            )
        ),
    ),
    0x9212: (
        "attachment_answer",
        Group(
            *_FILE, ("result", Choice({0: "complete", 1: "resend"})),
            ("missing", Several(U8, Group(("offset", U32), ("length", U32)))),
        ),
    ),
}  # fmt: skip
"""Message id to the standard's name in English and the layout of its body."""
