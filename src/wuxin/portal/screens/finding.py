"""One early warning in the detail drawer: what, against which limit, since when, and what to do."""

from typing import Any

from nicegui import ui

from wuxin.portal.screens import shell
from wuxin.portal.screens.client import Problem
from wuxin.portal.screens.evidence import view_evidence
from wuxin.portal.screens.filters import Changed, thing_href, told
from wuxin.portal.screens.parts import facts, level, raw, state, tag, text, timeline
from wuxin.portal.screens.shell import View, address
from wuxin.portal.screens.words import minute, number, pick, t


def sentence(found: dict[str, Any]) -> str:
    """What a warning says, in the visitor's language."""
    return t("；", "; ").join(pick(said) for said in found["words"])


def figure(value: float | None, unit: str) -> str:
    """A value with its unit: five significant digits, below one three; a degree's five decimals."""
    if value is None:
        return number(None)
    if unit == "degree":
        return f"{value:.5f}".rstrip("0").rstrip(".") + "°"
    if abs(value) < 1000:
        value = float(f"{value:.5g}" if abs(value) >= 1 else f"{value:.3g}")
    return f"{number(value)} {'' if unit == '1' else unit}".rstrip()


def open_finding(view: View, name: str, *, changed: Changed | None = None) -> ui.dialog:
    """Open the drawer of a warning; returns it.

    Args:
        view: the visitor.
        name: the warning's id.
        changed: called after it was acknowledged.
    """

    async def fill() -> None:
        place = ui.element("div").mark("finding")

        async def draw() -> None:
            found = await view.api.get(f"/api/findings/{name}")
            place.clear()
            with place:
                _show(found)
                if found["warning"] and not found["acknowledged_by"]:
                    _acknowledge(view, name, done=again)

        async def again() -> None:
            await draw()
            if changed:
                await told(changed)

        await draw()

    return shell.open_drawer(t("预警详情", "Early warning"), fill)


def _show(found: dict[str, Any]) -> None:
    stands = t("未解除", "open") if found["to"] is None else t("已解除", "ended")
    raw(f"{level(found['level'])} {state(stands)}").classes("flex gap-2")
    tag("p", sentence(found), classes="wx-said")
    pairs = [
        (t("数值", "Value"), text(figure(found["value"], found["unit"]))),
        (t("限值", "Limit"), text(figure(found["limit"], found["unit"]))),
        (t("标的物", "Thing"), _link(thing_href(found), found["thing"])),
    ]
    if found["facility"] and found["facility"] != found["thing"]:
        pairs.append(
            (t("融资", "Facility"), _link(f"/facilities/{found['facility']}", found["facility"]))
        )
    if found["warning"]:
        href = address("/warnings", warning=found["warning"])
        pairs.append((t("预警", "Warning"), _link(href, t("查看处置", "see what is done"))))
    raw(facts(pairs))
    for who, zh, en in (("bank", "银行应做", "What the bank does"),
                        ("enterprise", "企业应做", "What the enterprise does")):  # fmt: skip
        tag("h3", t(zh, en), classes="wx-sub")
        tag("p", pick(found["actions"][who]))
    tag("h3", t("经过", "What happened"), classes="wx-sub mb-2")
    timeline(_life(found))
    with ui.element("div").classes("mt-4"):
        view_evidence(found["finding"])


def _life(found: dict[str, Any]) -> list[tuple[str, str]]:
    """The stations of a warning, newest first."""
    life = [(minute(found["from"], zone=True), t("开始", "It began"))]
    if found["raised"] != found["from"]:
        life.append((minute(found["raised"], zone=True), t("预警发出", "The warning was raised")))
    if found["acknowledged_by"]:
        name, _, reason = found["acknowledged_by"].partition(": ")
        said = t(f"{name} 已确认：{reason}", f"{name} acknowledged it: {reason}")
        life.append((t("已确认", "Acknowledged"), text(said)))
    if found["to"]:
        life.append((minute(found["to"], zone=True), t("解除", "It ended")))
    return life[::-1]


def _acknowledge(view: View, name: str, *, done: Changed) -> None:
    """The field and button with which somebody takes notice."""

    async def send() -> None:
        said = (reason.value or "").strip()
        if len(said) < 3:
            reason.error = t("请写明理由（至少三个字）", "Say why, in three letters or more")
            return
        button.props("disabled")
        try:
            await view.api.post(f"/api/findings/{name}/acknowledge", reason=said)
        except Problem as problem:
            button.props(remove="disabled")
            refused = t("您的角色不能确认预警", "Your role may not acknowledge warnings")
            reason.error = refused if problem.status == 403 else problem.detail
            return
        ui.notify(t("已确认", "Acknowledged"), type="positive", position="top")
        await told(done)

    with ui.element("div").classes("mt-5 flex flex-col gap-2"):
        reason = (
            ui.textarea(t("确认理由", "Reason for acknowledging"))
            .props("outlined dense autogrow maxlength=500")
            .classes("w-full").mark("reason")
        )  # fmt: skip
        button = tag("button", t("确认已知悉", "Acknowledge"), type="button",
                     classes="wx-button wx-primary self-start").on("click", send)  # fmt: skip


def _link(href: str, name: str) -> str:
    return f'<a href="{text(href)}">{text(name)}</a>'
