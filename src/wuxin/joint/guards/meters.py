"""Forged meters: readings that do not follow from what the machine does, or follow too well.

Every owner has, beside the meter, what the reading should be by other means: energy by output,
mileage by fuel, milk by feed. How much of the meter that leaves unexplained is compared among
peers: numbers made up leave more, numbers calculated leave less, a meter set to another scale
has another slope.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import jax.numpy as jnp

from wuxin.joint.algorithms.join import Array
from wuxin.joint.algorithms.statistics import mean
from wuxin.joint.guards.peers import middle

LEAST_SPREAD: Final = 1e-3
"""A variance below is taken as this: a meter that stands still explains nothing."""


class Limits(NamedTuple):
    """What is usual, as multiples of the peers' median: part of the contract."""

    unexplained_most: float = 2.5
    unexplained_least: float = 0.25
    slope_off: float = 0.25


USUAL: Final = Limits()


def forged_meters(
    reading: Sequence[Array], expected: Sequence[Array], *, limits: Limits = USUAL
) -> Array:
    """Flag owners whose meters follow from other figures in another way than their peers'.

    Args:
        reading: of every owner, (rows,) each, of the order of 1 to 10.
        expected: by other means, (rows,) each, of the same order.
        limits: what is usual.

    Returns:
        Truth values, (owners,): all that is let out.

    Source: least squares by owner; that fabricated data vary too little: Simonsohn, Just Post It,
        Psychological Science 24(10), 2013.
    """
    slopes, left = [], []
    for meter, by_others in zip(reading, expected, strict=True):
        both = jnp.stack([meter, by_others], axis=1)
        away = both - mean(both)
        squares = mean(jnp.stack([away[:, 0] ** 2, away[:, 1] ** 2, away[:, 0] * away[:, 1]], 1))
        spread = jnp.maximum(squares[:2], LEAST_SPREAD)
        slope = squares[2] / spread[1]
        slopes.append(slope)
        left.append(1.0 - slope * (squares[2] / spread[0]))
    slope, unexplained = jnp.stack(slopes), jnp.stack(left)
    usual, common = middle(unexplained), middle(slope)
    return (
        (unexplained > limits.unexplained_most * usual)
        | (unexplained < limits.unexplained_least * usual)
        | (jnp.abs(slope - common) > limits.slope_off * jnp.abs(common))
    )
