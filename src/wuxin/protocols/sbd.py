"""Iridium short burst data as its gateway delivers it over DirectIP, and a payload of our own.

    01 | length, 2 | element: id, length 2, content | element | …

Element 1 is the header (IMEI, session, times), 2 the payload, 3 where the network thinks the
device is, within some kilometres. The payload of Wuxin's own devices is in `sbd_payload`; any
other is kept as it is.

Source: Iridium Short Burst Data Service Developers Guide, DirectIP: tables of the MO message,
header, payload, location information and confirmation.
"""

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from wuxin.protocols import sbd_payload
from wuxin.protocols.octets import BadFrame, Reader, plain, utc
from wuxin.terms.errors import BadInput

FRAME_BYTES: Final = 3 + 65535
REVISION: Final = 1
PAYLOAD_BYTES: Final = 1960
"""The longest payload that a device can send."""

_HEADER: Final = 0x01
_PAYLOAD: Final = 0x02
_LOCATION: Final = 0x03
_CONFIRMATION: Final = 0x05
_SESSIONS: Final = {
    0: "success", 1: "success_mt_too_large", 2: "success_location_bad", 10: "timeout",
    12: "mo_too_large", 13: "link_lost", 14: "protocol_anomaly", 15: "imei_prohibited",
}  # fmt: skip
_NAMES: Final = {_HEADER: "header", _PAYLOAD: "payload", _LOCATION: "location"}


class Session(NamedTuple):
    """What the gateway says about one transmission: for simulators and tests."""

    imei: str
    momsn: int
    time_s: int
    """Seconds since 1970, UTC."""
    cdr: int = 0
    status: int = 0
    mtmsn: int = 0


def decode(frame: bytes) -> dict[str, Any]:
    """Decode one mobile-originated message; never raises, whatever the bytes.

    Args:
        frame: the bytes from the revision to the end of the last element, or hexadecimal.

    Returns:
        ``ok`` true with ``message``, ``version`` (of DirectIP), ``device`` (the IMEI), ``fields``,
        ``time`` (measured, if the payload is ours; else of the session), and ``readings``; or
        ``ok`` false with ``error`` and ``at``. Where the network places the device comes as
        ``network_latitude`` and so on, which nobody shall take for a measured position.
    """
    try:
        elements = _elements(plain(frame, starts=(b"\1",), limit=FRAME_BYTES))
        return _meaning(elements)
    except BadFrame as bad:
        return bad.answer()


def _elements(data: bytes) -> dict[int, Reader]:
    reader = Reader(data)
    if not data.startswith(b"\1"):
        raise BadFrame("a message starts with the revision 01", "byte 0")
    reader.take(1, "the revision")
    length = reader.whole(2, "the length of the message")
    if length != reader.left:
        raise BadFrame(f"the length says {length} bytes and there are {reader.left}", "byte 1")
    found: dict[int, Reader] = {}
    while reader.left:
        start = reader.at
        kind = reader.whole(1, "the id of an element")
        size = reader.whole(2, "the length of an element")
        if kind in found:
            raise BadFrame(f"element 0x{kind:02X} is given twice", f"byte {start}")
        reader.take(size, f"element 0x{kind:02X}")
        found[kind] = Reader(data, start=reader.at - size, end=reader.at)
    return found


def _meaning(elements: dict[int, Reader]) -> dict[str, Any]:
    if _HEADER not in elements:
        raise BadFrame("the message has no header, element 01", "header")
    header = _header(elements[_HEADER])
    moment: str = header["session_time"]
    fields: dict[str, Any] = {"header": header}
    readings: list[dict[str, Any]] = []
    if _PAYLOAD in elements:
        reader = elements[_PAYLOAD]
        said = sbd_payload.decode_payload(reader)
        fields["payload"] = said["fields"]
        moment = said.get("time", moment)
        readings += said["readings"]
    if _LOCATION in elements:
        fields["location"] = place = _location(elements[_LOCATION])
        if header["session_status"] != _SESSIONS[2]:
            readings += _placed(place, None if moment == header["session_time"] else header)
    fields["other"] = {
        f"0x{kind:02X}": reader.take(reader.left, "an element").hex()
        for kind, reader in elements.items()
        if kind not in _NAMES
    }
    return {
        "ok": True,
        "message": "mobile_originated",
        "version": str(REVISION),
        "device": header["imei"],
        "fields": fields,
        "time": moment,
        "readings": readings,
    }


def _done(reader: Reader, what: str) -> None:
    if reader.left:
        raise BadFrame(f"{reader.left} bytes are left in {what}", f"byte {reader.at}")


def _header(reader: Reader) -> dict[str, Any]:
    said: dict[str, Any] = {"cdr_reference": reader.whole(4, "the CDR reference")}
    start = reader.at
    said["imei"] = reader.text(15, "the IMEI")
    if len(said["imei"]) != 15 or not said["imei"].isdigit():
        raise BadFrame("the IMEI is not 15 digits", f"byte {start}")
    status = reader.whole(1, "the session's status")
    said["session_status"] = _SESSIONS.get(status, f"unknown ({status})")
    said["momsn"] = reader.whole(2, "MOMSN")
    said["mtmsn"] = reader.whole(2, "MTMSN")
    seconds = reader.whole(4, "the session's time")
    said["session_time"] = utc(datetime.fromtimestamp(seconds, UTC))
    _done(reader, "the header")
    return said


def _location(reader: Reader) -> dict[str, Any]:
    """Degrees and thousandths of minutes; two bits say the hemispheres."""
    start = reader.at
    bits = reader.whole(1, "the form of the location")
    if bits >> 2 & 3:
        raise BadFrame("the location is in a form that is reserved", f"byte {start}")
    said: dict[str, Any] = {}
    for name, most, negative in (("latitude", 90, bits & 2), ("longitude", 180, bits & 1)):
        at = reader.at
        degrees, minutes = reader.whole(1, name), reader.whole(2, name)
        value = round(degrees + minutes / 60_000, 6)
        if minutes >= 60_000 or value > most:
            raise BadFrame(f"the {name} does not exist", f"byte {at}")
        said[name] = -value if negative else value
    said["radius_km"] = reader.whole(4, "the radius of the location")
    _done(reader, "the location")
    return said


def _placed(place: dict[str, Any], header: dict[str, Any] | None) -> list[dict[str, Any]]:
    names = (("latitude", "degree"), ("longitude", "degree"), ("radius_km", "km"))
    found: list[dict[str, Any]] = [
        {
            "indicator": f"network_{name.removesuffix('_km')}",
            "value": float(place[name]),
            "unit": unit,
        }
        for name, unit in names
    ]
    if header is not None:
        for reading in found:
            reading["time"] = header["session_time"]
    return found


def confirmation(*, accepted: bool) -> bytes:
    """What the receiver may answer to a message: that it is kept, or that it is not.

    To be sent only when the journal is on the disk; the gateway sends again what is not confirmed.

    Source: the guide's MO confirmation message, element 05.
    """
    return _message({_CONFIRMATION: bytes((accepted,))})


def encode(payload: bytes, session: Session, *, location: bytes | None = None) -> bytes:
    """The message in which a gateway delivers a payload.

    Args:
        payload: at most 1960 bytes; empty for a session without one.
        session: who sent it and when.
        location: the 11 bytes of element 3, if any.

    Raises:
        BadInput: the payload is too long, or the IMEI is not 15 digits.
    """
    if len(payload) > PAYLOAD_BYTES:
        raise BadInput(f"a payload of {len(payload)} bytes is longer than {PAYLOAD_BYTES}")
    if len(session.imei) != 15 or not (session.imei.isascii() and session.imei.isdigit()):
        raise BadInput(f"IMEI {session.imei!r} is not 15 digits")
    header = b"".join(
        (
            session.cdr.to_bytes(4, "big"),
            session.imei.encode("ascii"),
            session.status.to_bytes(1, "big"),
            session.momsn.to_bytes(2, "big"),
            session.mtmsn.to_bytes(2, "big"),
            session.time_s.to_bytes(4, "big"),
        )
    )
    elements = {_HEADER: header}
    if location is not None:
        elements[_LOCATION] = location
    if payload:
        elements[_PAYLOAD] = payload
    return _message(elements)


def _message(elements: dict[int, bytes]) -> bytes:
    inner = b"".join(
        bytes((kind,)) + len(content).to_bytes(2, "big") + content
        for kind, content in elements.items()
    )
    return bytes((REVISION,)) + len(inner).to_bytes(2, "big") + inner
