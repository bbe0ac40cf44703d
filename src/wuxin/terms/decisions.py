"""A credit decision, as the room of risk makes it and the room of finance acts on it."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from wuxin.terms.records import Words


class Row(msgspec.Struct, frozen=True):
    """A row of a decision table that held: what it is for, what it read, what it gives."""

    id: str
    about: Words
    reads: tuple[Words, ...]
    gives: Mapping[str, str]


class Graded(msgspec.Struct, frozen=True):
    """A decision: ``share`` is of a year's revenue, ``rate`` a year; None where there is none.

    ``marks`` say of inputs why they count as missing.
    """

    grade: str
    action: str
    share: Decimal | None
    rate: Decimal | None
    rows: tuple[Row, ...]
    marks: tuple[Words, ...]
