"""The firm's journeys in a real Chromium: the gate on a phone, a month with wrong rows, attacks."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests import people
from tests.browser.axe import PATH, serious
from tests.browser.hands import DESK, PHONE, press
from tests.browser.serving import serve
from tests.load_pages import BOOKS, clerk, staffed
from wasteflow.services.checking import check_books
from wasteflow.web.access import books
from wasteflow.worker import Worker

WIDTHS = {"zh": PHONE, "en": DESK}
"""Language → the width its journey is made at; `press` tries every click at the other."""
PNG = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89"
    b"\0\0\0\nIDATx\x9cc\0\x01\0\0\x05\0\x01\r\n-\xb4\0\0\0\0IEND\xaeB`\x82"
)


class Taps:
    """Counts what a finger does."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, target: Locator) -> None:
        self.made += 1
        box = target.bounding_box()
        assert box is not None and box["height"] >= 44, f"too small for a finger: {box}"
        press(target, finger=True)


@pytest.fixture(scope="module")
def app(
    tmp_path_factory: pytest.TempPathFactory, sqlite_books: Callable[..., str]
) -> Iterator[Flask]:
    """The application over small books with the cast enrolled."""
    url = sqlite_books(tmp_path_factory.mktemp("firm"), BOOKS)
    with staffed(url) as made:
        yield made


@pytest.fixture(scope="module")
def site(app: Flask) -> Iterator[str]:
    """Its address."""
    with serve(app) as address:
        yield address


@pytest.fixture
def opened(chromium_browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """``opened(site, width, lang)``: a browser of somebody who reads that language."""
    made = []

    def context(site: str, width: int, lang: str, **more: object) -> BrowserContext:
        locale = {"zh": "zh-CN", "en": "en-GB"}[lang]
        view = {"width": width, "height": 844}
        made.append(
            chromium_browser.new_context(base_url=site, viewport=view, locale=locale, **more)  # type: ignore[arg-type]
        )
        made[-1].add_cookies([{"name": "wasteflow_lang", "value": lang, "url": site}])
        return made[-1]

    yield context
    for item in made:
        item.close()


def sign_in(page: Page, login: str) -> None:
    """Through the form, as it stands."""
    page.goto("/sign-in")
    page.locator("[name=login]").fill(login)
    page.locator("[name=password]").fill(people.PASSWORD)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url("**/inbox")


@pytest.mark.parametrize("lang", WIDTHS)
def test_a_load_is_taken_in_at_the_gate_with_three_taps(
    app: Flask, site: str, opened: Callable[..., BrowserContext], lang: str
) -> None:
    """Twice on a 390 pixel phone: as it was sent; and weighed, with a photo, out of the network."""
    sender = clerk(app, "operator.p1")
    plain, weighed = (sender.load("dispatch", vehicle=f"云A·{lang}{n}") for n in (1, 2))
    context = opened(site, 390, lang, has_touch=True, is_mobile=True)
    phone = context.new_page()
    sign_in(phone, "operator.use")
    taps = Taps()
    taps(phone.locator(".door-first"))
    taps(phone.locator(".gate-card", has_text=f"云A·{lang}1"))
    expect(phone.locator(".gate-button")).to_be_visible()
    if PATH.is_file():
        assert serious(phone) == []
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    taps(phone.locator(".gate-button"))
    expect(phone.locator(".told-done")).to_be_visible()
    assert taps.made == 3

    phone.locator("#g-q").fill(f"云a{lang} 2")
    phone.locator("#g-q").press("Enter")  # one hit is opened at once
    phone.locator("#g-received_t").fill("31.2")
    phone.locator("#g-file").set_input_files(
        {"name": "ticket.png", "mimeType": "image/png", "buffer": PNG}
    )
    assert phone.locator("#g-file").get_attribute("capture") == "environment"
    context.set_offline(True)
    phone.locator(".gate-button").tap()
    expect(phone.locator("[data-offline]")).to_be_visible()
    expect(phone.locator("#g-received_t")).to_have_value("31.2")
    context.set_offline(False)  # what was typed is sent by itself
    expect(phone.locator(".told-done").first).to_be_visible(timeout=20_000)
    for load, tonnes in ((plain, "31.48"), (weighed, "31.20")):
        text = clerk(app, "operator.use").see(load)
        assert "已接收" in text and f"{tonnes} 吨" in text, load
    assert "ticket.png" in clerk(app, "operator.p1").see(weighed)
    assert check_books(db=books(app).db).ok


HEADER = "doc_no,enterprise,kind,material,route,date,tonnes"
FAULTS = (("tonnes", "-3"), ("tonnes", "ten"), ("material", "gold"), ("kind", "magic"),
          ("date", "2026-13-01"))  # fmt: skip


def month_sheet(lang: str) -> tuple[str, list[dict[str, str]]]:
    """A month of generation with five rows that cannot be taken, and its rows as they should be."""
    good = [
        dict(zip(HEADER.split(","), (f"{lang}{day}", "ent.p1", "generation", "phosphogypsum", "",
                                     f"2026-06-{day:02d}", "10.5"), strict=True))
        for day in range(1, 31)
    ]  # fmt: skip
    bad = [dict(row) for row in good]
    for place, (field, value) in enumerate(FAULTS):
        bad[place * 5][field] = value
    lines = [",".join(row.values()) for row in bad]
    return "\n".join([HEADER, *lines]), good


@pytest.mark.parametrize("lang", WIDTHS)
def test_a_month_with_five_wrong_rows_is_mended_and_taken(
    app: Flask, site: str, opened: Callable[..., BrowserContext], lang: str
) -> None:
    """Seven clicks: three until the rows are told, one for them, three to send them again."""
    page = opened(site, WIDTHS[lang], lang).new_page()
    sign_in(page, "operator.p1")
    content, good = month_sheet(lang)
    clicks = 0

    def click(target: Locator) -> None:
        nonlocal clicks
        clicks += 1
        press(target)

    def send(name: str, body: bytes) -> None:
        page.locator("select[name=kind]").select_option("entries")
        page.locator("input[type=file]").set_input_files(
            {"name": name, "mimeType": "text/csv", "buffer": body}
        )
        click(page.locator("main form button[type=submit]").first)
        page.wait_for_url(re.compile(r"/uploads/[0-9a-f-]{36}"))
        Worker(books(app).db, lambda: datetime.now(UTC)).once()
        page.reload()

    click(page.locator(".door", has_text={"zh": "上传", "en": "Upload"}[lang]))
    click(page.locator("a.button", has_text={"zh": "上传", "en": "Upload"}[lang]).first)
    send("june.csv", content.encode())
    expect(page.locator(".told-wrong")).to_contain_text("5")
    with page.expect_download() as download:
        click(page.locator("a[download]").first)
    back = Path(download.value.path()).read_bytes()
    lines = list(csv.reader(io.StringIO(back.decode("utf-8-sig"))))
    wrong = [line for line in lines[1:] if line[-1]]
    assert len(lines) == 31 and len(wrong) == len(FAULTS), "one's own rows, with the reasons"
    right = {row["doc_no"]: list(row.values()) for row in good}
    mended = [lines[0], *([*right[line[0]], ""] for line in lines[1:])]
    click(page.locator("a.button.quiet", has_text={"zh": "再上传", "en": "another"}[lang]).first)
    send("june.csv", "\n".join(",".join(line) for line in mended).encode())
    click(page.locator(".upload-publish button"))
    Worker(books(app).db, lambda: datetime.now(UTC)).once()
    page.reload()
    expect(page.locator(".told-wrong")).to_have_count(0)
    page.goto("/entries?period=2026-06")
    expect(page.locator("main")).to_contain_text(f"{lang}30")
    assert clicks <= 7
