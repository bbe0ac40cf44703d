"""GB/T 32960.3: electric vehicles report to platforms, editions of 2016 (``##``) and 2025 (``$$``).

    23 23 | command | response | VIN, 17 | encryption | length, 2 | data unit | BCC

The BCC is the exclusive or of all bytes from the command on. Times are GMT+8.

Source: GB/T 32960.3-2016 §6.2 table 2; GB/T 32960.3-2025 §6.2 table 2.
"""

from typing import Any, Final

from wuxin.protocols.gb32960 import messages
from wuxin.protocols.gb32960.bodies import SIGNATURE, body
from wuxin.protocols.gb32960.signature import demand_not_false, signature
from wuxin.protocols.octets import BadFrame, Reader, exclusive_or, plain

HEAD_BYTES: Final = 24
FRAME_BYTES: Final = HEAD_BYTES + 65535 + 1
COMMAND: Final = 0xFE
"""The response byte of what is no response."""

_STARTS: Final = {b"##": "2016", b"$$": "2025"}
_COMMANDS: Final = {
    0x01: "login", 0x02: "report", 0x03: "late_report", 0x04: "logout", 0x05: "platform_login",
    0x06: "platform_logout", 0x07: "heartbeat", 0x08: "time_request", 0x80: "parameter_query",
    0x81: "parameter_setting", 0x82: "control",
}  # fmt: skip
_COMMANDS_2025: Final = {0x09: "activation", 0x0A: "activation_answer", 0x0B: "data_key"}
_UNDATED: Final = {0x07, 0x08, 0x0A, 0x0B}
_RESPONSES: Final = {
    0x01: "success", 0x02: "error", 0x03: "vin_repeated", 0x04: "vin_unknown",
    0x05: "signature_false", 0x06: "structure_wrong", 0x07: "decryption_failed",
    COMMAND: "command",
}  # fmt: skip
_UNITS: Final = {
    "login": messages.login, "logout": messages.logout, "platform_login": messages.platform_login,
    "platform_logout": messages.logout, "heartbeat": messages.nothing,
    "time_request": messages.nothing, "parameter_query": messages.dated,
    "parameter_setting": messages.dated, "control": messages.dated,
    "activation_answer": messages.activation_answer, "data_key": messages.data_key,
}  # fmt: skip


def decode(frame: bytes, *, public_key: bytes | None = None) -> dict[str, Any]:
    """Decode one frame; never raises, whatever the bytes.

    Args:
        frame: the bytes from ``##`` or ``$$`` to the BCC, or the same in hexadecimal.
        public_key: the vehicle's (SubjectPublicKeyInfo in PEM or DER, or 64 bytes for SM2), by
            which the signature that 2025 asks for is checked; a report whose signature is false
            or missing is then refused. Without a key it is kept and said to be unchecked.

    Returns:
        ``ok`` true with ``message``, ``version`` (edition), ``device`` (the VIN, or a platform's
        code), ``fields``, ``time`` (UTC, if any), ``readings``, ``late`` for what was kept back
        and sent again, and ``signed`` where the vehicle's signature is that of the key; or ``ok``
        false with ``error`` and ``at``.
    """
    try:
        data = plain(frame, starts=(b"##", b"$$"), limit=FRAME_BYTES)
        return _decoded(data, public_key)
    except BadFrame as bad:
        return bad.answer()


def signer(frame: bytes) -> str:
    """The VIN of the vehicle by whose key a report is signed; empty in 2016, which has no such."""
    return frame[4:21].decode("ascii", "replace").rstrip("\0 ") if frame[:2] == b"$$" else ""


def _decoded(data: bytes, public_key: bytes | None) -> dict[str, Any]:
    edition = _checked(data)
    reader = Reader(data, start=2, end=len(data) - 1)
    command, response = reader.take(2, "command and response")
    vin = reader.text(17, "the VIN")
    encryption, _ = reader.whole(1, "the encryption"), reader.whole(2, "the length")
    known = _COMMANDS if edition == "2016" else {**_COMMANDS, **_COMMANDS_2025}
    if command not in known:
        raise BadFrame(f"command 0x{command:02X} is not in the edition of {edition}", "byte 2")
    if not vin:
        raise BadFrame("the VIN is empty", "byte 4")
    name = known[command]
    fields: dict[str, Any] = {
        "command": command,
        "response": _RESPONSES.get(response, f"unknown ({response})"),
        "vin": vin,
        "encryption": messages.ENCRYPTIONS.get(encryption, f"unknown ({encryption})"),
    }
    readings: list[dict[str, Any]] = []
    if encryption != 1:
        fields["data"] = reader.take(reader.left, "the data unit").hex()
    elif response != COMMAND:
        fields |= messages.dated(reader, edition) if reader.left else {}
    elif name in {"report", "late_report"}:
        readings = _report(reader, edition, fields=fields, public_key=public_key)
    elif name == "activation":
        fields |= messages.activation(reader, public_key=public_key)
    else:
        fields |= _UNITS[name](reader, edition)
    if reader.left:
        raise BadFrame(f"{reader.left} bytes are left in the data unit", f"byte {reader.at}")
    answer = {"ok": True, "message": name, "version": edition, "device": vin, "fields": fields}
    if "time" in fields:
        answer["time"] = fields["time"]
    if name == "late_report":
        answer["late"] = True
    return {**answer, **_proof(fields), "readings": readings}


def _proof(fields: dict[str, Any]) -> dict[str, bool]:
    said = fields.get("signature") or {}
    return {"signed": True} if said.get("check") == "valid" else {}


def _checked(data: bytes) -> str:
    """The edition of a frame whose length and BCC are right."""
    edition = _STARTS.get(data[:2])
    if edition is None:
        raise BadFrame("a frame starts with ## or $$", "byte 0")
    if len(data) < HEAD_BYTES + 1:
        raise BadFrame(f"the frame has {len(data)} bytes, and 25 is the least", f"byte {len(data)}")
    length, held = int.from_bytes(data[22:24], "big"), len(data) - HEAD_BYTES - 1
    if length != held:
        raise BadFrame(f"the length says {length} bytes and the data unit has {held}", "byte 22")
    counted = bcc(data[2:-1])
    if counted != data[-1]:
        raise BadFrame(f"the BCC is {data[-1]:02X} and must be {counted:02X}",
                      f"byte {len(data) - 1}")  # fmt: skip
    return edition


def _report(
    reader: Reader, edition: str, *, fields: dict[str, Any], public_key: bytes | None
) -> list[dict[str, Any]]:
    start = reader.at
    fields["time"] = messages.moment(reader)
    fields["bodies"] = []
    readings: list[dict[str, Any]] = []
    while reader.left:
        if edition == "2025" and reader.data[reader.at] == SIGNATURE:
            signed = reader.data[start : reader.at]
            reader.take(1, "the mark of the signature")
            said = signature(reader, signed=signed, public_key=public_key)
            demand_not_false(said)
            fields["signature"] = said
            return readings
        part = body(reader, edition=edition)
        fields["bodies"].append(part.fields)
        readings += part.readings
    if edition == "2025":
        if public_key is not None:
            raise BadFrame("the report is not signed though the vehicle has a key", "signature")
        fields["signature"] = None
    return readings


def bcc(data: bytes) -> int:
    """The check of a frame: the exclusive or of its bytes from the command on."""
    return exclusive_or(data)


def encode(command: int, unit: bytes, *, vin: str, version: str, response: int = COMMAND) -> bytes:
    """The frame around a data unit that is not encrypted.

    Args:
        command: for example 2, a report.
        unit: the data unit, at most 65531 bytes.
        vin: at most 17 characters of ASCII.
        version: the edition, ``2016`` or ``2025``.
        response: 0xFE for what is no response.
    """
    start = next(mark for mark, edition in _STARTS.items() if edition == version)
    name = vin.encode("ascii").ljust(17, b"\0")
    inner = bytes((command, response)) + name + b"\1" + len(unit).to_bytes(2, "big") + unit
    return start + inner + bytes((bcc(inner),))


def platform_answer(frame: bytes, *, response: int = 1) -> bytes:
    """The platform's answer to a frame that was decoded: its head, and of its data unit the time.

    Heartbeats, requests for the time and data keys do not begin with one: an empty unit.

    Args:
        frame: the bytes of the frame, not in hexadecimal.
        response: 1 success, 2 error, 3 VIN repeated; in 2025 also 5 signature, 6 structure.

    Source: GB/T 32960.3-2016 §6.3.2: the answer keeps what it answers, with the time only.
    """
    version = _STARTS[bytes(frame[:2])]
    vin = frame[4:21].rstrip(b"\0 ").decode("ascii")
    dated = frame[2] not in _UNDATED and len(frame) > HEAD_BYTES + 6
    unit = frame[HEAD_BYTES : HEAD_BYTES + 6] if dated else b""
    return encode(frame[2], unit, vin=vin, version=version, response=response)
