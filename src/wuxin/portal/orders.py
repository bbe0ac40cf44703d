"""Orders over HTTP: a route for each order that a counter of the bank declares.

    POST /api/facilities/{facility}/orders/{do}     POST /api/bank/orders/{do}

Form, words and rights of a route are those of the order. With the header ``Idempotency-Key`` an
order is obeyed once, however often it is sent, and answered alike each time.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Body, Header, Query
from pydantic import BaseModel

from wuxin.home import Home
from wuxin.portal import queries, views
from wuxin.portal.access import Session
from wuxin.portal.visit import Here, Part, Text, present
from wuxin.terms.counter import BANK, Order, check_plain, read
from wuxin.terms.errors import BadInput, Conflict, Forbidden, NotFound
from wuxin.terms.records import Command

OPENING: Final = "open_facility"
_KEY: Final = 255
_REF: Final = "#/components/schemas/{name}"


class Obeyed(BaseModel):
    """What came of an order: the journal entry that brought it, and what was said because of it."""

    entry: int
    repeated: bool
    acts: list[dict[str, Any]]
    findings: list[dict[str, Any]]


def give(
    home: Home, session: Session, *, do: str, facility: str = "", body: Mapping[str, Any],
    **how: str,
) -> dict[str, Any]:  # fmt: skip
    """Give an order.

    Args:
        home: to whose bank.
        session: who gives it; its role must be one of the order's.
        do: the order's name.
        facility: of which; empty for an order of the bank as a whole.
        body: what it says.
        how: where given ``key``, under which it is obeyed once, and ``source``, on whose clock a
            new facility is to run.

    Raises:
        Refused: it cannot be obeyed, and why; nothing has changed.
    """
    order = need(home, session, do=do)
    key, source = how.get("key", ""), how.get("source", "")
    if len(key) > _KEY or not key.isprintable():
        raise BadInput(f"an idempotency key has at most {_KEY} printable characters")
    check_plain({"body": body}, do)
    read(body, order.body, do=do)
    if facility and do != OPENING:
        queries.facility_row(home, session, name=facility)
    _own(home, session, do=do, body=body)
    source = _source(home, order, facility=facility, source=source, do=do)
    by = f"{session.role}:{session.name}"
    at = _present(home, source)
    command = Command(do, at, by, facility, dict(body), session.role, key)
    return answer(home, session, command=command, source=source)


def need(home: Home, session: Session, *, do: str) -> Order:
    """An order that the session may give.

    Raises:
        NotFound: there is no such order.
        Forbidden: the session's role may not give it.
    """
    order = home.flow.bank.orders.get(do)
    if order is None:
        raise NotFound(f"there is no order {do!r}")
    if session.role not in order.by:
        raise Forbidden(f"the role {session.role} may not {order.words.en}")
    return order


def _own(home: Home, session: Session, *, do: str, body: Mapping[str, Any]) -> None:
    """Refuse what a borrower orders for another party, or about what is another's."""
    if session.sees_all:
        return
    bank = home.flow.bank
    named = body.get("obligor", body.get("factory"))
    what, said = "obligor", named
    if "application" in body:
        what, said = "application", body["application"]
        known = bank.credit.applications.get(str(said))
        named = known.obligor if known else ""
    elif do == "withdraw_capacity":
        what, said = "offer or order", body.get("id")
        named = bank.capacity.factory_of(str(said))
    if named is not None and named != session.party:
        raise NotFound(f"there is no {what} {said!r}")


def answer(home: Home, session: Session, *, command: Command, source: str) -> dict[str, Any]:
    """Give an order to the house, and what came of it."""
    outcome = home.order(command, source=source)
    entry = outcome.repeats or outcome.number
    acts = home.book.acts(session.tenant, {"batch": entry})
    found = home.book.findings(session.tenant, {"batch": entry})
    return {
        "entry": entry,
        "repeated": bool(outcome.repeats),
        "acts": [views.act(row) for row in reversed(acts)],
        "findings": [views.finding(row) for row in reversed(found)],
    }


def listed(home: Home) -> list[dict[str, Any]]:
    """All orders: name, words, who may give them, and whether they name a facility."""
    return [
        {"do": name, **queries.words(order.words), "by": [*order.by], "of": order.of,
         "says": (order.body.__doc__ or "").strip()}
        for name, order in home.flow.bank.orders.items()
    ]  # fmt: skip


def routes(home: Home) -> APIRouter:
    """The routes of all orders, as the bank's counters declare them."""
    router = APIRouter(prefix="/api")

    @router.get("/orders", tags=["order"])
    def orders(here: Here, part: Part) -> list[dict[str, Any]]:
        """What can be ordered, and by whom."""
        return part.of(listed(here.home))

    for name, order in home.flow.bank.orders.items():
        of_facility = order.of == "facility"
        path = "/facilities/{facility}/orders/" if of_facility else "/bank/orders/"
        router.add_api_route(
            f"{path}{name}", _of_facility(name) if of_facility else _of_bank(name),
            methods=["POST"], tags=["order"], response_model=Obeyed, operation_id=f"order_{name}",
            summary=f"{order.words.zh} · {order.words.en}", description=_said(order),
            openapi_extra={"requestBody": _form(order)},
        )  # fmt: skip
    return router


def schemas(home: Home) -> dict[str, Any]:
    """The JSON schemas of all bodies, by name, for the OpenAPI document."""
    bodies = [order.body for order in home.flow.bank.orders.values()]
    return msgspec.json.schema_components(bodies, ref_template=_REF)[1]


Key = Annotated[str, Header(alias="Idempotency-Key", max_length=_KEY, pattern=r"^[ -~]*$")]
Said = Annotated[dict[str, Any], Body()]


def _of_facility(do: str) -> Any:
    def order(
        here: Here, facility: Text, *, body: Said, key: Key = "",
        source: Annotated[Text, Query(description="for a new facility: on whose clock")] = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Give an order about a facility."""
        return give(
            here.home, here.who, do=do, facility=facility, body=body, key=key, source=source
        )

    return order


def _of_bank(do: str) -> Any:
    def order(here: Here, body: Said, *, key: Key = "") -> dict[str, Any]:
        """Give an order of the bank as a whole."""
        return give(here.home, here.who, do=do, body=body, key=key)

    return order


def _said(order: Order) -> str:
    roles = ", ".join(order.by)
    return f"{(order.body.__doc__ or '').strip()}\n\nMay be given by: {roles}."


def _form(order: Order) -> dict[str, Any]:
    schema = {"$ref": _REF.format(name=order.body.__name__)}
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _source(home: Home, order: Order, *, facility: str, source: str, do: str) -> str:
    """The source that an order is told to, which must not be in the middle of a replay."""
    if order.of != "facility":
        return BANK
    if do == OPENING and source not in home.flow.sources:
        known = ", ".join(home.flow.sources)
        raise BadInput(f"source says on whose clock the facility is to run: one of {known}")
    name = source if do == OPENING else home.flow.bank.source_of(facility)
    told = home.flow.sources.get(name)
    if told is not None and told.mapped and not told.ended:
        raise Conflict(f"{name} is still being replayed; orders are obeyed after its end")
    return name


def _present(home: Home, source: str) -> int:
    """When an order is given (ns): at a source's present, and on a recording after the last one."""
    told = home.flow.sources.get(source)
    if told is None:
        return home.clock()
    now = present(home, told)
    return now if told.decoder is not None else max(now, told.told + 1)


def body_of(text: str) -> dict[str, Any]:
    """The body of an order, from JSON text.

    Raises:
        BadInput: it is no JSON object.
    """
    try:
        found = json.loads(text)
    except json.JSONDecodeError as wrong:
        raise BadInput(f"the body is no JSON: {wrong}") from None
    if not isinstance(found, dict):
        raise BadInput("the body of an order is a JSON object")
    return found
