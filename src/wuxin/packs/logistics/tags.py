"""Tags in the pack's run: the reads of a day become episodes, each with a verdict."""

from typing import Final

import numpy as np

from wuxin.packs.logistics.figures import Floats, of_day, one
from wuxin.packs.logistics.rfid import Reads, judge
from wuxin.terms.clock import MINUTE
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived, Series

EPISODE: Final = 5 * MINUTE
"""A silence (ns) after which reads of a tag are another episode."""


def episodes(reads: Reads, *, gap: int = EPISODE) -> list[Reads]:
    """Reads in order of time, cut where none came for a time (ns)."""
    if not len(reads.t):
        return []
    cuts = np.flatnonzero(np.diff(reads.t) > gap) + 1
    return [reads.part(rows) for rows in np.split(np.arange(len(reads.t)), cuts)]


def tags_day(view: DayView) -> list[Derived]:
    """Derive of each tag whether it moved, episode by episode, and how many moved of the root."""
    found: list[Derived] = []
    seen = moved = 0
    for tag in view.of("rfid_tag"):
        verdicts = [(part, judge(part)) for part in episodes(reads_of(view, tag))]
        known = [(part, v) for part, v in verdicts if v.moved is not None]
        for part, verdict in known:
            at = int(part.t[-1])
            found.append(one(tag, "tag_moved", at=at, value=float(bool(verdict.moved))))
            found.append(one(tag, "motion_score", at=at, value=verdict.score))
        seen += bool(verdicts)
        moved += any(v.moved for _, v in known)
    if seen:
        found += of_day(view, view.root, tags_seen=float(seen), tags_moved=float(moved))
    return found


def reads_of(view: DayView, tag: ThingKey) -> Reads:
    """The day's reads of a tag from its indicators; a phase or channel that lacks is unknown."""
    level = view.series(tag, "tag_rssi")

    def beside(name: str, missing: float) -> Floats:
        return _beside(level, view.series(tag, name), missing=missing)

    return Reads(
        level.t, beside("tag_antenna", 0).astype(np.int64), level.v, beside("tag_phase", np.nan),
        beside("tag_channel", -1).astype(np.int64),
    )  # fmt: skip


def _beside(level: Series, other: Series, *, missing: float) -> Floats:
    """The other's value at the same moment (n)."""
    found = np.full(len(level), missing)
    if len(other):
        row = np.minimum(np.searchsorted(other.t, level.t), len(other) - 1)
        same = other.t[row] == level.t
        found[same] = other.v[row][same]
    return found
