"""One fact as several sources claim it: agreed or not, in words that name both sides.

The plain form of :mod:`wuxin.risk.crosscheck`, for one thing over one span of time.
"""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
import numpy as np

from wuxin.risk import crosscheck
from wuxin.risk.crosscheck import Source
from wuxin.terms.errors import BadInput
from wuxin.terms.records import Cause, Words
from wuxin.terms.units import conversion

State = Literal["nothing", "alone", "agreed", "odd", "contested"]
_STATES: Final[tuple[State, ...]] = ("nothing", "alone", "agreed", "odd", "contested")


class Claim(msgspec.Struct, frozen=True):
    """What one source says: a value or None, its unit, the span (ns) and what it came from."""

    source: Source
    value: float | None
    unit: str
    start: int
    end: int
    because: tuple[Cause, ...] = ()


class Verdict(msgspec.Struct, frozen=True):
    """What the claims come to.

    ``value`` is in ``unit``, the first claim's. ``reasons`` name every side with its figures and
    tolerance, ``missing`` the sources that say nothing or not of the same time. ``because`` are the
    references of all that were compared.
    """

    state: State
    value: float | None
    unit: str
    trust: float | None
    odd: tuple[str, ...]
    reasons: tuple[Words, ...]
    missing: tuple[Words, ...]
    because: tuple[Cause, ...]


def compare(claims: Sequence[Claim]) -> Verdict:
    """Compare claims about one fact.

    Args:
        claims: of different sources; the first gives unit and span. A claim of another span is not
            compared, and said to be missing: half a month of invoices is no check of a month.

    Raises:
        BadInput: there are none, a unit does not measure the same, or a source speaks twice.
    """
    if not claims:
        raise BadInput("there are no claims to compare")
    first = claims[0]
    missing = [words for claim in claims if (words := _missing(claim, first))]
    values = [
        np.nan if claim.value is None or _missing(claim, first) else _converted(claim, first.unit)
        for claim in claims
    ]
    checked = crosscheck.check(np.array([values]).T, [_scaled(c, first.unit) for c in claims])
    state = _STATES[checked.state[0]]
    seen = [claim for claim, here in zip(claims, checked.present[:, 0], strict=True) if here]
    odd = [claim for claim, out in zip(claims, checked.odd[:, 0], strict=True) if out]
    value, trust = float(checked.value[0]), float(checked.trust[0])
    return Verdict(
        state=state,
        value=None if np.isnan(value) else value,
        unit=first.unit,
        trust=None if np.isnan(trust) else trust,
        odd=tuple(claim.source.name for claim in odd),
        reasons=_reasons(state, seen, odd=odd),
        missing=tuple(missing),
        because=tuple(cause for claim in seen for cause in claim.because),
    )


def _converted(claim: Claim, unit: str) -> float:
    factor, offset = conversion(claim.unit, unit)
    assert claim.value is not None, "what is missing is not converted"
    return claim.value * factor + offset


def _scaled(claim: Claim, unit: str) -> Source:
    """The source with its least tolerance in the common unit."""
    factor = abs(conversion(claim.unit, unit).factor)
    tolerance = claim.source.tolerance
    least = msgspec.structs.replace(tolerance, least=tolerance.least * factor)
    return msgspec.structs.replace(claim.source, tolerance=least)


def _missing(claim: Claim, first: Claim) -> Words | None:
    name = claim.source.name
    if claim.value is None or not np.isfinite(claim.value):
        return Words(f"{name}：没有数据", f"{name} says nothing")
    if (claim.start, claim.end) != (first.start, first.end):
        return Words(
            f"{name}：时段不同，未参与比对", f"{name} covers another time and is not compared"
        )
    return None


def _reasons(state: State, seen: Sequence[Claim], *, odd: Sequence[Claim]) -> tuple[Words, ...]:
    sides = tuple(Words(_said(claim, zh=True), _said(claim, zh=False)) for claim in seen)
    others = [claim.source.name for claim in seen if claim not in odd]
    match state:
        case "nothing":
            return (Words("没有任何来源给出数据", "no source says anything"),)
        case "alone":
            opening = Words(
                "只有一个来源，无法互证", "only one source speaks, so nothing confirms it"
            )
        case "agreed":
            opening = Words("各来源相互一致", "the sources agree")
        case "odd":
            names = [claim.source.name for claim in odd]
            opening = Words(
                f"{'、'.join(names)}与其余来源（{'、'.join(others)}）不符",
                f"{', '.join(names)} contradicts {' and '.join(others)}, which agree",
            )
        case "contested":
            opening = Words(
                "来源相互矛盾，且无法判断哪一方有误",
                "the sources contradict each other, and none is borne out by a majority",
            )
    return (opening, *sides)


def _said(claim: Claim, *, zh: bool) -> str:
    tolerance = claim.source.tolerance
    unit = "" if claim.unit == "1" else f" {claim.unit}"
    value, least = f"{claim.value:,.6g}{unit}", f"{tolerance.least:,.6g}{unit}"
    share = f"{100 * tolerance.share:.3g} %"
    if zh:
        least = f"（至少{least}）" if tolerance.least else ""
        return f"{claim.source.name}：{value}，容差{share}{least}：{tolerance.reason}"
    least = f", at least {least}" if tolerance.least else ""
    return f"{claim.source.name}: {value}, within {share}{least} ({tolerance.reason})"
