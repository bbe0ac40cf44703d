"""The descent of goods: what came in as lots, became other lots, went out, and is left.

Claims and values follow the goods in proportion to quantity. What is lost takes none of them with
it: a debt does not shrink because metal burns off. Fractions keep every split exact, so that what
is handed on adds up to what was there.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, MutableMapping
from fractions import Fraction
from typing import Final, NamedTuple

from wuxin.finance.trade_circles import circles
from wuxin.finance.trade_facts import Made, Movement
from wuxin.terms.names import Digest

Lot = tuple[str, str]
"""A lot and the unit that it is counted in; in another unit it is another lot."""

_NONE: Final = Fraction(0)


class Given(NamedTuple):
    """What a lot was given in all, and the circle of lots that it stands in (itself, if none)."""

    amount: Fraction
    circle: frozenset[Lot]


Known = MutableMapping[Lot, Given]
"""What was worked out already; it holds as long as neither goods nor amounts change."""


class Lineage:
    """The lots that are known and the processes between them; facts may come in any order."""

    def __init__(self) -> None:
        self.came: dict[Lot, Fraction] = defaultdict(Fraction)
        self.went: dict[Lot, Fraction] = defaultdict(Fraction)
        self.used: dict[Lot, Fraction] = defaultdict(Fraction)
        self._into: dict[Lot, dict[Digest, Made]] = defaultdict(dict)
        self._from: dict[Lot, dict[Digest, Made]] = defaultdict(dict)

    def moved(self, fact: Movement, *, sign: int = 1) -> Lot:
        """Take a movement in, or with sign -1 back; return its lot."""
        lot = (fact.lot, fact.unit)
        side = self.came if fact.way == "in" else self.went
        side[lot] += sign * Fraction(fact.quantity)
        return lot

    def made(self, fact: Made, *, sign: int = 1) -> list[Lot]:
        """Take a process in, or with sign -1 back; return the lots that it touches."""
        for part in fact.inputs:
            self.used[part.lot, fact.unit] += sign * Fraction(part.quantity)
        for part in fact.outputs:
            self.came[part.lot, fact.unit] += sign * Fraction(part.quantity)
        for parts, links in ((fact.inputs, self._from), (fact.outputs, self._into)):
            for part in parts:
                lot = (part.lot, fact.unit)
                if sign > 0:
                    links[lot][fact.id] = fact
                else:
                    links[lot].pop(fact.id, None)
        return [(part.lot, fact.unit) for part in (*fact.inputs, *fact.outputs)]

    def left(self, lot: Lot) -> Fraction:
        """What is left of a lot; below zero where more went than ever came."""
        return self._at(self.came, lot) - self._at(self.went, lot) - self._at(self.used, lot)

    def descendants(self, lot: Lot) -> Iterator[Lot]:
        """A lot and all that was made from it, each once."""
        seen, waiting = {lot}, [lot]
        while waiting:
            lot = waiting.pop()
            yield lot
            for fact in self._from.get(lot, {}).values():
                for part in fact.outputs:
                    child = (part.lot, fact.unit)
                    if child not in seen:
                        seen.add(child)
                        waiting.append(child)

    def processes(self, lot: Lot) -> list[Made]:
        """The processes that made a lot, and those that used it."""
        return [*self._into.get(lot, {}).values(), *self._from.get(lot, {}).values()]

    def ancestors(self, lot: Lot) -> Iterator[Lot]:
        """A lot and all that it was made from, each once."""
        seen, waiting = {lot}, [lot]
        while waiting:
            lot = waiting.pop()
            yield lot
            for source in self._sources(lot):
                if source not in seen:
                    seen.add(source)
                    waiting.append(source)

    def carried(
        self, lot: Lot, own: Mapping[str, Fraction], *, known: Known | None = None
    ) -> Fraction:
        """What a lot was given in all: its own amount and its share of what it was made from.

        Every lot above is worked out once, so the cost grows with the processes, not the paths.

        Args:
            lot: the lot asked for.
            own: amounts (claims, money) put on lots themselves, by name; a lot without has none.
            known: what was worked out before for the same goods and amounts; it is added to.
        """
        return self._given(lot, own, known={} if known is None else known).amount

    def kept(
        self, lot: Lot, own: Mapping[str, Fraction], *, known: Known | None = None
    ) -> Fraction:
        """Of :meth:`carried` what was not handed on with the goods that were used up.

        Lots that are made from one another in a circle (dirty facts) hand nothing round in it: a
        claim on one of them stays, where it shows, and cannot be made to vanish.
        """
        amount, circle = self._given(lot, own, known={} if known is None else known)
        came = self._at(self.came, lot)
        used = self._at(self.used, lot)
        for fact in self._from.get(lot, {}).values():
            if any((part.lot, fact.unit) in circle for part in fact.outputs):
                used -= sum((Fraction(p.quantity) for p in fact.inputs if p.lot == lot[0]), _NONE)
        share = Fraction(1) if not came else 1 - min(used / came, Fraction(1))
        return amount * share

    def _given(self, lot: Lot, own: Mapping[str, Fraction], *, known: Known) -> Given:
        if lot not in known:
            for circle in circles(lot, lambda one: [] if one in known else self._sources(one)):
                inside = frozenset(circle)
                for each in circle:
                    if each not in known:
                        amount = own.get(each[0], _NONE) + self._received(each, inside, known=known)
                        known[each] = Given(amount, inside)
        return known[lot]

    def _sources(self, lot: Lot) -> list[Lot]:
        facts = self._into.get(lot, {}).values()
        return [(part.lot, fact.unit) for fact in facts for part in fact.inputs]

    def _received(self, lot: Lot, circle: frozenset[Lot], *, known: Known) -> Fraction:
        """What a lot was handed by those that it was made from, all of which are known."""
        amount = _NONE
        for fact in self._into.get(lot, {}).values():
            made = sum((Fraction(part.quantity) for part in fact.outputs), _NONE)
            here = sum((Fraction(p.quantity) for p in fact.outputs if p.lot == lot[0]), _NONE)
            for part in fact.inputs:
                source = (part.lot, fact.unit)
                # Where more was used than came, the whole was used and is shared by use.
                base = max(self._at(self.came, source), self._at(self.used, source))
                if source in circle or not base or not made:
                    continue
                share = Fraction(part.quantity) / base * here / made
                amount += known[source].amount * share
        return amount

    @staticmethod
    def _at(side: Mapping[Lot, Fraction], lot: Lot) -> Fraction:
        return side.get(lot, _NONE)


def imbalance(fact: Made) -> Fraction:
    """What a process put out, with its loss, beyond what it took in; below zero if it is short.

    Without a reported loss a shortfall is not known to be one and counts as none.
    """
    taken = sum((Fraction(part.quantity) for part in fact.inputs), _NONE)
    out = sum((Fraction(part.quantity) for part in fact.outputs), _NONE)
    if fact.loss is None:
        return max(out - taken, _NONE)
    return out + Fraction(fact.loss) - taken
