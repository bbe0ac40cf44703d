"""What the platform sends: any message by name and fields, and the right reply to a frame.

Bodies longer than a frame holds are sent in sub-packages with consecutive serials.

Source: JT/T 808-2013 and -2019, message header and platform messages.
"""

from collections.abc import Mapping
from functools import lru_cache
from struct import Struct
from typing import Any, Final, NamedTuple

from wuxin.protocols.jt808 import header
from wuxin.protocols.jt808.decoder import Answer
from wuxin.protocols.jt808.frame import wrap
from wuxin.protocols.jt808.header import BODY, Header
from wuxin.protocols.jt808.messages import IDS, MESSAGES
from wuxin.terms.errors import BadInput

_UNANSWERED: Final = frozenset(
    {
        0x0001, 0x0004, 0x0005, 0x0104, 0x0107, 0x0201, 0x0302, 0x0500, 0x0608, 0x0700, 0x0802,
        0x0805, 0x0A00, 0x1003, 0x1205,
    }
)  # fmt: skip
"""What answers a question of the platform, or asks one that a general response does not answer."""


_GENERAL: Final = Struct(">HHHB")
"""The platform's serial, which ends the header; then serial, id and result of the answered."""

_RESULTS: Final = {
    "success": 0, "failure": 1, "message_wrong": 2, "not_supported": 3, "alarm_confirmed": 4,
}  # fmt: skip


class Terminal(NamedTuple):
    """To whom a message goes."""

    phone: str
    version: str = "2013"


def frames(name: str, fields: Mapping[str, Any], *, to: Terminal, serial: int) -> list[bytes]:
    """The frames of a message; several where its body does not fit in one.

    Args:
        name: the message's name, such as ``text`` or ``set_circles``.
        fields: its fields as `decode` names them.
        to: the terminal and its edition.
        serial: the platform's serial of the first frame, 0 to 65535.

    Raises:
        BadInput: there is no such message, or the fields do not fit it.
    """
    if name not in IDS:
        raise BadInput(f"there is no message {name!r}")
    if to.version not in {"2013", "2019"}:
        raise BadInput(f"{to.version!r} is neither edition 2013 nor 2019")
    number = IDS[name]
    try:
        body = MESSAGES[number][1].write(fields, to.version)
    except BadInput as wrong:
        raise BadInput(f"{name}: {wrong}") from None
    pieces = [body[at : at + BODY] for at in range(0, len(body), BODY)] or [b""]
    if len(pieces) > 0xFFFF:
        raise BadInput(f"{name}: {len(body)} bytes are more than 65535 parts hold")
    head = Header(number, to.version, to.phone, serial)
    if len(pieces) == 1:
        return [wrap(header.write(head, body))]
    return [
        wrap(
            header.write(
                head._replace(serial=(serial + n) & 0xFFFF, total=len(pieces), part=n + 1), piece
            )
        )
        for n, piece in enumerate(pieces)
    ]


def sender(answer: Answer) -> Terminal:
    """The terminal that sent a decoded frame."""
    return Terminal(answer["phone"], answer["version"])


def general(answer: Answer, *, serial: int, result: str = "success") -> bytes:
    """The platform's general response 0x8001 to a decoded frame.

    Raises:
        BadInput: there is no such result.
    """
    if result not in _RESULTS:
        raise BadInput(f"{result!r} is not one of {', '.join(_RESULTS)}")
    # Nearly every frame gets one, so it is put together from the parts that change.
    said = (serial & 0xFFFF, answer["serial"], int(answer["id"], 16), _RESULTS[result])
    return wrap(_general_head(sender(answer)) + _GENERAL.pack(*said))


@lru_cache(maxsize=65_536)
def _general_head(to: Terminal) -> bytes:
    """The header of a general response up to the serial."""
    head = Header(0x8001, to.version, to.phone, 0)
    return header.write(head, bytes(_GENERAL.size - 2))[: -_GENERAL.size]


def registered(
    answer: Answer, *, serial: int, auth_code: str = "", result: str = "success"
) -> bytes:
    """The answer 0x8100 to a registration; the code is sent only with success."""
    fields: Answer = {"reply_serial": answer["serial"], "result": result}
    if result == "success":
        fields["auth_code"] = auth_code
    return frames("register_answer", fields, to=sender(answer), serial=serial)[0]


def resend(to: Terminal, *, original_serial: int, parts: list[int], serial: int) -> bytes:
    """The request 0x8003 to send parts of a message again, 255 at most in one request."""
    fields = {"original_serial": original_serial, "parts": parts[:255]}
    return frames("platform_resend_request", fields, to=to, serial=serial)[0]


def server_time(answer: Answer, *, serial: int, now: str) -> bytes:
    """The answer 0x8004 to a question for the time, ISO 8601 with an offset."""
    return frames("server_time", {"server_time": now}, to=sender(answer), serial=serial)[0]


def reply(answer: Answer, *, serial: int, stored: bool = True) -> bytes | None:
    """The reply that a decoded frame is due, or none.

    A refused frame gets result 2, wrong, or 3, not supported, where its header could be read. A
    registration and a question for the time have answers of their own, `registered` and
    `server_time`; so has a frame that answers the platform: none.

    Args:
        answer: what `decode` or `Assembler.take` said of the frame.
        serial: the platform's own serial.
        stored: whether what the frame says is on the disk; if not, the result is failure, and the
            terminal will send it again.
    """
    if "id" not in answer:
        return None
    number = int(answer["id"], 16)
    if number in _UNANSWERED or number & 0x8000:
        return None
    if not answer["ok"]:
        unknown = answer["message"] == "unknown" or "encrypted" in answer["error"]
        result = "not_supported" if unknown else "message_wrong"
        return general(answer, serial=serial, result=result)
    if not stored:
        return general(answer, serial=serial, result="failure")
    return _own(number, answer, serial=serial)


def _own(number: int, answer: Answer, *, serial: int) -> bytes | None:
    """The reply to a good frame that is stored, of its own kind where it has one."""
    if number == 0x0100:
        return None
    fields, whole = answer["fields"], "part" not in answer
    if number == 0x0801 and whole:
        said = {"multimedia_id": fields["multimedia_id"], "resend": None}
        return frames("multimedia_upload_answer", said, to=sender(answer), serial=serial)[0]
    if number == 0x1212 and whole:
        said = {name: fields[name] for name in ("file", "file_type")}
        said |= {"result": "complete", "missing": []}
        return frames("attachment_answer", said, to=sender(answer), serial=serial)[0]
    return general(answer, serial=serial)
