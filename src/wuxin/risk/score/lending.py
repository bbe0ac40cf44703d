"""The features of a loan to a maker by what its machines and its account say (数字贷).

The directions are what a credit officer would hold a model to, not what a book has taught: there is
no open book of machine data with ends, so nothing here has been fitted to one.
"""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from wuxin.risk.score import series
from wuxin.risk.score.features import Feature
from wuxin.risk.score.series import Derived
from wuxin.terms.records import Words

Floats = NDArray[np.float64]
_NOT_THERE: Final = Words("未提供该序列", "the series was not given")


class _Recipe(msgspec.Struct, frozen=True):
    """A feature, the monthly series it is made from, and how."""

    feature: Feature
    needs: tuple[str, ...]
    make: Callable[..., Derived]


_RECIPES: Final = (
    _Recipe(
        Feature(
            "machine_use", "%", "machine", "lowers",
            "machines that stand still earn nothing; more running hours mean more orders in work",
            Words("设备开工率", "share of machine hours used"),
        ),
        ("running_hours", "machine_hours"),
        series.used,
    ),
    _Recipe(
        Feature(
            "machine_hours_stray", "1", "machine", "raises",
            "uneven work means uneven income; season is taken out first",
            Words("开工时数波动（去季节）", "unevenness of running hours, season taken out"),
        ),
        ("running_hours",),
        series.seasonless_stability,
    ),
    _Recipe(
        Feature(
            "machine_hours_trend", "%", "machine", "lowers",
            "fewer running hours month by month come before fewer invoices",
            Words("开工时数月趋势（去季节）", "monthly trend of running hours, season taken out"),
        ),
        ("running_hours",),
        series.seasonless_trend,
    ),
    _Recipe(
        Feature(
            "order_fill", "%", "machine", "lowers",
            "orders that are not filled in time are not paid in time, or go elsewhere",
            Words("订单按期交付率", "share of orders delivered in their month"),
        ),
        ("ordered", "delivered"),
        series.order_fill,
    ),
    _Recipe(
        Feature(
            "power_over_year", "%", "machine", "free",
            "more power may be more work or worse machines; only the rest can tell",
            Words("用电量同比", "power used against a year before"),
        ),
        ("energy_kwh",),
        series.over_the_year,
    ),
    _Recipe(
        Feature(
            "income_over_year", "%", "bank", "lowers",
            "what comes in is what a loan is repaid from",
            Words("账户流入同比", "account income against a year before"),
        ),
        ("inflow",),
        series.over_the_year,
    ),
    _Recipe(
        Feature(
            "income_stray", "1", "bank", "raises",
            "instalments are even, so uneven income misses some",
            Words("账户流入波动", "unevenness of account income"),
        ),
        ("inflow",),
        series.stability,
    ),
    _Recipe(
        Feature(
            "outgo_of_income", "%", "bank", "raises",
            "who pays out more than comes in lives on what is left",
            Words("流出占流入比例", "outgoings as a share of income"),
        ),
        ("outflow", "inflow"),
        series.used,
    ),
    _Recipe(
        Feature(
            "line_use", "%", "bank", "raises",
            "a line that is full leaves nothing for a bad month",
            Words("授信额度使用率", "share of the credit line used"),
        ),
        ("line_drawn", "line_limit"),
        series.used,
    ),
)  # fmt: skip

FEATURES: Final = tuple(each.feature for each in _RECIPES)
"""The columns of the score, in their order."""

SERIES: Final = tuple(sorted({name for each in _RECIPES for name in each.needs}))
"""The monthly series that are looked for."""


def derive(months: Mapping[str, Floats]) -> dict[str, Derived]:
    """Make the features of one borrower from monthly series.

    Args:
        months: series by name (:data:`SERIES`), oldest first, NaN where a month is not known;
            they end in the same month.

    Returns:
        Every feature by its name, each a value or why it is missing.
    """
    found = {}
    for each in _RECIPES:
        given = [months[name] for name in each.needs if name in months]
        if len(given) < len(each.needs):
            found[each.feature.name] = Derived(None, 0, _NOT_THERE)
            continue
        shortest = min(map(len, given))
        found[each.feature.name] = each.make(*(one[len(one) - shortest :] for one in given))
    return found


def case(found: Mapping[str, Derived]) -> dict[str, float | None]:
    """The values alone, as :func:`wuxin.risk.score.reasons.judge` takes them."""
    return {name: each.value for name, each in found.items()}
