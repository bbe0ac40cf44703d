"""The decoder: one frame, or the joined body of several, to named fields and readings."""

from typing import Any, Final, NamedTuple

from wuxin.protocols.jt808 import header, readings
from wuxin.protocols.jt808.frame import place, plain, unwrap
from wuxin.protocols.jt808.header import Header
from wuxin.protocols.jt808.layout import Cursor, Malformed, ended
from wuxin.protocols.jt808.messages import MESSAGES

Answer = dict[str, Any]
"""A plain record: ``ok`` and what `wuxin.protocols.jt808.decode` says of it."""

_ONE: Final = {
    "location_report": "",
    "location_answer": "location",
    "vehicle_control_answer": "location",
}


class Opened(NamedTuple):
    """A frame whose framing and header are right."""

    raw: bytes
    header: Header
    message: bytes
    start: int
    """Where the body begins in the message."""


def opened(frame: bytes) -> Opened | Answer:
    """The header and body of a frame, or its refusal."""
    raw = b""
    try:
        raw = plain(frame)
        message = unwrap(raw)
        head, c = header.read(message)
    except Malformed as wrong:
        return {"ok": False, "error": str(wrong), "at": place(raw, wrong.at)}
    return Opened(raw, head, message, c.at)


def of_frame(found: Opened, *, readings: bool = True) -> Answer:
    """What an opened frame says; a part of a message says only which part it is.

    Without ``readings`` only its fields are read, which is all that an answer needs.
    """
    head = found.header
    if head.total:
        part = {"index": head.part, "total": head.total}
        ok = {"ok": True, **_about(head), "part": part, "fields": {}, "readings": []}
        return _refused(head) if _unreadable(head) else ok
    cursor = Cursor(found.message, at=found.start, end=len(found.message), version=head.version)
    answer = _of(head, cursor, told=readings)
    if isinstance(answer, Malformed):
        return _refused(head, str(answer), at=place(found.raw, answer.at))
    return answer


def of_body(head: Header, body: bytes) -> Answer:
    """What the joined body of a message says that came in parts."""
    answer = _of(head, Cursor(body, at=0, end=len(body), version=head.version))
    if isinstance(answer, Malformed):
        return _refused(head, str(answer), at=f"byte {answer.at} of the joined body")
    return answer


def _unreadable(head: Header) -> str:
    """Why the body of a message cannot be read at all, or nothing."""
    if head.cipher:
        name = "RSA" if head.cipher == 1 else f"method {head.cipher}"
        return f"the body is encrypted ({name}), and there is no key to read it"
    if head.message_id not in MESSAGES:
        return f"message {head.message_id:#06x} is not known"
    return ""


def _of(head: Header, c: Cursor, *, told: bool = True) -> Answer | Malformed:
    if why := _unreadable(head):
        return Malformed(why, 2 if head.cipher else 0)
    try:
        fields = MESSAGES[head.message_id][1].read(c)
        ended(c)
    except Malformed as wrong:
        return wrong
    said = {"ok": True, **_about(head), "fields": fields}
    return said | _told(head.message_id, fields) if told else said


def _about(head: Header) -> Answer:
    known = MESSAGES.get(head.message_id)
    return {
        "message": known[0] if known else "unknown",
        "id": f"{head.message_id:#06x}",
        "version": head.version,
        "phone": head.phone,
        "serial": head.serial,
    }


def _refused(head: Header, error: str = "", *, at: str = "header") -> Answer:
    error = error or _unreadable(head)
    return {"ok": False, "error": error, "at": at, **_about(head)}


def _told(message_id: int, fields: Answer) -> Answer:
    """The time, readings and marks that the fields contain."""
    name = MESSAGES[message_id][0]
    if name in _ONE:
        return _at(fields[_ONE[name]] if _ONE[name] else fields)
    if name == "location_batch":
        # Each reading of a batch has its own time, since the batch has none.
        found: list[Any] = []
        marks: list[Any] = []
        for location in fields["locations"]:
            one = readings.of_location(location)
            found += [reading | {"time": location["time"]} for reading in one.readings]
            marks += [mark | {"time": location["time"]} for mark in one.marks]
        return {"readings": found, **({"marks": marks} if marks else {})}
    if name == "passengers":
        counts = [
            {"indicator": count, "value": fields[count], "unit": ""}
            for count in ("boarded", "alighted")
        ]
        time = fields["end_time"]
        return {**({"time": time} if time else {}), "readings": counts}
    return {"readings": []}


def _at(location: Answer) -> Answer:
    told = readings.of_location(location)
    time = {"time": location["time"]} if location["time"] else {}
    return {**time, "readings": told.readings, **({"marks": told.marks} if told.marks else {})}
