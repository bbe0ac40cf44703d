"""What is pledged against what was found: count, weight and position, each shown for itself.

The pattern to catch is that of Foshan in May 2022: one lender had financed more than 30,000 t of
aluminium and could move 8,000 to 10,000 t. Each measure is taken alone, so that one that was
deceived does not hide what another shows; naming the same goods twice is the register's to refuse.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Literal

import msgspec

from wuxin.finance.identity import Identity
from wuxin.finance.likeness import metres_between
from wuxin.finance.pledges import Place, Pledge
from wuxin.terms.records import Words

PPM: Final = 1_000_000


class Found(msgspec.Struct, frozen=True):
    """What a survey found, from devices or people, of one pool.

    ``seen`` are the identities that were read, ``weight_g`` what was weighed (None: not weighed)
    and ``places`` where each thing, by the id of its pledge, was last located.
    """

    seen: Collection[Identity]
    weight_g: int | None
    places: Mapping[str, Place]


class Allowed(msgspec.Struct, frozen=True):
    """What a survey may miss: parts per million of count and weight, metres of position."""

    count_ppm: int = 0
    weight_ppm: int = 5_000
    metres: float = 200.0


class Gap(msgspec.Struct, frozen=True):
    """One measure on which the pool falls short: whole numbers in its unit, pledges concerned."""

    measure: Literal["count", "weight", "position"]
    pledged: int
    found: int
    unit: str
    concerned: tuple[str, ...]
    words: Words


class Survey(msgspec.Struct, frozen=True):
    """The gaps, each alone, and what could not be measured."""

    gaps: tuple[Gap, ...]
    unmeasured: tuple[Words, ...]


def compare(pool: Sequence[Pledge], found: Found, *, allowed: Allowed | None = None) -> Survey:
    """Hold what was found against what is pledged; more than is pledged is no gap."""
    may = allowed or Allowed()
    gaps = (
        _count(pool, found, may=may),
        _weight(pool, found, may=may),
        _position(pool, found, may=may),
    )
    return Survey(tuple(gap for gap in gaps if gap is not None), _unmeasured(pool, found))


def _count(pool: Sequence[Pledge], found: Found, *, may: Allowed) -> Gap | None:
    seen = set(found.seen)
    lost = tuple(one.id for one in pool if seen.isdisjoint(one.identities))
    if len(lost) * PPM <= may.count_ppm * len(pool):
        return None
    there = len(pool) - len(lost)
    words = Words(
        f"质押{len(pool)}件，读到{there}件，缺{len(lost)}件",
        f"{len(pool)} things are pledged, {there} were read, {len(lost)} were not",
    )
    return Gap("count", len(pool), there, "things", lost, words)


def _weight(pool: Sequence[Pledge], found: Found, *, may: Allowed) -> Gap | None:
    weighed = tuple(one for one in pool if one.weight_g is not None)
    pledged = sum(one.weight_g or 0 for one in weighed)
    if found.weight_g is None or (pledged - found.weight_g) * PPM <= may.weight_ppm * pledged:
        return None
    short = pledged - found.weight_g
    words = Words(
        f"质押{_tonnes(pledged)}吨，称得{_tonnes(found.weight_g)}吨，缺{_tonnes(short)}吨",
        f"{_tonnes(pledged)} t are pledged, {_tonnes(found.weight_g)} t were weighed, "
        f"{_tonnes(short)} t are short",
    )
    return Gap("weight", pledged, found.weight_g, "g", tuple(one.id for one in weighed), words)


def _position(pool: Sequence[Pledge], found: Found, *, may: Allowed) -> Gap | None:
    away = []
    farthest, located = 0.0, 0
    for one in pool:
        moved = _moved_m(one, found)
        if moved is None:
            continue
        located += 1
        if moved > may.metres:
            away.append(one.id)
            farthest = max(farthest, moved)
    if not away:
        return None
    words = Words(
        f"定位{located}件，{len(away)}件偏离质押地点超过{may.metres:g}米，最远{farthest:.0f}米",
        f"{located} things were located, {len(away)} of them more than {may.metres:g} m from where "
        f"they are pledged, the farthest {farthest:.0f} m",
    )
    return Gap("position", located, located - len(away), "things", tuple(away), words)


def _unmeasured(pool: Sequence[Pledge], found: Found) -> tuple[Words, ...]:
    said = []
    if found.weight_g is None:
        said.append(Words("未称重", "nothing was weighed"))
    if light := sum(one.weight_g is None for one in pool):
        said.append(Words(f"{light}件未登记重量", f"{light} things have no weight in the register"))
    if lost := sum(_moved_m(one, found) is None for one in pool):
        said.append(Words(f"{lost}件没有定位", f"{lost} things were not located"))
    return tuple(said)


def _moved_m(one: Pledge, found: Found) -> float | None:
    where = found.places.get(one.id)
    return metres_between(one, msgspec.structs.replace(one, place=where)) if where else None


def _tonnes(grams: int) -> str:
    return f"{grams / 1_000_000:,.3f}".rstrip("0").rstrip(".")
