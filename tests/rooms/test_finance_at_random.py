"""Any sequence of marks and commands keeps the books right and repeats exactly."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rooms.test_finance import Bank, Pool
from wuxin.terms.errors import Refused
from wuxin.terms.names import ThingKey

PRICES = st.one_of(st.none(), st.decimals("-100", "10000", places=3).map(str))
CENTS = st.integers(1, 700_000_000).map(lambda cents: str(Decimal(cents).scaleb(-2)))
MOVES = st.one_of(
    st.tuples(st.just("price"), PRICES),
    st.tuples(st.just("tonnes"), st.integers(0, 2000)),
    st.tuples(st.sampled_from(["top_up", "repay", "dispose"]), CENTS),
    st.tuples(st.just("order_disposal"), st.none()),
)


def walk(moves: list[tuple[str, Any]], on_overdue: str) -> Bank:
    bank = Bank(Pool(), on_overdue=on_overdue)
    for day, (do, value) in enumerate(moves):
        on = f"2008-{8 + day // 6:02d}-{1 + 5 * (day % 6):02d}"
        if do == "tonnes":
            bank.pool.lots[ThingKey("lot", "L-1")] = Decimal(value)
        elif do != "price":
            body = {"top_up": "amount", "repay": "amount", "dispose": "proceeds"}
            try:
                bank.tell(do, on, **({body[do]: value} if do in body else {}))
            except Refused:
                assert bank.facility["outstanding"]
        bank.mark(on, value if do == "price" else "")
    return bank


@settings(max_examples=150, deadline=None)
@given(st.lists(MOVES, max_size=24), st.sampled_from(["dispose", "escalate"]))
def test_any_sequence_keeps_the_books_right_and_repeats_exactly(
    moves: list[tuple[str, Any]], on_overdue: str
) -> None:
    bank, again = walk(moves, on_overdue), walk(moves, on_overdue)
    assert bank.acts == again.acts
    assert bank.desk.facilities() == again.desk.facilities()
    assert len({act.id for act in bank.acts}) == len(bank.acts)
    for act in bank.acts:
        if act.kind != "early_warning":
            check(act.figures)


def check(told: Mapping[str, str]) -> None:
    """Compute the figures of an act again, in fractions."""
    outstanding, cash = Fraction(told["outstanding"]), Fraction(told["cash_margin"])
    assert outstanding >= 0
    assert cash >= 0
    exposure = max(Fraction(0), outstanding - cash)
    assert Fraction(told["exposure"]) == exposure
    if "value" not in told:
        assert "lendable_value" not in told
        return
    value = Fraction(told["value"])
    covered = value > 0 and exposure < 1000 * value
    ratio = exposure / value if covered else Fraction(1000 if exposure else 0)
    assert Fraction(told["loan_to_value"]) == Fraction(ceil(ratio * 10**6), 10**6)
    lendable = max(Fraction(0), value * Fraction(8, 10))
    assert abs(Fraction(told["lendable_value"]) - lendable) <= Fraction(1, 200)
    if "needed" in told:
        needed = exposure - max(Fraction(0), value * Fraction(7, 10))
        assert abs(Fraction(told["needed"]) - needed) <= Fraction(1, 200)
