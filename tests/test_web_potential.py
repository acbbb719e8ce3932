"""The page of potential links on both databases: found, nothing, wrong limits, file, no books."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests import web_books

FACILITIES = (
    "code,name,enterprise,kind,material,route,capacity_t_per_year,status\n"
    "f.use,<b>窑</b>,ent.use,use,phosphogypsum,pg_use,1200,operating\n"
    "f.next,二期,,use,phosphogypsum,pg_use,2400,planned\n"
)
Client = Callable[..., FlaskClient]


@pytest.fixture
def client(client_of: Client) -> FlaskClient:
    return client_of((*web_books.REGISTRY, ("facilities", FACILITIES), *web_books.TRADED))


def page(client: FlaskClient, address: str, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status, response.get_data(as_text=True)[-600:]
    return response.get_data(as_text=True)


def test_the_page_says_what_could_be_placed_and_why_the_rest_stays(client: FlaskClient) -> None:
    html = page(client, "/potential?lang=en&period=2026-01..2026-06&material=phosphogypsum")
    assert "Potential links: which to make next" in html and "Still without a use" in html
    assert "&lt;b&gt;" in html or "<b>窑</b>" not in html
    for word in ("Could be placed", "Official utilisation rate", "Net cost", "nearest feasible"):
        assert word in html
    assert page(client, "/potential?period=2026-01..2026-06&planned=1").count("<tr>") >= 2


def test_a_limit_that_is_none_is_said_and_left_out(client: FlaskClient) -> None:
    for wrong in ("max_km=far", "max_km=-5", "max_cost=x", "max_km=NaN"):
        html = page(client, f"/potential?lang=en&{wrong}", 422)
        assert 'role="alert"' in html and 'aria-invalid="true"' in html
    assert 'role="alert"' not in page(client, "/potential?max_km=80&max_cost=-2.5")


def test_the_links_are_a_file_too(client: FlaskClient) -> None:
    answer = client.get("/potential?period=2026-01..2026-06&planned=1&format=csv")
    assert answer.status_code == 200 and answer.mimetype == "text/csv"
    assert "吨净成本" in answer.get_data(as_text=True)


def test_books_without_records_have_their_own_page(client_of: Client) -> None:
    client = client_of(web_books.REGISTRY)
    assert "wasteflow import" in page(client, "/potential")
