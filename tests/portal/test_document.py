"""What the document of the API promises of every route: problems, parts of lists, bounds."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from tests.homes import EXAMPLES, brought_in
from tests.portal.conftest import Served
from tests.portal.test_api import signed
from wuxin.home import Home
from wuxin.portal.access import Accounts
from wuxin.portal.api import build
from wuxin.portal.document import DOORS
from wuxin.terms.clock import system_clock

LISTS = ("/api/things", "/api/findings", "/api/acts", "/api/devices", "/api/facilities",
         "/api/places", "/api/packs", "/api/ledger", "/api/applications", "/api/obligors",
         "/api/orders", "/api/replays", "/api/deliveries", "/api/subscriptions", "/api/trades",
         "/api/trades/lacking", "/api/warnings",
         "/api/facilities/{name}/pledges")  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("document")
    with brought_in(EXAMPLES / "logistics" / "recording.toml", folder) as opened:
        yield opened


@pytest.fixture
def client(home: Home) -> TestClient:
    app = build(home, Accounts(home.book, system_clock))
    app.state.replays = {str(n): {"source": str(n), "pack": "logistics"} for n in range(3)}
    return signed(TestClient(app, base_url="https://testserver"), home, role="risk_officer")


def operations(client: TestClient) -> dict[tuple[str, str], Any]:
    """Return all that can be asked, by path and method."""
    paths = client.get("/openapi.json").json()["paths"]
    return {(path, method): one for path, methods in paths.items()
            for method, one in methods.items()}  # fmt: skip


def test_every_route_of_the_api_documents_its_problems(client: TestClient) -> None:
    for (path, method), one in operations(client).items():
        if path.startswith("/api"):
            for status in ("400", "401", "403", "404", "409", "410", "422"):
                types = one["responses"][status]["content"]
                assert [*types] == ["application/problem+json"], (path, method, status)
                assert types["application/problem+json"]["schema"]["$ref"].endswith("/Problem")
        assert (one.get("security") == []) == ((path, method) in DOORS), (path, method)


def test_every_parameter_has_a_bound(client: TestClient) -> None:
    for (path, method), one in operations(client).items():
        for asked in one.get("parameters", ()):
            schema = asked["schema"]
            bounded = schema.keys() & {"maxLength", "maximum", "enum", "pattern"}
            either = {part.get("type") for part in schema.get("anyOf", ())}
            free = schema.get("type") == "boolean" or either == {"boolean", "null"}
            assert bounded or free, (path, method, asked["name"])


@pytest.mark.parametrize("path", LISTS)
def test_whoever_follows_the_links_sees_every_entry_once(client: TestClient, path: str) -> None:
    of = path.replace("{name}", "CU-2008-01")
    known = operations(client)[path, "get"]
    assert "Link" in known["responses"]["200"]["headers"]
    whole = client.get(of, params={"limit": 200}).json()
    rows = whole if isinstance(whole, list) else whole["rows"]
    size = max(1, len(rows) // 3)
    seen: list[Any] = []
    following: str | None = f"{of}?limit={size}"
    while following:
        answer = client.get(following)
        said = answer.json()
        link = answer.links.get("next", {}).get("url")
        if isinstance(said, list):
            assert int(answer.headers["X-Total-Count"]) == len(rows)
            following = link
        else:
            assert said["next"] == link
            assert (said["total"], said["limit"]) == (len(rows), size)
            following, said = said["next"], said["rows"]
        assert len(said) <= size
        seen += said
    assert seen == rows


def test_a_listing_that_is_in_no_table_here_is_found(client: TestClient) -> None:
    listing = [
        path for (path, _), one in operations(client).items()
        if any(asked["name"] == "offset" for asked in one.get("parameters", ()))
    ]  # fmt: skip
    assert sorted(listing) == sorted(LISTS)


def test_the_next_part_is_of_the_same_question(client: TestClient) -> None:
    said = client.get("/api/acts", params={"kind": "revaluation", "limit": 2, "to": "2009-01-01"})
    following = said.json()["next"]
    assert following == "/api/acts?kind=revaluation&to=2009-01-01&offset=2&limit=2"
    assert {row["kind"] for row in client.get(following).json()["rows"]} == {"revaluation"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/nothing", 404),
        ("PUT", "/api/facilities", 404),
        ("GET", "/api/log/%00", 422),
        ("GET", "/api/log/" + "%E7%89%A9" * 190, 404),
        ("GET", "/api/facilities/" + "x" * 201, 422),
        ("GET", "/api/things?offset=1000000001", 422),
        ("GET", "/api/findings?as_of=" + "9" * 30, 400),
        ("POST", "/api/facilities/F-1/orders/repay", 422),
    ],
)
def test_what_there_is_none_of_is_a_problem_too(
    client: TestClient, *, method: str, path: str, status: int
) -> None:
    body = {"content": b"{", "headers": {"Content-Type": "application/json"}}
    answer = client.request(method, path, **(body if method == "POST" else {}))
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


def test_beside_the_screens_an_unknown_address_of_the_api_is_no_page(served: Served) -> None:
    answer = httpx.get(f"{served.address}/api/nothing", trust_env=False)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
