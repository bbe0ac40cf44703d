"""What edge cameras say about a driver: class, confidence and the digest of the clip.

Wuxin does not look at pictures. A camera at the edge sends what it saw; the clip stays there, and
its SHA-256 is the evidence that the clip shown later is the one. As a number of the twin only the
first 48 bits fit; the whole digest stands in the message.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.clock import HOUR, MINUTE, SECOND
from wuxin.terms.errors import BadInput

CLASSES: Final = {1: "fatigue", 2: "phone", 3: "smoking", 4: "distracted", 5: "abnormal"}
"""Codes of T/JSATL 12-2017, item 0x65 (DSM); others are captures and no behaviour."""

CONFIDENT: Final = 0.8
"""Confidence below which an observation is kept and not counted."""

SAME: Final = 60 * SECOND
"""Observations of one class within this time (ns) of the last are the same event."""

LONGEST: Final = 4 * HOUR
"""How long (ns) somebody may drive without a rest."""

REST: Final = 20 * MINUTE
"""What a rest is at least (ns)."""

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class Observation(NamedTuple):
    """One observation: when (ns), its class, confidence (0 to 1), the clip's digest (hex)."""

    at: int
    kind: str
    confidence: float
    digest: str


class Told(NamedTuple):
    """Observations that count as events, and those that do not, each with why."""

    events: tuple[Observation, ...]
    kept: tuple[tuple[Observation, str], ...]


def observation(at: int, code: int | str, *, confidence: float, digest: str) -> Observation:
    """An observation as an edge device sends it.

    Raises:
        BadInput: an unknown class, a confidence outside of 0 to 1, or no SHA-256.
    """
    kind = CLASSES.get(code) if isinstance(code, int) else code
    if kind not in CLASSES.values():
        raise BadInput(f"class {code!r} is none of {', '.join(CLASSES.values())}")
    if not 0 <= confidence <= 1:
        raise BadInput(f"confidence {confidence!r} is not between 0 and 1")
    if not _DIGEST.fullmatch(digest.lower()):
        raise BadInput(f"digest {digest[:70]!r} is no SHA-256 in hexadecimal")
    return Observation(at, str(kind), confidence, digest.lower())


def prefix(digest: str) -> int:
    """The first 48 bits of a digest, which a reading can carry exactly."""
    return int(digest[:12], 16)


def tell(seen: Sequence[Observation], *, moving: NDArray[np.int64] | None = None) -> Told:
    """Which observations are events.

    One below :data:`CONFIDENT`, of the same class within a minute, with the same clip as another,
    or of a vehicle that stands, is kept and not counted.

    Args:
        seen: in any order.
        moving: moments (n), ns, in order, at which the vehicle is known to move; None: not known,
            and all count.
    """
    events: list[Observation] = []
    kept: list[tuple[Observation, str]] = []
    last: dict[str, int] = {}
    clips: set[str] = set()
    for one in sorted(seen):
        why = ""
        if one.confidence < CONFIDENT:
            why = "not confident"
        elif one.digest in clips:
            why = "the same clip"
        elif one.kind in last and one.at - last[one.kind] <= SAME:
            why = "the same event"
        elif moving is not None and not _near(moving, one.at):
            why = "standing"
        if why:
            kept.append((one, why))
        else:
            events.append(one)
            clips.add(one.digest)
        if not why or why == "the same event":
            last[one.kind] = one.at
    return Told(tuple(events), tuple(kept))


def longest_drive(spans: Sequence[tuple[int, int]]) -> int:
    """The longest time (ns) of driving with no rest of twenty minutes in it.

    Args:
        spans: when the vehicle drove, from and to (ns), in order.

    Source: Regulation for the Implementation of the Road Traffic Safety Law of the PRC, article
    62(7): no more than four hours, then twenty minutes (from general knowledge, not read).
    """
    longest = 0
    begun, ended = None, 0
    for start, end in spans:
        if begun is None or start - ended >= REST:
            begun = start
        ended = max(ended, end)
        longest = max(longest, ended - begun)
    return longest


def _near(moving: NDArray[np.int64], at: int) -> bool:
    place = int(np.searchsorted(moving, at))
    near = moving[max(0, place - 1) : place + 1]
    return bool(len(near) and np.abs(near - at).min() <= 30 * SECOND)
