"""A platform's side of a talk with an environment station: frames in, answers where one is wanted.

Data (commands 20xx) are answered by 9014, other notifications by 9013. That follows from the names
of the two commands and from published frames; which of the two some uploads of 30xx want, and
whether the heartbeat of 2025 (9015) wants 9013 where its Flag asks for an answer, is not confirmed
against the standard's text. Of a data area under SM4 the check cannot be made without the
station's key, which no session holds: such a frame counts as junk.

Source: HJ 212-2017 §6.4 (handshake: 9011 to 9014) and Annex B (results of a request).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from wuxin.protocols import hj212
from wuxin.protocols.octets import BEIJING
from wuxin.terms.errors import BadInput
from wuxin.terms.ports import Gate, Heard, Trust

_HEAD: Final = 6
_CHECK: Final = 4
_WRONG_PASSWORD: Final = 3
_WANTED: Final = 1
"""Bit 0 of Flag: an answer is wanted."""

_EDITION: Final = 0b11111100
_TRIES: Final = 8
"""Wrong checks after which what is held is given up: looking for a frame at each of its bytes
would cost the square of what a peer sends."""

_LENGTH: Final = re.compile(rb"\d{4}")
_CRC: Final = re.compile(rb"[0-9A-Fa-f]{4}")
_LONGEST: Final = 9999
_RESERVED: Final = re.compile(r"[;,=&\r\n]")


class Talk:
    """One station's connection: a :class:`wuxin.terms.ports.Session`.

    ``junk`` counts the bytes that were in no frame or in a frame whose check is wrong.
    """

    def __init__(self, gate: Gate) -> None:
        self.junk = 0
        self._gate = gate
        self._rest = b""
        self._fields: dict[str, Any] = {}
        self._believed: tuple[str, str, Trust | None] = ("", "", None)

    def feed(self, data: bytes, now: int) -> Sequence[Heard]:
        """What the station says with these further bytes."""
        del now
        heard: list[Heard] = []
        held, at, wrong = self._rest + data, 0, 0
        while (start := held.find(b"##", at)) >= 0:
            self.junk += len(held[at:start].strip(b"\r\n"))
            at = start
            if len(held) < at + _HEAD:
                break
            if not _LENGTH.fullmatch(held, at + 2, at + _HEAD):
                self.junk, at = self.junk + 1, at + 1
                continue
            end = at + _HEAD + int(held[at + 2 : at + _HEAD]) + _CHECK
            if len(held) < end:
                break
            if not _CRC.fullmatch(held, end - _CHECK, end):
                self.junk, at = self.junk + 2, at + 2
                continue
            found = self._hear(held[at:end])
            if found is not None:
                at, wrong = end, 0
                heard += found
                continue
            wrong += 1
            passed = 2 if wrong < _TRIES else len(held) - at
            self.junk, at = self.junk + passed, at + passed
        else:
            self.junk += len(held[at:-1].strip(b"\r\n"))
            at = max(at, len(held) - 1)
        self._rest = held[at:]
        return heard

    def tell(self, name: str, fields: Mapping[str, Any], *, now: int) -> Sequence[bytes]:
        """A request to the station.

        Args:
            name: its command code (CN), such as ``1011``.
            fields: the data area, item by item.
            now: the time (ns), which numbers the request (QN).

        Raises:
            BadInput: the code is no number, the fields do not fit in a data area, or the station
                has not spoken yet.
        """
        if not self._fields:
            raise BadInput("the station has not spoken yet, so nobody knows who it is")
        if not _LENGTH.fullmatch(name.encode()):
            raise BadInput(f"{name!r} is no command code of four digits")
        for part in (text for item in fields.items() for text in map(str, item)):
            if _RESERVED.search(part):
                raise BadInput(f"{part!r} cannot stand in a data area")
        at = datetime.fromtimestamp(now / 1e9, UTC).astimezone(BEIJING)
        qn = f"{at:%Y%m%d%H%M%S}{at.microsecond // 1000:03d}"
        said, body = self._fields, ";".join(f"{k}={v}" for k, v in fields.items())
        flag = int(said.get("Flag", "0")) & _EDITION | _WANTED
        head = f"QN={qn};ST={said['ST']};CN={name};PW={said.get('PW', '')};MN={said['MN']}"
        segment = f"{head};Flag={flag};CP=&&{body}&&"
        if len(segment.encode("gb18030", "replace")) > _LONGEST:
            raise BadInput(f"the data area is longer than a segment of {_LONGEST} bytes holds")
        return (hj212.encode(segment),)

    def _hear(self, frame: bytes) -> Sequence[Heard] | None:
        """What a frame says; None where its check is wrong."""
        answer = hj212.decode(frame)
        if not answer["ok"]:
            return self._not_understood(frame)
        fields = answer["fields"]
        name, secret = fields["MN"], fields.get("PW", "")
        if self._believed[:2] != (name, secret):
            self._believed = (name, secret, self._gate.admits(name, secret))
        trust = self._believed[2]
        if trust is None:
            told = hj212.request_answer(fields, result=_WRONG_PASSWORD)
            return (Heard(b"", "", told, ends=True),)
        self._fields = fields
        told = b""
        if answer["answer_wanted"] and not fields["CN"].startswith("9"):
            data = fields["CN"].startswith("20")
            told = hj212.data_answer(fields) if data else hj212.notification_answer(fields)
        return (Heard(frame, name, told, trust),)

    def _not_understood(self, frame: bytes) -> Sequence[Heard] | None:
        """Keep a frame with a right check, of a station that has been let in before."""
        if hj212.crc(frame[_HEAD:-_CHECK]).encode() != frame[-_CHECK:].upper():
            return None
        name, _, trust = self._believed
        if trust is None:
            self.junk += len(frame)
            return ()
        return (Heard(frame, name, b"", trust),)
