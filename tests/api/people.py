"""The people of the API tests: a user per role, each with a token, over the small registry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from argon2 import PasswordHasher

from wasteflow.core.actors import Membership, Role
from wasteflow.services.account_log import commander
from wasteflow.services.acting import actor_of_login
from wasteflow.services.tokens import create_token
from wasteflow.services.users import NewUser, create_user
from wasteflow_models.engine import Database

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Tests hash passwords the cheap way."""


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the tests and the bearer token of that user."""

    login: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """The header that signs a request."""
        return {"Authorization": f"Bearer {self.token}", "Accept-Language": "en"}


PEOPLE: dict[str, tuple[Membership, ...]] = {
    "admin": (Membership(Role.SYSTEM_ADMIN),),
    "planner": (Membership(Role.PLANNER),),
    "manager-a": (Membership(Role.PARK_MANAGER, "park.a"),),
    "manager-b": (Membership(Role.PARK_MANAGER, "park.b"),),
    "head-p1": (Membership(Role.ENTERPRISE_ADMIN, "ent.p1"),),
    "op-p1": (Membership(Role.OPERATOR, "ent.p1"),),
    "gate-p1": (Membership(Role.GATE, "ent.p1"),),
    "reader-p1": (Membership(Role.READER, "ent.p1"),),
    "op-use": (Membership(Role.OPERATOR, "ent.use"),),
    "gate-use": (Membership(Role.GATE, "ent.use"),),
    "op-p2": (Membership(Role.OPERATOR, "ent.p2"),),
    "op-trade": (Membership(Role.OPERATOR, "ent.trade"),),
    "carrier": (Membership(Role.CARRIER, "Fast Wheels"),),
    "nobody": (),
}
"""Login → roles."""


def make_people(db: Database, wanted: dict[str, tuple[Membership, ...]]) -> dict[str, Person]:
    """Create the users with their first role, and a token of all scopes each."""
    made = {}
    now = datetime.now(UTC)
    for login, roles in wanted.items():
        create_user(
            db=db,
            user=NewUser(login),
            actor=commander(),
            now=now,
            membership=roles[0] if roles else None,
            hasher=QUICK,
        )
        actor = actor_of_login(db=db, login=login, now=now)
        assert actor is not None
        token = create_token(db=db, actor=actor, name="tests", now=now, scopes=())
        made[login] = Person(login, token.secret)
    return made
