"""`./run screenshots`: every page of the demo as its users see it, and what is wrong with each.

Pictures at 1440 and 390 pixels, in Chinese and English, light and dark, of full and of empty books,
an index to look through, and a table of page weight, largest paint, width, console errors and
serious findings of axe-core.
"""

from __future__ import annotations

import argparse
import html
import logging
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, Request, sync_playwright

from tests.browser.conftest import FLAGS, find_chromium
from tests.browser.gallery_pages import EMPTY, FAULT, INSIDE, WORK, WRONG, pages
from tests.browser.serving import serve
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.config_accounts import OPEN
from wasteflow.core.periods import SHANGHAI, next_month
from wasteflow.web.access import books
from wasteflow.web.permits import public
from wasteflow_models import migrate
from wasteflow_models.engine import Database

AXE: Final = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
SIZES: Final = (1440, 390)
LANGS: Final = ("zh", "en")
THEMES: Final = ("light", "dark")
SLOW_MS: Final = 1000
TRIES: Final = 3
PREPARED: Final = ("/seals", "/uploads", "/scenarios", "/offers")
WRONG_ROW: Final = (
    "doc_no,enterprise,kind,material,route,date,tonnes\n"
    "G-1,ent.tianan,generation,phosphogypsum,,2026-09-30,ten\n"
)
"""A file of entries with a row that cannot be taken."""
HEAVY: Final = ("/map", "/links/map", "/sankey", "/api/docs")
"""Pages that bring a library of maps or charts with them."""
_PAINT: Final = """() => new Promise(done => {
  let last = 0;
  new PerformanceObserver(list => { for (const e of list.getEntries()) last = e.startTime; })
    .observe({type: 'largest-contentful-paint', buffered: true});
  setTimeout(() => done(last), 250);
})"""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture and what was measured while it was taken."""

    name: str
    address: str
    login: str
    width: int
    look: str
    status: int
    kilobytes: float
    paint_ms: float
    too_wide: bool
    errors: list[str]
    axe: list[str]

    @property
    def problems(self) -> list[str]:
        """What must be mended, in words."""
        found = list(self.errors) + self.axe
        if self.too_wide:
            found.append("wider than the screen")
        if self.status != WRONG.get((self.login, self.address), 200):
            found.append(f"answered {self.status}")
        if self.paint_ms > SLOW_MS:
            found.append(f"largest paint {self.paint_ms:.0f} ms")
        if self.kilobytes > 300 and self.address.partition("?")[0] not in HEAVY:
            found.append(f"{self.kilobytes:.0f} KB")
        return found


@dataclass(frozen=True, slots=True)
class How:
    """How pictures are taken: width, language, theme, folder, and what their names begin with."""

    width: int
    lang: str
    theme: str
    folder: Path
    prefix: str = ""

    @property
    def words(self) -> str:
        """How, in the name of a picture; light goes without saying."""
        return f"{self.width}-{self.lang}" + ("-dark" if self.theme == "dark" else "")


@contextmanager
def site_of(folder: Path, name: str, fill: Callable[[str], None]) -> Iterator[str]:
    """Address of books of their own, filled and served by a thread."""
    url = f"sqlite:///{(folder / f'{name}.sqlite3').as_posix()}"
    migrate.upgrade(url)
    fill(url)
    os.environ["WASTEFLOW_INSTANCE"] = str(folder / name)
    app = create_app(Config(url, accounts=OPEN))
    app.add_url_rule(FAULT, view_func=public(fault))
    with serve(app) as address:
        yield address
    with app.app_context():
        books().db.dispose()


def prepare(browser: Browser, site: str, people: dict[str, str]) -> None:
    """By hand what the demo lacks: an upload with a wrong row, a seal, a scenario, an offer."""

    def at(login: str, address: str) -> Page:
        context = browser.new_context()
        sign_in(context, site, login, people[login])
        page = context.new_page()
        page.goto(f"{site}{address}")
        return page

    def send(page: Page) -> None:
        page.locator("main form[method=post] button[type=submit]").last.click()
        page.wait_for_load_state("networkidle")
        page.context.close()

    send(at("root", "/seals"))
    page = at("root", "/uploads/new")
    page.locator("select[name=kind]").select_option("entries")
    body = WRONG_ROW.encode()
    told = FilePayload(name="entries.csv", mimeType="text/csv", buffer=body)
    page.locator("input[type=file]").set_input_files(told)
    send(page)
    page = at("planner", "/scenarios/new")
    page.locator("input[name=name]").fill("示范情景")
    send(page)
    page = at("admin", "/offers/new")
    page.locator("select[name=material]").select_option(index=1)
    page.locator("input[name=tonnes]").fill("1000")
    send(page)


def fault() -> str:
    """What nobody expected."""
    raise RuntimeError("the gallery wants a page of this")


def fill_demo_books(url: str) -> dict[str, str]:
    """The books of `wasteflow demo`; the passwords of its people."""
    from wasteflow.cli.common import Settings, now
    from wasteflow.cli.demo import fill_demo
    from wasteflow.cli.demo_live import fill_live
    from wasteflow.cli.demo_people import enrol_demo
    from wasteflow.cli.demo_troubles import fill_troubles

    db = Database(url)
    moment = now()
    today = moment.astimezone(SHANGHAI)
    fill_demo(db, 24, Settings("en", url))
    people = {who.login: who.password for who in enrol_demo(db=db, now=moment)}
    fill_live(db=db, now=moment)
    fill_troubles(db=db, now=moment, last=next_month(today.year * 100 + today.month, -1))
    correct_some(db, moment)
    db.dispose()
    return people


def correct_some(db: Database, moment: datetime) -> None:
    """Corrections that a worker has proposed: of some loads of the receiver, and of none."""
    from wasteflow.services.acting import actor_of_login
    from wasteflow.services.live.listing import LoadFilter, list_loads
    from wasteflow.services.live.many import Wanted
    from wasteflow.services.live.many_job import ask_corrections
    from wasteflow.worker import Worker

    actor = actor_of_login(db=db, login="receiver", now=moment)
    assert actor is not None  # the demo has made him
    found = list_loads(db=db, actor=actor, wanted=LoadFilter("accepted"), limit=6)["items"]
    new = {"vehicle": "云A·改001"}
    items = [Wanted(load["doc_no"], new, "车牌", load["consignor"]) for load in found]
    items.append(Wanted("GONE-1", new, "车牌"))
    ask_corrections(db=db, actor=actor, items=items, channel="web", now=moment)
    Worker(db, lambda: moment, kinds=("corrections",)).once()


def sign_in(context: BrowserContext, site: str, login: str, password: str) -> None:
    """Sign a browser in by the form."""
    page = context.new_page()
    page.goto(f"{site}/sign-in")
    page.fill("input[name=login]", login)
    page.fill("input[name=password]", password)
    page.press("input[name=password]", "Enter")
    page.wait_for_load_state()
    page.close()


def take(context: BrowserContext, site: str, login: str, address: str, how: How) -> Shot:
    """Open a page, measure it, picture it."""
    page = context.new_page()
    errors: list[str] = []
    sizes: list[int] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("requestfinished", lambda asked: sizes.append(_size(asked)))
    joined = "&" if "?" in address else "?"
    asked = f"{site}{address}{joined}lang={how.lang}&theme={how.theme}"
    answer = page.goto(asked, wait_until="networkidle")
    weight = sum(sizes) / 1024
    paint = float(page.evaluate(_PAINT))
    for _ in range(TRIES):  # the least of some: others work on the machine too
        if paint <= SLOW_MS:
            break
        page.goto(asked, wait_until="networkidle")
        paint = min(paint, float(page.evaluate(_PAINT)))
    plain = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "one", address.lower())
    words = re.sub("[^a-z0-9]+", "-", plain).strip("-") or "home"
    name = "-".join(part for part in (how.prefix, words, login, how.words) if part) + ".png"
    page.screenshot(path=how.folder / name, full_page=True)
    wide = bool(page.evaluate("() => document.documentElement.scrollWidth > innerWidth + 1"))
    axe = _axe(page)
    page.close()
    status = answer.status if answer is not None else 0
    return Shot(
        name, address, login, how.width, how.words, status, weight, paint, wide, errors, axe
    )


def _size(asked: Request) -> int:
    """Bytes of a body as they came over the wire; 0 for one the browser had."""
    return max(0, asked.sizes()["responseBodySize"])


def _axe(page: Page) -> list[str]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"axe {item['id']}: {node['html'][:100]}"
        for item in found["violations"]
        if item["impact"] in ("serious", "critical")
        for node in item["nodes"][:3]
    ]


def hows(folder: Path, width: int, prefix: str = "") -> list[How]:
    """Both languages in light; in the dark one at each width: colours know no language."""
    light = [How(width, lang, "light", folder, prefix) for lang in LANGS]
    return [*light, How(width, LANGS[width == SIZES[0]], "dark", folder, prefix)]


def gallery(
    browser: Browser, site: str, people: dict[str, str], folder: Path, only: str
) -> Iterator[Shot]:
    """A picture of every page at every size in every language."""
    for width in SIZES:
        for login in ("", *WORK):
            context = browser.new_context(viewport={"width": width, "height": 900})
            if login:
                sign_in(context, site, login, people[login])
            mine = [address for who, address in pages() if who == login]
            mine += inside(context, site, login, only)
            for address in dict.fromkeys(mine):
                if not only or re.search(only, address):
                    for how in hows(folder, width):
                        yield take(context, site, login, address, how)
            context.close()


def inside(context: BrowserContext, site: str, login: str, only: str) -> list[str]:
    """Addresses of pages that a link leads to; a list without one is left out."""
    found = []
    page = context.new_page()
    for _, start, link, behind in INSIDE.get(login, ()):
        if only and not re.search(only, start):
            continue
        page.goto(f"{site}{start}")
        there = page.locator(link)
        if not there.count():
            print(f"no page behind {link} on {start}", file=sys.stderr)
        else:
            address = str(there.first.get_attribute("href")).partition("#")[0]
            found.append(address + behind)
    page.close()
    return found


def empty_gallery(browser: Browser, site: str, folder: Path, only: str) -> Iterator[Shot]:
    """A picture of the pages of books that hold nothing."""
    for width in SIZES:
        context = browser.new_context(viewport={"width": width, "height": 900})
        for address in EMPTY:
            if not only or re.search(only, address):
                for how in hows(folder, width, "empty"):
                    yield take(context, site, "", address, how)
        context.close()


def line(shot: Shot) -> str:
    """What was measured of a picture, in one line."""
    said = "; ".join(shot.problems) or "good"
    return f"{shot.name:52} {shot.kilobytes:7.0f} KB {shot.paint_ms:6.0f} ms  {said}"


_HEAD: Final = (
    "<!DOCTYPE html><meta charset=utf-8><title>wasteflow</title><style>body{font:15px sans-serif}"
    "img{width:340px;vertical-align:top;border:1px solid #ccc;margin:4px}</style>"
)


def write_index(shots: Sequence[Shot], folder: Path) -> Path:
    """One page to look through: per address the pictures side by side."""
    parts = [_HEAD]
    for address in dict.fromkeys(shot.address for shot in shots):
        parts.append(f"<h2>{html.escape(address)}</h2>")
        for shot in shots:
            if shot.address == address:
                picture = f'<img loading=lazy src="{shot.name}" title="{html.escape(line(shot))}">'
                parts.append(f'<a href="{shot.name}">{picture}</a>')
    path = folder / "index.html"
    path.write_text("\n".join(parts), encoding="utf-8")
    return path


def main() -> int:
    """Exit 0: nothing to mend; 1: see the list; 3: no browser."""
    parser = argparse.ArgumentParser(prog="./run screenshots", description=__doc__)
    parser.add_argument("folder", nargs="?", default="screenshots", help="where the pictures go")
    parser.add_argument("--only", default="", help="pages whose address fits this expression")
    given = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    logging.getLogger("wasteflow.web.errors").setLevel(logging.CRITICAL)  # of the fault
    folder = Path(given.folder)
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as own:
        path = find_chromium(playwright)
        if path is None:
            print("No Chromium found: see ./run help.", file=sys.stderr)
            return 3
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        shots = []
        people: dict[str, str] = {}

        def told(taken: Iterator[Shot]) -> None:
            for shot in taken:
                print(line(shot), flush=True)
                shots.append(shot)

        with site_of(Path(own), "demo", lambda url: people.update(fill_demo_books(url))) as site:
            if not given.only or any(re.search(given.only, start) for start in PREPARED):
                prepare(browser, site, people)
            told(gallery(browser, site, people, folder, given.only))
        with site_of(Path(own), "empty", lambda _: None) as site:
            told(empty_gallery(browser, site, folder, given.only))
        browser.close()
    bad = [shot for shot in shots if shot.problems]
    print(f"{len(shots)} pictures, {len(bad)} with something to mend: {write_index(shots, folder)}")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
