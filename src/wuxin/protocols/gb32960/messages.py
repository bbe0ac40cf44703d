"""The data units that are not reports: login, logout, activation, keys; and times.

Source: GB/T 32960.3-2016 §7.1, §7.4 to §7.6, Annex B; GB/T 32960.3-2025 §7.1, §7.6 and Annex B.
"""

from datetime import datetime
from typing import Any, Final

from wuxin.protocols.gb32960.signature import demand_not_false, signature
from wuxin.protocols.octets import BEIJING, BadFrame, Reader, utc

ENCRYPTIONS: Final = {
    1: "none", 2: "rsa", 3: "aes", 4: "sm2", 5: "sm4", 0xFE: "abnormal", 0xFF: "invalid",
}  # fmt: skip
_CODE_2025: Final = 24


def moment(reader: Reader, what: str = "the time") -> str:
    """Six plain bytes from the year in this century to the second, GMT+8, as UTC.

    Raises:
        BadFrame: they are cut off, or no time that exists.

    Source: GB/T 32960.3 §6.4 table 5. They are not BCD, as some programs have it.
    """
    start = reader.at
    year, month, day, hour, minute, second = reader.take(6, what)
    try:
        return utc(datetime(2000 + year, month, day, hour, minute, second, tzinfo=BEIJING))
    except ValueError:
        raise BadFrame(f"{what} is no time that exists", f"byte {start}") from None


def login(reader: Reader, edition: str) -> dict[str, Any]:
    """The login of a vehicle: time, serial number of the day, ICCID and its batteries' codes.

    Raises:
        BadFrame: it is cut off or its time does not exist.
    """
    said: dict[str, Any] = {
        "time": moment(reader),
        "serial_number": reader.whole(2, "the serial number"),
        "iccid": _loose(reader, "the ICCID", size=20),
    }
    count = reader.whole(1, "the number of battery systems")
    if edition == "2016":
        size = reader.whole(1, "the length of a battery's code")
        said["battery_codes"] = [
            _loose(reader, "a battery's code", size=size) for _ in range(count)
        ]
        return said
    packs = reader.take(count, "the numbers of packs")
    said["batteries"] = [
        [_loose(reader, "a pack's code", size=_CODE_2025) for _ in range(number)]
        for number in packs
    ]
    return said


def logout(reader: Reader, _edition: str) -> dict[str, Any]:
    """The logout of a vehicle or a platform.

    Raises:
        BadFrame: it is cut off or its time does not exist.
    """
    return {"time": moment(reader), "serial_number": reader.whole(2, "the serial number")}


def platform_login(reader: Reader, _edition: str) -> dict[str, Any]:
    """The login of a platform; its password is not repeated.

    Raises:
        BadFrame: it is cut off or its time does not exist.
    """
    said = logout(reader, _edition)
    said["user"] = _loose(reader, "the user's name", size=12)
    said["password_given"] = bool(reader.take(20, "the password").strip(b"\0 "))
    raw = reader.whole(1, "the encryption")
    return {**said, "login_encryption": ENCRYPTIONS.get(raw, f"unknown ({raw})")}


def activation(reader: Reader, *, public_key: bytes | None) -> dict[str, Any]:
    """The activation of a security chip, with the public key by which its signatures are checked.

    Raises:
        BadFrame: it is cut off, or its signature is false for the key that is given.
    """
    start = reader.at
    said: dict[str, Any] = {
        "time": moment(reader),
        "chip": _loose(reader, "the chip's number", size=16),
        "public_key": reader.take(reader.whole(2, "a length"), "the public key").hex(),
        "vin": _loose(reader, "the VIN", size=17),
    }
    signed = reader.data[start : reader.at]
    said["signature"] = signature(reader, signed=signed, public_key=public_key)
    demand_not_false(said["signature"])
    return said


def activation_answer(reader: Reader, _edition: str) -> dict[str, Any]:
    """The platform's answer to an activation.

    Raises:
        BadFrame: it is cut off.
    """
    result = reader.whole(1, "the result")
    reason = reader.whole(1, "the reason")
    reasons = {1: "none", 2: "chip already active", 3: "VIN already active"}
    return {"activated": result == 1, "reason": reasons.get(reason, f"unknown ({reason})")}


def data_key(reader: Reader, _edition: str) -> dict[str, Any]:
    """The exchange of the key by which data units are encrypted.

    Raises:
        BadFrame: it is cut off or one of its times does not exist.
    """
    raw = reader.whole(1, "the encryption")
    return {
        "data_encryption": ENCRYPTIONS.get(raw, f"unknown ({raw})"),
        "key": reader.take(reader.whole(2, "the length of the key"), "the key").hex(),
        "valid_from": moment(reader, "the start of the key"),
        "valid_until": moment(reader, "the end of the key"),
    }


def dated(reader: Reader, _edition: str) -> dict[str, Any]:
    """A data unit of which only the time is read here: parameters and commands.

    Raises:
        BadFrame: its time is cut off or does not exist.
    """
    said: dict[str, Any] = {"time": moment(reader)}
    return {**said, "data": reader.take(reader.left, "the rest").hex()}


def nothing(_reader: Reader, _edition: str) -> dict[str, Any]:
    """An empty data unit: heartbeats and requests for the time."""
    return {}


def _loose(reader: Reader, what: str, *, size: int) -> str:
    """Text as it should be, or the bytes in hexadecimal where a device fills them with others."""
    data = reader.take(size, what)
    text = data.rstrip(b"\0 \xff")
    if all(32 <= byte < 127 for byte in text):
        return text.decode("ascii")
    return data.hex()
