"""How far a facility has come in its pack's process: what is done, ready, waited for and late.

The steps are those of the pack's own BPMN file; the facts are the house's at the present of the
facility's source. The page shows it; a step is completed by the order ``complete_step``.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from fastapi import APIRouter

from wuxin.finance.cases import Filed, Walk
from wuxin.finance.facts import FACTS
from wuxin.finance.process import Done
from wuxin.home import Home
from wuxin.packs import schema
from wuxin.portal import queries
from wuxin.portal.access import Session
from wuxin.portal.visit import Here, Text, present
from wuxin.sources import Source
from wuxin.terms.clock import iso
from wuxin.terms.records import Words
from wuxin.terms.standards import Pack, Step

router: Final = APIRouter(prefix="/api", tags=["process"])

STATES: Final = ("done", "ready", "waiting", "later", "skipped")
"""Where a step stands; a waiting one was reached, and lacks a fact or another step."""


def of(home: Home, session: Session, *, name: str) -> dict[str, Any]:
    """The progress of a facility: its state, and every step with what it needs.

    The state is ``none`` where it was opened without a process, ``running``, ``finished``, or
    ``history`` where the process was changed and no longer fits what was done.

    Raises:
        NotFound: there is no such facility that the session may see.
    """
    pack = schema.load(queries.facility_row(home, session, name=name)["pack"])
    walk = home.flow.bank.cases.walks.get(name)
    if walk is None:
        steps = [_plain(step, pack, met=None) for step in pack.steps]
        return {"facility": name, "state": "none", "past": 0, "steps": steps}
    seen = _Seen(home, walk, name=name)
    return {
        "facility": name,
        "state": "history" if walk.strayed else "running" if walk.ready else "finished",
        "past": len(walk.past),
        "steps": [*(_shown(step, pack, seen=seen, who=session) for step in pack.steps),
                  *seen.unknown(pack)],
    }  # fmt: skip


@router.get("/facilities/{name}/process")
def progress(here: Here, name: Text) -> dict[str, Any]:
    """The steps of a facility's process: done by whom and when, ready, waiting for, overdue."""
    return of(here.home, here.who, name=name)


class _Seen:
    """A case at one moment: what is done, what is known, since when steps are ready."""

    def __init__(self, home: Home, walk: Walk, *, name: str) -> None:
        source = _source(home, name)
        self.walk = walk
        self.at = max(source.watermark, present(home, source))
        self.known = home.flow.bank.cases.known(name, home.flow.now(source, self.at))
        done = msgspec.json.decode(walk.state, type=list[Done])
        self.done = {one.step: one for one in done}
        self.filed: Mapping[str, Filed] = {one.step: one for one in walk.filed}

    def met(self, need: str) -> bool:
        """Whether a need is met."""
        return need in self.done or self.known.get(need, False)

    def unknown(self, pack: Pack) -> list[dict[str, Any]]:
        """What was done under a process that has no such step any more."""
        there = {step.id for step in pack.steps}
        return [
            {**_plain(Step(one, Words(one, one), done.role, ()), pack, met=None), **self.of(one)}
            for one, done in self.done.items() if one not in there
        ]  # fmt: skip

    def of(self, step: str) -> dict[str, Any]:
        """Who completed a step, in which role, when, and with what."""
        done, filed = self.done[step], self.filed[step]
        return {
            "state": "done", "who": done.who, "role": done.role, "at": iso(filed.at),
            "note": filed.note, "documents": [*filed.documents],
        }  # fmt: skip


def _shown(step: Step, pack: Pack, *, seen: _Seen, who: Session) -> dict[str, Any]:
    shown = _plain(step, pack, met=seen.met)
    if step.id in seen.done:
        return {**shown, **seen.of(step.id)}
    since = seen.walk.ready.get(step.id)
    if since is None:
        return {**shown, "state": "later" if seen.walk.ready else "skipped"}
    due = since + step.within if step.within else None
    lacking = [need for need in shown["needs"] if not need["met"]]
    ready = not lacking and seen.walk.strayed is None
    return {
        **shown, "state": "ready" if ready else "waiting", "since": iso(since),
        "due": iso(due) if due else None, "overdue": due is not None and seen.at > due,
        "may": ready and who.role == step.owner,
    }  # fmt: skip


def _plain(step: Step, pack: Pack, *, met: Callable[[str], bool] | None) -> dict[str, Any]:
    """A step of which nothing is known but what its process says."""
    steps = {one.id: one.words for one in pack.steps}
    needs = [
        {"need": need, "met": met(need) if met else None, "step": need in steps,
         **queries.words(steps.get(need) or FACTS.get(need) or Words(need, need))}
        for need in step.needs
    ]  # fmt: skip
    return {
        "step": step.id, "owner": step.owner, **queries.words(step.words), "needs": needs,
        "does": step.does, "escalate": step.escalate, "within_s": step.within // 1_000_000_000,
        "state": "later", "who": "", "role": "", "at": None, "note": "", "documents": [],
        "since": None, "due": None, "overdue": False, "may": False,
    }  # fmt: skip


def _source(home: Home, facility: str) -> Source:
    return home.flow.sources[home.flow.bank.source_of(facility)]
