"""Reads of RFID tags, as gateways of readers tell them in JSON.

Our own form, for a gateway that can choose:

    {"reader": "dock-1", "reads": [{"epc": "3074257BF7194E4000001A85", "antenna": 1,
                                    "rssi": -61.5, "time": "2022-01-02T12:00:00Z"}]}

and the events of Impinj's IoT device interface, one or a list of them. Each read tells of the thing
``tag:`` with the code in capital hexadecimal digits; what a code means is in `epc_tag`. A code that
is none of GS1's is read all the same: many tags carry numbers of their owner's.

A reader can leave its name out of its events; then a line before them has to say it:
``{"device": "dock-1"}``.

Source: own format; Impinj IoT device interface, tagInventory events as readers send them (epc in
base64 for URLs, epcHex, antennaPort, peakRssiCdbm in hundredths of dBm). Their form was compared
with what several programs take and print; it is not confirmed against the maker's own text.
"""

import base64
import binascii
import json
import re
from typing import Any, Final

from wuxin.protocols import epc_tag
from wuxin.protocols.octets import BadFrame
from wuxin.terms.clock import iso, moment
from wuxin.terms.envelope import HEADER_BYTES, unwrap
from wuxin.terms.errors import BadInput

FRAME_BYTES: Final = 1024 * 1024
READS: Final = 4096
CODE_BYTES: Final = 62
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_ZONED: Final = re.compile(r".*(?:Z|[+-]\d\d:?\d\d)", re.ASCII)


def decode(frame: bytes) -> dict[str, Any]:
    """Decode a message of a reader's gateway; never raises, whatever the bytes.

    Args:
        frame: the JSON text in UTF-8, at most 1 MiB; a line before it may say the ``device``.

    Returns:
        ``ok`` true with ``message`` (``tag_reads``), ``version``, ``device`` (the reader),
        ``fields`` (``reads``, each with its ``epc``, what it means under ``tag``, or why it is no
        GS1 code under ``error``), ``time`` and ``readings`` (``rssi`` in dBm, ``antenna``) of each
        tag; or ``ok`` false with ``error`` and ``at``.
    """
    try:
        return _answer(*_reads(frame))
    except BadFrame as bad:
        return bad.answer()


def _reads(frame: bytes) -> tuple[str, list[dict[str, Any]]]:
    if len(frame) > FRAME_BYTES + HEADER_BYTES:
        raise BadFrame(f"the message is longer than {FRAME_BYTES} bytes", f"byte {FRAME_BYTES}")
    try:
        line, text = unwrap(frame)
        said = json.loads(text)
    except BadInput as wrong:
        raise BadFrame(str(wrong), "byte 0") from None
    except (ValueError, RecursionError):
        raise BadFrame("the message is no JSON in UTF-8", "$") from None
    if isinstance(said, dict) and "reads" in said:
        reader, reads = said.get("reader"), said["reads"]
    else:
        events = said if isinstance(said, list) else [said]
        found = [_impinj(each, f"$[{i}]") for i, each in enumerate(events[: READS + 1])]
        reader, reads = found[0][0] if found else None, [read for _, read in found]
        if any(host != reader for host, _ in found):
            raise BadFrame("the events are of several readers", "$")
    reader = line.get("device") if reader is None else reader
    if not isinstance(reader, str) or not 1 <= len(reader) <= 64 or not reader.isprintable():
        raise BadFrame("nothing says which reader it was", "reader")
    if not isinstance(reads, list) or not 1 <= len(reads) <= READS:
        raise BadFrame(f"there are not 1 to {READS} reads", "reads")
    return reader, reads


def _impinj(event: Any, at: str) -> tuple[Any, dict[str, Any]]:
    """An event in our own words."""
    said = event.get("tagInventoryEvent") if isinstance(event, dict) else None
    if not isinstance(said, dict):
        raise BadFrame("the message is neither reads nor a tag inventory event", at)
    code, strength = said.get("epcHex"), said.get("peakRssiCdbm")
    if code is None and isinstance(said.get("epc"), str):
        try:
            code = base64.b64decode(said["epc"], altchars=b"-_", validate=True).hex()
        except (binascii.Error, ValueError):
            raise BadFrame("the code is not base64", f"{at}.epc") from None
    read = {"epc": code, "antenna": said.get("antennaPort"), "time": event.get("timestamp")}
    if type(strength) is int:
        # A whole number of JSON has no end, and a float has one; what is no strength gets a mark.
        read["rssi"] = strength / 100 if abs(strength) < 2**31 else strength
    return event.get("hostname"), {k: v for k, v in read.items() if v is not None}


def _answer(reader: str, reads: list[Any]) -> dict[str, Any]:
    fields: list[dict[str, Any]] = []
    readings: list[dict[str, Any]] = []
    marks: list[dict[str, Any]] = []
    for i, read in enumerate(reads):
        at = f"reads[{i}]"
        if not isinstance(read, dict):
            raise BadFrame("a read is no object", at)
        code, time = _code(read.get("epc"), at), _time(read.get("time"), at)
        told: dict[str, Any] = {"epc": code, "time": time}
        try:
            told["tag"] = epc_tag.read(bytes.fromhex(code))
        except BadFrame as bad:
            told["error"] = str(bad)
        placed = {"time": time, "thing": f"tag:{code}"}
        for name, unit, most in (("rssi", "dBm", 200), ("antenna", "", 1024)):
            value = read.get(name)
            if value is None:
                continue
            told[name] = value if isinstance(value, int | float | str) else None
            if type(value) not in (int, float) or not abs(value) <= most:
                told[name] = str(told[name])
                marks.append({"indicator": name, "mark": "out_of_range", **placed})
                continue
            readings.append({"indicator": name, "value": float(value), "unit": unit, **placed})
        fields.append(told)
    answer = {
        "ok": True, "message": "tag_reads", "version": "1", "device": reader,
        "fields": {"reads": fields}, "time": fields[-1]["time"], "readings": readings,
    }  # fmt: skip
    return answer | ({"marks": marks} if marks else {})


def _code(said: Any, at: str) -> str:
    if not isinstance(said, str) or not _HEX.fullmatch(said) or len(said) > 2 * CODE_BYTES:
        raise BadFrame("the code is not hexadecimal digits in pairs", f"{at}.epc")
    return said.upper()


def _time(said: Any, at: str) -> str:
    if not isinstance(said, str) or len(said) > 64 or not _ZONED.fullmatch(said):
        raise BadFrame("the time is not written with its offset", f"{at}.time")
    try:
        return iso(moment(said))
    except BadInput as wrong:
        raise BadFrame(str(wrong), f"{at}.time") from None
