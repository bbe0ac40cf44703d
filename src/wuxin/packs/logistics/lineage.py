"""From raw to semi-finished to finished: what goods were made of, what became of them, the yield.

The descent of lots, exact in fractions, is that of the four flows of a trade; events about goods
are those of EPCIS. Here they are put together for one question: where is what was pledged now?
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from wuxin.finance.trade_breaks import Patience
from wuxin.finance.trade_facts import Made, Movement
from wuxin.finance.trade_goods import Goods
from wuxin.finance.trade_lineage import Lineage, Lot, imbalance
from wuxin.finance.trade_state import Books
from wuxin.packs.logistics.figures import of_day
from wuxin.protocols.epcis.goods import goods
from wuxin.terms.records import Words
from wuxin.terms.standards import DayView, Derived


class Descent(NamedTuple):
    """The descent of goods, and each event that could not be used: its reference and why."""

    lineage: Lineage
    made: tuple[Made, ...]
    unused: tuple[tuple[str, Words], ...]


class Trace(NamedTuple):
    """One lot through its changes of form.

    ``made_from`` and ``became`` are all lots above and below, without itself; ``left`` is what is
    there of it (in its unit), ``carries`` the claims that it was given and still holds.
    """

    lot: Lot
    made_from: tuple[Lot, ...]
    became: tuple[Lot, ...]
    left: Fraction
    carries: Fraction


def descent(answers: Iterable[Mapping[str, Any]]) -> Descent:
    """The descent of goods from decoded EPCIS documents.

    Args:
        answers: what :func:`wuxin.protocols.epcis.decode` gives, one for each document. An event
            that is told twice counts once; one that is declared wrong counts not at all.

    Returns:
        Transformations and movements as one descent. A movement that names no order, and anything
        whose quantity or unit is not stated, cannot be used and is told.
    """
    lineage, reader = Lineage(), Goods(Books(Patience()))
    facts: dict[str, Made | Movement] = {}
    void: set[str] = set()
    unused: dict[str, tuple[Words, ...]] = {}
    for answer in answers:
        for told in goods(answer):
            if told.void:
                void.add(told.reference)
                continue
            found = reader.facts(told, ())
            usable = [f for f in found if isinstance(f, Made | Movement)]
            facts |= {str(fact.id): fact for fact in usable}
            if not usable:
                lacking = reader.lacking.get(told.reference)
                unused[told.reference] = lacking.missing if lacking else ()
    made = []
    for fact in facts.values():
        if fact.reference in void:
            continue
        if isinstance(fact, Made):
            lineage.made(fact)
            made.append(fact)
        else:
            lineage.moved(fact)
    why = tuple((name, words) for name, many in unused.items() for words in many)
    return Descent(lineage, tuple(made), why)


def trace(lineage: Lineage, lot: Lot, *, claims: Mapping[str, Fraction] | None = None) -> Trace:
    """One lot through its changes of form: what it is made from, what it became, what it carries.

    Args:
        lineage: the descent of goods.
        lot: name and unit.
        claims: amounts put on lots by name, as a loan on raw material; they follow the goods.
    """
    above = tuple(x for x in lineage.ancestors(lot) if x != lot)
    below = tuple(x for x in lineage.descendants(lot) if x != lot)
    carries = lineage.kept(lot, claims or {})
    if lot in lineage.used and lineage.used[lot] > 0 and not lineage.came.get(lot):
        carries = Fraction(0)  # nobody told that it came, but it was used: all that there was
    return Trace(lot, above, below, lineage.left(lot), carries)


def yields(made: Made) -> tuple[Decimal, Decimal]:
    """The yield of a process (out over in), and what it put out beyond what came in (share of in).

    A process from nothing yields nothing: (0, 0).
    """
    taken = sum((part.quantity for part in made.inputs), Decimal(0))
    if not taken:
        return Decimal(0), Decimal(0)
    out = sum((part.quantity for part in made.outputs), Decimal(0))
    gap = imbalance(made)
    return out / taken, Decimal(gap.numerator) / Decimal(gap.denominator) / taken


def transformations_day(view: DayView) -> list[Derived]:
    """Derive each process's yield of the day, and by how much mass in and out do not agree."""
    found: list[Derived] = []
    for process in view.of("transformation"):
        told = [
            view.series(process, name) for name in ("input_weight", "output_weight", "loss_weight")
        ]
        taken, out, lost = (float(series.v.sum()) for series in told)
        if taken <= 0 or not len(told[1]):
            continue
        # Without a reported loss a shortfall is not known to be one: only too much is a gap.
        gap = (out + lost - taken) if len(told[2]) else max(out - taken, 0.0)
        found += of_day(view, process, yield_share=out / taken, mass_gap=abs(gap) / taken)
    return found
