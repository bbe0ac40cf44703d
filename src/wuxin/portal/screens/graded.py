"""What the pages of credit share: a grade's badge, the rows of a decision, and the next step."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from nicegui import ui

from wuxin.portal.screens.client import Problem
from wuxin.portal.screens.parts import card, raw, tag, text
from wuxin.portal.screens.shell import View
from wuxin.portal.screens.words import t

Done = Callable[[], Awaitable[None]]

_ACCOUNTS: Final = {
    "cash": ("现金", "Cash"),
    "loan_principal": ("贷款本金", "Loan principal"),
    "interest_receivable": ("应收利息", "Interest receivable"),
    "penalty_receivable": ("应收罚息", "Penalty receivable"),
    "cash_margin": ("现金保证金", "Cash margin"),
    "surplus_payable": ("应退余款", "Surplus payable"),
    "interest_income": ("利息收入", "Interest income"),
    "penalty_income": ("罚息收入", "Penalty income"),
    "recovery_income": ("核销后收回", "Recovery income"),
    "write_off": ("核销损失", "Write-off"),
}
_BOOKINGS: Final = {
    "disbursement": ("放款", "Paid out"),
    "interest_accrual": ("计提利息", "Interest accrued"),
    "penalty_accrual": ("计提罚息", "Penalty accrued"),
    "repayment": ("还款", "Repayment"),
    "margin": ("保证金", "Margin"),
    "surplus": ("余款", "Surplus"),
    "write_off": ("核销", "Write-off"),
    "recovery": ("核销后收回", "Recovery"),
}
_GIVES: Final = {
    "grade": ("等级至多", "grade at best"), "action": ("至少", "at least"),
    "share": ("额度占年收入", "limit as a share of revenue"), "rate": ("年利率", "rate"),
    "approve": ("同意", "approve"), "refer": ("转人工", "refer"), "decline": ("拒绝", "decline"),
}  # fmt: skip
_SHORTEST: Final = 3


def badge(grade: str | None) -> str:
    """Markup of a grade: a letter with its word; no colour, which is kept for warnings."""
    known = {
        "A": t("优", "best"), "B": t("良", "good"), "C": t("须判断", "to judge"),
        "D": t("不新增", "nothing new"), "E": t("违约边缘", "near default"),
    }  # fmt: skip
    if grade is None:
        return f'<span class="wx-state">{t("未评级", "not rated")}</span>'
    return f'<span class="wx-state"><b>{text(grade)}</b>&nbsp;{text(known.get(grade, ""))}</span>'


def account(name: str) -> str:
    """An account of the chart in words."""
    return t(*_ACCOUNTS.get(name, (name, name)))


def booking(name: str) -> str:
    """A kind of journal entry in words."""
    return t(*_BOOKINGS.get(name, (name, name)))


def rows(found: Sequence[Mapping[str, str]]) -> None:
    """The rows of a decision that held: what each is for, what it read, what it gave."""
    items = "".join(
        f'<li><div class="wx-line"><b>{text(t(row["zh"], row["en"]))}</b>'
        f'<div class="wx-small wx-muted">{text(t(row["read_zh"], row["read_en"]))}</div>'
        f'<div class="wx-small">→ {text(_gives(row["gives"]))}</div></div></li>'
        for row in found
    )
    raw(f'<ul class="wx-lines">{items}</ul>')


def _gives(told: str) -> str:
    parts = []
    for part in told.split(", "):
        name, _, value = part.partition(" ")
        known = t(*_GIVES.get(name, (name, name)))
        parts.append(f"{known} {t(*_GIVES.get(value, (value, value)))}".strip())
    return t("，", ", ").join(parts)


def steps(view: View, found: Mapping[str, Any], *, done: Done) -> None:
    """The next step of an application, for those who may take it."""
    role = view.session.get("role", "")
    if found["state"] == "decided" and role == "risk_officer":
        _review(view, found, done=done)
    if found["state"] == "reviewed" and role == "approver":
        _decide(view, found, done=done)


def _review(view: View, found: Mapping[str, Any], *, done: Done) -> None:
    verdicts = {
        "agree": t("同意决策表意见", "agree with the table"),
        "override": t("不同意，另行判断", "see it differently"),
    }
    decisions = {"": t("按决策表", "as the table"), "approve": t("同意", "approve"),
                 "decline": t("拒绝", "decline")}  # fmt: skip
    with card(t("人工复核", "Human review")):
        verdict = ui.radio(verdicts, value="agree").props("dense")
        decision = ui.select(decisions, value="", label=t("决定", "Decision")).classes("w-full")
        reason = _reason()

        async def send() -> None:
            body = {"verdict": verdict.value, "reason": (reason.value or "").strip()}
            if decision.value:
                body["decision"] = decision.value
            await _step(view, found, step="review", body=body, reason=reason, done=done)

        _button(t("记录复核", "Record the review"), send)


def _decide(view: View, found: Mapping[str, Any], *, done: Done) -> None:
    with card(t("审批", "Approval")):
        limit = ui.input(
            t(
                f"额度（{found['currency']}，0 为拒绝）",
                f"Limit in {found['currency']}; 0 declines",
            ),
            value=found["table_limit"] or "0",
        ).classes("w-full")
        reason = _reason()

        async def send() -> None:
            body = {"limit": (limit.value or "").strip(), "reason": (reason.value or "").strip()}
            await _step(view, found, step="decide", body=body, reason=reason, done=done)

        _button(t("审批", "Decide"), send)


def _reason() -> ui.textarea:
    return ui.textarea(t("理由", "Reason")).props("autogrow").classes("w-full")


def _button(label: str, send: Callable[[], Awaitable[None]]) -> None:
    tag("button", label, classes="wx-button mt-3", type="button").on("click", send)


async def _step(
    view: View, found: Mapping[str, Any], *, step: str, body: dict[str, str],
    reason: ui.textarea, done: Done,
) -> None:  # fmt: skip
    if len(body["reason"]) < _SHORTEST:
        reason.error = t("请写明理由（至少三个字）", "Say why, in three letters or more")
        return
    try:
        body = {**body, "application": found["application"]}
        await view.api.post(f"/api/bank/orders/{step}", **body)
    except Problem as problem:
        reason.error = problem.detail
        return
    ui.notify(t("已记录", "Recorded"), type="positive", position="top")
    await done()
