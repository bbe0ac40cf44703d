"""Where the counter for credit meets the room of risk: tables, statements and cross-checks.

Nothing is decided here: each port of :mod:`wuxin.finance.credit_ports` is handed to what has it.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from wuxin.finance.credit_ports import Assessed, Compared, Flag, Ports, Side, Value
from wuxin.risk.claims import Claim
from wuxin.risk.claims import compare as compared
from wuxin.risk.credit_table import GRADES, CreditTables, default, names
from wuxin.risk.crosscheck import Source, Tolerance
from wuxin.risk.statement_figures import Book
from wuxin.risk.statement_flags import assess as assessed
from wuxin.risk.statement_flags import thresholds
from wuxin.risk.statements import PER_YEAR, read
from wuxin.terms.decisions import Graded
from wuxin.terms.money import plain
from wuxin.terms.records import Words

_MONTHS: Final = 12


class Engine:
    """The bank's decision tables, as :mod:`wuxin.risk.credit_table` has them."""

    @property
    def grades(self) -> Sequence[str]:
        """The grades from the best to the worst."""
        return GRADES

    @property
    def digest(self) -> str:
        """Which tables they are."""
        return self.tables.digest

    @property
    def names(self) -> Mapping[str, Words]:
        """What the inputs are called."""
        return names(self.tables.table)

    @property
    def tables(self) -> CreditTables:
        """The tables themselves."""
        return default()

    def grade(self, case: Mapping[str, Value]) -> str:
        """The grade alone, which is quick."""
        return self.tables.grade(case)

    def decide(self, case: Mapping[str, Value]) -> Graded:
        """The grade and what follows from it, with every row that held."""
        return self.tables.decide(case)


def assess(statement: Mapping[str, Any]) -> Assessed:
    """Assess statements as ``wuxin assess`` does.

    Flags are those that hold in the latest period and are more than a note; the year's revenue is
    of the finest grain that has a whole year up to its latest period.
    """
    statements = read(json.dumps(statement, ensure_ascii=False), "statement")
    found = assessed(statements)
    flags = tuple(
        Flag(
            flag.name, flag.level, flag.since, flag.until,
            {k: v if isinstance(v, str) else plain(v) for k, v in flag.figures.items()},
            "" if flag.threshold is None else plain(flag.threshold), flag.words,
        )
        for flag in found.flags if flag.current and flag.level != "info"
    )  # fmt: skip
    revenue, months, latest = None, 0, ""
    rest = thresholds()["names"]["rest"]
    for grain, periods in sorted(statements.series.items(), key=lambda one: -PER_YEAR[one[0]]):
        latest = latest or str(periods[-1].span)
        months = max(months, len(periods) * _MONTHS // PER_YEAR[grain])
        if revenue is None:
            revenue = Book(periods, rest).over_a_year("revenue", periods[-1].span)
    return Assessed(found.company, found.currency, latest, flags, found.missing, revenue, months)


def compare(sides: Sequence[Side]) -> Compared:
    """Cross-check what several sources say of one fact."""
    claims = [
        Claim(
            Source(s.source, Tolerance(s.share, 0.0, s.reason), origin=s.origin),
            s.value, s.unit, 0, 1,
        )
        for s in sides
    ]  # fmt: skip
    found = compared(claims)
    return Compared(found.state, found.value, found.trust, found.odd, found.reasons)


@cache
def ports() -> Ports:
    """All that the counter for credit asks of risk."""
    return Ports(Engine(), assess, compare)
