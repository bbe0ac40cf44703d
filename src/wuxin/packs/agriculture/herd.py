"""The herd day by day: who was seen, who shows signs of illness, what is made of feed."""

from typing import Final

import numpy as np

from wuxin.packs.agriculture.milking import WEEK, daily
from wuxin.terms.clock import DAY, SECOND
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived

SIGHTINGS: Final = ("tag_reads", "milk_yield", "raw_activity", "activity_change",
                    "acceleration_up", "distance_from_place", "body_weight")  # fmt: skip
"""What shows that an animal is there: a reading of any of these."""

LESS_ACTIVE: Final = 0.7
"""Activity of a day over the median of the week before, below which it is a sign of illness."""

LESS_RUMINATION: Final = 0.8
"""The same for rumination (Stangaferro et al., J. Dairy Sci. 99, 2016: it falls by a fifth)."""

LESS_MILK: Final = -0.2
"""Milk against what was expected, from which it is a sign."""

FEVER: Final = 312.65
"""Body temperature (K) from which it is a sign: 39.5 degrees Celsius (Merck Veterinary Manual)."""

_RATIOS: Final = (
    ("activity_ratio", "raw_activity", LESS_ACTIVE),
    ("rumination_ratio", "rumination_time", LESS_RUMINATION),
)
_LOOK_BACK: Final = 45
_FEW: Final = 3
_MISSING: Final = 2


def head(view: DayView) -> list[Derived]:
    """Count the herd animal by animal: when each was last seen, and how many are missing.

    An animal whose removal is authorised is not missing. One that was never seen counts from the
    first day on which any of the herd was. Where no animal at all was seen today, the network is
    down and nothing is said: common silence tells that.
    """
    spans = {cow: _sightings(view, cow) for cow in view.of("cow")}
    known = [span for span in spans.values() if span is not None]
    if view.root.kind != "farm" or not any(last >= view.start for _, last in known):
        return []
    begun = min(first for first, _ in known)
    derived: list[Derived] = []
    seen = missing = 0
    for cow, span in spans.items():
        gone = view.series(cow, "removal_authorised", days=_LOOK_BACK)
        if len(gone) and gone.v[-1] >= 0.5:
            continue
        last = span[1] if span is not None else begun
        unseen = max(0, -(-(view.start - last) // DAY))
        seen += not unseen
        missing += unseen >= _MISSING
        derived += daily(view, cow, days_unseen=unseen * DAY / SECOND)
    counts = {"animals_seen": float(seen), "animals_missing": float(missing)}
    return derived + daily(view, view.root, **counts)


def health(view: DayView) -> list[Derived]:
    """Activity and rumination against the cow's own week, and how many signs of illness agree."""
    derived = []
    for cow in view.of("cow"):
        signs, found = 0, {}
        for name, of, least in _RATIOS:
            ratio = _own_week(view, cow, of=of)
            if ratio is not None:
                found[name] = ratio
                signs += ratio < least
        milk = view.series(cow, "milk_drop")
        warm = view.series(cow, "body_temperature")
        signs += bool(len(milk) and milk.v[-1] < LESS_MILK)
        signs += bool(len(warm) and float(np.median(warm.v)) > FEVER)
        if found or len(milk) or len(warm):
            derived += daily(view, cow, **found, illness_signs=float(signs))
    return derived


def farm_day(view: DayView) -> list[Derived]:
    """Milk for feed of the day, and over a week what was milked but not collected."""
    farm = view.root
    if farm.kind != "farm":
        return []
    milked = [view.series(cow, "milk_yield", days=WEEK) for cow in view.of("cow")]
    today = sum(float(s.v[s.t >= view.start].sum()) for s in milked)
    week = sum(float(s.v.sum()) for s in milked)
    feed = float(view.series(farm, "feed_delivered").v.sum())
    sold = view.series(farm, "milk_collected", days=WEEK)
    found = {}
    if feed > 0 and today > 0:
        found["feed_conversion"] = today / feed
    days = len(np.unique((sold.t - view.end) // DAY))
    if days >= WEEK - 1 and week > 0:
        found["milk_unaccounted"] = 1 - float(sold.v.sum()) / week
    return daily(view, farm, **found)


def _sightings(view: DayView, cow: ThingKey) -> tuple[int, int] | None:
    """When devices first and last heard of an animal (ns) in the time looked back; None: never."""
    times = []
    for name in SIGHTINGS:
        found = view.series(cow, name, days=_LOOK_BACK)
        t = found.t[found.v > 0] if name == "tag_reads" else found.t
        if len(t):
            times += [int(t[0]), int(t[-1])]
    return (min(times), max(times)) if times else None


def _own_week(view: DayView, cow: ThingKey, *, of: str) -> float | None:
    """The day's mean over the median daily mean of the week before; None where too little came."""
    found = view.series(cow, of, days=WEEK + 1)
    day = (found.t - view.start) // DAY
    today = found.v[day == 0]
    past = [float(found.v[day == d].mean()) for d in np.unique(day[day < 0])]
    if len(past) < _FEW or not len(today):
        return None
    usual = float(np.median(past))
    return float(today.mean()) / usual if usual > 0 else None
