"""A platform's side of a talk with a vehicle, or with another platform that forwards its vehicles.

Source: GB/T 32960.3-2016 §6.3 and §7 (login, report, reissue, logout); GB/T 32960.3-2025 §6.3.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from wuxin.protocols.gb32960 import COMMAND, HEAD_BYTES, bcc, decode, platform_answer
from wuxin.terms.errors import BadInput
from wuxin.terms.ports import Gate, Heard, Trust

_STARTS: Final = (b"##", b"$$")
_ERROR: Final = 2
_START: Final = re.compile(rb"##|\$\$")
_TRIES: Final = 8
"""Wrong checks after which what is held is given up: looking for a frame at each of its bytes
would cost the square of what a peer sends."""

_STRUCTURE: Final = 6
_VEHICLES: Final = 100_000
"""How many vehicles one platform's connection is remembered to have brought."""


class Talk:
    """One connection: a :class:`wuxin.terms.ports.Session`; ``junk`` counts bytes passed over."""

    def __init__(self, gate: Gate) -> None:
        self.junk = 0
        self._gate = gate
        self._rest = b""
        self._admitted: dict[str, Trust | None] = {}
        self._platform: Trust | None = None

    def feed(self, data: bytes, now: int) -> Sequence[Heard]:
        """What the peer says with these further bytes."""
        del now
        heard: list[Heard] = []
        held, at, wrong = self._rest + data, 0, 0
        while len(held) - at > HEAD_BYTES:
            if held[at : at + 2] not in _STARTS:
                at = self._passed(held, at)
                continue
            end = at + HEAD_BYTES + int.from_bytes(held[at + 22 : at + 24], "big") + 1
            if len(held) < end:
                break
            frame = held[at:end]
            if bcc(frame[2:-1]) == frame[-1]:
                at, wrong = end, 0
                heard += self._hear(frame)
                continue
            wrong += 1
            if wrong == _TRIES:
                self.junk += len(held) - at
                at = len(held)
            else:
                at = self._passed(held, at)
        self._rest = held[at:]
        return heard

    def tell(self, name: str, fields: Mapping[str, Any], *, now: int) -> Sequence[bytes]:
        """Nothing yet: setting of parameters and control are not written.

        Raises:
            BadInput: always.
        """
        del fields, now
        raise BadInput(f"{name!r} cannot be sent: messages to vehicles are not supported")

    def _passed(self, held: bytes, at: int) -> int:
        """Where the next frame may begin."""
        found = _START.search(held, at + 1)
        to = found.start() if found else len(held) - 1
        self.junk += to - at
        return to

    def _hear(self, frame: bytes) -> Sequence[Heard]:
        answer = decode(frame)
        vin = answer.get("device") or frame[4:21].rstrip(b"\0 ").decode("ascii", "replace")
        if not vin.isascii():
            self.junk += len(frame)
            return ()
        if answer["ok"] and answer["message"] == "platform_login" and frame[3] == COMMAND:
            return (self._login(frame, answer),)
        trust = self._trust(vin)
        if trust is None:
            return (Heard(b"", "", platform_answer(frame, response=_ERROR), ends=True),)
        believed = max(trust, self._platform or Trust.UNPROVEN)
        if frame[3] != COMMAND:  # it answers what the platform asked
            return (Heard(frame, vin, b"", believed),)
        if not answer["ok"]:
            wrong = _STRUCTURE if frame[:2] == b"$$" else _ERROR
            return (Heard(frame, vin, platform_answer(frame, response=wrong), believed),)
        ends = answer["message"] in {"logout", "platform_logout"} and self._platform is None
        return (Heard(frame, vin, platform_answer(frame), believed, ends),)

    def _login(self, frame: bytes, answer: Mapping[str, Any]) -> Heard:
        """The frame holds the password, so it is not kept."""
        said = answer["fields"]
        name, secret = str(said.get("username", "")), str(said.get("password", ""))
        self._platform = self._gate.admits(name, secret)
        response = _ERROR if self._platform is None else 1
        told = platform_answer(frame, response=response)
        if self._platform is None:
            return Heard(b"", "", told, ends=True)
        return Heard(b"", name, told, self._platform)

    def _trust(self, vin: str) -> Trust | None:
        if vin not in self._admitted:
            if len(self._admitted) >= _VEHICLES:
                self._admitted.clear()
            self._admitted[vin] = self._gate.admits(vin, "")
        return self._admitted[vin]
