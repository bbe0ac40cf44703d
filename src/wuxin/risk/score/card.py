"""The model card: what a score is for, what it was made from, how good and how fair it is.

Source for the sections: Mitchell et al., Model cards for model reporting, FAT* 2019, 220.
"""

from collections.abc import Mapping
from typing import Final, Literal

import lightgbm as lgb
import msgspec
import numpy as np
from numpy.typing import NDArray

from wuxin.risk.score.features import Feature
from wuxin.risk.score.fit import Fitted
from wuxin.risk.score.measures import (
    FOUR_FIFTHS,
    Bin,
    Group,
    Measures,
    by_groups,
    calibration_error,
    measure,
    reliability,
)
from wuxin.risk.score.model import Settings
from wuxin.terms.records import Words

Floats = NDArray[np.float64]
Language = Literal["en", "zh"]


class About(msgspec.Struct, frozen=True):
    """What only people know of a score; all of it is theirs to say.

    ``split`` says how cases were held out, and so what the figures can promise.
    """

    name: str
    purpose: Words
    not_for: Words
    data: Words
    period: Words
    split: Words
    limits: tuple[Words, ...]


class Card(msgspec.Struct, frozen=True):
    """A model card; every figure is of cases that neither trees nor calibration had seen."""

    about: About
    digest: str
    library: str
    settings: Settings
    features: tuple[Feature, ...]
    held: Measures
    calibration_error: float
    reliability: tuple[Bin, ...]
    cutoff: float
    groups: tuple[Group, ...]


def card(
    fitted: Fitted,
    about: About,
    *,
    bad: Floats,
    cutoff: float,
    groups: Mapping[str, NDArray[np.str_]] | None = None,
) -> Card:
    """Write the card of a score.

    Args:
        fitted: the score and what it said of cases held out.
        about: what people say of it.
        bad: the ends that it was fitted to (n).
        cutoff: the probability below which a case would be granted.
        groups: labels of people (n) by the name of the grouping; none of them a feature.
    """
    table = reliability(fitted.held, bad=bad)
    return Card(
        about=about,
        digest=fitted.model.digest,
        library=f"lightgbm {lgb.__version__}",
        settings=fitted.model.head.settings,
        features=fitted.model.features,
        held=measure(fitted.held, bad=bad),
        calibration_error=calibration_error(table),
        reliability=table,
        cutoff=cutoff,
        groups=by_groups(fitted.held, bad=bad, groups=groups or {}, cutoff=cutoff),
    )


def as_json(one: Card) -> str:
    """The card as JSON, the same for the same card."""
    return msgspec.json.format(msgspec.json.encode(one), indent=1).decode() + "\n"


_TITLES: Final[Mapping[str, Words]] = {
    "purpose": Words("用途", "Intended use"),
    "not_for": Words("不适用", "Not for"),
    "data": Words("数据", "Data"),
    "period": Words("期间", "Period"),
    "split": Words("检验方法", "How it was tested"),
    "figures": Words("指标（未见样本）", "Figures, on cases it had not seen"),
    "reliability": Words("可靠性", "Reliability"),
    "features": Words("特征与方向约束", "Features and their directions"),
    "groups": Words("公平性", "Groups of people"),
    "limits": Words("局限", "Limits"),
}
_HEADS: Final[Mapping[str, Words]] = {
    "reliability": Words("件数 | 预测 | 实际", "cases | promised | came"),
    "features": Words(
        "特征 | 单位 | 来源 | 对风险 | 理由", "feature | unit | source | the risk | why"
    ),
    "groups": Words(
        "分组 | 件数 | 实际违约 | 预测减实际 | AUC | 通过率 | 对最优组",
        "group | cases | defaulted | scored less came | AUC | granted | of the best",
    ),
}
_DIRECTIONS: Final[Mapping[str, Words]] = {
    "raises": Words("只升", "only raises"),
    "lowers": Words("只降", "only lowers"),
    "free": Words("不约束", "free"),
}
_NO_GROUPS: Final = Words(
    "没有可用的人群分组；公平性未检验。", "No groups were available; fairness has not been tested."
)
_DOUBT: Final = Words(
    f"低于最优组{FOUR_FIFTHS:.0%}，须复核", f"below {FOUR_FIFTHS:.0%} of the best, to be looked at"
)


def readable(one: Card, language: Language = "en") -> str:
    """The card in Markdown, in one of the two languages."""

    def said(words: Words) -> str:
        return words.zh if language == "zh" else words.en

    lines = [f"# {one.about.name}", "", f"`{one.digest}` · {one.library}"]
    for name in ("purpose", "not_for", "data", "period", "split"):
        lines += ["", f"## {said(_TITLES[name])}", "", said(getattr(one.about, name))]
    lines += ["", f"## {said(_TITLES['figures'])}", "", *_figures(one)]
    rows = {
        "reliability": [f"{b.n} | {b.promised:.2%} | {b.came:.2%}" for b in one.reliability],
        "features": [
            f"{said(f.words)} | {f.unit} | {f.source} | {said(_DIRECTIONS[f.direction])} | {f.why}"
            for f in one.features
        ],
        "groups": [_group(each, said(_DOUBT)) for each in one.groups],
    }
    for name, cells in rows.items():
        lines += ["", f"## {said(_TITLES[name])}", ""]
        if not cells:
            lines.append(said(_NO_GROUPS))
            continue
        head = said(_HEADS[name])
        lines += [f"| {head} |", "|" + "---|" * len(head.split(" | "))]
        lines += [f"| {row} |" for row in cells]
    lines += ["", f"## {said(_TITLES['limits'])}", ""]
    return "\n".join([*lines, *(f"* {said(each)}" for each in one.about.limits), ""])


def _figures(one: Card) -> list[str]:
    held = one.held
    head = "| n | bad | AUC | KS | Brier | Brier (mean) | log loss | ECE |"
    ranks = f"{_number(held.auc)} | {_number(held.ks)}"
    squares = f"{held.brier:.4f} | {held.brier_of_mean:.4f} | {held.log_loss:.4f}"
    row = f"| {held.n} | {held.bad} | {ranks} | {squares} | {one.calibration_error:.4f} |"
    return [head, "|---|---|---|---|---|---|---|---|", row]


def _group(each: Group, doubt: str) -> str:
    m = each.measures
    best = f"{each.of_best:.2f}" + (f" ({doubt})" if each.in_doubt else "")
    return (
        f"{each.by}: {each.group} | {m.n} | {m.bad / m.n:.2%} | {each.gap:+.2%} | "
        f"{_number(m.auc)} | {each.granted:.1%} | {best}"
    )


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.4f}"
