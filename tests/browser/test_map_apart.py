"""A map that loads its data after its page, in a real Chromium; and pages the browser knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Page

from tests import web_books
from tests.browser.serving import serve
from tests.test_map_apart import located
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.config_accounts import OPEN
from wasteflow.web.access import books

Guard = Callable[..., Any]
ADDRESS = "/map?links=1000"


@pytest.fixture(scope="module")
def answered() -> list[tuple[str, int]]:
    """(path, status) of every answer of the server."""
    return []


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory,
    answered: list[tuple[str, int]],
    sqlite_books: Callable[..., str],
) -> Iterator[str]:
    """Address of the pages over books with 401 links between firms with a position."""
    folder = tmp_path_factory.mktemp("apart")
    url = sqlite_books(folder, (*web_books.REGISTRY, *web_books.LEDGER, *located(400)))
    app = create_app(Config(url, accounts=OPEN))

    def note(environ: Any, start_response: Any) -> Any:
        def start(status: str, *rest: Any) -> Any:
            answered.append((environ["PATH_INFO"], int(status.split()[0])))
            return start_response(status, *rest)

        return app(environ, start)

    with serve(note) as address:
        yield address
    books(app).db.dispose()


@pytest.fixture
def page(chromium_browser: Browser) -> Iterator[Page]:
    """A page of a context of its own: nothing is known yet."""
    context = chromium_browser.new_context(viewport={"width": 1440, "height": 900})
    yield context.new_page()
    context.close()


def drawn(page: Page) -> Frame:
    """The frame of the map, when everything is drawn."""
    frame = next(frame for frame in page.frames if "/map/frame" in frame.url)
    frame.locator("html[data-ready='true']").wait_for()
    return frame


def test_the_data_come_after_the_page_and_all_links_are_drawn(
    site: str, page: Page, page_guard: Guard
) -> None:
    guard = page_guard(page, site)
    page.goto(site + ADDRESS)
    frame = drawn(page)
    assert frame.evaluate("document.querySelectorAll('path.wf-arc').length") == 401
    assert frame.locator("#wf-loading").count() == 0
    frame.locator("[data-link='0']").click()
    assert frame.locator(".wf-tip").count() == 1
    assert frame.evaluate("document.querySelectorAll('.wf-hot').length") == 1
    frame.locator("[data-link='1']").click()
    assert frame.evaluate("document.querySelectorAll('.wf-hot').length") == 1
    guard.check_quiet()


def test_data_that_do_not_come_are_said_to_be_missing(site: str, page: Page) -> None:
    page.route("**/map/data**", lambda route: route.abort())
    page.goto(f"{site}{ADDRESS}&lang=en")
    frame = next(frame for frame in page.frames if "/map/frame" in frame.url)
    frame.get_by_text("The flows could not be loaded.").wait_for()


def test_a_page_the_browser_knows_comes_back_with_its_scripts(
    site: str, page: Page, page_guard: Guard, answered: list[tuple[str, int]]
) -> None:
    """A 304 keeps the page with its nonce; its policy must be the one that came with it."""
    guard = page_guard(page, site)
    for status in (200, 304):
        for address, ready in (("/sankey", "svg.main-svg"), (ADDRESS, ".map-frame")):
            answered.clear()
            page.goto(site + address)
            page.locator(ready).first.wait_for()
            if address == ADDRESS:
                drawn(page)
                assert ("/map/frame", status) in answered
                assert ("/map/data", status) in answered
            assert (address.partition("?")[0], status) in answered
    guard.check_quiet()
