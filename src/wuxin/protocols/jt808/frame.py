"""Frames: delimiters, escapes and the check byte around one message; splitting a stream.

Source: JT/T 808-2013 and -2019, structure of a message: flag 0x7e, escapes 0x7d02 and 0x7d01, check
byte by exclusive or.
"""

import re
from typing import Final, NamedTuple

from wuxin.protocols.jt808.layout import Malformed
from wuxin.protocols.octets import BadFrame, exclusive_or, from_hex

FLAG: Final = 0x7E
LONGEST: Final = 17 + 4 + 1023 + 1
"""Bytes of the longest message, unescaped: header with sub-package fields, body, check byte."""

ESCAPED: Final = 2 * LONGEST + 2
"""Bytes of the longest frame, if every byte were escaped."""

_FLAG: Final = b"\x7e"
_ODD_ESCAPE: Final = re.compile(rb"\x7d(?![\x01\x02])")


class Cut(NamedTuple):
    """A stretch of a stream cut into frames."""

    frames: list[bytes]
    """Candidates in order, each with its two flags; nothing about them is checked yet."""

    rest: bytes
    """The beginning of a frame that is still to come; put it before what arrives next."""

    junk: int
    """Bytes outside of any frame, or of one longer than can be, that were passed over."""


def split(stream: bytes) -> Cut:
    """Cut a stream into frames; whatever lies between two flags is a candidate.

    One flag may end a frame and begin the next, as some terminals send it.

    Args:
        stream: the rest of the last cut and what has arrived since.
    """
    pieces = stream.split(_FLAG)
    if len(pieces) == 1:
        return Cut([], b"", len(stream))
    frames = [_FLAG + piece + _FLAG for piece in pieces[1:-1] if piece]
    if len(pieces[-1]) > ESCAPED:
        return Cut(frames, b"", len(pieces[0]) + len(pieces[-1]) + 1)
    return Cut(frames, _FLAG + pieces[-1], len(pieces[0]))


def plain(frame: bytes) -> bytes:
    """The raw bytes of a frame that may be given in hexadecimal.

    Raises:
        Malformed: the digits do not come in pairs, or the frame is longer than any can be.
    """
    if len(frame) > 3 * ESCAPED:
        raise Malformed(f"the frame is longer than {ESCAPED} bytes", -1)
    try:
        frame = from_hex(frame)
    except BadFrame as wrong:
        raise Malformed(str(wrong), -1) from None
    if len(frame) > ESCAPED:
        raise Malformed(f"the frame is longer than {ESCAPED} bytes", -1)
    return frame


def unwrap(frame: bytes) -> bytes:
    """The message inside of a frame, unescaped, without its check byte.

    Raises:
        Malformed: flags, escapes, length or check byte are wrong; the offset is in the message.
    """
    if len(frame) < 2 or frame[0] != FLAG or frame[-1] != FLAG:
        raise Malformed("a frame begins and ends with 7e", -1)
    inside = frame[1:-1]
    if FLAG in inside:
        raise Malformed("7e stands inside of the frame", _offset(inside, inside.index(FLAG)))
    if inside.endswith(b"\x7d"):
        inside += b"\x01"  # some terminals do not escape the check byte; nothing else ends in 7d
    if odd := _ODD_ESCAPE.search(inside):
        raise Malformed("7d is not followed by 01 or 02", _offset(inside, odd.start()))
    message = inside.replace(b"\x7d\x02", _FLAG).replace(b"\x7d\x01", b"\x7d")
    if not 2 <= len(message) <= LONGEST:
        raise Malformed(f"a message has 2 to {LONGEST} bytes, not {len(message)}", -1)
    check = checksum(message[:-1])
    if check != message[-1]:
        raise Malformed(
            f"the check byte is {message[-1]:02x}, but {check:02x} is right", len(message) - 1
        )
    return message[:-1]


def _offset(inside: bytes, at: int) -> int:
    return at - inside.count(b"\x7d", 0, at)


def place(frame: bytes, offset: int) -> str:
    """Name the byte of the frame as it was sent, for an offset in its message; -1 is all of it."""
    if offset < 0:
        return "byte 0"
    at = 1
    for _ in range(offset):
        if at >= len(frame):
            break
        at += 2 if frame[at] == 0x7D else 1
    return f"byte {at}"


def wrap(message: bytes) -> bytes:
    """The frame around a message: check byte, escapes and flags."""
    checked = message + bytes([checksum(message)])
    return _FLAG + checked.replace(b"\x7d", b"\x7d\x01").replace(_FLAG, b"\x7d\x02") + _FLAG


def checksum(message: bytes) -> int:
    """The exclusive or of all bytes."""
    return exclusive_or(message)
