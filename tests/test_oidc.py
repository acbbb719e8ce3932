"""Signing in by an identity provider, against a small one on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey

from tests import people
from tests.fake_provider import CLIENT, SECRET, Provider, running
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.config_accounts import AccountConfig, Oidc
from wasteflow.services.account_log import commander
from wasteflow.services.users import NewUser, create_user, set_active, users_report
from wasteflow.web.access import books


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with running() as found:
        yield found


@pytest.fixture
def make(provider: Provider, tmp_path: Path, sqlite_books: Callable[..., str]) -> Iterator[Any]:
    """``make(claim=…, create=…)``: the application with one user of the provider."""
    provider.claims, provider.spoil, provider.signer = {"sub": "subject-1"}, {}, provider.key
    url = sqlite_books(tmp_path)
    apps = []

    def made(**more: Any) -> Flask:
        oidc = Oidc(provider.issuer, CLIENT, SECRET, name="Test ID", **more)
        app = create_app(Config(url, lang="en", accounts=AccountConfig(oidc=oidc)))
        user = NewUser("li.ming", "Li Ming", oidc_subject="subject-1")
        create_user(db=books(app).db, user=user, actor=commander(), now=people.now())
        apps.append(app)
        return app

    yield made
    for app in apps:
        books(app).db.dispose()


def through(client: FlaskClient, address: str = "/sign-in/oidc?next=/account") -> Any:
    """Go to the provider and come back with what it says."""
    start = client.get(address)
    assert start.status_code == 302, start.get_data(as_text=True)
    answer = requests.get(start.headers["Location"], allow_redirects=False, timeout=10)
    back = urlsplit(answer.headers["Location"])
    return client.get(f"{back.path}?{back.query}")


def test_the_user_of_the_identity_is_signed_in(make: Any, provider: Provider) -> None:
    client = make().test_client()
    assert "Sign in with Test ID" in client.get("/sign-in").get_data(as_text=True)
    done = through(client)
    assert (done.status_code, done.headers["Location"]) == (303, "/account")
    assert "Li Ming" in client.get("/account").get_data(as_text=True)
    asked = provider.asked[-1]
    assert asked["code_challenge_method"] == "S256" and asked["state"] and asked["nonce"]


@pytest.mark.parametrize(
    "spoil",
    [{"nonce": "another"}, {"aud": "another"}, {"iss": "https://evil.example"}, {"exp": 1}],
)
def test_an_answer_that_is_not_for_us_is_refused(
    make: Any, provider: Provider, spoil: dict[str, Any]
) -> None:
    provider.spoil = spoil
    client = make().test_client()
    done = through(client)
    assert done.status_code == 502 and "identity provider failed" in done.get_data(as_text=True)
    assert client.get("/account").status_code == 302


def test_a_foreign_signature_or_state_is_refused(make: Any, provider: Provider) -> None:
    app = make()
    provider.signer = RSAKey.generate_key(2048, {"kid": "k1"})
    assert through(app.test_client()).status_code == 502
    provider.signer = provider.key
    thief, victim = app.test_client(), app.test_client()
    start = thief.get("/sign-in/oidc")
    answer = requests.get(start.headers["Location"], allow_redirects=False, timeout=10)
    back = urlsplit(answer.headers["Location"])
    assert victim.get(f"{back.path}?{back.query}").status_code == 400
    assert victim.get("/account").status_code == 302


def test_an_answer_holds_once_and_says_how_to_go_on(make: Any) -> None:
    app = make()
    client = app.test_client()
    start = client.get("/sign-in/oidc?next=/account")
    answer = requests.get(start.headers["Location"], allow_redirects=False, timeout=10)
    back = urlsplit(answer.headers["Location"])
    replay = f"{back.path}?{back.query}"
    assert client.get(replay).status_code == 303
    again = client.get(replay)
    page = again.get_data(as_text=True)
    assert again.status_code == 400 and "this sign-in is over" in page
    assert "/sign-in/oidc" in page and client.get("/account").status_code == 200
    alone = app.test_client()
    assert alone.get("/sign-in/oidc/back").status_code == 400
    declined = alone.get("/sign-in/oidc/back?error=access_denied&state=x")
    assert declined.status_code == 400
    assert "the identity provider let nobody in" in declined.get_data(as_text=True)


def test_unknown_and_deactivated_identities_stay_out(make: Any, provider: Provider) -> None:
    app = make()
    provider.claims = {"sub": "somebody-else", "preferred_username": "wang"}
    done = through(app.test_client())
    assert done.status_code == 403 and "no user belongs" in done.get_data(as_text=True)
    provider.claims = {"sub": "subject-1"}
    root = commander()
    set_active(db=books(app).db, login="li.ming", active=False, actor=root, now=people.now())
    assert through(app.test_client()).status_code == 403


def test_users_are_created_only_by_the_setting_and_never_taken_over(
    make: Any, provider: Provider
) -> None:
    app = make(create=True)
    provider.claims = {"sub": "s-2", "preferred_username": "Wang", "name": "Wang Wei"}
    client = app.test_client()
    assert through(client).status_code == 303
    assert "no role" in client.get("/account").get_data(as_text=True)
    users = users_report(db=books(app).db, actor=commander(), now=people.now())
    assert [(user["login"], user["roles"]) for user in users] == [("li.ming", []), ("wang", [])]
    provider.claims = {"sub": "s-3", "preferred_username": "li.ming"}
    assert through(app.test_client()).status_code == 403


def test_mail_addresses_must_be_verified(make: Any, provider: Provider) -> None:
    app = make(claim="email")
    provider.claims = {"sub": "x", "email": "subject-1", "email_verified": False}
    assert through(app.test_client()).status_code == 502
    provider.claims["email_verified"] = True
    assert through(app.test_client()).status_code == 303


def test_without_the_setting_there_is_no_such_page(database_url: str) -> None:
    app = create_app(Config(database_url))
    assert app.test_client().get("/sign-in/oidc").status_code == 404
    books(app).db.dispose()
