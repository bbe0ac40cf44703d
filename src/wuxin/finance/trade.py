"""The four flows of a trade, held against one another as each fact comes in.

Commerce (orders, invoices), goods (movements, processes), capital (payments) and financing must
tell one story. What does not agree is a break between two sides; it ends when they agree. Deadlines
run in event time: the latest that any usable fact tells. The facts alone, not the order in which
they arrive, decide which breaks are open.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from wuxin.finance.trade_breaks import Break, Mended, Patience, Side
from wuxin.finance.trade_facts import (
    AnyFact,
    Financing,
    Invoice,
    Made,
    Movement,
    Order,
    Payment,
    Withdrawal,
)
from wuxin.finance.trade_judge import Subject, judge
from wuxin.finance.trade_lineage import Lot
from wuxin.finance.trade_state import Books, alike
from wuxin.terms.names import Digest
from wuxin.terms.records import Words

_NOTHING: Final = Side("process", {})


class Reconciler:
    """All trades of one tenant: takes facts one by one and says what breaks and what mends."""

    def __init__(self, patience: Patience | None = None) -> None:
        self.patience = patience or Patience()
        self._books = Books(self.patience)
        self._facts: dict[Digest, AnyFact] = {}
        self._withdrawn: set[Digest] = set()
        self._due: list[tuple[int, Subject]] = []
        self._open: dict[Subject, dict[str, Break]] = defaultdict(dict)

    @property
    def now(self) -> int | None:
        """The event time (ns) that has been reached; None before the first fact."""
        return self._books.now

    @property
    def breaks(self) -> list[Break]:
        """All open breaks, by subject and kind."""
        found = (each for kinds in self._open.values() for each in kinds.values())
        return sorted(found, key=lambda each: (each.subject, each.kind))

    def missing(self, order: str) -> tuple[Words, ...]:
        """What is not known of an order's trade, which is not the same as zero."""
        return self._books.missing(order)

    def take(self, fact: AnyFact) -> list[Break | Mended]:
        """Take a fact and return what broke, changed or was mended by it and by its time.

        A fact told twice changes nothing. One that cannot be used is a break of its own.
        """
        name = fact.id
        if name in self._facts:
            return []
        self._facts[name] = fact
        if fact.unsound is not None:
            side = Side("process", {"kind": type(fact).__name__}, fact.because, 1, (fact.unsound,))
            broken = Break("unusable_fact", name, (side, _NOTHING))
            self._open["fact", name, ""][broken.kind] = broken
            return [broken]
        self._books.now = fact.at if self.now is None else max(self.now, fact.at)
        touched = self._apply(fact)
        while self._due and self._due[0][0] <= self._books.now:
            touched |= self._beside(heapq.heappop(self._due)[1])
        return [told for subject in sorted(touched) for told in self._judge(subject)]

    def freeze(self) -> Any:
        """All facts with the patience, as plain values; money and quantities as text."""
        facts = sorted(self._facts.values(), key=lambda fact: (fact.at, fact.id))
        return msgspec.to_builtins({"patience": self.patience, "facts": facts}, str_keys=True)

    @classmethod
    def thaw(cls, kept: Mapping[str, Any]) -> "Reconciler":
        """A reconciler from what :meth:`freeze` gave; the facts alone decide how it stands."""
        made = cls(msgspec.convert(kept["patience"], Patience))
        for fact in msgspec.convert(kept["facts"], list[AnyFact]):
            made.take(fact)
        return made

    def _apply(self, fact: AnyFact) -> set[Subject]:
        if isinstance(fact, Withdrawal):
            if fact.of in self._withdrawn:
                return set()
            self._withdrawn.add(fact.of)
            of = self._facts.get(fact.of)
            if of is None or of.unsound is not None:
                return set()
            return self._count(of, sign=-1)
        if fact.id in self._withdrawn:
            return set()
        return self._count(fact, sign=1)

    def _count(self, fact: AnyFact, sign: int) -> set[Subject]:  # noqa: PLR0911 - one a kind
        """Count a fact (1) or count it no longer (-1); return what it bears on."""
        books, wait = self._books, self.patience
        match fact:
            case Order():
                books.ordered(fact, sign)
                if fact.due is not None:
                    self._wait(fact.due, ("trade", fact.number, ""))
                return {("trade", fact.number, ""), ("order", fact.number, "")}
            case Movement():
                lot = books.moved(fact, sign)
                self._wait(fact.at + wait.invoice, ("trade", fact.order, ""))
                return {("trade", fact.order, ""), *self._below([lot])}
            case Made():
                lots = books.lineage.made(fact, sign=sign)
                books.processes(fact, sign)
                return {("made", fact.id, ""), *self._below(lots)}
            case Invoice():
                orders = books.invoiced(fact, sign)
                self._wait(fact.at + wait.delivery, ("invoice", fact.key, ""))
                trades: set[Subject] = {("trade", order, "") for order in orders}
                return {("invoice", fact.key, ""), ("alike", alike(fact), ""), *trades}
            case Payment():
                key = books.paid(fact, sign)
                self._wait(fact.at + wait.delivery, ("invoice", key, ""))
                self._wait(fact.at + wait.told, ("invoice", key, ""))
                return self._beside(("invoice", key, ""))
            case Financing():
                books.financed(fact, sign)
                subjects = self._financed(fact)
                for subject in subjects:
                    self._wait(fact.at + wait.told, subject)
                return subjects
            case _:
                return set()

    def _financed(self, fact: Financing) -> set[Subject]:
        if fact.stage != "lot":
            return {(fact.stage, fact.subject, "")}
        return {("pledge", fact.subject, ""), *self._below(self._books.lots(fact.subject))}

    def _wait(self, until: int, subject: Subject) -> None:
        heapq.heappush(self._due, (until, subject))

    def _beside(self, subject: Subject) -> set[Subject]:
        """A subject, and with an invoice the trade it belongs to."""
        invoice = self._books.invoice(subject[1]) if subject[0] == "invoice" else None
        return {subject} if invoice is None else {subject, ("trade", invoice.order, "")}

    def _below(self, lots: Iterable[Lot]) -> set[Subject]:
        found = {each for lot in lots for each in self._books.lineage.descendants(lot)}
        whole: set[Subject] = {("pledge", name, "") for name, _ in found}
        return {("lot", name, unit) for name, unit in found} | whole

    def _judge(self, subject: Subject) -> list[Break | Mended]:
        now = self._books.now
        assert now is not None
        found = {each.kind: each for each in judge(self._books, subject)}
        before = self._open.pop(subject, {})
        if found:
            self._open[subject] = found
        told: list[Break | Mended] = [
            found[kind] for kind in sorted(found) if before.get(kind) != found[kind]
        ]
        ended = sorted(kind for kind in before if kind not in found)
        return told + [Mended(kind, before[kind].subject, now) for kind in ended]
