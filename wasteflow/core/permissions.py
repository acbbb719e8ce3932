"""The one permission table: right → which role may, standing where; pure, read by every door.

Decorators of API and pages, menus, documentation and negative tests are made from `TABLE`.  What
state a load must be in is the life cycle's; what an actor may see at all is `business_of`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from wasteflow.core.actors import Actor, Membership, Role, Subject
from wasteflow.core.errors import WasteflowError


class Standing(StrEnum):
    """How an organisation stands to the subject of an action."""

    CONSIGNOR = "consignor"
    CONSIGNEE = "consignee"
    CARRIER = "carrier"
    OWN = "own"
    PARK = "park"
    REGION = "region"
    SYSTEM = "system"


class Verdict(StrEnum):
    """What the table says; the HTTP status of each is 200, 401, 404, 403."""

    ALLOWED = "allowed"
    NOT_SIGNED_IN = "not_signed_in"
    NOT_ONES_BUSINESS = "not_ones_business"
    NOT_ONES_RIGHT = "not_ones_right"


class Denied(WasteflowError):
    """The table does not allow it; `verdict` says how."""

    def __init__(self, verdict: Verdict, right: str) -> None:
        self.verdict = verdict
        self.right = right
        super().__init__(verdict.value, right=right)


_STAFF: Final = (Role.ENTERPRISE_ADMIN, Role.OPERATOR, Role.DELEGATE)
_FIRM: Final = (Role.ENTERPRISE_ADMIN, Role.OPERATOR, Role.GATE, Role.READER, Role.DELEGATE)
_SIDES: Final = (Standing.CONSIGNOR, Standing.CONSIGNEE)

Grants = frozenset[tuple[Role, Standing]]


def _grants(*parts: tuple[tuple[Role, ...], tuple[Standing, ...]]) -> Grants:
    return frozenset(
        (role, standing) for roles, standings in parts for role in roles for standing in standings
    )


_PARK: Final = ((Role.PARK_MANAGER,), (Standing.PARK,))
_PLANNER: Final = ((Role.PLANNER,), (Standing.REGION,))
_SYSTEM: Final = ((Role.SYSTEM_ADMIN,), (Standing.SYSTEM,))
_READ_LOAD: Final = _grants(
    (_FIRM, _SIDES), ((Role.CARRIER,), (Standing.CARRIER,)), _PARK, _PLANNER, _SYSTEM
)
_READ_OWN: Final = _grants((_FIRM, (Standing.OWN,)), _PARK, _PLANNER, _SYSTEM)

TABLE: Final[Mapping[str, Grants]] = {
    "shipment.read": _READ_LOAD,
    "shipment.draft": _grants((_STAFF, _SIDES)),
    "shipment.issue": _grants((_STAFF, (Standing.CONSIGNOR,))),
    "shipment.dispatch": _grants(
        ((*_STAFF, Role.GATE), (Standing.CONSIGNOR,)), ((Role.CARRIER,), (Standing.CARRIER,))
    ),
    "shipment.hand_over": _grants(
        ((*_STAFF, Role.GATE), (Standing.CONSIGNOR,)), ((Role.CARRIER,), (Standing.CARRIER,))
    ),
    "shipment.receive": _grants(((*_STAFF, Role.GATE), (Standing.CONSIGNEE,))),
    "shipment.decide": _grants((_STAFF, (Standing.CONSIGNEE,))),
    "shipment.cancel": _grants((_STAFF, (Standing.CONSIGNOR,)), _PARK),
    "shipment.lost": _grants((_STAFF, (Standing.CONSIGNOR,)), _PARK),
    "shipment.dispute": _grants((_STAFF, _SIDES)),
    "shipment.settle": _grants(_PARK),
    "shipment.close_one_sided": _grants((_STAFF, _SIDES)),
    "shipment.confirm": _grants((_STAFF, _SIDES)),
    "revision.propose": _grants((_STAFF, _SIDES)),
    "revision.answer": _grants((_STAFF, _SIDES)),
    "entry.read": _READ_OWN,
    "entry.write": _grants((_STAFF, (Standing.OWN,))),
    "month.close": _grants(((Role.ENTERPRISE_ADMIN,), (Standing.OWN,)), _PARK),
    "month.reopen": _grants(_PARK),
    "report.read": _READ_OWN,
}
"""Right → who may.  A new right is a new row here and nowhere else."""


def standings(actor: Actor, subject: Subject) -> frozenset[tuple[Role, Standing]]:
    """Every (role, standing) the actor has towards a subject."""
    return frozenset(
        (item.role, standing) for item in actor.memberships for standing in _of(item, subject)
    )


def _of(item: Membership, subject: Subject) -> list[Standing]:
    organisation = item.organisation
    if item.role is Role.SYSTEM_ADMIN:
        return [Standing.SYSTEM]
    if item.role is Role.PLANNER:
        return [Standing.REGION] if not organisation or organisation in subject.regions else []
    if item.role is Role.PARK_MANAGER:
        return [Standing.PARK] if organisation in subject.parks else []
    if item.role is Role.CARRIER:
        return [Standing.CARRIER] if organisation and organisation == subject.carrier else []
    places = {
        Standing.CONSIGNOR: subject.consignor,
        Standing.CONSIGNEE: subject.consignee,
        Standing.OWN: subject.enterprise,
    }
    return [standing for standing, firm in places.items() if firm and firm == organisation]


def judge(actor: Actor | None, right: str, subject: Subject, read: str) -> Verdict:
    """Whether `actor` may use `right` on `subject`; `read`: the right that makes it one's business.

    >>> judge(None, "entry.write", Subject(enterprise="ent.a"), "entry.read").value
    'not_signed_in'
    """
    if actor is None:
        return Verdict.NOT_SIGNED_IN
    held = standings(actor, subject)
    if not held & TABLE[read]:
        return Verdict.NOT_ONES_BUSINESS
    if not held & TABLE[right] or not _in_scope(actor, right):
        return Verdict.NOT_ONES_RIGHT
    return Verdict.ALLOWED


def require(actor: Actor | None, right: str, subject: Subject, read: str = "") -> None:
    """Raise Denied unless the table allows `right` on `subject`.

    `read` defaults to the `.read` right of the same family.
    """
    verdict = judge(actor, right, subject, read or _read_of(right))
    if verdict is not Verdict.ALLOWED:
        raise Denied(verdict, right)


def _read_of(right: str) -> str:
    """The right that decides whether a thing is one's business at all."""
    family = right.split(".")[0]
    return {"revision": "shipment.read", "month": "entry.read"}.get(family, f"{family}.read")


def _in_scope(actor: Actor, right: str) -> bool:
    if actor.scopes is None:
        return True
    kind = "read" if right.endswith(".read") else "write"
    return bool({right, kind} & actor.scopes)
