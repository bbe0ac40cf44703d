"""A yard of lots with a desk and a keeper: what devices say of each lot can be set at will."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tests.rooms.test_finance import BANK, TERMS, Pool, occasion
from wuxin.finance.books import Books
from wuxin.finance.desk import Desk
from wuxin.finance.keeper import Keeper
from wuxin.finance.pledges import thaw
from wuxin.terms.clock import moment
from wuxin.terms.counter import Now, Said, read
from wuxin.terms.names import ThingKey
from wuxin.terms.records import Act, Command, Finding, Measured
from wuxin.terms.standards import Witness

DAY_ONE = "2008-08-01"


def lot(number: int) -> ThingKey:
    return ThingKey("lot", f"L-{number}")


class Lots(Pool):
    """Lots of 250 t, each with a signed sensor that was just heard, unless told otherwise."""

    def __init__(self, count: int = 4, **more: Any) -> None:
        super().__init__(**more)
        self.lots = {lot(n): Decimal(250) for n in range(1, count + 1)}
        self.says: dict[tuple[ThingKey, str], float] = {}
        self.heard: dict[ThingKey, list[Witness]] = {}
        self.now = 0

    def latest(self, thing: ThingKey, indicator: str) -> Measured | None:
        value = self.says.get((thing, indicator))
        return None if value is None else Measured(value, self.now)

    def facts(self, thing: ThingKey) -> Mapping[str, float]:
        return {"nominal": 25.0} if thing in self.lots else {}

    def witnesses(self, thing: ThingKey) -> Sequence[Witness]:
        if thing in self.heard:
            return self.heard[thing]
        return [Witness("box", "signed", self.now, 3600 * 10**9)]


class Yard:
    """One facility on the lots, with the counters that concern it, as the bank has them."""

    def __init__(self, lots: Lots | None = None, **terms: Any) -> None:
        self.lots = lots or Lots()
        self.desk = Desk(BANK, Books())
        self.keeper = Keeper(BANK, self.desk)
        self.said: list[Said] = []
        self.tell("open_facility", "2008-07-01", **{**TERMS, "principal": "2000000", **terms})

    def tell(self, do: str, on: str, *, facility: str = "F-1", **body: Any) -> list[Said]:
        command = Command(do, moment(on), "risk_officer:ro-1", facility, body)
        order = {**self.desk.orders, **self.keeper.orders}[do]
        now = self.at(on)
        return self.hear(order.obey(command, read(body, order.body, do=do), now=now), now)

    def tick(self, on: str) -> list[Said]:
        now = self.at(on)
        return self.hear([*self.keeper.tick(now), *self.desk.tick(now)], now)

    def hear(self, said: list[Said], now: Now) -> list[Said]:
        for one in said:
            self.said += [one, *self.desk.hear(one, now)]
        return said

    def at(self, on: str) -> Now:
        self.lots.now = moment(on)
        return occasion(self.lots, moment(on))

    def pledged(self, number: int, **changed: Any) -> dict[str, Any]:
        """Return the body of an order that pledges a lot under a serial number of its own."""
        return {
            "thing": f"lot:L-{number}",
            "identities": [{"scheme": "lot", "text": f"AL-{number:04}", "issuer": "smelter"}],
            "owner": "trader", "custodian": "yard keeper",
            "place": {"name": "yard 9", "latitude": 23.0 + number / 100, "longitude": 113.0},
            "weight": 250, "unit": "t", **changed,
        }  # fmt: skip

    def rest(self) -> None:
        """Freeze the counters and go on with fresh ones, as a new process would."""
        kept, books = (self.desk.freeze(), self.keeper.freeze()), Books()
        books.register = thaw(self.desk.books.register.freeze())
        books.ledger.thaw(self.desk.books.ledger.freeze())
        books.entries = self.desk.books.entries
        self.desk = Desk(BANK, books)
        self.keeper = Keeper(BANK, self.desk)
        self.desk.thaw(kept[0])
        self.keeper.thaw(kept[1])
        assert (self.desk.freeze(), self.keeper.freeze()) == kept

    @property
    def facility(self) -> dict[str, Any]:
        return self.desk.facilities()[0]


def rules(said: list[Said]) -> list[str]:
    return [one.rule for one in said if isinstance(one, Finding)]


def kinds(said: list[Said]) -> list[str]:
    return [one.kind for one in said if isinstance(one, Act)]
