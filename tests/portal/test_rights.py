"""Every route × every role × a foreign tenant: who gets in, from one table.

A route that is not in the table fails the test, so that none is added without a decision.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.homes import still
from wuxin.home import Home
from wuxin.portal.access import COOKIE, ROLES, Accounts
from wuxin.portal.api import build
from wuxin.terms.clock import system_clock
from wuxin.terms.names import Tenant

ALL = frozenset(ROLES)
OPEN = {("POST", "/api/session"), ("DELETE", "/api/session"), ("GET", "/healthz"),
        ("GET", "/metrics")}  # fmt: skip
"""What needs no session: the door, and what an operator's probes read (no names, no money)."""

OWN = {("POST", "/api/password")}
"""What concerns nobody but the one who has signed in."""

READERS = {
    "/api/session", "/api/overview", "/api/things",
    "/api/things/{pack}/{kind}/{name}/series/{indicator}",
    "/api/things/{pack}/{kind}/{name}/evidence/{indicator}", "/api/things/{pack}/{kind}/{name}",
    "/api/facilities", "/api/facilities/{name}", "/api/facilities/{name}/process",
    "/api/findings", "/api/findings/{name}", "/api/acts", "/api/devices",
    "/api/devices/{source}/{name}", "/api/places", "/api/packs", "/api/search",
    "/api/evidence/{record}", "/api/evidence/{record}/proof", "/api/log/{path}", "/api/replays",
    "/api/orders", "/api/events", "/api/vouched", "/api/facilities/{name}/pledges", "/api/pledges",
    "/api/warnings", "/api/warnings/figures", "/api/warnings/{name}", "/api/subscriptions",
    "/api/deliveries",
    "/api/ledger", "/api/liquidations", "/api/applications", "/api/applications/{name}",
    "/api/obligors", "/api/obligors/{name}/rating",
    "/api/boards/{site}",
    "/api/trades", "/api/trades/lacking", "/api/trades/{order}",
    "/api/capacity", "/api/reports", "/api/reports/{pack}", "/api/reports/{pack}/figures",
}  # fmt: skip
"""What everybody may read who has signed in; what is shown is the session's own alone."""

WRITERS = {
    ("POST", "/api/bank/statements"): {"core_system", "relationship_manager"},
    ("POST", "/api/findings/{name}/acknowledge"):
        {"administrator", "risk_officer", "supervisor", "relationship_manager", "approver"},
    ("POST", "/api/subscriptions/{name}/secret"):
        {"risk_officer", "relationship_manager", "borrower"},
    ("POST", "/api/devices/{source}/{name}"): {"administrator", "supervisor", "installer"},
    ("POST", "/api/obligors/{name}/measure"):
        {"relationship_manager", "risk_officer", "core_system"},
    ("POST", "/api/statements/assess"): {*ROLES},
}  # fmt: skip
BODIES: dict[str, Any] = {
    "/api/devices/{source}/{name}": {"to": "delivered", "reason": "because"},
    "/api/findings/{name}/acknowledge": {"reason": "because"},
    "/api/obligors/{name}/measure": {
        "fact": "output",
        "period": "2026",
        "pack": "energy",
        "thing": "plant:P",
        "indicator": "energy_measured",
        "tolerance_share": "0.1",
        "reason": "because",
    },
    "/api/statements/assess": {"statement": {}},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with Home(Path(tmp_path_factory.mktemp("rights")), clock=still) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(home: Home) -> TestClient:
    app = build(home, Accounts(home.book, system_clock))
    return TestClient(app, base_url="https://testserver")


def routes(client: TestClient) -> list[tuple[str, str]]:
    paths: dict[str, Any] = client.app.openapi()["paths"]  # type: ignore[attr-defined]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


def may(home: Home, method: str, *, path: str) -> frozenset[str]:
    """Say who gets in, from the table; an order says it itself."""
    if "/orders/" in path:
        return frozenset(home.flow.bank.orders[path.rsplit("/", 1)[1]].by)
    if (method, path) in WRITERS:
        return frozenset(WRITERS[method, path])
    assert method == "GET", (method, path)
    assert path in READERS, f"{method} {path} is not in the table: decide who may"
    return ALL


def asked(client: TestClient, token: str, *, method: str, path: str) -> int:
    client.cookies.clear()
    client.cookies.set(COOKIE, token)
    address = path.replace("{", "").replace("}", "")
    body = {"json": BODIES.get(path, {})} if method == "POST" else {}
    if path == "/api/events":  # a stream has no end; its head says who gets in
        address += "?last=&kind="
        body = {"headers": {"Last-Event-ID": "none"}}
    return client.request(method, address, **body).status_code


def test_every_route_lets_in_who_is_in_the_table_and_nobody_else(
    client: TestClient, home: Home
) -> None:
    accounts: Accounts = client.app.state.accounts  # type: ignore[attr-defined]
    tokens = {}
    for role in ROLES:
        given = accounts.create(home.tenant, role, role=role)
        tokens[role] = accounts.sign_in(home.tenant, role, password=given)
    wrong = []
    for method, path in routes(client):
        if (method, path) in OPEN | OWN:
            continue
        allowed = may(home, method, path=path)
        for role, token in tokens.items():
            status = asked(client, token, method=method, path=path)
            assert status < 500, (method, path, role)
            assert status != 401, (method, path, role)
            if (status != 403) != (role in allowed):
                wrong.append((method, path, role, status))
    assert wrong == []


def test_nobody_of_another_tenant_gets_in_anywhere(client: TestClient) -> None:
    accounts: Accounts = client.app.state.accounts  # type: ignore[attr-defined]
    other = Tenant("other-bank")
    for role in ROLES:
        given = accounts.create(other, role, role=role)
        token = accounts.sign_in(other, role, password=given)
        for method, path in routes(client):
            if (method, path) not in OPEN | OWN:
                assert asked(client, token, method=method, path=path) == 403, (method, path, role)
