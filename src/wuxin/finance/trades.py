"""The counter of trades: takes what is told of the four flows, and says where they do not agree.

Orders, invoices, payments, movements and processes are told by commands, goods also by events of
EPCIS sources, payments by bank statements, financing also by the entries of the ledger. A break is
a finding in the same batch, and warns the facilities that hold the goods or lend on the papers.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from wuxin.finance import trade_orders as bodies
from wuxin.finance.desk import Desk
from wuxin.finance.identity import identity
from wuxin.finance.trade import Reconciler
from wuxin.finance.trade_bank import Statements
from wuxin.finance.trade_breaks import Break, Patience
from wuxin.finance.trade_facts import AnyFact, Invoice, Movement, Passed
from wuxin.finance.trade_goods import Goods
from wuxin.finance.trade_lent import Lent, check
from wuxin.finance.trade_says import Says
from wuxin.finance.trade_state import Books
from wuxin.terms.counter import BANK, NOT_DUE, Now, Order, Said, Silent, told
from wuxin.terms.errors import BadInput, Conflict, NotFound
from wuxin.terms.goods import GoodsTold
from wuxin.terms.names import Digest, Tenant
from wuxin.terms.records import Act, Cause, Command, Words
from wuxin.terms.statement import BankStatement

_COMMERCE: Final = ("relationship_manager", "core_system")
_GOODS: Final = ("supervisor", "core_system")
_JUDGES: Final = ("risk_officer", "core_system")
_GOODS_KINDS: Final = ("lot", "warehouse_receipt")


class Trades(Silent):
    """The trades of one bank.

    Args:
        tenant: whose.
        desk: the facilities, with the register of pledges.
        patience: how long a side may wait for the other, and what weights may differ.
    """

    name = "trades"

    def __init__(self, tenant: Tenant, desk: Desk, *, patience: Patience | None = None) -> None:
        self.tenant, self.book = tenant, Reconciler(patience)
        self.goods, self.statements = Goods(self.book.books), Statements(self.book.books)
        self.says = Says(tenant, self._holders)
        self._lent, self._desk = Lent(), desk
        desk.checks.append(check)

    @property
    def orders(self) -> Mapping[str, Order]:
        """What can be told."""
        return {
            "tell_order": Order(
                bodies.TellOrder, self._tell, _COMMERCE, Words("登记订单", "tell an order"), BANK,
            ),
            "tell_invoice": Order(
                bodies.TellInvoice, self._tell, _COMMERCE, Words("登记发票", "tell an invoice"),
                BANK,
            ),
            "tell_payment": Order(
                bodies.TellPayment, self._tell, _COMMERCE, Words("登记付款", "tell a payment"),
                BANK,
            ),
            "tell_movement": Order(
                bodies.TellMovement, self._tell, _GOODS,
                Words("登记货物收发", "tell that goods came or went"), BANK,
            ),
            "tell_process": Order(
                bodies.TellProcess, self._tell, _GOODS,
                Words("登记加工", "tell that lots became others"), BANK,
            ),
            "tell_financing": Order(
                bodies.TellFinancing, self._tell, _JUDGES,
                Words("登记融资", "tell what is lent on a trade"), BANK,
            ),
            "withdraw_fact": Order(
                bodies.WithdrawFact, self._withdraw, _JUDGES,
                Words("撤回记录", "withdraw what no longer holds"), BANK,
            ),
            "bank_statement": Order(
                BankStatement, self._statement, _COMMERCE,
                Words("登记银行对账单", "take a bank statement in"), BANK,
            ),
        }  # fmt: skip

    def hear(self, said: Said, now: Now) -> list[Said]:
        """Entries of the ledger tell what facilities lend on trades."""
        if not isinstance(said, Act) or said.kind != "journal_entry":
            return []
        account = self._desk.accounts.get(said.facility)
        if account is None:
            return []
        facts = self._lent.facts(said, account.terms)
        return self._take(facts, now, because=(Cause("act", said.id),))

    def tick(self, now: Now) -> list[Said]:
        """Deadlines, on the bank's own clock."""
        if now.source != BANK:
            return []
        return self._take([Passed(at=now.at)], now, because=())

    def due(self) -> int:
        """When the next side has waited long enough."""
        return NOT_DUE if self.book.due is None else self.book.due

    def hear_goods(
        self, found: Iterable[tuple[GoodsTold, tuple[Cause, ...]]], now: Now
    ) -> list[Said]:
        """Take events about goods, each with the frame that brought it."""
        facts: list[AnyFact] = []
        grounds: dict[Cause, None] = {}
        for event, because in found:
            facts += self.goods.facts(event, because)
            grounds |= dict.fromkeys(because)
        return self._take(facts, now, because=tuple(grounds)) if facts else []

    def freeze(self) -> Any:
        """All that is remembered, as plain values."""
        return {
            "book": self.book.freeze(), "says": self.says.freeze(), "goods": self.goods.freeze(),
            "statements": self.statements.freeze(), "lent": self._lent.freeze(),
        }  # fmt: skip

    def thaw(self, kept: Any) -> None:
        """Take over what :meth:`freeze` gave."""
        self.book = Reconciler.thaw(kept["book"])
        self.goods, self.statements = Goods(self.book.books), Statements(self.book.books)
        self.says.thaw(kept["says"])
        self.goods.thaw(kept["goods"])
        self.statements.thaw(kept["statements"])
        self._lent.thaw(kept["lent"])

    # ---- orders ----------------------------------------------------------------------------

    def _tell(self, command: Command, said: bodies.Body, *, now: Now) -> list[Said]:
        fact = bodies.fact_of(command, said, now=now)
        if self.book.fact(fact.id) is not None:
            return []
        return [self._act(command, fact), *self._take([fact], now, because=told(command))]

    def _withdraw(self, command: Command, said: bodies.WithdrawFact, *, now: Now) -> list[Said]:
        of = Digest(said.fact)
        if self.book.fact(of) is None:
            raise NotFound(f"there is no fact {said.fact!r}")
        if self.book.is_withdrawn(of):
            raise Conflict(f"fact {said.fact!r} was withdrawn already")
        fact = bodies.fact_of(command, said, now=now)
        return [self._act(command, fact), *self._take([fact], now, because=told(command))]

    def _statement(self, command: Command, said: BankStatement, *, now: Now) -> list[Said]:
        if self.statements.knows(said):
            return []
        found = self.statements.take(said, because=told(command), known=now.known)
        figures = {
            "statement": said.id, "account": said.account, "currency": said.currency,
            "opening": str(said.opening), "closing": str(said.closing),
            "lines": str(len(said.lines)), "allocated": str(found.allocated),
            "unallocated": str(found.unallocated), "document": said.document,
        }  # fmt: skip
        given = {name: text for name, text in figures.items() if text}
        act = Act(self.tenant, "bank_statement", "", command.at, command.by, given, told(command))
        return [act, *self._take(found.facts, now, because=told(command))]

    def _act(self, command: Command, fact: AnyFact) -> Act:
        """The act that names the fact by which it can be withdrawn."""
        names = ("number", "reference", "order", "invoice", "lot", "stage", "subject", "of")
        told_ = {name: str(getattr(fact, name)) for name in names if getattr(fact, name, "")}
        if isinstance(fact, Invoice):
            told_["invoice"] = fact.key
        figures = {"fact": fact.id, "says": type(fact).__name__, **told_}
        return Act(self.tenant, "trade_fact", "", command.at, command.by, figures, told(command))

    # ---- facts and breaks ------------------------------------------------------------------

    def _take(self, facts: list[AnyFact], now: Now, *, because: tuple[Cause, ...]) -> list[Said]:
        """Take facts, and what can be made out now that could not before; say what comes of it."""
        found = self.book.take(*facts, known=now.known)
        while any(isinstance(fact, Invoice | Movement) for fact in facts):
            numbers = [fact.number for fact in facts if isinstance(fact, Invoice)]
            facts = [*self.statements.again(numbers), *self.goods.again()]
            found += self.book.take(*facts, known=now.known)
        return self.says.of(found, now, because=because)

    def _holders(self, broken: Break, now: Now) -> Iterable[str]:
        """The facilities that hold the goods of a break, or lend on its papers."""
        books = self.book.books
        for stage, name in _papers(broken, books):
            for facility in sorted(books.lent_on(stage, name)):
                if facility in self._desk.accounts:
                    yield facility
            if stage == "lot":
                yield from self._pledged(name, now)

    def _pledged(self, lot: str, now: Now) -> Iterable[str]:
        register = self._desk.books.register
        for number in _numbers(lot):
            yield from (one.facility for one in register.holders(number, at=now.at))


def _papers(broken: Break, books: Books) -> Iterable[tuple[str, str]]:
    """The orders, lots and invoices that a break is about, by stage and name."""
    kind, name, _ = broken.about
    if kind in {"lot", "pledge"}:
        yield from (("lot", lot) for lot in _above([name], books))
        return
    if kind == "made":
        made = books.made.get(Digest(name))
        parts = () if made is None else (*made.inputs, *made.outputs)
        yield from (("lot", lot) for lot in _above([part.lot for part in parts], books))
        return
    orders, keys = {name} if kind in {"trade", "order"} else set(), set[str]()
    if kind == "invoice":
        keys.add(name)
    elif kind == "alike":
        keys |= {invoice.key for invoice in books.alike.get(Digest(name), {}).values()}
    for key in keys:
        orders |= {invoice.order for invoice in books.invoices.get(key, {}).values()}
    for order in sorted(orders & books.trades.keys()):
        trade = books.trades[order]
        keys |= trade.invoices
        yield "order", order
        yield from (("lot", lot) for lot in _above(+trade.lots, books))
    yield from (("invoice", key) for key in sorted(keys))


def _above(names: Iterable[str], books: Books) -> list[str]:
    """Lots and all that they were made from: a pledge on those is carried over."""
    found = dict.fromkeys(names)
    for name in [*found]:
        for lot in books.lots(name):
            found |= {above: None for above, _ in books.lineage.ancestors(lot)}
    return sorted(found)


def _numbers(lot: str) -> Iterable[str]:
    """By what numbers the register may know a lot: as a thing, or by a number that it carries."""
    yield f"thing {lot}"
    yield from (f"thing {kind}:{lot}" for kind in _GOODS_KINDS)
    yield lot
    for scheme in ("gs1", "tag"):
        try:
            yield str(identity(scheme, lot))
        except BadInput:
            continue
