"""Narrow federated learning: data stay at home, and what is sent instead says what was in them.

Vertical: the partner sends its part of every row's log odds, the bank sends every row's residual
back. Horizontal: two banks with the same columns average their models each round (FedAvg; McMahan,
Moore, Ramage, Hampson and Agüera y Arcas, AISTATS 2017, with one local step).
"""

from typing import NamedTuple

import numpy as np

from wuxin.joint.baselines.steps import How, batches, sigmoid, with_one
from wuxin.joint.baselines.wire import Wire
from wuxin.joint.split import Floats, Split


class Federated(NamedTuple):
    """Weights, (1 + p + q,), the intercept first, and what went over the line."""

    weights: Floats
    wire: Wire


def vertical(train: Split, how: How) -> Federated:
    """Train over two parties' columns with residuals exchanged in plain."""
    wire = Wire()
    rows = with_one(train.bank)
    mine, theirs = np.zeros(rows.shape[1]), np.zeros(train.partner.shape[1])
    for part in batches(len(train.y), how):
        odds = wire.send("log odds", train.partner[part] @ theirs)
        away = sigmoid(rows[part] @ mine + odds) - train.y[part]
        told = wire.send("residuals", away)
        mine -= how.rate / len(away) * (away @ rows[part])
        theirs -= how.rate / len(told) * (told @ train.partner[part])
    return Federated(np.concatenate([mine, theirs]), wire)


def horizontal(train: Split, how: How, *, banks: int = 2) -> Federated:
    """Train over banks that have all columns of different customers; models go to a server."""
    wire = Wire()
    homes = [train.take(np.arange(at, len(train.y), banks)) for at in range(banks)]
    rows = [with_one(home.joined) for home in homes]
    share = How(how.rounds, max(1, how.batch // banks), how.rate)
    turns = zip(*(batches(len(home.y), share) for home in homes), strict=True)
    weights = np.zeros(rows[0].shape[1])
    for parts in turns:
        models = []
        for home, own, part in zip(homes, rows, parts, strict=True):
            away = sigmoid(own[part] @ weights) - home.y[part]
            model = weights - how.rate / len(away) * (away @ own[part])
            models.append(wire.send("model", model))
            wire.send("average", weights)
        weights = np.mean(models, axis=0)
    return Federated(weights, wire)


def labels_learned(train: Split, told: Federated, *, how: How) -> float:
    """The share of labels that the partner reads off the residuals: below 0 is a 1."""
    right = 0
    for part, away in zip(batches(len(train.y), how), told.wire.seen["residuals"], strict=True):
        right += int(((away < 0) == (train.y[part] > 0.5)).sum())
    return right / sum(len(away) for away in told.wire.seen["residuals"])
