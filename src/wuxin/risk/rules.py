"""Rules as data tables: compiles a pack's rules for the kernel, and for columns where they must."""

from collections.abc import Mapping, Sequence
from typing import Final

from wuxin.risk.columns import Columns
from wuxin.risk.conditions import Term, given, texts
from wuxin.risk.expression import Program, Unfit, columns, program, unknown
from wuxin.terms.errors import BadInput
from wuxin.terms.standards import Indicator, Rule

ANY: Final = "*"


class Compiled:
    """Rules with their programs, in a fixed order.

    ``programs`` holds two per rule: its condition, and the condition of its end. ``terms`` are what
    they read behind the indicators, in order of first use. ``in_columns`` numbers the rules that do
    not fit the kernel: their programs answer NULL, and ``columns`` (None where there are no such
    rules) has their truths.

    Raises:
        BadInput: a condition cannot be compiled, or reads what is not declared; names the rule.
    """

    def __init__(self, rules: Mapping[str, Rule], numbers: Mapping[str, int]) -> None:
        self.rules: list[Rule] = list(rules.values())
        self.programs: list[Program] = []
        self.terms: list[Term] = []
        self.in_columns: list[int] = []
        self.numbers = numbers
        for number, rule in enumerate(self.rules):
            try:
                self._compile(number, rule)
            except BadInput as wrong:
                raise BadInput(f"rule {rule.name}: {wrong}") from None
            for name in (rule.value, rule.limit_of):
                if name and name not in numbers:
                    raise BadInput(f"rule {rule.name}: indicator {name!r} is not declared")
        self.columns = (
            Columns(self.rules, numbers, terms=self.terms, which=self.in_columns)
            if self.in_columns
            else None
        )

    def _compile(self, number: int, rule: Rule) -> None:
        programs, fits = [], True
        for text in texts(rule):
            try:
                programs.append(program(text, self.numbers, given=given(rule), terms=self.terms))
            except Unfit:
                fits = False
        if not fits:
            self.in_columns.append(number)
            programs = [unknown(text) for text in texts(rule)]
        self.programs += programs

    def of(self, kind: str) -> list[int]:
        """The numbers of the rules that concern a kind of thing."""
        return [i for i, rule in enumerate(self.rules) if rule.kind in {kind, ANY}]

    def reads(self, rule: int) -> set[str]:
        """The indicators that a rule's two conditions read, those inside of terms included."""
        return {*self.programs[2 * rule].reads, *self.programs[2 * rule + 1].reads}


def undeclared(rule: Rule, indicators: Mapping[str, Indicator]) -> Sequence[str]:
    """The indicators that a rule reads or shows and its kind does not have."""
    names = {*columns(rule.when), *(columns(rule.clear) if rule.clear else ())}
    names |= {rule.value} - {""}
    return sorted(
        name
        for name in names
        if name not in indicators
        or not ({rule.kind, ANY} & {*indicators[name].of} or rule.kind == ANY)
    )
