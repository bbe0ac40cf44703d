"""Warnings: one for a cause, walked by people, escalated by time, ended with its findings."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from wuxin.finance.warned import KEPT, POLICY, SPAN, WINDOW, Group
from wuxin.finance.warnings import Warnings
from wuxin.packs import schema
from wuxin.terms.clock import DAY, HOUR, MINUTE, moment
from wuxin.terms.counter import NOT_DUE, Now, Said, read
from wuxin.terms.errors import BadInput, Conflict, NotFound
from wuxin.terms.names import Tenant, ThingKey
from wuxin.terms.records import Act, Cleared, Command, Finding, Level, Words

BANK = Tenant("bank")
START = moment("2026-03-01")
GATEWAY = ThingKey("warehouse", "WH")
PACK = schema.load("logistics")


class Tree:
    """A twin in which everything stands in one warehouse."""

    def above(self, thing: ThingKey) -> Sequence[ThingKey]:
        return [] if thing == GATEWAY or thing.kind == "facility" else [GATEWAY]


class Room:
    """The counter alone, with a clock that the test moves."""

    def __init__(self, facilities: Sequence[str] = ("F-1",)) -> None:
        self.facilities = facilities
        self.counter = Warnings(BANK, concerned=lambda *_: self.facilities)
        self.at = self.known = START
        self.acts: list[Act] = []

    def now(self) -> Now:
        return Now(self.at, self.known, "stock", PACK, Tree())  # type: ignore[arg-type]

    def find(
        self, thing: str = "L-1", rule: str = "silence", *, level: Level = "amber"
    ) -> tuple[Finding, list[Act]]:
        made = Finding(
            BANK, ThingKey("lot", thing), rule, level, self.at, self.at, None, None, "",
            (Words(f"{thing} 静默", f"{thing} is silent"),), (),
        )  # fmt: skip
        return made, self.said(self.counter.hear(made, self.now()))

    def end(self, finding: Finding) -> list[Act]:
        return self.said(
            self.counter.hear(Cleared(BANK, finding.id, self.at, None, ()), self.now())
        )

    def order(self, do: str, by: str = "risk_officer:lin", **body: Any) -> Act:
        order = self.counter.orders[do]
        command = Command(do, self.at, by, "", body, by.partition(":")[0])
        [act] = self.said(order.obey(command, read(body, order.body, do=do), now=self.now()))
        return act

    def wait(self, ns: int) -> list[Act]:
        self.at += ns
        self.known += ns
        return self.said(self.counter.tick(self.now()))

    def said(self, said: list[Said]) -> list[Act]:
        acts = [one for one in said if isinstance(one, Act)]
        assert len(acts) == len(said)
        self.acts += acts
        return acts

    @property
    def only(self) -> Group:
        [group] = self.counter.groups.values()
        return group


@pytest.fixture
def room() -> Room:
    return Room()


def test_a_storm_of_two_hundred_silent_sensors_is_one_warning(room: Room) -> None:
    for n in range(200):
        room.find(f"L-{n}")
        room.wait(5 * 1_000_000_000)
    assert [act.kind for act in room.acts] == ["warning_raised"]
    assert (room.only.findings, len(room.only.open)) == (200, 200)
    assert room.acts[0].facility == "F-1"
    rows, joined = room.counter.taken()
    assert [row["id"] for row in rows] == [room.only.id]
    assert set(joined.values()) == {room.only.id}
    assert room.counter.taken() == ([], {})


def test_without_a_facility_findings_come_together_by_their_root(room: Room) -> None:
    room.facilities = ()
    room.find("L-1")
    room.find("L-2")
    assert room.only.thing == "warehouse:WH"
    assert room.acts[0].facility == ""


def test_two_facilities_on_one_warehouse_have_one_warning_that_names_both() -> None:
    room = Room(["F-1", "F-2"])
    room.find("L-1")
    room.find("L-2")
    assert room.only.facilities == ["F-1", "F-2"]
    assert room.only.row()["facilities"] == "\nF-1\n\nF-2\n"


def test_rules_of_one_declared_cause_are_one_warning_and_others_are_not(room: Room) -> None:
    room.find("L-1", "tag_missing")
    room.find("L-1", "unauthorised_removal_weight", level="red")
    assert room.only.rules == ["tag_missing", "unauthorised_removal_weight"]
    room.find("L-1", "out_of_place", level="red")
    assert len(room.counter.groups) == 2


def test_what_is_only_to_know_makes_no_warning(room: Room) -> None:
    found, acts = room.find(level="info")
    assert acts == []
    assert room.end(found) == []
    assert not room.counter.groups


@pytest.mark.parametrize(("arrives", "happens"), [(WINDOW + 1, 0), (0, SPAN + 1)])
def test_outside_of_the_window_a_warning_is_raised_anew(
    room: Room, arrives: int, happens: int
) -> None:
    room.find("L-1")
    room.known += arrives
    room.at += happens
    room.find("L-2")
    assert [act.kind for act in room.acts] == ["warning_raised"] * 2


def test_a_worse_finding_asks_again_although_somebody_had_taken_notice(room: Room) -> None:
    room.find("L-1", "tag_missing")
    room.order("acknowledge_warning", warning=room.only.id, note="called the site")
    _, [worse] = room.find("L-1", "unauthorised_removal_weight", level="red")
    assert worse.kind == "warning_worsened"
    assert (room.only.level, room.only.state, room.only.acknowledged_by) == ("red", "raised", "")
    assert room.only.due == room.known + POLICY["red"].acknowledge


def test_the_walk_from_raised_to_cleared_is_an_act_at_each_step(room: Room) -> None:
    one, _ = room.find("L-1")
    two, _ = room.find("L-2")
    room.wait(10 * MINUTE)
    told = room.order("acknowledge_warning", warning=room.only.id, note="called the site")
    assert told.mandate == "risk_officer:lin"
    assert told.figures["waited_s"] == "600"
    assert told.because[0].kind == "command"
    room.order("assign_warning", warning=room.only.id, to="zhao", role="supervisor", note="on duty")
    assert (room.only.role, room.only.owner, room.only.state) == ("supervisor", "zhao", "assigned")
    done = room.order(
        "handle_warning", "supervisor:zhao", warning=room.only.id, outcome="real", note="fixed it"
    )
    assert done.figures["outcome"] == "real"
    assert room.end(one) == []
    [over] = room.end(two)
    assert over.kind == "warning_cleared"
    assert room.only.state == "cleared"
    assert [m.kind for m in room.only.life] == [act.kind for act in room.acts]
    assert len({act.id for act in room.acts}) == len(room.acts)
    assert room.counter.due() == NOT_DUE


def test_a_finding_after_the_end_reopens_within_the_window(room: Room) -> None:
    found, _ = room.find()
    room.order("handle_warning", warning=room.only.id, outcome="real", note="fixed it")
    room.end(found)
    room.wait(WINDOW)
    _, [again] = room.find()
    assert again.kind == "warning_reopened"
    assert (room.only.state, room.only.outcome) == ("raised", "")
    assert room.counter.due() == room.known + DAY


@pytest.mark.parametrize("level", ["red", "amber"])
def test_nobody_takes_notice_and_the_approver_is_told_once(room: Room, level: Level) -> None:
    room.find(level=level)
    due = room.counter.due()
    assert due == START + POLICY[level].acknowledge
    assert room.wait(due - START - 1) == []
    [late] = room.wait(1)
    assert late.kind == "warning_escalated"
    assert (late.figures["from"], late.figures["to"]) == ("risk_officer", "approver")
    assert late.figures["step"] == "acknowledge"
    assert room.wait(30 * DAY) == []
    assert room.counter.due() == NOT_DUE


def test_what_is_assigned_and_not_handled_goes_to_the_next_role(room: Room) -> None:
    room.find(level="red")
    room.order("assign_warning", warning=room.only.id, to="zhao", role="supervisor")
    [late] = room.wait(POLICY["red"].handle)
    assert (late.figures["step"], late.figures["to"]) == ("handle", "risk_officer")


def test_the_rule_says_the_deadline_where_it_has_one(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = replace(PACK.rules["silence"], respond=10 * MINUTE)
    monkeypatch.setitem(PACK.rules, "silence", rule)  # type: ignore[arg-type]
    room.find()
    assert room.counter.due() == START + 10 * MINUTE


def test_orders_that_cannot_be_meant_change_nothing(room: Room) -> None:
    found, _ = room.find()
    warning = room.only.id
    before = room.counter.freeze()
    with pytest.raises(NotFound):
        room.order("acknowledge_warning", warning="0" * 64, note="seen it")
    for body in ({"note": ""}, {"note": "ok"}, {}):
        with pytest.raises(BadInput):
            room.order("acknowledge_warning", warning=warning, **body)
    with pytest.raises(BadInput):
        room.order("handle_warning", warning=warning, outcome="whatever", note="seen it")
    with pytest.raises(BadInput):
        room.order("assign_warning", warning=warning, to="x", role="borrower")
    assert room.counter.freeze() == before
    room.order("handle_warning", warning=warning, outcome="false_alarm", note="loose cable")
    for do, body in (
        ("acknowledge_warning", {"note": "seen it"}),
        ("handle_warning", {"outcome": "real", "note": "seen it"}),
        ("assign_warning", {"to": "x", "role": "supervisor"}),
    ):
        with pytest.raises(Conflict):
            room.order(do, warning=warning, **body)
    room.end(found)


def test_what_ended_unhandled_can_be_judged_for_a_month(room: Room) -> None:
    found, _ = room.find()
    room.end(found)
    room.wait(KEPT)
    room.order("handle_warning", warning=room.only.id, outcome="false_alarm", note="radio noise")
    assert room.only.state == "cleared"
    room.wait(1)
    assert not room.counter.groups


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["find", "end", "ack", "assign", "handle", "wait", "sleep"]),
        st.integers(0, 5),
        st.sampled_from([MINUTE, WINDOW, HOUR, DAY, KEPT]),
    ),
    max_size=60,
)


@given(STEPS)
def test_whatever_happens_the_states_agree_and_a_sleeper_wakes_the_same(steps: Any) -> None:
    room, found = Room(), dict[int, Finding]()
    for what, n, ns in steps:
        if what == "find" and n not in found:
            found[n] = room.find(f"L-{n}", level="red" if n == 0 else "amber")[0]
        elif what == "end" and n in found:
            room.end(found.pop(n))
        elif what == "wait":
            room.wait(ns)
        elif what == "sleep":
            kept = msgspec.json.decode(msgspec.json.encode(room.counter.freeze()))
            room.counter = Warnings(BANK, concerned=lambda *_: room.facilities)
            room.counter.thaw(kept)
            assert room.counter.freeze() == kept
        elif what in {"ack", "assign", "handle"} and room.counter.groups:
            warning = [*room.counter.groups][n % len(room.counter.groups)]
            body: dict[str, dict[str, str]] = {
                "ack": {"note": "seen it"}, "assign": {"to": "z", "role": "supervisor"},
                "handle": {"outcome": "real", "note": "seen it"},
            }  # fmt: skip
            do = {"ack": "acknowledge_warning", "assign": "assign_warning"}
            with suppress(Conflict):
                room.order(do.get(what, "handle_warning"), warning=warning, **body[what])
        groups = room.counter.groups.values()
        assert {f for g in groups for f in g.open} == {f.id for f in found.values()}
        assert all(bool(g.open) != g.over for g in groups)
        assert all(g.due == NOT_DUE for g in groups if g.state in {"handled", "cleared"})
        assert all(g.due > room.known or g.due == NOT_DUE for g in groups)
    assert len({act.id for act in room.acts}) == len(room.acts)
