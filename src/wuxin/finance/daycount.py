"""Day counts: which part of a year lies between two dates, as contracts count it.

Source: 2006 ISDA Definitions §4.16 (b) Actual/Actual, (d) Actual/365 (Fixed), (e) Actual/360,
(f) 30/360, (g) 30E/360.
"""

import calendar
from collections.abc import Callable, Mapping
from datetime import date
from fractions import Fraction
from typing import Final

from wuxin.terms.errors import BadInput

_MONTH_END: Final = 31


def year_fraction(start: date, end: date, *, day_count: str) -> Fraction:
    """The part of a year from one date (counted) to another (not counted), exactly.

    Args:
        start: the first day of interest.
        end: the day on which it ends, not before ``start``.
        day_count: one of :data:`DAY_COUNTS`.

    Raises:
        BadInput: there is no such day count, or the end lies before the start.
    """
    counted = DAY_COUNTS.get(day_count)
    if counted is None:
        raise BadInput(f"there is no day count {day_count!r}; there are {', '.join(DAY_COUNTS)}")
    if end < start:
        raise BadInput(f"{end} lies before {start}")
    return counted(start, end)


def _actual_360(start: date, end: date) -> Fraction:
    return Fraction((end - start).days, 360)


def _actual_365(start: date, end: date) -> Fraction:
    return Fraction((end - start).days, 365)


def _actual_actual(start: date, end: date) -> Fraction:
    """Days in leap years over 366, and the others over 365."""
    total = Fraction(0)
    for year in range(start.year, end.year + 1):
        first = max(start, date(year, 1, 1))
        last = min(end, date(year + 1, 1, 1))
        total += Fraction((last - first).days, 366 if calendar.isleap(year) else 365)
    return total


def _thirty_360(start: date, end: date) -> Fraction:
    first = min(start.day, 30)
    last = 30 if end.day == _MONTH_END and first == 30 else end.day
    return _months(start, end, days=last - first)


def _thirty_e_360(start: date, end: date) -> Fraction:
    return _months(start, end, days=min(end.day, 30) - min(start.day, 30))


def _months(start: date, end: date, *, days: int) -> Fraction:
    months = 12 * (end.year - start.year) + end.month - start.month
    return Fraction(30 * months + days, 360)


DAY_COUNTS: Final[Mapping[str, Callable[[date, date], Fraction]]] = {
    "ACT/360": _actual_360,
    "ACT/365F": _actual_365,
    "ACT/ACT": _actual_actual,
    "30/360": _thirty_360,
    "30E/360": _thirty_e_360,
}
