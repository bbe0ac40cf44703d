"""JT/T 1078: the signalling of live and recorded video; no video is received or kept.

Source: JT/T 1078-2016, messages 0x1003 to 0x1206 and 0x9003 to 0x9306.
"""

from typing import Any, Final

from wuxin.protocols.jt808.flags import ALL_ALARMS
from wuxin.protocols.jt808.layout import Group, Several, Sized
from wuxin.protocols.jt808.values import U8, U16, U32, Choice, Moment, Text

_MEDIA: Final = Choice({0: "audio_and_video", 1: "audio", 2: "video", 3: "video_or_both"})
_STREAM: Final = Choice({0: "any", 1: "main", 2: "sub"})
_LIVE_STREAM: Final = Choice({0: "main", 1: "sub"})
_STORE: Final = Choice({0: "any", 1: "main", 2: "backup"})
_ADDRESS: Final = (("server", Sized(U8, Text())), ("tcp_port", U16), ("udp_port", U16))
_SPAN: Final = (("start_time", Moment()), ("end_time", Moment()))
_OTHER: Final = Choice({0: "stop", 1: "start"})
_FILE: Final = Group(
    ("channel", U8), *_SPAN, ("alarms", ALL_ALARMS), ("media", _MEDIA), ("stream", _STREAM),
    ("store", _STORE), ("bytes", U32),
)  # fmt: skip


def _turn(action: Choice) -> Group:
    return Group(("channel", U8), ("action", action))


MESSAGES: Final[dict[int, tuple[str, Any]]] = {
    0x1003: (
        "video_attributes",
        Group(
            ("audio_encoding", U8), ("audio_channels", U8),
            ("audio_sampling", Choice({0: "8k", 1: "22.05k", 2: "44.1k", 3: "48k"})),
            ("audio_bits", Choice({0: "8", 1: "16", 2: "32"})), ("audio_frame_bytes", U16),
            ("audio_output", U8), ("video_encoding", U8), ("most_audio_channels", U8),
            ("most_video_channels", U8),
        ),
    ),
    0x1005: ("passengers", Group(*_SPAN, ("boarded", U16), ("alighted", U16))),
    0x1205: (
        "video_list",
        Group(("reply_serial", U16), ("files", Several(U32, _FILE))),
    ),
    0x1206: (
        "file_upload_done",
        Group(("reply_serial", U16), ("result", Choice({0: "success", 1: "failure"}))),
    ),
    0x9003: ("query_video_attributes", Group()),
    0x9101: (
        "start_live_video",
        Group(
            *_ADDRESS, ("channel", U8),
            (
                "media",
                Choice(
                    {0: "audio_and_video", 1: "video", 2: "talk", 3: "listen", 4: "broadcast",
                     5: "transparent"}
                ),
            ),
            ("stream", _LIVE_STREAM),
        ),
    ),
    0x9102: (
        "control_live_video",
        Group(
            ("channel", U8),
            (
                "command",
                Choice({0: "close", 1: "switch_stream", 2: "pause", 3: "resume", 4: "end_talk"}),
            ),
            ("close", Choice({0: "both", 1: "audio", 2: "video"})), ("stream", _LIVE_STREAM),
        ),
    ),
    0x9105: ("live_video_state", Group(("channel", U8), ("packet_loss_percent", U8))),
    0x9201: (
        "start_playback",
        Group(
            *_ADDRESS, ("channel", U8), ("media", _MEDIA), ("stream", _STREAM), ("store", _STORE),
            (
                "mode",
                Choice({0: "normal", 1: "fast", 2: "key_frames_back", 3: "key_frames", 4: "one"}),
            ),
            ("speed", U8), *_SPAN,
        ),
    ),
    0x9202: (
        "control_playback",
        Group(
            ("channel", U8),
            (
                "command",
                Choice({0: "start", 1: "pause", 2: "end", 3: "fast", 4: "key_frames_back",
                        5: "drag", 6: "key_frames"}),
            ),
            ("speed", U8), ("to_time", Moment()),
        ),
    ),
    0x9205: (
        "query_video_list",
        Group(
            ("channel", U8), *_SPAN, ("alarms", ALL_ALARMS), ("media", _MEDIA),
            ("stream", _STREAM), ("store", _STORE),
        ),
    ),
    0x9206: (
        "upload_file",
        Group(
            ("server", Sized(U8, Text())), ("port", U16), ("user", Sized(U8, Text())),
            ("password", Sized(U8, Text())), ("path", Sized(U8, Text())), ("channel", U8), *_SPAN,
            ("alarms", ALL_ALARMS), ("media", _MEDIA), ("stream", _STREAM), ("store", _STORE),
            ("when", U8),
        ),
    ),
    0x9207: (
        "control_file_upload",
        Group(("reply_serial", U16), ("command", Choice({0: "pause", 1: "resume", 2: "cancel"}))),
    ),
    0x9301: (
        "turn_camera",
        Group(
            ("channel", U8),
            ("direction", Choice({0: "stop", 1: "up", 2: "down", 3: "left", 4: "right"})),
            ("speed", U8),
        ),
    ),
    0x9302: ("camera_focus", _turn(Choice({0: "longer", 1: "shorter"}))),
    0x9303: ("camera_aperture", _turn(Choice({0: "wider", 1: "narrower"}))),
    0x9304: ("camera_wiper", _turn(_OTHER)),
    0x9305: ("camera_infrared", _turn(_OTHER)),
    0x9306: ("camera_zoom", _turn(Choice({0: "in", 1: "out"}))),
}  # fmt: skip
"""Message id to the standard's name in English and the layout of its body."""
