"""What the counter for credit asks of others: a decision, an assessment, a cross-check.

The room of risk has them all; :mod:`wuxin.underwriting` brings the two together.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

import msgspec

from wuxin.terms.decisions import Graded
from wuxin.terms.records import Words

Value = Decimal | bool | None
"""One input of a decision; None where it is not known."""


class Engine(Protocol):
    """A decision table for credit."""

    @property
    def grades(self) -> Sequence[str]:
        """The grades from the best to the worst."""
        ...

    @property
    def digest(self) -> str:
        """Which table it is."""
        ...

    @property
    def names(self) -> Mapping[str, Words]:
        """What its inputs are called."""
        ...

    def grade(self, case: Mapping[str, Value]) -> str:
        """The grade alone, which is quick."""
        ...

    def decide(self, case: Mapping[str, Value]) -> Graded:
        """The grade and what follows from it, with every row that held."""
        ...


class Flag(msgspec.Struct, frozen=True):
    """A flag of statements that holds in their latest period, with its figures and threshold."""

    name: str
    level: str
    since: str
    until: str
    figures: Mapping[str, str]
    threshold: str
    words: Words


class Assessed(msgspec.Struct, frozen=True):
    """What statements come to: flags, what is missing, a year's revenue, months they cover."""

    company: str
    currency: str
    latest: str
    flags: tuple[Flag, ...]
    missing: tuple[Words, ...]
    revenue: Decimal | None
    months: int


class Assess(Protocol):
    """Assesses statements, as ``wuxin assess`` does."""

    def __call__(self, statement: Mapping[str, Any]) -> Assessed:
        """What they come to.

        Raises:
            BadInput: they are not of the form.
        """
        ...


class Side(msgspec.Struct, frozen=True):
    """What one source says of a fact, in the unit that all sides have; ``share`` of it is allowed.

    Sides of one ``origin`` count as one.
    """

    source: str
    value: float
    unit: str
    share: float
    reason: str
    origin: str = ""


class Compared(msgspec.Struct, frozen=True):
    """What sides come to: alone, agreed, odd or contested, with the figures of every side."""

    state: str
    value: float | None
    trust: float | None
    odd: tuple[str, ...]
    reasons: tuple[Words, ...]


class Compare(Protocol):
    """Cross-checks what several sources say of one fact."""

    def __call__(self, sides: Sequence[Side]) -> Compared:
        """What they come to.

        Raises:
            BadInput: a unit does not measure the same, or a source speaks twice.
        """
        ...


class Ports(NamedTuple):
    """All that the counter asks of others."""

    engine: Engine
    assess: Assess
    compare: Compare
