"""Warnings over HTTP: the work list, one warning with its life, and the figures of each rule.

What is done about them are orders of the bank: ``acknowledge_warning``, ``assign_warning`` and
``handle_warning``; see :mod:`wuxin.portal.orders`.
"""

import json
import statistics
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from wuxin.home import Home
from wuxin.packs import schema
from wuxin.portal import orders, queries
from wuxin.portal.access import Session
from wuxin.portal.visit import Here, Next, Page, Text
from wuxin.stores import worklist
from wuxin.terms.errors import Conflict, NotFound
from wuxin.terms.records import LEVELS

router: Final = APIRouter(prefix="/api", tags=["warning"])


class Asked(Page):
    """Which warnings; ``state`` open stands for all that are neither handled nor cleared."""

    level: Literal["", "red", "amber"] = ""
    state: Literal["", "open", "raised", "acknowledged", "assigned", "handled", "cleared"] = ""
    owner: Text = Field("", description="a person, or a role that is asked")
    facility: Text = ""
    rule: Text = ""
    pack: Text = ""


class Reason(BaseModel):
    """Why something is done; kept with it."""

    reason: str = Field(min_length=3, max_length=500, pattern=r"^[^\x00]*$")


@router.get("/warnings")
def warnings(here: Here, onward: Next, *, asked: Annotated[Asked, Query()]) -> dict[str, Any]:
    """The work list: what is not over first, then the worst level, then the nearest deadline."""
    where = asked.model_dump(exclude={"offset", "limit"})
    given = {name: value for name, value in where.items() if value}
    page = (asked.offset, asked.limit)
    return onward.of(listed(here.home, here.who, where=given, page=page), asked)


@router.get("/warnings/figures")
def figures(here: Here) -> dict[str, Any]:
    """Of each rule: how many were raised and handled, false alarms, and how long people took."""
    return of_rules(here.home, here.who)


@router.get("/warnings/{name}")
def warning(here: Here, name: Text) -> dict[str, Any]:
    """One warning: its findings, its life, what to do, and what may be ordered about it."""
    return one(here.home, here.who, name=name)


@router.post("/findings/{name}/acknowledge")
def acknowledge(here: Here, name: Text, *, why: Reason) -> dict[str, Any]:
    """Acknowledge the warning that a finding belongs to; as the order ``acknowledge_warning``."""
    orders.need(here.home, here.who, do="acknowledge_warning")
    found = queries.one_finding(here.home, here.who, name=name)
    if not found["warning"]:
        raise Conflict("a finding that is only to know makes no warning to acknowledge")
    body = {"warning": found["warning"], "note": why.reason}
    orders.give(here.home, here.who, do="acknowledge_warning", body=body)
    return queries.one_finding(here.home, here.who, name=name)


def listed(
    home: Home, session: Session, *, where: Mapping[str, str],
    page: tuple[int, int] = (0, queries.PAGE),
) -> dict[str, Any]:  # fmt: skip
    """Warnings that the session may see, the most pressing first, counted by level."""
    found = worklist.listed(
        home.book.engine, session.tenant, where=where, facilities=_own(home, session), page=page
    )
    return {
        "total": found.total,
        "levels": {level: found.levels.get(level, 0) for level in LEVELS},
        "rows": [_short(json.loads(row["snapshot"])) for row in found.rows],
    }


def one(home: Home, session: Session, *, name: str) -> dict[str, Any]:
    """One warning with its life, its runbook, its newest findings and who may do what.

    Raises:
        NotFound: there is none that the session may see.
    """
    own = _own(home, session)
    found = worklist.listed(home.book.engine, session.tenant, where={"id": name}, facilities=own)
    if not found.rows:
        raise NotFound(f"there is no warning {name!r}")
    shown = json.loads(found.rows[0]["snapshot"])
    page = (0, 20)
    findings = queries.findings(home, session, where={"warning": name}, page=page)
    return {
        **shown,
        "words": [shown["words"]],
        "rule_words": [_rule(shown["pack"], rule) for rule in shown["rules"]],
        "rows": findings["rows"],
        "may": _may(home, session, shown=shown),
    }


def of_rules(home: Home, session: Session) -> dict[str, Any]:
    """The figures of each rule over all warnings, the most raised first; nothing for a borrower."""
    session_sees = session.sees_all
    told: dict[str, dict[str, Any]] = {}
    acts = worklist.moves(home.book.engine, session.tenant) if session_sees else []
    for act in acts:
        rule = told.setdefault(act["rule"], {"raised": 0, "handled": 0, "false": 0, "waited": []})
        if act["kind"] == "warning_raised":
            rule["raised"] += 1
        if act["kind"] == "warning_handled":
            rule["handled"] += 1
            rule["false"] += act["outcome"] == "false_alarm"
        if "waited_s" in act:
            rule["waited"].append(int(act["waited_s"]))
    standing = worklist.open_now(home.book.engine, session.tenant) if session_sees else {}
    rows = [
        {
            "rule": name, "raised": rule["raised"], "open": standing.get(name, 0),
            "handled": rule["handled"], "false_alarms": rule["false"],
            "false_alarm_share": _share(rule["false"], rule["handled"]),
            "acknowledged": len(rule["waited"]),
            "acknowledge_median_s": _quantile(rule["waited"], 0.5),
            "acknowledge_90_s": _quantile(rule["waited"], 0.9),
        }
        for name, rule in told.items()
    ]  # fmt: skip
    return {"rows": sorted(rows, key=lambda row: (-row["raised"], row["rule"]))}


def _own(home: Home, session: Session) -> list[str] | None:
    """The facilities to which the session is kept; None: it sees all."""
    if session.sees_all:
        return None
    return [found["id"] for found in queries.facilities(home, session)]


def _short(shown: dict[str, Any]) -> dict[str, Any]:
    """A warning as a row of the list: without its life."""
    row = {**{k: v for k, v in shown.items() if k != "life"}, "words": [shown["words"]]}
    return row | ({"role": ""} if shown["state"] in {"handled", "cleared"} else {})


def _rule(pack: str, name: str) -> dict[str, Any]:
    """What a rule of the warning asks for, in both languages."""
    rule = schema.load(pack).rules.get(name)
    if rule is None:
        return {"rule": name, "runbook": None, "actions": {}}
    return {
        "rule": name, **queries.words(rule.words),
        "runbook": queries.words(rule.runbook) if rule.runbook else None,
        "actions": {"bank": queries.words(rule.bank), "enterprise": queries.words(rule.enterprise)},
    }  # fmt: skip


def _may(home: Home, session: Session, *, shown: Mapping[str, Any]) -> list[str]:
    """Which orders the session may give about a warning as it stands."""
    stands, known = shown["state"], home.flow.bank.orders
    wanted = []
    if not shown["acknowledged_by"]:
        wanted.append("acknowledge_warning")
    if stands not in {"handled", "cleared"}:
        wanted.append("assign_warning")
    if not shown["outcome"]:
        wanted.append("handle_warning")
    if shown["warning"] not in home.flow.bank.warnings.groups:
        return []
    return [do for do in wanted if session.role in known[do].by]


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _quantile(values: Sequence[int], share: float) -> float | None:
    """The value below which a share of the values lies (linear between them)."""
    if len(values) < 2:
        return float(values[0]) if values else None
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return cuts[round(share * 100) - 1]
