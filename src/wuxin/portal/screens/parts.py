"""What pages are made of: cards, figures, levels, tables, timelines, facts and designed states."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from nicegui import ui

from wuxin.portal.screens.client import Problem
from wuxin.portal.screens.words import LEVELS, MINUS, level_word, percent, t

_NONE: Final = "check_circle"


def tag(name: str, text: str = "", /, *, classes: str = "", **attributes: str) -> ui.element:
    """An HTML element with a text, which is escaped; ``aria_label`` becomes ``aria-label``."""
    made = ui.element(name).classes(classes)
    for key, value in attributes.items():
        made.props[key.rstrip("_").replace("_", "-")] = value
    if text:
        with made:
            raw(escape(text), "span")
    return made


def raw(markup: str, name: str = "div") -> ui.html:
    """Markup of our own whose figures and names are escaped already."""
    return ui.html(markup, sanitize=False, tag=name)


def link(text: str, href: str, *, classes: str = "") -> ui.element:
    """A link within the house."""
    return tag("a", text, classes=classes, href=href)


def icon(name: str) -> str:
    """Markup of a Material icon that readers of the screen are not told."""
    return f'<i class="material-icons" aria-hidden="true">{escape(name)}</i>'


@contextmanager
def grid(columns: str = "grid-cols-1 lg:grid-cols-2") -> Iterator[ui.element]:
    """Cards side by side where there is room."""
    with ui.element("div").classes(f"wx-grid {columns} mb-4") as made:
        yield made


@contextmanager
def card(title: str = "", *, end: str = "", classes: str = "") -> Iterator[ui.element]:
    """A card with its heading; ``end`` is markup on the right of it."""
    with ui.element("section").classes(f"wx-card {classes}") as made:
        if title:
            closing = f'<span class="wx-end wx-muted wx-small">{end}</span>' if end else ""
            raw(f"<h2>{escape(title)}</h2>{closing}").classes("wx-card-head")
        yield made


def level(name: str | None) -> str:
    """Markup of an early-warning level: icon, word and colour together."""
    known = LEVELS.get(name or "")
    shade = f"wx-{name}" if known else ""
    sign = icon(known.icon if known else _NONE)
    return f'<span class="wx-level {shade}">{sign}{escape(level_word(name or ""))}</span>'


def state(text: str) -> str:
    """Markup of a state that is no warning level."""
    return f'<span class="wx-state">{escape(text)}</span>'


def evidence_mark(record: str | None, *, words: bool = False) -> str:
    """Markup of the button that opens the evidence of a record; nothing where there is none."""
    if not record:
        return ""
    name = t("查看存证", "View evidence")
    return (
        f'<button type="button" class="wx-evidence" data-evidence="{escape(record)}" '
        f'title="{name}" aria-label="{name}">{icon("verified_user")}'
        f"{name if words else ''}</button>"
    )


def figure(name: str, value: str, *, note: str = "", end: str = "", before: str = "") -> None:
    """One number with its name before it and a note below; all but name and value are markup."""
    none = " wx-none" if value.startswith("—") else ""
    raw(
        f'<div class="wx-figure-name">{before}{escape(name)}{end}</div>'
        f'<div class="wx-figure-value{none}">{escape(value)}</div>'
        f'<div class="wx-figure-note">{note}</div>'
    ).classes("wx-figure")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading, and whether it holds numbers or names the row."""

    name: str
    numeric: bool = False
    lead: bool = False


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]], *, name: str) -> None:
    """A short table of markup cells (at most about 50 rows); on a phone each row is a card."""
    heads = "".join(
        f'<th scope="col"{_class(c, heading=True)}>{escape(c.name)}</th>' for c in columns
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td{_class(c)} data-label="{escape(c.name)}"><span>{cell}</span></td>'
            for c, cell in zip(columns, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    raw(
        f'<table class="wx-table" aria-label="{escape(name)}"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    ).classes("wx-scroll")


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Markup of names and values, one pair a line; values are markup."""
    lines = "".join(f"<dt>{escape(k)}</dt><dd>{v}</dd>" for k, v in pairs)
    return f'<dl class="wx-facts">{lines}</dl>'


def timeline(entries: Iterable[tuple[str, str]]) -> None:
    """What happened, newest first: when (text) and what (markup)."""
    items = "".join(
        f'<li class="{"wx-now" if n == 0 else ""}"><div class="wx-muted wx-small">{escape(when)}'
        f"</div><div>{what}</div></li>"
        for n, (when, what) in enumerate(entries)
    )
    raw(f'<ol class="wx-time">{items}</ol>')


def empty(title: str, hint: str = "", *, sign: str = "inbox", heading: str = "strong") -> None:
    """The state of a place that has nothing to show yet, and what would fill it."""
    with ui.element("div").classes("wx-empty"):
        ui.icon(sign)
        tag(heading, title)
        if hint:
            tag("div", hint)


def loading() -> ui.element:
    """The state of a place whose content is on its way."""
    with ui.element("div").classes("wx-empty").props("role=status") as made:
        ui.spinner(size="28px")
        tag("div", t("正在加载…", "Loading…"))
    return made


def refused(problem: Problem | None = None, *, heading: str = "strong") -> None:
    """The state of a page or drawer that the API refused, by what was wrong."""
    status = problem.status if problem else 500
    known = {
        401: ("lock", t("登录已过期", "You have been signed out"),
              t("请重新登录后继续。", "Sign in again to go on.")),
        403: ("block", t("没有权限", "No permission"),
              t("您的角色不能查看此内容；如需要，请联系管理员。",
                "Your role may not see this; ask your administrator if you need to.")),
        404: ("search_off", t("没有找到", "Not found"),
              t("它不存在，或不在您可见的范围内。", "It does not exist, or you may not see it.")),
    }  # fmt: skip
    sign, title, hint = known.get(
        status,
        ("error_outline", t("暂时无法显示", "This cannot be shown right now"),
         t("数据没有丢失。请稍后重试。", "Nothing is lost. Please try again shortly.")),
    )  # fmt: skip
    empty(title, hint, sign=sign, heading=heading)
    if problem and problem.detail:
        tag("div", problem.detail, classes="wx-muted wx-small text-center")


def _class(column: Column, *, heading: bool = False) -> str:
    names = [n for n, on in (("wx-num", column.numeric), ("wx-lead", column.lead)) if on]
    if heading and names == ["wx-lead"]:
        names = []
    return f' class="{" ".join(names)}"' if names else ""


def text(value: Any) -> str:
    """A value as escaped markup."""
    return escape(str(value))


def change(moved: str, *, since: str = "") -> str:
    """Markup of a change: an arrow, the amount with its sign, and since when."""
    below, still = MINUS in moved, not any(digit in moved for digit in "123456789")
    head, _, amount = moved.rpartition(" ")
    signed = moved if below or still else f"{head} +{amount}".strip()
    arrow = "" if still else icon("south" if below else "north") + " "
    told = f' <span class="wx-muted">{escape(since)}</span>' if since else ""
    return f'<span class="wx-change">{arrow}{escape(signed)}</span>{told}'


def gauge(share: Any, *, target: Any, maximum: Any) -> str:
    """Markup of a small bar: loan to value against target and maximum; it says so in words too."""
    if share is None:
        return ""
    top = max(1.0, float(share), float(maximum))
    said = t(f"目标 {percent(target, 0)}，上限 {percent(maximum, 0)}",
             f"target {percent(target, 0)}, maximum {percent(maximum, 0)}")  # fmt: skip
    over = " wx-over" if float(share) > float(maximum) else ""
    return (
        f'<span class="wx-gauge{over}" role="img" aria-label="{said}" title="{said}">'
        f'<i style="width:{float(share) / top:.1%}"></i>'
        f'<u style="left:{float(target) / top:.1%}"></u>'
        f'<b style="left:{float(maximum) / top:.1%}"></b></span>'
    )
