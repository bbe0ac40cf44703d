"""The herd loan through its process: set-up, devices, data, money; then the early warnings."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.homes import EXAMPLES, acts, still
from wuxin import __version__
from wuxin.audit import audit
from wuxin.home import Home
from wuxin.packs import adopt, schema
from wuxin.stores.journal import Arrived, Opened
from wuxin.terms.clock import moment
from wuxin.terms.errors import Conflict
from wuxin.terms.records import Command
from wuxin.wire.recording import Item, open_recording

LOAN = "DC-2024-01"
TERMS = 'opened = "2024-04-11T10:00:00+08:00"\n'


class Farm:
    """The example played up to a moment, its loan under a process."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(EXAMPLES / "agriculture", folder / "agriculture")
        manifest = folder / "agriculture" / "recording.toml"
        text = manifest.read_text("utf-8")
        assert TERMS in text
        under = f"{TERMS}process = true\nsupervision_days = 3\n"
        manifest.write_text(text.replace(TERMS, under).split("# The call after")[0], "utf-8")
        self.recording = open_recording(manifest)
        self._items = self.recording.batches(adopt.times, 8)
        self._next: Item | None = next(self._items)
        self.home = Home(folder / "home", clock=still)
        pack = schema.load("agriculture")
        told = adopt.adopt(self.recording, pack)
        source = self.recording.source
        self.home.accept(Opened(source, still(), "agriculture", pack.digest, told, __version__))

    def until(self, when: str) -> None:
        while self._next is not None and self._next.upto < moment(when):
            item = self._next
            if item.command is not None:
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

    def bands(self, to: str, *, when: str) -> None:
        for thing in sorted(self.home.flow.bank.desk.accounts[LOAN].members):
            told = {"device": f"band {thing.id}", "thing": str(thing), "reason": "by plan"}
            self.order("device", "supervisor:su", when=when, facility="", to=to, **told)


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    made = Farm(tmp_path_factory.mktemp("herd"))
    made.until("2024-04-11T12:00+08:00")
    made.step("set_up", "relationship_manager:rita", when="2024-04-11T14:00+08:00")
    made.step("pledge", "borrower:bo", when="2024-04-11T16:00+08:00", documents=["5f" * 32])
    made.step("valuation", "risk_officer:ro", when="2024-04-12T10:00+08:00")
    made.step("supervision_plan", "supervisor:su", when="2024-04-12T11:00+08:00")
    made.bands("delivered", when="2024-04-12T12:00+08:00")
    made.bands("installed", when="2024-04-12T13:00+08:00")
    made.step("installation", "installer:in", when="2024-04-12T14:00+08:00")
    with pytest.raises(Conflict, match="devices_commissioned"):
        made.step("commissioning", "supervisor:su", when="2024-04-12T15:00+08:00")
    made.bands("commissioned", when="2024-04-12T16:00+08:00")
    made.step("commissioning", "supervisor:su", when="2024-04-12T17:00+08:00")
    with pytest.raises(Conflict, match="data_accepted"):
        made.step("approval", "approver:ann", when="2024-04-13T10:00+08:00")
    made.step("approval", "approver:ann", when="2024-04-16T10:00+08:00")
    made.step("disbursement", "relationship_manager:rita", when="2024-04-16T12:00+08:00")
    made.step("collection", "supervisor:su", when="2024-04-17T12:00+08:00")
    made.step("transmission", "supervisor:su", when="2024-04-17T13:00+08:00")
    made.step("analysis", "risk_officer:ro", when="2024-04-18T12:00+08:00")
    made.until("2024-04-30T00:00+08:00")
    yield made
    made.home.close()


def test_no_money_before_the_bands_are_commissioned_and_their_data_has_come(farm: Farm) -> None:
    [paid] = acts(farm.home, kind="disbursement")
    assert (paid["at"], paid["figures"]["amount"]) == ("2024-04-16T04:00:00Z", "118000.00")


def test_the_theft_finds_the_case_at_its_early_warnings(farm: Farm) -> None:
    flow = farm.home.flow
    source = flow.sources[farm.recording.source]
    now = flow.now(source, source.watermark)
    case = flow.bank.cases.case(LOAN, now)
    assert case is not None
    assert [step.id for step in case.ready()] == ["early_warning"]
    assert not flow.bank.cases.facts(LOAN, now)["no_red_finding"]
    assert len(acts(farm.home, kind="margin_call")) == 1


def test_the_whole_story_verifies(farm: Farm) -> None:
    assert audit(farm.home.folder, farm.home.tenant).faults == []
