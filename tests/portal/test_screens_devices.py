"""The devices as a browser shows them: the list, one device, and the next steps of its life."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.homes import NOW
from tests.portal.conftest import PASSWORD, Served
from tests.portal.test_screens_a import DESK, NO_EMPTY_WORDS, PHONE, WCAG, a_window
from wuxin.stores.journal import Arrived
from wuxin.terms.clock import DAY, HOUR, iso
from wuxin.terms.ports import Trust
from wuxin.wire.packed import packed

pytestmark = pytest.mark.server

ONE = "/devices/boxes/box:7"


def said(name: str, at: int) -> bytes:
    """Give what a box says of a weight."""
    frame = {"device": name, "boot": "b", "seq": 1, "time": iso(at),
             "readings": {"net_weight": 25_000}}  # fmt: skip
    return json.dumps(frame, separators=(",", ":")).encode()


@pytest.fixture(scope="module")
def visitors(chromium: Browser, served: Served) -> Iterator[dict[str, Any]]:
    """Register three boxes of a live source, and sign an administrator and an officer in."""
    home, accounts = served.home, served.app.state.accounts
    things = [{"kind": "lot", "id": f"B{n}"} for n in (7, 8, 9)]
    home.attend("boxes", "logistics", things=things, strangers=False)
    accounts.change(accounts.sign_in(home.tenant, "newcomer", password=served.one_time), PASSWORD)
    found = {}
    for who, language in (("newcomer", "en"), ("newcomer", "zh-CN"), ("officer", "en")):
        context, watch = a_window(chromium, served, language=language)
        answer = context.request.post("/api/session", data={"name": who, "password": PASSWORD})
        assert answer.ok
        found[who, language] = context, watch
    admin = found["newcomer", "en"][0]
    for n in (7, 8, 9):
        body = {"to": "installed", "thing": f"lot:B{n}", "reason": "mounted on site",
                "at": iso(NOW - 9 * DAY), "model": "weighing_platform"}  # fmt: skip
        assert admin.request.post(f"/api/devices/boxes/box:{n}", data=body).ok
    for name, at, trust in (("box:7", NOW - HOUR, Trust.SIGNED), ("box:8", NOW - 5 * DAY, 0)):
        frame = packed("boxes", [said(name, at)], stream=trust)
        assert not home.accept(Arrived("boxes", NOW, (frame,))).refusals
    yield found
    for context, watch in found.values():
        context.close()
        assert not watch.wrong


@pytest.fixture
def visit(visitors: dict[str, Any]) -> Iterator[Any]:
    """Open pages, and close them afterwards."""
    opened: list[Page] = []

    def open_page(
        path: str, *, who: str = "newcomer", language: str = "en", size: Any = DESK
    ) -> Page:
        page: Page = visitors[who, language][0].new_page()
        opened.append(page)
        page.set_viewport_size(size)
        page.goto(path)
        expect(page.locator("h1")).to_be_visible()
        return page

    yield open_page
    for page in opened:
        page.close()


def test_the_silent_come_first_and_a_press_shows_them_alone(visit: Any) -> None:
    page = visit("/devices")
    rows = page.locator(".ag-center-cols-container .ag-row")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("Silent")
    expect(rows.nth(0)).to_contain_text("box:8")
    expect(rows.nth(0)).to_contain_text("5 d / 2 d")
    expect(rows.nth(1)).to_contain_text("Not heard yet")
    expect(rows.nth(2)).to_contain_text("Signed")
    page.get_by_role("button", name="Silent 1").click()
    expect(rows).to_have_count(1)
    assert page.url.endswith("/devices?hearing=silent")
    page.reload()
    expect(page.get_by_role("button", name="Silent 1")).to_have_attribute("aria-pressed", "true")
    expect(rows).to_have_count(1)
    rows.first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("box:8")


def test_a_device_shows_how_it_is_known_its_readings_and_its_life(visit: Any) -> None:
    page = visit(ONE, language="zh-CN")
    main = page.get_by_role("main")
    for words in ("称重平台", "设备签名", "25 t", "已安装", "mounted on site", "批次 B7"):
        expect(main.get_by_text(words).first).to_be_visible()
    page.get_by_role("button", name="查看存证").last.click()
    expect(page.get_by_role("dialog")).to_contain_text("处置动作 · 设备变更")


def test_a_step_asks_for_a_reason_and_then_stands_in_its_life(visit: Any) -> None:
    page = visit("/devices/boxes/box:9")
    page.get_by_role("button", name="Commission").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Commission").click()
    expect(dialog).to_contain_text("Say why")
    dialog.get_by_label("Reason").fill("weighed a known weight")
    dialog.get_by_role("button", name="Commission").click()
    expect(page.locator(".wx-now")).to_contain_text("Commissioned")
    expect(page.locator(".wx-now")).to_contain_text("weighed a known weight")
    expect(page.get_by_role("button", name="Put into service")).to_be_visible()
    page.get_by_role("button", name="Install or bind anew").click()
    dialog.get_by_label("Thing (kind:id)").fill("ship:B9")
    dialog.get_by_label("Reason").fill("moved over")
    dialog.get_by_role("button", name="Install or bind anew").click()
    expect(dialog).to_contain_text("logistics has no kind 'ship'")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)


def test_who_may_not_change_devices_is_told_who_may(visit: Any) -> None:
    page = visit(ONE, who="officer")
    expect(page.get_by_role("main")).to_contain_text("administrators and supervisors may")
    expect(page.get_by_role("button", name="Commission")).to_have_count(0)


@pytest.mark.parametrize("path", ["/devices", ONE, "/devices?q=nobody"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_pages_fit_and_have_no_wcag_violations(visit: Any, path: str, size: Any) -> None:
    page = visit(path, size=size, language="zh-CN")
    page.wait_for_timeout(700)
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert page.evaluate(NO_EMPTY_WORDS)
    found = Axe().run(page, options=WCAG)
    assert found.violations_count == 0, found.generate_report()


def test_a_phone_shows_cards_that_lead_to_the_device(visit: Any) -> None:
    page = visit("/devices", size=PHONE)
    card = page.locator(".wx-row", has_text="box:8")
    expect(card).to_contain_text("silent for 5 d")
    card.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("box:8")
