"""The part of CBOR in which frames and signatures are written, read strictly and with places.

Whole numbers, floats, bytes, text, lists, maps, tags, true, false and null, all of definite length.
A map with a key given twice is refused: a common reader keeps one of the values in silence, and
which one differs between readers, so that a signed message could be shown with two meanings.

Source: RFC 8949 §3 (major types), §3.2.1 (indefinite lengths, refused), §5.6 (keys are unique).
"""

import struct
from typing import Any, Final, NamedTuple

from wuxin.protocols.octets import BadFrame, Reader

NESTING: Final = 8
_SIZES: Final = {24: 1, 25: 2, 26: 4, 27: 8}
_FLOATS: Final = {25: (2, ">e"), 26: (4, ">f"), 27: (8, ">d")}
_SIMPLE: Final = {20: False, 21: True, 22: None}


class Tag(NamedTuple):
    """A value with the number that says how it is meant."""

    number: int
    value: Any


def read(data: bytes, *, start: int = 0) -> Any:
    """Read one item that ends with the bytes.

    Args:
        data: the bytes; those before ``start`` are not looked at.
        start: where the item begins.

    Raises:
        BadFrame: the item cannot be read, is not of the part above, or bytes are left after it.
    """
    reader = Reader(data, start=start)
    found = _item(reader, 0)
    if reader.left:
        raise BadFrame(f"{reader.left} bytes are left after the item", f"byte {reader.at}")
    return found


def _item(reader: Reader, depth: int) -> Any:
    start = reader.at
    if depth > NESTING:
        raise BadFrame(f"the item is nested deeper than {NESTING} levels", f"byte {start}")
    first = reader.whole(1, "an item")
    major, low = first >> 5, first & 31
    if major == 7:
        return _special(reader, low)
    count = low
    if low in _SIZES:
        count = reader.whole(_SIZES[low], "the head of an item")
    elif low > 23:
        raise BadFrame("the item has no definite length", f"byte {start}")
    if major in (4, 5):
        return _many(reader, count * (major - 3), depth=depth, is_map=major == 5)
    if major in (2, 3):
        return _text(reader, count) if major == 3 else reader.take(count, "a byte string")
    if major == 6:
        return Tag(count, _item(reader, depth + 1))
    return -1 - count if major else count


def _special(reader: Reader, low: int) -> Any:
    if low in _FLOATS:
        size, form = _FLOATS[low]
        return struct.unpack(form, reader.take(size, "a float"))[0]
    if low not in _SIMPLE:
        raise BadFrame("the item is no value that a frame can have", f"byte {reader.at - 1}")
    return _SIMPLE[low]


def _text(reader: Reader, count: int) -> str:
    start = reader.at
    try:
        return reader.take(count, "a text").decode("utf-8")
    except UnicodeDecodeError as wrong:
        raise BadFrame("the text is not UTF-8", f"byte {start + wrong.start}") from None


def _many(reader: Reader, items: int, *, depth: int, is_map: bool) -> Any:
    """Every item takes a byte, so a count that is larger than what is left is not believed."""
    if items > reader.left:
        raise BadFrame(
            f"{items} items need as many bytes and there are {reader.left} left",
            f"byte {reader.at}",
        )
    if is_map:
        return _map(reader, items // 2, depth=depth)
    return [_item(reader, depth + 1) for _ in range(items)]


def _map(reader: Reader, count: int, *, depth: int) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for _ in range(count):
        start = reader.at
        key = _item(reader, depth + 1)
        if type(key) not in (int, str, bytes):
            raise BadFrame("a key is neither a number, a text nor bytes", f"byte {start}")
        if key in found:
            raise BadFrame(f"key {key!a:.70} is given twice", f"byte {start}")
        found[key] = _item(reader, depth + 1)
    return found
