"""C4, agriculture: the models' cards in the order in which they run, and the value of a herd."""

from typing import Final

from wuxin.packs.agriculture.climate import climate
from wuxin.packs.agriculture.heats import heats
from wuxin.packs.agriculture.herd import SIGHTINGS, farm_day, head, health
from wuxin.packs.agriculture.milking import lactation, milk_day
from wuxin.packs.agriculture.posture import posture
from wuxin.packs.agriculture.valuation import value
from wuxin.terms.records import Words
from wuxin.terms.standards import Model

MODELS: Final[tuple[Model, ...]] = (
    Model(
        name="heats",
        words=Words("发情", "Heats"),
        reads=("activity_change",),
        derives=("heat",),
        method=Words(
            "活动量变化每两小时一值，连续缺失不超过两值按直线补齐；不低于35即为发情，"
            "相连各值为一次。",
            "Change of activity every two hours; up to two missing values in a row are filled on a "
            "straight line; a run of values of 35 (of a scale to 100) or more is a heat.",
        ),
        source="BovHEAT 1.2 (Plenio et al., JDS Communications 2021; MIT): start −5, stop 30, "
        "threshold 35, interpolation limit 2, minimum length 1",
        validity="bands that report the change against the cow's own past on a scale of ±100, at "
        "whole two hours of one phase. Restlessness around calving looks the same: the rule "
        "leaves out the first five days in milk",
        validated="raw exports of two farms, 105 windows: every heat equal to what the published "
        "procedure finds (benchmarks/packs_agriculture.py); not against progesterone or ovulation",
        run=heats,
    ),
    Model(
        name="posture",
        words=Words("站立与躺卧", "Lying and standing"),
        reads=("acceleration_up",),
        derives=("lying", "lying_share", "lying_bouts"),
        method=Words(
            "竖向加速度取十秒滑动中位数为重力分量，低于半个重力为躺卧；不足三十秒的躺卧不计。",
            "The running median of ten seconds is gravity; below half of it along the leg the cow "
            "lies; lying of less than thirty seconds does not count.",
        ),
        source="Simmler and Brouwers, PeerJ 12 (2024) e17036 (triact), defaults. A share above "
        "0.604 (14.5 h a day) goes with lameness: Ito et al., J. Dairy Sci. 93 (2010) 3553",
        validity="one axis along the hind leg, 1 Hz or more, within ±10 degrees of upright "
        "after mounting; share and number where four hours or more were measured",
        validated="two cows of triact's own data, ten hours at 5 Hz (tests marked shared)",
        run=posture,
    ),
    Model(
        name="milk_day",
        words=Words("日产奶", "Milk of the day"),
        reads=("milk_yield", "days_in_milk", "milk_day"),
        derives=("milk_day", "milk_drop"),
        method=Words(
            "当日各次挤奶之和；挤奶次数少于平常的不计。预期为前七日中位数，"
            "只有测奶日的按伍德曲线。",
            "The sum of the day's milkings, unless there were fewer than usual. Expected: the "
            "median of the seven days before, or Wood's curve where there are test days only.",
        ),
        source="Wood, Nature 216 (1967) 164; a drop of a fifth: this project's own limit",
        validity="yields of single milkings, or of whole test days",
        validated="generated herd of examples/agriculture (one planted illness found, no false "
        "alarm); one real daily record of 430 days",
        run=milk_day,
    ),
    Model(
        name="lactation",
        words=Words("泌乳曲线与305天产奶量", "Lactation curve and 305-day yield"),
        reads=("milk_day", "days_in_milk"),
        derives=("milk_to_date", "yield_305", "milk_peak"),
        method=Words(
            "测奶间隔法求累计；未满305天的按伍德曲线续推，并以最近两次测奶校正；高峰取自MilkBot。",
            "Test-interval method for what was measured; the rest of an unfinished lactation along "
            "Wood's curve, lifted to the last two test days; the peak by MilkBot.",
        ),
        source="ICAR Guidelines Section 2 Procedure 2; Wood 1967; Ehrlich, Prof. Anim. Sci. 27 "
        "(2011) 4 (MilkBot)",
        validity="from 60 days in milk and two test days on; test days a month apart or closer",
        validated="monthly test days drawn from a real daily record of 430 days, and the last test "
        "days of 3,000 real lactations predicted from the first (benchmarks)",
        run=lactation,
    ),
    Model(
        name="health",
        words=Words("健康征兆", "Signs of illness"),
        reads=("raw_activity", "rumination_time", "milk_drop", "body_temperature"),
        derives=("activity_ratio", "rumination_ratio", "illness_signs"),
        method=Words(
            "活动、反刍与自身前七日中位数相比；产奶低两成、体温高于39.5度；独立征兆计数。",
            "Activity and rumination against the median of the cow's own week; milk a fifth below "
            "expectation; temperature above 39.5 degrees; independent signs are counted.",
        ),
        source="Stangaferro et al., J. Dairy Sci. 99 (2016) 7395 (rumination and activity); Merck "
        "Veterinary Manual (temperature); two signs: this project's own",
        validity="bands that count activity; three days of history or more",
        validated="generated herd of examples/agriculture; not validated on diagnoses",
        run=health,
    ),
    Model(
        name="head",
        words=Words("逐头盘点", "Head"),
        reads=(*SIGHTINGS, "removal_authorised"),
        derives=("days_unseen", "animals_seen", "animals_missing"),
        method=Words(
            "任一设备有读数即为见到；未许可移出且两日未见即为缺失。全场无一读数时不下结论。",
            "A reading of any device is a sighting; not seen for two days and no permit: missing. "
            "Where the whole herd is silent nothing is concluded.",
        ),
        source="this project's own; identity by ISO 11784/11785 ear tag",
        validity="animals registered one by one under a farm; looks back 45 days",
        validated="generated herd of examples/agriculture: the stolen cow and no other",
        run=head,
    ),
    Model(
        name="farm_day",
        words=Words("饲料转化与奶量对账", "Feed conversion and milk balance"),
        reads=("milk_yield", "feed_delivered", "milk_collected"),
        derives=("feed_conversion", "milk_unaccounted"),
        method=Words(
            "当日产奶除以干物质投料；近七日产奶减收奶，除以产奶。",
            "Milk of the day over dry matter delivered; milked less collected of seven days, over "
            "milked.",
        ),
        source="Hutjens, feed efficiency of dairy cows (1.3 to 1.7 for herds in milk), 2005; the "
        "balance is this project's own",
        validity="all cows in milk are metered; dry matter measured weekly",
        validated="generated herd of examples/agriculture",
        run=farm_day,
    ),
    Model(
        name="climate",
        words=Words("温湿指数", "Temperature-humidity index"),
        reads=("air_temperature", "relative_humidity"),
        derives=("temperature_humidity_index", "heat_stress_time"),
        method=Words(
            "按NRC 1971公式；不低于72的时长，每一读数至多代表两小时。",
            "The formula of the NRC (1971); the time at 72 or more, a reading standing for two "
            "hours at most.",
        ),
        source="National Research Council, A Guide to Environmental Research on Animals, 1971; "
        "Armstrong, J. Dairy Sci. 77 (1994) 2044",
        validity="dairy cows, shade, −20 to 45 degrees Celsius",
        validated="the formula by hand (tests); hours on the generated herd",
        run=climate,
    ),
)
"""The pack's models, run on each closed day; later ones read earlier ones."""

__all__ = ["MODELS", "value"]
