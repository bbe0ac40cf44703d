"""The table of F8 without the wing's own line: accuracy, time, bytes, and what each leaks."""

import time
from collections.abc import Callable
from typing import TypeVar

import msgspec
import numpy as np

from wuxin.joint.baselines import federated, noisy
from wuxin.joint.baselines.steps import How, scored, trained
from wuxin.joint.split import Floats, Split, auc
from wuxin.terms.records import Words

T = TypeVar("T")


class Line(msgspec.Struct, frozen=True):
    """One way to train: how well, how long (s), how many bytes between the parties, what leaks.

    ``epsilon`` is the privacy loss as accounted by OpenDP, None where there is no noise; ``leaked``
    are the figures behind the words.
    """

    name: Words
    auc: float
    seconds: float
    bytes: int
    leaks: Words
    epsilon: float | None = None
    delta: float = 0.0
    leaked: dict[str, float] = {}


def compare(
    train: Split, test: Split, *, how: How | None = None, epsilon: float = 2.0,
    delta: float = 1e-5,
) -> list[Line]:  # fmt: skip
    """Train every baseline on the same rows and test it on the same others.

    Args:
        train: rows to train on.
        test: rows to test on.
        how: the rounds; the same for all.
        epsilon: the privacy loss that the noisy ones may have.
        delta: with which chance it may be more.
    """
    how = how or How()
    return [
        plain(train, test, how=how), vertical(train, test, how=how),
        horizontal(train, test, how=how),
        columns(train, test, how=how, epsilon=epsilon),
        training(train, test, how=how, epsilon=epsilon, delta=delta),
    ]  # fmt: skip


def plain(train: Split, test: Split, *, how: How) -> Line:
    """All columns in one place."""
    weights, seconds = _timed(lambda: trained(train.joined, train.y, how=how))
    return Line(
        Words("明文合并", "plain, joined in one place"), auc(scored(test.joined, weights), test.y),
        seconds, 8 * train.partner.size,
        Words("全部数据交给一方", "everything: one party has all rows of the other"),
        leaked={"partner_values_seen": float(train.partner.size)},
    )  # fmt: skip


def vertical(train: Split, test: Split, *, how: How) -> Line:
    """Columns at two parties, residuals exchanged."""
    found, seconds = _timed(lambda: federated.vertical(train, how))
    labels = federated.labels_learned(train, found, how=how)
    return Line(
        Words("狭义联邦学习（纵向，交换残差）", "narrow federated, vertical, residuals exchanged"),
        auc(scored(test.joined, found.weights), test.y), seconds, found.wire.bytes,
        Words(f"对方从残差读出 {labels:.0%} 的标签；双方知道交集",
              f"the partner reads {labels:.0%} of the labels off residuals; both know who is in "
              "the intersection"),
        leaked={"labels_learned": labels},
    )  # fmt: skip


def horizontal(train: Split, test: Split, *, how: How) -> Line:
    """Rows at two banks, models averaged."""
    found, seconds = _timed(lambda: federated.horizontal(train, how))
    rounds = float(len(found.wire.seen["model"]))
    return Line(
        Words("狭义联邦学习（横向，FedAvg）", "narrow federated, horizontal, FedAvg"),
        auc(scored(test.joined, found.weights), test.y), seconds, found.wire.bytes,
        Words("服务器看到每轮每家的梯度；批量小时可还原记录（见 wuxin joint attacks）",
              "the server sees every bank's gradient of each round, which gives records where "
              "batches are small (wuxin joint attacks)"),
        leaked={"gradients_seen": rounds},
    )  # fmt: skip


def columns(train: Split, test: Split, *, how: How, epsilon: float) -> Line:
    """The partner's columns with noise on every value."""
    (noised, used), spent = _timed(lambda: noisy.noisy_columns(train, epsilon))
    weights, seconds = _timed(lambda: trained(noised.joined, noised.y, how=how))
    scoring, _ = noisy.noisy_columns(test, epsilon)
    return Line(
        Words("加噪数据（OpenDP，拉普拉斯）", "noisy columns (OpenDP, Laplace)"),
        auc(scored(scoring.joined, weights), test.y), spent + seconds, 8 * noised.partner.size,
        Words("每行加噪后的数值与交集", "the noised values of every row, and the intersection"),
        epsilon=used,
    )  # fmt: skip


def training(train: Split, test: Split, *, how: How, epsilon: float, delta: float) -> Line:
    """Noise on every gradient, by somebody who has all rows."""
    found, seconds = _timed(lambda: noisy.noisy_training(train, how, epsilon=epsilon, delta=delta))
    return Line(
        Words("加噪训练（OpenDP，高斯）", "noisy training (OpenDP, Gaussian)"),
        auc(scored(test.joined, found.weights), test.y), seconds, 8 * train.partner.size,
        Words("训练者看到全部数据；模型对任一行的泄露有界",
              "the trainer sees everything; the model says little of any one row"),
        epsilon=found.epsilon, delta=delta,
        leaked={"partner_values_seen": float(train.partner.size)},
    )  # fmt: skip


def _timed(run: Callable[[], T]) -> tuple[T, float]:
    start = time.perf_counter()
    found = run()
    return found, time.perf_counter() - start


def agreed(one: Floats, other: Floats) -> float:
    """The largest difference of two models' weights."""
    return float(np.abs(one - other).max())
