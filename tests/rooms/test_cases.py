"""Cases: facts open gates, roles and four eyes walk through them, and late steps are told."""

import re
from collections import deque
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tests.rooms.test_finance import TERMS, Pool
from wuxin.bank import Bank
from wuxin.finance.process import Case, read_steps
from wuxin.packs import schema
from wuxin.terms.clock import DAY, HOUR, moment
from wuxin.terms.counter import Now, Said
from wuxin.terms.errors import BadInput, Conflict, Forbidden, NotFound
from wuxin.terms.names import Tenant, ThingKey
from wuxin.terms.records import Act, Cleared, Command, Finding
from wuxin.terms.standards import Pack, Witness

BANK = Tenant("bank")
LOT = ThingKey("lot", "L-1")
OPENED = moment("2008-07-01")
PAPER = "ab" * 32


class Yard(Pool):
    """A warehouse whose lots have devices that may fall silent."""

    def __init__(self) -> None:
        super().__init__(tonnes="2000")
        self.devices: dict[ThingKey, list[Witness]] = {}

    def within(self, root: ThingKey, kind: str) -> Sequence[ThingKey]:
        return super().within(root, kind) if kind == "lot" else []

    def witnesses(self, thing: ThingKey) -> Sequence[Witness]:
        return self.devices.get(thing, ())

    def hear(self, at: int, state: str = "commissioned", *, since: int = 0) -> None:
        for lot in self.lots:
            self.devices[lot] = [Witness("scale", "signed", at, DAY, state, since)]


class House:
    """A bank alone: orders and days in, what is said out, as the flow lets it be heard."""

    def __init__(self, pack: Pack | None = None, **changed: Any) -> None:
        self.yard, self.bank, self.said = Yard(), Bank(BANK), list[Said]()
        self.pack = replace(pack or schema.load("logistics"), value=self.yard.appraise)
        terms = {**TERMS, "process": True, "supervision_days": 2, **changed}
        self.at = OPENED
        self.tell("open_facility", "approver:ann", **terms)

    def now(self) -> Now:
        return Now(self.at, self.at, "stock", self.pack, self.yard)

    def tell(self, do: str, by: str, **body: Any) -> list[Said]:
        role = by.partition(":")[0]
        command = Command(do, self.at, by, "F-1", body, role, f"{do}-{len(self.said)}-{self.at}")
        return self._say(self.bank.obey(command, self.now(), entry=1))

    def complete(self, step: str, by: str, **body: Any) -> Act:
        said = self.tell("complete_step", by, step=step, **body)
        assert isinstance(said[0], Act)
        return said[0]

    def days(self, count: int) -> list[Said]:
        """Let days pass, on which the devices that work report."""
        said = []
        for _ in range(count):
            self.at += DAY
            for lot, found in self.yard.devices.items():
                self.yard.devices[lot] = [
                    replace(w, heard=self.at - HOUR) if w.state else w for w in found
                ]
            said += self._say(self.bank.tick(self.now()))
        return said

    def case(self) -> Case:
        case = self.bank.cases.case("F-1", self.now())
        assert case is not None
        return case

    def missing(self, step: str) -> set[str]:
        case = self.case()
        found = next(one for one in case.steps if one.id == step)
        return {*case.missing(found, self.bank.cases.known("F-1", self.now()))}

    def _say(self, said: Sequence[Said]) -> list[Said]:
        left, heard = deque(said), []
        while left:
            heard.append(left.popleft())
            left += self.bank.hear(heard[-1], self.now())
        self.said += heard
        return heard


WALK: Mapping[str, str] = {
    "set_up": "relationship_manager:rita", "pledge": "borrower:bo", "valuation": "risk_officer:ro",
    "supervision_plan": "supervisor:su", "installation": "installer:in",
    "commissioning": "supervisor:su",
}  # fmt: skip
"""Who does what before the approval."""


def before_approval() -> House:
    house = House()
    house.yard.hear(house.at)
    house.days(1)
    for step, who in WALK.items():
        house.complete(step, who, documents=[PAPER])
    return house


def kinds(said: Sequence[Said]) -> list[str]:
    """Name the acts, but for the warnings that are raised and cleared beside them."""
    acts = [one.kind for one in said if isinstance(one, Act)]
    return [kind for kind in acts if not kind.startswith("warning_")]


def findings(said: Sequence[Said], rule: str = "step_overdue") -> list[Finding]:
    return [one for one in said if isinstance(one, Finding) and one.rule == rule]


def test_a_facility_without_a_process_has_no_case_and_is_paid_out_at_once() -> None:
    house = House(process=False)
    assert house.bank.desk.account("F-1").is_paid_out
    with pytest.raises(NotFound, match="opened without a process"):
        house.complete("set_up", "relationship_manager:rita")


def test_a_facility_under_a_process_begins_at_its_first_step_and_pays_nothing() -> None:
    house = House()
    assert not house.bank.desk.account("F-1").is_paid_out
    assert [step.id for step in house.case().ready()] == ["set_up"]


def test_a_pack_without_a_process_opens_no_facility_under_one() -> None:
    with pytest.raises(BadInput, match="has no process"):
        House(replace(schema.load("logistics"), process=b""))


def test_a_completed_step_says_who_did_it_and_what_comes_next() -> None:
    house = House()
    act = house.complete("set_up", "relationship_manager:rita", note="met", documents=[PAPER])
    assert (act.kind, act.mandate) == ("step_completed", "relationship_manager:rita")
    assert act.figures == {
        "step": "set_up", "role": "relationship_manager", "who": "rita", "next": "pledge",
        "zh": "建档：借款人、仓库、批次、仓单", "en": "Set up: borrower, warehouse, lots, receipts",
        "facts": "agreed", "note": "met", "documents": PAPER,
    }  # fmt: skip
    assert act.because[0].kind == "command"


def test_only_the_owner_completes_a_step_and_somebody_has_to_be_named() -> None:
    house = House()
    with pytest.raises(Forbidden, match="belongs to the relationship_manager, not the borrower"):
        house.complete("set_up", "borrower:bo")
    with pytest.raises(BadInput, match="names no person"):
        house.complete("set_up", "relationship_manager")
    with pytest.raises(BadInput, match="SHA-256"):
        house.complete("set_up", "relationship_manager:rita", documents=["contract.pdf"])
    assert house.case().done == []


def test_papers_filed_with_a_step_are_what_the_next_one_asks_for() -> None:
    house = House()
    house.complete("set_up", "relationship_manager:rita")
    with pytest.raises(Conflict, match="'pledge' still needs documented"):
        house.complete("pledge", "borrower:bo")
    house.complete("pledge", "borrower:bo", documents=[PAPER])
    assert house.missing("valuation") == {"valued"}


def test_the_house_knows_by_itself_when_devices_are_commissioned() -> None:
    house = House()
    supervision = {"devices_installed", "devices_commissioned", "devices_reporting"}
    known = house.bank.cases.known
    assert not supervision & {name for name, yes in known("F-1", house.now()).items() if yes}
    house.yard.devices[LOT] = [Witness("scale", "", None, DAY, "installed", house.at)]
    assert known("F-1", house.now())["devices_installed"]
    house.yard.hear(house.at, "installed")
    assert house.missing("commissioning") == {"installation", "devices_commissioned"}
    house.yard.hear(house.at)
    assert house.missing("commissioning") == {"installation"}


@pytest.mark.parametrize(
    ("witness", "counts"),
    [
        (Witness("recording", "", OPENED, DAY), True),
        (Witness("recording", "", None, DAY), False),
        (Witness("stranger", "unproven", OPENED, DAY), False),
        (Witness("scale", "signed", OPENED, DAY, "suspended"), False),
        (Witness("scale", "signed", OPENED, DAY, "in_service"), True),
    ],
)
def test_a_recording_counts_as_commissioned_once_it_is_heard_a_stranger_never(
    witness: Witness, *, counts: bool
) -> None:
    house = House()
    house.yard.devices[LOT] = [witness]
    assert house.bank.cases.known("F-1", house.now())["devices_commissioned"] is counts


def test_data_is_accepted_after_the_agreed_time_without_a_gap() -> None:
    house = House()
    house.yard.hear(house.at)
    accepted = []
    for _ in range(4):
        house.days(1)
        accepted.append(house.bank.cases.known("F-1", house.now())["data_accepted"])
    assert accepted == [False, False, True, True]  # heard since the first midnight, two days agreed


def test_a_gap_begins_the_agreed_time_again_even_between_two_midnights() -> None:
    house = House()
    house.yard.hear(house.at)
    house.days(4)
    silence = Finding(BANK, LOT, "silence", "amber", house.at, house.at, 9e4, 0, "s", (), ())
    house.bank.hear(silence, house.now())
    assert not house.bank.cases.known("F-1", house.now())["data_accepted"]
    house.days(1)
    assert not house.bank.cases.known("F-1", house.now())["data_accepted"]
    house.days(2)
    assert house.bank.cases.known("F-1", house.now())["data_accepted"]


def test_a_device_counts_from_its_commissioning_not_from_its_first_message() -> None:
    house = House(supervision_days=1)
    house.yard.hear(house.at, "installed")
    house.days(3)
    assert not house.bank.cases.known("F-1", house.now())["data_accepted"]
    house.yard.hear(house.at - HOUR, since=house.at)
    told = {"device": "scale", "state": "commissioned", "thing": "lot:L-1"}
    house.bank.hear(Act(BANK, "device", "", house.at, "s", told, ()), house.now())
    assert not house.bank.cases.known("F-1", house.now())["data_accepted"]
    house.days(1)
    assert house.bank.cases.known("F-1", house.now())["data_accepted"]


def test_every_gate_before_the_money_is_a_fact_and_then_money_flows_once() -> None:
    house = before_approval()
    assert house.missing("approval") == {"data_accepted"}
    with pytest.raises(Conflict, match="'approval' still needs data_accepted"):
        house.complete("approval", "approver:ann")
    house.days(2)
    house.complete("approval", "approver:ann")
    account = house.bank.desk.account("F-1")
    assert not account.is_paid_out
    paid = house.tell("complete_step", "relationship_manager:rita", step="disbursement")
    assert kinds(paid) == ["step_completed", "journal_entry", "disbursement"]
    assert account.is_paid_out
    assert account.loan.owed == Decimal(5_800_000)
    with pytest.raises(Conflict, match="is not ready"):
        house.complete("disbursement", "relationship_manager:rita")


def test_four_eyes_where_money_moves() -> None:
    house = before_approval()
    house.days(3)
    with pytest.raises(Forbidden, match="four eyes: 'rita' worked on this case"):
        house.complete("approval", "approver:rita")
    house.complete("approval", "approver:ann")
    with pytest.raises(Forbidden, match="four eyes: 'ann' approved what 'disbursement' does"):
        house.complete("disbursement", "relationship_manager:ann")
    house.complete("disbursement", "relationship_manager:rob")


@pytest.mark.parametrize("rule", ["double_naming", "unauthorised_removal_weight"])
def test_no_money_moves_while_a_red_warning_stands(rule: str) -> None:
    house = before_approval()
    house.days(3)
    red = Finding(BANK, LOT, rule, "red", house.at, house.at, None, None, "", (), ())
    house.bank.hear(red, house.now())
    with pytest.raises(Conflict, match="still needs no_red_finding"):
        house.complete("approval", "approver:ann")
    elsewhere = replace(red, thing=ThingKey("lot", "of another"), since=red.since + 1)
    house.bank.hear(elsewhere, house.now())
    house.bank.hear(Cleared(BANK, red.id, house.at, None, ()), house.now())
    house.complete("approval", "approver:ann")


def test_a_pool_worth_too_little_is_no_ground_for_the_loan() -> None:
    house = before_approval()
    house.yard.price = "3000"  # 2,000 t × 3,000 × (1 − 0.20) = 4,800,000 < 5,800,000
    house.days(3)
    assert house.missing("approval") == {"covered"}


def test_nothing_is_released_while_a_call_is_open() -> None:
    house = before_approval()
    house.days(3)
    house.complete("approval", "approver:ann")
    house.complete("disbursement", "relationship_manager:rob")
    house.yard.price = "3000"
    house.days(1)
    breach = Finding(
        BANK, ThingKey("facility", "F-1"), "loan_to_value_breach", "red", house.at, house.at, 0.97,
        0.8, "1", (), (),
    )  # fmt: skip
    assert kinds(house.bank.hear(breach, house.now())) == ["margin_call"]
    assert not house.bank.cases.known("F-1", house.now())["no_open_call"]
    with pytest.raises(Conflict, match="has an open call: nothing is released"):
        house.tell("release_things", "risk_officer:ro", things=["lot:L-1"], reason="sold")


def test_a_late_step_is_told_and_escalated_once_and_ends_with_its_completion() -> None:
    house = House()
    assert findings(house.days(5)) == []
    late = house.days(1)
    [found] = findings(late)
    assert (found.level, found.thing) == ("amber", ThingKey("facility", "F-1"))
    assert "within 5 d, by 2008-07-06T00:00:00Z; escalated to the approver" in found.reasons[0].en
    assert "升级至审批人" in found.reasons[0].zh
    assert kinds(late).count("step_escalated") == 1
    assert findings(house.days(3)) == []
    said = house.tell("complete_step", "relationship_manager:rita", step="set_up")
    ended = [one for one in said if isinstance(one, Cleared)]
    assert [one.finding for one in ended] == [found.id]
    assert house.bank.cases.walks["F-1"].ready == {"pledge": house.at}


def test_deadlines_run_on_the_clock_of_the_facilitys_own_source() -> None:
    house = House()
    far = house.now()._replace(at=OPENED + 90 * DAY, source="another")
    assert house.bank.cases.tick(far) == []


def test_what_was_refused_has_changed_nothing() -> None:
    house = before_approval()
    kept = msgspec.json.encode(house.bank.freeze())
    for step, who in (("approval", "approver:ann"), ("set_up", "relationship_manager:rita")):
        with pytest.raises(Conflict):
            house.complete(step, who, documents=[PAPER])
    assert msgspec.json.encode(house.bank.freeze()) == kept


def test_a_case_that_was_frozen_in_the_middle_goes_on_the_same() -> None:
    straight, broken = before_approval(), before_approval()
    straight.days(2)
    broken.days(1)
    kept = msgspec.json.decode(msgspec.json.encode(broken.bank.freeze()))
    broken.bank = Bank(BANK)
    broken.bank.thaw(kept)
    assert msgspec.json.encode(broken.bank.freeze()) == msgspec.json.encode(kept)
    broken.days(1)
    for house in (straight, broken):
        house.complete("approval", "approver:ann")
        house.complete("disbursement", "relationship_manager:rita")
    assert msgspec.json.encode(straight.bank.freeze()) == msgspec.json.encode(broken.bank.freeze())


def changed(was: str, becomes: str) -> Pack:
    pack = schema.load("logistics")
    process = pack.process.replace(was.encode(), becomes.encode())
    assert process != pack.process
    return replace(pack, process=process, steps=read_steps(process))


def another_first_step() -> Pack:
    """Rename the first step, which every case has complete, wherever the process names it."""
    pack = schema.load("logistics")
    process = re.sub(rb'(["> ])set_up([",<])', rb"\1file\2", pack.process)
    return replace(pack, process=process, steps=read_steps(process))


def with_process(house: House, pack: Pack) -> None:
    """Open the bank again from its state, where the pack has another process."""
    kept = msgspec.json.decode(msgspec.json.encode(house.bank.freeze()))
    house.bank, house.pack = Bank(BANK), replace(pack, value=house.yard.appraise)
    house.bank.thaw(kept)


def test_a_process_that_only_grew_takes_its_cases_along() -> None:
    house = before_approval()
    with_process(house, changed('within="10 d" escalate="risk_officer"', 'within="1 h"'))
    assert findings(house.days(1), "process_changed") == []
    assert findings(house.said)  # by the new deadline the approval is late
    house.days(1)
    house.complete("approval", "approver:ann")


def test_a_case_that_no_longer_fits_is_kept_as_history_until_the_approver_begins_again() -> None:
    house = before_approval()
    house.days(2)
    house.complete("approval", "approver:ann")
    house.complete("disbursement", "relationship_manager:rita")
    state = house.bank.cases.walks["F-1"].state
    with_process(house, another_first_step())
    assert house.bank.cases.case("F-1", house.now()) is None
    with pytest.raises(Conflict, match="kept as history"):
        house.complete("collection", "supervisor:su")
    [found] = findings(house.days(1), "process_changed")
    assert "the 8 steps that are complete do not fit" in found.reasons[0].en
    assert findings(house.days(1), "process_changed") == []
    with_process(house, house.pack)
    said = house.tell("restart_process", "approver:ann", reason="papers are filed first now")
    assert kinds(said) == ["process_restarted"]
    assert [one.finding for one in said if isinstance(one, Cleared)] == [found.id]
    walk = house.bank.cases.walks["F-1"]
    assert (list(walk.ready), [old for _, old in walk.past]) == (["file"], [state])
    with pytest.raises(Conflict, match="it goes on"):
        house.tell("restart_process", "approver:ann", reason="once more")


def test_a_case_that_begins_again_pays_nothing_out_twice() -> None:
    house = before_approval()
    house.days(2)
    house.complete("approval", "approver:ann")
    house.complete("disbursement", "relationship_manager:rita")
    with_process(house, another_first_step())
    house.days(1)
    house.tell("restart_process", "approver:ann", reason="new form")
    walk = {"file": "relationship_manager:rita", **{k: v for k, v in WALK.items() if k != "set_up"}}
    for step, who in walk.items():
        house.complete(step, who, documents=[PAPER])
    house.complete("approval", "approver:ann")
    again = house.tell("complete_step", "relationship_manager:rita", step="disbursement")
    assert kinds(again) == ["step_completed"]
    assert house.bank.desk.account("F-1").loan.owed == Decimal(5_800_000)
