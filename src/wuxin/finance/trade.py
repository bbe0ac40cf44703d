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

from wuxin.finance.trade_breaks import AHEAD, Break, Mended, Patience, Side
from wuxin.finance.trade_facts import (
    AnyFact,
    Financing,
    Invoice,
    Made,
    Movement,
    Order,
    Passed,
    Payment,
    Withdrawal,
)
from wuxin.finance.trade_judge import Subject, judge
from wuxin.finance.trade_lineage import Lot
from wuxin.finance.trade_state import Books, alike
from wuxin.terms.names import Digest
from wuxin.terms.records import Words

_NOTHING: Final = Side("process", {})
_FUTURE: Final = Words("日期比收到时晚一天以上", "it is dated more than a day after it arrived")


class Reconciler:
    """All trades of one tenant: takes facts one by one and says what breaks and what mends."""

    def __init__(self, patience: Patience | None = None) -> None:
        self.patience = patience or Patience()
        self._books = Books(self.patience)
        self._facts: dict[Digest, AnyFact] = {}
        self._unusable: dict[Digest, AnyFact] = {}
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
        return sorted(found, key=lambda each: (each.subject, each.kind, each.about))

    @property
    def books(self) -> Books:
        """What the usable facts come to."""
        return self._books

    @property
    def due(self) -> int | None:
        """The next event time (ns) at which a side has waited long enough; None: none waits."""
        return self._due[0][0] if self._due else None

    def fact(self, name: Digest) -> AnyFact | None:
        """A fact that was told, usable or not; None where there is none of that identity."""
        return self._facts.get(name) or self._unusable.get(name)

    def is_withdrawn(self, name: Digest) -> bool:
        """Whether a fact was taken back, whether it had been told by then or not."""
        return name in self._withdrawn

    def missing(self, order: str) -> tuple[Words, ...]:
        """What is not known of an order's trade, which is not the same as zero."""
        return self._books.missing(order)

    def take(self, *facts: AnyFact, known: int | None = None) -> list[Break | Mended]:
        """Take facts together; return what broke, changed or was mended by them and by their time.

        A fact told twice changes nothing. One that cannot be used is a break of its own, which ends
        where it is withdrawn, or told again when it can be.

        Args:
            facts: in any order.
            known: when (ns) they arrived; one that is dated more than a day later cannot be used,
                because it would move the time of all. None: they are taken as they are dated.
        """
        told: list[Break | Mended] = []
        touched: set[Subject] = set()
        for fact in facts:
            ahead = known is not None and fact.at > known + AHEAD
            if isinstance(fact, Passed):
                if not ahead:
                    self._reach(fact.at)
                continue
            name = fact.id
            if name in self._facts:
                continue
            why = fact.unsound or (_FUTURE if ahead else None)
            if why is not None:
                told += self._refuse(fact, why)
                continue
            self._facts[name] = fact
            self._reach(fact.at)
            told += self._use(name)
            if isinstance(fact, Withdrawal):
                told += self._use(fact.of)
            touched |= self._apply(fact)
        return told + self._settle(touched)

    def freeze(self) -> Any:
        """All facts, the patience and the time, as plain values; money and quantities as text."""
        kept = {name: _in_order(facts) for name, facts in
                (("facts", self._facts), ("unusable", self._unusable))}  # fmt: skip
        unusable = [self._open["fact", one.id, ""]["unusable_fact"] for one in kept["unusable"]]
        said = {"patience": self.patience, "now": self.now, "breaks": unusable, **kept}
        return msgspec.to_builtins(said, str_keys=True)

    @classmethod
    def thaw(cls, kept: Mapping[str, Any]) -> "Reconciler":
        """A reconciler from what :meth:`freeze` gave; the facts alone decide how it stands."""
        made = cls(msgspec.convert(kept["patience"], Patience))
        for fact in msgspec.convert(kept["unusable"], list[AnyFact]):
            made._unusable[fact.id] = fact
        for broken in msgspec.convert(kept["breaks"], list[Break]):
            made._open["fact", broken.subject, ""][broken.kind] = broken
        if kept["now"] is not None:
            made.take(*msgspec.convert(kept["facts"], list[AnyFact]), Passed(at=kept["now"]))
        return made

    def _refuse(self, fact: AnyFact, why: Words) -> list[Break]:
        name = fact.id
        if name in self._unusable or name in self._withdrawn:
            return []
        self._unusable[name] = fact
        side = Side("process", {"kind": type(fact).__name__}, fact.because, 1, (why,))
        broken = Break("unusable_fact", name, (side, _NOTHING), about=("fact", name, ""))
        self._open["fact", name, ""][broken.kind] = broken
        return [broken]

    def _use(self, name: Digest) -> list[Mended]:
        """What could not be used can now, or is not to be used any more."""
        if self._unusable.pop(name, None) is None:
            return []
        self._open.pop(("fact", name, ""), None)
        assert self.now is not None
        return [Mended("unusable_fact", name, self.now, about=("fact", name, ""))]

    def _reach(self, at: int) -> None:
        self._books.now = at if self.now is None else max(self.now, at)

    def _settle(self, touched: set[Subject]) -> list[Break | Mended]:
        while self._due and self.now is not None and self._due[0][0] <= self.now:
            touched |= self._beside(heapq.heappop(self._due)[1])
        return [told for subject in sorted(touched) for told in self._judge(subject)]

    def _apply(self, fact: AnyFact) -> set[Subject]:
        if isinstance(fact, Withdrawal):
            if fact.of in self._withdrawn:
                return set()
            self._withdrawn.add(fact.of)
            of = self._facts.get(fact.of)
            return set() if of is None else self._count(of, sign=-1)
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
        found = {
            each.kind: msgspec.structs.replace(each, about=subject)
            for each in judge(self._books, subject)
        }
        before = self._open.pop(subject, {})
        if found:
            self._open[subject] = found
        told: list[Break | Mended] = [
            found[kind] for kind in sorted(found) if before.get(kind) != found[kind]
        ]
        ended = sorted(kind for kind in before if kind not in found)
        return told + [Mended(kind, before[kind].subject, now, about=subject) for kind in ended]


def _in_order(facts: Mapping[Digest, AnyFact]) -> list[AnyFact]:
    return sorted(facts.values(), key=lambda fact: (fact.at, fact.id))
