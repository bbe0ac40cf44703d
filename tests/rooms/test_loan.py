"""Loans on the ledger: schedules, interest by the day count, arrears, and books that balance."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wuxin.finance.daycount import DAY_COUNTS, year_fraction
from wuxin.finance.ledger import JournalEntry, Ledger, Posting, postings
from wuxin.finance.loan import Loan
from wuxin.finance.schedule import Repayment, due_dates, schedule
from wuxin.terms.errors import BadInput, Conflict
from wuxin.terms.records import Cause

WHY = (Cause("command", "c1"),)
START = date(2024, 1, 31)
TERMS: dict[str, Any] = {
    "method": "annuity", "first": date(2024, 2, 29), "instalments": 12, "rate": Decimal("0.06"),
}  # fmt: skip


def loan_of(principal: str = "100000.00", **terms: Any) -> tuple[Loan, Ledger]:
    ledger = Ledger()
    said = Repayment(**{**TERMS, **terms})
    return Loan("F-1", Decimal(principal), currency="CNY", repayment=said, ledger=ledger), ledger


def disbursed(principal: str = "100000.00", **terms: Any) -> tuple[Loan, Ledger]:
    loan, ledger = loan_of(principal, **terms)
    loan.disburse(START, because=WHY)
    return loan, ledger


def balances(ledger: Ledger) -> dict[str, Decimal]:
    return {line.account: line.debit - line.credit for line in ledger.trial_balance()}


# ---- day counts ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "day_count", "days", "year"),
    [  # 2006 ISDA Definitions §4.16; February and month ends are where they differ
        ("2024-01-31", "2024-02-29", "30/360", 29, 360),
        ("2024-01-31", "2024-02-29", "30E/360", 29, 360),
        ("2024-01-30", "2024-03-31", "30/360", 60, 360),
        ("2024-01-15", "2024-03-31", "30/360", 76, 360),
        ("2024-01-15", "2024-03-31", "30E/360", 75, 360),
        ("2024-01-31", "2024-02-29", "ACT/360", 29, 360),
        ("2024-01-31", "2025-01-31", "ACT/365F", 366, 365),
    ],
)
def test_a_day_count_counts_as_the_contract_says(
    start: str, end: str, *, day_count: str, days: int, year: int
) -> None:
    part = year_fraction(date.fromisoformat(start), date.fromisoformat(end), day_count=day_count)
    assert part * year == days


def test_actual_actual_counts_days_of_leap_years_apart() -> None:
    part = year_fraction(date(2023, 11, 1), date(2024, 5, 1), day_count="ACT/ACT")
    assert float(part) == pytest.approx(61 / 365 + 121 / 366)  # ISDA's own example of 1999/2000


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(BadInput, match="there is no day count 'ACT/364'"):
        year_fraction(START, START, day_count="ACT/364")
    with pytest.raises(BadInput, match="lies before"):
        year_fraction(START, date(2024, 1, 1), day_count="ACT/360")


# ---- schedules -------------------------------------------------------------------------------


def test_instalments_at_the_end_of_a_month_stay_there() -> None:
    said = Repayment(**{**TERMS, "first": date(2024, 1, 31), "instalments": 4})
    assert [str(d) for d in due_dates(said)] == [
        "2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30",
    ]  # fmt: skip


@pytest.mark.parametrize("method", ["annuity", "linear", "bullet"])
@pytest.mark.parametrize("day_count", DAY_COUNTS)
def test_instalments_sum_up_to_the_principal(method: str, day_count: str) -> None:
    said = Repayment(**{**TERMS, "method": method, "day_count": day_count})
    found = schedule(Decimal("100000.01"), said, currency="CNY", start=START)
    assert sum(i.principal for i in found) == Decimal("100000.01")
    assert all(i.principal >= 0 for i in found)


def test_payments_of_an_annuity_are_level_to_the_cent() -> None:
    """By 30E/360 all periods but the first (29 days) are a twelfth of a year."""
    loan, _ = disbursed(day_count="30E/360", first=date(2024, 2, 29))
    rate, paid = Decimal("0.005"), []
    for instalment in loan.schedule:
        loan.accrue(instalment.due, because=WHY)
        due = loan._balance("interest_receivable") + instalment.principal
        loan.pay(due, instalment.due, because=WHY)
        paid.append(due)
    textbook = Decimal(100_000) * rate / (1 - (1 + rate) ** -12)
    assert max(paid) - min(paid) <= Decimal("0.05")
    assert 0 < textbook - paid[0] < 2  # one day of interest less, spread over twelve payments
    assert loan.owed == 0


def test_a_schedule_that_cannot_be_meant_is_refused() -> None:
    with pytest.raises(BadInput, match="due after it is paid out"):
        schedule(Decimal(1), Repayment(**TERMS), currency="CNY", start=date(2024, 3, 1))


# ---- a loan's life ---------------------------------------------------------------------------


def test_a_bullet_loan_pays_interest_by_the_day_count_and_the_principal_at_its_end() -> None:
    loan, ledger = disbursed(method="bullet", day_count="ACT/360")
    loan.accrue(date(2024, 2, 29), because=WHY)
    assert balances(ledger)["interest_receivable"] == Decimal("483.33")  # 100,000 × 6 % × 29/360
    loan.pay(Decimal("483.33"), date(2024, 2, 29), because=WHY)
    assert loan.outstanding == 100_000
    assert balances(ledger)["interest_income"] == Decimal("-483.33")


def test_a_payment_serves_penalties_then_interest_then_principal() -> None:
    loan, ledger = disbursed(method="linear", penalty_rate=Decimal("0.03"))
    loan.accrue(date(2024, 4, 30), because=WHY)
    late = loan.arrears(date(2024, 4, 30))
    assert late.principal == Decimal("24999.99")  # three of twelve
    assert late.days == 61
    assert late.penalty > 0
    owed_interest = balances(ledger)["interest_receivable"]
    loan.pay(late.penalty + owed_interest + 100, date(2024, 4, 30), because=WHY)
    assert balances(ledger).get("penalty_receivable", 0) == 0
    assert balances(ledger).get("interest_receivable", 0) == 0
    assert loan.outstanding == 99_900


def test_days_of_grace_are_no_arrears() -> None:
    loan, _ = disbursed(method="linear", grace_days=5, penalty_rate=Decimal("0.03"))
    loan.accrue(date(2024, 3, 10), because=WHY)
    assert loan.arrears(date(2024, 3, 5)).days == 0
    assert loan.arrears(date(2024, 3, 6)).days == 6
    assert loan.penalty > 0


def test_written_off_it_leaves_the_books_and_what_comes_later_is_income() -> None:
    loan, ledger = disbursed()
    loan.write_off(date(2024, 9, 30), because=WHY)
    assert loan.owed == 0
    assert balances(ledger)["write_off"] > 100_000
    loan.recover(Decimal(500), date(2024, 12, 1), because=WHY)
    assert balances(ledger)["recovery_income"] == -500
    with pytest.raises(Conflict, match="written off"):
        loan.pay(Decimal(1), date(2024, 12, 2), because=WHY)


def test_what_contradicts_the_books_is_refused_and_changes_nothing() -> None:
    loan, ledger = disbursed()
    before = balances(ledger)
    with pytest.raises(Conflict, match="paid out already"):
        loan.disburse(START, because=WHY)
    with pytest.raises(Conflict, match="more than"):
        loan.pay(Decimal(200_000), START, because=WHY)
    with pytest.raises(Conflict, match="booked up to"):
        loan.pay(Decimal(1), date(2024, 1, 1), because=WHY)
    assert balances(ledger) == before


# ---- the ledger ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "because", "why"),
    [
        ({"cash": "1.00"}, WHY, "out of balance: 1.00"),
        ({}, WHY, "out of balance"),
        ({"cash": "1.00", "loan_principal": "-1.00"}, (), "does not say why"),
        ({"petty_cash": "1.00", "cash": "-1.00"}, WHY, "no account 'petty_cash'"),
        ({"cash": "0.001", "loan_principal": "-0.001"}, WHY, "whole minor units"),
    ],
)
def test_an_entry_that_is_none_is_refused(parts: dict[str, str], because: Any, why: str) -> None:
    said = tuple(Posting(account, Decimal(amount)) for account, amount in parts.items())
    ledger = Ledger()
    with pytest.raises(BadInput, match=why):
        ledger.post(JournalEntry("try", "F-1", 0, "CNY", said, because))
    assert ledger.trial_balance() == []


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["accrue", "pay", "pay", "pay", "write_off", "recover"]),
        st.integers(0, 60), st.integers(1, 4_000_000),
    ),
    max_size=40,
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(
    moves=MOVES, method=st.sampled_from(["annuity", "linear", "bullet"]),
    day_count=st.sampled_from([*DAY_COUNTS]), grace=st.integers(0, 10),
)  # fmt: skip
def test_however_money_moves_the_books_balance(
    moves: list[Any], *, method: str, day_count: str, grace: int
) -> None:
    loan, ledger = disbursed(
        method=method, day_count=day_count, grace_days=grace, penalty_rate=Decimal("0.05")
    )
    day, paid = START, Decimal(0)
    for move, days, cents in moves:
        day += timedelta(days=days)
        amount = Decimal(cents) / 100
        try:
            if move == "accrue":
                loan.accrue(day, because=WHY)
            elif move == "write_off":
                loan.write_off(day, because=WHY)
            else:
                getattr(loan, move)(amount, day, because=WHY)
                paid += amount
        except Conflict:
            continue
        lines = ledger.trial_balance()
        assert sum(line.debit for line in lines) == sum(line.credit for line in lines)
        stands = balances(ledger)
        assert stands["cash"] == paid - 100_000
        assert loan.outstanding >= 0
        assert stands.get("interest_receivable", 0) >= 0
        late = loan.arrears(day)
        assert 0 <= late.principal <= loan.outstanding
        again, other = loan_of(method=method, day_count=day_count, grace_days=grace)
        other.thaw(ledger.freeze())
        again.thaw(loan.freeze())
        assert again.freeze() == loan.freeze()
        assert again.arrears(day) == late


@settings(deadline=None, max_examples=100)
@given(cuts=st.lists(st.integers(1, 500), max_size=12), day_count=st.sampled_from([*DAY_COUNTS]))
def test_how_often_interest_is_booked_makes_no_difference(cuts: list[int], day_count: str) -> None:
    terms = {"day_count": day_count, "penalty_rate": Decimal("0.05"), "grace_days": 3}
    once, one = disbursed(**terms)
    often, other = disbursed(**terms)
    for days in sorted(cuts):
        often.accrue(START + timedelta(days=days), because=WHY)
    for loan in (once, often):
        loan.pay(Decimal(10), START + timedelta(days=500), because=WHY)
        loan.accrue(START + timedelta(days=700), because=WHY)
    assert balances(one) == balances(other)


def test_only_what_is_something_is_posted() -> None:
    assert postings(cash=Decimal(1), write_off=Decimal(0)) == (Posting("cash", Decimal(1)),)
