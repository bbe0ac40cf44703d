"""The register's counter: entries with numbers, contests, likeness, surveys, insurance."""

from typing import Any

import pytest

from tests.rooms.test_finance import TERMS
from tests.rooms.yard import DAY_ONE, Lots, Yard, kinds, lot, rules
from wuxin.terms.clock import moment
from wuxin.terms.errors import BadInput, Conflict, NotFound, Refused
from wuxin.terms.names import ThingKey
from wuxin.terms.records import Cleared

PAPER = "a" * 64


def numbers(yard: Yard) -> list[str]:
    found = yard.desk.books.register.in_force(at=moment("2009-01-01"), facility="F-1")
    return sorted(str(one) for pledge in found for one in pledge.identities)


def test_a_pledge_with_numbers_takes_the_place_of_the_bare_entry() -> None:
    yard = Yard()
    assert kinds(yard.tell("pledge", DAY_ONE, **yard.pledged(1))) == ["pledge_entered"]
    assert "lot AL-0001 of SMELTER" in numbers(yard)
    assert len(numbers(yard)) == 4
    entry = yard.desk.books.register.in_force(at=moment(DAY_ONE), facility="F-1")
    assert next(p.weight_g for p in entry if p.thing == lot(1)) == 250_000_000
    with pytest.raises(Conflict, match="amend that, or release it first"):
        yard.tell("pledge", "2008-08-02", **yard.pledged(1))


def test_a_number_that_another_facility_holds_is_refused_and_warned_of() -> None:
    yard, other = Yard(), Lots(0, root=ThingKey("warehouse", "WH-2"))
    other.lots = {lot(8): yard.lots.lots[lot(1)]}
    yard.tell("pledge", DAY_ONE, **yard.pledged(1))
    mine, yard.lots = yard.lots, other
    place = {"root": "warehouse:WH-2", "kind": "lot"}
    yard.tell("open_facility", DAY_ONE, facility="F-2",
              **{**TERMS, "id": "F-2", "principal": "1000", "pool": place})  # fmt: skip
    body = {**yard.pledged(1), "thing": "lot:L-8"}
    with pytest.raises(Conflict, match="AL-0001 of SMELTER is pledged to F-1") as refused:
        yard.tell("pledge", DAY_ONE, facility="F-2", **body)
    assert rules([*refused.value.said]) == ["pledged_twice"]
    assert refused.value.said[0].thing == lot(8)
    yard.lots = mine


def test_a_copied_number_and_a_paper_shown_twice_look_alike() -> None:
    yard = Yard()
    yard.tell("pledge", DAY_ONE, **yard.pledged(1, documents=[PAPER]))
    copied = [{"scheme": "lot", "text": "AL-OOO1", "issuer": "other smelter"}]
    said = yard.tell("pledge", DAY_ONE, **yard.pledged(2, identities=copied))
    assert rules(said) == ["alike_pledge"]
    assert "AL-0001" in said[-1].reasons[0].en  # type: ignore[union-attr]
    assert rules(yard.tell("pledge", DAY_ONE, **yard.pledged(3, documents=[PAPER]))) == [
        "alike_pledge"
    ]
    assert rules(yard.tell("pledge", DAY_ONE, **yard.pledged(4))) == []
    yard.rest()
    yard.tell("release_things", "2008-08-02", things=["lot:L-2"], reason="sold")
    ended = [one for one in yard.tick("2008-08-03") if isinstance(one, Cleared)]
    assert len(ended) == 1


def survey(yard: Yard, on: str, **body: Any) -> list[Any]:
    return yard.tell("survey", on, **body)


def entered(**terms: Any) -> Yard:
    """Four lots that are pledged with their numbers, weights and places, and valued."""
    yard = Yard(evidence_haircut=True, **terms)
    for n in range(1, 5):
        yard.tell("pledge", DAY_ONE, **yard.pledged(n))
    yard.tick("2008-08-02")
    return yard


def seen(*lots: int) -> list[dict[str, str]]:
    return [{"scheme": "lot", "text": f"al {n:04}".replace(" ", "-"), "issuer": "Smelter"}
            for n in lots]  # fmt: skip


def test_what_was_not_read_is_a_gap_until_a_later_survey_finds_it() -> None:
    yard = entered()
    before = yard.facility["lendable"]
    said = survey(yard, "2008-08-03", seen=seen(1, 2, 3), device="handheld")
    assert rules(said) == ["count_gap"]
    assert said[1].reasons[0].en == "4 things are pledged, 3 were read, 1 were not"
    yard.tick("2008-08-04")
    lines = {line["thing"]: line for line in yard.facility["lines"]}
    assert lines["lot:L-4"]["haircut"] == "0.60"  # 0.20, and 0.40 for contradicted evidence
    assert lines["lot:L-1"]["haircut"] == "0.20"
    assert "3 were read" in lines["lot:L-4"]["why"][0]["en"]
    assert float(yard.facility["lendable"]) < float(before)
    yard.rest()
    again = survey(yard, "2008-08-05", seen=seen(1, 2, 3, 4))
    assert [type(one).__name__ for one in again] == ["Act", "Cleared"]
    yard.tick("2008-08-06")
    assert yard.facility["lendable"] == before


def test_weight_and_position_are_each_measured_alone() -> None:
    yard = entered()
    said = survey(yard, "2008-08-03", seen=seen(1, 2, 3, 4), weight="990", unit="t")
    assert rules(said) == ["weight_gap"]
    moved = [{"thing": "lot:L-2", "latitude": 24.0, "longitude": 113.0}]
    said = survey(yard, "2008-08-04", seen=seen(1, 2, 3, 4), places=moved)
    assert rules(said) == ["position_gap"]
    assert said[0].figures["unmeasured_en"].startswith("nothing was weighed")
    said = survey(yard, "2008-08-05", weight="1000", unit="t")
    assert [type(one).__name__ for one in said] == ["Act", "Cleared"]  # the weight, and only that


def test_scales_and_boxes_hold_the_register_to_account_every_day() -> None:
    yard = entered()
    for n in range(1, 5):
        yard.lots.says[lot(n), "net_weight"] = 250_000.0
        yard.lots.says[lot(n), "latitude"] = 23.0 + n / 100
        yard.lots.says[lot(n), "longitude"] = 113.0
    assert rules(yard.tick("2008-08-03")) == []
    yard.lots.says[lot(3), "net_weight"] = 100_000.0
    assert rules(yard.tick("2008-08-04")) == ["weight_gap"]
    yard.lots.says[lot(2), "latitude"] = 23.5
    assert rules(yard.tick("2008-08-05")) == ["position_gap"]
    yard.lots.says[lot(3), "net_weight"] = 250_000.0
    assert sum(isinstance(one, Cleared) for one in yard.tick("2008-08-06")) == 1


def test_insurance_that_runs_out_is_a_finding_until_it_is_renewed() -> None:
    yard = Yard()
    policy = {"policy": "P-1", "insurer": "Insurer", "ends": "2008-09-01"}
    yard.tell("pledge", DAY_ONE, **yard.pledged(1, insurance=policy))
    assert rules(yard.tick("2008-08-31")) == []
    assert rules(yard.tick("2008-09-01")) == ["uninsured"]
    assert rules(yard.tick("2008-09-02")) == []
    said = yard.tell("amend_pledge", "2008-09-03", thing="lot:L-1", reason="renewed",
                     insurance={**policy, "ends": "2009-09-01"})  # fmt: skip
    assert [type(one).__name__ for one in said] == ["Act", "Cleared"]


@pytest.mark.parametrize(
    ("do", "changed", "error", "said"),
    [
        ("pledge", {"weight": "0.0000001"}, BadInput, "no weight of whole grams"),
        ("pledge", {"identities": []}, BadInput, "length"),
        ("pledge", {"documents": ["x"]}, BadInput, "regex|pattern"),
        ("pledge", {"identities": [{"scheme": "gs1", "text": "(01)123"}]}, BadInput, "gs1|digits"),
        ("pledge", {"place": {"name": "x", "latitude": 91}}, BadInput, "latitude"),
        ("amend_pledge", {"thing": "lot:L-1", "reason": "none"}, BadInput, "nothing is changed"),
        ("amend_pledge", {"thing": "lot:L-9", "reason": "x", "custodian": "y"}, NotFound, "L-9"),
        ("survey", {"places": [{"thing": "lot:L-9", "latitude": 1, "longitude": 1}]}, NotFound,
         "L-9 is not pledged"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_and_changes_nothing(
    do: str, changed: dict[str, Any], error: type[Refused], said: str
) -> None:
    yard = Yard()
    before = yard.desk.books.register.freeze(), yard.keeper.freeze()
    body = {**yard.pledged(1), **changed} if do == "pledge" else changed
    with pytest.raises(error, match=f"(?i){said}"):
        yard.tell(do, DAY_ONE, **body)
    assert (yard.desk.books.register.freeze(), yard.keeper.freeze()) == before
