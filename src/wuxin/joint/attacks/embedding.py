"""A gradient of an embedding lists the categories that the batch's customers have."""

from typing import Final

import numpy as np

from wuxin.joint.attacks.shown import Shown
from wuxin.joint.baselines.steps import sigmoid
from wuxin.joint.split import Split
from wuxin.terms.records import Words

CATEGORIES: Final = 40
WIDTH: Final = 4
SOURCE: Final = (
    "Melis, Song, De Cristofaro and Shmatikov, Exploiting Unintended Feature Leakage in "
    "Collaborative Learning, IEEE S&P 2019, section 4.1"
)


def categories(split: Split, *, batch: int = 16, seed: int = 1) -> Shown:
    """A party sends the gradient of the embedding of a column with forty categories.

    The table has numbers only, so that the categories are quantiles of one of its columns.
    """
    rng = np.random.default_rng(seed)
    column = split.partner[:, 0]
    edges = np.quantile(column, np.linspace(0, 1, CATEGORIES + 1)[1:-1])
    category = np.searchsorted(edges, column)
    table = rng.standard_normal((CATEGORIES, WIDTH))
    last = rng.standard_normal(WIDTH)
    right = tried = 0
    for start in range(0, len(column) - batch + 1, batch):
        used = category[start : start + batch]
        away = sigmoid(table[used] @ last) - split.y[start : start + batch]
        sent = np.zeros_like(table)
        np.add.at(sent, used, away[:, None] * last / batch)
        seen = {int(at) for at in np.flatnonzero(np.abs(sent).sum(axis=1))}
        right += seen == {int(at) for at in used}
        tried += 1
    share = right / tried
    return Shown(
        Words("嵌入层泄露：批内出现的类别", "embedding leakage: the categories of a batch"),
        Words("服务器收到嵌入层梯度", "the server receives the gradient of the embedding"),
        Words(f"{tried} 批中 {right} 批的类别清单完全正确",
              f"the exact list of categories of {right} of {tried} batches"),
        {"batches": float(tried), "share": share},
        Words("只知类别出现与否，不知属于批内哪一位", "which categories, not whose in the batch"),
        "train", SOURCE,
    )  # fmt: skip
