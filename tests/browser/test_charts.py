"""The map plays and leads on, charts become pictures, and what was typed comes back."""

from __future__ import annotations

import re
import struct
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import people, web_books
from tests.browser.gallery import sign_in
from tests.browser.serving import serve
from tests.browser.test_pages import ready
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.config_accounts import OPEN
from wasteflow.web.access import books

Guard = Callable[..., Any]
SPAN = "period=2026-01..2026-06"


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, sqlite_books: Callable[..., str]
) -> Iterator[str]:
    """Address of the pages over small synthetic books that anybody reads, with people."""
    folder: Path = tmp_path_factory.mktemp("charts")
    marked = tuple((kind, web_books.synthetic(content)) for kind, content in web_books.TRADED)
    url = sqlite_books(folder, (*web_books.REGISTRY, *marked))
    app = create_app(Config(url, accounts=OPEN))
    people.enrol(books(app).db, ["operator.p1", "planner"])
    with serve(app) as address:
        yield address
    with app.app_context():
        books().db.dispose()


def test_the_map_plays_by_keyboard_keeps_its_state_and_leads_to_the_loads(
    page: Page, page_guard: Guard, site: str
) -> None:
    guard = page_guard(page, site)
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{site}/map?{SPAN}&lang=en")
    ready(page)
    frame = page.frame_locator("iframe")
    whole = frame.locator("#wf-total").inner_text()
    slider = frame.locator("#wf-month")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(frame.locator("#wf-now")).to_have_text("Feb 2026")
    assert frame.locator("#wf-total").inner_text() != whole
    assert slider.get_attribute("aria-valuetext") == "Feb 2026"
    assert frame.locator("path.wf-arc.wf-none").count() > 0
    frame.locator("#wf-layers label", has_text="Parks").click()
    page.wait_for_url("**hide=parks**")
    assert "month=2026-02" in page.url
    page.reload()
    ready(page)
    expect(frame.locator("#wf-now")).to_have_text("Feb 2026")
    assert frame.locator("path.wf-park").count() == 0
    for kind, start in (("svg", b"<?xml"), ("png", b"\x89PNG")):
        with page.expect_download() as told:
            page.locator(f".map-picture button[data-map-picture={kind}]").click()
        assert told.value.suggested_filename == f"wasteflow-map-all-2026H1.{kind}"
        assert told.value.path().read_bytes().startswith(start)
        if kind == "svg":
            picture = ElementTree.parse(told.value.path()).getroot()
    words = " ".join(picture.itertext())
    for part in ("Solid waste flow map", "Feb 2026", "Evidence up to", "Synthetic", "Line width",
                 "WGS 84", "km", "Phosphogypsum", "Flows not drawn"):  # fmt: skip
        assert part in words, part
    marks = [part for part in picture.iter() if part.get("marker-end")]
    assert 0 < len(marks) < frame.locator("path.wf-arc").count(), "an empty month has fewer"
    expect(page.locator("a[data-month]").first).to_have_attribute(
        "href", re.compile("month=2026-02")
    )
    frame.locator("#wf-play").click()
    expect(frame.locator("#wf-play")).to_have_text("Pause")
    frame.locator("#wf-play").click()
    expect(frame.locator("#wf-play")).to_have_text("Play")
    frame.locator("#wf-whole").click()
    assert frame.locator("#wf-total").inner_text() == whole
    frame.locator("button[data-link='0']").click()
    card = frame.locator(".wf-card")
    expect(card).to_contain_text("Producer One")
    card.locator(".wf-see").click()
    page.wait_for_url("**/flows?**source=enterprise*")
    assert page.locator("table.data tbody tr").count() == 1
    guard.check_quiet()


def pictures(page: Page, name: str, folder: Path) -> dict[str, Path]:
    """The files that the picture buttons give, by kind; named as they should be."""
    files = {}
    for kind in ("svg", "png"):
        with page.expect_download() as told:
            page.locator(f"#main button[data-picture={kind}]").click()
        assert told.value.suggested_filename == f"{name}.{kind}"
        files[kind] = folder / f"picture.{kind}"
        told.value.save_as(files[kind])
    return files


def test_a_chart_becomes_a_picture_with_its_title_source_and_date(
    page: Page, page_guard: Guard, site: str, tmp_path: Path
) -> None:
    guard = page_guard(page, site, allowed=("data", "blob"))
    page.emulate_media(color_scheme="dark")
    page.goto(f"{site}/sankey?level=enterprise&{SPAN}")
    ready(page)
    files = pictures(page, "wasteflow-sankey-enterprise-all-2026H1", tmp_path)
    root = ElementTree.parse(files["svg"]).getroot()
    words = " ".join(root.itertext())
    for part in (
        "物料流向桑基图",
        "2026年上半年",
        "合成数据",
        "来源",
        "账本状态",
        "导出日期",
        "丙贸易",
    ):
        assert part in words, part
    shapes = root.findall(".//{http://www.w3.org/2000/svg}path")
    assert len(shapes) >= page.locator("#sankey .sankey-link").count() > 3
    assert not root.findall(".//*[@style]") and not root.findall(".//*[@onclick]")
    assert root[0].get("fill") == "#ffffff", "a report is white, whatever the page is"
    head = files["png"].read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:24])
    assert (width, height) == (2 * int(root.get("width", 0)), 2 * int(root.get("height", 0)))
    page.locator("#sankey .sankey-node").nth(1).click()
    page.wait_for_url("**scope=enterprise**")
    guard.check_quiet()


def test_a_phone_reads_the_sankey_as_bars_and_draws_it_when_asked(
    page: Page, page_guard: Guard, site: str
) -> None:
    guard = page_guard(page, site)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{site}/sankey?level=enterprise&{SPAN}")
    expect(page.locator(".giver").first).to_be_visible()
    data = page.evaluate("JSON.parse(document.getElementById('sankey-data').textContent)")
    assert page.locator(".band").count() == len(data["links"]) > 3
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert not page.locator("#sankey").is_visible()
    assert page.evaluate("typeof window.Plotly") == "undefined", "no library for what is not shown"
    page.locator(".chart-too-words").click()
    page.wait_for_selector("#sankey[data-ready]")
    assert page.locator("#sankey .sankey-link").count() == len(data["links"])
    guard.check_quiet()


def test_the_map_of_links_becomes_a_picture(
    page: Page, page_guard: Guard, site: str, tmp_path: Path
) -> None:
    guard = page_guard(page, site, allowed=("data", "blob"))
    page.emulate_media(color_scheme="dark")
    page.goto(f"{site}/links/map?layer=realised&{SPAN}")
    page.wait_for_selector("#link-map path.link-realised")
    files = pictures(page, "wasteflow-links-all-2026H1", tmp_path)
    root = ElementTree.parse(files["svg"]).getroot()
    words = " ".join(root.itertext())
    for part in ("链接地图", "合成数据", "来源", "′E", "°N", "5 km", "已有链接"):
        assert part in words, part
    frame = next(part for part in root.iter() if part.get("overflow") == "hidden")
    lines = page.locator("#link-map path.link-realised").count()
    shapes = frame.findall(".//{http://www.w3.org/2000/svg}path[@d]")
    assert len(shapes) > lines > 0
    assert root[0].get("fill") == "#ffffff" and not root.findall(".//*[@style]")
    assert files["png"].read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    guard.check_quiet()


def test_what_was_typed_comes_back_after_the_session_ended(
    chromium_browser: Browser, site: str, page_guard: Guard
) -> None:
    context = chromium_browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page_guard(page, site)
    sign_in(context, site, "operator.p1", people.PASSWORD)
    page.goto(f"{site}/entries/new?lang=en")
    form = page.locator("main form[method=post]").first
    form.locator("[name=tonnes]").fill("12.345")
    context.clear_cookies()
    form.locator("button[type=submit]").first.click()
    page.wait_for_load_state()
    kept = page.locator("[data-kept]")
    expect(kept).to_be_visible()
    if not page.locator("#i-login").count():
        page.locator("main a.button").first.click()
        page.wait_for_load_state()
    page.fill("#i-login", "operator.p1")
    page.fill("#i-password", people.PASSWORD)
    page.press("#i-password", "Enter")
    page.wait_for_url("**/entries/new**")
    expect(page.locator(".restored")).to_be_visible()
    assert page.locator("main form[method=post] [name=tonnes]").first.input_value() == "12.345"
    page.reload()
    assert page.locator(".restored").count() == 0, "it comes back once"
    context.close()
