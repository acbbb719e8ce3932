"""What lies where, and what an actor may read of it: subjects from the registry, own scopes; pure.

A scope is that of reports (`all`, `region:…`, `park:…`, `enterprise:…`).
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from wasteflow.core.actors import Actor, Membership, Role, Subject
from wasteflow.core.permissions import TABLE, Verdict, judge, standings
from wasteflow.core.registry import Registry

ALL: Final = "all"


def subject_of_firms(registry: Registry, *firms: str, carrier: str = "") -> Subject:
    """The subject of records between `firms` (consignor, consignee) or of one enterprise.

    A firm that is not registered lies nowhere.
    """
    known = [firm for firm in firms if firm in registry.enterprises]
    parks = {park for firm in known for park in registry.parks_up(registry.park_of(firm))}
    regions = {item for firm in known for item in registry.regions_up(registry.region_of(firm))}
    for park in parks:
        regions |= set(registry.regions_up(registry.parks[park].region))
    if len(firms) == 1:
        return Subject(enterprise=firms[0], parks=frozenset(parks), regions=frozenset(regions))
    consignor, consignee = firms
    return Subject(consignor, consignee, carrier, "", frozenset(parks), frozenset(regions))


def subject_of_scope(registry: Registry, scope: str) -> Subject:
    """The subject of a report over a scope; `all` lies nowhere.

    Raises InvalidValue `bad_scope`, NotFound `unknown_code`.
    """
    registry.in_scope(scope)
    word, _, code = scope.partition(":")
    if word == "enterprise":
        return subject_of_firms(registry, code)
    if word == "park":
        parks = registry.parks_up(code)
        regions = {
            region for park in parks for region in registry.regions_up(registry.parks[park].region)
        }
        return Subject(parks=frozenset(parks), regions=frozenset(regions))
    if word == "region":
        return Subject(regions=frozenset(registry.regions_up(code)))
    return Subject()


class Reach(Struct, frozen=True):
    """What somebody may read in detail: scopes of their own, widest first, and their firms."""

    scopes: tuple[str, ...]
    firms: frozenset[str]

    @property
    def everything(self) -> bool:
        """True if nothing is kept from them."""
        return ALL in self.scopes

    @property
    def default(self) -> str:
        """The widest own scope, "" if there is none."""
        return self.scopes[0] if self.scopes else ""

    def holds(self, registry: Registry, scope: str) -> bool:
        """Whether every record of `scope` is theirs to read; False for what is not registered."""
        if self.everything or scope in self.scopes:
            return True
        word, _, code = scope.partition(":")
        if word == "enterprise":
            return code in self.firms
        if code not in {"park": registry.parks, "region": registry.regions}.get(word, ()):
            return False
        subject = subject_of_scope(registry, scope)
        around = {f"park:{code}" for code in subject.parks}
        around |= {f"region:{code}" for code in subject.regions}
        return not around.isdisjoint(self.scopes)


NOTHING: Final = Reach((), frozenset())
"""The reach of nobody."""


def everything(registry: Registry) -> Reach:
    """The reach of somebody from whom nothing is kept."""
    return Reach((ALL,), frozenset(registry.enterprises))


def reach_of(actor: Actor | None, registry: Registry) -> Reach:
    """What the table lets `actor` read in reports; nobody reads nothing."""
    if actor is None:
        return NOTHING
    if actor.reads_all:
        return everything(registry)
    scopes = {
        scope
        for item in actor.memberships
        if (scope := _scope_of(item, registry))
        and judge(actor, "report.read", subject_of_scope(registry, scope), "report.read")
        is Verdict.ALLOWED
    }
    if ALL in scopes:
        return everything(registry)
    firms = {scope: registry.in_scope(scope) for scope in scopes}
    order = sorted(scopes, key=lambda scope: (-len(firms[scope]), scope))
    return Reach(tuple(order), frozenset().union(*firms.values()))


def _scope_of(item: Membership, registry: Registry) -> str:
    """The scope a membership speaks of, "" if it is not registered (any more)."""
    word, table = {
        Role.SYSTEM_ADMIN: (ALL, {}),
        Role.PLANNER: ("region", registry.regions),
        Role.PARK_MANAGER: ("park", registry.parks),
        Role.CARRIER: ("", {}),
    }.get(item.role, ("enterprise", registry.enterprises))
    if word == ALL or (word == "region" and not item.organisation):
        return ALL
    return f"{word}:{item.organisation}" if item.organisation in table else ""


def around(reach: Reach, registry: Registry) -> tuple[str, ...]:
    """Wider scopes in which one's own firms lie, narrowest first: their sums may be asked for."""
    wider: set[str] = {ALL}
    for firm in reach.firms:
        subject = subject_of_firms(registry, firm)
        wider |= {f"park:{code}" for code in subject.parks}
        wider |= {f"region:{code}" for code in subject.regions}
    found = [scope for scope in wider if not reach.holds(registry, scope)]
    return tuple(sorted(found, key=lambda scope: (len(registry.in_scope(scope)), scope)))


def organisations_with(actor: Actor, right: str, registry: Registry) -> tuple[str, ...]:
    """Codes of the enterprises in which `actor` may use `right`, in order."""
    return tuple(
        firm
        for firm in sorted(registry.enterprises)
        if standings(actor, subject := subject_of_firms(registry, firm), right) & TABLE[right]
        and judge(actor, right, subject, right) is Verdict.ALLOWED
    )
