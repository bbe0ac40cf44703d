"""The case of a loan that people decided on by orders: nothing of what the bank did is missing.

The copper loan of 2008 walks its process, is called, and is sold; beside that goods are pledged by
number and surveyed, an order is repeated under its key and others are refused.
"""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import strangers
from tests.homes import still
from tests.rooms.tampers import parts_of, passed, refused, repacked
from tests.stories.test_copper_process import LOAN, SCRIPT, walk
from tests.tape import Tape
from wuxin.audit import audit
from wuxin.casefile import bundle
from wuxin.evidence import case
from wuxin.home import DEFAULT_TENANT, Home
from wuxin.terms.clock import moment
from wuxin.terms.errors import BadInput, Conflict
from wuxin.terms.records import Command

OFFICER = "risk_officer"
NUMBER = {"scheme": "lot", "text": "CU-0002", "issuer": "Smelter"}


@dataclass(frozen=True)
class Told:
    """What was played: the home's folder, the log's key, and the case file of the loan."""

    folder: Path
    vkey: str
    data: bytes

    @property
    def records(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(parts_of(self.data)["records.json"])
        return found

    @property
    def commands(self) -> dict[str, list[Any]]:
        listed = json.loads(parts_of(self.data)["commands.json"])
        return {about["id"]: about["command"] for about in listed}


def order(tape: Tape, do: str, *, when: str, key: str = "", **body: Any) -> int:
    """Give an order as the risk officer; returns the entry that it repeats."""
    given = Command(do, moment(when), "ro", LOAN, body, OFFICER, key)
    return tape.home.order(given, source=tape.recording.source).repeats


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    tape = Tape(tmp_path_factory.mktemp("orders"), SCRIPT)
    walk(tape)
    on = "2008-09-10T09:00+08:00"
    lot = {"thing": "lot:L-02", "identities": [NUMBER], "owner": "trader", "custodian": "keeper",
           "place": {"name": "row 2"}, "weight": "25", "unit": "t"}  # fmt: skip
    assert not order(tape, "pledge", when=on, key="p-1", **lot)
    assert order(tape, "pledge", when=on, key="p-1", **lot)  # the answer was lost; asked again
    with pytest.raises(Conflict, match="was used for something else"):
        order(tape, "pledge", when=on, key="p-1", **{**lot, "weight": "24"})
    with pytest.raises(BadInput, match="there is no command"):
        order(tape, "forgive", when=on)
    at = "2008-09-11T09:00+08:00"
    order(tape, "survey", when=at, seen=[], counted=True, device="handheld")
    tape.until("2009-12-01T00:00Z")
    tape.home.close()
    folder, vkey = tape.home.folder, tape.home.signer.vkey
    return Told(folder, vkey, bundle(folder, DEFAULT_TENANT, facility=LOAN))


def test_two_verifiers_find_it_in_order(told: Told) -> None:
    assert refused(told.data, told.vkey) == (False, False)
    assert strangers.check_case(told.data, told.vkey) == len(told.records)


def test_it_holds_every_act_of_the_facility(told: Told) -> None:
    done = Counter(r["record"]["kind"] for r in told.records if r["kind"] == "act")
    wanted = {
        "facility_opened": 1, "step_completed": 11, "disbursement": 1, "journal_entry": 5,
        "margin_call": 2, "margin_call_met": 1, "margin_call_overdue": 1, "disposal": 1,
        "pledge_entered": 1, "survey": 1, "pledge_released": 1,
    }  # fmt: skip
    assert {kind: done[kind] for kind in wanted} == wanted
    judged = {r["record"]["rule"] for r in told.records if r["kind"] == "finding"}
    assert {"step_overdue", "count_gap", "loan_to_value_breach"} <= judged  # by code, and by a rule


def test_every_booking_walks_back_to_the_order_that_led_to_it(told: Told) -> None:
    records = {about["id"]: about["record"] for about in told.records}

    def orders(name: str) -> set[str]:
        """The orders that a record came from, through other records."""
        causes = records[name]["because"] if name in records else ()
        found = {cause["id"] for cause in causes if cause["kind"] == "command"}
        return found.union(*(orders(cause["id"]) for cause in causes))

    for name, record in records.items():
        if record.get("kind") == "journal_entry":
            given = {told.commands[one][0] for one in orders(name)}
            booked = record["figures"]["booking"]
            assert given & {"complete_step", "repay", "top_up", "dispose"}, booked
    paid = next(n for n, r in records.items() if r.get("kind") == "disbursement")
    [ordered] = orders(paid)
    assert told.commands[ordered][:3] == [
        "complete_step", moment("2008-08-17T12:00+08:00"), "relationship_manager:rita",
    ]  # fmt: skip
    assert told.commands[ordered][5:] == ["relationship_manager", ""]
    keyed = [words for words in told.commands.values() if words[5:] == [OFFICER, "p-1"]]
    assert len(keyed) == 1  # the repeated order led to nothing, the other one was refused


def test_a_thousand_random_changes_are_found_by_both(told: Told) -> None:
    assert passed(told.data, told.vkey, count=1000, seed=20080817) == []


def test_who_gave_an_order_in_what_role_cannot_be_changed(told: Told) -> None:
    whole = parts_of(told.data)
    for before, after in (("rita", "ann"), ('"approver"', '"supervisor"'), ("p-1", "p-2")):
        changed = whole["commands.json"].replace(before.encode(), after.encode(), 1)
        assert changed != whole["commands.json"]
        file = repacked(whole | {"commands.json": changed})
        assert refused(file, told.vkey) == (True, True), before
    with pytest.raises(case.WrongError, match=r"Command [0-9a-f]{16} was changed"):
        case.check_case(file, key=told.vkey)


def test_the_audit_takes_every_order_again_refused_and_repeated_ones_too(
    told: Told,
) -> None:
    report = audit(told.folder, DEFAULT_TENANT)
    assert report.faults == []
    assert report.notes == []
    with Home(told.folder, clock=still) as home:
        assert report.leaves == home.log.size
        assert report.entries == home.journal.last
