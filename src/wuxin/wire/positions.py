"""Where each of several peers of one source stood, as the one position that the journal keeps."""

from collections.abc import Mapping

import msgspec


def read(position: str) -> dict[str, str]:
    """Where each peer stood, by name; nothing where that is not known."""
    try:
        return msgspec.json.decode(position, type=dict[str, str])
    except msgspec.DecodeError:
        return {}


def written(stood: Mapping[str, str], name: str, *, now: str) -> str:
    """The position once one of the peers stands elsewhere; an empty ``now`` is no news of it."""
    return msgspec.json.encode({**stood, name: now} if now else stood).decode()
