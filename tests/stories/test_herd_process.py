"""The herd loan through its process: set-up, devices, data, money; then the early warnings."""

from collections.abc import Iterator

import pytest

from tests.homes import acts
from tests.tape import PAPER, Script, Tape
from wuxin.audit import audit
from wuxin.terms.errors import Conflict

LOAN = "DC-2024-01"


STOPS = [f"2024-04-{when}:00+08:00" for when in (
    "11T12", "11T14", "11T16", "12T10", "12T11", "12T12", "12T13", "12T14", "12T15", "12T16",
    "12T17", "13T10", "16T10", "16T12", "17T12", "17T13", "18T12", "30T00",
)]  # fmt: skip
SCRIPT = Script(
    "agriculture/recording.toml", LOAN, "2024-04-11T10:00:00+08:00", stops=STOPS,
    before="# The call after",
)  # fmt: skip


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tape]:
    made = Tape(tmp_path_factory.mktemp("herd"), SCRIPT)
    made.until("2024-04-11T12:00+08:00")
    made.step("set_up", "relationship_manager:rita", when="2024-04-11T14:00+08:00")
    made.step("pledge", "borrower:bo", when="2024-04-11T16:00+08:00", documents=[PAPER])
    made.step("valuation", "risk_officer:ro", when="2024-04-12T10:00+08:00")
    made.step("supervision_plan", "supervisor:su", when="2024-04-12T11:00+08:00")
    made.devices("band", "delivered", when="2024-04-12T12:00+08:00")
    made.devices("band", "installed", when="2024-04-12T13:00+08:00")
    made.step("installation", "installer:in", when="2024-04-12T14:00+08:00")
    with pytest.raises(Conflict, match="devices_commissioned"):
        made.step("commissioning", "supervisor:su", when="2024-04-12T15:00+08:00")
    made.devices("band", "commissioned", when="2024-04-12T16:00+08:00")
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


def test_no_money_before_the_bands_are_commissioned_and_their_data_has_come(farm: Tape) -> None:
    [paid] = acts(farm.home, kind="disbursement")
    assert (paid["at"], paid["figures"]["amount"]) == ("2024-04-16T04:00:00Z", "118000.00")


def test_the_theft_finds_the_case_at_its_early_warnings(farm: Tape) -> None:
    flow = farm.home.flow
    source = flow.sources[farm.recording.source]
    now = flow.now(source, source.watermark)
    case = flow.bank.cases.case(LOAN, now)
    assert case is not None
    assert [step.id for step in case.ready()] == ["early_warning"]
    assert not flow.bank.cases.facts(LOAN, now)["no_red_finding"]
    assert len(acts(farm.home, kind="margin_call")) == 1


def test_the_whole_story_verifies(farm: Tape) -> None:
    assert audit(farm.home.folder, farm.home.tenant).faults == []
