"""Labels turned round: an owner whose outcomes contradict what all others say about such cases."""

from collections.abc import Sequence

import jax.numpy as jnp

from wuxin.joint.algorithms.fixed import times
from wuxin.joint.algorithms.join import Array
from wuxin.joint.algorithms.logistic import Training, log_odds, train
from wuxin.joint.guards.peers import middle

QUICK = Training(rounds=12, batch=1 << 30, rate=0.3, form="clipped", momentum=0.9)
"""A rough model of every owner's rows is enough to tell which way its labels point; of columns that
correlate, a cubic would run away and point anywhere."""

FARTHEST = 4.0
"""Log odds beyond count as this, so that a few rows cannot outweigh all others."""


def flipped_labels(x: Sequence[Array], y: Sequence[Array], *, keep: float = 0.6) -> Array:
    """Flag owners whose labels agree far less than usual with the common direction.

    A rough model is trained on every owner's rows, the median of their weights is the common
    direction, and an owner's agreement is the mean of (2y - 1) times the log odds. Turning a share
    f of the labels multiplies it by 1 - 2f, so that ``keep`` = 0.6 finds from about a quarter on.

    Args:
        x: standardised columns of every owner, (rows, p) each.
        y: 0 or 1, (rows,) each.
        keep: the share of the median agreement that is asked of everybody.

    Returns:
        Truth values, (owners,): all that is let out.

    Source: label flipping as an attack, and agreement with a clean majority as the test: Paudice,
        Muñoz-González and Lupu, Label Sanitization against Label Flipping Poisoning Attacks, 2018.
    """
    common = middle(jnp.stack([train(*each, how=QUICK) for each in zip(x, y, strict=True)]))
    agreement = jnp.stack(
        [
            _average((2.0 * labels - 1.0) * jnp.clip(log_odds(rows, common), -FARTHEST, FARTHEST))
            for rows, labels in zip(x, y, strict=True)
        ]
    )
    return agreement < keep * middle(agreement)


def _average(each: Array) -> Array:
    return times(jnp.sum(each), 1 / each.shape[0])
