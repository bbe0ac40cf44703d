"""Why a case has its score: what weighed most, with the case's own values, in two languages.

A reason compares with the mean of the cases that the model was made from, so the best of values may
still raise the risk a little where a feature is mostly as good. That a value could be bettered is
said by the directions, not by the reasons.
"""

import math
from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from wuxin.risk.score.features import Feature, Floats, clean, table
from wuxin.risk.score.model import Model
from wuxin.terms.errors import BadInput
from wuxin.terms.records import Words

TOP: Final = 4
"""How many reasons are given. Source: 12 CFR 1002.9, Official Interpretation 9(b)(2)-1: more than
four is unlikely to help the applicant."""

_RAISES: Final = Words("{name}为{value}，推高违约风险", "{name}: {value}, which raises the risk")
_LOWERS: Final = Words("{name}为{value}，降低违约风险", "{name}: {value}, which lowers the risk")
_GAP_RAISES: Final = Words("{name}缺失，推高违约风险", "{name} is not known, which raises the risk")
_GAP_LOWERS: Final = Words("{name}缺失，降低违约风险", "{name} is not known, which lowers the risk")
_MIDDLE: Final = Words(
    "{name}缺失，按中位数{value}计算", "{name} is not known; the median, {value}, was taken"
)
_TOO_LITTLE: Final = Words(
    "{total}项特征中仅{known}项已知，不予评分",
    "only {known} of {total} features are known; no score is given",
)


class Reason(msgspec.Struct, frozen=True):
    """What one feature did to one case; ``effect`` is on the log odds, above zero for the worse."""

    feature: str
    value: float | None
    effect: float
    words: Words


class Scored(msgspec.Struct, frozen=True):
    """The score of one case, its reasons, the heaviest first, and what had to be assumed.

    Where too little is known, ``probability`` is None and ``missing`` says so. ``rest`` is the
    effect of all features that are not among the reasons; ``start`` is where every case begins:
    start, reasons and rest add up to ``raw``.
    """

    probability: float | None
    raw: float | None
    start: float
    reasons: tuple[Reason, ...]
    rest: float
    missing: tuple[Words, ...]
    model: str


def judge(
    model: Model, case: Mapping[str, float | None], *, top: int = TOP, least: float = 0.5
) -> Scored:
    """Score one case and say why.

    Args:
        model: the score.
        case: values by the feature's name; None, or not there, is missing.
        top: how many reasons.
        least: the share of features that must be known.

    Raises:
        BadInput: the case has a value for which there is no feature.
    """
    return explain(model, table(model.features, [case]), top=top, least=least)[0]


def explain(model: Model, x: Floats, *, top: int = TOP, least: float = 0.5) -> tuple[Scored, ...]:
    """Score many cases (n, k) and say why, as :func:`judge` does."""
    if top < 1 or not 0 <= least <= 1:
        raise BadInput("At least one reason is given, and the least share is from 0 to 1.")
    known = clean(model.features, x)
    parts = model.contributions(known)
    raw = model.raw(known)
    chance = model.head.calibrator.probability(raw)
    rows = zip(known, parts, raw.tolist(), chance.tolist(), strict=True)
    return tuple(_scored(model, row, top=top, least=least) for row in rows)


def _scored(
    model: Model, row: tuple[Floats, Floats, float, float], *, top: int, least: float
) -> Scored:
    values, parts, raw, chance = row
    total, known = len(values), int(np.count_nonzero(~np.isnan(values)))
    start = float(parts[-1])
    if known < least * total or not known:
        said = {"known": known, "total": total}
        missing = Words(_TOO_LITTLE.zh.format(**said), _TOO_LITTLE.en.format(**said))
        return Scored(None, None, start, (), 0.0, (missing,), model.digest)
    heavy = np.argsort(-np.abs(parts[:-1]), kind="stable")[:top]
    given = tuple(
        _reason(model.features[k], float(values[k]), effect=float(parts[k]))
        for k in heavy
        if parts[k]
    )
    rest = raw - start - sum(each.effect for each in given)
    return Scored(chance, raw, start, given, rest, _assumed(model, values), model.digest)


def _reason(feature: Feature, value: float, *, effect: float) -> Reason:
    if math.isnan(value):
        said = _GAP_RAISES if effect > 0 else _GAP_LOWERS
        return Reason(feature.name, None, effect, _filled(said, feature, value=value))
    said = _RAISES if effect > 0 else _LOWERS
    return Reason(feature.name, value, effect, _filled(said, feature, value=value))


def _assumed(model: Model, values: Floats) -> tuple[Words, ...]:
    columns = zip(model.features, values.tolist(), model.head.gaps, strict=True)
    return tuple(
        _filled(_MIDDLE, feature, value=model.head.middles[k])
        for k, (feature, value, gap) in enumerate(columns)
        if math.isnan(value) and not gap
    )


def _filled(said: Words, feature: Feature, *, value: float) -> Words:
    shown = _shown(feature, value)
    return Words(
        said.zh.format(name=feature.words.zh, value=shown.zh),
        said.en.format(name=feature.words.en, value=shown.en),
    )


def _shown(feature: Feature, value: float) -> Words:
    if math.isnan(value):
        return Words("—", "—")
    if feature.levels:
        return feature.levels[int(value)]
    if feature.unit == "%":
        text = f"{value * 100:.1f} %"
    else:
        whole = value == round(value) and abs(value) < 1e15
        text = f"{value:,.0f}" if whole else f"{value:,.4g}"
        text = text if feature.unit == "1" else f"{text} {feature.unit}"
    return Words(text, text)
