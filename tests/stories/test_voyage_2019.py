"""A loan on bananas at sea, March 2019, through its process to a sale afloat and its case file.

Prices are real; the vessel, what it carries and the contract are generated (examples/logistics).
"""

import csv
from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.homes import EXAMPLES, acts, findings
from tests.tape import PAPER, Script, Tape, case_verifies
from wuxin.home import Home
from wuxin.packs import schema
from wuxin.terms.errors import Conflict

LOAN = "BN-2019-01"


STOPS = [f"2019-03-{when}Z" for when in (
    "03T11:30", "03T12:00", "03T13:00", "04T10:00", "04T11:00", "04T11:10", "04T11:20", "04T11:30",
    "04T11:40", "04T15:00", "04T16:00", "06T12:00", "06T13:00", "07T09:00", "07T09:10", "07T09:20",
    "13T08:00", "13T08:10",
)]  # fmt: skip
SCRIPT = Script("logistics/voyage.toml", LOAN, "2019-03-03T10:00:00Z", days=1, stops=STOPS)


def walk(tape: Tape) -> str:
    """Take the loan to its disbursement and the month to its end; why it was not paid early."""
    tape.until("2019-03-03T11:30Z")
    tape.step("set_up", "relationship_manager:rita", when="2019-03-03T12:00Z")
    tape.step("pledge", "borrower:bo", when="2019-03-03T13:00Z", documents=[PAPER])
    tape.step("valuation", "risk_officer:ro", when="2019-03-04T10:00Z")
    tape.step("supervision_plan", "supervisor:su", when="2019-03-04T11:00Z")
    tape.devices("logger", "delivered", when="2019-03-04T11:10Z")
    tape.devices("logger", "installed", when="2019-03-04T11:20Z")
    tape.step("installation", "installer:in", when="2019-03-04T11:30Z")
    tape.devices("logger", "commissioned", when="2019-03-04T11:40Z")
    tape.step("commissioning", "supervisor:su", when="2019-03-04T15:00Z")
    with pytest.raises(Conflict) as early:
        tape.step("approval", "approver:ann", when="2019-03-04T16:00Z")
    tape.step("approval", "approver:ann", when="2019-03-06T12:00Z")
    tape.step("disbursement", "relationship_manager:rita", when="2019-03-06T13:00Z")
    tape.step("collection", "supervisor:su", when="2019-03-07T09:00Z")
    tape.step("transmission", "supervisor:su", when="2019-03-07T09:10Z")
    tape.step("analysis", "risk_officer:ro", when="2019-03-07T09:20Z")
    tape.until("2019-03-13T08:00Z")
    tape.step("early_warning", "risk_officer:ro", when="2019-03-13T08:10Z")
    tape.until("2019-04-02T00:00Z")
    return str(early.value)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tape, str]]:
    tape = Tape(tmp_path_factory.mktemp("voyage"), SCRIPT)
    yield tape, walk(tape)
    tape.home.close()


@pytest.fixture
def home(told: tuple[Tape, str]) -> Home:
    return told[0].home


def test_money_comes_after_a_day_of_the_logger(told: tuple[Tape, str], home: Home) -> None:
    assert told[1] == "step 'approval' still needs data_accepted"
    [paid] = acts(home, kind="disbursement")
    assert (paid["at"], paid["figures"]["amount"]) == ("2019-03-06T13:00:00Z", "150000.00")


def test_the_owners_of_all_that_is_aboard_learn_that_the_vessel_is_stuck(home: Home) -> None:
    stuck = findings(home, rule="shipment_stalled")
    assert {f["thing"] for f in stuck} == {"S-1", "S-2", "S-4"}
    assert {(f["from"][:10], f["to"][:10]) for f in stuck} == {("2019-03-07", "2019-03-12")}
    [vessel] = findings(home, rule="carrier_stalled")
    assert (vessel["thing"], vessel["unit"]) == ("MV-1", "h")


def test_a_planned_wait_and_a_day_without_contact_are_no_alarm(home: Home) -> None:
    assert not [f for f in findings(home, rule="carrier_stalled") if f["from"] < "2019-03-07"]
    assert not [f for f in findings(home, rule="silence") if f["from"] < "2019-04-01"]
    assert findings(home, rule="off_route") == [
        f for f in findings(home, rule="off_route") if f["thing"] == "S-3"
    ]


def test_the_value_falls_with_the_life_that_will_arrive_and_is_called_for(home: Home) -> None:
    marks = {a["at"][:10]: a["figures"] for a in acts(home, kind="revaluation", facility=LOAN)}
    # 400,000 kg × 0.871707 USD/kg (February 2019), rounded to the cent: all of the life is there
    assert marks["2019-03-05"]["value"] == "348682.80"
    # 0.66 of it: 2.92 days to spare of five, 0.2 + 0.8 × 2.92 / 5
    assert (marks["2019-03-09"]["factor S-1"], marks["2019-03-09"]["value"]) == (
        "0.66", "230130.65",
    )  # fmt: skip
    call = next(a for a in acts(home, kind="margin_call", facility=LOAN))["figures"]
    # 150,000 − 0.55 × 230,130.65 = 23,428.14, called in thousands
    assert (call["needed"], call["call_amount"]) == ("23428.14", "24000.00")


def test_they_are_sold_before_they_arrive_and_the_loan_is_whole(home: Home) -> None:
    [warned] = findings(home, rule="sell_before_arrival")
    assert (warned["thing"], warned["from"][:10], warned["level"]) == ("S-1", "2019-03-11", "red")
    [sold] = acts(home, kind="disposal")
    # 400,000 kg × 0.523024 = 209,209.60; 150,000 are owed
    assert (sold["at"][:10], sold["figures"]["proceeds"]) == ("2019-03-14", "209209.60")
    assert sold["figures"]["outstanding"] == "0.00"
    assert Decimal(sold["figures"]["surplus"]) == Decimal("59209.60")


OTHERS = {
    ("cold_chain_broken", "S-1"): "2019-03-13",
    ("slow_loss", "RB-1"): "2019-03-18",
    ("metal_sweats", "CS-1"): "2019-03-20",
    ("mass_not_conserved", "MX-1"): "2019-03-22",
    ("custody_broken", "S-2"): "2019-03-24",
    ("shock_damage", "S-4"): "2019-03-24",
    ("tags_moved_without_release", "W-2"): "2019-03-24",
    ("off_route", "S-3"): "2019-03-25",
    ("lost_under_way", "S-3"): "2019-03-26",
    ("unreleased_exit", "G-1"): "2019-03-27",
}
"""What was planted beside the loan, and the day on which it is found."""


def test_what_was_planted_is_found_on_its_day_and_nothing_else_is(home: Home) -> None:
    own = schema.load("logistics").rules.keys() - schema.load(schema.COMMON).rules.keys()
    known = {"shipment_stalled", "carrier_stalled", "sell_before_arrival"}
    found = [f for f in findings(home) if f["rule"] in own - known]
    assert {(f["rule"], f["thing"]): f["from"][:10] for f in found} == OTHERS
    assert len(found) == len(OTHERS)


def test_two_tags_moved_of_those_that_the_portal_read(home: Home) -> None:
    key = ("logistics", "rfid_tag", "{}")
    with (EXAMPLES / "logistics/voyage_tags.csv").open(encoding="utf-8", newline="") as file:
        names = sorted({row["tag"] for row in csv.DictReader(file)})
    moved = {}
    for name in names:
        rows = home.history.buckets(
            (key[0], key[1], name), "tag_moved", span=(None, None), points=100, as_of=None
        )
        moved[name] = sum(row[3] * row[4] for row in rows)
    assert moved == {"T-1": 0, "T-2": 0, "T-3": 0, "T-4": 0, "T-5": 1, "T-6": 1}


def test_the_gate_was_ordered_to_close(home: Home) -> None:
    [order] = acts(home, kind="device_order")
    assert (order["figures"]["do"], order["figures"]["thing"]) == ("close_gates", "gate:G-1")


def test_the_case_file_verifies_with_all_of_this(home: Home) -> None:
    case_verifies(home, LOAN)
