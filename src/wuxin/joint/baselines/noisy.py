"""Noise in the place of shares: what it costs the model, with the privacy accounted by OpenDP.

*Noisy columns*: the partner adds Laplace noise to each value before it hands its columns over; each
row is private on its own, whoever gets it (local model). *Noisy training*: somebody who has all
rows in plain adds Gaussian noise to every gradient; the model then says little of any one row, but
that somebody has seen everything.

Sources: Dwork and Roth, The Algorithmic Foundations of Differential Privacy (2014) §3.3 (Laplace);
Bun and Steinke, Concentrated Differential Privacy, TCC 2016, §1 (Gaussian noise, composition);
clipped gradients: Abadi et al., Deep Learning with Differential Privacy, CCS 2016, algorithm 1.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from wuxin.joint.baselines.steps import How, batches, sigmoid, with_one
from wuxin.joint.extra import need
from wuxin.joint.split import Floats, Split

CLIP: Final = 3.0
"""A standardised value beyond is cut, so that noise need not be as wide as the widest value."""

NORM: Final = 4.0
"""A row's gradient is shortened to this length."""


class Noisy(NamedTuple):
    """Weights, and the privacy as OpenDP's maps give it; ``delta`` 0 is pure."""

    weights: Floats
    epsilon: float
    delta: float


def noisy_columns(split: Split, epsilon: float) -> tuple[Split, float]:
    """The partner's columns with Laplace noise, and the epsilon of a row by OpenDP's map.

    Args:
        split: the rows.
        epsilon: for a whole row of the partner's columns.
    """
    dp = _opendp()
    columns = split.partner.shape[1]
    reach = 2 * CLIP * columns  # L1 distance of any two clipped rows
    space = dp.vector_domain(dp.atom_domain(T=float, nan=False)), dp.l1_distance(T=float)
    release = dp.m.make_laplace(*space, scale=reach / epsilon)
    clipped = np.clip(split.partner, -CLIP, CLIP)
    noised = np.array(release(clipped.reshape(-1).tolist())).reshape(clipped.shape)
    return split._replace(partner=noised), float(release.map(reach))


def noisy_training(train: Split, how: How, *, epsilon: float, delta: float) -> Noisy:
    """Train with noise on the sum of every batch's clipped gradients.

    What is hidden is whether a row counts (its gradient) or not; how many rows there are is public,
    and so are the columns' means and spreads. Batches are passed in turn and not drawn, so that no
    amplification by sampling is claimed: a row's loss is that of the rounds in which it takes part.

    Args:
        train: the rows, all in one place.
        how: the rounds.
        epsilon: that is not to be exceeded.
        delta: above 0.
    """
    dp = _opendp()
    rows = with_one(train.joined)
    parts = [*batches(len(train.y), how)]
    turns = max(1, round(len(train.y) / how.batch))
    times = -(-len(parts) // turns)  # a row's batch comes round so often
    space = (
        dp.vector_domain(dp.atom_domain(T=float, nan=False), size=rows.shape[1]),
        dp.l2_distance(T=float),
    )

    def spent(scale: float) -> tuple[Any, float]:
        release = dp.m.make_gaussian(*space, scale=scale)
        whole = dp.c.make_composition([release] * times)
        return release, float(dp.c.make_zCDP_to_approxDP(whole).map(NORM).epsilon(delta))

    low, high = 1e-3, 1e6
    for _ in range(32):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if spent(middle)[1] > epsilon else (low, middle)
    release, used = spent(high)
    weights = np.zeros(rows.shape[1])
    for part in parts:
        each = (sigmoid(rows[part] @ weights) - train.y[part])[:, None] * rows[part]
        length = np.linalg.norm(each, axis=1, keepdims=True)
        total = (each / np.maximum(1, length / NORM)).sum(axis=0)
        noise = np.array(release(total.tolist()))
        weights -= how.rate / how.batch * noise  # by the public size: a batch's own may not show
    return Noisy(weights, used, delta)


def _opendp() -> Any:
    dp = need("opendp.prelude")
    dp.enable_features("contrib", "idealized-numerics")
    return dp
