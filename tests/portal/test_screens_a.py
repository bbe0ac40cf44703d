"""Sign-in, overview, facilities, evidence and cockpit, as a browser shows them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.portal.conftest import PASSWORD, Served
from tests.rooms.test_vouching import Outside, rounds
from wuxin.evidence.proof import check_json, check_proof, read_proof
from wuxin.portal.screens.sign_in import inside

pytestmark = pytest.mark.server
expect.set_options(timeout=20_000)  # a loaded machine is slow, not wrong

DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
FACILITY = "/facilities/CU-2008-01"
PAGES = ("/", "/facilities", FACILITY, "/password", "/cockpit")
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
NO_EMPTY_WORDS = "() => !/NaN|undefined|null/.test(document.body.innerText)"


class Watch:
    """What a browser's window did that it should not: errors, and requests to other hosts."""

    def __init__(self, context: BrowserContext, own: str) -> None:
        self.wrong: list[str] = []
        self._own = (own, own.replace("http", "ws", 1), "data:", "blob:")
        context.on("request", lambda r: self._asked(r.url))
        context.on("console", lambda m: self._said(m.type, m.text))
        context.on("weberror", lambda e: self.wrong.append(str(e.error)))

    def _asked(self, url: str) -> None:
        if not url.startswith(self._own):
            self.wrong.append(url)

    def _said(self, kind: str, text: str) -> None:
        if kind == "error" and "401" not in text and "404" not in text:
            self.wrong.append(text)


@pytest.fixture(scope="module")
def kept(chromium: Browser, served: Served) -> Iterator[dict[str, Any]]:
    """Keep a signed-in window for each language, so that pages come from a warm cache."""
    found = {name: a_window(chromium, served, language=name) for name in ("zh-CN", "en")}
    for context, _ in found.values():
        who = {"name": "officer", "password": PASSWORD}
        assert context.request.post("/api/session", data=who).ok
    yield found
    for context, _ in found.values():
        context.close()


def a_window(chromium: Browser, served: Served, *, language: str) -> tuple[BrowserContext, Watch]:
    """Open a window in Shanghai that nobody has signed in."""
    context = chromium.new_context(
        base_url=served.address, timezone_id="Asia/Shanghai", locale=language
    )
    context.set_default_timeout(20_000)
    for name, value in (("language", language), ("zone", "Asia%2FShanghai")):
        context.add_cookies([{"name": f"wuxin_{name}", "value": value, "url": served.address}])
    return context, Watch(context, served.address)


@pytest.fixture
def window(chromium: Browser, served: Served, kept: dict[str, Any]) -> Iterator[Any]:
    """Open a page; afterwards nothing went wrong in it."""
    used: list[tuple[Page, Watch]] = []

    def open_page(
        path: str, *, size: Any = DESK, language: str = "zh-CN", signed_in: bool = True
    ) -> Page:
        context, watch = (
            kept[language] if signed_in else a_window(chromium, served, language=language)
        )
        page = context.new_page()
        page.set_viewport_size(size)
        used.append((page, watch))
        page.goto(path)
        return page

    yield open_page
    for page, watch in used:
        page.close()
        assert not watch.wrong


def test_who_has_not_signed_in_is_asked_to_and_comes_back_where_they_wanted(
    window: Any, served: Served
) -> None:
    page = window(f"{FACILITY}?x=1", signed_in=False)
    expect(page).to_have_url(f"{served.address}/sign-in?next=/facilities/CU-2008-01%3Fx%3D1")
    page.fill("[name=name]", "officer")
    page.fill("[name=password]", "wrong")
    page.click("button[type=submit]")
    expect(page.get_by_role("alert")).to_contain_text("名称或密码不正确")
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{served.address}{FACILITY}?x=1")
    expect(page.get_by_role("heading", level=1)).to_have_text("CU-2008-01")


@pytest.mark.parametrize(
    ("given", "followed"),
    [
        ("/things?kind=lot", "/things?kind=lot"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("/\\elsewhere.example", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_sign_in_leads_nowhere_else(given: str, followed: str) -> None:
    assert inside(given) == followed


def test_a_one_time_password_is_replaced_by_ones_own(window: Any, served: Served) -> None:
    page = window("/sign-in", signed_in=False, language="en")
    page.fill("[name=name]", "newcomer")
    page.fill("[name=password]", served.one_time)
    page.click("button[type=submit]")
    page.get_by_role("link", name="Set your own password").click()
    page.fill("[name=password]", "a password of my own")
    page.fill("[name=again]", "a password of my won")
    page.click("button[type=submit]")
    expect(page.get_by_role("alert")).to_have_text("The two entries differ.")
    page.fill("[name=again]", "a password of my own")
    page.click("button[type=submit]")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    expect(page.get_by_text("one-time password")).to_have_count(0)
    page.get_by_role("button", name="User newcomer").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_the_overview_says_what_is_wrong_and_what_it_is_worth(window: Any) -> None:
    page = window("/", language="en")
    expect(page.locator(".wx-tile", has_text="Act now")).to_contain_text("4")
    expect(page.locator(".wx-tile", has_text="Look into")).to_contain_text("2")
    main = page.get_by_role("main")
    for said in ("USD 1,785,564.80", "USD 1,293,000.00", "72.41%", "USD −748,623.40"):
        expect(main.get_by_text(said).first).to_be_visible()
    row = page.get_by_role("row", name="CU-2008-01")
    expect(row).to_contain_text("Margin called")
    expect(row).to_contain_text("USD 401,000.00 · by 12 Nov 2008")
    page.locator(".wx-tile", has_text="Act now").click()
    expect(page).to_have_url(f"{page.url.partition('/findings')[0]}/findings?level=red&open=true")


def test_the_language_changes_and_the_address_keeps_its_state(window: Any) -> None:
    page = window("/facilities?state=called")
    expect(page.get_by_role("heading", level=1)).to_have_text("融资")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    before = page.url
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Facilities")
    assert page.url == before
    expect(page.locator("html")).to_have_attribute("lang", "en-US")
    expect(page.locator("[aria-current=true]")).to_have_text("Margin called 1")
    page.goto("/facilities?state=closed&lang=zh-CN")
    expect(page.get_by_text("没有符合条件的融资")).to_be_visible()
    assert page.url.endswith("/facilities?state=closed")


def test_a_facility_shows_its_margin_calls_with_amounts_deadlines_and_states(window: Any) -> None:
    page = window(FACILITY, language="en")
    calls = page.locator(".wx-card", has=page.get_by_role("heading", name="Margin calls"))
    expect(calls).to_contain_text("Call 2 USD 401,000.00 Issued")
    expect(calls).to_contain_text("due by 12 Nov 2008 00:00 UTC+8")
    expect(calls).to_contain_text("Call 1 USD 267,000.00 Met")
    expect(page.get_by_text("under contract CU-2008-01").first).to_be_visible()
    chart = page.get_by_role("img", name="collateral value from USD 3,365,617.21")
    expect(chart).to_be_visible()
    page.get_by_text("Show as a table").click()
    table = page.get_by_role("table", name="Valuations")
    expect(table).to_contain_text("USD 2,586,899.31")
    expect(table).to_contain_text("60.30%")
    page.get_by_role("button", name="named by 2 documents at once").click()
    expect(page.get_by_role("dialog")).to_contain_text("double pledge")


def test_evidence_leads_from_a_call_to_its_bytes_and_its_proof_holds(
    window: Any, served: Served, tmp_path: Path
) -> None:
    page = window(FACILITY, language="en")
    calls = page.locator(".wx-card", has=page.get_by_role("heading", name="Margin calls"))
    calls.get_by_role("button", name="View evidence").first.click()
    drawer = page.get_by_role("dialog", name="Evidence")
    act = served.home.book.acts(served.home.tenant, {"kind": "margin_call"})[0]
    receipt = served.home.book.receipt(served.home.tenant, act["id"])
    assert receipt is not None
    expect(drawer).to_contain_text(f"Leaf index{receipt['leaf']}")
    expect(drawer).to_contain_text("copper_price.csv · line 35")
    expect(drawer).to_contain_text("2008-11-04T12:00:00Z,2008-10,yes,4925.696,2121.413")
    with page.expect_download() as started:
        drawer.get_by_role("link", name="Download proof").click()
    file = tmp_path / "call.tlog-proof"
    started.value.save_as(file)
    entry = served.home.log.entry(receipt["leaf"])
    head = check_proof(read_proof(file.read_text()), entry, vkey=served.home.signer.vkey)
    assert head.size == served.home.log.head.size
    told = page.request.get(f"/api/evidence/{act['id']}").json()
    assert check_json(told["proof"], vkey=served.home.signer.vkey) == head
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)


def test_too_few_outsiders_are_an_amber_state_beside_the_proof(
    window: Any, served: Served, tmp_path: Path
) -> None:
    outside = Outside(served.home, tmp_path)
    outside.down = {"http://two.example"}
    served.app.state.rounds = asking = rounds(served.home, outside, quorum=2)
    asking.turn()
    page = window(FACILITY, language="en")
    page.get_by_role("button", name="View evidence").first.click()
    drawer = page.get_by_role("dialog", name="Evidence")
    amber = drawer.locator(".wx-level.wx-amber")
    expect(amber).to_contain_text("too few outsiders vouch: witnesses wanted 2, rounds failed 1")
    expect(drawer).to_contain_text("http://two.example did not cosign")
    expect(drawer).to_contain_text("waits for the next round of witnesses")
    outside.down = set()
    asking.turn()
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    page.get_by_role("button", name="View evidence").first.click()
    expect(drawer).to_contain_text("seen outside by 2 witnesses")
    expect(amber).to_have_count(0)
    served.app.state.rounds = None


def test_a_replay_shows_how_far_it_is_and_goes_when_it_is_done(window: Any, served: Served) -> None:
    replay = {"source": "s", "pack": "logistics", "rows": 4200, "total": 8400, "state": "running",
              "event_time": "2008-09-01T00:00:00Z"}  # fmt: skip
    served.app.state.replays["s"] = replay
    page = window("/facilities", language="en")
    strip = page.locator(".wx-replays")
    expect(strip).to_contain_text("Replaying Logistics")
    expect(strip).to_contain_text("50% · 4,200 / 8,400 rows")
    replay["rows"] = 6300
    expect(strip).to_contain_text("75% · 6,300 / 8,400 rows")
    served.app.state.replays["t"] = {**replay, "source": "t", "pack": "vehicles", "rows": 2100}
    expect(strip.get_by_role("status")).to_have_count(1)
    expect(strip).to_contain_text("Replaying 2 recordings")
    expect(strip).to_contain_text("Logistics and warehousing, Vehicles")
    expect(strip).to_contain_text("50% · 8,400 / 16,800 rows")
    served.app.state.replays.clear()
    expect(strip).to_be_empty()
    expect(page.get_by_role("row", name="CU-2008-01")).to_be_visible()


def test_what_is_not_there_is_said_in_words(window: Any) -> None:
    page = window("/facilities/CU-1999-99")
    expect(page.get_by_role("heading", level=1)).to_have_text("没有找到")
    page.goto("/no-such-page")
    expect(page.get_by_role("heading", level=1)).to_have_text("没有找到")
    page.get_by_role("link", name="返回总览").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("总览")


@pytest.mark.parametrize("path", PAGES)
def test_a_phone_shows_every_page_without_scrolling_sideways(window: Any, path: str) -> None:
    page = window(path, size=PHONE, language="en")
    expect(page.locator("h1")).to_be_visible()
    page.wait_for_timeout(500)
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert page.evaluate(NO_EMPTY_WORDS)


def test_the_cockpit_fills_a_wall_and_no_more(window: Any) -> None:
    page = window("/cockpit", size={"width": 1920, "height": 1080})
    expect(page.locator("canvas")).to_be_visible()
    expect(page.locator("body")).to_have_class(re.compile("body--dark"))
    height = page.evaluate("document.scrollingElement.scrollHeight")
    assert height <= 1080
    expect(page.get_by_role("main")).to_contain_text("同一标的被 2 张单据指认")


@pytest.mark.parametrize("path", ["/sign-in", *PAGES])
def test_pages_have_no_wcag_a_or_aa_violations(window: Any, path: str) -> None:
    page = window(path, signed_in=path != "/sign-in")
    expect(page.locator("h1")).to_be_visible()
    page.wait_for_timeout(500)
    found = Axe().run(page, options=WCAG)
    assert found.violations_count == 0, found.generate_report()


def test_dark_is_kept_and_is_as_readable(window: Any) -> None:
    page = window("/")
    expect(page.locator("body")).to_have_class(re.compile("body--light"))
    page.get_by_role("button", name="切换深浅色").click()
    page.goto(FACILITY)
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator("body")).to_have_class(re.compile("body--dark"))
    page.wait_for_timeout(500)
    found = Axe().run(page, options=WCAG)
    assert found.violations_count == 0, found.generate_report()
    page.get_by_role("button", name="切换深浅色").click()
    expect(page.locator("body")).to_have_class(re.compile("body--light"))


def test_axe_finds_what_is_wrong(window: Any) -> None:
    page = window("/password")
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<input>')")
    assert Axe().run(page, options=WCAG).violations_count == 1
