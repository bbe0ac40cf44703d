"""A platform's side of a talk with an environment station: frames in, answers where one is wanted.

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
_WANTED: Final = 5
"""Flag of a request: edition 2017, an answer is wanted."""


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
        held, heard = self._rest + data, []
        while (at := held.find(b"##")) >= 0:
            self.junk += len(held[:at].strip(b"\r\n"))
            held = held[at:]
            if len(held) < _HEAD:
                break
            if not re.fullmatch(rb"\d{4}", held[2:_HEAD]):
                self.junk, held = self.junk + 1, held[1:]
                continue
            size = _HEAD + int(held[2:_HEAD]) + _CHECK
            if len(held) < size:
                break
            found = self._hear(held[:size])
            if found is None:
                self.junk, held = self.junk + 2, held[2:]
                continue
            heard.append(found)
            held = held[size:]
        else:
            self.junk += len(held[:-1].strip(b"\r\n"))
            held = held[-1:]
        self._rest = held[: hj212.FRAME_BYTES]
        return heard

    def tell(self, name: str, fields: Mapping[str, Any], *, now: int) -> Sequence[bytes]:
        """A request to the station.

        Args:
            name: its command code (CN), such as ``1011``.
            fields: the data area, item by item.
            now: the time (ns), which numbers the request (QN).

        Raises:
            BadInput: the code is no number, or the station has not spoken yet.
        """
        if not self._fields:
            raise BadInput("the station has not spoken yet, so nobody knows who it is")
        if not re.fullmatch(r"\d{4}", name):
            raise BadInput(f"{name!r} is no command code of four digits")
        at = datetime.fromtimestamp(now / 1e9, UTC).astimezone(BEIJING)
        qn = f"{at:%Y%m%d%H%M%S}{at.microsecond // 1000:03d}"
        said, body = self._fields, ";".join(f"{k}={v}" for k, v in fields.items())
        head = f"QN={qn};ST={said['ST']};CN={name};PW={said.get('PW', '')};MN={said['MN']}"
        return (hj212.encode(f"{head};Flag={_WANTED};CP=&&{body}&&"),)

    def _hear(self, frame: bytes) -> Heard | None:
        """What a frame says; None where its check is wrong."""
        answer = hj212.decode(frame)
        if not answer["ok"]:
            body = frame[_HEAD:-_CHECK]
            right = hj212.crc(body).encode() == frame[-_CHECK:].upper()
            return Heard(frame, "") if right else None
        fields = answer["fields"]
        name, secret = fields["MN"], fields.get("PW", "")
        if self._believed[:2] != (name, secret):
            self._believed = (name, secret, self._gate.admits(name, secret))
        trust = self._believed[2]
        if trust is None:
            told = hj212.request_answer(fields, result=_WRONG_PASSWORD)
            return Heard(b"", name, told, ends=True)
        self._fields = fields
        told = b""
        if answer["answer_wanted"] and not fields["CN"].startswith("9"):
            data = fields["CN"].startswith("20")
            told = hj212.data_answer(fields) if data else hj212.notification_answer(fields)
        return Heard(frame, name, told, trust)
