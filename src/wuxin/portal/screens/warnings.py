"""The work list of early warnings: what must be done, by whom, by when; filtered in the address."""

from collections.abc import Mapping
from typing import Any, Final

from nicegui import ui

from wuxin.portal.screens.filters import Changed, State, choice
from wuxin.portal.screens.finding import sentence
from wuxin.portal.screens.findings import level_buttons
from wuxin.portal.screens.parts import card, level, link, raw, tag, text
from wuxin.portal.screens.parts import state as state_chip
from wuxin.portal.screens.shell import View, heading, page
from wuxin.portal.screens.tables import Column, Listing
from wuxin.portal.screens.warning import ROLES, STATES, open_warning
from wuxin.portal.screens.words import local, minute, number, pick, t, word

FILTERS: Final = ("level", "state", "owner", "rule", "facility")


def columns() -> tuple[Column, ...]:
    """The columns of the list, with the words of states and roles."""
    states = {name: t(*words) for name, words in STATES.items()}
    return (
        Column("level", "级别", "Level", "level", 150),
        Column("state", "状态", "State", "chip", 130, said=states),
        Column("words", "预警内容", "What it says", "sentences"),
        Column("findings", "明细数", "Findings", "number", 90),
        Column("facility", "融资", "Facility", width=120),
        Column("role", "待办角色", "Asked", "said", 130, said={r: word(r) for r in ROLES}),
        Column("owner", "经办人", "Owner", width=100),
        Column("due", "时限", "Deadline", "time", 160),
        Column("raised", "发出", "Raised", "time", 165, shown=False),
        Column("acknowledged_by", "确认", "Acknowledged", width=130, shown=False),
    )


@page("/warnings", ("预警", "Warnings"))
async def warnings(view: View) -> None:
    """The list, the most pressing first; a row opens its drawer, where it is acted on."""
    state = State(*FILTERS, "warning")
    packs = await view.api.get("/api/packs")
    facilities = await view.api.get("/api/facilities")
    heading(t("预警", "Early warnings"))
    levels = ui.element("div").classes("wx-levels").props("role=group")
    levels.props["aria-label"] = t("按级别筛选", "Filter by level")

    async def show() -> None:
        await counted(await listing.show(asked()))

    async def renew() -> None:
        await counted(await listing.refresh())

    def asked() -> dict[str, str]:
        return {k: v for k, v in state.values.items() if k != "warning"}

    async def counted(found: int) -> None:
        count.set_text(t(f"共 {number(found)} 条", f"{number(found)} warnings"))
        every = {k: v for k, v in asked().items() if k != "level"}
        answer = await view.api.get("/api/warnings", **every, limit=1)
        levels.clear()
        told = {name: n for name, n in answer["levels"].items() if name != "info"}
        with levels:
            level_buttons(state, told, changed=show)

    def opened(row: Mapping[str, Any]) -> None:
        state.put({"warning": row["warning"]})
        drawer = open_warning(view, str(row["warning"]), changed=renew)
        drawer.on("hide", lambda: state.put({"warning": ""}))

    with card():
        with ui.element("div").classes("wx-filters"):
            _filters(view, state, packs=packs, facilities=facilities, changed=show)
            with ui.element("div").classes("wx-filters-end"):
                count = ui.label().classes("wx-muted").mark("count")
                link(t("全部明细", "All findings"), "/findings", classes="wx-button")
                settings = ui.element("div").classes("max-sm:hidden")
        listing = Listing("worklist", "/api/warnings", columns=columns(), card=_card, opened=opened)
        with settings:
            listing.settings()
        view.on_progress(renew)
        await show()
    if state["warning"]:
        opened({"warning": state["warning"]})


def _filters(
    view: View, state: State, *, packs: list[dict[str, Any]], facilities: list[dict[str, Any]],
    changed: Changed,
) -> None:  # fmt: skip
    stands = {"open": t("待办", "To do"), **{k: t(*words) for k, words in STATES.items()}}
    choice(state, "state", label=t("状态", "State"), options=stands, changed=changed)
    name = str(view.session.get("name", ""))
    owners = {name: t(f"我（{name}）", f"me ({name})"), **{role: word(role) for role in ROLES}}
    choice(state, "owner", label=t("经办", "Owner"), options=owners, changed=changed)
    rules = {
        r["rule"]: pick(r).replace("{value}", "…").replace("{limit}", "…")
        for p in packs for r in p["rules"] if r["level"] != "info"
    }  # fmt: skip
    choice(state, "rule", label=t("规则", "Rule"), options=rules, changed=changed)
    names = {f["id"]: f"{f['id']} · {f['obligor']}" for f in facilities}
    choice(state, "facility", label=t("融资", "Facility"), options=names, changed=changed)


def _card(row: dict[str, Any]) -> None:
    chips = [t(*STATES[row["state"]])]
    if row["escalated"]:
        chips.append(t("已上报", "escalated"))
    raw(level(row["level"]) + "".join(map(state_chip, chips))).classes("flex gap-2 mb-1")
    tag("div", sentence(row), classes="font-semibold")
    about = [row["facility"] or row["thing"]]
    if row["findings"] > 1:
        about.append(t(f"{number(row['findings'])} 条明细", f"{number(row['findings'])} findings"))
    if row["due"]:
        who = row["owner"] or word(row["role"])
        about.append(t(f"{who} 须于 {minute(row['due'])} 前处理",
                       f"{who}, by {minute(row['due'])}"))  # fmt: skip
    else:
        about.append(f"{local(row['raised']):%Y-%m-%d}")
    raw(" · ".join(map(text, about))).classes("wx-muted wx-small mt-1")
