"""What the screens say, in Chinese and English, and how they write numbers, money and times.

The visitor's language and time zone are with the page that is shown; money comes and stays as
decimal text. A figure that is missing says why: it is never 0 and never NaN.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from nicegui import context

Language = Literal["zh", "en"]
MINUS: Final = "\N{MINUS SIGN}"
UNITS: Final = ((86400, "天", "d"), (3600, "小时", "h"), (60, "分", "min"), (1, "秒", "s"))
"""Units in which a length of time is written: seconds, Chinese, English."""

MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LevelWords:
    """How an early-warning level is shown: never by its colour alone."""

    icon: str
    zh: str
    en: str
    zh_name: str


LEVELS: Final[dict[str, LevelWords]] = {
    "red": LevelWords("error", "立即处置", "Act now", "红色"),
    "amber": LevelWords("warning", "尽快核查", "Look into", "橙色"),
    "info": LevelWords("info", "提示", "To know", "提示"),
}
"""Early-warning levels, worst first, with a Material icon and a word."""

GLOSSARY: Final[dict[str, tuple[str, str]]] = {
    "collateral_value": ("押品价值", "Collateral value"),
    "exposure": ("风险敞口", "Exposure"),
    "outstanding": ("贷款余额", "Outstanding"),
    "loan_to_value": ("质押率", "Loan to value"),
    "lendable": ("可贷价值", "Lendable value"),
    "lendable_value": ("可贷价值", "Lendable value"),
    "value": ("押品价值", "Collateral value"),
    "cash_margin": ("现金保证金", "Cash margin"),
    "haircut": ("折扣率", "Haircut"),
    "maximum": ("质押率上限", "Maximum loan to value"),
    "maximum_loan_to_value": ("质押率上限", "Maximum loan to value"),
    "target": ("目标质押率", "Target loan to value"),
    "target_loan_to_value": ("目标质押率", "Target loan to value"),
    "shortfall": ("缺口", "Shortfall"),
    "covers": ("可覆盖敞口", "Covers"),
    "principal": ("本金", "Principal"),
    "obligor": ("借款人", "Obligor"),
    "currency": ("币种", "Currency"),
    "opened": ("开立日", "Opened"),
    "price": ("单价", "Price"),
    "quantity": ("数量", "Quantity"),
    "things": ("标的物", "Things"),
    "proceeds": ("处置所得", "Proceeds"),
    "proceeds_applied": ("用于偿还", "Applied to the loan"),
    "cash_margin_applied": ("动用保证金", "Cash margin applied"),
    "surplus": ("返还余款", "Surplus returned"),
    "value_before": ("处置前价值", "Value before"),
    "proceeds_to_value": ("变现率", "Proceeds to value"),
    "amount": ("金额", "Amount"),
    "call_amount": ("追加金额", "Amount called"),
    "call_paid": ("已补足", "Paid"),
    "call_due": ("未补足", "Still due"),
    "call_deadline": ("截止时间", "Deadline"),
    "call_issued": ("发出时间", "Issued"),
    "call": ("追保编号", "Call"),
    "met_by": ("补足方式", "Met by"),
    "payment": ("缴款", "payment"),
    "needed": ("所需金额", "Needed"),
    "minimum_transfer": ("最低划转额", "Minimum transfer"),
    "rounding": ("取整单位", "Rounding"),
    "to": ("送达", "Sent to"),
    # acts
    "facility_opened": ("开立授信", "Facility opened"),
    "revaluation": ("重新估值", "Revaluation"),
    "repayment": ("还款", "Repayment"),
    "disbursement": ("放款", "Disbursement"),
    "top_up": ("追加保证金到账", "Margin topped up"),
    "margin_call": ("追加保证金通知", "Margin call"),
    "margin_call_met": ("追保已补足", "Margin call met"),
    "margin_call_overdue": ("追保逾期", "Margin call overdue"),
    "margin_call_disputed": ("追保异议", "Margin call disputed"),
    "margin_call_dispute_resolved": ("异议了结", "Dispute resolved"),
    "substitution": ("押品置换", "Collateral exchanged"),
    "pledge_released": ("解押", "Pledge released"),
    "write_off": ("核销", "Write-off"),
    "recovery": ("核销后收回", "Recovery"),
    "journal_entry": ("会计分录", "Journal entry"),
    "trade_fact": ("贸易记录", "Fact of a trade"),
    "bank_statement": ("银行对账单", "Bank statement"),
    "trade": ("贸易", "Trade"),
    "count": ("数量", "Count"),
    "upheld": ("认定金额", "Upheld"),
    "waived": ("豁免金额", "Waived"),
    "call_disputed": ("异议金额", "Disputed"),
    "reason": ("理由", "Reason"),
    "lendable_before": ("置换前可贷值", "Lendable before"),
    "lendable_after": ("置换后可贷值", "Lendable after"),
    "step_completed": ("步骤完成", "Step completed"),
    "step_escalated": ("步骤逾期升级", "Late step escalated"),
    "process_restarted": ("流程重走", "Process begun again"),
    "early_warning": ("预警送达", "Early warning sent"),
    "warning_raised": ("预警发出", "Warning raised"),
    "warning_reopened": ("预警重启", "Warning reopened"),
    "warning_worsened": ("预警升级为更高级别", "Warning became worse"),
    "warning_acknowledged": ("预警确认", "Warning acknowledged"),
    "warning_assigned": ("预警指派", "Warning assigned"),
    "warning_handled": ("预警办结", "Warning handled"),
    "warning_escalated": ("预警逾期上报", "Late warning escalated"),
    "warning_cleared": ("预警解除", "Warning cleared"),
    "subscribed": ("订阅通知", "Subscribed"),
    "unsubscribed": ("退订通知", "Subscription ended"),
    "disposal_ordered": ("批准处置", "Disposal ordered"),
    "disposal": ("押品处置", "Disposal"),
    "extension": ("展期", "Extension"),
    "facility_closed": ("结清", "Facility closed"),
    # credit
    "credit_applied": ("提交申请", "Applied for"),
    "credit_decided": ("决策表意见", "Decided by the table"),
    "credit_reviewed": ("人工复核", "Reviewed"),
    "limit_set": ("核定额度", "Limit set"),
    "credit_declined": ("拒绝", "Declined"),
    "application_withdrawn": ("撤回申请", "Taken back"),
    "credit_rerated": ("重新评级", "Rated again"),
    "statement_assessed": ("报表评估", "Statements assessed"),
    "claim_told": ("事实来源", "A source told"),
    "claims_agree": ("来源一致", "Sources agree"),
    "credit_scored": ("评分", "Scored"),
    "table": ("决策表", "the table"),
    "approve": ("同意", "approve"),
    "refer": ("转人工", "a person decides"),
    "decline": ("拒绝", "decline"),
    "agree": ("同意决策表", "agrees"),
    "override": ("另行判断", "sees it differently"),
    "decided": ("待复核", "to be reviewed"),
    "reviewed": ("待审批", "to be approved"),
    "approved": ("已核定", "limit set"),
    "declined": ("已拒绝", "declined"),
    "withdrawn": ("已撤回", "taken back"),
    # states
    "covered": ("正常", "Covered"),
    "agreed": ("待放款", "Agreed, not paid out"),
    "arrears": ("逾期还款", "In arrears"),
    "written_off": ("已核销", "Written off"),
    "disputed": ("异议中", "Disputed"),
    "not_valued": ("未估值", "Not valued"),
    "breach": ("突破上限", "In breach"),
    "called": ("追保中", "Margin called"),
    "overdue": ("追保逾期", "Call overdue"),
    "deficient": ("处置后仍有欠款", "Deficient after disposal"),
    "closed": ("已结清", "Closed"),
    "issued": ("已发出", "Issued"),
    "met": ("已补足", "Met"),
    "by_disposal": ("由处置了结", "Settled by disposal"),
    "target restored": ("质押率恢复", "loan to value restored"),
    "running": ("回放中", "replaying"),
    "done": ("已完成", "done"),
    "failed": ("失败", "failed"),
    # the life of a device, how it is heard, and how well it is known
    "device": ("设备变更", "Device changed"),
    "delivered": ("已交付", "Delivered"),
    "installed": ("已安装", "Installed"),
    "commissioned": ("已调试", "Commissioned"),
    "in_service": ("使用中", "In service"),
    "suspended": ("已停用", "Suspended"),
    "retired": ("已退役", "Retired"),
    "silent": ("静默", "Silent"),
    "never": ("尚未上报", "Not heard yet"),
    "heard": ("正常上报", "Heard"),
    "not_heard": ("不予接收", "Shut out"),
    "unproven": ("未证实", "Unproven"),
    "code": ("口令", "Code"),
    "certificate": ("证书", "Certificate"),
    "signed": ("设备签名", "Signed"),
    "recorded": ("录制数据", "Recording"),
    "public_key": ("公钥", "public key"),
    "secret": ("口令", "secret"),
    # roles
    "administrator": ("管理员", "administrator"),
    "risk_officer": ("风险经理", "risk officer"),
    "relationship_manager": ("客户经理", "relationship manager"),
    "supervisor": ("监管员", "supervisor"),
    "operator": ("运维方", "operator"),
    "recording": ("录制数据", "the recording"),
    "borrower": ("借款人", "borrower"),
    "approver": ("审批人", "approver"),
    "policy": ("处置时限", "the deadlines"),
    "installer": ("安装方", "installer"),
    # records
    "batch": ("批次", "batch"),
    "finding": ("预警", "finding"),
    "cleared": ("预警解除", "warning cleared"),
    "act": ("处置动作", "act"),
    "frame": ("原始报文", "raw frame"),
    "command": ("指令", "command"),
    # packs
    "energy": ("光伏能源", "Energy"),
    "logistics": ("仓储物流", "Logistics"),
    "manufacturing": ("智慧制造", "Manufacturing"),
    # spare and short capacity
    "capacity_offered": ("空余产能已登记", "capacity offered"),
    "capacity_sought": ("短缺产能已登记", "capacity sought"),
    "capacity_withdrawn": ("产能登记已撤回", "capacity withdrawn"),
    "capacity_matched": ("产能已撮合", "capacity matched"),
    "capacity_waiting": ("产能待撮合", "capacity waits"),
}
"""Field terms, acts, states and roles; kinds, rules and indicators are named by their pack."""


def set_visitor(language: Language, zone: str) -> None:
    """Remember language and time zone with the page that is being built."""
    context.client.storage["language"] = language
    try:
        context.client.storage["zone"] = str(ZoneInfo(zone))
    except (ValueError, OSError, KeyError):
        context.client.storage["zone"] = "UTC"


def language() -> Language:
    """The visitor's language."""
    return "en" if context.client.storage.get("language") == "en" else "zh"


def t(zh: str, en: str) -> str:
    """The one of two texts that the visitor reads."""
    return en if language() == "en" else zh


def word(key: str) -> str:
    """A term of the glossary; an unknown key as plain words."""
    found = GLOSSARY.get(key)
    return t(*found) if found else key.replace("_", " ")


def pick(said: Mapping[str, Any]) -> str:
    """The visitor's text of a mapping with ``zh`` and ``en``, as packs and the API give it."""
    return t(str(said["zh"]), str(said["en"]))


def level_word(level: str) -> str:
    """An early-warning level in words, with its colour's name."""
    known = LEVELS.get(level)
    if known is None:
        return t("无预警", "No warning")
    return t(f"{known.zh_name}·{known.zh}" if level != "info" else known.zh, known.en)


def missing(why: str = "") -> str:
    """What stands where there is no figure: a dash and the reason."""
    return f"— {why or t('暂无数据', 'no data yet')}"


def number(value: Any, digits: int | None = None, *, why: str = "") -> str:
    """A number with thousands separators; at most 6 significant decimals unless told otherwise."""
    exact = _decimal(value)
    if exact is None:
        return missing(why)
    if digits is None:
        digits = min(6, max(0, -int(exact.normalize().as_tuple().exponent)))
        digits = min(digits, 2) if abs(exact) >= 100 else digits
    return f"{exact:,.{digits}f}".replace("-", MINUS)


def money(amount: Any, currency: str, *, digits: int = 2, why: str = "") -> str:
    """An amount with its currency before it and thousands separators."""
    exact = _decimal(amount)
    return missing(why) if exact is None else f"{currency} {exact:,.{digits}f}".replace("-", MINUS)


def percent(share: Any, digits: int = 2, *, why: str = "") -> str:
    """A share as a percentage: 0.6 is 60.00%."""
    exact = _decimal(share)
    return missing(why) if exact is None else f"{exact * 100:,.{digits}f}%".replace("-", MINUS)


def local(time: str | int) -> datetime:
    """A moment (ISO 8601 or nanoseconds UTC) in the visitor's time zone."""
    zone = ZoneInfo(context.client.storage.get("zone") or "UTC")
    if isinstance(time, int):
        return datetime.fromtimestamp(time // 1_000_000_000, UTC).astimezone(zone)
    return datetime.fromisoformat(time).astimezone(zone)


def day(time: str | int | None, *, why: str = "") -> str:
    """The visitor's date of a moment."""
    if time is None:
        return missing(why)
    at = local(time)
    return t(f"{at:%Y-%m-%d}", f"{at.day} {MONTHS[at.month - 1]} {at.year}")


def minute(time: str | int | None, *, why: str = "", zone: bool = False) -> str:
    """The visitor's date and time of a moment, with the zone where asked."""
    if time is None:
        return missing(why)
    text = f"{day(time)} {local(time):%H:%M}"
    return f"{text} {zone_name(time)}" if zone else text


def lasting(seconds: float | None, *, why: str = "") -> str:
    """A length of time in its two largest units: 2 d 3 h."""
    if seconds is None:
        return missing(why)
    left = int(seconds)
    parts: list[str] = []
    for size, zh, en in (
        (86400, "天", "d"),
        (3600, "小时", "h"),
        (60, "分", "min"),
        (1, "秒", "s"),
    ):
        count, left = divmod(left, size)
        if count or (size == 1 and not parts):
            parts.append(f"{count:,} {t(zh, en)}")
    return " ".join(parts[:2])


def zone_name(time: str | int | None = None) -> str:
    """The visitor's time zone as an offset, such as UTC+8."""
    at = local(time) if time is not None else datetime.now(local(0).tzinfo)
    offset = at.utcoffset()
    if not offset:
        return "UTC"
    seconds = int(offset.total_seconds())
    hours, rest = divmod(abs(seconds) // 60, 60)
    return f"UTC{'-' if seconds < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")


def _decimal(value: Any) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return None
    return exact if exact.is_finite() else None
