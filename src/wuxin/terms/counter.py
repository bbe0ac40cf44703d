"""A counter of the bank: obeys orders, hears what the others say, and lets time pass.

    order (a person, the core system) ──► counter ──► what it says: findings, their ends, acts
                                            ▲   │
                                     hears ─┘   └─► heard by all the other counters, and on record

What a counter says depends on nothing but what it was told before, in that order: it reads no clock
and no file, so that the journal gives the same again. :mod:`wuxin.bank` has them all.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, NotRequired, Protocol, TypedDict, TypeVar, Unpack

import msgspec

from wuxin.terms.errors import BadInput
from wuxin.terms.names import Tenant, ThingKey
from wuxin.terms.records import Act, Cause, Cleared, Command, Finding, Level, Words
from wuxin.terms.standards import Pack, TwinReader

Said = Finding | Cleared | Act
"""What a counter says; all of it is on record and in the evidence log."""

BANK: Final = "bank"
"""The source of what concerns no one facility: trades, subscriptions, warnings."""

NOT_DUE: Final = 2**63 - 1
"""When a counter waits for nothing."""

DEEPEST: Final = 16
"""How many lists and tables of a command's body may stand in one another."""

LONGEST: Final = 262_144
"""The most characters that all texts and names of a command's body have together."""

_WHOLE: Final = range(-(2**63), 2**63)

T = TypeVar("T", bound=msgspec.Struct)


class Now(NamedTuple):
    """The occasion on which a counter is asked.

    ``at`` is the event time (ns) that the source has reached, ``known`` the arrival of the journal
    entry. Contracts run on the first, people's own deadlines on the second.
    """

    at: int
    known: int
    source: str
    pack: Pack
    twin: TwinReader


class Obey(Protocol):
    """How a counter obeys: the command, what its body says, and the occasion."""

    def __call__(self, command: Command, said: Any, /, *, now: Now) -> list[Said]:
        """Do it, and say what was done."""
        ...


class Order(NamedTuple):
    """A command that a counter obeys: what it takes, who may give it, and what that is in words.

    ``body`` is read strictly; its docstring and fields are the documentation of the API. ``by`` are
    roles. An order ``of`` "facility" names one, one of "bank" does not.
    """

    body: type[msgspec.Struct]
    obey: Obey
    by: tuple[str, ...]
    words: Words
    of: str = "facility"


class Counter(Protocol):
    """One counter. Its ``name`` is that of its part of the frozen state."""

    name: str

    @property
    def orders(self) -> Mapping[str, Order]:
        """What it obeys, by the command's name; one that is refused changes nothing."""
        ...

    def hear(self, said: Said, now: Now) -> list[Said]:
        """Take notice of what was said, by itself too; what comes of that is heard in turn."""
        ...

    def tick(self, now: Now) -> list[Said]:
        """Time has passed: ``now.at`` for what runs on ``now.source``, and ``now.known``."""
        ...

    def due(self) -> int:
        """The next arrival time (ns) at which it wants a tick, whether anything arrives or not."""
        ...

    def freeze(self) -> Any:
        """All that it remembers, as plain values."""
        ...

    def thaw(self, kept: Any) -> None:
        """Take over what :meth:`freeze` gave."""
        ...


class Silent:
    """A counter that does nothing: the others say only what they do."""

    name = ""

    @property
    def orders(self) -> Mapping[str, Order]:
        """No orders."""
        return {}

    def hear(self, said: Said, now: Now) -> list[Said]:
        """Nothing comes of it."""
        del said, now
        return []

    def tick(self, now: Now) -> list[Said]:
        """Nothing comes of it."""
        del now
        return []

    def due(self) -> int:
        """Waits for nothing."""
        return NOT_DUE

    def freeze(self) -> Any:
        """Nothing is remembered."""
        return None

    def thaw(self, kept: Any) -> None:
        """Nothing was remembered."""


def read(body: Mapping[str, Any], form: type[T], *, do: str) -> T:
    """Read the body of a command.

    Raises:
        BadInput: a field is missing, unknown or cannot be meant; the text names it.
    """
    try:
        return msgspec.convert(dict(body), form, strict=False)
    except msgspec.ValidationError as wrong:
        raise BadInput(f"{do}: {wrong}") from None


def check_writable(command: Command) -> None:
    """Refuse a command that journal, book and log could not all write down and read back alike.

    Raises:
        BadInput: a text is no Unicode or has a zero character, a number is not finite or has more
            than 64 bits, or it is nested too deeply or too long.
    """
    said = {"by": command.by, "facility": command.facility, "key": command.key}
    check_plain({**said, "body": command.body}, command.do)


def check_plain(table: Mapping[str, Any], what: str) -> None:
    """Refuse a table, named by ``what``, that could not be written down and read back alike.

    Raises:
        BadInput: as :func:`check_writable` has it.
    """
    left: list[tuple[Any, str, int]] = [(part, name, 0) for name, part in table.items()]
    left += [(name, "a name", 0) for name in table]
    length = 0
    while left:
        value, at, depth = left.pop()
        if depth > DEEPEST:
            raise BadInput(f"{what}: {at} cannot be kept: it is nested over {DEEPEST} deep")
        if isinstance(value, str):
            length += len(value)
            if not _is_text(value):
                raise BadInput(f"{what}: {at} cannot be kept: it has characters that are no text")
        elif isinstance(value, int | float):
            if value not in _WHOLE if isinstance(value, int) else not math.isfinite(value):
                raise BadInput(f"{what}: {at} cannot be kept: it is no number of 64 bits")
        elif isinstance(value, Mapping):
            left += [(name, f"a name in {at}", depth + 1) for name in value]
            left += [(part, f"{at}.{name}", depth + 1) for name, part in value.items()]
        elif isinstance(value, list | tuple):
            length += len(value)
            left += [(part, f"{at}[{n}]", depth + 1) for n, part in enumerate(value)]
    if length > LONGEST:
        raise BadInput(f"{what}: it cannot be kept: it has over {LONGEST} characters")


def _is_text(text: str) -> bool:
    """Whether it can be written as UTF-8, and in any database."""
    return "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def told(command: Command) -> tuple[Cause, ...]:
    """A command as the cause of what was done."""
    return (Cause("command", command.id),)


class Found(TypedDict):
    """What a finding of a rule says that code judges (``by`` in the rule's table).

    ``rule`` is its name; the pack's table gives level, words and actions. ``reasons`` are in words
    with figures, ``because`` what it came from, ``since`` (ns) from when on where that is earlier.
    """

    rule: str
    thing: ThingKey
    reasons: Sequence[Words]
    because: Sequence[Cause]
    level: NotRequired[Level]
    since: NotRequired[int]
    value: NotRequired[float | None]
    limit: NotRequired[float | None]
    unit: NotRequired[str]


def warn(now: Now, tenant: Tenant, **found: Unpack[Found]) -> Finding:
    """A finding at an occasion: see :class:`Found`."""
    return Finding(
        tenant=tenant, thing=found["thing"], rule=found["rule"],
        level=found.get("level") or now.pack.rules[found["rule"]].level,
        since=found.get("since", now.at), raised=now.at, value=found.get("value"),
        limit=found.get("limit"), unit=found.get("unit", ""), reasons=tuple(found["reasons"]),
        because=tuple(found["because"]),
    )  # fmt: skip
