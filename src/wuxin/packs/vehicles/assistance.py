"""Driver assistance with insurance: is driving safer with warnings, and what is that worth.

Warnings in 1,000 km before the driver hears them (the device is silent for two weeks) and after are
compared as Poisson rates. The premium falls by what is certain of it, not by what is likely.
"""

from typing import Final, NamedTuple

import numpy as np

from wuxin.terms.errors import BadInput

FORWARD, DEPARTURE, CLOSE, PEDESTRIAN = 1, 2, 3, 4
"""Codes of T/JSATL 12-2017, item 0x64 (ADAS): ahead, lane departure, too close, person."""

PASSED_ON: Final = 0.5
"""Share of a certain fall in warnings that the premium gives back: warnings are not claims."""

MOST: Final = 0.15
"""The most that a device may take off a premium."""

_Z: Final = 1.645


class Effect(NamedTuple):
    """Warnings in 1,000 km before and after, their ratio with its 90 % interval, the discount."""

    before: float
    after: float
    ratio: float
    low: float
    high: float
    discount: float


def effect(before: tuple[int, float], after: tuple[int, float]) -> Effect:
    """Compare warnings before and after a device spoke.

    Args:
        before: how many, and kilometres.
        after: the same.

    Raises:
        BadInput: a count below zero, or no kilometres.

    Source: interval of a ratio of Poisson rates on the logarithm, with half an event added to each
    count (Rothman and Greenland, Modern Epidemiology, rate ratios).
    """
    for count, km in (before, after):
        if count < 0 or not km > 0:
            raise BadInput(f"{count} warnings in {km:g} km cannot be compared")
    rates = [(count + 0.5) / km for count, km in (before, after)]
    ratio = rates[1] / rates[0]
    spread = float(np.exp(_Z * np.sqrt(1 / (before[0] + 0.5) + 1 / (after[0] + 0.5))))
    high = ratio * spread
    discount = min(max(0.0, 1 - high) * PASSED_ON, MOST)
    return Effect(
        1000 * before[0] / before[1], 1000 * after[0] / after[1], ratio, ratio / spread, high,
        discount,
    )  # fmt: skip
