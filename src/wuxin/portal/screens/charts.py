"""Charts of series: answers of the API become ECharts options and, beside them, a table.

Pure functions; the page hands in the language and the zone in which times are written. A chart
shows the mean as a line, minimum and maximum as a band, and every early warning as a marked span
with a flag on top, whose shape and word say the level as well as its colour.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from statistics import median
from typing import Any, Final

from wuxin.portal.screens.words import LEVELS

LEVEL_COLOUR: Final = {"red": "#d0443b", "amber": "#b3741a", "info": "#6f7f92"}
"""Colour of a level on a chart, to be seen on a white card and on a dark one."""

LEVEL_SYMBOL: Final = {"red": "diamond", "amber": "triangle", "info": "circle"}
"""Shape of a level's flag: a warning is never told by colour alone."""

_LINE: Final = "#3b6ea5"
_QUIET: Final = "#7b8494"
_GRID: Final = "rgba(123,132,148,0.22)"
_GAP: Final = 6.0  # a silence this many times the usual distance breaks the line
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "mean": {"zh": "均值", "en": "Mean"},
    "band": {"zh": "最小至最大", "en": "Minimum to maximum"},
    "warnings": {"zh": "预警", "en": "Warnings"},
    "minimum": {"zh": "最小", "en": "Minimum"},
    "maximum": {"zh": "最大", "en": "Maximum"},
    "readings": {"zh": "读数", "en": "Readings"},
    "marked": {"zh": "其中存疑", "en": "of them marked"},
    "none": {"zh": "该时段没有读数", "en": "no readings in this time"},
}


@dataclass(frozen=True, slots=True)
class Axis:
    """The time axis of a chart, in milliseconds as a reader in the zone writes them."""

    start: int
    end: int
    zone: tzinfo

    def place(self, time: str | int | None) -> int:
        """Where a time stands on the axis: an ISO 8601 text or milliseconds; None is the end."""
        if time is None:
            return self.end
        return min(max(local(time, self.zone), self.start), self.end)


def local(time: str | int, zone: tzinfo) -> int:
    """Milliseconds as ECharts needs them to write a zone's time: UTC plus the zone's offset."""
    moment = (
        datetime.fromtimestamp(time / 1000, zone)
        if isinstance(time, int)
        else datetime.fromisoformat(time).astimezone(zone)
    )
    away = moment.utcoffset() or timedelta()
    return round((moment.timestamp() + away.total_seconds()) * 1000)


def series_options(
    answer: Mapping[str, Any], zone: tzinfo, *, language: str, span: tuple[str, str] = ("", "")
) -> dict[str, Any]:
    """ECharts options of one series.

    Args:
        answer: what ``GET /api/things/…/series/{indicator}`` answers.
        zone: in which times are written.
        language: ``zh`` or ``en``.
        span: event times asked for (ISO 8601, empty where open); the axis ends there.
    """
    axis = axis_of(answer, zone, span=span)
    unit = "" if answer["unit"] == "1" else answer["unit"]
    line = {"axisLine": {"lineStyle": {"color": _QUIET}}, "axisTick": {"show": False}}
    label = {"color": _QUIET, "hideOverlap": True}
    return {
        "useUTC": True,  # times are shifted into the zone by `local`
        "animation": False,
        "aria": {"enabled": True, "label": {"description": describe(answer, language=language)}},
        "grid": {"left": 4, "right": 20, "top": 64, "bottom": 46, "containLabel": True},
        "legend": {"top": 0, "left": 0, "itemHeight": 10, "itemGap": 16,
                   "textStyle": {"color": _QUIET},
                   "data": [{"name": _say(name, language), "icon": icon} for name, icon in
                            (("mean", "inherit"), ("band", "roundRect"), ("warnings", "diamond"))]},
        "tooltip": {"trigger": "axis", "confine": True, ":formatter": _tooltip(language, unit)},
        "dataZoom": [
            {"type": "inside", "filterMode": "none", "zoomOnMouseWheel": "ctrl"},
            {"type": "slider", "height": 16, "bottom": 6, "filterMode": "none",
             "showDetail": False, "borderColor": "transparent", "brushSelect": False},
        ],
        "xAxis": {"type": "time", "min": axis.start, "max": axis.end, **line,
                  "axisLabel": {**label, "formatter": _ticks(language)}},
        "yAxis": [
            {"type": "value", "scale": True,
             "axisLabel": {**label, "formatter": f"{{value}} {unit}".strip()},
             "splitLine": {"lineStyle": {"color": _GRID}}},
            {"type": "value", "min": 0, "max": 1, "show": False},
        ],
        "series": _series(answer, axis, language=language),
    }  # fmt: skip


def axis_of(answer: Mapping[str, Any], zone: tzinfo, *, span: tuple[str, str] = ("", "")) -> Axis:
    """The time axis: from and to as asked, else from the first to the last point."""
    times = [p["t"] for p in answer["points"]] or [0]
    start, end = (local(s, zone) if s else None for s in span)
    start = local(times[0], zone) if start is None else start
    end = local(times[-1], zone) if end is None else end
    return Axis(start, max(end, start + 1000), zone)


def describe(answer: Mapping[str, Any], *, language: str) -> str:
    """A sentence that tells a chart to somebody who cannot see it."""
    points, unit = answer["points"], "" if answer["unit"] == "1" else f" {answer['unit']}"
    if not points:
        return f"{answer[language]}: {_say('none', language)}"
    low, high = min(p["min"] for p in points), max(p["max"] for p in points)
    parts = [
        f"{answer[language]}",
        f"{_say('minimum', language)} {low:g}{unit}",
        f"{_say('maximum', language)} {high:g}{unit}",
        f"{_say('warnings', language)} {len(answer['findings'])}",
    ]
    return ("，" if language == "zh" else ", ").join(parts)


def flags(
    findings: Sequence[Mapping[str, Any]], axis: Axis, *, language: str
) -> list[dict[str, Any]]:
    """One flag per moment and level at which warnings began; warnings that began together count."""
    grouped: dict[tuple[int, str], list[Mapping[str, Any]]] = {}
    for found in findings:
        grouped.setdefault((axis.place(found["from"]), found["level"]), []).append(found)
    return [
        {
            "value": [at, 1],
            "symbol": LEVEL_SYMBOL[level],
            "name": level_name(level, language) + (f" × {len(same)}" if len(same) > 1 else ""),
            "finding": same[0]["finding"],
            "itemStyle": {"color": LEVEL_COLOUR[level]},
            "label": {"color": LEVEL_COLOUR[level]},
        }
        for (at, level), same in sorted(grouped.items())
    ]


def level_name(level: str, language: str) -> str:
    """A level's colour in one word."""
    return LEVELS[level].zh_name if language == "zh" else level.title()


def _series(answer: Mapping[str, Any], axis: Axis, *, language: str) -> list[dict[str, Any]]:
    rows = _broken([
        [local(p["t"], axis.zone), p["mean"], p["min"], p["max"], p["n"], p["marked"]]
        for p in answer["points"]
    ])  # fmt: skip
    band = {"type": "line", "stack": "band", "stackStrategy": "all", "symbol": "none",
            "lineStyle": {"opacity": 0}, "silent": True, "tooltip": {"show": False}}  # fmt: skip
    spread = [None if r[1] is None else r[3] - r[2] for r in rows]
    return [
        {**band, "id": "low", "data": [[r[0], r[2]] for r in rows]},
        {**band, "id": "spread", "name": _say("band", language), "color": _LINE,
         "areaStyle": {"color": _LINE, "opacity": 0.2},
         "data": [[r[0], wide] for r, wide in zip(rows, spread, strict=True)]},
        {"id": "mean", "name": _say("mean", language), "type": "line", "data": rows,
         "color": _LINE, "lineStyle": {"width": 1.6}, "symbol": "circle",
         "symbolSize": 5 if len(rows) < 60 else 0, "showSymbol": len(rows) < 60,
         "markArea": {"silent": True, "data": [
             [{"xAxis": axis.place(f["from"]),
               "itemStyle": {"color": LEVEL_COLOUR[f["level"]], "opacity": 0.1}},
              {"xAxis": axis.place(f["to"])}] for f in answer["findings"]]}},
        {"id": "flags", "name": _say("warnings", language), "type": "scatter", "yAxisIndex": 1,
         "symbolSize": 11, "symbolOffset": [0, -9],
         "color": LEVEL_COLOUR["red"], "clip": False, "cursor": "pointer",
         "data": flags(answer["findings"], axis, language=language),
         "label": {"show": True, "formatter": "{b}", "position": "top", "offset": [0, -7],
                   "fontSize": 11},
         "labelLayout": {"hideOverlap": True}, "tooltip": {"show": False}},
    ]  # fmt: skip


def _broken(rows: list[list[Any]]) -> list[list[Any]]:
    """The rows with an empty one in every silence, so that no line is drawn through it."""
    steps = [b[0] - a[0] for a, b in pairwise(rows)]
    if len(steps) < 30:
        return rows
    usual = median(steps)
    found = rows[:1]
    for step, row in zip(steps, rows[1:], strict=True):
        if step > _GAP * usual:
            found.append([row[0] - step // 2, None, None, None, 0, 0])
        found.append(row)
    return found


def _say(name: str, language: str) -> str:
    return _WORDS[name][language]


def _ticks(language: str) -> dict[str, str]:
    """How ECharts writes the axis of time."""
    if language == "zh":
        return {"year": "{yyyy}年", "month": "{M}月", "day": "{M}月{d}日", "hour": "{HH}:{mm}",
                "minute": "{HH}:{mm}", "second": "{HH}:{mm}:{ss}"}  # fmt: skip
    return {"year": "{yyyy}", "month": "{MMM} {yyyy}", "day": "{d} {MMM}", "hour": "{HH}:{mm}",
            "minute": "{HH}:{mm}", "second": "{HH}:{mm}:{ss}"}  # fmt: skip


def _tooltip(language: str, unit: str) -> str:
    """The function that writes the box under the pointer."""
    said = {name: _say(name, language)
            for name in ("mean", "minimum", "maximum", "readings", "marked")}  # fmt: skip
    locale = "zh-CN" if language == "zh" else "en-GB"
    return f"""(parts) => {{
      const part = parts.find((p) => p.seriesId === 'mean');
      if (!part || part.data[1] === null) return '';
      const w = {json.dumps(said, ensure_ascii=False)}, u = {json.dumps(" " + unit)};
      const [t, mean, low, high, n, marked] = part.data;
      const f = (x) => x.toLocaleString('{locale}', {{maximumSignificantDigits: 6}}) + u;
      const when = new Date(t).toLocaleString('{locale}',
        {{timeZone: 'UTC', dateStyle: 'medium', timeStyle: 'short'}});
      const line = (k, v) => `<div style="display:flex;gap:16px;justify-content:space-between">`
        + `<span>${{k}}</span><b style="font-variant-numeric:tabular-nums">${{v}}</b></div>`;
      const few = n === 1 ? '' : line(w.minimum, f(low)) + line(w.maximum, f(high))
        + line(w.readings, n);
      return when + line(w.mean, f(mean)) + few + (marked ? line(w.marked, marked) : '');
    }}"""
