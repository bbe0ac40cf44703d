"""The four flows of a trade: any order of arrival, and bulk metal from purchase to sale."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wuxin.finance.trade import Reconciler
from wuxin.finance.trade_breaks import Break, Mended
from wuxin.finance.trade_facts import (
    AnyFact,
    Financing,
    Invoice,
    Line,
    Made,
    Movement,
    Order,
    Part,
    Passed,
    Payment,
    Withdrawal,
)
from wuxin.finance.trade_lineage import Given, Lineage, Lot
from wuxin.terms.clock import DAY
from wuxin.terms.names import digest
from wuxin.terms.records import Cause

D = Decimal
WHY = (Cause("frame", digest(b"paper")),)


def order(number: str = "PO-1", **other: object) -> Order:
    said = {"at": 0, "buyer": "mill", "seller": "mine", "good": "copper", "quantity": D(100)}
    said |= {"unit": "t", "amount": D(1000), "currency": "CNY", "number": number, "because": WHY}
    return Order(**said | other)  # type: ignore[arg-type]


def goods(day: int, quantity: str, **other: object) -> Movement:
    said = {"at": day * DAY, "reference": f"R{day}", "order": "PO-1", "lot": "raw", "way": "in"}
    said |= {"quantity": D(quantity), "unit": "t", "weighed": D(quantity), "because": WHY}
    return Movement(**said | other)  # type: ignore[arg-type]


def invoice(day: int, number: str = "I1", *, quantity: str = "100", **other: object) -> Invoice:
    total = D(quantity) * 10
    said = {"at": day * DAY, "number": number, "seller": "mine", "buyer": "mill", "order": "PO-1"}
    said |= {"lines": (Line("copper", D(quantity), total),), "unit": "t", "total": total}
    return Invoice(**said | {"currency": "CNY", "because": WHY} | other)  # type: ignore[arg-type]


def payment(day: int, amount: str, *, key: str = "mine/I1") -> Payment:
    return Payment(
        at=day * DAY,
        reference=f"B{day}",
        invoice=key,
        amount=D(amount),
        currency="CNY",
        because=WHY,
    )


def loan(day: int, stage: str, *, subject: str, **other: object) -> Financing:
    said = {"at": day * DAY, "facility": "F", "stage": stage, "subject": subject}
    said |= {"amount": D(500), "currency": "CNY", "because": WHY}
    return Financing(**said | other)  # type: ignore[arg-type]


def after(*facts: AnyFact) -> Reconciler:
    book = Reconciler()
    for fact in facts:
        book.take(fact)
    return book


def kinds(book: Reconciler) -> set[tuple[str, str]]:
    return {(each.kind, each.subject) for each in book.breaks}


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ([invoice(0), payment(1, "1000"), Passed(at=9 * DAY)], set()),
        ([invoice(0), goods(0, "50"), payment(1, "500"), Passed(at=10 * DAY)],
         {("invoiced_not_delivered", "PO-1")}),
        ([invoice(0), payment(1, "1000"), Passed(at=11 * DAY)],
         {("paid_not_delivered", "PO-1"), ("invoiced_not_delivered", "PO-1")}),
        ([order(due=30 * DAY), invoice(0), payment(1, "1000"), Passed(at=20 * DAY)], set()),
        ([order(due=30 * DAY), invoice(0), payment(1, "1000"), Passed(at=30 * DAY)],
         {("paid_not_delivered", "PO-1"), ("invoiced_not_delivered", "PO-1")}),
        ([goods(0, "100"), Passed(at=14 * DAY)], set()),
        ([goods(0, "100"), Passed(at=15 * DAY)], {("delivered_not_invoiced", "PO-1")}),
        ([goods(0, "100", weighed=D("99.7")), invoice(0)], set()),
        ([goods(0, "100", weighed=D("99.6")), invoice(0)], {("weight_against_invoice", "PO-1")}),
        ([goods(0, "100", weighed=None), invoice(0)], set()),
        ([invoice(0), payment(1, "1000"), payment(2, "1000")], {("paid_twice", "mine/I1")}),
        ([invoice(0), payment(1, "600"), payment(2, "400")], set()),
        ([invoice(0), payment(1, "1001")], {("paid_too_much", "mine/I1")}),
        ([payment(0, "5"), Passed(at=DAY)], set()),
        ([payment(0, "5"), Passed(at=2 * DAY)], {("unknown_invoice", "mine/I1")}),
        ([payment(0, "5", key=""), Passed(at=2 * DAY)], {("unknown_invoice", "?B0")}),
        ([invoice(0), invoice(1, quantity="90")], {("duplicate_invoice", "mine/I1")}),
        ([invoice(0), invoice(0, "I2")], {("alike_invoice", "mine/I1")}),
        ([invoice(0), invoice(1, "I2")], set()),
        ([goods(0, "100"), goods(1, "100", unit="kg")], {("units_differ", "PO-1")}),
        ([goods(0, "100"), loan(1, "lot", subject="raw", quantity=D(60))], set()),
        ([goods(0, "100"), loan(1, "lot", subject="raw", quantity=D(60)),
          loan(1, "lot", subject="raw", quantity=D(41), facility="G")],
         {("financed_more_than_exists", "raw [t]")}),
        ([goods(0, "100"), loan(1, "lot", subject="raw")], {("financed_unmeasured", "raw")}),
        ([loan(0, "lot", subject="ghost", quantity=D(1)), Passed(at=2 * DAY)],
         {("financed_unknown", "ghost")}),
        ([order(), loan(0, "order", subject="PO-1", amount=D(1001))],
         {("financed_more_than_exists", "order PO-1")}),
        ([order(amount=None), loan(0, "order", subject="PO-1")],
         {("financed_unmeasured", "order PO-1")}),
        ([goods(0, "10"), goods(1, "11", way="out")], {("more_out_than_in", "raw [t]")}),
    ],
)  # fmt: skip
def test_a_break_is_found_exactly_where_the_sides_differ(
    facts: list[AnyFact], found: set[tuple[str, str]]
) -> None:
    book = after(*facts)
    assert kinds(book) == found
    for each in book.breaks:
        assert each.words.zh
        assert each.words.en
        assert any(side.figures or side.missing for side in each.sides)


def test_bulk_metal_is_financed_at_each_stage_and_each_break_is_mended() -> None:
    book = after(order(due=5 * DAY), loan(0, "order", subject="PO-1", facility="A"))
    first = loan(0, "order", subject="PO-1", facility="A")
    stock = loan(3, "lot", subject="raw", quantity=D(100))
    book = after(order(due=5 * DAY), first, invoice(1), goods(2, "100"), payment(2, "1000"))
    book.take(Withdrawal(at=3 * DAY, of=first.id, reason="repaid from the stock loan"))
    book.take(stock)
    assert not book.breaks
    melt = Made(
        at=4 * DAY, reference="melt", inputs=(Part("raw", D(100)),), unit="t", loss=D(5),
        outputs=(Part("rod", D(57)), Part("bar", D(38))),
    )  # fmt: skip
    told = book.take(melt)
    # The debt stays with the goods: 100 t pledged now stand on 95 t, shared 60 to 40.
    assert [(b.subject, b.sides[0].figures) for b in told if isinstance(b, Break)] == [
        ("bar [t]", {"t": "40"}), ("rod [t]", {"t": "60"}),
    ]  # fmt: skip
    book.take(Withdrawal(at=5 * DAY, of=stock.id, reason="cut"))
    fewer = loan(5, "lot", subject="raw", quantity=D(95))
    book.take(fewer)
    assert not book.breaks
    second = loan(5, "lot", subject="rod", quantity=D(1), facility="B")
    assert {b.subject for b in book.take(second)} == {"rod [t]"}
    ended = book.take(Withdrawal(at=6 * DAY, of=second.id, reason="refused"))
    assert ended == [Mended("financed_more_than_exists", "rod [t]", 6 * DAY, ("lot", "rod", "t"))]
    sold = goods(7, "57", order="SO-1", lot="rod", way="out")
    assert [b.subject for b in book.take(sold)] == ["rod [t]"]
    told = book.take(Withdrawal(at=8 * DAY, of=fewer.id, reason="repaid"))
    book.take(loan(8, "lot", subject="bar", quantity=D(38)))
    sale = invoice(8, "S1", quantity="57", seller="mill", buyer="works", order="SO-1")
    book.take(sale)
    book.take(loan(8, "invoice", subject="mill/S1"))
    book.take(payment(9, "570", key="mill/S1"))
    book.take(Passed(at=60 * DAY))
    assert book.breaks == []


def test_a_process_that_makes_metal_from_nothing_or_loses_it_unsaid_is_found() -> None:
    made = {"at": 0, "reference": "m", "unit": "t", "inputs": (Part("a", D(10)),)}
    for out, loss, found in (("10", None, False), ("9", None, False), ("11", None, True),
                             ("9", D(1), False), ("9", D("0.5"), True)):  # fmt: skip
        ends = {"outputs": (Part("b", D(out)),), "loss": loss}
        fact = Made(**made | ends)  # type: ignore[arg-type]
        assert (("not_conserved", "m") in kinds(after(fact))) is found, (out, loss)


def test_what_is_missing_is_said_and_not_taken_for_zero() -> None:
    words = [each.en for each in after(goods(0, "1", weighed=None)).missing("PO-1")]
    assert words == [
        "no order is known", "a delivery was not weighed", "no invoice is known",
        "no payment is known",
    ]  # fmt: skip


def test_a_number_that_is_none_is_a_break_and_no_error() -> None:
    book = after(goods(0, "NaN"), goods(1, "1e40"), goods(2, "-1"))
    assert [each.kind for each in book.breaks] == ["unusable_fact"] * 3
    assert book.now is None


DAYS = st.integers(0, 12)
TONNES = st.sampled_from(["30", "50.5", "100"])
FACTS: st.SearchStrategy[AnyFact] = st.one_of(
    st.builds(
        lambda day, due: order(at=day * DAY, due=due), DAYS, st.sampled_from([None, 9 * DAY])
    ),
    st.builds(goods, DAYS, TONNES, weighed=st.sampled_from([None, D(30), D(100)])),
    st.builds(goods, DAYS, TONNES, lot=st.sampled_from(["raw", "rod"]), way=st.just("out")),
    st.builds(invoice, DAYS, st.sampled_from(["I1", "I2"]), quantity=TONNES),
    st.builds(payment, DAYS, st.sampled_from(["300", "1000"])),
    st.builds(loan, DAYS, st.just("lot"), subject=st.sampled_from(["raw", "rod"]),
              quantity=st.sampled_from([None, D(40)])),
    st.builds(loan, DAYS, st.just("invoice"), subject=st.just("mine/I1")),
    st.builds(lambda day, out: Made(at=day * DAY, reference="m", unit="t", loss=None,
              inputs=(Part("raw", D(30)),), outputs=(Part("rod", out),)),
              DAYS, st.sampled_from([D(29), D(31)])),
    st.builds(lambda day: Passed(at=day * DAY), st.integers(0, 40)),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(FACTS, max_size=14), st.data())
def test_any_order_of_arrival_leaves_the_same_breaks_open(
    facts: list[AnyFact], data: st.DataObject
) -> None:
    taken = data.draw(st.lists(st.sampled_from(facts), max_size=4)) if facts else []
    back = [Withdrawal(at=fact.at, of=fact.id, reason="") for fact in taken]
    shuffled = data.draw(st.permutations([*facts, *back]))
    one, other = after(*facts, *back), after(*shuffled)
    assert one.breaks == other.breaks
    assert one.now == other.now


@settings(max_examples=60, deadline=None)
@given(st.lists(FACTS, min_size=2, max_size=12), st.data())
def test_frozen_between_any_two_facts_it_goes_on_as_if_nothing_had_been(
    facts: list[AnyFact], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(facts)))
    through, book = after(*facts[:cut]), after(*facts[:cut])
    thawed = Reconciler.thaw(book.freeze())
    for fact in facts[cut:]:
        assert thawed.take(fact) == through.take(fact)
    assert thawed.breaks == through.breaks


def test_what_is_told_adds_up_to_what_is_open() -> None:
    second = payment(22, "1000")
    facts = [
        goods(0, "100"), Passed(at=20 * DAY), invoice(20), payment(21, "1000"), second,
        Withdrawal(at=23 * DAY, of=second.id, reason="back"),
    ]  # fmt: skip
    assert all(a.at <= b.at for a, b in pairwise(facts))
    book, held = Reconciler(), {}
    for fact in facts:
        for each in book.take(fact):
            if isinstance(each, Break):
                held[each.kind, each.subject] = each
            else:
                del held[each.kind, each.subject]
    assert not held
    assert not book.breaks


def diamonds(levels: int) -> Lineage:
    """Split a lot in two and join it again, that many times."""
    lineage = Lineage()
    lineage.moved(goods(0, "100", lot="0", unit="kg"))
    for n in range(levels):
        half = (Part(f"{n}a", D(50)), Part(f"{n}b", D(50)))
        whole = {"at": n, "reference": f"{n}", "unit": "kg", "loss": None}
        parts = {"inputs": (Part(str(n), D(100)),), "outputs": half}
        lineage.made(Made(**whole | parts))  # type: ignore[arg-type]
        parts = {"inputs": half, "outputs": (Part(str(n + 1), D(100)),)}
        lineage.made(Made(**whole | parts | {"reference": f"j{n}"}))  # type: ignore[arg-type]
    return lineage


def test_lots_that_split_and_join_forty_times_are_worked_out_once_each() -> None:
    lineage, own = diamonds(40), {"0": Fraction(60)}
    asked: dict[Lot, Given] = {}
    assert lineage.carried(("40", "kg"), own, known=asked) == 60
    assert len(asked) == 1 + 40 * 3  # 2^40 paths lead there
    assert lineage.kept(("39", "kg"), own) == 0
    assert lineage.carried(("3000", "kg"), {"0": Fraction(7)}) == 0


def test_a_chain_of_a_thousand_melts_needs_no_deeper_stack() -> None:
    assert diamonds(1000).kept(("1000", "kg"), {"0": Fraction(60)}) == 60


def test_a_claim_does_not_vanish_where_lots_are_made_from_one_another() -> None:
    there = Made(at=DAY, reference="1", unit="t", inputs=(Part("raw", D(100)),),
                 outputs=(Part("rod", D(95)),), loss=D(5))  # fmt: skip
    back = Made(at=2 * DAY, reference="2", unit="t", inputs=(Part("rod", D(95)),),
                outputs=(Part("raw", D(95)),), loss=None)  # fmt: skip
    pledged = loan(0, "lot", subject="raw", quantity=D(100))
    book = after(goods(0, "100"), pledged, there)
    assert kinds(book) == {("financed_more_than_exists", "rod [t]")}  # 100 t stand on 95 t
    book.take(back)
    assert kinds(book) == {("financed_more_than_exists", "raw [t]")}


def test_a_fact_from_the_future_moves_no_time_and_is_used_when_it_is_told_in_time() -> None:
    book = after(goods(0, "100"))
    ahead = invoice(9)
    [broken] = book.take(ahead, known=7 * DAY)
    assert isinstance(broken, Break)
    assert (broken.kind, book.now) == ("unusable_fact", 0)
    assert broken.sides[0].missing[0].en == "it is dated more than a day after it arrived"
    assert book.take(ahead, known=7 * DAY) == []
    assert Reconciler.thaw(book.freeze()).breaks == book.breaks
    [mended] = book.take(ahead, known=8 * DAY)
    assert mended == Mended("unusable_fact", ahead.id, 9 * DAY, ("fact", ahead.id, ""))
    assert (book.now, book.breaks) == (9 * DAY, [])


def test_facts_taken_together_tell_only_what_is_left_of_it() -> None:
    book = Reconciler()
    told = book.take(invoice(0), payment(1, "600"), payment(2, "1000"), payment(3, "1000"))
    assert [each.kind for each in told] == ["paid_twice"]
    assert book.take(Passed(at=4 * DAY)) == []
