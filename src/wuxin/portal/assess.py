"""What `wuxin assess` prints: a table of periods, the flags and what is missing; or all as JSON."""

from decimal import Decimal
from typing import Any, Final, Literal

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from wuxin.risk.statement_figures import Figures, Largest
from wuxin.risk.statement_flags import Assessment, Flag
from wuxin.risk.statement_rules import percent
from wuxin.terms.money import plain
from wuxin.terms.records import Words

Language = Literal["zh", "en"]

_ROWS: Final = (
    Words("收入", "revenue"), Words("同比", "on year"),
    Words("环比", "on period"), Words("毛利率", "gross"), Words("净利率", "net"),
    Words("经营现金/收入", "op. cash/revenue"), Words("现金", "cash"), Words("可用月数", "months"),
    Words("资产负债率", "leverage"), Words("最大客户", "top customer"),
    Words("最大渠道", "top channel"),
)  # fmt: skip
_SAID: Final = {
    "flags": Words("提示", "Flags"),
    "earlier": Words("个更早期间", "earlier periods"),
    "past": Words("已不再成立", "No longer so"),
    "none": Words("没有提示", "no flags"),
    "missing": Words("缺失", "Missing"),
    "threshold": Words("阈值", "threshold"),
    "red": Words("红", "red"),
    "amber": Words("黄", "amber"),
    "info": Words("知", "info"),
}
_STYLES: Final = {"red": "bold red", "amber": "yellow", "info": "dim"}
_DASH: Final = "—"
_NAME: Final = 10
_HEADED, _PERIOD = 20, 19
"""Columns of a terminal that the names of figures take, and a period."""


def show(found: Assessment, console: Console, *, language: Language) -> None:
    """Print an assessment for people to read."""
    for figures in found.figures.values():
        console.print(_table(found, figures, width=console.width, language=language))
    console.print(_flags(found, language))
    if found.missing:
        console.print(Text(_word("missing", language), style="bold"))
        for words in found.missing:
            console.print(Text(f"  {getattr(words, language)}"))


def as_json(found: Assessment) -> dict[str, Any]:
    """An assessment as JSON: amounts and shares as strings of decimals, absent ones as null."""
    return {
        "company": found.company,
        "currency": found.currency,
        "periods": [_figures(f) for figures in found.figures.values() for f in figures],
        "flags": [_flag(flag) for flag in found.flags],
        "missing": [{"zh": words.zh, "en": words.en} for words in found.missing],
    }


def _word(name: str, language: Language) -> str:
    return str(getattr(_SAID[name], language))


def _table(
    found: Assessment, figures: tuple[Figures, ...], *, width: int, language: Language
) -> Table:
    """A row for each figure; as many of the latest periods as fit stand beside one another."""
    shown = figures[-max(2, (width - _HEADED) // _PERIOD) :]
    left = len(figures) - len(shown)
    earlier = f" (+{left} {_word('earlier', language)})" if left else ""
    table = Table(title=Text(f"{found.company} · {found.currency}{earlier}"))
    table.add_column("")
    for one in shown:
        table.add_column(str(one.span), justify="right", no_wrap=True)
    for words, cells in zip(_ROWS, zip(*map(_cells, shown), strict=True), strict=True):
        table.add_row(getattr(words, language), *cells)
    return table


def _cells(one: Figures) -> tuple[Text | str, ...]:
    revenue, cash = (one.period.amount(name) for name in ("revenue", "cash"))
    shares = (
        one.growth, one.growth_sequential, one.gross_margin, one.net_margin, one.cash_margin,
    )  # fmt: skip
    return (
        _money(revenue),
        *(_DASH if share is None else percent(share) for share in shares),
        _money(cash),
        _DASH if one.cash_months is None else f"{one.cash_months:,.1f}",
        _DASH if one.leverage is None else percent(one.leverage),
        _largest(one.customer),
        _largest(one.channel),
    )


def _money(amount: Decimal | None) -> str:
    return _DASH if amount is None else f"{amount:,f}"


def _largest(found: Largest | None) -> Text:
    return Text(f"{found.name[:_NAME]} {percent(found.share)}" if found else _DASH)


def _flags(found: Assessment, language: Language) -> Group:
    if not found.flags:
        return Group(Text(_word("none", language)))
    lines = [Text(_word("flags", language), style="bold")]
    lines += [_line(flag, language) for flag in found.flags if flag.current]
    past = [_line(flag, language) for flag in found.flags if not flag.current]
    if past:
        lines += [Text(_word("past", language), style="bold"), *past]
    return Group(*lines)


def _line(flag: Flag, language: Language) -> Text:
    span = flag.since if flag.since == flag.until else f"{flag.since} – {flag.until}"
    line = Text(f"  {_word(flag.level, language)}  ", style=_STYLES[flag.level])
    line.append(f"{span}  {getattr(flag.words, language)}", style="default")
    if flag.threshold is not None:
        line.append(f"  [{_word('threshold', language)} {plain(flag.threshold)}]", style="dim")
    return line


def _figures(one: Figures) -> dict[str, Any]:
    period = one.period
    return {
        "period": str(one.span),
        **{name: str(amount) for name, amount in period.amounts.items()},
        "growth": _ratio(one.growth),
        "growth_sequential": _ratio(one.growth_sequential),
        "gross_margin": _ratio(one.gross_margin),
        "net_margin": _ratio(one.net_margin),
        "operating_cash_margin": _ratio(one.cash_margin),
        "leverage": _ratio(one.leverage),
        "cash_months": _ratio(one.cash_months),
        "top_customer": _top(one.customer),
        "top_channel": _top(one.channel),
    }


def _top(found: Largest | None) -> dict[str, Any] | None:
    return {"name": found.name, "share": _ratio(found.share)} if found else None


def _ratio(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:.6f}"


def _flag(flag: Flag) -> dict[str, Any]:
    return {
        "name": flag.name,
        "level": flag.level,
        "worst": flag.worst,
        "since": flag.since,
        "until": flag.until,
        "current": flag.current,
        "subject": flag.subject or None,
        "figures": {
            name: value if isinstance(value, str) else plain(value)
            for name, value in flag.figures.items()
        },
        "threshold": None if flag.threshold is None else plain(flag.threshold),
        "why": flag.why or None,
        "words": {"zh": flag.words.zh, "en": flag.words.en},
    }
