"""A platform's side of a talk with a vehicle, or with another platform that forwards its vehicles.

Source: GB/T 32960.3-2016 §6.3 and §7 (login, report, reissue, logout); GB/T 32960.3-2025 §6.3.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from wuxin.protocols.gb32960 import HEAD_BYTES, bcc, decode, platform_answer
from wuxin.terms.errors import BadInput
from wuxin.terms.ports import Gate, Heard, Trust

_STARTS: Final = (b"##", b"$$")
_ERROR: Final = 2
_LONGEST: Final = HEAD_BYTES + 65535 + 1
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
        held, heard = self._rest + data, []
        while len(held) > HEAD_BYTES:
            if held[:2] not in _STARTS:
                held = self._passed(held)
                continue
            size = HEAD_BYTES + int.from_bytes(held[22:24], "big") + 1
            if len(held) < size:
                break
            frame = held[:size]
            if bcc(frame[2:-1]) != frame[-1]:
                held = self._passed(held)
                continue
            held = held[size:]
            heard.append(self._hear(frame))
        self._rest = held[:_LONGEST]
        return heard

    def tell(self, name: str, fields: Mapping[str, Any], *, now: int) -> Sequence[bytes]:
        """Nothing yet: setting of parameters and control are not written.

        Raises:
            BadInput: always.
        """
        del fields, now
        raise BadInput(f"{name!r} cannot be sent: messages to vehicles are not supported")

    def _passed(self, held: bytes) -> bytes:
        """What is left from the next start of a frame on."""
        places = [at for start in _STARTS if (at := held.find(start, 1)) > 0]
        at = min(places, default=len(held) - 1)
        self.junk += at
        return held[at:]

    def _hear(self, frame: bytes) -> Heard:
        answer = decode(frame)
        device = answer.get("device") or frame[4:21].rstrip(b"\0 ").decode("ascii", "replace")
        if not answer["ok"]:
            refused = platform_answer(frame, response=_ERROR) if device.isascii() else b""
            return Heard(frame, device, refused)
        if frame[3] != 0xFE:
            return Heard(frame, device)  # it answers what the platform asked
        if answer["message"] == "platform_login":
            return self._login(frame, answer)
        trust = self._trust(device)
        if trust is None:
            return Heard(b"", device, platform_answer(frame, response=_ERROR), ends=True)
        ends = answer["message"] in {"logout", "platform_logout"} and self._platform is None
        believed = max(trust, self._platform or Trust.UNPROVEN)
        return Heard(frame, device, platform_answer(frame), believed, ends)

    def _login(self, frame: bytes, answer: Mapping[str, Any]) -> Heard:
        """The frame holds the password, so it is not kept."""
        said = answer["fields"]
        name, secret = str(said.get("username", "")), str(said.get("password", ""))
        self._platform = self._gate.admits(name, secret)
        response = _ERROR if self._platform is None else 1
        told = platform_answer(frame, response=response)
        return Heard(b"", name, told, ends=self._platform is None)

    def _trust(self, vin: str) -> Trust | None:
        if vin not in self._admitted:
            if len(self._admitted) >= _VEHICLES:
                self._admitted.clear()
            self._admitted[vin] = self._gate.admits(vin, "")
        return self._admitted[vin]
