"""The distance to the vehicle in front, against what its speed asks for."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.terms.clock import SECOND

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

FAST: Final = 100 / 3.6
"""m/s above which the law asks for 100 m on an expressway."""

HEADWAY: Final = 2.0
"""Seconds to the vehicle in front that are advised on other roads."""

DANGEROUS: Final = 0.5
"""Share of the required distance below which following is dangerous."""

CRAWLS: Final = 30 / 3.6
"""m/s up to which a queue is no offence."""

LASTS: Final = 3.0
"""Seconds for which it must last: somebody who cuts in is not the driver's doing."""


class Following(NamedTuple):
    """How a vehicle followed: seconds measured, seconds too close, the smallest share, spells."""

    measured: float
    close: float
    smallest: float
    spells: int


def required(speed: Floats | float, *, expressway: bool = False) -> Floats:
    """The distance (m) that a speed (m/s) asks for.

    On an expressway 100 m above 100 km/h, and at least 50 m below it, where more is asked by two
    seconds; elsewhere two seconds.

    Source: Regulation for the Implementation of the Road Traffic Safety Law of the PRC, article 80
    (expressways); two seconds are common advice and no law.
    """
    v = np.asarray(speed, np.float64)
    by_time = v * HEADWAY
    if not expressway:
        return by_time
    return np.where(v > FAST, 100.0, np.minimum(np.maximum(by_time, 50.0), 100.0))


def follow(
    t: Times, gap: Floats, *, speed: tuple[Times, Floats], expressway: bool = False
) -> Following:
    """Judge how a vehicle followed.

    Args:
        t: moments of the distance (n), ns, in order.
        gap: the distance in front (n), m; NaN or zero and less where the radar sees nobody.
        speed: moments (m, ns) and m/s of the own speed.
        expressway: whether the road is one.
    """
    v = np.interp(t, speed[0], speed[1], left=np.nan, right=np.nan) if len(speed[0]) else gap * 0
    seen = np.isfinite(gap) & (gap > 0) & np.isfinite(v) & (v > CRAWLS)
    span = np.minimum(np.append(np.diff(t), 0) / SECOND, 2.0)
    share = np.where(seen, gap / np.maximum(required(v, expressway=expressway), 1.0), np.inf)
    close = seen & (share < DANGEROUS)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], close.astype(int), [0]])))
    spells = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True)
              if span[a:b].sum() >= LASTS]  # fmt: skip
    return Following(
        float(span[seen].sum()),
        float(sum(span[a:b].sum() for a, b in spells)),
        float(share[seen].min()) if seen.any() else np.inf,
        len(spells),
    )
