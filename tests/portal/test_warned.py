"""Warnings over the API: who sees and does what, and the figures that come of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient

from tests.homes import EXAMPLES, brought_in
from wuxin.cli import main
from wuxin.home import Home
from wuxin.portal.access import Accounts
from wuxin.portal.api import build
from wuxin.portal.warned import _quantile
from wuxin.terms.clock import HOUR, MINUTE, Nanos
from wuxin.terms.names import Tenant

PARTY = "Generated copper trader"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with brought_in(EXAMPLES / "logistics" / "recording.toml", tmp_path) as opened:
        yield opened


@pytest.fixture
def people(home: Home) -> dict[str, TestClient]:
    """Sign in one person of each role that matters here, and a borrower of another party."""
    accounts = Accounts(home.book, home.clock)
    app = build(home, accounts)
    found = {}
    for name, role, party in (
        ("lin", "risk_officer", ""), ("zhao", "supervisor", ""), ("an", "approver", ""),
        ("bo", "borrower", PARTY), ("else", "borrower", "another party"),
    ):  # fmt: skip
        given = accounts.create(home.tenant, name, role=role, party=party)
        found[name] = TestClient(app, base_url="https://testserver")
        answer = found[name].post("/api/session", json={"name": name, "password": given})
        assert answer.status_code == 200
    return found


def first(client: TestClient, **where: Any) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/warnings", params=where).json()["rows"][0]
    return found


def test_the_work_list_is_filtered_and_paged(people: dict[str, TestClient]) -> None:
    lin = people["lin"]
    found = lin.get("/api/warnings").json()
    assert found["total"] == len(found["rows"]) == sum(found["levels"].values())
    assert found["rows"][0]["state"] == "raised"
    assert found["rows"][-1]["state"] == "cleared"
    part = lin.get("/api/warnings?offset=1&limit=2").json()
    assert part["rows"] == found["rows"][1:3]
    for where in ("level=amber", "state=cleared", "state=open", "owner=risk_officer",
                  "facility=CU-2008-01", "rule=double_naming", "pack=logistics"):  # fmt: skip
        name, _, value = where.partition("=")
        rows = lin.get(f"/api/warnings?{where}").json()["rows"]
        if name in {"level", "rule", "pack", "facility"}:
            assert {row[name] for row in rows} == {value}
    assert lin.get("/api/warnings?state=nowhere").status_code == 422
    assert lin.get("/api/warnings?owner=nobody").json()["total"] == 0
    assert lin.get("/api/warnings/0000").status_code == 404


def test_a_borrower_sees_the_warnings_of_its_own_facilities_and_orders_nothing(
    people: dict[str, TestClient],
) -> None:
    every = people["lin"].get("/api/warnings").json()
    # the copper price fell in February 2007, too, before there was a loan on it
    assert [row["rule"] for row in every["rows"] if not row["facility"]] == ["price_falling"]
    assert people["bo"].get("/api/warnings").json()["total"] == every["total"] - 1
    shown = first(people["bo"])["warning"]
    assert people["bo"].get(f"/api/warnings/{shown}").json()["may"] == []
    assert people["bo"].get("/api/warnings/figures").json() == {"rows": []}
    assert people["else"].get("/api/warnings").json()["total"] == 0
    assert people["else"].get(f"/api/warnings/{shown}").status_code == 404
    answer = people["bo"].post(
        "/api/bank/orders/acknowledge_warning", json={"warning": shown, "note": "seen it"}
    )
    assert answer.status_code == 403


def test_from_the_finding_to_its_warning_and_back(people: dict[str, TestClient]) -> None:
    lin = people["lin"]
    finding = lin.get("/api/findings?open=true&rule=double_naming").json()["rows"][0]
    answer = lin.post(f"/api/findings/{finding['finding']}/acknowledge",
                      json={"reason": "both papers are asked for"})  # fmt: skip
    assert answer.json()["acknowledged_by"] == "lin: both papers are asked for"
    one = lin.get(f"/api/warnings/{finding['warning']}").json()
    assert (one["state"], one["acknowledged_by"]) == (
        "acknowledged",
        answer.json()["acknowledged_by"],
    )
    assert [row["finding"] for row in one["rows"]] == [finding["finding"]]
    assert one["may"] == ["assign_warning", "handle_warning"]
    assert one["rule_words"][0]["runbook"]["zh"].startswith("一、")
    mine = lin.get(f"/api/findings?warning={finding['warning']}").json()
    assert mine["total"] == 1
    last = one["life"][-1]
    proof = lin.get(f"/api/evidence/{last['act']}")
    assert proof.status_code == 200
    again = lin.post(f"/api/findings/{finding['finding']}/acknowledge", json={"reason": "again"})
    assert again.status_code == 409


def test_figures_are_of_what_was_done(people: dict[str, TestClient], home: Home) -> None:
    lin, wall = people["lin"], home.clock()
    found = lin.get("/api/warnings").json()["rows"]
    asked = [(found[0], 10 * MINUTE, "false_alarm"), (found[1], 30 * MINUTE, "real")]
    for row, waited, outcome in asked:
        home.clock = lambda waited=waited: Nanos(wall + waited)  # type: ignore[misc]
        body = {"warning": row["warning"], "outcome": outcome, "note": "looked into it"}
        assert lin.post("/api/bank/orders/handle_warning", json=body).status_code == 200
    home.clock = lambda: Nanos(wall + HOUR)
    rows = {row["rule"]: row for row in lin.get("/api/warnings/figures").json()["rows"]}
    assert sum(row["raised"] for row in rows.values()) == len(found)
    assert sum(row["handled"] for row in rows.values()) == 2
    one = rows[found[0]["rule"]]
    if found[0]["rule"] != found[1]["rule"]:
        assert (one["false_alarm_share"], one["acknowledge_median_s"]) == (1.0, 600.0)
        assert rows[found[1]["rule"]]["false_alarm_share"] == 0.0
    else:
        assert (one["false_alarm_share"], one["acknowledge_median_s"]) == (0.5, 1200.0)
    standing = lin.get("/api/warnings").json()["rows"]
    assert sum(row["open"] for row in rows.values()) == sum(
        row["state"] != "cleared" for row in standing
    )
    folder = home.folder
    home.close()
    told = CliRunner().invoke(main, ["warnings", "--home", str(folder)])
    assert told.exit_code == 0
    assert "false alarms" in told.output.splitlines()[0]
    assert len(told.output.splitlines()) == len(rows) + 1


def test_shares_of_times_are_those_of_the_textbook() -> None:
    assert _quantile([], 0.5) is None
    assert _quantile([7], 0.9) == 7
    assert _quantile([*range(1, 102)], 0.5) == 51
    assert _quantile([*range(1, 102)], 0.9) == 91


def test_who_subscribed_sees_the_secret_and_nobody_else(people: dict[str, TestClient]) -> None:
    lin, bo = people["lin"], people["bo"]
    body = {"url": "https://bank.example/hook", "kinds": ["warning_raised"], "levels": ["red"]}
    assert lin.post("/api/bank/orders/subscribe", json=body).status_code == 200
    assert bo.post("/api/bank/orders/subscribe", json=body).status_code == 403
    path = "/api/facilities/CU-2008-01/orders/follow_facility"
    assert people["else"].post(path, json=body).status_code == 404
    assert bo.post(path, json=body).status_code == 200
    every = lin.get("/api/subscriptions").json()
    assert [one["facility"] for one in every] == ["", "CU-2008-01"]
    [own] = bo.get("/api/subscriptions").json()
    secret = bo.post(f"/api/subscriptions/{own['subscription']}/secret").json()["secret"]
    assert secret.startswith("whsec_")
    assert bo.post(f"/api/subscriptions/{own['subscription']}/secret").json()["secret"] == secret
    assert lin.post(f"/api/subscriptions/{own['subscription']}/secret").status_code == 403
    assert bo.post(f"/api/subscriptions/{every[0]['subscription']}/secret").status_code == 404
    assert people["zhao"].get("/api/subscriptions").json() == []
    gone = {"subscription": every[0]["subscription"]}
    assert bo.post("/api/bank/orders/unsubscribe", json=gone).status_code == 403
    assert lin.post("/api/bank/orders/unsubscribe", json=gone).status_code == 200
    assert lin.get("/api/deliveries?state=parked").json() == []


def test_warnings_of_another_tenant_are_not_there(home: Home) -> None:
    from wuxin.stores import worklist

    assert worklist.listed(home.book.engine, Tenant("other"), where={}).total == 0
    assert worklist.moves(home.book.engine, Tenant("other")) == []
