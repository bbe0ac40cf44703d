"""Where two sides of a trade do not agree: what each says, on what grounds, and in words.

A break is named by its kind and subject and ends with a :class:`Mended`. Where its figures change
while it is open, it is told anew under the same name.
"""

import heapq
from collections.abc import Mapping
from decimal import Context, Decimal
from fractions import Fraction
from typing import Final, Literal

import msgspec

from wuxin.finance.trade_facts import Fact
from wuxin.terms.clock import DAY
from wuxin.terms.errors import BadInput
from wuxin.terms.names import Digest
from wuxin.terms.records import Cause, Words

KINDS: Final[Mapping[str, Words]] = {
    "paid_not_delivered": Words("已付款，货物未交足", "paid for, but not delivered in full"),
    "delivered_not_invoiced": Words("已交货，未开足发票", "delivered, but not invoiced in full"),
    "invoiced_not_delivered": Words("已开票，货物未交足", "invoiced, but not delivered in full"),
    "weight_against_invoice": Words("过磅重量与发票不符", "the weight is not what was invoiced"),
    "units_differ": Words(
        "计量单位不一，无法核对", "units or currencies differ: nothing to compare"
    ),
    "paid_twice": Words("同一发票重复付款", "paid more than once and more than invoiced"),
    "paid_too_much": Words("付款超过发票金额", "paid more than invoiced"),
    "unknown_invoice": Words("付款对应的发票不存在", "a payment for an invoice that is not known"),
    "duplicate_invoice": Words("同一卖方同号发票重复", "one seller's invoice number, used twice"),
    "alike_invoice": Words("内容相同、号码不同的发票", "invoices alike under different numbers"),
    "more_out_than_in": Words("出库多于入库", "more went out of a lot than came into it"),
    "not_conserved": Words("投入产出不平衡", "what went in is not what came out and was lost"),
    "financed_more_than_exists": Words("融资超过实有", "financed for more than there is"),
    "financed_unknown": Words("融资标的不存在", "what was financed is not known"),
    "financed_unmeasured": Words(
        "融资无法与标的核对", "the financing cannot be measured against it"
    ),
    "unusable_fact": Words("数据不可用", "a fact that cannot be used"),
}
"""All kinds of breaks in words."""

AHEAD: Final = DAY
"""How far after its arrival (ns) a fact may be dated: an error of clocks, a mistaken zone."""

_EXACT: Final = Context(prec=60)
_LISTED: Final = 12


class Patience(msgspec.Struct, frozen=True):
    """How long (ns of event time) one side may wait for the other, and what weights may differ.

    ``tolerance`` is a share of the invoiced quantity; why that much is allowed is part of it.

    Raises:
        BadInput: a wait below zero, or a tolerance outside 0 to 1.
    """

    delivery: int = 10 * DAY
    invoice: int = 15 * DAY
    told: int = 2 * DAY
    tolerance: Decimal = Decimal("0.003")
    reason: Words = Words("地磅误差与途中损耗", "error of the weighbridge and loss on the way")

    def __post_init__(self) -> None:
        if min(self.delivery, self.invoice, self.told) < 0 or not 0 <= self.tolerance <= 1:
            raise BadInput("a wait is zero or longer and a tolerance between 0 and 1")


Name = Literal["order", "goods", "invoice", "payment", "financing", "weight", "process"]
"""Which side of a trade speaks."""


class Side(msgspec.Struct, frozen=True):
    """What one side says: its figures as decimal strings, what is missing, and its grounds.

    At most twelve grounds are listed, the earliest; ``count`` is how many there are.
    """

    name: Name
    figures: Mapping[str, str]
    because: tuple[Cause, ...] = ()
    count: int = 0
    missing: tuple[Words, ...] = ()


class Break(msgspec.Struct, frozen=True):
    """Two sides that do not agree on a subject.

    ``about`` is what was judged: the subject's kind (trade, invoice, lot, …), name and unit.
    """

    kind: str
    subject: str
    sides: tuple[Side, Side]
    note: Words | None = None
    about: tuple[str, str, str] = ("", "", "")

    @property
    def words(self) -> Words:
        """What does not agree, in both languages, with the subject's name."""
        kind = KINDS[self.kind]
        zh, en = (self.note.zh, self.note.en) if self.note else ("", "")
        return Words(
            f"{self.subject}：{kind.zh}{f'（{zh}）' if zh else ''}",
            f"{self.subject}: {kind.en}{f' ({en})' if en else ''}",
        )


class Mended(msgspec.Struct, frozen=True):
    """The end of a break, at the event time (ns) at which it was found to agree again."""

    kind: str
    subject: str
    at: int
    about: tuple[str, str, str] = ("", "", "")


class Tally:
    """Amounts by unit, in all and those whose patience (ns) has run out."""

    def __init__(self, patience: int) -> None:
        self._patience = patience
        self._parts: dict[Digest, tuple[int, str, Decimal, tuple[Cause, ...]]] = {}
        self._waiting: list[tuple[int, Digest]] = []
        self._total: dict[str, Decimal] = {}
        self._ripe: dict[str, Decimal] = {}
        self._units: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._parts)

    @property
    def units(self) -> set[str]:
        """The units in which there is anything."""
        return {unit for unit, count in self._units.items() if count}

    @property
    def names(self) -> list[Digest]:
        """The facts that are counted."""
        return [*self._parts]

    def add(self, fact: Fact, unit: str, *, amount: Decimal) -> None:
        """Count an amount that a fact says, from the fact's event time on."""
        name, at = fact.id, fact.at
        self._parts[name] = (at, unit, amount, fact.because)
        self._total[unit] = _EXACT.add(self.total(unit), amount)
        self._units[unit] = self._units.get(unit, 0) + 1
        heapq.heappush(self._waiting, (at + self._patience, name))

    def remove(self, name: Digest) -> None:
        """Count an amount no longer."""
        at, unit, amount, _ = self._parts.pop(name)
        self._total[unit] = _EXACT.subtract(self._total[unit], amount)
        self._units[unit] -= 1
        # It is among the ripe exactly if it was taken off the waiting ones.
        if (at + self._patience, name) in self._waiting:
            self._waiting.remove((at + self._patience, name))
            heapq.heapify(self._waiting)
        else:
            self._ripe[unit] = _EXACT.subtract(self._ripe[unit], amount)

    def total(self, unit: str) -> Decimal:
        """All of a unit."""
        return self._total.get(unit, Decimal(0))

    def ripe(self, unit: str, now: int) -> Decimal:
        """What has waited its patience out at an event time, which never goes back."""
        while self._waiting and self._waiting[0][0] <= now:
            _, name = heapq.heappop(self._waiting)
            _, of, amount, _ = self._parts[name]
            self._ripe[of] = _EXACT.add(self._ripe.get(of, Decimal(0)), amount)
        return self._ripe.get(unit, Decimal(0))

    def side(self, name: Name, missing: tuple[Words, ...] = ()) -> Side:
        """The tally as a side of a break."""
        first = heapq.nsmallest(_LISTED, ((part[0], key) for key, part in self._parts.items()))
        causes = tuple(cause for _, key in first for cause in self._parts[key][3])
        figures = {unit: written(self.total(unit)) for unit in sorted(self.units)}
        return Side(name, figures, causes, len(self), missing)


def written(number: Decimal | Fraction) -> str:
    """A number as it stands in a break: plain digits, at most nine places."""
    exact = (
        number
        if isinstance(number, Decimal)
        else _EXACT.divide(Decimal(number.numerator), Decimal(number.denominator))
    )
    return f"{exact.quantize(Decimal('1e-9'), context=_EXACT).normalize(_EXACT):f}"
