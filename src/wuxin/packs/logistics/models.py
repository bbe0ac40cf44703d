"""C4, logistics: the models' cards in the order in which they run, and the value of a pool."""

from collections.abc import Mapping
from typing import Any, Final

from wuxin.packs.logistics.climate import climate_day
from wuxin.packs.logistics.cold import cold_day
from wuxin.packs.logistics.control import gates_day
from wuxin.packs.logistics.custody import custody_day
from wuxin.packs.logistics.lineage import transformations_day
from wuxin.packs.logistics.price import prices_day
from wuxin.packs.logistics.shocks import shocks_day
from wuxin.packs.logistics.stock import FENCE, TOLERANCE, check_places, reconcile
from wuxin.packs.logistics.tags import tags_day
from wuxin.packs.logistics.transit import transit_day
from wuxin.packs.logistics.valuation import mark_to_market
from wuxin.packs.logistics.valuation_transit import mark_shipments
from wuxin.packs.logistics.weight import weigh
from wuxin.terms.records import Words
from wuxin.terms.standards import Model, TwinReader, Valuation, Valuer

_JOURNEY: Final = "generated journey with one planted case (examples/logistics/voyage.toml)"

MODELS: Final[tuple[Model, ...]] = (
    Model(
        name="stock_reconciliation",
        words=Words("库存对账", "Stock reconciliation"),
        reads=("net_weight", "tag_count", "authorised_weight"),
        derives=("weight_per_tag_deviation", "pool_weight", "pool_tag_count", "pool_discrepancy",
                 "lots_unconfirmed"),
        method=Words(
            "每批当日重量与标签数取中位数；单签重量与标称比；全库当日末重减账面。",
            "Medians of the day's weight and tags of each lot; weight per tag against nominal; "
            "the day's last weights less the book, over the warehouse.",
        ),
        source="GB/T 31300-2014 (third-party management of pledged inventory) asks for daily "
        "reconciliation; the method is this project's own",
        validity="lots of bundles of equal weight with one tag each, weighed at least once a day, "
        "book confirmed at least every eight days",
        validated="generated stock with one removal (examples/logistics); not validated on a real "
        "warehouse",
        run=reconcile,
    ),
    Model(
        name="place_check",
        words=Words("位置复算", "Place check"),
        reads=("latitude", "longitude", "distance_from_place"),
        derives=("position_disagreement",),
        method=Words(
            "由坐标按半正矢公式复算离库距离，取当日与网关所报之最大差。",
            "Distance from the warehouse by the haversine formula; the day's largest difference "
            "from what the gateway said.",
        ),
        source="Sinnott, Virtues of the Haversine, Sky and Telescope 68(2), 1984",
        validity="WGS-84 coordinates, reported in the same message as the distance",
        validated="against the known distance of a degree of latitude (tests)",
        run=check_places,
    ),
    Model(
        name="tag_motion",
        words=Words("标签移动判别", "Moved and static tags"),
        reads=("tag_rssi", "tag_antenna", "tag_phase", "tag_channel"),
        derives=("tag_moved", "motion_score", "tags_seen", "tags_moved"),
        method=Words(
            "同一天线、同一频道相邻读数的相位若始终一致则静止，散乱则在移动；无相位时看各天线"
            "电平是否此消彼长。",
            "Where phases of one antenna and channel agree from read to read the tag stood still; "
            "where they scatter it was carried. Without phases: whether some antennas hear it "
            "louder while others hear it fade.",
        ),
        source="Nikitin et al., IEEE RFID 2010 (phase and radial speed); limits are this project's "
        "own",
        validity="fixed antennas, a tag read ten times a second within half a second at speeds "
        "from 0.1 m/s; by levels alone half of the carried tags are not found within ten "
        "seconds, so that one that is turned over on its place is not called moved",
        validated="64 line tests and 16 turned tags of an open set, limit chosen on half of them "
        "(benchmarks/packs_logistics.py); no static tag with phases was available",
        run=tags_day,
    ),
    Model(
        name="weights",
        words=Words("缓慢短少与途耗", "Slow losses and losses under way"),
        reads=("net_weight", "authorised_weight"),
        derives=("slow_loss", "weight_loss"),
        method=Words(
            "28 日内称重与账面之差的 Theil–Sen 斜率乘时长，须经 Mann 检验 1% 且前后两半皆降；"
            "在途为实重比单据少的比例。",
            "Theil–Sen slope of weight less book over 28 days times its length, where Mann's test "
            "is certain at 1 % and both halves fall; under way the share that is missing.",
        ),
        source="Mann, Econometrica 13 (1945) 245; Sen, J. Am. Stat. Assoc. 63 (1968) 1379",
        validity="lots weighed on fourteen days or more; goods that dry out need their allowance "
        "in the limit",
        validated="simulated platforms: 10 kg a day found, noise and single removals not (tests); "
        "silent over the copper example",
        run=weigh,
    ),
    Model(
        name="warehouse_air",
        words=Words("库内环境", "Air of the warehouse"),
        reads=("air_temperature", "relative_humidity"),
        derives=("climate_hours_out", "condensation_hours"),
        method=Words(
            "超出温湿度范围的小时数；露点高于货温（前三日均温）的小时数为结露。",
            "Hours out of range; hours in which the dew point is above the goods' temperature, "
            "taken as the mean of three days before.",
        ),
        source="WMO-No. 8 (2018), annex 4.B: Magnus formula",
        validity="sensors that report every two hours or oftener; goods of metal, close to the air",
        validated="dew points against published tables (tests)",
        run=climate_day,
    ),
    Model(
        name="transit",
        words=Words("在途跟踪", "Under way"),
        reads=("latitude", "longitude"),
        derives=("stalled_time", "off_route", "distance_to_go", "time_to_go"),
        method=Words(
            "停留点：在非计划停靠处 3 公里内停留 6 小时以上为停滞；到航线大圆段的最短距离为偏航；"
            "余程除以航行中的均速。运输工具的状况传给其上所有货物。",
            "A stay of six hours within 3 km away from planned stops is a stall; the distance to "
            "the nearest great-circle leg is the deviation; distance to go over the mean speed "
            "while moving. What a carrier does is said of all that is aboard.",
        ),
        source="Li et al., ACM GIS 2008 (stay points); Bowditch, American Practical Navigator, "
        "2019, chapter 12",
        validity="positions every six hours or oftener, late ones too; a route of corners with its "
        "ports; judged when the day is over",
        validated=_JOURNEY + "; distances against published ones (tests)",
        run=transit_day,
    ),
    Model(
        name="cold_chain",
        words=Words("冷链与保质期", "Cold chain and shelf life"),
        reads=("cargo_temperature", "time_to_arrival", "time_to_go", "shelf_life_left"),
        derives=("mean_kinetic_day", "mean_kinetic_month", "hours_above", "hours_below",
                 "hours_unrecorded", "shelf_life_left", "shelf_life_spare"),
        method=Words(
            "平均动力学温度；超温小时数；按 Q10 或阿伦尼乌斯扣减保质期，并推算到货时的余量。"
            "记录中断按两端较高温度计。",
            "Mean kinetic temperature; hours out of range; shelf life used by Q10 or Arrhenius, "
            "and what will be spare at arrival. A gap counts with the warmer of its ends.",
        ),
        source="USP <1079.2> and ICH Q1A (mean kinetic temperature, 83.144 kJ/mol); Labuza 1982 "
        "(Q10)",
        validity="goods that spoil by one process with a known Q10 or activation energy; not for "
        "thawing, freezing damage or infection",
        validated="worked examples; constant temperatures give themselves (tests); " + _JOURNEY,
        run=cold_day,
    ),
    Model(
        name="shocks",
        words=Words("冲击", "Shocks"),
        reads=("shock", "shock_duration"),
        derives=("shock_severity", "shocks_damaging"),
        method=Words(
            "半正弦脉冲的速度变化量；峰值与速度变化都超临界才会损坏。",
            "The velocity change of a half-sine pulse; only a blow whose peak and velocity change "
            "are both above the critical ones may break the goods.",
        ),
        source="ASTM D3332-99 (2023): damage boundary",
        validity="goods whose fragility was tested; blows along the axis that was tested",
        validated="worked examples (tests); " + _JOURNEY,
        run=shocks_day,
    ),
    Model(
        name="custody",
        words=Words("保管交接", "Custody"),
        reads=("given_by", "given_to", "taken_by", "seal_number", "custody_weight"),
        derives=("custody_breaks", "custody_open_time", "custodian"),
        method=Words(
            "逐次核对交出与接收：保管人、指定人、封签、重量；交出未收超过一日为断链。",
            "Each giving against its taking: who has it, who was named, seal, weight; given and "
            "not taken for a day is a break.",
        ),
        source="ISO 22095:2020 (chain of custody); ISO 17712:2013 (seals)",
        validity="parties and seals have numbers in a register; acts within 45 days",
        validated="every kind of break planted and found, a clean one silent (tests); " + _JOURNEY,
        run=custody_day,
    ),
    Model(
        name="transformations",
        words=Words("加工与得率", "Transformations and yield"),
        reads=("input_weight", "output_weight", "loss_weight"),
        derives=("yield_share", "mass_gap"),
        method=Words(
            "当日产出与投入之比；产出加损耗与投入之差为质量缺口。",
            "The day's output over input; what output and loss lack of the input, or have beyond "
            "it, is the gap.",
        ),
        source="conservation of mass; the descent of lots is that of finance/trade_lineage",
        validity="inputs and outputs of one day belong together",
        validated="worked examples (tests); GS1's transformation example (shared)",
        run=transformations_day,
    ),
    Model(
        name="price_moves",
        words=Words("价格变动", "Moves of a price"),
        reads=("price", "price_top"),
        derives=("price_month", "price_fall", "price_top"),
        method=Words(
            "近一月涨跌；距一年高点的跌幅。",
            "Change within a month, and the fall from the year's top.",
        ),
        source="this project's own; the dynamic haircut stands in risk/haircut",
        validity="prices above zero, at least monthly",
        validated="World Bank monthly prices 1960 to 2019 (benchmarks/packs_logistics.py)",
        run=prices_day,
    ),
    Model(
        name="gates",
        words=Words("出门核对", "What left through a gate"),
        reads=("weight_outbound", "weight_permitted"),
        derives=("weight_left", "weight_unreleased"),
        method=Words(
            "每次出门重量减当次许可，逐日合计。",
            "Weight of each passage less what was permitted for it, summed over the day.",
        ),
        source="this project's own",
        validity="every passage is weighed and carries the permit's weight, 0 where there is none",
        validated="worked examples (tests); " + _JOURNEY,
        run=gates_day,
    ),
)  # fmt: skip
"""The pack's models, run on each closed day in this order: later ones read earlier ones."""


def by_pool(terms: Mapping[str, Any], twin: TwinReader, *, at: int) -> Valuation:
    """The pack's valuation: of shipments under way where the pool is of these, else of lots.

    Args:
        terms: the facility's; see :func:`mark_shipments` and :func:`mark_to_market`.
        twin: the twin at that moment.
        at: the moment (ns).
    """
    of_shipments = terms.get("pool", {}).get("kind") == "shipment"
    mark = mark_shipments if of_shipments else mark_to_market
    return mark(terms, twin, at=at)


value: Final[Valuer] = lambda terms, twin, at: by_pool(terms, twin, at=at)  # noqa: E731
"""The pack's valuation, as the desk calls it; see :func:`by_pool`."""


__all__ = [
    "FENCE",
    "MODELS",
    "TOLERANCE",
    "by_pool",
    "check_places",
    "mark_shipments",
    "mark_to_market",
    "reconcile",
    "value",
]
