"""The pages in a real Chromium: own origin only, axe-core, widths, loops, frame, appearance."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import web_books
from tests.browser.axe import PATH, Walker, serious
from tests.browser.fitting import WIDTHS, too_wide
from tests.browser.serving import serve
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.config_accounts import OPEN
from wasteflow.web.access import books

PAGES = ("/", "/map", "/sankey", "/rates", "/flows", "/balances", "/nowhere", "/?period_text=x")
Guard = Callable[..., Any]


def _served(url: str) -> Iterator[str]:
    app = create_app(Config(url, accounts=OPEN))
    with serve(app) as address:
        yield address
    with app.app_context():
        books().db.dispose()


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, sqlite_books: Callable[..., str]
) -> Iterator[str]:
    """Address of the pages over small books with a trader and a loop, marked synthetic."""
    marked = tuple((kind, web_books.synthetic(content)) for kind, content in web_books.TRADED)
    folder = tmp_path_factory.mktemp("pages")
    yield from _served(sqlite_books(folder, (*web_books.REGISTRY, *marked)))


@pytest.fixture(scope="module")
def empty_site(
    tmp_path_factory: pytest.TempPathFactory, sqlite_books: Callable[..., str]
) -> Iterator[str]:
    """Address of the pages over empty books."""
    yield from _served(sqlite_books(tmp_path_factory.mktemp("empty")))


def ready(page: Page) -> None:
    """Wait until what scripts draw is drawn."""
    if page.locator("#sankey").is_visible():
        page.wait_for_selector("#sankey[data-ready]")
    if page.locator("iframe").count():
        page.frame_locator("iframe").locator("path.wf-arc, .wf-empty").first.wait_for()


def test_axe_tells_what_is_serious_and_leaves_the_rest(page: Page) -> None:
    """Clean pages prove something only if a bad one is seen; a skipped heading is moderate."""
    if not PATH.is_file():
        pytest.skip("axe-core is not installed: npm ci")
    page.set_content(
        "<!doctype html><html lang=en><title>x</title><main><h1>x</h1><h4>y</h4><img src='data:,'>"
        "<button></button><p style='color: #999; background: #aaa'>pale</p>"
        "<p class=out style='visibility: hidden; color: #999; background: #aaa'>unseen</p></main>"
    )
    walker = Walker()
    found = sorted(
        line.removeprefix("light ").split(":")[0] for line in walker.found(page, "light")
    )
    assert found == ["button-name", "color-contrast", "image-alt"]
    assert walker.contrast(page, "light") == []
    page.evaluate("document.querySelector('.out').style.visibility = 'visible'")
    assert len(walker.contrast(page, "light")) == 1


@pytest.mark.parametrize("address", PAGES)
def test_a_page_asks_nothing_outside_its_origin_and_writes_no_error(
    page: Page, page_guard: Guard, site: str, address: str
) -> None:
    guard = page_guard(page, site)
    answer = page.goto(site + address)
    assert answer is not None
    ready(page)
    expected = {"/nowhere": 404, "/?period_text=x": 422}.get(address, 200)
    assert answer.status == expected
    if expected == 200:
        guard.check_quiet()


@pytest.mark.parametrize(("lang", "widths"), [("zh", WIDTHS), ("en", WIDTHS[::-1])])
def test_no_page_is_wider_than_the_screen(
    page: Page, site: str, lang: str, widths: tuple[int, ...]
) -> None:
    """Opened on a phone and widened, or at a desk and narrowed."""
    for address in PAGES:
        page.set_viewport_size({"width": widths[0], "height": 900})
        joint = "&" if "?" in address else "?"
        page.goto(f"{site}{address}{joint}lang={lang}")
        ready(page)
        assert too_wide(page, widths) == []


def test_empty_books_look_the_same_everywhere(
    page: Page, page_guard: Guard, empty_site: str
) -> None:
    guard = page_guard(page, empty_site)
    for address in PAGES[:6]:
        page.goto(empty_site + address)
        assert page.get_by_text("wasteflow demo").is_visible()
    guard.check_quiet()


def test_the_sankey_draws_the_loop_of_the_trader(page: Page, site: str) -> None:
    """The producer gives to the trader and the trader back: both bands are drawn."""
    page.goto(f"{site}/sankey?level=enterprise")
    ready(page)
    links = page.locator("#sankey .sankey-link")
    assert links.count() == page.evaluate(
        "JSON.parse(document.getElementById('sankey-data').textContent).links.length"
    )
    data = page.evaluate("JSON.parse(document.getElementById('sankey-data').textContent)")
    ends = {
        (data["nodes"][link["source"]]["name"], data["nodes"][link["target"]]["name"])
        for link in data["links"]
    }
    assert ("乙化工", "丙贸易") in ends and ("丙贸易", "乙化工") in ends


def test_the_map_is_drawn_inside_the_frame_with_our_nonce(page: Page, site: str) -> None:
    page.goto(f"{site}/map")
    ready(page)
    frame = page.frame_locator("iframe")
    assert frame.locator("path.wf-arc").count() >= 3
    assert frame.locator(".wf-synthetic").is_visible()


def test_the_offline_file_opens_from_disk(
    page: Page, page_guard: Guard, site: str, tmp_path: Path
) -> None:
    body = page.request.get(f"{site}/map/file").body()
    path = tmp_path / "map.html"
    path.write_bytes(body)
    guard = page_guard(page, "file://")
    page.goto(path.as_uri())
    page.locator("path.wf-arc").first.wait_for()
    guard.check_quiet()


def test_every_page_reads_without_a_script(chromium_browser: Browser, site: str) -> None:
    context = chromium_browser.new_context(java_script_enabled=False)
    page = context.new_page()
    for address in PAGES[:6]:
        page.goto(site + address)
        assert page.locator("h1").first.is_visible(), address
    page.goto(f"{site}/sankey")
    assert page.locator(".band").first.is_visible() and not page.locator("#sankey").is_visible()
    assert page.locator("table.data tbody tr").count() > 3
    page.goto(site)
    page.locator("#f-scope").select_option("park:park.a")
    page.get_by_role("button", name="查看").click()
    expect(page.locator(".where").get_by_text("甲园区")).to_be_visible()
    assert "scope=park" in page.url
    context.close()


def test_a_mistyped_period_can_be_mended_in_place(page: Page, site: str) -> None:
    page.goto(f"{site}/?scope=park:park.a")
    page.get_by_label("或自行填写").fill("2026年1月")
    page.get_by_role("button", name="查看").click()
    box = page.get_by_label("或自行填写")
    expect(box).to_have_attribute("aria-invalid", "true")
    assert box.input_value() == "2026年1月"
    assert page.locator("#f-scope").input_value() == "park:park.a"
    box.fill("2026-01..2026-03")
    page.get_by_role("button", name="查看").click()
    expect(page.locator(".where").get_by_text("2026年第1季度")).to_be_visible()


def test_the_keyboard_reaches_the_content_first_and_focus_is_seen(page: Page, site: str) -> None:
    page.goto(site)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    width = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert int(re.sub(r"\D", "", width)) >= 2


def test_the_switch_of_appearance_beats_the_system(chromium_browser: Browser, site: str) -> None:
    context = chromium_browser.new_context(color_scheme="dark")
    page = context.new_page()
    ground = "getComputedStyle(document.body).backgroundColor"
    page.goto(site)
    dark = page.evaluate(ground)
    page.goto(f"{site}/?theme=light")
    light = page.evaluate(ground)
    page.goto(f"{site}/rates")
    assert page.evaluate(ground) == light != dark
    page.goto(f"{site}/map")
    ready(page)
    inner = page.frames[1].evaluate("getComputedStyle(document.body).backgroundColor")
    assert inner == "rgb(255, 255, 255)", "the frame follows the switch too"
    context.close()


@pytest.mark.parametrize("width", [390, 1440])
def test_an_open_menu_fits_and_closes_and_slash_goes_to_the_search(
    site: str, chromium_browser: Browser, width: int
) -> None:
    context = chromium_browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    page.goto(f"{site}/matrix?lang=en")
    menu = page.locator("details.menu").nth(1)
    menu.locator("summary").click()
    expect(menu.locator("a", has_text="Sankey")).to_be_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert serious(page) == []
    page.keyboard.press("Escape")
    expect(menu.locator("a", has_text="Sankey")).to_be_hidden()
    if width == 1440:
        page.locator("main").click(position={"x": 5, "y": 5})
        page.keyboard.press("/")
        expect(page.locator("#find")).to_be_focused()
        page.keyboard.type("ent.p1")
        page.keyboard.press("Enter")
        page.wait_for_url("**/?scope=enterprise:ent.p1*")
    context.close()
