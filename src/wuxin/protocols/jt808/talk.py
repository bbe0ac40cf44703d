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
from wuxin.protocols.jt808.decoder import Answer, of_frame, opened
from wuxin.protocols.jt808.frame import split
from wuxin.terms.clock import SECOND, iso
from wuxin.terms.errors import BadInput
from wuxin.terms.ports import Gate, Heard, Trust

_REGISTER: Final = 0x0100
_AUTHENTICATE: Final = 0x0102
_LOGOUT: Final = 0x0003
_ASK_TIME: Final = 0x0004
_SHORTEST: Final = 1 + 12 + 1 + 1
"""Bytes of the shortest frame: flags, header, check. What is less is passed over without a look."""

_PATIENCE: Final = 5 * SECOND
"""How long a missing part is waited for before it is asked for again."""

_MESSAGES: Final = 8
_BYTES: Final = 4 << 20
"""What the parts of a terminal's messages may take until they are whole: frames and bodies."""

_WHOLE: Final = 600 * SECOND
"""After this a message in parts is given up, and a serial may mean another one."""

_REPEATED: Final = ("multimedia_id", "file", "file_type")
"""The fields of a message that its own kind of answer repeats."""


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
        self._assembler = _assembler()
        self._wholes: dict[tuple[int, int], Answer] = {}
        self._asked: dict[int, int] = {}
        self._looked = 0

    def feed(self, data: bytes, now: int) -> Sequence[Heard]:
        """What the terminal says with these further bytes."""
        cut = split(self._rest + data)
        self._rest = cut.rest
        self.junk += cut.junk
        heard = [one for frame in cut.frames for one in self._hear(frame, now)]
        if self._assembler.held and now - self._looked >= SECOND:
            self._looked = now
            heard += self._missing(now)
        return heard

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
        found = opened(frame) if len(frame) >= _SHORTEST else {}
        if isinstance(found, dict):
            self.junk += len(frame)
            return ()
        head = found.header
        if self._to is not None and self._to.phone != head.phone:
            # Another terminal on the same line has to show its own code.
            self._trust, self._assembler = None, _assembler()
            self._wholes.clear()
        self._to = Terminal(head.phone, head.version)
        if head.message_id in {_REGISTER, _AUTHENTICATE} or self._trust is None:
            return (self._enter(of_frame(found), frame),)
        answer = self._assembler.join(found, now)
        if "part" in answer:
            return self._again(answer)
        if head.message_id == _ASK_TIME:
            reply = answers.server_time(answer, serial=self._next(), now=iso(now))
        else:
            reply = answers.reply(answer, serial=self._next()) or b""
        if "parts" in answer:
            self._remember(answer)
        ends = head.message_id == _LOGOUT and answer["ok"]
        message = self._assembler.joined or frame
        return (Heard(message, head.phone, reply, self._trust, ends),)

    def _enter(self, answer: Answer, frame: bytes) -> Heard:
        """Registration, authentication, and the answer to who says something else before them."""
        if answer["ok"] and "part" not in answer:
            if answer["message"] == "register":
                return self._register(answer, frame)
            if answer["message"] == "authenticate":
                return self._authenticate(answer)
        # Nothing is kept, not even parts: whoever is not known takes no memory.
        return Heard(b"", "", answers.reply(answer, serial=self._next(), stored=False) or b"")

    def _register(self, answer: Answer, frame: bytes) -> Heard:
        code, phone = self._gate.code(answer["phone"]), answer["phone"]
        if code is None:
            told = answers.registered(answer, serial=self._next(), result="no_such_terminal")
            return Heard(b"", "", told)
        return Heard(frame, phone, answers.registered(answer, serial=self._next(), auth_code=code))

    def _authenticate(self, answer: Answer) -> Heard:
        """The frame holds the code, so it is not kept."""
        phone = answer["phone"]
        self._trust = self._gate.admits(phone, answer["fields"]["auth_code"])
        if self._trust is None:
            return Heard(b"", "", answers.general(answer, serial=self._next(), result="failure"))
        return Heard(b"", phone, answers.general(answer, serial=self._next()), self._trust)

    def _again(self, answer: Answer) -> Sequence[Heard]:
        """A part of a message that is not whole yet, or was whole already and is sent again.

        The last part asks for the answer that the whole got; the others ask for none.
        """
        part = answer["part"]
        first = (answer["serial"] - part["index"] + 1) & 0xFFFF
        whole = self._wholes.get((first, part["total"]))
        if not answer.get("joined") or whole is None or part["index"] < part["total"]:
            return ()
        reply = answers.reply(whole, serial=self._next()) or b""
        return (Heard(b"", answer["phone"], reply, self._trust or Trust.UNPROVEN),)

    def _remember(self, answer: Answer) -> None:
        """Keep of a whole message what its answer needs."""
        fields = answer.get("fields", {})
        kept = {name: value for name, value in answer.items() if name not in {"fields", "readings"}}
        key = (answer["serial"], answer["parts"])
        self._wholes.pop(key, None)
        self._wholes[key] = kept | {"fields": {k: fields[k] for k in _REPEATED if k in fields}}
        if len(self._wholes) > _MESSAGES:
            del self._wholes[next(iter(self._wholes))]

    def _missing(self, now: int) -> Sequence[Heard]:
        """Requests for parts that did not come, each again after as long as the first."""
        if self._to is None:
            return ()
        self._assembler.forget(now - _WHOLE)
        found, asked = [], {}
        for lost in self._assembler.missing(now - _PATIENCE):
            last = self._asked.get(lost.original_serial, now - _PATIENCE)
            asked[lost.original_serial] = last
            if now - last >= _PATIENCE:
                asked[lost.original_serial] = now
                ask = answers.resend(
                    self._to, original_serial=lost.original_serial, parts=lost.parts,
                    serial=self._next(),
                )  # fmt: skip
                found.append(Heard(b"", lost.phone, ask))
        self._asked = asked
        return found

    def _next(self) -> int:
        serial, self._serial = self._serial, (self._serial + 1) & 0xFFFF
        return serial


def _assembler() -> Assembler:
    return Assembler(messages=_MESSAGES, size=_BYTES, for_answers=True)
