"""JSON of bounded depth, for the protocols whose messages are documents."""

from typing import Any, Final

import msgspec

from wuxin.protocols.octets import BadFrame

DEPTH: Final = 32
"""How deep lists and objects may lie in one another."""


def read(data: bytes) -> Any:
    """The value that a JSON text stands for.

    Raises:
        BadFrame: it is no JSON, or lists and objects lie too deep in one another.
    """
    try:
        told = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as wrong:
        why = str(wrong).removeprefix("JSON is malformed: ")[:120]
        raise BadFrame(f"this is not JSON: {why}", "$") from None
    level = [told]
    for _ in range(DEPTH):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return told
    raise BadFrame(f"lists and objects lie deeper than {DEPTH} in one another", "$")
