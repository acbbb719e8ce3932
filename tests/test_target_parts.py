"""The board of targets over large books: the page at once, then the targets, then their charts."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests import web_books
from tests.test_overview_parts import addresses, inside, text_of
from tests.test_web_planning import JUDGED
from wasteflow.web.pages import target_page

Client = Callable[..., FlaskClient]


@pytest.fixture
def client(client_of: Client, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """The small books, taken as large ones."""
    monkeypatch.setattr(target_page, "SMALL_PLACES", 0)
    return client_of((*web_books.REGISTRY, ("targets", JUDGED), *web_books.TRADED))


def slots(html: str) -> list[str]:
    return re.findall(r'data-slot="([^"]+)"', html)


def test_the_page_comes_first_then_the_board_then_its_charts(client: FlaskClient) -> None:
    response = client.get("/targets?lang=en")
    html = response.get_data(as_text=True)
    assert "ETag" not in response.headers, "a page with open parts must not be kept"
    assert list(addresses(html)) == ["board", "charts"] and slots(html) == ["board"]
    assert html.count('aria-busy="true"') == 1 and "parts=all" in html

    board = text_of(client, addresses(html)["board"])
    charts = [slot for slot in slots(board) if slot.startswith("chart-")]
    assert charts and 'aria-busy="true"' in board and "<svg viewBox" not in board
    assert "/targets/part" not in board, "links of a part lead to the page"

    filled = text_of(client, addresses(html)["charts"])
    assert sorted(slots(filled)) == sorted(charts) and 'class="declared" points=' in filled

    done = client.get("/targets?lang=en")
    whole = done.get_data(as_text=True)
    assert 'class="panel waiting' not in whole and "ETag" in done.headers
    assert inside(whole) == inside(text_of(client, "/targets?lang=en&parts=all"))


def test_parts_obey_the_kind_of_target_asked_for(client: FlaskClient) -> None:
    html = text_of(client, "/targets?lang=en&status=reference_line")
    board = text_of(client, addresses(html)["board"])
    charts = [slot for slot in slots(board) if slot.startswith("chart-")]
    assert sorted(slots(text_of(client, addresses(html)["charts"]))) == sorted(charts)
    shown = len(re.findall(r"<article", board))
    assert 0 < shown < len(re.findall(r"<article", text_of(client, "/targets?parts=all")))


@pytest.mark.parametrize("address", ["/targets/part", "/targets/part?part=nothing"])
def test_a_part_that_is_none_is_not_found(client: FlaskClient, address: str) -> None:
    assert client.get(address).status_code == 404


def test_the_file_needs_no_part(client: FlaskClient) -> None:
    answer = client.get("/targets?format=csv")
    assert answer.status_code == 200 and answer.mimetype == "text/csv"
