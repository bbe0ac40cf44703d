"""The progress of a facility: what the API says of its steps, and how the page completes one."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from fastapi.testclient import TestClient
from msgspec.structs import replace
from playwright.sync_api import Browser, Page, expect

from tests.homes import still
from tests.portal.test_api import signed
from tests.rooms.test_cases import another_first_step
from tests.servers import START_SECONDS, free_port
from tests.stories.test_copper_process import SCRIPT
from tests.tape import Tape
from wuxin.home import Home
from wuxin.packs import schema
from wuxin.portal.access import Accounts
from wuxin.portal.api import build
from wuxin.portal.server import application
from wuxin.settings import Settings
from wuxin.terms.clock import DAY, Nanos, iso
from wuxin.terms.names import Digest
from wuxin.terms.records import Command

PROCESS = "/api/facilities/F-1/process"
STEP = "/api/facilities/F-1/orders/complete_step"
PAPER = "5f" * 32
load = schema.load
TERMS: dict[str, Any] = {
    "id": "F-1", "obligor": "Trader", "pool": {"root": "warehouse:WH", "kind": "lot"},
    "currency": "USD", "principal": "100000", "opened": "2026-01-01", "haircut": "0.30",
    "maximum_loan_to_value": "0.60", "target_loan_to_value": "0.50", "call_deadline": "7 d",
    "minimum_transfer": "1000", "process": True,
    "terms": {"price": "price_series:copper", "price_unit": "USD/t", "price_valid_for": "62 d"},
}  # fmt: skip
AXE = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}


class Wall:
    """A clock that tests may move."""

    def __init__(self) -> None:
        self.now = still()

    def __call__(self) -> Nanos:
        return self.now


def lent(folder: Path, wall: Wall) -> Home:
    """Open a home whose live warehouse stands behind a facility under the process."""
    home = Home(folder, clock=wall)
    lots = [{"kind": "warehouse", "id": "WH"}]
    lots += [{"kind": "lot", "id": f"L-{n}", "parent": "warehouse:WH"} for n in range(2)]
    home.attend("yard", "logistics", things=lots)
    command = Command("open_facility", wall.now, "approver:ann", "F-1", TERMS, "approver")
    home.order(command, source="yard")
    return home


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def home(tmp_path: Path, wall: Wall) -> Iterator[Home]:
    with lent(tmp_path, wall) as opened:
        yield opened


@pytest.fixture
def client(home: Home) -> TestClient:
    return TestClient(build(home, Accounts(home.book, home.clock)), base_url="https://testserver")


def step(answer: Any, name: str) -> Any:
    return next(s for s in answer["steps"] if s["step"] == name)


def test_a_step_is_completed_by_its_role_and_shows_by_whom_and_when(
    client: TestClient, home: Home
) -> None:
    signed(client, home, role="relationship_manager")
    before = client.get(PROCESS).json()
    assert (before["state"], len(before["steps"])) == ("running", 15)
    assert step(before, "set_up") | {"needs": []} == {
        "step": "set_up", "owner": "relationship_manager", "zh": "建档：借款人、仓库、批次、仓单",
        "en": "Set up: borrower, warehouse, lots, receipts", "needs": [], "does": "",
        "escalate": "approver", "within_s": 5 * 86400, "state": "ready", "who": "", "role": "",
        "at": None, "note": "", "documents": [], "since": iso(still()),
        "due": iso(still() + 5 * DAY), "overdue": False, "may": True,
    }  # fmt: skip
    told = {"step": "set_up", "note": "papers seen", "documents": [PAPER]}
    assert client.post(STEP, json=told).status_code == 200
    after = client.get(PROCESS).json()
    done = step(after, "set_up")
    assert (done["state"], done["who"], done["at"]) == (
        "done", "relationship_manager", iso(still()),
    )  # fmt: skip
    assert (done["note"], done["documents"]) == ("papers seen", [PAPER])
    pledge = step(after, "pledge")
    assert (pledge["state"], pledge["may"]) == ("ready", False)  # it is the borrower's
    lacks = {n["need"]: n["en"] for n in step(after, "approval")["needs"] if not n["met"]}
    assert "data_accepted" in lacks
    assert lacks["covered"] == "the lendable value covers the loan"


def test_what_a_gate_waits_for_is_said_and_refused(client: TestClient, home: Home) -> None:
    signed(client, home, role="relationship_manager")
    assert client.post(STEP, json={"step": "set_up"}).status_code == 200
    signed(client, home, role="borrower", party="Trader")
    pledge = step(client.get(PROCESS).json(), "pledge")
    assert (pledge["state"], pledge["may"]) == ("waiting", False)
    assert [n["need"] for n in pledge["needs"] if not n["met"]] == ["documented"]
    answer = client.post(STEP, json={"step": "pledge"})
    assert (answer.status_code, answer.json()["detail"]) == (
        409, "step 'pledge' still needs documented",
    )  # fmt: skip
    assert client.post(STEP, json={"step": "set_up"}).status_code == 409
    signed(client, home, role="supervisor")
    assert client.post(STEP, json={"step": "pledge"}).status_code == 403


def test_a_home_whose_pack_has_another_process_since_opens_and_says_where_the_case_stands(
    tmp_path: Path, wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lent(tmp_path, wall) as home:
        client = TestClient(build(home, Accounts(home.book, wall)), base_url="https://testserver")
        signed(client, home, role="relationship_manager")
        assert client.post(STEP, json={"step": "set_up"}).status_code == 200
    old, new = schema.load("logistics"), another_first_step()
    other = replace(new, digest=Digest("0" * 64))
    monkeypatch.setattr(schema, "load", lambda name: other if name == old.name else load(name))
    with Home(tmp_path, clock=wall) as home:
        assert "packs since changed" in home.passed[0]
        client = TestClient(build(home, Accounts(home.book, wall)), base_url="https://testserver")
        signed(client, home, role="relationship_manager")
        found = client.get(PROCESS).json()
        assert (found["state"], step(found, "file")["state"]) == ("running", "ready")


def test_a_stranger_sees_no_process(client: TestClient, home: Home) -> None:
    signed(client, home, role="borrower", party="somebody else")
    assert client.get(PROCESS).status_code == 404
    assert client.post(STEP, json={"step": "pledge"}).status_code == 404


def test_a_late_step_is_overdue(client: TestClient, home: Home, wall: Wall) -> None:
    wall.now = Nanos(wall.now + 6 * DAY)
    signed(client, home, role="risk_officer")
    late = step(client.get(PROCESS).json(), "set_up")
    assert (late["state"], late["overdue"], late["may"]) == ("ready", True, False)


def test_a_recording_that_is_still_replayed_takes_no_steps(tmp_path: Path) -> None:
    tape = Tape(tmp_path, SCRIPT)
    tape.until("2008-08-06T12:00+08:00")
    client = TestClient(
        build(tape.home, Accounts(tape.home.book, still)), base_url="https://testserver"
    )
    signed(client, tape.home, role="relationship_manager")
    answer = client.post("/api/facilities/CU-2008-01/orders/complete_step", json={"step": "set_up"})
    assert (answer.status_code, "still being replayed" in answer.json()["detail"]) == (409, True)
    tape.home.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Serve the live warehouse; its address and a relationship manager's password."""
    wall = Wall()
    with lent(tmp_path_factory.mktemp("progress"), wall) as home:
        app = application(home, Settings())
        accounts: Accounts = app.state.accounts
        given = accounts.create(home.tenant, "rita", role="relationship_manager")
        accounts.change(accounts.sign_in(home.tenant, "rita", password=given), "ten letters")
        port = free_port()
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not server.started:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}", "ten letters"
        server.should_exit = True
        thread.join(10)


def opened(chromium: Browser, served: tuple[str, str], *, language: str, width: int) -> Page:
    context = chromium.new_context(base_url=served[0], timezone_id="Asia/Shanghai", locale=language)
    context.add_cookies([{"name": "wuxin_language", "value": language, "url": served[0]}])
    who = {"name": "rita", "password": served[1]}
    assert context.request.post("/api/session", data=who).ok
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/facilities/F-1")
    return page


@pytest.mark.server
def test_the_page_draws_the_steps_in_both_languages_and_completes_one(
    chromium: Browser, served: tuple[str, str]
) -> None:
    phone = opened(chromium, served, language="zh-CN", width=390)
    steps = phone.locator(".wx-progress > li")
    expect(steps).to_have_count(15)
    boxes = [steps.nth(n).bounding_box() for n in (0, 1, 2)]
    assert [box["x"] for box in boxes if box] == [boxes[0]["x"]] * 3  # one below the other
    expect(steps.nth(0)).to_contain_text("可办理")
    expect(steps.nth(6)).to_contain_text("约定时长内数据连续有效")
    wide = phone.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
    desk = opened(chromium, served, language="en", width=1440)
    first = desk.locator(".wx-progress > li").first
    expect(first).to_contain_text("Ready")
    first.get_by_role("button", name="Complete this step").click()
    desk.get_by_label("Note").fill("papers seen")
    desk.get_by_role("dialog").get_by_role("button", name="Complete", exact=True).click()
    expect(desk.locator(".wx-progress > li").first).to_contain_text("relationship manager rita")
    second = desk.locator(".wx-progress > li").nth(1)
    expect(second).to_contain_text("waits for: papers are on file")
    assert Axe().run(desk, options=AXE).violations_count == 0
    phone.context.close()
    desk.context.close()
