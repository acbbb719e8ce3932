"""Users of the demo: one of every role in firms and parks of its books, with random passwords."""

from __future__ import annotations

from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any, Final

from msgspec import Struct

from wasteflow.core.actors import Membership, Role
from wasteflow.core.periods import SHANGHAI

GIVER, TAKER, PARK, REGION, CARRIER = (
    "ent.tianan",
    "demo.gypsum",
    "park.anning.pg",
    "530000",
    "示范物流01",
)
DELEGATE: Final = "daiban"


class Person(Struct, frozen=True):
    """A demo user: login, name, role, organisation, password."""

    login: str
    name: str
    role: Role
    organisation: str
    password: str = ""


CAST: Final = (
    Person("root", "示范系统管理员", Role.SYSTEM_ADMIN, ""),
    Person("planner", "示范规划人员", Role.PLANNER, REGION),
    Person("park", "示范园区管理员", Role.PARK_MANAGER, PARK),
    Person("admin", "示范企业管理员", Role.ENTERPRISE_ADMIN, GIVER),
    Person("operator", "示范经办人", Role.OPERATOR, GIVER),
    Person("gate", "示范门岗", Role.GATE, GIVER),
    Person("reader", "示范查阅人", Role.READER, GIVER),
    Person("gypsum", "示范收货企业管理员", Role.ENTERPRISE_ADMIN, TAKER),
    Person("receiver", "示范收货经办人", Role.OPERATOR, TAKER),
    Person("carrier", "示范承运人", Role.CARRIER, CARRIER),
    Person(DELEGATE, "示范受托人", Role.DELEGATE, TAKER),
)


def enrol_demo(*, db: Any, now: datetime) -> list[Person]:
    """Create the cast; the delegate keeps the records of the receiver for a year."""
    from wasteflow.services.account_log import commander
    from wasteflow.services.acting import actor_of_login
    from wasteflow.services.delegations import NewDelegation, grant_delegation
    from wasteflow.services.users import NewUser, create_user

    made = []
    for who in CAST:
        password = token_urlsafe(9)
        member = Membership(who.role, who.organisation) if who.role is not Role.DELEGATE else None
        create_user(
            db=db,
            user=NewUser(who.login, who.name, password=password, must_change=False),
            membership=member,
            actor=commander(),
            now=now,
            address="command",
        )
        made.append(Person(who.login, who.name, who.role, who.organisation, password))
    grantor = actor_of_login(db=db, login="gypsum", now=now)
    assert grantor is not None  # made above
    last = now.astimezone(SHANGHAI).date() + timedelta(days=364)
    grant_delegation(
        db=db,
        delegation=NewDelegation(TAKER, login=DELEGATE, last=last, reason="示范委托"),
        actor=grantor,
        now=now,
        address="command",
    )
    return made
