"""Bank statements against invoices: which payment is meant, and what stays unallocated.

A line is allocated by what the payer says in structured form, else by the number of an invoice that
is found in the text exactly once; where several invoices have the number, the other side's name
decides. What is not allocated is listed, and looked at again when an invoice comes.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from wuxin.finance.trade_breaks import AHEAD
from wuxin.finance.trade_facts import AnyFact, Invoice, Payment, Withdrawal
from wuxin.finance.trade_orders import number
from wuxin.finance.trade_state import Books
from wuxin.terms.clock import moment
from wuxin.terms.errors import BadInput, Conflict
from wuxin.terms.names import Digest, content_id
from wuxin.terms.records import Cause, Words, plain
from wuxin.terms.statement import BankStatement, StatementLine

UNALLOCATED: Final = 100_000
"""How many of the newest unallocated lines are listed."""

_SHORTEST: Final = 4
_CUT: Final = re.compile(r"[\s,;:|()\[\]]+")
_NOT_PROVIDED: Final = ("", "NOTPROVIDED", "NOTAVAILABLE", "NONREF")
_UNKNOWN: Final = Words("附言中没有已知发票号", "no known invoice is named")
_SEVERAL: Final = Words("附言指向多张发票", "several invoices are named")
_NO_MATCH: Final = Words("冲正找不到原付款", "a reversal of a payment that is not known")


class Booked(msgspec.Struct, frozen=True):
    """A line of a statement as it is remembered while it is unallocated, and why it is."""

    id: str
    at: int
    amount: Decimal
    currency: str
    line: StatementLine
    account: str
    because: tuple[Cause, ...]
    why: Words = _UNKNOWN


class Paid(msgspec.Struct):
    """A payment that a line told: its fact, on which account, which way, and by what it is known.

    It is ``both`` once the other side's statement has told it too, and ``gone`` once it was taken
    back.
    """

    fact: Digest
    account: str
    way: str
    amount: Decimal
    currency: str
    end_to_end: str
    both: bool = False
    gone: str = ""


class Outcome(NamedTuple):
    """What a statement led to: facts, and how many lines were allocated."""

    facts: list[AnyFact]
    allocated: int
    unallocated: int


class Statements:
    """The statements of all accounts that were told.

    Args:
        books: the invoices that are known.
    """

    def __init__(self, books: Books) -> None:
        self.unallocated: dict[str, Booked] = {}
        self._books = books
        self._seen: dict[str, Digest] = {}
        self._paid: dict[str, list[Paid]] = {}
        self._alone: dict[str, None] = {}
        self._words: dict[str, dict[str, None]] = defaultdict(dict)

    def knows(self, said: BankStatement) -> bool:
        """Whether the same was told before.

        Raises:
            Conflict: another statement of that account has this name.
        """
        known = self._seen.get(_name(said))
        if known is not None and known != _content(said):
            raise Conflict(
                f"statement {said.id!r} of account {said.account!r} was told with other content"
            )
        return known is not None

    def take(self, said: BankStatement, *, because: tuple[Cause, ...], known: int) -> Outcome:
        """Take a statement in.

        Raises:
            BadInput: its balances do not fit its lines, or a line is dated in the future.
        """
        _check(said, known)
        self._seen[_name(said)] = _content(said)
        facts: list[AnyFact] = []
        left = len(self.unallocated)
        for n, line in enumerate(said.lines):
            amount = number(line.amount)
            if amount:
                name = f"{said.account}/{said.id}/{n}"
                booked = Booked(name, moment(line.at), amount, said.currency, line, said.account,
                                because)  # fmt: skip
                facts += self._book(booked)
        facts += self._unmatched()
        rest = len(self.unallocated) - left
        return Outcome(facts, sum(1 for line in said.lines if number(line.amount)) - rest, rest)

    def again(self, numbers: Iterable[str]) -> list[AnyFact]:
        """The payments of lines that name one of these invoices, which was not known before."""
        found = {id_: None for number in numbers for id_ in self._words.get(number, ())}
        waiting = [self.unallocated[id_] for id_ in found if id_ in self.unallocated]
        facts = [fact for booked in waiting for fact in self._book(booked)]
        return facts + self._unmatched()

    def freeze(self) -> Any:
        """All that is remembered, as plain values."""
        kept = {"unallocated": [*self.unallocated.values()], "seen": self._seen,
                "paid": self._paid}  # fmt: skip
        return msgspec.to_builtins(kept, str_keys=True)

    def thaw(self, kept: Mapping[str, Any]) -> None:
        """Take over what :meth:`freeze` gave."""
        listed = msgspec.convert(kept["unallocated"], list[Booked])
        for one in listed:
            self._list(one)
        self._seen = {name: Digest(found) for name, found in kept["seen"].items()}
        self._paid = msgspec.convert(kept["paid"], dict[str, list[Paid]])

    def _unmatched(self) -> list[AnyFact]:
        """Look again at reversals that were told before their payments."""
        waiting = [self.unallocated[id_] for id_ in self._alone]
        return [fact for booked in waiting for fact in self._book(booked)]

    def _book(self, booked: Booked) -> list[AnyFact]:
        """The payment or its reversal that a line tells; what stays unallocated is listed."""
        key, why = self._invoice(booked.line)
        facts: list[AnyFact] = []
        if key is not None:
            back = booked.line.reversal or self._is_refund(key, booked.line)
            done = self._reverse(booked, key) if back else self._pay(booked, key)
            facts, why = (done, None) if done is not None else ([], _NO_MATCH)
        self._forget(booked.id)
        if why is not None:
            self._list(msgspec.structs.replace(booked, why=why))
            if len(self.unallocated) > UNALLOCATED:
                self._forget(next(iter(self.unallocated)))
        return facts

    def _list(self, booked: Booked) -> None:
        self.unallocated[booked.id] = booked
        if booked.why == _NO_MATCH:
            self._alone[booked.id] = None
        for word in _words(booked.line):
            self._words[word][booked.id] = None

    def _forget(self, id_: str) -> None:
        booked = self.unallocated.pop(id_, None)
        self._alone.pop(id_, None)
        for word in _words(booked.line) if booked is not None else ():
            self._words[word].pop(id_, None)
            if not self._words[word]:
                del self._words[word]

    def _pay(self, booked: Booked, key: str) -> list[AnyFact]:
        line, held = booked.line, self._paid.setdefault(key, [])
        named = line.end_to_end if line.end_to_end not in _NOT_PROVIDED else ""
        for paid in held:
            # One payment stands on two statements: out of the payer's, into the payee's account.
            same = (paid.end_to_end, paid.amount, paid.currency)
            other = paid.account != booked.account and paid.way != line.way
            if named and other and not paid.both and same == (named, booked.amount,
                                                             booked.currency):  # fmt: skip
                paid.both = True
                return []
        fact = Payment(
            at=booked.at, because=booked.because, reference=f"{booked.id} {line.reference}",
            invoice=key, amount=booked.amount, currency=booked.currency,
        )  # fmt: skip
        held.append(Paid(fact.id, booked.account, line.way, booked.amount, booked.currency, named))
        return [fact]

    def _reverse(self, booked: Booked, key: str) -> list[AnyFact] | None:
        """Take back the latest payment of the same amount; None where there is none."""
        line, found = booked.line, None
        for paid in self._paid.get(key, []):
            mine = paid.account == booked.account and paid.way != line.way
            theirs = paid.both and paid.account != booked.account and paid.way == line.way
            if (paid.amount, paid.currency) != (booked.amount, booked.currency):
                continue
            if paid.gone == booked.account or not (mine or theirs) or (paid.gone and not paid.both):
                continue
            if found is None or found.end_to_end != line.end_to_end:
                found = paid
        if found is None:
            return None
        before, found.gone = found.gone, found.gone or booked.account
        if before:  # the other side's statement has told it already
            return []
        return [Withdrawal(at=booked.at, because=booked.because, of=found.fact,
                           reason=f"{booked.id} {line.reference}")]  # fmt: skip

    def _invoice(self, line: StatementLine) -> tuple[str | None, Words | None]:
        """The invoice that a line names, else why none."""
        for named in (line.references, _written(line)):
            keys = {key for one in named for key in self._books.by_number.get(one, ())}
            if len(keys) > 1:
                keys = {key for key in keys if self._is_between(key, line)}
                if len(keys) != 1:
                    return None, _SEVERAL
            if keys:
                return keys.pop(), None
        return None, _UNKNOWN

    def _is_between(self, key: str, line: StatementLine) -> bool:
        """Whether the other side of a line is the one who is paid, or pays, by an invoice."""
        return _other(self._books.invoice(key), line, back=line.reversal)

    def _is_refund(self, key: str, line: StatementLine) -> bool:
        """Whether money came from who was to be paid, or went to who was to pay."""
        invoice = self._books.invoice(key)
        return _other(invoice, line, back=True) and not _other(invoice, line, back=False)


def _other(invoice: Invoice | None, line: StatementLine, *, back: bool) -> bool:
    if invoice is None or not line.party:
        return False
    name = invoice.seller if (line.way == "out") != back else invoice.buyer
    return name.casefold() == line.party.casefold()


def _written(line: StatementLine) -> list[str]:
    """What in the text of a line may be the number of an invoice: has a digit, is not too short."""
    words = (word.strip(".#'\"") for word in _CUT.split(line.text))
    return [w for w in words if len(w) >= _SHORTEST and any(c.isdigit() for c in w)]


def _words(line: StatementLine) -> set[str]:
    return {*line.references, *_written(line)}


def _check(said: BankStatement, known: int) -> None:
    """Refuse a statement that does not add up.

    Raises:
        BadInput: its balances do not fit its lines, or a line is dated in the future.
    """
    total = number(said.opening)
    for line in said.lines:
        amount = number(line.amount)
        if amount < 0:
            raise BadInput(f"line {line.reference!r} is below zero; a line says in or out")
        if moment(line.at) > known + AHEAD:
            raise BadInput(f"line {line.reference!r} is dated {line.at}, more than a day ahead")
        total += amount if line.way == "in" else -amount
    if total != number(said.closing):
        raise BadInput(
            f"statement {said.id!r} does not add up: {said.opening} and its lines make {total}, "
            f"it closes at {said.closing}"
        )


def _name(said: BankStatement) -> str:
    return f"{said.account}/{said.id}"


def _content(said: BankStatement) -> Digest:
    """What a statement says, whatever document it came in."""
    told = plain(said)
    del told["document"]
    return content_id(told)
