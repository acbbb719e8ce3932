"""A month of a scope at a glance: generated, used, stored, sent, rates, beside two other months.

One reading of roll-ups, registry and closes; cost depends on links and months, never on loads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy.orm import Session

from wasteflow.core.balances import balances
from wasteflow.core.books import PeriodBooks
from wasteflow.core.month_sheet import AMOUNTS, LOOK_BACK, amounts, neighbours, silent
from wasteflow.core.periods import Period, month_text, next_month
from wasteflow.core.rates import FirmTerms, rate_total
from wasteflow.core.registry import Registry
from wasteflow.core.units import tonnes_text
from wasteflow.services.rating import firm_terms
from wasteflow.services.reported import firms_in_months, firms_with_books
from wasteflow.services.reports import check_material
from wasteflow_models import queries
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database
from wasteflow_models.late import closed

FORMULA: Final = "official"
BASES: Final = ("declared", "verified")
FIGURES: Final = ("generated", "declared", "verified", *AMOUNTS)
"""Figures of a month in order: generated, utilised by basis, and the amounts of the balance."""
NOT_RECORDED: Final = "month_not_recorded"
MONTHS: Final = ("now", "before", "year_before")


def month_sheet(
    *, db: Database, scope: str = "all", month: int, material: str = ""
) -> dict[str, Any]:
    """The month (yyyymm) of a scope: `figures` and `rates`, each `now`, `before`, `year_before`.

    A month before the books began has no figure, and the reason `month_not_recorded`.  `silent`:
    firms that keep books and recorded nothing in it; `open`: those that have not closed it.
    Raises InvalidValue `bad_scope`; NotFound `unknown_code`.
    """
    with db.read() as session:
        keys = load_keys(session)
        check_material(keys.registry, material)
        firms = keys.registry.in_scope(scope)
        first, last = queries.ledger_months(session) or (0, 0)
        asked = (month, *neighbours(month))
        periods = [Period.of(at, at) for at in asked if first and first <= at <= last]
        traced = {basis: firm_terms(session, keys, periods, basis, material)[0] for basis in BASES}
        books = {
            period.first: queries.period_books(
                session, keys, period, material=material, negatives=period.first == month
            )
            for period in periods
        }
        synthetic = queries.has_synthetic(session)
        own = own_firms(keys, scope)
        quiet = quiet_firms(session, keys, own, month)
        unclosed = _unclosed(session, keys, own, month)
    told = {
        word: _month(keys.registry, firms, material, traced, books.get(at), at)
        for word, at in zip(MONTHS, asked, strict=True)
    }
    return {
        "scope": scope,
        "month": month_text(month),
        "material": material or None,
        "formula": FORMULA,
        "synthetic": synthetic,
        "ends": month_text(last) if last and last < month else None,
        "months": {word: month_text(at) for word, at in zip(MONTHS, asked, strict=True)},
        "figures": [_figure(name, told) for name in FIGURES],
        "rates": [_rate(basis, told) for basis in BASES],
        "notes": sorted(
            {note for basis in BASES for note in told["now"].get(basis, _NONE)["notes"]}
        ),
        "silent": quiet,
        "open": unclosed,
    }


def month_rows(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The figures and rates of a `month_sheet` as rows for a file: tonnes, and shares of one."""
    rows = []
    for row in told["figures"]:
        cells = {"figure": row["figure"], "unit": "t"}
        for word in MONTHS:
            cells[told["months"][word]] = row[f"{word}_t"]
        rows.append(cells)
    for row in told["rates"]:
        cells = {"figure": f"rate_{row['basis']}", "unit": row["formula"]}
        for word in MONTHS:
            cells[told["months"][word]] = row[word]
        rows.append(cells)
    return [{**row, "scope": told["scope"], "synthetic": told["synthetic"]} for row in rows]


_NONE: Final[Mapping[str, Any]] = {"notes": ()}


def _month(
    registry: Registry,
    firms: frozenset[str],
    material: str,
    traced: Mapping[str, Sequence[FirmTerms]],
    books: PeriodBooks | None,
    month: int,
) -> dict[str, Any]:
    """Kilograms by the amounts' words, and the rates' total by basis; empty if not recorded."""
    if books is None:
        return {}
    found: dict[str, Any] = {
        basis: rate_total(
            (i for i in items if i.enterprise in firms and i.period == month_text(month)),
            registry,
            formula=FORMULA,
        )
        for basis, items in traced.items()
    }
    wastes = {code for code, item in registry.materials.items() if item.is_waste}
    return found | amounts(balances(books, firms, material), wastes)


def _figure(name: str, told: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A figure in each month in tonnes; None with a reason where it is not known."""
    row: dict[str, Any] = {"figure": name}
    for word in MONTHS:
        month = told[word]
        if not month:
            value, why = None, NOT_RECORDED
        elif name in AMOUNTS:
            value, why = tonnes_text(month[name]), None
        elif name == "generated":
            value, why = month["declared"]["generated_t"], None
        else:
            value = month[name]["utilised_t"]
            why = None if value is not None else month[name]["not_computable"]
        row[f"{word}_t"], row[f"{word}_not_computable"] = value, why
    return row


def _rate(basis: str, told: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {"basis": basis, "formula": FORMULA}
    for word in MONTHS:
        total = told[word].get(basis)
        row[word] = total and total["value"]
        row[f"{word}_not_computable"] = total["not_computable"] if total else NOT_RECORDED
    return row


def own_firms(keys: Keys, scope: str) -> frozenset[str]:
    """Firms of a scope that keep their own books; raises InvalidValue `bad_scope`, NotFound."""
    enterprises = keys.registry.enterprises
    return frozenset(
        code for code in keys.registry.in_scope(scope) if not enterprises[code].external
    )


def quiet_firms(session: Session, keys: Keys, firms: frozenset[str], month: int) -> list[str]:
    """Those of some firms that recorded something lately and nothing in the month."""
    months = [next_month(month, -back) for back in range(LOOK_BACK + 1)]
    found = silent(firms_in_months(session, months), month)
    return sorted(firms.intersection(keys.codes["enterprise"][key] or "" for key in found))


def _unclosed(session: Session, keys: Keys, firms: frozenset[str], month: int) -> list[str]:
    """Those of some firms with books that have not closed the month."""
    through = closed(session, keys).through
    kept = firms_with_books(session)
    late = {key for key, since in kept.items() if since <= month and through.get(key, 0) < month}
    return sorted(firms.intersection(keys.codes["enterprise"][key] or "" for key in late))
