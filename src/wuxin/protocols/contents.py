"""Which messages have come before, told by their bytes: for protocols without a running number.

A device that was not answered sends the same bytes again, and a broker or a server brings them
again after a crash. When they came is left out of the comparison, as that is the carrier's word.
"""

import hashlib
import re
from typing import Final

from wuxin.terms.envelope import END, START

REMEMBERED: Final = 1 << 16
"""How many messages of a source are remembered, of those that came last."""

_BYTES: Final = 8
_RECEIVED: Final = re.compile(rb'"received":"[^"]*",?')


class Contents:
    """The messages of one source that came last, each by 8 bytes of its BLAKE2b hash."""

    def __init__(self) -> None:
        self._known: dict[bytes, None] = {}

    def repeated(self, message: bytes) -> bool:
        """Whether a message has come before; it is remembered from now on."""
        if message.startswith(START):
            line, end, payload = message.partition(END)
            message = _RECEIVED.sub(b"", line) + end + payload
        key = hashlib.blake2b(message, digest_size=_BYTES).digest()
        if key in self._known:
            return True
        self._known[key] = None
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
        return False

    def freeze(self) -> bytes:
        """All that is remembered, the oldest first."""
        return b"".join(self._known)

    def thaw(self, kept: bytes) -> None:
        """Take over what :meth:`freeze` gave."""
        parts = (kept[at : at + _BYTES] for at in range(0, len(kept), _BYTES))
        self._known = dict.fromkeys(parts)
