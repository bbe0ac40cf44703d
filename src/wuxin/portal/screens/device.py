"""One device: how it is heard and known, its life and bindings, and the next steps of its life."""

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from wuxin.portal.screens.asking import ask
from wuxin.portal.screens.devices import thing_name
from wuxin.portal.screens.evidence import reading_mark
from wuxin.portal.screens.filters import thing_href
from wuxin.portal.screens.finding import figure
from wuxin.portal.screens.parts import (
    Column,
    card,
    empty,
    evidence_mark,
    facts,
    raw,
    table,
    tag,
    text,
    timeline,
)
from wuxin.portal.screens.parts import state as state_chip
from wuxin.portal.screens.shell import View, heading, page
from wuxin.portal.screens.words import lasting, minute, pick, t, word

STEPS = {
    "delivered": ("登记交付", "Mark as delivered"),
    "installed": ("安装或改绑", "Install or bind anew"),
    "commissioned": ("完成调试", "Commission"),
    "in_service": ("投入使用", "Put into service"),
    "suspended": ("停用", "Suspend"),
    "retired": ("退役", "Retire"),
}
"""What is done to bring a device to a state."""

WARNED = {
    "suspended": ("停用后不再接收其上报。", "What it reports is not taken in until it is back."),
    "retired": ("退役后不可恢复。", "A device that is retired does not come back."),
    "installed": ("改绑后，其上报计入新的标的物。", "From then on it reports of that thing."),
}
"""What follows from a step, where that is not plain."""


@page("/devices/{source}/{name:path}", ("设备", "Device"))
async def device(view: View) -> None:
    """What it is, what it last said, what was done with it and what can be done."""
    path = f"/api{view.request.url.path}"
    found = await view.api.get(path)
    packs = await view.api.get("/api/packs")
    kinds = {k["kind"]: pick(k) for p in packs for k in p["kinds"]}
    chips = state_chip(word(found["state"])) + " " + state_chip(word(found["hearing"]))
    heading(found["id"], [(t("设备", "Devices"), "/devices")], note=chips)
    shown = ui.element("div").mark("device")

    def draw(row: dict[str, Any]) -> None:
        shown.clear()
        with shown, ui.element("div").classes("wx-grid grid-cols-1 lg:grid-cols-[1fr_1fr]"):
            with ui.element("div").classes("wx-grid content-start"):
                with card(t("设备信息", "Device")):
                    raw(facts(_facts(row, kinds)))
                _steps(view, row, path=path)
            with ui.element("div").classes("wx-grid content-start"):
                with card(t("最近读数", "Latest readings")):
                    _readings(row)
                with card(t("经历", "Its life")):
                    timeline(_life(row, kinds))

    async def renew() -> None:
        draw(await view.api.get(path))

    draw(found)
    view.on_progress(renew)


def _facts(row: Mapping[str, Any], kinds: Mapping[str, str]) -> list[tuple[str, str]]:
    never = t("绑定以来未上报", "not since it hangs there")
    keys = [word(name) for name, has in row["keys"].items() if has]
    known = t("、", ", ").join(keys) or t("无", "none")
    trust = text(word(row["trust"])) if row["trust"] else t("— 尚无读数", "— no reading yet")
    silence = lasting(row["silence_s"], why=word(row["hearing"]).lower())
    if row["silence_s"] is not None and row["recorded"]:
        silence += t("（至录制结束）", " (at the recording's end)")
    allowed = lasting(row["allowed_s"], why=t("未规定", "none is set"))
    return [
        (t("类型", "Kind"), text(pick(row["words"])) if row["words"] else t("未登记", "not told")),
        (t("标的物", "Thing"), _thing(row, row["thing"], kinds=kinds)),
        (t("来源", "Source"), text(row["source"])),
        (t("协议", "Protocol"), text(row["protocol"] or "—")),
        (t("可信度", "Trust"), trust),
        (t("已登记的密钥", "Keys known"), text(known)),
        (t("最近上报", "Last heard"), text(minute(row["heard"], why=never, zone=True))),
        (t("静默时长", "Silent for"), text(silence)),
        (t("允许间隔", "Allowed gap"), text(allowed)),
    ]


def _thing(row: Mapping[str, Any], thing: str, *, kinds: Mapping[str, str]) -> str:
    """Markup of a link to a thing (``kind:id``)."""
    if not thing:
        return t("未绑定", "bound to nothing")
    kind, _, name = thing.partition(":")
    href = thing_href({"pack": row["pack"], "kind": kind, "id": name})
    return f'<a href="{text(href)}">{text(thing_name(thing, kinds))}</a>'


def _readings(row: Mapping[str, Any]) -> None:
    if not row["readings"]:
        hint = t("设备上报后即显示于此。", "They appear as soon as the device reports.")
        empty(t("还没有读数", "No readings yet"), hint, sign="sensors_off")
        return
    columns = (
        Column(t("指标", "Indicator"), lead=True), Column(t("数值", "Value"), numeric=True),
        Column(t("时间", "Time")), Column(t("存证", "Evidence")),
    )  # fmt: skip
    kind, _, name = row["thing"].partition(":")
    rows = [
        (
            text(pick(r)), f"<b>{text(figure(r['value'], r['unit']))}</b>", text(minute(r["time"])),
            reading_mark((row["pack"], kind, name), r["indicator"], time=r["time"]),
        )
        for r in row["readings"]
    ]  # fmt: skip
    table(columns, rows, name=t("最近读数", "Latest readings"))


def _life(row: Mapping[str, Any], kinds: Mapping[str, str]) -> list[tuple[str, str]]:
    """What was done with it, newest first, each with its evidence."""
    life = []
    later = [a["figures"].get("thing", "") for a in row["acts"][1:]] + [""]
    for act, before in zip(row["acts"], later, strict=True):
        told = act["figures"]
        head = text(word(told["state"]))
        if "keys" in told:
            names = t("、", ", ").join(word(k) for k in told["keys"].split(", ") if k)
            head = text(t(f"更换{names}", f"New {names}") if names else word("device"))
        lines = ""
        if told.get("thing", "") != before:
            on = _thing(row, told["thing"], kinds=kinds)
            since = next((b["from"] for b in row["bindings"][::-1] if b["thing"] == told["thing"]
                          and b["from"] <= act["at"]), act["at"])  # fmt: skip
            from_ = "" if since == act["at"] else t(f"（自 {minute(since)}）",
                                                    f" from {minute(since)} on")  # fmt: skip
            lines += f"<div>{t('绑定到', 'bound to')} {on}{text(from_)}</div>"
        if told.get("reason"):
            lines += f"<div>{text(told['reason'])}</div>"
        by = text(_by(act["mandate"]))
        mark = evidence_mark(act["act"])
        life.append((
            minute(act["at"], zone=True),
            f'<b>{head}</b> {mark}{lines}<div class="wx-muted wx-small">{by}</div>',
        ))  # fmt: skip
    return life


def _by(mandate: str) -> str:
    role, _, name = mandate.partition(":")
    who = f"{word(role)} {name}" if name and name != role else word(role)
    return t(f"经办 {who}", f"by {who}")


def _steps(view: View, row: Mapping[str, Any], *, path: str) -> None:
    """The steps that are allowed now, for who may take them."""
    with card(t("下一步", "Next steps")):
        if not row["next"]:
            tag("div", t("已退役，不再变更。", "It is retired, and changes no more."))
        elif not row["may_change"]:
            zh = "您的角色不能变更设备；管理员与监管员可以。"
            en = "Your role may not change devices; administrators and supervisors may."
            tag("div", t(zh, en), classes="wx-muted")
        else:
            with ui.element("div").classes("flex flex-wrap gap-2"):
                for to in row["next"]:
                    button = tag("button", t(*STEPS[to]), classes="wx-button", type="button")
                    button.on("click", lambda _, to=to: _confirm(view, row, to=to, path=path))
                    button.mark(f"step-{to}")


def _confirm(view: View, row: Mapping[str, Any], *, to: str, path: str) -> None:
    """Ask for the reason, and for the thing where it is installed; then tell the API."""

    def fill() -> dict[str, Any]:
        tag("div", row["id"])
        if to in WARNED:
            tag("p", t(*WARNED[to]), classes="wx-muted")
        fields: dict[str, Any] = {}
        if to == "installed":
            fields["thing"] = ui.input(
                t("标的物（种类:编号）", "Thing (kind:id)"), value=row["thing"]
            )
        fields["reason"] = ui.textarea(t("理由", "Reason")).props("autogrow")
        return fields

    async def give(body: dict[str, str]) -> None:
        await view.api.post(path, to=to, **body)
        ui.navigate.reload()

    ask(t(*STEPS[to]), fill, give=give, reason="reason", optional=frozenset({"thing"}))
