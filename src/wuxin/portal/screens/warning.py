"""One warning in the detail drawer: what, by when, what to do, what was done, and doing it."""

import re
from collections.abc import Mapping
from typing import Any, Final

from nicegui import ui

from wuxin.portal.screens import shell
from wuxin.portal.screens.asking import ask, noted
from wuxin.portal.screens.filters import Changed, told
from wuxin.portal.screens.finding import open_finding, sentence
from wuxin.portal.screens.parts import (
    evidence_mark,
    facts,
    level,
    link,
    raw,
    state,
    tag,
    text,
    timeline,
)
from wuxin.portal.screens.shell import View, address
from wuxin.portal.screens.words import minute, number, pick, t, word

STATES: Final[dict[str, tuple[str, str]]] = {
    "raised": ("待确认", "New"),
    "acknowledged": ("已确认", "Acknowledged"),
    "assigned": ("已指派", "Assigned"),
    "handled": ("已办结", "Handled"),
    "cleared": ("已解除", "Cleared"),
}
"""How far a warning has come, in words."""

OUTCOMES: Final[dict[str, tuple[str, str]]] = {
    "real": ("属实", "It was real"),
    "false_alarm": ("误报", "A false alarm"),
    "duplicate": ("重复", "A duplicate"),
}
"""What a warning turned out to be, in words."""

ROLES: Final = ("risk_officer", "supervisor", "relationship_manager", "approver")
DOES: Final[dict[str, tuple[str, str]]] = {
    "acknowledge_warning": ("确认", "Acknowledge"),
    "assign_warning": ("指派", "Assign"),
    "handle_warning": ("办结", "Close it"),
}
_SHOWN: Final = 5
_STEPS: Final = re.compile(r"；?(?=[一二三四五六七八九十]、)| (?=\d+\. )")


def open_warning(view: View, name: str, *, changed: Changed | None = None) -> ui.dialog:
    """Open the drawer of a warning; returns it.

    Args:
        view: the visitor.
        name: the warning's id.
        changed: called after something was done about it.
    """

    async def fill() -> None:
        place = ui.element("div").classes("wx-doing").mark("warning")

        async def draw() -> None:
            found = await view.api.get(f"/api/warnings/{name}")
            place.clear()
            with place:
                _show(view, found, done=again)

        async def again() -> None:
            await draw()
            if changed:
                await told(changed)

        await draw()

    return shell.open_drawer(t("预警处置", "Early warning"), fill)


def _show(view: View, found: dict[str, Any], *, done: Changed) -> None:
    chips = [t(*STATES[found["state"]])]
    if found["escalated"]:
        chips.append(t("逾期已上报", "late, escalated"))
    raw(level(found["level"]) + "".join(map(state, chips))).classes("flex gap-2")
    tag("p", sentence(found), classes="wx-said")
    raw(facts(_facts(found)))
    for rule in found["rule_words"]:
        _what_to_do(rule)
    _findings(view, found)
    tag("h3", t("经过", "What happened"), classes="wx-sub mb-2")
    timeline(_station(move) for move in reversed(found["life"]))
    if found["may"]:
        with ui.element("div").classes("wx-acts").mark("acts"):
            for n, do in enumerate(found["may"]):
                look = "wx-button wx-primary" if n == 0 else "wx-button"
                button = tag("button", t(*DOES[do]), classes=look, type="button")
                button.on("click", lambda _, do=do: _ask(view, found, do=do, done=done))
                button.mark(do)


def _facts(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    many, stand = number(found["findings"]), number(found["open"])
    number_of = t(f"{many} 条，未解除 {stand} 条", f"{many}, of which {stand} stand")
    pairs = [(t("明细", "Findings"), text(number_of))]
    if found["facilities"]:
        links = (f'<a href="/facilities/{text(f)}">{text(f)}</a>' for f in found["facilities"])
        pairs.insert(0, (t("融资", "Facility"), ", ".join(links)))
    else:
        pairs.insert(0, (t("标的物", "Thing"), text(found["thing"])))
    asked = word(found["role"]) + (f" {found['owner']}" if found["owner"] else "")
    if found["due"]:
        step = {
            "acknowledge": t("确认", "to acknowledge"), "handle": t("办结", "to close")
        }[found["step"]]  # fmt: skip
        due = minute(found["due"], zone=True)
        pairs += [(t("待办", "Asked"), text(f"{asked} · {step}")), (t("时限", "By"), text(due))]
    elif found["state"] not in {"handled", "cleared"}:
        pairs.append((t("待办", "Asked"), text(asked)))
    if found["outcome"]:
        pairs.append((t("结论", "It was"), text(t(*OUTCOMES[found["outcome"]]))))
    return pairs


def _what_to_do(rule: Mapping[str, Any]) -> None:
    """The runbook of a rule, step by step."""
    if not rule["runbook"]:
        return
    tag("h3", t("处置步骤", "What to do"), classes="wx-sub")
    steps = [step for step in _STEPS.split(pick(rule["runbook"])) if step]
    raw("".join(f"<li>{text(step)}</li>" for step in steps), "ul").classes("wx-steps-plain")


def _findings(view: View, found: Mapping[str, Any]) -> None:
    """The newest findings, each with its own drawer, and the way to all of them."""
    tag("h3", t("明细", "Findings"), classes="wx-sub")
    with tag("ul", classes="wx-lines"):
        for row in found["rows"][:_SHOWN]:
            ended = "" if row["to"] is None else "wx-ended"
            with (
                tag("li"),
                tag("button", classes=f"wx-line {ended}", type="button").on(
                    "click", lambda _, row=row: open_finding(view, row["finding"])
                ),
            ):
                until = minute(row["to"]) if row["to"] else t("未解除", "open")
                when = f"{text(row['thing'])} · {minute(row['from'])} – {until}"
                raw(f'<span class="wx-muted wx-small">{when}</span>', "span")
                tag("span", sentence(row), classes="block")
    if found["findings"] <= len(found["rows"][:_SHOWN]):
        return
    every = t(f"全部 {number(found['findings'])} 条", f"All {number(found['findings'])}")
    link(every, address("/findings", warning=found["warning"]), classes="wx-button mt-2")


def _station(move: Mapping[str, Any]) -> tuple[str, str]:
    """One station of its life: when it was known, what, by whom, and why."""
    role, _, name = move["by"].partition(":")
    person = role != "policy"
    by = f"{word(role)} {name}" if person and name != role else word(role) if person else ""
    to = move["to"]
    if move["kind"] == "warning_handled":
        to = t(*OUTCOMES[to])
    elif to:
        asked, _, owner = to.partition(":")
        to = f"→ {word(asked)} {owner}".rstrip()
    lines = "".join(f"<div>{text(said)}</div>" for said in (to, _said(move)) if said)
    who = f'<div class="wx-muted wx-small">{text(by)}</div>' if by else ""
    mark = evidence_mark(move["act"])
    return minute(move["known"], zone=True), f"<b>{text(word(move['kind']))}</b> {mark}{lines}{who}"


def _said(move: Mapping[str, Any]) -> str:
    return "" if move["note"] in {move["to"], ""} else str(move["note"])


def _ask(view: View, found: Mapping[str, Any], *, do: str, done: Changed) -> None:
    """Ask for what an order needs, and give it."""

    def fill() -> dict[str, Any]:
        tag("div", sentence(dict(found)))
        return _fields(do)

    async def give(body: dict[str, str]) -> None:
        await view.api.post(f"/api/bank/orders/{do}", warning=found["warning"], **body)
        noted()
        await told(done)

    if do == "assign_warning":
        ask(t(*DOES[do]), fill, give=give, optional=frozenset({"note"}))
    else:
        ask(t(*DOES[do]), fill, give=give, reason="note")


def _fields(do: str) -> dict[str, Any]:
    """What is to be filled in for an order."""
    fields: dict[str, Any] = {}
    if do == "handle_warning":
        outcomes = {name: t(*words) for name, words in OUTCOMES.items()}
        fields["outcome"] = ui.select(outcomes, label=t("结论", "What it was"), value="real")
    if do == "assign_warning":
        roles = {role: word(role) for role in ROLES}
        fields["role"] = ui.select(roles, label=t("角色", "Role"), value="supervisor")
        fields["to"] = ui.input(t("经办人（账号名）", "Person (name of the account)"))
    fields["note"] = ui.textarea(t("理由", "Reason"))
    fields["note"].props("autogrow")
    return fields
