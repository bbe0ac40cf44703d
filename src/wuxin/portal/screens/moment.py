"""The time range and the past moment of a page, both kept in its address.

Two clocks: ``at`` asks what was true at a moment, ``as_of`` what we knew at one. A link sent to a
colleague shows the same, and a reload changes nothing.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from nicegui import ui

from wuxin.portal.screens.filters import Changed, State, told
from wuxin.portal.screens.parts import tag
from wuxin.portal.screens.words import local, minute, t, zone_name

CLOCKS: Final = ("from", "to", "at", "as_of")
"""The names of times in a URL."""

SPANS: Final = (
    (1, "24 小时", "24 hours"), (7, "7 天", "7 days"), (30, "30 天", "30 days"),
    (90, "90 天", "90 days"), (365, "1 年", "1 year"),
)  # fmt: skip
"""Time ranges that one click chooses, in days before the last reading."""


def typed(time: str) -> str:
    """A moment as a field for date and time holds it, in the visitor's zone."""
    return f"{local(time):%Y-%m-%dT%H:%M:%S}" if time and not time.isdigit() else ""


def untyped(text: str | None) -> str:
    """What a field for date and time holds as ISO 8601 in UTC; empty if it is no time."""
    try:
        written = datetime.fromisoformat(text or "")
    except ValueError:
        return ""
    moment = written.replace(tzinfo=local(0).tzinfo).astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def time_field(label: str, value: str) -> ui.input:
    """A field for date and time in the visitor's zone, as the browser or phone draws it."""
    return (
        ui.input(label, value=typed(value))
        .props("type=datetime-local step=1 outlined dense stack-label")
        .classes("w-full")
    )


def span_words(state: State) -> str:
    """The time range in words."""
    start, end = state.span
    if not start and not end:
        return t("全部时间", "All times")
    return f"{minute(start) if start else '…'} – {minute(end) if end else '…'}"


def range_button(state: State, changed: Changed, *, until: str = "") -> None:
    """The time range picker: spans before the last reading, or any two moments.

    Args:
        state: holds ``from`` and ``to``.
        changed: called after a choice.
        until: the last reading (ISO 8601), from which the spans count back; now if empty.
    """

    async def choose(start: str, end: str) -> None:
        state.put({"from": start, "to": end})
        button.text = span_words(state)
        first.value, last.value = typed(start), typed(end)
        menu.close()
        await told(changed)

    last_moment = datetime.fromisoformat(until) if until else datetime.now(UTC)
    with ui.button(span_words(state), icon="date_range").props(
        "outline no-caps dense padding='6px 12px'"
    ) as button:
        button.mark("time-range")
        with ui.menu().props("no-focus") as menu, ui.column().classes("p-4 gap-3 w-72"):
            with ui.row().classes("gap-2"):
                for days, zh, en in SPANS:
                    start = (last_moment - timedelta(days=days)).astimezone(UTC)
                    ui.button(
                        t(zh, en), on_click=lambda s=f"{start:%Y-%m-%dT%H:%M:%SZ}": choose(s, "")
                    ).props("flat dense no-caps padding='4px 8px'")
                ui.button(t("全部", "All"), on_click=lambda: choose("", "")).props(
                    "flat dense no-caps padding='4px 8px'"
                )
            first = time_field(t("从", "From"), state["from"])
            last = time_field(t("至", "To"), state["to"])
            with ui.row().classes("w-full items-center justify-between"):
                ui.label(zone_name(until or None)).classes("text-sm opacity-70")
                _apply().on("click", lambda: choose(untyped(first.value), untyped(last.value)))


def past_switch(state: State, changed: Changed, *, until: str = "") -> None:
    """The switch "at a past moment" and, while it is on, the two clocks with what each asks.

    Args:
        state: holds ``at`` and ``as_of``.
        changed: called after a choice.
        until: where the field begins when nothing was chosen yet (ISO 8601).
    """

    async def turn(event: Any) -> None:
        panel.set_visibility(event.value)
        if event.value or not state.past:
            return
        state.put({"at": "", "as_of": ""})
        await told(changed)

    async def apply() -> None:
        state.put({"at": untyped(at.value), "as_of": untyped(known.value) or _batch(state, known)})
        await told(changed)

    ui.switch(t("查看过去时点", "At a past moment"), value=state.past, on_change=turn).mark("past")
    panel = ui.element("div").classes("wx-card w-full order-last")
    panel.set_visibility(state.past)
    with panel, ui.element("div").classes("grid grid-cols-1 lg:grid-cols-[1fr_1fr_auto] gap-4"):
        with ui.column().classes("gap-1"):
            at = time_field(
                t("当时的实情", "What was true at"), state["at"] or ("" if state.past else until)
            ).mark("at")
            ui.label(
                t("按事件时间：设备所记、那一刻已经发生的。",
                  "By event time: what had happened by then, as the devices date it.")
            ).classes("text-xs opacity-70")  # fmt: skip
        with ui.column().classes("gap-1"):
            known = time_field(t("当时的所知", "What we knew at"), state["as_of"]).mark("as-of")
            ui.label(
                t("按到达时间：只用那一刻之前已经收到的数据。留空即用全部数据。",
                  "By arrival: only what had reached us by then. Empty uses all that we know.")
            ).classes("text-xs opacity-70")  # fmt: skip
        _apply().on("click", apply).mark("apply-past")


def past_words(state: State) -> str:
    """One sentence that says which past moment is shown; empty for the present."""
    parts = []
    if state["at"]:
        parts.append(t("实情截至 ", "what was true at ") + minute(state["at"], zone=True))
    if state["as_of"]:
        known = state["as_of"]
        when = (
            t(f"第 {known} 批", f"batch {known}") if known.isdigit() else minute(known, zone=True)
        )
        parts.append(t("所知截至 ", "what we knew at ") + when)
    return t("正在查看过去：", "Showing the past: ") + "；".join(parts) if parts else ""


def _batch(state: State, field: ui.input) -> str:
    """A batch number stays as it was unless a time was typed over it."""
    return state["as_of"] if state["as_of"].isdigit() and not field.value else ""


def _apply() -> ui.element:
    shape = "wx-button wx-primary self-start"
    return tag("button", t("应用", "Apply"), classes=shape, type="button")
