"""Whose records an actor may list: the permission table turned into a set of enterprises; pure."""

from __future__ import annotations

from wasteflow.core.actors import Actor, Membership, Role
from wasteflow.core.permissions import OPEN_READING, TABLE, Standing
from wasteflow.core.registry import Registry


def readable_firms(actor: Actor, right: str, registry: Registry) -> frozenset[str] | None:
    """Enterprises whose records `right` lets the actor read as a firm, park, region or system.

    None: every enterprise.  A carrier reads loads by its name, not by a firm: see `carriers_of`.
    """
    if actor.reads_all and right in OPEN_READING:
        return None
    found: set[str] = set()
    for item in actor.memberships:
        if not item.covers(right):
            continue
        scope = _scope(item, right, registry)
        if scope == "all":
            return None
        if scope:
            found |= registry.in_scope(scope)
    return frozenset(found)


def carriers_of(actor: Actor, right: str) -> frozenset[str]:
    """Carrier names as which `right` lets the actor read loads."""
    if (Role.CARRIER, Standing.CARRIER) not in TABLE[right]:
        return frozenset()
    return actor.organisations(Role.CARRIER) - {""}


def carrier_word(name: str) -> str:
    """A carrier among the organisations of a change, where enterprises stand by their codes.

    >>> carrier_word("Fast; Wheels")
    'carrier:Fast, Wheels'
    """
    return "carrier:" + name.replace(";", ",")


def holder_word(firm: str) -> str:
    """Whose mass a return or redirect moves, among the organisations of a change.

    Not as a firm: whoever reads the loads of that firm for a park has no right to this one.

    >>> holder_word("ent.a")
    'holder:ent.a'
    """
    return f"holder:{firm}"


def holders_of(actor: Actor, right: str) -> frozenset[str]:
    """Enterprises of the actor whose mass on the road `right` lets the actor read."""
    return frozenset(
        item.organisation
        for item in actor.memberships
        if item.covers(right) and (item.role, Standing.HOLDER) in TABLE[right]
    ) - {""}


def _scope(item: Membership, right: str, registry: Registry) -> str:
    """The scope of one membership under `right`, "" if it gives none."""
    held = {standing for role, standing in TABLE[right] if role is item.role}
    code = item.organisation
    if Standing.SYSTEM in held:
        return "all"
    if Standing.REGION in held:
        known = code in registry.regions
        return "all" if not code else f"region:{code}" if known else ""
    if Standing.PARK in held:
        return f"park:{code}" if code in registry.parks else ""
    firm = held & {Standing.OWN, Standing.CONSIGNOR, Standing.CONSIGNEE}
    return f"enterprise:{code}" if firm and code in registry.enterprises else ""
