"""Events about goods (EPCIS) as facts: which order they belong to, and what they lack for it."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from wuxin.finance.trade_facts import AnyFact, Made, Movement, Part, Withdrawal
from wuxin.finance.trade_orders import Scale
from wuxin.finance.trade_state import Books
from wuxin.terms.errors import BadInput
from wuxin.terms.goods import GoodsPart, GoodsTold
from wuxin.terms.records import Cause, Words

LISTED: Final = 1_000
"""How many of the newest incomplete events are listed."""

_NO_ORDER: Final = Words("未说明所属订单", "it does not say for which order")
_TWO_ORDERS: Final = Words("指向多个订单", "it names several orders")
_UNITS: Final = Words("投入与产出的单位不一", "inputs and outputs are in different units")


class Lacking(msgspec.Struct, frozen=True):
    """An event that could not be used for a trade: when (ns), which one, and what it lacks."""

    at: int
    reference: str
    missing: tuple[Words, ...]
    because: tuple[Cause, ...]
    told: GoodsTold


class Goods:
    """Makes facts of events; remembers which advice belongs to which order.

    Args:
        books: to find the order of an invoice.
    """

    def __init__(self, books: Books) -> None:
        self.lacking: dict[str, Lacking] = {}
        self._books = books
        self._advices: dict[str, str] = {}

    def facts(self, told: GoodsTold, because: tuple[Cause, ...]) -> list[AnyFact]:
        """The facts of an event; none where it lacks something, which is then listed."""
        missing = [*told.missing]
        found: list[AnyFact] = []
        if not missing:
            try:
                found = [*self._facts(told, because, missing=missing)]
            except BadInput as wrong:
                missing.append(Words(str(wrong), str(wrong)))
        if missing:
            lacking = Lacking(told.at, told.reference, tuple(missing), because, told)
            self.lacking.pop(told.reference, None)
            self.lacking[told.reference] = lacking
            if len(self.lacking) > LISTED:
                del self.lacking[next(iter(self.lacking))]
            return []
        self.lacking.pop(told.reference, None)
        if told.void:
            return [Withdrawal(at=told.at, because=because, of=one.id, reason="declared wrong")
                    for one in found]  # fmt: skip
        return found

    def again(self) -> list[AnyFact]:
        """The facts of events that lacked their order, where it is known by now."""
        waiting = [one for one in self.lacking.values() if _NO_ORDER in one.missing]
        return [fact for one in waiting for fact in self.facts(one.told, one.because)]

    def freeze(self) -> Any:
        """All that is remembered, as plain values."""
        return msgspec.to_builtins({"lacking": [*self.lacking.values()], "advices": self._advices})

    def thaw(self, kept: Mapping[str, Any]) -> None:
        """Take over what :meth:`freeze` gave."""
        listed = msgspec.convert(kept["lacking"], list[Lacking])
        self.lacking = {one.reference: one for one in listed}
        self._advices = dict(kept["advices"])

    def _facts(
        self, told: GoodsTold, because: tuple[Cause, ...], *, missing: list[Words]
    ) -> Iterable[AnyFact]:
        if told.what == "made":
            yield from _made(told, because, missing=missing)
            return
        orders = self._orders(told)
        if len(orders) != 1:
            missing.append(_TWO_ORDERS if orders else _NO_ORDER)
            return
        [order] = orders
        for advice in told.advices:
            self._advices[advice] = order
        for part in told.outputs:
            scale = Scale(part.unit)
            yield Movement(
                at=told.at, because=because, reference=told.reference, order=order, lot=part.lot,
                way="out" if told.way == "out" else "in", quantity=scale(part.quantity),
                unit=scale.unit, weighed=scale(part.weighed) if part.weighed else None,
            )  # fmt: skip

    def _orders(self, told: GoodsTold) -> set[str]:
        """The order that is named; else that of the invoice, else that of the advice."""
        if told.orders:
            return set(told.orders)
        named = {
            fact.order
            for number in told.invoices
            for key in self._books.by_number.get(number, ())
            for fact in self._books.invoices[key].values()
        }
        return named or {self._advices[one] for one in told.advices if one in self._advices}


def _made(
    told: GoodsTold, because: tuple[Cause, ...], *, missing: list[Words]
) -> Iterable[AnyFact]:
    units = {Scale(part.unit).unit for part in (*told.inputs, *told.outputs)}
    if len(units) != 1:
        missing.append(_UNITS)
        return
    yield Made(
        at=told.at, because=because, reference=told.reference, unit=units.pop(),
        inputs=_parts(told.inputs), outputs=_parts(told.outputs),
    )  # fmt: skip


def _parts(parts: Iterable[GoodsPart]) -> tuple[Part, ...]:
    return tuple(Part(part.lot, Scale(part.unit)(part.quantity)) for part in parts)
