"""Every page of the program in a real Chromium, over books whose every text is an attack of 200
letters: nothing runs, nothing leaves the origin, nothing is wider than the screen, and axe-core
finds nothing serious; each page once, as somebody who may see all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page

from tests.api.conftest import Api, _templates, api, api_on  # noqa: F401
from tests.api.test_inert import addresses, ids  # noqa: F401
from tests.browser.axe import PATH, Walker
from tests.browser.fitting import PAINTED
from tests.browser.serving import serve
from tests.browser.test_pages import ready
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.web.access import books

WHO: Final[dict[str, tuple[str, ...]]] = {
    "admin": ("pages", "accounts", "exports", "api_docs"),
    "manager-a": ("boundaries", "accounts"),
    "head-p1": ("loads", "uploads", "accounts"),
    "op-use": ("loads",),
}
"""Who looks at which blueprints: who may see everything of it."""
FIRST: Final = {
    "": ("/sign-in", "/nowhere", "/?period_text=x"),
    "nobody": ("/", "/summary"),
    "planner": ("/", "/targets"),
    "op-p1": ("/", "/month"),
    "gate-use": ("/", "/gate"),
    "carrier": ("/", "/loads"),
    "reader-p1": ("/",),
}
"""Other roles → the pages that are not the same for them; "": signed out."""
NO_HTML: Final = frozenset(
    {
        *("pages.map_data", "pages.map_geodata", "pages.map_file", "pages.link_map_data"),
        *("pages.overview_part", "pages.targets_part", "pages.proof", "exports.file"),
        *("loads.paper", "uploads.errors", "uploads.template", "accounts.sign_in"),
    }
)
"""Data and files; and the way in, which somebody signed in does not see."""
OPEN_ALL: Final = """() => {
  for (const name of Object.keys(window)) {
    const map = name.startsWith("map_") ? window[name] : null;
    if (!map || !map.eachLayer) continue;
    map.eachLayer((layer) => { layer.openPopup?.(); layer.openTooltip?.(); });
  }
  for (const mark of document.querySelectorAll(".leaflet-interactive, .leaflet-marker-icon")) {
    mark.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
    mark.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  }
}"""
OVER: Final = """() => [...document.querySelectorAll("body *")]
  .filter((part) => part.getBoundingClientRect().right > innerWidth + 1 && part.offsetParent
    && !part.closest(".scroll, .nav, .work-nav, table"))
  .map((part) => part.tagName + "." + part.className).slice(0, 9)"""
GATE: Final = ("/inbox", "/gate", "/log")
"""Pages of a phone: not even a part of them reaches over the edge."""
WIDE: Final = "() => document.documentElement.scrollWidth - innerWidth"
MAIL: Final = """() => [...document.querySelectorAll("a[href]")].map((link) => link.protocol)
  .filter((word) => !["http:", "https:", "mailto:", "tel:", "blob:"].includes(word))"""


@pytest.fixture
def site(api: Api, ids: dict[str, str]) -> Iterator[tuple[str, dict[str, list[str]]]]:  # noqa: F811
    """The attacked books served, and who looks at which addresses."""
    attacked = create_app(Config(str(api.db.url)))
    asked: dict[str, list[str]] = {}
    seen: set[str] = set()
    for person, parts in WHO.items():
        for endpoint, address in addresses(api.app, ids, parts):
            if endpoint not in NO_HTML and (endpoint not in seen or endpoint == "loads.one"):
                asked.setdefault(person, []).append(address)
                seen.add(endpoint)
    with serve(attacked) as address:
        yield address, asked
    books(attacked).db.dispose()


class Look:
    """One browser page that walks, and what it finds wrong."""

    def __init__(self, page: Page, site: str) -> None:
        self.page, self.site = page, site
        self.axe, self.wrong, self.number = Walker(), list[str](), 0
        page.on("dialog", self.asked_by)
        page.on("pageerror", lambda error: self.say(f"threw {error}"))
        page.context.on("request", lambda asked: self.at_home(asked.url))
        self.address = ""

    def asked_by(self, dialog: Dialog) -> None:
        """No page of ours opens one."""
        self.say(f"a dialog {dialog.message}")
        dialog.dismiss()

    def say(self, what: str) -> None:
        """Note what is wrong on this page."""
        self.wrong.append(f"{self.address}: {what}")

    def at_home(self, url: str) -> None:
        """A request to anywhere but the site, or the page itself, is wrong."""
        if not url.startswith((self.site, "data:", "blob:")):
            self.say(f"asked {url}")

    def at(self, address: str) -> None:
        """Open a page: wide, Chinese and light, or narrow, English and dark, by turns."""
        self.number += 1
        phone = self.number % 2 == 0
        theme, lang = ("dark", "en") if phone else ("light", "zh")
        self.address = address
        page = self.page
        page.set_viewport_size({"width": 390 if phone else 1440, "height": 900})
        joint = "&" if "?" in address else "?"
        answer = page.goto(f"{self.site}{address}{joint}lang={lang}&theme={theme}")
        assert answer is not None and answer.status < 500, (address, answer and answer.status)
        ready(page)
        if page.locator("#api").count():
            page.wait_for_selector("#api[data-ready] .info .title")
        for frame in page.frames:
            if frame.locator(".leaflet-container").count():
                frame.evaluate(OPEN_ALL)
            if frame.evaluate("window.wf") is not None:
                self.say(f"an attack ran in {frame.url}")
        for kind in page.evaluate(MAIL):
            self.say(f"a link with {kind}")
        for what in self.axe.found(page, theme):
            self.say(what)
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }",
                      "light" if phone else "dark")  # fmt: skip
        for what in self.axe.contrast(page, "light" if phone else "dark"):
            self.say(what)
        self.fits(page)
        page.set_viewport_size({"width": 1440 if phone else 390, "height": 900})
        page.evaluate(PAINTED)  # the page may answer to its new width before it is painted
        self.fits(page)

    def fits(self, page: Page) -> None:
        """No page is wider than its screen."""
        over = page.evaluate(WIDE)
        if over > 0:
            self.say(f"{over} px wider than {page.viewport_size}")
        if self.address in GATE and page.viewport_size == {"width": 390, "height": 900}:
            for part in page.evaluate(OVER):
                self.say(f"{part} reaches over the edge")


def test_no_page_runs_an_attack_leaves_its_origin_overflows_or_fails_axe(
    site: tuple[str, dict[str, list[str]]],
    api: Api,  # noqa: F811
    chromium_browser: Browser,
) -> None:
    if not PATH.is_file():
        pytest.skip("axe-core is not installed: npm ci")
    address, asked = site
    found, opened, walker = list[str](), 0, Walker()
    for person in (*asked, *FIRST):
        headers = api.people[person].headers if person else {}
        sent = {"Authorization": headers["Authorization"]} if headers else {}
        context: BrowserContext = chromium_browser.new_context(
            extra_http_headers=sent, reduced_motion="reduce"
        )
        look = Look(context.new_page(), address)
        look.axe = walker
        for path in (*asked.get(person, ()), *FIRST.get(person, ())):
            look.at(path)
            opened += 1
        found += [f"{person} {what}" for what in look.wrong]
        context.close()
    assert not found, "\n".join(found)
    assert opened > 60, "too few pages to speak of every page"
    assert len(walker.seen["light"]) > 200 and len(walker.seen["dark"]) > 200
