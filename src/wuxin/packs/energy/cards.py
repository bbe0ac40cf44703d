"""C4, energy: cards of the models of traps, of losses, and of charging stations."""

from typing import Final

from wuxin.packs.energy.ageing import slow_losses
from wuxin.packs.energy.charging import pile_states, revenues, session_days, station_losses
from wuxin.packs.energy.clock import clock_errors
from wuxin.packs.energy.settlement import loan_watch, settlements
from wuxin.packs.energy.shortfall import shortfalls
from wuxin.packs.energy.strings import string_states
from wuxin.packs.energy.traps import unit_traps
from wuxin.terms.records import Words
from wuxin.terms.standards import Model

_BENCH: Final = "(benchmarks/packs_energy.py)"
_POWER: Final = ("ac_power", "dc_power", "energy_day")
_SUN: Final = ("poa_irradiance", "ghi")
_ENERGY: Final = ("energy_measured", "expected_energy")
_SESSION: Final = ("session_energy", "session_duration", "charging_duration", "session_active")

TRAPS: Final[tuple[Model, ...]] = (
    Model(
        name="unit_traps",
        words=Words("单位陷阱", "Traps of units"),
        reads=(*_POWER, *_SUN),
        derives=("dc_unit_factor", "counter_unit_factor", "irradiance_unit_factor"),
        method=Words(
            "交流与直流功率之比应在0.80至1.03；当日电量应与功率积分相符；辐照度应为太阳所能及。"
            "不符的倍数若为单位所能解释即指出。",
            "AC over DC power lies at 0.80 to 1.03; the day's counter agrees with the integral of "
            "power; irradiance is one that the sun can give. A factor outside is named where units "
            "explain it. Nothing is set right in silence.",
        ),
        source="this project's own; efficiency of inverters: PVWatts, NREL/TP-6A20-62641, 2014",
        validity="days on which both sides report; eight loaded intervals at least",
        validated=f"22 inverters of a real plant whose DC power is told tenfold {_BENCH}",
        run=unit_traps,
    ),
    Model(
        name="clock_errors",
        words=Words("时钟核对", "Clocks against the sun"),
        reads=("ac_power", "dc_power", *_SUN),
        derives=("clock_error",),
        method=Words(
            "一周内每日发电时段的中点与当地真太阳正午之差的中位数。",
            "The middle of each day's yield against solar noon; the median of a week.",
        ),
        source="Spencer, Search 2 (1971) 172 (equation of time), by pvlib; the rest is this "
        "project's own",
        validity="a registered longitude; modules that face within about 45° of the equator, or a "
        "pyranometer; a step of half an hour or more",
        validated=f"a NREL series with summer time kept, 2011 to 2013: its five changes {_BENCH}",
        run=clock_errors,
    ),
)
"""Models that judge the data before anything rests on it."""

LOSSES: Final[tuple[Model, ...]] = (
    Model(
        name="shortfalls",
        words=Words("损失归因", "What losses are due to"),
        reads=(*_POWER, *_SUN, "ambient_temperature", "module_temperature", "wind_speed",
               "power_limit"),
        derives=("lost_clipped", "lost_curtailed", "lost_cut_off", "lost_fault", "fault_share",
                 "curtailed_share"),
        method=Words(
            "达额定为削顶；按指令或全站同守一水平而应发更高为限电；全站同时归零为脱网；"
            "独自低于应发且低于同站为故障。",
            "At its rating a unit is clipped; at an ordered set-point, or on a level that all of "
            "them keep while the sun would give more, curtailed; all at nothing at once, cut off; "
            "alone below expectation and siblings, at fault.",
        ),
        source="this project's own; kinds of losses: IEC 61724-3:2016; IEA PVPS T13-05:2014",
        validity="measured irradiance and ratings, or four inverters (faults only); intervals of "
        "an hour or less; snow on all units looks like a trip",
        validated=f"curtailments, faults and trips planted into a real plant {_BENCH}",
        run=shortfalls,
    ),
    Model(
        name="strings",
        words=Words("组串", "Strings"),
        reads=("dc_current", "dc_power", "sibling_ratio"),
        derives=("string_ratio", "strings_missing"),
        method=Words(
            "组串电流与同站组串中位数之比；逆变器的缺口若为整组串数即指出。",
            "A string's current against the median string; and whole strings that an inverter "
            "lacks, by its power against its siblings.",
        ),
        source="siblings as reference: IEA PVPS T13-05:2014",
        validity="four strings or more under one plant; up to 30 strings an inverter for counting",
        validated="worked examples (tests/packs/test_energy_losses.py): no real strings were at "
        "hand",
        run=string_states,
    ),
    Model(
        name="slow_losses",
        words=Words("衰减与积灰", "Ageing and soiling"),
        reads=_ENERGY,
        derives=("ageing_rate", "ageing_certain", "soiling_loss"),
        method=Words(
            "衰减：相隔一年的日性能之差取中位数，按月抽块给出范围。积灰：分段下降、突然恢复，"
            "以动态规划定界。",
            "Ageing: the median of pairs of days a year apart, its range by drawing months. "
            "Soiling: falls that end in a sudden recovery, cut by dynamic programming.",
        ),
        source="Jordan et al., IEEE J. Photovolt. 8 (2018) 525; Deceglie et al., IEEE J. "
        "Photovolt. 8 (2018) 547",
        validity="ageing from 14 months on, certain only after years; soiling of about 0.1 % a day "
        "or more for two weeks; smaller losses are under-stated",
        validated=f"rates planted into real series of years {_BENCH}",
        run=slow_losses,
    ),
    Model(
        name="settlements",
        words=Words("结算核对", "Meter against settlement"),
        reads=("energy_measured", "energy_settled", "settled_days"),
        derives=("settlement_gap", "meter_gap"),
        method=Words(
            "结算电量与同期计量电量之差；关口表与逆变器之和之差。",
            "Settled over measured energy of the same days, and the grid meter over the sum of "
            "the inverters.",
        ),
        source="IEC 62053-22 (class 0.5S)",
        validity="95 % of the period's days measured; all inverters known for the second",
        validated="worked examples (tests/packs/test_energy_losses.py)",
        run=settlements,
    ),
)  # fmt: skip
"""Models that say what was lost, and to what."""

CHARGING: Final[tuple[Model, ...]] = (
    Model(
        name="session_days",
        words=Words("充电日", "Sessions of the day"),
        reads=_SESSION,
        derives=("sessions", "energy_sold", "utilisation", "overlapping_sessions",
                 "overpowered_sessions", "zero_energy_share", "idle_time"),
        method=Words(
            "按结束时刻归日；充电时段占全日为利用率；同枪重叠、超过额定、没有电量的各计数。",
            "Sessions count on the day of their end; utilisation is the share of the day in which "
            "cars charged; overlapping, overpowered and empty ones are counted.",
        ),
        source="OCPP 1.6 and 2.0.1 (transactions); the limits are this project's own",
        validity="sessions with energy at their end; durations told, or read from session_active",
        validated=f"24,780 real sessions (ACN-Data), and faults planted into them {_BENCH}",
        run=session_days,
    ),
    Model(
        name="pile_states",
        words=Words("桩状态", "State of piles"),
        reads=("connector_status",),
        derives=("fault_time", "available_share"),
        method=Words("状态持续至下一状态；故障与停用的时间相加。",
                     "A state stands until the next; time faulted and unavailable is added up."),
        source="OCPP 1.6 clause 7.7 (states)",
        validity="from the first state told on",
        validated="worked examples (tests/packs/test_energy_charging.py)",
        run=pile_states,
    ),
    Model(
        name="revenues",
        words=Words("收入重算", "Revenue recomputed"),
        reads=(*_SESSION, "session_amount", "energy_price", "receipts", "revenue_recomputed",
               "revenue_received"),
        derives=("revenue_recomputed", "revenue_received", "revenue_certain", "receipts_gap"),
        method=Words(
            "电量在充电时段内均摊，乘当时电价；与到账比，取小者为确认收入；不可能的充电不计入。",
            "Energy is spread evenly over charging and priced by the hour; against receipts, the "
            "lesser of both is certain, without sessions that cannot be.",
        ),
        source="this project's own",
        validity="prices by posted change, or one flat tariff; taxes and parking fees are not in "
        "it, and would show as a gap",
        validated=f"ACN sessions by SCE TOU-EV-4, against a sum by the minute {_BENCH}",
        run=revenues,
    ),
    Model(
        name="station_losses",
        words=Words("站损与月度", "Losses and the month"),
        reads=("energy_sold", "utilisation", "energy_drawn", "energy_active_import_register"),
        derives=("charging_loss", "energy_sold_30d", "utilisation_30d"),
        method=Words("七日售出与用网之差；三十日售电与利用率。",
                     "Sold against drawn of seven days; energy and utilisation of 30 days."),
        source="this project's own",
        validity="a utility meter, else the piles' registers, over a whole week",
        validated="generated station (examples/energy/charging.toml)",
        run=station_losses,
    ),
    Model(
        name="loan_watch",
        words=Words("贷后监测", "Post-loan watch"),
        reads=("energy_measured", "revenue_certain", "revenue_30d"),
        derives=("revenue_30d", "revenue_change", "debt_cover"),
        method=Words(
            "近三十日收入、与三十日前之比、净收入除以还本付息。",
            "Revenue of 30 days, its change against 30 days before, and net revenue over debt "
            "service.",
        ),
        source="debt-service cover as project lenders use it; limits are this project's own",
        validity="25 of 30 days known; registered tariff (photovoltaic), debt service and cost "
        "share",
        validated="worked examples (tests/packs/test_energy_charging.py)",
        run=loan_watch,
    ),
)  # fmt: skip
"""Models of charging stations, and what both kinds of stations owe."""
