"""How an obligor stands with the bank: its grade, statements, facts, score and limits."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

import msgspec

from wuxin.terms.names import Digest
from wuxin.terms.records import Cause, Finding

KEPT: Final = 200
"""How many periods of statements, and how many facts, are remembered of an obligor."""


class Limit(msgspec.Struct, frozen=True):
    """What the principals of an obligor's open facilities may come to, and the act that set it."""

    amount: Decimal
    act: Digest


class Score(msgspec.Struct, frozen=True):
    """A probability of default as a model gave it; None where it knew too little."""

    probability: Decimal | None
    model: str
    act: Digest


class Claim(msgspec.Struct, frozen=True):
    """What one source says of a fact, in the fact's unit."""

    source: str
    value: Decimal
    unit: str
    share: Decimal
    reason: str
    origin: str
    act: Digest


class Fact(msgspec.Struct):
    """A fact of a period, by what its sources say.

    ``state`` is that of the cross-check, ``trust`` that of what is agreed, ``act`` said it last.
    """

    claims: dict[str, Claim] = {}
    state: str = ""
    trust: Decimal | None = None
    finding: Finding | None = None
    act: Digest = Digest("")


class Told(msgspec.Struct, frozen=True):
    """What an obligor's statements came to, and the act that says so."""

    red: int
    amber: int
    months: int
    revenue: Decimal | None
    act: Digest


class Standing(msgspec.Struct):
    """All that is remembered of an obligor.

    ``rated`` are the inputs with which the grade was found, ``seen`` the latest ones; both as they
    are written in acts, empty where not known. ``fell`` is the open finding that the rating fell,
    from the grade ``fell_from``.
    """

    obligor: str
    grade: str = ""
    rating: Digest = Digest("")
    rated: dict[str, str] = {}
    seen: dict[str, str] = {}
    company: str = ""
    currency: str = ""
    periods: list[dict[str, Any]] = []
    told: Told | None = None
    score: Score | None = None
    facts: dict[str, Fact] = {}
    limits: dict[str, Limit] = {}
    fell: Finding | None = None
    fell_from: str = ""

    @property
    def contradicted(self) -> Iterator[Fact]:
        """Facts whose sources contradict each other."""
        return (fact for fact in self.facts.values() if fact.finding is not None)

    @property
    def agreed(self) -> Iterator[Fact]:
        """Facts on which sources agree."""
        return (fact for fact in self.facts.values() if fact.state == "agreed")

    def forget(self) -> None:
        """Let go of the oldest facts on which nothing is open."""
        for key in [k for k, fact in self.facts.items() if fact.finding is None][:-KEPT]:
            del self.facts[key]


class Application(msgspec.Struct):
    """An application for credit, as far as it has come.

    ``state`` is decided, reviewed, ended or withdrawn. ``action`` and ``limit`` are the table's,
    ``outcome`` the reviewer's.
    """

    id: str
    obligor: str
    currency: str
    amount: Decimal
    by: str
    action: str
    limit: Decimal | None
    decision: Digest
    state: str = "decided"
    reviewer: str = ""
    outcome: str = ""
    overridden: bool = False
    review: Digest = Digest("")


def acts(*ids: Digest) -> tuple[Cause, ...]:
    """Acts as causes; those that are not known are left out."""
    return tuple(Cause("act", one) for one in dict.fromkeys(ids) if one)


def joined(causes: Iterable[Cause], *, most: int = 24) -> tuple[Cause, ...]:
    """Causes, each once, and not more than so many."""
    return tuple(dict.fromkeys(causes))[:most]
