"""Credit and the books over the API: paged, balanced, kept apart by party, steps by role."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.homes import EXAMPLES, brought_in
from tests.rooms.test_credit import MAKER, SOUND, apply, claim
from wuxin.finance.ledger import CHART
from wuxin.home import Home
from wuxin.portal.access import Accounts
from wuxin.portal.api import build
from wuxin.terms.clock import system_clock

COPPER = "Generated copper trader"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("credit-api")
    with brought_in(EXAMPLES / "logistics" / "recording.toml", folder) as opened:
        apply(opened, statement=SOUND)
        apply(opened, by="zhao", amount="10000000")
        claim(opened, "count", value="1000")
        claim(opened, "invoices", value="1500")
        yield opened


def client(
    home: Home, role: str = "risk_officer", *, name: str = "", party: str = ""
) -> TestClient:
    """Return a client of the API, signed in."""
    accounts = Accounts(home.book, system_clock)
    found = TestClient(build(home, accounts), base_url="https://testserver")
    who = name or f"{role}{party}"
    password = accounts.create(home.tenant, who, role=role, party=party)
    body = {"name": who, "password": password}
    assert found.post("/api/session", json=body).status_code == 200
    return found


def test_the_ledger_is_paged_and_each_entry_balances_with_its_cause(home: Home) -> None:
    asked = client(home)
    whole = asked.get("/api/ledger", params={"limit": 200}).json()
    assert whole["total"] == len(whole["rows"]) == home.flow.bank.books.entries
    parts = [asked.get("/api/ledger", params={"offset": n, "limit": 2}).json()["rows"]
             for n in range(0, whole["total"], 2)]  # fmt: skip
    assert [row for part in parts for row in part] == whole["rows"]
    for row in whole["rows"]:
        debit = sum(Decimal(line["debit"] or 0) for line in row["lines"])
        assert debit == sum(Decimal(line["credit"] or 0) for line in row["lines"]) > 0
        assert row["because"]
    one = asked.get("/api/ledger", params={"account": "cash_margin"}).json()
    assert 0 < one["total"] < whole["total"]
    assert all("cash_margin" in {line["account"] for line in row["lines"]} for row in one["rows"])
    assert asked.get("/api/ledger", params={"account": "petty_cash"}).status_code == 400
    assert asked.get("/api/ledger", params={"facility": "none"}).json()["total"] == 0


def test_the_trial_balance_is_what_the_entries_come_to_and_sums_to_zero(home: Home) -> None:
    found = client(home).get("/api/ledger", params={"limit": 200}).json()
    sums: dict[str, Decimal] = {}
    for row in found["rows"]:
        for line in row["lines"]:
            moved = Decimal(line["debit"] or 0) - Decimal(line["credit"] or 0)
            sums[line["account"]] = sums.get(line["account"], Decimal(0)) + moved
    told = {line["account"]: Decimal(line["debit"]) - Decimal(line["credit"])
            for line in found["balance"]["lines"]}  # fmt: skip
    assert told == {name: amount for name, amount in sums.items() if amount}
    assert set(told) <= set(CHART)
    assert Decimal(found["balance"]["totals"]["USD"]["difference"]) == 0
    assert Decimal(found["balance"]["totals"]["USD"]["debit"]) > 0


def test_a_liquidation_is_held_against_seventy_and_ten_per_cent(home: Home) -> None:
    found = client(home).get("/api/liquidations").json()
    assert (found["threshold"], found["allowed"]) == ("0.70", "0.10")
    [row], [kind] = found["rows"], found["kinds"]
    # 362.5 t sold at the next average: 1,320,464.25 of 1,785,564.80 at the last mark before
    share = Decimal(row["proceeds"]) / Decimal(row["value_before"])
    assert Decimal(row["proceeds_to_value"]) == share.quantize(Decimal("0.000001"))
    assert (kind["pack"], kind["kind"], kind["liquidations"]) == ("logistics", "lot", 1)
    below = share < Decimal("0.70")
    assert (kind["short"], kind["within"]) == (int(below), not below)


def test_an_application_shows_all_inputs_and_the_rows_that_held(home: Home) -> None:
    asked = client(home)
    rows = asked.get("/api/applications").json()
    assert [one["application"] for one in rows["rows"]] == ["A-2", "A-1"]
    assert asked.get("/api/applications?limit=1&offset=1").json()["rows"][0]["by"] == "li"
    one = asked.get("/api/applications/A-2").json()
    assert (one["action"], one["grade"]) == ("decline", "D")
    by_name = {given["input"]: given for given in one["inputs"]}
    assert by_name["arrears_days"]["value"] is None
    assert by_name["arrears_days"]["zh"] == "逾期天数"
    held = {row["row"]: row for row in one["decided_by"]}
    assert "asked > 0.6" in held["too_large_request"]["read_en"]
    assert held["too_large_request"]["gives"] == "grade D, action decline"
    assert asked.get("/api/applications/A-9").status_code == 404


def test_steps_are_taken_by_whom_the_order_allows(home: Home) -> None:
    seen: dict[str, Any] = {"application": "A-1", "verdict": "agree", "reason": "seen the books"}
    path = "/api/bank/orders/review"
    assert client(home, "relationship_manager").post(path, json=seen).status_code == 403
    officer = client(home)
    assert officer.post(path, json={**seen, "verdict": "x"}).status_code == 400
    answer = officer.post(path, json=seen)
    assert answer.status_code == 200, answer.text
    assert answer.json()["acts"][0]["kind"] == "credit_reviewed"
    assert officer.post(path, json=seen).status_code == 409
    end = {"application": "A-1", "limit": "700000", "reason": "fine"}
    same = client(home, "approver", name="risk_officer")  # the officer in another role
    assert same.post("/api/bank/orders/decide", json=end).status_code == 403
    approver = client(home, "approver", name="wang")
    assert approver.post("/api/bank/orders/decide", json=end).status_code == 200
    told = officer.get(f"/api/obligors/{MAKER}/rating").json()
    assert told["limits"][0]["limit"] == "700000.00"
    assert officer.get("/api/applications/A-1").json()["state"] == "approved"


def test_a_rating_tells_its_history_facts_and_statement(home: Home) -> None:
    asked = client(home)
    found = asked.get(f"/api/obligors/{MAKER}/rating").json()
    assert found["grade"] == found["history"][0]["to"]
    [fact] = found["facts"]
    assert [side["source"] for side in fact["sides"]] == ["invoices", "count"]
    assert fact["trust"] is None
    assert found["statement"]["company"] == MAKER
    assert {"id", "level", "words"} & set(found["warnings"][0])
    assert found["history"][0]["changed"][0]["zh"]
    grades = {one["obligor"]: one["grade"] for one in asked.get("/api/obligors").json()}
    assert grades[MAKER] == found["grade"]
    assert COPPER in grades
    assert asked.get("/api/obligors/nobody/rating").status_code == 404


def test_statements_are_assessed_without_being_kept(home: Home) -> None:
    before = home.log.size
    answer = client(home, "borrower", party=COPPER).post(
        "/api/statements/assess", json={"statement": SOUND}
    )
    assert answer.json()["company"] == MAKER
    assert home.log.size == before
    wrong = client(home).post("/api/statements/assess", json={"statement": {"company": "x"}})
    assert wrong.status_code == 400


def test_a_borrower_tells_of_itself_only_and_sees_its_own_books(home: Home) -> None:
    mine = client(home, "borrower", party=COPPER)
    assert mine.get("/api/applications").json()["total"] == 0
    assert {one["obligor"] for one in mine.get("/api/obligors").json()} == {COPPER}
    entries = mine.get("/api/ledger").json()
    assert entries["total"] == home.flow.bank.books.entries
    path, told = "/api/bank/orders/tell_statement", {"statement": SOUND}
    assert mine.post(path, json={"obligor": MAKER, **told}).status_code == 404
    own = mine.post(path, json={"obligor": COPPER, **told})
    assert own.status_code == 200, own.text
    assert mine.get(f"/api/obligors/{COPPER}/rating").json()["statement"]["months"] == "36"
    back = {"application": "A-2", "reason": "not mine"}
    assert mine.post("/api/bank/orders/withdraw_application", json=back).status_code == 404


def test_the_house_measures_what_the_twin_reported_and_nobody_else_may(home: Home) -> None:
    asked: dict[str, Any] = {
        "fact": "weight on the 1st", "period": "2008-09-01", "pack": "logistics",
        "thing": "lot:L-01", "indicator": "net_weight", "tolerance_share": "0.01",
        "reason": "the scale's class",
    }  # fmt: skip
    officer = client(home)
    assert officer.post(f"/api/obligors/{COPPER}/measure", json=asked).status_code == 200
    for wrong, status in (
        ({"thing": "lot:none"}, 404), ({"indicator": "mood"}, 400), ({"period": "1999"}, 400),
        ({"rate": "2"}, 400), ({"thing": "lot"}, 400),
    ):  # fmt: skip
        answer = officer.post(f"/api/obligors/{COPPER}/measure", json={**asked, **wrong})
        assert answer.status_code == status, answer.text
    manager = client(home, "supervisor")
    assert manager.post(f"/api/obligors/{COPPER}/measure", json=asked).status_code == 403
