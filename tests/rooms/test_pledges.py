"""Pledges: one identity per goods, nothing pledged twice, two clocks, likeness, a false pool."""

import math
import random
import sys
import threading
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from wuxin.finance.identity import Identity, identity
from wuxin.finance.likeness import Tolerance, likenesses, metres_between
from wuxin.finance.pledges import FOREVER, Place, Pledge, Register, thaw
from wuxin.finance.survey import Found, compare
from wuxin.terms.errors import BadInput, Conflict, NotFound
from wuxin.terms.names import Digest, ThingKey

YARD = Place("Foshan yard 3", 23.02, 113.12)
BATCHES, BATCH_G = 1_200, 25_000_000


def receipt(number: str, issuer: str = "WH Nanhai") -> Identity:
    return identity("receipt", number, issuer=issuer)


def pledge(id_: str, number: str = "", **other: Any) -> Pledge:
    plain: dict[str, Any] = {
        "facility": "F-1",
        "thing": ThingKey("lot", id_),
        "identities": (receipt(number or f"WR-{id_}"),),
        "owner": "Trader",
        "custodian": "WH Nanhai",
        "begins": 10,
        "place": YARD,
    }
    return Pledge(id=id_, **(plain | other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            ("receipt", "WR-2022/0517", "Wh Nanhai"),
            ("receipt", "\uff37\uff32\u20132022/0517 ", "WH  NANHAI"),
        ),
        (("ear", "156 000 123456789", "CN"), ("ear", "156000123\u200b456789", "cn")),
        (("gs1", "(00)340123450000000000", ""), ("gs1", "urn:epc:id:sscc:4012345.3000000000", "")),
        (
            ("gs1", "(01)09521141111116(21)ab1", ""),
            ("gs1", "https://id.gs1.org/01/9521141111116/21/AB1?x=1", ""),
        ),
    ],
)  # fmt: skip
def test_one_number_in_two_hands_is_one_identity(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    a, b = (identity(scheme, text, issuer=by) for scheme, text, by in (one, other))
    assert a == b
    assert identity(a.scheme, a.value, issuer=a.issuer) == a


def test_numbers_of_two_issuers_are_two_identities() -> None:
    assert receipt("1001") != receipt("1001", "WH Sanshui")


@pytest.mark.parametrize(
    ("scheme", "text", "says"),
    [
        ("serial", "A1", "issuer"),
        ("serial", " \u200b", "no serial number"),
        ("colour", "red", "kind of number"),
        ("gs1", "(01)09521141111116", "no single goods"),
        ("gs1", "(01)09521141111117(21)A", "check digit"),
        ("gs1", "hello", "no GS1 key"),
        ("gs1", "(00)12", "18 digits"),
    ],
)
def test_what_names_no_single_goods_is_refused(scheme: str, text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        identity(scheme, text)


def test_the_same_goods_are_not_pledged_twice_and_the_refusal_says_who_where_and_lien() -> None:
    book = Register()
    book.claim(pledge("P-1", "WR-7"), known=10)
    again = pledge("P-2", "wr\u20117", facility="F-2", begins=50)
    with pytest.raises(Conflict) as refused:
        book.claim(again, known=50)
    for part in ("F-1", "P-1", "lien 1", "Foshan yard 3", "WR-7", "no lower lien"):
        assert part in str(refused.value)
    [contest] = book.contests(again)
    assert contest.earlier.id == "P-1"
    assert "第1顺位" in contest.words.zh
    assert len(book.entries()) == 1


def test_the_same_thing_under_another_number_is_refused_too() -> None:
    book = Register()
    book.claim(pledge("P-1"), known=10)
    with pytest.raises(Conflict, match="thing lot:P-1"):
        book.claim(pledge("P-2", thing=ThingKey("lot", "P-1")), known=11)


def test_a_lower_lien_stands_only_where_every_earlier_one_allows_it() -> None:
    book = Register()
    book.claim(pledge("P-1", "WR", junior=True), known=10)
    for lien, allowed in ((1, False), (2, True), (2, False), (3, False)):
        claim = pledge(f"P-x{lien}{allowed}", "WR", facility="F-2", lien=lien)
        if allowed:
            book.claim(claim, known=11)
        else:
            with pytest.raises(Conflict):
                book.claim(claim, known=11)
    assert [one.lien for one in book.holders(receipt("WR"), at=20)] == [1, 2]


def test_released_goods_can_be_pledged_again_but_not_back_into_the_time_before() -> None:
    book = Register()
    book.claim(pledge("P-1", "WR"), known=10)
    book.release("P-1", at=100, known=90, why="repaid")
    with pytest.raises(Conflict):
        book.claim(pledge("P-2", "WR", begins=99), known=91)
    book.claim(pledge("P-2", "WR", begins=100), known=91)
    assert [one.id for one in book.holders(receipt("WR"), at=99)] == ["P-1"]
    assert [one.id for one in book.holders(receipt("WR"), at=100)] == ["P-2"]
    with pytest.raises(Conflict, match="cannot end"):
        book.release("P-1", at=200, known=92, why="put off")


def test_the_book_is_asked_as_it_was_known_at_a_moment() -> None:
    book = Register()
    first = pledge("P-1", begins=10)
    book.claim(first, known=10)
    moved = msgspec.structs.replace(first, place=Place("yard 4"), custodian="WH Sanshui")
    book.amend(moved, at=20, known=60, why="moved, heard of late")
    book.release("P-1", at=40, known=80, why="repaid")

    def place(at: int, known: int) -> list[str]:
        return [one.place.name for one in book.in_force(at=at, known=known, facility="F-1")]

    assert place(30, 59) == ["Foshan yard 3"]
    assert place(30, 60) == ["yard 4"]
    assert place(19, 60) == ["Foshan yard 3"]
    assert place(50, 79) == ["yard 4"]
    assert place(50, 80) == []
    assert place(39, 80) == ["yard 4"]
    assert place(30, 9) == []
    assert place(9, FOREVER) == []


def test_goods_facility_and_lien_cannot_be_amended() -> None:
    book = Register()
    book.claim(pledge("P-1"), known=10)
    changes: tuple[dict[str, Any], ...] = ({"facility": "F-2"}, {"lien": 2}, {"junior": True})
    for change in changes:
        with pytest.raises(Conflict, match="release it first"):
            book.amend(pledge("P-1", **change), at=20, known=20, why="")
    with pytest.raises(NotFound):
        book.amend(pledge("P-9"), at=20, known=20, why="")
    with pytest.raises(BadInput, match="until"):
        book.claim(pledge("P-2"), known=9)


def test_at_random_no_moment_has_two_owners_of_one_lien() -> None:
    for seed in range(40):
        draw = random.Random(seed)  # noqa: S311 - a test's draw
        book, asked, refused = Register(), 0, 0
        for known in range(120):
            id_ = f"P-{draw.randrange(30)}"
            try:
                if draw.random() < 0.7:
                    asked += 1
                    number = f"WR-{draw.randrange(6)}"
                    book.claim(
                        pledge(
                            id_, number, begins=draw.randrange(200), facility=f"F-{known}",
                            lien=draw.randint(1, 3), junior=draw.random() < 0.5,
                        ),
                        known=known,
                    )  # fmt: skip
                else:
                    book.release(id_, at=draw.randrange(300), known=known, why="")
            except (Conflict, NotFound):
                refused += 1
        assert 0 < refused < 120
        for known in (40, 80, FOREVER):
            for at in range(0, 320, 7):
                for k in range(6):
                    held = book.holders(receipt(f"WR-{k}"), at=at, known=known)
                    liens = [one.lien for one in held]
                    assert liens == sorted(set(liens))
                    assert all(senior.junior for senior, _ in pairwise(held))
        frozen = book.freeze()
        assert thaw(frozen).freeze() == frozen


def test_a_frozen_register_that_holds_goods_twice_does_not_thaw() -> None:
    one, two = Register(), Register()
    one.claim(pledge("P-1", "WR"), known=1)
    two.claim(pledge("P-2", "WR"), known=2)
    with pytest.raises(Conflict):
        thaw(one.freeze() + two.freeze())
    with pytest.raises(BadInput):
        thaw([{"do": "pledge"}])
    bent = one.freeze()
    bent[0]["do"] = "steal"
    with pytest.raises(BadInput, match="steal"):
        thaw(bent)


def test_of_many_threads_that_claim_the_same_goods_one_succeeds() -> None:
    goods, claimants = 200, 8
    book, won, start = Register(), [], threading.Barrier(claimants)

    def run(who: int) -> None:
        start.wait()
        for k in range(goods):
            claim = pledge(f"P-{who}-{k}", f"WR-{k}", facility=f"F-{who}")
            try:
                book.claim(claim, known=10)
            except Conflict:
                continue
            won.append((who, k))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=run, args=(who,)) for who in range(claimants)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert sorted(k for _, k in won) == list(range(goods))
    assert all(len(book.holders(receipt(f"WR-{k}"), at=10)) == 1 for k in range(goods))


def test_likeness_names_both_sides_with_figures() -> None:
    near = Place("yard 3b", 23.0201, 113.12)
    pool = [
        pledge("P-1", "WR-1O01", weight_g=25_000_000, documents=(Digest("ab" * 32),)),
        pledge("P-2", "WR1001", facility="F-2", place=Place("elsewhere")),
        pledge("P-3", facility="F-3", place=near, weight_g=25_050_000),
        pledge("P-4", facility="F-4", documents=(Digest("ab" * 32),)),
        pledge("P-5", facility="F-5", place=near, weight_g=25_400_000),
        pledge("P-6", place=near, weight_g=25_000_000),
    ]
    found = likenesses(pool)
    told = {(one.by, one.one.id, one.other.id): one.words.en for one in found.pairs}
    assert set(told) == {
        ("number", "P-1", "P-2"),
        ("document", "P-1", "P-4"),
        ("place and weight", "P-1", "P-3"),
        ("place and weight", "P-3", "P-6"),
    }
    near_words = told["place and weight", "P-1", "P-3"]
    for part in ("F-1/P-1", "F-3/P-3", "25000 kg", "25050 kg", "11.1 m"):
        assert part in near_words


def test_a_receipt_shown_under_another_warehouse_is_alike_and_a_second_lien_is_not() -> None:
    shown = pledge("P-2", facility="F-2", identities=(receipt("WR-P-1", "WH Sanshui"),))
    assert [one.by for one in likenesses([pledge("P-1"), shown]).pairs] == ["number"]
    second = pledge("P-3", "WR-P-1", facility="F-2", lien=2)
    assert likenesses([pledge("P-1"), second]).pairs == ()


@pytest.mark.parametrize(("lat", "lon"), [(0, 0), (23, 113), (-67, -179.9999), (85, 10)])
def test_the_grid_finds_the_pairs_that_comparing_all_with_all_finds(lat: float, lon: float) -> None:
    draw = random.Random(7)  # noqa: S311 - a test's draw
    pool = []
    for k in range(120):
        north = draw.uniform(-1, 1) * 120 / 111_195
        east = draw.uniform(-1, 1) * 120 / 111_195 / math.cos(math.radians(lat))
        where = Place("x", min(90, lat + north), (lon + east + 180) % 360 - 180)
        weight = draw.randint(1_000_000, 1_020_000)
        pool.append(pledge(f"P-{k}", facility=f"F-{k % 5}", place=where, weight_g=weight))
    expected = set()
    for k, one in enumerate(pool):
        for other in pool[:k]:
            apart = metres_between(one, other)
            heavier = max(one.weight_g or 0, other.weight_g or 0)
            apart_g = abs((one.weight_g or 0) - (other.weight_g or 0))
            near = apart is not None and apart <= 30 and apart_g * 1_000_000 <= 5_000 * heavier
            if near and one.facility != other.facility:
                expected.add((other.id, one.id))
    found = likenesses(pool)
    assert len(expected) > 20
    assert {(one.one.id, one.other.id) for one in found.pairs} == expected
    few = likenesses(pool, Tolerance(most=5))
    assert few.left_out
    assert len(few.pairs) == 5


def foshan() -> list[Pledge]:
    """1,200 batches of 25 t: 30,000 t that one lender has financed."""
    return [pledge(f"P-{k}", f"WR-{k}", weight_g=BATCH_G) for k in range(BATCHES)]


def there(count: int = BATCHES, *, weight_g: int | None = None, moved: int = 0) -> Found:
    pool = foshan()
    away = Place("another yard", 23.05, 113.12)
    return Found(
        seen=[number for one in pool[:count] for number in one.identities],
        weight_g=BATCHES * BATCH_G if weight_g is None else weight_g,
        places={one.id: away if k < moved else YARD for k, one in enumerate(pool)},
    )


def test_foshan_by_count() -> None:
    [gap] = compare(foshan(), there(360)).gaps
    assert (gap.measure, gap.pledged, gap.found, len(gap.concerned)) == ("count", 1200, 360, 840)
    assert "1200 things are pledged, 360 were read, 840 were not" in gap.words.en


def test_foshan_by_weight() -> None:
    [gap] = compare(foshan(), there(weight_g=9_000_000_000)).gaps
    assert gap.measure == "weight"
    assert gap.words.en == "30,000 t are pledged, 9,000 t were weighed, 21,000 t are short"


def test_foshan_by_position() -> None:
    [gap] = compare(foshan(), there(moved=840)).gaps
    assert (gap.measure, gap.pledged, gap.found) == ("position", 1200, 360)
    assert "840 of them more than 200 m" in gap.words.en
    assert "farthest 3336 m" in gap.words.en


def test_foshan_by_double_naming() -> None:
    book = Register()
    refused = 0
    for k in range(BATCHES):  # 360 batches of 25 t, named again and again
        real = k % 360
        claim = pledge(f"P-{k}", f"WR-{real}", facility=f"F-{k // 360}", weight_g=BATCH_G)
        try:
            book.claim(claim, known=10)
        except Conflict as error:
            refused += f"WR-{real} of WHNANHAI is pledged to F-0" in str(error)
    held = book.in_force(at=10)
    assert refused == 840
    assert sum(one.weight_g or 0 for one in held) == 9_000_000_000


def test_a_pool_that_is_all_there_has_no_gap_and_what_was_not_measured_is_said() -> None:
    assert compare(foshan(), there()).gaps == ()
    bare = compare(foshan(), Found([n for p in foshan() for n in p.identities], None, {}))
    assert bare.gaps == ()
    assert [one.en for one in bare.unmeasured] == [
        "nothing was weighed", "1200 things were not located",
    ]  # fmt: skip
