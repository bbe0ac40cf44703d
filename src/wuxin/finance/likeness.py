"""Suspicious likeness between pledges: two that may be the same goods under two names.

The register refuses the same number twice. What it cannot refuse is a number copied with O for 0, a
receipt shown again under another warehouse's name, one title document behind two pledges, or two
lots of the same weight on the same spot. Those are results for a person, with both sides and their
figures; nothing is refused for them.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from wuxin.finance.pledges import Pledge
from wuxin.terms.datum import EARTH_M
from wuxin.terms.records import Words

By = Literal["number", "document", "place and weight"]


class Tolerance(msgspec.Struct, frozen=True):
    """How near is the same: metres on the ground, and parts per million of the heavier weight.

    ``most`` bounds the pairs that are reported; a settings choice, without a standard behind it.
    """

    metres: float = 30.0
    weight_ppm: int = 5_000
    most: int = 1_000


class Likeness(msgspec.Struct, frozen=True):
    """Two pledges that look alike, by what, and in words with figures."""

    by: By
    one: Pledge
    other: Pledge
    words: Words


class Likenesses(msgspec.Struct, frozen=True):
    """The pairs found, in order of entry; ``left_out`` says that there were more than asked for."""

    pairs: tuple[Likeness, ...]
    left_out: bool


_Pair = tuple[int, int]
_Cell = tuple[int, int, int]
_NOBODY: Final[Mapping[str, list[int]]] = {}


def likenesses(pledges: Sequence[Pledge], tolerance: Tolerance | None = None) -> Likenesses:
    """The pairs of pledges in force that look alike.

    Numbers and documents are compared over the whole book. Place and weight are compared between
    different facilities only: lots of one weight side by side are usual within one.

    Args:
        pledges: what :meth:`wuxin.finance.pledges.Register.in_force` gives.
        tolerance: how near is the same.
    """
    within = tolerance or Tolerance()
    found: dict[tuple[str, _Pair], Likeness] = {}
    for likeness, pair in _all(pledges, within):
        found.setdefault((likeness.by, pair), likeness)
        if len(found) > within.most:
            break
    ordered = sorted(found, key=lambda key: (key[1], key[0]))[: within.most]
    return Likenesses(tuple(found[key] for key in ordered), len(found) > within.most)


class Index:
    """Pledges by what could make two of them alike, so that a new one is held against few.

    Every pledge stands under each of its numbers, papers and its cell of place and weight; the
    newest entry of a pledge counts.
    """

    def __init__(self, tolerance: Tolerance | None = None) -> None:
        self._within = tolerance or Tolerance()
        self._pledges: dict[str, Pledge] = {}
        self._under: defaultdict[Any, dict[str, None]] = defaultdict(dict)

    def add(self, pledge: Pledge) -> None:
        """Enter a pledge, or what has changed about it."""
        self._pledges[pledge.id] = pledge
        for key in (*_traits(pledge), *self._cells(pledge)[:1]):
            self._under[key][pledge.id] = None

    def near(self, pledge: Pledge) -> list[Pledge]:
        """The pledges that share a trait with one, in order of entry under each."""
        found: dict[str, None] = {}
        for key in (*_traits(pledge), *self._cells(pledge)):
            found |= self._under.get(key, {})
        return [self._pledges[id_] for id_ in found]

    def alike(self, pledge: Pledge, near: Sequence[Pledge]) -> list[Likeness]:
        """The likenesses of one pledge to others."""
        return [
            one for one in likenesses([*near, pledge], self._within).pairs if one.other is pledge
        ]

    def _cells(self, pledge: Pledge) -> list[_Cell]:
        """Its own cell of place and weight first, and those beside it; none where it has none."""
        where, weight = _degrees(pledge), pledge.weight_g
        if where is None or weight is None or weight <= 0:
            return []
        step, layer = _step(self._within), _layer(weight, self._within)
        row = math.floor(where[0] / step)
        own = (row, _columns(where[1], row, step=step)[2], layer)
        return [own, *_beside(where, layer, step=step)]


def _traits(pledge: Pledge) -> list[Any]:
    numbers = [("number", n.scheme, n.loose) for n in pledge.identities]
    return [*numbers, *(("document", paper) for paper in pledge.documents)]


def _step(within: Tolerance) -> float:
    """Degrees of latitude of a cell: the radius within which two are near."""
    return math.degrees(within.metres / EARTH_M)


def _layer(weight_g: int, within: Tolerance) -> int:
    heavier = -math.log1p(-max(1, within.weight_ppm) / 1_000_000)
    return math.floor(math.log(weight_g) / heavier)


def metres_between(one: Pledge, other: Pledge) -> float | None:
    """The great-circle distance of two pledges (haversine), None where a place has no degrees."""
    here, there = _degrees(one), _degrees(other)
    if here is None or there is None:
        return None
    (lat1, lon1), (lat2, lon2) = (map(math.radians, pair) for pair in (here, there))
    half = math.sin((lat2 - lat1) / 2) ** 2
    half += math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(half)))


def _all(pledges: Sequence[Pledge], within: Tolerance) -> Iterator[tuple[Likeness, _Pair]]:
    yield from _by_number(pledges)
    yield from _by_document(pledges)
    yield from _by_fingerprint(pledges, within)


def _by_number(pledges: Sequence[Pledge]) -> Iterator[tuple[Likeness, _Pair]]:
    seen: defaultdict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for k, pledge in enumerate(pledges):
        for number in pledge.identities:
            key = (number.scheme, number.loose)
            for j, theirs in seen[key]:
                # An equal number is a lien behind a lien that allowed it, which is no suspicion.
                if j != k and theirs != str(number):
                    yield _like("number", pledges, pair=(j, k), shown=(theirs, str(number))), (j, k)
            seen[key].append((k, str(number)))


def _by_document(pledges: Sequence[Pledge]) -> Iterator[tuple[Likeness, _Pair]]:
    seen: defaultdict[str, list[int]] = defaultdict(list)
    for k, pledge in enumerate(pledges):
        for paper in dict.fromkeys(pledge.documents):
            for j in seen[paper]:
                if not _same_goods(pledges[j], pledge):
                    named = f"document {paper[:12]}…"
                    yield _like("document", pledges, pair=(j, k), shown=(named, named)), (j, k)
            seen[paper].append(k)


def _by_fingerprint(
    pledges: Sequence[Pledge], within: Tolerance
) -> Iterator[tuple[Likeness, _Pair]]:
    # A cell is as high as the radius and, at its latitude, at least as wide, and spans the allowed
    # part of a weight: what is near lies in the same cell or one beside it (two, at the date line).
    step = _step(within)
    cells: defaultdict[_Cell, defaultdict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for k, pledge in enumerate(pledges):
        where, weight = _degrees(pledge), pledge.weight_g
        if where is None or weight is None or weight <= 0:
            continue
        layer = _layer(weight, within)
        for cell in _beside(where, layer, step=step):
            for facility, held in cells.get(cell, _NOBODY).items():
                for j in held if facility != pledge.facility else ():
                    figures = _close(pledges[j], pledge, within=within)
                    if figures:
                        yield _like("place and weight", pledges, pair=(j, k), shown=figures), (j, k)
        row = math.floor(where[0] / step)
        cells[row, _columns(where[1], row, step=step)[2], layer][pledge.facility].append(k)


def _beside(where: tuple[float, float], layer: int, *, step: float) -> Iterator[_Cell]:
    row = math.floor(where[0] / step)
    for near in (row - 1, row, row + 1):
        for column in sorted(set(_columns(where[1], near, step=step))):
            for weight in (layer - 1, layer, layer + 1):
                yield near, column, weight


def _columns(longitude_deg: float, row: int, *, step: float) -> list[int]:
    wide = _cell_width(row, step)
    own = math.floor((longitude_deg + 180) / wide)
    return [(own + d) % math.ceil(360 / wide) for d in (-2, -1, 0, 1, 2)]


def _cell_width(row: int, step: float) -> float:
    """Degrees of longitude that span one radius at the row's edge nearest to a pole."""
    edge = min(89.9, max(abs(row * step), abs((row + 1) * step)))
    return min(360.0, step / math.cos(math.radians(edge)))


def _close(one: Pledge, other: Pledge, *, within: Tolerance) -> tuple[str, str] | None:
    if _same_goods(one, other):
        return None
    a, b, apart = one.weight_g, other.weight_g, metres_between(one, other)
    if a is None or b is None or apart is None or apart > within.metres:
        return None
    if abs(a - b) * 1_000_000 > within.weight_ppm * max(abs(a), abs(b)):
        return None
    return f"{a / 1000:g} kg, {apart:.1f} m", f"{b / 1000:g} kg, {apart:.1f} m"


def _same_goods(one: Pledge, other: Pledge) -> bool:
    return one.thing == other.thing or not set(one.identities).isdisjoint(other.identities)


def _degrees(pledge: Pledge) -> tuple[float, float] | None:
    lat, lon = pledge.place.latitude_deg, pledge.place.longitude_deg
    if lat is None or lon is None or not (abs(lat) <= 90 and abs(lon) <= 180):
        return None
    return lat, lon


def _like(by: By, pledges: Sequence[Pledge], *, pair: _Pair, shown: tuple[str, str]) -> Likeness:
    one, other = pledges[pair[0]], pledges[pair[1]]
    zh = {"number": "编号", "document": "单据", "place and weight": "位置和重量"}[by]
    sides = tuple(
        f"{p.facility}/{p.id} ({p.place.name}): {what}"
        for p, what in zip((one, other), shown, strict=True)
    )
    return Likeness(
        by,
        one,
        other,
        Words(f"{zh}相似：{sides[0]}；{sides[1]}", f"alike by {by}: {sides[0]}; {sides[1]}"),
    )
