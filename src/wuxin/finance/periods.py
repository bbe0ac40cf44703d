"""Periods as people write them: a year, a half, a quarter, a month, a day, or from one to another.

Days are those of the calendar in UTC unless dates come with an offset.
"""

import re
from typing import Final

from wuxin.terms.clock import DAY, iso, moment
from wuxin.terms.errors import BadInput

_FORMS: Final = (
    (re.compile(r"(\d{4})"), 12),
    (re.compile(r"(\d{4})[ -]?H([12])", re.IGNORECASE), 6),
    (re.compile(r"(\d{4})[ -]?Q([1-4])", re.IGNORECASE), 3),
    (re.compile(r"(\d{4})-(0[1-9]|1[0-2])"), 1),
)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")


def period(text: str) -> tuple[int, int]:
    """The first moment (ns) of a period, and the first after it.

    Raises:
        BadInput: it is none, or ends before it begins.
    """
    written = text.strip()
    first, slash, last = written.partition("/")
    if slash:
        begin, end = moment(first), moment(last)
        if end <= begin:
            raise BadInput(f"the period {text!r} ends before it begins")
        return begin, end
    if _DAY.fullmatch(written):
        return moment(written), moment(written) + DAY
    for form, months in _FORMS:
        if found := form.fullmatch(written):
            year, part = int(found[1]), int(found[2]) - 1 if found.lastindex == 2 else 0
            return _month(year, part * months), _month(year, (part + 1) * months)
    raise BadInput(
        f"{text!r} is no period; write 2026, 2026H1, 2026Q1, 2026-03, 2026-03-05, or two dates "
        "with a slash between"
    )


def canonical(text: str) -> str:
    """A period written in one way, whichever way it came in."""
    begin, end = period(text)
    return f"{iso(begin)}/{iso(end)}"


def _month(year: int, months: int) -> int:
    return moment(f"{year + months // 12:04}-{months % 12 + 1:02}-01")
