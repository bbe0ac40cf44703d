"""A counter of the bank: obeys orders, hears what the others say, and lets time pass.

    order (a person, the core system) ──► counter ──► what it says: findings, their ends, acts
                                            ▲   │
                                     hears ─┘   └─► heard by all the other counters, and on record

What a counter says depends on nothing but what it was told before, in that order: it reads no clock
and no file, so that the journal gives the same again. :mod:`wuxin.bank` has them all.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeVar

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


class Order(NamedTuple):
    """A command that a counter obeys: what it takes, who may give it, and what that is in words.

    ``body`` is read strictly; its docstring and fields are the documentation of the API. ``by`` are
    roles. An order ``of`` "facility" names one, one of "bank" does not.
    """

    body: type[msgspec.Struct]
    obey: Callable[[Command, Any, Now], list[Said]]
    by: tuple[str, ...]
    words: Words
    of: str = "facility"


class Counter(Protocol):
    """One counter. Its ``name`` is that of its part of the frozen state."""

    name: str

    @property
    def orders(self) -> Mapping[str, Order]:
        """What it obeys, by the command's name; a refusal is a :class:`Refused` and changes nothing."""
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


def told(command: Command) -> tuple[Cause, ...]:
    """A command as the cause of what was done."""
    return (Cause("command", command.id),)


def warn(
    now: Now, tenant: Tenant, *, rule: str, thing: ThingKey, reasons: Sequence[Words],
    because: Sequence[Cause], **more: Any,
) -> Finding:  # fmt: skip
    """A finding of a rule that code judges (``by`` in its table), at the occasion.

    Args:
        now: the occasion.
        tenant: whose.
        rule: its name; the pack's table gives level, words and actions.
        thing: what it is about.
        reasons: in words with figures.
        because: what it came from.
        more: where given ``level``, ``since`` (ns), ``value``, ``limit`` and ``unit``.
    """
    level: Level = more.pop("level", None) or now.pack.rules[rule].level
    return Finding(
        tenant=tenant, thing=thing, rule=rule, level=level, since=more.pop("since", now.at),
        raised=now.at, value=more.pop("value", None), limit=more.pop("limit", None),
        unit=more.pop("unit", ""), reasons=tuple(reasons), because=tuple(because), **more,
    )  # fmt: skip
