"""Orders over HTTP: rights, keys, refusals, and the stream of what came of them."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient

from tests.homes import still, stocked
from tests.portal.test_api import signed
from wuxin.cli import main
from wuxin.home import Home
from wuxin.portal.access import ROLES, Accounts
from wuxin.portal.api import build
from wuxin.terms.clock import system_clock
from wuxin.wire.recording import open_recording

FACILITY: dict[str, Any] = {
    "id": "F-1", "obligor": "trader", "pool": {"root": "warehouse:WH", "kind": "lot"},
    "currency": "USD", "principal": "100000", "opened": "2024-03-01", "haircut": "0.2",
    "maximum_loan_to_value": "0.8", "target_loan_to_value": "0.7", "call_deadline": "5 d",
    "minimum_transfer": "100", "terms": {"price": "price_series:copper", "price_unit": "USD/t"},
}  # fmt: skip
OPEN = "/api/facilities/F-1/orders/open_facility?source=recording"
REPAY = "/api/facilities/F-1/orders/repay"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Open a home with three lots and no facility yet."""
    (tmp_path / "in").mkdir()
    with Home(tmp_path / "home", clock=still) as opened:
        for _ in opened.replay(open_recording(stocked(tmp_path / "in"))):
            pass
        yield opened


@pytest.fixture
def client(home: Home) -> TestClient:
    app = build(home, Accounts(home.book, system_clock))
    return TestClient(app, base_url="https://testserver")


def opened(client: TestClient, home: Home) -> TestClient:
    source = next(iter(home.flow.sources))
    signed(client, home, role="approver")
    answer = client.post(OPEN.replace("recording", source), json=FACILITY)
    assert answer.status_code == 200, answer.text
    return client


def test_a_facility_is_opened_and_paid_by_those_who_may(client: TestClient, home: Home) -> None:
    opened(client, home)
    signed(client, home, role="core_system")
    answer = client.post(REPAY, json={"amount": "40000.00"}).json()
    assert [act["kind"] for act in answer["acts"]] == ["journal_entry", "repayment"]
    assert answer["acts"][-1]["mandate"] == "core_system:core_system"
    assert client.get("/api/facilities/F-1").json()["outstanding"] == "60000.00"


@pytest.mark.parametrize("role", ROLES)
def test_each_order_is_for_its_roles_alone(client: TestClient, home: Home, role: str) -> None:
    signed(client, home, role=role)
    for order in client.get("/api/orders").json():
        of = "facilities/F-9" if order["of"] == "facility" else "bank"
        answer = client.post(f"/api/{of}/orders/{order['do']}", json={})
        if role in order["by"]:
            assert answer.status_code in {200, 400, 404, 409}, (order["do"], answer.text)
        else:
            assert answer.status_code == 403, (order["do"], answer.text)


def test_under_its_key_an_order_is_obeyed_once_and_answered_alike(
    client: TestClient, home: Home
) -> None:
    opened(client, home)
    signed(client, home, role="core_system")
    key = {"Idempotency-Key": "payment-77"}
    first = client.post(REPAY, json={"amount": "500"}, headers=key).json()
    again = client.post(REPAY, json={"amount": "500"}, headers=key).json()
    assert (first["repeated"], again["repeated"]) == (False, True)
    assert again | {"repeated": False} == first
    assert client.get("/api/facilities/F-1").json()["outstanding"] == "99500.00"
    other = client.post(REPAY, json={"amount": "501"}, headers=key)
    assert other.status_code == 409
    assert "used for something else" in other.json()["detail"]


def test_sent_many_times_at_once_an_order_is_obeyed_once(client: TestClient, home: Home) -> None:
    opened(client, home)
    signed(client, home, role="core_system")
    key = {"Idempotency-Key": "payment-78"}
    with ThreadPoolExecutor(8) as threads:
        sent = [threads.submit(client.post, REPAY, json={"amount": "500"}, headers=key)
                for _ in range(24)]  # fmt: skip
    answers = [one.result().json() for one in sent]
    assert sorted(answer.pop("repeated") for answer in answers) == [False] + [True] * 23
    assert all(answer == answers[0] for answer in answers)
    assert client.get("/api/facilities/F-1").json()["outstanding"] == "99500.00"


def test_a_key_is_remembered_over_a_restart(tmp_path: Path, home: Home, client: TestClient) -> None:
    opened(client, home)
    signed(client, home, role="core_system")
    key = {"Idempotency-Key": "payment-77"}
    client.post(REPAY, json={"amount": "500"}, headers=key)
    home.close()
    with Home(tmp_path / "home", clock=still) as again:
        client = TestClient(build(again, Accounts(again.book, system_clock)),
                            base_url="https://testserver")  # fmt: skip
        signed(client, again, role="core_system")
        assert client.post(REPAY, json={"amount": "500"}, headers=key).json()["repeated"]
        assert client.get("/api/facilities/F-1").json()["outstanding"] == "99500.00"


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        (REPAY, {"amount": "100000.01"}, 409, "more than the 100000.00 that is owed"),
        (REPAY, {"amount": 0.1}, 400, "Expected `int | str`"),
        (REPAY, {"amount": "1", "why": "x"}, 400, "unknown field `why`"),
        (REPAY, {"amount": 10**40}, 400, "cannot be kept"),
        (REPAY, {"amount": "1", "reference": "a\0"}, 400, "reference cannot be kept"),
        (REPAY, [], 422, "the body"),
        (REPAY.replace("F-1", "F-2"), {"amount": "1"}, 404, "no facility 'F-2'"),
    ],
)
def test_what_cannot_be_obeyed_is_a_problem_and_changes_nothing(
    client: TestClient, home: Home, *, path: str, body: Any, status: int, said: str
) -> None:
    opened(client, home)
    signed(client, home, role="core_system")
    answer = client.post(path, json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]
    assert client.get("/api/facilities/F-1").json()["outstanding"] == "100000.00"


@pytest.mark.parametrize("body", [b'{"\\ud800": 1}', b'{"amount": "1", "reference": "\\ud800"}'])
def test_what_is_no_text_is_refused_in_words_that_are(
    client: TestClient, home: Home, body: bytes
) -> None:
    opened(client, home)
    signed(client, home, role="core_system")
    answer = client.post(REPAY, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "cannot be kept" in answer.json()["detail"]
    assert client.get("/api/facilities/F-1").json()["outstanding"] == "100000.00"


def test_a_borrower_orders_for_its_own_facilities_alone(client: TestClient, home: Home) -> None:
    opened(client, home)
    body = {"call": 1, "amount": "1", "reason": "no"}
    path = "/api/facilities/F-1/orders/dispute_call"
    signed(client, home, role="borrower", party="somebody else")
    assert client.post(path, json=body).status_code == 404
    signed(client, home, role="borrower", party="trader")
    assert "no open call" in client.post(path, json=body).json()["detail"]


def test_a_list_comes_in_parts_and_says_where_the_next_one_is(
    client: TestClient, home: Home
) -> None:
    opened(client, home)
    whole = client.get("/api/facilities")
    assert (whole.headers["X-Total-Count"], len(whole.json())) == ("1", 1)
    assert "Link" not in whole.headers
    rest = client.get("/api/facilities?offset=1")
    assert (rest.json(), rest.headers["X-Total-Count"]) == ([], "1")
    assert client.get("/api/facilities?limit=1001").status_code == 422


def test_the_form_of_every_order_is_documented(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    path = document["paths"]["/api/facilities/{facility}/orders/repay"]["post"]
    ref = path["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    form = document["components"]["schemas"][ref.rsplit("/", 1)[1]]
    assert form["required"] == ["amount"]
    assert "core_system" in path["description"]
    assert {"400", "401", "403", "404", "409"} <= set(path["responses"])


def test_the_command_line_gives_orders_too(tmp_path: Path, home: Home, client: TestClient) -> None:
    opened(client, home)
    home.close()
    told = ["order", "repay", "--facility", "F-1", "--body", "-", "--home", str(tmp_path / "home")]
    done = CliRunner().invoke(main, [*told, "--as", "core_system:core"], input='{"amount": "7"}')
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["acts"][-1]["figures"]["amount"] == "7.00"
    wrong = CliRunner().invoke(main, [*told, "--as", "borrower:x"], input='{"amount": "7"}')
    assert wrong.exit_code == 2
    listed = CliRunner().invoke(main, ["orders", "--home", str(tmp_path / "home")])
    assert "open_facility" in listed.output
