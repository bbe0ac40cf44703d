"""Weights, air, receipts, lineage, prices, gates, and tables of shipments."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wuxin.packs.logistics import (
    climate,
    control,
    freight,
    lineage,
    price,
    receipts,
    shipments,
    weight,
)
from wuxin.protocols import epcis
from wuxin.terms.clock import DAY, HOUR, moment
from wuxin.terms.errors import BadInput
from wuxin.terms.standards import Series

START = moment("2019-03-01")


# ---- weights, air ------------------------------------------------------------------------------


def weighed(nightly: float, *, seed: int, step: float = 0.0) -> float | None:
    draw = np.random.default_rng(seed)
    days = np.arange(28)
    gap = -nightly * days - step * (days > 13) + draw.normal(0, 8, 28)
    return weight.slow_loss(START + days * DAY, np.round(gap / 10) * 10)


@pytest.mark.parametrize("seed", range(10))
def test_ten_kilograms_a_night_are_found_and_noise_is_not(seed: int) -> None:
    found = weighed(10.0, seed=seed)
    assert found == pytest.approx(270, rel=0.15)
    assert (weighed(0.0, seed=seed) or 0) < 50


@pytest.mark.parametrize("seed", range(10))
def test_a_single_removal_is_no_slow_loss(seed: int) -> None:
    assert (weighed(0.0, seed=seed, step=2500.0) or 0) < 50


def test_few_weighings_say_nothing() -> None:
    assert weight.slow_loss(START + np.arange(5) * DAY, np.zeros(5)) is None


def test_dew_points_are_those_of_the_tables() -> None:
    kelvin = np.array([293.15, 303.15, 283.15])
    found = climate.dew_point(kelvin, np.array([0.5, 0.8, 1.0])) - 273.15
    assert found == pytest.approx([9.26, 26.17, 10.0], abs=0.05)


def test_metal_sweats_while_the_dew_point_is_above_it() -> None:
    hours = START + np.arange(24) * HOUR
    air = Series(hours, np.where(np.arange(24) < 9, 289.15, 278.15))
    damp = Series(hours, np.where(np.arange(24) < 9, 0.9, 0.5))
    told = climate.watch_air(air, damp, span=(START, START + DAY), limits=(270, 300, 0.95),
                             goods=278.15)  # fmt: skip
    assert (told.condensing, told.out, told.unknown) == (9, 0, 0)
    assert climate.watch_air(air, damp, span=(START, START + DAY), limits=(280, 300, 1)).out == 15


def test_hours_without_readings_are_unknown_and_neither_in_nor_out() -> None:
    air = Series(np.array([START]), np.array([290.0]))
    none = Series(np.zeros(0, np.int64), np.zeros(0))
    told = climate.watch_air(air, none, span=(START, START + DAY), limits=(0, 280, 1))
    assert (told.out, told.unknown) == (2, 22)


# ---- receipts ----------------------------------------------------------------------------------


def receipt(number: str, lot: str, *, kg: int = 1000, **more: Any) -> receipts.Receipt:
    return receipts.Receipt(number, "W", lot, Decimal(kg), START, **more)


STOCK = {"A": Decimal(1000), "B": Decimal(500)}


@pytest.mark.parametrize(
    ("told", "kinds"),
    [
        ([receipt("1", "A", kg=1000), receipt("2", "B", kg=500)], []),
        ([receipt("1", "A", kg=400), receipt("2", "A", kg=400)], ["lot_twice"]),
        ([receipt("1", "A", kg=1000), receipt("1", "B", kg=500)], ["number_twice"]),
        ([receipt("1", "A", kg=1200)], ["over_stock"]),
        ([receipt("1", "C", kg=10)], ["lot_unknown"]),
        ([receipt("1", "A", kg=1000, expires=START + HOUR)], ["expired"]),
        ([receipt("1", "A", kg=1000), receipt("2", "A", kg=1000, cancelled=True)], []),
    ],
)
def test_what_is_wrong_with_receipts_is_named(
    told: list[receipts.Receipt], kinds: list[str]
) -> None:
    found = receipts.check_receipts(told, stock=STOCK, at=START + DAY)
    assert [issue.kind for issue in found] == kinds


def test_a_release_is_taken_off_its_receipt() -> None:
    told = [receipt("1", "A", kg=1500)]
    released = {"A": Decimal(500)}
    assert receipts.check_receipts(told, stock=STOCK, at=START, released=released) == []


# ---- lineage -----------------------------------------------------------------------------------


def event(name: str, inputs: list[tuple[str, float]], *, outputs: list[tuple[str, float]]) -> Any:
    def parts(many: list[tuple[str, float]]) -> list[dict[str, Any]]:
        return [{"epcClass": f"urn:epc:class:lgtin:4012345.012345.{lot}", "quantity": q,
                 "uom": "KGM"} for lot, q in many]  # fmt: skip

    told = {"type": "TransformationEvent", "eventTime": "2019-03-01T00:00:00Z",
            "inputQuantityList": parts(inputs), "outputQuantityList": parts(outputs)}  # fmt: skip
    return {"ok": True, "fields": {"events": [told], "hashes": [f"ni:///sha-256;{name}"]}}


ORE, PLATE, WIRE = (
    f"https://id.gs1.org/01/04012345123456/10/{x}" for x in ("ore", "plate", "wire")
)


def test_a_claim_on_raw_material_is_found_in_what_it_became() -> None:
    told = lineage.descent([
        event("1", [("ore", 100)], outputs=[("plate", 90)]),
        event("2", [("plate", 60)], outputs=[("wire", 58)]),
        event("1", [("ore", 100)], outputs=[("plate", 90)]),
    ])  # fmt: skip
    assert (len(told.made), told.unused) == (2, ())
    [ore, plate, wire] = sorted({p.lot for m in told.made for p in (*m.inputs, *m.outputs)})
    claims = {ore: Fraction(900)}
    whole = lineage.trace(told.lineage, (ore, "kg"), claims=claims)
    assert [lot for lot, _ in whole.became] == [plate, wire]
    middle = lineage.trace(told.lineage, (plate, "kg"), claims=claims)
    last = lineage.trace(told.lineage, (wire, "kg"), claims=claims)
    assert (middle.left, middle.carries, last.carries) == (30, 300, 600)
    assert whole.carries + middle.carries + last.carries == 900
    assert {lot for lot, _ in last.made_from} == {ore, plate}


def test_a_process_tells_its_yield_and_what_came_from_nowhere() -> None:
    told = lineage.descent([event("1", [("ore", 100)], outputs=[("plate", 120)])])
    assert lineage.yields(told.made[0]) == (Decimal("1.2"), Decimal("0.2"))


def test_an_event_without_a_quantity_is_told_as_unused() -> None:
    broken = event("1", [("ore", 100)], outputs=[("plate", 90)])
    del broken["fields"]["events"][0]["outputQuantityList"][0]["quantity"]
    told = lineage.descent([broken])
    assert told.made == ()
    assert [words.en for _, words in told.unused] == ["the quantity is not stated"]


def test_the_standards_own_example_is_read(shared: Path) -> None:
    path = shared / "data/logistics/epcis_examples/JSON/Example_9.6.4-TransformationEvent.jsonld"
    told = lineage.descent([epcis.decode(path.read_bytes())])
    assert len(told.made) + len(told.unused) >= 1


# ---- prices, gates -----------------------------------------------------------------------------

decimals = st.decimals(0, 10_000, places=3)


@given(decimals, decimals, decimals, decimals)
def test_price_and_quantity_effects_add_up_exactly(
    q0: Decimal, q1: Decimal, p0: Decimal, p1: Decimal
) -> None:
    effect = price.effects((q0, q1), (p0, p1))
    assert effect.price + effect.quantity == q1 * p1 - q0 * p0


def test_a_moment_without_a_valid_price_has_no_value() -> None:
    days = START + np.array([0, 10, 90]) * DAY
    stock = Series(days, np.array([100.0, 80.0, 80.0]))
    index = Series(np.array([START]), np.array([5.0]))
    told = price.against_index(stock, index)
    assert told.value[:2].tolist() == [500.0, 400.0]
    assert np.isnan(told.value[2])
    assert told.covered == pytest.approx(2 / 3)
    assert told.quantity_effect[1] == -100


def test_an_index_moves_by_month_and_from_its_top() -> None:
    t = START + np.arange(6) * 30 * DAY
    told = price.moved(t, np.array([100, 120, 110, 100, 90, 72.0]), at=int(t[-1]))
    assert (told.month, told.fall) == pytest.approx((-0.2, 0.4))
    assert np.isnan(price.moved(t[:1], np.array([100.0]), at=int(t[0])).month)


def test_a_local_price_that_moves_half_as_much_has_half_the_elasticity() -> None:
    index = np.exp(np.cumsum([0, 0.1, -0.2, 0.1, 0.3, -0.1, 0.2]))
    slope, r = price.basis(index, np.sqrt(index) * 7)
    assert (slope, r) == pytest.approx((0.5, 1.0))
    with pytest.raises(BadInput):
        price.basis(index[:3], index[:3])
    assert price.cover(100, [20, 30]) == 4
    assert price.cover(100, []) == float("inf")


ORDER = control.Release("R-1", "A", Decimal(5000), (START, START + DAY), countersigned=True)


@pytest.mark.parametrize(
    ("change", "kg", "words"),
    [
        ({}, 5000, ""), ({}, 5020, ""), ({}, 5100, "5000 kg left"),
        ({"used": Decimal(3000)}, 2500, "2000 kg left"),
        ({"countersigned": False}, 5000, "countersignature"),
        ({"valid": (START + DAY, START + 2 * DAY)}, 5000, "out of date"),
        ({"lot": "B"}, 5000, "no release order"),
    ],
)  # fmt: skip
def test_goods_leave_on_an_order_that_covers_them_and_on_no_other(
    change: dict[str, Any], kg: int, words: str
) -> None:
    told = control.may_leave("A", Decimal(kg), at=START + HOUR, releases=[ORDER._replace(**change)])
    assert told.allowed is not bool(words)
    assert words in told.words.en


def test_a_frozen_lot_does_not_leave_even_on_an_order() -> None:
    told = control.may_leave("A", Decimal(1), at=START + HOUR, releases=[ORDER], frozen=True)
    assert (told.allowed, told.words.en) == (False, "A is frozen")


# ---- tables of shipments -----------------------------------------------------------------------

HEAD = [*shipments.TEXTS.values(), *shipments.NUMBERS.values(), *shipments.DATES.values()]


def table(*rows: dict[str, str], delimiter: str = "\t", end: str = "\r") -> list[shipments.Line]:
    base = {
        "ID": "1", "ASN/DN #": "ASN-1", "Line Item Quantity": "10", "Line Item Value": "29",
        "Pack Price": "2.9", "Unit Price": "0.97", "Unit of Measure (Per Pack)": "3",
        "Weight (Kilograms)": "13", "Freight Cost (USD)": "100.00",
        "Line Item Insurance (USD)": "0.05", "Scheduled Delivery Date": "2-Jun-06",
        "Delivered to Client Date": "6/5/06",
    }  # fmt: skip
    lines = [delimiter.join(HEAD)]
    lines += [delimiter.join({**base, **row}.get(c, "") for c in HEAD) for row in rows]
    return shipments.read_lines(shipments.read_rows(end.join(lines).encode("cp1252")))


@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_a_table_is_read_whatever_parts_its_cells_and_lines(delimiter: str, end: str) -> None:
    [line] = table({"Country": "Côte d'Ivoire"}, delimiter=delimiter, end=end)
    assert line.texts["country"] == "Côte d'Ivoire"
    assert line.numbers["value"].value == Decimal(29)
    assert shipments.delay(line) == 3


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("Freight Included in Commodity Cost", "included"), ("Invoiced Separately", "separate"),
        ("Weight Captured Separately", "separate"), ("See ASN-93 (ID#:1281)", "referred"),
        ("see DN-4282 (id#: 83919)", "referred"), ("", "absent"), ("about 12", "strange"),
        ("NaN", "strange"), ("1,234.50", "stated"), ("N/A - From RDC", "not_applicable"),
    ],
)  # fmt: skip
def test_a_text_in_a_column_of_numbers_has_a_meaning_or_is_strange(text: str, state: str) -> None:
    assert shipments.read_number(text).state == state
    lines = table({"Freight Cost (USD)": text} if "," not in text else {})
    told = [x for x in shipments.listed(lines) if x[1] == "freight"]
    assert len(told) == (state != "stated")
    assert sum(shipments.states(lines)["freight"].values()) == 1


@pytest.mark.parametrize(
    ("text", "state"),
    [("Date Not Captured", "not_captured"), ("Pre-PQ Process", "not_applicable"),
     ("31-Feb-07", "strange"), ("2-Jun-06", "stated"), ("2006-06-02", "stated")],
)  # fmt: skip
def test_a_date_is_read_or_its_text_is_told(text: str, state: str) -> None:
    assert shipments.read_date(text).state == state


def test_freight_is_shared_over_the_lines_that_refer_to_it_and_adds_up() -> None:
    lines = table(
        {"ID": "1"}, {"ID": "2", "Line Item Value": "58", "Line Item Quantity": "20",
                      "Freight Cost (USD)": "See ASN-1 (ID#:1)"},
        {"ID": "3", "Line Item Value": "0", "Freight Cost (USD)": "See ASN-1 (ID#:1)"},
    )  # fmt: skip
    found = freight.resolve(lines, "freight")
    assert [str(found[row].share) for row in (1, 2, 3)] == ["33.33", "66.67", "0.00"]
    assert freight.totals(lines).shared == Decimal("100.00")


@pytest.mark.parametrize(
    "reference", ["See ASN-1 (ID#:9)", "See ASN-2 (ID#:1)", "See ASN-1 (ID#:2)"]
)
def test_a_reference_to_nothing_to_another_shipment_or_to_itself_is_dangling(
    reference: str,
) -> None:
    lines = table({"ID": "1"}, {"ID": "2", "Freight Cost (USD)": reference})
    assert freight.resolve(lines, "freight")[2].state == "dangling"
    assert freight.totals(lines).unknown == {"dangling": 1}


def test_a_value_that_is_not_quantity_times_price_is_told() -> None:
    lines = table({}, {"Line Item Value": "290"}, {"Unit Price": "2.9"})
    assert [(g.row, g.what) for g in freight.check_values(lines)] == [
        (2, "value"), (3, "unit_price"),
    ]  # fmt: skip


def test_a_premium_far_from_what_is_usual_is_told() -> None:
    lines = table(*({} for _ in range(30)), {"Line Item Insurance (USD)": "0.50"})
    usual = freight.usual_rates(lines[:30])
    assert [g.row for g in freight.odd_insurance(lines, usual)] == [31]


def test_a_sort_with_few_lines_is_drawn_to_the_rate_of_all() -> None:
    early = {"Country": "B", "Delivered to Client Date": "6/1/06"}
    past = table(*({"Country": "A"} for _ in range(20)), *(early for _ in range(20)))
    new = table({"Country": "A"}, {"Country": "B"}, {"Country": "C"})
    assert freight.late_chance(past, new, "country") == pytest.approx([0.75, 0.25, 0.5])


def test_the_real_table_is_read_to_its_last_cell(shared: Path) -> None:
    [path] = (shared / "data/logistics/scms_shipments").glob("*.csv")
    lines = shipments.read_lines(shipments.read_rows(path.read_bytes()))
    assert len(lines) == 10_324
    states = shipments.states(lines)
    assert all(sum(c.values()) == 10_324 and not c["strange"] for c in states.values())
    assert freight.check_values(lines) == []
    totals = freight.totals(lines)
    assert totals.freight == totals.shared
