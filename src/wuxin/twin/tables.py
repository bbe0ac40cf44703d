"""Builds the kernel's tables from declared indicators and compiled rules."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from wuxin.terms.standards import Indicator, Rule
from wuxin.twin.kernel import Tables


class Code(Protocol):
    """A compiled condition: postfix ``ops`` and ``args`` (see :mod:`wuxin.risk.expression`)."""

    @property
    def ops(self) -> tuple[int, ...]:
        """Operation codes (n)."""
        ...

    @property
    def args(self) -> tuple[float, ...]:
        """One argument for each operation (n)."""
        ...

    @property
    def reads(self) -> tuple[str, ...]:
        """The indicators that are read."""
        ...


class RuleSet(Protocol):
    """Rules in a fixed order with two programs each, as :mod:`wuxin.risk.rules` compiles them."""

    @property
    def rules(self) -> Sequence[Rule]:
        """The rules."""
        ...

    @property
    def programs(self) -> Sequence[Code]:
        """Two programs for each rule."""
        ...

    def of(self, kind: str) -> list[int]:
        """The numbers of the rules that concern a kind."""
        ...

    def reads(self, rule: int) -> set[str]:
        """The indicators that a rule reads."""
        ...


def build(indicators: Mapping[str, Indicator], kinds: Sequence[str], *, rules: RuleSet) -> Tables:
    """The tables for these indicators and kinds (in their order) and rules."""
    number = {name: i for i, name in enumerate(indicators)}
    n = max(len(rules.rules), 1)
    reads = np.zeros((n, len(indicators)), np.uint8)
    for r in range(len(rules.rules)):
        reads[r, [number[name] for name in rules.reads(r)]] = 1
    sizes = [len(p.ops) for p in rules.programs]
    of_kind = [rules.of(kind) for kind in kinds]
    return Tables(
        np.array([i.low for i in indicators.values()], np.float64),
        np.array([i.high for i in indicators.values()], np.float64),
        np.array([op for p in rules.programs for op in p.ops], np.int32),
        np.array([arg for p in rules.programs for arg in p.args], np.float64),
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32),
        reads,
        np.array([r.lasting for r in rules.rules] or [0], np.int64),
        np.array([number[r.value] if r.value else -1 for r in rules.rules] or [-1], np.int32),
        np.concatenate([[0], np.cumsum([len(x) for x in of_kind])]).astype(np.int32),
        np.array([r for x in of_kind for r in x] or [0], np.int32),
    )
