"""C4, infrastructure: the models' cards, and the value of the work in place."""

from typing import Final

from wuxin.packs.infrastructure.attendance import attend
from wuxin.packs.infrastructure.cranes import crane_day
from wuxin.packs.infrastructure.environment import environment_day
from wuxin.packs.infrastructure.progress import progress_day
from wuxin.packs.infrastructure.spray import spray_day
from wuxin.packs.infrastructure.valuation import value
from wuxin.terms.records import Words
from wuxin.terms.standards import Model

MODELS: Final[tuple[Model, ...]] = (
    Model(
        name="attendance",
        words=Words("实名考勤", "Attendance by real name"),
        reads=("zone_entered", "head_count"),
        derives=(
            "real_name_count", "real_name_peak", "unregistered_heads", "attendance",
            "attendance_share", "work_time",
        ),
        method=Words(
            "由通行记录得出各区域随时的实名人数，与计数相减；忘记离场者 16 小时后不计。",
            "Passages give who is in which zone at any time; counted heads less these are heads "
            "without a name. A stay of more than 16 hours is a forgotten exit and ends there.",
        ),
        source="Measures on the real-name management of construction workers (Jianshi 2019 No. 18) "
        "ask for the record; the method is this project's own",
        validity="every zone has gates on all its ways, each passage names the zone that is "
        "entered; zones have registered numbers",
        validated="generated site with six people who came by the side gate (examples); "
        "a property test against counting minute by minute",
        run=attend,
    ),
    Model(
        name="crane_day",
        words=Words("塔机日检", "The crane's day"),
        reads=("load", "radius", "load_share", "moment_share"),
        derives=("lifts", "peak_moment_share", "moment_disagreement"),
        method=Words(
            "力矩 = 起重量 × 9.80665 × 幅度，与额定力矩相比；取当日最大，并与上报值比较。"
            "吊次与最大值先取 5 秒滑动中位数。",
            "Moment is load times 9.80665 times radius over the rated moment; the day's highest, "
            "and its largest difference from what the monitor said. Lifts and the highest are of "
            "moving medians over 5 s, where there are five readings or more in them.",
        ),
        source="GB 5144-2006, 6.1 and 6.2 (limiters of load and moment, display within 5 %)",
        validity="cranes with one rated moment for all radii; where the load chart falls faster, "
        "the monitor's own share counts as well, and the higher of the two is taken; lifts need "
        "an empty hook that reads below 5 % of the rated load, noise included",
        validated="generated lifts with one overload (examples); three lifts of a real overhead "
        "crane: all counted at the cell's full scale, too many where the empty hook's offset "
        "nears 5 % (benchmarks/packs_infrastructure.py); it has no radius, so no real moment "
        "was available",
        run=crane_day,
    ),
    Model(
        name="environment_day",
        words=Words("扬尘、噪声与气象", "Dust, noise and weather"),
        reads=("pm10", "pm25", "noise", "noise_max", "wind_speed", "air_temperature"),
        derives=(
            "pm10_excess", "pm25_excess", "noise_excess", "noise_peak_excess",
            "pm10_hours_over", "pm25_hours_over", "noise_hours_over", "pm10_hours_missing",
            "pm25_hours_missing", "noise_hours_missing", "pm10_day_share", "weather_stop_hours",
        ),
        method=Words(
            "整点小时均值（噪声按能量平均）与该区域该时段限值之差；不足 45 分钟的小时为缺测。",
            "Means of clock hours (of energies for noise) less the limit of the area's class and "
            "the hour. An hour with less than 45 minutes of data is missing; a day's mean needs "
            "20 hours.",
        ),
        source="GB 3095-2012, tables 1 and 4; GB 12523-2011, table 1 and 4.2; GB 3096-2008, "
        "table 1; IEC 61672-1, LAeq",
        validity="the limit for particles is one of 24 hours, applied to the hour as a working "
        "level; without a class the area is of class 2 and noise is at the site's boundary. "
        "Light-scattering instruments read high above 85 % humidity, which is not corrected",
        validated="two public stations in Beijing, 35,064 hours each with 1.2 % to 2.6 % missing: "
        "equal to the direct count (benchmarks/packs_infrastructure.py); a sound level meter, "
        "16,470 minutes",
        run=environment_day,
    ),
    Model(
        name="spray_day",
        words=Words("喷淋核对", "Spraying checked"),
        reads=("pm10", "air_temperature", "rain", "spraying", "water_total"),
        derives=("spray_missed", "water_used", "water_share"),
        method=Words(
            "以控制回路（滞回：限值 80% 启动、60% 停止；雨、冻、水预算用尽则停）重放当日，"
            "要求而未喷的时间为漏喷。",
            "The control loop (start at 80 % of the limit, stop at 60 %; none in rain, frost or "
            "beyond the water budget) is replayed on the day; what it asked for and did not come "
            "was left out.",
        ),
        source="this project's own; hysteresis as in any two-point control",
        validity="one station that stands for the sprayed ground; hourly steps",
        validated="generated site with one empty tank (examples); simulated on four years of "
        "real air with generated dust of the site's own (benchmarks/packs_infrastructure.py)",
        run=spray_day,
    ),
    Model(
        name="progress",
        words=Words("进度与用款", "Progress and drawings"),
        reads=("progress_planned", "progress_measured", "progress_claimed", "drawn_share"),
        derives=(
            "earned_share", "schedule_performance", "claim_gap", "drawdown_gap",
            "packages_unmeasured",
        ),
        method=Words(
            "按造价加权的实测进度（挣值）与计划、用款相比；申报减实测。",
            "Surveyed progress weighted by contract sums (earned value) against plan and money "
            "drawn; claims less surveys.",
        ),
        source="PMI, Practice Standard for Earned Value Management, 2nd ed. 2011: SPI = EV / PV",
        validity="packages with registered weights, surveyed at least every 45 days; linear within "
        "a package",
        validated="generated site with one claim ahead of its survey (examples); no real survey "
        "was available",
        run=progress_day,
    ),
)  # fmt: skip
"""The pack's models, run on each closed day."""

__all__ = ["MODELS", "value"]
