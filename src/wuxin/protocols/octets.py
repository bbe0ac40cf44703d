"""Bytes read from left to right, and a refusal that says where: what binary decoders share."""

import math
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from wuxin.terms.clock import from_datetime, iso
from wuxin.terms.envelope import HEADER_BYTES, START, unwrap
from wuxin.terms.errors import BadInput

BEIJING: Final = timezone(timedelta(hours=8))
"""The zone in which Chinese device standards write their times (GMT+8, no summer time)."""

_HEX: Final = re.compile(rb"[0-9A-Fa-f\s]+")


class BadFrame(Exception):  # noqa: N818 - a value on its way out of a decoder, which catches it
    """Why a frame is refused, and where in it."""

    def __init__(self, error: str, at: str) -> None:
        super().__init__(error)
        self.at = at

    def answer(self) -> dict[str, Any]:
        """The refusal in the form that every decoder answers."""
        return {"ok": False, "error": str(self), "at": self.at}


class Reader:
    """A place in a run of bytes, from which whole fields are taken; big-endian."""

    def __init__(self, data: bytes, *, start: int = 0, end: int | None = None) -> None:
        self.data = data
        self.at = start
        self.end = len(data) if end is None else end

    @property
    def left(self) -> int:
        """How many bytes have not been taken, at least 0."""
        return self.end - self.at

    def take(self, count: int, what: str) -> bytes:
        """Take bytes.

        Raises:
            BadFrame: there are not so many left.
        """
        if count > self.left:
            raise BadFrame(
                f"{what} needs {count} bytes and there are {self.left} left", f"byte {self.at}"
            )
        self.at += count
        return self.data[self.at - count : self.at]

    def whole(self, count: int, what: str) -> int:
        """Take an unsigned number of that many bytes.

        Raises:
            BadFrame: there are not so many left.
        """
        return int.from_bytes(self.take(count, what), "big")

    def text(self, count: int, what: str) -> str:
        """Take printable ASCII, with zero bytes and spaces at its end cut off.

        Raises:
            BadFrame: there are not so many bytes left, or they are no such text.
        """
        start = self.at
        data = self.take(count, what).rstrip(b"\0 ")
        if any(not 32 <= byte < 127 for byte in data):
            raise BadFrame(f"{what} is not printable ASCII text", f"byte {start}")
        return data.decode("ascii")


def from_hex(frame: bytes) -> bytes:
    """The bytes that hexadecimal digits and white space stand for; other bytes stay as they are.

    Raises:
        BadFrame: the digits do not come in pairs.
    """
    if not _HEX.fullmatch(frame):
        return frame
    try:
        return bytes.fromhex(frame.decode("ascii"))
    except ValueError:
        raise BadFrame("hexadecimal digits do not come in pairs", "byte 0") from None


def plain(frame: bytes, *, starts: tuple[bytes, ...], limit: int) -> bytes:
    """The frame's bytes, from hexadecimal where it is written so.

    Args:
        frame: what came.
        starts: what a frame can start with, none of it hexadecimal digits.
        limit: the most bytes a frame can have.

    Raises:
        BadFrame: the frame is longer, or hexadecimal digits do not come in pairs.
    """
    # Room for a space between every two digits; anything longer is refused without being read.
    short = len(frame) <= 4 * limit and not frame.startswith(starts)
    data = from_hex(frame) if short else frame
    if len(data) > limit:
        raise BadFrame(f"the frame is longer than {limit} bytes", f"byte {limit}")
    return data


def enveloped(
    frame: bytes, limit: int, *, longer: str, bare: str, at: str
) -> tuple[dict[str, Any], bytes]:
    """What the carrier said before a message, and the message, of a protocol that needs both.

    Args:
        frame: the line of :mod:`wuxin.terms.envelope` and the message.
        limit: the most bytes a message can have.
        longer: how the refusal of a longer one begins, such as "the message is longer than".
        bare: the refusal of a message without a line.
        at: the place of that.

    Raises:
        BadFrame: the frame is longer, has no line, or one that cannot be read.
    """
    if len(frame) > limit + HEADER_BYTES:
        raise BadFrame(f"{longer} {limit} bytes", f"byte {limit}")
    if not frame.startswith(START):
        raise BadFrame(bare, at)
    try:
        return unwrap(frame)
    except BadInput as wrong:
        raise BadFrame(str(wrong), "byte 0") from None


def exclusive_or(data: bytes) -> int:
    """The exclusive or of all bytes, 0 to 255."""
    # Folding a big integer in halves is several times quicker than a loop over the bytes.
    width = 1 << max(len(data) - 1, 0).bit_length()
    folded = int.from_bytes(data, "big")
    while width > 1:
        width //= 2
        folded = (folded >> 8 * width) ^ (folded & ((1 << 8 * width) - 1))
    return folded & 0xFF


def utc(moment: datetime) -> str:
    """A moment with its zone as ISO 8601 in UTC."""
    return iso(from_datetime(moment.astimezone(UTC)))


def number(raw: int, *, factor: float = 1.0, offset: float = 0.0, digits: int = 9) -> float:
    """Scale a raw number, rounded so that 122 tenths are 12.2 and not 12.200000000000001."""
    value = round(raw * factor + offset, digits)
    return value if math.isfinite(value) else 0.0
