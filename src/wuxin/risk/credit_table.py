"""The bank's two decision tables for credit: what grade a case has, and what follows from a grade.

The first collects: each row that holds says how good a grade can still be and how hard the answer
must be at least, and the worst of them counts. The second gives the answer, the share of a year's
revenue that can be lent, and the rate. Inputs and rows: ``docs/rooms/credit.md``.
"""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Final

from wuxin.risk.decision import Answer, CellView, RuleView, Table, read
from wuxin.risk.decision_cells import ANY
from wuxin.terms.decisions import Graded, Row
from wuxin.terms.errors import BadInput
from wuxin.terms.names import Digest, digest
from wuxin.terms.records import Words

GRADES: Final = ("A", "B", "C", "D", "E")
"""From the best to the worst."""

ACTIONS: Final = ("approve", "refer", "decline")
"""From the friendliest to the hardest."""

_FILES: Final = ("credit_grade.json", "credit_terms.json")


class CreditTables:
    """A pair of tables that has been read and fits together.

    Args:
        grade: JDM of the table that collects grades.
        terms: JDM of the table that says what follows from one.

    Raises:
        BadInput: a table is not of its form, or gives what is no grade or action.
    """

    def __init__(self, grade: str, terms: str) -> None:
        self.digest: Digest = digest(f"{grade}\0{terms}".encode())
        self.table, self.terms = read(grade, "credit_grade"), read(terms, "credit_terms")
        self.fields: tuple[str, ...] = tuple(self.table.fields)
        if self.table.policy != "collect" or self.terms.policy != "first":
            raise BadInput("grades are collected, and the first row of terms holds")
        self._check(self.table, {"grade": GRADES, "action": ACTIONS})
        self._check(self.terms, {"action": ACTIONS, "share": None, "rate": None})
        places = {output.field: n for n, output in enumerate(self.table.outputs)}
        self._grades = [rule.outputs[places["grade"]] for rule in self.table.rules]

    def grade(self, case: Mapping[str, Any]) -> str:
        """The grade alone, which is quick."""
        found = [self._grades[row] for row in self.table.fired(case)]
        return _worst(found, GRADES)

    def decide(self, case: Mapping[str, Any]) -> Graded:
        """The grade and what follows from it, with every row that held and what it read."""
        answer = self.table.explain(case)
        grade = _worst([given["grade"] for given in answer.outputs], GRADES)
        then = self.terms.explain({"grade": grade})
        [given] = then.outputs or ({},)
        asked = [*(one["action"] for one in answer.outputs), given.get("action")]
        return Graded(
            grade=grade,
            action=_worst(asked, ACTIONS),
            share=_number(given.get("share")),
            rate=_number(given.get("rate")),
            rows=(*_rows(self.table, answer), *_rows(self.terms, then)),
            marks=tuple(answer.marks.values()),
        )

    def views(self, case: Mapping[str, Any]) -> tuple[RuleView, ...]:
        """Every row of the first table with every cell, whether it held or not."""
        return self.table.explain(case).rules

    @staticmethod
    def _check(table: Table, wanted: Mapping[str, tuple[str, ...] | None]) -> None:
        given = {output.field for output in table.outputs}
        if given != set(wanted):
            raise BadInput(f"{table.name} gives {sorted(given)}, and must give {sorted(wanted)}")
        for place, output in enumerate(table.outputs):
            allowed = wanted[output.field]
            for rule in table.rules:
                value = rule.outputs[place]
                if allowed is not None and value is not None and value not in allowed:
                    raise BadInput(f"{table.name}, {rule.id}: {value!r} is not in {allowed}")


@cache
def default() -> CreditTables:
    """The tables that come with Wuxin."""
    folder = files("wuxin.risk").joinpath("tables")
    grade, terms = (folder.joinpath(name).read_text("utf-8") for name in _FILES)
    return CreditTables(grade, terms)


def about(text: str) -> Words:
    """What a row is for, in both languages: ``中文 | English``, or one text for both."""
    zh, bar, en = text.partition(" | ")
    return Words(zh, en if bar else zh)


def _rows(table: Table, answer: Answer) -> list[Row]:
    fired = [rule for rule in answer.rules if rule.fired]
    return [
        Row(
            id=rule.id,
            about=about(rule.about),
            reads=tuple(_read(table, cell) for cell in rule.cells if cell.test not in ANY),
            gives={k: str(v) for k, v in given.items() if v is not None},
        )
        for rule, given in zip(fired, answer.outputs, strict=True)
    ]


def _read(table: Table, cell: CellView) -> Words:
    """What a cell read and asked, under its column's name."""
    name = names(table)[cell.field]
    said = "—" if cell.value is None else str(cell.value)
    said = said.lower() if isinstance(cell.value, bool) else said
    return Words(f"{name.zh} {said}，条件 {cell.test}", f"{name.en} {said}, asked {cell.test}")


def names(table: Table) -> dict[str, Words]:
    """What the inputs of a table are called."""
    return {column.field: about(column.name) for column in table.inputs}


def _worst(found: list[Any], order: tuple[str, ...]) -> str:
    """The last in order of what was found; where nothing was, the worst there is."""
    places = [order.index(each) for each in found if each is not None]
    return order[max(places)] if places else order[-1]


def _number(value: Any) -> Decimal | None:
    return value if isinstance(value, Decimal) else None
