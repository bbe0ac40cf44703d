"""The chart of a facility: value, lendable value, exposure and loan to value through time."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final

from wuxin.portal.screens.charts import local
from wuxin.portal.screens.words import language, money, percent, t, word

_QUIET: Final = "#7b8494"
_GRID: Final = "rgba(123,132,148,0.22)"
_LINES: Final = (
    ("value", "#2f6fb7", "solid"),
    ("lendable_value", "#3d8f86", "dashed"),
    ("exposure", "#8a63b5", "solid"),
)
_SHARE: Final = "#a0693a"
_CALL: Final = "path://M0,0 L10,0 L10,7 L6,7 L5,10 L4,7 L0,7 Z"


def options(found: Mapping[str, Any], zone: tzinfo) -> dict[str, Any]:
    """ECharts options of a facility as the API answers it; money as steps, since it stands."""
    values = found["values"]
    label = {"color": _QUIET, "hideOverlap": True}
    names = [word(name) for name, _, _ in _LINES]
    share = word("loan_to_value")
    times = [local(v["at"], zone) for v in values]
    time = {"type": "time", "axisLine": {"lineStyle": {"color": _QUIET}},
            "axisTick": {"show": False}, "min": times[0],
            "max": times[-1] + max(3_600_000, (times[-1] - times[0]) // 40)}  # fmt: skip
    sides = {"left": 60, "right": 72, "outerBoundsMode": "none"}
    named = {"nameGap": 10, "nameTextStyle": {"color": _QUIET, "align": "left"}}
    return {
        "useUTC": True,  # times are shifted into the zone by `local`
        "animation": False,
        "aria": {"enabled": True, "label": {"description": describe(found)}},
        "grid": [
            {**sides, "top": 64, "height": "46%"},
            {**sides, "bottom": 26, "height": "26%"},
        ],
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "legend": {"top": 0, "left": 0, "itemGap": 16, "itemHeight": 10,
                   "textStyle": {"color": _QUIET}, "data": [*names, share]},
        "tooltip": {"trigger": "axis", "confine": True, ":formatter": _tooltip(found["currency"])},
        "xAxis": [
            {**time, "axisLabel": {"show": False}},
            {**time, "gridIndex": 1, "axisLabel": {**label, "formatter": _ticks()}},
        ],
        "yAxis": [
            {"type": "value", "min": 0,
             "axisLabel": {**label, ":formatter": _short()},
             "splitLine": {"lineStyle": {"color": _GRID}}},
            {"type": "value", "gridIndex": 1, "min": 0, "name": share, **named,
             "max": _top(found), "interval": 0.25,
             "axisLabel": {**label, ":formatter": "(x) => Math.round(x * 100) + '%'"},
             "splitLine": {"lineStyle": {"color": _GRID}}},
        ],
        "series": [
            *(_money(values, name, zone=zone, look=(colour, style))
              for name, colour, style in _LINES),
            _ratio(found, zone),
        ],
    }  # fmt: skip


def _top(found: Mapping[str, Any]) -> float:
    """The top of the axis of shares: room above maximum and highest point for the calls' flags."""
    shares = [float(v["loan_to_value"] or 0) for v in found["values"]]
    return math.ceil(max([float(found["maximum"]), *shares]) * 5) / 4


def describe(found: Mapping[str, Any]) -> str:
    """A sentence that tells the chart to somebody who cannot see it."""
    valued = [v for v in found["values"] if v.get("value") is not None]
    if not valued:
        return t("尚未估值", "not valued yet")
    first, last, currency = valued[0], valued[-1], found["currency"]
    calls = sum(a["kind"] == "margin_call" for a in found["acts"])
    return t(
        f"押品价值由 {money(first['value'], currency)} 变为 {money(last['value'], currency)}，"
        f"质押率由 {percent(first['loan_to_value'])} 变为 {percent(last['loan_to_value'])}，"
        f"追加保证金通知 {calls} 次",
        f"collateral value from {money(first['value'], currency)} to "
        f"{money(last['value'], currency)}, loan to value from {percent(first['loan_to_value'])} "
        f"to {percent(last['loan_to_value'])}, {calls} margin calls",
    )


def _money(
    values: Sequence[Mapping[str, Any]], name: str, *, zone: tzinfo, look: tuple[str, str]
) -> dict[str, Any]:
    colour, style = look
    return {
        "id": name, "name": word(name), "type": "line", "step": "end", "color": colour,
        "symbol": "circle", "symbolSize": 5, "showSymbol": len(values) < 60,
        "lineStyle": {"width": 2, "type": style},
        "data": [[local(v["at"], zone), _number(v.get(name))] for v in values],
    }  # fmt: skip


def _ratio(found: Mapping[str, Any], zone: tzinfo) -> dict[str, Any]:
    marks = [
        {"yAxis": float(found[name]), "lineStyle": {"type": style},
         "label": {"formatter": f"{said} {percent(found[name], 0)}"}}
        for name, said, style in (
            ("maximum", t("上限", "max."), "solid"), ("target", t("目标", "target"), "dashed"))
    ]  # fmt: skip
    calls = [
        {"coord": [local(a["at"], zone), _number(a["figures"].get("loan_to_value"))],
         "value": a["figures"].get("call", ""),
         "name": f"{word('margin_call')} {a['figures'].get('call', '')}"}
        for a in found["acts"] if a["kind"] == "margin_call"
    ]  # fmt: skip
    return {
        "id": "loan_to_value", "name": word("loan_to_value"), "type": "line", "step": "end",
        "xAxisIndex": 1, "yAxisIndex": 1, "color": _SHARE, "symbol": "none",
        "lineStyle": {"width": 2},
        "data": [[local(v["at"], zone), _share(v)] for v in found["values"]],
        "markLine": {"silent": True, "symbol": "none", "data": marks,
                     "lineStyle": {"color": _SHARE, "opacity": 0.75},
                     "label": {"position": "end", "color": _QUIET, "fontSize": 11}},
        "markPoint": {"symbol": _CALL, "symbolSize": [22, 22], "symbolOffset": [0, "-60%"],
                      "itemStyle": {"color": _SHARE}, "data": calls,
                      "label": {"color": "#fff", "fontWeight": "bold", "offset": [0, -3]}},
    }  # fmt: skip


def _share(valued: Mapping[str, Any]) -> float | None:
    """Loan to value; none where no collateral is left to compare with."""
    return _number(valued["loan_to_value"]) if _number(valued.get("value")) else None


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _short() -> str:
    """How the axis of money is written: 万 and 亿, or k and M."""
    locale, steps = ("zh-CN", ((1e8, " 亿"), (1e4, " 万"))) if language() == "zh" else (
        "en", ((1e6, " M"), (1e4, " k"))
    )  # fmt: skip
    cases = "".join(
        f"x >= {least} ? (x / {1000 if sign == ' k' else least}).toLocaleString('{locale}')"
        f" + '{sign}' : "
        for least, sign in steps
    )
    return f"(x) => {cases}x.toLocaleString('{locale}')"


def _ticks() -> dict[str, str]:
    if language() == "zh":
        return {"year": "{yyyy}年", "month": "{yyyy}年{M}月", "day": "{M}月{d}日"}
    return {"year": "{yyyy}", "month": "{MMM} {yyyy}", "day": "{d} {MMM}"}


def _tooltip(currency: str) -> str:
    """The function that writes the box under the pointer."""
    locale = "zh-CN" if language() == "zh" else "en-GB"
    none = t("无数据", "none")
    return f"""(parts) => {{
      const money = (x) => {json.dumps(currency + " ")} + x.toLocaleString('{locale}',
        {{minimumFractionDigits: 2, maximumFractionDigits: 2}});
      const share = (x) => (x * 100).toFixed(2) + '%';
      const when = new Date(parts[0].data[0]).toLocaleString('{locale}',
        {{timeZone: 'UTC', dateStyle: 'medium', timeStyle: 'short'}});
      const line = (p) => p.marker + ' ' + p.seriesName + '&emsp;<b style="float:right">'
        + (p.data[1] === null ? {json.dumps(none, ensure_ascii=False)}
           : p.seriesId === 'loan_to_value' ? share(p.data[1]) : money(p.data[1])) + '</b>';
      return when + '<br>' + parts.map(line).join('<br>');
    }}"""
