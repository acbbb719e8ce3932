"""The page of the statutory forms: choose a firm, read, download; over the API too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from tests import web_books
from wasteflow.services.seals import seal_books
from wasteflow.web.access import books

FIRM = "scope=enterprise:ent.p1&period=2026"

Client = Callable[..., FlaskClient]


@pytest.fixture
def client(client_of: Client) -> FlaskClient:
    return client_of((*web_books.REGISTRY, *web_books.TRADED))


def test_the_forms_of_a_firm_and_the_way_to_choose_one(client: FlaskClient) -> None:
    whole = client.get("/ledger-forms?lang=en").get_data(as_text=True)
    assert "Choose one under Scope" in whole
    html = client.get(f"/ledger-forms?{FIRM}").get_data(as_text=True)
    assert html.count("附表") >= 7 and "未复核" in html and "1500.000" in html.replace(",", "")
    file = client.get(f"/ledger-forms?{FIRM}&format=xlsx")
    assert file.status_code == 200 and file.data[:2] == b"PK"
    assert "ledger-forms-ent.p1-2026.xlsx" in file.headers["Content-Disposition"]


def test_a_new_seal_stands_on_the_kept_page_at_once(client: FlaskClient) -> None:
    with client.application.app_context():
        db = books().db
    page = f"/ledger-forms?{FIRM}"
    assert "尚未封存" in client.get(page).get_data(as_text=True)
    tag = client.get(page).headers["ETag"]
    assert client.get(page, headers={"If-None-Match": tag}).status_code == 304
    seal = seal_books(db=db, now=datetime(2026, 12, 1, tzinfo=UTC))
    assert seal is not None
    assert seal["head"] in client.get(page).get_data(as_text=True)
