"""Money moves at random over whole homes, and the books always balance, each entry with a cause."""

import json
import tempfile
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.homes import acts, still
from wuxin.audit import audit
from wuxin.finance.ledger import CHART
from wuxin.home import Home
from wuxin.stores.journal import Arrived
from wuxin.terms.clock import DAY, iso, moment
from wuxin.terms.errors import Refused
from wuxin.terms.records import Command
from wuxin.wire.packed import packed

START = moment("2024-01-01T00:00:00Z")
SOURCE = "field"
NAMES = ("F-0", "F-1", "F-2")
CURRENCY = {"F-0": "USD", "F-1": "CNY", "F-2": "JPY"}

AMOUNTS = st.integers(1, 90_000_000)
REPAYMENTS = st.one_of(
    st.none(),
    st.fixed_dictionaries({
        "method": st.sampled_from(["bullet", "linear", "annuity"]),
        "first": st.sampled_from(["2024-02-01", "2024-07-15"]), "instalments": st.integers(1, 6),
        "rate": st.sampled_from(["0", "0.07", "0.36"]),
        "penalty_rate": st.sampled_from(["0", "0.1"]),
        "grace_days": st.sampled_from([0, 5]),
    }),
)  # fmt: skip
MOVES = st.one_of(
    st.tuples(st.just("open"), st.sampled_from(NAMES), st.tuples(AMOUNTS, REPAYMENTS)),
    st.tuples(st.sampled_from(["repay", "repay", "top_up", "dispose", "recover"]),
              st.sampled_from(NAMES), AMOUNTS),
    st.tuples(st.sampled_from(["order_disposal", "write_off"]), st.sampled_from(NAMES), st.none()),
    st.tuples(st.just("days"), st.none(), st.integers(1, 70)),
    st.tuples(st.just("price"), st.none(), st.integers(1, 9_000)),
)  # fmt: skip


class House:
    """A home with three warehouses, a clock of its own, and the orders given to it."""

    def __init__(self, home: Home) -> None:
        self.home, self.now, self.sent = home, START, 0
        things = [{"kind": "warehouse", "id": f"W-{n}"} for n in range(3)]
        things += [{"kind": "lot", "id": f"L-{n}", "parent": f"warehouse:W-{n}"} for n in range(3)]
        home.attend(SOURCE, "logistics", things=[*things, {"kind": "price_series", "id": "copper"}])
        for n in range(3):
            self.report(f"lot:L-{n}", net_weight=100_000, authorised_weight=100_000)
        self.report("price_series:copper", price=8_000)

    def report(self, device: str, **readings: float) -> None:
        """Let a device say something now."""
        self.sent += 1
        said = {"device": device, "boot": "b", "seq": self.sent, "time": iso(self.now),
                "readings": readings}  # fmt: skip
        frame = packed(SOURCE, [json.dumps(said).encode()])
        self.home.accept(Arrived(SOURCE, self.home.clock(), (frame,), str(self.sent)))

    def order(self, do: str, facility: str, **body: Any) -> None:
        """Give an order; what is refused changes nothing."""
        before = balances(self.home)
        command = Command(do, self.now, "somebody", facility, body)
        try:
            self.home.order(command, source=SOURCE)
        except Refused:
            assert balances(self.home) == before or do == "pass_time"

    def move(self, do: str, facility: str | None, *, value: Any) -> None:
        """Make one move."""
        if do == "days":
            self.now += value * DAY
            self.order("pass_time", "")
        elif do == "price":
            self.now += DAY
            self.report("price_series:copper", price=value)
            self.order("pass_time", "")
        elif do == "open" and facility:
            principal, repayment = value
            self.order(
                "open_facility",
                facility,
                **terms(facility, principal, repayment=repayment, now=self.now),
            )
        elif facility:
            name = {"dispose": "proceeds"}.get(do, "amount")
            self.order(do, facility, **({name: money(value, facility)} if value else {}))


def money(minor: int, facility: str) -> str:
    """Return so many minor units of a facility's currency."""
    return str(Decimal(minor).scaleb(0 if CURRENCY[facility] == "JPY" else -2))


def terms(name: str, principal: int, *, repayment: Any, now: int) -> dict[str, Any]:
    """Return the terms of a facility on its own warehouse."""
    currency, number = CURRENCY[name], name[-1]
    body = {
        "id": name, "obligor": "a trader", "currency": currency, "opened": iso(now),
        "pool": {"root": f"warehouse:W-{number}", "kind": "lot"},
        "principal": money(principal, name), "haircut": "0.2", "maximum_loan_to_value": "0.8",
        "target_loan_to_value": "0.7", "call_deadline": "5 d", "minimum_transfer": "0",
        "on_overdue": "dispose",
        "terms": {"price": "price_series:copper", "price_unit": f"{currency}/t",
                  "price_valid_for": "900 d"},
    }  # fmt: skip
    return body if repayment is None else {**body, "repayment": repayment}


def balances(home: Home) -> dict[tuple[str, str, str], Decimal]:
    """Return what stands on every account of every facility."""
    lines = home.flow.bank.books.ledger.trial_balance()
    return {(one.facility, one.account, one.currency): one.debit - one.credit for one in lines}


def check(home: Home) -> None:
    """Hold the books against themselves: each facility balances in its currency."""
    sums: dict[tuple[str, str], Decimal] = {}
    for (facility, _, currency), amount in balances(home).items():
        assert currency == CURRENCY[facility]
        sums[facility, currency] = sums.get((facility, currency), Decimal(0)) + amount
    assert not any(sums.values()), sums


def entries(home: Home) -> dict[tuple[str, str, str], Decimal]:
    """Add up the journal entries on record, each of which balances and has a known cause."""
    done = acts(home)
    known = {one["act"] for one in done}
    sums: dict[tuple[str, str, str], Decimal] = {}
    numbers = []
    for one in done:
        if one["kind"] != "journal_entry":
            continue
        figures: Mapping[str, str] = one["figures"]
        lines = {k: Decimal(v) for k, v in figures.items() if k in CHART}
        assert sum(lines.values()) == 0
        assert one["because"]
        for cause in one["because"]:
            assert cause["kind"] in {"command", "act"}
            assert cause["kind"] == "command" or cause["id"] in known
        for account, amount in lines.items():
            key = (one["facility"], account, figures["currency"])
            sums[key] = sums.get(key, Decimal(0)) + amount
        numbers.append(int(figures["entry"]))
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    return {key: amount for key, amount in sums.items() if amount}


@settings(max_examples=25)
@given(st.lists(MOVES, max_size=30))
def test_whatever_moves_the_books_balance_and_are_what_is_on_record(
    moves: list[tuple[str, str | None, Any]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with Home(Path(folder), clock=still) as home:
            house = House(home)
            for do, facility, value in moves:
                house.move(do, facility, value=value)
                check(home)
            assert entries(home) == balances(home)
            tenant = home.tenant
        assert audit(Path(folder), tenant).faults == []


def test_every_kind_of_move_is_booked(tmp_path: Path) -> None:
    plan = {"method": "linear", "first": "2024-02-01", "instalments": 3, "rate": "0.12",
            "penalty_rate": "0.1"}  # fmt: skip
    with Home(tmp_path, clock=still) as home:
        house = House(home)
        for name in NAMES:
            house.move("open", name, value=(70_000_000, plan))
        house.move("days", None, value=60)
        house.move("repay", "F-0", value=30_000_000)
        house.move("price", None, value=4_000)
        house.move("top_up", "F-0", value=1_000_000)
        house.move("days", None, value=20)
        house.move("dispose", "F-0", value=60_000_000)
        house.move("write_off", "F-1", value=None)
        house.move("recover", "F-1", value=12_345)
        check(home)
        booked = {a["figures"]["booking"] for a in acts(home, kind="journal_entry")}
        assert booked >= {"disbursement", "interest_accrual", "penalty_accrual", "repayment",
                          "margin", "surplus", "write_off", "recovery"}  # fmt: skip
        assert entries(home) == balances(home)
        assert {one.currency for one in home.flow.bank.books.ledger.trial_balance()} == {
            "USD", "CNY", "JPY",
        }  # fmt: skip
