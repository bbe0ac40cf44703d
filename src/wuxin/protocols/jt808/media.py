"""Multimedia: events, uploads, searches and the camera.

The data of an upload becomes a digest and a length: pictures are evidence, not readings.

Source: JT/T 808-2013 and -2019, messages 0x0800 to 0x0805 and 0x8800 to 0x8805.
"""

import hashlib
from typing import Any, Final

from wuxin.protocols.jt808.layout import Cursor, Group, Maybe, Several
from wuxin.protocols.jt808.location import BASIC
from wuxin.protocols.jt808.values import U8, U16, U32, Choice, Moment
from wuxin.terms.errors import BadInput

_TYPE: Final = Choice({0: "image", 1: "audio", 2: "video"})
_FORMAT: Final = Choice({0: "jpeg", 1: "tif", 2: "mp3", 3: "wav", 4: "wmv"})
_EVENT: Final = Choice(
    {
        0: "platform_command", 1: "timed", 2: "robbery_alarm", 3: "collision_or_rollover",
        4: "door_opened", 5: "door_closed", 6: "doors_closed_over_20_kmh", 7: "by_distance",
    }
)  # fmt: skip
_SAVE: Final = Choice({0: "upload", 1: "store"})
_KEEP: Final = Choice({0: "keep", 1: "delete"})
_RESULT: Final = Choice({0: "success", 1: "failure", 2: "channel_not_supported"})
_RESOLUTION: Final = Choice(
    {
        0: "lowest", 1: "320x240", 2: "640x480", 3: "800x600", 4: "1024x768", 5: "176x144",
        6: "352x288", 7: "704x288", 8: "704x576", 255: "highest",
    }
)  # fmt: skip


class Digest:
    """Data of any size, told by its SHA-256 and length."""

    def read(self, c: Cursor) -> dict[str, Any]:
        """The digest and the length of what is left."""
        data = c.take(c.left)
        return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}

    def write(self, value: Any, version: str) -> bytes:  # noqa: ARG002 - the same in each version
        """The bytes, given in hexadecimal; a digest cannot be turned back."""
        try:
            return bytes.fromhex(value)
        except (ValueError, TypeError):
            raise BadInput("data is written in hexadecimal") from None


_SEARCH: Final = (
    ("type", _TYPE), ("channel", U8), ("event", _EVENT), ("start_time", Moment()),
    ("end_time", Moment()),
)  # fmt: skip
_HEAD: Final = (("multimedia_id", U32), ("type", _TYPE))
_FOUND: Final = Group(*_HEAD, ("channel", U8), ("event", _EVENT), ("location", BASIC))

MESSAGES: Final[dict[int, tuple[str, Any]]] = {
    0x0800: (
        "multimedia_event",
        Group(*_HEAD, ("format", _FORMAT), ("event", _EVENT), ("channel", U8)),
    ),
    0x0801: (
        "multimedia_upload",
        Group(
            *_HEAD, ("format", _FORMAT), ("event", _EVENT), ("channel", U8),
            ("location", BASIC), ("data", Digest()),
        ),
    ),
    0x0802: (
        "multimedia_search_answer",
        Group(("reply_serial", U16), ("found", Several(U16, _FOUND))),
    ),
    0x0805: (
        "photo_answer",
        Group(("reply_serial", U16), ("result", _RESULT), ("ids", Maybe(Several(U16, U32)))),
    ),
    0x8800: (
        "multimedia_upload_answer",
        Group(("multimedia_id", U32), ("resend", Maybe(Several(U8, U16)))),
    ),
    0x8801: (
        "take_photo",
        Group(
            ("channel", U8), ("command", U16), ("interval_s", U16), ("save", _SAVE),
            ("resolution", _RESOLUTION), ("quality", U8), ("brightness", U8), ("contrast", U8),
            ("saturation", U8), ("chroma", U8),
        ),
    ),
    0x8802: ("search_multimedia", Group(*_SEARCH)),
    0x8803: ("upload_multimedia", Group(*_SEARCH, ("delete", _KEEP))),
    0x8804: (
        "record_audio",
        Group(
            ("command", Choice({0: "stop", 1: "start"})), ("duration_s", U16), ("save", _SAVE),
            ("sampling", Choice({0: "8k", 1: "11k", 2: "23k", 3: "32k"})),
        ),
    ),
    0x8805: ("upload_one_multimedia", Group(("multimedia_id", U32), ("delete", _KEEP))),
}  # fmt: skip
"""Message id to the standard's name in English and the layout of its body."""
