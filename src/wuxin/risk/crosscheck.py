"""Several sources for one fact: whether they agree, and if not, which of them stands alone.

Output may be had from energy, from a counter, from invoices, from a payroll. Each gives a value and
the range within which the truth may lie. The truth is sought where most ranges overlap, as clocks
are chosen in NTP: Marzullo, Maintaining the Time in a Distributed System, Stanford 1984; RFC 5905,
11.2.1. A model calls :func:`check` on many things and days and derives indicators from it
(:func:`derive`); a rule judges these. One case in words: :mod:`wuxin.risk.claims`.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from wuxin.risk.anomaly import SIGMA
from wuxin.terms.errors import BadInput
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import Derived

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Times = NDArray[np.int64]

NOTHING, ALONE, AGREED, ODD, CONTESTED = range(5)
"""No source spoke; one did; all agree; most agree and the odd ones are known; no majority."""

FEWEST: Final = 5
_DEVIATIONS: Final = 3.0
_CERTAIN: Final = 0.999


class Tolerance(msgspec.Struct, frozen=True):
    """How far a source may be off, and why: ``share`` of its value, but ``least`` in its unit."""

    share: float
    least: float
    reason: str


class Source(msgspec.Struct, frozen=True):
    """One source of a fact.

    ``reliability`` is the probability with which it is within its tolerance. Sources of one
    ``origin`` (an invoice and the ledger that was written from it) count as one; without an origin
    a source stands for itself.
    """

    name: str
    tolerance: Tolerance
    reliability: float = 0.8
    origin: str = ""


class Checked(msgspec.Struct, frozen=True, eq=False):
    """What k sources say of n facts.

    ``state`` (n) is one of the five above. ``low`` and ``high`` (n) bound what those who agree
    have in common, ``value`` (n) is its middle; NaN where nothing is agreed. ``gap`` (n) is the
    distance of the highest from the lowest value over the larger size, NaN below two sources.
    ``trust`` (n) is the probability that the agreed value is right; 0 where it is contested, NaN
    where nobody spoke. ``present``, ``within`` and ``odd`` are (k, n).
    """

    state: NDArray[np.int8]
    value: Floats
    low: Floats
    high: Floats
    gap: Floats
    trust: Floats
    present: Mask
    within: Mask
    odd: Mask


def check(values: Floats, sources: Sequence[Source]) -> Checked:
    """Compare what k sources say of n facts.

    The trust weighs three explanations: that those who agree are right and the odd ones wrong, the
    reverse, or that all are wrong. Sources are taken as independent but for a common origin, and
    those who are wrong as wrong alike, which is careful: two that err seldom err to one value.

    Args:
        values: what each source says, shape (k, n), in one unit; NaN where it says nothing.
        sources: the k sources.

    Raises:
        BadInput: the shapes do not fit, or a tolerance or reliability is out of range.
    """
    values = np.asarray(values, np.float64)
    _check_sources(values, sources)
    present = np.isfinite(values)
    known = np.where(present, values, 0.0)
    share = np.array([[s.tolerance.share] for s in sources])
    least = np.array([[s.tolerance.least] for s in sources])
    width = np.maximum(np.abs(known) * share, least)
    low, high = known - width, known + width
    groups = _groups(sources)
    within, unique = _largest(low, high, present=present, groups=groups)
    votes, speakers = _origins(within, groups), _origins(present, groups)
    agreed = unique & (2 * votes.sum(axis=0) > speakers.sum(axis=0))
    odd = present & ~within & agreed
    state = np.select(
        [~present.any(axis=0), ~agreed, odd.any(axis=0), present.sum(axis=0) > 1],
        [NOTHING, CONTESTED, ODD, AGREED],
        ALONE,
    ).astype(np.int8)
    within &= agreed
    lowest = np.where(within, low, -np.inf).max(axis=0, initial=-np.inf)
    highest = np.where(within, high, np.inf).min(axis=0, initial=np.inf)
    lowest, highest = (np.where(within.any(axis=0), b, np.nan) for b in (lowest, highest))
    return Checked(
        state=state,
        value=(lowest + highest) / 2,
        low=lowest,
        high=highest,
        gap=_gap(values, present),
        trust=_trust(state, within, present=present, sources=sources, groups=groups),
        present=present,
        within=within,
        odd=odd,
    )


class Rate(msgspec.Struct, frozen=True):
    """What one unit of a quantity stands for in the fact, how far days differ, from how many."""

    rate: float
    tolerance: Tolerance
    days: int


def learn(quantity: Floats, fact: Floats, *, floor: float = 0.05) -> Rate | None:
    """Learn from the past what a quantity stands for: items per kWh, tonnes per invoice.

    The rate is the median of the days' ratios, so that less than half of the days may be false. The
    tolerance is three robust standard deviations of the logarithm of the ratio (MAD; Iglewicz and
    Hoaglin, How to Detect and Handle Outliers, ASQC 1993).

    Args:
        quantity: of each day (n); NaN and what is not above zero is left out.
        fact: of each day (n).
        floor: the smallest tolerance: the accuracy of the meter, at least.

    Returns:
        None with fewer than five days.
    """
    good = np.isfinite(quantity) & np.isfinite(fact) & (quantity > 0) & (fact > 0)
    if np.count_nonzero(good) < FEWEST:
        return None
    logs = np.log(fact[good] / quantity[good])
    usual = float(np.median(logs))
    spread = SIGMA * float(np.median(np.abs(logs - usual)))
    share = max(float(np.expm1(_DEVIATIONS * spread)), floor)
    reason = f"three robust standard deviations of {len(logs)} days, at least {floor:.0%}"
    return Rate(float(np.exp(usual)), Tolerance(share, 0.0, reason), len(logs))


def derive(thing: ThingKey, t: Times, *, checked: Checked, prefix: str) -> list[Derived]:
    """Make a model's indicators out of n facts about one thing.

    ``<prefix>_state``, ``<prefix>_gap`` and ``<prefix>_trust``; a rule such as
    ``output_state >= 3`` judges them. Where nobody spoke there is no value, never a zero.

    Args:
        thing: what the facts are about.
        t: the moment at which each is known, shape (n), ns.
        checked: what the sources say.
        prefix: what the fact is called: output, headcount.
    """
    spoken = checked.state != NOTHING
    columns = {
        "state": checked.state.astype(np.float64),
        "gap": checked.gap,
        "trust": checked.trust,
    }
    derived = []
    for name, column in columns.items():
        known = spoken & np.isfinite(column)
        if known.any():
            derived.append(Derived(thing, f"{prefix}_{name}", t[known], column[known]))
    return derived


def _check_sources(values: Floats, sources: Sequence[Source]) -> None:
    if values.ndim != 2 or len(values) != len(sources) or not sources:
        raise BadInput(
            f"values have the shape {values.shape}, and there are {len(sources)} sources"
        )
    for source in sources:
        limits = (source.tolerance.share, source.tolerance.least)
        if not all(np.isfinite(x) and x >= 0 for x in limits):
            raise BadInput(f"{source.name}: a tolerance is not negative")
        if not 0 < source.reliability < 1:
            raise BadInput(
                f"{source.name}: reliability {source.reliability} is not between 0 and 1"
            )
    if len({source.name for source in sources}) != len(sources):
        raise BadInput("two sources have the same name")


def _groups(sources: Sequence[Source]) -> list[list[int]]:
    """The places of the sources of each origin."""
    found: dict[tuple[str, str], list[int]] = {}
    for place, source in enumerate(sources):
        key = ("origin", source.origin) if source.origin else ("name", source.name)
        found.setdefault(key, []).append(place)
    return list(found.values())


def _origins(mask: Mask, groups: Sequence[list[int]]) -> Mask:
    """Which origins have a source in a set: (k, n) → (origins, n)."""
    return np.array([mask[places].any(axis=0) for places in groups])


def _largest(
    low: Floats, high: Floats, *, present: Mask, groups: Sequence[list[int]]
) -> tuple[Mask, Mask]:
    """The sources whose ranges share a point with most others (k, n), and where there is one."""
    best = np.full(low.shape[1], -1)
    found = np.zeros(low.shape, np.bool_)
    unique = np.zeros(low.shape[1], np.bool_)
    # The most ranges overlap where one of them begins.
    for point, here in zip(low, present, strict=True):
        inside = present & (low <= point) & (point <= high) & here
        # Origins count; members of one origin only choose between sets of as many origins.
        rank = _origins(inside, groups).sum(axis=0) * (len(low) + 1) + inside.sum(axis=0)
        size = np.where(here, rank, -1)
        unique = np.where(size == best, unique & (inside == found).all(axis=0), unique)
        better = size > best
        unique |= better
        found = np.where(better, inside, found)
        best = np.maximum(best, size)
    return found, unique & (best > 0)


def _gap(values: Floats, present: Mask) -> Floats:
    highest = np.where(present, values, -np.inf).max(axis=0)
    lowest = np.where(present, values, np.inf).min(axis=0)
    enough = present.sum(axis=0) > 1
    size = np.where(enough, np.maximum(np.abs(highest), np.abs(lowest)), 1.0)
    apart = np.where(enough, highest - np.where(enough, lowest, 0.0), np.nan)
    return apart / np.where(size > 0, size, 1.0)


def _trust(
    state: NDArray[np.int8],
    within: Mask,
    *,
    present: Mask,
    sources: Sequence[Source],
    groups: Sequence[list[int]],
) -> Floats:
    right, reverse, none = (np.ones(len(state)) for _ in range(3))
    for places in groups:
        reliability = max(sources[i].reliability for i in places)
        speaks, agrees = present[places].any(axis=0), within[places].any(axis=0)
        wrong = 1 - reliability
        right *= np.where(speaks, np.where(agrees, reliability, wrong), 1.0)
        reverse *= np.where(speaks, np.where(agrees, wrong, reliability), 1.0)
        none *= np.where(speaks, wrong, 1.0)
    others = np.where(state == ODD, reverse, 0.0)
    trust = np.minimum(right / (right + others + none), _CERTAIN)
    return np.where(state == NOTHING, np.nan, np.where(state == CONTESTED, 0.0, trust))
