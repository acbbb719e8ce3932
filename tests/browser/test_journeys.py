"""Journeys of the park manager and the planner in a real Chromium, counted in clicks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from tests import people, web_books
from tests.browser.axe import serious
from tests.browser.hands import DESK, PHONE, press
from tests.browser.serving import serve
from tests.browser.test_pages import ready
from tests.test_web_month import DISPUTED, GAP
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.services.close_rows import list_closes
from wasteflow.web.access import books

WAYS = (("zh", PHONE), ("en", DESK))
"""Each language at one width; `press` tries every click at the other."""
SPAN = "period=2026-01..2026-05"
Guard = Callable[..., Any]


@pytest.fixture(scope="module")
def app(
    tmp_path_factory: pytest.TempPathFactory, sqlite_books: Callable[..., str]
) -> Iterator[Flask]:
    """Books with a missed target of a park, a dispute and a planner of the whole country."""
    folder: Path = tmp_path_factory.mktemp("journeys")
    files = (("targets", GAP), *web_books.TRADED, ("shipments", DISPUTED))
    url = sqlite_books(folder, (*web_books.REGISTRY, *files))
    made = create_app(Config(url))
    people.enrol(books(made).db, ("park.a", "root"))
    yield made
    books(made).db.dispose()


@pytest.fixture(scope="module")
def site(app: Flask) -> Iterator[str]:
    """Its address."""
    with serve(app) as address:
        yield address


class Hand:
    """Somebody at a page: counts clicks, looks at every page that comes."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks = page, 0

    def click(self, target: Locator) -> None:
        """One click, and the page that comes of it."""
        self.clicks += 1
        press(target)
        self.look()

    def menu(self, group: str, page: str) -> None:
        """The two clicks of the menu."""
        self.clicks += 1
        press(self.page.locator(f"details.menu:has(a[href^='{page}']) > summary").first)
        self.click(self.page.locator(f"details.menu a[href^='{page}']").first)
        assert group in self.page.url, self.page.url

    def look(self) -> None:
        """Nothing wider than the screen; on the phone nothing serious by axe-core."""
        self.page.wait_for_load_state()
        ready(self.page)
        wide, there = self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        if there == PHONE:
            assert serious(self.page) == [], self.page.url
        assert wide <= there, self.page.url


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[0]}-{way[1]}")
def hand(
    request: pytest.FixtureRequest, chromium_browser: Browser, site: str, page_guard: Guard
) -> Iterator[Callable[[str], Hand]]:
    """``hand(login)``: somebody who has signed in, in a language and at a width."""
    lang, width = request.param
    view: ViewportSize = {"width": width, "height": 844}
    context = chromium_browser.new_context(base_url=site, viewport=view)
    context.add_cookies([{"name": "lang", "value": lang, "url": site}])

    def signed_in(login: str) -> Hand:
        page = context.new_page()
        page_guard(page, site)
        page.goto("/sign-in")
        page.locator("[name=login]").fill(login)
        page.locator("[name=password]").fill(people.PASSWORD)
        page.locator("[name=password]").press("Enter")
        page.wait_for_url(lambda url: "/sign-in" not in url)
        return Hand(page)

    yield signed_in
    context.close()


def tonnes(words: str) -> Decimal:
    """The number at the head of a cell."""
    return Decimal(words.strip().split()[0].replace(",", ""))


def test_why_a_park_misses_its_target_and_who_would_close_the_gap(
    hand: Callable[[str], Hand],
) -> None:
    """Six clicks: the board, the target, the firm, its takers; then the figure to its records."""
    planner = hand("root")
    planner.page.goto(f"/?{SPAN}")
    planner.menu("/targets", "/targets")
    planner.click(planner.page.locator("a[href*='/targets/gap'][href*='target=t.a']"))
    assert planner.clicks == 3
    first = planner.page.locator("ol.best li")
    expect(first).to_have_count(1)  # one firm of the park has something left
    expect(first.locator(".status")).to_be_visible()
    left = planner.page.locator("table.data tbody tr").first.locator("td").nth(2)
    planner.click(left.locator("a"))
    assert "/rates" in planner.page.url and "enterprise" in planner.page.url
    planner.page.go_back()
    planner.click(planner.page.locator("ol.best li .why a"))
    assert "/potential" in planner.page.url and planner.clicks <= 6


def test_a_rate_opens_from_the_region_down_to_the_record(hand: Callable[[str], Hand]) -> None:
    """From the rates: park, firm, postings, record; the tonnes agree at each step."""
    planner = hand("root")
    planner.page.goto(f"/rates?{SPAN}&by=park&material=phosphogypsum&scope=region:530000")
    planner.look()
    rows = planner.page.locator("section[aria-labelledby=h-rows] table.data tbody tr")
    cell = rows.locator("td.n a[href*='scope=park:park.a']").first
    generated = tonnes(cell.inner_text())
    planner.click(cell)
    cell = rows.locator("td.n a[href*='scope=enterprise:ent.p1']").first
    assert tonnes(cell.inner_text()) == generated
    planner.click(cell)
    assert "/postings" in planner.page.url
    planner.click(planner.page.locator("table.data tbody a[href*='/records']").first)
    assert "/records" in planner.page.url and planner.clicks == 3


def test_declared_verified_comparison_bulletin_and_auditor(hand: Callable[[str], Hand]) -> None:
    """Each two clicks from anywhere, the scope and the period kept."""
    planner = hand("root")
    planner.page.goto(f"/?{SPAN}")
    for page in ("/gap", "/compare", "/audit", "/bulletin"):
        before = planner.clicks
        planner.menu(page, page)
        assert planner.clicks - before == 2
    assert "period=2026-01..2026-05" in planner.page.url


def test_a_manager_settles_a_dispute_and_closes_the_month(
    app: Flask, hand: Callable[[str], Hand]
) -> None:
    """The month, its dispute, back; then the checklist and the close, one month each way."""
    manager = hand("park.a")
    assert manager.page.url.endswith("/month")
    manager.look()
    manager.page.goto("/month?period=2026-04")
    disputes = manager.page.locator("section[aria-labelledby=h-disputes]")
    manager.click(disputes.locator("a[href*='/loads/']").first)
    assert manager.clicks == 1
    settle = manager.page.locator("form[action*='/settle']")
    settle.locator("[name=reason]").fill("两张磅单核对后 agreed")
    manager.click(settle.locator("button[type=submit]"))
    expect(manager.page.locator("section.dispute")).to_have_count(0)
    assert manager.clicks == 2
    manager.click(manager.page.locator("nav.work-nav a[href^='/months']"))
    checks = manager.page.locator(".checklist li")
    assert checks.count() == 8
    with app.app_context():
        before = len(list_closes(db=books().db, park="park.a"))
        manager.click(manager.page.locator(".next-form button"))
        assert len(list_closes(db=books().db, park="park.a")) == before + 1
