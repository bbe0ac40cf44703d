"""Stock in a warehouse against its documents: weights, tags, places."""

from typing import Final

import numpy as np

from wuxin.packs.logistics.figures import as_of, one
from wuxin.terms.clock import SECOND
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived
from wuxin.twin.track import distance

TOLERANCE: Final = 100.0
"""Weight (kg) by which scale and documents may differ; unauthorised_removal_weight's limit.

A class III scale with e = 10 kg may err by 3 e = 30 kg in service at 25 t (OIML R 76-1:2006, 3.5.1
and 3.5.2: twice the 1.5 e of verification), once when the lot came in and once today; the rest is
for moisture and the drift of the zero.
"""

FENCE: Final = 300.0
"""Distance (m) from the warehouse's centre within which a lot is in its place, if no fact says."""


def reconcile(view: DayView) -> list[Derived]:
    """Reconcile one day's weights and tags, lot by lot and for the whole warehouse.

    A lot's weight and tags of the day are medians. The book is looked up over the last eight days,
    because warehouses confirm it weekly, as it stood when the lot was weighed. A lot that ought to
    be there and was not weighed counts as unconfirmed and is kept out of the discrepancy.
    """
    found: list[Derived] = []
    weight = tags = gap = 0.0
    weighed = unconfirmed = 0
    for lot in view.of("lot"):
        book = view.series(lot, "authorised_weight", days=8)
        net = view.series(lot, "net_weight")
        count = view.series(lot, "tag_count")
        if not len(net):
            unconfirmed += bool(len(book) and book.v[-1] > 0)
            continue
        weighed += 1
        seen = float(np.median(net.v))
        weight += seen
        gap += float(net.v[-1]) - as_of(book, int(net.t[-1]))
        if len(count):
            tags += float(np.median(count.v))
            found += _per_tag(view, lot, weight=seen / (float(np.median(count.v)) or np.nan))
    if view.root.kind == "warehouse" and weighed + unconfirmed:
        values = {"pool_weight": weight, "pool_tag_count": tags, "pool_discrepancy": gap,
                  "lots_unconfirmed": float(unconfirmed)}  # fmt: skip
        found += [one(view.root, name, at=view.end - SECOND, value=v) for name, v in values.items()]
    return found


def check_places(view: DayView) -> list[Derived]:
    """Compute each lot's distance from the warehouse anew, and compare with what its gateway said.

    The haversine formula on a sphere is off by at most 0.6 %, which is little beside a fence
    (Sinnott, Virtues of the Haversine, Sky and Telescope 68(2), 1984).
    """
    facts = view.facts(view.root)
    if not {"latitude", "longitude"} <= set(facts):
        return []
    found = []
    for lot in view.of("lot"):
        lat, lon = view.series(lot, "latitude"), view.series(lot, "longitude")
        said = view.series(lot, "distance_from_place")
        common = np.intersect1d(np.intersect1d(lat.t, lon.t), said.t)
        if not len(common):
            continue
        rows = (np.searchsorted(s.t, common) for s in (lat, lon, said))
        here, there, told = (s.v[r] for s, r in zip((lat, lon, said), rows, strict=True))
        far = distance(here, there, to=(facts["latitude"], facts["longitude"]))
        worst = int(np.argmax(np.abs(far - told)))
        gap = float(abs(far[worst] - told[worst]))
        found.append(one(lot, "position_disagreement", at=view.end - SECOND, value=gap))
    return found


def _per_tag(view: DayView, lot: ThingKey, *, weight: float) -> list[Derived]:
    nominal = view.facts(lot).get("nominal_bundle_weight", 0.0)
    if not nominal or np.isnan(weight):
        return []
    deviation = weight / nominal - 1
    return [one(lot, "weight_per_tag_deviation", at=view.end - SECOND, value=deviation)]
