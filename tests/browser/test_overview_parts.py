"""The parts of the overview that follow the page, in a real Chromium: waiting, filled, failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests import web_books
from tests.browser.test_pages import _served
from tests.test_web_planning import JUDGED
from wasteflow.web.pages import overview, target_page

Guard = Callable[..., Any]
PARTS = "**/overview/part**"


@pytest.fixture
def site(
    tmp_path: Path, sqlite_books: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Address of the pages over small books that are taken as large ones."""
    monkeypatch.setattr(overview, "SMALL_PLACES", 0)
    files = (*web_books.REGISTRY, ("targets", JUDGED), *web_books.TRADED)
    yield from _served(sqlite_books(tmp_path, files))


def test_parts_arrive_after_the_page_from_our_own_origin(
    page: Page, site: str, page_guard: Guard
) -> None:
    guard = page_guard(page, site)
    page.goto(f"{site}/?lang=en")
    expect(page.locator(".waiting")).to_have_count(0)
    expect(page.locator(".kpi-value").first).to_be_visible()
    expect(page.get_by_role("heading", name="Needs attention")).to_be_visible()
    assert sum("/overview/part" in url for url in guard.requests) == len(overview.PARTS)
    guard.check_quiet()


def test_a_part_that_fails_says_so_and_can_be_asked_again(page: Page, site: str) -> None:
    def refuse(route: Route) -> None:
        route.abort()

    page.route(PARTS, refuse)
    page.goto(f"{site}/?lang=en")
    buttons = page.get_by_role("button", name="Try again")
    expect(buttons.first).to_be_visible()
    expect(page.locator(".waiting-words").first).to_be_hidden()
    page.unroute(PARTS, refuse)
    page.locator("[data-retry=figures]").first.click()
    expect(page.locator("[data-slot=kpis] .kpi-value").first).to_be_visible()
    expect(page.locator("[data-slot=attention] .waiting-failed")).to_be_visible()


def test_without_scripts_a_link_leads_to_the_whole_page(
    chromium_browser: Browser, site: str
) -> None:
    context = chromium_browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/?lang=en")
    page.get_by_role("link", name="open the whole page at once").first.click()
    expect(page.locator(".waiting")).to_have_count(0)
    expect(page.locator(".kpi-value").first).to_be_visible()
    context.close()


def test_the_board_of_targets_fills_itself_and_then_its_charts(
    page: Page, site: str, page_guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(target_page, "SMALL_PLACES", 0)
    guard = page_guard(page, site)
    page.goto(f"{site}/targets?lang=en")
    expect(page.locator(".waiting")).to_have_count(0)
    expect(page.locator(".board-goal").first).to_be_visible()
    expect(page.locator("[data-of=charts] polyline.declared").first).to_be_visible()
    assert sum("/targets/part" in url for url in guard.requests) == len(target_page.PARTS)
    guard.check_quiet()
