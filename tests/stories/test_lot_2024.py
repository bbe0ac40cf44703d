"""Inventory finance of a dealer's lot, September 2024, through its process to a verified case file.

All is generated (examples/vehicles).
"""

from collections.abc import Iterator

import pytest

from tests.homes import acts, findings
from tests.tape import PAPER, Script, Tape, case_verifies
from wuxin.home import Home
from wuxin.terms.errors import Conflict

LOAN = "IF-2024-01"
DAY = "2024-09-{}+08:00".format
STOPS = [DAY(when) for when in (
    "04T12:00", "05T10:00", "05T15:00", "06T14:00", "07T10:00", "08T22:00", "11T12:00", "13T12:00"
)]  # fmt: skip
SCRIPT = Script("vehicles/recording.toml", LOAN, "2024-09-04T10:00:00+08:00", stops=STOPS)


def walk(tape: Tape) -> str:
    """Take the loan to its disbursement and the end of the three weeks; why not earlier."""
    tape.until(DAY("04T12:00"))
    tape.step("set_up", "relationship_manager:rita", when=DAY("04T14:00"))
    tape.step("pledge", "borrower:bo", when=DAY("04T16:00"), documents=[PAPER])
    tape.step("valuation", "risk_officer:ro", when=DAY("05T10:00"))
    tape.step("supervision_plan", "supervisor:su", when=DAY("05T11:00"))
    tape.devices("tracker", "delivered", when=DAY("05T12:00"))
    tape.devices("tracker", "installed", when=DAY("05T12:30"))
    tape.step("installation", "installer:in", when=DAY("05T13:00"))
    tape.devices("tracker", "commissioned", when=DAY("05T14:00"))
    tape.step("commissioning", "supervisor:su", when=DAY("06T14:00"))
    with pytest.raises(Conflict) as early:
        tape.step("approval", "approver:ann", when=DAY("07T10:00"))
    tape.step("approval", "approver:ann", when=DAY("08T22:00"))
    tape.step("disbursement", "relationship_manager:rita", when=DAY("08T23:00"))
    tape.step("collection", "supervisor:su", when=DAY("11T12:00"))
    tape.step("transmission", "supervisor:su", when=DAY("11T13:00"))
    tape.step("analysis", "risk_officer:ro", when=DAY("11T14:00"))
    tape.until("2024-09-23T12:00+08:00")
    return str(early.value)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tape, str]]:
    tape = Tape(tmp_path_factory.mktemp("lot"), SCRIPT)
    yield tape, walk(tape)
    tape.home.close()


@pytest.fixture
def home(told: tuple[Tape, str]) -> Home:
    return told[0].home


def test_money_comes_after_the_trackers_have_reported_for_the_agreed_time(
    told: tuple[Tape, str], home: Home
) -> None:
    assert told[1] == "step 'approval' still needs data_accepted"
    [paid] = acts(home, kind="disbursement")
    assert paid["figures"]["amount"] == "1250000.00"


def test_a_car_sold_and_not_paid_calls_margin_and_its_price_meets_it(home: Home) -> None:
    [trust] = [f for f in findings(home, rule="out_of_trust") if f["thing"] == "V-05"]
    calls = acts(home, kind="margin_call")
    assert trust["from"] < calls[0]["at"] == "2024-09-11T16:00:00Z"
    met = acts(home, kind="margin_call_met")
    assert met[0]["at"] == "2024-09-16T02:30:00Z"


def test_a_test_drive_with_leave_raises_nothing(home: Home) -> None:
    assert [f for f in findings(home) if f["thing"] == "V-03"] == []


def test_a_theft_is_told_at_night_and_the_car_counts_nothing_that_day(home: Home) -> None:
    red = {f["rule"]: f["from"] for f in findings(home, level="red") if f["thing"] == "V-09"}
    # Two in the morning of the 18th, local time: the cables first, then the way out.
    assert red["moved_without_key"] == red["outside_its_place"] == "2024-09-17T18:01:00Z"
    assert red["stolen"] == "2024-09-18T15:59:59.999999Z"
    orders = acts(home, kind="device_order")
    assert {o["figures"]["do"] for o in orders} == {"report_every_10_s"}


def test_the_case_file_verifies_with_what_was_found(home: Home) -> None:
    case_verifies(home, LOAN)
