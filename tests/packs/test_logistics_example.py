"""The copper example: its files are what the generator writes, and its figures those by hand.

The figures stand in docs/packs/logistics.md, where they are worked out.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.homes import generator
from wuxin.finance.desk import Desk
from wuxin.packs import schema
from wuxin.packs.logistics import models
from wuxin.terms.clock import DAY, from_datetime, iso, moment, zone
from wuxin.terms.counter import Now, Said, read
from wuxin.terms.names import Digest, ThingKey, content_id, tenant
from wuxin.terms.records import Act, Cause, Finding, Measured, Words
from wuxin.terms.standards import Witness
from wuxin.wire.recording import open_recording

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "logistics"
LOCAL = zone("Asia/Shanghai")
FILES = ("stock.csv", "book.csv", "receipts.csv")


def rows(name: str) -> list[dict[str, str]]:
    with (EXAMPLE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_generator_writes_the_shipped_files_byte_for_byte(tmp_path: Path) -> None:
    generator("logistics").main(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(FILES)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (EXAMPLE / name).read_bytes(), name


def test_prices_are_those_of_the_world_bank(tmp_path: Path, shared: Path) -> None:
    sheet = shared / "data/commodity/world_bank_pink_sheet/monthly_to_2019.csv"
    generator("logistics").main(tmp_path, sheet)
    name = "copper_price.csv"
    assert (tmp_path / name).read_bytes() == (EXAMPLE / name).read_bytes()


def test_prices_run_from_2006_to_2012_and_are_known_only_after_their_month() -> None:
    both = rows("copper_price.csv")
    months = [row["month"] for row in both]
    assert months == [f"{y}-{m:02}" for y in range(2006, 2013) for m in range(1, 13)]
    assert all(row["published"][:7] > row["month"] for row in both)
    july, december = (
        Decimal(r["copper_usd_per_t"]) for r in both if r["month"] in {"2008-07", "2008-12"}
    )
    assert round(1 - december / july, 3) == Decimal("0.635")


def test_the_recording_can_be_read_and_the_example_is_small() -> None:
    recording = open_recording(EXAMPLE / "recording.toml")
    assert recording.pack == "logistics"
    assert [c.do for c in recording.commands] == [
        "open_facility", "repay", "top_up", "order_disposal", "dispose"
    ]  # fmt: skip
    assert sum(p.stat().st_size for p in EXAMPLE.iterdir() if p.is_file()) <= 700_000


def test_only_the_removal_and_the_move_are_beyond_the_limits_of_the_rules() -> None:
    booked = {(row["time"][:10], row["lot_no"]): row for row in rows("book.csv")[::-1]}
    odd = set()
    for row in rows("stock.csv"):
        due = booked[row["time"][:10], row["lot_no"]]
        if float(row["distance_m"]) > models.FENCE:
            odd.add((row["lot_no"], "away"))
        elif int(due["authorised_kg"]) - int(row["net_weight_kg"]) > models.TOLERANCE:
            odd.add((row["lot_no"], "light"))
        elif int(due["authorised_tags"]) - int(row["tags"]) > 1:
            odd.add((row["lot_no"], "tags"))
    assert odd == {("L-11", "light"), ("L-14", "away")}


class Row(NamedTuple):
    at: int
    thing: ThingKey
    indicator: str
    value: float


class Twin:
    """A plain twin over the example's files: latest values up to a moment."""

    def __init__(self) -> None:
        self._waiting = sorted(_read())
        self._latest: dict[tuple[ThingKey, str], Measured] = {}
        self._receipts: dict[ThingKey, set[str]] = {}

    def walk(self, until: int) -> None:
        while self._waiting and self._waiting[0].at < until:
            row = self._waiting.pop(0)
            self._latest[row.thing, row.indicator] = Measured(row.value, row.at)

    def within(self, _root: ThingKey, kind: str) -> Sequence[ThingKey]:
        return [ThingKey(kind, f"L-{n:02}") for n in range(1, 17)]

    def latest(self, thing: ThingKey, indicator: str) -> Measured | None:
        return self._latest.get((thing, indicator))

    def facts(self, _thing: ThingKey) -> Mapping[str, float]:
        return {"fence_radius": 300.0}

    def causes(self, measured: Measured) -> tuple[Cause, ...]:
        return (Cause("frame", Digest(content_id(measured.event_time))),)

    def above(self, _thing: ThingKey) -> Sequence[ThingKey]:
        return [ThingKey("warehouse", "WH-1")]

    def witnesses(self, thing: ThingKey) -> Sequence[Witness]:
        raise AssertionError(thing)

    def now(self, at: int) -> Now:
        return Now(at, at, "stock", schema.load("logistics"), self)


def _read() -> Iterator[Row]:
    names = {"net_weight": "net_weight_kg", "distance_from_place": "distance_m"}
    for row in rows("stock.csv"):
        for indicator, column in names.items():
            if row[column]:
                yield _row(row["time"], row["lot_no"], **{indicator: row[column]})
    for row in rows("book.csv"):
        yield _row(row["time"], row["lot_no"], authorised_weight=row["authorised_kg"])
    named: dict[str, int] = {}
    for row in rows("receipts.csv"):
        named[row["lot_no"]] = named.get(row["lot_no"], 0) + 1
        yield _row(row["issued"], row["lot_no"], named_by=str(named[row["lot_no"]]))
    for row in (r for r in rows("copper_price.csv") if r["replay"] == "yes"):
        price = float(row["copper_usd_per_t"])
        yield Row(moment(row["published"]), ThingKey("price_series", "copper"), "price", price)


def _row(at: str, lot: str, **values: str) -> Row:
    [(indicator, value)] = values.items()
    return Row(moment(at), ThingKey("lot", lot), indicator, float(value))


def breach(at: int) -> Finding:
    words = Words("超限", "above the maximum")
    facility = ThingKey("facility", "CU-2008-01")
    return Finding(
        tenant=tenant("bank"), thing=facility, rule="loan_to_value_breach", level="red", since=at,
        raised=at, value=None, limit=None, unit="1", reasons=(words,), because=(),
    )  # fmt: skip


@pytest.fixture(scope="module")
def acts() -> list[Act]:
    """What the desk does when it marks at every local midnight, and obeys in between."""
    twin = Twin()
    desk = Desk(tenant("bank"))
    waiting = list(open_recording(EXAMPLE / "recording.toml").commands)
    done: list[Act] = []
    for n in range(195):
        at = moment("2008-07-22", LOCAL) + n * DAY
        while waiting and waiting[0].at < at:
            twin.walk(waiting[0].at)
            told = waiting.pop(0)
            order = desk.orders[told.do]
            body = read(told.body, order.body, do=told.do)
            done += acts_of(order.obey(told, body, now=twin.now(told.at)))
        twin.walk(at)
        marked = acts_of(desk.tick(twin.now(at)))
        done += marked
        if any(Decimal(a.figures.get("loan_to_value", "0")) > Decimal("0.60") for a in marked):
            done += desk.judge(breach(at), twin.now(at))
    return done


def acts_of(said: Sequence[Said]) -> list[Act]:
    """What was done, without the entries of the ledger and the register."""
    beside = {"journal_entry", "pledge_released"}
    return [one for one in said if isinstance(one, Act) and one.kind not in beside]


def local_day(act: Act) -> str:
    return iso(act.at, LOCAL)[:10]


VALUES = [
    ("2008-08-06", "400", "8414.043", "3365617.21", "0.475396"),
    ("2008-08-21", "395", "8414.043", "3323546.99", "0.469379"),
    ("2008-09-03", "395", "7634.7", "3015706.50", "0.517292"),
    ("2008-09-18", "370.04", "7634.7", "2825144.39", "0.552185"),
    ("2008-10-03", "370.04", "6990.864", "2586899.31", "0.603039"),
    ("2008-10-20", "362.5", "6990.864", "2534188.20", "0.510223"),
    ("2008-11-05", "362.5", "4925.696", "1785564.80", "0.724141"),
    ("2008-11-09", "337.47", "4925.696", "1662274.63", "0.777850"),
    ("2008-11-15", "362.5", "4925.696", "1785564.80", "0.724141"),
]


def test_the_pool_is_revalued_on_the_days_and_to_the_cents_worked_by_hand(acts: list[Act]) -> None:
    marked = [act for act in acts if act.kind == "revaluation"]
    assert [
        (
            local_day(act),
            f"{Decimal(act.figures['quantity']).normalize():f}",
            act.figures["price"],
            act.figures["value"],
            act.figures["loan_to_value"],
        )
        for act in marked
    ] == VALUES


def test_the_first_call_is_met_in_cash_and_the_second_leads_to_disposal(acts: list[Act]) -> None:
    told = [(local_day(a), a.kind) for a in acts if a.kind not in {"revaluation", "early_warning"}]
    assert told == [
        ("2008-08-05", "facility_opened"),
        ("2008-08-20", "repayment"),
        ("2008-10-03", "margin_call"),
        ("2008-10-08", "top_up"),
        ("2008-10-08", "margin_call_met"),
        ("2008-11-05", "margin_call"),
        ("2008-11-13", "margin_call_overdue"),
        ("2008-11-17", "disposal_ordered"),
        ("2008-11-27", "disposal"),
    ]
    first, second = (a for a in acts if a.kind == "margin_call")
    assert (first.figures["needed"], first.figures["call_amount"]) == ("266550.34", "267000.00")
    assert (second.figures["needed"], second.figures["call_amount"]) == ("400217.60", "401000.00")
    assert first.figures["call_deadline"] == "2008-10-09T16:00:00Z"
    assert second.figures["call_deadline"] == "2008-11-11T16:00:00Z"


def test_the_disposal_repays_the_loan_and_returns_what_is_left(acts: list[Act]) -> None:
    figures = acts[-1].figures
    assert figures["proceeds"] == "1320464.25"
    assert figures["cash_margin_applied"] == "239535.75"
    assert figures["surplus"] == "27464.25"
    assert figures["outstanding"] == "0.00"
    assert figures["proceeds_to_value"] == "0.739522"


def test_a_midnight_is_a_local_one() -> None:
    assert from_datetime(generator("logistics").RELEASED) - moment("2008-08-20", LOCAL) == (
        timedelta(hours=14) // timedelta(microseconds=1) * 1000
    )
