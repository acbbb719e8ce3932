"""The page of the statutory forms: choose a firm, read, download; over the API too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests import web_books
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.config_accounts import OPEN
from wasteflow.web.access import books

FIRM = "scope=enterprise:ent.p1&period=2026"


@pytest.fixture
def client(database_url: str, tmp_path: Path) -> Iterator[FlaskClient]:
    web_books.load(database_url, tmp_path, (*web_books.REGISTRY, *web_books.TRADED))
    app = create_app(Config(database_url, accounts=OPEN))
    yield app.test_client()
    with app.app_context():
        books().db.dispose()


def test_the_forms_of_a_firm_and_the_way_to_choose_one(client: FlaskClient) -> None:
    whole = client.get("/ledger-forms?lang=en").get_data(as_text=True)
    assert "Choose one under Scope" in whole
    html = client.get(f"/ledger-forms?{FIRM}").get_data(as_text=True)
    assert html.count("附表") >= 7 and "未复核" in html and "1500.000" in html.replace(",", "")
    file = client.get(f"/ledger-forms?{FIRM}&format=xlsx")
    assert file.status_code == 200 and file.data[:2] == b"PK"
    assert "ledger-forms-ent.p1-2026.xlsx" in file.headers["Content-Disposition"]
