"""Sign-in pages under attack: waiting, limits by address, proxies that are believed."""

from __future__ import annotations

import pytest

from tests import people
from tests.accounts.conftest import Make
from tests.people import PASSWORD, Visitor
from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.config_accounts import AccountConfig
from wasteflow.services.account_log import log_report
from wasteflow.web.access import books


def test_too_many_failures_wait_in_the_database(make: Make) -> None:
    """Another process of the server, with its own memory, refuses as well."""
    app, other = make(), make()
    for number in range(6):
        client = (app, other)[number % 2].test_client()
        token = Visitor(client).form_token("/sign-in")
        data = {"csrf_token": token, "login": "root", "password": "wrong"}
        answer = client.post("/sign-in", data=data)
        assert answer.status_code == (401 if number < 5 else 429), number
    assert int(answer.headers["Retry-After"]) > 0


def test_the_form_itself_is_limited_by_address_in_every_process(
    database_url: str,
) -> None:
    config = Config(database_url, lang="en", accounts=AccountConfig(limit_sign_in="3 per hour"))
    apps = [create_app(config), create_app(config)]
    codes = []
    for number in range(5):
        client = apps[number % 2].test_client()
        data = {"csrf_token": Visitor(client).form_token("/sign-in"), "login": f"x{number}"}
        codes.append(client.post("/sign-in", data={**data, "password": "x"}).status_code)
    assert codes == [401, 401, 401, 429, 429]
    for app in apps:
        books(app).db.dispose()


@pytest.mark.parametrize(("count", "address"), [(0, "127.0.0.1"), (1, "198.51.100.7")])
def test_proxies_are_believed_by_count(make: Make, count: int, address: str) -> None:
    app = make(proxies=count)
    db = books(app).db
    client = app.test_client()
    headers = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    token = Visitor(client).form_token("/sign-in")
    data = {"csrf_token": token, "login": "root", "password": PASSWORD}
    assert client.post("/sign-in", data=data, headers=headers).status_code == 303
    log = log_report(db=db, actor=people.actor(db, "root"))
    assert log["rows"][0]["action"] == "sign_in" and log["rows"][0]["address"] == address
