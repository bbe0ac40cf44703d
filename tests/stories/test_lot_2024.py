"""Inventory finance of a dealer's lot, September 2024, through its process to a verified case file.

All is generated (examples/vehicles).
"""

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.homes import EXAMPLES, acts, findings, still
from wuxin import __version__
from wuxin.audit import audit
from wuxin.casefile import bundle
from wuxin.evidence import case
from wuxin.home import DEFAULT_TENANT, Home, keys
from wuxin.packs import adopt, schema
from wuxin.stores.journal import Arrived, Opened
from wuxin.terms.clock import moment
from wuxin.terms.errors import Conflict
from wuxin.terms.records import Command
from wuxin.wire.recording import Item, open_recording

LOAN = "IF-2024-01"
PAPER = "5f" * 32
DAY = "2024-09-{}+08:00".format
STOP = "stop"
STOPS = [DAY(when) for when in (
    "04T12:00", "05T10:00", "05T15:00", "06T14:00", "07T10:00", "08T22:00", "11T12:00", "13T12:00"
)]  # fmt: skip
"""Where batches are cut, so that no reading is known before its time or after it."""
TERMS = 'opened = "2024-09-04T10:00:00+08:00"\n'


@dataclasses.dataclass
class Tape:
    """The example played up to a moment, with what is ordered there, its loan under a process."""

    folder: Path

    def __post_init__(self) -> None:
        shutil.copytree(EXAMPLES / "vehicles", self.folder / "lot")
        manifest = self.folder / "lot" / "recording.toml"
        text = manifest.read_text("utf-8")
        assert TERMS in text
        text = text.replace(TERMS, f"{TERMS}process = true\nsupervision_days = 3\n")
        manifest.write_text(text, "utf-8")
        self.recording = open_recording(manifest)
        stops = [Command(STOP, moment(when), "test") for when in STOPS]
        told = sorted([*self.recording.commands, *stops], key=lambda command: command.at)
        cut = dataclasses.replace(self.recording, commands=tuple(told))
        self._items = cut.batches(adopt.times)
        self._next: Item | None = next(self._items)
        self.home = Home(self.folder / "home", clock=still)
        pack = schema.load("vehicles")
        told = adopt.adopt(self.recording, pack)
        self.home.accept(
            Opened(self.recording.source, still(), pack.name, pack.digest, told, __version__)
        )

    def until(self, when: str) -> None:
        """Play what comes before a moment."""
        while self._next is not None and self._next.upto < moment(when):
            item = self._next
            if item.command is not None and item.command.do == STOP:
                pass
            elif item.command is not None:
                self.home.order(item.command, source=self.recording.source)
            else:
                self.home.accept(Arrived(self.recording.source, still(), item.frames))
            self._next = next(self._items, None)

    def order(self, do: str, by: str, *, when: str, facility: str = LOAN, **body: Any) -> None:
        command = Command(do, moment(when), by, facility, body, by.partition(":")[0])
        self.home.order(command, source=self.recording.source)

    def step(self, step: str, by: str, *, when: str, **more: Any) -> None:
        self.until(when)
        self.order("complete_step", by, when=when, step=step, **more)

    def devices(self, to: str, *, when: str) -> None:
        """Take the trackers of all vehicles to a state."""
        for thing in sorted(self.home.flow.bank.desk.accounts[LOAN].members):
            told = {"device": f"tracker {thing.id}", "thing": str(thing), "reason": "by plan"}
            self.order("device", "supervisor:su", when=when, facility="", to=to, **told)


def walk(tape: Tape) -> str:
    """Take the loan to its disbursement and the end of the three weeks; why not earlier."""
    tape.until(DAY("04T12:00"))
    tape.step("set_up", "relationship_manager:rita", when=DAY("04T14:00"))
    tape.step("pledge", "borrower:bo", when=DAY("04T16:00"), documents=[PAPER])
    tape.step("valuation", "risk_officer:ro", when=DAY("05T10:00"))
    tape.step("supervision_plan", "supervisor:su", when=DAY("05T11:00"))
    tape.devices("delivered", when=DAY("05T12:00"))
    tape.devices("installed", when=DAY("05T12:30"))
    tape.step("installation", "installer:in", when=DAY("05T13:00"))
    tape.devices("commissioned", when=DAY("05T14:00"))
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
    tape = Tape(tmp_path_factory.mktemp("lot"))
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
    report = audit(home.folder, home.tenant)
    assert report.faults == []
    vkey = keys(home.folder, DEFAULT_TENANT)[0].vkey
    data = bundle(home.folder, DEFAULT_TENANT, facility=LOAN)
    assert case.check_case(data, key=vkey)
