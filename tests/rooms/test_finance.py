"""A facility on a pool of copper: marked, called, topped up, disposed of, checked by hand."""

import csv
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from wuxin.finance.desk import Desk
from wuxin.finance.marking import BREACH
from wuxin.packs import schema
from wuxin.terms.clock import DAY, moment
from wuxin.terms.counter import Now, Said, read
from wuxin.terms.errors import BadInput, Conflict
from wuxin.terms.money import Money
from wuxin.terms.names import Tenant, ThingKey, digest, thing_key
from wuxin.terms.records import Act, Cause, Cleared, Command, Finding, Level, Measured, Words
from wuxin.terms.standards import Valuation, Witness, Worth

BESIDE = {"journal_entry", "pledge_released"}
"""Acts that tell the same story in the ledger and the register."""

BANK = Tenant("bank")
FACILITY = ThingKey("facility", "F-1")
WAREHOUSE = ThingKey("warehouse", "WH-1")
COPPER = {  # World Bank commodity prices ("Pink Sheet"), monthly average, USD/t
    "2008-07-31": "8414.043",
    "2008-08-31": "7634.7",
    "2008-09-30": "6990.864",
    "2008-10-31": "4925.696",
    "2008-11-30": "3717",
    "2008-12-31": "3071.976",
}
TERMS: dict[str, Any] = {
    "id": "F-1",
    "obligor": "copper-trader",
    "pack": "logistics",
    "pool": {"root": "warehouse:WH-1", "kind": "lot"},
    "currency": "USD",
    "principal": "5800000",
    "opened": "2008-07-01",
    "haircut": "0.20",
    "maximum_loan_to_value": "0.80",
    "target_loan_to_value": "0.70",
    "call_deadline": "10 d",
    "minimum_transfer": "100000",
    "rounding": "1000",
}


class Pool:
    """A warehouse with lots (tonnes) and one price, and how its valuer appraises them."""

    def __init__(
        self, price: str | None = COPPER["2008-07-31"], tonnes: str = "1000", *,
        root: ThingKey = WAREHOUSE,
    ) -> None:  # fmt: skip
        self.price, self.root = price, root
        self.lots: dict[ThingKey, Decimal | None] = {ThingKey("lot", "L-1"): Decimal(tonnes)}

    def within(self, root: ThingKey, kind: str) -> Sequence[ThingKey]:
        return list(self.lots) if (root, kind) == (self.root, "lot") else []

    def latest(self, thing: ThingKey, indicator: str) -> Measured | None:
        raise AssertionError((thing, indicator))

    def facts(self, thing: ThingKey) -> Mapping[str, float]:
        raise AssertionError(thing)

    def causes(self, measured: Measured) -> tuple[Cause, ...]:
        raise AssertionError(measured)

    def above(self, thing: ThingKey) -> Sequence[ThingKey]:
        return [self.root] if thing in self.lots else []

    def witnesses(self, thing: ThingKey) -> Sequence[Witness]:
        raise AssertionError(thing)

    def appraise(self, terms: Mapping[str, Any], *seen: Any) -> Valuation:
        assert terms["pool"]["kind"] == "lot"
        twin = seen[0]
        currency = terms.get("quoted", terms["currency"])
        frames = (Cause("frame", digest(str(self.price).encode()), "prices.csv", (7, 7)),)
        if self.price is None:
            return Valuation((), None, (Words("缺价", "no price"),), frames)
        price = Decimal(self.price)
        lines = tuple(
            Worth(lot, tonnes, "t", price, Money(tonnes * price, currency))
            for lot in twin.within(thing_key(terms["pool"]["root"]), "lot")
            if (tonnes := self.lots[lot]) is not None
        )
        return Valuation(lines, sum_of(lines, currency), (), frames)


def sum_of(lines: tuple[Worth, ...], currency: str) -> Money:
    return sum((line.value for line in lines), Money(Decimal(0), currency))


class Bank:
    """The desk with the one rule that concerns it, judged on what it derives, as the flow does."""

    def __init__(self, pool: Pool, **changed: Any) -> None:
        self.pool = pool
        self.desk = Desk(BANK)
        self.acts: list[Act] = []
        self.readings: dict[str, float] = {}
        self._breach: Finding | None = None
        self.tell("open_facility", "2008-07-01", **{**TERMS, **changed})

    def tell(self, do: str, on: str, **body: Any) -> list[str]:
        return self._take(obey(self.desk, self.pool, said=(do, on, body)))

    def mark(self, on: str, price: str | None = "") -> list[str]:
        self.pool.price = self.pool.price if price == "" else price
        return self._take(self.desk.tick(occasion(self.pool, moment(on))))

    def judge(self, found: Finding) -> list[Act]:
        return self.desk.judge(found, occasion(self.pool, found.raised))

    @property
    def last(self) -> Mapping[str, str]:
        return self.acts[-1].figures

    @property
    def facility(self) -> Mapping[str, Any]:
        return self.desk.facilities()[0]

    def _take(self, said: Sequence[Said]) -> list[str]:
        acts = [one for one in said if isinstance(one, Act) and one.kind not in BESIDE]
        self.acts += acts
        kinds = [act.kind for act in acts]
        for derived in self.desk.derive(acts):
            assert derived.thing == FACILITY
            self.readings[derived.indicator] = float(derived.v[-1])
        if not acts or "loan_to_value" not in self.readings:
            return kinds
        at, ratio = acts[-1].at, self.readings["loan_to_value"]
        breached = ratio > self.readings["maximum_loan_to_value"]
        if breached and self._breach is None:
            self._breach = finding(FACILITY, BREACH, at=at, value=ratio)
            kinds += self._take(self.judge(self._breach))
        elif not breached and self._breach is not None:
            over, self._breach = self._breach, None
            cleared = Cleared(BANK, over.id, at, ratio, ())
            kinds += self._take(self.desk.end(cleared))
        return kinds


def occasion(pool: Any, at: int, *, source: str = "stock") -> Now:
    """The occasion on which a desk is asked about a pool, valued as the pool says."""
    pack = replace(schema.load("logistics"), value=pool.appraise)
    return Now(at, at, source, pack, pool)


def obey(
    desk: Desk, pool: Any, *, said: tuple[str, str, Mapping[str, Any]], facility: str = "F-1"
) -> list[Said]:
    """Give a desk an order (what, when, body), read as the bank reads it."""
    do, on, body = said
    command = Command(do, moment(on), "risk_officer:ro-1", facility, body)
    order = desk.orders.get(do)
    if order is None:
        raise BadInput(f"there is no command {do!r}; commands are {', '.join(desk.orders)}")
    return order.obey(command, read(body, order.body, do=do), now=occasion(pool, command.at))


def finding(
    thing: ThingKey, rule: str, *, at: int, value: float = 1.0, level: Level = "red"
) -> Finding:
    because = (Cause("frame", digest(b"stock"), "stock.csv", (1, 2)),)
    words = (Words("越线", "over the limit"),)
    return Finding(BANK, thing, rule, level, at, at, value, 0.8, "1", words, because)


def amounts(acts: list[Act], kind: str) -> list[str]:
    return [act.figures["call_amount"] for act in acts if act.kind == kind]


# ---- the copper path of 2008 --------------------------------------------------------------------


@pytest.mark.shared
def test_the_copper_prices_are_the_world_banks(shared: Path) -> None:
    table = shared / "data/commodity/world_bank_pink_sheet/monthly_to_2019.csv"
    with table.open(encoding="utf-8") as file:
        months = {row["month"]: row["Copper ($/mt)"] for row in csv.DictReader(file)}
    assert {day: months[day[:7]] for day in COPPER} == COPPER


def test_copper_of_2008_gives_dated_calls_that_are_met_each_time() -> None:
    """1,000 t, 5,800,000 lent; called above 0.80 down to 0.70 (lendable 0.80 does not bind).

    month  value      exposure   LTV       0.70 × value  needed        called
    Jul    8,414,043  5,800,000  0.689324
    Aug    7,634,700  5,800,000  0.759690
    Sep    6,990,864  5,800,000  0.829655  4,893,604.80    906,395.20    907,000  cash
    Oct    4,925,696  4,893,000  0.993363  3,447,987.20  1,445,012.80  1,446,000  repaid
    Nov    3,717,000  3,447,000  0.927361  2,601,900.00    845,100.00    846,000  cash
    Dec    3,071,976  2,601,000  0.846687  2,150,383.20    450,616.80    451,000
    """
    bank = Bank(Pool())
    assert bank.mark("2008-07-31", COPPER["2008-07-31"]) == ["revaluation"]
    assert bank.last["loan_to_value"] == "0.689324"  # 0.68932379…, rounded up
    assert bank.mark("2008-08-31", COPPER["2008-08-31"]) == ["revaluation"]
    assert bank.last["loan_to_value"] == "0.759690"  # 0.75968931…
    for month, pay, ratio, needed, called in (
        ("2008-09-30", "top_up", "0.829655", "906395.20", "907000.00"),  # 0.82965424…
        ("2008-10-31", "repay", "0.993363", "1445012.80", "1446000.00"),  # 0.99336215…
        ("2008-11-30", "top_up", "0.927361", "845100.00", "846000.00"),  # 0.92736077…
        ("2008-12-31", "top_up", "0.846687", "450616.80", "451000.00"),  # 0.84668630…
    ):
        assert bank.mark(month, COPPER[month]) == ["revaluation", "margin_call"]
        assert bank.last["loan_to_value"] == ratio
        assert bank.last["needed"] == needed
        assert bank.last["call_amount"] == called
        assert bank.last["call_issued"] == f"{month}T00:00:00Z"
        paid_on = f"{month}T12:00"
        kinds = bank.tell(pay, paid_on, amount=called)
        assert kinds == ["repayment" if pay == "repay" else pay, "margin_call_met"]
        assert bank.facility["state"] == "covered"
    deadlines = [a.figures["call_deadline"][:10] for a in bank.acts if a.kind == "margin_call"]
    assert deadlines == ["2008-10-10", "2008-11-10", "2008-12-10", "2009-01-10"]
    # 5,800,000 − 1,446,000 repaid; 907,000 + 846,000 + 451,000 cash; 4,354,000 − 2,204,000
    assert bank.facility["outstanding"] == "4354000.00"
    assert bank.facility["cash_margin"] == "2204000.00"
    assert bank.facility["exposure"] == "2150000.00"


def test_unpaid_calls_are_followed_by_calls_for_the_difference_only() -> None:
    """Needed in December: 5,800,000 − 2,150,383.20 = 3,649,616.80, called in four parts.

    907,000 + 1,446,000 + 846,000 = 3,199,000; the rest 450,616.80 → 451,000. The sum, 3,650,000,
    is what was needed, rounded up once.
    """
    bank = Bank(Pool())
    for month, price in COPPER.items():
        bank.mark(month, price)
    assert amounts(bank.acts, "margin_call") == [
        "907000.00",
        "1446000.00",
        "846000.00",
        "451000.00",
    ]
    assert amounts(bank.acts, "margin_call_overdue") == ["907000.00", "1446000.00", "846000.00"]
    assert [call["state"] for call in bank.facility["calls"]] == ["overdue"] * 3 + ["issued"]
    # One payment serves the oldest first: 907,000 + 1,446,000 in full, 47,000 of the third.
    kinds = bank.tell("top_up", "2009-01-02", amount="2400000")
    assert kinds == ["top_up", "margin_call_met", "margin_call_met"]
    assert [call["due"] for call in bank.facility["calls"]] == ["799000.00", "451000.00"]
    # 1,249,616.80 more restores the target, and both calls close at once.
    kinds = bank.tell("repay", "2009-01-03", amount="1249616.80")
    assert kinds == ["repayment", "margin_call_met", "margin_call_met"]
    assert bank.last["met_by"] == "target restored"
    assert bank.facility["loan_to_value"] == "0.700000"


def test_a_margin_call_walks_back_to_the_price() -> None:
    bank = Bank(Pool())
    for month in list(COPPER)[:3]:
        bank.mark(month, COPPER[month])
    revaluation, call = bank.acts[-2:]
    assert [cause.kind for cause in call.because] == ["finding", "act"]
    assert call.because[1].id == revaluation.id
    assert revaluation.because[0].source == "prices.csv"
    assert call.mandate == revaluation.mandate == "contract:F-1"
    assert revaluation.figures["price"] == "6990.864"
    assert revaluation.figures["quantity"] == "1000"
    # haircut 0.20: 6,990,864 × 0.80 = 5,592,691.20; 5,800,000 − 5,592,691.20 = 207,308.80
    assert revaluation.figures["lendable_value"] == "5592691.20"
    assert revaluation.figures["shortfall"] == "207308.80"


# ---- calls: size, cure, deadline, disposal ------------------------------------------------------


def test_a_large_haircut_binds_instead_of_the_target() -> None:
    # Lendable 6,990,864 × (1 − 0.40) = 4,194,518.40 < 4,893,604.80; 1,605,481.60 is needed.
    bank = Bank(Pool(COPPER["2008-09-30"]), haircut="0.40")
    bank.mark("2008-09-30")
    assert bank.last["needed"] == "1605481.60"


def test_a_breach_too_small_to_call_is_a_warning_and_is_called_when_it_grows() -> None:
    # September needs 906,395.20; with a minimum transfer of 1,000,000 nothing is called, in
    # October 5,800,000 − 3,447,987.20 = 2,352,012.80 is.
    bank = Bank(Pool(), minimum_transfer="1000000")
    assert bank.mark("2008-09-30", COPPER["2008-09-30"]) == ["revaluation", "early_warning"]
    assert bank.facility["state"] == "breach"
    assert bank.mark("2008-10-31", COPPER["2008-10-31"]) == ["revaluation", "margin_call"]
    assert bank.last["call_amount"] == "2353000.00"


def test_a_recovery_of_the_price_meets_a_call_at_the_target_not_at_the_maximum() -> None:
    bank = Bank(Pool())
    bank.mark("2008-09-30", COPPER["2008-09-30"])
    assert bank.mark("2008-10-02", "7500") == ["revaluation"]  # 0.7733: no breach, not restored
    assert bank.facility["state"] == "called"
    # 5,800,000 / 0.70 = 8,285,714.29: at 8,290 USD/t the target is restored.
    assert bank.mark("2008-10-03", "8290") == ["revaluation", "margin_call_met"]
    assert bank.last["met_by"] == "target restored"
    assert bank.facility["call"] is None


def test_collateral_that_is_added_meets_a_call() -> None:
    bank = Bank(Pool())
    bank.mark("2008-09-30", COPPER["2008-09-30"])
    bank.pool.lots[ThingKey("lot", "L-2")] = Decimal(200)  # 1,200 t: 0.7 × 8,389,036.80 > 5.8 m
    assert bank.mark("2008-10-05") == ["revaluation", "margin_call_met"]


def test_a_call_paid_at_its_deadline_is_in_time_and_a_day_later_it_is_not() -> None:
    bank = Bank(Pool())
    bank.mark("2008-09-30", COPPER["2008-09-30"])
    assert bank.mark("2008-10-10") == []
    assert bank.mark("2008-10-11") == ["margin_call_overdue"]
    assert bank.last["to"] == "approver"
    assert bank.mark("2008-10-12") == []
    assert bank.facility["state"] == "overdue"


def test_an_overdue_call_leads_to_disposal_and_the_surplus_goes_back() -> None:
    bank = Bank(Pool())
    bank.mark("2008-09-30", COPPER["2008-09-30"])
    with pytest.raises(Conflict, match="no overdue margin call"):
        bank.tell("order_disposal", "2008-10-09")
    bank.tell("top_up", "2008-10-09", amount="100000")
    bank.mark("2008-10-11")
    with pytest.raises(Conflict, match="has not been ordered"):
        bank.tell("dispose", "2008-10-12", proceeds="6500000")
    assert bank.tell("order_disposal", "2008-10-12") == ["disposal_ordered"]
    assert bank.facility["state"] == "disposal_ordered"
    with pytest.raises(BadInput, match="below zero"):
        bank.tell("dispose", "2008-10-13", price="-1")
    with pytest.raises(Conflict, match="already ordered"):
        bank.tell("order_disposal", "2008-10-13")
    # 1,000 t at 6,500 = 6,500,000: 5,800,000 to the loan, 700,000 + 100,000 cash back.
    assert bank.tell("dispose", "2008-10-20", price="6500") == ["disposal"]
    assert bank.last["proceeds"] == "6500000.00"
    assert bank.last["surplus"] == "800000.00"
    assert bank.last["proceeds_to_value"] == "0.929785"  # 6,500,000 / 6,990,864
    assert bank.acts[-1].mandate == "risk_officer:ro-1"
    assert bank.facility["state"] == "closed"
    assert bank.mark("2008-10-31", "1") == []


def test_a_contract_that_says_so_orders_disposal_and_a_deficiency_stays_owed() -> None:
    bank = Bank(Pool(), on_overdue="dispose")
    bank.mark("2008-09-30", COPPER["2008-09-30"])
    bank.tell("top_up", "2008-10-01", amount="200000")
    assert bank.mark("2008-10-11") == ["margin_call_overdue", "disposal_ordered"]
    assert bank.acts[-1].mandate == "contract:F-1"
    # 5,800,000 − 5,000,000 proceeds − 200,000 cash margin = 600,000, on nothing.
    assert bank.tell("dispose", "2008-10-20", proceeds="5000000") == ["disposal"]
    assert bank.facility["outstanding"] == "600000.00"
    assert bank.facility["cash_margin"] == "0.00"
    assert bank.facility["loan_to_value"] == "1000.000000"
    assert bank.facility["state"] == "deficient"
    assert bank.tell("repay", "2009-01-20", amount="600000") == ["repayment"]
    assert bank.facility["state"] == "closed"


def test_the_contract_disposes_of_nothing_once_the_breach_is_over() -> None:
    bank = Bank(Pool(), on_overdue="dispose")
    bank.mark("2008-09-30", COPPER["2008-09-30"])
    bank.mark("2008-10-02", "7500")  # 0.7733: below the maximum, above the target
    assert bank.mark("2008-10-11") == ["margin_call_overdue"]


def test_a_loan_repaid_in_full_is_closed_and_its_cash_margin_goes_back() -> None:
    bank = Bank(Pool())
    bank.tell("top_up", "2008-07-02", amount="50000")
    bank.tell("repay", "2008-07-03", amount="5800000")
    assert bank.last["cash_margin_returned"] == "50000.00"
    assert bank.facility["state"] == "closed"
    with pytest.raises(Conflict, match="is closed"):
        bank.tell("top_up", "2008-07-04", amount="1")


# ---- what is not known, and prices below zero ---------------------------------------------------


def test_a_missing_price_leaves_the_facility_not_valued_and_never_worth_zero() -> None:
    bank = Bank(Pool())
    bank.mark("2008-09-30", COPPER["2008-09-30"])
    assert bank.mark("2008-10-05", None) == ["revaluation"]
    assert bank.last["state"] == "not valued"
    assert bank.last["missing_en"] == "no price"
    assert not {"value", "loan_to_value", "shortfall"} & set(bank.last)
    assert bank.facility["value"] is None
    assert bank.facility["state"] == "not_valued"
    assert bank.facility["missing"] == [{"zh": "缺价", "en": "no price"}]
    assert bank.mark("2008-10-06") == []
    assert bank.mark("2008-10-11") == ["margin_call_overdue"]  # a deadline waits for no price
    assert bank.mark("2008-10-12", COPPER["2008-10-31"]) == ["revaluation", "margin_call"]


def test_a_facility_that_was_never_valued_says_so() -> None:
    bank = Bank(Pool())
    assert bank.facility["missing"][0]["en"] == "not valued yet"
    assert "loan_to_value" not in bank.last
    assert bank.facility["as_of"] is None


def test_a_price_in_another_currency_values_nothing() -> None:
    bank = Bank(Pool(), terms={"quoted": "CNY"})
    bank.mark("2008-07-31")
    assert bank.last["missing_en"] == "priced in CNY, lent in USD"


def test_a_negative_price_leaves_the_whole_loan_uncovered() -> None:
    bank = Bank(Pool())
    bank.mark("2008-07-31")
    assert bank.mark("2008-08-01", "-37.63") == ["revaluation", "margin_call"]
    assert bank.facility["value"] == "-37630.00"
    assert bank.facility["lendable"] == "0.00"
    assert bank.facility["loan_to_value"] == "1000.000000"
    assert bank.last["call_amount"] == "5800000.00"


# ---- marking ------------------------------------------------------------------------------------


def test_only_what_moved_is_marked() -> None:
    bank = Bank(Pool())
    assert bank.mark("2008-06-30") == []  # not opened yet
    assert bank.mark("2008-07-02") == ["revaluation"]
    assert bank.mark("2008-07-03") == []
    bank.pool.lots[ThingKey("lot", "L-1")] = Decimal("999.5")
    assert bank.mark("2008-07-04") == ["revaluation"]
    assert bank.last["value"] == "8409835.98"  # 999.5 × 8,414.043 = 8,409,835.9785


def test_quantities_alone_are_marked_no_more_often_than_the_contract_says() -> None:
    bank = Bank(Pool(), valuation_days=7)
    bank.mark("2008-07-02")
    bank.pool.lots[ThingKey("lot", "L-1")] = Decimal(999)
    assert bank.mark("2008-07-08") == []
    assert bank.mark("2008-07-09") == ["revaluation"]
    assert bank.mark("2008-07-10", "8000") == ["revaluation"]


def test_readings_are_the_exact_figures_as_floats() -> None:
    bank = Bank(Pool())
    assert bank.readings == {"outstanding": 5_800_000.0, "maximum_loan_to_value": 0.8}
    bank.mark("2008-09-30", COPPER["2008-09-30"])
    assert bank.readings["collateral_value"] == 6_990_864.0
    assert bank.readings["loan_to_value"] == 0.829655


# ---- early warnings -----------------------------------------------------------------------------


def test_a_finding_on_the_pool_is_one_warning_to_risk_officer_and_obligor() -> None:
    bank = Bank(Pool())
    removal = finding(ThingKey("lot", "L-1"), "removal", at=DAY)
    (act,) = bank.judge(removal)
    assert (act.kind, act.facility, act.at) == ("early_warning", "F-1", DAY)
    assert act.figures["to"] == "risk_officer, obligor"
    assert act.figures["zh"] == "越线"
    assert act.because == (Cause("finding", removal.id),)
    assert len(bank.judge(finding(WAREHOUSE, "silence", at=DAY, level="amber"))) == 1


def test_findings_elsewhere_and_mere_information_warn_nobody() -> None:
    bank = Bank(Pool())
    assert bank.judge(finding(ThingKey("lot", "L-9"), "removal", at=DAY)) == []
    assert bank.judge(finding(WAREHOUSE, "opened", at=DAY, level="info")) == []
    assert bank.judge(finding(ThingKey("facility", "F-2"), BREACH, at=DAY)) == []
    removal = finding(ThingKey("lot", "L-1"), "removal", at=DAY)
    assert bank.desk.end(Cleared(BANK, removal.id, DAY, None, ())) == []


def test_an_order_of_disposal_lapses_when_the_last_call_is_met() -> None:
    bank = Bank(Pool(), on_overdue="dispose")
    bank.mark("2008-09-30", COPPER["2008-09-30"])
    bank.mark("2008-10-11")
    bank.tell("top_up", "2008-10-12", amount="907000")
    assert bank.facility["state"] == "covered"
    with pytest.raises(Conflict, match="has not been ordered"):
        bank.tell("dispose", "2008-10-13", proceeds="6500000")


def test_a_thing_that_came_since_the_last_mark_concerns_the_facility_above_it() -> None:
    pool = Pool()
    bank = Bank(pool)
    pool.lots[ThingKey("lot", "L-9")] = Decimal(1)
    new = finding(ThingKey("lot", "L-9"), "double_naming", at=DAY)
    assert [act.kind for act in bank.judge(new)] == ["early_warning"]
    assert bank.desk.facilities_of(new.thing, occasion(pool, DAY)) == ("F-1",)
