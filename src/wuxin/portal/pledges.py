"""What is pledged, by facility and by number, as true at one moment and known at another."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from wuxin.finance.identity import identity
from wuxin.finance.pledges import FOREVER, Pledge
from wuxin.home import Home
from wuxin.portal import queries
from wuxin.portal.access import Session
from wuxin.portal.visit import Here, Part, Text
from wuxin.terms.clock import iso, moment

router: Final = APIRouter(prefix="/api", tags=["read"])

At = Annotated[Text, Query(description="true at this event time (ISO 8601); now if left out")]
Known = Annotated[Text, Query(description="known at this arrival time (ISO 8601)")]


@router.get("/facilities/{name}/pledges")
def pledges(
    here: Here, name: Text, *, part: Part, at: At = "", known: Known = ""
) -> list[dict[str, Any]]:
    """The things behind a facility, each with what is lent against it and why."""
    return part.of(of(here.home, here.who, name=name, at=at, known=known))


@router.get("/pledges")
def holders(
    here: Here,
    *,
    scheme: Text,
    text: Text,
    issuer: Text = "",
    at: At = "",
    known: Known = "",
) -> list[dict[str, Any]]:
    """Who holds goods by one of their numbers, by rank; a borrower sees its own alone."""
    register = here.home.flow.bank.books.register
    number = identity(scheme, text, issuer=issuer)
    found = register.holders(number, at=_moment(here.home, at), known=_known(known))
    own = {f["id"] for f in queries.facilities(here.home, here.who)}
    return [_plain(one) for one in found if one.facility in own]


def of(
    home: Home, session: Session, *, name: str, at: str = "", known: str = ""
) -> list[dict[str, Any]]:
    """The pledges of a facility, with value, haircut, lendable and reasons as last marked.

    Raises:
        NotFound: there is no such facility that the session may see.
    """
    facility = queries.facility_row(home, session, name=name)
    lines = {line["thing"]: line for line in facility.get("lines", ())}
    register = home.flow.bank.books.register
    found = register.in_force(at=_moment(home, at), known=_known(known), facility=name)
    return [{**_plain(one), **_worth(lines.get(str(one.thing)))} for one in found]


def _worth(line: dict[str, Any] | None) -> dict[str, Any]:
    names = ("value", "haircut", "lendable", "why")
    return {name: line[name] if line else None for name in names}


def _plain(one: Pledge) -> dict[str, Any]:
    insured = one.insurance
    return {
        "pledge": one.id, "facility": one.facility, "thing": str(one.thing),
        "identities": [str(number) for number in one.identities], "owner": one.owner,
        "custodian": one.custodian, "place": one.place.name,
        "latitude": one.place.latitude_deg, "longitude": one.place.longitude_deg,
        "lien": one.lien, "registry": one.registry, "weight_g": one.weight_g,
        "documents": [*one.documents], "since": iso(one.begins),
        "insurance": {"policy": insured.policy, "insurer": insured.insurer,
                      "ends": iso(insured.ends)} if insured else None,
    }  # fmt: skip


def _moment(home: Home, at: str) -> int:
    """A moment that was said, or the latest of all: what is in force now."""
    return moment(at) if at else max([home.clock(), *(s.watermark for s in _sources(home))])


def _sources(home: Home) -> list[Any]:
    return [*home.flow.sources.values()]


def _known(known: str) -> int:
    return moment(known) if known else FOREVER
