"""Sub-packages: parts of a message joined in whatever order they come, within bounds.

Source: JT/T 808-2013 and -2019, sub-package fields of the header and message 0x8003.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from wuxin.protocols.jt808.decoder import Answer, Opened, of_body, of_frame, opened
from wuxin.protocols.jt808.header import Header

PARTS: Final = 4096
"""Most parts of one message: 4 MB, more than any picture that a terminal takes."""


_OVERHEAD: Final = 64
"""Bytes that a part costs besides its body, so that empty ones are not free."""


class _Key(NamedTuple):
    phone: str
    message_id: int
    total: int
    first: int
    """The serial of the first part: parts have consecutive serials."""


class Missing(NamedTuple):
    """What 0x8003 has to ask for again."""

    phone: str
    version: str
    original_serial: int
    parts: list[int]


@dataclass
class _Open:
    header: Header
    since_ns: int
    parts: dict[int, bytes] = field(default_factory=dict)
    frames: dict[int, bytes] = field(default_factory=dict)
    size: int = 0


@dataclass
class _Done:
    at_ns: int
    bodies: dict[int, bytes]
    """Index to the digest of the part, by which a repetition is told from a new message."""


class Assembler:
    """Joins the parts of messages; holds at most so many messages and bytes.

    It is all state and no clock: every call says what time it is. What it gives up is counted in
    `given_up`, oldest first. ``for_answers`` it holds the frames beside the bodies, ``joined`` has
    those of the message that the last call made whole, one after the other, and frames that are
    whole are decoded without readings.
    """

    def __init__(
        self, *, messages: int = 64, size: int = 8 << 20, for_answers: bool = False
    ) -> None:
        self.messages, self.size = messages, size
        self.joined = b""
        self._keeps = for_answers
        self.held = 0
        self.given_up = 0
        self._open: dict[_Key, _Open] = {}
        self._done: dict[_Key, _Done] = {}

    def take(self, frame: bytes, now_ns: int) -> Answer:
        """Decode a frame as `decode` does; the last missing part gives the whole message.

        A part that came already changes nothing; one of a message that is whole already says
        ``joined``. The whole has the header of the first part and ``parts``, the number joined.
        """
        found = opened(frame)
        return found if isinstance(found, dict) else self.join(found, now_ns)

    def join(self, found: Opened, now_ns: int) -> Answer:
        """As `take`, for a frame that has been opened."""
        self.joined = b""
        answer = of_frame(found, readings=not self._keeps)
        head = found.header
        if not head.total or not answer["ok"]:
            return answer
        if head.total > PARTS:
            error = f"{head.total} parts are more than the {PARTS} that are joined"
            about = {name: answer[name] for name in ("message", "id", "version", "phone", "serial")}
            return {"ok": False, "error": error, "at": "header", **about}
        whole = self._put(found, now_ns)
        if whole is None or "joined" in whole:
            return answer | (whole or {})
        return whole

    def _put(self, found: Opened, now_ns: int) -> Answer | None:
        head, body = found.header, found.message[found.start :]
        first = (head.serial - head.part + 1) & 0xFFFF
        key = _Key(head.phone, head.message_id, head.total, first)
        done = self._done.get(key)
        if done and done.bodies[head.part] == _digest(body):
            return {"joined": True}
        one = self._open.setdefault(key, _Open(head, now_ns))
        if one.parts.get(head.part, body) != body:  # the serials are those of a newer message
            self._close(key)
            self.given_up += 1
            one = self._open.setdefault(key, _Open(head, now_ns))
        if head.part not in one.parts:
            one.parts[head.part] = body
            size = len(body) + _OVERHEAD
            if self._keeps:
                one.frames[head.part] = found.raw
                size += len(found.raw)
            one.size += size
            self.held += size
        if len(one.parts) < head.total:
            while len(self._open) > self.messages or self.held > self.size:
                self._close(next(iter(self._open)))
                self.given_up += 1
            return None
        self._close(key)
        self._done.pop(key, None)
        self._done[key] = _Done(now_ns, {n: _digest(part) for n, part in one.parts.items()})
        if len(self._done) > self.messages:
            del self._done[next(iter(self._done))]
        head = one.header._replace(serial=first, total=0, part=0)
        self.joined = b"".join(frame for _, frame in sorted(one.frames.items()))
        joined = b"".join(one.parts[n] for n in range(1, key.total + 1))
        return of_body(head, joined) | {"parts": key.total}

    def _close(self, key: _Key) -> None:
        self.held -= self._open.pop(key).size

    def missing(self, before_ns: int) -> list[Missing]:
        """What is still missing of messages whose first part came before a time."""
        return [
            Missing(
                key.phone,
                one.header.version,
                key.first,
                [index for index in range(1, key.total + 1) if index not in one.parts],
            )
            for key, one in self._open.items()
            if one.since_ns < before_ns
        ]

    def forget(self, before_ns: int) -> int:
        """Give up messages whose first part came before a time; returns how many.

        Messages that became whole before it are forgotten too, so that a terminal that has started
        again may use their serials.
        """
        for key in [key for key, done in self._done.items() if done.at_ns < before_ns]:
            del self._done[key]
        old = [key for key, one in self._open.items() if one.since_ns < before_ns]
        for key in old:
            self._close(key)
        self.given_up += len(old)
        return len(old)


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=8).digest()
