"""The feed of a board at a construction site's gate."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from tests.homes import EXAMPLES, brought_in
from tests.portal.test_api import signed
from wuxin.home import Home
from wuxin.portal.access import Accounts
from wuxin.portal.api import build
from wuxin.terms.clock import system_clock

LAST = "2016-04-30T23:30:00+08:00"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("board")
    with brought_in(EXAMPLES / "infrastructure" / "recording.toml", folder) as opened:
        yield opened


@pytest.fixture
def client(home: Home) -> TestClient:
    return TestClient(build(home, Accounts(home.book, system_clock)), base_url="https://testserver")


def test_the_board_shows_what_is_fresh_and_forgets_what_is_old(
    client: TestClient, home: Home
) -> None:
    who = signed(client, home, role="supervisor")
    told = who.get("/api/boards/S-1", params={"at": LAST}).json()
    shown = {row["en"]: (row["value"], row["unit"]) for row in told["rows"]}
    # the last row of air.csv, and nobody on the site before midnight
    assert shown["PM10"] == ("163", "µg/m³")
    assert shown["People on site"] == ("0", "")
    assert shown["Noise"] == ("--", "dB(A)")
    later = who.get("/api/boards/S-1", params={"at": "2016-05-01T03:00:00+08:00"}).json()
    assert {row["value"] for row in later["rows"]} == {"--"}


def test_a_site_that_is_not_there_or_not_the_borrowers_own_is_not_shown(
    client: TestClient, home: Home
) -> None:
    stranger = signed(client, home, role="borrower", party="somebody else")
    assert stranger.get("/api/boards/S-1").status_code == 404
    assert stranger.get("/api/boards/nothing").status_code == 404


def test_a_time_that_cannot_be_meant_is_refused(client: TestClient, home: Home) -> None:
    who = signed(client, home, role="approver")
    assert who.get("/api/boards/S-1", params={"at": "yesterday"}).status_code == 400
    assert who.get("/api/boards/S-1").status_code == 200
