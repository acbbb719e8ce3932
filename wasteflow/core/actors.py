"""Who acts: a person or a token with roles in organisations; what they may do is `permissions`.

Plain values: no database, no session, no password.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person is in an organisation (feature 38)."""

    ENTERPRISE_ADMIN = "enterprise_admin"
    OPERATOR = "operator"
    GATE = "gate"
    READER = "reader"
    CARRIER = "carrier"
    DELEGATE = "delegate"
    PARK_MANAGER = "park_manager"
    PLANNER = "planner"
    SYSTEM_ADMIN = "system_admin"


@dataclass(frozen=True, slots=True)
class Membership:
    """A role in one organisation.

    `organisation` is the code of an enterprise (admin, operator, gate, reader, delegate), of a park
    (park manager) or of a region (planner, "" = everywhere), the name of a carrier as it stands
    on loads (carrier), or "" (system admin).
    """

    role: Role
    organisation: str = ""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts now: the user, the memberships in force at this moment, and the token if it is one.

    A delegation in force is a membership with the role `delegate` in the enterprise that granted
    it.  `scopes` narrows what a token may do (rights, or "read" and "write"); None: everything
    that its user may.
    """

    user_id: int
    login: str
    name: str = ""
    memberships: tuple[Membership, ...] = ()
    token_id: int = 0
    scopes: frozenset[str] | None = None

    def organisations(self, *roles: Role) -> frozenset[str]:
        """Organisations in which the actor has one of `roles` (any role if none is named)."""
        return frozenset(
            item.organisation for item in self.memberships if not roles or item.role in roles
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """What an action is about: the parties of a load, or one enterprise, and where they lie.

    `parks` and `regions` hold those of all parties with everything above them; `enterprise` stands
    for records of one firm.  An empty subject is everybody's business (registry, own account).
    """

    consignor: str = ""
    consignee: str = ""
    carrier: str = ""
    enterprise: str = ""
    parks: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()

    @property
    def firms(self) -> frozenset[str]:
        """The enterprises it is about."""
        return frozenset({self.consignor, self.consignee, self.enterprise} - {""})
