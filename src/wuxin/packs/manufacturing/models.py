"""C4, manufacturing: the models' cards in the order in which they run, and the value of a pool."""

from typing import Final

from wuxin.packs.manufacturing.activity import features
from wuxin.packs.manufacturing.health import SIGNALS, anomalies, lifetimes, temperatures
from wuxin.packs.manufacturing.output import outputs
from wuxin.packs.manufacturing.payroll import payrolls
from wuxin.packs.manufacturing.places import displacements
from wuxin.packs.manufacturing.running import effectiveness, run_states
from wuxin.packs.manufacturing.shifts import energies, load_types
from wuxin.packs.manufacturing.valuation import value
from wuxin.terms.records import Words
from wuxin.terms.standards import Model

_DRAWN: Final = ("power", "energy_interval", "current")
_SME: Final = (
    "three retrofitted machines of a medium-sized firm, two weeks (Sensors 23(13):6078): "
    "benchmarks/packs_manufacturing.py"
)

MODELS: Final[tuple[Model, ...]] = (
    Model(
        name="run_states",
        words=Words("运行状态", "Run state"),
        reads=(*_DRAWN, "status"),
        derives=("run_state", "working_time", "idle_time", "alarm_time", "operating_rate"),
        method=Words(
            "四周用电在对数上由大津法分为待机与加工；控制器报警优先；仪表过粗则不判断。",
            "Four weeks of load are parted into idle and working by Otsu's threshold on the "
            "logarithm; an alarm of the control comes first; a meter too coarse is not judged by.",
        ),
        source="Otsu, IEEE Trans. Syst. Man Cybern. 9 (1979) 62; ISO 22400-2:2014 clause 5",
        validity="loads resolved to a fifth of their top or finer; two levels that differ 2.5 "
        "times, "
        "else whatever draws more than 2 % of the top counts as working",
        validated=_SME,
        run=run_states,
    ),
    Model(
        name="energies",
        words=Words("日用电与夜班", "Energy of the day and the night shift"),
        reads=(*_DRAWN[:2], "energy_day", "energy_night"),
        derives=("energy_day", "energy_night", "night_share", "night_change"),
        method=Words(
            "功率按时长加总；22时至6时为夜；近七夜中位数与此前四周之比。没有总表时取各机器之和。",
            "Power summed over its spans; 22 to 6 o'clock is night; the median of seven nights "
            "over "
            "that of four weeks before. Without a meter of its own a workshop has its machines' "
            "sum.",
        ),
        source="this project's own",
        validity="local clock of the recording; no judgement where nights have under 2 % of the "
        "energy",
        validated="a steel plant's 15-minute energy, January to September 2018 (UCI 851)",
        run=energies,
    ),
    Model(
        name="load_types",
        words=Words("负荷类型", "Load type"),
        reads=_DRAWN,
        derives=("load_type",),
        method=Words(
            "大津法两次：先分轻负荷，再分中、重负荷。",
            "Otsu's threshold twice: light from the rest, then medium from maximum.",
        ),
        source="Otsu 1979 (as run_states)",
        validity="loads with a base level; the plant's own labels follow tariff hours and not load "
        "alone, so that agreement with them is partial",
        validated="the same steel plant's labels: agreement is printed by the benchmark",
        run=load_types,
    ),
    Model(
        name="outputs",
        words=Words("产量核对", "Output cross-checked"),
        reads=("items", "product", "status", "count_excess", *_DRAWN),
        derives=("output_counted", "output_by_energy", "output_by_time", "output_state",
                 "output_trust", "count_excess"),
        method=Words(
            "每一产品的单件能耗与单件工时由本机其他日子学得；计件、用电、"
            "工时三方比对（risk/crosscheck）。",
            "Energy and time of an item are learnt per product from the machine's other days; "
            "count, "
            "energy and time are compared (risk/crosscheck).",
        ),
        source="Marzullo, Stanford 1984 (agreement of ranges); MAD: Iglewicz and Hoaglin, ASQC "
        "1993",
        validity="machines that make countable items; four days of history, products seen before; "
        "an inflation below the tolerance (15 to 25 %) is not seen",
        validated=_SME + ": every day inflated by half is flagged, no untouched day is",
        run=outputs,
    ),
    Model(
        name="effectiveness",
        words=Words("设备综合效率", "Overall equipment effectiveness"),
        reads=("working_time", "items", "rejects", "output_counted"),
        derives=("availability", "performance", "quality", "oee"),
        method=Words(
            "时间开动率×性能开动率×合格率；缺不良品即不给出综合效率。",
            "Availability × performance × quality; without rejects there is no OEE.",
        ),
        source="ISO 22400-2:2014",
        validity="planned time and ideal cycle as registered, else time observed and the pace of "
        "the "
        "best days",
        validated="worked examples (tests/packs/test_manufacturing_models.py)",
        run=effectiveness,
    ),
    Model(
        name="payrolls",
        words=Words("工资核对", "Payroll cross-checked"),
        reads=("paid_hours", "energy_day"),
        derives=("payroll_excess",),
        method=Words(
            "每度电对应的工时由四周学得，超出三个稳健标准差（至少两成）为不符。",
            "Hours per energy of four weeks; beyond three robust deviations (20 % at least) they "
            "contradict.",
        ),
        source="this project's own, on risk/crosscheck",
        validity="work in which hours and energy go together",
        validated="generated workshop (examples/manufacturing)",
        run=payrolls,
    ),
    Model(
        name="temperatures",
        words=Words("温度预警", "Temperature warning"),
        reads=("temperature", *_DRAWN),
        derives=("temperature_score",),
        method=Words(
            "近12小时均值与四周中位数之差，以稳健标准差计（至少1K），每小时一值。",
            "The mean of 12 hours less the median of four weeks, in robust standard deviations (1 "
            "K "
            "at least), hourly.",
        ),
        source="Hampel, J. Am. Stat. Assoc. 69 (1974) 383; control limit of three: Shewhart 1931",
        validity="after five days; where the load is known, settled work only",
        validated="NAB, machine temperature with four labelled windows",
        run=temperatures,
    ),
    Model(
        name="anomalies",
        words=Words("综合异常与健康指数", "Anomaly and health index"),
        reads=(*SIGNALS, *_DRAWN[:2], "status"),
        derives=("anomaly_score", "health_index"),
        method=Words(
            "十个样本的均值离学得正常的马氏距离；参考期内漂移的信号不用；"
            "界限为参考期最大值的1.5倍。",
            "Hotelling's distance of the mean of ten samples from what was learnt; signals that "
            "drift "
            "in the reference are left out; the limit is 1.5 times its largest.",
        ),
        source="Hotelling, Ann. Math. Stat. 2 (1931) 360; ISO 13379-1:2012",
        validity="two signals or more, 400 samples of reference; a change of product is odd as "
        "well",
        validated="SKAB (valve 1): chosen on half of its files, held on the others",
        run=anomalies,
    ),
    Model(
        name="lifetimes",
        words=Words("剩余寿命", "Remaining life"),
        reads=("health_index",),
        derives=("remaining_life",),
        method=Words(
            "健康指数十日内确有下降（Mann检验1%）时，"
            "离正常的距离按Theil–Sen斜率外推到指数0.2。",
            "Where ten days of the health index fall for certain (Mann, 1 %), the distance from "
            "normal is drawn on to an index of 0.2 (Theil–Sen).",
        ),
        source="ISO 13381-1:2015; Mann, Econometrica 13 (1945) 245; Sen, JASA 63 (1968) 1379",
        validity="wear that goes on as it did; a fleet that failed predicts better: risk/remaining",
        validated="risk/remaining by cross-validation on C-MAPSS FD001 (the fleet's model)",
        run=lifetimes,
    ),
    Model(
        name="displacements",
        words=Words("位移", "Displacement"),
        reads=("latitude", "longitude"),
        derives=("displacement",),
        method=Words("当日位置中位数到登记位置的大圆距离。",
                     "Great-circle distance of the day's median position from the registered one."),
        source="haversine: Sinnott, Sky and Telescope 68 (1984) 159",
        validity="machines with a registered place",
        validated="worked examples (tests/packs/test_manufacturing_models.py)",
        run=displacements,
    ),
    Model(
        name="activity",
        words=Words("数字贷特征", "Features of the digital loan"),
        reads=("energy_day", "operating_rate", "ordered", "delivered"),
        derives=("energy_30d", "stability", "trend", "utilisation", "order_fill"),
        method=Words(
            "周用电的变异系数与Theil–Sen月变化，近30日开工率，近30日交付与接单之比。",
            "Variation and Theil–Sen monthly change of weekly energy, 30 days of operating rate, "
            "delivered over ordered in 30 days.",
        ),
        source="Sen 1968; the grades are this project's own and are stated in valuation.GRADES",
        validity="four whole weeks at least; no default data stand behind the grades yet",
        validated="a steel plant's energy, January to April 2018 (examples/manufacturing)",
        run=features,
    ),
)  # fmt: skip
"""The pack's models, run on each closed day in this order: later ones read earlier ones."""

__all__ = ["MODELS", "value"]
