"""The planning pages in a real Chromium: own origin, no error, axe-core, widths, drill, upload."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import web_books
from tests.browser.axe import PATH, serious
from tests.browser.fitting import WIDTHS, too_wide
from tests.browser.serving import serve
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.config_accounts import OPEN
from wasteflow.web.access import books

TARGETS = (
    "code,scope,materials,metric,operator,value,unit,year,binding,source\n"
    "t.p1,enterprise:ent.p1,phosphogypsum,official,>=,0.75,fraction,2026,binding,县方案\n"
    "t.p2,enterprise:ent.p2,phosphogypsum,official,>=,0.10,fraction,2026,guiding,县方案\n"
)
PAGES = (
    "/targets",
    "/rates",
    "/rates?terms=all",
    "/gap",
    "/postings?scope=enterprise:ent.p2",
    "/provenance",
    "/provenance?scope=enterprise:ent.p2&other=ent.use",
    "/quota",
    "/crosscheck",
    "/audit",
)
FIGURES = (
    "id,year,generated,utilised,disposed,stored,dumped,published_rate\n"
    "a,2016,14.8,8.6,3.8,5.5,0.0,48.0\n"
)
Guard = Callable[..., Any]


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, sqlite_books: Callable[..., str]
) -> Iterator[str]:
    """Address of the pages over small books with a trader and targets, marked synthetic."""
    folder = tmp_path_factory.mktemp("planning")
    marked = tuple((kind, web_books.synthetic(content)) for kind, content in web_books.TRADED)
    url = sqlite_books(folder, (*web_books.REGISTRY, ("targets", TARGETS), *marked))
    app = create_app(Config(url, accounts=OPEN))
    with serve(app) as address:
        yield address
    with app.app_context():
        books().db.dispose()


def opened(page: Page, address: str) -> None:
    """Open a page and wait for what scripts draw."""
    page.goto(address)
    if page.locator("#sankey").is_visible():
        page.wait_for_selector("#sankey[data-ready]")


@pytest.mark.parametrize(
    ("theme", "lang", "widths"), [("light", "zh", WIDTHS[::-1]), ("dark", "en", WIDTHS)]
)
@pytest.mark.parametrize("address", PAGES)
def test_a_page_is_quiet_own_origin_clean_and_fits(
    page: Page,
    page_guard: Guard,
    site: str,
    address: str,
    theme: str,
    lang: str,
    widths: tuple[int, ...],
) -> None:
    """Opened at a desk and narrowed, or on a phone and widened."""
    if not PATH.is_file():
        pytest.skip("axe-core is not installed: npm ci")
    guard = page_guard(page, site)
    page.set_viewport_size({"width": widths[0], "height": 900})
    joint = "&" if "?" in address else "?"
    opened(page, f"{site}{address}{joint}theme={theme}&lang={lang}")
    assert page.locator("h1").first.is_visible()
    assert serious(page) == []
    assert too_wide(page, widths) == []
    guard.check_quiet()


def test_three_clicks_lead_from_a_target_to_its_records(page: Page, site: str) -> None:
    page.goto(f"{site}/targets?status=met")
    page.locator("article.board .board-main a").first.click()
    assert "15.0 %" in page.locator(".explained").inner_text()
    page.locator("#rows tbody tr").first.get_by_role("link", name="60.000").click()
    assert "60.000" in page.locator(".sum-line").inner_text()
    page.locator("table.data tbody a[href*='/records']").first.click()
    expect(page.get_by_text("x2")).to_be_visible()
    assert "✓" in page.locator(".sum-line").inner_text()


def test_a_table_can_be_audited_by_upload_and_by_paste(
    page: Page, site: str, tmp_path: Path
) -> None:
    path = tmp_path / "figures.csv"
    path.write_text(FIGURES, encoding="utf-8")
    page.goto(f"{site}/audit")
    page.set_input_files("#a-file", path)
    page.get_by_role("button", name="核对").click()
    expect(page.get_by_text("与占利用处置总量比相符")).to_be_visible()
    if PATH.is_file():
        assert serious(page) == []
    with page.expect_download() as waiting:
        page.get_by_role("button", name="下载 JSON").click()
    assert "fate_share" in Path(waiting.value.path()).read_text(encoding="utf-8")
    page.goto(f"{site}/audit")
    page.fill("#a-text", "id,generated\nx,-5\n")
    page.get_by_role("button", name="核对").click()
    expect(page.get_by_text("不是可用的数字")).to_be_visible()
    assert page.locator("#a-text").input_value().startswith("id,generated")


def test_every_page_reads_without_a_script(chromium_browser: Browser, site: str) -> None:
    context = chromium_browser.new_context(java_script_enabled=False)
    page = context.new_page()
    for address in PAGES:
        page.goto(site + address)
        assert page.locator("h1").first.is_visible(), address
    page.goto(f"{site}/provenance?scope=enterprise:ent.p2")
    assert page.locator("table.data tbody tr").count() >= 2
    page.goto(f"{site}/audit")
    page.fill("#a-text", FIGURES)
    page.get_by_role("button", name="核对").click()
    expect(page.get_by_text("与占利用处置总量比相符")).to_be_visible()
    context.close()
