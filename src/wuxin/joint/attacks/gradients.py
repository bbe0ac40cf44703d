"""Gradients give records back: one record of a linear model, eight behind a layer of ReLUs."""

from typing import Final

import numpy as np

from wuxin.joint.attacks.shown import Shown
from wuxin.joint.baselines.steps import sigmoid, with_one
from wuxin.joint.split import Floats, Split
from wuxin.terms.records import Words

BATCH: Final = 8
NEURONS: Final = 2_048
SAME: Final = 1e-6
"""How near two quotients are taken as one record."""

SOURCE: Final = (
    "Zhu, Liu and Han, Deep Leakage from Gradients, NeurIPS 2019; Phong et al., IEEE TIFS 13(5) "
    "(2018), section III (a quotient of gradients is the input)"
)


def one_record(split: Split, seed: int = 1) -> Shown:
    """A bank sends the gradient of one customer of a logistic regression."""
    rng = np.random.default_rng(seed)
    rows = with_one(split.joined)
    weights = 0.1 * rng.standard_normal(rows.shape[1])
    away = sigmoid(rows @ weights) - split.y
    sent = away[:, None] * rows  # what goes to the server, for each customer in turn
    record = sent[:, 1:] / sent[:, :1]
    label = (sent[:, 0] < 0).astype(float)
    error = float(np.abs(record - split.joined).max())
    share = float((label == split.y).mean())
    return Shown(
        Words("梯度反演：逻辑回归，一条记录", "gradient inversion: linear model, one record"),
        Words("服务器收到一名客户的梯度", "the server receives the gradient of one customer"),
        Words(f"全部 {len(split.y)} 条记录还原，最大误差 {error:.0e}；标签 {share:.0%}",
              f"all {len(split.y)} records, largest error {error:.0e}; {share:.0%} of the labels"),
        {"records": float(len(split.y)), "largest_error": error, "labels": share},
        Words("批量为一；批量更大时看下一项", "a batch of one; see the next for larger ones"),
        "train", SOURCE,
    )  # fmt: skip


def eight_records(split: Split, *, batches: int = 10, seed: int = 1) -> Shown:
    """A bank sends the gradient of a network with one layer of ReLUs over eight customers.

    The layer is wide and its weights are random, as they are before training; the server is curious
    and follows the protocol. A neuron that only one customer wakes shows that customer.
    """
    rng = np.random.default_rng(seed)
    found = 0
    for _ in range(batches):
        at = rng.choice(len(split.y), BATCH, replace=False)
        part = split.take(at)
        slope, shift = _sent(part.joined, part.y, rng=rng)
        found += _exact(_records(slope, shift), part.joined)
    share = found / (batches * BATCH)
    return Shown(
        Words(f"梯度反演：ReLU 层，批量 {BATCH}", f"gradient inversion: ReLU layer, batch {BATCH}"),
        Words("服务器收到一批客户的平均梯度", "the server receives the mean gradient of a batch"),
        Words(f"{batches * BATCH} 条记录中 {found} 条精确还原",
              f"{found} of {batches * BATCH} records, exactly"),
        {"records": float(found), "share": share, "batch": float(BATCH)},
        Words(f"{NEURONS} 个神经元、随机初值；批量越大、层越窄，单独激活越少",
              f"{NEURONS} neurons, random at the start; the larger the batch and the narrower the "
              "layer, the fewer neurons are woken by one alone"),
        "train", SOURCE,
    )  # fmt: skip


def _sent(x: Floats, y: Floats, *, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """The gradient of the first layer, (neurons, p), and of its shifts, (neurons,)."""
    first = rng.standard_normal((NEURONS, x.shape[1])) / np.sqrt(x.shape[1])
    shift, last = -1.0 * np.ones(NEURONS), rng.standard_normal(NEURONS) / np.sqrt(NEURONS)
    inner = x @ first.T + shift
    away = sigmoid(np.maximum(inner, 0) @ last) - y
    back = (away[:, None] * last) * (inner > 0) / len(y)
    slope: Floats = back.T @ x
    return slope, back.sum(axis=0)


def _records(slope: Floats, shift: Floats) -> Floats:
    """Quotients that at least two neurons agree on: they were woken by one customer alone."""
    awake = np.abs(shift) > 1e-12
    quotient = slope[awake] / shift[awake][:, None]
    order = np.lexsort(quotient.T[::-1])
    quotient = quotient[order]
    near = np.abs(np.diff(quotient, axis=0)).max(axis=1) < SAME
    starts = near & ~np.concatenate([[False], near[:-1]])
    found: Floats = quotient[:-1][starts]
    return found


def _exact(found: Floats, true: Floats) -> int:
    """How many of the true records are among what was found."""
    if not len(found):
        return 0
    apart = np.abs(true[:, None, :] - found[None, :, :]).max(axis=2)
    return int((apart.min(axis=1) < SAME).sum())
