"""Batches of Wuxin's own frames → columns: the quick reader first, the exact decoder for the rest.

A payload holds messages one after the other; ``ends`` says where each ends. Things and indicators
are numbered as the decoder first meets them; what it remembers of them changes no answer.
"""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wuxin.protocols import native
from wuxin.protocols.native_scan import DECLINED, UNKNOWN, Found, scan
from wuxin.terms.clock import moment
from wuxin.terms.errors import BadInput
from wuxin.terms.interned import Interned, hashed
from wuxin.terms.names import thing_key
from wuxin.terms.units import inward

PROTOCOL: Final = "wuxin"
_SHORTEST: Final = len(b'"a":0,')
_WORTH_A_THREAD: Final = 2000


@dataclass(slots=True)
class Messages:
    """Messages (m) with their readings (n), in the order of the payload.

    ``head`` (m, 6) holds the decoder's number of the thing, event time (ns), hash of the boot id,
    sequence number, and two places for references; ``line`` the number of the message in its
    payload; ``refused`` what was not understood, as (message, reason); ``signed`` (m) which
    messages their device has signed itself, none where nobody can.
    """

    head: NDArray[np.int64]
    line: NDArray[np.int32]
    start: NDArray[np.int32]
    indicator: NDArray[np.int32]
    value: NDArray[np.float64]
    refused: list[tuple[int, str]] = field(default_factory=list)
    signed: NDArray[np.bool_] | None = None

    @property
    def thing(self) -> NDArray[np.int64]:
        """The decoder's number of each message's thing (m)."""
        return self.head[:, 0]


class Decoder:
    """Decodes the messages of one source.

    Args:
        units: by the name of each indicator that may be reported, its unit inside (SI); empty for
            one that is quoted in a unit of its own, which is kept.
        threads: runs the parts of a large batch at the same time; None: one after the other.
        parts: into how many parts a large batch is cut.

    ``devices`` has the names (``kind:id``) of the things that reported, by the decoder's number.
    """

    def __init__(
        self, units: Mapping[str, str], *, threads: Executor | None = None, parts: int = 1
    ) -> None:
        self.names = list(units)
        self._units = dict(units)
        self._threads, self._parts = threads, parts
        self._numbers = {name: i for i, name in enumerate(self.names)}
        self._indicators = Interned()
        for name in self.names:
            self._indicators.add(name.encode())
        self.devices = Interned()
        self._rooms = [_room(0, 0) for _ in range(parts)]

    def decode(self, payload: bytes, ends: NDArray[np.int32]) -> Messages:
        """Decode the messages that end at ``ends`` (m); what cannot be read is refused.

        Where ``ends`` do not take the payload apart into messages, the whole of it is.
        """
        data = np.frombuffer(payload, np.uint8)
        if not _parts(ends, len(data)):
            wrong = f"the {len(ends)} ends of messages do not divide {len(data)} bytes of payload"
            found = _room(0, 0)
            none = np.empty(0, np.int32)
            return Messages(found.head, none, found.ends, none, np.empty(0), [(0, wrong)])
        found = self._scanned(data, ends)
        odd = np.flatnonzero(found.status)
        slow: dict[int, tuple[list[int], list[float]]] = {}
        refused: list[tuple[int, str]] = []
        for i, status, (start, end) in zip(
            odd.tolist(), found.status[odd].tolist(), found.device[odd].tolist(), strict=True
        ):
            if status == UNKNOWN:
                found.head[i, 0] = number = self._intern(payload[start:end])
                if number >= 0:
                    continue
            begin = int(ends[i - 1]) if i else 0
            answer = native.decode(payload[begin : int(ends[i])])
            values = self._read(answer, found.head[i], at=i, refused=refused)
            found.status[i] = DECLINED
            if values is not None:
                slow[i] = values
        if not np.any(found.status == DECLINED):
            line = np.arange(len(ends), dtype=np.int32)
            n = int(found.ends[-1])
            return Messages(found.head, line, found.ends, found.indicator[:n], found.value[:n])
        return self._woven(found, slow, refused=refused)

    def _scanned(self, data: NDArray[np.uint8], ends: NDArray[np.int32]) -> Found:
        """The whole batch read quickly, in parts at the same time where that pays."""
        things, names = self.devices.names, self._indicators.names
        if self._threads is None or len(ends) < _WORTH_A_THREAD:
            found = self._room(0, messages=len(ends), data=data)
            scan(data, ends, things, names, found)
            return _together([found])
        cuts = np.linspace(0, len(ends), self._parts + 1).astype(int)

        def part(k: int) -> Found:
            begin = int(ends[cuts[k] - 1]) if cuts[k] else 0
            own = ends[cuts[k] : cuts[k + 1]] - np.int32(begin)
            mine = data[begin : begin + int(own[-1])]
            found = self._room(k, messages=len(own), data=mine)
            scan(mine, own, things, names, found)
            found.device[:] += begin
            return found

        return _together(list(self._threads.map(part, range(self._parts))))

    def _room(self, part: int, *, messages: int, data: NDArray[np.uint8]) -> Found:
        """Room for what a part can hold, the same memory for every batch.

        Memory that is given back to the system and taken again makes all threads wait for it.
        """
        kept, readings = self._rooms[part], len(data) // _SHORTEST
        if messages > len(kept.status) or readings > len(kept.value):
            kept = self._rooms[part] = _room(2 * messages, 2 * readings)
        kept.head[:messages, 4:] = 0
        return Found(
            kept.status[:messages], kept.head[:messages], kept.device[:messages],
            kept.ends[: messages + 1], kept.indicator, kept.value,
        )  # fmt: skip

    def _intern(self, name: bytes) -> int:
        """The number of a thing, given to it now if it is new; -1: the name is that of no thing."""
        number = self.devices.number(name)
        if number >= 0:
            return number
        try:
            thing_key(name.decode())
        except BadInput:
            return -1
        return self.devices.add(name)

    def _read(
        self, answer: Mapping[str, Any], head: NDArray[np.int64], *, at: int,
        refused: list[tuple[int, str]],
    ) -> tuple[list[int], list[float]] | None:  # fmt: skip
        """One message as the exact decoder understood it; None where nothing of it is left."""
        if not answer["ok"]:
            refused.append((at, f"{answer['error']} at {answer['at']}"))
            return None
        boot = int(hashed(np.frombuffer(answer["boot"].encode(), np.uint8)))
        head[0], head[1] = self._intern(answer["device"].encode()), moment(answer["time"])
        head[2], head[3] = np.uint64(boot).astype(np.int64), answer["seq"]
        numbers, values = [], []
        for reading in answer["readings"]:
            name, unit = reading["indicator"], reading["unit"]
            if name not in self._numbers:
                refused.append((at, f"indicator {name!r} is not one that this pack declares"))
                continue
            try:
                factor, offset = inward(unit, self._units[name])
            except BadInput as wrong:
                refused.append((at, f"{wrong} (indicator {name})"))
                continue
            numbers.append(self._numbers[name])
            values.append(reading["value"] * factor + offset if unit else float(reading["value"]))
        return (numbers, values) if numbers else None

    def _woven(
        self, found: Found, slow: Mapping[int, tuple[list[int], list[float]]],
        *, refused: list[tuple[int, str]],
    ) -> Messages:  # fmt: skip
        """What the quick reader and the exact decoder read, in the order of the payload."""
        declined = np.flatnonzero(found.status == DECLINED).tolist()
        indicator: list[NDArray[Any]] = [np.empty(0, np.int32)]
        value: list[NDArray[Any]] = [np.empty(0)]
        sizes, done = np.diff(found.ends), 0
        for i in declined:
            numbers, values = slow.get(i, ([], []))
            indicator += [found.indicator[done : found.ends[i]], np.array(numbers, np.int32)]
            value += [found.value[done : found.ends[i]], np.array(values, np.float64)]
            sizes[i], done = len(numbers), int(found.ends[i + 1])
        kept = np.flatnonzero(sizes)
        n = int(found.ends[-1])
        return Messages(
            found.head[kept],
            kept.astype(np.int32),
            np.concatenate([[0], np.cumsum(sizes[kept])]).astype(np.int32),
            np.concatenate([*indicator, found.indicator[done:n]]),
            np.concatenate([*value, found.value[done:n]]),
            refused,
        )


def _parts(ends: NDArray[np.int32], size: int) -> bool:
    """Whether ``ends`` rise to ``size``; compiled code reads what they say without asking again."""
    if not len(ends):
        return size == 0
    return bool(ends[0] >= 0 and ends[-1] == size and np.all(ends[1:] >= ends[:-1]))


def _room(messages: int, readings: int) -> Found:
    """Room for messages and readings; pages of it that nothing is written to cost nothing."""
    return Found(
        np.zeros(messages, np.uint8),
        np.zeros((messages, 6), np.int64),
        np.zeros((messages, 2), np.int32),
        np.zeros(messages + 1, np.int32),
        np.empty(readings, np.int32),
        np.empty(readings),
    )


def _together(parts: list[Found]) -> Found:
    counts = [int(p.ends[-1]) for p in parts]
    before = np.cumsum([0, *counts])
    ends = [p.ends[1:] + np.int32(b) for p, b in zip(parts, before[:-1], strict=True)]
    return Found(
        np.concatenate([p.status for p in parts]),
        np.concatenate([p.head for p in parts]),
        np.concatenate([p.device for p in parts]),
        np.concatenate([np.zeros(1, np.int32), *ends]),
        np.concatenate([p.indicator[:n] for p, n in zip(parts, counts, strict=True)]),
        np.concatenate([p.value[:n] for p, n in zip(parts, counts, strict=True)]),
    )
