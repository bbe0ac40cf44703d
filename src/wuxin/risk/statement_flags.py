"""The assessment of statements: figures of every period, flags with their span, what is missing."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec

from wuxin.risk.statement_figures import Book, Figures
from wuxin.risk.statement_rules import RULES, Hit
from wuxin.risk.statements import AMOUNTS, BREAKDOWNS, Grain, Notice, Period, Span, Statements
from wuxin.terms.records import LEVELS, Level, Words

SHARES_UP_TO: Final = Decimal("1.02")
"""A breakdown that sums to this at most, of a revenue far above it, was written in shares."""

_SMALL: Final = 100

NAMES: Final[Mapping[str, Words]] = {
    "revenue": Words("收入", "revenue"),
    "gross_profit": Words("毛利", "gross profit"),
    "net_income": Words("净利润", "net income"),
    "operating_cash_flow": Words("经营现金流", "operating cash flow"),
    "cash": Words("现金", "cash"),
    "receivables": Words("应收账款", "receivables"),
    "inventory": Words("存货", "inventory"),
    "total_assets": Words("总资产", "total assets"),
    "total_liabilities": Words("总负债", "total liabilities"),
    "revenue_by_customer": Words("分客户收入", "revenue by customer"),
    "revenue_by_channel": Words("分渠道收入", "revenue by channel"),
}


class Flag(msgspec.Struct, frozen=True):
    """One finding: from when, until when, with the figures and threshold of its last period.

    ``current`` tells that it holds in the latest period. ``level`` is that of the last period in
    which it held, ``worst`` the highest of all.
    """

    name: str
    level: Level
    worst: Level
    since: str
    until: str
    current: bool
    subject: str
    figures: Mapping[str, Decimal | str]
    threshold: Decimal | None
    why: str
    words: Words


class Assessment(msgspec.Struct, frozen=True):
    """All that can be said of one company's statements; ``figures`` is by grain, in order."""

    company: str
    currency: str
    figures: Mapping[Grain, tuple[Figures, ...]]
    flags: tuple[Flag, ...]
    missing: tuple[Words, ...]


@cache
def thresholds() -> Mapping[str, Mapping[str, Any]]:
    """The table of thresholds with their reasons; numbers are decimals."""
    text = files("wuxin.risk").joinpath("statements.toml").read_text("utf-8")
    table = tomllib.loads(text, parse_float=Decimal)
    return {
        name: {k: Decimal(v) if isinstance(v, int) else v for k, v in limits.items()}
        for name, limits in table.items()
    }


def assess(statements: Statements) -> Assessment:
    """Assess a company's statements: every rule in every period, each grain for itself."""
    limits = thresholds()
    flags = [_notice(notice) for notice in statements.notices]
    figures: dict[Grain, tuple[Figures, ...]] = {}
    missing: list[Words] = []
    for grain, periods in statements.series.items():
        whole = [_in_amounts(period, flags) for period in periods]
        book = Book(whole, limits["names"]["rest"])
        figures[grain] = tuple(book.figures)
        flags += [f for period in whole for f in _contradictions(period, limits["breakdown"])]
        for name in RULES:
            flags += _found(book, name, limits=limits[name])
        missing += _missing(book)
        missing += _short_past(book, limits["trend_break"]["least"])
    flags.sort(key=lambda flag: (not flag.current, LEVELS.index(flag.level), flag.until, flag.name))
    return Assessment(
        statements.company, statements.currency, figures, tuple(flags), tuple(missing)
    )


def _found(book: Book, name: str, *, limits: Mapping[str, Any]) -> Iterator[Flag]:
    """The flags of one rule: hits in periods that follow each other are one flag."""
    runs: dict[str, list[tuple[Span, Hit]]] = {}
    ended: list[list[tuple[Span, Hit]]] = []
    for figures in book.figures:
        hits = {hit.subject: hit for hit in RULES[name](book, figures, limits=limits)}
        ended += [runs.pop(subject) for subject in [*runs] if subject not in hits]
        for subject, hit in hits.items():
            runs.setdefault(subject, []).append((figures.span, hit))
    latest = book.figures[-1].span
    for run in [*ended, *runs.values()]:
        until, last = run[-1]
        levels = [hit.level for _, hit in run]
        yield Flag(
            name=name,
            level=last.level,
            worst=min(levels, key=LEVELS.index),
            since=str(run[0][0]),
            until=str(until),
            current=until == latest,
            subject=last.subject,
            figures=last.figures,
            threshold=last.threshold,
            why=limits["why"],
            words=last.words,
        )


def _of_period(name: str, period: str, *, words: Words, level: Level) -> Flag:
    return Flag(name, level, level, period, period, True, "", {}, None, "", words)  # noqa: FBT003


def _notice(notice: Notice) -> Flag:
    level: Level = "amber" if notice.name in {"restated", "gap"} else "info"
    return _of_period(notice.name, notice.period, words=notice.words, level=level)


def _in_amounts(period: Period, flags: list[Flag]) -> Period:
    """A period whose breakdowns are amounts; those written in shares are told and multiplied."""
    revenue = period.amount("revenue")
    breakdowns = dict(period.breakdowns)
    for name, parts in period.breakdowns.items():
        small = sum(parts.values(), Decimal(0)) <= SHARES_UP_TO
        if revenue is None or revenue <= _SMALL or not small or not any(parts.values()):
            continue
        breakdowns[name] = {k: v * revenue for k, v in parts.items()}
        words = Words(
            f"{period.span}{NAMES[name].zh}按占比处理",
            f"{NAMES[name].en} of {period.span} is taken as shares, not amounts",
        )
        flags.append(_of_period("taken_as_shares", str(period.span), words=words, level="info"))
    return msgspec.structs.replace(period, breakdowns=breakdowns)


def _contradictions(period: Period, limits: Mapping[str, Any]) -> Iterator[Flag]:
    """Figures of one period that cannot stand beside each other."""
    revenue = period.amount("revenue")
    pairs: list[tuple[str, str]] = [
        ("gross_profit", "revenue"), ("cash", "total_assets"), ("inventory", "total_assets"),
        ("receivables", "total_assets"),
    ]  # fmt: skip
    for part, whole in pairs:
        small, large = period.amount(part), period.amount(whole)
        if small is not None and large is not None and small > max(large, Decimal(0)):
            yield _contradiction(period, part, whole=whole, values=(small, large))
    for name in BREAKDOWNS:
        total = sum(period.breakdowns.get(name, {}).values(), Decimal(0))
        if revenue is not None and total > max(revenue, Decimal(0)) * (1 + limits["tolerance"]):
            yield _contradiction(period, name, whole="revenue", values=(total, revenue))
    for name in ("revenue", "cash", "receivables", "inventory", "total_assets"):
        value = period.amount(name)
        if value is not None and value < 0:
            words = Words(
                f"{period.span}{NAMES[name].zh}为负：{value:,f}",
                f"{NAMES[name].en} of {period.span} is negative: {value:,f}",
            )
            yield _of_period("contradiction", str(period.span), words=words, level="amber")


def _contradiction(
    period: Period, part: str, *, whole: str, values: tuple[Decimal, Decimal]
) -> Flag:
    words = Words(
        f"{period.span}{NAMES[part].zh}{values[0]:,f}大于{NAMES[whole].zh}{values[1]:,f}",
        f"{NAMES[part].en} of {period.span}, {values[0]:,f}, is more than {NAMES[whole].en}, "
        f"{values[1]:,f}",
    )
    return _of_period("contradiction", str(period.span), words=words, level="amber")


def _missing(book: Book) -> Iterator[Words]:
    """What was never given, what the latest period lacks, and what cannot be compared for it."""
    periods = [figures.period for figures in book.figures]
    latest = periods[-1]
    for name in (*AMOUNTS, *BREAKDOWNS):
        absent = [p for p in periods if name not in p.amounts and name not in p.breakdowns]
        if len(absent) == len(periods):
            yield Words(f"{NAMES[name].zh}：各期均无", f"{NAMES[name].en}: given in no period")
        elif absent:
            listed = _listed([p.span for p in absent])
            yield Words(f"{NAMES[name].zh}：缺{listed}", f"{NAMES[name].en}: missing in {listed}")
    if latest.span.before(years=1) not in book.at:
        before = latest.span.before(years=1)
        yield Words(
            f"无{before}数据，{latest.span}不能同比",
            f"{before} is missing, so {latest.span} cannot be compared with the year before",
        )


def _short_past(book: Book, least: Decimal) -> Iterator[Words]:
    """That a break of trend cannot be told yet: growth has too short a past."""
    known = sum(figures.growth is not None for figures in book.figures[:-1])
    if known < least:
        yield Words(
            f"同比增速只有{known}期历史，不足{least}期，不能判断趋势突变",
            f"growth of {least} periods before is wanted to tell a break of trend, "
            f"there are {known}",
        )


def _listed(spans: Sequence[Span]) -> str:
    shown = [str(span) for span in spans]
    return ", ".join(shown) if len(shown) <= 4 else f"{', '.join(shown[:2])} … {shown[-1]}"
