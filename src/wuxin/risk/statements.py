"""Financial statements as they are handed in: periods in order, money exact, gaps named.

The form is in ``docs/rooms/statements.md``. What is absent stays absent: nothing here makes a zero.
"""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any, Final, Literal, NamedTuple

import msgspec

from wuxin.terms.errors import BadInput
from wuxin.terms.money import money
from wuxin.terms.records import Words

AMOUNTS: Final = (
    "revenue", "gross_profit", "net_income", "operating_cash_flow", "cash", "receivables",
    "inventory", "total_assets", "total_liabilities",
)  # fmt: skip
BREAKDOWNS: Final = ("revenue_by_customer", "revenue_by_channel")
_WANTED: Final = ("period", *AMOUNTS, *BREAKDOWNS)

Grain = Literal["year", "half", "quarter", "month"]
PER_YEAR: Final[Mapping[Grain, int]] = {"year": 1, "half": 2, "quarter": 4, "month": 12}

_FORMS: Final[tuple[tuple[Grain, re.Pattern[str]], ...]] = (
    ("year", re.compile(r"(?:FY ?)?(\d{4})", re.IGNORECASE)),
    ("half", re.compile(r"(\d{4})[ -]?H([12])", re.IGNORECASE)),
    ("quarter", re.compile(r"(\d{4})[ -]?Q([1-4])", re.IGNORECASE)),
    ("month", re.compile(r"(\d{4})-(0[1-9]|1[0-2])")),
)


class Span(NamedTuple):
    """One period: its grain and its number, counted from the year 0 without a gap."""

    grain: Grain
    number: int

    def __str__(self) -> str:
        year, part = divmod(self.number, PER_YEAR[self.grain])
        forms = {"year": "{0}", "half": "{0}H{1}", "quarter": "{0}Q{1}", "month": "{0}-{1:02}"}
        return forms[self.grain].format(year, part + 1)

    def before(self, *, years: int = 0, periods: int = 0) -> "Span":
        """The period so many years and periods earlier."""
        return Span(self.grain, self.number - years * PER_YEAR[self.grain] - periods)


class Period(msgspec.Struct, frozen=True):
    """The figures of one period; what was not given is not in ``amounts`` or ``breakdowns``."""

    span: Span
    amounts: Mapping[str, Decimal]
    breakdowns: Mapping[str, Mapping[str, Decimal]]

    def amount(self, name: str) -> Decimal | None:
        """One of the amounts, or None where it was not given."""
        return self.amounts.get(name)


class Notice(msgspec.Struct, frozen=True):
    """Something odd about the file itself, with the period that it is about."""

    name: str
    period: str
    words: Words


class Statements(msgspec.Struct, frozen=True):
    """One company's periods, each grain for itself in order of time, and what was odd."""

    company: str
    currency: str
    series: Mapping[Grain, tuple[Period, ...]]
    notices: tuple[Notice, ...]


def read(text: str | bytes, name: str = "statements") -> Statements:
    """Read a company's statements from JSON.

    Periods may stand in any order. One that is given twice with other figures counts as restated:
    the later place in the file holds, and both figures are named.

    Args:
        text: the JSON.
        name: what errors call it.

    Raises:
        BadInput: it is not of the form; the text names the place.
    """
    try:
        file = json.loads(
            text,
            parse_float=Decimal,
            parse_int=Decimal,
            parse_constant=_no_number,
            object_pairs_hook=_once,
        )
    except UnicodeDecodeError:
        raise BadInput(f"{name}: it is not UTF-8 text") from None
    except json.JSONDecodeError as wrong:
        where = f"line {wrong.lineno}, column {wrong.colno}"
        raise BadInput(f"{name}: {where}: it is not JSON: {wrong.msg}") from None
    except RecursionError:
        raise BadInput(f"{name}: it is nested too deeply") from None
    except BadInput as wrong:
        raise BadInput(f"{name}: {wrong}") from None
    try:
        return _statements(file)
    except BadInput as wrong:
        raise BadInput(f"{name}: {wrong}") from None


def _no_number(text: str) -> Any:
    raise BadInput(f"{text} is not an amount of money")


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for key in names if names.count(key) > 1)
        raise BadInput(f"{twice!r} stands twice in one object")
    return found


def _statements(file: Any) -> Statements:
    if not isinstance(file, dict):
        raise BadInput("an object with company, currency and periods is wanted")
    company, currency = file.get("company"), file.get("currency")
    if not isinstance(company, str) or not company.strip():
        raise BadInput("company: a name is wanted")
    if not isinstance(currency, str):
        raise BadInput("currency: a code such as CNY is wanted")
    try:
        money(0, currency)
    except BadInput as wrong:
        raise BadInput(f"currency: {wrong}") from None
    rows = file.get("periods")
    if not isinstance(rows, list) or not rows:
        raise BadInput("periods: a list of at least one period is wanted")
    notices = [
        Notice("unused", "", Words(f"未使用的项目：{key}", f"{key!r} is not known and not used"))
        for key in sorted({*file} - {"company", "currency", "periods"})
    ]
    periods = [
        _period(row, f"periods[{i}]", currency=currency, notices=notices)
        for i, row in enumerate(rows)
    ]
    grains = [g for g in PER_YEAR if any(p.span.grain == g for p in periods)]
    series = {g: _ordered([p for p in periods if p.span.grain == g], notices) for g in grains}
    return Statements(company.strip(), currency, series, tuple(notices))


def _period(row: Any, where: str, *, currency: str, notices: list[Notice]) -> Period:
    if not isinstance(row, dict):
        raise BadInput(f"{where}: an object with period and figures is wanted")
    span = _span(row.get("period"), f"{where}.period")
    if row.get("currency", currency) != currency:
        raise BadInput(f"{where}.currency: all periods must be in {currency}")
    notices += [
        Notice(
            "unused", str(span), Words(f"未使用的项目：{key}", f"{key!r} is not known and not used")
        )
        for key in sorted({*row} - {*_WANTED, "currency"})
    ]
    amounts = {
        name: _amount(row[name], f"{where}.{name}", currency=currency)
        for name in AMOUNTS
        if row.get(name) is not None
    }
    breakdowns = {
        name: _breakdown(row[name], f"{where}.{name}", currency=currency)
        for name in BREAKDOWNS
        if row.get(name)
    }
    return Period(span, amounts, breakdowns)


def _span(text: Any, where: str) -> Span:
    # JSON numbers are read as decimals, and 2023 without quotes is a year.
    written = str(text).strip() if isinstance(text, str | Decimal) else ""
    for grain, form in _FORMS:
        if found := form.fullmatch(written):
            part = int(found[2]) - 1 if grain != "year" else 0
            return Span(grain, int(found[1]) * PER_YEAR[grain] + part)
    shown = written or json.dumps(text, default=str)
    raise BadInput(f"{where}: {shown!r} is no period; write 2023, 2023H1, 2023Q1 or 2023-06")


def _amount(given: Any, where: str, *, currency: str) -> Decimal:
    if not isinstance(given, str | Decimal):
        raise BadInput(f"{where}: {json.dumps(given, default=str)} is not an amount of money")
    try:
        return money(str(given).strip(), currency).amount
    except (BadInput, InvalidOperation):
        raise BadInput(f"{where}: {str(given)!r} is not an amount of money") from None


def _breakdown(given: Any, where: str, *, currency: str) -> dict[str, Decimal]:
    if not isinstance(given, dict):
        raise BadInput(f"{where}: an object of names and amounts is wanted")
    return {
        name.strip(): _amount(amount, f"{where}[{name!r}]", currency=currency)
        for name, amount in given.items()
        if amount is not None
    }


def _ordered(periods: Sequence[Period], notices: list[Notice]) -> tuple[Period, ...]:
    """The periods of one grain by time, each once; what was odd about them is noted."""
    found: dict[Span, Period] = {}
    latest = periods[0].span
    for period in periods:
        if period.span < latest:
            notices.append(_odd_order(period.span, latest))
        latest = max(latest, period.span)
        if period.span in found:
            notices.append(_twice(found[period.span], period))
        found[period.span] = period
    ordered = sorted(found.values(), key=lambda p: p.span)
    for one, other in pairwise(ordered):
        absent = other.span.number - one.span.number - 1
        if absent:
            first, last = other.span.before(periods=absent), other.span.before(periods=1)
            notices.append(_absent(first, last))
    return tuple(ordered)


def _odd_order(span: Span, latest: Span) -> Notice:
    return Notice(
        "out_of_order",
        str(span),
        Words(
            f"{span}排在{latest}之后，已按时间排序", f"{span} stands after {latest}; put in order"
        ),
    )


def _twice(first: Period, second: Period) -> Notice:
    span = str(second.span)
    changed = [
        f"{name} {first.amounts.get(name, '—')} → {second.amounts.get(name, '—')}"
        for name in AMOUNTS
        if first.amounts.get(name) != second.amounts.get(name)
    ]
    changed += [n for n in BREAKDOWNS if first.breakdowns.get(n) != second.breakdowns.get(n)]
    if not changed:
        return Notice(
            "duplicate", span, Words(f"{span}重复，数字相同", f"{span} is given twice, alike")
        )
    listed = "; ".join(changed)
    return Notice(
        "restated",
        span,
        Words(
            f"{span}给出两次且数字不同，以后者为准：{listed}",
            f"{span} is given twice with other figures, the later holds: {listed}",
        ),
    )


def _absent(first: Span, last: Span) -> Notice:
    which = str(first) if first == last else f"{first} – {last}"
    return Notice("gap", which, Words(f"缺少{which}", f"{which} is missing"))
