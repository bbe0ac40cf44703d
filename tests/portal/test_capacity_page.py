"""Spare and short capacity over the API: a factory's own users see and order what is theirs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.homes import still
from tests.portal.test_api import signed
from wuxin.home import Home
from wuxin.portal.access import Accounts
from wuxin.portal.api import build
from wuxin.terms.clock import system_clock

OFFER = {"id": "o", "factory": "Mill", "skill": "milling", "hours": 100, "currency": "CNY",
         "free_from": "2026-02-01T00:00:00Z", "free_until": "2026-03-01T00:00:00Z",
         "price": "90"}  # fmt: skip
NEED = {"id": "n", "factory": "Pumps", "skill": "milling", "hours": 60, "currency": "CNY",
        "begins": "2026-02-03T00:00:00Z", "due": "2026-02-20T00:00:00Z",
        "price": "100"}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with Home(tmp_path, clock=still) as opened:
        yield opened


@pytest.fixture
def client(home: Home) -> TestClient:
    return TestClient(build(home, Accounts(home.book, system_clock)), base_url="https://testserver")


def order(client: TestClient, do: str, **body: Any) -> int:
    return client.post(f"/api/bank/orders/{do}", json=body).status_code


def test_factories_register_their_own_and_the_bank_matches(client: TestClient, home: Home) -> None:
    signed(client, home, role="borrower", party="Mill")
    assert order(client, "offer_capacity", **OFFER) == 200
    assert order(client, "seek_capacity", **NEED) == 404  # another factory's
    assert order(client, "match_capacity") == 403
    signed(client, home, role="borrower", party="Pumps")
    assert client.get("/api/capacity").json()["offers"] == []
    assert order(client, "withdraw_capacity", id="o") == 404
    assert order(client, "seek_capacity", **NEED) == 200
    assert order(client, "seek_capacity", **{**NEED, "id": "n2", "hours": 90}) == 200
    signed(client, home, role="relationship_manager")
    assert order(client, "match_capacity") == 200
    for party, mine in (("Pumps", 1), ("Mill", 1), ("Others", 0)):
        signed(client, home, role="borrower", party=party)
        told = client.get("/api/capacity").json()
        assert len(told["placed"]) == mine
        assert "match_capacity" not in told["may"]
    signed(client, home, role="risk_officer")
    told = client.get("/api/capacity").json()
    # the larger order is placed: more hours; the smaller waits for ten hours that are left
    assert told["placed"][0]["figures"]["need"] == "n2"
    assert [row["figures"]["need"] for row in told["waiting"]] == ["n"]
    assert [one["hours"] for one in told["offers"]] == [10]
    assert told["may"] == []
