"""Lying and standing from the upward acceleration of a hind leg, as triact (R) finds them.

Simmler and Brouwers, triact package for R, PeerJ 12 (2024) e17036: the median over ten seconds is
gravity; where less than half of it points along the leg the cow lies; a lying bout of less than
thirty seconds is a movement of the leg. Written anew from the paper.
"""

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from wuxin.risk.anomaly import runs
from wuxin.terms.clock import HOUR, SECOND
from wuxin.terms.standards import DayView, Derived

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

GRAVITY: Final = 9.80665
"""Standard gravity (m/s2), ISO 80000-3."""

UPRIGHT: Final = 0.5 * GRAVITY
"""Below this upward acceleration (m/s2) the leg lies: half of gravity, an angle of 60 degrees."""

WINDOW: Final = 10 * SECOND
"""Over how long the median is taken (ns)."""

SHORTEST: Final = 30 * SECOND
"""The shortest lying bout (ns)."""

_GAP: Final = 60 * SECOND
_ENOUGH: Final = 4 * HOUR


class Bout(NamedTuple):
    """A stretch of lying or standing: its first and last sample (ns)."""

    start: int
    stop: int
    lying: bool


def bouts(t: Times, up: Floats, *, shortest: int = SHORTEST) -> list[Bout]:
    """The bouts of one cow.

    Args:
        t: times of the samples (n, ns), rising.
        up: upward acceleration (n, m/s2).
        shortest: lying bouts that last less than this (ns) are taken for standing.

    Returns:
        Bouts in order, lying and standing by turns within each stretch without a gap of a minute.
    """
    found: list[Bout] = []
    cuts = np.flatnonzero(np.diff(t) > _GAP) + 1
    for times, values in zip(np.split(t, cuts), np.split(up, cuts), strict=True):
        if len(times) < 2:
            continue
        lying = _gravity(times, values) < UPRIGHT
        for a, b in runs(lying):
            if times[b - 1] - times[a] < shortest:
                lying[a:b] = False
        turns = np.concatenate(([0], np.flatnonzero(np.diff(lying)) + 1, [len(lying)]))
        found += [
            Bout(int(times[a]), int(times[b - 1]), bool(lying[a])) for a, b in pairwise(turns)
        ]
    return found


def posture(view: DayView) -> list[Derived]:
    """Lying and standing of the day, the share of time lying, and how often it lay down.

    The share and the number are given where at least four hours were measured.
    """
    derived = []
    for cow in view.of("cow"):
        up = view.series(cow, "acceleration_up")
        found = bouts(up.t, up.v) if len(up) else []
        if not found:
            continue
        at = np.array([bout.start for bout in found], np.int64)
        lying = np.array([bout.lying for bout in found], np.float64)
        derived.append(Derived(cow, "lying", at, lying))
        lasted = np.array([bout.stop - bout.start for bout in found], np.float64)
        if lasted.sum() < _ENOUGH:
            continue
        end = np.array([view.end - SECOND], np.int64)
        share = np.array([float((lasted * lying).sum() / lasted.sum())])
        derived.append(Derived(cow, "lying_share", end, share))
        derived.append(Derived(cow, "lying_bouts", end, np.array([lying.sum()])))
    return derived


def _gravity(t: Times, up: Floats) -> Floats:
    """Running median over the window, constant at both ends."""
    step = float(np.median(np.diff(t)))
    size = max(1, round(WINDOW / step))
    size += 1 - size % 2
    size = min(size, len(up) - 1 + len(up) % 2)
    smooth = np.asarray(median_filter(up, size=size, mode="nearest"), np.float64)
    half = size // 2
    if half:
        smooth[:half], smooth[-half:] = smooth[half], smooth[-half - 1]
    return smooth
