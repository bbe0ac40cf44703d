"""Routes of credit and the books: the ledger, applications, ratings, liquidations, statements.

Orders are given at the routes of all orders; here the house itself measures, and statements are
looked at before they are handed in.
"""

import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from wuxin.finance.credit import HOUSE
from wuxin.finance.periods import period
from wuxin.portal import lending, orders, queries
from wuxin.portal.assess import as_json
from wuxin.portal.visit import Here, Next, Page, Part, Text, Visit
from wuxin.risk.statement_flags import assess
from wuxin.risk.statements import read
from wuxin.stores import schema as tables
from wuxin.terms.counter import BANK, check_plain
from wuxin.terms.errors import BadInput, Forbidden, NotFound
from wuxin.terms.names import thing_key
from wuxin.terms.records import UNUSABLE, Command
from wuxin.terms.units import shown


class EntriesAsked(Page):
    """Which journal entries."""

    facility: Text = ""
    account: Text = Field("", description="an account of the chart, for example loan_principal")


class Statement(BaseModel):
    """Statements as `wuxin assess` reads them."""

    statement: dict[str, Any]


class Measure(BaseModel):
    """What the house is to sum from the twin, as one source of a fact."""

    fact: str = Field(min_length=1, max_length=120)
    period: str = Field(min_length=4, max_length=80)
    pack: Text
    thing: Text = Field(description="kind:id")
    indicator: Text
    tolerance_share: Text
    reason: str = Field(min_length=1, max_length=500)
    unit: Text = Field("", description="of the fact, where a rate is given; else the indicator's")
    rate: Text = Field("1", description="what one unit of the indicator, as shown, stands for")
    rate_reason: Text = ""


router: Final = APIRouter(prefix="/api", tags=["credit"])


@router.get("/ledger")
def ledger(here: Here, onward: Next, *, asked: Annotated[EntriesAsked, Query()]) -> dict[str, Any]:
    """Journal entries by facility and account, newest first, and the trial balance."""
    page = (asked.offset, asked.limit)
    where = {"facility": asked.facility, "account": asked.account}
    return onward.of(lending.ledger(here.home, here.who, **where, page=page), asked)


@router.get("/liquidations")
def liquidations(here: Here) -> dict[str, Any]:
    """Disposals with proceeds against value (CRR Art. 199(6)(d): 70 %, 10 %), by kind."""
    return lending.liquidations(here.home, here.who)


@router.get("/applications")
def applications(here: Here, onward: Next, *, asked: Annotated[Page, Query()]) -> dict[str, Any]:
    """Applications for credit, newest first."""
    page = (asked.offset, asked.limit)
    return onward.of(lending.applications(here.home, here.who, page=page), asked)


@router.get("/applications/{name}")
def application(here: Here, name: Text) -> dict[str, Any]:
    """One application: its decision, field by field, and every step of its life."""
    return lending.application(here.home, here.who, name=name)


@router.get("/obligors")
def obligors(here: Here, part: Part) -> list[dict[str, Any]]:
    """Obligors with their grade, the worst first."""
    return part.of(lending.obligors(here.home, here.who))


@router.get("/obligors/{name:path}/rating")
def rating(here: Here, name: Text) -> dict[str, Any]:
    """An obligor's grades with what moved them, limits, statements, facts and scores."""
    return lending.rating(here.home, here.who, obligor=name)


@router.post("/obligors/{name:path}/measure")
def measured(here: Here, name: Text, asked: Measure) -> dict[str, Any]:
    """Have the house sum an indicator of the twin, as one source of a fact."""
    measure(here, name, asked=asked)
    return lending.rating(here.home, here.who, obligor=name)


@router.post("/statements/assess")
def assessed(here: Here, told: Statement) -> dict[str, Any]:
    """Assess statements as `wuxin assess` does; nothing is kept."""
    del here
    check_plain(told.statement, "statement")
    text = json.dumps(told.statement, ensure_ascii=False)
    return as_json(assess(read(text, "statement")))


def measure(here: Visit, obligor: str, *, asked: Measure) -> None:
    """Sum an indicator over a period and tell it as the house's own claim.

    Readings count from the period's first moment to before its end; what models derive of a day
    stands at the day's last moment. Marked readings do not count.

    Raises:
        BadInput: there is no such indicator, or no reading in the period.
        NotFound: there is no such thing that the session may see.
    """
    if here.who.role not in here.home.flow.bank.orders["tell_claim"].by:
        raise Forbidden(f"the role {here.who.role} may not measure a fact")
    home, kind = here.home, thing_key(asked.thing)
    key = {"pack": asked.pack, "kind": kind.kind, "id": kind.id}
    rows = home.book.rows(tables.thing, here.who.tenant, **key)
    if not queries.visible(home, here.who, rows=rows):
        raise NotFound(f"there is no {kind.kind} {kind.id!r} in {asked.pack!r}")
    declared = home.flow.lines[asked.pack].pack.indicators.get(asked.indicator)
    if declared is None:
        raise BadInput(f"the pack {asked.pack} has no indicator {asked.indicator!r}")
    if asked.rate != "1" and not asked.rate_reason.strip():
        raise BadInput("a rate says why it is so: rate_reason")
    begin, end = period(asked.period)
    where = "pack = $pack AND kind = $kind AND thing = $id AND indicator = $indicator"
    where += f" AND event_time >= $begin AND event_time < $end AND (quality & {int(UNUSABLE)}) = 0"
    sums = "coalesce(sum(value), 0) AS total, count(*) AS n, coalesce(max(batch), 0) AS batch"
    found = home.history.query(
        f"SELECT {sums} FROM readings WHERE {where}",  # noqa: S608 - fixed texts
        {**key, "indicator": asked.indicator, "begin": begin, "end": end},
    ).to_pylist()[0]
    if not found["n"]:
        raise BadInput(f"{asked.thing} has no reading of {asked.indicator} in {asked.period}")
    total = shown(float(found["total"]), declared.unit, show=declared.show)
    body = asked.model_dump(include={"fact", "period", "pack", "thing", "indicator", "reason",
                                     "tolerance_share", "rate", "rate_reason"})  # fmt: skip
    body |= {"obligor": obligor, "value": f"{total:.12g}", "unit": asked.unit or declared.show,
             "readings": int(found["n"]), "known_by_batch": int(found["batch"])}  # fmt: skip
    by = f"{here.who.role}:{here.who.name}"
    command = Command("measure_claim", home.clock(), by, "", body, HOUSE)
    orders.answer(home, here.who, command=command, source=BANK)
