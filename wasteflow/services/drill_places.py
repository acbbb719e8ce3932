"""Drill into what is no posting: mass that lies in a place, or settled there, or ended a trace.

A place's postings in, less those out, less what else became of the mass, add up to the figure to
the kilogram; each posting opens into its records (`drill.records_report`).  Reads only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from sqlalchemy.orm import Session

from wasteflow.core.errors import InvalidValue, NotFound
from wasteflow.core.periods import Period, month_text
from wasteflow.core.places import Place, PlaceKind
from wasteflow.core.postings import FlowKey
from wasteflow.core.tracing.attribution import Basis
from wasteflow.core.tracing.behind import Part
from wasteflow.core.tracing.behind_places import (
    PlaceBook,
    ended_behind,
    new_at_place,
    origin_at_place,
)
from wasteflow.core.tracing.flows import Origin, opening_year, source_name
from wasteflow.core.tracing.provenance import STOCK, Fate
from wasteflow.core.tracing.rounding import largest_remainder
from wasteflow.core.units import kg_from_tonnes, tonnes_text
from wasteflow.services.drill import AT_PLACES, SETTLED, place_of, term_report, told
from wasteflow.services.provenance import trace_report
from wasteflow.services.rating import TERRITORIAL
from wasteflow.services.tracing import Traced, traced
from wasteflow_models import queries, records
from wasteflow_models.convert import Keys, load_keys
from wasteflow_models.engine import Database

LYING, UNEXPLAINED = "lying", "unexplained"
_SOURCES = (
    PlaceKind.GENERATION,
    PlaceKind.RECIRCULATED,
    PlaceKind.OPENING,
    PlaceKind.OUTSIDE,
    PlaceKind.WEIGHING,
    PlaceKind.STOCKTAKE,
)


class _Line(Struct, frozen=True):
    """A signed part of a figure: a posting, or what else became of the mass (`what`)."""

    kg: float
    key: FlowKey | None = None
    posting_kg: int = 0
    what: str = ""


def place_report(
    *,
    db: Database,
    enterprise: str,
    material: str,
    period: Period,
    basis: str,
    term: str,
    at: str,
    include_products: bool = False,
) -> dict[str, Any]:
    """Why so much of a firm's new mass is `stored` (or `settled`) at the place `at`.

    rows: those of `drill.term_report`, postings out with a negative part_t; what settled (or lies)
    besides is a row without posting, its word in `what`.  part_t adds up to total_t, the row of the
    place in `term_report`.  Raises InvalidValue `bad_basis`, `bad_term`, `bad_place`; NotFound.
    """
    if basis == TERRITORIAL:
        raise InvalidValue("bad_basis", value=basis, known=" ".join(Basis))
    if term not in AT_PLACES:
        raise InvalidValue("bad_term", value=term, known=" ".join(AT_PLACES))
    whole = term_report(
        db=db,
        enterprise=enterprise,
        material=material,
        period=period,
        basis=basis,
        term=term,
        include_products=include_products,
    )
    total = sum(kg_from_tonnes(row["part_t"]) for row in whole["rows"] if row.get("place") == at)
    with db.read() as session:
        keys = load_keys(session)
        place = place_of(keys, at)
        books = _books(session, keys, material)
        if books is None or place not in books.chain.places:
            raise NotFound("unknown_code", what="place", value=at)
        book = new_at_place(books.operators, books.passed, enterprise, period, Basis(basis), place)
        lines = list(_moved(book, material))
        if place == Place(PlaceKind.SITE, enterprise):
            lines += _born(session, keys, material, period, place)
    if term == SETTLED:
        lines.append(_Line(-book.lying_kg, what=LYING))
    else:
        lines.append(_Line(-sum(book.settled.values()), what=SETTLED))
    return _report(lines, total, period, material, at)


def trace_part_report(
    *,
    db: Database,
    enterprise: str,
    material: str,
    period: Period,
    direction: str,
    origin: str,
    year: int,
    at: str,
    what: str,
    route: str = "",
) -> dict[str, Any]:
    """The postings one row of a trace rests on, of one origin and year (0 = unknown) alone.

    Of what lies somewhere, or settled there: every posting into and out of the place since the
    books began, those out negative.  part_t adds up to total_t, the tonnes of the row.
    Raises InvalidValue; NotFound.
    """
    trace = trace_report(
        db=db, enterprise=enterprise, material=material, period=period, direction=direction
    )
    total = sum(
        kg_from_tonnes(row["tonnes"])
        for row in trace["rows"]
        if (row["origin"], row["year_generated"] or 0) == (origin, year)
        and (row["place"], row["what"], row["route"] or "") == (at, what, route)
    )
    with db.read() as session:
        keys = load_keys(session)
        place = place_of(keys, at)
        books = _books(session, keys, material)
        source = Origin(origin, year)
        if books is None or source not in books.chain.origins:
            raise NotFound("unknown_code", what="origin", value=source.key)
        if what not in (STOCK, SETTLED):
            arguments = books.operators, books.passed, source, period
            parts = ended_behind(*arguments, Fate(place, what, route))
            return _report([_line(part, material) for part in parts], total, period, material, at)
        book = origin_at_place(books.operators, books.passed, source, period, place)
        lines = list(_moved(book, material))
        since = Period.of(books.chain.months[0].month, period.last)
        lines += _arisen(session, keys, books, since, place, source)
    inside = sum(kg for month, kg in book.settled.items() if month >= period.first)
    missing = book.lying_kg + sum(book.settled.values()) - sum(line.kg for line in lines)
    lines.append(_Line(missing, what=UNEXPLAINED))
    if what == STOCK:
        lines.append(_Line(-sum(book.settled.values()), what=SETTLED))
    else:
        lines.append(_Line(-book.lying_kg, what=LYING))
        lines.append(_Line(inside - sum(book.settled.values()), what=SETTLED))
    return _report(lines, total, period, material, at)


def _books(session: Session, keys: Keys, material: str) -> Traced | None:
    versions = queries.rollup_versions(session, keys)
    return traced(session, keys, material, versions) if material in versions else None


def _line(part: Part, material: str, sign: int = 1) -> _Line:
    key = FlowKey(part.month, part.source, part.target, material, part.route, part.evidence)
    return _Line(sign * part.kg, key, part.posting_kg)


def _moved(book: PlaceBook, material: str) -> Iterator[_Line]:
    yield from (_line(part, material) for part in book.came)
    yield from (_line(part, material, -1) for part in book.went)


def _born(
    session: Session, keys: Keys, material: str, period: Period, place: Place
) -> Iterator[_Line]:
    """Generation at the place in the period."""
    born = (int(PlaceKind.GENERATION), "")
    for key, kg, _ in records.rollup_rows(
        session, keys, period.first, period.last, source=born, target=place, material=material
    ):
        yield _Line(float(kg), key, kg)


def _arisen(
    session: Session, keys: Keys, books: Traced, period: Period, place: Place, origin: Origin
) -> Iterator[_Line]:
    """Postings from a boundary into the place that are mass of the origin."""
    for kind in _SOURCES:
        for key, kg, _ in records.rollup_rows(
            session,
            keys,
            period.first,
            period.last,
            source=(int(kind), ""),
            target=place,
            material=books.material,
        ):
            opening = key.source.kind is PlaceKind.OPENING
            year = opening_year(key.source) if opening else key.month // 100
            if Origin(source_name(key.source, place, books.generators), year) == origin:
                yield _Line(float(kg), key, kg)


def _report(
    lines: Sequence[_Line], total: int, period: Period, material: str, at: str
) -> dict[str, Any]:
    """The lines in whole kilograms that add up to `total`."""
    kept = [line for line in lines if abs(line.kg) > 5e-7]
    kept.sort(key=lambda line: (line.key is None, line.key or (), line.what))
    whole = largest_remainder(np.array([line.kg for line in kept]), total)
    rows = []
    for line, kg in zip(kept, whole.tolist(), strict=True):
        if line.key is not None:
            rows.append(told({**line.key._asdict(), "posting_kg": line.posting_kg, "kg": kg}))
        elif kg:
            rows.append(
                {
                    "month": month_text(period.last),
                    "source": at,
                    "target": "",
                    "material": material,
                    "route": "",
                    "evidence": "",
                    "what": line.what,
                    "posting_t": None,
                    "part_t": tonnes_text(kg),
                }
            )
    return {
        "period": period.text,
        "material": material,
        "place": at,
        "total_t": tonnes_text(total),
        "rows": rows,
    }
