"""A claim against what devices say: was the vehicle there, was it moving, did others report.

Each question is answered yes, no or unknown, with the figures; nothing known is no suspicion. The
answers go to the adjuster, who decides.
"""

import hashlib
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import numpy as np

from wuxin.packs.vehicles.motion import Collision, Speed
from wuxin.terms.clock import DAY, HOUR, MINUTE, SECOND, iso
from wuxin.terms.records import Words
from wuxin.twin.track import Track, distance

NEAR: Final = 300.0
"""Metres from the place claimed that still are there: addresses, scatter, and pushing aside."""

ABOUT: Final = 10 * MINUTE
"""How far (ns) from the time claimed an accident is looked for: people round their times."""

MOVES: Final = 1.4
"""m/s from which a vehicle moves (5 km/h)."""

OFTEN: Final = SECOND * 3 // 2
"""The longest usual time (ns) between speeds that still shows an impact."""

STANDS: Final = MINUTE
"""How long (ns) a vehicle stands that is parked; a traffic light may be as long, seldom longer."""

EARLY: Final = 3 * DAY
"""A policy that began less than this (ns) before the accident is looked at."""

LATE: Final = 2 * DAY
"""A claim is due within 48 hours of the accident, as motor policies in China ask."""

Answer = Literal["yes", "no", "unknown"]


class Claimed(NamedTuple):
    """A claim.

    When (ns) and where (degrees), whether it says that the vehicle was moving, when it was reported
    and when the policy began (ns), and how many others were involved.
    """

    at: int
    latitude: float
    longitude: float
    moving: bool
    reported: int
    policy_from: int
    others: int = 0


class Other(NamedTuple):
    """What another vehicle, a road unit or a call reported: when (ns), where (degrees)."""

    source: str
    at: int
    latitude: float
    longitude: float


class Check(NamedTuple):
    """One question: its answer, and in words why. ``against``: the answer speaks against it."""

    question: str
    answer: Answer
    against: bool
    why: Words


class Result(NamedTuple):
    """All checks, how many speak against and for the claim, how many are open, and a digest."""

    checks: tuple[Check, ...]
    against: int
    supports: int
    unknown: int
    digest: str


def check_claim(
    claim: Claimed,
    *,
    seen: Track | None,
    speed: Speed | None = None,
    collisions: Sequence[Collision] | None = None,
    others: Sequence[Other] | None = None,
) -> Result:
    """Check a claim.

    Args:
        claim: what is claimed.
        seen: the vehicle's track; None where it has no tracker.
        speed: its speed, from which moving is judged.
        collisions: what its speed or accelerometer showed; None: nobody looked.
        others: what others reported; None: nobody was asked, which is no suspicion.

    Returns:
        The checks in a fixed order, and the SHA-256 of what was compared, for the case file.
    """
    checks = (
        _there(claim, seen),
        _moving(claim, speed),
        _shock(claim, collisions),
        _reported(claim, others),
        _dated(claim),
    )
    told = repr((claim, checks)).encode()
    return Result(
        checks,
        sum(c.against for c in checks),
        sum(not c.against and c.answer == "yes" for c in checks),
        sum(c.answer == "unknown" for c in checks),
        hashlib.sha256(told).hexdigest(),
    )


def _there(claim: Claimed, seen: Track | None) -> Check:
    name = "was the vehicle there"
    near = _around(seen.t, claim.at) if seen is not None else np.empty(0, np.int64)
    if seen is None or not len(near):
        return Check(name, "unknown", against=False, why=Words(
            "事发时段没有定位", "no position around the time"))  # fmt: skip
    to = (claim.latitude, claim.longitude)
    away = distance(seen.latitude[near], seen.longitude[near], to=to)
    best = int(np.argmin(away))
    metres, when = float(away[best]), iso(int(seen.t[near[best]]))[:19]
    there = metres <= NEAR
    return Check(name, "yes" if there else "no", against=not there, why=Words(
        f"最近一次定位 {when}，距报案地点 {metres:,.0f} 米",
        f"the nearest position, {when}, is {metres:,.0f} m from the place"))  # fmt: skip


def _moving(claim: Claimed, speed: Speed | None) -> Check:
    name = "was it moving"
    near = _around(speed.t, claim.at) if speed is not None else np.empty(0, np.int64)
    good = near[~speed.fault[near]] if speed is not None and len(near) else near
    if speed is None or not len(good):
        return Check(name, "unknown", against=False, why=Words(
            "事发时段没有车速", "no speed around the time"))  # fmt: skip
    fastest = float(speed.v[good].max())
    moved = fastest >= MOVES
    # Who parks drove there: a car that stood for a minute around the time may have been hit so.
    against = not moved if claim.moving else not _stood(speed.t[good], speed.v[good])
    kmh = f"{fastest * 3.6:.0f} km/h"
    return Check(name, "yes" if moved else "no", against=against, why=Words(
        f"前后十分钟内最高车速 {kmh}", f"at most {kmh} within ten minutes"))  # fmt: skip


def _stood(t: np.ndarray, v: np.ndarray) -> bool:
    """Whether a vehicle stood for :data:`STANDS`, or was standing in all that is known."""
    still = v < MOVES
    edges = np.flatnonzero(np.diff(np.concatenate([[0], still.astype(int), [0]])))
    runs = zip(edges[::2], edges[1::2], strict=True)
    return bool(still.all()) or any(t[b - 1] - t[a] >= STANDS for a, b in runs)


def _shock(claim: Claimed, collisions: Sequence[Collision] | None) -> Check:
    name = "did its own sensors feel it"
    if collisions is None:
        return Check(name, "unknown", against=False, why=Words(
            "没有碰撞传感数据", "no data of an impact"))  # fmt: skip
    felt = [c for c in collisions if abs(c.at - claim.at) <= ABOUT]
    if felt:
        fall = max(c.fall for c in felt) * 3.6
        return Check(name, "yes", against=False, why=Words(
            f"车速骤降 {fall:.0f} km/h", f"its speed fell by {fall:.0f} km/h"))  # fmt: skip
    return Check(name, "no", against=claim.moving, why=Words(
        "前后十分钟内没有碰撞迹象", "no sign of an impact within ten minutes"))  # fmt: skip


def _reported(claim: Claimed, others: Sequence[Other] | None) -> Check:
    name = "did others report"
    if others is None:
        return Check(name, "unknown", against=False, why=Words(
            "没有可询问的旁证", "there was nobody to ask"))  # fmt: skip
    near = [
        o.source for o in others
        if abs(o.at - claim.at) <= ABOUT
        and float(distance(o.latitude, o.longitude, to=(claim.latitude, claim.longitude))) <= NEAR
    ]  # fmt: skip
    if near:
        who = ", ".join(sorted(set(near)))
        return Check(name, "yes", against=False, why=Words(
            f"另有报告：{who}", f"reported by {who}"))  # fmt: skip
    expected = claim.others > 0
    answer: Answer = "no" if expected else "unknown"
    return Check(
        name,
        answer,
        against=expected,
        why=Words(
            "没有旁证" + ("，而报案涉及他车" if expected else ""),
            "nobody else reported" + (", though others are said to be in it" if expected else ""),
        ),
    )


def _dated(claim: Claimed) -> Check:
    name = "does the date raise a question"
    early = claim.at - claim.policy_from < EARLY
    late = claim.reported - claim.at > LATE
    before = claim.at < claim.policy_from or claim.reported < claim.at
    days = (claim.at - claim.policy_from) / DAY
    hours = (claim.reported - claim.at) / HOUR
    answer: Answer = "yes" if early or late or before else "no"
    return Check(name, answer, against=answer == "yes", why=Words(
        f"出险距起保 {days:.1f} 天，报案距出险 {hours:.1f} 小时",
        f"{days:.1f} days after the policy began, reported {hours:.1f} hours later"))  # fmt: skip


def _around(t: np.ndarray, at: int) -> np.ndarray:
    found: np.ndarray = np.flatnonzero(np.abs(t - at) <= ABOUT)
    return found


def would_show(speed: Speed, at: int) -> bool:
    """Whether a speed comes often enough around a moment (ns) to show an impact.

    With a value in two seconds a stop at a wall looks like braking, and most are missed: then
    silence is no answer, and speaks against nobody.
    """
    near = _around(speed.t, at)
    if len(near) < 2:
        return False
    # From end to end, so that silence in the middle is not taken for having looked.
    edges = np.concatenate([[at - SECOND], speed.t[near], [at + SECOND]])
    gaps = np.diff(np.sort(edges))
    return bool(np.median(gaps) <= OFTEN and gaps.max() <= MINUTE)


def evidence(
    vehicle: str, *, speed: Speed, at: int, before: int = 20 * SECOND, after: int = 10 * SECOND
) -> dict[str, object]:
    """What a claim from a device starts with: the seconds around an event, and their digest.

    Twenty seconds before and ten after; event data recorders keep five to twenty seconds before.

    Source: 49 CFR part 563 as amended 2024 (20 s of pre-crash data at 10 Hz).
    """
    here = (speed.t >= at - before) & (speed.t <= at + after)
    rows = [
        [int(t), round(float(v), 3), bool(f)]
        for t, v, f in zip(speed.t[here], speed.v[here], speed.fault[here], strict=True)
    ]
    digest = hashlib.sha256(repr((vehicle, at, rows)).encode()).hexdigest()
    return {"vehicle": vehicle, "at": iso(at), "speed": rows, "sha256": digest}
