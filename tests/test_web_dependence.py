"""The page and the API of dependence: parts, files, empty books, formulas, names kept back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import web_books
from tests.store.databases import new_database
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.config_accounts import OPEN
from wasteflow.web.access import books


@pytest.fixture(scope="module")
def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FlaskClient]:
    folder = tmp_path_factory.mktemp("dependence")
    with new_database(request, "sqlite", folder) as url:
        web_books.load(url, folder, (*web_books.REGISTRY, *web_books.TRADED))
        app = create_app(Config(url, accounts=OPEN))
        yield app.test_client()
        with app.app_context():
            books().db.dispose()


def page(client: FlaskClient, address: str, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status, response.get_data(as_text=True)[-600:]
    return response.get_data(as_text=True)


def test_every_part_has_its_table_and_its_file(client: FlaskClient) -> None:
    where = "/dependence?lang=en&period=2026-01..2026-06&material=phosphogypsum"
    shown = page(client, where)
    for words in ("what breaks if a receiver closes", "−", "Points lost", "no receiver"):
        assert words in shown
    for part, words in (
        ("producers", "Single receiver"),
        ("hinges", "Pieces without it"),
        ("bridges", "One end"),
    ):
        assert words in page(client, f"{where}&part={part}")
        answer = client.get(f"{where}&part={part}&format=csv")
        assert answer.status_code == 200 and answer.mimetype == "text/csv"
    assert client.get(f"{where}&format=xlsx").data[:2] == b"PK"
    assert "Simple" in page(client, f"{where}&formula=simple")


def test_nothing_used_says_so_and_what_next(client: FlaskClient) -> None:
    assert "没有被认定的利用" in page(
        client, "/dependence?lang=zh&period=2026-06&scope=enterprise:ent.p2"
    )


def test_the_api_gives_the_object_of_the_command(client: FlaskClient) -> None:
    asked: dict[str, Any] = {"period": "2026-01..2026-06", "material": "phosphogypsum"}
    found = client.get("/api/v1/dependence", query_string=asked).get_json()
    (row,) = [row for row in found["rows"] if row["receiver"] == "ent.use"]
    assert row["tonnes"] == found["utilised_t"] and row["rerouted_t"] == "0.000"
    assert row["lost"][0]["reason"] == "no_receiver"
    assert found["formulas"]["points_lost"].startswith("100 *")
    for ending, start in (("xlsx", b"PK"), ("csv", b"\xef\xbb\xbf")):
        file = client.get("/api/v1/dependence", query_string=asked | {"format": ending})
        assert file.status_code == 200 and file.data.startswith(start)
    assert client.get("/api/v1/dependence?reroute=501").status_code == 422
    assert client.get("/api/v1/dependence?receiver=nobody").status_code == 404
