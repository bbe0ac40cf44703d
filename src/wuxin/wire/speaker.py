"""Which device a message of Wuxin's own format names, read without understanding the rest."""

from typing import Final

import msgspec

from wuxin.wire.cbor_item import text_of


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
    """The device of a CBOR map; empty where none can be read, it is given twice or not alone."""
    try:
        return text_of(message, "device")
    except ValueError:
        return ""
