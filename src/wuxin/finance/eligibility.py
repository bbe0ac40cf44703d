"""What may stand behind a loan: criteria over a thing's facts, and limits of concentration.

Criteria are data, joined by all, any and not:

    {"all": [{"fact": "kind", "in": ["lot"]}, {"not": {"fact": "place", "is": "yard 9"}},
             {"fact": "age_days", "at_most": "365"}, {"fact": "insured", "is": true}]}

A fact that is not known fulfils nothing, under ``not`` neither. Source for the shape: FINOS CDM,
EligibleCollateralSpecification and concentration limits.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Any, Final

import msgspec

from wuxin.terms.errors import BadInput
from wuxin.terms.money import exact
from wuxin.terms.records import Words

DEEPEST: Final = 16
Fact = str | bool | int | Decimal | float | None
_WORDS: Final = {
    "is": Words("应为", "must be"), "in": Words("应属于", "must be one of"),
    "at_least": Words("应不低于", "must be at least"),
    "at_most": Words("应不高于", "must be at most"),
}  # fmt: skip
_JOINED: Final = ("all", "any", "not")


class Criterion(msgspec.Struct, frozen=True):
    """One node: a test of a ``fact`` (``by`` is, in, at_least, at_most), or parts joined."""

    by: str
    fact: str = ""
    wanted: tuple[str | bool | Decimal, ...] = ()
    parts: tuple["Criterion", ...] = ()


class Failed(msgspec.Struct, frozen=True):
    """A test that stands in the way: fact, what was found (None: not known), words with both."""

    fact: str
    found: str | None
    words: Words


class Answer(msgspec.Struct, frozen=True):
    """Whether a thing is eligible, and every test that stands in the way."""

    eligible: bool
    failed: tuple[Failed, ...]


def read_criterion(table: Any, *, depth: int = 0) -> Criterion:
    """Read criteria from plain values.

    Raises:
        BadInput: a node is of no known form, or they are nested deeper than 16.
    """
    if not isinstance(table, Mapping) or depth > DEEPEST:
        raise BadInput(f"{table!r:.80} is no criterion, or is nested deeper than {DEEPEST}")
    by = next((key for key in (*_JOINED, *_WORDS) if key in table), "")
    if not by or set(table) != ({by} if by in _JOINED else {by, "fact"}):
        raise BadInput(f"a criterion has all, any, not, or fact and one test: {dict(table)!r:.80}")
    inside = table[by]
    if by in _JOINED:
        parts = [inside] if by == "not" else inside
        if not isinstance(parts, list | tuple) or not parts:
            raise BadInput(f"{by!r} joins a list of criteria that is not empty")
        return Criterion(by, parts=tuple(read_criterion(p, depth=depth + 1) for p in parts))
    values = inside if by == "in" and isinstance(inside, list | tuple) else [inside]
    wanted = tuple(_wanted(by, one) for one in values)
    return Criterion(by, str(table["fact"]), wanted)


def judge(criterion: Criterion, facts: Mapping[str, Fact]) -> Answer:
    """Whether a thing with these facts is eligible, and if not, by which tests."""
    truth = _truth(criterion, facts)
    return Answer(truth is True, () if truth else tuple(_against(criterion, facts, wanted=True)))


class Line(msgspec.Struct, frozen=True):
    """A thing's lendable value (minor units) and its groups (obligor, place, kind)."""

    thing: str
    lendable: int
    groups: Mapping[str, str]


class Limit(msgspec.Struct, frozen=True):
    """At most this share of the pool's lendable value in one group of ``by``."""

    by: str
    share: Decimal


class Excess(msgspec.Struct, frozen=True):
    """What a limit cut off one thing (minor units), in words."""

    thing: str
    limit: Limit
    group: str
    cut: int
    words: Words


class Counted(msgspec.Struct, frozen=True):
    """What counts of each line after all limits (minor units), and every cut."""

    lendable: tuple[int, ...]
    cuts: tuple[Excess, ...]


def concentrate(lines: Sequence[Line], limits: Sequence[Limit]) -> Counted:
    """Cut off what exceeds the limits.

    The share is of the pool before any cut, rounded down. Limits apply in their order, each to what
    the ones before left; in a group the lines that come first keep what they have. A line whose
    group is not known counts in one group of the unknown; a value below zero is never cut.

    Raises:
        BadInput: a share is not between 0 and 1.
    """
    pool = sum(max(0, line.lendable) for line in lines)
    left, cuts = [line.lendable for line in lines], []
    for limit in limits:
        if not (limit.share.is_finite() and 0 <= limit.share <= 1):
            raise BadInput(f"a share lies between 0 and 1, and {limit.share} does not")
        most = int((pool * limit.share).to_integral_value(ROUND_FLOOR))
        used: defaultdict[str, int] = defaultdict(int)
        for k, line in enumerate(lines):
            group = line.groups.get(limit.by, "")
            cut = max(0, left[k] - (most - used[group]))
            if left[k] > 0:
                used[group] += left[k] - cut
            if left[k] > 0 and cut:
                left[k] -= cut
                cuts.append(
                    Excess(line.thing, limit, group, cut, _over(limit, group, most=most, cut=cut))
                )
    return Counted(tuple(left), tuple(cuts))


def _over(limit: Limit, group: str, *, most: int, cut: int) -> Words:
    return Words(
        f"{limit.by} {group or '未知'} 至多占{limit.share:%}（{most}），扣除{cut}",
        f"{limit.by} {group or 'unknown'} may be {limit.share:%} ({most}); {cut} is cut off",
    )


def _wanted(by: str, value: Any) -> str | bool | Decimal:
    if isinstance(value, str | bool) and by in {"is", "in"}:
        return value
    if isinstance(value, bool | float) or not isinstance(value, str | int | Decimal):
        raise BadInput(f"{value!r} cannot be compared with; write numbers as text")
    number = _number(value)
    if number is None:
        raise BadInput(f"{value!r} is no number to compare with")
    return number


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        value = exact(value)
    try:
        number = Decimal(value)
    except (ArithmeticError, TypeError, ValueError):
        return None
    return number if number.is_finite() else None


def _truth(one: Criterion, facts: Mapping[str, Fact]) -> bool | None:
    """True, false, or None for not known, as Kleene joins them."""
    if one.by in _JOINED:
        parts = [_truth(part, facts) for part in one.parts]
        if one.by == "not":
            return {None: None, True: False, False: True}[parts[0]]
        decisive = one.by == "any"
        undecided = None if None in parts else not decisive
        return decisive if decisive in parts else undecided
    found = facts.get(one.fact)
    if found is None or (isinstance(found, float | Decimal) and _number(found) is None):
        return None
    if one.by in {"is", "in"}:
        return any(_same(found, wanted=wanted) for wanted in one.wanted)
    number, bound = _number(found), one.wanted[0]
    comparable = number is not None and isinstance(bound, Decimal)
    return _within(one.by, number, bound=bound) if comparable else None


def _within(by: str, number: Any, *, bound: Any) -> bool:
    return bool(number >= bound if by == "at_least" else number <= bound)


def _same(found: Any, *, wanted: str | bool | Decimal) -> bool:
    if isinstance(wanted, Decimal):
        return not isinstance(found, str) and _number(found) == wanted
    return type(found) is type(wanted) and bool(found == wanted)


def _against(one: Criterion, facts: Mapping[str, Fact], *, wanted: bool) -> list[Failed]:
    """The tests because of which a criterion is not what is wanted."""
    if _truth(one, facts) is wanted:
        return []
    if one.by in _JOINED:
        turned = wanted is not (one.by == "not")
        return [failed for part in one.parts for failed in _against(part, facts, wanted=turned)]
    found = facts.get(one.fact)
    asked = ", ".join(str(value) for value in one.wanted)
    no = Words("", "") if wanted else Words("不", "not: ")
    zh = f"{one.fact} {no.zh}{_WORDS[one.by].zh} {asked}，"
    en = f"{one.fact} {no.en}{_WORDS[one.by].en} {asked}, "
    if found is None:
        return [Failed(one.fact, None, Words(f"{zh}但未知", f"{en}and is not known"))]
    return [Failed(one.fact, str(found), Words(f"{zh}实为 {found}", f"{en}and is {found}"))]
