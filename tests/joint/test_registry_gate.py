"""Two banks with a home each, and a registry between them: the gate at the counter of pledges."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.faults.test_pledged_twice import TERMS
from tests.homes import acts, findings, still
from tests.joint.members import Members, claim
from wuxin import frozen
from wuxin.audit import audit
from wuxin.home import Home
from wuxin.joint.registry.ceremony import REGISTRY
from wuxin.pledging import Doorkeeper, gate_of
from wuxin.terms.errors import BadInput, Conflict, NotFound
from wuxin.terms.pledging import GoodsNumber
from wuxin.terms.records import Command


class Bank:
    """A home with one facility on two lots, and a doorkeeper."""

    def __init__(self, members: Members, name: str, **settings: Any) -> None:
        self.folder = members.folder / f"home-{name}"
        self.home = Home(self.folder, clock=still)
        things = [{"kind": "warehouse", "id": "W"}]
        things += [{"kind": "lot", "id": n, "parent": "warehouse:W"} for n in ("1", "2")]
        self.home.attend("yard", "logistics", things=things)
        body = {**TERMS, "id": "F", "pool": {"root": "warehouse:W", "kind": "lot"}}
        self.home.order(Command("open_facility", still(), "approver:a", "F", body), source="yard")
        self.gate = members.gate(name, **settings)
        self.door = Doorkeeper(self.home, self.gate)
        self.step = 0

    def pledge(self, receipt: str, lot: str = "1", **more: Any) -> Any:
        self.step += 1
        body = {
            "thing": f"lot:{lot}", "owner": "trader", "custodian": "中储",
            "identities": [{"scheme": "receipt", "text": receipt, "issuer": "中储发展"}],
            "place": {"name": "W"}, **more,
        }  # fmt: skip
        at = still() + self.step
        return self.home.order(
            Command("pledge", at, "risk_officer:r", "F", body, key=receipt + lot)
        )

    def open_rules(self) -> set[str]:
        return {f["rule"] for f in findings(self.home) if f["to"] is None}


@pytest.fixture
def members(tmp_path: Path) -> Members:
    return Members(tmp_path)


def test_goods_that_another_bank_holds_are_refused_with_a_finding(members: Members) -> None:
    one, other = Bank(members, "bank-a", contact="021-5555"), Bank(members, "bank-b")
    one.pledge("CR-17")
    assert acts(one.home)[-1]["figures"]["elsewhere"] == "clear"
    with pytest.raises(Conflict, match=r"pledged at another bank.*021-5555"):
        other.pledge("ｃｒ１７")
    found = findings(other.home)[-1]
    assert (found["rule"], found["level"]) == ("pledged_elsewhere", "red")
    assert other.gate.lodged() == frozenset()
    other.pledge("CR-18")


def test_a_bank_that_marks_enters_the_pledge_and_the_finding_ends_when_goods_are_free(
    members: Members,
) -> None:
    one, other = Bank(members, "bank-a"), Bank(members, "bank-b", held="mark")
    one.pledge("CR-17")
    other.pledge("CR-17")
    assert other.open_rules() >= {"pledged_elsewhere"}
    assert one.gate.withdraw("F/lot:1")
    assert other.door.ask_again() == 1
    assert "pledged_elsewhere" not in other.open_rules()
    told = [a for a in acts(other.home) if "elsewhere" in a["figures"]]
    assert told[-1]["figures"]["elsewhere"] == "clear"
    assert other.door.ask_again() == 0


@pytest.mark.parametrize("setting", ["refuse", "mark"])
def test_a_registry_that_is_not_reached_is_never_passed_over_in_silence(
    members: Members, setting: str
) -> None:
    bank = Bank(members, "bank-a", unreached=setting)
    away = members.servers.pop("key-b")
    if setting == "refuse":
        with pytest.raises(Conflict, match="could not be asked"):
            bank.pledge("CR-17")
        assert findings(bank.home)[-1]["rule"] == "registry_unreached"
        return
    bank.pledge("CR-17")
    assert "registry_unreached" in bank.open_rules()
    members.servers["key-b"] = away
    assert bank.door.ask_again() == 1
    assert "registry_unreached" not in bank.open_rules()
    assert bank.gate.lodged() == {"F/lot:1"}


def test_what_is_released_here_is_withdrawn_there(members: Members) -> None:
    one, other = Bank(members, "bank-a"), Bank(members, "bank-b")
    one.pledge("CR-17")
    assert one.door.carry() == 0
    register = one.home.flow.bank.books.register
    id_ = next(p.id for p in register.in_force(at=still() + 9) if str(p.thing) == "lot:1"
               and "CR-17" in str(p.identities[0]))  # fmt: skip
    register.release(id_, at=still() + 1, known=still() + 9, why="repaid")
    assert one.door.carry() == 1
    other.pledge("CR-17")


def test_a_pledge_on_its_way_is_not_carried_back(members: Members) -> None:
    bank = Bank(members, "bank-a")
    carried = []
    obeyed = bank.home._obeyed

    def slow(command: Command, **more: Any) -> Any:
        carried.append(bank.door.carry())  # the thread beside, between the two
        return obeyed(command, **more)

    bank.home._obeyed = slow  # type: ignore[method-assign]
    bank.pledge("CR-17")
    assert carried == [0]
    assert bank.gate.lodged() == {"F/lot:1"}
    with pytest.raises(NotFound):
        bank.home.order(Command("pledge", still() + 9, "risk_officer:r", "NONE", {
            "thing": "lot:2", "owner": "trader", "custodian": "中储", "place": {"name": "W"},
            "identities": [{"scheme": "receipt", "text": "CR-99", "issuer": "中储发展"}],
        }))  # fmt: skip
    assert bank.gate.lodged() == {"F/lot:1"}


def test_an_order_that_the_counter_refuses_is_taken_back_from_the_registry(
    members: Members,
) -> None:
    one, other = Bank(members, "bank-a"), Bank(members, "bank-b")
    one.pledge("CR-17", lot="1")
    with pytest.raises(Conflict, match="is pledged to F"):
        one.pledge("CR-17", lot="2", documents=["ab" * 32])
    assert one.gate.lodged() == {"F/lot:1"}
    with pytest.raises(Conflict):
        other.pledge("CR-17")
    other.pledge("CR-19", documents=["ab" * 32])


def test_an_answer_cannot_be_ordered_and_a_repeated_order_is_asked_once(members: Members) -> None:
    bank = Bank(members, "bank-a")
    with pytest.raises(BadInput, match="asked of it, not ordered"):
        bank.pledge("CR-17", elsewhere={"state": "clear", "then": "enter", "at": 1})
    bank.pledge("CR-17")
    asked = len(members.carried)
    assert bank.pledge("CR-17").repeats
    assert len(members.carried) == asked


def test_the_journal_alone_gives_the_same_again(members: Members) -> None:
    one, other = Bank(members, "bank-a"), Bank(members, "bank-b", held="mark")
    one.pledge("CR-17")
    other.pledge("CR-17")
    before = frozen.digest(other.home.flow)
    other.home.close()
    with Home(other.folder, clock=still) as again:
        assert frozen.digest(again.flow) == before
    assert not audit(other.folder, other.home.tenant).faults


def test_without_the_setting_nobody_is_asked() -> None:
    assert gate_of(None, still) is None


# ---- two threads at one bank's gate ------------------------------------------------------------


@contextmanager
def on_the_way(members: Members, meanwhile: Callable[[], None]) -> Iterator[None]:
    """While the next request is on its way to the registry, something else happens, once."""
    server = members.servers[REGISTRY]
    calm = server.handle

    def handle(data: bytes) -> bytes:
        server.handle = calm
        meanwhile()
        answer: bytes = calm(data)
        return answer

    server.handle = handle
    yield
    server.handle = calm


def beside(do: Callable[[], Any], *, moment_s: float = 0.5) -> tuple[threading.Thread, list[Any]]:
    """A thread that does something, and what came of it; it has a moment to do it at once."""
    told: list[Any] = []
    thread = threading.Thread(target=lambda: told.append(do()), daemon=True)
    thread.start()
    thread.join(moment_s)
    return thread, told


def test_a_number_that_is_lodged_while_it_is_withdrawn_stands_in_the_registry(
    members: Members,
) -> None:
    gate = members.gate("bank-a")
    gate.lodge(claim("p1"))
    others: list[tuple[threading.Thread, list[Any]]] = []
    with on_the_way(members, lambda: others.append(beside(lambda: gate.lodge(claim("p2"))))):
        assert gate.withdraw("p1")
    others[0][0].join(10)
    assert [said.state for said in others[0][1]] == ["clear"]
    assert gate.lodged() == {"p2"}
    assert members.gate("bank-b").lodge(claim("x")).state == "held"


def test_a_number_that_is_withdrawn_while_another_order_is_refused_is_free(
    members: Members,
) -> None:
    gate, other = members.gate("bank-a"), members.gate("bank-b")
    barred = GoodsNumber("receipt", "B-9", "中储")
    other.lodge(claim("theirs", barred))
    gate.lodge(claim("p1"))
    both = claim("p2", *claim().numbers, barred)
    others: list[tuple[threading.Thread, list[Any]]] = []
    with on_the_way(members, lambda: others.append(beside(lambda: gate.withdraw("p1")))):
        assert gate.lodge(both).state == "held"
    others[0][0].join(10)
    assert others[0][1] == [True]
    assert gate.lodged() == frozenset()
    assert other.lodge(claim("x")).state == "clear"


def test_nobody_waits_longer_than_its_patience_for_an_order_that_hangs(members: Members) -> None:
    gate = members.gate("bank-a", patience_s=0.2)
    over, told = threading.Event(), []

    def meanwhile() -> None:
        since = time.monotonic()
        said = beside(lambda: gate.lodge(claim("p2")), moment_s=30)[1]
        gone = beside(lambda: gate.withdraw("p1"), moment_s=30)[1]
        known = beside(gate.lodged, moment_s=30)[1]
        told.append((said[0].state, said[0].why, gone, known, time.monotonic() - since))
        over.set()

    with on_the_way(members, meanwhile):
        assert gate.lodge(claim("p1")).state == "clear"
    assert over.is_set()
    state, why, gone, known, took = told[0]
    assert (state, gone, known) == ("unreached", [False], [{"p1"}])
    assert "not answered within 0.2 s" in why
    assert took < 10
    assert gate.withdraw("p1")


def test_an_order_that_waits_is_not_overtaken_by_a_thread_that_withdraws_many(
    members: Members,
) -> None:
    turns, told = members.gate("bank-a", patience_s=30.0)._turns, list[str]()

    def order(name: str) -> None:
        with turns.one():
            told.append(name)

    for _ in range(10):
        with turns.one():
            waiting = beside(lambda: order("waited"), moment_s=0.05)[0]
        order("came after")
        waiting.join()
    assert told == ["waited", "came after"] * 10
