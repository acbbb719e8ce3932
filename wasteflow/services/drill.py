"""Drill: a figure of a firm → the postings that make it → the records behind a posting.

Sums agree at each step to the kilogram: the parts of the postings add up to the figure as the rates
report gives it, the records of a posting to its kilograms.  Reads only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from wasteflow.core.errors import InvalidValue, NotFound
from wasteflow.core.formulas import Terms
from wasteflow.core.periods import Period, month_text, shanghai_day
from wasteflow.core.places import Place, PlaceKind
from wasteflow.core.postings import FlowKey, Posting, entry_postings, load_postings
from wasteflow.core.tracing.attribution import Basis
from wasteflow.core.tracing.behind import BEHIND, Part, postings_behind, stored_behind
from wasteflow.core.tracing.behind_places import Treated, settled_behind, treated_behind
from wasteflow.core.tracing.rounding import largest_remainder
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import EVIDENCE, Evidence
from wasteflow.services.rating import BASES, TERRITORIAL, firm_terms
from wasteflow.services.reports import check_material
from wasteflow.services.tracing import traced
from wasteflow_models import queries, records
from wasteflow_models.convert import Keys, entry_record, load_header, load_keys, load_status
from wasteflow_models.engine import Database

GENERATED, STORED, TREATED, SETTLED = "generated", "stored", "treated", "settled"
TERMS = (GENERATED, *BEHIND, STORED, TREATED, SETTLED)
AT_PLACES = (STORED, SETTLED)
"""Terms that are mass in places and no postings; `drill_places` opens a place."""
COMPARTMENTS = {"site": PlaceKind.SITE, "yard": PlaceKind.YARD, "transit": PlaceKind.TRANSIT}
DIRECTIONS = ("in", "out")
ALL_RECORDS = 1_000_000
"""More records than stand behind any posting."""


def term_report(
    *,
    db: Database,
    enterprise: str,
    material: str = "",
    period: Period,
    basis: str = "declared",
    term: str = "utilised",
    include_products: bool = False,
    by_route: bool = False,
) -> dict[str, Any]:
    """The postings that make one term of a generator, and how much of each was its mass.

    rows: {month, source, target, material, route, evidence, posting_t, part_t}; part_t adds up to
    total_t, the term of the rates report (`by_route`: of the one grouped by route, whose kilograms
    are rounded per route).  For `stored` and `settled` a row is a place: posting_t is None.
    Raises InvalidValue `bad_term`, `bad_basis`; NotFound.
    """
    if term not in TERMS:
        raise InvalidValue("bad_term", value=term, known=" ".join(TERMS))
    if basis not in BASES:
        raise InvalidValue("bad_basis", value=basis, known=" ".join(BASES))
    with db.read() as session:
        keys = load_keys(session)
        _check_firm(keys, enterprise)
        check_material(keys.registry, material)
        synthetic = queries.has_synthetic(session)
        items = [
            item
            for item in firm_terms(session, keys, [period], basis, material)[0]
            if item.enterprise == enterprise
            and not item.late
            and (include_products or keys.registry.materials[item.material].is_waste)
        ]
        rows: list[dict[str, Any]] = []
        for item in items:
            rows += _rows(session, keys, enterprise, item.material, period, basis, term, item.terms)
    total = sum(getattr(item.terms, f"{term}_kg") or 0 for item in items)
    return {
        "enterprise": enterprise,
        "material": material,
        "period": period.text,
        "basis": basis,
        "term": term,
        "synthetic": synthetic,
        "total_t": tonnes_text(total),
        "rows": [told(row) for row in sorted(rows, key=_order)],
    }


def _rows(
    session: Session,
    keys: Keys,
    firm: str,
    material: str,
    period: Period,
    basis: str,
    term: str,
    terms: Terms,
) -> list[dict[str, Any]]:
    """The rows of one material; `kg` whole kilograms."""
    if term == GENERATED:
        born: tuple[int, str] = (PlaceKind.GENERATION, "")
        return _exact(session, keys, period, material, born, (PlaceKind.SITE, firm))
    if basis == TERRITORIAL:
        used: tuple[int, str] = (PlaceKind.USE, "")
        if term != "utilised":
            return []
        return _exact(session, keys, period, material, (PlaceKind.SITE, firm), used)
    books = traced(session, keys, material, queries.rollup_versions(session, keys))
    arguments = books.operators, books.passed, firm, period, Basis(basis)
    total = getattr(terms, f"{term}_kg") or 0
    if term == TREATED:
        return _treated(session, keys, material, treated_behind(*arguments), total)
    if term in AT_PLACES:
        lying = stored_behind(*arguments) if term == STORED else settled_behind(*arguments)
        whole = largest_remainder(np.array([item.kg for item in lying]), total)
        return [
            {"place": item.place, "material": material, "posting_kg": None, "kg": kg}
            for item, kg in zip(lying, whole.tolist(), strict=True)
            if kg
        ]
    parts = postings_behind(*arguments, term)
    if term != "utilised":
        return _rounded(parts, material, total)
    rows = []
    for (route, grade), kg in sorted(terms.split.items()):
        mine = [p for p in parts if p.evidence == grade and route in ("", p.route)]
        rows += _rounded(mine, material, kg)
    return rows


def _rounded(parts: Sequence[Part], material: str, total: int) -> list[dict[str, Any]]:
    """Parts in whole kilograms that add up to `total`."""
    whole = largest_remainder(np.array([part.kg for part in parts]), total)
    return [
        {
            "month": part.month,
            "source": part.source,
            "target": part.target,
            "material": material,
            "route": part.route,
            "evidence": part.evidence,
            "posting_kg": part.posting_kg,
            "kg": kg,
        }
        for part, kg in zip(parts, whole.tolist(), strict=True)
        if kg
    ]


def _treated(
    session: Session, keys: Keys, material: str, found: Sequence[Treated], total: int
) -> list[dict[str, Any]]:
    """Treatment postings with their parts; those of a site and month share by their kilograms."""
    rows: list[dict[str, Any]] = []
    parts: list[float] = []
    for item in found:
        postings = list(
            records.rollup_rows(
                session,
                keys,
                item.month,
                item.month,
                source=item.place,
                target=item.place,
                material=material,
            )
        )
        whole = sum(kg for _, kg, _ in postings)
        for key, kg, _ in postings:
            rows.append({**key._asdict(), "posting_kg": kg})
            parts.append(item.kg * kg / whole)
    rounded = largest_remainder(np.array(parts), total)
    return [{**row, "kg": kg} for row, kg in zip(rows, rounded.tolist(), strict=True) if kg]


def _exact(
    session: Session, keys: Keys, period: Period, material: str, source: Any, target: Any
) -> list[dict[str, Any]]:
    """Roll-up rows that stand in a figure as they are."""
    found = records.rollup_rows(
        session, keys, period.first, period.last, source=source, target=target, material=material
    )
    return [{**key._asdict(), "posting_kg": kg, "kg": kg} for key, kg, _ in found]


def _order(row: dict[str, Any]) -> tuple[Any, ...]:
    place = row.get("place") or row["source"]
    return row.get("month", 0), row["material"], place, row.get("target", place), row.get("route")


def told(row: dict[str, Any]) -> dict[str, Any]:
    """A row of a report: a posting with its part, or a place."""
    posting = row["posting_kg"]
    told = {
        "material": row["material"],
        "posting_t": None if posting is None else tonnes_text(posting),
        "part_t": tonnes_text(row["kg"]),
    }
    if "place" in row:
        return {"place": row["place"].key, **told}
    return {
        "month": month_text(row["month"]),
        "source": row["source"].key,
        "target": row["target"].key,
        "route": row["route"],
        "evidence": row["evidence"].word,
        **told,
    }


def moves_report(
    *,
    db: Database,
    period: Period,
    material: str = "",
    enterprise: str = "",
    compartment: str = "site",
    direction: str = "in",
    source: str = "",
    target: str = "",
) -> dict[str, Any]:
    """Roll-up rows into or out of a compartment of a firm, or from one place key to another.

    rows: {month, source, target, material, route, evidence, loads, posting_t, part_t}, both masses
    the same.  Raises InvalidValue `bad_place`, NotFound.
    """
    with db.read() as session:
        keys = load_keys(session)
        check_material(keys.registry, material)
        ends: dict[str, Any] = {}
        if source or target:
            ends["source"] = place_of(keys, source) if source else None
            ends["target"] = place_of(keys, target) if target else None
        else:
            _check_firm(keys, enterprise)
            if compartment not in COMPARTMENTS or direction not in DIRECTIONS:
                raise InvalidValue("bad_place", value=f"{compartment}:{direction}")
            end = "target" if direction == "in" else "source"
            ends[end] = (COMPARTMENTS[compartment], enterprise)
        found = list(
            records.rollup_rows(session, keys, period.first, period.last, material=material, **ends)
        )
        synthetic = queries.has_synthetic(session)
    rows = [
        {**told({**key._asdict(), "posting_kg": kg, "kg": kg}), "loads": n} for key, kg, n in found
    ]
    return {
        "period": period.text,
        "material": material,
        "synthetic": synthetic,
        "total_t": tonnes_text(sum(kg for _, kg, _ in found)),
        "rows": rows,
    }


def records_report(
    *,
    db: Database,
    month: int,
    source: str,
    target: str,
    material: str,
    route: str = "",
    evidence: str = "",
    limit: int = 50,
    offset: int = 0,
) -> dict[str, Any]:
    """The loads or entries behind one roll-up key, `limit` of them from `offset`.

    total_t adds up every record, rollup_t is what the roll-up holds; both are the same unless
    `check` finds a fault.  Raises InvalidValue `bad_place`, `bad_evidence`; NotFound.
    """
    if evidence not in EVIDENCE:
        raise InvalidValue("bad_evidence", value=evidence, known=" ".join(EVIDENCE))
    with db.read() as session:
        keys = load_keys(session)
        check_material(keys.registry, material)
        if route and route not in keys.registry.routes:
            raise NotFound("unknown_code", what="route", value=route)
        ends = place_of(keys, source), place_of(keys, target)
        key = FlowKey(month, *ends, material, route, Evidence(EVIDENCE[evidence]))
        behind = _loads(session, keys, key) if _on_road(key) else _entries(session, keys, key)
        page = [make() for _, make in behind[offset : offset + limit]]
        held = sum(
            kg
            for found, kg, _ in records.rollup_rows(
                session, keys, month, month, source=ends[0], target=ends[1], material=material
            )
            if found == key
        )
        synthetic = queries.has_synthetic(session)
    return {
        "month": month_text(month),
        "source": source,
        "target": target,
        "material": material,
        "route": route,
        "evidence": evidence,
        "synthetic": synthetic,
        "kind": "load" if _on_road(key) else "entry",
        "count": len(behind),
        "total_t": tonnes_text(sum(kg for kg, _ in behind)),
        "rollup_t": tonnes_text(held),
        "rows": page,
    }


_Behind = list[tuple[int, Callable[[], dict[str, Any]]]]


def _on_road(key: FlowKey) -> bool:
    return PlaceKind.TRANSIT in (key.source.kind, key.target.kind)


def _kg(postings: Sequence[Posting], key: FlowKey) -> int:
    """Kilograms of a record under a key."""
    return sum(posting.kg for posting in postings if posting.key == key)


def _loads(session: Session, keys: Keys, key: FlowKey) -> _Behind:
    near = [
        (row, _kg(load_postings(load_header(row, keys), load_status(row)), key))
        for row in records.loads_near(session, keys, key)
    ]
    rows = [(row, kg) for row, kg in near if kg]
    lost = records.lost_moments(session, [row.id for row, _ in rows if row.lost_month])
    firm = keys.codes["enterprise"]

    def told(row: Any, kg: int) -> dict[str, Any]:
        ended = row.received_at or lost.get(row.id)
        return {
            "doc_no": row.doc_no,
            "consignor": firm[row.consignor_id],
            "consignee": firm[row.consignee_id],
            "dispatched_on": _day(row.dispatched_at),
            "received_on": _day(ended),
            "dispatched_t": tonnes_text(row.dispatched_kg),
            "accepted_t": tonnes_text(row.accepted_kg),
            "vehicle": row.vehicle or None,
            "ticket_no": row.ticket_no or None,
            "loads": row.trips,
            "tonnes": tonnes_text(kg),
        }

    return [(kg, lambda row=row, kg=kg: told(row, kg)) for row, kg in rows]  # type: ignore[misc]


def _day(moment: datetime | None) -> str | None:
    return None if moment is None else shanghai_day(moment).isoformat()


def _entries(session: Session, keys: Keys, key: FlowKey) -> _Behind:
    near = [
        (row, _kg(entry_postings(entry_record(row, keys)), key))
        for row in records.entries_near(session, keys, key)
    ]
    firm = keys.codes["enterprise"]

    def told(row: Any, kg: int) -> dict[str, Any]:
        return {
            "doc_no": row.doc_no,
            "enterprise": firm[row.enterprise_id],
            "kind": row.kind,
            "date": row.day.isoformat(),
            "remark": row.remark or None,
            "tonnes": tonnes_text(kg),
        }

    return [(kg, lambda row=row, kg=kg: told(row, kg)) for row, kg in near if kg]  # type: ignore[misc]


def place_of(keys: Keys, text: str) -> Place:
    """The place of a text key of registered firms and routes; InvalidValue `bad_place`."""
    try:
        place = Place.parse(text)
        keys.place_key(place)
    except (ValueError, KeyError) as error:
        raise InvalidValue("bad_place", value=text) from error
    return place


def _check_firm(keys: Keys, code: str) -> None:
    if code not in keys.registry.enterprises:
        raise NotFound("unknown_code", what="enterprise", value=code)
