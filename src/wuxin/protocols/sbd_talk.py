"""The receiver's side of DirectIP: one message in a connection, confirmed once it is durable.

Source: Iridium Short Burst Data Service Developers Guide, DirectIP: MO message, confirmation.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from wuxin.protocols import sbd
from wuxin.terms.errors import BadInput
from wuxin.terms.ports import Gate, Heard


class Talk:
    """One connection of the gateway: a :class:`wuxin.terms.ports.Session`.

    ``junk`` counts the bytes of messages that are not kept. A message has no check, so one that
    cannot be understood may be cut or forged: it is refused, and the gateway has it still.
    """

    def __init__(self, gate: Gate) -> None:
        self.junk = 0
        self._gate = gate
        self._rest = b""

    def feed(self, data: bytes, now: int) -> Sequence[Heard]:
        """The message, once it is whole."""
        del now
        self._rest = (self._rest + data)[: sbd.FRAME_BYTES]
        if len(self._rest) < 3:
            return ()
        size = 3 + int.from_bytes(self._rest[1:3], "big")
        if self._rest[0] != sbd.REVISION:
            self.junk, self._rest = self.junk + len(self._rest), b""
            return (Heard(b"", "", sbd.confirmation(accepted=False), ends=True),)
        if len(self._rest) < size:
            return ()
        frame, self._rest = self._rest[:size], b""
        answer = sbd.decode(frame)
        device = str(answer.get("device", ""))
        trust = self._gate.admits(device, "") if device else None
        if not answer["ok"] or trust is None:
            self.junk += len(frame)
            return (Heard(b"", "", sbd.confirmation(accepted=False), ends=True),)
        return (Heard(frame, device, sbd.confirmation(accepted=True), trust, ends=True),)

    def tell(self, name: str, fields: Mapping[str, Any], *, now: int) -> Sequence[bytes]:
        """Nothing: messages to a device go by another connection, to the gateway.

        Raises:
            BadInput: always.
        """
        del fields, now
        raise BadInput(f"{name!r} cannot be sent on the connection of a received message")
