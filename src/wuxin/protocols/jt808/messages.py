"""All messages by id: the standard's name in English, and the layout of the body."""

from typing import Any, Final

from wuxin.protocols.jt808 import (
    areas,
    attachments,
    commands,
    data,
    jt1078,
    location,
    media,
    parameters,
    session,
)  # fmt: skip

MESSAGES: Final[dict[int, tuple[str, Any]]] = {
    **session.MESSAGES, **parameters.MESSAGES, **location.MESSAGES, **commands.MESSAGES,
    **areas.MESSAGES, **media.MESSAGES, **data.MESSAGES, **jt1078.MESSAGES,
    **attachments.MESSAGES,
}  # fmt: skip
"""Message id to name and layout."""

IDS: Final = {name: number for number, (name, _) in MESSAGES.items()}
"""Name to message id."""
