"""Lists that page by REST: AG Grid's infinite rows on a desk, cards on a phone.

The browser asks the API itself with the session's cookie, a block at a time; a page never holds
more than two blocks. On a phone the same rows come as cards, a few at a time.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlencode

from nicegui import context, ui

from wuxin.portal.screens.client import Client
from wuxin.portal.screens.parts import empty, evidence_mark, level, state
from wuxin.portal.screens.words import LEVELS, UNITS, language, level_word, t

BLOCK: Final = 100
"""Rows per request; AG Grid keeps two blocks, so that a page holds at most 200 rows."""

CARDS: Final = 20
"""Cards per request on a phone."""

_ROW, _HEAD = 42, 40

Kind = Literal[
    "text",
    "name",
    "number",
    "time",
    "kind",
    "parent",
    "said",
    "sentences",
    "level",
    "evidence",
    "chip",
    "lasting",
    "silence",
]
_NUMBER: Final = (
    "(p) => p.value == null ? '' : p.value.toLocaleString('en-US', {maximumSignificantDigits: 6})"
)
Opened = Callable[[dict[str, Any]], Awaitable[None] | None]

LOCALE_ZH: Final[dict[str, str]] = {
    "loadingOoo": "正在加载…", "noRowsToShow": "没有数据", "loadingError": "加载失败",
    "page": "页", "to": "至", "of": "共", "next": "下一页", "previous": "上一页",
    "first": "首页", "last": "末页", "more": "更多", "pinColumn": "固定列",
    "pinLeft": "固定在左", "pinRight": "固定在右", "noPin": "不固定", "sortAscending": "升序",
    "sortDescending": "降序", "sortUnSort": "取消排序", "chooseColumns": "选择列",
    "columnFilter": "列筛选", "columnChooser": "选择列", "autosizeThisColumn": "自动调整本列宽",
    "autosizeAllColumns": "自动调整全部列宽", "resetColumns": "恢复默认列", "copy": "复制",
    "filterOoo": "筛选…", "searchOoo": "搜索…", "selectAll": "全选", "blanks": "空白",
    "equals": "等于", "notEqual": "不等于", "contains": "包含", "notContains": "不包含",
    "startsWith": "开头是", "endsWith": "结尾是", "applyFilter": "应用", "resetFilter": "重置",
    "clearFilter": "清除", "cancelFilter": "取消", "true": "是", "false": "否",
    "ariaColumn": "列", "ariaRowSelect": "按空格选择此行", "ariaSortableColumn": "按回车排序",
    "ariaInputEditor": "输入框", "ariaDateFilterInput": "日期筛选", "ariaHidden": "隐藏",
    "ariaVisible": "可见", "ariaRowToggleSelection": "按空格切换选择",
    "ariaLabelColumnMenu": "列菜单", "ariaLabelColumnFilter": "列筛选",
    "ariaLabelCellEditor": "单元格编辑", "ariaLabelTooltip": "提示", "ariaLabelLoading": "加载中",
}  # fmt: skip
"""AG Grid's own words in Chinese; it ships English only."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the field of the row, its heading in both languages, and how it is written.

    A column without a width shares what is left. ``said`` has the words for what the field holds:
    for a parent (``kind:id``) those of its kind.
    """

    field: str
    zh: str
    en: str
    kind: Kind = "text"
    width: int = 0
    shown: bool = True
    said: Mapping[str, str] | None = None

    @property
    def heading(self) -> str:
        """The heading in the visitor's language."""
        return t(self.zh, self.en)


class Listing:
    """A list of rows from the API, as a grid or as cards.

    Args:
        name: names the list where the visitor's choice of columns is kept.
        path: of the API, which answers ``total`` and ``rows``.
        columns: what the grid shows.
        card: draws one row as a card on a phone.
        opened: called with the row that was clicked, or on which Enter was pressed.
    """

    def __init__(
        self, name: str, path: str, *, columns: Sequence[Column],
        card: Callable[[dict[str, Any]], None], opened: Opened,
    ) -> None:  # fmt: skip
        self._name, self._path, self._columns = name, path, columns
        self._card, self._opened = card, opened
        self._asked: dict[str, str] = {}
        self._hidden = self._kept()
        self._total = 0
        self._grid: ui.aggrid | None = None
        self._cards: ui.column | None = None
        self._place = ui.element("div").classes("w-full")
        self._event = f"open-{name}"
        ui.on(self._event, lambda e: self._opened(e.args))

    async def show(self, asked: Mapping[str, str]) -> int:
        """Show the rows for these parameters of the API; returns how many there are."""
        self._asked = {k: v for k, v in asked.items() if v}
        first = await Client.of().get(self._path, **{**self._asked, "limit": 1})
        self._total = int(first["total"])
        self._place.clear()
        self._grid = self._cards = None
        with self._place:
            if not self._total:
                empty(
                    t("没有符合条件的记录", "Nothing matches"),
                    t("放宽或清除筛选条件再看。", "Widen or clear the filters."),
                )
            elif await phone():
                await self._draw_cards()
            else:
                self._draw_grid()
        return self._total

    async def refresh(self) -> int:
        """Ask for the rows again, as new ones may have come; returns how many there are."""
        first = await Client.of().get(self._path, **{**self._asked, "limit": 1})
        total, before = int(first["total"]), self._total
        if self._grid is None or not before or not total:
            return before if total == before else await self.show(self._asked)
        self._total = total
        self._grid.style(f"height: {self._height}px")
        self._grid.run_grid_method("refreshInfiniteCache")
        return total

    @property
    def _height(self) -> int:
        return min(self._total, 14) * _ROW + _HEAD + 4

    def settings(self) -> None:
        """The menu of columns to show."""
        with (
            ui.button(icon="view_column").props("flat dense round").classes("max-sm:hidden")
            .props(f"aria-label='{t('显示哪些列', 'Columns to show')}'"),
            ui.menu(),
            ui.column().classes("p-3 gap-0"),
        ):  # fmt: skip
            for column in self._columns:
                ui.checkbox(
                    column.heading, value=column.field not in self._hidden,
                    on_change=lambda e, c=column.field: self._choose(c, shown=e.value),
                ).props("dense").classes("py-1")  # fmt: skip

    @property
    def _cookie(self) -> str:
        return f"wuxin_hidden_{self._name}"

    def _kept(self) -> set[str]:
        kept = context.client.request.cookies.get(self._cookie)
        if kept is None:
            return {c.field for c in self._columns if not c.shown}
        return set(kept.split("."))

    def _choose(self, field: str, *, shown: bool) -> None:
        (self._hidden.discard if shown else self._hidden.add)(field)
        kept = f"{self._cookie}={'.'.join(sorted(self._hidden))};path=/;max-age=31536000"
        ui.run_javascript(f"document.cookie = {json.dumps(kept + ';samesite=lax')}")
        if self._grid:
            self._grid.run_grid_method("setColumnsVisible", [field], shown)

    def _draw_grid(self) -> None:
        zone = str(context.client.storage.get("zone") or "UTC")
        event = self._event
        given = options(self._columns, zone, source=self._source(), hidden=self._hidden)
        given[":onRowClicked"] = f"(e) => e.data && emitEvent('{event}', e.data)"
        given[":onCellKeyDown"] = (
            f"(e) => e.event.key === 'Enter' && e.data && emitEvent('{event}', e.data)"
        )
        self._grid = (
            ui.aggrid(given, auto_size_columns=False)
            .classes("w-full wx-list")
            .style(f"height: {self._height}px")
            .mark(self._name)
        )

    def _source(self) -> str:
        query = urlencode({k.rstrip("_"): v for k, v in self._asked.items()})
        return f"{self._path}?{query}"

    async def _draw_cards(self) -> None:
        self._cards = ui.column().classes("w-full gap-3").mark(self._name)
        await self._more(0)

    async def _more(self, start: int) -> None:
        given = {**self._asked, "offset": start, "limit": CARDS}
        rows = (await Client.of().get(self._path, **given))["rows"]
        assert self._cards is not None
        with self._cards:
            for row in rows:
                with (
                    ui.element("div").classes("wx-card w-full cursor-pointer wx-row")
                    .props("role=button tabindex=0")
                    .on("click", lambda _, r=row: self._opened(r))
                    .on("keydown.enter", lambda _, r=row: self._opened(r))
                ):  # fmt: skip
                    self._card(row)
            shown = start + len(rows)
            if rows and shown < self._total:
                left = self._total - shown
                button = ui.button(t(f"再看 {min(left, CARDS)} 条", f"{min(left, CARDS)} more"))
                button.props("flat no-caps").classes("w-full")
                button.on_click(lambda: self._next(button, shown))

    async def _next(self, button: ui.button, start: int) -> None:
        button.delete()
        await self._more(start)


def options(
    columns: Sequence[Column], zone: str, *, source: str, hidden: set[str]
) -> dict[str, Any]:
    """Options of an AG Grid whose rows come from the API, block by block.

    Args:
        columns: what is shown.
        zone: IANA time zone in which times are written.
        source: path and query of the API.
        hidden: fields of columns that are not shown.
    """
    return {
        "rowModelType": "infinite", "cacheBlockSize": BLOCK, "maxBlocksInCache": 2,
        "infiniteInitialRowCount": 1, "rowHeight": _ROW, "headerHeight": _HEAD,
        "suppressCellFocus": False, "enableCellTextSelection": True, "ensureDomOrder": True,
        "defaultColDef": {"sortable": False, "resizable": True, "suppressHeaderMenuButton": True,
                          "suppressMovable": False},
        "localeText": LOCALE_ZH if language() == "zh" else {},
        "columnDefs": [
            {
                "field": c.field, "colId": c.field, "headerName": c.heading,
                "hide": c.field in hidden, **_width(c), **_written(c, zone=zone),
            }
            for c in columns
        ],
        "datasource": {":getRows": _get_rows(source)},
    }  # fmt: skip


_PATIENCE_S: Final = 15.0
"""How long a browser may take to answer (s): a slow one is still loading its first page."""


async def phone() -> bool:
    """Whether the visitor's window is as narrow as a phone's."""
    await context.client.connected()
    asked = "matchMedia('(max-width: 640px)').matches"
    return bool(await ui.run_javascript(asked, timeout=_PATIENCE_S))


def _width(column: Column) -> dict[str, Any]:
    return {"width": column.width} if column.width else {"flex": 1, "minWidth": 180}


def _written(column: Column, *, zone: str) -> dict[str, Any]:
    """How a kind of column writes its values."""
    said = json.dumps(dict(column.said or {}), ensure_ascii=False)
    chips = json.dumps({name: level(name) for name in LEVELS}, ensure_ascii=False)
    none = json.dumps(f'<span class="wx-muted">{level_word("")}</span>', ensure_ascii=False)
    sentences = f"p.data[p.colDef.field].map((s) => s.{language()}).join('; ')"
    words = (column.said or {}).items()
    states = json.dumps({name: state(word) for name, word in words}, ensure_ascii=False)
    mark = json.dumps(evidence_mark("#"), ensure_ascii=False)
    known: dict[Kind, dict[str, Any]] = {
        "text": {},
        "name": {"cellStyle": {"fontWeight": 600}},
        "number": {"type": "rightAligned", ":valueFormatter": _NUMBER},
        "time": {":valueFormatter": _time(zone)},
        "said": {":valueFormatter": f"(p) => ({said})[p.value] ?? p.value ?? ''"},
        "parent": {":valueFormatter": _parent(said)},
        "kind": {":valueGetter": f"(p) => p.data && p.data.{language()}"},
        "sentences": {":valueGetter": f"(p) => p.data && {sentences}"},
        "level": {":cellRenderer": f"(p) => p.data ? ({chips})[p.value] ?? {none} : ''"},
        "silence": {":valueFormatter": _silence()},
        "chip": {":cellRenderer": f"(p) => p.value ? ({states})[p.value] ?? p.value : ''"},
        "evidence": {":cellRenderer": f"(p) => p.value ? ({mark}).replace('#', p.value) : ''"},
    }
    return known[column.kind]


def _parent(said: str) -> str:
    """The function that writes ``kind:id`` with the words of the kind."""
    return (
        "(p) => { if (!p.value) return ''; const at = p.value.indexOf(':');"
        f" const kind = p.value.slice(0, at); return (({said})[kind] ?? kind) + ' '"
        " + p.value.slice(at + 1); }"
    )


def _silence() -> str:
    """The function that writes a silence and what is allowed as `words.lasting` does."""
    units = json.dumps([[size, t(zh, en)] for size, zh, en in UNITS], ensure_ascii=False)
    return (
        "(p) => { if (!p.data) return ''; const lasting = (left) => { if (left == null) return '—';"
        f" const parts = []; for (const [size, name] of {units}) {{"
        " const n = Math.floor(left / size); left %= size;"
        " if (n || (size === 1 && !parts.length)) parts.push(n.toLocaleString('en') + ' ' + name);"
        " } return parts.slice(0, 2).join(' '); };"
        " return lasting(p.value) + ' / ' + lasting(p.data.allowed_s); }"
    )


def _time(zone: str) -> str:
    """The function that writes a time as `words.minute` does."""
    if language() == "zh":
        form, told = "sv-SE", "dateStyle: 'short', timeStyle: 'short'"
    else:
        form = "en-GB"
        told = "day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit'"
    write = f"new Intl.DateTimeFormat('{form}', {{timeZone: {json.dumps(zone)}, {told}}})"
    write += ".format(new Date(p.value)).replace(',', '').replace('Sept', 'Sep')"
    return f"(p) => p.value ? {write} : (p.data ? '—' : '')"


def _get_rows(source: str) -> str:
    """The function with which AG Grid asks for a block of rows."""
    return f"""async (p) => {{
      const url = new URL({json.dumps(source)}, location.origin);
      url.searchParams.set('offset', p.startRow);
      url.searchParams.set('limit', p.endRow - p.startRow);
      try {{
        const answer = await fetch(url, {{credentials: 'same-origin'}});
        if (answer.status === 401) return location.assign('/sign-in');
        if (!answer.ok) throw new Error(answer.status);
        const page = await answer.json();
        p.successCallback(page.rows, page.total);
      }} catch (wrong) {{ p.failCallback(); }}
    }}"""
