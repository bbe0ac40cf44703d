"""Routes of credit and the books: the ledger, applications, ratings, liquidations, statements.

Orders that these routes give go the way of all orders; who may give them stands with the order.
"""

import json
from collections.abc import Callable
from typing import Annotated, Any, Final, Protocol

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from wuxin.finance.credit import HOUSE
from wuxin.finance.periods import period
from wuxin.home import Home
from wuxin.portal import lending, queries
from wuxin.portal.access import Session
from wuxin.portal.assess import as_json
from wuxin.risk.statement_flags import assess
from wuxin.risk.statements import read
from wuxin.stores import schema as tables
from wuxin.terms.errors import BadInput, Forbidden, NotFound
from wuxin.terms.names import thing_key
from wuxin.terms.records import UNUSABLE, Command
from wuxin.terms.units import shown

_STEPS: Final = {"review": "review", "decide": "decide", "withdraw": "withdraw_application"}


class Visit(Protocol):
    """A request of somebody who has signed in: the home and the session."""

    @property
    def home(self) -> Home:
        """The home that is served."""
        ...

    @property
    def who(self) -> Session:
        """Who asks."""
        ...


class EntriesAsked(BaseModel):
    """Which journal entries."""

    facility: str = ""
    account: str = Field("", description="an account of the chart, for example loan_principal")
    offset: int = Field(0, ge=0)
    limit: int = Field(50, ge=1, le=queries.PAGE)


class ApplicationsAsked(BaseModel):
    """Which applications."""

    offset: int = Field(0, ge=0)
    limit: int = Field(50, ge=1, le=queries.PAGE)


class Statement(BaseModel):
    """Statements as `wuxin assess` reads them."""

    statement: dict[str, Any]


class Measure(BaseModel):
    """What the house is to sum from the twin, as one source of a fact."""

    fact: str = Field(min_length=1, max_length=120)
    period: str = Field(min_length=4, max_length=80)
    pack: str
    thing: str = Field(description="kind:id")
    indicator: str
    tolerance_share: str
    reason: str = Field(min_length=1, max_length=500)
    unit: str = Field("", description="of the fact, where a rate is given; else the indicator's")
    rate: str = Field("1", description="what one unit of the indicator, as shown, stands for")
    rate_reason: str = ""


def routes(visit: Callable[..., Any]) -> APIRouter:
    """The routes, given what finds out who asks."""
    router = APIRouter(prefix="/api", tags=["credit"])
    here = Annotated[Visit, Depends(visit)]
    _books(router, here)
    _applications(router, here)
    _obligors(router, here)
    return router


def _books(router: APIRouter, Here: Any) -> None:  # noqa: N803 - a type
    @router.get("/ledger")
    def ledger(here: Here, asked: Annotated[EntriesAsked, Query()]) -> dict[str, Any]:
        """Journal entries by facility and account, newest first, and the trial balance."""
        page = (asked.offset, asked.limit)
        return lending.ledger(here.home, here.who, facility=asked.facility,
                              account=asked.account, page=page)  # fmt: skip

    @router.get("/liquidations")
    def liquidations(here: Here) -> dict[str, Any]:
        """Disposals with proceeds against value (CRR Art. 199(6)(d): 70 %, 10 %), by kind."""
        return lending.liquidations(here.home, here.who)


def _applications(router: APIRouter, Here: Any) -> None:  # noqa: N803 - a type
    @router.get("/applications")
    def applications(here: Here, asked: Annotated[ApplicationsAsked, Query()]) -> dict[str, Any]:
        """Applications for credit, newest first."""
        return lending.applications(here.home, here.who, page=(asked.offset, asked.limit))

    @router.get("/applications/{name}")
    def application(here: Here, name: str) -> dict[str, Any]:
        """One application: its decision, field by field, and every step of its life."""
        return lending.application(here.home, here.who, name=name)

    @router.post("/applications/{name}/{step}", tags=["act"])
    def take_step(here: Here, name: str, step: str, body: dict[str, Any]) -> dict[str, Any]:
        """Review an application, decide on it, or withdraw it."""
        lending.application(here.home, here.who, name=name)
        if step not in _STEPS:
            raise NotFound(f"an application has no step {step!r}; it has {', '.join(_STEPS)}")
        give(here, _STEPS[step], body={**body, "application": name})
        return lending.application(here.home, here.who, name=name)


def _obligors(router: APIRouter, Here: Any) -> None:  # noqa: N803 - a type
    @router.get("/obligors")
    def obligors(here: Here) -> list[dict[str, Any]]:
        """Obligors with their grade, the worst first."""
        return lending.obligors(here.home, here.who)

    @router.get("/obligors/{name:path}/rating")
    def rating(here: Here, name: str) -> dict[str, Any]:
        """An obligor's grades with what moved them, limits, statements, facts and scores."""
        return lending.rating(here.home, here.who, obligor=name)

    @router.post("/obligors/{name:path}/statement", tags=["act"])
    def tell(here: Here, name: str, told: Statement) -> dict[str, Any]:
        """Hand in statements of an obligor."""
        give(here, "tell_statement", body={"obligor": name, "statement": told.statement})
        return lending.rating(here.home, here.who, obligor=name)

    @router.post("/obligors/{name:path}/measure", tags=["act"])
    def measured(here: Here, name: str, asked: Measure) -> dict[str, Any]:
        """Have the house sum an indicator of the twin, as one source of a fact."""
        measure(here, name, asked=asked)
        return lending.rating(here.home, here.who, obligor=name)

    @router.post("/statements/assess")
    def assessed(here: Here, told: Statement) -> dict[str, Any]:
        """Assess statements as `wuxin assess` does; nothing is kept."""
        del here
        text = json.dumps(told.statement, ensure_ascii=False)
        return as_json(assess(read(text, "statement")))


def give(here: Visit, do: str, *, body: dict[str, Any], role: str = "") -> None:
    """Give an order in somebody's name.

    Args:
        here: who gives it.
        do: the order.
        body: what it takes.
        role: in which role, where it is not the session's own.

    Raises:
        Forbidden: that is not for this role, or another party's.
        Refused: whatever the counter refuses it for.
    """
    order, who = here.home.flow.bank.orders[do], here.who
    if not role and who.role not in order.by:
        raise Forbidden(f"the role {who.role} may not {order.words.en}")
    if not who.sees_all and body.get("obligor", who.party) != who.party:
        raise NotFound(f"there is no obligor {body['obligor']!r}")
    here.home.order(Command(do, here.home.clock(), who.name, "", body, role or who.role))


def measure(here: Visit, obligor: str, *, asked: Measure) -> None:
    """Sum an indicator over a period and tell it as the house's own claim.

    Readings count from the period's first moment to before its end; what models derive of a day
    stands at the day's last moment. Marked readings do not count.

    Raises:
        BadInput: there is no such indicator, or no reading in the period.
        NotFound: there is no such thing that the session may see.
    """
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
    if here.who.role not in here.home.flow.bank.orders["tell_claim"].by:
        raise Forbidden(f"the role {here.who.role} may not measure a fact")
    give(here, "measure_claim", body=body, role=HOUSE)
