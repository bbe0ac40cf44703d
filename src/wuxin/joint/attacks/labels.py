"""Labels from what the party without labels is sent: cut-layer gradients, decrypted gradients."""

from typing import Final

import numpy as np

from wuxin.joint.attacks.shown import Shown
from wuxin.joint.baselines.steps import sigmoid
from wuxin.joint.split import Floats, Split, auc
from wuxin.terms.records import Words

CUT: Final = 8
SPLIT: Final = (
    "Li et al., Label Leakage and Protection in Two-party Split Learning, ICLR 2022, section 3"
)
ENCRYPTED: Final = (
    "the gradient X'r of a batch, which hetero-LR decrypts for the party whose columns X are "
    "(Hardy et al., arXiv:1711.10677, section 4), is linear in the residuals r"
)


def cut_layer(split: Split, *, rounds: int = 30, seed: int = 1) -> Shown:
    """The partner has the lower half of a network, the bank the upper half and the labels.

    In every round the bank sends each row's gradient at the cut. The partner never sees a label; it
    sorts rows by the side of the gradients' own main direction.
    """
    rng = np.random.default_rng(seed)
    lower = rng.standard_normal((split.partner.shape[1], CUT)) / 5
    upper = rng.standard_normal(CUT) / 3
    heights: list[float] = []
    for _ in range(rounds):
        inner = split.partner @ lower
        active = np.maximum(inner, 0)
        away = sigmoid(active @ upper) - split.y
        sent = away[:, None] * upper[None, :]  # what the partner is sent, row by row
        _, _, directions = np.linalg.svd(sent, full_matrices=False)
        side = sent @ directions[0]
        height = auc(side, split.y)
        heights.append(max(height, 1 - height))
        back = sent * (inner > 0)
        lower -= 0.5 * split.partner.T @ back / len(split.y)
        upper -= 0.5 * active.T @ away / len(split.y)
    worst = min(heights)
    return Shown(
        Words("拆分学习：从切割层梯度读出标签", "split learning: labels from cut-layer gradients"),
        Words("无标签一方每轮收到每行的梯度", "the party without labels gets every row's gradient"),
        Words(f"标签 AUC {worst:.3f}（{rounds} 轮中最差）",
              f"labels with AUC {worst:.3f}, the worst of {rounds} rounds"),
        {"worst_auc": worst},
        Words("两类孰为违约由占比判断", "which of the two sides is bad is told by their sizes"),
        "train", SPLIT,
    )  # fmt: skip


def encrypted(split: Split, *, sizes: tuple[int, ...] = (10, 20, 32, 256), seed: int = 1) -> Shown:
    """Everything is encrypted but the partner's own gradient, which is decrypted for it.

    With a batch no larger than its own columns the partner solves for every row's residual. Beyond
    that it has the shortest residuals that fit, which are good guesses where columns tell labels
    anyway; with shuffled labels, of which columns tell nothing, they show what the gradient gives.
    """
    rng = np.random.default_rng(seed)
    columns = split.partner.shape[1]
    mixed = split._replace(y=rng.permutation(split.y))
    figures: dict[str, float] = {"columns": float(columns)}
    for size in sizes:
        figures[f"batch_{size}"] = _read_off(split, size, rng=rng)
        figures[f"shuffled_{size}"] = _read_off(mixed, size, rng=rng)
    base = figures["larger_class"] = float(max(split.y.mean(), 1 - split.y.mean()))
    small, large = sizes[0], sizes[-1]
    got, far, bare = (
        figures[name] for name in (f"batch_{small}", f"batch_{large}", f"shuffled_{large}")
    )
    return Shown(
        Words("同态加密的纵向逻辑回归：从解密的批梯度解出标签",
              "HE-protected vertical regression: labels from the decrypted batch gradient"),
        Words("无标签一方得到自己列的批梯度明文",
              "the party without labels gets its own columns' batch gradient in plain"),
        Words(f"批量 {small}：{got:.0%} 的标签", f"batch {small}: {got:.0%} of the labels"),
        figures,
        Words(f"批量超过己方列数（{columns}）后不再精确：批量 {large} 在本表为 {far:.0%}（列本身"
              f"就能说明标签），标签打乱后为 {bare:.0%}，总猜多数为 {base:.0%}",
              f"no longer exact beyond as many rows as the party has columns ({columns}): "
              f"batch {large} gives {far:.0%} on this table, whose columns tell labels anyway, "
              f"{bare:.0%} with shuffled labels; guessing the larger class {base:.0%}"),
        "train", ENCRYPTED,
    )  # fmt: skip


def _read_off(split: Split, size: int, *, rng: np.random.Generator) -> float:
    """The share of labels read off the first gradients of training, over fifty batches."""
    shares = []
    for _ in range(50):
        at = rng.choice(len(split.y), size, replace=False)
        away = 0.5 - split.y[at]  # the first round: all weights are zero
        guess = _solved(split.partner[at], split.partner[at].T @ away)
        shares.append(float(((guess < 0) == (split.y[at] > 0.5)).mean()))
    return float(np.mean(shares))


def _solved(x: Floats, gradient: Floats) -> Floats:
    """The shortest residuals that give this gradient."""
    found: Floats = np.asarray(np.linalg.lstsq(x.T, gradient, rcond=None)[0], np.float64)
    return found
