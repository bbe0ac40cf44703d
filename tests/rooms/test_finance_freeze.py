"""A desk at rest: frozen at any point of its life and restored, it goes on as if nothing were."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rooms.test_finance import BANK, COPPER, TERMS, Bank, Pool, obey, occasion
from tests.rooms.test_finance_at_random import MOVES
from wuxin.finance import account
from wuxin.finance.account import Account
from wuxin.finance.books import Books
from wuxin.finance.desk import Desk
from wuxin.finance.pledges import thaw
from wuxin.terms.errors import Refused
from wuxin.terms.names import ThingKey

PLAIN = (dict, list, tuple, str, int, float, bool, type(None))


class Sleeper(Bank):
    """A bank whose desk may be put to rest and taken up again, as a new process would."""

    def rest(self) -> None:
        books = self.desk.books
        kept = self.desk.freeze()
        packed = msgspec.msgpack.encode(kept)
        again = Books()
        again.register = thaw(books.register.freeze())
        again.ledger.thaw(books.ledger.freeze())
        again.entries = books.entries
        fresh = Desk(BANK, again)
        fresh.thaw(msgspec.msgpack.decode(packed))
        assert fresh.facilities() == self.desk.facilities()
        assert msgspec.msgpack.encode(fresh.freeze()) == packed
        assert exactly(fresh) == exactly(self.desk)
        self.desk = fresh


def exactly(desk: Desk) -> list[str]:
    """All that the accounts hold, spelt out: Decimal('0.70') is not Decimal('0.7') here."""
    return [
        repr(
            {
                k: sorted(v) if k == "members" else v.freeze() if k == "loan" else v
                for k, v in sorted(vars(one).items())
                if k != "books"
            }
        )
        for one in desk.accounts.values()
    ]


def do(bank: Bank, move: tuple[str, Any], *, day: int) -> str:
    """One move of a random life; what was refused is told, for it must be refused again."""
    what, value = move
    on, refused = f"2008-{8 + day // 6:02d}-{1 + 5 * (day % 6):02d}", ""
    if what == "tonnes":
        bank.pool.lots[ThingKey("lot", "L-1")] = Decimal(value)
    elif what != "price":
        body = {"top_up": "amount", "repay": "amount", "dispose": "proceeds"}
        try:
            bank.tell(what, on, **({body[what]: value} if what in body else {}))
        except Refused as wrong:
            refused = str(wrong)
    bank.mark(on, value if what == "price" else "")
    return refused


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(MOVES, st.booleans()), max_size=24),
    st.sampled_from(["dispose", "escalate"]),
    st.sampled_from([0, 7]),
)
def test_a_life_with_rests_is_the_life_without(
    moves: list[tuple[tuple[str, Any], bool]], on_overdue: str, valuation_days: int
) -> None:
    terms: dict[str, Any] = {"on_overdue": on_overdue, "valuation_days": valuation_days}
    awake, sleeper = Bank(Pool(), **terms), Sleeper(Pool(), **terms)
    sleeper.rest()
    for day, (move, rests) in enumerate(moves):
        assert do(awake, move, day=day) == do(sleeper, move, day=day)
        if rests:
            sleeper.rest()
    assert awake.acts == sleeper.acts
    assert [list(a.figures) for a in awake.acts] == [list(a.figures) for a in sleeper.acts]
    assert awake.desk.facilities() == sleeper.desk.facilities()
    assert exactly(awake.desk) == exactly(sleeper.desk)


def lived() -> Sleeper:
    """A bank with a breach, an overdue call that was paid in part, and an order to dispose."""
    bank = Sleeper(Pool(), on_overdue="dispose", terms={"floor": "0.10", "shared": [1, 0.5, True]})
    bank.mark("2008-08-01")
    bank.tell("top_up", "2008-08-02", amount="12345.50")
    bank.mark("2008-09-30", COPPER["2008-09-30"])
    bank.mark("2008-10-31", COPPER["2008-10-31"])
    bank.tell("top_up", "2008-11-01", amount="100000.00")
    bank.mark("2008-12-31", COPPER["2008-12-31"])
    return bank


def test_everything_that_an_account_can_remember_is_among_what_was_lived() -> None:
    [kept] = lived().desk.freeze()["accounts"]
    fresh = Bank(Pool()).desk.freeze()["accounts"][0]
    assert {k for k, v in kept.items() if v == fresh[k]} == {
        "disposed", "members", "prior", "lent", "source", "opening",
    }  # fmt: skip
    assert kept["breach"]
    assert len(kept["calls"]) > 1
    assert {call["state"] for call in kept["calls"]} >= {"overdue"}


def test_after_a_rest_a_disposal_gives_the_same_acts() -> None:
    one, other = lived(), lived()
    other.rest()
    for bank in (one, other):
        bank.tell("dispose", "2009-01-05", price="3000")
        bank.mark("2009-01-06")
    other.rest()
    assert one.acts == other.acts
    assert one.acts[-1].kind == "disposal"
    assert exactly(one.desk) == exactly(other.desk)


def test_a_pool_without_a_price_and_a_desk_without_facilities_can_rest() -> None:
    bank = Sleeper(Pool(price=None))
    bank.mark("2008-08-01")
    bank.rest()
    assert bank.facility["state"] == "not_valued"
    empty = Desk(BANK)
    empty.thaw(Desk(BANK).freeze())
    assert empty.facilities() == []


def test_facilities_stay_in_order_of_opening() -> None:
    bank = Sleeper(Pool(), junior=True)
    for lien, name in enumerate(("F-9", "F-10", "A"), 2):
        body = {**TERMS, "id": name, "lien": lien, "junior": True}
        obey(bank.desk, bank.pool, said=("open_facility", "2008-07-01", body), facility=name)
    bank.rest()
    assert [one["id"] for one in bank.desk.facilities()] == ["F-1", "F-9", "F-10", "A"]
    now = occasion(bank.pool, 0)
    assert bank.desk.facilities_of(ThingKey("facility", "F-1"), now) == ("F-1",)
    assert bank.desk.facilities_of(ThingKey("lot", "L-1"), now) == ("F-1", "F-9", "F-10", "A")


def test_the_order_in_which_a_pool_was_filled_does_not_show() -> None:
    frozen = []
    for order in (1, -1):
        lots = [ThingKey("lot", f"L-{n}") for n in range(40)][::order]
        bank = Bank(Pool())
        bank.desk.accounts["F-1"].members = frozenset(lots)
        frozen.append(msgspec.msgpack.encode(bank.desk.freeze()))
    assert frozen[0] == frozen[1]


def test_what_is_frozen_is_plain() -> None:
    def plain(value: Any) -> bool:
        if isinstance(value, Mapping):
            return all(type(k) is str and plain(v) for k, v in value.items())
        return type(value) in PLAIN and (
            not isinstance(value, list | tuple) or all(map(plain, value))
        )

    assert plain(lived().desk.freeze())


def test_a_frozen_desk_does_not_move_with_the_living_one() -> None:
    bank = lived()
    kept = bank.desk.freeze()
    before = msgspec.msgpack.encode(kept)
    bank.tell("dispose", "2009-01-05", price="3000")
    assert msgspec.msgpack.encode(kept) == before


def test_every_thing_an_account_holds_is_frozen_and_restored() -> None:
    held = set(vars(Bank(Pool()).desk.accounts["F-1"]))
    assert held - {"terms", "tenant", "books", "loan", "source"} == set(account._REMEMBERED)


@pytest.mark.parametrize("text", ["0.00", "-0.00", "0E-7", "1E+3", "1000", "0.70", "5800000.10"])
def test_money_keeps_its_places(text: str) -> None:
    bank = Bank(Pool())
    held = bank.desk.accounts["F-1"]
    held.prior = Decimal(text)
    again = Account.thaw(BANK, msgspec.msgpack.decode(msgspec.msgpack.encode(held.freeze())))
    assert again.prior.as_tuple() == Decimal(text).as_tuple()
