"""The bank of one tenant: its counters, and who hears what is said at each of them.

order ──► the counter that obeys it ──► what it says ──► on record, and heard by every counter
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from wuxin.finance.books import Books
from wuxin.finance.capacity import Capacity
from wuxin.finance.cases import Cases
from wuxin.finance.credit import Credit
from wuxin.finance.desk import Desk
from wuxin.finance.facts import Facts
from wuxin.finance.interceptor import Interceptor
from wuxin.finance.keeper import Keeper
from wuxin.finance.ledger import Ledger
from wuxin.finance.pledges import thaw
from wuxin.finance.subscribers import Subscribers
from wuxin.finance.trades import Trades
from wuxin.finance.warnings import Warnings
from wuxin.risk.falls import Falls
from wuxin.terms.counter import BANK, Counter, Now, Order, Said, read
from wuxin.terms.errors import BadInput, Conflict
from wuxin.terms.names import Digest, Tenant, content_id
from wuxin.terms.records import Command
from wuxin.underwriting import ports

KEYS: Final = 100_000
"""How many of the newest keys of commands are remembered, so that none is obeyed twice."""


class Bank:
    """All counters of one tenant, in the order in which they hear."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.books = Books()
        self.desk = Desk(tenant, self.books, fall=Falls())
        self.cases = Cases(tenant, self.desk, facts=Facts(self.desk))
        self.keeper = Keeper(tenant, self.desk)
        self.interceptor = Interceptor(tenant, self.desk)
        self.credit = Credit(tenant, self.desk, ports=ports())
        self.desk.checks.append(self.credit.check)
        self.warnings = Warnings(tenant, concerned=self.desk.facilities_of)
        self.subscribers = Subscribers(tenant)
        self.trades = Trades(tenant, self.desk)
        self.capacity = Capacity(tenant)
        self.counters: list[Counter] = [
            self.keeper, self.desk, self.cases, self.credit, self.trades, self.interceptor,
            self.warnings, self.subscribers, self.capacity,
        ]  # fmt: skip
        self.orders: dict[str, Order] = {
            name: order for counter in self.counters for name, order in counter.orders.items()
        }
        self._keys: dict[str, tuple[Digest, int]] = {}

    def obey(self, command: Command, now: Now, *, entry: int) -> list[Said]:
        """Do what was ordered; a refused order changes nothing.

        Args:
            command: what was ordered.
            now: the occasion.
            entry: the number of the journal entry that brought it.

        Raises:
            BadInput: there is no such order, or a field of its body cannot be meant.
            Refused: whatever the counter refuses it for.
        """
        order = self.orders.get(command.do)
        if order is None:
            known = ", ".join(self.orders)
            raise BadInput(f"there is no command {command.do!r}; commands are {known}")
        if self.done(command) is not None:
            return []
        account = self.desk.accounts.get(command.facility)
        if account is not None and account.source not in {"", now.source}:
            raise BadInput(f"facility {command.facility!r} runs on source {account.source!r}")
        said = order.obey(command, read(command.body, order.body, do=command.do), now=now)
        if command.key:
            self._keys[command.key] = (_content(command), entry)
            if len(self._keys) > KEYS:
                del self._keys[next(iter(self._keys))]
        return said

    def done(self, command: Command) -> int | None:
        """The journal entry that obeyed a command of this key; None where none did.

        Raises:
            Conflict: the key was used for something else.
        """
        known = self._keys.get(command.key) if command.key else None
        if known is None:
            return None
        if known[0] != _content(command):
            raise Conflict(f"the key {command.key!r} was used for something else before")
        return known[1]

    def hear(self, said: Said, now: Now) -> list[Said]:
        """What comes of what was said, from all counters."""
        return [more for counter in self.counters for more in counter.hear(said, now)]

    def tick(self, now: Now) -> list[Said]:
        """What comes of time having passed, from all counters."""
        return [said for counter in self.counters for said in counter.tick(now)]

    def due(self) -> int:
        """The next arrival time (ns) at which a counter wants a tick."""
        return min(counter.due() for counter in self.counters)

    def source_of(self, facility: str) -> str:
        """The source on whose clock a facility runs; the bank's own where there is none."""
        account = self.desk.accounts.get(facility)
        return account.source if account is not None else BANK

    def freeze(self) -> Any:
        """All that the bank remembers, as plain values."""
        return {
            "register": self.books.register.freeze(),
            "ledger": self.books.ledger.freeze(),
            "entries": self.books.entries,
            "keys": [[key, *found] for key, found in self._keys.items()],
            "counters": {counter.name: counter.freeze() for counter in self.counters},
        }

    def thaw(self, kept: Mapping[str, Any]) -> None:
        """Take over what :meth:`freeze` gave."""
        self.books.register = thaw(kept["register"])
        ledger = Ledger()
        ledger.thaw(kept["ledger"])
        self.books.ledger, self.books.entries = ledger, kept["entries"]
        self._keys = {key: (Digest(found), entry) for key, found, entry in kept["keys"]}
        for counter in self.counters:
            counter.thaw(kept["counters"][counter.name])


def _content(command: Command) -> Digest:
    """What a command says, whenever it is said."""
    body = {name: said for name, said in command.body.items() if name != "elsewhere"}
    said: Sequence[Any] = [command.do, command.by, command.facility, body]
    return content_id(["order", *said])
