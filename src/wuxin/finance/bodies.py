"""What may be ordered about a facility, as the bodies of commands. Money is text, never a float."""

from typing import Any

import msgspec


class OpenFacility(msgspec.Struct, frozen=True):
    """A facility's terms, as in a recording's ``[[facility]]`` table (docs/rooms/finance.md)."""

    id: str
    obligor: str
    pool: dict[str, str]
    currency: str
    principal: str
    opened: str
    haircut: str
    maximum_loan_to_value: str
    target_loan_to_value: str
    call_deadline: str
    minimum_transfer: str
    pack: str = ""
    rounding: str = "1000"
    valuation_days: int = 0
    on_overdue: str = "escalate"
    terms: dict[str, Any] = {}
    process: bool = False
    lien: int = 1
    junior: bool = False
    repayment: dict[str, Any] | None = None
    eligibility: dict[str, Any] | None = None
    concentration: list[dict[str, Any]] = []
    evidence_haircut: bool = False
    dynamic_haircut: dict[str, Any] | None = None
    supervision_days: int = 1


class Pay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An amount that has come in, in the facility's currency; ``reference`` is the payer's."""

    amount: str | int
    reference: str = ""


class Give(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reason, and nothing else."""

    reason: str = ""


class Dispose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the pool was sold for: ``proceeds``, or a ``price`` per unit of it as last valued."""

    proceeds: str | int | None = None
    price: str | int | None = None


class DisputeCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which call is disputed, how much of it, and why."""

    call: int
    amount: str | int
    reason: str


class ResolveCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a dispute ends: the amount that is owed after all (0: none), and why."""

    call: int
    upheld: str | int
    reason: str


class ReleaseThings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which things (``kind:id``) go out of the pool, and why."""

    things: list[str]
    reason: str


class Substitute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which things (``kind:id``) go out of the pool and which come in, and why."""

    out: list[str]
    into: list[str]
    reason: str
