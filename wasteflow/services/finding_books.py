"""Findings that follow from the roll-up, the registry and tracing: their cost is links × months."""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Hashable, Iterator
from datetime import date

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from wasteflow.core import finding_rules as rules
from wasteflow.core.balances import Balance, balances
from wasteflow.core.books import Names
from wasteflow.core.coefficients import GENERATION, MOISTURE
from wasteflow.core.crosscheck import crosscheck
from wasteflow.core.finding_rules import Found
from wasteflow.core.periods import Period, month_text, next_month
from wasteflow.core.places import PlaceKind
from wasteflow.core.registry import Facility, Registry
from wasteflow.core.rules import PROVINCE_DIGITS, takes
from wasteflow.core.units import tonnes_text
from wasteflow.services.checking import stale_rows
from wasteflow.services.provenance import after_credits, loop_reports
from wasteflow_models import findings, month_flows, products, queries
from wasteflow_models.convert import Keys
from wasteflow_models.kept import Kept

MONTHS = 12
"""Months back from the end of the books that are looked at one by one."""
_kept_months: Kept[Hashable, list[Found]] = Kept(2 * MONTHS)
Flow = tuple[int, str, str, str, str, int]
"""(month, consignor, consignee, material, route, kilograms)."""


def book_findings(session: Session, keys: Keys) -> list[Found]:
    """Every finding of the roll-up as it is now."""
    span = queries.ledger_months(session)
    if span is None:
        return []
    first, last = span
    recent = Period.of(max(first, next_month(last, -(MONTHS - 1))), last)
    flows = _flows(session, keys, first, last)
    return [
        *_negative(session, keys, Period.of(first, last)),
        *_unbalanced(session, keys, recent),
        *_stale(session, keys),
        *_borders(keys.registry, flows.border, recent),
        *_quotas(keys.registry, flows.border),
        *_receivers(keys.registry, flows.limited, recent),
        *_conditional(session, keys, flows.conditional, last),
        *_coefficients(session, keys, last),
        *_traced(session, keys, recent),
    ]


def _last_day(month: int) -> date:
    year, number = divmod(month, 100)
    return date(year, number, calendar.monthrange(year, number)[1])


def _first_day(month: int) -> date:
    return date(month // 100, month % 100, 1)


# --- stock -------------------------------------------------------------------------------------


def _negative(session: Session, keys: Keys, whole: Period) -> Iterator[Found]:
    books = queries.period_books(session, keys, whole)
    for line in balances(books, keys.registry.enterprises):
        if line.negative:
            yield _of_line("negative_stock", line, 0, tonnes_text(line.shortage_kg))


def _unbalanced(session: Session, keys: Keys, recent: Period) -> Iterator[Found]:
    """Months are kept as long as nothing up to their end was written."""
    for month in recent.months():
        key = month, month_flows.state(session, keys, 0, month, "")
        found = _kept_months.get(key)
        if found is None:
            books = queries.period_books(session, keys, Period.of(month, month))
            lines = balances(books, keys.registry.enterprises)
            found = _kept_months.put(
                key,
                [
                    _of_line("unbalanced_month", line, month, tonnes_text(line.residual_kg))
                    for line in lines
                    if line.unbalanced
                ],
            )
        yield from found


def _of_line(kind: str, line: Balance, month: int, tonnes: str) -> Found:
    told = {"compartment": line.compartment, "tonnes": tonnes}
    told |= {"closing_t": tonnes_text(line.closing_kg), "residual_t": tonnes_text(line.residual_kg)}
    return Found(
        kind,
        f"{kind}|{line.enterprise}|{line.compartment}|{line.material}|{month}",
        line.enterprise,
        line.material,
        month,
        "balance",
        f"enterprise:{line.enterprise}",
        _first_day(month) if month else None,
        told | ({"month": month_text(month)} if month else {}),
    )


def _stale(session: Session, keys: Keys) -> Iterator[Found]:
    for row, then_kg, now_kg in stale_rows(session, keys):
        if not rules.count_changed(then_kg, now_kg):
            continue
        firm = keys.codes["enterprise"][row.enterprise_id]
        yield Found(
            "stocktake_stale",
            f"stocktake_stale|{row.uid}",
            firm,
            keys.codes["material"][row.material_id],
            row.month,
            "entry",
            str(row.uid),
            None,
            {
                "record": row.doc_no,
                "compartment": row.compartment,
                "before": tonnes_text(then_kg),
                "after": tonnes_text(now_kg),
            },
        )


# --- links -------------------------------------------------------------------------------------


class _Flows(Struct, frozen=True):
    """Sums by link and month: dispatches between provinces, receipts at firms with limits,
    dispatches on conditional routes."""

    border: list[Flow]
    limited: list[Flow]
    conditional: list[Flow]


def _flows(session: Session, keys: Keys, first: int, last: int) -> _Flows:
    sums: list[defaultdict[tuple[int, str, str, str, str], int]]
    sums = [defaultdict(int) for _ in range(3)]
    for part in month_flows.month_flows(session, keys, first, last):
        names = month_flows.numbering(session, keys).names
        marks = _marks(names, keys.registry)
        site, road = PlaceKind.SITE, PlaceKind.TRANSIT
        from_site, from_road = (names.kinds[part.source] == kind for kind in (site, road))
        masks = (
            marks.crosses[part.target] & from_site,
            marks.bound[part.target] & from_road,
            marks.conditional[part.route] & from_site & (names.kinds[part.target] == road),
        )
        for number, (mask, found) in enumerate(zip(masks, sums, strict=True)):
            columns = (part.source, part.target, part.route, part.kg)
            rows = zip(*(column[mask].tolist() for column in columns), strict=True)
            for source, target, route, kg in rows:
                link = names.places[source if number == 1 else target]
                goal = names.places[target].a if number == 1 else link.b
                key = part.month, link.a, goal, names.materials[part.material], names.routes[route]
                found[key] += kg
    return _Flows(*([(*key, kg) for key, kg in sorted(found.items())] for found in sums))


class _Marks(Struct, frozen=True):
    """Which places are roads between provinces, or sites with limits; which routes conditional."""

    crosses: NDArray[np.bool_]
    bound: NDArray[np.bool_]
    conditional: NDArray[np.bool_]


def _marks(names: Names, registry: Registry) -> _Marks:
    """Kept with the names, which are made anew with the registry."""
    held = names.memo.get("finding_marks")
    if isinstance(held, _Marks):
        return held
    province = {code: registry.region_of(code)[:PROVINCE_DIGITS] for code in registry.enterprises}
    limited = {
        firm
        for firm, facilities in registry.facilities_of.items()
        if any(item.capacity_kg_per_year or item.valid_from or item.valid_to for item in facilities)
    }
    crosses = [
        place.kind == PlaceKind.TRANSIT
        and bool(province.get(place.a) and province.get(place.b))
        and province[place.a] != province[place.b]
        for place in names.places
    ]
    bound = [place.kind == PlaceKind.SITE and place.a in limited for place in names.places]
    conditional = [
        code in registry.routes and registry.routes[code].conditional for code in names.routes
    ]
    made = _Marks(*(np.array(mask, bool) for mask in (crosses, bound, conditional)))
    names.memo["finding_marks"] = made
    return made


def _conditional(session: Session, keys: Keys, sent: list[Flow], last: int) -> Iterator[Found]:
    """Links that use a conditional route this year or the last without a document."""
    links: defaultdict[tuple[str, str, str, str, int], int] = defaultdict(int)
    for month, giver, taker, stuff, route, kg in sent:
        if month // 100 >= last // 100 - 1:
            links[giver, taker, stuff, route, month // 100] += kg
    documented = findings.documented_links(session)
    ids = keys.ids
    for (giver, taker, stuff, route, year), kg in sorted(links.items()):
        firms = ids["enterprise"][giver], ids["enterprise"][taker]
        link = (*firms, ids["material"][stuff], ids["route"][route], year)
        if kg > 0 and rules.undocumented(True, int(link in documented)):
            yield Found(
                "conditional_undocumented",
                f"conditional_undocumented|{giver}|{taker}|{stuff}|{route}|{year}",
                giver,
                stuff,
                0,
                "loads",
                f"party={giver}&material={stuff}&period={year}",
                date(year, 1, 1),
                {"partner": taker, "route": route, "tonnes": tonnes_text(kg), "year": str(year)},
            )


def _link_ref(month: int, consignor: str, material: str) -> str:
    return f"party={consignor}&material={material}&period={month_text(month)}"


def _borders(registry: Registry, sent: list[Flow], recent: Period) -> Iterator[Found]:
    for month, giver, taker, stuff, _, kg in sent:
        if not recent.first <= month <= recent.last or kg <= 0:
            continue
        days = (_first_day(month), _last_day(month))
        crossed = [rules.unfiled(registry, giver, taker, stuff, day) for day in days]
        if all(crossed):
            yield Found(
                "border_unfiled",
                f"border_unfiled|{giver}|{taker}|{stuff}|{month}",
                giver,
                stuff,
                month,
                "loads",
                _link_ref(month, giver, stuff),
                _first_day(month),
                {"partner": taker, "tonnes": tonnes_text(kg), "month": month_text(month)},
            )


def _quotas(registry: Registry, sent: list[Flow]) -> Iterator[Found]:
    for code, filing in sorted(registry.filings.items()):
        if filing.quota_kg is None:
            continue
        first = filing.valid_from.year * 100 + filing.valid_from.month if filing.valid_from else 0
        last = filing.valid_to.year * 100 + filing.valid_to.month if filing.valid_to else 999_912
        ends = filing.from_region[:PROVINCE_DIGITS], filing.to_region[:PROVINCE_DIGITS]
        mine = [
            (giver, kg)
            for month, giver, taker, stuff, _, kg in sent
            if first <= month <= last
            and filing.enterprise in ("", giver)
            and (not filing.materials or stuff in filing.materials)
            and ends[0] in ("", registry.region_of(giver)[:PROVINCE_DIGITS])
            and ends[1] in ("", registry.region_of(taker)[:PROVINCE_DIGITS])
        ]
        total = sum(kg for _, kg in mine)
        if mine and rules.over_limit(total, filing.quota_kg):
            yield Found(
                "over_quota",
                f"over_quota|{code}",
                filing.enterprise or max(mine, key=lambda item: item[1])[0],
                next(iter(sorted(filing.materials)), ""),
                0,
                "filing",
                code,
                filing.valid_from,
                {
                    "filing": filing.document or code,
                    "tonnes": tonnes_text(total),
                    "quota": tonnes_text(filing.quota_kg),
                    "senders": ", ".join(sorted({giver for giver, _ in mine})),
                },
            )


def _receivers(registry: Registry, taken: list[Flow], recent: Period) -> Iterator[Found]:
    """Facilities over their yearly capacity, or receiving outside their permit."""
    yearly: defaultdict[tuple[str, int], int] = defaultdict(int)
    late: dict[tuple[str, str], tuple[int, str, int]] = {}
    fits: dict[tuple[str, str, str], list[Facility]] = {}
    for month, _, firm, stuff, code, kg in taken:
        route, held = registry.routes[code], registry.facilities_of.get(firm, [])
        if (firm, stuff, code) not in fits:
            fits[firm, stuff, code] = [item for item in held if takes(item, route, stuff)]
        fitting = fits[firm, stuff, code]
        if len(fitting) == 1:  # of several nobody knows which one took it
            yearly[fitting[0].code, month // 100] += kg
        if not any(item.valid_from or item.valid_to for item in fitting):
            continue
        gone = rules.permit_over(route, stuff, held, _first_day(month))
        if gone is not None and recent.first <= month <= recent.last and kg > 0:
            first, _, before = late.get((gone.code, firm), (month, stuff, 0))
            late[gone.code, firm] = first, stuff, before + kg
    for (code, year), kg in sorted(yearly.items()):
        facility = registry.facilities[code]
        limit = facility.capacity_kg_per_year
        if year in (recent.first // 100, recent.last // 100) and rules.over_limit(kg, limit):
            told = {"tonnes": tonnes_text(kg), "capacity": tonnes_text(limit or 0)}
            told |= {"facility": facility.name or code, "year": str(year)}
            yield Found(
                "over_capacity",
                f"over_capacity|{code}|{year}",
                facility.enterprise,
                "",
                0,
                "facility",
                code,
                date(year, 1, 1),
                told,
            )
    for (code, firm), (month, stuff, kg) in sorted(late.items()):
        facility = registry.facilities[code]
        told = {"facility": facility.name or code, "tonnes": tonnes_text(kg)}
        told |= {"until": str(facility.valid_to or facility.valid_from or "")}
        yield Found(
            "permit_expired",
            f"permit_expired|{code}",
            firm,
            stuff,
            month,
            "facility",
            code,
            _first_day(month),
            told,
        )


# --- output and tracing ------------------------------------------------------------------------


def _coefficients(session: Session, keys: Keys, last: int) -> Iterator[Found]:
    """Generation against output, year by year, this one and the one before."""
    known = products.coefficients(session, keys, [GENERATION, MOISTURE])
    for year in (last // 100 - 1, last // 100):
        period = Period.parse(str(year))
        outputs = products.product_outputs(session, keys, period)
        generated = products.generation_by_month(session, keys, period)
        for line in crosscheck(outputs, generated, known):
            if rules.generation_off(line.finding):
                yield Found(
                    "coefficient_off",
                    f"coefficient_off|{line.enterprise}|{line.material}|{year}",
                    line.enterprise,
                    line.material,
                    0,
                    "crosscheck",
                    str(year),
                    date(year, 1, 1),
                    {"tonnes": tonnes_text(line.generated_kg), "year": str(year)},
                )


def _traced(session: Session, keys: Keys, recent: Period) -> Iterator[Found]:
    """Loops on paper, and what was declared as used and disposed of later."""
    for stuff, report in loop_reports(session, keys, recent):
        for loop in report.loops:
            if rules.looped(loop.repeat_kg):
                members = sorted(loop.members)
                yield Found(
                    "paper_loop",
                    f"paper_loop|{stuff}|{'+'.join(members)}"[:400],
                    members[0],
                    stuff,
                    0,
                    "gap",
                    stuff,
                    None,
                    {"firms": ", ".join(members), "tonnes": tonnes_text(round(loop.repeat_kg))},
                )
    for stuff, firm, kg in after_credits(session, keys, recent):
        if firm in keys.registry.enterprises and rules.disposed_later(kg):
            yield Found(
                "declared_then_disposed",
                f"declared_then_disposed|{firm}|{stuff}",
                firm,
                stuff,
                0,
                "gap",
                stuff,
                None,
                {"tonnes": tonnes_text(round(kg))},
            )
