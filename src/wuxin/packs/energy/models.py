"""C4, energy: the models in the order in which they run, and the value of a station.

Cards of photovoltaic models stand here, those of losses and charging in :mod:`.cards`.
"""

from typing import Final

from wuxin.packs.energy.cards import CHARGING, LOSSES, TRAPS
from wuxin.packs.energy.outages import find_outages
from wuxin.packs.energy.siblings import compare
from wuxin.packs.energy.signals import mark_shifts, mark_signals
from wuxin.packs.energy.valuation import value
from wuxin.packs.energy.yields import daily_yield, month_ratio
from wuxin.terms.records import Words
from wuxin.terms.standards import Model

_POWER: Final = ("ac_power", "dc_power", "energy_day")
_WEATHER: Final = (
    "poa_irradiance",
    "ghi",
    "ambient_temperature",
    "module_temperature",
    "wind_speed",
)
_SEEN: Final = (
    "22 inverters of a real plant, 34 days, two of them weak; real plants at NREL, Golden"
)

MODELS: Final[tuple[Model, ...]] = (
    *TRAPS,
    Model(
        name="daily_yield",
        words=Words("当日实发与应发", "Daily yield, measured and expected"),
        reads=(*_POWER, *_WEATHER),
        derives=(
            "energy_measured",
            "expected_energy",
            "clear_sky_energy",
            "performance_ratio",
        ),
        method=Words(
            "实发：功率积分，数据有缺时用与之相符的当日电量。应发：实测斜面辐照度"
            "（或由水平总辐照度换算）经PVWatts；没有辐照度时取同站逆变器中位数；"
            "都没有时只给晴空上限。性能比按IEC 61724-1。",
            "Measured: the integral of power, or the day's counter where it agrees and there are "
            "holes. Expected: PVWatts from measured plane irradiance (or from GHI by Erbs and "
            "Hay-Davies) where the rating is registered, else the median sibling, else PVWatts "
            "on the power it reached; without irradiance or siblings only what a clear sky or "
            "the unit's own best days would give. Performance ratio by IEC 61724-1.",
        ),
        source="Dobos, PVWatts version 5, NREL/TP-6A20-62641, 2014; IEC 61724-1:2021; Faiman, "
        "Prog. Photovolt. 16 (2008) 307; Erbs et al., Solar Energy 28 (1982) 293; pvlib",
        validity="fixed or tracked crystalline modules with measured plane irradiance; for GHI and "
        "clear sky only fixed ones. Assumed: losses 14 %, inverter 96 %, −0.37 %/K; and where not "
        "registered, DC capacity 1.1 times the AC rating (or what the most held in 45 days "
        "implies), tilt of the latitude up to 35° facing the equator, air 20 degC, wind 1 m/s. "
        "Expected energy stands against the intervals in which the unit was measured",
        validated="NREL SERF East, 105 days of 2016 with satellite irradiance (benchmarks, tests)",
        run=daily_yield,
    ),
    Model(
        name="month_ratio",
        words=Words("近30日实发应发比", "Measured over expected, 30 days"),
        reads=("energy_measured", "expected_energy"),
        derives=("energy_ratio_30d",),
        method=Words(
            "近30日实发之和除以应发之和，至少七日；没有天气依据时不给出。",
            "Sum of measured over sum of expected energy of 30 days, at least seven; none where "
            "nothing tells the weather.",
        ),
        source="this project's own",
        validity="as daily_yield; against siblings it measures differences within the station only",
        validated="as daily_yield",
        run=month_ratio,
    ),
    Model(
        name="siblings",
        words=Words("同站逆变器互比", "Inverters against their siblings"),
        reads=_POWER,
        derives=("sibling_ratio", "sibling_score"),
        method=Words(
            "每一时段单位容量功率与同站中位数之比，按日加总，取七日中位数；偏离以稳健标准差计。",
            "Power per rated power against the median of all inverters in the same intervals, "
            "summed by day, median of seven days; the distance in robust standard deviations.",
        ),
        source="Iglewicz and Hoaglin, How to Detect and Handle Outliers, ASQC 1993 (median and "
        "MAD); siblings as reference: IEA PVPS T13-05:2014",
        validity="four inverters or more under one plant, with like orientation, of which less "
        "than half are weak. Unregistered ratings within 0.7 to 1.4 of the median count as equal",
        validated=_SEEN + ": these two and no others are named",
        run=compare,
    ),
    Model(
        name="outages",
        words=Words("白昼零发电", "No yield in daylight"),
        reads=(*_POWER, "poa_irradiance", "ghi", "zero_yield"),
        derives=("zero_yield",),
        method=Words(
            "辐照度高于100 W/m2或同站中位数高于5%为白昼；都没有时看太阳高度，再没有看自身习惯。"
            "其间功率不足0.5%即为零发电。",
            "Daylight is certain above 100 W/m2, or where the median sibling yields 5 %; with "
            "neither, while the sun is above 15°, or at the hours at which the unit itself used to "
            "yield. Below 0.5 % of the rating there is no yield.",
        ),
        source="this project's own",
        validity="intervals of an hour or less; by the sun or by habit, snow and heavy shade count "
        "as outages",
        validated=_SEEN + ": the outages of 7 and 14 June 2020 and of RSF II on 6 January 2022",
        run=find_outages,
    ),
    Model(
        name="signal_marks",
        words=Words("数据质量标记", "Marks of data faults"),
        reads=("ac_power", "dc_power", "poa_irradiance", "ghi"),
        derives=("stale", "interpolated", "clipped", "spike"),
        method=Words(
            "等值、共线、触顶的时段长于偶然所能解释者，以及远离邻点的单值。",
            "Runs of equal, collinear or capped values longer than chance explains, and single "
            "values far outside of their neighbours.",
        ),
        source="kinds of faults: PVAnalytics; Lindig et al., Prog. Photovolt. 29 (2021) 1235; "
        "Hampel, J. Am. Stat. Assoc. 69 (1974) 383",
        validity="readings at even intervals of 1 to 60 minutes; a single filled value, or a night "
        "of filled zeros, cannot be told from a measured one",
        validated="PVAnalytics' labelled series (benchmarks/packs_energy.py)",
        run=mark_signals,
    ),
    Model(
        name="level_shifts",
        words=Words("电量水平跳变", "Shifts of level"),
        reads=("energy_measured", "expected_energy", "data_shift"),
        derives=("data_shift",),
        method=Words(
            "日电量（或与应发之比）的对数在前后各60日内作最小二乘台阶检验，滞后相关折减。",
            "Least-squares step in the logarithm of daily energy, or of its ratio to expected, "
            "over 60 days on both sides, lessened by the lag-one correlation.",
        ),
        source="Eichinger and Kirch, Bernoulli 24 (2018) 526 (moving sums)",
        validity="found 10 to 60 days after the step; without irradiance or siblings only steps of "
        "about a half or more are found",
        validated="PVAnalytics' labelled series and steps put into real series "
        "(benchmarks/packs_energy.py)",
        run=mark_shifts,
    ),
    *LOSSES,
    *CHARGING,
)
"""The pack's models, run on each closed day in this order: later ones read earlier ones."""

__all__ = ["MODELS", "value"]
