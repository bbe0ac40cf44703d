"""Disposal control: whether goods may leave, and what to do where they leave without.

The order to the barrier is given by the interceptor of the finance room, the moment the rule of
the gate fires; here stands what a gate asks, and the day's reckoning.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, NamedTuple

from wuxin.packs.logistics.figures import of_day
from wuxin.terms.records import Words
from wuxin.terms.standards import DayView, Derived

TOLERANCE: Final = Decimal("0.005")
"""Share by which a weighing at the gate may be above the order: two scales of class III."""


class Release(NamedTuple):
    """A release order: number, lot, kg; valid from and to (ns); whether the bank countersigned.

    ``used`` is what has left on it already (kg).
    """

    number: str
    lot: str
    weight: Decimal
    valid: tuple[int, int]
    countersigned: bool
    used: Decimal = Decimal(0)


class Answer(NamedTuple):
    """Whether goods may leave, on which order, and why not; what of the order is left (kg)."""

    allowed: bool
    order: str
    left: Decimal
    words: Words


def may_leave(
    lot: str, weight: Decimal, *, at: int, releases: Iterable[Release], frozen: bool = False
) -> Answer:
    """Whether goods may leave.

    Args:
        lot: which goods.
        weight: how much is at the gate (kg).
        at: when (ns).
        releases: all orders that are known.
        frozen: whether a finding stands against the lot or the bank has stopped releases.

    Returns:
        The first order by number that covers it; else the refusal that is nearest to passing:
        too little left before not countersigned before out of date before another lot.
    """
    refusal = (4, Words(f"{lot} 没有提货单", f"there is no release order for {lot}"), "")
    for one in sorted(releases, key=lambda r: r.number):
        left = one.weight - one.used
        if one.lot != lot:
            continue
        if not one.valid[0] <= at < one.valid[1]:
            now = (3, Words(f"{one.number} 不在有效期", f"{one.number} is out of date"), one.number)
        elif not one.countersigned:
            zh, en = f"{one.number} 银行未会签", f"{one.number} lacks the bank's countersignature"
            now = (2, Words(zh, en), one.number)
        elif weight > left * (1 + TOLERANCE):
            zh = f"{one.number} 余 {left} kg，出门 {weight} kg"
            en = f"{one.number} has {left} kg left, and {weight} kg are at the gate"
            now = (1, Words(zh, en), one.number)
        elif frozen:
            break
        else:
            words = Words(f"按 {one.number} 放行", f"may leave on {one.number}")
            return Answer(
                allowed=True, order=one.number, left=max(left - weight, Decimal(0)), words=words
            )
        refusal = min(refusal, now, key=lambda r: r[0])
    if frozen:
        words = Words(f"{lot} 已冻结", f"{lot} is frozen")
        return Answer(allowed=False, order="", left=Decimal(0), words=words)
    return Answer(allowed=False, order=refusal[2], left=Decimal(0), words=refusal[1])


def gates_day(view: DayView) -> list[Derived]:
    """Derive what left through each gate in the day, and how much of that on no order."""
    found: list[Derived] = []
    for gate in view.of("gate"):
        out, allowed = (view.series(gate, n) for n in ("weight_outbound", "weight_permitted"))
        if not len(out):
            continue
        permit = dict(zip(allowed.t.tolist(), allowed.v.tolist(), strict=True))
        beyond = sum(
            max(v - permit.get(t, 0.0) * (1 + float(TOLERANCE)), 0.0)
            for t, v in zip(out.t.tolist(), out.v.tolist(), strict=True)
        )
        found += of_day(view, gate, weight_left=float(out.v.sum()), weight_unreleased=beyond)
    return found
