"""A password that somebody else chose: the browser may do nothing else before it is changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests import people, web_books
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.web.access import books
from wasteflow_models.engine import Database


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    web_books.load(database_url, tmp_path, web_books.REGISTRY)
    db = Database(database_url)
    people.enrol(db, ["root", "operator.p1"], must_change=True)
    made = create_app(Config(database_url))
    yield made
    with made.app_context():
        books().db.dispose()
    db.dispose()


def test_every_page_leads_to_the_password_until_it_is_ones_own(app: Flask) -> None:
    client = people.sign_in(app, "root")
    for path in ("/", "/users", "/targets", "/inbox", "/members"):
        answer = client.get(path)
        assert answer.status_code == 302 and answer.headers["Location"] == "/account", path
    refused = client.get("/api/v1/me", headers={"Accept-Language": "en"})
    assert refused.status_code in (409, 422) and refused.get_json()["code"] == "password_first"
    assert client.get("/account").status_code == 200
    assert client.get("/healthz").status_code == 200
    new = "an own long password"
    told = {"current": people.PASSWORD, "password": new, "again": new}
    answer = people.Visitor(client).send("/account/password", told)
    assert answer.status_code in (302, 303)
    again = people.sign_in(app, "root", new)
    assert again.get("/users").status_code == 200


def test_who_only_wants_out_gets_out(app: Flask) -> None:
    client = people.sign_in(app, "operator.p1")
    assert people.Visitor(client).send("/sign-out", {}).status_code in (302, 303)
    assert client.get("/inbox").headers["Location"].startswith("/sign-in")


def test_a_token_is_not_held_up(app: Flask) -> None:
    with app.app_context():
        secret = people.token(books().db, "root")
    answer = app.test_client().get("/users", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 200
