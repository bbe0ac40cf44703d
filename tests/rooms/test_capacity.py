"""Spare and short capacity: whole orders within spare hours, the cheapest, and why not."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wuxin.finance.capacity import Capacity, MatchCapacity, WithdrawCapacity
from wuxin.finance.matching import OfferCapacity, SeekCapacity, Standing, fits, match
from wuxin.packs import schema
from wuxin.terms.clock import moment
from wuxin.terms.counter import BANK, Now
from wuxin.terms.errors import BadInput, Conflict
from wuxin.terms.names import Tenant
from wuxin.terms.records import Act, Command

AT = moment("2026-01-05T08:00:00Z")
MAY = {"free_from": "2026-05-01T00:00:00Z", "free_until": "2026-05-31T00:00:00Z"}
DUE = {"begins": "2026-05-04T00:00:00Z", "due": "2026-05-20T00:00:00Z"}


def offer(name: str, hours: int = 100, *, price: str = "80", **more: Any) -> OfferCapacity:
    told = {"factory": f"F-{name}", "skill": "turning", "currency": "CNY", **MAY, **more}
    return OfferCapacity(id=name, hours=hours, price=price, **told)


def need(name: str, hours: int = 60, *, price: str = "100", **more: Any) -> SeekCapacity:
    told = {"factory": f"S-{name}", "skill": "turning", "currency": "CNY", **DUE, **more}
    return SeekCapacity(id=name, hours=hours, price=price, **told)


def placed(offers: list[OfferCapacity], needs: list[SeekCapacity]) -> list[tuple[str, str, int]]:
    return [(needs[p.need].id, offers[p.offer].id, p.hours) for p in match(Standing(offers, needs))]


def test_an_order_goes_to_the_cheapest_factory_that_can_do_it() -> None:
    offers = [offer("a", price="90"), offer("b", price="70"), offer("c", price="60", skill="mill")]
    assert placed(offers, [need("n")]) == [("n", "b", 60)]


def test_more_hours_are_placed_even_where_that_costs_more() -> None:
    offers = [offer("cheap", 60, price="50"), offer("dear", 40, price="95")]
    needs = [need("small", 40), need("large", 60)]
    assert sorted(placed(offers, needs)) == [("large", "cheap", 60), ("small", "dear", 40)]


def test_an_order_is_divided_only_as_far_as_it_allows() -> None:
    offers = [offer("a", 40), offer("b", 40)]
    assert placed(offers, [need("n", 70)]) == []
    assert sum(h for _, _, h in placed(offers, [need("n", 70, parts=2)])) == 70


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"skill": "casting"}, "skill"),
        ({"price": "101"}, "too dear"),
        ({"factory": "S-n"}, "same factory"),
        ({"free_until": "2026-05-02T00:00:00Z"}, "another time"),
        ({"reliability": 60}, "order fill"),
        ({"currency": "USD"}, "currency"),
    ],
)
def test_what_speaks_against_an_offer_is_said(more: dict[str, Any], said: str) -> None:
    assert fits(need("n", reliability=80), offer("a")) == []
    [why] = fits(need("n", reliability=80), offer("a", **{"price": "80", **more}))
    assert said in why.en


def best(offers: list[OfferCapacity], needs: list[SeekCapacity]) -> int:
    """The most hours that any way of placing needs of one part gives, by trying all."""
    most = 0
    for choice in product(range(-1, len(offers)), repeat=len(needs)):
        left = [o.hours for o in offers]
        good = True
        for n, o in enumerate(choice):
            if o >= 0:
                left[o] -= needs[n].hours
                good &= not fits(needs[n], offers[o])
        if good and min(left, default=0) >= 0:
            most = max(most, sum(needs[n].hours for n, o in enumerate(choice) if o >= 0))
    return most


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 50), st.integers(50, 110)), max_size=3),
    st.lists(st.tuples(st.integers(1, 50), st.integers(60, 100)), max_size=3),
)
def test_no_way_of_placing_orders_places_more_hours(
    spare: list[tuple[int, int]], short: list[tuple[int, int]]
) -> None:
    offers = [offer(f"o{k}", h, price=str(p)) for k, (h, p) in enumerate(spare)]
    needs = [need(f"n{k}", h, price=str(p)) for k, (h, p) in enumerate(short)]
    found = match(Standing(offers, needs))
    assert sum(p.hours for p in found) == best(offers, needs)
    for k, one in enumerate(offers):
        assert sum(p.hours for p in found if p.offer == k) <= one.hours


# ---- the counter -----------------------------------------------------------------------------


NOW = Now(AT, AT, BANK, schema.load("common"), twin=None)  # type: ignore[arg-type]


def told(do: str, key: str) -> Command:
    return Command(do=do, at=AT, by="manager", facility="", body={"key": key})


@pytest.fixture
def counter() -> Capacity:
    """Return a counter at which two factories have spare hours, and three orders wait."""
    counter = Capacity(Tenant("t"))
    for one in (offer("a", 100, price="70"), offer("b", 50, price="90")):
        counter.offer(told("offer_capacity", one.id), one, now=NOW)
    for two in (need("x", 100), need("y", 30), need("z", 40, skill="casting")):
        counter.seek(told("seek_capacity", two.id), two, now=NOW)
    return counter


def test_each_order_is_told_where_it_went_or_why_not(counter: Capacity) -> None:
    said = counter.match(told("match_capacity", "m"), MatchCapacity(), now=NOW)
    acts = {a.figures["need"]: a for a in said if isinstance(a, Act)}
    assert {n: a.kind for n, a in acts.items()} == {
        "x": "capacity_matched", "y": "capacity_matched", "z": "capacity_waiting",
    }  # fmt: skip
    assert acts["x"].figures["part_1"] == "100 h × 70 CNY = 7000.00 → F-a (a)"
    assert "its skill is turning" in acts["z"].figures["offer_a"]
    assert len(acts["x"].because) == 3  # the order to match, the need, the offer


def test_what_was_placed_is_gone_and_the_rest_stands(counter: Capacity) -> None:
    counter.match(told("match_capacity", "m"), MatchCapacity(), now=NOW)
    again = Capacity(Tenant("t"))
    again.thaw(counter.freeze())
    assert again.freeze() == counter.freeze()
    with pytest.raises(BadInput, match="stands"):
        again.withdraw(told("withdraw_capacity", "w"), WithdrawCapacity("a"), now=NOW)
    again.withdraw(told("withdraw_capacity", "w"), WithdrawCapacity("b"), now=NOW)
    again.withdraw(told("withdraw_capacity", "w"), WithdrawCapacity("z"), now=NOW)
    assert again.freeze() == [[], []]


@pytest.mark.parametrize(
    "more",
    [
        {"hours": 0}, {"price": "-1"}, {"reliability": 101}, {"skill": ""},
        {"free_until": "2026-04-01T00:00:00Z"},
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(counter: Capacity, more: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        counter.offer(told("offer_capacity", "c"), offer("c", **more), now=NOW)


def test_an_id_stands_once(counter: Capacity) -> None:
    with pytest.raises(Conflict):
        counter.seek(told("seek_capacity", "a"), need("a"), now=NOW)
