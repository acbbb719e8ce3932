"""What somebody may choose from in a template: own facilities, routes, partners; reads only."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wasteflow.core.registry import Registry
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database
from wasteflow_models.ledger import ShipmentRow
from wasteflow_models.parties import sent_to

MOST: Final = 1000
"""Entries of a list at most."""
_PARTIES: Final = ("consignor", "consignee", "enterprise", "generator")


def template_choices(
    *, db: Database, kind: str, firms: Collection[str] | None
) -> dict[str, list[str]]:
    """Column → names to choose from; firms: the own ones (codes), None for everybody's.

    The own firms come first, then those most was exchanged with, then the others.
    """
    with db.read() as session:
        keys = load_keys(session)
        registry = keys.registry
        own = sorted(set(firms) & set(registry.enterprises)) if firms is not None else []
        partners = _partners(session, keys, own)
    others = [code for code in sorted(registry.enterprises) if code not in {*own, *partners}]
    parties = [_name(registry, code) for code in [*own, *partners, *others][:MOST]]
    mine = set(own) if firms is not None else set(registry.enterprises)
    facilities = [
        code for code, item in sorted(registry.facilities.items()) if item.enterprise in mine
    ][:MOST]
    there = [
        code
        for code, item in sorted(registry.facilities.items())
        if item.enterprise in set(partners)
    ][:MOST]
    found = {name: parties for name in _PARTIES}
    found |= {
        "material": [item.name_zh or code for code, item in sorted(registry.materials.items())],
        "route": _routes(registry),
        "facility": facilities,
        "from_facility": facilities,
        "to_facility": there or facilities,
        "park": sorted(registry.parks)[:MOST],
        "region": sorted(registry.regions)[:MOST],
    }
    if kind == "facilities":  # several materials and routes may stand there, by code
        found |= {"material": sorted(registry.materials), "route": sorted(registry.routes)}
    return found


def _partners(session: Session, keys: Keys, own: Collection[str]) -> list[str]:
    """Firms that sent to or received from the own ones, most loads first."""
    ids = [keys.id_of("enterprise", code) for code in own]
    if not ids:
        return []
    counts: dict[int, int] = {}
    row = ShipmentRow
    sides = (
        (row.consignor_id.in_(ids), row.consignee_id),
        (sent_to(session, ids), row.consignor_id),
    )
    for mine, other in sides:
        query = select(other, func.count()).where(mine).group_by(other).order_by(other)
        for firm, count in session.execute(query):
            counts[firm] = counts.get(firm, 0) + count
    codes = keys.codes["enterprise"]
    ordered = sorted(counts, key=lambda firm: (-counts[firm], firm))
    return [codes[firm] for firm in ordered if firm in codes and codes[firm] not in own]


def _name(registry: Registry, code: str) -> str:
    """The name of a firm, or its code where two firms have one name."""
    name = registry.enterprises[code].name_zh
    same = sum(item.name_zh == name for item in registry.enterprises.values()) if name else 2
    return name if same == 1 else code


def _routes(registry: Registry) -> list[str]:
    """Names of routes that one route alone has, codes of the others."""
    names = [item.name_zh for item in registry.routes.values()]
    return [
        item.name_zh if item.name_zh and names.count(item.name_zh) == 1 else code
        for code, item in sorted(registry.routes.items())
    ]
