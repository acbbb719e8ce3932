"""Named read queries for the cross-check: product output, generation by month, coefficients.

Every one is ordered and returns plain data, so callers compute after the transaction has ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from fractions import Fraction

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wasteflow.core.coefficients import Coefficient
from wasteflow.core.crosscheck import Output
from wasteflow.core.periods import Period
from wasteflow.core.places import PlaceKind
from wasteflow_models import month_flows
from wasteflow_models.convert import Keys
from wasteflow_models.ledger import ProductRow
from wasteflow_models.registry import CoefficientRow

ProductKey = tuple[int, str, date]
"""(enterprise id, product, day): one row in force at most."""


def product_outputs(session: Session, keys: Keys, period: Period) -> list[Output]:
    """Outputs in force of a period, summed by enterprise, product, month and P2O5 content."""
    row = ProductRow
    query = (
        select(row.enterprise_id, row.product, row.month, row.p2o5, func.sum(row.kg))
        .where(row.month >= period.first, row.month <= period.last, ~row.reversed_)
        .group_by(row.enterprise_id, row.product, row.month, row.p2o5)
        .order_by(row.enterprise_id, row.product, row.month, row.p2o5)
    )
    firm = keys.codes["enterprise"]
    return [
        Output(firm[enterprise], product, month, int(kg), p2o5)
        for enterprise, product, month, p2o5, kg in session.execute(query)
    ]


def generation_by_month(
    session: Session, keys: Keys, period: Period
) -> dict[tuple[str, str], dict[int, int]]:
    """(enterprise, material) → month → kilograms generated, without what is flagged `from_use`."""
    months = month_flows.month_flows(session, keys, period.first, period.last)
    names = month_flows.numbering(session, keys).names
    found: dict[tuple[str, str], dict[int, int]] = {}
    for item in months:
        born = names.kinds[item.source] == PlaceKind.GENERATION
        for place, kg in zip(item.target[born].tolist(), item.kg[born].tolist(), strict=True):
            owner = names.places[place].a, names.materials[item.material]
            by_month = found.setdefault(owner, {})
            by_month[item.month] = by_month.get(item.month, 0) + kg
    return dict(sorted(found.items()))


def coefficients(session: Session, keys: Keys, kinds: Iterable[str]) -> list[Coefficient]:
    """Coefficients of some kinds in order of code; blank ends are None."""
    row = CoefficientRow
    query = select(row).where(row.kind.in_(sorted(kinds))).order_by(row.code)
    return [
        Coefficient(
            code=item.code,
            kind=item.kind,
            material=keys.codes["material"][item.material_id or 0],
            driver=item.driver,
            low=_number(item.low),
            typical=_number(item.typical),
            high=_number(item.high),
            unit=item.unit,
            source=item.source,
        )
        for item in session.scalars(query)
    ]


def _number(text: str) -> Fraction | None:
    return Fraction(text) if text else None


def products_in_force(
    session: Session, first: date | None = None, last: date | None = None
) -> list[ProductRow]:
    """Rows in force dated first..last (None = open), in the order they were recorded."""
    query = select(ProductRow).where(~ProductRow.reversed_).order_by(ProductRow.id)
    if first is not None:
        query = query.where(ProductRow.day >= first)
    if last is not None:
        query = query.where(ProductRow.day <= last)
    return list(session.scalars(query))


def last_takes(session: Session, first: date, last: date) -> dict[ProductKey, int]:
    """Key → highest `take` of rows dated first..last, reversed ones included."""
    row = ProductRow
    query = (
        select(row.enterprise_id, row.product, row.day, func.max(row.take))
        .where(row.day >= first, row.day <= last)
        .group_by(row.enterprise_id, row.product, row.day)
        .order_by(row.enterprise_id, row.product, row.day)
    )
    return {(firm, product, day): take for firm, product, day, take in session.execute(query)}
