"""The API: nothing without signing in, roles and parties kept apart, problems documented."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.homes import EXAMPLES, brought_in
from wuxin.home import Home
from wuxin.portal.access import ROLES, Accounts
from wuxin.portal.api import build
from wuxin.terms.clock import HOUR, Nanos, system_clock
from wuxin.terms.names import Tenant


class Wall:
    """A clock that tests may move."""

    def __init__(self) -> None:
        self.now = system_clock()

    def __call__(self) -> Nanos:
        return self.now


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("api")
    with brought_in(EXAMPLES / "logistics" / "recording.toml", folder) as opened:
        yield opened


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def client(home: Home, wall: Wall) -> TestClient:
    return TestClient(build(home, Accounts(home.book, wall)), base_url="https://testserver")


def signed(client: TestClient, home: Home, *, role: str, party: str = "") -> TestClient:
    """Sign somebody in with a role."""
    accounts: Accounts = client.app.state.accounts  # type: ignore[attr-defined]
    password = accounts.create(home.tenant, role, role=role, party=party)
    answer = client.post("/api/session", json={"name": role, "password": password})
    assert answer.status_code == 200, answer.text
    return client


def routes(client: TestClient) -> list[tuple[str, str]]:
    """List every route of the API with some value in its path."""
    paths: dict[str, Any] = client.app.openapi()["paths"]  # type: ignore[attr-defined]
    return [
        (method.upper(), path.replace("{", "").replace("}", ""))
        for path, methods in paths.items() if path.startswith("/api")
        for method in methods
    ]  # fmt: skip


def test_without_signing_in_every_route_but_the_door_says_401(client: TestClient) -> None:
    doors = {("POST", "/api/session"), ("DELETE", "/api/session")}
    asked = [r for r in routes(client) if r not in doors]
    assert len(asked) > 15
    for method, path in asked:
        body = {"json": {"password": "x" * 12, "reason": "because"}} if method == "POST" else {}
        answer = client.request(method, path, **body)
        assert answer.status_code == 401, (method, path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("role", ROLES)
def test_every_role_may_read_the_overview(client: TestClient, home: Home, role: str) -> None:
    assert signed(client, home, role=role).get("/api/overview").status_code == 200


def test_a_session_of_another_tenant_is_refused(client: TestClient) -> None:
    accounts: Accounts = client.app.state.accounts  # type: ignore[attr-defined]
    password = accounts.create(Tenant("other-bank"), "eve", role="administrator")
    who = {"tenant": "other-bank", "name": "eve", "password": password}
    assert client.post("/api/session", json=who).status_code == 200
    for _, path in [r for r in routes(client) if r[0] == "GET"]:
        assert client.get(path).status_code == 403, path


def test_a_borrower_sees_nothing_of_others(client: TestClient, home: Home) -> None:
    signed(client, home, role="borrower", party="somebody else")
    assert client.get("/api/facilities").json() == []
    assert client.get("/api/facilities/CU-2008-01").status_code == 404
    assert client.get("/api/things/logistics/lot/L-07").status_code == 404
    assert client.get("/api/things").json()["total"] == 0
    assert client.get("/api/findings").json()["total"] == 0
    assert client.get("/api/acts").json()["total"] == 0
    assert client.get("/api/places").json() == []
    totals = client.get("/api/overview").json()
    assert totals["readings"] == {"accepted": 0, "marked": 0, "refused": 0}
    assert (totals["things"], totals["acts"], totals["receipts"]) == (0, 0, 0)
    act = home.book.acts(home.tenant, {"kind": "margin_call"})[0]["id"]
    finding = home.book.findings(home.tenant)[0]["id"]
    for record in (act, finding):
        assert client.get(f"/api/evidence/{record}").status_code == 404
        assert client.get(f"/api/evidence/{record}/proof").status_code == 404


def test_its_own_borrower_sees_its_facility_but_may_not_acknowledge(
    client: TestClient, home: Home
) -> None:
    signed(client, home, role="borrower", party="Generated copper trader")
    assert client.get("/api/facilities/CU-2008-01").json()["calls"] == []
    finding = client.get("/api/findings").json()["rows"][0]["finding"]
    answer = client.post(f"/api/findings/{finding}/acknowledge", json={"reason": "seen"})
    assert answer.status_code == 403


def test_acknowledging_keeps_name_and_reason(client: TestClient, home: Home) -> None:
    signed(client, home, role="risk_officer")
    finding = client.get("/api/findings?open=true").json()["rows"][0]["finding"]
    url = f"/api/findings/{finding}/acknowledge"
    answer = client.post(url, json={"reason": "counted on site"})
    assert answer.json()["acknowledged_by"] == "risk_officer: counted on site"
    assert client.post(url, json={"reason": ""}).status_code == 422


def test_five_wrong_passwords_lock_the_account_for_a_while(
    client: TestClient, home: Home, wall: Wall
) -> None:
    accounts: Accounts = client.app.state.accounts  # type: ignore[attr-defined]
    password = accounts.create(home.tenant, "chen", role="risk_officer")
    wrong = {"name": "chen", "password": "not this one"}
    for _ in range(5):
        assert client.post("/api/session", json=wrong).status_code == 401
    right = {"name": "chen", "password": password}
    assert client.post("/api/session", json=right).status_code == 401
    wall.now = Nanos(wall.now + HOUR)
    assert client.post("/api/session", json=right).status_code == 200


def test_a_one_time_password_ends_after_a_day(client: TestClient, home: Home, wall: Wall) -> None:
    accounts: Accounts = client.app.state.accounts  # type: ignore[attr-defined]
    password = accounts.create(home.tenant, "li", role="supervisor")
    wall.now = Nanos(wall.now + 25 * HOUR)
    answer = client.post("/api/session", json={"name": "li", "password": password})
    assert answer.status_code == 401


def test_a_new_password_replaces_the_one_time_one(client: TestClient, home: Home) -> None:
    signed(client, home, role="supervisor")
    assert client.get("/api/session").json()["must_change"] is True
    assert client.post("/api/password", json={"password": "short"}).status_code == 422
    assert client.post("/api/password", json={"password": "long enough 1"}).status_code == 200
    assert client.get("/api/session").json()["must_change"] is False
    client.delete("/api/session")
    assert client.get("/api/session").status_code == 401
    again = {"name": "supervisor", "password": "long enough 1"}
    assert client.post("/api/session", json=again).status_code == 200


def test_both_clocks_are_asked_for_apart(client: TestClient, home: Home) -> None:
    signed(client, home, role="risk_officer")
    lot = "/api/things/logistics/lot/L-11"

    def weight(query: str) -> float:
        values = client.get(f"{lot}{query}").json()["values"]
        return float(next(v["value"] for v in values if v["indicator"] == "net_weight"))

    assert weight("?at=2008-10-18T12:00Z") > 25
    assert weight("?at=2008-10-20T12:00Z") < 18
    early = home.book.findings(home.tenant, {"rule": "out_of_place"})[0]
    known = client.get(f"/api/findings?rule=out_of_place&as_of={early['batch'] - 1}").json()
    assert known["total"] == 0


def test_a_series_is_cut_down_and_carries_its_findings(client: TestClient, home: Home) -> None:
    signed(client, home, role="risk_officer")
    url = "/api/things/logistics/lot/L-11/series/net_weight?points=50&from=2008-09-01"
    found = client.get(url).json()
    assert found["unit"] == "t"
    assert len(found["points"]) <= 50
    assert {f["rule"] for f in found["findings"]} >= {"unauthorised_removal_weight"}


def test_the_log_is_served_but_nothing_beside_it(client: TestClient, home: Home) -> None:
    signed(client, home, role="supervisor")
    assert client.get("/api/log/checkpoint").text == home.log.checkpoint()
    for path in ("../keys/log.key", "%2e%2e/keys/log.key", "..%2fkeys%2flog.key", "tile"):
        assert client.get(f"/api/log/{path}").status_code == 404


def test_what_is_asked_wrongly_is_a_problem_document(client: TestClient, home: Home) -> None:
    signed(client, home, role="risk_officer")
    answer = client.get("/api/findings?from=yesterday")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert "yesterday" in answer.json()["detail"]
    assert client.get("/api/findings?limit=100000").status_code == 422


def test_health_and_metrics_need_no_session_and_name_nobody(client: TestClient, home: Home) -> None:
    assert client.get("/healthz").json()["log"] == home.log.size
    text = client.get("/metrics").text
    assert 'wuxin_findings_open{of="red"}' in text
    assert "CU-2008-01" not in text


def test_pages_may_load_nothing_from_elsewhere(client: TestClient) -> None:
    policy = client.get("/healthz").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy


def test_a_server_that_can_be_reached_wants_tls_and_accounts(home: Home, tmp_path: Path) -> None:
    from wuxin.portal import server
    from wuxin.settings import load
    from wuxin.terms.errors import BadInput

    app = build(home, Accounts(home.book, system_clock))
    open_to_all = load().model_copy(update={"host": "0.0.0.0"})  # noqa: S104 - to be refused
    with pytest.raises(BadInput, match="WUXIN_TLS_CERTIFICATE"):
        server.serve(app, open_to_all)
    with_tls = open_to_all.model_copy(
        update={"tls_certificate": tmp_path / "c.pem", "tls_key": tmp_path / "k.pem"}
    )
    app.state.accounts = Accounts(home.book, system_clock)
    home.book.engine.connect().close()
    app.state.home = type("Elsewhere", (), {"tenant": Tenant("nobody")})()
    with pytest.raises(BadInput, match="there is no account"):
        server.serve(app, with_tls)
