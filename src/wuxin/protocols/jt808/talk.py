"""A platform's side of a talk with a terminal: who it is, what it says, what it is answered.

A terminal registers and gets a code, shows the code, and is listened to from then on. A message in
parts is one for the journal: its frames in order, once all are there.

Source: JT/T 808-2013 and -2019, connection and registration, general responses, sub-packages.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from wuxin.protocols.jt808 import answers
from wuxin.protocols.jt808.answers import Terminal
from wuxin.protocols.jt808.assembler import Assembler
from wuxin.protocols.jt808.decoder import Answer
from wuxin.protocols.jt808.frame import split
from wuxin.terms.clock import SECOND, iso
from wuxin.terms.errors import BadInput
from wuxin.terms.ports import Gate, Heard, Trust

_REGISTER: Final = 0x0100
_AUTHENTICATE: Final = 0x0102
_LOGOUT: Final = 0x0003
_ASK_TIME: Final = 0x0004
_PATIENCE: Final = 5 * SECOND
"""How long a missing part is waited for before it is asked for again."""

_MESSAGES: Final = 8
_BYTES: Final = 2 << 20
_WHOLE: Final = 600 * SECOND
"""After this a message in parts is given up, and a serial may mean another one."""


class Talk:
    """One terminal's connection: a :class:`wuxin.terms.ports.Session`.

    ``junk`` counts the bytes that were in no frame or in a frame whose check is wrong.
    """

    def __init__(self, gate: Gate) -> None:
        self.junk = 0
        self._gate = gate
        self._rest = b""
        self._serial = 0
        self._to: Terminal | None = None
        self._trust: Trust | None = None
        self._assembler = Assembler(messages=_MESSAGES, size=_BYTES)
        self._parts: dict[tuple[int, int], dict[int, bytes]] = {}
        self._asked: dict[int, int] = {}

    def feed(self, data: bytes, now: int) -> Sequence[Heard]:
        """What the terminal says with these further bytes."""
        cut = split(self._rest + data)
        self._rest = cut.rest
        self.junk += cut.junk
        heard = [one for frame in cut.frames for one in self._hear(frame, now)]
        return [*heard, *self._missing(now)]

    def tell(self, name: str, fields: Mapping[str, Any], *, now: int) -> Sequence[bytes]:
        """The frames of a platform's message, such as ``text`` or ``set_circles``.

        Raises:
            BadInput: there is no such message, its fields do not fit, or nobody is there yet.
        """
        del now
        if self._to is None or self._trust is None:
            raise BadInput("the terminal has not authenticated itself yet")
        found = answers.frames(name, fields, to=self._to, serial=self._serial)
        self._serial = (self._serial + len(found)) & 0xFFFF
        return found

    def _hear(self, frame: bytes, now: int) -> Sequence[Heard]:
        answer = self._assembler.take(frame, now)
        if "id" not in answer:
            self.junk += len(frame)
            return ()
        to, number, phone = answers.sender(answer), int(answer["id"], 16), answer["phone"]
        if self._to is not None and self._to.phone != to.phone:
            self._trust = None  # another terminal on the same line has to show its own code
        self._to = to
        if number == _REGISTER and answer["ok"]:
            return (self._register(answer, frame),)
        if number == _AUTHENTICATE and answer["ok"]:
            return (self._authenticate(answer),)
        if self._trust is None:
            refusal = answers.general(answer, serial=self._next(), result="failure")
            return (Heard(b"", phone, refusal),)
        message = self._whole(answer, frame)
        if message is None:
            return ()
        if number == _ASK_TIME:
            reply = answers.server_time(answer, serial=self._next(), now=iso(now))
        else:
            reply = answers.reply(answer, serial=self._next()) or b""
        return (Heard(message, phone, reply, self._trust, ends=number == _LOGOUT),)

    def _register(self, answer: Answer, frame: bytes) -> Heard:
        code, phone = self._gate.code(answer["phone"]), answer["phone"]
        if code is None:
            told = answers.registered(answer, serial=self._next(), result="no_such_terminal")
            return Heard(b"", phone, told)
        return Heard(frame, phone, answers.registered(answer, serial=self._next(), auth_code=code))

    def _authenticate(self, answer: Answer) -> Heard:
        """The frame holds the code, so it is not kept."""
        self._trust = self._gate.admits(answer["phone"], answer["fields"]["auth_code"])
        result = "failure" if self._trust is None else "success"
        told = answers.general(answer, serial=self._next(), result=result)
        return Heard(b"", answer["phone"], told)

    def _whole(self, answer: Answer, frame: bytes) -> bytes | None:
        """What the journal keeps: the frame, or all frames of a message in parts; None: not yet."""
        part = answer.get("part")
        if part is None and "parts" not in answer:
            return frame
        if answer.get("joined"):
            return b""
        if part is not None:
            first = (answer["serial"] - part["index"] + 1) & 0xFFFF
            self._parts.setdefault((first, part["total"]), {})[part["index"]] = frame
            while len(self._parts) > _MESSAGES:
                del self._parts[next(iter(self._parts))]
            return None
        known = self._parts.pop((answer["serial"], answer["parts"]), {})
        last = {*range(1, answer["parts"] + 1)} - {*known}
        known |= dict.fromkeys(last, frame)
        return b"".join(known[k] for k in sorted(known))

    def _missing(self, now: int) -> Sequence[Heard]:
        """Requests for parts that did not come, each again after as long as the first."""
        if not self._parts or self._to is None:
            return ()
        found = []
        for lost in self._assembler.missing(now - _PATIENCE):
            if now - self._asked.get(lost.original_serial, 0) >= _PATIENCE:
                self._asked[lost.original_serial] = now
                ask = answers.resend(
                    self._to, original_serial=lost.original_serial, parts=lost.parts,
                    serial=self._next(),
                )  # fmt: skip
                found.append(Heard(b"", lost.phone, ask))
        if self._assembler.forget(now - _WHOLE):
            self._parts.clear()
            self._asked.clear()
        return found

    def _next(self) -> int:
        serial, self._serial = self._serial, (self._serial + 1) & 0xFFFF
        return serial
