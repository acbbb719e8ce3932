"""Who acts: a person or a token with roles in organisations; what they may do is `permissions`.

Plain values: no database, no session, no password.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from msgspec import Struct


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


FIRM_ROLES: Final = (Role.ENTERPRISE_ADMIN, Role.OPERATOR, Role.GATE, Role.READER)
"""Roles in an enterprise that its own admin may give; a delegate is made by a delegation."""
RECORD_FAMILIES: Final[Mapping[str, frozenset[str]]] = {
    "entry": frozenset({"entry"}),
    "month": frozenset({"entry"}),
    "shipment": frozenset({"shipment"}),
    "revision": frozenset({"shipment"}),
    "attachment": frozenset({"entry", "shipment"}),
}
"""First word of a right → kinds of records of a delegation that bring it."""


class Membership(Struct, frozen=True):
    """A role in one organisation.

    `organisation` is the code of an enterprise (admin, operator, gate, reader, delegate), of a park
    (park manager) or of a region (planner, "" = everywhere), the name of a carrier as it stands
    on loads (carrier), or "" (system admin).  `families` narrows it to records of these kinds
    ("entry", "shipment"); None: all of them.
    """

    role: Role
    organisation: str = ""
    families: frozenset[str] | None = None

    def covers(self, right: str) -> bool:
        """Whether a narrowed membership (a delegation) reaches `right`; reports come along.

        >>> Membership(Role.DELEGATE, "ent.a", frozenset({"entry"})).covers("shipment.issue")
        False
        """
        families = RECORD_FAMILIES.get(right.partition(".")[0])
        return self.families is None or families is None or bool(families & self.families)


@dataclass(frozen=True)
class Actor:
    """Who acts now: the user, the memberships in force at this moment, and the token if it is one.

    A delegation in force is a membership with the role `delegate` in the enterprise that granted
    it.  `scopes` narrows what a token may do (rights, or "read" and "write"); None: everything
    that its user may.  `session_id` is the sign-in it acts by, 0 for a token or a command.
    `reads_all` holds where everybody may read everything (the setting of open reading).
    """

    user_id: int
    login: str
    name: str = ""
    memberships: tuple[Membership, ...] = ()
    token_id: int = 0
    scopes: frozenset[str] | None = None
    session_id: int = 0
    reads_all: bool = False

    @property
    def guest(self) -> bool:
        """True for nobody in particular: one who reads where everybody may (open reading)."""
        return not self.login

    @cached_property
    def by_organisation(self) -> Mapping[str, tuple[Membership, ...]]:
        """Code of an organisation → the memberships in it: who acts for hundreds has as many."""
        found: dict[str, tuple[Membership, ...]] = {}
        for item in self.memberships:
            found[item.organisation] = (*found.get(item.organisation, ()), item)
        return found

    @cached_property
    def kinds(self) -> tuple[Membership, ...]:
        """The memberships that differ in role or in the records they are narrowed to, one each."""
        return tuple({(item.role, item.families): item for item in self.memberships}.values())

    @cached_property
    def narrowed(self) -> bool:
        """Whether a membership does not cover every right (`Membership.covers`)."""
        return any(item.families is not None for item in self.memberships)

    def organisations(self, *roles: Role) -> frozenset[str]:
        """Organisations in which the actor has one of `roles` (any role if none is named)."""
        return frozenset(
            item.organisation for item in self.memberships if not roles or item.role in roles
        )


class Subject(Struct, frozen=True):
    """What an action is about: the parties of a load, or one enterprise, and where they lie.

    `parks` and `regions` hold those of all parties with everything above them; `enterprise` stands
    for records of one firm, `user` (a login) for somebody's account; `holder` is the firm whose
    mass a return or redirect moves, which lies nowhere by that; `carried` are the carriers that
    have handed the load over.  An empty subject lies
    nowhere: only rights that hold anywhere, and those of the whole country, reach it.
    """

    consignor: str = ""
    consignee: str = ""
    carrier: str = ""
    enterprise: str = ""
    parks: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    user: str = ""
    holder: str = ""
    carried: frozenset[str] = frozenset()

    @property
    def organisations(self) -> frozenset[str]:
        """Everything by whose name a membership may have to do with it; "" stands for all."""
        named = {self.consignor, self.consignee, self.carrier, self.enterprise, self.holder, ""}
        return self.parks | self.regions | self.carried | named

    @property
    def firms(self) -> frozenset[str]:
        """The enterprises it is about."""
        return frozenset({self.consignor, self.consignee, self.enterprise} - {""})
