"""The counter of trades: what is told, what breaks at once, whom it concerns, what is refused."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stories.metal import Metal, ended, fact_of, found, line, warned
from wuxin import frozen
from wuxin.finance.trade_breaks import KINDS
from wuxin.finance.trade_facts import Payment
from wuxin.packs import schema
from wuxin.terms.errors import BadInput, Conflict, NotFound


@pytest.fixture
def metal(tmp_path: Path) -> Iterator[Metal]:
    made = Metal(tmp_path)
    yield made
    made.home.close()


def payments(metal: Metal) -> list[tuple[str, str]]:
    """Say what was paid on which invoice, as far as it still holds."""
    book = metal.home.flow.bank.trades.book
    names = [n for tally in book.books.payments.values() for n in tally.names]
    facts = [book.fact(name) for name in names]
    return sorted((f.invoice, str(f.amount)) for f in facts if isinstance(f, Payment))


def test_every_kind_of_break_has_a_rule_with_a_runbook() -> None:
    rules = {n: r for n, r in schema.load("common").rules.items() if r.by == "trades"}
    assert rules.keys() == KINDS.keys()
    assert all(rule.runbook and rule.kind == "trade" for rule in rules.values())
    assert all(rules[name].words == words for name, words in KINDS.items())


def test_tonnes_of_an_invoice_are_held_against_kilograms_of_a_scale(metal: Metal) -> None:
    metal.invoice()
    assert found(metal.moved("in", "100000")) == set()
    short = metal.moved("in", "50000", order="PO-2", lot="x", weighed="49000")
    assert found(short) == set()
    told = metal.invoice("INV-2", "50", order="PO-2")
    assert found(told) == {("weight_against_invoice", "PO-2")}
    [finding] = [r for r in told.records if hasattr(r, "rule")]
    assert [w.en for w in finding.reasons[1:]] == ["weight: 49000 kg", "invoice: 50000 kg"]


def test_a_break_is_ended_and_told_anew_where_its_figures_change(metal: Metal) -> None:
    metal.invoice()
    first = metal.paid(line(6_000_000, "out", text="INV-1"), line(1_000_000, "out", text="INV-1"))
    assert found(first) == {("paid_twice", "mine/INV-1")}
    again = metal.paid(line(1_000_000, "out", text="INV-1"), name="S-2", opening="-7000000")
    assert (found(again), ended(again)) == ({("paid_twice", "mine/INV-1")}, 1)
    assert len({r.id for r in first.records + again.records}) == len(first.records + again.records)
    back = {"reversal": True}
    for n, amount in enumerate((1_000_000, 1_000_000)):
        told = metal.paid(line(amount, "in", text="INV-1", **back), name=f"R-{n}")
    assert (ended(told), metal.open()) == (1, set())


def test_a_withdrawn_fact_mends_and_what_is_unknown_or_gone_cannot_be_withdrawn(
    metal: Metal,
) -> None:
    metal.invoice()
    second = metal.invoice(tonnes="90")
    assert found(second) == {("duplicate_invoice", "mine/INV-1")}
    name = fact_of(second)
    told = metal.tell("withdraw_fact", fact=name, reason="cancelled", role="risk_officer")
    assert ended(told) == 1
    with pytest.raises(Conflict, match="withdrawn already"):
        metal.tell("withdraw_fact", fact=name, reason="again", role="risk_officer")
    with pytest.raises(NotFound):
        metal.tell("withdraw_fact", fact="0" * 64, reason="none", role="risk_officer")


@pytest.mark.parametrize(
    ("do", "body"),
    [
        ("tell_payment", {"amount": 1.5}),
        ("tell_payment", {"amount": "NaN"}),
        ("tell_payment", {"amount": "9e999999"}),
        ("tell_payment", {"amount": "-1"}),
        ("tell_payment", {"amount": "1", "at": "2027-01-01"}),
        ("tell_payment", {"amount": "1", "more": 1}),
        ("tell_payment", {"amount": "1", "currency": "yuan"}),
        ("tell_financing", {"facility": "F", "stage": "lot", "subject": "x", "amount": "1",
                            "quantity": "3", "reference": None, "invoice": None}),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_and_changes_nothing(
    metal: Metal, do: str, body: dict[str, Any]
) -> None:
    metal.order()
    before = metal.home.flow.bank.trades.freeze()
    base = {"reference": "B", "invoice": "mine/I", "currency": "CNY"}
    told = {k: v for k, v in {**base, **body}.items() if v is not None}
    with pytest.raises(BadInput):
        metal.tell(do, **told)
    after = metal.home.flow.bank.trades.freeze()
    before["book"].pop("now")  # time has passed all the same
    after["book"].pop("now")
    assert before == after


def test_a_statement_is_taken_once_adds_up_and_says_what_it_could_not_allocate(
    metal: Metal,
) -> None:
    metal.invoice()
    lines = [line(100, "out", text="INV-1"), line(40, "out", text="wages")]
    first = metal.paid(*lines)
    [act] = [r for r in first.records if getattr(r, "kind", "") == "bank_statement"]
    assert (act.figures["allocated"], act.figures["unallocated"]) == ("1", "1")
    assert metal.paid(*lines).records == []
    with pytest.raises(Conflict, match="other content"):
        metal.paid(line(1, "out"))
    with pytest.raises(BadInput, match="does not add up: 0 and its lines make -1"):
        metal.tell("bank_statement", id="X", account="A", currency="CNY", opening="0", closing="0",
                   lines=[line(1, "out")])  # fmt: skip
    with pytest.raises(BadInput, match="more than a day ahead"):
        metal.paid(line(1, "out", at="2026-02-05"), name="Y")
    [left] = metal.home.flow.bank.trades.statements.unallocated.values()
    assert (left.line.text, left.why.en) == ("wages", "no known invoice is named")


def test_a_payment_is_allocated_by_reference_then_by_text_then_by_the_other_side(
    metal: Metal,
) -> None:
    metal.invoice("INV-7")
    metal.invoice("INV-8")
    metal.invoice("INV-8", seller="quarry")
    metal.paid(
        line(1, "out", text="INV-8", references=["INV-7"]),
        line(2, "out", text="copper, INV-7."),
        line(3, "out", text="INV-7 and INV-8"),
        line(4, "out", text="INV-8", party="Quarry"),
        line(5, "out", text="INV-8"),
        line(6, "out", text="XINV-7"),
        line(7, "out", references=["INV-99"]),
    )
    assert payments(metal) == [("mine/INV-7", "1"), ("mine/INV-7", "2"), ("quarry/INV-8", "4")]
    listed = metal.home.flow.bank.trades.statements.unallocated.values()
    assert [(x.line.amount, x.why.en) for x in listed] == [
        ("3", "several invoices are named"), ("5", "several invoices are named"),
        ("6", "no known invoice is named"), ("7", "no known invoice is named"),
    ]  # fmt: skip
    metal.reopen()
    metal.invoice("INV-99")
    assert ("mine/INV-99", "7") in payments(metal)


def test_one_payment_on_both_sides_statements_is_one_and_can_be_taken_back_once(
    metal: Metal,
) -> None:
    metal.invoice()
    metal.paid(line(500, "out", text="INV-1", end_to_end="E1", party="mine"))
    other = {"account": "MINE", "currency": "CNY"}
    got = line(500, "in", text="INV-1", end_to_end="E1", party="mill")
    metal.tell("bank_statement", id="1", opening="0", closing="500", lines=[got], **other)
    assert payments(metal) == [("mine/INV-1", "500")]
    twice = line(500, "out", text="INV-1", end_to_end="E1", party="mine")
    metal.paid(twice, name="S-2")
    assert len(payments(metal)) == 2
    refund = line(500, "in", text="INV-1", party="mine")
    metal.paid(refund, name="S-3")
    assert len(payments(metal)) == 1


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1)])
def test_the_order_in_which_invoice_payment_and_reversal_are_told_makes_no_difference(
    metal: Metal, order: tuple[int, ...]
) -> None:
    steps = (
        metal.invoice,
        lambda: metal.paid(line(7_000_000, "out", text="INV-1")),
        lambda: metal.paid(line(7_000_000, "in", text="INV-1", reversal=True), name="S-2"),
    )
    for n in order:
        steps[n]()
    assert metal.open() == set()
    assert payments(metal) == []


def test_the_ledger_tells_what_is_lent_and_repaid_on_an_invoice(metal: Metal) -> None:
    metal.invoice(tonnes="10")
    opened = metal.lend("F-1", "600001.00", stage="invoice", subject="mine/INV-1")
    assert found(opened) == {("financed_more_than_exists", "invoice mine/INV-1")}
    assert warned(opened) >= {("F-1", "financed_more_than_exists")}
    metal.repay("F-1", "1.00")
    assert metal.open() == set()
    with pytest.raises(BadInput, match=r"terms\.trade"):
        metal.lend("F-2", "1.00", stage="moon", subject="x")


def test_a_finding_on_goods_concerns_who_holds_them_in_the_register(metal: Metal) -> None:
    metal.moved("in", "100000")
    metal.lend("F-1", "1000000.00", stage="lot", subject="lot:raw", quantity="60", unit="t")
    told = metal.moved("out", "100001", order="SO-1", lot="lot:rod")
    assert found(told) == {("more_out_than_in", "lot:rod [kg]")}
    assert warned(told) == {("F-1", "more_out_than_in")}  # rod lies in its pool


def test_who_may_tell_what_is_with_the_order(metal: Metal) -> None:
    orders = metal.home.flow.bank.trades.orders
    assert all(order.of == "bank" for order in orders.values())
    assert "borrower" not in {role for order in orders.values() for role in order.by}


STEPS = st.lists(st.sampled_from(
    ["order", "invoice", "invoice2", "in", "short", "out", "pay", "back", "lend", "process",
     "days", "freeze"]), max_size=12)  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(STEPS)
def test_frozen_and_thawed_anywhere_it_says_the_same(steps: list[str]) -> None:

    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        through, broken = Metal(Path(one)), Metal(Path(two))
        for n, step in enumerate(steps):
            if step == "freeze":
                broken.reopen()
                continue
            said = [do(metal, step, n=n) for metal in (through, broken)]
            assert said[0].records == said[1].records
        assert frozen.digest(through.home.flow) == frozen.digest(broken.home.flow)
        through.home.close()
        broken.home.close()


def do(metal: Metal, step: str, *, n: int) -> Any:
    """Take one step; ``n`` tells it from others."""
    parts = {"inputs": [{"lot": "lot:raw", "quantity": "40"}],
             "outputs": [{"lot": "lot:rod", "quantity": "39"}]}  # fmt: skip
    pledged = {"stage": "lot", "subject": "lot:raw", "quantity": "90", "unit": "t"}
    lent = {"facility": "F", "amount": "1", "currency": "CNY", **pledged}
    back = line(6_000_000, "in", text="INV-1", reversal=True)
    steps: dict[str, Callable[[], Any]] = {
        "order": metal.order,
        "invoice": metal.invoice,
        "invoice2": lambda: metal.invoice("INV-1", "90"),
        "in": lambda: metal.moved("in", "100000"),
        "short": lambda: metal.moved("in", "50000", weighed="49000"),
        "out": lambda: metal.moved("out", "60000", order="SO-1"),
        "pay": lambda: metal.paid(line(6_000_000, "out", text="INV-1"), name=f"S{n}"),
        "back": lambda: metal.paid(back, name=f"S{n}"),
        "lend": lambda: metal.tell("tell_financing", **lent),
        "process": lambda: metal.tell("tell_process", reference=f"M{n}", unit="t", loss="1",
                                      **parts),
        "days": lambda: metal.pass_days(5),
    }  # fmt: skip
    return steps[step]()
