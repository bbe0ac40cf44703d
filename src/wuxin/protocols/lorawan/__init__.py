"""LoRaWAN uplinks, as the network servers ChirpStack v4 and The Things Stack v3 hand them on.

Which device model it is says the uplink (ChirpStack: the device profile's name; The Things Stack:
the model of the version), or a line before it: `{"profile": "EM300-TH"}`. What its payload means
stands in a table, see `tables`; without one, the radio's readings are all there is.

Source: ChirpStack v4 integration events (up, JSON); The Things Stack v3 data formats (uplink
message); LoRaWAN 1.0.4 §4.3 (FCnt, FPort).
"""

import base64
import binascii
import json
import re
from typing import Any, Final

from wuxin.protocols.lorawan.tables import PAYLOAD_BYTES, read, tables
from wuxin.protocols.octets import BadFrame
from wuxin.terms.clock import iso, moment
from wuxin.terms.envelope import HEADER_BYTES, unwrap
from wuxin.terms.errors import BadInput

FRAME_BYTES: Final = 64 * 1024
_EUI: Final = re.compile(r"[0-9A-Fa-f]{16}")
_ZONED: Final = re.compile(r".*(?:Z|[+-]\d\d:?\d\d)", re.ASCII)


def decode(frame: bytes) -> dict[str, Any]:
    """Decode one uplink; never raises, whatever the bytes.

    Args:
        frame: the JSON of the network server in UTF-8, at most 64 KiB; a line before it may say
            the ``profile``.

    Returns:
        ``ok`` true with ``message`` (``uplink``), ``version`` (of which server), ``device`` (the
        DevEUI), ``boot`` (the device's address, which a new join changes), ``seq`` (the frame
        counter), ``fields``, ``time``, ``readings`` (``rssi`` and ``snr`` of the gateway that heard
        best, then those of the payload) and ``marks``; or ``ok`` false with ``error`` and ``at``.
    """
    try:
        said, uplink = _parts(frame)
        fields = _chirpstack(uplink) if "deviceInfo" in uplink else _things_stack(uplink)
        return _answer(fields, said.get("profile"))
    except BadFrame as bad:
        return bad.answer()


def _parts(frame: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    if len(frame) > FRAME_BYTES + HEADER_BYTES:
        raise BadFrame(f"the uplink is longer than {FRAME_BYTES} bytes", f"byte {FRAME_BYTES}")
    try:
        said, text = unwrap(frame)
        uplink = json.loads(text)
    except BadInput as wrong:
        raise BadFrame(str(wrong), "byte 0") from None
    except (ValueError, RecursionError):
        raise BadFrame("the uplink is no JSON in UTF-8", "$") from None
    if not isinstance(uplink, dict):
        raise BadFrame("the uplink is no object", "$")
    return said, uplink


def _object(said: Any, at: str) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise BadFrame("there is no such object in the uplink", at)
    return said


def _chirpstack(uplink: dict[str, Any]) -> dict[str, Any]:
    """Name the parts of an event ``up``; numbers that are 0 may be left out."""
    info = _object(uplink["deviceInfo"], "deviceInfo")
    return {
        "server": "chirpstack-4", "dev_eui": info.get("devEui"), "address": uplink.get("devAddr"),
        "counter": uplink.get("fCnt", 0), "port": uplink.get("fPort", 0),
        "data": uplink.get("data", ""), "time": uplink.get("time"),
        "heard": uplink.get("rxInfo", []), "profile": info.get("deviceProfileName"),
    }  # fmt: skip


def _things_stack(uplink: dict[str, Any]) -> dict[str, Any]:
    said = _object(uplink.get("uplink_message"), "uplink_message")
    ids = _object(uplink.get("end_device_ids"), "end_device_ids")
    version = said.get("version_ids")
    return {
        "server": "things-stack-3", "dev_eui": ids.get("dev_eui"), "address": ids.get("dev_addr"),
        "counter": said.get("f_cnt", 0), "port": said.get("f_port", 0),
        "data": said.get("frm_payload", ""),
        "time": said.get("received_at", uplink.get("received_at")),
        "heard": said.get("rx_metadata", []),
        "profile": version.get("model_id") if isinstance(version, dict) else None,
    }  # fmt: skip


def _answer(fields: dict[str, Any], profile: Any) -> dict[str, Any]:
    eui, counter, port = fields["dev_eui"], fields["counter"], fields["port"]
    if not isinstance(eui, str) or not _EUI.fullmatch(eui):
        raise BadFrame("the DevEUI is not 16 hexadecimal digits", "dev_eui")
    if type(counter) is not int or not 0 <= counter < 2**32:
        raise BadFrame("the frame counter is no number of 32 bits", "counter")
    if type(port) is not int or not 0 <= port <= 255:
        raise BadFrame("the port is not 0 to 255", "port")
    fields["time"] = time = _time(fields["time"])
    payload = _payload(fields["data"])
    heard = fields.pop("heard")
    best = _best(heard)
    fields["data"] = payload.hex()
    fields["gateways"] = len(heard) if isinstance(heard, list) else 0
    for key in ("address", "profile"):
        fields[key] = fields[key] if isinstance(fields[key], str) else ""
    if isinstance(profile, str):
        fields["profile"] = profile
    answer: dict[str, Any] = {
        "ok": True, "message": "uplink", "version": fields["server"], "device": eui.upper(),
        "boot": fields["address"], "seq": counter, "fields": fields, "time": time,
        "readings": best,
    }  # fmt: skip
    if not payload or port == 0:
        return answer  # commands of the network, and nothing of the device
    table = tables().get(fields["profile"].casefold())
    if table is None:
        answer["marks"] = [{"indicator": "payload", "mark": "no_table"}]
        return answer
    found = read(payload, table, port=port)
    answer["readings"] = best + found.readings
    if found.marks:
        answer["marks"] = found.marks
    if any("time" in reading for reading in found.readings):
        answer["late"] = True
    return answer


def _time(said: Any) -> str:
    if not isinstance(said, str) or len(said) > 64 or not _ZONED.fullmatch(said):
        raise BadFrame("the time is not written with its offset", "time")
    try:
        return iso(moment(said))
    except BadInput as wrong:
        raise BadFrame(str(wrong), "time") from None


def _payload(said: Any) -> bytes:
    try:
        data = base64.b64decode(said if isinstance(said, str) else "?", validate=True)
    except (binascii.Error, ValueError):
        raise BadFrame("the payload is not base64", "data") from None
    if len(data) > PAYLOAD_BYTES:
        raise BadFrame(f"the payload is longer than {PAYLOAD_BYTES} bytes", "data")
    return data


def _best(heard: Any) -> list[dict[str, Any]]:
    """Radio readings of the gateway with the strongest signal."""
    good = [
        each
        for each in (heard if isinstance(heard, list) else [])
        if isinstance(each, dict)
        and type(each.get("rssi")) in (int, float)
        and -250 <= each["rssi"] <= 50
    ]
    if not good:
        return []
    best = max(good, key=lambda each: each["rssi"])
    found = [{"indicator": "rssi", "value": float(best["rssi"]), "unit": "dBm"}]
    snr = best.get("snr", 0)
    if type(snr) in (int, float) and -100 <= snr <= 100:
        found.append({"indicator": "snr", "value": float(snr), "unit": "dB"})
    return found
