"""Wuxin's own frames against the register of devices: who may speak, and of which thing.

Frames name their device as a thing (``kind:id``). One that is registered may be bound to another
thing, as a box that hangs on one lot today and on another tomorrow; most name their own thing and
are registered under it, or not at all. What the register says of a device is kept in columns, so
that a batch costs some array operations; only what was measured before a device was bound to its
present thing is looked up one by one.
"""

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from wuxin.protocols.native_batch import Decoder, Messages

_REFUSED: Final = -1


class Register(Protocol):
    """What a decoder asks of the register of its source's devices.

    ``version`` is another number whenever what it answers may be different from before.
    """

    version: int

    def refuses(self, *names: str) -> str:
        """Why a device is not listened to; empty if it is.

        The first of the names decides that is registered: the speaker, then of whom it speaks.
        """
        ...

    def thing_of(self, name: str, at: int) -> str | None:
        """The thing (``kind:id``) that a device was bound to at an event time (ns), if it was."""
        ...

    def bound_since(self, name: str) -> tuple[int, str] | None:
        """From when on (ns) a device is bound to its present thing, and which that is."""
        ...

    def public_key(self, name: str) -> bytes | None:
        """The public key (PEM) by which a device signs, if it is known."""
        ...


class Registered:
    """A decoder of Wuxin's own frames, whose answers are held against the register.

    ``devices`` has the names of things by the decoder's number, also of those to which devices are
    bound.
    """

    def __init__(self, decoder: Decoder, register: Register) -> None:
        self.names, self.devices = decoder.names, decoder.devices
        self._decoder, self._register = decoder, register
        self._version = register.version
        self._since, self._thing = np.empty(0, np.int64), np.empty(0, np.int64)

    def decode(self, payload: bytes, ends: NDArray[np.int32]) -> Messages:
        """Decode the messages that end at ``ends`` (m); whoever may not speak is refused."""
        found = self._decoder.decode(payload, ends)
        if not self._register.version:
            return found  # nobody is registered, and nobody has to be
        self._learn()
        spoke = found.thing
        thing = self._thing[spoke]
        earlier = np.flatnonzero((found.head[:, 1] < self._since[spoke]) & (thing != _REFUSED))
        for i in earlier.tolist():
            thing[i] = self._bound_at(int(spoke[i]), at=int(found.head[i, 1]))
        refused = np.flatnonzero(thing == _REFUSED)
        found.refused += [(int(found.line[i]), self._why(int(spoke[i]))) for i in refused.tolist()]
        found.head[:, 0] = thing
        return _without(found, refused) if len(refused) else found

    def _learn(self) -> None:
        """Ask the register about the devices that are new here; about all if it has changed."""
        if self._version != self._register.version:
            self._version = self._register.version
            self._since, self._thing = self._since[:0], self._thing[:0]
        first, count = len(self._thing), len(self.devices)
        if first == count:
            return
        since, thing = np.zeros(count - first, np.int64), np.arange(first, count)
        for number in range(first, count):
            name = self.devices.name(number).decode()
            if self._register.refuses(name):
                thing[number - first] = _REFUSED
            elif (bound := self._register.bound_since(name)) is not None:
                since[number - first], thing[number - first] = bound[0], self._number(bound[1])
        self._since = np.concatenate([self._since, since])
        self._thing = np.concatenate([self._thing, thing])

    def _bound_at(self, device: int, *, at: int) -> int:
        thing = self._register.thing_of(self.devices.name(device).decode(), at)
        return _REFUSED if thing is None else self._number(thing)

    def _number(self, thing: str) -> int:
        name = thing.encode()
        number = self.devices.number(name)
        return self.devices.add(name) if number < 0 else number

    def _why(self, device: int) -> str:
        name = self.devices.name(device).decode()
        return self._register.refuses(name) or f"device {name!r} was bound to nothing then"


def _without(found: Messages, refused: NDArray[np.int64]) -> Messages:
    """The messages without some of them."""
    kept = np.ones(len(found.line), bool)
    kept[refused] = False
    sizes = np.diff(found.start)
    readings = np.repeat(kept, sizes)
    n = len(readings)
    return Messages(
        found.head[kept],
        found.line[kept],
        np.concatenate([[0], np.cumsum(sizes[kept])]).astype(np.int32),
        found.indicator[:n][readings],
        found.value[:n][readings],
        found.refused,
    )
