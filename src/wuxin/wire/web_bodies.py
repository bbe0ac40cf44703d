"""What may be in the body of a request that hands messages in: its kind, its parts, its faults."""

from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from wuxin.wire.cbor_item import end_of
from wuxin.wire.speaker import cbor_device, json_device


class Limits(NamedTuple):
    """How much one request may bring.

    Attributes:
        body_bytes: of the whole body.
        message_bytes: of one message.
        messages: in one body.
    """

    body_bytes: int = 4 * 1024 * 1024
    message_bytes: int = 256 * 1024
    messages: int = 10_000


class Problem(Exception):  # noqa: N818 - it becomes a problem document
    """Why a request is not taken: HTTP status, one sentence, and where in the body.

    Source: RFC 9457.
    """

    def __init__(self, status: int, detail: str, *, at: str = "") -> None:
        super().__init__(detail)
        self.status, self.detail, self.at = status, detail, at


class Part(NamedTuple):
    """One message, and the device that it names itself (empty: none, or not to be read here)."""

    message: bytes
    device: str


_JSON: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def parts(kind: str, body: bytes, *, limits: Limits) -> list[Part]:
    """The messages of a body; all of them, or none if one cannot be one.

    Only what its format says is looked at. Whether a message makes sense is for its decoder to
    say, once it is in the journal.

    Args:
        kind: the media type without its parameters, one of ``READERS``.
        body: as it came.
        limits: how much there may be.

    Raises:
        Problem: 400 malformed, 413 too much.

    Source: RFC 8259 (JSON), RFC 8949 (CBOR), RFC 9052 §2 (application/cose).
    """
    found = READERS[kind](body)
    if not found:
        raise Problem(400, "the body is empty", at="byte 0")
    if len(found) > limits.messages:
        raise Problem(413, f"a body has at most {limits.messages} messages")
    for number, part in enumerate(found, 1):
        if len(part.message) > limits.message_bytes:
            at = f"message {number}"
            raise Problem(413, f"a message has at most {limits.message_bytes} bytes", at=at)
    return found


def _json(body: bytes) -> list[Part]:
    return [_object(body, "")] if body.strip() else []


def _lines(body: bytes) -> list[Part]:
    lines = enumerate(body.split(b"\n"), 1)
    return [_object(line, f"line {number}, ") for number, line in lines if line.strip()]


def _object(text: bytes, where: str) -> Part:
    try:
        text.decode("utf-8")
        _JSON.decode(text)
    except UnicodeDecodeError as wrong:
        raise Problem(400, "the text is not UTF-8", at=f"{where}byte {wrong.start}") from None
    except RecursionError:
        raise Problem(400, "the object is nested too deeply", at=f"{where}byte 0") from None
    except msgspec.DecodeError as wrong:
        said = str(wrong)
        place = said.rpartition("(byte ")[2].removesuffix(")") if "(byte " in said else "0"
        raise Problem(400, f"not a JSON object: {said}", at=f"{where}byte {place}") from None
    return Part(text, json_device(text))


def _cbor(body: bytes) -> list[Part]:
    _one_item(body)
    return [Part(body, cbor_device(body))] if body else []


def _cose(body: bytes) -> list[Part]:
    _one_item(body)
    return [Part(body, "")] if body else []


def _one_item(body: bytes) -> None:
    try:
        end = end_of(body) if body else 0
    except ValueError as wrong:
        detail, _, place = str(wrong).rpartition(", at ")
        raise Problem(400, f"not a CBOR item: {detail}", at=place) from None
    if end != len(body):
        raise Problem(400, "bytes follow the CBOR item", at=f"byte {end}")


READERS: Final[dict[str, Callable[[bytes], list[Part]]]] = {
    "application/json": _json,
    "application/x-ndjson": _lines,
    "application/cbor": _cbor,
    "application/cose": _cose,
}
