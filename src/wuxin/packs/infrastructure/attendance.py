"""Who is where: real names by zone from passages, compared with what counters see."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from wuxin.packs.infrastructure.figures import of_day
from wuxin.terms.clock import HOUR, SECOND
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived, Series

LONGEST: Final = 16 * HOUR
"""A stay (ns) that lasts longer is taken for a forgotten exit and ends here."""

Stay = tuple[int, int, int]
"""Zone number, from and to (ns)."""


def stays(series: Series, *, until: int) -> list[Stay]:
    """A worker's stays in zones from the passages, in order; 0 is off the site.

    The last is open until ``until`` (ns), and no stay is longer than :data:`LONGEST`.
    """
    ends = [*series.t[1:].tolist(), until][: len(series)]
    return [
        (int(zone), start, min(end, start + LONGEST))
        for zone, start, end in zip(series.v, series.t.tolist(), ends, strict=True)
        if zone > 0
    ]


def attend(view: DayView) -> list[Derived]:
    """Real names by zone through the day, heads that they do not explain, attendance and hours."""
    found: list[Derived] = []
    by_zone: dict[int, list[Stay]] = {}
    seen, time = 0, 0
    for worker in view.of("worker"):
        passages = view.series(worker, "zone_entered", days=2)
        there = [
            (zone, max(a, view.start), b)
            for zone, a, b in stays(passages, until=view.end)
            if b > view.start
        ]
        seen += bool(there)
        time += sum(b - a for _, a, b in there)
        for stay in there:
            by_zone.setdefault(stay[0], []).append(stay)
    for zone in view.of("zone"):
        found += _zone(view, zone, there=by_zone.get(int(view.facts(zone).get("number", -1)), []))
    if view.of("worker") and view.root.kind == "site":
        found += _site(view, seen, time=time)
    return found


def _zone(view: DayView, zone: ThingKey, *, there: Sequence[Stay]) -> list[Derived]:
    if "number" not in view.facts(zone):
        return []
    steps = sorted([(a, 1) for _, a, _ in there] + [(b, -1) for _, _, b in there])
    at = np.array([t for t, _ in steps], np.int64)
    count = np.cumsum([step for _, step in steps]).astype(np.float64)
    last = np.append(at[1:] != at[:-1], True)[: len(at)]  # of one moment only the outcome
    inside = last & (at < view.end)
    peak = float(count[inside].max()) if inside.any() else 0.0
    found = [of_day(view, zone, name="real_name_peak", value=peak)]
    if inside.any():
        found.append(Derived(zone, "real_name_count", at[inside], count[inside]))
    heads = view.series(zone, "head_count")
    if len(heads):
        place = np.searchsorted(at, heads.t, "right")
        known = np.append(0.0, count)[place]
        found.append(
            of_day(view, zone, name="unregistered_heads", value=float((heads.v - known).max()))
        )
    return found


def _site(view: DayView, seen: int, *, time: int) -> list[Derived]:
    found = [
        of_day(view, view.root, name="attendance", value=float(seen)),
        of_day(view, view.root, name="work_time", value=time / SECOND),
    ]
    planned = view.facts(view.root).get("planned_workers", 0.0)
    if planned > 0:
        found.append(of_day(view, view.root, name="attendance_share", value=seen / planned))
    return found
