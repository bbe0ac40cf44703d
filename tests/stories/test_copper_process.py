"""The copper loan of 2008 through its process: every gate refuses first, and money comes last.

Prices are real, stock and people's roles are those of the shipped example (examples/logistics).
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.homes import acts, findings
from tests.tape import PAPER, Script, Tape
from wuxin import frozen
from wuxin.audit import audit

LOAN = "CU-2008-01"


STOPS = [f"2008-{when}:00+08:00" for when in (
    "08-05T12", "08-05T14", "08-05T15", "08-05T16", "08-05T17", "08-06T10", "08-06T11", "08-06T12",
    "08-12T10", "08-12T11", "08-12T12", "08-13T12", "08-13T13", "08-13T14", "08-13T15", "08-15T10",
    "08-17T09", "08-17T10", "08-17T11", "08-17T12", "08-18T12", "08-18T13", "08-19T12", "09-10T00",
    "09-10T09", "09-11T09",
)]  # fmt: skip
SCRIPT = Script("logistics/recording.toml", LOAN, "2008-08-05T10:00:00+08:00", stops=STOPS)


def walk(tape: Tape, *, pause: Callable[[Tape], None] = lambda _: None) -> Mapping[str, str]:
    """Take the loan from its opening to its disbursement; what was refused, and why."""
    no = {}
    tape.until("2008-08-05T12:00+08:00")
    tape.step("set_up", "relationship_manager:rita", when="2008-08-05T14:00+08:00")
    no["papers"] = tape.refuse("pledge", "borrower:bo", when="2008-08-05T15:00+08:00")
    tape.step("pledge", "borrower:bo", when="2008-08-05T16:00+08:00", documents=[PAPER])
    no["value"] = tape.refuse("valuation", "risk_officer:ro", when="2008-08-05T17:00+08:00")
    tape.step("valuation", "risk_officer:ro", when="2008-08-06T10:00+08:00")
    tape.devices("scale", "delivered", when="2008-08-06T11:00+08:00")
    pause(tape)
    no["late"] = tape.refuse("approval", "approver:ann", when="2008-08-12T10:00+08:00")
    tape.step("supervision_plan", "supervisor:su", when="2008-08-12T11:00+08:00")
    tape.devices("scale", "installed", when="2008-08-12T12:00+08:00")
    tape.step("installation", "installer:in", when="2008-08-13T12:00+08:00")
    no["devices"] = tape.refuse("commissioning", "supervisor:su", when="2008-08-13T13:00+08:00")
    tape.devices("scale", "commissioned", when="2008-08-13T14:00+08:00")
    tape.step("commissioning", "supervisor:su", when="2008-08-13T15:00+08:00")
    no["data"] = tape.refuse("approval", "approver:ann", when="2008-08-15T10:00+08:00")
    no["eyes"] = tape.refuse("approval", "approver:rita", when="2008-08-17T09:00+08:00")
    pause(tape)
    tape.step("approval", "approver:ann", when="2008-08-17T10:00+08:00")
    no["pays"] = tape.refuse(
        "disbursement", "relationship_manager:ann", when="2008-08-17T11:00+08:00"
    )
    tape.step("disbursement", "relationship_manager:rita", when="2008-08-17T12:00+08:00")
    tape.step("collection", "supervisor:su", when="2008-08-18T12:00+08:00")
    tape.step("transmission", "supervisor:su", when="2008-08-18T13:00+08:00")
    tape.step("analysis", "risk_officer:ro", when="2008-08-19T12:00+08:00")
    tape.until("2008-09-10T00:00+08:00")
    return no


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tape, Mapping[str, str]]]:
    tape = Tape(tmp_path_factory.mktemp("process"), SCRIPT)
    yield tape, walk(tape)
    tape.home.close()


def test_each_gate_names_the_fact_that_it_waits_for(told: tuple[Tape, Mapping[str, str]]) -> None:
    _, no = told
    assert no["papers"] == "step 'pledge' still needs documented"
    assert no["value"] == "step 'valuation' still needs valued"
    assert no["late"] == "step 'approval' is not ready; ready: supervision_plan"
    assert no["devices"] == "step 'commissioning' still needs devices_commissioned"
    assert no["data"] == "step 'approval' still needs data_accepted"


def test_four_eyes_are_two_people_not_two_roles(told: tuple[Tape, Mapping[str, str]]) -> None:
    _, no = told
    assert no["eyes"] == "four eyes: 'rita' worked on this case before 'approval'"
    assert no["pays"] == "four eyes: 'ann' approved what 'disbursement' does"


def test_money_flows_only_by_the_step_that_says_so(told: tuple[Tape, Mapping[str, str]]) -> None:
    tape, _ = told
    [paid] = acts(tape.home, kind="disbursement")
    assert (paid["at"], paid["figures"]["amount"]) == ("2008-08-17T04:00:00Z", "1600000.00")
    steps = {a["act"]: a for a in acts(tape.home, kind="step_completed")}
    step = steps[paid["because"][0]["id"]]
    assert step["figures"]["does"] == "disburse"
    assert step["figures"]["who"] == "rita"
    booked = [a["at"] for a in acts(tape.home, kind="journal_entry")]
    assert min(booked) == "2008-08-17T00:00:00Z"  # the ledger counts in days
    owed = tape.home.flow.bank.desk.accounts[LOAN].loan.owed
    assert owed == 1_560_000  # and the recorded repayment of the 20th


def test_the_late_supervision_plan_was_warned_about_until_it_was_made(
    told: tuple[Tape, Mapping[str, str]],
) -> None:
    tape, _ = told
    [late] = findings(tape.home, rule="step_overdue")
    # ready on the 6th at 10:00 in Shanghai, five days: told at the first midnight after
    assert late["raised"] == "2008-08-11T16:00:00Z"
    assert late["to"] == "2008-08-12T03:00:00Z"
    assert late["reasons"][0].endswith("escalated to the risk officer")
    [up] = acts(tape.home, kind="step_escalated")
    assert (up["figures"]["to"], up["figures"]["step"]) == ("risk_officer", "supervision_plan")


def test_the_case_stands_at_its_early_warnings_and_keeps_who_did_what(
    told: tuple[Tape, Mapping[str, str]],
) -> None:
    tape, _ = told
    flow = tape.home.flow
    source = flow.sources[tape.recording.source]
    case = flow.bank.cases.case(LOAN, flow.now(source, source.watermark))
    assert case is not None
    assert [step.id for step in case.ready()] == ["early_warning"]
    assert len({one.who for one in case.done}) == 6


def test_the_whole_story_verifies(told: tuple[Tape, Mapping[str, str]]) -> None:
    tape, _ = told
    report = audit(tape.home.folder, tape.home.tenant)
    assert report.faults == []
    assert report.leaves == tape.home.log.size


def test_a_home_that_was_closed_in_the_middle_tells_the_same_story(
    told: tuple[Tape, Mapping[str, str]], tmp_path: Path
) -> None:
    straight, no = told
    broken = Tape(tmp_path, SCRIPT)
    assert walk(broken, pause=Tape.reopen) == no
    assert frozen.digest(broken.home.flow) == frozen.digest(straight.home.flow)
    assert acts(broken.home) == acts(straight.home)
    broken.home.close()
