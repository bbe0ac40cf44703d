"""The devices: which there are, how they are heard and known; the silent ones first."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from nicegui import ui

from wuxin.portal.screens.filters import Changed, State, choice, told, written
from wuxin.portal.screens.parts import card, raw, tag, text
from wuxin.portal.screens.parts import state as state_chip
from wuxin.portal.screens.shell import View, heading, page, zone_note
from wuxin.portal.screens.tables import Column, Listing
from wuxin.portal.screens.words import lasting, minute, number, pick, t, word

STATES: Final = ("delivered", "installed", "commissioned", "in_service", "suspended", "retired")
HEARINGS: Final = ("silent", "never", "heard", "not_heard")
TRUSTS: Final = ("unproven", "code", "certificate", "signed", "recorded")


@page("/devices", ("设备", "Devices"))
async def devices(view: View) -> None:
    """Everything that reports, with filters in the address."""
    state = State("q", "source", "state", "thing", "hearing")
    packs = await view.api.get("/api/packs")
    sources = (await view.api.get("/api/devices", limit=1))["sources"]
    heading(t("设备", "Devices"), note=zone_note())
    kinds = {k["kind"]: pick(k) for p in packs for k in p["kinds"]}
    counts = ui.element("div").classes("wx-levels").props("role=group")
    counts.props["aria-label"] = t("按上报情况筛选", "Filter by how they are heard")

    async def show() -> None:
        await counted(await listing.show(state.values))

    async def renew() -> None:
        await counted(await listing.refresh())

    async def counted(found: int) -> None:
        count.set_text(t(f"共 {number(found)} 台", f"{number(found)} devices"))
        every = {k: v for k, v in state.values.items() if k != "hearing"}
        answer = await view.api.get("/api/devices", **every, limit=1)
        counts.clear()
        with counts:
            _counts(state, answer["hearing"], changed=show)

    def draw(row: dict[str, Any]) -> None:
        _card(row, kinds=kinds)

    with card():
        with ui.element("div").classes("wx-filters"):
            _filters(state, sources, changed=show)
            with ui.element("div").classes("wx-filters-end"):
                count = ui.label().classes("wx-muted").mark("count")
                settings = ui.element("div")
        listing = Listing(
            "devices", "/api/devices", columns=_columns(kinds), card=draw, opened=_open
        )
        with settings:
            listing.settings()
        view.on_progress(renew)
        await show()


def device_href(row: Mapping[str, Any]) -> str:
    """The page of a device."""
    return f"/devices/{quote(row['source'], safe='')}/{quote(row['id'])}"


def thing_name(thing: str, kinds: Mapping[str, str]) -> str:
    """A thing (``kind:id``) with the words of its kind."""
    kind, _, name = thing.partition(":")
    return f"{kinds.get(kind, kind)} {name}" if name else thing


def _columns(kinds: Mapping[str, str]) -> tuple[Column, ...]:
    def said(names: tuple[str, ...]) -> dict[str, str]:
        return {name: word(name) for name in names}

    return (
        Column("hearing", "上报", "Heard", "chip", 125, said=said(HEARINGS)),
        Column("id", "设备", "Device", "name"),
        Column("state", "状态", "State", "chip", 125, said=said(STATES)),
        Column("thing", "标的物", "Thing", "parent", 150, said=kinds),
        Column("source", "来源", "Source", width=170, shown=False),
        Column("protocol", "协议", "Protocol", width=100),
        Column("trust", "可信度", "Trust", "said", 135, said=said(TRUSTS)),
        Column("heard", "最近上报", "Last heard", "time", 155),
        Column("silence_s", "静默 / 允许", "Silent / allowed", "silence", 150),
    )


def _filters(state: State, sources: list[str], *, changed: Changed) -> None:
    written(state, "q", label=t("设备名称", "Device"), changed=changed)
    written(state, "thing", label=t("标的物编号", "Id of the thing"), changed=changed)
    states = {name: word(name) for name in STATES}
    choice(state, "state", label=t("状态", "State"), options=states, changed=changed)
    if len(sources) > 1:
        named = {name: name for name in sources}
        choice(state, "source", label=t("来源", "Source"), options=named, changed=changed)


def _counts(state: State, counted: Mapping[str, int], *, changed: Changed) -> None:
    """How many are heard how; a press shows those alone, another press all again."""

    async def press(name: str) -> None:
        state.put({"hearing": "" if state["hearing"] == name else name})
        await told(changed)

    for name in HEARINGS:
        chosen = "true" if state["hearing"] == name else "false"
        button = tag("button", classes="wx-level-count", type="button", aria_pressed=chosen)
        with button.on("click", lambda _, n=name: press(n)).mark(f"hearing-{name}"):
            raw(f"{text(word(name))}<b>{counted[name]:,}</b>", "span")


def _card(row: dict[str, Any], *, kinds: Mapping[str, str]) -> None:
    with ui.element("div").classes("flex items-center justify-between gap-2"):
        tag("strong", row["id"])
        raw(state_chip(word(row["hearing"])) + " " + state_chip(word(row["state"])))
    tag("div", thing_name(row["thing"], kinds) or t("未绑定", "bound to nothing"))
    trust = word(row["trust"]) if row["trust"] else row["protocol"]
    heard = minute(row["heard"], why=word("never").lower())
    if row["hearing"] == "silent":
        length = lasting(row["silence_s"])
        heard += t(f"，已静默 {length}", f", silent for {length}")
    tag("div", f"{trust} · {heard}", classes="wx-muted wx-small mt-1")


def _open(row: dict[str, Any]) -> None:
    ui.navigate.to(device_href(row))
