"""The same goods are never pledged twice: not by eight hands at once, not over a power cut."""

import os
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.homes import still
from wuxin import frozen
from wuxin.finance.identity import identity
from wuxin.finance.pledges import Place, Pledge, Register
from wuxin.home import Home
from wuxin.terms.errors import Conflict, Refused
from wuxin.terms.names import ThingKey
from wuxin.terms.records import Command

HANDS, GOODS = 8, 12
TERMS: dict[str, Any] = {
    "obligor": "trader", "currency": "USD", "principal": "1000", "opened": "2025-01-01",
    "haircut": "0.2", "maximum_loan_to_value": "0.8", "target_loan_to_value": "0.7",
    "call_deadline": "5 d", "minimum_transfer": "1",
    "terms": {"price": "price_series:x", "price_unit": "USD/t"},
}  # fmt: skip


def opened(folder: Path) -> Home:
    """Open a home with eight facilities, each on a warehouse of its own with lots of its own."""
    home = Home(folder, clock=still)
    things = [{"kind": "warehouse", "id": f"W{n}"} for n in range(HANDS)]
    things += [{"kind": "lot", "id": f"{n}-{k}", "parent": f"warehouse:W{n}"}
               for n in range(HANDS) for k in range(GOODS)]  # fmt: skip
    home.attend("yard", "logistics", things=things)
    for n in range(HANDS):
        pool = {"root": f"warehouse:W{n}", "kind": "lot"}
        body = {**TERMS, "id": f"F-{n}", "pool": pool}
        home.order(Command("open_facility", still(), "approver:a", f"F-{n}", body), source="yard")
    return home


def pledge(home: Home, hand: int, *, receipt: int) -> None:
    body = {
        "thing": f"lot:{hand}-{receipt}", "owner": "trader", "custodian": "keeper",
        "identities": [{"scheme": "receipt", "text": f"WR-{receipt}", "issuer": "keeper"}],
        "place": {"name": f"W{hand}"},
    }  # fmt: skip
    home.order(Command("pledge", still() + hand, f"risk_officer:{hand}", f"F-{hand}", body))


def holders(home: Home) -> Counter[str]:
    found = home.flow.bank.books.register.in_force(at=still() + HANDS)
    return Counter(str(one) for p in found for one in p.identities if one.scheme == "receipt")


def at_once(does: Callable[[int], None]) -> None:
    ready = threading.Barrier(HANDS)

    def run(hand: int) -> None:
        """Wait for the others, then do it."""
        ready.wait()
        does(hand)

    threads = [threading.Thread(target=run, args=(hand,)) for hand in range(HANDS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_of_eight_hands_one_gets_the_goods_and_the_others_hear_who_has_them(
    tmp_path: Path,
) -> None:
    home, refused = opened(tmp_path), []

    def grab(hand: int) -> None:
        """Pledge every receipt, each hand beginning elsewhere."""
        for k in range(GOODS):
            try:
                pledge(home, hand, receipt=(k + hand) % GOODS)
            except Conflict as wrong:
                refused.append(str(wrong))

    at_once(grab)
    assert holders(home) == Counter({f"receipt WR-{k} of KEEPER": 1 for k in range(GOODS)})
    assert len(refused) == (HANDS - 1) * GOODS
    assert all("is pledged to F-" in said for said in refused)
    found = home.book.findings(home.tenant, {"rule": "pledged_twice"})
    assert len(found) == len(refused)
    before = frozen.digest(home.flow)
    home.close()
    again = Home(tmp_path, clock=still)
    assert frozen.digest(again.flow) == before
    again.close()


def test_a_power_cut_between_two_hands_lets_no_second_one_in(tmp_path: Path) -> None:
    opened(tmp_path).close()
    child = os.fork()
    if child == 0:  # the machine that goes down: nothing is closed, nothing is flushed by Python
        home = Home(tmp_path, clock=still)
        for k in range(GOODS // 2):
            pledge(home, 0, receipt=k)
        os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    with Home(tmp_path, clock=still) as home:
        for k in range(GOODS // 2):
            with pytest.raises(Conflict, match="is pledged to F-0"):
                pledge(home, 1, receipt=k)
        for k in range(GOODS // 2, GOODS):
            pledge(home, 1, receipt=k)
        assert holders(home) == Counter({f"receipt WR-{k} of KEEPER": 1 for k in range(GOODS)})


MOVES = st.lists(
    st.tuples(st.sampled_from("cr"), st.integers(0, 4), st.integers(0, 5), st.integers(0, 9)),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(MOVES)
def test_no_number_is_ever_held_twice_at_one_moment(
    moves: list[tuple[str, int, int, int]],
) -> None:
    register, known = Register(), 0
    for do, number, facility, at in moves:
        known += 1
        id_ = f"{facility}/{number}/{known if do == 'c' else 0}"
        try:
            if do == "c":
                register.claim(
                    Pledge(id_, f"F-{facility}", ThingKey("lot", id_),
                           (identity("tag", f"E{number}"),), "o", "c", at, Place("p")),
                    known=known,
                )  # fmt: skip
            else:
                held = register.in_force(at=at, facility=f"F-{facility}")
                if held:
                    register.release(held[0].id, at=at, known=known, why="sold")
        except Refused:
            continue
    for moment in range(11):
        found = register.in_force(at=moment)
        assert len({p.identities[0] for p in found}) == len(found)
