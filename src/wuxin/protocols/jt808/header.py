"""The header of a message, in the editions of 2013 and 2019.

Source: JT/T 808-2013 and -2019, message header.
"""

from typing import Final, NamedTuple

from wuxin.protocols.jt808.layout import Cursor, Malformed
from wuxin.protocols.jt808.values import Digits

BODY: Final = 1023
"""Bytes of the longest body of one frame; the length has ten bits."""

_LENGTH: Final = 0x03FF
_CIPHER: Final = 0x1C00
_PART: Final = 0x2000
_EDITION_2019: Final = 0x4000


class Header(NamedTuple):
    """Who sends what, and which part of it."""

    message_id: int
    version: str
    """``2013`` or ``2019``; terminals of 2011 have the header of 2013."""

    phone: str
    """The terminal's number without leading zeros, so that it is the same in both editions."""

    serial: int
    total: int = 0
    """Parts of the message, 0 where it is whole."""

    part: int = 0
    """Which part this is, from 1; 0 where the message is whole."""

    protocol: int = 1
    """The edition's own version number (2019 only)."""

    cipher: int = 0
    """How the body is encrypted: 0 not, 1 by RSA; other numbers are reserved."""


def read(message: bytes) -> tuple[Header, Cursor]:
    """Read the header; the cursor that comes with it stands at the body.

    Raises:
        Malformed: the header is cut short, or contradicts the body.
    """
    c = Cursor(message, at=0, end=len(message), version="2013")
    message_id = int.from_bytes(c.take(2, "the header"), "big")
    properties = int.from_bytes(c.take(2, "the header"), "big")
    protocol, digits = 1, 6
    if properties & _EDITION_2019:
        c.version, digits = "2019", 10
        protocol = c.take(1, "the header")[0]
    if c.left < digits:
        raise Malformed("the header ends inside of the phone number", c.at)
    phone = Digits(digits).read(c).lstrip("0") or "0"
    serial = int.from_bytes(c.take(2, "the header"), "big")
    total = index = 0
    if properties & _PART:
        total = int.from_bytes(c.take(2, "the header"), "big")
        index = int.from_bytes(c.take(2, "the header"), "big")
        if not 1 <= index <= total:
            raise Malformed(f"part {index} of {total} cannot be", c.at - 2)
    if c.left != properties & _LENGTH:
        raise Malformed(
            f"the header says {properties & _LENGTH} bytes of body, but {c.left} are there", 2
        )
    cipher = (properties & _CIPHER) >> 10
    return Header(message_id, c.version, phone, serial, total, index, protocol, cipher), c


def write(header: Header, body: bytes) -> bytes:
    """The message, unescaped and without its check byte.

    Raises:
        BadInput: the phone number does not fit.
    """
    edition = header.version == "2019"
    flags = (_EDITION_2019 if edition else 0) | (_PART if header.total else 0)
    assert len(body) <= BODY
    parts = [
        header.message_id.to_bytes(2, "big"),
        (flags | len(body)).to_bytes(2, "big"),
        bytes([header.protocol]) if edition else b"",
        Digits(10 if edition else 6).write(header.phone, header.version),
        (header.serial & 0xFFFF).to_bytes(2, "big"),
    ]
    if header.total:
        parts += [header.total.to_bytes(2, "big"), header.part.to_bytes(2, "big")]
    return b"".join([*parts, body])
