"""Subscriptions over HTTP: who is told of what, what waits to be sent, and the signing secret.

Subscribing and ending it are orders (``subscribe``, ``follow_facility``, ``unsubscribe``).
"""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query

from wuxin.finance.subscribers import Subscription
from wuxin.home import Home
from wuxin.notify.courier import secret_of
from wuxin.notify.outbox import Outbox
from wuxin.portal.access import Session
from wuxin.portal.visit import Here, Part, Text
from wuxin.terms.clock import iso
from wuxin.terms.errors import Forbidden, NotFound

router: Final = APIRouter(prefix="/api", tags=["subscription"])

_OFFICERS: Final = ("risk_officer", "relationship_manager")


@router.get("/subscriptions")
def subscriptions(here: Here, part: Part) -> list[dict[str, Any]]:
    """Subscriptions; whoever is no officer of the bank sees those of its own."""
    return part.of([
        {"subscription": one.id, "by": one.by, "since": iso(one.since), "kinds": [*one.kinds],
         "url": one.url, "email": one.email, "levels": [*one.levels], "facility": one.facility,
         "secret_digest": one.secret_digest}
        for one in _mine(here.home, here.who)
    ])  # fmt: skip


@router.get("/deliveries")
def deliveries(
    here: Here, part: Part, *, state: Annotated[Literal["", "waiting", "parked"], Query()] = ""
) -> list[dict[str, Any]]:
    """What waits to be sent or was given up after a day, with what the receiver said."""
    ids = [one.id for one in _mine(here.home, here.who)]
    return part.of(Outbox(here.home.book, here.who.tenant).listed(ids, state))


@router.post("/subscriptions/{name}/secret")
def secret(here: Here, name: Text) -> dict[str, str]:
    """The secret with which messages are signed, for who made the subscription."""
    if here.who.role not in {*_OFFICERS, "borrower"}:
        raise Forbidden(f"the role {here.who.role} has no subscriptions")
    for one in _mine(here.home, here.who):
        if one.id == name:
            if one.by != _mandate(here.who):
                raise Forbidden("the secret is shown to who made the subscription")
            return {"subscription": one.id, "secret": secret_of(here.home, one)}
    raise NotFound(f"there is no subscription {name!r}")


def _mine(home: Home, who: Session) -> list[Subscription]:
    known = [*home.flow.bank.subscribers.subscriptions.values()]
    if who.role in _OFFICERS:
        return known
    return [one for one in known if one.by == _mandate(who)]


def _mandate(who: Session) -> str:
    return f"{who.role}:{who.name}"
