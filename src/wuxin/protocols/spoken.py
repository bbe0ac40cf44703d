"""Batches of any protocol's messages → columns, by the protocol's own ``decode``, one by one.

What :mod:`wuxin.protocols.native_batch` does for Wuxin's own frame at the speed of a machine, this
does for every other: 20 to 500 microseconds a message, as its decoder takes.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from wuxin.protocols.contents import Contents
from wuxin.protocols.native_batch import Messages
from wuxin.protocols.registered import Register
from wuxin.terms.clock import moment
from wuxin.terms.errors import BadInput
from wuxin.terms.goods import GoodsPart, GoodsTold
from wuxin.terms.interned import Interned, hashed
from wuxin.terms.names import thing_key
from wuxin.terms.records import NO_SEQUENCE, REPEATED
from wuxin.terms.units import inward

LOT: Final = "epc:"
"""Before the number of a lot, where the register of devices binds it to a thing."""

Goods = Callable[[Mapping[str, Any]], list[GoodsTold]]


class Spelling(NamedTuple):
    """How a source's words are those of its pack.

    ``indicators`` gives the pack's name for a protocol's; one that is in neither is left in the
    journal. ``kinds`` gives the pack's kind for a protocol's (``evse`` → ``charger``); the empty
    name is for a device's plain number. ``units`` has the unit inside of each of the pack's
    indicators, empty for one that is quoted in a unit of its own.
    """

    units: Mapping[str, str]
    indicators: Mapping[str, str] = {}
    kinds: Mapping[str, str] = {}


class Decoder:
    """Decodes the messages of one source.

    Args:
        decode: the protocol's decoder of one message.
        spelling: how its words are those of the pack.
        register: which devices may speak, of which things, and with which keys they sign.
        signer: the device by whose key a message has to be signed; None: nobody signs.
        goods: what a message tells about goods that are traded; None: it tells nothing.

    ``contents`` remembers which messages without a running number have come; a repeat is marked.
    """

    def __init__(
        self, decode: Callable[..., dict[str, Any]], spelling: Spelling, *, register: Register,
        signer: Callable[[bytes], str] | None = None, goods: Goods | None = None,
    ) -> None:  # fmt: skip
        self.names = list(spelling.units)
        self.devices = Interned()
        self.contents = Contents()
        self._decode, self._spelling = decode, spelling
        self._register, self._signer = register, signer
        self._goods, self._told = goods, list[tuple[int, GoodsTold]]()
        self._numbers = {name: i for i, name in enumerate(self.names)}

    def decode(self, payload: bytes, ends: NDArray[np.int32]) -> Messages:
        """Decode the messages that end at ``ends`` (m); what cannot be read is refused.

        A message that tells of several things or times gives a row of ``head`` for each.
        """
        found = _Found()
        begin = 0
        for i, end in enumerate(ends.tolist()):
            message, begin = payload[begin:end], end
            speaker = self._signer(message) if self._signer is not None else ""
            key = self._register.public_key(speaker) if speaker else None
            answer = self._decode(message, public_key=key) if key else self._decode(message)
            self._take(answer, found, line=i, said=(message, speaker))
        return found.messages()

    def goods(self) -> list[tuple[int, GoodsTold]]:
        """What the messages that were decoded last tell about goods, with the number of each."""
        told, self._told = self._told, []
        return told

    def _hear_goods(
        self, answer: Mapping[str, Any], device: str, *, found: "_Found", line: int
    ) -> None:
        events = self._goods(answer) if self._goods is not None else []
        why = self._register.refuses(device) if events else ""
        if why:
            found.refused.append((line, why))
            return
        for event in events:
            parts = {name: tuple(self._bound(part, event.at) for part in getattr(event, name))
                     for name in ("inputs", "outputs")}  # fmt: skip
            self._told.append((line, msgspec.structs.replace(event, **parts)))

    def _bound(self, part: GoodsPart, at: int) -> GoodsPart:
        """A lot by the thing to which its number is bound, if it is."""
        thing = self._register.thing_of(f"{LOT}{part.lot}", at)
        return part if thing is None else msgspec.structs.replace(part, lot=thing)

    def _take(
        self, answer: Mapping[str, Any], found: "_Found", *, line: int, said: tuple[bytes, str],
    ) -> None:  # fmt: skip
        if not answer["ok"]:
            found.refused.append((line, f"{answer['error']} at {answer['at']}"))
            return
        message, speaker = said
        device = str(answer.get("device") or answer.get("phone") or "")
        self._hear_goods(answer, speaker or device, found=found, line=line)
        told: dict[tuple[int, int], dict[int, float]] = {}
        for reading in answer["readings"]:
            name = self._spelling.indicators.get(reading["indicator"], reading["indicator"])
            number = self._numbers.get(name)
            if number is None:
                continue
            try:
                at = _time(reading.get("time") or answer.get("time"))
                named = str(reading.get("thing") or device)
                thing = self._thing(speaker or device, named, at=at)
                factor, offset = inward(reading.get("unit") or "", self._spelling.units[name])
                value = float(reading["value"]) * factor + offset
            except (BadInput, OverflowError) as wrong:
                found.refused.append((line, f"{wrong} (indicator {name})"))
                continue
            told.setdefault((thing, at), {})[number] = value
        boot = int(hashed(np.frombuffer(str(answer.get("boot", "")).encode(), np.uint8)))
        seq = answer.get("seq", NO_SEQUENCE)
        if len(told) > 1:  # the number is that of the message, not of its parts
            seq = NO_SEQUENCE
        if seq < 0 and told and self.contents.repeated(message):
            seq = REPEATED
        for (thing, at), values in told.items():
            found.head.append((thing, at, _signed(boot) if seq >= 0 else 0, seq, 0, 0))
            found.line.append(line)
            found.signed.append(answer.get("signed", False))
            found.sizes.append(len(values))
            found.indicator += values.keys()
            found.value += values.values()

    def _thing(self, device: str, said: str, *, at: int) -> int:
        """The number of the thing that is meant.

        Raises:
            BadInput: nobody has said which thing it is, or the device is not listened to.
        """
        why = self._register.refuses(device, said)
        if why:
            raise BadInput(why)
        key = self._register.thing_of(said, at)
        if key is None:
            kind, colon, ident = said.partition(":")
            kind, ident = (kind, ident) if colon else ("", said)
            kind = self._spelling.kinds.get(kind, kind)
            if not (kind and ident):
                raise BadInput(f"device {device!r} is not bound to a thing")
            key = f"{kind}:{ident}"
        name = str(thing_key(key)).encode()
        number = self.devices.number(name)
        return self.devices.add(name) if number < 0 else number


class _Found:
    """What is gathered of a batch."""

    def __init__(self) -> None:
        self.head: list[tuple[int, ...]] = []
        self.line: list[int] = []
        self.signed: list[bool] = []
        self.sizes: list[int] = []
        self.indicator: list[int] = []
        self.value: list[float] = []
        self.refused: list[tuple[int, str]] = []

    def messages(self) -> Messages:
        return Messages(
            np.array(self.head, np.int64).reshape(-1, 6),
            np.array(self.line, np.int32),
            np.concatenate([[0], np.cumsum(self.sizes)]).astype(np.int32),
            np.array(self.indicator, np.int32),
            np.array(self.value, np.float64),
            self.refused,
            np.array(self.signed, bool),
        )


def _time(text: str | None) -> int:
    if not text:
        raise BadInput("there is no time at which it was measured")
    return moment(text)


def _signed(number: int) -> int:
    return number - (1 << 64) if number >= 1 << 63 else number
