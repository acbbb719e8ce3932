"""The pages about links in a real Chromium, desk and phone: own origin, no error, axe, width."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page

from tests import people, web_books
from tests.browser.axe import PATH, serious
from tests.browser.serving import serve
from tests.browser.test_pages_planning import opened
from tests.load_pages import clerk
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.web.access import books

FACILITIES = (
    "code,name,enterprise,park,kind,material,route,capacity_t_per_year,status\n"
    "f.use,缓凝剂线,ent.use,park.b,use,phosphogypsum,pg_use,100000,operating\n"
    "f.next,二期,,park.b,use,phosphogypsum,pg_use,2400,planned\n"
)
PLAN = {"name": "停用丁建材", "scope": "park:park.b", "base": "2026-01..2026-06", "years": "0",
        "material": "phosphogypsum", "note": "", "do": "save", "b-0-kind": "close",
        "b-0-enterprise": "丁建材"}  # fmt: skip
SPAN = "period=2026-01..2026-06"
Guard = Callable[..., Any]


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, sqlite_books: Callable[..., str]
) -> Iterator[tuple[str, Flask]]:
    """Address of the pages and the application, over small books with a trader and prices."""
    folder = tmp_path_factory.mktemp("links")
    marked = tuple((kind, web_books.synthetic(content)) for kind, content in web_books.TRADED)
    url = sqlite_books(folder, (*web_books.REGISTRY, ("facilities", FACILITIES), *marked))
    app = create_app(Config(url))
    people.enrol(books(app).db, ("park.b",))
    with serve(app) as address:
        yield address, app
    with app.app_context():
        books().db.dispose()


def test_the_pages_of_links_are_clean_on_a_desk_and_on_a_phone(
    page: Page, page_guard: Guard, site: tuple[str, Flask]
) -> None:
    address, app = site
    manager = clerk(app, "park.b")
    made = [
        manager.send("/scenarios/new", "/scenarios/new", PLAN | more).headers["Location"]
        for more in ({}, {"name": "不变", "b-0-kind": "growth", "b-0-percent": "0"})
    ]
    ids = ",".join(item.rsplit("/", 1)[1] for item in made)
    page.goto(f"{address}/sign-in")
    page.fill("input[name=login]", "park.b")
    page.fill("input[name=password]", people.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/sign-in" not in url)
    guard = page_guard(page, address)
    pages = (
        f"/realised?{SPAN}", f"/potential?{SPAN}&planned=1", f"/potential/plan?{SPAN}",
        "/break-even", f"/dependence?{SPAN}", f"/links/map?{SPAN}", "/scenarios", made[0],
        f"/scenarios/compare?ids={ids}", "/offers", "/offers/new?kind=proposal",
    )  # fmt: skip
    for width, look in ((1440, "lang=zh&theme=light"), (390, "lang=en&theme=dark")):
        page.set_viewport_size({"width": width, "height": 900})
        for path in pages:
            opened(page, f"{address}{path}{'&' if '?' in path else '?'}{look}")
            assert "/sign-in" not in page.url and page.locator("h1").first.is_visible(), path
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            if PATH.is_file():
                assert serious(page) == [], path
    guard.check_quiet()
    cards = page.goto(f"{address}/realised?{SPAN}&lang=en")
    assert cards is not None and cards.ok
    table = page.locator("table.stack")
    box, hidden = table.bounding_box(), table.locator("td.minor").first
    assert box is not None and box["width"] <= 390 and not hidden.is_visible()
