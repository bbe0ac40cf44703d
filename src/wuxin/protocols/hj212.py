"""HJ 212: pollution sources and environment stations report in lines of text (2005, 2017, 2025).

    ##0136ST=32;CN=2011;PW=123456;MN=LD130133000015;CP=&&DataTime=20160824003817;…&&3C00
    ├┘├──┤├───────────────────────── segment ─────────────────────────────────────┤├──┤
    head length of the segment, four digits                                        CRC of it

The bits of Flag say the edition (bits 2 to 7: 0 is 2005, 1 is 2017, 2 is 2025), whether parts are
numbered (bit 1) and whether an answer is wanted (bit 0). A frame without Flag is one of 2005. On
the wire CR and LF follow the CRC. ``RF=1`` says that a frame is sent again later.

Since 2025 stations encrypt their data area by SM4, block by block without padding, so that what
is left over of less than 16 bytes stays as it is and no length changes; the CRC is that of the text
before it was encrypted. How the standard's example prints it was found at second hand, and it is
not confirmed against the standard's text that the bytes go over the wire as they are.

Source: HJ 212-2017 §6.3 and Annex A (CRC); HJ 212-2025 §6.3.3 table 3 (edition in Flag, RF), §6.4
and Annex A.2 (SM4), as programs that quote them have it.
"""

import math
import re
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4

from wuxin.protocols.hj212_codes import COMMANDS, FLAGS, KINDS, SYSTEMS, UNITS
from wuxin.protocols.octets import BEIJING, BadFrame, plain, utc

FRAME_BYTES: Final = 2 + 4 + 9999 + 4 + 2
EDITIONS: Final = {0: "2005", 1: "2017", 2: "2025"}

_HEAD: Final = ("QN", "ST", "CN", "PW", "MN", "Flag", "PNUM", "PNO", "RF")
_FORMS: Final = {
    "QN": re.compile(r"\d{17}", re.ASCII),
    "ST": re.compile(r"\w{1,5}", re.ASCII),
    "CN": re.compile(r"\d{1,7}", re.ASCII),
    "MN": re.compile(r"[0-9A-Za-z_-]{1,27}", re.ASCII),
    "Flag": re.compile(r"\d{1,3}", re.ASCII),
    "PNUM": re.compile(r"\d{1,5}", re.ASCII),
    "PNO": re.compile(r"\d{1,5}", re.ASCII),
    "RF": re.compile("1"),
}
_BLOCK: Final = 16
_CP: Final = b"CP=&&"
_END: Final = b"&&"
_SINCE_2025: Final = re.compile(rb";Flag=(?:8|9|10|11);")
_NAME: Final = re.compile(r"\w{1,32}(-\w{1,32})?", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?\d{1,18}(\.\d{0,18})?", re.ASCII)
_TIME: Final = re.compile(r"\d{14}(\d{3})?", re.ASCII)


def _table() -> tuple[int, ...]:
    entries = []
    for start in range(256):
        register = start
        for _ in range(8):
            register = register >> 1 ^ (0xA001 if register & 1 else 0)
        entries.append(register)
    return tuple(entries)


_TABLE: Final = _table()


def crc(segment: bytes) -> str:
    """The check of a segment: four hexadecimal digits.

    It is not the CRC-16 of Modbus, though the polynomial is: the standard moves the register's
    *high* byte against each byte and forgets the low one.

    Source: HJ 212-2017 Annex A.
    """
    register = 0xFFFF
    for byte in segment:
        register = _TABLE[register >> 8 ^ byte]
    return f"{register:04X}"


def decode(frame: bytes, *, sm4_key: bytes | None = None) -> dict[str, Any]:
    """Decode one frame; never raises, whatever the bytes.

    Args:
        frame: ``##`` to the CRC, with or without the line's end, or the same in hexadecimal.
        sm4_key: the 16 bytes by which the station encrypts its data area, if it does.

    Returns:
        ``ok`` true with ``message`` (the command's name), ``version`` (edition), ``device`` (MN),
        ``fields`` (the head as sent, ``CP`` as a list of items), ``time`` (DataTime in UTC, if
        any) and ``readings`` (of factors, with ``flag`` where one was sent, and the ``time`` of
        sampling where it differs; ``unit`` is empty where the standard leaves it to the site), and
        ``late`` for what is sent again; or ``ok`` false with ``error`` and ``at``.
    """
    try:
        fields = _fields(_segment(plain(frame, starts=(b"##",), limit=FRAME_BYTES), sm4_key))
        said = _meaning(fields)
    except BadFrame as bad:
        return bad.answer()
    return {"ok": True, **said, "fields": fields}


def _segment(data: bytes, sm4_key: bytes | None) -> str:
    """The text between length and CRC, both of which must be right."""
    if not data.startswith(b"##"):
        raise BadFrame("a frame starts with ##", "byte 0")
    if not re.fullmatch(rb"\d{4}", data[2:6]):
        raise BadFrame("the length after ## is not four digits", "byte 2")
    length = int(data[2:6])
    body, check = data[6 : 6 + length], data[6 + length :].rstrip(b"\r\n")
    if len(body) < length or len(check) != 4:
        held = len(data.rstrip(b"\r\n")) - 10
        raise BadFrame(f"the length says {length} bytes and the segment has {held}", "byte 2")
    counted = crc(body)
    if check.upper() != counted.encode() and _is_encrypted(body):
        if sm4_key is None:
            raise BadFrame("the data area is encrypted (SM4), and there is no key to read it", "CP")
        head, mark, area = body.partition(_CP)
        body = head + mark + opened(area.removesuffix(_END), sm4_key) + _END
        counted = crc(body)
    if check.upper() != counted.encode():
        sent = check.decode("ascii", "backslashreplace")
        raise BadFrame(f"the CRC is {sent!a} and must be {counted}", f"byte {6 + length}")
    try:
        return body.decode("gb18030")
    except UnicodeDecodeError as wrong:
        raise BadFrame("the segment is not text", f"byte {6 + wrong.start}") from None


def _is_encrypted(segment: bytes) -> bool:
    """Whether a segment of the edition of 2025 has a data area that is no text."""
    head, found, area = segment.partition(_CP)
    if not found or not area.endswith(_END) or not _SINCE_2025.search(head):
        return False
    try:
        return len(area) >= _BLOCK + len(_END) and not area.decode("gb18030").isprintable()
    except UnicodeDecodeError:
        return True


def opened(area: bytes, key: bytes) -> bytes:
    """A data area whose blocks are encrypted by SM4; the bytes after the last block stay.

    Raises:
        BadFrame: the key is not 16 bytes.

    Source: HJ 212-2025 §6.4.2 (ECB without padding); GB/T 32907-2016 (SM4).
    """
    if len(key) != _BLOCK:
        raise BadFrame(f"the key is not {_BLOCK} bytes of SM4", "key")
    blocks = len(area) // _BLOCK * _BLOCK
    reader = Cipher(SM4(key), modes.ECB()).decryptor()  # noqa: S305 - the standard asks for ECB
    return reader.update(area[:blocks]) + reader.finalize() + area[blocks:]


def _fields(segment: str) -> dict[str, Any]:
    head, found, rest = segment.partition("CP=&&")
    if not found or not rest.endswith("&&"):
        raise BadFrame("the segment has no data area CP=&&…&&", "CP")
    fields: dict[str, Any] = {}
    for part in head.split(";"):
        if part:
            name, value = _pair(part)
            if name not in _HEAD:
                raise BadFrame(f"{name} is no field of the head", name)
            if name in fields:
                raise BadFrame(f"{name} is given twice", name)
            if name in _FORMS and not _FORMS[name].fullmatch(value):
                raise BadFrame(f"{name} is {value[:40]!a}, which is not of its form", name)
            fields[name] = value
    for name in ("ST", "CN", "MN"):
        if name not in fields:
            raise BadFrame(f"the segment has no {name}", name)
    fields["CP"] = [_item(item) for item in rest.removesuffix("&&").split(";") if item]
    return fields


def _item(text: str) -> dict[str, str]:
    """One item of the data area: fields of one factor, or of the message, divided by commas."""
    item: dict[str, str] = {}
    for part in text.split(","):
        if part:
            name, value = _pair(part)
            if name in item:
                raise BadFrame(f"{name} is given twice in one item", name)
            item[name] = value
    return item


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not _NAME.fullmatch(name):
        raise BadFrame(f"{text[:40]!a} is not of the form name=value", "segment")
    return name, value


def _meaning(fields: dict[str, Any]) -> dict[str, Any]:
    flag = int(fields.get("Flag", "0"))
    if flag > 0xFF or flag >> 2 not in EDITIONS:
        raise BadFrame(f"Flag {flag} names no edition of the standard", "Flag")
    numbered = "PNUM" in fields or "PNO" in fields
    if numbered and not 1 <= int(fields.get("PNO", "0")) <= int(fields.get("PNUM", "0")):
        raise BadFrame("PNO is not the number of one of PNUM parts", "PNO")
    said: dict[str, Any] = {
        "message": COMMANDS.get(fields["CN"], "other"),
        "version": EDITIONS[flag >> 2],
        "device": fields["MN"],
        "system": SYSTEMS.get(fields["ST"], "other"),
        "answer_wanted": bool(flag & 1),
    }
    if "RF" in fields:
        said["late"] = True
    if "QN" in fields:
        said["request_time"] = _time(fields["QN"], "QN")
    moment = next((item["DataTime"] for item in fields["CP"] if "DataTime" in item), None)
    if moment is not None:
        said["time"] = _time(moment, "DataTime")
    elif fields["CN"] in {"2011", "2031", "2051", "2061"} and any(map(_measures, fields["CP"])):
        raise BadFrame("values are sent without DataTime", "DataTime")
    readings: list[dict[str, Any]] = []
    for item in fields["CP"]:
        readings.extend(_readings(item, said.get("time")))
    return {**said, "readings": readings}


def _measures(item: dict[str, str]) -> bool:
    return any(name.partition("-")[2] in KINDS for name in item)


def _readings(item: dict[str, str], time: str | None) -> list[dict[str, Any]]:
    found = []
    for name, text in item.items():
        code, _, kind = name.partition("-")
        if kind not in KINDS:
            continue
        if not text:
            continue  # a factor without a value is one that was not measured; its flag says why
        if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
            raise BadFrame(f"{name} is {text[:40]!a}, which is not a number", name)
        reading: dict[str, Any] = {
            "indicator": f"{code}_{kind}".lower(),
            "value": float(text),
            "unit": "" if kind == "Cou" else UNITS.get(code, ""),
        }
        flag = item.get(f"{code}-Flag")
        if flag is not None:
            reading["flag"] = flag[:8]
            reading["flag_meaning"] = FLAGS.get(flag, "other")
        sampled = item.get(f"{code}-SampleTime")
        if sampled and (at := _time(sampled, f"{code}-SampleTime")) != time:
            reading["time"] = at
        found.append(reading)
    return found


def _time(text: str, name: str) -> str:
    """A time of 14 digits, or 17 with milliseconds, which the standard means in GMT+8."""
    if not _TIME.fullmatch(text):
        raise BadFrame(f"{name} is {text[:40]!a}, which is not yyyyMMddHHmmss", name)
    try:
        month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(4, 14, 2))
        moment = datetime(int(text[:4]), month, day, hour, minute, second, tzinfo=BEIJING)
        return utc(moment + timedelta(milliseconds=int(text[14:] or 0)))
    except (ValueError, OverflowError):
        raise BadFrame(f"{name} is {text!a}, which is no time that exists", name) from None


def encode(segment: str) -> bytes:
    """The frame around a segment: head, length, CRC and the line's end.

    Args:
        segment: from its first field to the closing ``&&``, at most 9999 bytes in GB 18030.

    Source: HJ 212-2017 §6.3.1.
    """
    body = segment.encode("gb18030")
    return b"##%04d%s%s\r\n" % (len(body), body, crc(body).encode())


def data_answer(fields: dict[str, Any]) -> bytes:
    """The answer 9014 that tells a device that its data have come; for those that want one.

    Args:
        fields: ``fields`` of the decoded frame.

    Source: HJ 212-2017, command code 9014.
    """
    return _answer(fields, "9014")


def notification_answer(fields: dict[str, Any]) -> bytes:
    """The answer 9013 to a notification."""
    return _answer(fields, "9013")


def request_answer(fields: dict[str, Any], *, result: int = 1) -> bytes:
    """The answer 9011 to a request; ``result`` 1 is that it will be carried out."""
    return _answer(fields, "9011", content=f"QnRtn={result}")


def execution_result(fields: dict[str, Any], *, result: int = 1) -> bytes:
    """The answer 9012 at the end of a request; ``result`` 1 is success."""
    return _answer(fields, "9012", content=f"ExeRtn={result}")


def _answer(fields: dict[str, Any], command: str, *, content: str = "") -> bytes:
    """An answer keeps QN, PW, MN and the edition; it wants no answer and is in one part."""
    flag = int(fields.get("Flag", "4")) & 0b11111100
    head = [f"QN={fields['QN']}"] if "QN" in fields else []
    head += ["ST=91", f"CN={command}", f"PW={fields.get('PW', '')}", f"MN={fields['MN']}"]
    return encode(";".join([*head, f"Flag={flag}", f"CP=&&{content}&&"]))
