"""Credit for a roof, 2016: applied for online, decided, reviewed, lent, paid, doubted, rated down.

Power and weather are measured at NREL; the contract and all books are made up. What is asserted of
money was worked out by hand.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.homes import EXAMPLES, acts, findings, still
from wuxin.audit import audit
from wuxin.home import Home
from wuxin.portal.access import ROLES, Accounts
from wuxin.portal.api import build
from wuxin.terms.clock import moment
from wuxin.terms.errors import Conflict
from wuxin.terms.records import Command
from wuxin.wire.recording import open_recording

OWNER = "Generated station owner"
AUGUST = "2016-08-01T00:00:00-07:00/2016-09-01T00:00:00-07:00"
JULY, SEPTEMBER, OCTOBER = (
    moment(day) for day in ("2016-07-01T09:00Z", "2016-09-01T09:00Z", "2016-10-20T09:00Z")
)


def books(*revenues: int) -> dict[str, Any]:
    """Return made-up statements of the owner, a quarter for each revenue, from 2013 on."""
    rows = [
        {"period": f"{2013 + n // 4}Q{n % 4 + 1}", "revenue": revenue,
         "gross_profit": revenue * 6 // 10, "net_income": revenue // 5,
         "operating_cash_flow": revenue // 4, "cash": 9_000, "receivables": revenue // 5,
         "inventory": 500, "total_assets": 60_000, "total_liabilities": 20_000,
         "revenue_by_customer": {"utility": revenue // 5, "others": revenue - revenue // 5}}
        for n, revenue in enumerate(revenues)
    ]  # fmt: skip
    return {"company": OWNER, "currency": "USD", "periods": rows}


SOUND = books(*(round(6_000 * 1.01**n) for n in range(13)))
"""Thirteen quarters up to 2016Q1, each one per cent above the one before."""


def order(home: Home, do: str, *, by: str, at: int = JULY, **body: Any) -> None:
    """Give an order to the bank."""
    home.order(Command(do, at, by, "", body))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with Home(tmp_path_factory.mktemp("credit"), clock=still) as opened:
        order(opened, "apply", by=OWNER, obligor=OWNER, product="roof loan", amount="7000",
              currency="USD", purpose="modules and inverter", statement=SOUND)  # fmt: skip
        order(opened, "review", by="chen", application="A-1", verdict="agree",
              reason="the utility's contract was seen")  # fmt: skip
        order(opened, "decide", by="wang", application="A-1", limit="6500",
              reason="the roof covers no more")  # fmt: skip
        for _ in opened.replay(open_recording(EXAMPLES / "energy" / "recording.toml")):
            pass
        yield opened


@pytest.fixture(scope="module")
def doubted(home: Home) -> Home:
    """Hand in the quarter in which revenue broke, and the invoices of August."""
    weak = books(*(round(6_000 * 1.01**n) for n in range(13)), 3_100, 2_900)
    weak["periods"] = weak["periods"][13:]
    order(home, "tell_statement", by=OWNER, at=OCTOBER, obligor=OWNER, statement=weak)
    signed(home).post(f"/api/obligors/{OWNER}/measure", json={
        "fact": "sales of power", "period": AUGUST, "pack": "energy", "thing": "plant:SERF-EAST",
        "indicator": "energy_measured", "tolerance_share": "0.03", "unit": "USD",
        "reason": "the meter's class and hours without data", "rate": "0.12",
        "rate_reason": "the tariff of the contract, USD/kWh",
    }).raise_for_status()  # fmt: skip
    order(home, "tell_claim", by="chen", at=OCTOBER, fact="sales of power", obligor=OWNER,
          period=AUGUST, value="131.40", unit="USD", source="invoices", tolerance_share="0.01",
          reason="invoices are exact to the day")  # fmt: skip
    return home


def signed(home: Home, role: str = "risk_officer", *, party: str = "") -> TestClient:
    """Return a client of the API, signed in."""
    accounts = Accounts(home.book, home.clock)
    client = TestClient(build(home, accounts), base_url="https://testserver")
    password = accounts.create(home.tenant, f"{role}{party}", role=role, party=party)
    body = {"name": f"{role}{party}", "password": password}
    assert client.post("/api/session", json=body).status_code == 200
    return client


def test_the_application_is_decided_and_every_row_says_what_it_read(home: Home) -> None:
    [decided] = acts(home, kind="credit_decided")
    told = decided["figures"]
    # 2015Q2 to 2016Q1: 6,000 × 1.01^9 … 1.01^12 = 26,645
    revenue = sum(round(6_000 * 1.01**n) for n in range(9, 13))
    assert told["input_requested_to_revenue"] == f"{7_000 / revenue:.6f}" == "0.262713"
    # nothing is known from machines yet: B, a quarter of revenue, below the 7,000 asked for
    assert (told["grade"], told["action"], told["limit"]) == ("B", "approve", "6661.25")
    shown = signed(home).get("/api/applications/A-1").json()
    assert [row["row"] for row in shown["decided_by"]] == ["start", "no_machines", "B"]
    assert shown["decided_by"][1]["read_en"].startswith("steadiness of machines —")
    assert (shown["state"], shown["limit"]) == ("approved", "6500.00")


def test_review_and_approval_are_by_two_people_who_have_not_applied(home: Home) -> None:
    people = [acts(home, kind=kind)[0]["mandate"]
              for kind in ("credit_applied", "credit_reviewed", "limit_set")]  # fmt: skip
    assert people == [OWNER, "chen", "wang"]


def test_the_loan_lies_within_the_limit_and_no_second_one_fits(home: Home) -> None:
    assert acts(home, kind="facility_opened")[0]["figures"]["principal"] == "6000.00"
    [limit] = signed(home).get(f"/api/obligors/{OWNER}/rating").json()["limits"]
    assert (limit["limit"], limit["used"]) == ("6500.00", "6000.00")
    account = home.flow.bank.desk.account("PV-2016-01")
    terms = {**home.flow.bank.desk.facilities()[0]}
    body = {
        "id": "PV-2", "obligor": OWNER, "pool": terms["pool"], "currency": "USD",
        "principal": "501", "opened": "2016-09-01", "haircut": "0.2",
        "maximum_loan_to_value": "0.7", "target_loan_to_value": "0.6", "call_deadline": "14 d",
        "minimum_transfer": "100", "lien": 2,
    }  # fmt: skip
    with pytest.raises(Conflict, match=r"6000\.00 is used, and 501\.00 more does not fit"):
        home.order(Command("open_facility", SEPTEMBER, "wang", "PV-2", body), source=account.source)


def test_as_the_roof_reports_the_rating_rises_and_its_machines_are_named(home: Home) -> None:
    known = acts(home, kind="credit_rerated")
    moves = [(a["figures"]["from"], a["figures"]["to"]) for a in known if a["at"] < "2016-10-20"]
    # hours of bad weather are amber findings, but over before the day is, and move nothing
    assert moves == [("", "B"), ("B", "A")]
    assert findings(home, level="amber")
    risen = known[1]
    assert float(risen["figures"]["now_machine_activity"]) > 0.6
    assert risen["at"] < "2016-08"
    assert any(cause["kind"] == "frame" for cause in risen["because"])


def test_repayments_are_in_the_books_and_the_books_balance(home: Home) -> None:
    found = signed(home).get("/api/ledger", params={"account": "loan_principal"}).json()
    assert [one["booking"] for one in found["rows"]] == ["repayment"] * 2 + ["disbursement"]
    assert all(one["because"] for one in found["rows"])
    assert found["balance"]["totals"]["USD"]["difference"] == "0.00"
    lines = {one["account"]: one["debit"] for one in found["balance"]["lines"]}
    assert lines["loan_principal"] == "5700.00"  # 6,000 less two payments of 150, no interest


def test_the_statement_breaks_its_trend_and_the_rating_follows(doubted: Home) -> None:
    told = acts(doubted, kind="statement_assessed")[-1]["figures"]
    flags = {told[f"flag_{n}"]: n for n in range(1, int(told["flags"]) + 1)}
    assert {"trend_break", "revenue_fall"} <= set(flags)
    place = flags["revenue_fall"]
    # 2016Q3 against 2015Q3: 2,900 / 6,628 − 1
    assert "growth -0.562462" in told[f"flag_{place}_figures"]
    assert told[f"flag_{place}_threshold"] == "0.25"
    fallen = [a for a in acts(doubted, kind="credit_rerated") if a["at"].startswith("2016-10-20")]
    assert (fallen[0]["figures"]["from"], fallen[0]["figures"]["to"]) == ("A", "D")


def test_energy_and_invoices_contradict_each_other_with_the_figures_of_both(doubted: Home) -> None:
    [found] = findings(doubted, rule="claims_contradict")
    said = " / ".join(found["reasons"])
    told = [a["figures"] for a in acts(doubted, kind="claim_told")]
    [energy] = [one for one in told if one["source"] != "invoices"]
    metered = float(energy["measured"])
    assert energy["source"] == "twin:plant:SERF-EAST/energy_measured"
    assert energy["readings"] == "31"
    assert float(energy["value"]) == pytest.approx(metered * 0.12)
    assert "invoices: 131.4 USD" in said
    assert f"energy_measured: {metered * 0.12:,.6g} USD" in said
    assert found["to"] is None


def test_a_warning_reaches_the_bank_with_what_moved(doubted: Home) -> None:
    [fell] = findings(doubted, rule="rating_fell")
    assert (fell["thing"], fell["level"], fell["facility"]) == (OWNER, "amber", "PV-2016-01")
    assert fell["reasons"][0] == "the rating went from A to D"
    assert any(text.startswith("red flags: 0 →") for text in fell["reasons"])
    sent = [a["figures"]["rule"] for a in acts(doubted, kind="early_warning")]
    assert {"rating_fell", "claims_contradict"} <= set(sent)


def test_a_stranger_sees_nothing_and_the_owner_what_is_its_own(doubted: Home) -> None:
    stranger = signed(doubted, "borrower", party="somebody else")
    assert stranger.get("/api/applications").json()["total"] == 0
    assert stranger.get(f"/api/obligors/{OWNER}/rating").status_code == 404
    ledger = stranger.get("/api/ledger").json()
    assert (ledger["total"], ledger["rows"]) == (0, [])
    assert ledger["balance"] == {"lines": [], "totals": {}}
    body = {"obligor": OWNER, "statement": SOUND}
    answer = stranger.post("/api/bank/orders/tell_statement", json=body)
    assert answer.status_code == 404
    mine = signed(doubted, "borrower", party=OWNER).get(f"/api/obligors/{OWNER}/rating").json()
    assert mine["grade"] == "D"
    assert [one["fact"] for one in mine["facts"]] == ["sales of power"]
    assert "borrower" in ROLES


def test_the_story_is_recomputed_from_its_journal(doubted: Home) -> None:
    report = audit(doubted.folder, doubted.tenant)
    assert report.faults == []
    assert report.leaves == doubted.log.size
