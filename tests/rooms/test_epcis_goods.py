"""Goods of EPCIS events: what came and went, for which order, and what is said to be missing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stories.metal import Metal, ended, found
from wuxin.flow import Outcome
from wuxin.protocols import epcis
from wuxin.stores.journal import Arrived
from wuxin.terms.goods import GoodsPart, GoodsTold
from wuxin.wire.packed import packed

LOT = "urn:epc:class:lgtin:4012345.012345.998877"
LINK = "https://id.gs1.org/01/04012345123456/10/998877"
PO = {"type": "po", "bizTransaction": "urn:epcglobal:cbv:bt:4012345000009:PO-1"}
INV = {"type": "inv", "bizTransaction": "urn:epcglobal:cbv:bt:4012345000009:INV-1"}
ADVICE = {"type": "desadv", "bizTransaction": "https://example.org/desadv/DA%2D7"}


def event(**changes: Any) -> dict[str, Any]:
    plain = {
        "type": "ObjectEvent", "eventTime": "2026-01-04T07:30:00Z",
        "eventTimeZoneOffset": "+08:00", "action": "OBSERVE", "bizStep": "receiving",
        "quantityList": [{"epcClass": LOT, "quantity": 100, "uom": "TNE"}],
        "bizTransactionList": [PO],
    }  # fmt: skip
    return {name: value for name, value in (plain | changes).items() if value is not None}


def told(**changes: Any) -> list[GoodsTold]:
    answer = epcis.decode(json.dumps(event(**changes)).encode())
    assert answer["ok"], answer
    return epcis.goods(answer)


def scale(kg: float, uom: str = "TNE") -> list[dict[str, Any]]:
    return [{"sensorReport": [{"type": "Mass", "value": kg, "uom": uom}]}]


def test_what_is_received_or_shipped_moves_and_other_steps_do_not() -> None:
    [came] = told(sensorElementList=scale(99.5), bizTransactionList=[PO, INV, ADVICE])
    assert (came.what, came.way, came.missing) == ("moved", "in", ())
    assert came.outputs == (GoodsPart(LINK, "100", "t", "99.5"),)
    assert (came.orders, came.invoices, came.advices) == (("PO-1",), ("INV-1",), ("DA-7",))
    steps = {("OBSERVE", "shipping"): "out", ("ADD", "commissioning"): "in",
             ("DELETE", "decommissioning"): "out"}  # fmt: skip
    for (action, step), way in steps.items():
        assert [one.way for one in told(action=action, bizStep=step)] == [way]
    for step in ("storing", "arriving", "departing", "inspecting", None):
        assert told(bizStep=step) == []


def test_a_weight_counts_only_in_the_lots_own_unit_and_for_one_lot() -> None:
    assert told(sensorElementList=scale(99500, "KGM"))[0].outputs[0].weighed == ""
    two = [{"epcClass": LOT + x, "quantity": 1.5, "uom": "KGM"} for x in "12"]
    [both] = told(quantityList=two, sensorElementList=scale(3, "KGM"))
    assert [(part.quantity, part.weighed) for part in both.outputs] == [("1.5", ""), ("1.5", "")]


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"quantityList": [{"epcClass": LOT, "uom": "TNE"}]}, "the quantity is not stated"),
        ({"quantityList": [{"epcClass": LOT, "quantity": 3}]}, "the unit is not stated"),
        ({"quantityList": [{"epcClass": LOT, "quantity": 3, "uom": "XYZ"}]},
         "the unit is not known"),
        ({"quantityList": None, "epcList": ["urn:epc:id:sgtin:4012345.011111.9876"]},
         "the quantity is not stated"),
    ],
)  # fmt: skip
def test_what_is_not_stated_is_missing_and_not_guessed(
    changes: dict[str, Any], missing: str
) -> None:
    [one] = told(**changes)
    assert missing in [words.en for words in one.missing]
    assert one.outputs == ()


def test_a_transformation_has_inputs_and_outputs() -> None:
    made = {
        "type": "TransformationEvent",
        "action": None,
        "bizStep": None,
        "quantityList": None,
        "inputQuantityList": [{"epcClass": LOT, "quantity": 100, "uom": "TNE"}],
        "outputQuantityList": [{"epcClass": LOT + "R", "quantity": 95000, "uom": "KGM"}],
    }
    [one] = told(**made)
    assert (one.what, len(one.inputs), len(one.outputs)) == ("made", 1, 1)
    assert epcis.goods({"ok": False, "error": "", "at": ""}) == []


@pytest.fixture
def metal(tmp_path: Path) -> Iterator[Metal]:
    made = Metal(tmp_path)
    made.home.attend("dock", "logistics", protocol="epcis")
    yield made
    made.home.close()


def sent(metal: Metal, *events: dict[str, Any]) -> Outcome:
    """Let events arrive, each as a message of the dock's own source."""
    messages = [json.dumps(one).encode() for one in events]
    return metal.home.accept(Arrived("dock", metal.wall.now, (packed("dock", messages),)))


def test_goods_that_arrive_by_event_are_held_against_the_invoice_in_the_same_batch(
    metal: Metal,
) -> None:
    metal.invoice()
    outcome = sent(metal, event(sensorElementList=scale(98)))
    assert found(outcome) == {("weight_against_invoice", "PO-1")}
    [finding] = [r for r in outcome.records if hasattr(r, "reasons")]
    assert finding.because[0].kind == "frame"
    assert finding.because[0].lines == (0, 0)
    assert sent(metal, event(sensorElementList=scale(98))).records == []  # told twice
    wrong = {"errorDeclaration": {"declarationTime": "2026-01-04T09:00:00Z"}}
    void = sent(metal, event(sensorElementList=scale(98), **wrong))
    assert (ended(void), metal.open()) == (1, set())


def test_an_event_without_its_order_waits_for_the_invoice_or_the_advice(metal: Metal) -> None:
    sent(metal, event(bizTransactionList=[INV]))
    sent(metal, event(bizTransactionList=[ADVICE], eventTime="2026-01-04T08:30:00Z"))
    sent(metal, event(bizTransactionList=None, eventTime="2026-01-04T09:30:00Z"))
    trades = metal.home.flow.bank.trades
    assert len(trades.goods.lacking) == 3
    metal.invoice()
    assert len(trades.goods.lacking) == 2
    sent(metal, event(bizTransactionList=[PO, ADVICE], eventTime="2026-01-04T10:30:00Z"))
    metal.reopen()
    trades = metal.home.flow.bank.trades
    assert [one.missing[0].en for one in trades.goods.lacking.values()] == [
        "it does not say for which order"
    ]
    assert trades.book.books.trades["PO-1"].goods.total("kg") == 300_000


def test_a_transformation_carries_the_pledge_over_and_warns_its_holder(metal: Metal) -> None:
    sent(metal, event())
    metal.lend("F-1", "1000000.00", stage="lot", subject=LINK, quantity="100", unit="t")
    made = {
        "type": "TransformationEvent",
        "action": None,
        "bizStep": None,
        "quantityList": None,
        "inputQuantityList": [{"epcClass": LOT, "quantity": 100, "uom": "TNE"}],
        "outputQuantityList": [{"epcClass": LOT + "R", "quantity": 95000, "uom": "KGM"}],
    }
    outcome = sent(metal, event(**made))
    assert found(outcome) == {("financed_more_than_exists", LINK + "R [kg]")}
    warnings = [r for r in outcome.records if getattr(r, "kind", "") == "early_warning"]
    assert {one.facility for one in warnings} == {"F-1"}


def test_who_is_not_registered_where_strangers_are_not_heard_moves_no_goods(metal: Metal) -> None:
    metal.home.attend("gate", "logistics", protocol="epcis", strangers=False)
    frame = packed("gate", [json.dumps(event()).encode()])
    outcome = metal.home.accept(Arrived("gate", metal.wall.now, (frame,)))
    assert len(outcome.refusals) == 1
    assert not metal.home.flow.bank.trades.book.books.trades
