"""Zones: presence that nothing explains, being alone, being without a badge.

Edge cameras follow a person under a number and lose it now and then; then the clock of a plain
loitering alarm begins anew. Here nobody is followed. In each observation the people who are served
and those with badges are taken off; who is left over, with short interruptions, stays without a
reason.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.packs.operations.spans import Span, during, latest, of_day, total
from wuxin.terms.clock import MINUTE, SECOND
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived, Series

SURE: Final = 0.6
"""Confidence of an observation below which it counts for nothing."""

JOIN: Final = 150 * SECOND
"""How long (ns) a presence may be interrupted: a lost track, somebody in front. Chosen on generated
days with seeds 1 to 20, judged on others (benchmarks/packs_operations.py)."""

SETTLE: Final = MINUTE
"""How long (ns) fewer people than required, or people without badges, are let pass."""

STANDS: Final = 20 * MINUTE
"""How long (ns) a count stands without another one."""


class Observed(NamedTuple):
    """What a zone's camera and terminal saw, row by row in order of event time (n each).

    ``t`` ns; ``persons``, ``served`` and ``badges`` counts; ``confidence`` 0 to 1. NaN where a row
    does not say.
    """

    t: NDArray[np.int64]
    persons: NDArray[np.float64]
    confidence: NDArray[np.float64]
    served: NDArray[np.float64]
    badges: NDArray[np.float64]


def unexplained(
    seen: Observed, *, places: float = np.inf, join: int = JOIN, sure: float = SURE
) -> list[Span]:
    """Times in which more people were there than are served or carry a badge.

    While every place of service is taken, people wait; such a moment says nothing, as an unsure
    observation says nothing.

    Args:
        seen: the observations.
        places: how many can be served at once.
        join: the longest interruption (ns) within one presence.
        sure: the least confidence.

    Returns:
        From the first to the last observation of each presence.
    """
    served, badges = np.nan_to_num(seen.served), np.nan_to_num(seen.badges)
    told = ~(seen.confidence < sure) & ~((served >= places) & (seen.persons > 0))
    left = told & (seen.persons - served - badges > 0)
    found: list[Span] = []
    for t in seen.t[left].tolist():
        if found and t - found[-1].end <= join:
            found[-1] = Span(found[-1].start, t)
        else:
            found.append(Span(t, t))
    return found


def alone(persons: Series, confidence: Series, *, required: float, span: Span) -> list[Span]:
    """Times in which somebody was there, but fewer than required, longer than :data:`SETTLE`."""
    found = during(
        lambda there, sure: (
            there is not None and 0 < there < required and (sure is None or sure >= SURE)
        ),
        persons, confidence, start=span.start, end=span.end, stale=(STANDS, STANDS),
    )  # fmt: skip
    return [one for one in found if one.length > SETTLE]


def unidentified(persons: Series, badges: Series, *, span: Span) -> list[Span]:
    """Times in which more people than badges were there, longer than :data:`SETTLE`."""
    found = during(
        lambda there, known: there is not None and known is not None and there > known,
        persons, badges, start=span.start, end=span.end, stale=(STANDS, STANDS),
    )  # fmt: skip
    return [one for one in found if one.length > SETTLE]


def zones_day(view: DayView) -> list[Derived]:
    """Unexplained stays, being alone and without a badge, zone by zone; the branch's sum."""
    found: list[Derived] = []
    loitered, told = 0, False
    for zone in view.of("zone"):
        persons = view.series(zone, "persons")
        if not len(persons):
            continue
        told = True
        span = Span(view.start, view.end)
        places = view.facts(zone).get("places", np.inf)
        stayed = unexplained(observed(view, zone), places=places)
        limit = latest(view, zone, indicator="dwell_limit")
        figures = {"longest_stay": max((stay.length for stay in stayed), default=0) / SECOND}
        if limit:
            beyond = sum(stay.length > limit * SECOND for stay in stayed)
            loitered += beyond
            figures["loitering_stays"] = float(beyond)
        required = latest(view, zone, indicator="persons_required") or 0.0
        if required > 0:
            sure = view.series(zone, "confidence")
            figures["alone_time"] = (
                total(alone(persons, sure, required=required, span=span)) / SECOND
            )
        if view.facts(zone).get("restricted"):
            unknown = unidentified(persons, view.series(zone, "badges"), span=span)
            figures["unidentified_time"] = total(unknown) / SECOND
        found += [of_day(view, zone, name=name, value=value) for name, value in figures.items()]
    if told and view.root.kind == "branch":
        found.append(of_day(view, view.root, name="loitering_day", value=float(loitered)))
    return found


def observed(view: DayView, zone: ThingKey) -> Observed:
    """A zone's day, as rows at the times of its person counts."""
    persons = view.series(zone, "persons")
    confidence, served, badges = (
        _beside(persons.t, view.series(zone, name), exact=exact)
        for name, exact in (("confidence", True), ("service", False), ("badges", False))
    )
    return Observed(persons.t, persons.v, confidence, served, badges)


def _beside(at: NDArray[np.int64], series: Series, *, exact: bool) -> NDArray[np.float64]:
    """A series at given times: the value of that very moment, or the latest that stands."""
    found = np.full(len(at), np.nan)
    if not len(series):
        return found
    place = np.searchsorted(series.t, at, "right") - 1
    age = at - series.t[np.maximum(place, 0)]
    good = (place >= 0) & ((age == 0) if exact else (age < STANDS))
    found[good] = series.v[place[good]]
    return found
