"""Everybody who could stand before a door, and what the permission table says to each.

`STANCES` are roles × organisations in the books of `web_books`: every role at the firm in question
("ent.p1"), at its partner, at a stranger, above it and beside it, somebody without a role, and
nobody at all.  `cases(right, subject)` pairs each with the status the table demands;
`enrol_stances` makes a user and a token for each, so that a test can knock at any endpoint:

    tokens = enrol_stances(db)
    for case in cases("shipment.decide", load_subject(registry)):
        response = client.post(address, headers=bearer(tokens, case.stance), …)
        case.check(response.status_code)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from tests.people import CHEAP, PASSWORD, actor, now
from wasteflow.core.actors import FIRM_ROLES, Actor, Membership, Role, Subject
from wasteflow.core.permissions import Verdict, judge, read_of
from wasteflow.core.reach import subject_of_firms
from wasteflow.core.registry import Registry
from wasteflow.services.account_log import commander
from wasteflow.services.delegations import NewDelegation, grant_delegation
from wasteflow.services.tokens import create_token
from wasteflow.services.users import NewUser, create_user
from wasteflow_models.engine import Database

GIVER, TAKER, STRANGER, CARRIER = "ent.p1", "ent.use", "ent.trade", "快运物流"
CARRIED: Final = "先运物流"
"""It has handed the load over to the carrier."""
NOBODY: Final = "nobody"
"""The stance of a request without token."""
STATUS: Final = {
    Verdict.NOT_SIGNED_IN: 401,
    Verdict.NOT_ONES_BUSINESS: 404,
    Verdict.NOT_ONES_RIGHT: 403,
}
DENIED: Final = frozenset(STATUS.values())


def _stances() -> dict[str, Membership | None]:
    firms = {"giver": GIVER, "taker": TAKER, "stranger": STRANGER}
    found: dict[str, Membership | None] = {
        f"{role.value}.{where}": Membership(role, firm)
        for role in (*FIRM_ROLES, Role.DELEGATE)
        for where, firm in firms.items()
    }
    return found | {
        "park_manager.giver": Membership(Role.PARK_MANAGER, "park.a"),
        "park_manager.taker": Membership(Role.PARK_MANAGER, "park.b"),
        "planner.above": Membership(Role.PLANNER, "530000"),
        "planner.giver": Membership(Role.PLANNER, "530181"),
        "planner.country": Membership(Role.PLANNER, ""),
        "carrier.own": Membership(Role.CARRIER, CARRIER),
        "carrier.before": Membership(Role.CARRIER, CARRIED),
        "carrier.other": Membership(Role.CARRIER, "慢运物流"),
        "system_admin": Membership(Role.SYSTEM_ADMIN),
        "no_role": None,
    }


STANCES: Final = _stances()
"""Stance → the one membership it has."""


@dataclass(frozen=True, slots=True)
class Case:
    """A stance before a door, and what the table says; `status` 0 stands for "let through"."""

    right: str
    stance: str
    status: int

    def check(self, status: int) -> None:
        """Fail unless an answer agrees: the very status, or anything but a denial."""
        agrees = status == self.status if self.status else status not in DENIED
        assert agrees, f"{self.stance} {self.right}: {status}, the table says {self.status or 'go'}"


def login_of(stance: str) -> str:
    """Login of the user of a stance."""
    return f"s.{stance}".replace("_", "-")


def actor_of(stance: str) -> Actor | None:
    """The actor of a stance as plain value, None for nobody."""
    if stance == NOBODY:
        return None
    held = STANCES[stance]
    return Actor(1, login_of(stance), memberships=(held,) if held else ())


def cases(
    right: str, subject: Subject | Callable[[str], Subject], read: str = ""
) -> Iterator[Case]:
    """What the table says to every stance; `subject` may depend on who asks (by stance).

    Park, region and system roles judge as they stand to the subject; so do firms, by their code.
    """
    for stance in (NOBODY, *STANCES):
        about = subject(stance) if callable(subject) else subject
        verdict = judge(actor_of(stance), right, about, read or read_of(right))
        yield Case(right, stance, STATUS.get(verdict, 0))


def load_subject(registry: Registry) -> Subject:
    """A load from the giver to the taker by the carrier, which another one handed over to it."""
    found = subject_of_firms(registry, GIVER, TAKER, carrier=CARRIER)
    return replace(found, carried=frozenset({CARRIED}))


def firm_subject(registry: Registry) -> Subject:
    """Records of the giver alone."""
    return subject_of_firms(registry, GIVER)


def enrol_stances(db: Database) -> dict[str, str]:
    """A user with a token of full scope for every stance; stance → token."""
    before = now() - timedelta(minutes=5)
    for stance, held in STANCES.items():
        plain = held if held is None or held.role is not Role.DELEGATE else None
        create_user(
            db=db,
            user=NewUser(login_of(stance), stance, password=PASSWORD, must_change=False),
            membership=plain,
            actor=commander(),
            now=before,
            hasher=CHEAP,
        )
    for where, firm in (("giver", GIVER), ("taker", TAKER), ("stranger", STRANGER)):
        grant_delegation(
            db=db,
            delegation=NewDelegation(firm, login=login_of(f"delegate.{where}")),
            actor=actor(db, login_of(f"enterprise_admin.{where}")),
            now=before + timedelta(seconds=1),
        )
    return {
        stance: create_token(
            db=db, actor=actor(db, login_of(stance)), name=stance, scopes=(), now=before
        ).secret
        for stance in STANCES
    }


def bearer(tokens: dict[str, str], stance: str) -> dict[str, str]:
    """The headers of a stance."""
    return {} if stance == NOBODY else {"Authorization": f"Bearer {tokens[stance]}"}
