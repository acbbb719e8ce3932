"""Every page of the menu: light enough, readable without scripts; every error: what next."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, abort, url_for
from flask.testing import FlaskClient

from tests import people, web_books
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.config_accounts import OPEN
from wasteflow.core.errors import RuleBroken, StaleVersion, WasteflowError
from wasteflow.web.access import books
from wasteflow.web.permits import public
from wasteflow.web.texts import catalogue
from wasteflow_models import migrate

HEAVIEST = 300 * 1024
"""Bytes of a page with its own files as they come over the wire, no map or chart library."""
GZIP = {"Accept-Encoding": "gzip"}
REFUSALS = {
    "ruled": RuleBroken("month_closed", month="2026-01"),
    "stale": StaleVersion(1, 2),
    "unsure": WasteflowError("not_on_disk"),
}
OURS = ("pages.", "loads.", "uploads.", "boundaries.", "exports.", "accounts.own", "accounts.log")
CODES = (400, 403, 404, 405, 409, 413, 415, 429, 500)


@pytest.fixture(scope="module")
def app(
    tmp_path_factory: pytest.TempPathFactory, sqlite_books: Callable[..., str]
) -> Iterator[Flask]:
    folder: Path = tmp_path_factory.mktemp("states")
    marked = tuple((kind, web_books.synthetic(content)) for kind, content in web_books.TRADED)
    url = sqlite_books(folder, (*web_books.REGISTRY, *marked))
    made = create_app(Config(url, accounts=OPEN))

    def broken(code: int) -> str:
        abort(code)

    def refused(name: str) -> str:
        raise REFUSALS[name]

    made.add_url_rule("/broken/<int:code>", "broken", public(broken))
    made.add_url_rule("/refused/<name>", "refused", public(refused))
    people.enrol(books(made).db, ["operator.p1", "park.a", "planner"])
    yield made
    with made.app_context():
        books().db.dispose()


def menu_of(html: str) -> list[str]:
    """Addresses of the menus of a page, in order."""
    parts = re.findall(r'<nav class="(?:nav|work-nav)".*?</nav>', html, re.DOTALL)
    return list(dict.fromkeys(unescape(a) for a in re.findall(r'href="([^"]+)"', "".join(parts))))


def wire(client: FlaskClient, address: str) -> int:
    return len(client.get(address, headers=GZIP).get_data())


def own_files(html: str) -> set[str]:
    """Style sheets and scripts of a page that are ours, no third-party library."""
    found = re.findall(r'<(?:script|link)[^>]*(?:src|href)="(/static/[^"]+)"', html)
    return {unescape(name) for name in found if "/vendor/" not in name}


@pytest.mark.parametrize("login", ["", "operator.p1", "park.a", "planner"])
def test_every_page_of_the_menu_is_light_and_reads_without_scripts(app: Flask, login: str) -> None:
    client = people.sign_in(app, login) if login else app.test_client()
    sizes: dict[str, int] = {}
    addresses = menu_of(client.get("/").get_data(as_text=True))
    assert len(addresses) >= 20
    for address in addresses:
        answer = client.get(address, headers=GZIP)
        assert answer.status_code == 200, address
        html = gzip.decompress(answer.get_data()).decode()
        files = own_files(html)
        weight = len(answer.get_data())
        for name in files:
            weight += sizes.setdefault(name, wire(client, name))
        assert weight <= HEAVIEST and len(files) >= 4, (address, weight)
        bare = re.sub(r"<(script|template)\b.*?</\1>", "", html, flags=re.DOTALL)
        assert "<h1" in bare and "<main" in bare, address
        if any(word in html for word in ('id="sankey"', "<iframe", 'id="link-map"')):
            assert "<noscript>" in html or '<table class="data' in bare, address


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_error_says_what_happened_and_what_next(app: Flask, lang: str) -> None:
    client, at = app.test_client(), 1 if lang == "en" else 0
    texts = catalogue()
    for code in CODES:
        answer = client.get(f"/broken/{code}?lang={lang}")
        html = unescape(answer.get_data(as_text=True))
        assert answer.status_code == code
        assert texts[f"error.{code}.title"][at] in html, code
        assert texts[f"error.{code}.next"][at] in html, code
        assert answer.headers["X-Request-Id"] in html
        assert texts["error.home"][at] in html


def test_a_refusal_the_page_did_not_catch_says_what_it_is(app: Flask) -> None:
    client = app.test_client()
    for address, status, kind in (
        ("/refused/ruled", (409, 422), None),
        ("/refused/stale", (412,), "409"),
        ("/refused/unsure", (503,), "busy"),
    ):
        answer = client.get(f"{address}?lang=en")
        html = unescape(answer.get_data(as_text=True))
        assert answer.status_code in status
        assert catalogue()["error.500.title"][1] not in html
        if kind:
            assert catalogue()[f"error.{kind}.next"][1] in html


def test_a_form_sent_after_the_session_ended_leads_back_to_it(app: Flask) -> None:
    """Where the form token is checked first it is 400 with a way back, else the sign-in page."""
    client = app.test_client()
    origin = {"Referer": "http://localhost/entries/new?kind=use", "Host": "localhost"}
    answer = client.post("/entries/new", data={"tonnes": "5"}, headers=origin)
    if answer.status_code == 302:
        assert "next=/entries/new?kind%3Duse" in answer.headers["Location"].replace("%3F", "?")
    else:
        html = answer.get_data(as_text=True)
        assert answer.status_code == 400 and 'href="/entries/new?kind=use"' in html
        assert "data-kept hidden" in html and 'data-keep="1"' in html
    foreign = {**origin, "Referer": "http://elsewhere.example/entries/new"}
    strange = client.post("/entries/new", data={"tonnes": "5"}, headers=foreign)
    assert "elsewhere" not in strange.get_data(as_text=True) + strange.headers.get("Location", "")


def test_no_page_breaks_over_empty_books(tmp_path: Path) -> None:
    """Each says that nothing is there, or that there is no such record; none is blank or fails."""
    url = f"sqlite:///{(tmp_path / 'empty.sqlite3').as_posix()}"
    migrate.upgrade(url)
    made = create_app(Config(url))
    people.enrol(books(made).db, ["root"])
    client, answers = people.sign_in(made, "root"), 0
    for rule in sorted(made.url_map.iter_rules(), key=lambda rule: rule.rule):
        if "GET" not in (rule.methods or ()) or not rule.endpoint.startswith(OURS):
            continue
        values: dict[str, Any] = dict.fromkeys(
            rule.arguments, "01a22331-28d0-7e95-83a9-07aad0ecada4"
        )
        if "kind" in values or "topic" in values:
            values = {"kind": "shipments"} if "kind" in values else {"topic": "map"}
        with made.test_request_context():
            address = url_for(rule.endpoint, **values)
        answer = client.get(address)
        assert answer.status_code < 500, address
        if answer.status_code == 200 and answer.mimetype == "text/html":
            assert "<h1" in answer.text or "<svg" in answer.text, address
            answers += 1
    assert answers > 30
    books(made).db.dispose()
