"""Tries a rule's examples: rows of values on one thing, judged as in earnest."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from wuxin.risk.rules import ANY, Compiled
from wuxin.terms.clock import HOUR, duration
from wuxin.terms.errors import BadInput
from wuxin.terms.names import ThingKey
from wuxin.terms.records import NO_SEQUENCE, Quality
from wuxin.terms.standards import Example, Pack, Rule
from wuxin.twin import tables
from wuxin.twin.layout import NEVER, Bounds, Rows
from wuxin.twin.registry import Registry
from wuxin.twin.rows import rows_of
from wuxin.twin.twin import Event, Twin

_BASE: Final = 438_000 * HOUR
"""Where examples begin: any moment will do, and none may be the machine's clock."""


class Trial:
    """One rule alone on one thing of its kind, judged by the twin's own kernel.

    Args:
        rule: the rule; one for any kind is tried on the first kind that has all it reads.
        pack: its pack.

    Raises:
        BadInput: the rule cannot be compiled, or no kind has all that it reads.
    """

    def __init__(self, rule: Rule, pack: Pack) -> None:
        self._pack = pack
        numbers = {name: i for i, name in enumerate(pack.indicators)}
        self._compiled = Compiled({rule.name: rule}, numbers)
        self._reads = self._compiled.reads(0)
        if not self._reads:
            raise BadInput("its condition reads no indicator")
        read = [pack.indicators[name] for name in sorted(self._reads)]
        kinds = [rule.kind] if rule.kind != ANY else [*pack.kinds]
        fitting = [k for k in kinds if k in pack.kinds and all({k, ANY} & {*i.of} for i in read)]
        if not fitting:
            raise BadInput(f"no kind has all that it reads: {', '.join(sorted(self._reads))}")
        self._thing = ThingKey(fitting[0], "example")
        self._tables = tables.build(pack.indicators, list(pack.kinds), rules=self._compiled)

    def faults(self, example: Example) -> Iterator[str]:
        """What is wrong with an example: its form, or that the rule does not do what it says."""
        if not example.name.strip():
            yield "has no name"
        wrong = [*self._form(example)]
        yield from wrong
        if wrong:
            return
        rows = self._rows(example)
        registry = Registry(self._pack.kinds, self._pack.indicators, devices=self._pack.devices)
        registry.register(self._thing, source="example")
        twin = Twin(registry, self._tables, columns=self._compiled.columns)
        found = twin.observe(rows, Bounds(0, NEVER, 0, NEVER, derived=True))
        fired = any(isinstance(event, Event) and event.raised for event in found)
        for i in np.flatnonzero(rows.quality & int(Quality.OUT_OF_RANGE)):
            name = registry.names[rows.indicator[i]]
            yield f"{name} = {rows.value[i]:g} is outside of the indicator's range"
        if fired != example.fires:
            yield "must fire, but does not" if example.fires else "must stay silent, but fires"

    def _form(self, example: Example) -> Iterator[str]:
        if not example.rows:
            yield "has no rows"
        if example.rows and not any(self._reads & row.keys() for row in example.rows):
            yield f"gives none of what the rule reads: {', '.join(sorted(self._reads))}"
        before = -1
        for number, row in enumerate(example.rows, start=1):
            try:
                at = duration(str(row.get("at", "")))
            except BadInput as wrong:
                yield f"row {number}: at is wrong: {wrong}"
                continue
            if at <= before:
                yield f"row {number}: its time is not after that of the row before"
            before = at
            for name, value in row.items():
                if name == "at":
                    continue
                if name not in self._pack.indicators:
                    yield f"row {number}: {name!r} is no declared indicator"
                elif isinstance(value, bool) or not isinstance(value, int | float):
                    yield f"row {number}: {name} = {value!r} is no number"

    def _rows(self, example: Example) -> Rows:
        """Each row of the example as one message."""
        said = [[(n, float(v)) for n, v in row.items() if n != "at"] for row in example.rows]
        times = [_BASE + duration(str(row["at"])) for row in example.rows]
        cells = [cell for message in said for cell in message]
        return rows_of(
            np.array([(0, t, 0, NO_SEQUENCE, 0, 0) for t in times], np.int64),
            np.array([len(message) for message in said]),
            indicator=np.array([self._compiled.numbers[name] for name, _ in cells]),
            value=np.array([value for _, value in cells]),
        )
