"""The register of assets that keeps itself: where each tag is, out of readings that flicker."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from wuxin.packs.operations.spans import latest, of_day
from wuxin.terms.clock import DAY, SECOND
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived, Series

READS: Final = 5
"""Among how many of the last readings a place is settled."""

AGREE: Final = 4
"""How many of them must agree before the register follows: one stray reading moves nothing."""

SEEN: Final = 3 * DAY
"""Heard within this time (ns), an asset counts as seen; a weekend is shorter."""


class Place(NamedTuple):
    """A place in the register, and since when (ns) it stands there."""

    zone: int
    since: int


def settled(series: Series, *, reads: int = READS, agree: int = AGREE) -> list[Place]:
    """The register's entries for one tag: each move once the readings agree on it.

    Args:
        series: the zone in which a reader heard the tag, in order of event time.
        reads: among how many of the last readings.
        agree: how many of them must name one zone; the first entry is the first reading.
    """
    found: list[Place] = []
    zones = series.v.astype(np.int64)
    for k, zone in enumerate(zones.tolist()):
        if not found:
            found.append(Place(zone, int(series.t[k])))
            continue
        window = zones[max(0, k - reads + 1) : k + 1]
        if zone != found[-1].zone and int((window == zone).sum()) >= agree:
            found.append(Place(zone, int(series.t[k])))
    return found


def register_day(view: DayView) -> list[Derived]:
    """The living register, what moved against the book, and what was not heard."""
    found: list[Derived] = []
    seen: list[bool] = []
    moves = 0
    for asset in view.of("asset"):
        series = view.series(asset, "tag_zone", days=45)
        if not len(series):
            continue
        age = view.end - int(series.t[-1])
        seen.append(age <= SEEN)
        place = settled(series)[-1]
        booked = latest(view, asset, indicator="booked_zone")
        found += _asset(view, asset, zone=place.zone, age=age, booked=booked)
        moves += booked is not None and place.zone != booked
    if seen and view.root.kind == "branch":
        for name, value in (("assets_seen_share", np.mean(seen)), ("assets_moved", moves)):
            found.append(of_day(view, view.root, name=name, value=float(value)))
    return found


def _asset(
    view: DayView, asset: ThingKey, *, zone: int, age: int, booked: float | None
) -> Sequence[Derived]:
    figures = {"register_zone": float(zone), "unseen_time": age / SECOND}
    if booked is not None:
        figures["asset_moved"] = float(zone != booked)
    return [of_day(view, asset, name=name, value=value) for name, value in figures.items()]
