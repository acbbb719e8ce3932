"""Signing in and the account pages in Chromium: without scripts, at both widths, axe."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests import people, web_books
from tests.browser.axe import PATH, serious
from tests.browser.serving import serve
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.web.access import books

PAGES = ("/sign-in", "/account", "/members", "/delegations", "/audit-log", "/summary")


@pytest.fixture(scope="module")
def origin(
    tmp_path_factory: pytest.TempPathFactory, sqlite_books: Callable[..., str]
) -> Iterator[str]:
    """A server on the small books that asks for a sign-in."""
    folder = tmp_path_factory.mktemp("doors")
    url = sqlite_books(folder, (*web_books.REGISTRY, *web_books.LEDGER))
    app = create_app(Config(url))
    people.enrol(books(app).db, ["root", "admin.p1", "operator.p1"])
    with serve(app) as address:
        yield address
    books(app).db.dispose()


def enter(page: Page, origin: str, login: str, address: str = "/") -> None:
    """Sign in through the form on the way to `address`."""
    page.goto(origin + address)
    page.fill("#i-login", login)
    page.fill("#i-password", people.PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_load_state()


def test_signing_in_and_out_works_without_scripts(
    chromium_browser: Browser, origin: str, page_guard: Callable[..., object]
) -> None:
    context = chromium_browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page_guard(page, origin)
    enter(page, origin, "admin.p1", "/rates?by=material")
    assert page.url == f"{origin}/rates?by=material"
    assert page.locator(".who-name").inner_text() == "Admin.P1"
    page.goto(f"{origin}/members")
    page.locator("tr", has_text="operator.p1").locator("button").click()
    page.wait_for_load_state()
    assert page.locator("tr", has_text="operator.p1").count() == 0
    page.click(".who-out")
    page.wait_for_load_state()
    assert page.url == f"{origin}/sign-in" and page.locator(".said").count() == 1
    context.close()


@pytest.mark.parametrize(("width", "look"), [(1440, "lang=zh&theme=dark"), (390, "lang=en")])
def test_the_pages_fit_and_axe_finds_nothing_serious(
    chromium_browser: Browser, origin: str, width: int, look: str
) -> None:
    if not PATH.is_file():
        pytest.skip("axe-core is missing: npm ci")
    context = chromium_browser.new_context(
        viewport={"width": width, "height": 900}, bypass_csp=True
    )
    page = context.new_page()
    for path in PAGES:
        if path == "/account":
            enter(page, origin, "admin.p1", "/sign-in")
        page.goto(f"{origin}{path}?{look}")
        assert serious(page) == [], path
        root = "document.documentElement"
        assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), path
    context.close()
