"""A message with what its carrier said about it, as one run of bytes that explains itself.

Many protocols leave to the carrier what a message means: the topic of an MQTT message, the station
in the address of a WebSocket, the names behind the aliases of a Sparkplug session. The journal
keeps bytes that can be understood alone, so such a message stands behind a line of JSON:

    1E | {"topic": "spBv1.0/plant/NDATA/edge-1"} | 0A | the payload as it came

A message without such a line is its own payload, with nothing said about it.

Source: RFC 7464 §2.2 (a JSON text between a record separator and a line feed).
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from wuxin.terms.errors import BadInput

START: Final = b"\x1e"
END: Final = b"\n"
HEADER_BYTES: Final = 64 * 1024
"""The longest line that is read."""

_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_DECODER: Final = msgspec.json.Decoder(dict[str, Any])


def wrap(said: Mapping[str, Any], payload: bytes) -> bytes:
    """A payload behind what its carrier said, names in order: the same input gives the same bytes.

    Args:
        said: plain values by name; the line they take is at most :data:`HEADER_BYTES` long.
        payload: the message as it came.
    """
    return START + _ENCODER.encode(dict(said)) + END + payload


def unwrap(message: bytes) -> tuple[dict[str, Any], bytes]:
    """What the carrier said about a message (empty if it said nothing), and its payload.

    Raises:
        BadInput: the line is not a JSON object, too long, or has no end.
    """
    if not message.startswith(START):
        return {}, message
    end = message.find(END, 1, HEADER_BYTES + 2)
    if end < 0:
        raise BadInput(f"what the carrier says does not end within {HEADER_BYTES} bytes")
    try:
        return _DECODER.decode(message[1:end]), message[end + 1 :]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadInput("what the carrier says is not a JSON object") from None
