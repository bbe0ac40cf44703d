"""Spare and short capacity as it stands, and what the last matches placed or left waiting.

Offers and orders are registered, withdrawn and matched by orders of the bank: ``offer_capacity``,
``seek_capacity``, ``withdraw_capacity`` and ``match_capacity``; see :mod:`wuxin.portal.orders`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from fastapi import APIRouter

from wuxin.finance.matching import OfferCapacity, SeekCapacity
from wuxin.home import Home
from wuxin.portal import views
from wuxin.portal.access import Session
from wuxin.portal.visit import Here
from wuxin.terms.names import Tenant

router: Final = APIRouter(prefix="/api", tags=["capacity"])

NEWEST: Final = 50
"""How many placed orders, and how many that wait, are told."""


@router.get("/capacity")
def capacity(here: Here) -> dict[str, Any]:
    """What is offered and sought, and the newest matches, each with its explanation.

    A factory's own users see what is theirs: its offers, its orders, and where they were placed.
    """
    return standing(here.home, here.who)


def standing(home: Home, session: Session) -> dict[str, Any]:
    """See :func:`capacity`."""
    with home.standing() as flow:
        held, orders = flow.bank.capacity.standing, flow.bank.capacity.orders
    return {
        "offers": _own(session, held.offers),
        "needs": _own(session, held.needs),
        "placed": _acts(home, session, kind="capacity_matched"),
        "waiting": _waiting(home, session, needs={need.id for need in held.needs}),
        "party": session.party,
        "may": [name for name, order in orders.items() if session.role in order.by],
    }


def _own(
    session: Session, held: Sequence[OfferCapacity | SeekCapacity]
) -> list[dict[str, Any]]:  # fmt: skip
    return [
        msgspec.structs.asdict(one)
        for one in held
        if session.sees_all or one.factory == session.party
    ]


def _acts(home: Home, session: Session, *, kind: str) -> list[dict[str, Any]]:
    """The newest acts of a kind; a factory's user sees those that name the factory."""
    tenant: Tenant = session.tenant
    rows = (views.act(row) for row in home.book.acts(tenant, {"kind": kind}))
    found = [row for row in rows if session.sees_all or _names(row["figures"], session.party)]
    return found[:NEWEST]


def _waiting(home: Home, session: Session, *, needs: set[str]) -> list[dict[str, Any]]:
    """Why each order that still stands was not placed when last tried."""
    last: dict[str, dict[str, Any]] = {}
    for row in _acts(home, session, kind="capacity_waiting"):
        last.setdefault(row["figures"]["need"], row)
    return [row for need, row in last.items() if need in needs]


def _names(figures: Mapping[str, str], party: str) -> bool:
    return any(value == party for name, value in figures.items() if name.split("_")[0] == "factory")
