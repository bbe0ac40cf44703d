"""Rules as data tables: compiles a pack's rules for the kernel and runs their examples."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from wuxin.risk.expression import Program, columns, program
from wuxin.terms.errors import BadInput
from wuxin.terms.standards import Indicator, Rule

ANY: Final = "*"


class Compiled:
    """Rules with their programs, in a fixed order.

    ``programs`` holds two per rule: its condition, and the condition of its end.

    Raises:
        BadInput: a condition cannot be compiled, or reads what is not declared; names the rule.
    """

    def __init__(self, rules: Mapping[str, Rule], numbers: Mapping[str, int]) -> None:
        self.rules: list[Rule] = list(rules.values())
        self.programs: list[Program] = []
        self.numbers = numbers
        self.terms: list[Any] = []
        self.in_columns: list[int] = []
        for rule in self.rules:
            try:
                self.programs += [
                    program(text, numbers, given=given(rule)) for text in conditions(rule)
                ]
            except BadInput as wrong:
                raise BadInput(f"rule {rule.name}: {wrong}") from None
            for name in (rule.value, rule.limit_of):
                if name and name not in numbers:
                    raise BadInput(f"rule {rule.name}: indicator {name!r} is not declared")

    def of(self, kind: str) -> list[int]:
        """The numbers of the rules that concern a kind of thing."""
        return [i for i, rule in enumerate(self.rules) if rule.kind in {kind, ANY}]

    def reads(self, rule: int) -> set[str]:
        """The indicators that a rule's two conditions read."""
        return {*self.programs[2 * rule].reads, *self.programs[2 * rule + 1].reads}


def conditions(rule: Rule) -> tuple[str, str]:
    """The condition of a rule and of its end (by default that the first no longer holds)."""
    return rule.when, rule.clear or f"NOT ({rule.when})"


def given(rule: Rule) -> dict[str, float | None]:
    """The values of the parameters ``:limit`` and ``:clear``."""
    return {"limit": rule.limit, "clear": rule.clear_limit}


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
