"""Bulk metal from purchase to sale, lent on at each stage; and each classic break, planted once.

A mill buys a hundred tonnes of copper, which are financed as an order, then as stock, are melted to
rods and bars with the pledge carried over, and are sold and financed as a receivable. Goods come by
EPCIS events, payments by camt.053, what is lent by the ledger. Parties and figures are made up.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rooms.test_camt053 import balance, details, entry, message
from tests.stories.metal import Metal, ended, fact_of, found, line, warned
from wuxin import frozen
from wuxin.audit import audit
from wuxin.flow import Outcome
from wuxin.home import DEFAULT_TENANT
from wuxin.portal.access import Session
from wuxin.portal.statements import bring
from wuxin.protocols.epcis import canonical
from wuxin.stores.journal import Arrived
from wuxin.terms.clock import iso
from wuxin.terms.records import Command, Finding
from wuxin.wire.packed import packed

CLASS = "urn:epc:class:lgtin:4012345"
LOTS = {"raw": f"{CLASS}.012345.RAW", "rod": f"{CLASS}.012346.ROD", "bar": f"{CLASS}.012347.BAR"}
BANK = Session(DEFAULT_TENANT, "core", "core_system", "", must_change=False, expires=0)


class Story(Metal):
    """The house with its dock, whose scale and scanners speak EPCIS."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.home.attend("dock", "logistics", protocol="epcis", strangers=False)
        self._bind("dock-scanner", "warehouse:WH")
        for lot, number in LOTS.items():
            self._bind(f"epc:{canonical(number)}", f"lot:{lot}")

    def _bind(self, device: str, thing: str) -> None:
        """Register what speaks at the dock, and by which numbers the lots are known there."""
        for state in ("delivered", "installed", "commissioned"):
            self.wall.pass_days(0.001)
            body = {"device": device, "thing": thing, "to": state, "reason": "by plan"}
            told = Command("device", self.wall.now, "supervisor:su", "", body, "supervisor")
            self.home.order(told, source="dock")

    def scanned(self, kind: str = "ObjectEvent", **said: Any) -> Outcome:
        """Let the dock tell an event."""
        self.wall.pass_days(0.01)
        event = {"type": kind, "eventTime": iso(self.wall.now), "eventTimeZoneOffset": "+08:00",
                 **said}  # fmt: skip
        document = {
            "@context": "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
            "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": iso(self.wall.now),
            "sender": "dock-scanner", "epcisBody": {"eventList": [event]},
        }  # fmt: skip
        frame = packed("dock", [json.dumps(document).encode()])
        return self.home.accept(Arrived("dock", self.wall.now, (frame,)))

    def weighed(self, step: str, order: str, *, lot: str, tonnes: float, scale: float) -> Outcome:
        """Let goods pass the dock: what the papers say, and what the scale does."""
        report = {"type": "Mass", "value": scale, "uom": "TNE"}
        return self.scanned(
            action="OBSERVE", bizStep=step,
            quantityList=[{"epcClass": LOTS[lot], "quantity": tonnes, "uom": "TNE"}],
            bizTransactionList=[{"type": "po", "bizTransaction": f"urn:bt:{order}"}],
            sensorElementList=[{"sensorReport": [report]}],
        )  # fmt: skip

    def booked(self, amount: str, way: str, *, remit: str, name: str, other: str) -> Any:
        """Bring the mill's camt.053 with one booking."""
        sign = 1 if way == "CRDT" else -1
        closing = 50_000_000 + sign * int(amount)
        bal = balance("OPBD", "50000000") + balance("CLBD", str(closing))
        parts = details("08", remit=f"<Ustrd>{remit}</Ustrd>", other=other, end=f"E-{name}")
        data = message("08", entry("08", amount, way=way, dtls=parts), bal=bal)
        day = iso(self.wall.now)[:10].encode()
        data = data.replace(b"<Id>S-1</Id>", f"<Id>{name}</Id>".encode())
        data = data.replace(b"2026-01-02", day)
        before = self.home.committed
        [told] = bring(self.home, BANK, data=data)
        assert told["entry"] == before + 1
        return told


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    made = Story(tmp_path)
    yield made
    made.home.close()


def bought(story: Story) -> None:
    """Order, invoice and pay a hundred tonnes, financed as an order."""
    story.order(due="2026-01-25")
    story.lend("F-ORDER", "4000000.00", stage="order", subject="PO-1")
    story.wall.pass_days(1)
    story.invoice()
    told = story.booked("6000000", "DBIT", remit="INV-1 copper", name="D1", other="mine")
    assert told["acts"][0]["figures"]["allocated"] == "1"
    story.wall.pass_days(2)
    story.weighed("receiving", "PO-1", lot="raw", tonnes=100, scale=99.9)


def stocked(story: Story) -> None:
    """Lend on the stock, which repays the order's loan; melt it, with the pledge carried over."""
    story.lend("F-STOCK", "4200000.00", stage="lot", subject="lot:raw", quantity="94", unit="t")
    story.repay("F-ORDER", "4000000.00")
    assert story.open() == set()
    parts = {
        "inputQuantityList": [{"epcClass": LOTS["raw"], "quantity": 100, "uom": "TNE"}],
        "outputQuantityList": [
            {"epcClass": LOTS["rod"], "quantity": 57, "uom": "TNE"},
            {"epcClass": LOTS["bar"], "quantity": 38, "uom": "TNE"},
        ],
    }
    story.scanned("TransformationEvent", **parts)


def sold(story: Story) -> None:
    """Sell the rods: the receivable's loan repays the stock's, and the buyer's money the rest."""
    story.repay("F-STOCK", "4200000.00")
    story.order("SO-1", buyer="works", seller="mill", quantity="57", amount="4560000.00")
    sale = {"seller": "mill", "buyer": "works", "order": "SO-1"}
    total = {"lines": [{"good": "rod", "quantity": "57", "amount": "4560000.00"}],
             "total": "4560000.00"}  # fmt: skip
    story.invoice("SI-1", "57", **sale, **total)
    story.weighed("shipping", "SO-1", lot="rod", tonnes=57, scale=57.05)
    story.lend("F-BILL", "3600000.00", stage="invoice", subject="mill/SI-1")
    story.wall.pass_days(10)
    story.booked("4560000", "CRDT", remit="our ref SI-1", name="D2", other="mill")
    story.repay("F-BILL", "3600000.00")


def test_metal_is_bought_stocked_and_sold_with_a_loan_at_each_stage(story: Story) -> None:
    bought(story)
    stocked(story)
    books = story.home.flow.bank.trades.book.books
    kept = {name: books.kept((name, "kg")) for name in ("lot:raw", "lot:rod", "lot:bar")}
    assert kept == {"lot:raw": 0, "lot:rod": 56_400, "lot:bar": 37_600}  # 94 t, 60 to 40
    assert story.open() == set()
    sold(story)
    story.pass_days(60)
    assert story.open() == set()
    assert all(not tally.units for tally in books.loans.values())
    report = audit(story.folder, story.home.tenant)
    assert report.faults == []


def test_a_house_that_is_closed_between_the_stages_tells_the_same_story(
    story: Story, tmp_path: Path
) -> None:
    other = Story(tmp_path / "other")
    for stage in (bought, stocked, sold):
        stage(story)
        stage(other)
        other.reopen()
    assert frozen.digest(other.home.flow) == frozen.digest(story.home.flow)
    other.home.close()


def test_paid_but_not_delivered(story: Story) -> None:
    story.order(due="2026-01-25")
    story.invoice()
    story.booked("6000000", "DBIT", remit="INV-1", name="D1", other="mine")
    assert found(story.pass_days(15)) == set()  # it is not due yet
    told = story.pass_days(6)
    assert ("paid_not_delivered", "PO-1") in found(told)
    [finding] = [r for r in told.records if isinstance(r, Finding)
                 and r.rule == "paid_not_delivered"]  # fmt: skip
    assert [words.zh for words in finding.reasons] == [
        "PO-1：已付款，货物未交足", "付款：6000000 CNY，100000 kg", "货物：无",
    ]  # fmt: skip
    story.weighed("receiving", "PO-1", lot="raw", tonnes=100, scale=100)
    assert story.open() == set()


def test_delivered_but_not_invoiced(story: Story) -> None:
    story.weighed("receiving", "PO-1", lot="raw", tonnes=100, scale=100)
    assert story.open() == set()
    assert found(story.pass_days(16)) == {("delivered_not_invoiced", "PO-1")}
    assert ended(story.invoice()) == 1
    assert story.open() == set()


def test_the_weight_against_the_invoice(story: Story) -> None:
    wrong = story.invoice()
    told = story.weighed("receiving", "PO-1", lot="raw", tonnes=100, scale=98)
    assert found(told) == {("weight_against_invoice", "PO-1")}
    assert ended(story.tell("withdraw_fact", fact=fact_of(wrong), reason="corrected")) == 1
    story.invoice("INV-1a", "98")
    assert story.open() == set()
    # Scale and invoice agree; the delivery note still has two tonnes that nobody has invoiced.
    assert found(story.pass_days(16)) == {("delivered_not_invoiced", "PO-1")}


def test_financed_for_more_than_there_is(story: Story) -> None:
    story.weighed("receiving", "PO-1", lot="raw", tonnes=100, scale=100)
    story.lend("F-1", "4000000.00", stage="lot", subject="lot:raw", quantity="60", unit="t")
    told = story.tell("tell_financing", facility="other bank", stage="lot", subject="lot:raw",
                      amount="3000000", currency="CNY", quantity="50", unit="t")  # fmt: skip
    assert found(told) == {("financed_more_than_exists", "lot:raw [kg]")}
    assert warned(told) == {("F-1", "financed_more_than_exists")}
    assert ended(story.repay("F-1", "4000000.00")) == 1
    assert story.open() == set()


def test_one_invoice_told_twice(story: Story) -> None:
    story.invoice()
    twice = story.invoice(tonnes="120")
    assert found(twice) == {("duplicate_invoice", "mine/INV-1")}
    gone = story.tell("withdraw_fact", fact=fact_of(twice), reason="cancelled")
    assert (ended(gone), story.open()) == (1, set())


def test_one_invoice_paid_twice_and_paid_back(story: Story) -> None:
    story.invoice()
    story.booked("6000000", "DBIT", remit="INV-1", name="D1", other="mine")
    story.booked("6000000", "DBIT", remit="INV-1", name="D2", other="mine")
    assert story.open() == {("paid_twice", "mine/INV-1")}
    back = line(6_000_000, "in", text="INV-1 paid twice", party="mine")
    iban = {"account": "DE02120300000000202051", "currency": "CNY"}
    told = story.tell("bank_statement", id="D3", opening="0", closing="6000000", lines=[back],
                      **iban)  # fmt: skip
    assert (ended(told), story.open()) == (1, set())


def test_financed_papers_that_nobody_knows(story: Story) -> None:
    story.lend("F-1", "1000000.00", stage="invoice", subject="mill/GHOST")
    assert story.open() == set()
    assert ("financed_unknown", "invoice mill/GHOST") in found(story.pass_days(3))
