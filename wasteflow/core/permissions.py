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

    ANYWHERE = "anywhere"
    SELF = "self"
    CONSIGNOR = "consignor"
    CONSIGNEE = "consignee"
    CARRIER = "carrier"
    CARRIED = "carried"
    HOLDER = "holder"
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
    (_FIRM, (*_SIDES, Standing.HOLDER)),
    ((Role.CARRIER,), (Standing.CARRIER, Standing.CARRIED)),
    _PARK,
    _PLANNER,
    _SYSTEM,
)
_READ_OWN: Final = _grants((_FIRM, (Standing.OWN,)), _PARK, _PLANNER, _SYSTEM)
_EVERYBODY: Final = _grants((tuple(Role), (Standing.ANYWHERE,)))
_SELF: Final = _grants((tuple(Role), (Standing.SELF,)))
_ADMIN: Final = ((Role.ENTERPRISE_ADMIN,), (Standing.OWN,))

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
    "report.summary": _EVERYBODY,
    "report.calculate": _EVERYBODY,
    "finding.snooze": _grants(_ADMIN, _PARK),
    "indicator.write": _grants(_PARK, _PLANNER, _SYSTEM),
    "registry.read": _EVERYBODY,
    "registry.write": _grants(_PARK, _SYSTEM),
    "outline.write": _grants(_PARK, _PLANNER, _SYSTEM),
    "facility.write": _grants(_ADMIN, _PARK, _SYSTEM),
    "target.write": _grants(_PLANNER, _SYSTEM),
    "filing.write": _grants(_PLANNER, _SYSTEM),
    "offer.read": _READ_OWN,
    "offer.write": _grants(((Role.ENTERPRISE_ADMIN, Role.OPERATOR), (Standing.OWN,))),
    "offer.propose": _grants(_PARK, _PLANNER),
    "import.read": _READ_OWN,
    "import.write": _grants((_STAFF, (Standing.OWN,)), _PARK, _SYSTEM),
    "export.read": _READ_OWN,
    "attachment.read": _READ_LOAD | _READ_OWN,
    "attachment.write": _grants(
        ((*_STAFF, Role.GATE), (*_SIDES, Standing.OWN)), ((Role.CARRIER,), (Standing.CARRIER,))
    ),
    "webhook.read": _grants(_ADMIN, _PARK, _SYSTEM),
    "webhook.write": _grants(_ADMIN, _PARK, _SYSTEM),
    "seal.read": _EVERYBODY,
    "seal.write": _grants(_SYSTEM),
    "account.read": _SELF | _grants(_SYSTEM),
    "account.write": _SELF,
    "token.read": _SELF | _grants(_SYSTEM),
    "token.write": _SELF,
    "token.revoke": _SELF | _grants(_SYSTEM),
    "user.read": _grants(_SYSTEM),
    "user.write": _grants(_SYSTEM),
    "user.create": _grants(_ADMIN, _SYSTEM),
    "member.read": _grants(_ADMIN, _PARK, _SYSTEM),
    "member.write": _grants(_ADMIN, _SYSTEM),
    "office.read": _grants(_SYSTEM),
    "office.write": _grants(_SYSTEM),
    "delegation.read": _grants((_FIRM, (Standing.OWN,)), _PARK, _SYSTEM) | _SELF,
    "delegation.write": _grants(_ADMIN),
    "audit.read": _grants(_ADMIN, _PARK, _SYSTEM),
    "scenario.read": _READ_OWN,
    "scenario.write": _grants(_ADMIN, _PARK, _PLANNER, _SYSTEM),
}
"""Right → who may.  A new right is a new row here and nowhere else.

"member" rights are about people of an enterprise, "office" rights about everybody else's roles
(park managers, planners, carriers, system admins), so that nobody gives himself another's office.
"""

READING: Final = frozenset({"report.summary", "report.calculate"})
"""Rights beside `*.read` that change nothing."""
OPEN_READING: Final = READING | {
    "shipment.read",
    "entry.read",
    "report.read",
    "registry.read",
    "export.read",
    "attachment.read",
    "seal.read",
    "scenario.read",
}
"""What everybody may do without an account where the setting of open reading is on."""
CAREFUL: Final = frozenset({"account", "token", "user", "member", "office", "delegation"})
"""Families whose changes a token may make only if its scope names the very right."""


def standings(actor: Actor, subject: Subject, right: str = "") -> frozenset[tuple[Role, Standing]]:
    """Every (role, standing) the actor has towards a subject; with `right` those that reach it.

    Everybody is oneself in any role, also without a membership.
    """
    held = {
        (item.role, Standing.ANYWHERE) for item in actor.kinds if not right or item.covers(right)
    }
    held |= {
        (item.role, standing)
        for organisation in actor.by_organisation.keys() & subject.organisations
        for item in actor.by_organisation[organisation]
        if not right or item.covers(right)
        for standing in _of(item, subject)
    }
    if subject.user and subject.user == actor.login:
        held |= {(role, Standing.SELF) for role in Role}
    return frozenset(held)


def _of(item: Membership, subject: Subject) -> list[Standing]:
    organisation = item.organisation
    if item.role is Role.SYSTEM_ADMIN:
        return [Standing.SYSTEM]
    if item.role is Role.PLANNER:
        return [Standing.REGION] if not organisation or organisation in subject.regions else []
    if item.role is Role.PARK_MANAGER:
        return [Standing.PARK] if organisation in subject.parks else []
    if item.role is Role.CARRIER:
        now = [Standing.CARRIER] if organisation and organisation == subject.carrier else []
        return [*now, Standing.CARRIED] if organisation in subject.carried else now
    places = {
        Standing.CONSIGNOR: subject.consignor,
        Standing.CONSIGNEE: subject.consignee,
        Standing.HOLDER: subject.holder,
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
    if actor.reads_all and right in OPEN_READING:
        return Verdict.ALLOWED if in_scope(actor, right) else Verdict.NOT_ONES_RIGHT
    if actor.guest:
        return Verdict.NOT_SIGNED_IN
    seen = actor.reads_all and read in OPEN_READING
    held = standings(actor, subject, read)
    if not seen and not held & TABLE[read]:
        return Verdict.NOT_ONES_BUSINESS
    if actor.narrowed:
        held = standings(actor, subject, right)
    if not held & TABLE[right] or not in_scope(actor, right):
        return Verdict.NOT_ONES_RIGHT
    return Verdict.ALLOWED


def require(actor: Actor | None, right: str, subject: Subject, read: str = "") -> None:
    """Raise Denied unless the table allows `right` on `subject`.

    `read` defaults to the `.read` right of the same family.
    """
    verdict = judge(actor, right, subject, read or read_of(right))
    if verdict is not Verdict.ALLOWED:
        raise Denied(verdict, right)


_READ_BY: Final[Mapping[str, str]] = {
    "revision": "shipment.read",
    "month": "entry.read",
    "finding": "report.read",
    "indicator": "report.read",
    "facility": "registry.read",
    "outline": "registry.read",
    "target": "registry.read",
    "filing": "registry.read",
}
"""Family without a `.read` of its own → the right that makes it one's business."""


def read_of(right: str) -> str:
    """The right that decides whether a thing is one's business at all.

    >>> read_of("revision.answer"), read_of("token.write")
    ('shipment.read', 'token.read')
    >>> read_of("user.create")
    'member.read'
    """
    if right == "user.create":  # a new colleague, made where the members are managed
        return "member.read"
    if right in READING:
        return right
    family = right.partition(".")[0]
    return _READ_BY.get(family, f"{family}.read")


def changes(right: str) -> bool:
    """Whether a right changes anything."""
    return not (right.endswith(".read") or right in READING)


def in_scope(actor: Actor, right: str) -> bool:
    """Whether the scopes of a token take in a right; see CAREFUL."""
    if actor.scopes is None or right in actor.scopes:
        return True
    if not changes(right):
        return "read" in actor.scopes
    return "write" in actor.scopes and right.partition(".")[0] not in CAREFUL
