"""The progress of a facility through its pack's process, step by step, from the pack's own file."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from nicegui import ui

from wuxin.portal.screens.client import Problem
from wuxin.portal.screens.parts import card, icon, raw, tag, text
from wuxin.portal.screens.shell import View
from wuxin.portal.screens.words import lasting, minute, pick, t, word

_SIGNS: Final[Mapping[str, tuple[str, str, str]]] = {
    "done": ("check_circle", "已完成", "Done"),
    "ready": ("play_circle", "可办理", "Ready"),
    "waiting": ("hourglass_empty", "等待条件", "Waiting"),
    "later": ("radio_button_unchecked", "未到", "To come"),
    "skipped": ("remove_circle_outline", "未经过", "Passed by"),
}
_NOTES: Final[Mapping[str, tuple[str, str]]] = {
    "none": ("此融资开立时未走流程，下列为行业的标准步骤。",
             "This facility was opened without a process; these are the steps of its industry."),
    "history": ("流程文件已变更，与已完成的步骤不符；原记录留存，须由审批人重走流程。",
                "The process was changed and no longer fits what is done: begin it again."),
    "finished": ("流程已走完。", "The process has come to its end."),
}  # fmt: skip


async def progress(view: View, name: str) -> None:
    """The card of the process: each step with who, when, what it waits for, and its deadline."""
    path = f"/api/facilities/{quote(name, safe='')}"
    found = await view.api.get(f"{path}/process")
    steps = found["steps"]
    done = sum(step["state"] == "done" for step in steps)
    end = "" if found["state"] == "none" else t(f"完成 {done} / {len(steps)}",
                                                f"{done} of {len(steps)} done")  # fmt: skip
    with card(t("办理流程", "Process"), end=end, classes="mb-4"):
        if found["state"] in _NOTES:
            tag("p", t(*_NOTES[found["state"]]), classes="wx-muted mb-3")
        with tag("ol", classes="wx-steps wx-progress"):
            for step in steps:
                _step(
                    view, step, path=f"{path}/orders/complete_step", known=found["state"] != "none"
                )


def _step(view: View, step: Mapping[str, Any], *, path: str, known: bool) -> None:
    stands = step["state"] if known else "plain"
    with tag("li", classes=f"wx-step wx-at-{stands}").mark(f"step-{step['step']}"):
        raw(f"<b>{text(pick(step))}</b>{_chips(step) if known else ''}").classes("wx-step-head")
        raw("".join(f"<div>{line}</div>" for line in _lines(step, known=known))).classes("wx-small")
        if step["may"]:
            button = tag("button", t("完成此步骤", "Complete this step"), type="button",
                         classes="wx-button wx-primary mt-2")  # fmt: skip
            button.on("click", lambda: _confirm(view, step, path=path)).mark("complete")


def _chips(step: Mapping[str, Any]) -> str:
    sign, zh, en = _SIGNS[step["state"]]
    chips = [f'<span class="wx-state">{icon(sign)}{text(t(zh, en))}</span>']
    if step["overdue"]:
        chips.append(f'<span class="wx-level wx-amber">{icon("schedule")}'
                     f'{text(t("逾期", "Overdue"))}</span>')  # fmt: skip
    return f'<span class="wx-chips">{"".join(chips)}</span>'


def _lines(step: Mapping[str, Any], *, known: bool) -> list[str]:
    """Markup lines: by whom and when, or whose turn it is, until when, and for what it waits."""
    if step["state"] == "done":
        lines = [f"{text(word(step['role']))} {text(step['who'])} · {text(minute(step['at']))}"]
        if step["note"]:
            lines.append(text(step["note"]))
        if step["documents"]:
            count = len(step["documents"])
            digests = " ".join(one[:12] for one in step["documents"])
            lines.append(t(f"附件 {count} 份：", f"papers ({count}): ") + f"<code>{digests}</code>")
        return lines
    lines = [text(word(step["owner"]))]
    if step["does"]:
        lines.append(text(t("完成后放款", "pays the loan out")))
    if step["due"]:
        due = minute(step["due"], zone=True)
        lines.append(text(t(f"截止 {due}", f"due by {due}")))
    elif step["within_s"]:
        span = lasting(step["within_s"])
        lines.append(text(t(f"到达后 {span}内完成", f"within {span} once reached")))
    needs = [need for need in step["needs"] if not known or not need["met"]]
    if needs and step["state"] in {"waiting", "later"}:
        said = t("、", ", ").join(pick(need) for need in needs)
        lead = t("等待：", "waits for: ") if known else t("需要：", "needs: ")
        lines.append(f'<span class="wx-muted">{text(lead + said)}</span>')
    return lines


def _confirm(view: View, step: Mapping[str, Any], *, path: str) -> None:
    """Ask for a note and papers; then tell the API, and show what it refuses."""

    async def send() -> None:
        note.error = None
        given = [one.strip() for one in (papers.value or "").split() if one.strip()]
        button.props("disabled")
        try:
            await view.api.post(path, step=step["step"], note=note.value or "", documents=given)
        except Problem as problem:
            button.props(remove="disabled")
            note.error = problem.detail
            return
        ui.navigate.reload()

    title = t("完成步骤", "Complete a step")
    with (
        ui.dialog().props(f'aria-label="{text(title)}"') as dialog,
        tag("div", classes="wx-ask wx-card"),
    ):
        tag("h2", title, classes="wx-ask-title")
        tag("div", pick(step))
        if step["does"]:
            zh, en = "完成此步骤即放款，不能撤回。", "This pays the loan out, and cannot be undone."
            tag("p", t(zh, en))
        note = ui.textarea(t("说明", "Note")).mark("note")
        note.props("outlined dense autogrow maxlength=500").classes("w-full")
        papers = ui.textarea(t("附件的 SHA-256，每行一个", "SHA-256 of papers, one a line"))
        papers.props("outlined dense autogrow").classes("w-full").mark("papers")
        with ui.element("div").classes("flex justify-end gap-2"):
            tag("button", t("取消", "Cancel"), classes="wx-button", type="button").on(
                "click", dialog.close
            )
            button = tag("button", t("完成", "Complete"), classes="wx-button wx-primary",
                         type="button")  # fmt: skip
            button.on("click", send).mark("confirm")
    dialog.on("hide", dialog.delete)
    dialog.open()
