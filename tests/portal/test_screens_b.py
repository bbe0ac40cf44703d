"""Things, a thing, warnings, map and search, as a browser shows them."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.portal.conftest import PASSWORD, Served
from wuxin.portal.headers import policy

pytestmark = pytest.mark.server

LOT = "/things/logistics/lot/L-11"
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
LABELS = """[...document.querySelectorAll('[aria-label],[title]')]
  .map((e) => e.ariaLabel + ' ' + e.title)"""
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
PAGES = ("/things", LOT, "/things/logistics/warehouse/WH-1", "/findings", "/map")


expect.set_options(timeout=20_000)  # a loaded machine is slow, not wrong


class Visitor:
    """A tab of somebody who has signed in; it counts errors and requests to other hosts."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self._address = page, address
        self.foreign: list[str] = []
        self.wrong: list[str] = []
        page.on("request", lambda r: self._request(r.url))
        page.on("pageerror", lambda e: self.wrong.append(str(e)))
        page.on("console", lambda m: self.wrong.append(m.text) if m.type == "error" else None)

    def _request(self, url: str) -> None:
        own = (self._address, self._address.replace("http", "ws"), "data:", "blob:")
        if not url.startswith(own):
            self.foreign.append(url)


@pytest.fixture(scope="module")
def windows(chromium: Browser, served: Served) -> Iterator[dict[str, BrowserContext]]:
    """Sign in once in each language; the tests' tabs share what the browser keeps."""
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
def visit(windows: dict[str, BrowserContext], served: Served) -> Iterator[Any]:
    """Open pages; afterwards nothing was written to the console and no request left the host."""
    visitors: list[Visitor] = []

    def opened(path: str, *, window: Any = DESK, language: str = "zh-CN") -> Page:
        page = windows[language].new_page()
        page.set_viewport_size(window)
        visitors.append(Visitor(page, served.address))
        page.goto(path)
        return page

    yield opened
    for visitor in visitors:
        visitor.page.close()
        assert not visitor.wrong
        assert not visitor.foreign


def asked(page: Page) -> dict[str, str]:
    """Return the state in the address."""
    return {k: v[0] for k, v in parse_qs(urlsplit(page.url).query).items()}


def value(page: Page, indicator: str) -> Any:
    """Return the cell of a latest value."""
    return page.locator(f"[data-value={indicator}]")


def test_the_table_asks_for_pages_and_holds_two_of_them(visit: Any) -> None:
    page = visit("/things")
    blocks: list[tuple[int, int]] = []

    def many(route: Route) -> None:
        query = parse_qs(urlsplit(route.request.url).query)
        offset, limit = int(query["offset"][0]), int(query["limit"][0])
        blocks.append((offset, limit))
        rows = [
            {"pack": "logistics", "kind": "lot", "id": f"X-{n:05}", "parent": "", "level": None,
             "zh": "批次", "en": "Lot"}
            for n in range(offset, offset + limit)
        ]  # fmt: skip
        route.fulfill(json={"total": 5000, "rows": rows})

    page.route(re.compile(r"/api/things\?"), many)
    page.reload()
    expect(page.get_by_text("X-00000")).to_be_visible()
    page.locator(".ag-body-viewport").evaluate("e => e.scrollTop = 42 * 2500")
    expect(page.get_by_text("X-02500")).to_be_visible()
    assert {limit for _, limit in blocks} == {100}
    assert max(offset for offset, _ in blocks) >= 2400
    assert page.locator(".ag-center-cols-container .ag-row").count() <= 200


def test_things_with_warnings_come_first_and_filters_stand_in_the_address(visit: Any) -> None:
    page = visit("/things")
    first = page.locator('.ag-row[row-index="0"]')
    expect(first).to_contain_text("CU-2008-01")
    expect(first).to_contain_text("红色")
    expect(page.locator('.ag-row[row-index="1"]')).to_contain_text("L-07")
    page.get_by_label("编号或种类").fill("L-1")
    expect(page.get_by_text("共 7 项")).to_be_visible()
    page.reload()
    expect(page.get_by_text("共 7 项")).to_be_visible()
    assert asked(page) == {"q": "L-1"}
    page.get_by_text("L-10", exact=True).click()
    page.wait_for_url("**/things/logistics/lot/L-10")


def test_a_thing_shows_its_values_and_its_series_with_warnings_marked(visit: Any) -> None:
    page = visit(LOT)
    expect(value(page, "net_weight")).to_have_text(re.compile(r"17\.5\d t"))
    assert page.locator("[data-reading]").count() == page.locator("[data-value]").count() > 8
    chart = page.locator(".wx-chart").first
    expect(chart.locator("canvas")).to_be_visible()
    drawn = chart.evaluate("e => getElement(+e.id.slice(1)).chart.getOption().series")
    mean = next(s for s in drawn if s["id"] == "mean")
    assert len(mean["data"]) > 90
    assert len(mean["markArea"]["data"]) == 2
    assert [f["name"] for s in drawn if s["id"] == "flags" for f in s["data"]] == ["红色 × 2"]
    assert "预警 2" in (chart.get_attribute("aria-label") or "")
    page.get_by_role("button", name="表", exact=True).click()
    expect(page.locator(".wx-points tbody tr").first).to_be_visible()
    assert 10 < page.locator(".wx-points tbody tr").count() <= 200
    assert asked(page) == {"as": "table"}


def test_a_past_moment_shows_what_was_true_before_and_after_the_removal(visit: Any) -> None:
    page = visit(f"{LOT}?at=2008-10-18T12:00:00Z")
    expect(value(page, "net_weight")).to_have_text("25.06 t")
    expect(value(page, "tag_count")).to_have_text("10")
    expect(page.get_by_text("无预警")).to_be_visible()
    expect(page.get_by_text("2008-10-18 20:00 UTC+8")).to_be_visible()
    page.get_by_label("当时的实情").fill("2008-10-20T12:00:00")
    page.get_by_role("button", name="应用").click()
    expect(value(page, "net_weight")).to_have_text(re.compile(r"17\.5\d t"))
    expect(value(page, "tag_count")).to_have_text("7")
    expect(page.get_by_text("净重 17.53 t")).to_be_visible()
    assert asked(page)["at"] == "2008-10-20T04:00:00Z"


def test_what_was_known_leaves_out_what_came_later(visit: Any) -> None:
    page = visit(f"{LOT}?as_of=1")
    expect(page.get_by_text("所知截至 第 1 批")).to_be_visible()
    expect(page.get_by_text("该时点没有读数")).to_be_visible()
    page.get_by_role("link", name="回到现在").click()
    expect(value(page, "net_weight")).to_have_text(re.compile(r"17\.5\d t"))


def test_filters_of_findings_survive_a_reload(visit: Any) -> None:
    page = visit("/findings")
    amber = page.get_by_role("button", name=re.compile("橙色"))
    expect(amber).to_contain_text("3")
    amber.click()
    expect(page.get_by_text("共 3 条")).to_be_visible()
    page.get_by_label("状态").click()
    page.get_by_role("option", name="未解除").click()
    page.wait_for_function("location.search.includes('open=true')")
    page.reload()
    expect(page.get_by_role("button", name=re.compile("橙色"))).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(page.locator(".ag-center-cols-container .ag-row")).to_have_count(2)
    assert asked(page) == {"level": "amber", "open": "true"}


def test_the_warning_of_a_finding_is_acknowledged_with_a_reason(visit: Any) -> None:
    page = visit("/findings?thing=L-07")
    page.get_by_role("gridcell", name="L-07").click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text("银行应做")).to_be_visible()
    expect(drawer.get_by_role("link", name="L-07")).to_have_attribute(
        "href", "/things/logistics/lot/L-07"
    )
    drawer.get_by_role("button", name="确认已知悉").click()
    expect(drawer.get_by_text("请写明理由")).to_be_visible()
    drawer.get_by_label("确认理由").fill("supervisor sent")
    drawer.get_by_role("button", name="确认已知悉").click()
    expect(drawer.get_by_text("officer 已确认：supervisor sent")).to_be_visible()
    page.reload()
    expect(page.locator(".ag-row").first).to_contain_text("supervisor sent")


def test_the_map_draws_places_and_fences_without_tiles(visit: Any) -> None:
    page = visit("/map")
    expect(page.locator(".wx-pin")).to_have_count(17)
    assert page.locator(".wx-map path.leaflet-interactive, .wx-map svg path").count() == 1
    assert page.locator(".leaflet-tile").count() == 0
    page.get_by_role("button", name=re.compile("^L-07")).click()
    popup = page.locator(".leaflet-popup-content")
    expect(popup).to_contain_text("红色")
    popup.get_by_role("link").click()
    page.wait_for_url("**/things/logistics/lot/L-07")


def test_search_opens_by_key_and_leads_to_a_thing(visit: Any) -> None:
    page = visit("/findings")
    expect(page.locator(".ag-row").first).to_be_visible()
    page.keyboard.press("Control+k")
    page.get_by_label("搜索", exact=True).and_(page.locator("input")).fill("L-11")
    expect(page.locator(".wx-found")).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{LOT}")


def test_a_phone_never_scrolls_sideways(visit: Any) -> None:
    page = visit("/things", window=PHONE)
    for path in PAGES:
        page.goto(path)
        expect(page.locator(".wx-row, canvas, .wx-pin").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        assert page.locator(".ag-row").count() == 0


def test_english_pages_have_no_chinese_but_the_name_and_the_way_back(visit: Any) -> None:
    page = visit("/things", language="en")
    for path in PAGES:
        page.goto(path)
        expect(page.locator(".ag-row, canvas, .wx-pin").first).to_be_visible()
        labels = page.evaluate(LABELS)
        told = page.inner_text("body") + json.dumps(labels, ensure_ascii=False)
        assert set(re.findall(r"[\u4e00-\u9fff]+", told)) <= {"物信", "中文"}, path


def test_images_come_from_this_host_and_the_tile_server_that_is_set() -> None:
    assert "img-src 'self' data:" in policy("")
    told = policy("https://{s}.tiles.example/{z}/{x}/{y}.png")
    assert "img-src 'self' https://*.tiles.example data:" in told


@pytest.mark.parametrize("path", [*PAGES, f"{LOT}?at=2008-10-20T12:00:00Z&as=table"])
def test_pages_keep_wcag_a_and_aa(visit: Any, path: str) -> None:
    page = visit(path)
    expect(page.locator(".ag-row .wx-level, canvas, .wx-pin, .wx-points td").first).to_be_visible()
    found = Axe().run(page, options=WCAG)
    assert found.violations_count == 0, found.generate_report()
