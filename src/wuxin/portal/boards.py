"""What the board at a site's gate shows, for the controller that drives it."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from wuxin.packs.infrastructure import board
from wuxin.portal import queries
from wuxin.portal.visit import Here, Text
from wuxin.stores import schema as tables
from wuxin.terms.clock import moment
from wuxin.terms.errors import NotFound
from wuxin.terms.names import ThingKey

router: Final = APIRouter(prefix="/api", tags=["board"])

Moment = Annotated[
    str, Query(max_length=40, description="the board's own time, so that what is old is not shown")
]


@router.get("/boards/{site}")
def shown(here: Here, site: Text, at: Moment = "") -> dict[str, Any]:
    """Dust, noise, weather and people of a construction site, in units of people.

    A value older than two hours is ``--``. Without ``at`` the present is that of the site's source.
    """
    found = here.home.book.rows(
        tables.thing, here.who.tenant, pack="infrastructure", kind="site", id=site
    )
    rows = queries.visible(here.home, here.who, rows=found)
    source = here.home.flow.sources.get(rows[0]["source"]) if rows else None
    if source is None:
        raise NotFound(f"there is no site {site!r}")
    present = moment(at) if at else source.watermark
    twin = here.home.flow.now(source, present).twin
    return board.feed(twin, ThingKey("site", site), at=present)
