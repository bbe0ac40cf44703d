"""Which device a message of Wuxin's own format names, read without understanding the rest."""

from io import BytesIO
from typing import Final

import cbor2
import msgspec


class _Named(msgspec.Struct):
    device: str


_DECODER: Final = msgspec.json.Decoder(_Named)


def json_device(message: bytes) -> str:
    """The device of a JSON object; empty where none can be read.

    A name that is given twice counts as none: who reads the message later might take the other.
    """
    if message.count(b'"device"') != 1 or b"\\u" in message:
        return ""
    try:
        return _DECODER.decode(message).device
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def cbor_device(message: bytes) -> str:
    """The device of a CBOR map; empty where none can be read, or the map is not alone."""
    rest = BytesIO(message)
    try:
        said = cbor2.load(rest)
    except (cbor2.CBORDecodeError, ValueError, OverflowError, RecursionError):
        return ""
    found = said.get("device") if isinstance(said, dict) and not rest.read(1) else None
    return found if isinstance(found, str) else ""
