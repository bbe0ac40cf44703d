"""C4, operations: the models' cards. There is no valuation: nothing is lent here."""

from typing import Final

from wuxin.packs.operations.access import access_day
from wuxin.packs.operations.custody import custody_day
from wuxin.packs.operations.recordings import SESSION, recording_day
from wuxin.packs.operations.register import register_day
from wuxin.packs.operations.zones import zones_day
from wuxin.terms.records import Words
from wuxin.terms.standards import Model

_JUDGED: Final = "generated days with seeds that no setting was chosen on: "
MODELS: Final[tuple[Model, ...]] = (
    Model(
        name="custody",
        words=Words("保管链", "Custody"),
        reads=(
            "in_cabinet", "holder", "holder_confirmed", "zone_entered", "serial_next",
            "issued_count",
        ),
        derives=(
            "custody_gap", "time_out", "outside_time", "register_conflict", "serials_missing",
            "items_held", "items_with_gap", "custody_share", "separation_breaches",
        ),
        method=Words(
            "柜内盘点与交接登记两源逐刻对照：既不在柜又无人签收超过 2 分钟为空档；两源矛盾单列；"
            "同一人同时持有印、押、证两类为未分管。",
            "The cabinet's count and the register are compared moment by moment: in neither for "
            "more than 2 minutes is a gap, in both a contradiction; two duties in one hand are "
            "counted.",
        ),
        source="EPCIS 2.0 (who, what, where, when) for hand-overs; the separation of duties is the "
        "accounting rule yin, ya, zheng san fen guan as texts on blank vouchers quote it",
        validity="each thing has one tag and one register; a cabinet's count stands for 4 h, after "
        "that nothing is said, neither gap nor custody",
        validated=_JUDGED + "planted gaps found to the minute (benchmarks/packs_operations.py); a "
        "property test against counting minute by minute. No real custody log was available",
        run=custody_day,
    ),
    Model(
        name="zones",
        words=Words("区域与徘徊", "Zones and loitering"),
        reads=(
            "persons", "confidence", "service", "badges", "dwell_limit",
            "persons_required",
        ),
        derives=(
            "longest_stay", "loitering_stays", "alone_time", "unidentified_time",
            "loitering_day",
        ),
        method=Words(
            "不依赖跟踪号：人数减去正在办理者与工牌数，余者无故在场；间断不超过 150 秒算一次；"
            "低置信与排队时刻不计；超过区域上限为徘徊。",
            "Nobody is followed: people less those served and those with badges are there without "
            "a reason; interruptions up to 150 s are bridged, unsure observations and moments "
            "with a queue say nothing; beyond the zone's limit it is loitering.",
        ),
        source="ONVIF Analytics Service Specification (loitering: time in an area); taking off "
        "what is explained is this project's own",
        validity="an observation at least every minute while anybody is there, the number served "
        "from the queue or the machines; two loiterers at once count as one",
        validated=_JUDGED + "59 of 60 loiterers found in 120 days, no false alarm "
        "(benchmarks/packs_operations.py). No real camera log was available",
        run=zones_day,
    ),
    Model(
        name="recordings",
        words=Words("双录质检", "Double recordings checked"),
        reads=(*SESSION, "sales_booked", "recording"),
        derives=(
            "recordings_checked", "recordings_failed", "sales_unrecorded", "recording_gap",
            "recording_pass_share",
        ),
        method=Words(
            "每笔七项检查，缺数据即不通过；成交笔数与归档片段笔数相减。",
            "Seven checks on each recording, what is missing does not pass; sales booked less "
            "clips in the archive.",
        ),
        source="CBRC, yin jian ban fa 2017 No. 110 (recording in sales areas); thresholds are this "
        "project's own",
        validity="one message per recorded sale; the book of sales is cumulative per desk",
        validated=_JUDGED + "planted faults of each kind found, sound recordings pass",
        run=recording_day,
    ),
    Model(
        name="register",
        words=Words("资产台账自更新", "Register that updates itself"),
        reads=("tag_zone", "booked_zone"),
        derives=(
            "register_zone", "asset_moved", "unseen_time", "assets_seen_share", "assets_moved",
        ),
        method=Words(
            "最近 5 次读数中 4 次一致才移位；3 日未读到为未见。",
            "The register follows once 4 of the last 5 readings agree; 3 days without one is "
            "unseen.",
        ),
        source="this project's own; the mode of a window as in any debouncing",
        validity="readers name one zone; moves take longer than four readings",
        validated=_JUDGED + "moves found and stray reads ignored",
        run=register_day,
    ),
    Model(
        name="access",
        words=Words("越权进入", "Entries beyond clearance"),
        reads=("zone_entered", "denied"),
        derives=("clearance_breaches", "unauthorised_entries"),
        method=Words(
            "以登记的授权级别复核每次通行，不采信门禁自身名单。",
            "Each passage is compared with the registered clearance, whatever the door's list "
            "said.",
        ),
        source="this project's own",
        validity="zones and employees have registered clearances",
        validated="generated branch with one entry beyond clearance (examples)",
        run=access_day,
    ),
)  # fmt: skip
"""The pack's models, run on each closed day."""
