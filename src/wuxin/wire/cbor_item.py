"""Where one CBOR data item ends, found without making values of it.

A reader that makes values obeys tags (a regular expression to compile, a number of any length); to
tell whether a stranger's bytes are one whole item, none of that is needed.

Source: RFC 8949 §3 (items), §3.2 (indefinite lengths), appendix C (well-formedness).
"""

from typing import Final

DEPTH: Final = 32
"""How deep items may be nested."""

_TEXT: Final = 3
_MAP: Final = 5
_TAG: Final = 6
_BREAK: Final = 0xFF


def end_of(data: bytes, at: int = 0, *, depth: int = DEPTH) -> int:
    """The place behind the item that begins at ``at``.

    Raises:
        ValueError: there is no whole item, with its place as the last word of the text.
    """
    if not depth:
        raise ValueError(f"items are nested deeper than {DEPTH}, at byte {at}")
    kind, count, at = _head(data, at)
    if kind in (2, _TEXT) and count is not None:
        if at + count > len(data):
            raise ValueError(f"a string does not end, at byte {at}")
        return at + count
    if kind in (0, 1) or kind == 7:
        return at
    if kind == _TAG:
        return end_of(data, at, depth=depth - 1)
    if count is None:
        return _until_break(data, at, kind=kind, depth=depth)
    for _ in range(2 * count if kind == _MAP else count):
        at = end_of(data, at, depth=depth - 1)
    return at


def text_of(data: bytes, name: str) -> str:
    """The text under a name in a map that is the one item of ``data``; empty where it has none.

    It is also empty where the name is given twice, in whatever spelling, or something follows.

    Raises:
        ValueError: as :func:`end_of`.
    """
    kind, count, at = _head(data, 0)
    if kind != _MAP or count is None:
        return ""
    found = []
    for _ in range(count):
        value = end_of(data, at)
        end = end_of(data, value)
        key = _text(data, at, end=value)
        if key is None or key == name.encode():
            found.append(_text(data, value, end=end) if key else None)
        at = end
    text = found[0] if len(found) == 1 and at == len(data) else None
    return "" if text is None else text.decode("utf-8", "replace")


def _text(data: bytes, at: int, *, end: int) -> bytes | None:
    """The bytes of a text; empty for another kind of item, None for a text in parts."""
    kind, size, start = _head(data, at)
    if kind != _TEXT:
        return b""
    return None if size is None else data[start:end]


def _head(data: bytes, at: int) -> tuple[int, int | None, int]:
    """An item's major type, its count (None: until a break), and the place behind its head."""
    if at >= len(data):
        raise ValueError(f"an item is missing, at byte {at}")
    kind, low = divmod(data[at], 32)
    if low < 24:
        return kind, low, at + 1
    size = 1 << (low - 24)
    if low < 28:
        if at + 1 + size > len(data):
            raise ValueError(f"an item's head does not end, at byte {at}")
        return kind, int.from_bytes(data[at + 1 : at + 1 + size], "big"), at + 1 + size
    if low == 31 and kind in (2, _TEXT, 4, _MAP):
        return kind, None, at + 1
    raise ValueError(f"there is no item like {data[at]:02x}, at byte {at}")


def _until_break(data: bytes, at: int, *, kind: int, depth: int) -> int:
    begun, items = at, 0
    while at < len(data) and data[at] != _BREAK:
        if kind in (2, _TEXT) and (data[at] // 32 != kind or data[at] % 32 == 31):
            raise ValueError(f"a string has a part that is none, at byte {at}")
        at, items = end_of(data, at, depth=depth - 1), items + 1
    if at >= len(data) or (kind == _MAP and items % 2):
        raise ValueError(f"an item has no end or half a pair, at byte {begun}")
    return at + 1
