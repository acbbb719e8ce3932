"""Every page and address once, as a planner of the whole country: processor seconds, slowest first.

    python -m benchmarks.pages sqlite:///COPY.sqlite3 [REGULAR EXPRESSION]

Over a copy: a user is added to it.  What is kept from one address helps the next, as it does on a
server; addresses with an id in them are left out.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from wasteflow.app import create_app
from wasteflow.config import Config
from wasteflow.core.actors import Membership, Role
from wasteflow.services.account_log import commander
from wasteflow.services.reports import overview
from wasteflow.services.users import NewUser, create_user
from wasteflow.web.access import books

LOGIN, PASSWORD = "bench-pages", "four small bench apples"
SHOWN = 30
LEFT_OUT = ("/sign-out", "/api/v1/events")
"""Starts of addresses that end the visit, or never end."""


@dataclass(frozen=True, slots=True, order=True)
class Visit:
    """One answer: processor time, address, status, size."""

    seconds: float
    address: str
    status: int
    size: int


def visited(url: str, only: str = "") -> list[Visit]:
    """The visits to all addresses that match `only`, slowest first."""
    app = create_app(Config(url))
    try:
        client = _signed_in(app)
        found = [
            _visit(client, address)
            for address in _addresses(app)
            if re.search(only, address) and not address.startswith(LEFT_OUT)
        ]
    finally:
        books(app).db.dispose()
    return sorted(found, reverse=True)


def _signed_in(app: Flask) -> FlaskClient:
    now = datetime.now(UTC)
    create_user(
        db=books(app).db,
        user=NewUser(LOGIN, password=PASSWORD, must_change=False),
        actor=commander(),
        now=now,
        membership=Membership(Role.PLANNER, ""),
        hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1),
    )
    client = app.test_client()
    page = client.get("/sign-in").get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    data = {"csrf_token": token[1] if token else "", "login": LOGIN, "password": PASSWORD}
    if client.post("/sign-in", data=data).status_code != 303:
        raise RuntimeError("signing in failed")
    return client


def _addresses(app: Flask) -> Iterator[str]:
    """Addresses that are asked for with GET; places in them take the first of the books."""
    registry = overview(db=books(app).db).registry
    places = {
        "enterprise": next(iter(registry.enterprises), ""),
        "code": next(iter(registry.enterprises), ""),
        "park": next(iter(registry.parks), ""),
        "material": next(iter(registry.materials), ""),
        "kind": "enterprises",
    }
    adapter = app.url_map.bind("localhost")
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule != "/", rule.rule)):
        if "GET" in (rule.methods or ()) and rule.arguments <= places.keys():
            yield adapter.build(rule.endpoint, {name: places[name] for name in rule.arguments})


def _visit(client: FlaskClient, address: str) -> Visit:
    began = time.process_time()
    with client.get(address) as response:
        size = len(response.get_data())
        return Visit(time.process_time() - began, address, response.status_code, size)


if __name__ == "__main__":
    for visit in visited(*sys.argv[1:3])[:SHOWN]:
        print(f"{visit.seconds:7.2f} s {visit.status} {visit.size:>10,} bytes  {visit.address}")
