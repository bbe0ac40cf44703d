"""Asks for what an order needs, in a dialog, gives it, and shows at the field what was refused."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from nicegui import ui

from wuxin.portal.screens.client import Problem
from wuxin.portal.screens.parts import tag, text
from wuxin.portal.screens.words import t

LEAST: Final = 3
"""The fewest letters of a reason."""

Body = dict[str, str]


def ask(
    title: str,
    fill: Callable[[], Mapping[str, Any]],
    *,
    give: Callable[[Body], Awaitable[None]],
    reason: str = "",
    optional: frozenset[str] = frozenset(),
) -> None:
    """Open the dialog.

    Args:
        title: what is to be done; it is the button's word as well.
        fill: draws what is told beforehand and the fields, and returns the fields by name.
        give: gives the order with what was filled in; :class:`.client.Problem` keeps it open.
        reason: the field that must hold a reason of three letters.
        optional: the fields that may stay empty.
    """
    fields: dict[str, Any] = {}

    async def send() -> None:
        body = {name: str(one.value or "").strip() for name, one in fields.items()}
        if _lacks(fields, body, reason=reason, optional=optional):
            return
        button.props("disabled")
        try:
            await give(body)
        except Problem as problem:
            button.props(remove="disabled")
            _refused(fields, problem.detail)
            return
        dialog.close()

    with (
        ui.dialog().props(f'position=bottom aria-label="{text(title)}"') as dialog,
        tag("div", classes="wx-ask wx-card"),
    ):
        tag("h2", title, classes="wx-ask-title")
        fields |= fill()
        for name, one in fields.items():
            one.props("outlined dense maxlength=500").classes("w-full").mark(name)
        with ui.element("div").classes("flex justify-end gap-2"):
            tag("button", t("取消", "Cancel"), classes="wx-button", type="button").on(
                "click", dialog.close
            )
            button = tag("button", title, classes="wx-button wx-primary", type="button")
            button.on("click", send).mark("confirm")
    dialog.on("hide", dialog.delete)
    dialog.open()


def noted() -> None:
    """Say that what was asked for is on record."""
    ui.notify(t("已记录", "It is on record"), type="positive", position="top")


def _lacks(fields: Mapping[str, Any], body: Body, *, reason: str, optional: frozenset[str]) -> bool:
    """Mark what is missing; whether anything is."""
    for one in fields.values():
        one.error = None
    for name, value in body.items():
        if not value and name not in optional and name != reason:
            fields[name].error = t("请填写", "Please fill this in")
            return True
    if reason and len(body[reason]) < LEAST:
        fields[reason].error = t("请写明理由（至少三个字）", "Say why, in three letters or more")
        return True
    return False


def _refused(fields: Mapping[str, Any], said: str) -> None:
    """Show a refusal at the field that it names first, else at the last."""
    named = [(said.find(name), name) for name in fields if name in said]
    if not fields:
        ui.notify(said, type="negative", position="top")
    else:
        fields[min(named)[1] if named else [*fields][-1]].error = said
