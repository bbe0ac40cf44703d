"""The list of facilities: value, exposure, loan to value and state, the most pressing first."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from nicegui import ui

from wuxin.portal.screens.parts import (
    Column,
    card,
    change,
    empty,
    evidence_mark,
    gauge,
    level,
    state,
    table,
    text,
)
from wuxin.portal.screens.shell import View, heading, page, zone_note
from wuxin.portal.screens.words import day, money, number, percent, pick, t, word

STATES = ("overdue", "disposal_ordered", "called", "breach", "deficient", "arrears", "not_valued",
          "agreed", "covered", "written_off", "closed")  # fmt: skip


@page("/facilities", ("融资", "Facilities"))
async def facilities(view: View) -> None:
    """All facilities that the visitor may see, filtered by state in the address."""
    heading(t("融资", "Facilities"), note=zone_note())
    place = ui.element("div")
    wanted = view.query.get("state", "")

    async def show() -> None:
        found = await view.api.get("/api/facilities")
        place.clear()
        with place:
            _content(found, wanted)

    view.on_progress(show)
    await show()


def _content(found: list[dict[str, Any]], wanted: str) -> None:
    counts = {name: sum(f["state"] == name for f in found) for name in STATES}
    with (
        ui.element("nav")
        .classes("wx-tabs mb-4")
        .props(f'aria-label="{t("按状态筛选", "Filter by state")}"')
    ):
        _chip(t("全部", "All"), len(found), href="/facilities", on=not wanted)
        for name, count in counts.items():
            if count or name == wanted:
                _chip(word(name), count, href=f"/facilities?state={name}", on=name == wanted)
    shown = [f for f in found if wanted in {"", f["state"]}]
    with card():
        if shown:
            rows(shown[:200])
        else:
            empty(t("没有符合条件的融资", "No such facility"),
                  t("换一个状态，或查看全部。", "Choose another state, or all."),
                  sign="account_balance")  # fmt: skip
    if len(shown) > 200:
        ui.label(t(f"另有 {len(shown) - 200} 笔", f"and {len(shown) - 200} more"))


def _chip(name: str, count: int, *, href: str, on: bool) -> None:
    with (
        ui.element("a")
        .classes("wx-tab")
        .props(f'href="{href}"' + (' aria-current="true"' if on else ""))
    ):
        ui.label(f"{name} {number(count)}")


def rows(found: Sequence[dict[str, Any]]) -> None:
    """The table of facilities, also of the overview."""
    table(
        (
            Column(t("融资", "Facility"), lead=True),
            Column(t("状态", "State")),
            Column(word("collateral_value"), numeric=True),
            Column(t("较上次", "Change"), numeric=True),
            Column(word("exposure"), numeric=True),
            Column(word("loan_to_value"), numeric=True),
            Column(t("截至", "As of")),
        ),
        [_row(f) for f in found],
        name=t("融资一览", "Facilities"),
    )


def _row(f: dict[str, Any]) -> tuple[str, ...]:
    """One facility as cells."""
    href = f"/facilities/{quote(f['id'], safe='')}"
    act = (f.get("valued") or {}).get("act")
    moved = f.get("change")
    call = f["call"]
    due = (
        f'<div class="wx-small wx-muted">{text(money(call["due"], f["currency"]))} · '
        f"{t('截至', 'by')} {day(call['deadline'])}</div>"
        if call else ""
    )  # fmt: skip
    closed = f["state"] == "closed"
    why = missing_why(f)
    name = (
        f'<a href="{href}"><b>{text(f["id"])}</b></a>'
        f'<div class="wx-small wx-muted">{text(f["obligor"])}</div>'
    )
    return (
        name,
        state(word(f["state"])) + (f" {level(f['level'])}" if f.get("level") else "") + due,
        text(money(f["value"], f["currency"], why=why)) + evidence_mark(act),
        change(money(moved["value"], f["currency"])) if moved and not closed else "—",
        text(money(f["exposure"], f["currency"])),
        t("已结清", "closed") if closed else (
            text(percent(f["loan_to_value"], why=why))
            + gauge(f["loan_to_value"], target=f["target"], maximum=f["maximum"])
        ),
        day(f["as_of"], why=t("未估值", "not valued")),
    )  # fmt: skip


def missing_why(facility: dict[str, Any]) -> str:
    """Why a facility has no value, in the visitor's language."""
    said = t("；", "; ").join(pick(m) for m in facility.get("missing") or ())
    return said or t("未估值", "not valued")
