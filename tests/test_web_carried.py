"""Scope, period and material stay in the address while moving through pages without reports."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient

from tests.people import Visitor, enrol, sign_in
from tests.web_books import LEDGER, REGISTRY
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.web.access import books

ASKED = {"scope": "enterprise:ent.use", "period": "2026Q1", "material": "phosphogypsum"}
QUERY = "?scope=enterprise:ent.use&period=2026Q1&material=phosphogypsum&lang=en"
WITHOUT = (
    "/inbox", "/loads", "/entries", "/products", "/months", "/uploads", "/exports", "/boundaries",
    "/seals", "/offers", "/scenarios", "/audit", "/search", "/help", "/account",
)  # fmt: skip


@pytest.fixture(scope="module")
def app(
    tmp_path_factory: pytest.TempPathFactory, sqlite_books: Callable[..., str]
) -> Iterator[Flask]:
    """The pages over small books with the manager of a park."""
    folder = tmp_path_factory.mktemp("carried")
    url = sqlite_books(folder, (*REGISTRY, *LEDGER))
    found = create_app(Config(url))
    enrol(books(found).db, ["park.b"])
    yield found
    books(found).db.dispose()


@pytest.fixture(scope="module")
def manager(app: Flask) -> FlaskClient:
    return sign_in(app, "park.b")


def read(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return answer.get_data(as_text=True)


def links(html: str, start: str, end: str) -> list[str]:
    """Addresses of the part of a page between two marks."""
    part = html[html.index(start) :]
    return [unescape(found) for found in re.findall(r'href="([^"]+)"', part[: part.index(end)])]


def told(address: str) -> dict[str, str]:
    return {name: value[0] for name, value in parse_qs(urlsplit(address).query).items()}


def keeps(address: str) -> bool:
    return told(address).items() >= ASKED.items()


@pytest.mark.parametrize("path", WITHOUT)
def test_every_menu_keeps_what_is_looked_at(manager: FlaskClient, path: str) -> None:
    html = read(manager, path + QUERY)
    menus = links(html, '<nav class="nav"', "</nav>") + links(
        html, '<nav class="work-nav"', "</nav>"
    )
    assert len(menus) > 20
    assert [address for address in menus if not keeps(address)] == []
    bar = html[html.index('<div class="carried"') :].partition("</div>")[0]
    assert "User" in bar and "Phosphogypsum" in bar and "2026" in bar
    find = html[html.index('<form class="find"') :].partition("</form>")[0]
    assert find.count('type="hidden"') == 4


def test_reports_read_it_again_and_what_is_typed_goes_before(manager: FlaskClient) -> None:
    html = read(manager, f"/loads{QUERY}")
    rates = next(a for a in links(html, '<nav class="nav"', "</nav>") if a.startswith("/rates?"))
    page = read(manager, rates)
    assert '<option value="enterprise:ent.use" selected>' in page
    assert '<option value="2026Q1" selected>' in page
    assert '<div class="carried"' not in page  # the form of the report says it
    assert all(keeps(a) for a in links(page, '<nav class="work-nav"', "</nav>"))
    typed = read(
        manager, "/loads?scope=enterprise:ent.use&period=2026-01&period_text=2026-03&lang=en"
    )
    assert all(told(a)["period"] == "2026-03" for a in links(typed, '<nav class="nav"', "</nav>"))


def test_it_can_be_dropped_and_narrows_no_link_to_one_record(
    app: Flask, manager: FlaskClient
) -> None:
    html = read(manager, f"/seals{QUERY}")
    drop = links(html, '<div class="carried"', "</div>")[-1]
    assert told(drop) == {"lang": "en"} and urlsplit(drop).path == "/seals"
    assert '<div class="carried"' not in read(manager, drop)
    with app.test_request_context(f"/months{QUERY}"):
        one = url_for("loads.index", doc_no="s3")  # a filter of its own: found in any month
        assert told(one) == {"doc_no": "s3", "scope": "enterprise:ent.use"}
        assert keeps(url_for("loads.index")) and "?" not in url_for("accounts.sign_in")
    loads = read(manager, f"/loads{QUERY}")
    clear = next(a for a in links(loads, 'class="table-bar', "</div>") if a.startswith("/loads"))
    assert told(clear) == {"scope": "enterprise:ent.use"}


def test_a_form_that_is_sent_leads_back_to_a_page_that_keeps_it(manager: FlaskClient) -> None:
    read(manager, f"/months{QUERY}")
    form = {"of": "park:park.b", "month": "2026-05"}
    answer = Visitor(manager).send(f"/months/close{QUERY}", form)
    assert answer.status_code == 303 and keeps(answer.headers["Location"])


@pytest.mark.parametrize(
    "wrong",
    ("scope=park:none", "period=never", "material=gold", "scope=%3Cscript%3E", "scope=x" * 99),
)
def test_what_names_nothing_is_not_said(manager: FlaskClient, wrong: str) -> None:
    html = read(manager, f"/seals?{wrong}&lang=en")
    assert '<div class="carried"' not in html and "<script>&" not in html
