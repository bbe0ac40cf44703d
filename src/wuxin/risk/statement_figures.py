"""Figures that are made from statements: growth, margins, cash, leverage, dependence.

Every figure is a Decimal, or None where what it is made from is missing. Comparisons are with the
same period of the year before, so that seasons compare with themselves.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from wuxin.risk.statements import PER_YEAR, Period, Span

_MONTHS: Final = Decimal(12)


class Largest(NamedTuple):
    """The largest customer or channel and its share of revenue."""

    name: str
    share: Decimal


class Figures(msgspec.Struct, frozen=True):
    """What is made of one period; shares and growth are of one."""

    period: Period
    growth: Decimal | None
    growth_sequential: Decimal | None
    gross_margin: Decimal | None
    net_margin: Decimal | None
    cash_margin: Decimal | None
    leverage: Decimal | None
    burn: Decimal | None
    cash_months: Decimal | None
    customer: Largest | None
    channel: Largest | None

    @property
    def span(self) -> Span:
        """The period that the figures are of."""
        return self.period.span


class Book:
    """The periods of one grain with their figures, and what stood a year before.

    Args:
        periods: in order of time, each once.
        rest: names that are no single customer or channel, in small letters.
    """

    def __init__(self, periods: Sequence[Period], rest: Collection[str]) -> None:
        self.by_span = {period.span: period for period in periods}
        self.rest = frozenset(rest)
        self.per_year = PER_YEAR[periods[0].span.grain]
        self.figures = [self._figures(period) for period in periods]
        self.at = {figures.span: figures for figures in self.figures}

    def year_before(self, span: Span) -> "Figures | None":
        """The figures of the same period of the year before."""
        return self.at.get(span.before(years=1))

    def growth_of(self, name: str, span: Span) -> Decimal | None:
        """How much an amount has grown against the same period of the year before."""
        return _growth(self._amount(name, span), self._amount(name, span.before(years=1)))

    def over_a_year(self, name: str, span: Span) -> Decimal | None:
        """An amount over the year that ends with a period; None if a period of it is missing."""
        parts = [self._amount(name, span.before(periods=i)) for i in range(self.per_year)]
        known = [part for part in parts if part is not None]
        return sum(known, Decimal(0)) if len(known) == self.per_year else None

    def past(self, span: Span) -> "list[Figures]":
        """The figures of all periods before one, in order of time."""
        return [figures for figures in self.figures if figures.span < span]

    def shares(self, period: Period, name: str) -> Mapping[str, Decimal]:
        """Each named customer's or channel's share of revenue; empty where it cannot be had."""
        revenue = period.amount("revenue")
        parts = period.breakdowns.get(name, {})
        if revenue is None or revenue <= 0:
            return {}
        return {k: v / revenue for k, v in parts.items() if not self._is_rest(k)}

    def _is_rest(self, name: str) -> bool:
        """Whether a name such as "Others (12 shops)" or 其他客户 stands for many."""
        word, after = name.casefold().strip(), r"(?![a-z0-9])"
        return any(re.match(re.escape(rest) + after, word) for rest in self.rest)

    def _amount(self, name: str, span: Span) -> Decimal | None:
        period = self.by_span.get(span)
        return period.amount(name) if period else None

    def _figures(self, period: Period) -> Figures:
        span, revenue = period.span, period.amount("revenue")
        cash, burn = period.amount("cash"), self._burn(period)
        before = self._amount("revenue", span.before(periods=1))
        return Figures(
            period=period,
            growth=self.growth_of("revenue", span),
            growth_sequential=_growth(revenue, before),
            gross_margin=_share(period.amount("gross_profit"), revenue),
            net_margin=_share(period.amount("net_income"), revenue),
            cash_margin=_share(period.amount("operating_cash_flow"), revenue),
            leverage=_share(period.amount("total_liabilities"), period.amount("total_assets")),
            burn=burn,
            cash_months=cash / burn if cash is not None and burn else None,
            customer=self._largest(period, "revenue_by_customer"),
            channel=self._largest(period, "revenue_by_channel"),
        )

    def _burn(self, period: Period) -> Decimal | None:
        """Cash that is used up per month; None where it grows, or nothing tells.

        The pace of the last year where it is whole, because seasons come and go in cash; but if
        that is one of use and the last period's is faster, the last period's. Where no cash flow is
        given the loss stands in for it, which the flag says.
        """
        for name in ("operating_cash_flow", "net_income"):
            flow = period.amount(name)
            if flow is None:
                continue
            pace = -flow * self.per_year / _MONTHS
            year = self.over_a_year(name, period.span)
            if year is not None:
                pace = max(pace, -year / _MONTHS) if year < 0 else Decimal(0)
            return pace if pace > 0 else None
        return None

    def _largest(self, period: Period, name: str) -> Largest | None:
        shares = self.shares(period, name)
        if not shares:
            return None
        found = max(shares, key=lambda key: (shares[key], key))
        return Largest(found, shares[found])


def _growth(now: Decimal | None, before: Decimal | None) -> Decimal | None:
    """Growth against a base above zero; from zero or below there is none that means anything."""
    if now is None or before is None or before <= 0:
        return None
    return now / before - 1


def _share(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    return part / whole if part is not None and whole is not None and whole > 0 else None
