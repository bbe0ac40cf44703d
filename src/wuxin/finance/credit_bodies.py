"""What may be ordered of the counter for credit, as the bodies of commands. Money is text."""

from typing import Annotated, Any, Literal

import msgspec

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
Period = Annotated[str, msgspec.Meta(min_length=4, max_length=80)]


class Declared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an applicant says of itself: a year's revenue, and what it owes elsewhere."""

    revenue: str | int | None = None
    other_debt: str | int | None = None


class Apply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An application for credit; ``statement`` is as `wuxin assess` reads it."""

    obligor: Name
    product: Name
    amount: str | int
    currency: str
    purpose: Text
    declared: Declared = Declared()
    statement: dict[str, Any] | None = None


class Review(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person makes of a decision: agrees, or overrides it with an own one; and why.

    Where the table refers a case to a person, ``decision`` is asked for either way.
    """

    application: Name
    verdict: Literal["agree", "override"]
    reason: Text
    decision: Literal["approve", "decline"] | None = None


class Decide(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The limit that an application ends with, over all facilities of the obligor; 0: declined."""

    application: Name
    limit: str | int
    reason: Text


class Withdraw(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which application is taken back, and why."""

    application: Name
    reason: Text


class TellStatement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Statements of an obligor, as `wuxin assess` reads them; periods add to those known."""

    obligor: Name
    statement: dict[str, Any]


class TellClaim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one source says of a fact of an obligor over a period.

    ``period`` is 2026, 2026H1, 2026Q1, 2026-03, 2026-03-05, or two dates with a slash between,
    the second not included. ``value`` × ``rate`` is the fact in ``unit``: items per kWh, revenue
    per item. ``tolerance_share`` of it is allowed, for the ``reason`` given. Sources of one
    ``origin`` (an invoice and the ledger written from it) count as one.
    """

    fact: Name
    obligor: Name
    period: Period
    value: str | int
    unit: Name
    source: Name
    tolerance_share: str | int
    reason: Text
    rate: str | int = 1
    rate_reason: str = ""
    origin: str = ""


class MeasuredClaim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A claim that the house itself makes from the twin: the sum of an indicator over a period.

    ``readings`` were summed, as they were known by batch ``known_by_batch``; whoever has the
    journal can sum them again.
    """

    fact: Name
    obligor: Name
    period: Period
    value: str | int
    unit: Name
    pack: Name
    thing: Name
    indicator: Name
    readings: Annotated[int, msgspec.Meta(ge=1)]
    known_by_batch: Annotated[int, msgspec.Meta(ge=0)]
    tolerance_share: str | int
    reason: Text
    rate: str | int = 1
    rate_reason: str = ""


class TellScore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A score as it was computed outside, by a model whose digest stands on record.

    ``probability`` of default is of one, None where too little is known; ``stability`` are
    sentences on how the model's inputs have moved since it was made.
    """

    obligor: Name
    model: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    probability: str | None
    reasons: tuple[dict[str, str], ...] = ()
    missing: tuple[dict[str, str], ...] = ()
    stability: tuple[dict[str, str], ...] = ()
