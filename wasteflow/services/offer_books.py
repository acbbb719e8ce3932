"""What offers are judged by: accepted mass of a pair from the roll-up, firms that would fit."""

from __future__ import annotations

from typing import Final

from sqlalchemy.orm import Session

from wasteflow.core.actors import Actor, Role
from wasteflow.core.permissions import Verdict, judge
from wasteflow.core.places import PlaceKind
from wasteflow.core.reach import subject_of_firms
from wasteflow.core.registry import Registry
from wasteflow.core.symbiosis.books import routes_of
from wasteflow.core.symbiosis.offers import Offer, OfferKind
from wasteflow.core.vocabulary import Fate
from wasteflow_models import queries
from wasteflow_models.convert import Keys

READ, WRITE, PROPOSE = "offer.read", "offer.write", "offer.propose"
FIRM_ROLES: Final = (Role.ENTERPRISE_ADMIN, Role.OPERATOR)
MAX_MONTH: Final = 999_912
_SOURCES: Final = frozenset({"generation", "storage"})


class Books:
    """Reads the roll-up once per material and month, when somebody asks."""

    def __init__(self, session: Session, keys: Keys) -> None:
        self._session, self._keys = session, keys
        self._links: dict[tuple[str, int], dict[tuple[str, str], int]] = {}
        self._made: dict[str, frozenset[str]] = {}
        self._takers: dict[str, frozenset[str]] = {}
        self._verdicts: dict[tuple[str, str], dict[str, Verdict]] = {}

    def verdicts(self, actor: Actor, firm: str) -> dict[str, Verdict]:
        """What an actor may do with the offers of a firm, by right."""
        key = actor.login, firm
        if key not in self._verdicts:
            subject = subject_of_firms(self._keys.registry, firm)
            self._verdicts[key] = {
                right: judge(actor, right, subject, READ) for right in (READ, WRITE, PROPOSE)
            }
        return self._verdicts[key]

    def link_kg(self, offer: Offer, since: int) -> int:
        """Kilograms of the material that the taker accepted from the giver since a month."""
        key = offer.material, since
        if key not in self._links:
            found: dict[tuple[str, str], int] = {}
            for flow in queries.flow_sums(
                self._session, self._keys, since, MAX_MONTH, material=offer.material
            ):
                ends = PlaceKind.SITE, PlaceKind.OUTSIDE
                if flow.source.kind is PlaceKind.TRANSIT and flow.target.kind in ends:
                    pair = flow.source.a, flow.source.b
                    found[pair] = found.get(pair, 0) + flow.kg
            self._links[key] = found
        return self._links[key].get((offer.giver, offer.taker), 0)

    def takers(self, material: str) -> frozenset[str]:
        """Firms with a use facility for a material."""
        registry = self._keys.registry
        if material not in self._takers:
            self._takers[material] = frozenset(
                item.enterprise
                for _, item in sorted(registry.facilities.items())
                if item.kind == Fate.USE and material in routes_of(registry, item)
            )
        return self._takers[material]

    def makers(self, material: str) -> frozenset[str]:
        """Firms that ever generated a material, or have a place where it comes up or lies."""
        if material not in self._made:
            flows = queries.flow_sums(self._session, self._keys, 0, MAX_MONTH, material=material)
            stored = {
                item.enterprise
                for item in self._keys.registry.facilities.values()
                if item.kind in _SOURCES and material in item.materials
            }
            self._made[material] = frozenset(
                flow.target.owner for flow in flows if flow.source.kind is PlaceKind.GENERATION
            ).union(stored)
        return self._made[material]


def fits(actor: Actor, offer: Offer, registry: Registry, books: Books) -> tuple[str, ...]:
    """Firms of the actor that could take what is offered, or have what is asked for, in order."""
    mine = actor.organisations(*FIRM_ROLES, Role.READER, Role.GATE)
    others = sorted((mine - {offer.giver, offer.taker}) & registry.enterprises.keys())
    known = partners(offer, books) if others else frozenset()
    return tuple(firm for firm in others if firm in known)


def partners(offer: Offer, books: Books) -> frozenset[str]:
    """Firms that could take what is offered, or have what is asked for."""
    ask = offer.kind is OfferKind.ASK
    return books.makers(offer.material) if ask else books.takers(offer.material)
