"""Indicators of the parks of a scope and year from roll-ups, registry and what was stated.

Cost depends on links and months.  Formulas are `core.park_indicators`, words
`core.indicator_tables`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from wasteflow.core.errors import InvalidValue
from wasteflow.core.formulas import Terms
from wasteflow.core.park_indicators import (
    INDICATORS,
    INPUTS,
    Indicator,
    ParkFacts,
    exchanging,
    printed_value,
    reaches_back,
    used_by_firms,
)
from wasteflow.core.periods import Period, next_month
from wasteflow.core.rates import FirmTerms
from wasteflow.core.registry import Registry
from wasteflow.core.units import tonnes_text
from wasteflow.services.rating import firm_terms
from wasteflow.services.seals import latest_root
from wasteflow.services.statements import parks_in, stated_inputs
from wasteflow_models import queries
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Database

BASIS = "declared"
TOLD = ("generated", "utilised", "utilised_prior", "disposed", "disposed_prior", "stored")
"""Terms of the books that stand beside the indicators."""


class _Sum(Struct):
    """Terms of the firms of a park in a year; `late`: firms whose ledgers start after January."""

    terms: Terms
    late: set[str]
    found: bool = False


class _Seen(Struct, frozen=True):
    """What the books say of every firm: terms by (period, firm), waste used, who exchanges."""

    terms: Mapping[tuple[str, str], Sequence[FirmTerms]]
    used: Mapping[str, int]
    exchanging: frozenset[str]


def indicators_report(*, db: Database, scope: str, year: str) -> dict[str, Any]:
    """Every indicator of every park of a scope with its formula's evidence, inputs and thresholds.

    An indicator without its inputs has no value and says what is missing.  year: a calendar year.
    Raises InvalidValue `indicator_year`, `bad_scope`; NotFound `unknown_code`.
    """
    period = year_of(year)
    with db.read() as session:
        keys = load_keys(session)
        registry = keys.registry
        parks = parks_in(registry, scope)
        before = Period.of(next_month(period.first, -12), next_month(period.last, -12))
        items = firm_terms(session, keys, [period, before], BASIS)[0]
        flows = list(queries.period_books(session, keys, period, negatives=False).flows)
        told = stated_inputs(session, keys, parks, year=period.first // 100, history=False)
        synthetic = queries.has_synthetic(session)
        first, last = queries.ledger_months(session) or (0, 0)
        seal = latest_root(session)
    earlier = before.text if reaches_back(first, before.first) else ""
    seen = _Seen(_by_firm(items), used_by_firms(flows, registry), exchanging(flows, registry))
    rows = [
        _park(
            park,
            _facts(park, registry, seen, (period.text, earlier)),
            [item for item in told if item["park"] == park],
        )
        for park in parks
    ]
    return {
        "scope": scope,
        "period": period.text,
        "basis": BASIS,
        "synthetic": synthetic,
        "ends": last if last < period.last else None,
        "parks": rows,
        "seal": seal and {name: seal[name] for name in ("number", "head", "sealed_at")},
    }


def year_of(text: str) -> Period:
    """A calendar year; InvalidValue `indicator_year` for anything else."""
    period = Period.parse(text)
    if period.first % 100 != 1 or next_month(period.first, 11) != period.last:
        raise InvalidValue("indicator_year", value=text)
    return period


def _by_firm(items: Iterable[FirmTerms]) -> dict[tuple[str, str], list[FirmTerms]]:
    found: dict[tuple[str, str], list[FirmTerms]] = {}
    for item in items:
        found.setdefault((item.period, item.enterprise), []).append(item)
    return found


def _facts(
    park: str, registry: Registry, seen: _Seen, periods: tuple[str, str]
) -> tuple[ParkFacts, list[str]]:
    """What the books say of a park, and the firms they cannot speak of yet."""
    firms = registry.in_scope(f"park:{park}")
    now, before = (
        _sum(
            (item for firm in sorted(firms) for item in seen.terms.get((text, firm), ())), registry
        )
        for text in periods
    )
    inside = frozenset(firm for firm in firms if not registry.enterprises[firm].external)
    facts = ParkFacts(
        now.terms,
        before.terms if before.found and before.late <= now.late else None,
        sum(seen.used.get(firm, 0) for firm in firms - now.late),
        len(inside),
        len(seen.exchanging & inside),
        reason="" if now.found else "nothing_recorded",
    )
    return facts, sorted(now.late)


def _sum(items: Iterable[FirmTerms], registry: Registry) -> _Sum:
    found = _Sum(Terms(), set())
    for item in items:
        if not registry.materials[item.material].is_waste:
            continue
        if item.late:
            found.late.add(item.enterprise)
            continue
        found.terms.add(item.terms)
        found.found = True
    return found


def _park(
    park: str, read: tuple[ParkFacts, list[str]], told: list[dict[str, Any]]
) -> dict[str, Any]:
    facts, late = read
    facts = replace(facts, stated={item["input"]: Decimal(item["value"]) for item in told})
    kilograms = {name: getattr(facts.terms, f"{name}_kg") for name in TOLD}
    known = {item["input"]: _told(item) for item in told}
    return {
        "park": park,
        "left_out": late,
        "books": {
            **{f"{n}_t": None if kg is None else tonnes_text(kg) for n, kg in kilograms.items()},
            "used_in_park_t": tonnes_text(facts.used_kg),
            "firms": facts.firms,
            "linked_firms": facts.linked,
        },
        "rows": [_row(indicator, facts) for indicator in INDICATORS],
        "inputs": [known.get(name, {"input": name, "unit": INPUTS[name]}) for name in INPUTS],
    }


def _told(item: dict[str, Any]) -> dict[str, Any]:
    """A stated input with its dates as text."""
    day = item["date"]
    return {
        **item,
        "date": day and day.isoformat(),
        "recorded_at": item["recorded_at"].isoformat(),
    }


def _row(indicator: Indicator, facts: ParkFacts) -> dict[str, Any]:
    found = indicator.of(facts)
    return {
        "indicator": indicator.code,
        "unit": indicator.unit,
        "value": None if found.value is None else round(float(found.value), 9),
        "printed": printed_value(indicator.unit, found.value),
        "not_computable": found.why or None,
        "missing": list(found.missing),
        "inputs": list(indicator.inputs),
        "families": list(indicator.families),
        "evidence": indicator.evidence,
        "thresholds": [threshold._asdict() for threshold in indicator.thresholds],
    }
