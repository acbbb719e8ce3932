"""Break-even distances of every waste and use route from the operator's prices; reads only."""

from __future__ import annotations

from typing import Any

from wasteflow.core.symbiosis.prices import KINDS, Prices
from wasteflow.core.symbiosis.radius import Radius, radii, radius_row
from wasteflow.services.reports import check_material
from wasteflow_models import products
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database


def break_even_radii(*, db: Database, material: str = "") -> tuple[Radius, ...]:
    """One per waste and use route, in order of their codes.  Raises NotFound `unknown_code`."""
    with db.read() as session:
        keys = load_keys(session)
        check_material(keys.registry, material)
        prices = Prices(products.coefficients(session, keys, KINDS))
    return radii(keys.registry, prices, material)


def break_even_report(*, db: Database, material: str = "") -> dict[str, Any]:
    """The same as rows: `answer` is reaches, never, always or unknown.  Raises NotFound."""
    return {"rows": [radius_row(item) for item in break_even_radii(db=db, material=material)]}
