"""C4, vehicles: the models' cards in the order in which they run, and the value of vehicles."""

from typing import Final

from wuxin.packs.vehicles.driving import (
    driver_day,
    fence_day,
    following_day,
    fuel_day,
    guard_day,
    inertial_day,
    score_day,
    speed_day,
    trips_day,
)
from wuxin.packs.vehicles.lot import claim_day, fleet_day, lot_audit, order_day
from wuxin.packs.vehicles.valuation import value
from wuxin.terms.records import Words
from wuxin.terms.standards import Model

MODELS: Final[tuple[Model, ...]] = (
    Model(
        name="trips_day",
        words=Words("行程与里程", "Trips and distance"),
        reads=(
            "latitude", "longitude", "speed", "recorder_speed", "mileage",
        ),
        derives=(
            "distance_day", "driving_time", "trips", "stops", "longest_stop", "odometer_gap",
            "positions_refused", "night_share",
        ),
        method=Words(
            "60 米内停留三分钟以上为停留，停留之间为行程；不可能到达的定位剔除并计数；"
            "里程表与轨迹比对。",
            "Within 60 m for three minutes is a stop, and between stops are "
            "trips; positions that could not be reached are refused and counted; "
            "the odometer is compared with the track.",
        ),
        source="Li et al., ACM GIS 2008 (stay points)",
        validity="positions at least every five minutes while driving; a gap "
                 "counts as a straight line",
        validated="GeoLife and a city bus route: length within 5 % of the direct "
                  "sum; planted outliers do not lengthen it "
                  "(benchmarks/packs_vehicles.py)",
        run=trips_day,
    ),
    Model(
        name="fence_day",
        words=Words("围栏状态", "The fence as a state"),
        reads=(
            "latitude", "longitude", "place_latitude", "place_longitude", "place_radius",
        ),
        derives=(
            "outside", "place_excess", "away_time",
        ),
        method=Words(
            "从第一个定位起即有状态，首见即在外算在外；越界 50 "
            "米才算出，回到界内才算进。",
            "There is a state from the first position on, and first seen outside "
            "counts. Outwards the border must be passed by 50 m, inwards it must "
            "be reached.",
        ),
        source="this project's own",
        validity="positions good to 50 m; silence of more than a day is unknown",
        validated="property tests against every position by itself; the generated"
                  " lot (examples)",
        run=fence_day,
    ),
    Model(
        name="speed_day",
        words=Words("车速、急变速与碰撞", "Speed, hard pushes, collisions"),
        reads=(
            "latitude", "longitude", "speed", "recorder_speed", "speed_limit",
        ),
        derives=(
            "speed_faults", "hard_brakings", "hard_accelerations", "speeding_share",
            "collision",
        ),
        method=Words(
            "轮胎做不到的变化若又回到原值，是传感器故障，标记且不评分；骤降为零且停住十秒"
            "，是碰撞。",
            "A change that no tyres can do is a fault of the sensor where it is "
            "taken back: it is marked and not scored. A fall to zero after which "
            "the vehicle stands for ten seconds is a collision.",
        ),
        source="grip of at most 1.07 g; a speed of whole km/h that is refreshed "
               "about once a second",
        validity="a speed every 1.5 s or more often, else no pushes; collisions "
                 "below about 35 km/h are only possible, not confirmed, where the"
                 " speed is refreshed once a second",
        validated="18 trips of KIT: no false emergency, planted stops and jumps "
                  "found (benchmarks/packs_vehicles.py)",
        run=speed_day,
    ),
    Model(
        name="inertial_day",
        words=Words("惯性急变", "Harsh events by inertia"),
        reads=(
            "acceleration_x", "acceleration_y", "acceleration_z", "rotation_x", "rotation_y",
            "rotation_z",
        ),
        derives=(
            "harsh_brakings", "harsh_accelerations", "harsh_turns", "harsh_lane_changes",
        ),
        method=Words(
            "任意安装方向、采样率、含或不含重力的加速度与角速度，先还原再按重力的份额判断"
            "：刹车 0.4，起步 0.2，侧向 0.27。",
            "Acceleration and rotation in any mounting, at any rate, with gravity"
            " or without, are brought into one form and judged in parts of "
            "gravity: 0.4 braking, 0.2 pulling away, 0.27 to the side.",
        ),
        source="limits as in the trade; the method is this project's own",
        validity="a mount that does not move; ten samples a second or more, "
                 "filtered against aliasing",
        validated="one labelled trip (driver 17), turned, thinned and with "
                  "gravity added: precision and recall in "
                  "benchmarks/packs_vehicles.py; its settings were chosen on the "
                  "same trip",
        run=inertial_day,
    ),
    Model(
        name="following_day",
        words=Words("跟车距离", "Following distance"),
        reads=(
            "front_gap", "speed", "recorder_speed",
        ),
        derives=(
            "close_following_share", "close_followings",
        ),
        method=Words(
            "按车速应保持的距离：高速 100 km/h 以上 100 米，以下不小于 "
            "50 米；其他道路两秒。低于一半持续三秒为过近。",
            "The distance that a speed asks for: on expressways 100 m above 100 "
            "km/h and at least 50 m below, elsewhere two seconds. Less than half "
            "for three seconds is too close.",
        ),
        source="Regulation for the Implementation of the Road Traffic Safety Law "
               "of the PRC, article 80; two seconds are common advice",
        validity="a radar or camera that reports metres; queues below 30 km/h do "
                 "not count",
        validated="tests against the text of the article; no real radar data was "
                  "available",
        run=following_day,
    ),
    Model(
        name="fuel_day",
        words=Words("油量", "Fuel"),
        reads=(
            "fuel", "fuel_level", "speed", "recorder_speed",
        ),
        derives=(
            "fuel_even", "fuel_lost", "fuel_filled",
        ),
        method=Words(
            "停车时比停车时，行驶时比行驶时：停车内的跌落是有人抽油；行驶前后的跌落扣除可"
            "能的油耗。",
            "Standing is compared with standing, driving with driving: a fall "
            "within a standstill is somebody with a hose; between driving and "
            "driving what may have been burnt is taken off.",
        ),
        source="this project's own",
        validity="a gauge in one tank, five values a minute or more; at fewer, "
                 "and while it swings, only changes of 8 % and more; 4 minutes of"
                 " driving on either side",
        validated="four recordings of a car: nothing found in them as they are, "
                  "planted thefts of 5 % and more and refuelling found at the "
                  "rates in benchmarks/packs_vehicles.py",
        run=fuel_day,
    ),
    Model(
        name="guard_day",
        words=Words("防拆、断电、屏蔽与盗抢", "Tampering, power, jamming, theft"),
        reads=(
            "latitude", "longitude", "place_latitude", "place_longitude", "place_radius",
            "external_voltage", "satellites", "network_signal", "recorder_speed", "tamper",
            "ignition", "speed", "release_authorised",
        ),
        derives=(
            "power_cut_time", "jammed_time", "theft_signs",
        ),
        method=Words(
            "电压低于 6 伏为断电；网络在而卫星全失且继续行驶超过隧道之长为屏蔽；未点火"
            "移动、离位、拆动、夜间各算一项迹象。",
            "Below 6 V the supply is cut; satellites lost while the network stays"
            " and the vehicle drives on for longer than a tunnel: jammed. Moved "
            "without ignition, left its place, tampered, at night: a sign each.",
        ),
        source="this project's own",
        validity="trackers that report supply and satellites; 24 V vehicles too",
        validated="generated lot with one theft (examples); tests with tunnels "
                  "and garages; no real jamming was available",
        run=guard_day,
    ),
    Model(
        name="driver_day",
        words=Words("驾驶员行为", "Driver behaviour"),
        reads=(
            "dsm_alarm", "observation_confidence", "clip_prefix", "adas_alarm", "speed",
            "recorder_speed",
        ),
        derives=(
            "longest_drive", "fatigue_events", "phone_events", "smoking_events",
            "distracted_events", "assistance_warnings",
        ),
        method=Words(
            "边缘设备观测（类别、置信度、片段摘要）：置信度不足、同一片段、一分钟内重复者"
            "只留存；连续驾驶中断二十分钟才算休息。",
            "Observations from the edge (class, confidence, digest of the clip): "
            "not confident, of the same clip, or again within a minute are kept "
            "and not counted. Only twenty minutes are a rest.",
        ),
        source="T/JSATL 12-2017 (classes); Regulation for the Implementation of "
               "the Road Traffic Safety Law of the PRC, article 62(7)",
        validity="the camera judges; this counts. Its own error rates have to be "
                 "asked of its maker",
        validated="tests; no real observations were available",
        run=driver_day,
    ),
    Model(
        name="score_day",
        words=Words("评分与保费系数", "Score and premium factor"),
        reads=(
            "distance_day", "hard_brakings", "hard_accelerations", "harsh_turns",
            "phone_events", "fatigue_events", "night_share", "speeding_share",
            "close_following_share",
        ),
        derives=(
            "driving_score", "kilometre_factor",
        ),
        method=Words(
            "三十天内每百公里急变次数与夜间、超速、跟车占比按表扣分；里程系数为年里程与 "
            "1.5 万公里之比的平方根。",
            "Harsh events in 100 km and shares of night, speeding and close "
            "following over thirty days by a table; the factor of distance is the"
            " square root of a year over 15,000 km.",
        ),
        source="Boucher et al., Anales del "
               "Instituto de Actuarios Españoles 19"
               " (2013) 135 (less than in "
               "proportion to distance); the table "
               "is this project's expert judgement",
        validity="50 km or more in thirty days; the table has no claims behind it",
        validated="the frequency model of premium.py on freMPL1 by halves "
                  "(benchmarks/packs_vehicles.py); the behaviour table on nothing",
        run=score_day,
    ),
    Model(
        name="lot_audit",
        words=Words("车库盘点", "Audit of the lot"),
        reads=(
            "latitude", "longitude", "place_latitude", "place_longitude", "place_radius",
            "on_books", "lot_scan", "sold", "paid_off", "release_authorised",
            "certificate_held", "keys_held",
        ),
        derives=(
            "audit_state", "papers_missing", "keys_missing", "units_on_books", "units_present",
            "units_away", "units_unseen", "units_out_of_trust", "units_without_papers",
            "units_without_keys", "audit_coverage",
        ),
        method=Words(
            "在册车辆逐台：在库、获准离场、擅自离场、未见、销售未还款；合格证与钥匙逐台核"
            "对。报销售两个银行日未还款即为失信。",
            "Every vehicle on the books: present, authorised, away, not seen, out"
            " of trust; papers and keys of each. Sold and not paid within two "
            "banking days is out of trust.",
        ),
        source="practice of floor-plan audits; grace of two days by this project",
        validity="a tracker or a scan each day; books that the bank keeps",
        validated="generated lot with one sale not paid, one theft, missing "
                  "papers and keys (examples)",
        run=lot_audit,
    ),
    Model(
        name="fleet_day",
        words=Words("车队经营", "What a fleet does"),
        reads=(
            "distance_day", "driving_time", "rent_due", "rent_paid", "order_distance",
        ),
        derives=(
            "idle_days", "arrears_share", "abandonment", "lease_mileage_share", "empty_share",
            "claimed_excess", "fleet_utilisation",
        ),
        method=Words(
            "闲置天数、欠租、约定里程、空驶与申报里程核对；闲置两周且欠租为疑似弃车。",
            "Days idle, arrears, the agreed distance, empty runs, and claimed "
            "against driven. Two weeks idle and in arrears may be abandoned.",
        ),
        source="this project's own",
        validity="distances of seven days or more",
        validated="tests; generated series only",
        run=fleet_day,
    ),
    Model(
        name="order_day",
        words=Words("运单核验", "Orders checked"),
        reads=(
            "latitude", "longitude", "carrier_number", "origin_latitude", "origin_longitude",
            "destination_latitude", "destination_longitude", "loads_from", "delivers_by",
            "freight",
        ),
        derives=(
            "order_loaded", "order_verified", "order_unproved", "order_detour",
        ),
        method=Words(
            "起点、终点各一公里内先后到过且在期限内，行驶不超过直线 1.8 "
            "倍，即为核验。",
            "At the origin and then at the destination, within a kilometre each "
            "and in time, by no more than 1.8 times the straight line: verified.",
        ),
        source="this project's own",
        validity="positions at least every six hours on the way",
        validated="tests on a bus route that is real "
                  "(benchmarks/packs_vehicles.py) and on generated tracks",
        run=order_day,
    ),
    Model(
        name="claim_day",
        words=Words("报案核查", "Claims checked"),
        reads=(
            "latitude", "longitude", "speed", "recorder_speed", "carrier_number", "claim_time",
            "claim_latitude", "claim_longitude", "claim_moving", "claim_reported",
            "policy_from", "claim_others",
        ),
        derives=(
            "claim_doubts", "claim_supports", "claim_unknown",
        ),
        method=Words(
            "逐问作答：车在不在、动没动、自身有无感知、有无旁证、日期有无疑问；不知即为不"
            "知，不算疑点。",
            "Each question is answered: was it there, was it moving, did its "
            "sensors feel it, did others report, does the date raise a question. "
            "What is not known is no suspicion.",
        ),
        source="this project's own",
        validity="claims of the last 45 days on vehicles with devices",
        validated="KIT trips with planted claims (tests); an application score on"
                  " fraud_oracle is in the benchmark as a comparison, not in this"
                  " model",
        run=claim_day,
    ),
)  # fmt: skip
"""The pack's models, run on each closed day."""

__all__ = ["MODELS", "value"]
