"""Trades by the API and on their pages: four lanes, breaks with both sides, statements by file."""

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from click.testing import CliRunner
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, Page, expect

from tests.portal.test_orders_api import signed
from tests.rooms.test_camt053 import details, entry, message
from tests.servers import START_SECONDS, free_port
from tests.stories.metal import Metal, line
from wuxin.cli import main
from wuxin.home import Home
from wuxin.portal.access import Accounts
from wuxin.portal.api import build
from wuxin.portal.server import application
from wuxin.settings import Settings
from wuxin.terms.names import digest

AXE = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}


def traded(folder: Path) -> Metal:
    """Trade a hundred tonnes that weigh too little, are paid in part, lent on and melted."""
    metal = Metal(folder)
    metal.order(due="2026-01-20")
    metal.invoice()
    metal.wall.pass_days(1)
    metal.moved("in", "100000", weighed="98500")
    metal.paid(line(3_000_000, "out", text="INV-1"), line(12, "out", text="wages"))
    metal.lend("F-1", "1000000.00", stage="lot", subject="lot:raw", quantity="100", unit="t")
    metal.wall.pass_days(2)
    metal.tell("tell_process", role="supervisor", reference="melt-1", unit="t", loss="5",
               inputs=[{"lot": "lot:raw", "quantity": "100"}],
               outputs=[{"lot": "lot:rod", "quantity": "57"},
                        {"lot": "lot:bar", "quantity": "38"}])  # fmt: skip
    metal.invoice("INV-2", "10", order="PO-2", buyer="foundry")
    return metal


@pytest.fixture
def metal(tmp_path: Path) -> Iterator[Metal]:
    made = traded(tmp_path)
    yield made
    made.home.close()


@pytest.fixture
def client(metal: Metal) -> TestClient:
    home = metal.home
    return TestClient(build(home, Accounts(home.book, home.clock)), base_url="https://testserver")


def test_a_trade_is_read_with_its_flows_breaks_and_descent(
    client: TestClient, metal: Metal
) -> None:
    signed(client, metal.home, role="risk_officer")
    answer = client.get("/api/trades", params={"limit": 1})
    assert answer.headers["X-Total-Count"] == "2"
    [row] = answer.json()
    assert (row["order"], row["level"], row["open"]) == ("PO-1", "red", 3)
    assert row["delivered"] == [{"unit": "kg", "amount": "100000"}]
    assert row["paid"] == [{"unit": "CNY", "amount": "3000000"}]
    found = client.get("/api/trades/PO-1").json()
    assert [x["kind"] for x in found["flows"]["commerce"]] == ["Order", "Invoice"]
    assert [x["kind"] for x in found["flows"]["goods"]] == ["in", "Made"]
    assert [x["kind"] for x in found["flows"]["capital"]] == ["Payment", "Financing"]
    assert {x["subject"] for x in found["breaks"]} == {"PO-1", "lot:rod [kg]", "lot:bar [kg]"}
    weight = next(x for x in found["breaks"] if x["rule"] == "weight_against_invoice")
    assert [side["figures"] for side in weight["sides"]] == [{"kg": "98500"}, {"kg": "100000"}]
    assert weight["finding"]
    lots = {lot["lot"]: lot for lot in found["lots"]}
    assert lots["lot:rod"]["pledged"] == "60000"
    assert lots["lot:rod"]["value"] == "3600000"
    assert found["processes"][0]["loss"] == "5000"
    assert client.get("/api/trades/PO-9").status_code == 404
    [lack] = client.get("/api/trades/lacking").json()
    assert (lack["text"], lack["amount"]) == ("wages", "12")


def test_a_borrower_sees_the_trades_of_its_own_party_only(client: TestClient, metal: Metal) -> None:
    signed(client, metal.home, role="borrower", party="mill")
    assert [row["order"] for row in client.get("/api/trades").json()] == ["PO-1"]
    assert client.get("/api/trades/lacking").json() == []
    signed(client, metal.home, role="borrower", party="nobody")
    assert client.get("/api/trades").json() == []
    assert client.get("/api/trades/PO-1").status_code == 404


PART = details("08", remit="<Ustrd>INV-1</Ustrd>")
PAID = message("08", entry("08", "4000", way="DBIT", dtls=PART), closing="1000")


def test_a_statement_by_file_is_kept_by_its_digest_and_told_once(
    client: TestClient, metal: Metal
) -> None:
    signed(client, metal.home, role="relationship_manager")
    sent = {"content": PAID, "headers": {"Content-Type": "application/xml"}}
    [first] = client.post("/api/bank/statements", **sent).json()  # type: ignore[arg-type]
    assert first["acts"][0]["figures"]["document"] == digest(PAID)
    kept = metal.folder / metal.home.tenant / "statements" / f"{digest(PAID)}.xml"
    assert kept.read_bytes() == PAID
    [again] = client.post("/api/bank/statements", **sent).json()  # type: ignore[arg-type]
    assert again["acts"] == []
    assert client.get("/api/trades/PO-1").json()["paid"][0]["amount"] == "3004000"
    bad = {"content": PAID.replace(b">1000<", b">1001<")}
    answer = client.post("/api/bank/statements", **bad)  # type: ignore[arg-type]
    assert (answer.status_code, "add up" in answer.json()["detail"]) in {(400, True), (409, False)}
    assert client.post("/api/bank/statements", content=b"<a/>").status_code == 400
    signed(client, metal.home, role="supervisor")
    assert client.post("/api/bank/statements", content=b"").status_code == 403


def test_a_statement_is_brought_on_the_command_line(metal: Metal, tmp_path: Path) -> None:
    metal.home.close()
    file = tmp_path / "day.xml"
    file.write_bytes(PAID)
    told = ["bring-statement", str(file), "--home", str(metal.folder), "--as", "core_system:core"]
    first = CliRunner().invoke(main, told)
    assert first.exit_code == 0
    assert first.output.startswith("day.xml: 1 lines, 1 allocated, 0 not")
    assert "nothing has changed" in CliRunner().invoke(main, told).output
    metal.home = Home(metal.folder, clock=metal.wall)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the trades; their address."""
    metal = traded(tmp_path_factory.mktemp("trades"))
    app = application(metal.home, Settings())
    accounts: Accounts = app.state.accounts
    given = accounts.create(metal.home.tenant, "rita", role="risk_officer")
    accounts.change(accounts.sign_in(metal.home.tenant, "rita", password=given), "ten letters")
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)
    metal.home.close()


def opened(chromium: Browser, served: str, *, language: str, width: int) -> Page:
    context = chromium.new_context(base_url=served, timezone_id="Asia/Shanghai", locale=language)
    context.add_cookies([{"name": "wuxin_language", "value": language, "url": served}])
    who = {"name": "rita", "password": "ten letters"}
    assert context.request.post("/api/session", data=who).ok
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    return page


@pytest.mark.server
def test_the_page_draws_four_lanes_and_marks_the_breaks(chromium: Browser, served: str) -> None:
    desk = opened(chromium, served, language="en", width=1440)
    desk.goto("/trades")
    desk.get_by_role("link", name="PO-1").click()
    expect(desk.locator(".wx-lane")).to_have_count(5)
    expect(desk.locator(".wx-flag")).to_have_count(3)
    expect(desk.locator(".wx-dot").first).to_have_attribute("aria-label", re.compile("PO-1"))
    broken = desk.locator(".wx-lines > li").filter(has_text="the weight is not what was invoiced")
    expect(broken).to_contain_text("98500 kg")
    assert Axe().run(desk, options=AXE).violations_count == 0
    phone = opened(chromium, served, language="zh-CN", width=390)
    phone.goto("/trades/PO-1")
    expect(phone.locator(".wx-lane").first).to_contain_text("商流")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    phone.goto("/trades")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    desk.context.close()
    phone.context.close()
