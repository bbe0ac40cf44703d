"""Credit as a browser shows it: decisions explained, ratings, statements that are uploaded."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.portal.conftest import PASSWORD, Served
from tests.rooms.test_credit import MAKER, SOUND, apply, claim, order, quarters
from wuxin.home import Home

pytestmark = pytest.mark.server

DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
PAGES = ("/credit", "/credit/applications/A-1", f"/obligors/{MAKER}")

expect.set_options(timeout=20_000)  # a loaded machine is slow, not wrong


def lent(home: Home) -> None:
    """Let one applicant come to a limit, be doubted and fall; and another wait for review."""
    apply(home, statement=SOUND)
    order(home, "review", by="chen", application="A-1", verdict="agree", reason="books were seen")
    order(home, "decide", by="wang", application="A-1", limit="700000", reason="for one season")
    claim(home, "count", value="1000")
    claim(home, "invoices", value="1500")
    order(home, "tell_statement", by="li", obligor=MAKER, statement=quarters(500_000, first=2024))
    reasons = [
        {"zh": "开工率 41.0 %，推高违约风险", "en": "machine use: 41 %, which raises the risk"}
    ]
    stable = [{"zh": "输入稳定", "en": "the inputs are stable"}]
    order(home, "tell_score", by="chen", obligor=MAKER, model="a" * 64, probability="0.043",
          reasons=reasons, stability=stable)  # fmt: skip
    apply(home, by="zhao", obligor="Another maker", declared={"revenue": "9000000"})


@pytest.fixture(scope="module")
def windows(chromium: Browser, served: Served) -> Iterator[dict[str, BrowserContext]]:
    lent(served.home)
    found = {}
    for language in ("zh-CN", "en"):
        context = chromium.new_context(
            base_url=served.address, locale=language, timezone_id="Asia/Shanghai"
        )
        context.request.post("/api/session", data={"name": "officer", "password": PASSWORD})
        chosen = {"wuxin_language": language, "wuxin_zone": "Asia%2FShanghai"}
        for name, value in chosen.items():
            context.add_cookies([{"name": name, "value": value, "url": served.address}])
        found[language] = context
    yield found
    for context in found.values():
        context.close()


@pytest.fixture
def visit(windows: dict[str, BrowserContext]) -> Iterator[Any]:
    """Open pages; afterwards nothing wrong was written to the console."""
    pages: list[tuple[Page, list[str]]] = []

    def opened(path: str, *, window: Any = DESK, language: str = "zh-CN") -> Page:
        page, wrong = windows[language].new_page(), list[str]()
        page.on("pageerror", lambda e: wrong.append(str(e)))
        page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
        page.set_viewport_size(window)
        page.goto(path)
        pages.append((page, wrong))
        return page

    yield opened
    for page, wrong in pages:
        page.close()
        assert not wrong


def test_applications_lead_to_their_explained_decision(visit: Any) -> None:
    page = visit("/credit")
    table = page.get_by_role("table", name="申请", exact=True)
    expect(table.get_by_role("row")).to_have_count(3)
    table.get_by_role("link", name="A-1").click()
    page.wait_for_url("**/credit/applications/A-1")
    expect(page.get_by_text("没有机器数据")).to_be_visible()
    expect(page.get_by_text("机器平稳度 —，条件 null", exact=False)).to_be_visible()
    expect(page.get_by_text("CNY 700,000.00").first).to_be_visible()
    expect(page.get_by_text("books were seen")).to_be_visible()


def test_the_trial_balance_is_shown_with_its_difference(visit: Any) -> None:
    page = visit("/credit")
    balance = page.get_by_role("table", name="试算平衡表 USD")
    expect(balance.get_by_role("row").filter(has_text="贷款本金")).to_contain_text("1,560,000.00")
    totals = balance.get_by_role("row").last.get_by_role("cell")
    assert totals.nth(1).inner_text() == totals.nth(2).inner_text() != ""
    expect(page.get_by_text("借贷差额 0.00")).to_be_visible()


def test_an_officer_reviews_an_application_with_a_reason(visit: Any, served: Served) -> None:
    page = visit("/credit/applications/A-2")
    page.get_by_label("理由").fill("no")
    page.get_by_role("button", name="记录复核").click()
    expect(page.get_by_text("请写明理由")).to_be_visible()
    page.get_by_label("理由").fill("tax returns were seen")
    page.get_by_label("决定").click()
    page.get_by_role("option", name="同意", exact=True).click()
    page.get_by_role("button", name="记录复核").click()
    expect(page.get_by_text("待审批")).to_be_visible()
    expect(page.get_by_text("tax returns were seen")).to_be_visible()
    assert served.home.flow.bank.credit.applications["A-2"].reviewer == "risk_officer:officer"


def test_an_obligor_shows_its_rating_through_time_and_why(visit: Any) -> None:
    page = visit(f"/obligors/{MAKER}")
    chart = page.locator(".nicegui-echart").first
    expect(chart.locator("canvas")).to_be_visible()
    assert "C" in (chart.get_attribute("aria-label") or "")
    expect(page.get_by_role("cell", name="invoices")).to_be_visible()
    expect(page.get_by_text("1,500 items").first).to_be_visible()
    expect(page.get_by_text("且无法判断哪一方有误", exact=False)).to_be_visible()
    expect(page.get_by_text("已用 CNY 0.00，额度 CNY 700,000.00")).to_be_visible()
    expect(page.get_by_text("开工率 41.0 %，推高违约风险")).to_be_visible()


def test_a_statement_is_previewed_and_then_handed_in(visit: Any, served: Served) -> None:
    page = visit(f"/obligors/{MAKER}", language="en")
    file = json.dumps(quarters(510_000, first=2024, more="x")).encode()
    page.locator("input[type=file]").set_input_files(
        {"name": "q.json", "mimeType": "application/json", "buffer": file}
    )
    expect(page.get_by_text(f"Preview: {MAKER}")).to_be_visible()
    periods = page.get_by_role("table", name="Figures by period")
    expect(periods.get_by_role("row").last).to_contain_text("510,000")
    expect(periods.get_by_role("row").last).to_contain_text("30.0%")
    before = served.home.log.size
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_text("2024Q1 is given twice", exact=False)).to_be_visible()
    assert served.home.log.size > before
    page.locator("input[type=file]").set_input_files(
        {"name": "bad.json", "mimeType": "application/json", "buffer": b"{"}
    )
    expect(page.get_by_text("it is not JSON")).to_be_visible()


def test_a_phone_never_scrolls_sideways(visit: Any) -> None:
    for path in PAGES:
        page = visit(path, window=PHONE)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator(".wx-card").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path


def test_english_pages_have_no_chinese_but_the_name_and_the_way_back(visit: Any) -> None:
    for path in PAGES:
        page = visit(path, language="en")
        expect(page.locator(".wx-card").first).to_be_visible()
        assert set(re.findall(r"[\u4e00-\u9fff]+", page.inner_text("body"))) <= {"物信", "中文"}


@pytest.mark.parametrize("path", PAGES)
def test_pages_keep_wcag_a_and_aa(visit: Any, path: str) -> None:
    page = visit(path)
    expect(page.locator(".wx-card").first).to_be_visible()
    found = Axe().run(page, options=WCAG)
    assert found.violations_count == 0, found.generate_report()
