"""The work list of warnings as a browser shows it: filtered, acted on, on a desk and on a phone."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.portal.conftest import PASSWORD, Served
from tests.portal.test_screens_a import DESK, NO_EMPTY_WORDS, PHONE, WCAG, a_window

pytestmark = pytest.mark.server

ROWS = ".ag-center-cols-container .ag-row"


@pytest.fixture(scope="module")
def windows(chromium: Browser, served: Served) -> Iterator[dict[str, Any]]:
    """Sign the officer in, in both languages."""
    found = {name: a_window(chromium, served, language=name) for name in ("zh-CN", "en")}
    for context, _ in found.values():
        who = {"name": "officer", "password": PASSWORD}
        assert context.request.post("/api/session", data=who).ok
    yield found
    for context, watch in found.values():
        context.close()
        assert not watch.wrong


@pytest.fixture
def visit(windows: dict[str, Any]) -> Iterator[Any]:
    """Open pages, and close them afterwards."""
    opened: list[Page] = []

    def open_page(path: str, *, language: str = "en", size: Any = DESK) -> Page:
        page: Page = windows[language][0].new_page()
        opened.append(page)
        page.set_viewport_size(size)
        page.goto(path)
        expect(page.locator("h1")).to_be_visible()
        return page

    yield open_page
    for page in opened:
        page.close()


def named(served: Served, rule: str) -> str:
    """Return the id of the warning of a rule."""
    groups = served.home.flow.bank.warnings.groups.values()
    return next(group.id for group in groups if rule in group.rules)


def test_the_most_pressing_come_first_and_filters_stay_in_the_address(visit: Any) -> None:
    page = visit("/warnings")
    rows = page.locator(ROWS)
    expect(rows.first).to_contain_text("Act now")
    expect(rows.first).to_contain_text("New")
    page.get_by_role("button", name="Look into").click()
    expect(page.get_by_role("button", name="Look into")).to_have_attribute("aria-pressed", "true")
    page.get_by_label("State").click()
    page.get_by_role("option", name="To do").click()
    page.wait_for_function("location.search.includes('state=open')")
    page.reload()
    expect(page.get_by_role("button", name="Look into")).to_have_attribute("aria-pressed", "true")
    assert "level=amber" in page.url


def test_a_warning_shows_what_to_do_and_its_life_down_to_the_evidence(
    visit: Any, served: Served
) -> None:
    page = visit(f"/warnings?warning={named(served, 'double_naming')}")
    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text("named by 2 documents at once")
    expect(drawer).to_contain_text("1. Stop drawings and releases on the thing.")
    expect(drawer.get_by_role("link", name="CU-2008-01")).to_be_visible()
    expect(drawer.locator(".wx-now")).to_contain_text("Warning raised")
    drawer.locator(".wx-line").first.click()
    expect(page.get_by_text("What the bank does")).to_be_visible()


def test_on_a_phone_it_is_acknowledged_assigned_and_closed_with_one_thumb(
    visit: Any, served: Served
) -> None:
    page = visit("/warnings", language="zh-CN", size=PHONE)
    page.locator(".wx-row", has_text="被 2 张单据指认").click()
    drawer = page.locator(".wx-drawer")
    acts = drawer.locator(".wx-acts")
    box = acts.bounding_box()
    assert box is not None
    assert PHONE["height"] - 140 <= box["y"] + box["height"] <= PHONE["height"]
    for button in acts.locator("button").all():
        size = button.bounding_box()
        assert size is not None
        assert size["height"] >= 44
    acts.get_by_role("button", name="确认").click()
    asked = page.locator(".wx-ask")
    asked.get_by_role("button", name="确认").click()
    expect(asked.get_by_text("请写明理由")).to_be_visible()
    asked.get_by_label("理由").fill("已电话核实")
    asked.get_by_role("button", name="确认").click()
    expect(drawer.locator(".wx-now")).to_contain_text("已电话核实")
    acts.get_by_role("button", name="指派").click()
    asked.get_by_role("button", name="指派").click()
    expect(asked.get_by_text("请填写")).to_be_visible()
    asked.get_by_label("经办人").fill("zhao")
    asked.get_by_role("button", name="指派").click()
    expect(drawer.locator(".wx-now")).to_contain_text("监管员 zhao")
    acts.get_by_role("button", name="办结").click()
    asked.get_by_label("理由").fill("一张已注销")
    asked.get_by_role("button", name="办结").click()
    expect(drawer.locator(".wx-now")).to_contain_text("属实")
    expect(acts).to_have_count(0)
    warning = served.home.flow.bank.warnings.groups[named(served, "double_naming")]
    assert (warning.state, warning.outcome) == ("handled", "real")
    assert [move.by for move in warning.life[1:]] == ["risk_officer:officer"] * 3


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_the_list_and_the_drawer_fit_and_have_no_wcag_violations(
    visit: Any, served: Served, *, language: str, size: Any
) -> None:
    page = visit("/warnings", language=language, size=size)
    expect(page.locator(".ag-row .wx-level, .wx-row").first).to_be_visible()
    _fits(page)
    page.goto(f"/warnings?warning={named(served, 'loan_to_value_breach')}")
    expect(page.locator(".wx-drawer .wx-time")).to_be_visible()
    page.wait_for_timeout(500)
    _fits(page)


def _fits(page: Page) -> None:
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert page.evaluate(NO_EMPTY_WORDS)
    found = Axe().run(page, options=WCAG)
    assert found.violations_count == 0, found.generate_report()
