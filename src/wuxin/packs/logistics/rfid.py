"""Whether a tag moved while fixed antennas read it, from the phase of its answers or their level.

A tag that stands still answers on one antenna and channel with one phase; one that is carried turns
it by 4π/λ radians a metre (a full turn in 16 cm). Where the reader reports no phase, a tag that is
carried gets louder at some antennas and quieter at others from the first to the last third of the
time; one that is turned over on its place changes as well, but not steadily.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.packs.logistics.figures import Floats, Times
from wuxin.terms.clock import SECOND
from wuxin.terms.records import Words

COHERENCE: Final = 0.75
"""Coherence of phases below which a tag moved.

Between what stands still and what is carried: a reader's phase noise of 0.1 to 0.2 rad leaves 0.85
to 0.96, a walk of 0.3 m/s read ten times a second leaves 0.5 at most (the line tests, on which the
benchmark checks it; no static tag with phases was available, only pairs of reads within 40 ms).
"""

DRIFT: Final = 2.0
"""Drift of the levels above which a tag moved, without phases.

A tenth above the largest of the turned tags with odd numbers in the fingerprint set; it is judged
on the even ones. Two windows must agree.
"""

ALONE: Final = 3.5
"""The same where there is one window only, which nothing confirms: 19 of 20 windows of the turned
tags with odd numbers drift less."""

LAG: Final = SECOND // 2
"""The longest time (ns) between two reads whose phases are compared."""

PAIRS: Final = 4
"""The fewest pairs of phases that a verdict rests on."""

_WINDOW: Final = 10 * SECOND
_GAP: Final = 2 * SECOND
_SHORTEST: Final = 3 * SECOND
_FEWEST: Final = 20
_EACH: Final = 3


class Reads(NamedTuple):
    """Reads of one tag in order of time.

    ``t`` ns (n), ``antenna`` its number (n), ``rssi`` dBm (n); ``phase`` rad (n), NaN where it was
    not reported; ``channel`` the reader's index of the frequency (n), -1 where it was not.
    """

    t: Times
    antenna: NDArray[np.int64]
    rssi: Floats
    phase: Floats
    channel: NDArray[np.int64]

    def part(self, rows: NDArray[np.int64] | NDArray[np.bool_] | slice) -> "Reads":
        """Some of the reads."""
        return Reads(
            self.t[rows], self.antenna[rows], self.rssi[rows], self.phase[rows], self.channel[rows]
        )


class Verdict(NamedTuple):
    """Whether a tag moved (None: it cannot be told), by what, on how much, and why in words.

    ``score`` is above 0 for moved; its distance from 0 is in the measure's own unit (coherence,
    or times the noise). ``rests_on`` counts pairs of phases or windows of ten seconds.
    """

    moved: bool | None
    by: str
    score: float
    rests_on: int
    words: Words


def judge(reads: Reads) -> Verdict:
    """Whether a tag moved while it was read.

    Args:
        reads: of one tag at one group of fixed antennas, in any order.

    Returns:
        A verdict by phase where there are enough pairs of phases, else by level, else none.

    Source: radial speed from phase: Nikitin et al., Phase based spatial identification of UHF RFID
    tags, IEEE RFID 2010; the statistics and limits are this project's own.
    """
    reads = reads.part(np.argsort(reads.t, kind="stable"))
    coherence, pairs = phase_coherence(reads)
    if pairs >= PAIRS:
        moved = coherence < COHERENCE
        zh = f"相位一致性 {coherence:.2f}（{pairs} 对），界限 {COHERENCE}"
        en = f"coherence of phases {coherence:.2f} in {pairs} pairs, limit {COHERENCE}"
        return Verdict(moved, "phase", COHERENCE - coherence, pairs, Words(zh, en))
    drifts = [drift for window in windows(reads) if not np.isnan(drift := level_drift(window))]
    if not drifts:
        return Verdict(None, "", 0.0, 0, Words("读数太少，无法判断", "too few reads to tell"))
    # Of two windows the steadier one counts: who turns a tag over in one does not carry it.
    drift = sorted(drifts)[(len(drifts) - 1) // 2]
    limit = DRIFT if len(drifts) > 1 else ALONE
    zh = f"各天线电平此消彼长为噪声的 {drift:.1f} 倍，界限 {limit} 倍"
    en = f"the antennas' levels drift apart by {drift:.1f} times their noise, limit {limit}"
    return Verdict(drift > limit, "level", drift - limit, len(drifts), Words(zh, en))


def phase_coherence(reads: Reads, *, shortest: int = 0, lag: int = LAG) -> tuple[float, int]:
    """How alike the phases are of pairs of reads on one antenna and channel, close in time.

    Args:
        reads: in order of time.
        shortest: pairs closer than this (ns) are left out.
        lag: pairs further apart than this (ns) are left out.

    Returns:
        The mean cosine of twice the difference (1: standing still; around 0: carried), NaN without
        pairs; and how many pairs. Twice, because a reader's phase is known up to half a turn only.
    """
    total, count = 0.0, 0
    known = np.isfinite(reads.phase)
    for antenna in np.unique(reads.antenna):
        rows = np.flatnonzero(known & (reads.antenna == antenna))
        first, second = rows[:-1], rows[1:]
        apart = reads.t[second] - reads.t[first]
        same = (reads.channel[first] == reads.channel[second]) & (apart > shortest) & (apart < lag)
        turned = reads.phase[second][same] - reads.phase[first][same]
        total += float(np.cos(2 * turned).sum())
        count += len(turned)
    return (total / count if count else float("nan")), count


def level_drift(reads: Reads) -> float:
    """How far the antennas' levels drift apart from the first to the last third, over their noise.

    Args:
        reads: of one window, in order of time.

    Returns:
        The antennas' changes, largest less smallest, over the deviation within a third (with a
        decibel for the reader's steps); NaN where fewer than two antennas have three reads in each
        third, or all have fewer than twenty.
    """
    if len(reads.t) < _FEWEST:
        return float("nan")
    share = (reads.t - reads.t[0]) / max(float(reads.t[-1] - reads.t[0]), 1.0)
    third = np.minimum((share * 3).astype(np.int64), 2)
    changes, noise = [], []
    for antenna in np.unique(reads.antenna):
        levels = [reads.rssi[(reads.antenna == antenna) & (third == k)] for k in range(3)]
        if min(len(level) for level in levels) >= _EACH:
            changes.append(float(levels[2].mean() - levels[0].mean()))
            noise.append(float(np.mean([level.var() for level in levels])))
    if len(changes) < 2:  # one antenna cannot tell louder from turned
        return float("nan")
    return float((max(changes) - min(changes)) / np.sqrt(np.mean(noise) + 1))


def windows(reads: Reads) -> Iterator[Reads]:
    """Windows of about ten seconds without a gap of two, three seconds long at least."""
    cuts = np.flatnonzero(np.diff(reads.t) > _GAP) + 1
    for rows in np.split(np.arange(len(reads.t)), cuts):
        if not len(rows) or reads.t[rows[-1]] - reads.t[rows[0]] < _SHORTEST:
            continue
        session = reads.part(rows)
        span = int(session.t[-1] - session.t[0])
        number = max(1, round(span / _WINDOW))
        place = np.minimum((session.t - session.t[0]) * number // (span + 1), number - 1)
        for window in range(number):
            yield session.part(place == window)


NOISE_LAG: Final = SECOND // 25
"""Within this time (ns) a carried tag has hardly moved: what phases differ by is mostly noise."""
