"""A loan on copper in a warehouse, summer 2008 to its disposal: prices are real, see the README.

Every figure asserted here was worked out by hand; docs/packs/logistics.md shows the sums.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.homes import EXAMPLES, acts, brought_in, findings
from wuxin.audit import audit
from wuxin.evidence.proof import check_json, check_proof, read_proof
from wuxin.home import Home
from wuxin.portal import proofs
from wuxin.portal.access import Session


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("copper")
    with brought_in(EXAMPLES / "logistics" / "recording.toml", folder) as opened:
        yield opened


@pytest.fixture
def officer(home: Home) -> Session:
    return Session(home.tenant, "officer", "risk_officer", "", must_change=False, expires=1 << 62)


def on(day: str, done: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the one act of a day."""
    found = [a for a in done if a["at"].startswith(day)]
    assert len(found) == 1, found
    return found[0]


def test_the_loan_is_struck_on_four_hundred_tonnes(home: Home) -> None:
    opened = on("2008-08-05", acts(home, kind="facility_opened"))
    assert opened["mandate"] == "approver"
    assert opened["figures"]["outstanding"] == "1600000.00"
    marked = on("2008-08-05", acts(home, kind="revaluation"))["figures"]
    # 400 t × 8,414.043 USD/t (July 2008) = 3,365,617.20; lots are rounded to cents one by one
    assert marked["value"] == "3365617.21"
    assert marked["loan_to_value"] == "0.475396"  # 1,600,000 / 3,365,617.21, rounded up


def test_the_price_falls_and_the_first_call_is_answered_in_cash(home: Home) -> None:
    call = on("2008-10-02", acts(home, kind="margin_call"))["figures"]
    # September's average 6,990.864 USD/t on 370.04 t (L-07 is out: two receipts name it)
    assert call["value"] == "2586899.31"
    assert call["loan_to_value"] == "0.603039"  # 1,560,000 / 2,586,899.31
    # 1,560,000 − 0.50 × 2,586,899.31 = 266,550.345, called in thousands, seven days to pay
    assert call["call_amount"] == "267000.00"
    assert call["call_deadline"] == "2008-10-09T16:00:00Z"
    paid = on("2008-10-08", acts(home, kind="top_up"))
    assert (paid["mandate"], paid["figures"]["amount"]) == ("obligor", "267000.00")
    assert on("2008-10-08", acts(home, kind="margin_call_met"))


def test_the_second_call_is_missed_and_the_goods_are_sold(home: Home) -> None:
    call = on("2008-11-04", acts(home, kind="margin_call"))["figures"]
    # October's average 4,925.696 × 362.5 t = 1,785,564.80; exposure 1,560,000 − 267,000
    assert (call["value"], call["exposure"]) == ("1785564.80", "1293000.00")
    assert call["loan_to_value"] == "0.724141"
    # 1,293,000 − 0.50 × 1,785,564.80 = 400,217.60
    assert (call["needed"], call["call_amount"]) == ("400217.60", "401000.00")
    assert call["call_deadline"] == "2008-11-11T16:00:00Z"
    assert on("2008-11-12", acts(home, kind="margin_call_overdue"))
    assert on("2008-11-17", acts(home, kind="disposal_ordered"))["mandate"] == "approver"
    sold = on("2008-11-27", acts(home, kind="disposal"))["figures"]
    assert (sold["proceeds"], sold["outstanding"]) == ("1320464.25", "0.00")


def test_no_price_is_known_before_its_month_is_over(home: Home) -> None:
    marks = acts(home, kind="revaluation")
    july = [a for a in marks if a["at"] < "2008-09-02T12"]
    assert july
    assert all(a["figures"]["loan_to_value"] < "0.48" for a in july)


def test_removal_and_double_naming_are_found_at_once(home: Home) -> None:
    twice = findings(home, rule="double_naming")
    assert [(f["thing"], f["from"]) for f in twice] == [("L-07", "2008-09-17T02:00:00Z")]
    assert twice[0]["because"][0]["file"] == "receipts.csv"
    for rule in ("unauthorised_removal_weight", "unauthorised_removal_count"):
        gone = findings(home, rule=rule)
        assert [(f["thing"], f["level"], f["from"]) for f in gone] == [
            ("L-11", "red", "2008-10-19T00:20:00Z")
        ]
    away = findings(home, rule="out_of_place")
    assert [(f["thing"], f["to"]) for f in away] == [("L-14", "2008-11-14T00:26:00Z")]


def test_a_margin_call_walks_back_to_the_bytes_of_its_price(home: Home, officer: Session) -> None:
    call = on("2008-11-04", acts(home, kind="margin_call"))
    shown = proofs.of_record(home, officer, record=call["act"])
    reached = str(shown["because"])
    assert "2008-11-04T12:00:00Z,2008-10,yes,4925.696,2121.413" in reached
    assert "loan_to_value_breach" in reached
    head = check_json(shown["proof"], vkey=home.signer.vkey)
    assert head.size == home.log.size


def test_its_receipt_is_a_proof_that_a_stranger_can_check(home: Home, officer: Session) -> None:
    call = on("2008-10-02", acts(home, kind="margin_call"))
    proof = read_proof(proofs.file_of(home, officer, record=call["act"]))
    receipt = home.book.receipt(home.tenant, call["act"])
    assert receipt is not None
    check_proof(proof, home.log.entry(receipt["leaf"]), vkey=home.signer.vkey)


def test_the_borrower_sees_its_own_facility_and_a_stranger_none(home: Home) -> None:
    from wuxin.portal import queries

    def borrower(party: str) -> Session:
        return Session(home.tenant, "b", "borrower", party, must_change=False, expires=1 << 62)

    assert queries.facilities(home, borrower("Generated copper trader"))
    assert queries.facilities(home, borrower("somebody else")) == []
    assert queries.things(home, borrower("somebody else"), where={})["total"] == 0
    assert queries.findings(home, borrower("somebody else"), where={})["total"] == 0


def test_the_whole_story_verifies(home: Home) -> None:
    report = audit(home.folder, home.tenant)
    assert report.faults == []
    assert report.leaves == home.log.size
