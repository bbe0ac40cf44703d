"""The copper loan of 2008 through its process: every gate refuses first, and money comes last.

Prices are real, stock and people's roles are those of the shipped example (examples/logistics).
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.homes import EXAMPLES, acts, findings, still
from wuxin import __version__, frozen
from wuxin.audit import audit
from wuxin.home import Home
from wuxin.packs import adopt, schema
from wuxin.stores.journal import Arrived, Opened
from wuxin.terms.clock import moment
from wuxin.terms.errors import Conflict, Forbidden
from wuxin.terms.records import Command
from wuxin.wire.recording import Item, open_recording

LOAN = "CU-2008-01"
PAPER = "5f" * 32
TERMS = 'opened = "2008-08-05T10:00:00+08:00"\n'


@dataclass
class Tape:
    """The example played up to a moment, with what is ordered there, its loan under a process."""

    folder: Path

    def __post_init__(self) -> None:
        shutil.copytree(EXAMPLES / "logistics", self.folder / "logistics")
        manifest = self.folder / "logistics" / "recording.toml"
        text = manifest.read_text("utf-8")
        assert TERMS in text
        text = text.replace(TERMS, f"{TERMS}process = true\nsupervision_days = 3\n")
        manifest.write_text(text, "utf-8")
        self.recording = open_recording(manifest)
        self._items = self.recording.batches(adopt.times, 8)
        self._next: Item | None = next(self._items)
        self.home = self._opened()
        pack = schema.load("logistics")
        told = adopt.adopt(self.recording, pack)
        opened = Opened(self.recording.source, still(), "logistics", pack.digest, told, __version__)
        self.home.accept(opened)

    def _opened(self) -> Home:
        return Home(self.folder / "home", clock=still)

    def reopen(self) -> None:
        """Close the home, and go on from its state file."""
        self.home.close()
        self.home = self._opened()
        assert self.home.passed == []

    def until(self, when: str) -> None:
        """Play what comes before a moment."""
        while self._next is not None and self._next.upto < moment(when):
            item = self._next
            if item.command is not None:
                self.home.order(item.command, source=self.recording.source)
            else:
                self.home.accept(Arrived(self.recording.source, still(), item.frames))
            self._next = next(self._items, None)

    def order(self, do: str, by: str, *, when: str, facility: str = LOAN, **body: Any) -> None:
        role = by.partition(":")[0]
        command = Command(do, moment(when), by, facility, body, role)
        self.home.order(command, source=self.recording.source)

    def step(self, step: str, by: str, *, when: str, **more: Any) -> None:
        self.until(when)
        self.order("complete_step", by, when=when, step=step, **more)

    def refuse(self, step: str, by: str, *, when: str) -> str:
        """Say why a step cannot be completed; nothing is paid out by trying."""
        with pytest.raises((Conflict, Forbidden)) as why:
            self.step(step, by, when=when)
        assert acts(self.home, kind="disbursement") == []
        return str(why.value)

    def devices(self, to: str, *, when: str) -> None:
        """Take the scales of all lots to a state."""
        account = self.home.flow.bank.desk.accounts[LOAN]
        for thing in sorted(account.members):
            told = {"device": f"scale {thing.id}", "thing": str(thing), "reason": "by plan"}
            self.order("device", "supervisor:su", when=when, facility="", to=to, **told)


def walk(tape: Tape, *, pause: Callable[[Tape], None] = lambda _: None) -> Mapping[str, str]:
    """Take the loan from its opening to its disbursement; what was refused, and why."""
    no = {}
    tape.until("2008-08-05T12:00+08:00")
    tape.step("set_up", "relationship_manager:rita", when="2008-08-05T14:00+08:00")
    no["papers"] = tape.refuse("pledge", "borrower:bo", when="2008-08-05T15:00+08:00")
    tape.step("pledge", "borrower:bo", when="2008-08-05T16:00+08:00", documents=[PAPER])
    no["value"] = tape.refuse("valuation", "risk_officer:ro", when="2008-08-05T17:00+08:00")
    tape.step("valuation", "risk_officer:ro", when="2008-08-06T10:00+08:00")
    tape.devices("delivered", when="2008-08-06T11:00+08:00")
    pause(tape)
    no["late"] = tape.refuse("approval", "approver:ann", when="2008-08-12T10:00+08:00")
    tape.step("supervision_plan", "supervisor:su", when="2008-08-12T11:00+08:00")
    tape.devices("installed", when="2008-08-12T12:00+08:00")
    tape.step("installation", "installer:in", when="2008-08-13T12:00+08:00")
    no["devices"] = tape.refuse("commissioning", "supervisor:su", when="2008-08-13T13:00+08:00")
    tape.devices("commissioned", when="2008-08-13T14:00+08:00")
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
    tape = Tape(tmp_path_factory.mktemp("process"))
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
    broken = Tape(tmp_path)
    assert walk(broken, pause=Tape.reopen) == no
    assert frozen.digest(broken.home.flow) == frozen.digest(straight.home.flow)
    assert acts(broken.home) == acts(straight.home)
    broken.home.close()
