"""All findings: counted by level, filtered in the address, each with its drawer."""

from collections.abc import Mapping
from typing import Any, Final

from nicegui import ui

from wuxin.portal.screens.filters import Changed, State, choice, told, written
from wuxin.portal.screens.finding import open_finding, sentence
from wuxin.portal.screens.moment import range_button
from wuxin.portal.screens.parts import card, level, raw, tag, text
from wuxin.portal.screens.parts import state as state_chip
from wuxin.portal.screens.shell import View, heading, page
from wuxin.portal.screens.tables import Column, Listing
from wuxin.portal.screens.words import minute, number, pick, t

COLUMNS: Final = (
    Column("level", "级别", "Level", "level", 150),
    Column("words", "预警内容", "What it says", "sentences"),
    Column("thing", "标的物", "Thing", "name", 130),
    Column("facility", "融资", "Facility", width=130, shown=False),
    Column("from", "开始", "Since", "time", 165),
    Column("to", "解除", "Until", "time", 165),
    Column("acknowledged_by", "确认", "Acknowledged", width=120),
    Column("value", "数值", "Value", "number", 110, shown=False),
    Column("limit", "限值", "Limit", "number", 110, shown=False),
    Column("finding", "存证", "Evidence", "evidence", 80),
)
FILTERS: Final = (
    "level", "open", "rule", "pack", "facility", "thing", "warning", "from", "to", "as_of",
)  # fmt: skip


@page("/findings", ("预警明细", "Findings"))
async def findings(view: View) -> None:
    """The list; a row opens its drawer, and the drawer's warning is in the address too."""
    state = State(*FILTERS, "finding")
    packs = await view.api.get("/api/packs")
    facilities = await view.api.get("/api/facilities")
    heading(t("预警明细", "Findings"), ((t("预警", "Early warnings"), "/warnings"),))
    levels = ui.element("div").classes("wx-levels").props("role=group")
    levels.props["aria-label"] = t("按级别筛选", "Filter by level")

    async def show() -> None:
        await counted(await listing.show(asked()))

    async def renew() -> None:
        await counted(await listing.refresh())

    def asked() -> dict[str, str]:
        return {k: v for k, v in state.values.items() if k != "finding"}

    async def counted(found: int) -> None:
        count.set_text(t(f"共 {number(found)} 条", f"{number(found)} findings"))
        every = {k: v for k, v in asked().items() if k != "level"}
        answer = await view.api.get("/api/findings", **every, limit=1)
        levels.clear()
        with levels:
            level_buttons(state, answer["levels"], changed=show)

    def opened(row: Mapping[str, Any]) -> None:
        state.put({"finding": row["finding"]})
        drawer = open_finding(view, str(row["finding"]), changed=renew)
        drawer.on("hide", lambda: state.put({"finding": ""}))

    with card():
        with ui.element("div").classes("wx-filters"):
            _filters(state, packs, facilities=facilities, changed=show)
            with ui.element("div").classes("wx-filters-end"):
                count = ui.label().classes("wx-muted").mark("count")
                settings = ui.element("div")
        listing = Listing("findings", "/api/findings", columns=COLUMNS, card=_card, opened=opened)
        with settings:
            listing.settings()
        view.on_progress(renew)
        await show()
    if state["finding"]:
        opened({"finding": state["finding"]})


def _filters(
    state: State, packs: list[dict[str, Any]], *, facilities: list[dict[str, Any]],
    changed: Changed,
) -> None:  # fmt: skip
    standing = {"true": t("未解除", "Open"), "false": t("已解除", "Ended")}
    choice(state, "open", label=t("状态", "State"), options=standing, changed=changed)
    rules = {
        r["rule"]: pick(r).replace("{value}", "…").replace("{limit}", "…")
        for p in packs for r in p["rules"]
    }  # fmt: skip
    choice(state, "rule", label=t("规则", "Rule"), options=rules, changed=changed)
    names = {f["id"]: f"{f['id']} · {f['obligor']}" for f in facilities}
    choice(state, "facility", label=t("融资", "Facility"), options=names, changed=changed)
    written(state, "thing", label=t("标的物编号", "Id of the thing"), changed=changed)
    range_button(state, changed)


def level_buttons(state: State, counted: Mapping[str, int], *, changed: Changed) -> None:
    """How many of each level; a press shows that level alone, another press all again."""

    async def press(name: str) -> None:
        state.put({"level": "" if state["level"] == name else name})
        await told(changed)

    for name in counted:
        chosen = state["level"] == name
        button = tag("button", classes="wx-level-count", type="button",
                     aria_pressed="true" if chosen else "false")  # fmt: skip
        with button.on("click", lambda _, n=name: press(n)).mark(f"level-{name}"):
            raw(f"{level(name)}<b>{counted[name]:,}</b>", "span")


def _card(row: dict[str, Any]) -> None:
    chips = [t("未解除", "open") if row["to"] is None else t("已解除", "ended")]
    if row["acknowledged_by"]:
        chips.append(t("已确认", "acknowledged"))
    raw(level(row["level"]) + "".join(map(state_chip, chips))).classes("flex gap-2 mb-1")
    tag("div", sentence(row), classes="font-semibold")
    until = minute(row["to"]) if row["to"] else t("至今", "now")
    when = f"{minute(row['from'])} – {until}"
    raw(f"{text(row['thing'])} · {text(when)}").classes("wx-muted wx-small mt-1")
