"""Early warnings (D5): one for each cause, walked from raised to cleared, escalated when late.

    finding ─► raised ─► acknowledged ─► assigned ─► handled        (orders: who, when, why)
                 └─ deadline ─► escalated, once for each step
    all its findings have ended ─► cleared

Deadlines run on arrival time, because people live in it: see :data:`wuxin.finance.warned.POLICY`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec

from wuxin.finance.warned import (
    KEPT,
    NEXT,
    POLICY,
    WINDOW,
    Group,
    Judged,
    Move,
    Name,
    Note,
)
from wuxin.terms.clock import iso
from wuxin.terms.counter import NOT_DUE, Now, Order, Said, Silent, told
from wuxin.terms.errors import Conflict, NotFound
from wuxin.terms.names import Digest, Tenant, ThingKey, content_id
from wuxin.terms.records import Act, Cause, Cleared, Command, Finding, Words

HANDLERS: Final = ("risk_officer", "supervisor", "relationship_manager", "approver")
_CLOCK: Final = "policy:warnings"
"""The mandate of what the deadlines do by themselves."""


class AcknowledgeWarning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Take notice of a warning, and say what is known or done about it."""

    warning: str
    note: Note


class AssignWarning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Give a warning to a person (``to``, a name) in a role; it counts as noticed."""

    warning: str
    to: Name
    role: Literal["risk_officer", "supervisor", "relationship_manager", "approver"]
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""


class HandleWarning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Say what a warning turned out to be, and what was done; it counts as noticed."""

    warning: str
    outcome: Judged
    note: Note


class Warnings(Silent):
    """The warnings of one bank.

    Args:
        tenant: whose.
        concerned: the facilities that a thing concerns, such as those of the desk.
    """

    name = "warnings"

    def __init__(
        self, tenant: Tenant, *, concerned: Callable[[ThingKey, Now], Sequence[str]]
    ) -> None:
        self.tenant, self._concerned = tenant, concerned
        self.groups: dict[str, Group] = {}
        self._latest: dict[str, str] = {}
        self._of: dict[str, str] = {}
        self._touched: dict[str, Group] = {}
        self._joined: dict[str, str] = {}

    @property
    def orders(self) -> Mapping[str, Order]:
        """What can be ordered about warnings."""
        return {
            "acknowledge_warning": Order(
                AcknowledgeWarning, self._acknowledge, (*HANDLERS, "administrator"),
                Words("确认预警", "acknowledge a warning"), "bank",
            ),
            "assign_warning": Order(
                AssignWarning, self._assign, ("risk_officer", "approver"),
                Words("指派预警", "assign a warning"), "bank",
            ),
            "handle_warning": Order(
                HandleWarning, self._handle, HANDLERS,
                Words("办结预警", "close a warning with what it was"), "bank",
            ),
        }  # fmt: skip

    def hear(self, said: Said, now: Now) -> list[Said]:
        """A red or amber finding raises or joins a warning; the end of the last one clears it."""
        if isinstance(said, Finding) and said.level in POLICY:
            return self._found(said, now)
        if isinstance(said, Cleared):
            return self._ended(said, now)
        return []

    def tick(self, now: Now) -> list[Said]:
        """Deadlines that have passed, each told once; what is long over is forgotten."""
        late = [group for group in self.groups.values() if group.due <= now.known]
        for group in [*self.groups.values()]:
            self._forget(group, now.known)
        return [self._escalate(group, now) for group in late]

    def due(self) -> int:
        """The next deadline."""
        return min((group.due for group in self.groups.values()), default=NOT_DUE)

    def taken(self) -> tuple[list[dict[str, Any]], dict[str, str]]:
        """What has changed since it was asked last: warnings as rows, and whose findings are."""
        rows = [group.row() for group in self._touched.values()]
        joined, self._joined, self._touched = self._joined, {}, {}
        return rows, joined

    def freeze(self) -> Any:
        """All warnings that can still change."""
        return {"groups": msgspec.to_builtins([*self.groups.values()]), "latest": {**self._latest}}

    def thaw(self, kept: Any) -> None:
        """Take over what :meth:`freeze` gave."""
        groups = msgspec.convert(kept["groups"], list[Group])
        self.groups = {group.id: group for group in groups}
        self._latest = dict(kept["latest"])
        self._of = {finding: group.id for group in groups for finding in group.open}

    # ---- what findings do ------------------------------------------------------------------

    def _found(self, finding: Finding, now: Now) -> list[Said]:
        key, facilities, root = self._cause(finding, now)
        group = self.groups.get(self._latest.get(key, ""))
        if group is None or not group.near(finding.raised, now.known):
            group = self._new(finding, now, key=key, facilities=facilities, root=root)
            return [self._raise(finding, now, group=group)]
        return self._join(group, finding, now=now)

    def _cause(self, finding: Finding, now: Now) -> tuple[str, list[str], ThingKey]:
        """The key under which findings of one cause come together, with facilities and root."""
        facilities = [*self._concerned(finding.thing, now)]
        root = ([finding.thing, *now.twin.above(finding.thing)])[-1]
        rule = now.pack.rules.get(finding.rule)
        cause = (rule.cause if rule else "") or finding.rule
        place = facilities[0] if len(facilities) == 1 else f"{now.pack.name}/{root}"
        return f"{place}\n{cause}", facilities, root

    def _new(
        self, finding: Finding, now: Now, *, key: str, facilities: list[str], root: ThingKey
    ) -> Group:
        said = finding.reasons[0] if finding.reasons else Words(finding.rule, finding.rule)
        return Group(
            Digest(content_id(["warning", self.tenant, finding.id])), key, facilities,
            now.pack.name, now.source, str(root), [], finding.level, said, finding.raised,
            now.known, finding.raised, now.known, self._respond(finding, now),
        )  # fmt: skip

    def _respond(self, finding: Finding, now: Now) -> int:
        rule = now.pack.rules.get(finding.rule)
        return (rule.respond if rule else 0) or POLICY[finding.level].acknowledge

    def _raise(self, finding: Finding, now: Now, *, group: Group) -> Act:
        self.groups[group.id] = group
        self._latest[group.key] = group.id
        self._add(group, finding, now=now)
        group.ask(now.known)
        return self._move(
            group, "warning_raised", now=now, by=_CLOCK, because=(Cause("finding", finding.id),),
            to=group.role, due=iso(group.due), thing=str(finding.thing), zh=group.words.zh,
            en=group.words.en,
        )  # fmt: skip

    def _join(self, group: Group, finding: Finding, *, now: Now) -> list[Said]:
        """One more finding of a cause that is known; it asks anew where it says something new."""
        worse, done = group.worse(finding.level), group.state in {"handled", "cleared"}
        self._add(group, finding, now=now)
        if worse:
            group.level = finding.level
            group.words = finding.reasons[0] if finding.reasons else group.words
        if not (worse or done):
            return []
        group.respond = self._respond(finding, now)
        group.ask(now.known)
        return [self._move(
            group, "warning_reopened" if done else "warning_worsened", now=now, by=_CLOCK,
            because=(Cause("finding", finding.id),), to=group.role, due=iso(group.due),
            thing=str(finding.thing), zh=group.words.zh, en=group.words.en,
        )]  # fmt: skip

    def _add(self, group: Group, finding: Finding, *, now: Now) -> None:
        group.open[finding.id] = finding.raised
        group.findings += 1
        group.last_at, group.last = finding.raised, now.known
        if finding.rule not in group.rules:
            group.rules.append(finding.rule)
        self._of[finding.id] = self._joined[finding.id] = group.id
        self._touched[group.id] = group

    def _ended(self, cleared: Cleared, now: Now) -> list[Said]:
        group = self.groups.get(self._of.pop(cleared.finding, ""))
        if group is None:
            return []
        group.open.pop(cleared.finding, None)
        group.last_at, group.last = max(group.last_at, cleared.at), now.known
        self._touched[group.id] = group
        if group.open:
            return []
        group.state, group.due, group.ended = "cleared", NOT_DUE, now.known
        return [self._move(
            group, "warning_cleared", now=now, by=_CLOCK,
            because=(Cause("finding", cleared.finding),),
            acknowledged="yes" if group.acknowledged else "no",
        )]  # fmt: skip

    def _escalate(self, group: Group, now: Now) -> Act:
        late, group.due, group.escalated = group.due, NOT_DUE, True
        before, group.role = group.role, NEXT.get(group.role, "approver")
        return self._move(
            group, "warning_escalated", now=now, by=_CLOCK,
            because=(Cause("act", group.life[-1].act),), step=group.step, due=iso(late),
            to=group.role, **{"from": before},
        )  # fmt: skip

    def _forget(self, group: Group, known: int) -> None:
        """What has ended stays as long as a finding may reopen it, or a person may judge it."""
        stays = WINDOW if group.outcome else KEPT
        if group.over and known - group.ended > stays:
            del self.groups[group.id]
            if self._latest.get(group.key) == group.id:
                del self._latest[group.key]

    # ---- what people do --------------------------------------------------------------------

    def _acknowledge(self, command: Command, said: AcknowledgeWarning, *, now: Now) -> list[Said]:
        group = self._known(said.warning)
        if group.acknowledged:
            raise Conflict(f"the warning was acknowledged before, by {group.acknowledged_by}")
        waited = self._notice(group, command, note=said.note, now=now)
        if not group.over:
            group.state = "acknowledged"
        return [
            self._told(
                group, "warning_acknowledged", command=command, now=now, note=said.note, **waited
            )
        ]

    def _assign(self, command: Command, said: AssignWarning, *, now: Now) -> list[Said]:
        group = self._known(said.warning)
        if group.state in {"handled", "cleared"}:
            raise Conflict(f"the warning is {group.state}: nothing is left to assign")
        note = said.note or f"{said.role}:{said.to}"
        waited = {} if group.acknowledged else self._notice(group, command, note=note, now=now)
        group.state, group.role, group.owner, group.escalated = (
            "assigned", said.role, said.to, False,
        )  # fmt: skip
        group.due = now.known + POLICY[group.level].handle
        return [self._told(
            group, "warning_assigned", command=command, now=now, note=said.note, due=iso(group.due),
            to=f"{said.role}:{said.to}", **waited,
        )]  # fmt: skip

    def _handle(self, command: Command, said: HandleWarning, *, now: Now) -> list[Said]:
        group = self._known(said.warning)
        if group.outcome:
            raise Conflict(f"the warning was handled before: {group.outcome}")
        waited = {} if group.acknowledged else self._notice(group, command, note=said.note, now=now)
        if not group.over:
            group.state = "handled"
        group.outcome, group.due = said.outcome, NOT_DUE
        return [self._told(
            group, "warning_handled", command=command, now=now, note=said.note,
            outcome=said.outcome, **waited,
        )]  # fmt: skip

    def _known(self, ident: str) -> Group:
        group = self.groups.get(ident)
        if group is None:
            raise NotFound(f"there is no warning {ident!r} that can still be acted on")
        return group

    def _notice(self, group: Group, command: Command, *, note: str, now: Now) -> dict[str, str]:
        """Somebody takes notice; how long (s) that took."""
        name = command.by.partition(":")[2] or command.by
        asked = next(m.known for m in reversed(group.life) if m.kind in _ASKS)
        group.notice(name, note, known=now.known)
        return {"waited_s": str((now.known - asked) // 1_000_000_000)}

    def _told(self, group: Group, kind: str, *, command: Command, now: Now, **figures: str) -> Act:
        return self._move(group, kind, now=now, by=command.by, because=told(command), **figures)

    def _move(
        self, group: Group, kind: str, *, now: Now, by: str, because: tuple[Cause, ...],
        **figures: str,
    ) -> Act:  # fmt: skip
        """The act of a move, which is a station of the warning's life too."""
        figures = {
            "warning": group.id, "rule": group.rules[0], "level": group.level,
            "findings": str(group.findings), "number": str(len(group.life) + 1),
            "known": iso(now.known), **{k: v for k, v in figures.items() if v},
        }  # fmt: skip
        act = Act(self.tenant, kind, group.facility, now.at, by, figures, because)
        note = figures.get("note", "") or figures.get("outcome", "")
        to = figures.get("to", "") or figures.get("outcome", "")
        group.life.append(Move(kind, act.id, now.at, now.known, by, note, to))
        self._touched[group.id] = group
        return act


_ASKS: Final = ("warning_raised", "warning_reopened", "warning_worsened")
