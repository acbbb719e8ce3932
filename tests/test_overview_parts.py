"""The overview of large books: the page at once, its parts by addresses of their own."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from flask.testing import FlaskClient

from tests import web_books
from wasteflow import app as application
from wasteflow.web.access import books
from wasteflow.web.pages import overview

Client = Callable[..., FlaskClient]


@pytest.fixture
def client(client_of: Client, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """The small books, taken as large ones."""
    monkeypatch.setattr(overview, "SMALL_PLACES", 0)
    return client_of((*web_books.REGISTRY, *web_books.TRADED))


def text_of(client: FlaskClient, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return response.get_data(as_text=True)


def addresses(html: str) -> dict[str, str]:
    """Part → where it is fetched."""
    found = re.findall(r'<template data-part="(\w+)" data-address="([^"]+)">', html)
    return {part: unescape(address) for part, address in found}


def slots(html: str) -> list[str]:
    return re.findall(r'data-slot="(\w+)"', html)


def inside(html: str) -> str:
    """The main part of a page, without addresses (they name how it was opened)."""
    main = html.partition("<main")[2].partition("</main>")[0]
    return re.sub(r'(href|action)="[^"]*"', "", main)


def test_the_first_page_waits_for_nothing_and_names_its_parts(client: FlaskClient) -> None:
    response = client.get("/?scope=park:park.b&lang=en")
    html = response.get_data(as_text=True)
    found = addresses(html)
    assert list(found) == list(overview.PARTS)
    assert all(
        "scope=park:park.b" in address and "lang=en" in address for address in found.values()
    )
    assert html.count('aria-busy="true"') == len(slots(html)) - 2
    assert "ETag" not in response.headers, "a page with open parts must not be kept"
    assert "/static/parts.js" in html and html.count("<noscript>") >= 4
    assert "parts=all" in html


def test_parts_fill_exactly_the_slots_of_the_page(client: FlaskClient) -> None:
    html = text_of(client, "/")
    filled = [
        slot for address in addresses(html).values() for slot in slots(text_of(client, address))
    ]
    assert sorted(filled) == sorted(slots(html))
    done = client.get("/")
    assert 'class="panel waiting' not in done.get_data(as_text=True) and "ETag" in done.headers
    assert inside(done.get_data(as_text=True)) == inside(text_of(client, "/?parts=all"))


def test_a_new_server_names_its_parts_until_it_is_warm(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is quick there, however small the books."""
    monkeypatch.undo()
    monkeypatch.setattr(books(client.application), "warming", True)
    assert list(addresses(text_of(client, "/"))) == list(overview.PARTS)
    application.warm_up(client.application)
    assert addresses(text_of(client, "/")) == {}
    monkeypatch.undo()
    assert addresses(text_of(client, "/?lang=en")) == {}


def test_without_scripts_the_whole_page_is_one_click_away(client: FlaskClient) -> None:
    html = text_of(client, "/?lang=en&period=2026-02")
    links = re.findall(r'<noscript>.*?href="([^"]+)"', html, flags=re.DOTALL)
    whole = text_of(client, unescape(links[0]))
    assert 'class="panel waiting' not in whole and "Utilised" in whole and "2026" in whole


@pytest.mark.parametrize("address", ["/overview/part", "/overview/part?part=nothing"])
def test_a_part_that_is_none_is_not_found(client: FlaskClient, address: str) -> None:
    assert client.get(address).status_code == 404


def test_a_part_is_answered_by_its_version(client: FlaskClient) -> None:
    first = client.get("/overview/part?part=books")
    again = client.get(
        "/overview/part?part=books", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert again.status_code == 304


def test_small_books_come_whole(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "SMALL_PLACES", 1_000)
    html = text_of(client, "/")
    assert not addresses(html) and 'class="panel waiting' not in html
