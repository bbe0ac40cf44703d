"""A warning: the findings of one cause taken together, with its level, owner, deadline and life."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec

from wuxin.terms.clock import DAY, HOUR, MINUTE, iso
from wuxin.terms.counter import NOT_DUE
from wuxin.terms.names import Digest
from wuxin.terms.records import LEVELS, Level, Words

Place = Literal["raised", "acknowledged", "assigned", "handled", "cleared"]
"""How far a warning has come."""

STATES: Final[tuple[Place, ...]] = ("raised", "acknowledged", "assigned", "handled", "cleared")

Judged = Literal["real", "false_alarm", "duplicate"]
"""What a warning turned out to be."""

Note = Annotated[str, msgspec.Meta(min_length=3, max_length=500)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]


class Policy(NamedTuple):
    """By when (ns of arrival time) a warning must be acknowledged, and handled after that."""

    acknowledge: int
    handle: int


POLICY: Final[Mapping[Level, Policy]] = {
    "red": Policy(HOUR, DAY),
    "amber": Policy(DAY, 7 * DAY),
}
"""The deadlines where a rule says none (``respond``); what is only to know makes no warning."""

FIRST: Final = "risk_officer"
"""Who is asked first."""

NEXT: Final[Mapping[str, str]] = {
    "supervisor": "risk_officer",
    "relationship_manager": "risk_officer",
    "risk_officer": "approver",
}
"""To whom a warning goes when its deadline has passed."""

WINDOW: Final = 30 * MINUTE
"""Findings of one cause that arrive within this of one another are one warning."""

SPAN: Final = DAY
"""… if they also lie within this of one another in event time: a replay is no single moment."""

KEPT: Final = 30 * DAY
"""For how long (arrival time) a warning that ended unhandled can still be judged."""


class Move(msgspec.Struct, frozen=True):
    """One station of a warning's life: the act, both times (ns), by whom, and what was said."""

    kind: str
    act: Digest
    at: int
    known: int
    by: str
    note: str = ""
    to: str = ""


class Group(msgspec.Struct):
    """One warning as it stands.

    ``at`` and ``last_at`` are event times of its first and last finding, ``raised`` and ``last``
    their arrival (ns). ``open`` has the findings that have not ended. ``role`` is who must act
    now, ``owner`` the person if one was named; ``due`` (arrival time) the deadline of ``step``.
    """

    id: Digest
    key: str
    facilities: list[str]
    pack: str
    source: str
    thing: str
    rules: list[str]
    level: Level
    words: Words
    at: int
    raised: int
    last_at: int
    last: int
    respond: int
    open: dict[str, int] = {}
    findings: int = 0
    state: Place = "raised"
    role: str = FIRST
    owner: str = ""
    due: int = NOT_DUE
    step: str = "acknowledge"
    escalated: bool = False
    acknowledged_by: str = ""
    acknowledged: int = 0
    ended: int = 0
    outcome: str = ""
    life: list[Move] = []

    @property
    def facility(self) -> str:
        """The first facility that it concerns, or nothing."""
        return self.facilities[0] if self.facilities else ""

    @property
    def over(self) -> bool:
        """Whether all its findings have ended."""
        return self.state == "cleared"

    def near(self, at: int, known: int) -> bool:
        """Whether a finding at an event time, known at an arrival time, is of the same warning."""
        return known - self.last <= WINDOW and abs(at - self.last_at) <= SPAN

    def worse(self, level: Level) -> bool:
        """Whether a level is worse than the warning's own."""
        return LEVELS.index(level) < LEVELS.index(self.level)

    def ask(self, known: int) -> None:
        """Nobody has taken notice yet: the deadline for that begins."""
        self.state, self.step, self.due = "raised", "acknowledge", known + self.respond
        self.role, self.owner, self.escalated = FIRST, "", False
        self.acknowledged_by, self.acknowledged, self.outcome, self.ended = "", 0, "", 0

    def notice(self, name: str, note: str, *, known: int) -> None:
        """Somebody has taken notice: the deadline for handling it begins."""
        self.acknowledged_by, self.acknowledged = f"{name}: {note}", known
        self.step, self.escalated = "handle", False
        self.due = NOT_DUE if self.over else known + POLICY[self.level].handle

    def snapshot(self) -> dict[str, Any]:
        """The warning as plain values, times in ISO 8601, as the API shows it."""
        due = None if self.due == NOT_DUE else iso(self.due)
        life = [
            {**msgspec.to_builtins(one), "at": iso(one.at), "known": iso(one.known)}
            for one in self.life
        ]
        return {
            "warning": self.id, "facility": self.facility, "facilities": self.facilities,
            "pack": self.pack, "thing": self.thing, "rule": self.rules[0], "rules": self.rules,
            "level": self.level, "words": msgspec.to_builtins(self.words), "state": self.state,
            "at": iso(self.at), "raised": iso(self.raised), "findings": self.findings,
            "open": len(self.open), "role": self.role, "owner": self.owner, "due": due,
            "step": "" if due is None else self.step, "escalated": self.escalated,
            "acknowledged_by": self.acknowledged_by, "outcome": self.outcome, "life": life,
        }  # fmt: skip

    def row(self) -> dict[str, Any]:
        """The warning as a row of the book, with its snapshot."""
        names = ("id", "pack", "level", "state", "role", "owner", "raised", "acknowledged_by")
        return {
            **{name: getattr(self, name) for name in names}, "rule": self.rules[0],
            "facilities": "".join(f"\n{name}\n" for name in self.facilities), "due": self.due,
            "snapshot": msgspec.json.encode(self.snapshot()).decode(),
        }  # fmt: skip
