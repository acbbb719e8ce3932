"""Users for tests: one of every role in the books of `web_books`, with cheap password hashes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from wasteflow.core.actors import Actor, Membership, Role
from wasteflow.services.account_log import commander
from wasteflow.services.acting import actor_of_login
from wasteflow.services.delegations import NewDelegation, grant_delegation
from wasteflow.services.tokens import create_token
from wasteflow.services.users import NewUser, create_user
from wasteflow_models.engine import Database

PASSWORD = "four small test apples"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Verifying reads the cost out of the hash: signing in is quick too."""

CAST: dict[str, tuple[Membership, ...]] = {
    "root": (Membership(Role.SYSTEM_ADMIN),),
    "planner": (Membership(Role.PLANNER, "530000"),),
    "park.a": (Membership(Role.PARK_MANAGER, "park.a"),),
    "park.b": (Membership(Role.PARK_MANAGER, "park.b"),),
    "admin.p1": (Membership(Role.ENTERPRISE_ADMIN, "ent.p1"),),
    "operator.p1": (Membership(Role.OPERATOR, "ent.p1"),),
    "gate.p1": (Membership(Role.GATE, "ent.p1"),),
    "reader.p1": (Membership(Role.READER, "ent.p1"),),
    "admin.use": (Membership(Role.ENTERPRISE_ADMIN, "ent.use"),),
    "operator.use": (Membership(Role.OPERATOR, "ent.use"),),
    "driver": (Membership(Role.CARRIER, "快运物流"),),
    "delegate": (),
    "nobody": (),
}
"""Login → roles; `delegate` keeps the records of ent.p1 by a delegation."""


def now() -> datetime:
    """The moment tests act at."""
    return datetime.now(UTC)


def enrol(db: Database, logins: Iterable[str] = tuple(CAST), *, must_change: bool = False) -> None:
    """Create users of the cast with PASSWORD; `delegate` gets a delegation by admin.p1."""
    wanted = list(logins)
    for login in wanted:
        roles = CAST[login]
        create_user(
            db=db,
            user=NewUser(login, login.title(), password=PASSWORD, must_change=must_change),
            actor=commander(),
            now=now() - timedelta(minutes=5),
            membership=roles[0] if roles else None,
            hasher=CHEAP,
        )
    if "delegate" in wanted and "admin.p1" in wanted:
        grant_delegation(
            db=db,
            delegation=NewDelegation("ent.p1", login="delegate"),
            actor=actor(db, "admin.p1"),
            now=now() - timedelta(minutes=4),
        )


def actor(db: Database, login: str) -> Actor:
    """The actor of a login."""
    found = actor_of_login(db=db, login=login, now=now())
    assert found is not None, login
    return found


def token(db: Database, login: str, *scopes: str) -> str:
    """An API token of a user; no scope: everything the user may."""
    made = create_token(db=db, actor=actor(db, login), name="test", scopes=scopes, now=now())
    return made.secret


@dataclass
class Visitor:
    """A browser of the test client that sends forms as the pages do."""

    client: FlaskClient

    def form_token(self, address: str) -> str:
        """The form token of a page."""
        html = self.client.get(address).get_data(as_text=True)
        found = re.search(r'name="csrf_token" value="([^"]+)"', html)
        return found[1] if found else ""

    def send(
        self, address: str, data: Mapping[str, object], page: str = "/account"
    ) -> TestResponse:
        """POST a form with the token of `page`."""
        return self.client.post(address, data={"csrf_token": self.form_token(page), **data})


def sign_in(app: Flask, login: str, password: str = PASSWORD) -> FlaskClient:
    """A client signed in through the form."""
    client = app.test_client()
    token = Visitor(client).form_token("/sign-in")
    data = {"csrf_token": token, "login": login, "password": password}
    response = client.post("/sign-in", data=data)
    assert response.status_code == 303, response.get_data(as_text=True)[-600:]
    return client
