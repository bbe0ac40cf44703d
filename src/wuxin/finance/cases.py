"""Cases: the walk of each facility through its pack's process, step by step, by the roles it names.

    facility_opened ─► case ─► complete_step ─► step_completed ─► (disburse) the desk pays out
                         └─ time ─► step_overdue, step_escalated

A gate looks at facts that the house knows (:mod:`wuxin.finance.facts`), never at what is claimed.
A case whose process has changed so that its history no longer fits is kept as history, and says so.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from wuxin.finance.account import Account
from wuxin.finance.desk import Desk
from wuxin.finance.facility import Terms
from wuxin.finance.facts import FACTS, Facts
from wuxin.finance.process import PAYS_OUT, ROLES, Case
from wuxin.terms.clock import DAY, HOUR, MINUTE, iso
from wuxin.terms.counter import Now, Order, Said, Silent, told, warn
from wuxin.terms.errors import BadInput, Conflict, NotFound
from wuxin.terms.names import Digest, Tenant, ThingKey, digest
from wuxin.terms.records import Act, Cause, Cleared, Command, Finding, Words
from wuxin.terms.standards import Step

_SHA: Final = re.compile(r"[0-9a-f]{64}")
_MOST: Final = 50
_ROLES: Final[Mapping[str, Words]] = {
    "relationship_manager": Words("客户经理", "relationship manager"),
    "risk_officer": Words("风险经理", "risk officer"),
    "approver": Words("审批人", "approver"),
    "supervisor": Words("监管员", "supervisor"),
    "borrower": Words("借款人", "borrower"),
    "installer": Words("安装方", "installer"),
}


class CompleteStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which step of the process is complete, with a note and papers by their SHA-256."""

    step: str
    note: str = ""
    documents: list[str] = []


class RestartProcess(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a case whose process was changed begins again."""

    reason: str


class Filed(msgspec.Struct, frozen=True):
    """What is kept of a completed step beside the case's own state: when (ns), note and papers."""

    step: str
    at: int
    note: str = ""
    documents: tuple[str, ...] = ()


class Walk(msgspec.Struct):
    """One facility's case as it is remembered.

    ``process`` is the digest of the file that it walks, ``state`` that of :class:`Case`; ``ready``
    has since when (ns) each step that was reached may be done, ``overdue`` what was said of those
    that are late. ``strayed`` says that the file has changed and the history does not fit; ``past``
    has the states of cases that were given up for that.
    """

    process: Digest
    state: str = "[]"
    filed: list[Filed] = []
    ready: dict[str, int] = {}
    overdue: dict[str, Finding] = {}
    strayed: Finding | None = None
    past: list[tuple[Digest, str]] = []


class Told(NamedTuple):
    """Who gave an order: in which role, and the name that stands for the person."""

    role: str
    name: str


class Cases(Silent):
    """The cases of one bank.

    Args:
        tenant: whose.
        desk: the facilities.
        facts: what the house knows of a facility.
    """

    name = "cases"

    def __init__(self, tenant: Tenant, desk: Desk, *, facts: Facts) -> None:
        self.tenant, self.facts = tenant, facts
        self.walks: dict[str, Walk] = {}
        self._desk = desk
        self._cases: dict[str, Case] = {}
        desk.checks.append(_has_process)

    @property
    def orders(self) -> Mapping[str, Order]:
        """What can be ordered about a case."""
        return {
            "complete_step": Order(
                CompleteStep, self._complete, ROLES, Words("完成步骤", "complete a step"),
            ),
            "restart_process": Order(
                RestartProcess, self._restart, ("approver",),
                Words("重走流程", "begin a changed process again"),
            ),
        }  # fmt: skip

    def hear(self, said: Said, now: Now) -> list[Said]:
        """A facility that is opened under the process begins its case."""
        self.facts.hear(said, now)
        if isinstance(said, Act) and said.kind == "facility_opened":
            account = self._desk.account(said.facility)
            if account.terms.process:
                self._begin(said.facility, now)
        return []

    def tick(self, now: Now) -> list[Said]:
        """Deadlines of steps, and since when things are heard, on the source of the facility."""
        said: list[Said] = []
        process = digest(now.pack.process)
        steps = {step.id: step for step in now.pack.steps}
        for facility, walk in self.walks.items():
            account = self._desk.account(facility)
            if account.source != now.source or not walk.ready:
                continue
            self.facts.watch(facility, now)
            if walk.process != process:
                said += self._changed(facility, walk, now=now)
            if walk.strayed is None:
                said += self._late(account, walk, now=now, steps=steps)
        return said

    def freeze(self) -> Any:
        """All cases as plain values."""
        walks = msgspec.to_builtins(self.walks, str_keys=True)
        return {"walks": walks, "facts": self.facts.freeze()}

    def thaw(self, kept: Any) -> None:
        """Take over what :meth:`freeze` gave; a case is taken up when it is next asked for."""
        self.walks = msgspec.convert(kept["walks"], dict[str, Walk])
        self.facts.thaw(kept["facts"])
        self._cases = {}

    def case(self, facility: str, now: Now) -> Case | None:
        """The case of a facility as it stands; None where its history does not fit the process.

        Raises:
            NotFound: the facility has no case.
        """
        walk = self._walk(facility)
        if walk.strayed is not None:
            return None
        process, held = now.pack.process, self._cases.get(facility)
        if held is None or walk.process != digest(process):
            try:
                held = Case.resume(process, walk.state.encode())
            except (Conflict, BadInput):
                return None
            if walk.process == digest(process):
                self._cases[facility] = held
        return held

    def known(self, facility: str, now: Now) -> dict[str, bool]:
        """The facts at which the gates of a facility's process look."""
        filed = any(one.documents for one in self._walk(facility).filed)
        found = self.facts(facility, now)
        return {**found, "documented": found["documented"] or filed}

    # ---- orders ----------------------------------------------------------------------------

    def _complete(self, command: Command, said: CompleteStep, *, now: Now) -> list[Said]:
        walk, who = self._walk(command.facility), _who(command)
        wrong = [one for one in said.documents if not _SHA.fullmatch(one)]
        if wrong or len(said.documents) > _MOST:
            raise BadInput(f"documents are up to {_MOST} SHA-256 in hexadecimal, not {wrong[:1]}")
        case = self.case(command.facility, now)
        if case is None:
            raise Conflict(
                f"the process of {command.facility!r} was changed, and its case is kept as "
                "history; the approver may begin it again (restart_process)"
            )
        known = self.known(command.facility, now)
        if said.documents:
            known["documented"] = True
        ready = case.complete(said.step, by_role=who.role, who=who.name, facts=known)
        step = next(one for one in case.steps if one.id == said.step)
        self._cases[command.facility], walk.process = case, digest(now.pack.process)
        walk.filed.append(Filed(said.step, now.at, said.note, tuple(said.documents)))
        walk.state = case.state().decode()
        walk.ready = {one.id: walk.ready.get(one.id, now.at) for one in ready}
        act = self._completed(command, step, who=who, ready=ready, known=known)
        if not ready:
            self.facts.forget(command.facility)
        over = walk.overdue.pop(said.step, None)
        because = (Cause("act", act.id),)
        ended = [Cleared(self.tenant, over.id, now.at, None, because)] if over else []
        return [act, *ended]

    def _completed(
        self, command: Command, step: Step, *, who: Told, ready: tuple[Step, ...],
        known: Mapping[str, bool],
    ) -> Act:  # fmt: skip
        body = command.body
        paid = self._desk.account(command.facility).is_paid_out
        met = [need for need in step.needs if known.get(need)]
        figures = {
            "step": step.id, "role": who.role, "who": who.name, "zh": step.words.zh,
            "en": step.words.en, "next": ", ".join(one.id for one in ready),
            "does": "" if step.does == PAYS_OUT and paid else step.does, "facts": ", ".join(met),
            "note": str(body.get("note", "")), "documents": ", ".join(body.get("documents", [])),
        }  # fmt: skip
        given = {name: text for name, text in figures.items() if text}
        return Act(
            self.tenant, "step_completed", command.facility, command.at, command.by, given,
            told(command),
        )  # fmt: skip

    def _restart(self, command: Command, said: RestartProcess, *, now: Now) -> list[Said]:
        walk = self._walk(command.facility)
        if walk.strayed is None:
            raise Conflict(f"the case of {command.facility!r} fits its process; it goes on")
        past = [*walk.past, (walk.process, walk.state)]
        old, over = walk.strayed, walk.overdue
        self._begin(command.facility, now, past=past)
        act = Act(
            self.tenant, "process_restarted", command.facility, command.at, command.by,
            {"reason": said.reason, "steps_before": str(len(walk.filed))}, told(command),
        )  # fmt: skip
        because = (Cause("act", act.id),)
        ended = [
            Cleared(self.tenant, one.id, now.at, None, because) for one in (old, *over.values())
        ]
        return [act, *ended]

    # ---- time ------------------------------------------------------------------------------

    def _late(
        self, account: Account, walk: Walk, *, now: Now, steps: Mapping[str, Step]
    ) -> list[Said]:
        said: list[Said] = []
        for number, step in enumerate(steps.values()):
            begun = walk.ready.get(step.id)
            if begun is None or not step.within or step.id in walk.overdue:
                continue
            if now.at > begun + step.within:
                # Steps that fall due at one moment are told apart by some nanoseconds.
                due = begun + step.within + number
                walk.overdue[step.id] = found = warn(
                    now, self.tenant, rule="step_overdue",
                    thing=ThingKey("facility", account.terms.id), since=due,
                    reasons=[_overdue(step, begun)], because=(Cause("act", account.opening),),
                )  # fmt: skip
                said.append(found)
                if step.escalate:
                    said.append(_escalated(step, found, account=account))
        return said

    def _changed(self, facility: str, walk: Walk, *, now: Now) -> list[Said]:
        """Take up a case under a process that was changed, or keep it as history."""
        case = self.case(facility, now)
        if case is not None:
            walk.process = digest(now.pack.process)
            walk.ready = {one.id: walk.ready.get(one.id, now.at) for one in case.ready()}
            self._cases[facility] = case
            return []
        if walk.strayed is not None:
            return []
        account = self._desk.account(facility)
        reason = Words(
            f"流程文件已变更，{len(walk.filed)} 个已完成步骤与其不符，原记录留存备查",
            f"the process was changed, and the {len(walk.filed)} steps that are complete do not "
            "fit it; they are kept as history",
        )
        walk.strayed = warn(
            now, self.tenant, rule="process_changed", thing=ThingKey("facility", facility),
            reasons=[reason], because=(Cause("act", account.opening),),
        )  # fmt: skip
        return [walk.strayed]

    def _begin(
        self, facility: str, now: Now, *, past: list[tuple[Digest, str]] | None = None
    ) -> None:
        case = Case.start(now.pack.process)
        ready = {step.id: now.at for step in case.ready()}
        self._cases[facility] = case
        self.walks[facility] = Walk(digest(now.pack.process), ready=ready, past=past or [])
        self.facts.watch(facility, now)

    def _walk(self, facility: str) -> Walk:
        walk = self.walks.get(facility)
        if walk is None:
            self._desk.account(facility)
            raise NotFound(f"facility {facility!r} was opened without a process, it has no steps")
        return walk


def _has_process(terms: Terms, now: Now) -> None:
    """A facility under a process needs a pack that has one."""
    if terms.process and not now.pack.process:
        raise BadInput(f"facility {terms.id!r}: pack {now.pack.name!r} has no process")


def _who(command: Command) -> Told:
    """Role and person of an order; a role alone is nobody whose eyes could be counted."""
    role, _, name = command.by.partition(":")
    if not name:
        raise BadInput(f"{command.by!r} names no person; four eyes need role:name")
    return Told(command.role or role, name)


def _overdue(step: Step, begun: int) -> Words:
    within, due = _span(step.within), iso(begun + step.within)
    zh = f"“{step.words.zh}”应在 {within.zh}内完成，已于 {due} 逾期"
    en = f"“{step.words.en}” was to be done within {within.en}, by {due}"
    if step.escalate:
        to = _ROLES[step.escalate]
        zh, en = f"{zh}；已升级至{to.zh}", f"{en}; escalated to the {to.en}"
    return Words(zh, en)


def _span(nanos: int) -> Words:
    for size, zh, en in ((DAY, "天", "d"), (HOUR, "小时", "h"), (MINUTE, "分钟", "min")):
        if nanos >= size and nanos % size == 0:
            return Words(f"{nanos // size} {zh}", f"{nanos // size} {en}")
    return Words(f"{nanos / 1e9:g} 秒", f"{nanos / 1e9:g} s")


def _escalated(step: Step, found: Finding, *, account: Account) -> Act:
    figures = {"step": step.id, "to": step.escalate, "owner": step.owner, "due": iso(found.since),
               "zh": step.words.zh, "en": step.words.en}  # fmt: skip
    return Act(
        found.tenant, "step_escalated", account.terms.id, found.raised, account.contract, figures,
        (Cause("finding", found.id),),
    )  # fmt: skip


def unmet(step: Step, case: Case, *, known: Mapping[str, bool]) -> list[tuple[str, Words]]:
    """What a step still needs, by name and in words: steps that come first, and facts."""
    steps = {one.id: one.words for one in case.steps}
    return [
        (need, steps.get(need) or FACTS.get(need) or Words(need, need))
        for need in case.missing(step, known)
    ]
