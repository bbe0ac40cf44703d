"""A loan on a construction site in April 2016, through its process to a verified case file.

The air is real; the site, its machines and its contract are generated (examples/infrastructure).
"""

import csv
from collections.abc import Iterator

import pytest

from tests.homes import EXAMPLES, acts, findings
from tests.tape import PAPER, Script, Tape, case_verifies
from wuxin.home import Home
from wuxin.packs.infrastructure import board
from wuxin.terms.clock import moment
from wuxin.terms.errors import Conflict
from wuxin.terms.names import ThingKey

LOAN = "CI-2016-01"
DAY = "2016-04-{}+08:00".format
STOPS = [DAY(when) for when in (
    "06T12:00", "07T10:00", "07T15:00", "11T14:00", "12T10:00", "15T11:00", "17T12:00"
)]  # fmt: skip
SCRIPT = Script("infrastructure/recording.toml", LOAN, "2016-04-06T10:00:00+08:00", stops=STOPS)


def walk(tape: Tape) -> tuple[str, str]:
    """Take the loan to its disbursement and the month to its end; why it was not paid early."""
    tape.until(DAY("06T12:00"))
    tape.step("set_up", "relationship_manager:rita", when=DAY("06T14:00"))
    tape.step("pledge", "borrower:bo", when=DAY("06T16:00"), documents=[PAPER])
    tape.step("valuation", "risk_officer:ro", when=DAY("07T10:00"))
    tape.step("supervision_plan", "supervisor:su", when=DAY("07T11:00"))
    tape.devices("survey", "delivered", when=DAY("07T12:00"))
    tape.devices("survey", "installed", when=DAY("07T12:30"))
    tape.step("installation", "installer:in", when=DAY("07T13:00"))
    tape.devices("survey", "commissioned", when=DAY("07T14:00"))
    with pytest.raises(Conflict) as silent:
        tape.step("commissioning", "supervisor:su", when=DAY("07T15:00"))
    tape.step("commissioning", "supervisor:su", when=DAY("11T14:00"))
    with pytest.raises(Conflict) as early:
        tape.step("approval", "approver:ann", when=DAY("12T10:00"))
    tape.step("approval", "approver:ann", when=DAY("15T11:00"))
    tape.step("disbursement", "relationship_manager:rita", when=DAY("15T12:00"))
    tape.step("collection", "supervisor:su", when=DAY("17T12:00"))
    tape.step("transmission", "supervisor:su", when=DAY("17T13:00"))
    tape.step("analysis", "risk_officer:ro", when=DAY("17T14:00"))
    tape.until("2016-05-02T00:00+08:00")
    return str(silent.value), str(early.value)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tape, tuple[str, str]]]:
    tape = Tape(tmp_path_factory.mktemp("site"), SCRIPT)
    yield tape, walk(tape)
    tape.home.close()


@pytest.fixture
def home(told: tuple[Tape, tuple[str, str]]) -> Home:
    return told[0].home


def test_money_comes_after_the_surveys_have_come_for_the_agreed_time(
    told: tuple[Tape, tuple[str, str]], home: Home
) -> None:
    assert told[1] == (
        "step 'commissioning' still needs devices_reporting",
        "step 'approval' still needs data_accepted",
    )
    [paid] = acts(home, kind="disbursement")
    assert (paid["at"], paid["figures"]["amount"]) == ("2016-04-15T04:00:00Z", "12000000.00")


def test_every_survey_values_the_work_in_place(home: Home) -> None:
    marks = {a["at"][:10]: a["figures"] for a in acts(home, kind="revaluation")}
    # 12 m + 21.6 m × 0.4092 + 8.64 m × 0.109 + 5.76 m × 0.018, less 5 %: the survey of the 11th
    assert marks["2016-04-11"]["value"] == "20785848.00"
    values = [float(told["value"]) for _, told in sorted(marks.items())]
    assert values == sorted(values)


RED = {
    ("TC-1", "crane_moment_over"): "2016-04-12T04:25:00Z",
    ("TC-1", "crane_load_over"): "2016-04-12T04:25:00Z",
    ("TC-1", "crane_peak_moment"): "2016-04-12T15:59:59Z",
    ("H-1", "hoist_too_many_persons"): "2016-04-13T23:00:00Z",
    ("WP-2", "progress_claim_ahead"): "2016-04-18T15:59:59Z",
    ("Z-3", "zone_overcrowded"): "2016-04-22T01:30:00Z",
    ("S-1", "drawdown_ahead"): "2016-04-27T15:59:59Z",
}


def test_what_was_planted_is_red_when_it_happened_and_nothing_else_is(home: Home) -> None:
    red = findings(home, level="red")
    assert {(f["thing"], f["rule"]): f["from"] for f in red} == RED
    assert len(red) == len(RED)


def test_people_without_a_name_and_an_idle_spray_are_amber_on_their_day(home: Home) -> None:
    [heads] = findings(home, rule="unregistered_heads")
    assert (heads["thing"], heads["from"], heads["value"]) == ("Z-2", "2016-04-19T15:59:59Z", 6)
    [idle] = findings(home, rule="spray_idle")
    assert (idle["from"], idle["unit"]) == ("2016-04-25T15:59:59Z", "h")


def test_hours_over_the_limit_are_those_counted_in_the_file(home: Home) -> None:
    with (EXAMPLES / "infrastructure" / "air.csv").open(encoding="utf-8", newline="") as file:
        closed = [row for row in csv.DictReader(file) if row["time"] < "2016-04-30"]
    dust = [row["pm10"] for row in closed]
    over = sum(float(value) > 150 for value in dust if value != "NA")
    assert (total(home, "pm10_hours_over"), total(home, "pm10_hours_missing")) == (over, 10)


def total(home: Home, indicator: str) -> float:
    """Add up a figure of the station over all days."""
    key = ("infrastructure", "station", "ES-1")
    found = home.history.buckets(key, indicator, span=(None, None), points=2000, as_of=None)
    return float(sum(row[3] * row[4] for row in found))


def test_the_board_shows_the_last_hour_and_then_nothing(home: Home) -> None:
    [source] = home.flow.sources.values()
    twin = home.flow.now(source, source.watermark).twin
    site = ThingKey("site", "S-1")
    last = moment("2016-04-30T23:00:00+08:00")
    shown = board.lines(twin, site, at=last)
    assert shown[1].startswith("PM10 ")
    assert "--" not in shown[1]
    assert board.lines(twin, site, at=last + 4 * 3600 * 10**9)[1] == "PM10 -- µg/m³"


def test_the_case_file_verifies_with_what_was_found(home: Home) -> None:
    case_verifies(home, LOAN)
