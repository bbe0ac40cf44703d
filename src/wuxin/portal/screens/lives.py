"""The lives of calls and acts, as lines of a timeline, in the visitor's language."""

from collections.abc import Mapping
from typing import Any, Final

from wuxin.portal.screens.parts import evidence_mark, level, state, text
from wuxin.portal.screens.words import minute, money, percent, t, word

_OF_CALL: Final = (
    "margin_call", "margin_call_disputed", "margin_call_dispute_resolved", "margin_call_overdue",
    "margin_call_met",
)  # fmt: skip
_TOLD: Final[dict[str, tuple[str, ...]]] = {
    "facility_opened": ("principal", "haircut", "target_loan_to_value", "maximum_loan_to_value"),
    "repayment": ("amount", "outstanding"),
    "top_up": ("amount", "cash_margin"),
    "disbursement": ("amount", "loan_to_value"),
    "margin_call": ("call_amount", "call_deadline", "loan_to_value"),
    "margin_call_met": ("call_paid", "met_by"),
    "margin_call_overdue": ("call_due", "loan_to_value"),
    "margin_call_disputed": ("call_disputed", "call_deadline", "reason"),
    "margin_call_dispute_resolved": ("upheld", "waived", "call_deadline", "reason"),
    "substitution": ("lendable_before", "lendable_after", "reason"),
    "pledge_released": ("count", "reason"),
    "disposal_ordered": ("value", "exposure", "loan_to_value"),
    "disposal": ("proceeds", "proceeds_to_value", "surplus", "outstanding"),
}
_PLAIN: Final = frozenset({"met_by", "reason", "count"})
_STEPS: Final = ("step_completed", "step_escalated")
_SHARES: Final = frozenset({
    "haircut", "target_loan_to_value", "maximum_loan_to_value", "loan_to_value",
    "proceeds_to_value",
})  # fmt: skip


def calls(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The margin calls of a facility, newest first, each with its acts and where it stands."""
    by_number: dict[str, dict[str, Any]] = {}
    sold = any(a["kind"] == "disposal" for a in found["acts"])
    for act in reversed(found["acts"]):
        if act["kind"] in _OF_CALL:
            number = act["figures"]["call"]
            call = by_number.setdefault(number, {"number": number, "acts": []})
            call["acts"].insert(0, act)
            call |= {k: act["figures"][k] for k in ("call_amount", "call_paid", "call_deadline")}
    standing = {str(c["number"]): c for c in found["calls"]}
    for number, call in by_number.items():
        last = call["acts"][0]["kind"]
        now = standing.get(number)
        if now:
            call |= {"state": now["state"], "call_paid": now["paid"]}
        elif last == "margin_call_met":
            call["state"] = "met"
        else:
            call["state"] = "by_disposal" if sold else "overdue"
    return list(by_number.values())[::-1]


def call_head(call: Mapping[str, Any], currency: str) -> str:
    """Markup of what a call asks, by when, and where it stands."""
    amount = text(money(call["call_amount"], currency))
    paid = t(f"已补足 {money(call['call_paid'], currency)}",
             f"paid {money(call['call_paid'], currency)}")  # fmt: skip
    by = t(f"截止 {minute(call['call_deadline'], zone=True)}",
           f"due by {minute(call['call_deadline'], zone=True)}")  # fmt: skip
    name = t(f"第 {call['number']} 次", f"Call {call['number']}")
    return (
        f'<div class="wx-call"><b>{name}</b> <b>{amount}</b> {state(word(call["state"]))}</div>'
        f'<div class="wx-muted wx-small">{by} · {paid}</div>'
    )


def call_life(call: Mapping[str, Any], currency: str) -> list[tuple[str, str]]:
    """The stations of a call, newest first."""
    return [act(each, currency) for each in call["acts"]]


def act(done: Mapping[str, Any], currency: str) -> tuple[str, str]:
    """One act: when, and markup of what, with which figures, by whose mandate, with evidence."""
    figures, kind = done["figures"], done["kind"]
    head = f"<b>{text(word(kind))}</b> {evidence_mark(done['act'])}"
    if kind == "early_warning":
        head = f"{level(figures['level'])} {evidence_mark(done['act'])}"
        said = text(t(figures["zh"], figures["en"]))
        sent = t("、", ", ").join(word(r.strip()).lower() for r in figures["to"].split(","))
        by = t(f"送达 {sent}", f"sent to {sent}")
    elif kind in _STEPS:
        said = text(t(figures["zh"], figures["en"]))
        by = _mandate(done["mandate"])
        if kind == "step_escalated":
            by = t(f"升级至{word(figures['to'])}", f"escalated to the {word(figures['to'])}")
    else:
        said = "；".join(_told(k, figures[k], currency=currency)
                         for k in _TOLD.get(kind, ("amount",)) if figures.get(k))  # fmt: skip
        said = said if t("zh", "en") == "zh" else said.replace("；", "; ")
        by = _mandate(done["mandate"])
    line = f"<div>{said}</div>" if said else ""
    return (
        minute(done["at"], zone=True),
        f'{head}{line}<div class="wx-muted wx-small">{text(by)}</div>',
    )


def _told(name: str, value: Any, *, currency: str) -> str:
    if name in _SHARES:
        shown = percent(value)
    elif name == "call_deadline":
        shown = minute(value)
    elif name in _PLAIN:
        shown = word(value)
    else:
        shown = money(value, currency)
    return f'{text(word(name))} <span class="wx-num">{text(shown)}</span>'


def _mandate(mandate: str) -> str:
    kind, _, name = mandate.partition(":")
    if kind == "contract":
        return t(f"依据合同 {name}", f"under contract {name}")
    if name:
        return t(f"经办 {word(kind)} {name}", f"by {word(kind)} {name}")
    return t(f"经办 {word(mandate)}", f"by the {word(mandate).lower()}")
