"""The six records that are handed from room to room, and the columns in which readings travel.

    Frame ──► Reading ──► State ──► Finding ──► Act ──► Receipt

On the hot path readings are columns (:class:`Readings`), never one object each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from wuxin.terms.names import Digest, Tenant, ThingKey, content_id, digest

Level = Literal["info", "amber", "red"]
"""How urgent a finding is: to know, to look into, to act on now."""

LEVELS: Final[tuple[Level, ...]] = ("red", "amber", "info")


class Quality(IntFlag):
    """What is wrong with a reading; 0 is clean. Marked readings are kept, never dropped."""

    OUT_OF_RANGE = 1
    IMPLAUSIBLE_TIME = 2
    DUPLICATE = 4
    CONFLICT = 8
    OUT_OF_ORDER = 16
    LATE = 32
    STUCK = 64
    RATE = 128


NO_SEQUENCE: Final = -1
"""The sequence number of a message that has none."""
REPEATED: Final = -2
"""In place of a sequence number: the message has come before, as its content tells."""

UNUSABLE: Final = (
    Quality.OUT_OF_RANGE
    | Quality.IMPLAUSIBLE_TIME
    | Quality.DUPLICATE
    | Quality.CONFLICT
    | Quality.RATE
)
"""Marks that keep a reading out of state, rules and models (it stays in history)."""


class Words(msgspec.Struct, frozen=True):
    """One text in the two languages of the screens."""

    zh: str
    en: str


class Frame(msgspec.Struct, frozen=True):
    """Bytes as they came from one source, with what is needed to understand them again.

    ``lines`` holds one little-endian int32 per row of ``payload`` (its line in a recorded file),
    and is empty for frames from devices. ``stream`` numbers the mapping of the source's opening.
    """

    source: str
    stream: int
    payload: bytes
    lines: bytes = b""

    @property
    def id(self) -> Digest:
        """SHA-256 of source, stream, lines and payload."""
        head = f"{self.source}\0{self.stream}\0{len(self.lines)}\0".encode()
        return digest(head + self.lines + self.payload)


class Refusal(msgspec.Struct, frozen=True):
    """A part of a frame that could not be understood: where it stands and why."""

    source: str
    line: int
    column: str
    text: str
    reason: str


class Cause(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that a finding, act or receipt came from, by content hash.

    ``kind`` says what the hash names; for a frame the lines (first and last) are given too, and of
    a live one how well its sender is known (:class:`wuxin.terms.ports.Trust`, in small letters).
    """

    kind: Literal["frame", "finding", "act", "command"]
    id: Digest
    source: str = ""
    lines: tuple[int, int] | None = None
    trust: str = ""


class Reading(msgspec.Struct, frozen=True):
    """A single value of one indicator of one thing, in SI units, with its two times (ns)."""

    thing: ThingKey
    indicator: str
    event_time: int
    arrival_time: int
    value: float
    quality: int = 0


@dataclass(slots=True)
class Readings:
    """Readings as columns; all arrays have the same length n.

    ``thing`` and ``indicator`` are indices: into ``things`` and ``indicators`` while they come from
    a decoder, into the registry once :mod:`wuxin.twin.registry` has resolved them. ``message`` is
    equal for values that one device reported together; rules are judged when a message is complete.
    ``first`` and ``last`` are references (frame number << 32 | line) to the bytes behind a value.
    """

    thing: NDArray[np.int32]
    indicator: NDArray[np.int32]
    event_time: NDArray[np.int64]
    value: NDArray[np.float64]
    message: NDArray[np.int32]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    quality: NDArray[np.uint8]
    things: list[ThingKey] = field(default_factory=list)
    parents: dict[ThingKey, ThingKey] = field(default_factory=dict)
    indicators: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.value)


class Measured(msgspec.Struct, frozen=True):
    """The latest value of an indicator: SI value, event time (ns) and where it came from."""

    value: float
    event_time: int
    first: int = 0
    last: int = 0


class State(msgspec.Struct, frozen=True):
    """The twin of one thing at a moment: its latest usable values, its parent, its facts."""

    thing: ThingKey
    at: int
    parent: ThingKey | None
    facts: Mapping[str, float]
    values: Mapping[str, Measured]


class Finding(msgspec.Struct, frozen=True):
    """A rule's condition held for its duration on one thing: what is judged, with reasons.

    ``since`` is the event time at which the condition began, ``raised`` when its duration was full.
    ``value`` and ``limit`` are in ``unit`` (SI). It ends with a :class:`Cleared`.
    """

    tenant: Tenant
    thing: ThingKey
    rule: str
    level: Level
    since: int
    raised: int
    value: float | None
    limit: float | None
    unit: str
    reasons: tuple[Words, ...]
    because: tuple[Cause, ...]

    @property
    def id(self) -> Digest:
        """Hash of tenant, thing, rule and the two times: one condition, one identity."""
        return content_id(["finding", self.tenant, *self.thing, self.rule, self.since, self.raised])


class Cleared(msgspec.Struct, frozen=True):
    """The end of a finding: the event time from which its condition held no longer."""

    tenant: Tenant
    finding: Digest
    at: int
    value: float | None
    because: tuple[Cause, ...]

    @property
    def id(self) -> Digest:
        """Hash of the finding and the time of its end."""
        return content_id(["cleared", self.tenant, self.finding, self.at])


class Act(msgspec.Struct, frozen=True):
    """Something that was done, by whose mandate and because of what.

    ``figures`` are exact, in the trade's names: money and rates as decimal strings, times as
    ISO 8601.
    """

    tenant: Tenant
    kind: str
    facility: str
    at: int
    mandate: str
    figures: Mapping[str, str]
    because: tuple[Cause, ...]

    @property
    def id(self) -> Digest:
        """Hash of everything but the causes."""
        figures = dict(sorted(self.figures.items()))
        return content_id(["act", self.tenant, self.kind, self.facility, self.at, figures])


class Command(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a person or the bank's core system told Wuxin to do, as it entered the journal.

    ``role`` is that in which it was told. ``key`` is the sender's own name for it: a command whose
    key has been obeyed is not obeyed again.
    """

    do: str
    at: int
    by: str
    facility: str = ""
    body: Mapping[str, Any] = {}
    role: str = ""
    key: str = ""

    @property
    def said(self) -> list[Any]:
        """The whole command as plain values; role and key only where one of them is given."""
        told = [self.do, self.at, self.by, self.facility, dict(self.body)]
        return [*told, self.role, self.key] if self.role or self.key else told

    @property
    def id(self) -> Digest:
        """Hash of the whole command."""
        return content_id(["command", *self.said])


class Receipt(msgspec.Struct, frozen=True):
    """The place of a record (batch, finding, cleared, act) in the log: leaf index, hash, salt."""

    tenant: Tenant
    kind: str
    record: Digest
    index: int
    salt: bytes
    because: tuple[Cause, ...] = ()


def plain(record: msgspec.Struct) -> Any:
    """A record as plain values (maps, lists, strings, numbers) for hashing and for JSON."""
    return msgspec.to_builtins(record, str_keys=True)
