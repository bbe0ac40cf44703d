"""The life of a call and of a pool: disputes, exchange, partial release, ranks, and the ledger."""

from decimal import Decimal
from typing import Any

import pytest

from tests.rooms.test_finance import BANK, COPPER, TERMS, Bank, Pool, obey, occasion
from wuxin.finance.ledger import Ledger
from wuxin.terms.clock import moment
from wuxin.terms.errors import Conflict, NotFound
from wuxin.terms.names import ThingKey
from wuxin.terms.records import Act, Cleared, Finding

LOTS = {ThingKey("lot", f"L-{n}"): Decimal(250) for n in range(1, 5)}


def called() -> Bank:
    """A facility with one call of 907,000 of 30 September, due on 10 October."""
    bank = Bank(Pool())
    bank.mark("2008-09-30", COPPER["2008-09-30"])
    assert bank.facility["call"]["amount"] == "907000.00"
    return bank


# ---- disputes ----------------------------------------------------------------------------------


def test_the_part_in_dispute_is_not_overdue_and_the_rest_is() -> None:
    bank = called()
    bank.tell("dispute_call", "2008-10-05", call=1, amount="400000", reason="assay differs")
    assert bank.facility["call"]["state"] == "disputed"
    bank.tell("top_up", "2008-10-06", amount="507000")
    assert bank.mark("2008-10-11") == []  # what is not in dispute was paid
    assert bank.mark("2008-10-22") == ["margin_call_overdue"]  # nobody resolved it in time
    other = called()
    other.tell("dispute_call", "2008-10-05", call=1, amount="400000", reason="assay differs")
    assert other.mark("2008-10-11") == ["margin_call_overdue"]


def test_a_dispute_that_is_upheld_in_part_leaves_that_part_due_by_a_later_day() -> None:
    bank = called()
    bank.tell("dispute_call", "2008-10-05", call=1, amount="400000", reason="assay differs")
    bank.tell("resolve_call", "2008-10-08", call=1, upheld="100000", reason="second assay")
    call = bank.facility["call"]
    assert (call["amount"], call["due"], call["state"]) == ("607000.00", "607000.00", "issued")
    assert call["deadline"] == moment("2008-10-18")
    assert (bank.last["upheld"], bank.last["waived"]) == ("100000.00", "300000.00")


def test_a_call_that_was_disputed_whole_and_waived_is_met() -> None:
    bank = called()
    bank.tell("dispute_call", "2008-10-05", call=1, amount="907000", reason="wrong price")
    kinds = bank.tell("resolve_call", "2008-10-08", call=1, upheld="0", reason="price corrected")
    assert kinds == ["margin_call_dispute_resolved", "margin_call_met"]
    assert bank.facility["calls"] == []


@pytest.mark.parametrize(
    ("body", "error", "said"),
    [
        ({"call": 2, "amount": "1"}, NotFound, "no open call 2"),
        ({"call": 1, "amount": "907000.01"}, Conflict, "cannot be disputed"),
    ],
)
def test_a_dispute_that_cannot_be_is_refused(body: Any, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        called().tell("dispute_call", "2008-10-05", reason="no", **body)
    late = called()
    late.mark("2008-10-11")
    with pytest.raises(Conflict, match="too late"):
        late.tell("dispute_call", "2008-10-12", call=1, amount="1", reason="no")
    with pytest.raises(Conflict, match="not in dispute"):
        called().tell("resolve_call", "2008-10-05", call=1, upheld="0", reason="no")


# ---- exchange and release ----------------------------------------------------------------------


def pooled(**terms: Any) -> Bank:
    """A facility on four lots of 250 t at 8,414.043, lent 2,000,000."""
    pool = Pool()
    pool.lots = dict(LOTS)
    bank = Bank(pool, principal="2000000", **terms)
    bank.mark("2008-07-31")
    return bank


def pledged(bank: Bank) -> set[str]:
    at = moment("2009-01-01")
    return {p.thing.id for p in bank.desk.books.register.in_force(at=at, facility="F-1")}


def test_what_lies_in_the_pool_is_pledged_and_what_comes_later_too() -> None:
    bank = pooled()
    assert pledged(bank) == {"L-1", "L-2", "L-3", "L-4"}
    bank.pool.lots[ThingKey("lot", "L-5")] = Decimal(10)
    bank.mark("2008-08-02")
    assert "L-5" in pledged(bank)


def test_a_release_that_leaves_enough_is_done_and_one_too_many_is_refused() -> None:
    bank = pooled()
    bank.tell("release_things", "2008-08-01", things=["lot:L-1", "lot:L-2"], reason="sold")
    assert pledged(bank) == {"L-3", "L-4"}
    assert bank.facility["value"] == "4207021.50"  # 500 t × 8,414.043
    with pytest.raises(Conflict, match=r"would cover 1472457\.52 USD, and 2000000\.00 is owed"):
        bank.tell("release_things", "2008-08-02", things=["lot:L-3"], reason="sold")
    with pytest.raises(Conflict, match="lot:L-1 is not pledged"):
        bank.tell("release_things", "2008-08-02", things=["lot:L-1"], reason="sold")
    bank.mark("2008-08-03")
    assert pledged(bank) == {"L-3", "L-4"}  # what was released does not come back by itself


def test_nothing_is_released_while_a_call_is_open() -> None:
    bank = called()
    with pytest.raises(Conflict, match="open call"):
        bank.tell("release_things", "2008-10-01", things=["lot:L-1"], reason="sold")


def test_an_exchange_may_not_lower_what_is_lent_against() -> None:
    bank = pooled()
    bank.tell("release_things", "2008-08-01", things=["lot:L-1"], reason="set aside")
    bank.pool.lots[ThingKey("lot", "L-9")] = Decimal(249)
    before = pledged(bank)
    with pytest.raises(Conflict, match="must be worth what goes out"):
        bank.tell("substitute", "2008-08-01", out=["lot:L-2"], into=["lot:L-9"], reason="sale")
    assert pledged(bank) == before
    bank.pool.lots[ThingKey("lot", "L-9")] = Decimal(250)
    bank.tell("substitute", "2008-08-01", out=["lot:L-2"], into=["lot:L-9"], reason="sale")
    assert pledged(bank) == {"L-3", "L-4", "L-9"}


def test_a_loan_that_is_repaid_holds_nothing_any_more() -> None:
    bank = pooled()
    bank.tell("repay", "2008-08-01", amount="2000000")
    assert pledged(bank) == set()
    assert bank.facility["state"] == "closed"


# ---- two lenders on the same things ------------------------------------------------------------


def test_the_same_goods_are_not_taken_twice() -> None:
    bank = pooled()
    body = {**TERMS, "id": "F-2"}
    with pytest.raises(Conflict, match="lot:L-1 is pledged to F-1"):
        obey(bank.desk, bank.pool, said=("open_facility", "2008-08-01", body), facility="F-2")
    assert [f["id"] for f in bank.desk.facilities()] == ["F-1"]


def test_goods_that_come_and_are_pledged_elsewhere_are_a_finding_until_they_are_free() -> None:
    bank = pooled()
    pool = Pool(root=ThingKey("warehouse", "WH-2"))
    pool.lots = {ThingKey("lot", "L-8"): Decimal(100)}
    place = {"root": "warehouse:WH-2", "kind": "lot"}
    other = {**TERMS, "id": "F-2", "principal": "100000", "pool": place}
    obey(bank.desk, pool, said=("open_facility", "2008-08-01", other), facility="F-2")
    bank.pool.lots[ThingKey("lot", "L-8")] = Decimal(100)
    said = bank.desk.tick(occasion(bank.pool, moment("2008-08-02")))
    [found] = [one for one in said if isinstance(one, Finding)]
    assert (found.rule, found.level) == ("pledged_twice", "red")
    assert "pledged to F-2" in found.reasons[0].en
    assert bank.facility["value"] == "8414043.00"  # without L-8
    again = bank.desk.tick(occasion(bank.pool, moment("2008-08-03")))
    assert not [one for one in again if isinstance(one, Finding)]  # said once
    obey(bank.desk, pool, said=("repay", "2008-08-04", {"amount": "100000"}), facility="F-2")
    said = bank.desk.tick(occasion(bank.pool, moment("2008-08-05")))
    assert [one.finding for one in said if isinstance(one, Cleared)] == [found.id]


def test_a_second_rank_is_lent_against_what_the_first_leaves() -> None:
    bank = pooled(junior=True)
    body = {**TERMS, "id": "F-2", "principal": "100000", "lien": 2}
    obey(bank.desk, bank.pool, said=("open_facility", "2008-08-01", body), facility="F-2")
    bank.desk.tick(occasion(bank.pool, moment("2008-08-02")))
    second = bank.desk.facilities()[1]
    assert second["value"] == "6414043.00"  # 8,414,043 − 2,000,000
    assert second["lendable"] == "5131234.40"


# ---- the ledger --------------------------------------------------------------------------------


def entries(bank: Bank, do: str, **body: Any) -> list[Act]:
    said = obey(bank.desk, bank.pool, said=(do, "2008-10-01", body))
    return [one for one in said if isinstance(one, Act) and one.kind == "journal_entry"]


def balance(ledger: Ledger) -> dict[str, Decimal]:
    return {one.account: one.debit - one.credit for one in ledger.trial_balance()}


def test_every_payment_is_a_balanced_entry_with_its_cause_and_a_number_of_its_own() -> None:
    bank = pooled()
    [margin] = entries(bank, "top_up", amount="500.00")
    [again] = entries(bank, "top_up", amount="500.00")
    assert margin.figures["entry"] != again.figures["entry"]
    assert margin.id != again.id
    assert margin.because[0].kind == "command"
    assert balance(bank.desk.books.ledger) == {
        "cash": Decimal("-1999000.00"), "cash_margin": Decimal("-1000.00"),
        "loan_principal": Decimal("2000000.00"),
    }  # fmt: skip


def test_interest_accrues_by_the_contract_and_arrears_show() -> None:
    repayment = {"method": "bullet", "first": "2008-08-31", "instalments": 1, "rate": "0.06"}
    bank = pooled(repayment=repayment)
    bank.mark("2008-08-31")
    assert bank.facility["outstanding"] == "2020054.79"  # 2,000,000 × 6 % × 61 / 365
    assert bank.facility["state"] == "covered"
    bank.mark("2008-09-10")
    assert (bank.facility["state"], bank.facility["arrears_days"]) == ("arrears", 10)
    owed = bank.facility["outstanding"]
    bank.tell("repay", "2008-09-10", amount=owed)
    assert bank.facility["state"] == "closed"
    assert set(balance(bank.desk.books.ledger)) == {"cash", "interest_income"}


def test_a_disposal_serves_the_loan_and_the_surplus_is_owed_to_the_obligor() -> None:
    bank = Bank(Pool(), on_overdue="dispose")
    bank.mark("2008-09-30", COPPER["2008-09-30"])
    bank.tell("top_up", "2008-10-01", amount="100")
    bank.mark("2008-10-11")
    bank.tell("dispose", "2008-10-12", proceeds="6000000")
    assert balance(bank.desk.books.ledger) == {
        "cash": Decimal("200100.00"), "surplus_payable": Decimal("-200100.00")
    }  # fmt: skip
    assert pledged(bank) == set()


def test_what_is_written_off_leaves_the_books_and_may_come_back() -> None:
    bank = pooled()
    bank.tell("write_off", "2008-10-01", reason="insolvent")
    assert bank.facility["state"] == "written_off"
    bank.tell("recover", "2008-11-01", amount="5000")
    assert balance(bank.desk.books.ledger) == {
        "cash": Decimal("-1995000.00"), "write_off": Decimal("2000000.00"),
        "recovery_income": Decimal("-5000.00"),
    }  # fmt: skip


def test_no_account_of_another_bank_is_touched() -> None:
    assert pooled().desk.tenant == BANK
